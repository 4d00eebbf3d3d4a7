// tokenizer.json, checked. Its parts: added tokens, a normalizer, a pre-tokenizer, the model with its
// vocabulary, a post-processor and a decoder. A setting that would change the ids of a text in a way that is
// not implemented is refused, never ignored.
import { addedTokens } from './added-tokens.js';
import { byteToken } from './alphabet.js';
import { shown } from './json.js';
import { frameOf } from './special-tokens.js';
import { decodingOf } from './spelling.js';
import { normalizerOf, splitterOf } from './text-steps.js';
import { invalid, listAt, objectAt, objectOf, unlike } from './tokenizer-values.js';

/**
 * @import { Decoding } from './spelling.js'
 * @import { Frame } from './special-tokens.js'
 * @import { Normalizer, Splitter } from './text-steps.js'
 * @import { Json } from './tokenizer-values.js'
 *
 * @typedef {{ id: number, content: string, special: boolean, normalized: boolean, lstrip: boolean,
 *   rstrip: boolean }} AddedToken
 *
 * @typedef {object} BpeParts
 * @property {'BPE'} type
 * @property {[string, string][]} merges    in order of rank; all of their tokens are in the vocabulary, and
 *   none is special
 * @property {boolean} ignoresMerges        a whole word in the vocabulary is taken as it is
 * @property {boolean} byteFallback         a character without a token becomes those of its bytes
 * @property {{ token: string, id: number } | null} unknown  or else this token
 * @property {boolean} fusesUnknown         one for several
 *
 * @typedef {object} UnigramParts
 * @property {'Unigram'} type
 * @property {[string, number][]} pieces    with their scores, by id; '' for those that are special
 * @property {number} unknown               an id
 *
 * @typedef {object} Parts
 * @property {Map<string, number>} vocab    token -> id, without added tokens that are special: no text leads
 *   to these
 * @property {AddedToken[]} added
 * @property {BpeParts | UnigramParts} model
 * @property {Normalizer} normalize
 * @property {Splitter} split
 * @property {Decoding} decoding
 * @property {Frame} frame                  special tokens around a text
 */

/**
 * @param {unknown} value     parsed tokenizer.json
 * @param {unknown} config    parsed tokenizer_config.json, or undefined
 * @param {number} vocabSize  rows of the model's embedding
 * @returns {Parts}
 */
export function readTokenizer(value, config, vocabSize) {
  const json = objectOf(value, 'tokenizer.json');
  const settings = objectOf(config ?? {}, 'tokenizer_config.json');
  const model = objectAt(json.model, 'model');
  const isUnigram = model.type === 'Unigram' || (model.type === undefined && Array.isArray(model.vocab));
  const normalize = normalizerOf(json.normalizer);
  const split = splitterOf(json.pre_tokenizer);
  const decoding = decodingOf(json);
  const ids = new Ids(vocabSize);
  const pieces = isUnigram ? listAt(model.vocab, 'model.vocab').map(scoredPiece) : [];
  const vocab = vocabOf(isUnigram ? pieces.map(([piece], i) => [piece, i]) : entriesOf(model.vocab), ids);
  const added = addedOf(json.added_tokens, vocab, ids);
  const addedIds = new Map(added.map(({ content, id }) => [content, id]));
  const idOf = (/** @type {string} */ token) => addedIds.get(token) ?? vocab.get(token);
  for (const { content, special } of added) if (special) vocab.delete(content);
  return {
    vocab, added, normalize, split, decoding,
    model: isUnigram ? unigramOf(model, pieces, vocab, decoding) : bpeOf(model, vocab, idOf, decoding),
    frame: frameOf(json, settings, idOf),
  };
}

// ---- models -------------------------------------------------------------------------------------

/**
 * @param {Json} model  @param {Map<string, number>} vocab
 * @param {(token: string) => number | undefined} idOf  of special ones too  @param {Decoding} decoding
 * @returns {BpeParts}
 */
function bpeOf(model, vocab, idOf, { letters, fallback }) {
  if ((model.type ?? 'BPE') !== 'BPE') throw unlike('model.type', model.type, 'BPE and Unigram');
  if (model.dropout) throw unlike('model.dropout', model.dropout, 'null');
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[key]) throw unlike(`model.${key}`, model[key], 'empty');
  }
  const byteFallback = model.byte_fallback === true;
  if (byteFallback !== fallback) {
    throw unlike('model.byte_fallback', byteFallback, `${fallback}, as its decoder has it`);
  }
  const bytes = byteFallback ? Array.from({ length: 256 }, (_, byte) => byteToken(byte)) : [];
  const missing = bytes.find((token) => !vocab.has(token));
  if (missing) throw invalid(`tokenizer.json: the vocabulary lacks ${missing}, despite byte_fallback.`);
  return {
    type: 'BPE', byteFallback,
    unknown: letters || fallback ? null : unknownOf(model.unk_token, idOf),
    merges: mergesOf(model.merges, vocab, idOf),
    ignoresMerges: model.ignore_merges === true,
    fusesUnknown: model.fuse_unk === true,
  };
}

/** @param {unknown} token  @param {(token: string) => number | undefined} idOf */
function unknownOf(token, idOf) {
  const id = typeof token === 'string' ? idOf(token) : undefined;
  if (typeof token === 'string' && id !== undefined) return { token, id };
  throw unlike('model.unk_token', token, 'one in the vocabulary, for characters that it lacks');
}

/**
 * @param {unknown} merges  each "a b" or ["a", "b"]  @param {Map<string, number>} vocab
 * @param {(token: string) => number | undefined} idOf
 */
function mergesOf(merges, vocab, idOf) {
  /** @type {[string, string][]} */
  const pairs = [];
  for (const [rank, merge] of listAt(merges, 'model.merges').entries()) {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !isToken(pair[0]) || !isToken(pair[1])) {
      throw invalid(`tokenizer.json: merge ${rank} is ${shown(merge)}; it should be a pair of tokens.`);
    }
    const [left, right] = pair;
    if (vocab.has(left) && vocab.has(right) && vocab.has(left + right)) pairs.push([left, right]);
    else {
      const unknown = [left, right, left + right].find((token) => idOf(token) === undefined);
      if (unknown === undefined) continue; // one of them is special
      throw invalid(`tokenizer.json: merge ${rank} uses ${shown(unknown)}, which is not in the vocabulary.`);
    }
  }
  return pairs;
}

/** @param {unknown} part  of a merge */
const isToken = (part) => typeof part === 'string' && part !== '';

/**
 * @param {Json} model  @param {[string, number][]} pieces  @param {Map<string, number>} vocab
 * @param {Decoding} decoding
 * @returns {UnigramParts}
 */
function unigramOf({ unk_id: unknown, byte_fallback: byteFallback }, pieces, vocab, { letters, fallback }) {
  if (letters) throw unlike('pre_tokenizer of a Unigram', 'ByteLevel', 'those of SentencePiece');
  if (byteFallback || fallback) throw unlike('byte fallback of a Unigram', true, 'none');
  if (typeof unknown !== 'number' || !pieces[unknown]) {
    throw unlike('model.unk_id', unknown, 'the index of a piece');
  }
  const plain = pieces.map(([piece, score]) => [vocab.has(piece) ? piece : '', score]);
  return { type: 'Unigram', pieces: /** @type {[string, number][]} */ (plain), unknown };
}

/** @param {unknown} entry  @param {number} i  @returns {[string, number]} */
function scoredPiece(entry, i) {
  if (Array.isArray(entry) && typeof entry[0] === 'string' && Number.isFinite(entry[1])) {
    return [entry[0], entry[1]];
  }
  throw invalid(`tokenizer.json: piece ${i} of model.vocab is ${shown(entry)}, not a text with its score.`);
}

// ---- ids ----------------------------------------------------------------------------------------

/** Which token has which id. */
class Ids {
  /** @type {(string | undefined)[]} */
  #tokens = [];

  /** @param {number} size  rows of the model's embedding */
  constructor(size) {
    this.size = size;
  }

  /**
   * Takes an id that is in range and not taken by another token.
   * @param {unknown} id  @param {string} token
   */
  claim(id, token) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= this.size) {
      throw invalid(`tokenizer.json: the id of ${shown(token)} is ${shown(id)}, but the model has ids 0 to `
        + `${this.size - 1}. Is the file from another model?`);
    }
    const owner = this.#tokens[id] ?? token;
    if (owner !== token) {
      throw invalid(`tokenizer.json: ${shown(owner)} and ${shown(token)} have the same id ${id}.`);
    }
    this.#tokens[id] = token;
    return id;
  }
}

/** @param {unknown} vocab */
const entriesOf = (vocab) => Object.entries(objectAt(vocab, 'model.vocab'));

/** @param {(readonly [string, unknown])[]} entries  @param {Ids} ids */
const vocabOf = (entries, ids) => new Map(entries.map(([token, id]) => [token, ids.claim(id, token)]));

/**
 * Those that the model has rows for: some files have one or two more, for pictures.
 * @param {unknown} list  @param {Map<string, number>} vocab  @param {Ids} ids
 * @returns {AddedToken[]}
 */
function addedOf(list, vocab, ids) {
  return addedTokens(list).flatMap(({ id, content, ...rest }) => {
    const known = vocab.get(content) ?? id;
    if (known !== id) {
      throw invalid(`tokenizer.json: ${shown(content)} has two ids, ${known} and ${shown(id)}.`);
    }
    if (Number.isSafeInteger(id) && Number(id) >= ids.size) return [];
    return [{ id: ids.claim(id, content), content, ...rest }];
  });
}
