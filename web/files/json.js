// JSON from a stranger's file: parsed in bounded time and memory, and shown in messages in a few characters.

const DEEPEST = 64;          // levels; the files of a model have less than ten
const MOST_VALUES = 2 ** 22; // a vocabulary of 200,000 tokens with its merges has a quarter of that
const SHOWN = 80;            // characters of a value in a message

/**
 * As JSON.parse(), whose memory grows with depth and number of values, a hundred bytes for one.
 * @param {string} text
 * @returns {unknown}
 */
export function parseJson(text) {
  refuseExcess(text);
  return JSON.parse(text);
}

/** Counts outside of strings; what is not JSON is left to the parser. @param {string} text */
function refuseExcess(text) {
  let [depth, values] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') i = endOfString(text, i);
    else if (c === ',') values++;
    else if (c === ']' || c === '}') depth--;
    else if (c === '[' || c === '{') {
      values++;
      if (++depth > DEEPEST) throw new SyntaxError(`it is nested deeper than ${DEEPEST} levels`);
    }
    if (values > MOST_VALUES) throw new SyntaxError(`it has more than ${MOST_VALUES} values`);
  }
}

/**
 * The index of the closing quote, or that of the end where none comes.
 * @param {string} text  @param {number} start  of the opening one
 */
export function endOfString(text, start) {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

/**
 * A value from a file, short enough for a message, however long and deep it is.
 * @param {unknown} value
 */
export const shown = (value) => cut(sketch(value, 2));

/** Never within a character. @param {string} text */
const cut = (text) => (
  text.length > SHOWN ? `${text.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, '')}...` : text);

/** @param {unknown} value  @param {number} levels  to go into  @returns {string} */
function sketch(value, levels) {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  if (levels === 0) return isList ? '[...]' : '{...}';
  const parts = [];
  for (const [key, item] of Object.entries(isList ? value.slice(0, SHOWN) : value).slice(0, SHOWN)) {
    parts.push(isList ? sketch(item, levels - 1) : `${sketch(key, 0)}:${sketch(item, levels - 1)}`);
  }
  return isList ? `[${parts}]` : `{${parts}}`;
}
