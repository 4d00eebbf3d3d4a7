// config.json of a GPT-NeoX, in the sense of Hugging Face: Pythia.
import { readRotary } from './rotary.js';
import { epsilon, positionsOf, refuseTooManyWeights, refuseVariants, sharedOut } from './shared.js';

/** @import { Fields } from './fields.js' */

const BOS = 0; // the default ids of the format
const EOS = 2;
const ROTARY = { part: 0.25, partKey: 'rotary_pct', thetaKey: 'rotary_emb_base' };

/** What the weights follow from. */
const KEYS = ['num_hidden_layers', 'hidden_size', 'intermediate_size', 'vocab_size'];

/** @param {Fields} fields */
export function readGptNeox(fields) {
  refuseVariants(fields, 'GPTNeoX', 'hidden_act', ['gelu']);
  const nLayer = fields.size('num_hidden_layers');
  const nHead = fields.size('num_attention_heads');
  const nEmbd = fields.size('hidden_size');
  const nInner = fields.size('intermediate_size');
  const vocabSize = fields.size('vocab_size');
  const nPositions = positionsOf(fields, 2048);
  const headDim = sharedOut(nEmbd, nHead);
  const ownHead = !fields.flag('tie_word_embeddings', false);
  refuseTooManyWeights(fields, KEYS, { nLayer, nEmbd, nInner, vocabSize, ownHead });
  return {
    nLayer, nHead, nKvHead: nHead, headDim, nEmbd, nPositions, vocabSize, nInner,
    layerNormEpsilon: epsilon(fields, 'layer_norm_eps', 1e-5),
    ownHead,
    attentionBias: fields.flag('attention_bias', true),
    gated: false,
    parallel: fields.flag('use_parallel_residual', true),
    rotary: Object.freeze(readRotary(fields, headDim, nPositions, ROTARY)),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, [BOS])[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, EOS < vocabSize ? [EOS] : []),
  };
}
