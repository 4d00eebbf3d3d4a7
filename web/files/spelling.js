// Ids to text: what the decoder of tokenizer.json says of how tokens spell, and which space at the beginning
// of a text is none.
import { bytesOfLetters, bytesOfPiece } from './alphabet.js';
import { shown } from './json.js';
import { prependScheme } from './text-steps.js';
import { isObject, listAt, objectAt, unlike } from './tokenizer-values.js';

/**
 * @import { Json } from './tokenizer-values.js'
 *
 * @typedef {object} Decoding
 * @property {boolean} letters   tokens are written in the byte-level alphabet; if not, as SentencePiece does
 * @property {boolean} fallback  "<0xE2>" is a byte
 * @property {'none' | 'one' | 'all'} lead  spaces of the first token that are left out: the tokenizer put
 *   them there
 */

const SPACE = 0x20;
const utf8 = new TextEncoder();

/** @param {Json} json  tokenizer.json  @returns {Decoding} */
export function decodingOf(json) {
  const steps = decoders(json.decoder);
  const kinds = steps.map(({ type }) => (typeof type === 'string' ? type : shown(type))).join(' ');
  const letters = splitsBytes(json.pre_tokenizer);
  if (letters && (kinds === 'ByteLevel' || kinds === '')) return { letters, fallback: false, lead: 'none' };
  if (!letters && kinds === 'Metaspace') {
    const lead = prependScheme(steps[0], 'decoder') === 'never' ? 'none' : 'all';
    return { letters, fallback: false, lead };
  }
  const [replace, , , strip] = steps;
  if (!letters && /^Replace ByteFallback Fuse( Strip)?$/.test(kinds) && readsBars(replace)) {
    if (!strip) return { letters, fallback: true, lead: 'none' };
    if (strip.content === ' ' && strip.start === 1 && !strip.stop) {
      return { letters, fallback: true, lead: 'one' };
    }
  }
  throw unlike(`decoder of a ${letters ? 'byte-level' : 'SentencePiece'} tokenizer`, kinds || json.decoder,
    letters ? 'ByteLevel' : 'Metaspace, or Replace of ▁ by a space, ByteFallback, Fuse, Strip of one');
}

/** @param {unknown} value  @returns {Json[]} */
function decoders(value) {
  if (value === undefined || value === null) return [];
  const step = objectAt(value, 'decoder');
  if (step.type !== 'Sequence') return [step];
  return listAt(step.decoders, 'decoder.decoders').flatMap(decoders);
}

/**
 * Whether there is a step ByteLevel.
 * @param {unknown} value  tokenizer.json's pre_tokenizer  @returns {boolean}
 */
function splitsBytes(value) {
  if (!isObject(value)) return false;
  return value.type === 'ByteLevel'
    || (Array.isArray(value.pretokenizers) && value.pretokenizers.some(splitsBytes));
}

/** @param {Json} replace */
const readsBars = ({ pattern, content }) => isObject(pattern) && pattern.String === '▁' && content === ' ';

/** The bytes of tokens. */
export class Spelling {
  #decoding;
  /** @type {(string | undefined)[]} by id */
  #tokens;
  #added;

  /**
   * @param {Decoding} decoding
   * @param {(string | undefined)[]} tokens  by id
   * @param {ReadonlySet<number>} added      ids of added tokens, which are written as they are
   */
  constructor(decoding, tokens, added) {
    this.#decoding = decoding;
    this.#tokens = tokens;
    this.#added = added;
  }

  /** @param {number} id */
  has(id) {
    return this.#tokens[id] !== undefined;
  }

  /** undefined where there is no token. @param {number} id  @param {boolean} leads  a text begins with it */
  bytesOf(id, leads) {
    const token = this.#tokens[id];
    if (token === undefined) return undefined;
    const { letters, fallback, lead } = this.#decoding;
    if (letters) return this.#added.has(id) ? utf8.encode(token) : bytesOfLetters(token);
    if (leads && lead === 'all') return bytesOfPiece(token.replaceAll('▁', ''), fallback);
    const bytes = bytesOfPiece(token, fallback);
    return leads && lead === 'one' && bytes[0] === SPACE ? bytes.subarray(1) : bytes;
  }
}
