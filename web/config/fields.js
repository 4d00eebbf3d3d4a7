// Checked readers for the fields of a model's JSON files. A missing field, like null, takes its preset;
// every other value of the wrong kind is refused with the file, the field and the value in the message.
import { KvcError } from '../engine/errors.js';
import { shown } from '../files/json.js';

const MAX_SIZE = 2 ** 24;          // of any single dimension; far beyond every model that fits
const MAX_WEIGHTS = 2 ** 32;       // as int8 each takes a byte and more, and wasm32 cannot address more

/** @param {number} x */
export const isCount = (x) => Number.isSafeInteger(x) && x >= 0;

export class Fields {
  #file;
  #fields; // a Map, so that a key like __proto__ is only a key

  /** @param {unknown} json  the parsed file  @param {string} file  its name */
  constructor(json, file) {
    this.#file = file;
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new KvcError('config_invalid', `${file} must hold a JSON object.`);
    }
    this.#fields = new Map(Object.entries(json));
  }

  /** The value as it is in the file, unchecked. @param {string} key  @returns {unknown} */
  get(key) {
    return this.#fields.get(key);
  }

  /** Whether the field has a value other than null. @param {string} key */
  has(key) {
    return this.get(key) != null;
  }

  /** @param {string} key  @param {string} rule  what the value must be  @returns {never} */
  refuse(key, rule) {
    throw new KvcError('config_invalid',
      `${this.#file}: ${key} is ${shown(this.get(key))}; it must be ${rule}.`);
  }

  /**
   * The error for a model that computes something the engine does not.
   * @param {string} key  @param {string} advice
   */
  unsupported(key, advice) {
    return new KvcError('unsupported_architecture',
      `${this.#file}: ${key} is ${shown(this.get(key))}; ${advice}.`);
  }

  /** A dimension of the model; required. @param {string} key  @returns {number} */
  size(key) {
    const value = this.get(key);
    if (typeof value === 'number' && isCount(value) && value >= 1 && value <= MAX_SIZE) return value;
    return this.refuse(key, `a whole number from 1 to ${MAX_SIZE}`);
  }

  /**
   * @param {string} key  @param {number} preset
   * @param {(x: number) => boolean} holds  @param {string} rule  the same in words
   * @returns {number}
   */
  number(key, preset, holds, rule) {
    const value = this.get(key) ?? preset;
    if (typeof value === 'number' && Number.isFinite(value) && holds(value)) return value;
    return this.refuse(key, rule);
  }

  /** @param {string} key  @param {boolean} preset  @returns {boolean} */
  flag(key, preset) {
    const value = this.get(key) ?? preset;
    return typeof value === 'boolean' ? value : this.refuse(key, 'true or false');
  }

  /**
   * Token ids: one, several, or none (null). The preset is only for a field that is missing.
   * @param {string} key  @param {number} vocabSize  @param {readonly number[]} preset
   * @returns {readonly number[]}
   */
  tokenIds(key, vocabSize, preset) {
    const value = this.#fields.has(key) ? this.get(key) : preset;
    const ids = value === null ? [] : Array.isArray(value) ? value : [value];
    if (!ids.every((id) => isCount(id) && id < vocabSize)) {
      this.refuse(key, `null, or one or more token ids below vocab_size ${vocabSize}`);
    }
    return Object.freeze([...new Set(ids)]);
  }

  /**
   * The count is exact: every size is at most 2^24.
   * @param {number} weights  of the whole model  @param {string[]} keys  the sizes that they follow from
   */
  refuseTooManyWeights(weights, keys) {
    if (weights <= MAX_WEIGHTS) return;
    const sizes = keys.map((key) => `${key} ${shown(this.get(key))}`).join(', ');
    const billions = (weights / 1e9).toFixed(1);
    throw new KvcError('config_invalid', `${this.#file}: ${sizes} make ${billions} billion weights, which `
      + 'take more than 4 GB even as int8, and so more than WebAssembly can hold.');
  }
}
