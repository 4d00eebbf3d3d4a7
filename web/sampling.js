// The options of generate(), checked before anything is computed.
import { KvcError } from './errors.js';

/**
 * @typedef {object} GenerateOptions   what is not given comes from the model's generation_config.json
 * @property {number} [maxTokens]      at most so many new tokens; by default up to the capacity
 * @property {boolean} [useCache]      sets session.useCache before the first token
 * @property {number} [temperature]    0: greedy
 * @property {number} [topK]           0: off
 * @property {number} [topP]           1: off
 * @property {number} [minP]           0: off
 * @property {number} [repetitionPenalty]  1: off
 * @property {number | bigint} [seed]  the same seed gives the same text everywhere; 0 by default
 * @property {AbortSignal} [signal]    stops within one token; rejects with code "aborted"
 */

/** @typedef {'temperature' | 'topK' | 'topP' | 'minP' | 'repetitionPenalty'} Filter */

/** In the order of kvc_wasm_session_sample. @type {[Filter, (x: number) => boolean, string][]} */
const FILTERS = [
  ['temperature', (x) => x >= 0 && x <= 1e6, 'from 0 (greedy) to 1e6'],
  ['topK', (x) => Number.isInteger(x) && x >= 0 && x < 2 ** 32, 'a whole number, 0 for off'],
  ['topP', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
  ['minP', (x) => x >= 0 && x <= 1, 'between 0 and 1'],
  ['repetitionPenalty', (x) => x > 0 && x <= 1e6, 'above 0 and at most 1e6'],
];

/**
 * The sampler's arguments.
 * @param {GenerateOptions} options
 * @param {Readonly<import('./config.js').GenerationConfig>} preset  for what is not given
 * @returns {number[]}
 */
export function samplingArguments(options, preset) {
  const { maxTokens } = options;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)) {
    throw new KvcError('invalid_argument', `maxTokens is ${maxTokens}; it must be a whole number from 0 on.`);
  }
  return FILTERS.map(([name, holds, range]) => {
    const value = options[name] ?? preset[name];
    if (typeof value === 'number' && holds(value)) return value;
    throw new KvcError('invalid_argument', `${name} is ${value}; it must be ${range}.`);
  });
}

/** The sampler's 64-bit state. @param {number | bigint} [seed] */
export function seedOf(seed = 0) {
  if (typeof seed === 'bigint' || Number.isSafeInteger(seed)) return BigInt.asUintN(64, BigInt(seed));
  throw new KvcError('invalid_argument', `The seed is ${seed}; it must be a whole number or a BigInt.`);
}
