// config.json of a BART and of a Marian (opus-mt), in the sense of Hugging Face: an encoder and a decoder
// with norms behind their blocks, and with biases everywhere.
import { positionsOf, refuseClasses, refuseLoneStack, sharedOut } from './shared.js';
import { refuseActivation } from './refused.js';

/**
 * @import { Fields } from './fields.js'
 *
 * What a class has where a key is missing, and what of it is computed.
 * @typedef {object} Kind
 * @property {readonly string[]} classes
 * @property {readonly string[]} activations  that are computed
 * @property {boolean} scaled        whether embeddings are scaled: the one way that is computed
 * @property {number} rowsBefore     of the table of positions, that belong to none
 * @property {number} start          id that a text begins with
 * @property {number} pad
 * @property {number} eos
 * @property {number | null} bos
 */

/** @type {Kind} */
const BART = {
  classes: ['BartForConditionalGeneration'], activations: ['gelu'], scaled: false, rowsBefore: 2,
  start: 2, pad: 1, eos: 2, bos: 0,
};

/** @type {Kind} */
const MARIAN = {
  classes: ['MarianMTModel'], activations: ['swish', 'silu'], scaled: true, rowsBefore: 0,
  start: 58100, pad: 58100, eos: 0, bos: null,
};

const ACTIVATION = 'gelu'; // of both classes, though no Marian has it

/** What the weights follow from. */
const KEYS = ['encoder_layers', 'decoder_layers', 'd_model', 'decoder_ffn_dim', 'vocab_size'];

/** Settings that change the computation, the one value of each that the engine computes, and the other. */
const FIXED = /** @type {const} */ ([
  ['tie_word_embeddings', true, 'a head of its own cannot be computed here'],
  ['normalize_before', false, 'norms before the blocks cannot be computed here'],
  ['add_final_layer_norm', false, 'a norm behind each stack cannot be computed here'],
]);

/** @param {Fields} fields */
export function readBart(fields) {
  return read(fields, BART);
}

/** @param {Fields} fields */
export function readMarian(fields) {
  const config = read(fields, MARIAN);
  if (!fields.flag('share_encoder_decoder_embeddings', true)) {
    throw fields.unsupported('share_encoder_decoder_embeddings', 'vocabularies of their own for source and '
      + 'translation cannot be computed');
  }
  if (fields.has('decoder_vocab_size') && fields.size('decoder_vocab_size') !== config.vocabSize) {
    throw fields.unsupported('decoder_vocab_size', 'only the same as vocab_size is supported');
  }
  if (config.padTokenId !== config.vocabSize - 1) {
    throw fields.unsupported('pad_token_id', `only the last id, ${config.vocabSize - 1}, is supported: no `
      + 'translation has it');
  }
  return { ...config, sampledIds: config.padTokenId };
}

/** @param {Fields} fields  @param {Kind} kind */
function read(fields, { classes, activations, scaled, rowsBefore, ...preset }) {
  refuseClasses(fields, classes);
  refuseLoneStack(fields);
  refuseActivation(fields, 'activation_function', activations, ACTIVATION);
  for (const [key, only, reason] of FIXED) {
    if (fields.flag(key, only) !== only) throw fields.unsupported(key, reason);
  }
  if (fields.flag('scale_embedding', false) !== scaled) {
    throw fields.unsupported('scale_embedding', `only ${scaled} is supported here`);
  }
  const nLayer = fields.size('decoder_layers');
  const nEncoderLayer = fields.size('encoder_layers');
  const nEmbd = fields.size('d_model');
  const nHead = ofBoth(fields, 'attention_heads');
  const nInner = ofBoth(fields, 'ffn_dim');
  const vocabSize = fields.size('vocab_size');
  const nPositions = positionsOf(fields, 1024);
  const rows = vocabSize + 2 * (nPositions + rowsBefore);
  fields.refuseTooManyWeights(nEmbd * (4 * nEmbd * (nEncoderLayer + 2 * nLayer)
    + 2 * nInner * (nEncoderLayer + nLayer) + rows), KEYS);
  const ids = (/** @type {string} */ key, /** @type {number | null} */ id) => (
    fields.tokenIds(key, vocabSize, id !== null && id < vocabSize ? [id] : []));
  return {
    nLayer, nHead, nKvHead: nHead, nEmbd, nPositions, vocabSize, nInner, ownHead: false,
    headDim: sharedOut(nEmbd, nHead, ['d_model', 'encoder_attention_heads']),
    layerNormEpsilon: 1e-5,
    ...(rowsBefore > 0 && { positionRows: nPositions + rowsBefore }),
    encoder: Object.freeze({ nLayer: nEncoderLayer }),
    padTokenId: ids('pad_token_id', preset.pad)[0] ?? null,
    startTokenId: ids('decoder_start_token_id', preset.start)[0] ?? null,
    forcedTokenId: ids('forced_bos_token_id', null)[0] ?? null,
    forcedEndId: ids('forced_eos_token_id', preset.eos)[0] ?? null,
    bosTokenId: ids('bos_token_id', preset.bos)[0] ?? null,
    eosTokenId: ids('eos_token_id', preset.eos),
  };
}

/**
 * A size that encoder and decoder have in common.
 * @param {Fields} fields  @param {'attention_heads' | 'ffn_dim'} what
 */
function ofBoth(fields, what) {
  const size = fields.size(`encoder_${what}`);
  if (fields.size(`decoder_${what}`) === size) return size;
  throw fields.unsupported(`decoder_${what}`, `only the same as encoder_${what}, ${size}, is supported`);
}
