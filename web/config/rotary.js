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
 * @property {number} [localTheta]    base in layers with a window, whose angles are never divided
 * @property {Readonly<Yarn>} [yarn]  between these, the number of a pair counts and not its turns
 *
 * @typedef {object} Yarn
 * @property {boolean} truncate   the borders between which it counts are whole pairs
 * @property {number} attention   by which turned heads are longer; 0: as follows from `factor`
 * @property {number} mscale      with these two
 * @property {number} mscaleAll
 */

/**
 * What is peculiar to a class that turns a part of each head.
 * @typedef {object} OwnNames
 * @property {number} [part]      of a head where the file does not say; without it all of a head turns
 * @property {string} [partKey]   its own name of `partial_rotary_factor`
 * @property {string} [thetaKey]  and of `rope_theta`
 */

/** Types of scaling that are refused, and why. */
const REFUSED = new Map([
  ['dynamic', 'its angles change with the length of the text, so the keys of a cache would disagree'],
  ['longrope', 'its angles are others in long texts, so the keys of a cache would disagree'],
]);

/**
 * In the spelling of transformers 5, `rope_parameters`, or in the older ones: `rope_scaling` beside
 * `rope_theta`, `type` for `rope_type`.
 * @param {Fields} fields  @param {number} headDim  @param {number} nPositions
 * @param {OwnNames} [own]
 * @returns {Rotary}
 */
export function readRotary(fields, headDim, nPositions, own = {}) {
  const key = fields.has('rope_parameters') ? 'rope_parameters' : 'rope_scaling';
  const rope = new Fields(fields.get(key) ?? {}, `config.json: ${key}`);
  const dim = turnedOf(fields, rope, headDim, own);
  const [place, name] = whereIs('rope_theta', fields, rope, own.thetaKey);
  const theta = place.number(name, THETA, isFactor, FACTOR);
  const plain = { dim, theta, factor: 1, original: 0, low: 0, high: 0 };
  const typeKey = rope.has('rope_type') ? 'rope_type' : 'type';
  const type = rope.get(typeKey) ?? 'default';
  if (type === 'default') return plain;
  if (type === 'linear') return { ...plain, factor: required(rope, 'factor') };
  if (type === 'llama3') return { ...plain, ...readLlama3(fields, rope, nPositions) };
  if (type === 'yarn') return { ...plain, ...readYarn(fields, rope, { theta, nPositions }) };
  const reason = (typeof type === 'string' && REFUSED.get(type)) || 'it is not known';
  throw rope.unsupported(typeKey, `${reason}; "default", "linear", "llama3" and "yarn" are supported`);
}

/**
 * The numbers of a head that turn: its first ones.
 * @param {Fields} fields  @param {Fields} rope  @param {number} headDim  @param {OwnNames} own
 */
function turnedOf(fields, rope, headDim, { part, partKey }) {
  const [place, name] = whereIs('partial_rotary_factor', fields, rope, partKey);
  const share = place.number(name, part ?? 1, (x) => x > 0 && x <= 1, 'above 0 and at most 1');
  if (part === undefined && share !== 1) throw place.unsupported(name, 'only 1 is supported');
  const dim = Math.floor(headDim * share);
  if (dim % 2 === 0 && dim > 0) return dim;
  return place.refuse(name, `a part of the ${headDim} numbers per head that is even; this is ${dim} of them`);
}

/**
 * A key inside `rope_parameters`, or at the top, or under a name of the class.
 * @param {string} key  @param {Fields} fields  @param {Fields} rope  @param {string} [ownKey]
 * @returns {[place: Fields, key: string]}
 */
function whereIs(key, fields, rope, ownKey) {
  if (rope.has(key)) return [rope, key];
  return [fields, ownKey && !fields.has(key) ? ownKey : key];
}

/** @param {Fields} fields  @param {Fields} rope  @param {number} nPositions */
function readLlama3(fields, rope, nPositions) {
  const original = readOriginal(fields, rope, nPositions);
  const [low, high] = [required(rope, 'low_freq_factor'), required(rope, 'high_freq_factor')];
  if (low >= high) rope.refuse('low_freq_factor', `below high_freq_factor ${high}`);
  return { factor: required(rope, 'factor'), original, low, high };
}

/** @param {Fields} fields  @param {Fields} rope  @param {number} nPositions */
function readOriginal(fields, rope, nPositions) {
  const place = [fields, rope].find((each) => each.has('original_max_position_embeddings'));
  return place?.size('original_max_position_embeddings') ?? nPositions;
}

/**
 * @param {Fields} fields  @param {Fields} rope
 * @param {{ theta: number, nPositions: number }} sizes
 */
function readYarn(fields, rope, { theta, nPositions }) {
  if (theta === 1) (rope.has('rope_theta') ? rope : fields).refuse('rope_theta', 'above 1 for yarn');
  const original = readOriginal(fields, rope, nPositions);
  const [low, high] = [positive(rope, 'beta_slow', 1), positive(rope, 'beta_fast', 32)];
  if (low >= high) rope.refuse('beta_slow', `below beta_fast ${high}`);
  const scales = [positive(rope, 'mscale', 0), positive(rope, 'mscale_all_dim', 0)];
  const [mscale, mscaleAll] = scales.includes(0) ? [1, 0] : scales; // one alone says nothing
  const yarn = Object.freeze({ truncate: rope.flag('truncate', true),
    attention: positive(rope, 'attention_factor', 0), mscale, mscaleAll });
  return { factor: required(rope, 'factor'), original, low, high, yarn };
}

/**
 * A number that may be missing; 0 is as good as that.
 * @param {Fields} rope  @param {string} key  @param {number} preset
 */
const positive = (rope, key, preset) => (
  rope.number(key, preset, (x) => x >= 0 && x <= 1e12, 'a number from 0 to 1e12') || preset);

const FACTOR = 'a number from 1 to 1e12';

/** @param {number} x */
const isFactor = (x) => x >= 1 && x <= 1e12;

/** @param {Fields} rope  @param {string} key */
const required = (rope, key) => rope.number(key, NaN, isFactor, FACTOR);
