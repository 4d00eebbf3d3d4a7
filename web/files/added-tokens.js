// The added tokens of tokenizer.json: they are found in a text before anything else happens to it, those that
// ask for it in the normalized text. The special ones among them are what a text cannot say: they count only
// where they are asked for. The others are vocabulary.
import { shown } from './json.js';
import { invalid, listAt, objectAt } from './tokenizer-values.js';

/**
 * @typedef {object} AddedToken
 * @property {unknown} id
 * @property {string} content
 * @property {boolean} special
 * @property {boolean} normalized  it is found in the normalized text
 * @property {boolean} lstrip      the spaces before it belong to it
 * @property {boolean} rstrip      and those after it
 */

/** @param {unknown} value  tokenizer.json's added_tokens */
export const addedTokens = (value) => listAt(value ?? [], 'added_tokens').map(addedToken);

/** @param {unknown} entry  @returns {AddedToken} */
function addedToken(entry) {
  const { id, content, special, normalized, ...rest } = objectAt(entry, 'an added token');
  if (typeof content !== 'string' || content === '') {
    throw invalid(`tokenizer.json: the content of added token ${shown(id)} is not a text.`);
  }
  if (rest.single_word) {
    throw invalid(`tokenizer.json: added token ${shown(content)} uses single_word, which is not supported.`);
  }
  return {
    id, content, special: special === true, normalized: Boolean(normalized ?? special !== true),
    lstrip: rest.lstrip === true, rstrip: rest.rstrip === true,
  };
}

const SPACES_AT_START = /^\p{White_Space}+/u;
const SPACES_AT_END = /\p{White_Space}+$/u;

/** @typedef {{ id: number, lstrip: boolean, rstrip: boolean }} Found */

/** Finds tokens in texts: the first that begins, and of those that begin there the longest. */
export class Finder {
  /** @type {Map<string, Found>} */
  #tokens = new Map();
  /** How long those are that begin with a character, longest first. @type {Map<string, number[]>} */
  #lengths = new Map();

  /** @param {Iterable<readonly [string, Found]>} tokens  by their texts */
  constructor(tokens) {
    for (const [text, token] of tokens) {
      if (text === '') continue;
      this.#tokens.set(text, token);
      const lengths = this.#lengths.get(text[0]) ?? [];
      if (!lengths.includes(text.length)) lengths.push(text.length);
      this.#lengths.set(text[0], lengths);
    }
    for (const lengths of this.#lengths.values()) lengths.sort((a, b) => b - a);
  }

  /**
   * A text, cut into what lies between tokens, never empty, and their ids.
   * @param {string} text
   */
  cut(text) {
    /** @type {(string | number)[]} */
    const parts = [];
    let [start, at] = [0, 0];
    while (at < text.length) {
      const length = this.#lengthAt(text, at);
      if (length === 0) at++;
      else {
        const { id, lstrip, rstrip } = /** @type {Found} */ (this.#tokens.get(text.slice(at, at + length)));
        const before = text.slice(start, at);
        const left = lstrip ? before.replace(SPACES_AT_END, '') : before;
        if (left !== '') parts.push(left);
        parts.push(id);
        at += length;
        if (rstrip) at += text.length - at - text.slice(at).replace(SPACES_AT_START, '').length;
        start = at;
      }
    }
    if (start < text.length) parts.push(text.slice(start));
    return parts;
  }

  /** Of the token there, or 0. @param {string} text  @param {number} at */
  #lengthAt(text, at) {
    const lengths = this.#lengths.get(text[at]) ?? [];
    const isToken = (/** @type {number} */ length) => this.#tokens.has(text.slice(at, at + length));
    return lengths.find((length) => at + length <= text.length && isToken(length)) ?? 0;
  }
}
