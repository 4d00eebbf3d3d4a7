// The options and weights of CachedAttention, checked.
import { checkTypes, whatGoes } from '../cache/options.js';
import { checkFloats, checkSizes, invalid, optionsOf, shown } from '../engine/arguments.js';

/**
 * @import { CacheType, Going, Policy } from '../cache/options.js'
 *
 * @typedef {object} CachedAttentionOptions
 * @property {number} embedDim      C, of x and y; a multiple of 4
 * @property {number} numHeads
 * @property {number} [numKVHeads]  a divisor of numHeads, which is the default; 1 is multi-query
 * @property {number} [headDim]     embedDim / numHeads by default; a multiple of 4
 * @property {number} [sourceDim]   makes it cross-attention: the width of the source, a multiple of 4
 * @property {number} maxSeqLen     tokens of a row, or source tokens of a row
 * @property {number} [batchSize]   rows, 1 by default
 * @property {CacheType} [keyType]
 * @property {CacheType} [valueType]
 * @property {'error' | 'slide'} [whenFull]  as of KVCache, with sinks, evict and recent: self-attention alone
 * @property {number} [sinks]
 * @property {Policy} [evict]
 * @property {number} [recent]
 *
 * Matrices are (in, out), row-major, as in x W; a PyTorch nn.Linear keeps (out, in), so transpose those.
 * @typedef {object} AttentionWeights
 * @property {Float32Array} wq    (C, numHeads * D)
 * @property {Float32Array} wk    (C or sourceDim, numKVHeads * D)
 * @property {Float32Array} wv    (C or sourceDim, numKVHeads * D)
 * @property {Float32Array} wo    (numHeads * D, C)
 * @property {Float32Array} [bq]  (numHeads * D)
 * @property {Float32Array} [bk]  (numKVHeads * D)
 * @property {Float32Array} [bv]  (numKVHeads * D)
 * @property {Float32Array} [bo]  (C)
 */

export const PARTS = /** @type {const} */ (['q', 'k', 'v', 'o']);

/** @type {readonly (keyof CachedAttentionOptions)[]} */
export const CACHED_ATTENTION_OPTIONS = [
  'embedDim', 'numHeads', 'numKVHeads', 'headDim', 'sourceDim', 'maxSeqLen', 'batchSize', 'keyType',
  'valueType', 'whenFull', 'sinks', 'evict', 'recent',
];

/**
 * The options, complete and checked.
 * @param {CachedAttentionOptions} options
 * @returns {Required<Omit<CachedAttentionOptions, 'whenFull'>> & Going}
 */
export function withDefaults(options) {
  const { embedDim, numHeads, numKVHeads = numHeads, sourceDim = 0, maxSeqLen, batchSize = 1, keyType = 'f32',
    valueType = 'f32', ...rest } = optionsOf('CachedAttention', options, CACHED_ATTENTION_OPTIONS);
  checkSizes('CachedAttention', { embedDim, numHeads, numKVHeads, maxSeqLen, batchSize });
  const required = /** @type {Record<'embedDim' | 'numHeads' | 'numKVHeads' | 'maxSeqLen', number>} */ (
    { embedDim, numHeads, numKVHeads, maxSeqLen });
  const { headDim = required.embedDim / required.numHeads } = rest;
  checkSizes('CachedAttention', { headDim, ...(sourceDim !== 0 && { sourceDim }) });
  checkTypes(keyType, valueType);
  const going = whatGoes(rest, required.maxSeqLen);
  if (/** @type {string} */ (going.whenFull) === 'stop' || (sourceDim > 0 && going.whenFull === 'slide')) {
    throw invalid(`whenFull is ${shown(going.whenFull)}; of self-attention it must be "error" or "slide", of `
      + 'cross-attention "error".');
  }
  return { ...required, headDim, sourceDim, batchSize, keyType, valueType, ...going };
}

/** @type {readonly (keyof AttentionWeights)[]} */
const WEIGHT_NAMES = ['wq', 'wk', 'wv', 'wo', 'bq', 'bk', 'bv', 'bo'];

/**
 * The weights, of the right shapes.
 * @param {AttentionWeights} weights  @param {ReturnType<typeof withDefaults>} sizes
 * @returns {AttentionWeights}
 */
export function checkedWeights(weights, { embedDim, numHeads, numKVHeads, headDim, sourceDim }) {
  const given = optionsOf("CachedAttention's set of weights", weights, WEIGHT_NAMES);
  const source = sourceDim || embedDim;
  const shapes = {
    q: [embedDim, numHeads * headDim],
    k: [source, numKVHeads * headDim],
    v: [source, numKVHeads * headDim],
    o: [numHeads * headDim, embedDim],
  };
  for (const part of PARTS) {
    const [rows, columns] = shapes[part];
    checkLength(given[`w${part}`], `w${part}`, rows * columns, `(${rows}, ${columns})`);
    const bias = given[`b${part}`];
    if (bias !== undefined) checkLength(bias, `b${part}`, columns, `(${columns})`);
  }
  return /** @type {AttentionWeights} */ (given);
}

/** @param {unknown} array  @param {string} name  @param {number} length  @param {string} shape */
function checkLength(array, name, length, shape) {
  checkFloats(array, name);
  if (array.length === length) return;
  throw invalid(`${name} has ${array.length} floats; its shape must be ${shape}, which is ${length}.`);
}
