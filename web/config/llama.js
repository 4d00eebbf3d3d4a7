// config.json of a Llama, in the sense of Hugging Face: Llama 2 and 3, TinyLlama, SmolLM, SmolLM2.
import { KvcError } from '../engine/errors.js';
import { Fields } from './fields.js';

const BOS = 1; // the default ids of the format
const EOS = 2;
const THETA = 10_000;

/**
 * Positions as rotations. `factor` divides the angles: all of them, or, where `original` is not 0, the slow
 * ones (include/kvc.h says which).
 * @typedef {object} Rotary
 * @property {number} dim       numbers of a head that turn
 * @property {number} theta     base of the angles
 * @property {number} factor    1: as they are
 * @property {number} original  positions that the angles were made for; 0: it does not matter
 * @property {number} low       turns in these positions, up to which an angle is divided
 * @property {number} high      and from which it is not
 */

/** Types of scaling that are refused, and why. */
const REFUSED = new Map([
  ['dynamic', 'its angles change with the length of the text, so the keys of a cache would disagree'],
  ['longrope', 'its angles are others in long texts, so the keys of a cache would disagree'],
  ['yarn', 'it is not computed yet'],
]);

/** @param {Fields} fields */
export function readLlama(fields) {
  refuseVariants(fields);
  const nLayer = fields.size('num_hidden_layers');
  const nHead = fields.size('num_attention_heads');
  const nKvHead = fields.has('num_key_value_heads') ? fields.size('num_key_value_heads') : nHead;
  const nEmbd = fields.size('hidden_size');
  const nInner = fields.size('intermediate_size');
  const vocabSize = fields.size('vocab_size');
  const nPositions = fields.has('max_position_embeddings') ? fields.size('max_position_embeddings') : 2048;
  const headDim = fields.has('head_dim') ? fields.size('head_dim') : nEmbd / nHead;
  refuseHeads({ nHead, nKvHead, nEmbd, headDim });
  const ownHead = !fields.flag('tie_word_embeddings', false);
  refuseTooManyWeights(fields, { nLayer, nHead, nKvHead, headDim, nEmbd, nInner, vocabSize, ownHead });
  return {
    nLayer, nHead, nKvHead, headDim, nEmbd, nPositions, vocabSize, nInner,
    layerNormEpsilon: fields.number('rms_norm_eps', 1e-6, (x) => x > 0 && x < 1, 'between 0 and 1'),
    ownHead,
    attentionBias: fields.flag('attention_bias', false),
    mlpBias: fields.flag('mlp_bias', false),
    rotary: Object.freeze(readRotary(fields, headDim, nPositions)),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, BOS < vocabSize ? [BOS] : [])[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, EOS < vocabSize ? [EOS] : []),
  };
}

/** @param {Fields} fields */
function refuseVariants(fields) {
  const architectures = fields.get('architectures') ?? ['LlamaForCausalLM'];
  const known = Array.isArray(architectures)
    && architectures.every((name) => name === 'LlamaForCausalLM' || name === 'LlamaModel');
  if (!known) throw fields.unsupported('architectures', 'only ["LlamaForCausalLM"] is supported');
  const activation = fields.get('hidden_act') ?? 'silu';
  if (activation !== 'silu' && activation !== 'swish') {
    throw fields.unsupported('hidden_act', 'only "silu", or "swish", is supported');
  }
  if (fields.flag('rope_interleaved', false)) {
    throw fields.unsupported('rope_interleaved', 'only false is supported: a head\'s first half turns with '
      + 'its second');
  }
  if (fields.has('quantization_config')) {
    throw fields.unsupported('quantization_config', 'only files in F32, F16 or BF16 are supported');
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

// ---- rotations ----------------------------------------------------------------------------------

/**
 * In the spelling of transformers 5, `rope_parameters`, or in the older ones: `rope_scaling` beside
 * `rope_theta`, `type` for `rope_type`.
 * @param {Fields} fields  @param {number} headDim  @param {number} nPositions
 * @returns {Rotary}
 */
function readRotary(fields, headDim, nPositions) {
  const key = fields.has('rope_parameters') ? 'rope_parameters' : 'rope_scaling';
  const rope = new Fields(fields.get(key) ?? {}, `config.json: ${key}`);
  for (const place of [fields, rope]) {
    if (place.number('partial_rotary_factor', 1, (x) => x > 0 && x <= 1, 'above 0 and at most 1') !== 1) {
      throw place.unsupported('partial_rotary_factor', 'only 1 is supported');
    }
  }
  const theta = (rope.has('rope_theta') ? rope : fields).number('rope_theta', THETA, isFactor, FACTOR);
  const plain = { dim: headDim, theta, factor: 1, original: 0, low: 0, high: 0 };
  const typeKey = rope.has('rope_type') ? 'rope_type' : 'type';
  const type = rope.get(typeKey) ?? 'default';
  if (type === 'default') return plain;
  if (type === 'linear') return { ...plain, factor: required(rope, 'factor') };
  if (type === 'llama3') return { ...plain, ...readLlama3(fields, rope, nPositions) };
  const reason = (typeof type === 'string' && REFUSED.get(type)) || 'it is not known';
  throw rope.unsupported(typeKey, `${reason}; "default", "linear" and "llama3" are supported`);
}

/** @param {Fields} fields  @param {Fields} rope  @param {number} nPositions */
function readLlama3(fields, rope, nPositions) {
  const place = [fields, rope].find((each) => each.has('original_max_position_embeddings'));
  const original = place?.size('original_max_position_embeddings') ?? nPositions;
  const [low, high] = [required(rope, 'low_freq_factor'), required(rope, 'high_freq_factor')];
  if (low >= high) rope.refuse('low_freq_factor', `below high_freq_factor ${high}`);
  return { factor: required(rope, 'factor'), original, low, high };
}

const FACTOR = 'a number from 1 to 1e12';

/** @param {number} x */
const isFactor = (x) => x >= 1 && x <= 1e12;

/** @param {Fields} rope  @param {string} key */
const required = (rope, key) => rope.number(key, NaN, isFactor, FACTOR);
