// tokenizer.json, byte-level BPE as GPT-2 has it: text -> ids through @huggingface/tokenizers,
// ids -> text through a table of the bytes behind each id, so that a stream of tokens never shows
// half a character.
//
// Text from a user is only ever text: "<|endoftext|>" typed into a prompt becomes the ids of its
// characters. Only encode(text, { special: true }) looks for special tokens.
import { Tokenizer as Encoder } from '@huggingface/tokenizers';
import { KvcError, reasonOf } from '../engine/errors.js';

// GPT-2's own rule for where merges stop. The library's ByteLevel has it with JavaScript's \s, which
// differs from the Unicode property in U+0085 and U+FEFF; its Split takes \s as Unicode does.
const GPT2_SPLIT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const NORMALIZERS = ['NFC', 'NFD', 'NFKC', 'NFKD'];
const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();

/**
 * The byte-level alphabet: each byte as one printable character. Bytes that are printable in
 * Latin-1 stand for themselves, the other 68 take U+0100 onwards, in order.
 */
const BYTE_OF = new Map(Array.from({ length: 256 }, (_, byte) => byte)
  .sort((a, b) => Number(isPrintable(b)) - Number(isPrintable(a)) || a - b)
  .map((byte, rank) => [String.fromCharCode(isPrintable(byte) ? byte : 256 + rank - 188), byte]));

/** @param {number} byte */
function isPrintable(byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
}

/**
 * @typedef {{ id: number, content: string, special: boolean, normalized: boolean }} AddedToken
 * @typedef {{ vocab: Map<string, number>, merges: [string, string][], added: AddedToken[] }} Parts
 * @typedef {Record<string, any>} Json
 */

export class Tokenizer {
  #json;
  #parts;
  /** @type {(Uint8Array | undefined)[]} the bytes of each id */
  #bytes;
  #unreadable;
  #specialIds;
  #encoder;
  /** @type {Encoder | undefined} made when first needed: it takes as much memory as the other one */
  #specialEncoder;

  /**
   * @param {unknown} tokenizerJson          parsed tokenizer.json
   * @param {unknown} tokenizerConfigJson    parsed tokenizer_config.json, or undefined
   * @param {number} vocabSize               rows of the model's embedding
   */
  static create(tokenizerJson, tokenizerConfigJson, vocabSize) {
    const json = checkedJson(tokenizerJson);
    if (tokenizerConfigJson !== undefined && object(tokenizerConfigJson, 'tokenizer_config.json').add_bos_token === true) {
      throw invalid('tokenizer_config.json: add_bos_token is not supported.');
    }
    const parts = checkedParts(json, vocabSize);
    return new Tokenizer(json, parts, vocabSize);
  }

  /** @param {Json} json  @param {Parts} parts  @param {number} vocabSize */
  constructor(json, parts, vocabSize) {
    this.#json = json;
    this.#parts = parts;
    this.#bytes = byteTable(parts, vocabSize);
    this.#unreadable = bytesWithoutToken(parts);
    this.#specialIds = new Set(parts.added.filter((token) => token.special).map((token) => token.id));
    this.#encoder = encoderOf(json, parts, false);
    let end = vocabSize;
    while (end > 0 && !this.has(end - 1)) end--;
    /** From this id on there are only rows of padding, which a sampler must not pick. */
    this.idsEnd = end;
  }

  /** Rows of the model's embedding: every id is below it. */
  get vocabSize() {
    return this.#bytes.length;
  }

  /** Whether an id stands for a token. @param {number} id */
  has(id) {
    return this.#bytes[id] !== undefined;
  }

  /**
   * @param {string} text
   * @param {{ special?: boolean }} [options]  special: recognise special tokens. Only for text you wrote yourself.
   * @returns {number[]}
   */
  encode(text, { special = false } = {}) {
    if (typeof text !== 'string') throw new KvcError('invalid_argument', `encode() takes a string, not ${typeof text}.`);
    if (special) this.#specialEncoder ??= encoderOf(this.#json, this.#parts, true);
    this.#refuseUnreadable(text);
    const encoder = special && this.#specialEncoder ? this.#specialEncoder : this.#encoder;
    return encoder.encode(text, { add_special_tokens: false }).ids;
  }

  /**
   * @param {Iterable<number>} ids
   * @param {{ special?: boolean }} [options]  special: show special tokens instead of nothing
   */
  decode(ids, options) {
    const stream = this.stream(options);
    let text = '';
    for (const id of ids) text += stream.push(id);
    return text + stream.flush();
  }

  /** What has no token would silently get lost. @param {string} text */
  #refuseUnreadable(text) {
    if (this.#unreadable.size === 0) return;
    for (const character of text.normalize('NFC')) {
      if (!utf8.encode(character).some((byte) => this.#unreadable.has(byte))) continue;
      throw new KvcError('invalid_argument', `This model cannot read ${quoted(character)}: its vocabulary has no token for it. Leave it out.`);
    }
  }

  /** A decoder that takes one id after the other. @param {{ special?: boolean }} [options] */
  stream({ special = false } = {}) {
    return new TextStream((id) => this.#bytesOf(id, special));
  }

  /** @param {number} id  @param {boolean} special */
  #bytesOf(id, special) {
    if (!Number.isInteger(id) || id < 0 || id >= this.vocabSize) {
      throw new KvcError('token_out_of_range', `${id} is not a token id; the vocabulary has ids 0 to ${this.vocabSize - 1}.`);
    }
    return (special || !this.#specialIds.has(id) ? this.#bytes[id] : undefined) ?? NOTHING;
  }
}

export class TextStream {
  #bytesOf;
  // Without ignoreBOM a U+FEFF that the model wrote would vanish.
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @param {(id: number) => Uint8Array} bytesOf */
  constructor(bytesOf) {
    this.#bytesOf = bytesOf;
  }

  /** The characters that this token completes; '' while one is still incomplete. @param {number} id */
  push(id) {
    return this.#decoder.decode(this.#bytesOf(id), { stream: true });
  }

  /** Ends the text: U+FFFD if it stops within a character. */
  flush() {
    return this.#decoder.decode();
  }
}

/** @param {string} message  @param {unknown} [cause] */
const invalid = (message, cause) => new KvcError('tokenizer_invalid', message, { cause });

/** A token for a message. @param {unknown} token */
const quoted = (token) => (JSON.stringify(token) ?? 'nothing').slice(0, 80);

/** @param {unknown} value  @param {string} what  @returns {Json} */
function object(value, what) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} must be a JSON object.`);
  return value;
}

/** Accepts what is computed here and nothing else. @param {unknown} value */
function checkedJson(value) {
  const json = object(value, 'tokenizer.json');
  const model = object(json.model, 'tokenizer.json: model');
  if ((model.type ?? 'BPE') !== 'BPE') throw unlike('model.type', model.type, 'BPE');
  if (model.byte_fallback) throw unlike('model.byte_fallback', model.byte_fallback, 'false');
  if (model.dropout) throw unlike('model.dropout', model.dropout, 'null');
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[key]) throw unlike(`model.${key}`, model[key], 'empty');
  }
  const split = object(json.pre_tokenizer ?? {}, 'tokenizer.json: pre_tokenizer');
  if (split.type !== 'ByteLevel') throw unlike('pre_tokenizer', split.type, 'ByteLevel');
  if (split.add_prefix_space !== false) throw unlike('pre_tokenizer.add_prefix_space', split.add_prefix_space, 'false');
  for (const [key, only] of [['decoder', 'ByteLevel'], ['post_processor', 'ByteLevel']]) {
    const type = json[key] && object(json[key], `tokenizer.json: ${key}`).type;
    if (type && type !== only) throw unlike(key, type, only);
  }
  const normalizer = json.normalizer && object(json.normalizer, 'tokenizer.json: normalizer').type;
  if (normalizer && !NORMALIZERS.includes(normalizer)) throw unlike('normalizer', normalizer, NORMALIZERS.join(', '));
  return json;
}

/** @param {string} key  @param {unknown} value  @param {string} only */
function unlike(key, value, only) {
  return invalid(`tokenizer.json: ${key} is ${quoted(value)}; only byte-level BPE as in GPT-2 is supported (${only}).`);
}

/** @param {Json} json  @param {number} vocabSize  @returns {Parts} */
function checkedParts(json, vocabSize) {
  const vocab = new Map(Object.entries(object(json.model.vocab, 'tokenizer.json: model.vocab')));
  /** @type {Map<number, string>} */
  const tokenOf = new Map();
  for (const [token, id] of vocab) claim(tokenOf, id, token, vocabSize);
  const added = list(json.added_tokens ?? [], 'added_tokens').map((entry) => addedToken(entry));
  for (const { id, content } of added) {
    if ((vocab.get(content) ?? id) !== id) throw invalid(`tokenizer.json: ${quoted(content)} has two ids, ${vocab.get(content)} and ${id}.`);
    claim(tokenOf, id, content, vocabSize);
  }
  const merges = list(json.model.merges, 'model.merges').map((merge, rank) => checkedMerge(merge, rank, vocab));
  return { vocab, merges, added };
}

/** @param {Map<number, string>} tokenOf  @param {unknown} id  @param {string} token  @param {number} vocabSize */
function claim(tokenOf, id, token, vocabSize) {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= vocabSize) {
    throw invalid(`tokenizer.json: the id of ${quoted(token)} is ${quoted(id)}, but the model has ids 0 to ${vocabSize - 1}. `
      + 'Is the file from another model?');
  }
  const owner = tokenOf.get(id) ?? token;
  if (owner !== token) throw invalid(`tokenizer.json: ${quoted(owner)} and ${quoted(token)} have the same id ${id}.`);
  tokenOf.set(id, token);
}

/** @param {unknown} value  @param {string} what  @returns {unknown[]} */
function list(value, what) {
  if (!Array.isArray(value)) throw invalid(`tokenizer.json: ${what} must be an array.`);
  return value;
}

/** @param {unknown} entry  @returns {AddedToken} */
function addedToken(entry) {
  const { id, content, special, normalized, single_word: word, lstrip, rstrip } = object(entry, 'tokenizer.json: an added token');
  if (typeof content !== 'string' || content === '') throw invalid(`tokenizer.json: the content of added token ${quoted(id)} is not a text.`);
  if (word || lstrip || rstrip) {
    throw invalid(`tokenizer.json: added token ${quoted(content)} uses single_word, lstrip or rstrip, which are not supported.`);
  }
  return { id, content, special: special === true, normalized: normalized ?? special !== true };
}

/** @param {unknown} merge  "a b" or ["a", "b"]  @param {number} rank  @param {Map<string, number>} vocab  @returns {[string, string]} */
function checkedMerge(merge, rank, vocab) {
  const pair = typeof merge === 'string' ? merge.split(' ') : merge;
  if (Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string' && part !== '')) {
    const [left, right] = pair;
    const unknown = [left, right, left + right].find((token) => !vocab.has(token));
    if (unknown === undefined) return [left, right];
    throw invalid(`tokenizer.json: merge ${rank} uses ${quoted(unknown)}, which is not in the vocabulary.`);
  }
  throw invalid(`tokenizer.json: merge ${rank} is ${quoted(merge)}; it should be a pair of tokens.`);
}

/** Bytes that no text may hold: a small vocabulary need not have them all. @param {Parts} parts */
function bytesWithoutToken({ vocab, added }) {
  const special = new Set(added.filter((token) => token.special).map((token) => token.content));
  return new Set([...BYTE_OF].filter(([character]) => !vocab.has(character) || special.has(character)).map(([, byte]) => byte));
}

/** @param {Parts} parts  @param {number} vocabSize */
function byteTable({ vocab, added }, vocabSize) {
  /** @type {(Uint8Array | undefined)[]} */
  const table = new Array(vocabSize).fill(undefined);
  for (const [token, id] of vocab) {
    const bytes = Array.from(token, (character) => BYTE_OF.get(character));
    // A token that is not written in the alphabet stands for its own text.
    table[id] = bytes.includes(undefined) ? utf8.encode(token) : Uint8Array.from(/** @type {number[]} */ (bytes));
  }
  for (const { id, content } of added) table[id] = utf8.encode(content);
  return table;
}

/**
 * @param {Json} json  @param {Parts} parts
 * @param {boolean} special  whether added tokens are recognised; if not, no special id can come out
 */
function encoderOf(json, { vocab, merges, added }, special) {
  const hidden = new Set(special ? [] : added.filter((token) => token.special).map((token) => token.content));
  const split = { type: 'Split', pattern: { Regex: GPT2_SPLIT }, behavior: 'Isolated', invert: false };
  const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  try {
    return new Encoder({
      normalizer: json.normalizer ?? null,
      pre_tokenizer: { type: 'Sequence', pretokenizers: json.pre_tokenizer.use_regex === false ? [bytes] : [split, bytes] },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries([...vocab].filter(([token]) => !hidden.has(token))),
        merges: merges.filter(([left, right]) => !hidden.has(left + right)),
        ignore_merges: json.model.ignore_merges === true,
      },
      post_processor: null,
      decoder: null,
      added_tokens: special ? added : [],
    }, {});
  } catch (cause) {
    throw invalid(`tokenizer.json could not be used: ${reasonOf(cause)}`, cause);
  }
}
