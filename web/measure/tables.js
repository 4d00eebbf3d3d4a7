// What a KV cache costs in memory and saves in work, in tables. Everything here is computed from the sizes of
// a model and says so (source: 'computed'); measuring is in benchmark.js.
import { heldBytes, layerBytes } from '../cache/sizes.js';
import { TYPE_NAMES } from '../cache/types.js';
import { invalid, optionsOf, shown } from '../engine/arguments.js';
import { filledIn, multiplyAdds, parameterCount } from './analysis.js';

/**
 * @import { CacheType } from '../cache/types.js'
 * @import { Shape } from './analysis.js'
 */

const MOST_TOKENS = 2 ** 20; // that a length may have: each is counted

/**
 * Models to compare. The first three are those of a course on KV caches, which gives width, layers and length
 * ("tiny" 128, 4, 32; "small" 512, 8, 64; "medium" 768, 12, 128); heads of 64 numbers and a vocabulary of the
 * 256 bytes are our choice, so that most parameters are in the layers. GPT-2 and GPT-3 are as published.
 * @type {Readonly<Record<string, Readonly<Shape>>>}
 */
export const SHAPES = Object.freeze({
  tiny: shape(4, 2, 128, 32, 256),
  small: shape(8, 8, 512, 64, 256),
  medium: shape(12, 12, 768, 128, 256),
  'GPT-2': shape(12, 12, 768, 1024, 50257),
  'GPT-3': shape(96, 96, 12288, 2048, 50257),
});

/** The lengths of that course, in tokens. */
export const LENGTHS = Object.freeze([10, 25, 50, 100, 200, 500]);

/**
 * @param {number} nLayer  @param {number} nHead  @param {number} nEmbd
 * @param {number} nPositions  @param {number} vocabSize
 */
function shape(nLayer, nHead, nEmbd, nPositions, vocabSize) {
  return Object.freeze({ nLayer, nHead, nEmbd, nPositions, vocabSize });
}

/**
 * @typedef {object} MemoryRow
 * @property {'computed'} source
 * @property {string} shape           its name
 * @property {string} type            of the cache: one for both, or of K and V, as in 'f16/int8'
 * @property {number} tokens          cached
 * @property {number} bytesPerToken   layers * heads of keys and values * (a K and a V vector)
 * @property {number} cacheBytes      of one sequence: bytesPerToken * tokens, less what layers with a window
 *   have given back of that
 * @property {number} parameters      of the model, embeddings included, the tied head counted once
 * @property {number} share           cacheBytes over the bytes of the parameters in f32
 */

/**
 * @typedef {object} MemoryOptions
 * @property {Readonly<Record<string, Readonly<Shape>>>} [shapes]  by name; model.config is one
 * @property {readonly string[]} [types]    of the cache
 * @property {readonly number[]} [lengths]  in tokens; if absent, the whole context of each shape
 */

/**
 * @typedef {object} SpeedupOptions
 * @property {readonly number[]} [lengths]  in tokens
 * @property {Readonly<Shape>} [shape]      model.config will do
 */

/** @type {readonly (keyof MemoryOptions)[]} */
export const MEMORY_OPTIONS = ['shapes', 'types', 'lengths'];

/** @type {readonly (keyof SpeedupOptions)[]} */
export const SPEEDUP_OPTIONS = ['lengths', 'shape'];

/**
 * The memory of a KV cache for every shape, type and length: 2 * L * H * S * D * bytes. Lengths beyond the
 * context of a shape are left out.
 * @param {MemoryOptions} [options]
 * @returns {MemoryRow[]}
 */
export function analyzeMemory(options) {
  const { shapes = SHAPES, types = TYPE_NAMES, lengths } = (
    optionsOf('analyzeMemory()', options, MEMORY_OPTIONS));
  if (typeof shapes !== 'object' || shapes === null) {
    throw invalid(`shapes must be an object of sizes by name; it is ${shown(shapes)}.`);
  }
  refuseList(types, 'types');
  if (lengths !== undefined) refuseLengths(lengths);
  return Object.entries(shapes).flatMap(([name, sizes]) => {
    const parameters = parameterCount(checked(sizes));
    const fitting = lengths?.filter((n) => n <= sizes.nPositions) ?? [sizes.nPositions];
    return types.flatMap((type) => {
      const bytesPerToken = cacheBytesPerToken(sizes, type);
      return fitting.map((tokens) => {
        const { usedBytes: cacheBytes } = heldBytes(filledIn(sizes), typesOf(type), tokens);
        return {
          source: /** @type {const} */ ('computed'), shape: name, type, tokens, bytesPerToken, cacheBytes,
          parameters, share: cacheBytes / (4 * parameters),
        };
      });
    });
  });
}

/**
 * @typedef {object} SpeedupRow  work of writing n tokens one by one, without the cache (off) and with it (on)
 * @property {'computed'} source
 * @property {number} tokens                 n
 * @property {number} stepProjectionsOff     rows through the projections (and the MLP) in the last step: n
 * @property {number} stepProjectionsOn      1
 * @property {number} stepPairsOff           pairs of query and key in the last step: a full n x n matrix
 * @property {number} stepPairsOn            one row of it
 * @property {number} projectionsOff         of all steps: n (n + 1) / 2
 * @property {number} projectionsOn          n
 * @property {number} projectionsRedundant   the difference: computed before, and thrown away
 * @property {number} projectionsSpeedUp     the ratio, (n + 1) / 2
 * @property {number} pairsOff               of all steps: sum of t^2
 * @property {number} pairsOn                sum of t
 * @property {number} pairsRedundant
 * @property {number} pairsSpeedUp           (2 n + 1) / 3
 * @property {number} causalPairsOff         the same without the pairs that the causal mask hides, which this
 *                                           engine never computes: sum of t (t + 1) / 2
 * @property {number} causalPairsSpeedUp     (n + 2) / 3
 * @property {number} [multiplyAddsOff]      with a shape: multiply-adds of this engine, as in session.counts
 * @property {number} [multiplyAddsOn]
 * @property {number} [multiplyAddsSpeedUp]
 */

/**
 * How much work the cache saves. The ratios compare like with like; how much faster that makes a machine is
 * measured, by benchmarkComparison().
 * @param {SpeedupOptions} [options]
 * @returns {SpeedupRow[]}
 */
export function analyzeSpeedup(options) {
  const { lengths = LENGTHS, shape: sizes } = optionsOf('analyzeSpeedup()', options, SPEEDUP_OPTIONS);
  refuseLengths(lengths);
  return lengths.map((n) => {
    const sum = (n * (n + 1)) / 2;
    const pairsOff = (sum * (2 * n + 1)) / 3;
    const causalPairsOff = (sum * (n + 2)) / 3;
    return {
      source: /** @type {const} */ ('computed'), tokens: n,
      stepProjectionsOff: n, stepProjectionsOn: 1, stepPairsOff: n * n, stepPairsOn: n,
      projectionsOff: sum, projectionsOn: n, projectionsRedundant: sum - n, projectionsSpeedUp: sum / n,
      pairsOff, pairsOn: sum, pairsRedundant: pairsOff - sum, pairsSpeedUp: pairsOff / sum,
      causalPairsOff, causalPairsSpeedUp: causalPairsOff / sum,
      ...(sizes !== undefined && wholeWork(sizes, n)),
    };
  });
}

/** @param {Readonly<Shape>} sizes  @param {number} n */
function wholeWork(sizes, n) {
  checked(sizes);
  let [multiplyAddsOff, multiplyAddsOn] = [0, 0];
  for (let t = 1; t <= n; t++) {
    multiplyAddsOff += multiplyAdds(sizes, 0, t).total;
    multiplyAddsOn += multiplyAdds(sizes, t - 1, t).total;
  }
  return { multiplyAddsOff, multiplyAddsOn, multiplyAddsSpeedUp: multiplyAddsOff / multiplyAddsOn };
}

/** @param {Readonly<Shape>} sizes  @param {string} type */
export function cacheBytesPerToken(sizes, type) {
  return sizes.nLayer * layerBytes(filledIn(checked(sizes)), typesOf(type));
}

/** Those of keys and values. @param {string} type  of both, or two as in "f16/int8" */
function typesOf(type) {
  const [key, value = key, ...rest] = String(type).split('/');
  const known = (/** @type {string} */ name) => TYPE_NAMES.includes(/** @type {CacheType} */ (name));
  if (!known(key) || !known(value) || rest.length > 0) {
    const names = `${TYPE_NAMES.slice(0, -1).join(', ')} or ${TYPE_NAMES.at(-1)}`;
    throw invalid(`A cache holds ${names}, or two of them as in "f16/int8"; not ${shown(type)}.`);
  }
  return { keyType: /** @type {CacheType} */ (key), valueType: /** @type {CacheType} */ (value) };
}

/**
 * Sizes that a model can have, or an error.
 * @param {Readonly<Shape>} sizes
 */
function checked(sizes) {
  for (const name of /** @type {const} */ (['nLayer', 'nHead', 'nEmbd', 'nPositions', 'vocabSize'])) {
    refuseSize(sizes?.[name], name);
  }
  const { nHead, nEmbd } = sizes;
  if (sizes.headDim === undefined && nEmbd % nHead !== 0) {
    throw invalid(`${nEmbd} channels cannot be shared out evenly among ${nHead} heads; give headDim.`);
  }
  for (const name of /** @type {const} */ (['nKvHead', 'headDim', 'nInner'])) {
    if (sizes[name] !== undefined) refuseSize(sizes[name], name);
  }
  const { nKvHead } = filledIn(sizes);
  if (nHead % nKvHead !== 0) throw invalid(`nHead ${nHead} must be a multiple of nKvHead ${nKvHead}.`);
  return sizes;
}

/** @param {unknown} size  @param {string} name */
function refuseSize(size, name) {
  if (Number.isInteger(size) && Number(size) >= 1) return;
  throw invalid(`A shape needs ${name} as a whole number of at least 1; it is ${shown(size)}.`);
}

/** @param {unknown} list  @param {string} name */
function refuseList(list, name) {
  if (!Array.isArray(list)) throw invalid(`${name} must be an array; it is ${shown(list)}.`);
}

/** @param {readonly number[]} lengths */
function refuseLengths(lengths) {
  refuseList(lengths, 'lengths');
  for (const n of lengths) {
    if (Number.isInteger(n) && n >= 1 && n <= MOST_TOKENS) continue;
    throw invalid(`A length must be a whole number from 1 to ${MOST_TOKENS} tokens; it is ${shown(n)}.`);
  }
}
