// What a KV cache costs in memory and saves in work. Everything here is computed from the sizes of a
// model and says so (source: 'computed'); benchmark.js is what measures.
import { KvcError } from '../engine/errors.js';

/**
 * @typedef {object} Shape  the sizes of a GPT-2, as in model.config
 * @property {number} nLayer
 * @property {number} nHead
 * @property {number} nEmbd
 * @property {number} nPositions
 * @property {number} vocabSize
 * @property {number} [nInner]   width of the MLP; 4 * nEmbd if absent
 *
 * @typedef {'f32' | 'f16' | 'int8'} ElementType
 */

/**
 * The course's models. Its text gives width, layers and length of the first three ("tiny" 128, 4, 32;
 * "small" 512, 8, 64; "medium" 768, 12, 128); heads of 64 channels and a vocabulary of the 256 bytes
 * are our choice, so that their parameters are those of the layers. GPT-2 and GPT-3 are as published.
 * @type {Readonly<Record<string, Readonly<Shape>>>}
 */
export const SHAPES = Object.freeze({
  tiny: shape(4, 2, 128, 32, 256),
  small: shape(8, 8, 512, 64, 256),
  medium: shape(12, 12, 768, 128, 256),
  'GPT-2': shape(12, 12, 768, 1024, 50257),
  'GPT-3': shape(96, 96, 12288, 2048, 50257),
});

/** The course's lengths, in tokens. */
export const LENGTHS = Object.freeze([10, 25, 50, 100, 200, 500]);

/** Bytes of one vector of D numbers of one head; int8 has one f32 scale for it. @type {Record<ElementType, (D: number) => number>} */
const VECTOR_BYTES = { f32: (D) => 4 * D, f16: (D) => 2 * D, int8: (D) => D + 4 };

/** @param {number} nLayer  @param {number} nHead  @param {number} nEmbd  @param {number} nPositions  @param {number} vocabSize */
function shape(nLayer, nHead, nEmbd, nPositions, vocabSize) {
  return Object.freeze({ nLayer, nHead, nEmbd, nPositions, vocabSize });
}

/**
 * @typedef {object} MemoryRow
 * @property {'computed'} source
 * @property {string} shape           its name
 * @property {string} type            of the cache: one for both, or of K and V, as in 'f16/int8'
 * @property {number} tokens          cached
 * @property {number} bytesPerToken   L * H * (a K and a V vector)
 * @property {number} cacheBytes      of one sequence of so many tokens: bytesPerToken * tokens
 * @property {number} parameters      of the model, the embeddings included, the tied head counted once
 * @property {number} share           cacheBytes over the bytes of the parameters in f32
 */

/**
 * The memory of a KV cache, for every shape, type and length: 2 * L * H * S * D * bytes. Lengths beyond a
 * shape's context are left out.
 * @param {{ shapes?: Readonly<Record<string, Readonly<Shape>>>, types?: readonly string[], lengths?: readonly number[] }} [options]
 *   shapes: by name, model.config will do   lengths: if absent, the whole context of each shape
 * @returns {MemoryRow[]}
 */
export function analyzeMemory({ shapes = SHAPES, types = ['f32', 'f16', 'int8'], lengths } = {}) {
  refuseList(types, 'types');
  if (lengths) refuseLengths(lengths);
  return Object.entries(shapes).flatMap(([name, sizes]) => {
    const parameters = parameterCount(sizes);
    const fitting = lengths?.filter((n) => n <= sizes.nPositions) ?? [sizes.nPositions];
    return types.flatMap((type) => {
      const bytesPerToken = cacheBytesPerToken(sizes, type);
      return fitting.map((tokens) => ({
        source: /** @type {const} */ ('computed'), shape: name, type, tokens, bytesPerToken, cacheBytes: bytesPerToken * tokens,
        parameters, share: (bytesPerToken * tokens) / (4 * parameters),
      }));
    });
  });
}

/**
 * @typedef {object} SpeedupRow  work of writing `tokens` tokens one by one, without the cache ("off") and with it ("on")
 * @property {'computed'} source
 * @property {number} tokens
 * @property {number} stepProjectionsOff     rows that pass through the projections (and the MLP) in the last step: n, ...
 * @property {number} stepProjectionsOn      ... and 1
 * @property {number} stepPairsOff           pairs of query and key in the last step: a full n x n matrix, ...
 * @property {number} stepPairsOn            ... and one row of it
 * @property {number} projectionsOff         of all steps: n (n + 1) / 2
 * @property {number} projectionsOn          n
 * @property {number} projectionsRedundant   the difference: done before, and thrown away
 * @property {number} projectionsSpeedUp     the ratio, (n + 1) / 2
 * @property {number} pairsOff               of all steps: sum of t^2
 * @property {number} pairsOn                sum of t
 * @property {number} pairsRedundant
 * @property {number} pairsSpeedUp           (2 n + 1) / 3
 * @property {number} causalPairsOff         the same where what the causal mask hides is not computed at all, as in
 *                                           this engine: sum of t (t + 1) / 2
 * @property {number} causalPairsSpeedUp     (n + 2) / 3
 * @property {number} [multiplyAddsOff]      with a shape: all multiply-adds of this engine, equal to session.counts
 * @property {number} [multiplyAddsOn]
 * @property {number} [multiplyAddsSpeedUp]
 */

/**
 * How much work the cache saves. The ratios compare like with like; how much faster a machine gets by
 * them is not computed but measured, by benchmarkComparison().
 * @param {{ lengths?: readonly number[], shape?: Readonly<Shape> }} [options]  shape: model.config will do
 * @returns {SpeedupRow[]}
 */
export function analyzeSpeedup({ lengths = LENGTHS, shape: sizes } = {}) {
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
      ...(sizes && wholeWork(sizes, n)),
    };
  });
}

/** @param {Readonly<Shape>} sizes  @param {number} n */
function wholeWork(sizes, n) {
  let [multiplyAddsOff, multiplyAddsOn] = [0, 0];
  for (let t = 1; t <= n; t++) {
    multiplyAddsOff += multiplyAdds(sizes, 0, t).total;
    multiplyAddsOn += multiplyAdds(sizes, t - 1, t).total;
  }
  return { multiplyAddsOff, multiplyAddsOn, multiplyAddsSpeedUp: multiplyAddsOff / multiplyAddsOn };
}

/**
 * Multiply-adds of one pass of this engine over the rows first .. end - 1 of a timeline; with the cache
 * off, first is 0. All layers but the last compute every row. The last one needs K and V of every row, and
 * everything else of the last row alone, whose logits are wanted.
 * @param {Readonly<Shape>} sizes  @param {number} first  @param {number} end
 */
export function multiplyAdds(sizes, first, end) {
  const { nLayer: L, nEmbd: C, vocabSize } = checked(sizes);
  const rows = end - first;
  const wholeRows = (L - 1) * rows + 1;
  const pairs = (L - 1) * ((end * (end + 1) - first * (first + 1)) / 2) + end;
  const projections = L * rows * 2 * C * C + wholeRows * (2 * C * C + 2 * C * (sizes.nInner ?? 4 * C));
  const attention = pairs * 2 * C;
  const head = C * vocabSize;
  return { projections, attention, head, total: projections + attention + head };
}

/** @param {Readonly<Shape>} sizes  @param {string} type */
export function cacheBytesPerToken(sizes, type) {
  const { nLayer, nHead, nEmbd } = checked(sizes);
  const [key, value = key, ...rest] = String(type).split('/');
  if (!Object.hasOwn(VECTOR_BYTES, key) || !Object.hasOwn(VECTOR_BYTES, value) || rest.length > 0) {
    throw new KvcError('invalid_argument', `A cache holds f32, f16 or int8, or two of them as in "f16/int8"; "${type}" is none of these.`);
  }
  const vector = (/** @type {string} */ name) => VECTOR_BYTES[/** @type {ElementType} */ (name)](nEmbd / nHead);
  return nLayer * nHead * (vector(key) + vector(value));
}

/** Weights, biases, layer norms and both embeddings. @param {Readonly<Shape>} sizes */
export function parameterCount(sizes) {
  const { nLayer, nEmbd: C, nPositions, vocabSize } = checked(sizes);
  const F = sizes.nInner ?? 4 * C;
  const layer = 4 * C * C + 4 * C + 2 * C * F + F + C + 4 * C; // attention, MLP, two layer norms
  return (vocabSize + nPositions) * C + nLayer * layer + 2 * C;
}

/** @param {Readonly<Shape>} sizes */
function checked(sizes) {
  for (const name of /** @type {const} */ (['nLayer', 'nHead', 'nEmbd', 'nPositions', 'vocabSize'])) {
    const size = sizes?.[name];
    if (!Number.isInteger(size) || size < 1) throw new KvcError('invalid_argument', `A shape needs ${name}, a whole number from 1 on; ${size} is none.`);
  }
  if (sizes.nEmbd % sizes.nHead !== 0) {
    throw new KvcError('invalid_argument', `${sizes.nEmbd} channels cannot be shared out evenly among ${sizes.nHead} heads.`);
  }
  return sizes;
}

/** @param {unknown} list  @param {string} name */
function refuseList(list, name) {
  if (!Array.isArray(list)) throw new KvcError('invalid_argument', `${name} must be an array; ${String(list)} is none.`);
}

/** @param {readonly number[]} lengths */
function refuseLengths(lengths) {
  refuseList(lengths, 'lengths');
  for (const n of lengths) {
    if (!Number.isInteger(n) || n < 1) throw new KvcError('invalid_argument', `A length is a whole number of tokens from 1 on; ${n} is none.`);
  }
}
