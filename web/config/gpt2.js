// config.json of a GPT-2, in the sense of Hugging Face.
import { refuseActivation } from './refused.js';
import { epsilon, refuseTooManyWeights, sharedOut } from './shared.js';

/** @import { Fields } from './fields.js' */

const EOS = 50256; // the default bos and eos id of the format

/** Settings that change the computation, and the one value of each that the engine computes. */
const FIXED = /** @type {const} */ ([
  ['scale_attn_weights', true], ['scale_attn_by_inverse_layer_idx', false],
  ['reorder_and_upcast_attn', false], ['add_cross_attention', false],
]);

/** @param {Fields} fields */
export function readGpt2(fields) {
  refuseVariants(fields);
  const nLayer = fields.size('n_layer');
  const nHead = fields.size('n_head');
  const nEmbd = fields.size('n_embd');
  const nPositions = fields.size(fields.has('n_ctx') && !fields.has('n_positions') ? 'n_ctx' : 'n_positions');
  const vocabSize = fields.size('vocab_size');
  const nInner = fields.has('n_inner') ? fields.size('n_inner') : 4 * nEmbd;
  const preset = EOS < vocabSize ? [EOS] : [];
  const ownHead = !fields.flag('tie_word_embeddings', true);
  refuseTooManyWeights(fields, ['n_layer', 'n_embd', 'n_positions', 'vocab_size'],
    { nLayer, nEmbd, nInner, vocabSize, ownHead, positionRows: nPositions });
  return {
    nLayer, nHead, nKvHead: nHead, headDim: sharedOut(nEmbd, nHead, ['n_embd', 'n_head']), nEmbd,
    nPositions, vocabSize, nInner,
    ...(ownHead && { ownHead }),
    layerNormEpsilon: epsilon(fields, 'layer_norm_epsilon', 1e-5),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, preset)[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, preset),
  };
}

/** @param {Fields} fields */
function refuseVariants(fields) {
  const architectures = fields.get('architectures') ?? ['GPT2LMHeadModel'];
  const known = Array.isArray(architectures)
    && architectures.every((name) => name === 'GPT2LMHeadModel' || name === 'GPT2Model');
  if (!known) throw fields.unsupported('architectures', 'only ["GPT2LMHeadModel"] is supported');
  refuseActivation(fields, 'activation_function', ['gelu_new', 'gelu_pytorch_tanh']);
  for (const [key, only] of FIXED) {
    if (fields.flag(key, only) !== only) throw fields.unsupported(key, `only ${only} is supported`);
  }
}
