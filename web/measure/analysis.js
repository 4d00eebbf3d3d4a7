// What a KV cache costs in memory and saves in work. Everything here is computed from the sizes of a model
// and says so (source: 'computed'); measuring is in benchmark.js.
import { invalid, optionsOf, shown } from '../engine/arguments.js';
import { parametersOfBoth, sourceMultiplyAdds } from './two-stacks.js';

/**
 * @import { Encoder } from '../config/config.js'
 * @import { Window } from '../config/window.js'
 */

const MOST_TOKENS = 2 ** 20; // that a length may have: each is counted

/**
 * @typedef {object} Shape  the sizes of a model, as in model.config
 * @property {number} nLayer
 * @property {number} nHead
 * @property {number} [nKvHead]  heads of keys and values; nHead if absent
 * @property {number} [headDim]  numbers of a head; nEmbd / nHead if absent
 * @property {number} nEmbd
 * @property {number} nPositions
 * @property {number} vocabSize
 * @property {number} [nInner]   width of the MLP; 4 * nEmbd if absent
 * @property {boolean} [ownHead]  the head is a second matrix of the vocabulary
 * @property {object} [rotary]   there in a Llama, which has a gate and no table of positions, and may have
 *   biases
 * @property {boolean} [gated]    false where there is no gate all the same
 * @property {boolean} [headBias]        of the head, as a Phi
 * @property {number} [normsPerLayer]    2 if absent
 * @property {number} [positionRows]     of the table of positions; nPositions if absent
 * @property {boolean} [attentionBias]
 * @property {boolean} [mlpBias]
 * @property {boolean} [qkvBias]  of q, k and v alone, as a Qwen2; false: of o alone, as a GPT-Neo
 * @property {boolean} [qkNorm]   norms of heads, as a Qwen3
 * @property {Readonly<Window>} [window]  some layers do not see the whole text
 * @property {Readonly<Encoder>} [encoder]  there is one; all else is the decoder's
 *
 * @typedef {'f32' | 'f16' | 'int8'} ElementType
 */

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
 * Bytes of one vector of D numbers of one head; int8 has one f32 scale for it.
 * @type {Record<ElementType, (D: number) => number>}
 */
export const VECTOR_BYTES = { f32: (D) => 4 * D, f16: (D) => 2 * D, int8: (D) => D + 4 };

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
 * @property {number} cacheBytes      of one sequence: bytesPerToken * tokens
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
  const { shapes = SHAPES, types = ['f32', 'f16', 'int8'], lengths } = (
    optionsOf('analyzeMemory()', options, MEMORY_OPTIONS));
  if (typeof shapes !== 'object' || shapes === null) {
    throw invalid(`shapes must be an object of sizes by name; it is ${shown(shapes)}.`);
  }
  refuseList(types, 'types');
  if (lengths !== undefined) refuseLengths(lengths);
  return Object.entries(shapes).flatMap(([name, sizes]) => {
    const parameters = parameterCount(sizes);
    const fitting = lengths?.filter((n) => n <= sizes.nPositions) ?? [sizes.nPositions];
    return types.flatMap((type) => {
      const bytesPerToken = cacheBytesPerToken(sizes, type);
      return fitting.map((tokens) => ({
        source: /** @type {const} */ ('computed'), shape: name, type, tokens, bytesPerToken,
        cacheBytes: bytesPerToken * tokens, parameters, share: (bytesPerToken * tokens) / (4 * parameters),
      }));
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
  let [multiplyAddsOff, multiplyAddsOn] = [0, 0];
  for (let t = 1; t <= n; t++) {
    multiplyAddsOff += multiplyAdds(sizes, 0, t).total;
    multiplyAddsOn += multiplyAdds(sizes, t - 1, t).total;
  }
  return { multiplyAddsOff, multiplyAddsOn, multiplyAddsSpeedUp: multiplyAddsOff / multiplyAddsOn };
}

/**
 * Multiply-adds of one pass of this engine over the rows first .. end - 1 of a timeline; with the cache off,
 * first is 0. All layers but the last compute every row. The last one needs K and V of every row, and
 * everything else of the last row alone, whose logits are wanted.
 * @param {Readonly<Shape>} sizes  @param {number} first  @param {number} end
 * @param {number} [source]  tokens of one, with an encoder: what it costs beside that, once, is `source`
 */
export function multiplyAdds(sizes, first, end, source = 0) {
  const { nLayer: L, nEmbd: C, nInner: F, vocabSize, queryWidth, keyWidth } = checked(sizes);
  const rows = end - first;
  const wholeRows = (L - 1) * rows + 1;
  const { size = Infinity, layers = [] } = sizes.window ?? {};
  /** Pairs of a query and a key that it sees. @param {number} from  @param {number} window */
  const pairsFrom = (from, window) => pairsBefore(end, window) - pairsBefore(from, window);
  const inLast = layers.includes(L - 1) ? 1 : 0;
  const windows = layers.length - inLast;
  const pairs = (L - 1 - windows) * pairsFrom(first, Infinity) + windows * pairsFrom(first, size)
    + pairsFrom(end - 1, inLast ? size : Infinity);
  const mlp = (isGated(sizes) ? 3 : 2) * C * F; // a gate beside up and down
  const cross = sizes.encoder && sourceMultiplyAdds(checked(sizes), sizes.encoder, wholeRows, source);
  const projections = L * rows * 2 * C * keyWidth + wholeRows * (2 * C * queryWidth + mlp)
    + (cross?.queries ?? 0);
  const attention = pairs * 2 * queryWidth;
  const head = C * vocabSize;
  const total = projections + attention + head + (cross?.crossAttention ?? 0);
  return { projections, attention, head, total, ...(cross && { cross }) };
}

/** The sum of min(t, window), t = 1 .. n: of n queries. @param {number} n  @param {number} window */
function pairsBefore(n, window) {
  const all = Math.min(n, window);
  return (all * (all + 1)) / 2 + (n > all ? (n - all) * all : 0);
}

/** @param {Readonly<Shape>} sizes  @param {string} type */
export function cacheBytesPerToken(sizes, type) {
  const { nLayer, nKvHead, headDim } = checked(sizes);
  const [key, value = key, ...rest] = String(type).split('/');
  if (!Object.hasOwn(VECTOR_BYTES, key) || !Object.hasOwn(VECTOR_BYTES, value) || rest.length > 0) {
    throw invalid(`A cache holds f32, f16 or int8, or two of them as in "f16/int8"; not ${shown(type)}.`);
  }
  const vector = (/** @type {string} */ name) => VECTOR_BYTES[/** @type {ElementType} */ (name)](headDim);
  return nLayer * nKvHead * (vector(key) + vector(value));
}

/** Weights, biases, layer norms and both embeddings. @param {Readonly<Shape>} sizes */
export function parameterCount(sizes) {
  const { nLayer, nEmbd: C, nInner: F, nPositions, vocabSize, queryWidth, keyWidth } = checked(sizes);
  if (sizes.encoder) return parametersOfBoth(checked(sizes), sizes.encoder);
  if (isGated(sizes)) return llamaParameters(sizes);
  const qkvBiases = sizes.qkvBias ?? true ? queryWidth + 2 * keyWidth : 0;
  const biases = sizes.attentionBias ?? true ? qkvBiases + C : 0;
  const attention = C * (queryWidth + 2 * keyWidth) + queryWidth * C + biases;
  const mlp = 2 * C * F + F + C;
  const norm = 2 * C;
  const { rotary, ownHead, headBias, normsPerLayer = 2, positionRows = nPositions } = sizes;
  const rows = vocabSize + (rotary ? 0 : positionRows) + (ownHead ? vocabSize : 0);
  return rows * C + (headBias ? vocabSize : 0) + nLayer * (attention + mlp + normsPerLayer * norm) + norm;
}

/** @param {Readonly<Shape>} sizes */
const isGated = ({ rotary, gated = rotary !== undefined }) => gated;

/** Of a Llama: no positions, norms without biases, a gate. @param {Readonly<Shape>} sizes */
function llamaParameters(sizes) {
  const { nLayer, nEmbd: C, nInner: F, vocabSize, headDim, queryWidth, keyWidth } = checked(sizes);
  const { attentionBias, qkvBias, mlpBias, qkNorm } = sizes;
  const biases = (attentionBias || qkvBias ? queryWidth + 2 * keyWidth : 0) + (attentionBias ? C : 0)
    + (mlpBias ? 2 * F + C : 0);
  const norms = (sizes.normsPerLayer ?? 2) * C + (qkNorm ? 2 * headDim : 0);
  const matrices = 2 * C * (queryWidth + keyWidth) + 3 * C * F;
  return (sizes.ownHead ? 2 : 1) * vocabSize * C + nLayer * (matrices + biases + norms) + C;
}

/**
 * The sizes with defaults filled in, and the widths of all queries and of all keys.
 * @param {Readonly<Shape>} sizes
 */
function checked(sizes) {
  for (const name of /** @type {const} */ (['nLayer', 'nHead', 'nEmbd', 'nPositions', 'vocabSize'])) {
    refuseSize(sizes?.[name], name);
  }
  const { nHead, nEmbd, nKvHead = nHead, headDim = nEmbd / nHead, nInner = 4 * nEmbd } = sizes;
  if (sizes.headDim === undefined && nEmbd % nHead !== 0) {
    throw invalid(`${nEmbd} channels cannot be shared out evenly among ${nHead} heads; give headDim.`);
  }
  for (const [name, size] of Object.entries({ nKvHead, headDim, nInner })) refuseSize(size, name);
  if (nHead % nKvHead !== 0) throw invalid(`nHead ${nHead} must be a multiple of nKvHead ${nKvHead}.`);
  return { ...sizes, nKvHead, headDim, nInner, queryWidth: nHead * headDim, keyWidth: nKvHead * headDim };
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
