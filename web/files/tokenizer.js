// Byte-level BPE as GPT-2 has it: text -> ids through @huggingface/tokenizers, ids -> text through a table of
// the bytes behind each id, so that a stream of tokens never shows half a character.
//
// Text from a user is only ever text: "<|endoftext|>" typed into a prompt becomes the ids of its characters.
// Only encode(text, { special: true }) looks for special tokens.
import { Tokenizer as Encoder } from '@huggingface/tokenizers';
import { checkChoice, entriesOf, isCount, optionsOf, shown as shownValue } from '../engine/arguments.js';
import { KvcError, reasonOf } from '../engine/errors.js';
import { shown } from './json.js';
import { invalid } from './tokenizer-values.js';

/**
 * @import { AddedToken, Parts } from './tokenizer-json.js'
 *
 * @typedef {object} EncodeOptions
 * @property {boolean} [special]           special tokens that are written in the text become their ids; false
 *   by default, for text that is not your own
 * @property {boolean} [addSpecialTokens]  those that the tokenizer puts around a text, such as the one that
 *   begins it, are added where they are not there yet; true by default
 */

/** @type {readonly (keyof EncodeOptions)[]} */
export const ENCODE_OPTIONS = ['special', 'addSpecialTokens'];

// GPT-2's own rule for where merges stop. The library's ByteLevel has it with JavaScript's \s, which differs
// from the Unicode property in U+0085 and U+FEFF; its Split takes \s as Unicode does.
const GPT2_SPLIT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();

/**
 * The byte-level alphabet: each byte as one printable character. Bytes that are printable in Latin-1 stand
 * for themselves; the other 68 take U+0100 onwards, in order.
 */
const BYTE_OF = new Map(Array.from({ length: 256 }, (_, byte) => byte)
  .sort((a, b) => Number(isPrintable(b)) - Number(isPrintable(a)) || a - b)
  .map((byte, rank) => [String.fromCharCode(isPrintable(byte) ? byte : 256 + rank - 188), byte]));

/** @param {number} byte */
function isPrintable(byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
}

export class Tokenizer {
  #parts;
  /** @type {(Uint8Array | undefined)[]} the bytes of each id */
  #bytes;
  #unreadable;
  #specialIds;
  #encoder;
  /** @type {Encoder | undefined} made when first needed: it takes as much memory as the other one */
  #specialEncoder;

  /** @param {Parts} parts  @param {number} vocabSize */
  constructor(parts, vocabSize) {
    this.#parts = parts;
    this.#bytes = byteTable(parts, vocabSize);
    this.#unreadable = bytesWithoutToken(parts);
    this.#specialIds = new Set(parts.added.filter((token) => token.special).map((token) => token.id));
    this.#encoder = encoderOf(parts, false);
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
    return isCount(id) && this.#bytes[id] !== undefined;
  }

  /** What of the two files cannot be obeyed, as a sentence. */
  get contradiction() {
    return this.#parts.frame.contradiction;
  }

  /**
   * @param {string} text
   * @param {EncodeOptions} [options]
   * @returns {number[]}
   */
  encode(text, options) {
    const { special = false, addSpecialTokens = true } = optionsOf('encode()', options, ENCODE_OPTIONS);
    checkChoice('special', special, [true, false]);
    checkChoice('addSpecialTokens', addSpecialTokens, [true, false]);
    if (typeof text !== 'string') {
      throw new KvcError('invalid_argument', `encode() takes a string, not ${typeof text}.`);
    }
    this.#refuseUnreadable(text);
    const encoder = special ? (this.#specialEncoder ??= encoderOf(this.#parts, true)) : this.#encoder;
    const { ids } = encoder.encode(text, { add_special_tokens: false });
    return addSpecialTokens ? this.#framed(ids) : ids;
  }

  /** With the special tokens that belong around a text, none of them twice. @param {number[]} ids */
  #framed(ids) {
    const { before, after } = this.#parts.frame;
    const begins = before.every((id, i) => ids[i] === id);
    const ends = after.every((id, i) => ids.at(i - after.length) === id);
    return [...begins ? [] : before, ...ids, ...ends ? [] : after];
  }

  /**
   * @param {Iterable<number> | ArrayLike<number>} ids
   * @param {{ special?: boolean }} [options]  special: show special tokens, which are left out by default
   */
  decode(ids, options) {
    const special = showsSpecial('decode()', options);
    const stream = new TextStream((id) => this.#bytesOf(id, special));
    let text = '';
    for (const id of entriesOf(ids, 'What decode() takes')) text += stream.push(id);
    return text + stream.flush();
  }

  /** A character without a token would get lost silently. @param {string} text */
  #refuseUnreadable(text) {
    if (this.#unreadable.size === 0) return;
    for (const character of text.normalize('NFC')) {
      if (!utf8.encode(character).some((byte) => this.#unreadable.has(byte))) continue;
      throw new KvcError('invalid_argument',
        `This model cannot read ${shown(character)}: its vocabulary has no token for it. Leave it out.`);
    }
  }

  /** A decoder that takes one id after the other. @param {{ special?: boolean }} [options] */
  stream(options) {
    const special = showsSpecial('stream()', options);
    return new TextStream((id) => this.#bytesOf(id, special));
  }

  /** @param {number} id  @param {boolean} special */
  #bytesOf(id, special) {
    if (!Number.isInteger(id) || id < 0 || id >= this.vocabSize) {
      throw new KvcError('token_out_of_range',
        `${shownValue(id)} is not a token id; the vocabulary has ids 0 to ${this.vocabSize - 1}.`);
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

/** @param {string} what  @param {{ special?: boolean } | undefined} options */
function showsSpecial(what, options) {
  const { special = false } = optionsOf(what, options, ['special']);
  checkChoice('special', special, [true, false]);
  return special;
}

/** @param {AddedToken[]} added */
const specialTexts = (added) => new Set(added.filter((token) => token.special).map((token) => token.content));

/** Bytes that no text may hold: a small vocabulary need not have them all. @param {Parts} parts */
function bytesWithoutToken({ vocab, added }) {
  const special = specialTexts(added);
  const missing = [...BYTE_OF].filter(([character]) => !vocab.has(character) || special.has(character));
  return new Set(missing.map(([, byte]) => byte));
}

/** @param {Parts} parts  @param {number} vocabSize */
function byteTable({ vocab, added }, vocabSize) {
  /** @type {(Uint8Array | undefined)[]} */
  const table = new Array(vocabSize).fill(undefined);
  for (const [token, id] of vocab) table[id] = bytesOfToken(token);
  for (const { id, content } of added) table[id] = utf8.encode(content);
  return table;
}

/** A token that is not written in the alphabet stands for its own text. @param {string} token */
function bytesOfToken(token) {
  const bytes = [];
  for (const character of token) {
    const byte = BYTE_OF.get(character);
    if (byte === undefined) return utf8.encode(token);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/**
 * @param {Parts} parts
 * @param {boolean} special  whether added tokens are recognised; if not, no special id can come out
 */
function encoderOf(parts, special) {
  const { vocab, merges, added, normalizer, splitsWords, splitsDigits, ignoresMerges } = parts;
  const hidden = special ? new Set() : specialTexts(added);
  const split = { type: 'Split', pattern: { Regex: GPT2_SPLIT }, behavior: 'Isolated', invert: false };
  // The library's Digits knows 0 to 9 alone.
  const digits = { ...split, pattern: { Regex: String.raw`\p{N}` } };
  const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  try {
    return new Encoder({
      normalizer,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [...splitsDigits ? [digits] : [], ...splitsWords ? [split] : [], bytes],
      },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries([...vocab].filter(([token]) => !hidden.has(token))),
        merges: merges.filter(([left, right]) => !hidden.has(left + right)),
        ignore_merges: ignoresMerges,
      },
      post_processor: null,
      decoder: null,
      added_tokens: special ? added : [],
    }, {});
  } catch (cause) {
    throw invalid(`tokenizer.json could not be used: ${reasonOf(cause)}`, cause);
  }
}
