// What the readers of tokenizer.json and tokenizer_config.json share: their errors, and looks at values that
// may be anything.
import { KvcError } from '../engine/errors.js';
import { shown } from './json.js';

/** @typedef {Record<string, unknown>} Json */

/** @param {string} message  @param {unknown} [cause] */
export const invalid = (message, cause) => new KvcError('tokenizer_invalid', message, { cause });

/** @param {string} key  @param {unknown} value  @param {string} only  what is supported there */
export const unlike = (key, value, only) => (
  invalid(`tokenizer.json: ${key} is ${shown(value)}, which is not supported, only ${only}.`));

/** @param {unknown} value  @param {string} file  that it is the contents of */
export function objectOf(value, file) {
  if (isObject(value)) return value;
  throw invalid(`${file} must be a JSON object.`);
}

/** @param {unknown} value  @param {string} what  in tokenizer.json */
export function objectAt(value, what) {
  if (isObject(value)) return value;
  throw invalid(`tokenizer.json: ${what} must be a JSON object.`);
}

/** @param {unknown} value  @returns {value is Json} */
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} value  @param {string} what  in tokenizer.json  @returns {unknown[]} */
export function listAt(value, what) {
  if (!Array.isArray(value)) throw invalid(`tokenizer.json: ${what} must be an array.`);
  return value;
}
