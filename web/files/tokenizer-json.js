// tokenizer.json, checked: byte-level BPE as GPT-2 has it, or SmolLM, which takes digits apart, and nothing
// else. A setting that would change the ids of a text in a way that is not implemented is refused, never
// ignored.
import { shown } from './json.js';
import { frameOf } from './special-tokens.js';
import { invalid, listAt, objectAt, objectOf, unlike } from './tokenizer-values.js';

const NORMALIZERS = ['NFC', 'NFD', 'NFKC', 'NFKD'];

/**
 * @import { Frame } from './special-tokens.js'
 * @import { Json } from './tokenizer-values.js'
 *
 * @typedef {{ id: number, content: string, special: boolean, normalized: boolean }} AddedToken
 *
 * @typedef {object} Parts
 * @property {Map<string, number>} vocab         token -> id
 * @property {[string, string][]} merges         in order of rank; all of their tokens are in the vocabulary
 * @property {AddedToken[]} added
 * @property {object | null} normalizer          one of the four of Unicode
 * @property {boolean} splitsWords               GPT-2's rule decides where merges stop
 * @property {boolean} splitsDigits              and before and after every digit
 * @property {boolean} ignoresMerges             a whole word in the vocabulary is taken as it is
 * @property {Frame} frame                       special tokens around a text
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
  const [preTokenizer, splitsDigits] = preTokenizerOf(json);
  checkModel(model);
  checkSteps(json, preTokenizer);
  const tokens = readTokens(json, model, vocabSize);
  const addedIds = new Map(tokens.added.map(({ content, id }) => [content, id]));
  return {
    ...tokens,
    frame: frameOf(json, settings, (token) => addedIds.get(token) ?? tokens.vocab.get(token)),
    normalizer: json.normalizer ? objectAt(json.normalizer, 'normalizer') : null,
    splitsWords: preTokenizer.use_regex !== false,
    splitsDigits,
    ignoresMerges: model.ignore_merges === true,
  };
}

/** @param {Json} model */
function checkModel(model) {
  if ((model.type ?? 'BPE') !== 'BPE') throw unlike('model.type', model.type, 'BPE');
  if (model.byte_fallback) throw unlike('model.byte_fallback', model.byte_fallback, 'false');
  if (model.dropout) throw unlike('model.dropout', model.dropout, 'null');
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[key]) throw unlike(`model.${key}`, model[key], 'empty');
  }
}

/**
 * The byte-level step, alone or after one that takes digits apart, and whether it is.
 * @param {Json} json  @returns {[Json, boolean]}
 */
function preTokenizerOf(json) {
  const what = 'pre_tokenizer';
  const step = objectAt(json.pre_tokenizer ?? {}, what);
  if (step.type !== 'Sequence') return [step, false];
  const steps = listAt(step.pretokenizers, 'pre_tokenizer.pretokenizers').map((each) => objectAt(each, what));
  if (steps.length === 2 && steps[0].type === 'Digits' && steps[0].individual_digits === true) {
    return [steps[1], true];
  }
  throw unlike('pre_tokenizer', step, 'ByteLevel, or Digits, one by one, before it');
}

/** The steps before and after the model. @param {Json} json  @param {Json} preTokenizer */
function checkSteps(json, { type, add_prefix_space: addPrefixSpace }) {
  if (type !== 'ByteLevel') throw unlike('pre_tokenizer', type, 'ByteLevel');
  if (addPrefixSpace !== false) throw unlike('pre_tokenizer.add_prefix_space', addPrefixSpace, 'false');
  checkStep(json, 'decoder', ['ByteLevel']);
  checkStep(json, 'normalizer', NORMALIZERS);
}

/** @param {Json} json  @param {string} key  @param {readonly unknown[]} known */
function checkStep(json, key, known) {
  const type = json[key] && objectAt(json[key], key).type;
  if (type && !known.includes(type)) throw unlike(key, type, known.join(', '));
}

// ---- tokens -------------------------------------------------------------------------------------

/** @param {Json} json  @param {Json} model  @param {number} vocabSize */
function readTokens(json, model, vocabSize) {
  /** @type {Map<string, number>} */
  const vocab = new Map();
  /** @type {Map<number, string>} */
  const tokenOf = new Map();
  for (const [token, id] of Object.entries(objectAt(model.vocab, 'model.vocab'))) {
    vocab.set(token, claim(tokenOf, id, token, vocabSize));
  }
  const added = listAt(json.added_tokens ?? [], 'added_tokens').map((entry) => {
    const { id, ...token } = addedToken(entry);
    const known = vocab.get(token.content) ?? id;
    if (known !== id) {
      throw invalid(`tokenizer.json: ${shown(token.content)} has two ids, ${known} and ${shown(id)}.`);
    }
    return { id: claim(tokenOf, id, token.content, vocabSize), ...token };
  });
  const merges = listAt(model.merges, 'model.merges').map((merge, rank) => checkedMerge(merge, rank, vocab));
  return { vocab, merges, added };
}

/**
 * Takes an id that is in range and not taken by another token.
 * @param {Map<number, string>} tokenOf  @param {unknown} id  @param {string} token  @param {number} vocabSize
 */
function claim(tokenOf, id, token, vocabSize) {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= vocabSize) {
    throw invalid(`tokenizer.json: the id of ${shown(token)} is ${shown(id)}, but the model has ids 0 to `
      + `${vocabSize - 1}. Is the file from another model?`);
  }
  const owner = tokenOf.get(id) ?? token;
  if (owner !== token) {
    throw invalid(`tokenizer.json: ${shown(owner)} and ${shown(token)} have the same id ${id}.`);
  }
  tokenOf.set(id, token);
  return id;
}

/** @param {unknown} entry */
function addedToken(entry) {
  const { id, content, special, normalized, ...rest } = objectAt(entry, 'an added token');
  if (typeof content !== 'string' || content === '') {
    throw invalid(`tokenizer.json: the content of added token ${shown(id)} is not a text.`);
  }
  if (rest.single_word || rest.lstrip || rest.rstrip) {
    throw invalid(`tokenizer.json: added token ${shown(content)} uses single_word, lstrip or rstrip, `
      + 'which are not supported.');
  }
  return { id, content, special: special === true, normalized: Boolean(normalized ?? special !== true) };
}

/**
 * @param {unknown} merge  "a b" or ["a", "b"]  @param {number} rank  @param {Map<string, number>} vocab
 * @returns {[string, string]}
 */
function checkedMerge(merge, rank, vocab) {
  const pair = typeof merge === 'string' ? merge.split(' ') : merge;
  const isToken = (/** @type {unknown} */ part) => typeof part === 'string' && part !== '';
  if (Array.isArray(pair) && pair.length === 2 && pair.every(isToken)) {
    const [left, right] = pair;
    const unknown = [left, right, left + right].find((token) => !vocab.has(token));
    if (unknown === undefined) return [left, right];
    throw invalid(`tokenizer.json: merge ${rank} uses ${shown(unknown)}, which is not in the vocabulary.`);
  }
  throw invalid(`tokenizer.json: merge ${rank} is ${shown(merge)}; it should be a pair of tokens.`);
}
