// Positions as rotations, in config.json: which numbers of a head turn, and by what angles.
import { Fields } from './fields.js';

const THETA = 10_000; // where the file does not say

/**
 * Positions as rotations. `factor` divides the angles: all of them, or, where `original` is not 0, the slow
 * ones (include/kvc.h says which).
 * @typedef {object} Rotary
 * @property {number} dim       numbers of a head that turn
 * @property {number} theta     base of the angles
 * @property {number} factor    1: as they are
 * @property {number} original  positions that the angles were made for; 0: it does not matter
 * @property {number} low       turns in these positions, up to which an angle is divided
 * @property {number} high      and from which it is not
 */

/** Types of scaling that are refused, and why. */
const REFUSED = new Map([
  ['dynamic', 'its angles change with the length of the text, so the keys of a cache would disagree'],
  ['longrope', 'its angles are others in long texts, so the keys of a cache would disagree'],
  ['yarn', 'it is not computed yet'],
]);

/**
 * In the spelling of transformers 5, `rope_parameters`, or in the older ones: `rope_scaling` beside
 * `rope_theta`, `type` for `rope_type`.
 * @param {Fields} fields  @param {number} headDim  @param {number} nPositions
 * @returns {Rotary}
 */
export function readRotary(fields, headDim, nPositions) {
  const key = fields.has('rope_parameters') ? 'rope_parameters' : 'rope_scaling';
  const rope = new Fields(fields.get(key) ?? {}, `config.json: ${key}`);
  for (const place of [fields, rope]) {
    if (place.number('partial_rotary_factor', 1, (x) => x > 0 && x <= 1, 'above 0 and at most 1') !== 1) {
      throw place.unsupported('partial_rotary_factor', 'only 1 is supported');
    }
  }
  const theta = (rope.has('rope_theta') ? rope : fields).number('rope_theta', THETA, isFactor, FACTOR);
  const plain = { dim: headDim, theta, factor: 1, original: 0, low: 0, high: 0 };
  const typeKey = rope.has('rope_type') ? 'rope_type' : 'type';
  const type = rope.get(typeKey) ?? 'default';
  if (type === 'default') return plain;
  if (type === 'linear') return { ...plain, factor: required(rope, 'factor') };
  if (type === 'llama3') return { ...plain, ...readLlama3(fields, rope, nPositions) };
  const reason = (typeof type === 'string' && REFUSED.get(type)) || 'it is not known';
  throw rope.unsupported(typeKey, `${reason}; "default", "linear" and "llama3" are supported`);
}

/** @param {Fields} fields  @param {Fields} rope  @param {number} nPositions */
function readLlama3(fields, rope, nPositions) {
  const place = [fields, rope].find((each) => each.has('original_max_position_embeddings'));
  const original = place?.size('original_max_position_embeddings') ?? nPositions;
  const [low, high] = [required(rope, 'low_freq_factor'), required(rope, 'high_freq_factor')];
  if (low >= high) rope.refuse('low_freq_factor', `below high_freq_factor ${high}`);
  return { factor: required(rope, 'factor'), original, low, high };
}

const FACTOR = 'a number from 1 to 1e12';

/** @param {number} x */
const isFactor = (x) => x >= 1 && x <= 1e12;

/** @param {Fields} rope  @param {string} key */
const required = (rope, key) => rope.number(key, NaN, isFactor, FACTOR);
