// The options of KVCache, checked, and the element types of every cache.
import { areCounts, checkChoice, checkSizes, invalid, optionsOf, shown } from '../engine/arguments.js';
import { capacityWithin } from './sizes.js';
import { TYPE_NAMES } from './types.js';

const MOST_TOKENS = 2 ** 28; // that pages of 16 can be numbered for

export const POLICY_NAMES = /** @type {const} */ (['oldest', 'attention', 'keynorm']);

/**
 * @import { Row } from './inspect.js'
 * @import { CacheSizes } from './sizes.js'
 *
 * @typedef {typeof POLICY_NAMES[number]} Policy  which tokens go first
 *
 * @typedef {import('./types.js').CacheType} CacheType
 *
 * @typedef {object} Going  what happens to tokens that do not fit, and which ones go
 * @property {'error' | 'stop' | 'slide'} whenFull
 * @property {number} sinks
 * @property {Policy} evict
 * @property {number} recent
 *
 * @typedef {object} KVCacheOptions
 * @property {number} [batchSize]   rows, 1 by default
 * @property {number} [maxSeqLen]   tokens that a row can hold
 * @property {number} [cacheBytes]  in place of it: as many, in whole pages of 16, as take no more bytes
 * @property {number} numLayers
 * @property {number} numHeads      of keys and values; queries may have a multiple of them
 * @property {number} headDim       a multiple of 4
 * @property {CacheType} [keyType]  "f32" (default) keeps every bit; "f16", "int8" and "int4" round
 * @property {CacheType} [valueType]
 * @property {'error' | 'stop' | 'slide'} [whenFull]  what update() does with tokens that do not fit:
 *   error (default): throws "cache_full"
 *   stop: returns false and writes nothing
 *   slide: first drops the oldest tokens after the sinks to make room. Right only for keys that do not know
 *   their position: neither learned positions nor a rotation
 * @property {number} [sinks]       with slide: how many of the first tokens always stay, 0 by default
 * @property {Policy} [evict]       with slide: which tokens between the sinks and the recent ones go
 *   oldest (default): the first ones
 *   attention: those that were looked at least: whose attention weights, summed over layers, heads and
 *   queries, are least
 *   keynorm: those whose keys are longest, in all layers and heads
 * @property {number} [recent]      how many of the last tokens always stay then: by default none with
 *   "oldest", else three quarters of the room beside the sinks
 */

/** @type {readonly (keyof KVCacheOptions)[]} */
export const KV_CACHE_OPTIONS = [
  'batchSize', 'maxSeqLen', 'cacheBytes', 'numLayers', 'numHeads', 'headDim', 'keyType', 'valueType',
  'whenFull', 'sinks', 'evict', 'recent',
];

/**
 * The options, complete and checked.
 * @param {KVCacheOptions} options
 * @returns {Required<Omit<KVCacheOptions, 'cacheBytes'>>}
 */
export function withDefaults(options) {
  const { batchSize = 1, maxSeqLen: asked, cacheBytes, numLayers, numHeads, headDim, keyType = 'f32',
    valueType = 'f32', ...rest } = optionsOf('KVCache', options, KV_CACHE_OPTIONS);
  checkSizes('KVCache', { batchSize, numLayers, numHeads, headDim });
  checkTypes(keyType, valueType);
  if (asked !== undefined && cacheBytes !== undefined) {
    throw invalid('maxSeqLen and cacheBytes both say how many tokens a row can hold: give one of them.');
  }
  const maxSeqLen = cacheBytes === undefined ? asked : capacityWithin('KVCache',
    /** @type {CacheSizes} */ ({ nLayer: numLayers, nKvHead: numHeads, headDim }), { keyType, valueType },
    { cacheBytes, most: MOST_TOKENS, sequences: batchSize });
  checkSizes('KVCache', { maxSeqLen });
  const sizes = /** @type {{ maxSeqLen: number, numLayers: number, numHeads: number, headDim: number }} */ (
    { maxSeqLen, numLayers, numHeads, headDim });
  return { batchSize, ...sizes, keyType, valueType, ...whatGoes(rest, sizes.maxSeqLen) };
}

/**
 * What happens to tokens that do not fit, and which ones go.
 * @param {Pick<KVCacheOptions, 'whenFull' | 'sinks' | 'evict' | 'recent'>} options  @param {number} maxSeqLen
 */
export function whatGoes({ whenFull = 'error', sinks = 0, evict = 'oldest', recent }, maxSeqLen) {
  checkChoice('whenFull', whenFull, ['error', 'stop', 'slide']);
  checkChoice('evict', evict, POLICY_NAMES);
  if (!areCounts(sinks) || sinks >= maxSeqLen) {
    throw invalid(`sinks is ${shown(sinks)}; it must be a whole number from 0 to ${maxSeqLen - 1}, `
      + 'so that a window remains beside them.');
  }
  const newest = recent ?? (evict === 'oldest' ? 0 : Math.floor(3 * (maxSeqLen - sinks) / 4));
  if (!areCounts(newest) || sinks + newest >= maxSeqLen) {
    throw invalid(`recent is ${shown(newest)}; it must be a whole number from 0 to ${maxSeqLen - sinks - 1}, `
      + 'so that there is a token to drop.');
  }
  return { whenFull, sinks, evict, recent: newest };
}

/**
 * The row that a call is about; undefined: all of them.
 * @param {string} what  the call  @param {Row | undefined} options
 */
export const rowIn = (what, options) => optionsOf(what, options, ['row']).row;

/**
 * The options of save() and restore().
 * @param {string} what  @param {{ fingerprint?: bigint } | undefined} options
 */
export function fingerprintIn(what, options) {
  const { fingerprint = 0n } = optionsOf(what, options, ['fingerprint']);
  if (typeof fingerprint === 'bigint' && fingerprint >= 0n && fingerprint < 2n ** 64n) return fingerprint;
  throw invalid('A fingerprint is a BigInt of 64 bits, such as 0n.');
}

/** @param {...CacheType} types */
export function checkTypes(...types) {
  for (const type of types) checkChoice('The type of a cache', type, TYPE_NAMES);
}
