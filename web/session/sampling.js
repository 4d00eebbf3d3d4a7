// The options of generate(), checked before anything is computed.
import { KvcError } from '../engine/errors.js';
import { checkSequences } from './options.js';

/**
 * @import { GenerationConfig } from '../config/generation.js'
 * @import { Struct } from '../engine/abi.js'
 *
 * @typedef {object} GenerateOptions   what is not given comes from the model's generation_config.json
 * @property {number} [maxTokens]      the most new tokens; by default up to the capacity
 * @property {number} [n]              samples, 1 by default; sample i has the seed "seed + i"
 * @property {number} [numBeams]       beam search (beams.js) with this many beams; nothing is drawn then
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
 * @typedef {'temperature' | 'topK' | 'topP' | 'minP' | 'repetitionPenalty'} Filter
 */

/** @type {Record<Filter, { holds: (x: number) => boolean, range: string }>} */
const FILTERS = {
  temperature: { holds: (x) => x >= 0 && x <= 1e6, range: 'from 0 (greedy) to 1e6' },
  topK: { holds: (x) => Number.isInteger(x) && x >= 0 && x < 2 ** 32, range: 'a whole number, 0 for off' },
  topP: { holds: (x) => x > 0 && x <= 1, range: 'above 0 and at most 1' },
  minP: { holds: (x) => x >= 0 && x <= 1, range: 'between 0 and 1' },
  repetitionPenalty: { holds: (x) => x > 0 && x <= 1e6, range: 'above 0 and at most 1e6' },
};

/** @param {GenerateOptions} options */
export function checkCounts({ maxTokens, n }) {
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)) {
    throw new KvcError('invalid_argument', `maxTokens is ${maxTokens}; it must be a whole number from 0 on.`);
  }
  checkSequences(n ?? 1);
}

/**
 * What the sampler takes.
 * @param {GenerateOptions} options
 * @param {Readonly<GenerationConfig>} preset  for what is not given
 * @returns {Struct<'kvc_sampling'>}
 */
export function samplingOf(options, preset) {
  const value = (/** @type {Filter} */ name) => {
    const given = options[name] ?? preset[name];
    const { holds, range } = FILTERS[name];
    if (typeof given === 'number' && holds(given)) return given;
    throw new KvcError('invalid_argument', `${name} is ${given}; it must be ${range}.`);
  };
  return {
    temperature: value('temperature'),
    top_k: value('topK'),
    top_p: value('topP'),
    min_p: value('minP'),
    repetition_penalty: value('repetitionPenalty'),
  };
}

/**
 * What beam search needs; undefined without numBeams.
 * @param {GenerateOptions} options
 * @returns {BeamOptions | undefined}
 */
export function beamOptions(options) {
  const { numBeams, lengthPenalty = 1, earlyStopping = false } = options;
  const given = (/** @type {(keyof GenerateOptions)[]} */ names) => (
    names.find((name) => options[name] !== undefined));
  if (numBeams === undefined) {
    const stray = given(['lengthPenalty', 'earlyStopping']);
    if (!stray) return undefined;
    throw new KvcError('invalid_argument',
      `${stray} is for beam search: give numBeams too, or leave it out.`);
  }
  checkSequences(numBeams);
  const stray = given([.../** @type {Filter[]} */ (Object.keys(FILTERS)), 'seed']);
  if (stray) {
    throw new KvcError('invalid_argument', `Beam search draws nothing: leave out ${stray}, or numBeams.`);
  }
  if ((options.n ?? 1) !== 1) {
    throw new KvcError('invalid_argument', 'Beam search gives one text: leave out n, or numBeams.');
  }
  if (!Number.isFinite(lengthPenalty)) {
    throw new KvcError('invalid_argument', `lengthPenalty is ${lengthPenalty}; it must be a number.`);
  }
  if (![true, false, 'never'].includes(earlyStopping)) {
    throw new KvcError('invalid_argument',
      `earlyStopping is ${earlyStopping}; it must be true, false or "never".`);
  }
  return { numBeams, lengthPenalty, earlyStopping };
}

/** The sampler's 64-bit state. @param {number | bigint} [seed] */
export function seedOf(seed = 0) {
  if (typeof seed === 'bigint' || Number.isSafeInteger(seed)) return BigInt.asUintN(64, BigInt(seed));
  throw new KvcError('invalid_argument', `The seed is ${seed}; it must be a whole number or a BigInt.`);
}
