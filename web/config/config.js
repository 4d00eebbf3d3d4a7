// config.json and generation_config.json of a GPT-2 model, checked. A setting that would change the
// computation in a way the engine does not know is refused, never ignored.
import { KvcError } from '../engine/errors.js';

const MAX_SIZE = 2 ** 24;          // of any single dimension; far beyond every GPT-2
const MAX_WEIGHT_BYTES = 2 ** 32;  // wasm32 cannot address more
const GPT2_EOS = 50256;            // the default bos and eos id of the format

/**
 * @typedef {object} Config
 * @property {'gpt2'} modelType
 * @property {number} nLayer
 * @property {number} nHead
 * @property {number} nEmbd
 * @property {number} nPositions
 * @property {number} vocabSize
 * @property {number} nInner              width of the hidden layer of the MLP
 * @property {number} headDim             nEmbd / nHead
 * @property {number} layerNormEpsilon
 * @property {number | null} bosTokenId
 * @property {readonly number[]} eosTokenId  any of these ends a text
 *
 * @typedef {object} GenerationConfig
 * @property {number} temperature         0 is greedy
 * @property {number} topK                0 is off
 * @property {number} topP                1 is off
 * @property {number} minP                0 is off
 * @property {number} repetitionPenalty   1 is off
 * @property {number} [maxNewTokens]
 * @property {readonly number[]} eosTokenIds
 */

/**
 * @param {unknown} json  parsed config.json
 * @returns {Readonly<Config>}
 */
export function parseConfig(json) {
  const fields = fieldsOf(json, 'config.json');
  refuseOtherArchitectures(fields);
  const nLayer = size(fields, 'n_layer');
  const nHead = size(fields, 'n_head');
  const nEmbd = size(fields, 'n_embd');
  const nPositions = size(fields, fields.get('n_positions') == null ? 'n_ctx' : 'n_positions', 'n_positions');
  const vocabSize = size(fields, 'vocab_size');
  const nInner = fields.get('n_inner') == null ? 4 * nEmbd : size(fields, 'n_inner');
  const headDim = nEmbd / nHead;
  if (headDim % 4 !== 0) {
    throw invalid(`config.json: n_embd ${nEmbd} over n_head ${nHead} gives ${headDim} numbers per head; it has to be a multiple of 4.`);
  }
  const layerNormEpsilon = numberIn(fields, 'layer_norm_epsilon', 1e-5, (x) => x > 0 && x < 1, 'between 0 and 1');
  const config = Object.freeze({
    modelType: /** @type {const} */ ('gpt2'),
    nLayer, nHead, nEmbd, nPositions, vocabSize, nInner, headDim, layerNormEpsilon,
    bosTokenId: tokenIds(fields, 'bos_token_id', vocabSize, 'config.json')[0] ?? null,
    eosTokenId: tokenIds(fields, 'eos_token_id', vocabSize, 'config.json'),
  });
  refuseTooManyWeights(config);
  return config;
}

/**
 * The sampling settings a model comes with, in the sense of Hugging Face: without `do_sample` it is
 * greedy. Settings of other methods (beams and the like) are suggestions this engine does not take.
 * @param {unknown} json  parsed generation_config.json, or undefined
 * @param {Readonly<Config>} config
 * @returns {Readonly<GenerationConfig>}
 */
export function parseGenerationConfig(json, config) {
  const file = 'generation_config.json';
  const fields = json === undefined ? new Map() : fieldsOf(json, file);
  const sampled = flag(fields, 'do_sample', false, file);
  /** @type {(key: string, preset: number, holds: (x: number) => boolean, range: string) => number} */
  const setting = (key, preset, holds, range) => numberIn(fields, key, preset, holds, range, file);
  const temperature = setting('temperature', 1, (x) => x >= 0, 'at least 0');
  const maxNewTokens = setting('max_new_tokens', 0, isCount, 'a whole number');
  const eosTokenIds = tokenIds(fields, 'eos_token_id', config.vocabSize, file);
  return Object.freeze({
    temperature: sampled ? temperature : 0,
    // 50 is the format's default, but it counts only where the file asks for sampling.
    topK: setting('top_k', sampled ? 50 : 0, isCount, 'a whole number'),
    topP: setting('top_p', 1, (x) => x > 0 && x <= 1, 'above 0 and at most 1'),
    minP: setting('min_p', 0, (x) => x >= 0 && x <= 1, 'between 0 and 1'),
    repetitionPenalty: setting('repetition_penalty', 1, (x) => x > 0, 'above 0'),
    ...(maxNewTokens > 0 && { maxNewTokens }),
    eosTokenIds: fields.get('eos_token_id') == null ? config.eosTokenId : eosTokenIds,
  });
}

/** @param {string} message */
const invalid = (message) => new KvcError('config_invalid', message);

/** @param {string} message */
const unsupported = (message) => new KvcError('unsupported_architecture', message);

/** @param {number} x */
const isCount = (x) => Number.isSafeInteger(x) && x >= 0;

/** A value from the file for a message. @param {unknown} value */
const shown = (value) => (JSON.stringify(value) ?? 'missing').slice(0, 80);

/** As a Map, so that no key can mean anything but itself. @param {unknown} json  @param {string} file @returns {Map<string, unknown>} */
function fieldsOf(json, file) {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid(`${file} must hold a JSON object.`);
  return new Map(Object.entries(json));
}

/** @param {Map<string, unknown>} fields */
function refuseOtherArchitectures(fields) {
  const modelType = fields.get('model_type');
  if (modelType !== 'gpt2') throw unsupported(`config.json: model_type is ${shown(modelType)}; only "gpt2" is supported.`);
  const architectures = fields.get('architectures') ?? ['GPT2LMHeadModel'];
  if (!Array.isArray(architectures) || !architectures.every((a) => a === 'GPT2LMHeadModel' || a === 'GPT2Model')) {
    throw unsupported(`config.json: architectures is ${shown(architectures)}; only ["GPT2LMHeadModel"] is supported.`);
  }
  const activation = fields.get('activation_function') ?? 'gelu_new';
  if (activation !== 'gelu_new' && activation !== 'gelu_pytorch_tanh') {
    throw unsupported(`config.json: activation_function is ${shown(activation)}; only "gelu_new" and "gelu_pytorch_tanh" are supported.`);
  }
  /** @type {[string, boolean][]} */
  const switches = [
    ['scale_attn_weights', true], ['scale_attn_by_inverse_layer_idx', false], ['reorder_and_upcast_attn', false],
    ['tie_word_embeddings', true], ['add_cross_attention', false],
  ];
  for (const [key, only] of switches) {
    if (flag(fields, key, only, 'config.json') !== only) throw unsupported(`config.json: ${key} ${!only} is not supported, only ${only}.`);
  }
  if (fields.get('quantization_config') != null) {
    throw unsupported('config.json: quantized models (quantization_config) are not supported; use the F32, F16 or BF16 one.');
  }
}

/** @param {Map<string, unknown>} fields  @param {string} key  @param {boolean} preset  @param {string} file */
function flag(fields, key, preset, file) {
  const value = fields.get(key) ?? preset;
  if (typeof value !== 'boolean') throw invalid(`${file}: ${key} is ${shown(value)}; it must be true or false.`);
  return value;
}

/** @param {Map<string, unknown>} fields  @param {string} key  @param {string} [label]  @returns {number} */
function size(fields, key, label = key) {
  const value = fields.get(key);
  if (typeof value === 'number' && isCount(value) && value >= 1 && value <= MAX_SIZE) return value;
  throw invalid(`config.json: ${label} is ${shown(value)}; it must be a whole number from 1 to ${MAX_SIZE}.`);
}

/**
 * @param {Map<string, unknown>} fields  @param {string} key  @param {number} preset  when missing or null
 * @param {(x: number) => boolean} holds  @param {string} range  in words  @param {string} [file]
 */
function numberIn(fields, key, preset, holds, range, file = 'config.json') {
  const value = fields.get(key) ?? preset;
  if (typeof value === 'number' && Number.isFinite(value) && holds(value)) return value;
  throw invalid(`${file}: ${key} is ${shown(value)}; it must be ${range}.`);
}

/**
 * One id, several, or none. A missing one is the format's default where the vocabulary has that id.
 * @param {Map<string, unknown>} fields  @param {string} key  @param {number} vocabSize  @param {string} file
 * @returns {readonly number[]}
 */
function tokenIds(fields, key, vocabSize, file) {
  const value = fields.has(key) ? fields.get(key) : GPT2_EOS < vocabSize ? GPT2_EOS : null;
  const ids = value === null ? [] : Array.isArray(value) ? value : [value];
  for (const id of ids) {
    if (isCount(id) && id < vocabSize) continue;
    throw invalid(`${file}: ${key} is ${shown(value)}; a token id must be a whole number below vocab_size ${vocabSize}.`);
  }
  return Object.freeze([...ids]);
}

/** The exact count needs no care for overflow: every factor is at most 2^24. @param {Config} config */
function refuseTooManyWeights({ nLayer, nEmbd, nPositions, vocabSize, nInner }) {
  const perLayer = nEmbd * (4 * nEmbd + 2 * nInner);
  const bytes = 4 * (nLayer * perLayer + (vocabSize + nPositions) * nEmbd);
  if (bytes <= MAX_WEIGHT_BYTES) return;
  throw invalid(`config.json: n_layer ${nLayer}, n_embd ${nEmbd}, n_positions ${nPositions} and vocab_size ${vocabSize} make `
    + `${(bytes / 1e9).toFixed(1)} GB of weights; WebAssembly can hold at most 4 GB.`);
}
