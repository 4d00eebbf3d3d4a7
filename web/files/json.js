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

/**
 * Looks for what JSON.parse() lets pass: it keeps the last of two equal keys, and takes 1.0, 1e1 and -0 for
 * integers. The text is known to be valid JSON, so a string before ":" is a key.
 * @param {string} text
 * @param {(key: string) => never} onDuplicate  of a key that its object has twice
 * @param {(at: number) => never} [onLoose]     of a number in an array that is not a plain integer
 */
export function refuseLoose(text, onDuplicate, onLoose) {
  /** @type {(Set<string> | null)[]} the keys of each open object, null for an open array */
  const open = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{') open.push(new Set());
    else if (c === '[') open.push(null);
    else if (c === '}' || c === ']') open.pop();
    else if (c === '"') {
      const start = i;
      i = endOfString(text, start);
      const keys = open.at(-1);
      if (!keys || !isBeforeColon(text, i + 1)) continue;
      const key = JSON.parse(text.slice(start, i + 1));
      if (keys.has(key)) onDuplicate(key);
      keys.add(key);
    } else if ('.eE-'.includes(c) && open.at(-1) === null && !/[a-z]/.test(text[i - 1])) onLoose?.(i);
  }
}

/** @param {string} text  @param {number} i */
function isBeforeColon(text, i) {
  while (' \t\n\r'.includes(text[i])) i++;
  return text[i] === ':';
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
  if (isList) return `[${value.slice(0, SHOWN).map((item) => sketch(item, levels - 1))}]`;
  const parts = [];
  const fields = /** @type {Record<string, unknown>} */ (value);
  for (const key in fields) { // Object.entries() would make a pair of each
    if (parts.length === SHOWN) break;
    parts.push(`${sketch(key, 0)}:${sketch(fields[key], levels - 1)}`);
  }
  return `{${parts}}`;
}
