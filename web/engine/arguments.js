// Checks of what callers give: options, numbers that C takes as sizes, arrays of floats, signals.
import { KvcError } from './errors.js';

/** The error of a call with a value it cannot take. @param {string} message  a sentence */
export const invalid = (message) => new KvcError('invalid_argument', message);

/** Any value as a message shows it: short, and without running code of its own. @param {unknown} value */
export function shown(value) {
  switch (typeof value) {
    case 'string': return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
    case 'bigint': return `${value}n`;
    case 'function': return 'a function';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) || ArrayBuffer.isView(value) ? 'an array' : 'an object';
    default: return String(value);
  }
}

// ---- options ------------------------------------------------------------------------------------

/**
 * The options of a call, each read once; those that are undefined count as not given.
 * @template {object} O
 * @param {string} what  takes them: "generate()"
 * @param {O | null | undefined} options
 * @param {readonly (string & keyof O)[]} known  all of their names
 * @returns {Partial<O>}
 */
export function optionsOf(what, options, known) {
  if (options === undefined || options === null) return {};
  if (typeof options !== 'object' || Array.isArray(options) || ArrayBuffer.isView(options)) {
    throw invalid(`${what} takes its options as one object, such as { ${known[0]}: ... }; `
      + `it was given ${shown(options)}.`);
  }
  const given = /** @type {Record<string, unknown>} */ (options);
  /** @type {Record<string, unknown>} */
  const chosen = {};
  for (const name in given) {
    const value = given[name];
    if (value === undefined) continue;
    if (!(/** @type {readonly string[]} */ (known)).includes(name)) throw unknownOption(what, name, known);
    chosen[name] = value;
  }
  return /** @type {Partial<O>} */ (chosen);
}

/** @param {string} what  @param {string} name  @param {readonly string[]} known */
function unknownOption(what, name, known) {
  const near = nearest(name, known);
  const advice = near ? `did you mean ${near}?` : `there are ${known.join(', ')}.`;
  return invalid(`${what} has no option ${shown(name)}: ${advice}`);
}

/**
 * The known name that somebody may have meant, in whatever way its words are joined.
 * @param {string} name  @param {readonly string[]} known  @returns {string | undefined}
 */
export function nearest(name, known) {
  const plain = (/** @type {string} */ word) => word.replace(/[_-]/g, '').toLowerCase();
  return known
    .map((other) => ({ other, distance: editDistance(plain(name), plain(other)) }))
    .filter(({ distance }) => distance <= Math.floor(name.length / 4))
    .sort((a, b) => a.distance - b.distance)[0]?.other;
}

/**
 * The least number of letters to insert, delete or replace (Levenshtein).
 * @param {string} a  @param {string} b
 */
function editDistance(a, b) {
  if (Math.abs(a.length - b.length) > 8) return Infinity; // no typo, and perhaps very long
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1])));
    }
    row = next;
  }
  return row[b.length];
}

/** @template T @param {string} name  @param {T} value  @param {readonly unknown[]} choices */
export function checkChoice(name, value, choices) {
  if (choices.includes(value)) return;
  const all = choices.map(shown);
  throw invalid(`${name} is ${shown(value)}; it must be ${all.slice(0, -1).join(', ')} or ${all.at(-1)}.`);
}

/** @param {unknown} signal */
export function checkSignal(signal) {
  if (signal === undefined || signal === null) return;
  const { addEventListener, signal: own } = /** @type {Record<string, unknown>} */ (Object(signal));
  if (typeof addEventListener === 'function' && 'aborted' in Object(signal)) return;
  const advice = own === undefined ? '' : ' Of an AbortController give the signal: controller.signal.';
  throw invalid(`signal is ${shown(signal)}; it must be an AbortSignal.${advice}`);
}

/** @param {string} name  @param {unknown} callback */
export function checkCallback(name, callback) {
  if (callback === undefined || callback === null || typeof callback === 'function') return;
  throw invalid(`${name} is ${shown(callback)}; it must be a function.`);
}

// ---- numbers and arrays -------------------------------------------------------------------------

/** Whether it is what C takes as a size_t. @param {unknown} x  @returns {x is number} */
export const isCount = (x) => typeof x === 'number' && Number.isInteger(x) && x >= 0 && x < 2 ** 31;

/** Whether all are. @param {...unknown} numbers */
export const areCounts = (...numbers) => numbers.every(isCount);

/**
 * A URL of any realm: of a frame, of jsdom, of a test runner's sandbox.
 * @param {unknown} value  @returns {value is URL}
 */
export const isUrl = (value) => typeof value === 'object' && value !== null
  && typeof (/** @type {URL} */ (value).href) === 'string'
  && typeof (/** @type {URL} */ (value).protocol) === 'string';

/**
 * Refuses sizes that are not whole numbers of at least 1.
 * @param {string} what  their class
 * @param {Record<string, unknown>} sizes
 */
export function checkSizes(what, sizes) {
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isInteger(size) && Number(size) >= 1 && Number(size) < 2 ** 32) continue;
    throw invalid(`${what}: ${name} is ${shown(size)}; it must be a whole number of at least 1.`);
  }
}

/**
 * The length of what should be a list: an array, a typed array, or anything with a length and indices.
 * @param {unknown} list  @param {string} what  it is, at the beginning of a sentence
 */
export function listLength(list, what) {
  const { length } = /** @type {{ length?: unknown }} */ (Object(list));
  if (typeof list === 'object' && areCounts(length)) return Number(length);
  throw invalid(`${what} must be an array; it is ${shown(list)}.`);
}

/**
 * The entries of a list, or of anything else that can be iterated, one by one.
 * @template T
 * @param {Iterable<T> | ArrayLike<T>} list  @param {string} what
 */
export function* entriesOf(list, what) {
  // An array whose buffer was transferred cannot be iterated; its length is 0.
  if (!ArrayBuffer.isView(list) && typeof Object(list)[Symbol.iterator] === 'function') {
    yield* /** @type {Iterable<T>} */ (list);
    return;
  }
  const length = listLength(list, what);
  for (let i = 0; i < length; i++) yield /** @type {ArrayLike<T>} */ (list)[i];
}

/**
 * A list of n as it is now, copied: what follows reads it more than once, and later.
 * @param {ArrayLike<number>} list  @param {string} what  @param {number} n
 */
export function listOf(list, what, n) {
  const length = listLength(list, what);
  if (length !== n) throw invalid(`${what} must have ${n} entries; it has ${length}.`);
  return Array.from({ length }, (_, i) => list[i]);
}

/** @param {unknown} array  @param {string} name  @returns {asserts array is Float32Array} */
export function checkFloats(array, name) {
  if (!(array instanceof Float32Array)) throw invalid(`${name} must be a Float32Array.`);
}

/**
 * The tokens that an array of `width` floats per token holds.
 * @param {unknown} array  @param {number} width  @param {string} name  @param {string} shape  for people
 */
export function tokensIn(array, width, name, shape) {
  checkFloats(array, name);
  const tokens = array.length / width;
  if (Number.isInteger(tokens) && tokens >= 1) return tokens;
  throw invalid(`${name} has ${array.length} floats; its shape must be ${shape}: `
    + `a multiple of ${width}, at least one token.`);
}
