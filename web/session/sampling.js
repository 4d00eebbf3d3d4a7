// The options of generate(), checked before anything is computed.
import { KvcError } from '../engine/errors.js';
import { refuseSequences } from './options.js';

/**
 * @typedef {object} GenerateOptions   what is not given comes from the model's generation_config.json
 * @property {number} [maxTokens]      at most so many new tokens; by default up to the capacity
 * @property {number} [n]              samples, 1 by default; sample i has the seed "seed + i"
 * @property {number} [numBeams]       beam search (beams.js) with so many beams; nothing is drawn then
 * @property {number} [lengthPenalty]  of beam search: above 0 favours longer texts, 1 by default
 * @property {boolean | 'never'} [earlyStopping]  of beam search, false by default
 * @property {boolean} [useCache]      sets session.useCache before the first token
 * @property {number} [temperature]    0: greedy
 * @property {number} [topK]           0: off
 * @property {number} [topP]           1: off
 * @property {number} [minP]           0: off
 * @property {number} [repetitionPenalty]  1: off
 * @property {number | bigint} [seed]  the same seed gives the same text everywhere; 0 by default
 * @property {AbortSignal} [signal]    stops within one token or 8 ms; rejects with code "aborted"
 *
 * @typedef {{ numBeams: number, lengthPenalty: number, earlyStopping: boolean | 'never' }} BeamOptions
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
 * @param {Readonly<import('../config/generation.js').GenerationConfig>} preset  for what is not given
 * @returns {number[]}
 */
export function samplingArguments(options, preset) {
  const { maxTokens } = options;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)) {
    throw new KvcError('invalid_argument', `maxTokens is ${maxTokens}; it must be a whole number from 0 on.`);
  }
  refuseSequences(options.n ?? 1);
  return FILTERS.map(([name, holds, range]) => {
    const value = options[name] ?? preset[name];
    if (typeof value === 'number' && holds(value)) return value;
    throw new KvcError('invalid_argument', `${name} is ${value}; it must be ${range}.`);
  });
}

/** What beam search needs; undefined without numBeams. @param {GenerateOptions} options  @returns {BeamOptions | undefined} */
export function beamOptions(options) {
  const { numBeams, lengthPenalty = 1, earlyStopping = false } = options;
  if (numBeams === undefined) {
    const stray = ['lengthPenalty', 'earlyStopping'].find((name) => options[/** @type {'lengthPenalty'} */ (name)] !== undefined);
    if (stray) throw new KvcError('invalid_argument', `${stray} is for beam search: give numBeams too, or leave it out.`);
    return undefined;
  }
  refuseSequences(numBeams);
  const stray = [...FILTERS.map(([name]) => name), 'seed'].find((name) => options[/** @type {Filter} */ (name)] !== undefined);
  if (stray) throw new KvcError('invalid_argument', `Beam search draws nothing: leave out ${stray}, or numBeams.`);
  if ((options.n ?? 1) !== 1) throw new KvcError('invalid_argument', 'Beam search gives one text: leave out n, or numBeams.');
  if (!Number.isFinite(lengthPenalty)) throw new KvcError('invalid_argument', `lengthPenalty is ${lengthPenalty}; it must be a number.`);
  if (![true, false, 'never'].includes(earlyStopping)) {
    throw new KvcError('invalid_argument', `earlyStopping is ${earlyStopping}; it must be true, false or "never".`);
  }
  return { numBeams, lengthPenalty, earlyStopping };
}

/** The sampler's 64-bit state. @param {number | bigint} [seed] */
export function seedOf(seed = 0) {
  if (typeof seed === 'bigint' || Number.isSafeInteger(seed)) return BigInt.asUintN(64, BigInt(seed));
  throw new KvcError('invalid_argument', `The seed is ${seed}; it must be a whole number or a BigInt.`);
}
