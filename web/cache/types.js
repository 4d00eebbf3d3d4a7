// The types of numbers that a cache can hold: the one list of them, with what they take.

/**
 * @typedef {object} Stored
 * @property {number} each   bytes of a number
 * @property {number} scale  bytes besides, for each block
 * @property {number} block  numbers of a key or value that share a scale; Infinity: all of them
 * @property {number} group  numbers that are kept together: the last ones are filled up
 */

/** "f32" keeps every bit, and stands first; the others round. */
export const CACHE_TYPES = Object.freeze({
  f32: { each: 4, scale: 0, block: Infinity, group: 1 },
  f16: { each: 2, scale: 0, block: Infinity, group: 1 },
  int8: { each: 1, scale: 4, block: Infinity, group: 1 },
  int4: { each: 0.5, scale: 2, block: 32, group: 8 },
});

/** @typedef {keyof typeof CACHE_TYPES} CacheType  "f32" keeps every bit; the others round */

/** Their names. */
export const TYPE_NAMES = /** @type {readonly CacheType[]} */ (Object.freeze(Object.keys(CACHE_TYPES)));

/** Bytes of the scales of a key or value of D numbers. @param {CacheType} type  @param {number} D */
export function scaleBytes(type, D) {
  const { scale, block } = /** @type {Stored} */ (CACHE_TYPES[type]);
  return scale * Math.ceil(D / Math.min(block, D));
}

/** Numbers that are kept of a key or value of D. @param {CacheType} type  @param {number} D */
export const keptNumbers = (type, D) => Math.ceil(D / CACHE_TYPES[type].group) * CACHE_TYPES[type].group;

/** All its bytes. @param {CacheType} type  @param {number} D */
export const vectorBytes = (type, D) => CACHE_TYPES[type].each * keptNumbers(type, D) + scaleBytes(type, D);
