// config.json of a GPT-NeoX, in the sense of Hugging Face: Pythia.
import { KvcError } from '../engine/errors.js';
import { refuseActivation } from './refused.js';
import { readRotary } from './rotary.js';

/** @import { Fields } from './fields.js' */

const BOS = 0; // the default ids of the format
const EOS = 2;
const ROTARY = { part: 0.25, partKey: 'rotary_pct', thetaKey: 'rotary_emb_base' };

/** @param {Fields} fields */
export function readGptNeox(fields) {
  refuseVariants(fields, 'GPTNeoX', 'hidden_act', ['gelu']);
  const nLayer = fields.size('num_hidden_layers');
  const nHead = fields.size('num_attention_heads');
  const nEmbd = fields.size('hidden_size');
  const nInner = fields.size('intermediate_size');
  const vocabSize = fields.size('vocab_size');
  const nPositions = fields.has('max_position_embeddings') ? fields.size('max_position_embeddings') : 2048;
  const headDim = sharedOut(nEmbd, nHead);
  const ownHead = !fields.flag('tie_word_embeddings', false);
  const weights = nLayer * nEmbd * (4 * nEmbd + 2 * nInner) + (ownHead ? 2 : 1) * vocabSize * nEmbd;
  fields.refuseTooManyWeights(weights,
    ['num_hidden_layers', 'hidden_size', 'intermediate_size', 'vocab_size']);
  return {
    nLayer, nHead, nKvHead: nHead, headDim, nEmbd, nPositions, vocabSize, nInner,
    layerNormEpsilon: fields.number('layer_norm_eps', 1e-5, (x) => x > 0 && x < 1, 'between 0 and 1'),
    ownHead,
    attentionBias: fields.flag('attention_bias', true),
    gated: false,
    parallel: fields.flag('use_parallel_residual', true),
    rotary: Object.freeze(readRotary(fields, headDim, nPositions, ROTARY)),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, [BOS])[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, EOS < vocabSize ? [EOS] : []),
  };
}

/**
 * Other models of a class, other activations.
 * @param {Fields} fields  @param {string} name  of the class: "GPTNeoX" of GPTNeoXForCausalLM
 * @param {string} key  of the activation
 * @param {readonly string[]} activations  that are computed; the first is the preset
 */
export function refuseVariants(fields, name, key, activations) {
  const architectures = fields.get('architectures') ?? [`${name}ForCausalLM`];
  const known = Array.isArray(architectures)
    && architectures.every((each) => each === `${name}ForCausalLM` || each === `${name}Model`);
  if (!known) throw fields.unsupported('architectures', `only ["${name}ForCausalLM"] is supported`);
  refuseActivation(fields, key, activations);
}

/** The width shared out evenly among the heads. @param {number} nEmbd  @param {number} nHead */
export function sharedOut(nEmbd, nHead) {
  const size = nEmbd / nHead;
  if (size % 4 === 0) return size;
  throw new KvcError('config_invalid', `config.json: hidden_size ${nEmbd} over num_attention_heads ${nHead} `
    + `gives ${size} numbers per head; it must be a multiple of 4.`);
}
