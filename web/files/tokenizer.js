// A tokenizer: text -> ids through the steps that tokenizer.json lists, ids -> text through the bytes behind
// each id, so that a stream of tokens never shows half a character.
//
// Text from a user is only ever text: "<|endoftext|>" typed into a prompt becomes the ids of its characters.
// Only encode(text, { special: true }) looks for special tokens.
import { checkChoice, entriesOf, isCount, optionsOf, shown as shownValue } from '../engine/arguments.js';
import { KvcError, reasonOf } from '../engine/errors.js';
import { Finder } from './added-tokens.js';
import { bytesWithoutLetter } from './alphabet.js';
import { shown } from './json.js';
import { Spelling } from './spelling.js';
import { modelOf } from './tokenizer-model.js';
import { invalid } from './tokenizer-values.js';

/**
 * @import { Parts } from './tokenizer-json.js'
 *
 * @typedef {object} EncodeOptions
 * @property {boolean} [special]           special tokens that are written in the text become their ids; false
 *   by default, for text that is not your own
 * @property {boolean} [addSpecialTokens]  those that the tokenizer puts around a text, such as the one that
 *   begins it, are added where they are not there yet; true by default
 *
 * @typedef {object} DecodeOptions
 * @property {boolean} [special]  special tokens are shown; false by default
 * @property {Iterable<number> | ArrayLike<number>} [after]  ids of the text that these continue: a space at
 *   its beginning is dropped where the tokenizer put it there, and only there
 *
 * @typedef {{ found: Finder, foundLater: Finder }} Finders  in the text, and in what is left, normalized
 */

/** @type {readonly (keyof EncodeOptions)[]} */
export const ENCODE_OPTIONS = ['special', 'addSpecialTokens'];
/** @type {readonly (keyof DecodeOptions)[]} */
export const DECODE_OPTIONS = ['special', 'after'];

const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();

export class Tokenizer {
  #parts;
  #spelling;
  #specialIds;
  #idsOf;
  #unreadable;
  /** Made when first needed. @type {Map<boolean, Finders>} with special tokens, and without */
  #finders = new Map();

  /** @param {Parts} parts  @param {number} vocabSize */
  constructor(parts, vocabSize) {
    const { vocab, added, decoding } = parts;
    this.#parts = parts;
    /** @type {(string | undefined)[]} */
    const tokens = new Array(vocabSize).fill(undefined);
    for (const [token, id] of vocab) tokens[id] = token;
    for (const { id, content } of added) tokens[id] = content;
    this.#spelling = new Spelling(decoding, tokens, new Set(added.map(({ id }) => id)));
    this.#specialIds = new Set(added.filter((token) => token.special).map(({ id }) => id));
    this.#unreadable = decoding.letters ? bytesWithoutLetter(vocab) : new Set();
    try {
      this.#idsOf = modelOf(parts);
    } catch (cause) {
      throw invalid(`tokenizer.json could not be used: ${reasonOf(cause)}`, cause);
    }
    /** Rows of the model's embedding: every id is below it. */
    this.vocabSize = vocabSize;
    let end = vocabSize;
    while (end > 0 && !this.has(end - 1)) end--;
    /** From this id on there are only rows of padding, which a sampler must not pick. */
    this.idsEnd = end;
  }

  /** Whether an id stands for a token. @param {number} id */
  has(id) {
    return isCount(id) && this.#spelling.has(id);
  }

  /** What of the two files cannot be obeyed, as a sentence. */
  get contradiction() {
    return this.#parts.frame.contradiction;
  }

  // ---- text -> ids ------------------------------------------------------------------------------

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
    const ids = this.#plainIds(text.replace(/\p{Surrogate}/gu, '\ufffd'), special);
    return addSpecialTokens ? this.#framed(ids) : ids;
  }

  /** @param {string} text  @param {boolean} special */
  #plainIds(text, special) {
    const { normalize, split } = this.#parts;
    const { found, foundLater } = this.#findersFor(special);
    /** @type {number[]} */
    const ids = [];
    for (const [i, part] of found.cut(text).entries()) {
      if (typeof part === 'number') ids.push(part);
      else {
        for (const [j, rest] of foundLater.cut(this.#readable(normalize(part))).entries()) {
          if (typeof rest === 'number') ids.push(rest);
          else for (const piece of split(rest, i + j === 0)) append(ids, this.#idsOf(piece));
        }
      }
    }
    return ids;
  }

  /** @param {boolean} special  @returns {Finders} */
  #findersFor(special) {
    const made = this.#finders.get(special);
    if (made) return made;
    const { added, normalize } = this.#parts;
    const wanted = added.filter((token) => special || !token.special);
    const [now, later] = [false, true].map((normalized) => (
      wanted.filter((token) => token.normalized === normalized)));
    const finders = {
      found: new Finder(now.map((token) => [token.content, token])),
      foundLater: new Finder(later.map((token) => [normalize(token.content), token])),
    };
    this.#finders.set(special, finders);
    return finders;
  }

  /** With the special tokens that belong around a text, none of them twice. @param {number[]} ids */
  #framed(ids) {
    const { before, after } = this.#parts.frame;
    const begins = before.every((id, i) => ids[i] === id);
    const ends = after.every((id, i) => ids.at(i - after.length) === id);
    return [...begins ? [] : before, ...ids, ...ends ? [] : after];
  }

  /** The text; a character without a token would get lost silently. @param {string} text */
  #readable(text) {
    if (this.#unreadable.size === 0) return text;
    for (const character of text) {
      if (!utf8.encode(character).some((byte) => this.#unreadable.has(byte))) continue;
      throw new KvcError('invalid_argument',
        `This model cannot read ${shown(character)}: its vocabulary has no token for it. Leave it out.`);
    }
    return text;
  }

  // ---- ids -> text ------------------------------------------------------------------------------

  /**
   * @param {Iterable<number> | ArrayLike<number>} ids
   * @param {DecodeOptions} [options]
   */
  decode(ids, options) {
    const stream = this.#streamOf('decode()', options);
    let text = '';
    for (const id of entriesOf(ids, 'What decode() takes')) text += stream.push(id);
    return text + stream.flush();
  }

  /** A decoder that takes one id after the other. @param {DecodeOptions} [options] */
  stream(options) {
    return this.#streamOf('stream()', options);
  }

  /** @param {string} what  @param {DecodeOptions | undefined} options */
  #streamOf(what, options) {
    const { special = false, after = [] } = optionsOf(what, options, DECODE_OPTIONS);
    checkChoice('special', special, [true, false]);
    const begins = !this.#shows(after, special);
    return new TextStream((id, leads) => this.#bytesOf(id, special, leads && begins));
  }

  /**
   * Whether these ids are any text.
   * @param {Iterable<number> | ArrayLike<number>} ids  @param {boolean} special
   */
  #shows(ids, special) {
    for (const id of entriesOf(ids, 'after')) if (this.#bytesOf(id, special, false) !== NOTHING) return true;
    return false;
  }

  /** @param {number} id  @param {boolean} special  @param {boolean} leads  a text begins with it */
  #bytesOf(id, special, leads) {
    if (!Number.isInteger(id) || id < 0 || id >= this.vocabSize) {
      throw new KvcError('token_out_of_range',
        `${shownValue(id)} is not a token id; the vocabulary has ids 0 to ${this.vocabSize - 1}.`);
    }
    if (!special && this.#specialIds.has(id)) return NOTHING;
    return this.#spelling.bytesOf(id, leads) ?? NOTHING;
  }
}

export class TextStream {
  #bytesOf;
  // Without ignoreBOM a U+FEFF that the model wrote would vanish.
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #leads = true;

  /** @param {(id: number, leads: boolean) => Uint8Array} bytesOf  leads: nothing was shown before */
  constructor(bytesOf) {
    this.#bytesOf = bytesOf;
  }

  /** The characters that this token completes; '' while one is still incomplete. @param {number} id */
  push(id) {
    const bytes = this.#bytesOf(id, this.#leads);
    if (bytes !== NOTHING) this.#leads = false;
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** Ends the text: U+FFFD if it stops within a character. */
  flush() {
    return this.#decoder.decode();
  }
}

/** push(...) takes as many as the stack holds. @param {number[]} ids  @param {number[]} more */
function append(ids, more) {
  for (const id of more) ids.push(id);
}
