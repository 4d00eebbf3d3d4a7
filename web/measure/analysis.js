// The sizes of a model and the work it does, computed from its shape. Nothing is checked here: a model that
// was loaded has good sizes, and tables.js checks those of users. Pages have this before their first click.
import { parametersOfBoth, sourceMultiplyAdds } from './two-stacks.js';

/**
 * @import { Encoder } from '../config/config.js'
 * @import { Window } from '../config/window.js'
 */

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
 */

/**
 * Multiply-adds of one pass of this engine over the rows first .. end - 1 of a timeline; with the cache off,
 * first is 0. All layers but the last compute every row. The last one needs K and V of every row, and
 * everything else of the last row alone, whose logits are wanted.
 * @param {Readonly<Shape>} sizes  @param {number} first  @param {number} end
 * @param {number} [source]  tokens of one, with an encoder: what it costs beside that, once, is `source`
 */
export function multiplyAdds(sizes, first, end, source = 0) {
  const { nLayer: L, nEmbd: C, nInner: F, vocabSize, queryWidth, keyWidth } = filledIn(sizes);
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
  const cross = sizes.encoder && sourceMultiplyAdds(filledIn(sizes), sizes.encoder, wholeRows, source);
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

/** Weights, biases, layer norms and both embeddings. @param {Readonly<Shape>} sizes */
export function parameterCount(sizes) {
  const { nLayer, nEmbd: C, nInner: F, nPositions, vocabSize, queryWidth, keyWidth } = filledIn(sizes);
  if (sizes.encoder) return parametersOfBoth(filledIn(sizes), sizes.encoder);
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
  const { nLayer, nEmbd: C, nInner: F, vocabSize, headDim, queryWidth, keyWidth } = filledIn(sizes);
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
export function filledIn(sizes) {
  const { nHead, nEmbd, nKvHead = nHead, headDim = nEmbd / nHead, nInner = 4 * nEmbd } = sizes;
  return { ...sizes, nKvHead, headDim, nInner, queryWidth: nHead * headDim, keyWidth: nKvHead * headDim };
}
