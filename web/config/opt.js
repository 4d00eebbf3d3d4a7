// config.json of an OPT, in the sense of Hugging Face: OPT-125m.
import { positionsOf, refuseTooManyWeights, refuseVariants, sharedOut } from './shared.js';

/** @import { Fields } from './fields.js' */

const EOS = 2; // the default bos and eos id of the format
const ROWS_BEFORE = 2; // of the table of positions, that belong to none

/** Settings that change the computation, the one value of each that the engine computes, and the other. */
const FIXED = /** @type {const} */ ([
  ['do_layer_norm_before', true, 'norms behind the blocks, as OPT-350m has them, cannot be computed'],
  ['_remove_final_layer_norm', false, 'a model without a norm before its head cannot be computed'],
  ['enable_bias', true, 'a model without biases cannot be computed'],
  ['layer_norm_elementwise_affine', true, 'norms without weights cannot be computed'],
]);

/** What the weights follow from. */
const KEYS = ['num_hidden_layers', 'hidden_size', 'ffn_dim', 'vocab_size'];

/** @param {Fields} fields */
export function readOpt(fields) {
  refuseVariants(fields, 'OPT', 'activation_function', ['relu']);
  for (const [key, only, reason] of FIXED) {
    if (fields.flag(key, only) !== only) throw fields.unsupported(key, reason);
  }
  const nLayer = fields.size('num_hidden_layers');
  const nHead = fields.size('num_attention_heads');
  const nEmbd = fields.size('hidden_size');
  const nInner = fields.size('ffn_dim');
  const vocabSize = fields.size('vocab_size');
  const nPositions = positionsOf(fields, 2048);
  if (fields.has('word_embed_proj_dim') && fields.size('word_embed_proj_dim') !== nEmbd) {
    throw fields.unsupported('word_embed_proj_dim', 'embeddings of another width than the model, as OPT-350m '
      + 'has them, cannot be computed');
  }
  const ownHead = !fields.flag('tie_word_embeddings', true);
  const positionRows = nPositions + ROWS_BEFORE;
  refuseTooManyWeights(fields, KEYS, { nLayer, nEmbd, nInner, vocabSize, ownHead, positionRows });
  const preset = EOS < vocabSize ? [EOS] : [];
  return {
    nLayer, nHead, nKvHead: nHead, headDim: sharedOut(nEmbd, nHead), nEmbd, nPositions, vocabSize, nInner,
    layerNormEpsilon: 1e-5,
    ownHead,
    positionRows,
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, preset)[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, preset),
  };
}
