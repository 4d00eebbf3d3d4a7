// config.json of a Llama, in the sense of Hugging Face: Llama 2 and 3, TinyLlama, SmolLM, SmolLM2; and what
// its kin have in common with it.
import { KvcError } from '../engine/errors.js';
import { readRotary } from './rotary.js';
import { epsilon, refuseVariants as refuseOthers } from './shared.js';

/**
 * @import { Fields } from './fields.js'
 * @import { Rotary } from './rotary.js'
 */

/**
 * What a class of transformers has where a key is missing, and the keys that it does not know.
 * @typedef {object} Kind
 * @property {string} name  of the class: "Llama" of LlamaForCausalLM
 * @property {number} nPositions
 * @property {number | null} nKvHead  null: as many as heads of queries
 * @property {number | null} headDim  null: heads share the width out evenly
 * @property {boolean} attentionBias  whether `attention_bias` says something
 * @property {boolean} mlpBias        and `mlp_bias`
 * @property {number | null} bos
 * @property {number | null} eos
 * @property {boolean} [tied]  whether the head is the embedding's where nothing is said; false if absent
 * @property {string} [activationKey]            `hidden_act` if absent
 * @property {readonly string[]} [activations]   that are computed; SiLU if absent
 * @property {(fields: Fields, headDim: number, nPositions: number) => Rotary} [rotary]
 */

/** @type {Kind} */
const LLAMA = {
  name: 'Llama', nPositions: 2048, nKvHead: null, headDim: null, attentionBias: true, mlpBias: true,
  bos: 1, eos: 2,
};

/** @param {Fields} fields */
export const readLlama = (fields) => readKin(fields, LLAMA);

/**
 * Of a Llama, or of one of its kin.
 * @param {Fields} fields  @param {Kind} kind
 */
export function readKin(fields, kind) {
  refuseVariants(fields, kind);
  const nLayer = fields.size('num_hidden_layers');
  const nHead = fields.size('num_attention_heads');
  const nKvHead = readKvHeads(fields, kind.nKvHead ?? nHead, nHead);
  const nEmbd = fields.size('hidden_size');
  const nInner = fields.size('intermediate_size');
  const vocabSize = fields.size('vocab_size');
  const nPositions = fields.has('max_position_embeddings')
    ? fields.size('max_position_embeddings') : kind.nPositions;
  const headDim = fields.has('head_dim') ? fields.size('head_dim') : kind.headDim ?? nEmbd / nHead;
  refuseHeads({ nHead, nKvHead, nEmbd, headDim });
  const ownHead = !fields.flag('tie_word_embeddings', kind.tied ?? false);
  refuseTooManyWeights(fields, { nLayer, nHead, nKvHead, headDim, nEmbd, nInner, vocabSize, ownHead });
  const ids = (/** @type {number | null} */ id) => (id !== null && id < vocabSize ? [id] : []);
  return {
    nLayer, nHead, nKvHead, headDim, nEmbd, nPositions, vocabSize, nInner,
    layerNormEpsilon: epsilon(fields, 'rms_norm_eps', 1e-6),
    ownHead,
    attentionBias: kind.attentionBias && fields.flag('attention_bias', false),
    mlpBias: kind.mlpBias && fields.flag('mlp_bias', false),
    rotary: Object.freeze((kind.rotary ?? readRotary)(fields, headDim, nPositions)),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, ids(kind.bos))[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, ids(kind.eos)),
  };
}

/**
 * Heads of keys and values; null stands for those of queries, in every class.
 * @param {Fields} fields  @param {number} preset  for a key that is missing  @param {number} nHead
 */
function readKvHeads(fields, preset, nHead) {
  const key = 'num_key_value_heads';
  if (fields.has(key)) return fields.size(key);
  return fields.get(key) === null ? nHead : preset;
}

/** @param {Fields} fields  @param {Kind} kind */
function refuseVariants(fields, { name, activationKey = 'hidden_act', activations = ['silu', 'swish'] }) {
  refuseOthers(fields, name, activationKey, activations);
  if (fields.flag('rope_interleaved', false)) {
    throw fields.unsupported('rope_interleaved', 'only false is supported: a head\'s first half turns with '
      + 'its second');
  }
}

/** @param {{ nHead: number, nKvHead: number, nEmbd: number, headDim: number }} sizes */
function refuseHeads({ nHead, nKvHead, nEmbd, headDim }) {
  if (nEmbd % 4 !== 0 || headDim % 4 !== 0) {
    throw new KvcError('config_invalid', `config.json: hidden_size ${nEmbd} and ${headDim} numbers per head `
      + 'must be multiples of 4.');
  }
  if (nHead % nKvHead === 0) return;
  throw new KvcError('config_invalid', `config.json: num_attention_heads ${nHead} must be a multiple of `
    + `num_key_value_heads ${nKvHead}.`);
}

/**
 * @param {Fields} fields
 * @param {{ nLayer: number, nHead: number, nKvHead: number, headDim: number, nEmbd: number, nInner: number,
 *   vocabSize: number, ownHead: boolean }} sizes
 */
function refuseTooManyWeights(fields, sizes) {
  const { nLayer, nHead, nKvHead, headDim, nEmbd, nInner, vocabSize, ownHead } = sizes;
  const layer = nEmbd * (2 * (nHead + nKvHead) * headDim + 3 * nInner);
  const weights = nLayer * layer + (ownHead ? 2 : 1) * vocabSize * nEmbd;
  fields.refuseTooManyWeights(weights,
    ['num_hidden_layers', 'hidden_size', 'intermediate_size', 'vocab_size']);
}
