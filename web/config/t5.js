// config.json of a T5, in the sense of Hugging Face: T5 v1.0, v1.1 and FLAN-T5, and of an mT5. An encoder and
// a decoder whose scores have a bias by distance.
import { KvcError } from '../engine/errors.js';
import { epsilon, refuseClasses, refuseLoneStack } from './shared.js';

/** @import { Fields } from './fields.js' */

const PAD = 0; // the default ids of the format; the first is what a text begins with, too
const EOS = 1;
const POSITIONS = 512; // where the file does not say how long its texts were: nothing is learned for each
const MOST_BUCKETS = 128;
const MOST_DISTANCE = 4096;

/**
 * What a class has where a key is missing, and its head.
 * @typedef {object} Kind
 * @property {readonly string[]} classes
 * @property {'relu' | 'gated-gelu'} mlp
 * @property {(fields: Fields) => { ownHead: boolean, scaledHead: boolean }} readHead
 */

/** @type {Kind} */
const T5 = { classes: ['T5ForConditionalGeneration', 'T5WithLMHeadModel'], mlp: 'relu', readHead };

/** Its head is a matrix of its own, whatever `tie_word_embeddings` says. @type {Kind} */
const MT5 = {
  classes: ['MT5ForConditionalGeneration'], mlp: 'gated-gelu',
  readHead: () => ({ ownHead: true, scaledHead: false }),
};

/** What the weights follow from. */
const KEYS = ['num_layers', 'd_model', 'd_ff', 'vocab_size'];

/** @param {Fields} fields */
export const readT5 = (fields) => read(fields, T5);

/** @param {Fields} fields */
export const readMt5 = (fields) => read(fields, MT5);

/** @param {Fields} fields  @param {Kind} kind */
function read(fields, { classes, mlp, readHead: headOf }) {
  refuseClasses(fields, classes);
  refuseLoneStack(fields);
  const gated = isGated(fields, mlp);
  const nEncoderLayer = fields.size('num_layers');
  const nLayer = fields.has('num_decoder_layers') ? fields.size('num_decoder_layers') : nEncoderLayer;
  const nHead = fields.size('num_heads');
  const nEmbd = fields.size('d_model');
  const headDim = fields.has('d_kv') ? fields.size('d_kv') : 64;
  const nInner = fields.size('d_ff');
  const vocabSize = fields.size('vocab_size');
  if (nEmbd % 4 !== 0 || headDim % 4 !== 0) {
    throw new KvcError('config_invalid',
      `config.json: d_model ${nEmbd} and d_kv ${headDim} must be multiples of 4.`);
  }
  const { ownHead, scaledHead } = headOf(fields);
  const attentions = nEncoderLayer + 2 * nLayer;
  const mlps = nEncoderLayer + nLayer;
  fields.refuseTooManyWeights(nEmbd * (4 * attentions * nHead * headDim + mlps * (gated ? 3 : 2) * nInner
    + (ownHead ? 2 : 1) * vocabSize), KEYS);
  const ids = (/** @type {string} */ key, /** @type {number} */ preset) => (
    fields.tokenIds(key, vocabSize, preset < vocabSize ? [preset] : []));
  const padTokenId = ids('pad_token_id', PAD)[0] ?? null;
  return {
    nLayer, nHead, nKvHead: nHead, headDim, nEmbd, vocabSize, nInner, ownHead, gated,
    nPositions: fields.has('n_positions') ? fields.size('n_positions') : POSITIONS,
    layerNormEpsilon: epsilon(fields, 'layer_norm_epsilon', 1e-6),
    scoreScale: 1,
    encoder: Object.freeze({ nLayer: nEncoderLayer, scaledHead, ...readBuckets(fields) }),
    padTokenId,
    startTokenId: ids('decoder_start_token_id', padTokenId ?? PAD)[0] ?? null,
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, [])[0] ?? null,
    eosTokenId: ids('eos_token_id', EOS),
  };
}

/**
 * Whether the MLP has a gate. The other two fields are what transformers makes of the first.
 * @param {Fields} fields  @param {string} preset
 */
function isGated(fields, preset) {
  const kind = fields.get('feed_forward_proj') ?? preset;
  if (kind !== 'relu' && kind !== 'gated-gelu') {
    throw fields.unsupported('feed_forward_proj', 'only "relu" and "gated-gelu" are supported');
  }
  const gated = kind === 'gated-gelu';
  const made = { dense_act_fn: gated ? 'gelu_new' : 'relu', is_gated_act: gated };
  for (const [key, only] of Object.entries(made)) {
    if (fields.has(key) && fields.get(key) !== only) {
      throw fields.unsupported(key,
        `with feed_forward_proj "${kind}" only ${JSON.stringify(only)} is supported`);
    }
  }
  return gated;
}

/**
 * Whether the head is a matrix of its own, and whether what goes into it is scaled. transformers 4 has one
 * field for both; version 5 writes `tie_word_embeddings: true` even where the file has a head.
 * @param {Fields} fields
 */
function readHead(fields) {
  const isTied = fields.flag('tie_word_embeddings', true);
  const scaledHead = fields.flag('scale_decoder_outputs', isTied);
  return { ownHead: !isTied || !scaledHead, scaledHead };
}

/** @param {Fields} fields */
function readBuckets(fields) {
  const number = (/** @type {string} */ key, /** @type {number} */ preset) => (
    fields.has(key) ? fields.size(key) : preset);
  const buckets = number('relative_attention_num_buckets', 32);
  const distance = number('relative_attention_max_distance', 128);
  if (buckets % 4 !== 0 || buckets > MOST_BUCKETS) {
    fields.refuse('relative_attention_num_buckets', `a multiple of 4 up to ${MOST_BUCKETS}`);
  }
  if (distance <= buckets / 2 || distance > MOST_DISTANCE) {
    fields.refuse('relative_attention_max_distance',
      `more than half of the ${buckets} buckets, and at most ${MOST_DISTANCE}`);
  }
  return { buckets, distance };
}
