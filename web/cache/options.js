// The options of KVCache, checked, and the element types of every cache.
import { areCounts, checkSizes } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';

const CACHE_TYPES = ['f32', 'f16', 'int8'];

/**
 * @typedef {'f32' | 'f16' | 'int8'} CacheType  "f32" keeps every bit; "f16" and "int8" round
 *
 * @typedef {object} KVCacheOptions
 * @property {number} [batchSize]   rows, 1 by default
 * @property {number} maxSeqLen     tokens that a row can hold
 * @property {number} numLayers
 * @property {number} numHeads      of keys and values; queries may have a multiple of them
 * @property {number} headDim       a multiple of 4
 * @property {CacheType} [keyType]  "f32" (default) keeps every bit; "f16" and "int8" round
 * @property {CacheType} [valueType]
 * @property {'error' | 'stop' | 'slide'} [whenFull]  what update() does with tokens that do not fit:
 *   error (default): throws "cache_full"
 *   stop: returns false and writes nothing
 *   slide: first drops the oldest tokens after the sinks to make room. Right only for keys that do not know
 *   their position: neither learned positions nor a rotation
 * @property {number} [sinks]       with slide: how many of the first tokens always stay, 0 by default
 */

/**
 * The options, complete and checked.
 * @param {KVCacheOptions} options
 * @returns {Required<KVCacheOptions>}
 */
export function withDefaults({ batchSize = 1, maxSeqLen, numLayers, numHeads, headDim, keyType = 'f32',
  valueType = 'f32', whenFull = 'error', sinks = 0 }) {
  checkSizes('KVCache', { batchSize, maxSeqLen, numLayers, numHeads, headDim });
  checkTypes(keyType, valueType);
  if (!['error', 'stop', 'slide'].includes(whenFull)) {
    throw new KvcError('invalid_argument',
      `whenFull is "${whenFull}"; it must be "error", "stop" or "slide".`);
  }
  if (!areCounts(sinks) || sinks >= maxSeqLen) {
    throw new KvcError('invalid_argument', `sinks is ${sinks}; it must be a whole number from 0 to `
      + `${maxSeqLen - 1}, so that a window remains beside them.`);
  }
  return { batchSize, maxSeqLen, numLayers, numHeads, headDim, keyType, valueType, whenFull, sinks };
}

/** @param {unknown} fingerprint */
export function checkFingerprint(fingerprint) {
  if (typeof fingerprint === 'bigint' && fingerprint >= 0n && fingerprint < 2n ** 64n) return;
  throw new KvcError('invalid_argument', 'A fingerprint is a BigInt of 64 bits, such as 0n.');
}

/** @param {...string} types */
export function checkTypes(...types) {
  for (const type of types) {
    if (CACHE_TYPES.includes(type)) continue;
    throw new KvcError('invalid_argument',
      `A cache keeps "f32", "f16" or "int8"; "${type}" is none of them.`);
  }
}
