// Sizes and work of models with an encoder beside the decoder, computed: T5, BART, Marian.

/**
 * @import { Encoder } from '../config/config.js'
 *
 * @typedef {object} Stacks  the sizes of both; nLayer is the decoder's
 * @property {number} nLayer
 * @property {number} nHead
 * @property {number} nEmbd
 * @property {number} nInner
 * @property {number} vocabSize
 * @property {number} queryWidth  of all heads together
 * @property {boolean} [gated]
 * @property {boolean} [ownHead]
 * @property {number} [positionRows]  of a table of positions in each stack
 */

/** Weights, biases, norms and all embeddings. @param {Readonly<Stacks>} sizes  @param {Encoder} encoder */
export function parametersOfBoth(sizes, encoder) {
  const { nLayer, nHead, nEmbd: C, vocabSize, ownHead, positionRows = 0 } = sizes;
  const { attention, mlp } = weightsOf(sizes);
  const layers = encoder.nLayer + nLayer;
  const matrices = (encoder.nLayer + 2 * nLayer) * attention + layers * mlp
    + (ownHead ? 2 : 1) * vocabSize * C;
  const norms = 2 * encoder.nLayer + 3 * nLayer;
  if (encoder.buckets) return matrices + (norms + 2) * C + 2 * encoder.buckets * nHead;
  const biases = (encoder.nLayer + 2 * nLayer) * 4 * C + layers * (sizes.nInner + C);
  const places = positionRows > 0 ? 2 * (positionRows + 2) * C : 0; // and a norm behind each table
  return matrices + biases + norms * 2 * C + places + vocabSize; // the head has a bias
}

/** @param {Readonly<Stacks>} sizes */
function weightsOf({ nEmbd: C, nInner, queryWidth, gated }) {
  return { attention: 4 * C * queryWidth, mlp: (gated ? 3 : 2) * C * nInner };
}

/**
 * Multiply-adds of what is about the source: reading it, and looking at it.
 * @param {Readonly<Stacks>} sizes  @param {Encoder} encoder
 * @param {number} rows  of the decoder, in all its layers together  @param {number} source  tokens
 */
export function sourceMultiplyAdds(sizes, encoder, rows, source) {
  const { nLayer, nEmbd: C, queryWidth } = sizes;
  const { attention, mlp } = weightsOf(sizes);
  return {
    /** All of the encoder, once a source. */
    encoder: encoder.nLayer * source * (attention + mlp + 2 * source * queryWidth),
    /** K and V of the source: once with the cross cache, else for each token. */
    crossProjections: nLayer * source * 2 * C * queryWidth,
    crossAttention: rows * source * 2 * queryWidth,
    /** q and o of the decoder, which are projections like others. */
    queries: rows * 2 * C * queryWidth,
  };
}
