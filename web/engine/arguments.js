// Checks of what callers give: numbers that C takes as sizes, and arrays of floats.
import { KvcError } from './errors.js';

/** Whether all are what C takes as a size_t. @param {...unknown} numbers */
export const areCounts = (...numbers) => (
  numbers.every((x) => Number.isInteger(x) && Number(x) >= 0 && Number(x) < 2 ** 31));

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
    throw new KvcError('invalid_argument',
      `${what}: ${name} is ${String(size)}; it must be a whole number of at least 1.`);
  }
}

/** @param {unknown} array  @param {string} name  @returns {asserts array is Float32Array} */
export function checkFloats(array, name) {
  if (!(array instanceof Float32Array)) {
    throw new KvcError('invalid_argument', `${name} must be a Float32Array.`);
  }
}

/**
 * The tokens that an array of `width` floats per token holds.
 * @param {unknown} array  @param {number} width  @param {string} name  @param {string} shape  for people
 */
export function tokensIn(array, width, name, shape) {
  checkFloats(array, name);
  const tokens = array.length / width;
  if (Number.isInteger(tokens) && tokens >= 1) return tokens;
  throw new KvcError('invalid_argument', `${name} has ${array.length} floats; its shape must be ${shape}: `
    + `a multiple of ${width}, at least one token.`);
}
