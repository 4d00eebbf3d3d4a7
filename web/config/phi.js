// config.json of a Phi, in the sense of Hugging Face: Phi 1, 1.5 and 2.
import { KvcError } from '../engine/errors.js';
import { readRotary } from './rotary.js';
import { epsilon, positionsOf, refuseTooManyWeights, refuseVariants, sharedOut } from './shared.js';

/** @import { Fields } from './fields.js' */

const BOS = 1; // the default ids of the format
const EOS = 2;

/** Settings that change the computation, and the one value of each that the engine computes. */
const FIXED = /** @type {const} */ ([['qk_layernorm', false], ['tie_word_embeddings', false]]);

/** What the weights follow from. */
const KEYS = ['num_hidden_layers', 'hidden_size', 'intermediate_size', 'vocab_size'];

/** @param {Fields} fields */
export function readPhi(fields) {
  refuseVariants(fields, 'Phi', 'hidden_act', ['gelu_new', 'gelu_pytorch_tanh']);
  for (const [key, only] of FIXED) {
    if (fields.flag(key, only) !== only) throw fields.unsupported(key, `only ${only} is supported`);
  }
  const nLayer = fields.size('num_hidden_layers');
  const nHead = fields.size('num_attention_heads');
  const nKvHead = fields.has('num_key_value_heads') ? fields.size('num_key_value_heads') : nHead;
  if (nHead % nKvHead !== 0) {
    throw new KvcError('config_invalid', `config.json: num_attention_heads ${nHead} must be a multiple of `
      + `num_key_value_heads ${nKvHead}.`);
  }
  const nEmbd = fields.size('hidden_size');
  const nInner = fields.size('intermediate_size');
  const vocabSize = fields.size('vocab_size');
  const nPositions = positionsOf(fields, 2048);
  const headDim = sharedOut(nEmbd, nHead);
  refuseTooManyWeights(fields, KEYS, { nLayer, nEmbd, nInner, vocabSize, ownHead: true });
  return {
    nLayer, nHead, nKvHead, headDim, nEmbd, nPositions, vocabSize, nInner,
    layerNormEpsilon: epsilon(fields, 'layer_norm_eps', 1e-5),
    ownHead: true,
    headBias: true,
    gated: false,
    normsPerLayer: 1,
    rotary: Object.freeze(readRotary(fields, headDim, nPositions, { part: 0.5 })),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, BOS < vocabSize ? [BOS] : [])[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, EOS < vocabSize ? [EOS] : []),
  };
}
