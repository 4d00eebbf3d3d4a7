// The weights of a model, from a file into wasm memory: streamed in pieces of 64 KiB into packed weights, so
// that the file never lies in memory whole.
import { ARCHITECTURES, DTYPES, OK } from '../engine/abi.js';
import { layOut } from '../engine/engine.js';
import { KvcError } from '../engine/errors.js';
import { Block, MOST_BYTES } from '../engine/memory.js';
import { shown } from '../files/json.js';
import { tensorChunks, usableDtype } from '../files/safetensors.js';

/** Of a file's tensors. */
const FILE_DTYPES = {
  F32: DTYPES.f32, F16: DTYPES.f16, BF16: DTYPES.bf16, F8_E4M3: DTYPES.f8_e4m3, F8_E5M2: DTYPES.f8_e5m2,
};
const BUFFER_BYTES = 2 ** 16; // of a tensor, gathered before they are packed

/**
 * @import { Config, Encoder } from '../config/config.js'
 * @import { Yarn } from '../config/rotary.js'
 * @import { Engine } from '../engine/engine.js'
 * @import { Pauses } from '../engine/pauses.js'
 * @import { Header, TensorInfo } from '../files/safetensors-header.js'
 * @import { Shard, WeightFiles } from '../files/safetensors.js'
 *
 * @typedef {'f32' | 'int8'} Weights  how they are kept: exactly; or in a quarter of the memory, faster, and
 *   a little less accurate
 */

/** What the engine calls it. @param {Readonly<Config>} c */
function architectureOf({ modelType, gated }) {
  if (modelType === 'mistral') return 'llama'; // with a window
  if (modelType === 't5' || modelType === 'mt5') return gated ? 't5_gated' : 't5';
  return modelType === 'gemma3_text' ? 'gemma3' : modelType;
}

/** Bit i is layer 32 * word + i. @param {Readonly<Config>} c  @param {number} word */
const windowWord = (c, word) => (c.window?.layers ?? [])
  .filter((layer) => Math.floor(layer / 32) === word).reduce((bits, layer) => bits + 2 ** (layer % 32), 0);

/** @param {Readonly<Yarn> | undefined} yarn */
const yarnOf = (yarn) => ({
  rope_yarn: yarn ? 2 - Number(yarn.truncate) : 0, rope_attention: yarn?.attention ?? 0,
  rope_mscale: yarn?.mscale ?? 0, rope_mscale_all: yarn?.mscaleAll ?? 0,
});

/** @param {Readonly<Encoder> | undefined} encoder */
const encoderOf = (encoder) => ({
  n_encoder_layer: encoder?.nLayer ?? 0, relative_buckets: encoder?.buckets ?? 0,
  relative_distance: encoder?.distance ?? 0, scaled_head: Number(encoder?.scaledHead ?? false),
});

/** A kvc_config. @param {Readonly<Config>} c  @param {Weights} kind */
export const structOf = (c, kind) => ({
  arch: ARCHITECTURES[architectureOf(c)],
  n_layer: c.nLayer, n_head: c.nHead, n_kv_head: c.nKvHead,
  head_dim: c.headDim, n_embd: c.nEmbd, n_inner: c.nInner, n_positions: c.nPositions,
  vocab_size: c.vocabSize, norm_epsilon: c.layerNormEpsilon, weights: DTYPES[kind],
  own_head: Number(c.ownHead ?? false), attention_bias: Number(c.attentionBias ?? false),
  mlp_bias: Number(c.mlpBias ?? false), rotary_dim: c.rotary?.dim ?? 0,
  rope_original: c.rotary?.original ?? 0, rope_theta: c.rotary?.theta ?? 0,
  rope_factor: c.rotary?.factor ?? 0, rope_low: c.rotary?.low ?? 0, rope_high: c.rotary?.high ?? 0,
  score_scale: c.scoreScale ?? 0, rope_local_theta: c.rotary?.localTheta ?? 0,
  window: c.window?.size ?? 0, window_layers_0: windowWord(c, 0), window_layers_1: windowWord(c, 1),
  ...yarnOf(c.rotary?.yarn),
  parallel: Number(c.parallel ?? false),
  ...encoderOf(c.encoder),
});

/**
 * A kvc_config in wasm memory, for the next call.
 * @param {Engine} engine  @param {Readonly<Config>} c  @param {Weights} kind
 */
const give = (engine, c, kind) => engine.give('kvc_config', structOf(c, kind));

/**
 * Bytes that a model's weights take; more than can be counted is Infinity.
 * @param {Engine} engine  @param {Readonly<Config>} config  @param {Weights} kind
 */
export const bytesAs = (engine, config, kind) => (
  engine.call('kvc_model_bytes', give(engine, config, kind), engine.result) === OK
    ? engine.resultWord : Infinity);

/**
 * Refuses a model that no memory can hold, before anything is known of its files: with a tied head even,
 * which they may turn out to have.
 * @param {Engine} engine  @param {Readonly<Config>} config  @param {Weights} weights
 */
export function checkFits(engine, config, weights) {
  const message = tooLarge(engine, config, weights);
  const least = give(engine, { ...config, ownHead: false }, weights);
  engine.check({ out_of_memory: message }, 'kvc_model_bytes', least, engine.result);
  if (engine.resultWord >= engine.maxMemory) throw new KvcError('out_of_memory', message);
}

/**
 * A kvc_model without weights.
 * @param {Engine} engine  @param {Readonly<Config>} config  @param {Weights} weights
 */
export function layOutModel(engine, config, weights) {
  const message = tooLarge(engine, config, weights);
  const messages = { out_of_memory: message };
  const given = () => give(engine, config, weights);
  return layOut(engine, 'model', message,
    (bytes) => engine.check(messages, 'kvc_model_bytes', given(), bytes),
    (model, memory, bytes) => engine.check(messages, 'kvc_model_init', model, given(), memory, bytes));
}

/**
 * What to say where there is no room for the weights.
 * @param {Engine} engine  @param {Readonly<Config>} config  @param {Weights} weights
 */
function tooLarge(engine, config, weights) {
  const { maxMemory } = engine;
  const [bytes, small] = [bytesAs(engine, config, weights), bytesAs(engine, config, 'int8')];
  return `The weights of this model take ${megabytes(bytes)} of memory as ${weights}; WebAssembly may use at `
    + `most ${megabytes(maxMemory)}${maxMemory < MOST_BYTES ? ' here' : ''}, and a device may give less. `
    + waysOut(weights, { bytes, small, maxMemory });
}

/**
 * @param {Weights} weights
 * @param {{ bytes: number, small: number, maxMemory: number }} sizes  small: as int8
 */
function waysOut(weights, { bytes, small, maxMemory }) {
  const isSmaller = weights !== 'int8' && small < maxMemory;
  const more = `maxMemory: 2 ** 32 it may use up to ${megabytes(MOST_BYTES)}.`;
  const ways = [];
  if (isSmaller) ways.push(`With weights: 'int8' they take ${megabytes(small)}.`);
  if (maxMemory < MOST_BYTES && bytes < MOST_BYTES) ways.push(`With ${more}`);
  else if (maxMemory < MOST_BYTES && !isSmaller && small < MOST_BYTES) {
    ways.push(`With weights: 'int8' they take ${megabytes(small)}, and with ${more}`);
  }
  return ways.join(' ') || 'Choose a smaller model.';
}

/** @param {number} bytes */
const megabytes = (bytes) => (bytes === Infinity ? 'more than 4 GB' : `${Math.ceil(bytes / 1e6)} MB`);

/**
 * What the files lack, and what they have that the model cannot have, is known before any data are fetched.
 * @param {Engine} engine  @param {number} model
 * @param {{ shards: WeightFiles, headers: Header[] }} weights  @param {Pauses} pauses
 */
export async function streamWeights(engine, model, { shards, headers }, pauses) {
  const buffer = new Block(engine, BUFFER_BYTES, 'buffer');
  try {
    for (const header of headers) wantedOf(engine, model, header);
    checkAnnounced(engine, model, shards.where);
    for (const file of shards.files) {
      await takeFile(engine, model, await shards.open(file), buffer, pauses);
    }
  } finally {
    buffer.free();
  }
}

/**
 * @param {Engine} engine  @param {number} model  @param {Shard} shard  @param {Block} buffer
 * @param {Pauses} pauses
 */
async function takeFile(engine, model, shard, buffer, pauses) {
  try {
    const intake = new Intake(engine, model, buffer, wantedOf(engine, model, shard.header));
    for await (const piece of tensorChunks(shard.stream, shard.header)) {
      intake.take(piece);
      if (pauses.due) await pauses.take();
    }
  } finally {
    shard.stream.close();
  }
}

/**
 * The tensors of a file that the model has; one that it cannot have is refused.
 * @param {Engine} engine  @param {number} model  @param {Header} header
 */
function wantedOf(engine, model, { tensors }) {
  const wanted = tensors.filter(({ name }) => !isIgnored(engine, model, name));
  for (const tensor of wanted) {
    beginTensor(engine, model, tensor);
    engine.call('kvc_model_cancel_tensor', model);
  }
  return new Set(wanted);
}

/** Gathers pieces of any length in a buffer and hands over whole elements. */
class Intake {
  #engine;
  #model;
  #buffer;
  #wanted;
  #filled = 0; // bytes of the buffer

  /** @param {Engine} engine  @param {number} model  @param {Block} buffer  @param {Set<TensorInfo>} wanted */
  constructor(engine, model, buffer, wanted) {
    this.#engine = engine;
    this.#model = model;
    this.#buffer = buffer;
    this.#wanted = wanted;
  }

  /** @param {{ tensor: TensorInfo, offset: number, bytes: Uint8Array }} piece */
  take({ tensor, offset, bytes }) {
    if (!this.#wanted.has(tensor)) return;
    if (offset === 0) beginTensor(this.#engine, this.#model, tensor);
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BUFFER_BYTES - this.#filled);
      this.#engine.memory.put(this.#buffer.pointer + this.#filled, part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BUFFER_BYTES || offset + at === tensor.end - tensor.begin) this.#flush(tensor);
    }
  }

  /** @param {TensorInfo} tensor */
  #flush(tensor) {
    const not_finite = `Tensor ${shown(tensor.name)} holds NaN or an infinity; the file is damaged or its `
      + 'training diverged.';
    this.#engine.check({ not_finite },
      'kvc_model_write_tensor', this.#model, this.#buffer.pointer, this.#filled);
    this.#filled = 0;
  }
}

const encoder = new TextEncoder();

/** @param {string} text */
const cString = (text) => encoder.encode(`${text}\0`);

/** @param {Engine} engine  @param {number} model  @param {string} name */
function isIgnored(engine, model, name) {
  const text = cString(name);
  return engine.lend(text.length, (pointer) => {
    engine.memory.put(pointer, text);
    return engine.call('kvc_model_ignores', model, pointer) !== 0;
  });
}

/** @param {Engine} engine  @param {number} model  @param {TensorInfo} tensor */
function beginTensor(engine, model, tensor) {
  const { name, shape } = tensor;
  const what = `Tensor ${shown(name)}`;
  const dtype = FILE_DTYPES[usableDtype(tensor)];
  const text = cString(name);
  const sizes = BigUint64Array.from(shape, BigInt);
  engine.lend(sizes.byteLength + text.length, (pointer) => {
    const textAt = pointer + sizes.byteLength;
    engine.memory.put(pointer, sizes);
    engine.memory.put(textAt, text);
    engine.check({
      tensor_unknown: `${what} has no place in this model. Check that config.json belongs to it.`,
      tensor_shape: `${what} has the shape [${shape}], which is not what config.json asks for.`,
      tensor_duplicate: `${what} is in the file twice, with and without its prefix.`,
    }, 'kvc_model_begin_tensor', model, textAt, dtype, pointer, shape.length);
  });
}

/** @param {Engine} engine  @param {number} model  @param {string} where  the weights are */
function checkAnnounced(engine, model, where) {
  try {
    engine.check({}, 'kvc_model_announced', model, engine.result);
  } catch (error) {
    if (!(error instanceof KvcError) || error.code !== 'tensor_missing') throw error;
    const name = engine.memory.text(engine.resultWord);
    throw new KvcError('tensor_missing', `${where} has no tensor "${name}", which the model needs. `
      + 'Check that config.json belongs to these weights.');
  }
}
