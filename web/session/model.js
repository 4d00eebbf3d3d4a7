// A loaded model: immutable weights in one WebAssembly instance, with its config and tokenizer.
//
//   loadModel: config.json -> tokenizer.json -> module -> model.safetensors, streamed tensor by tensor
//   through a buffer of 64 KiB into packed weights; the file never lies in memory whole.
import { parseConfig } from '../config/config.js';
import { parseGenerationConfig } from '../config/generation.js';
import { ARCHITECTURES, DTYPES } from '../engine/abi.js';
import { Engine, layOut } from '../engine/engine.js';
import { KvcError, throwIfAborted } from '../engine/errors.js';
import { Block, disposeSymbol } from '../engine/memory.js';
import { openDirectory } from '../files/files.js';
import { readHeader, tensorChunks, usableDtype } from '../files/safetensors.js';
import { Tokenizer } from '../files/tokenizer.js';
import { Session } from './session.js';

const WEIGHTS = 'model.safetensors';
const FILE_DTYPES = { F32: DTYPES.f32, F16: DTYPES.f16, BF16: DTYPES.bf16 }; // of a file's tensors
const BUFFER_BYTES = 2 ** 16; // of a tensor, gathered before they are packed

/**
 * @import { LaidOut } from '../engine/engine.js'
 * @import { Variant } from '../engine/variants.js'
 * @import { WasmSource } from '../engine/module.js'
 * @import { Config } from '../config/config.js'
 * @import { GenerationConfig } from '../config/generation.js'
 * @import { Blobs } from '../files/origins.js'
 * @import { TensorInfo } from '../files/safetensors-header.js'
 * @import { FileStream, OnProgress } from '../files/stream.js'
 * @import { SessionOptions } from './options.js'
 *
 * @typedef {'f32' | 'int8'} Weights  how they are kept: exactly; or in a quarter of the memory, faster, and
 *   a little less accurate
 *
 * @typedef {object} LoadOptions
 * @property {AbortSignal} [signal]      stops the download; the promise rejects with code "aborted"
 * @property {OnProgress} [onProgress]   the last event has status "ready"
 * @property {'auto' | Variant} [variant]  the build of the engine; auto: the fastest that runs here
 * @property {WasmSource} [wasm]         where the module is, if not beside the scripts
 * @property {Weights} [weights]         "f32" by default; "int8" quantises them on arrival
 * @property {boolean} [tokenizer]       false: do not load tokenizer.json; prompts are token ids then
 */

/**
 * Loads a GPT-2 model from a directory in Hugging Face layout.
 * @param {string | URL | Blobs} source  http(s) or file: URL, path in Node, or Blobs by file name
 * @param {LoadOptions} [options]
 * @returns {Promise<Model>}
 */
export async function loadModel(source, options = {}) {
  const { signal, onProgress, variant, wasm, weights = 'f32' } = options;
  if (!['f32', 'int8'].includes(weights)) {
    throw new KvcError('invalid_argument', `Weights cannot be kept as "${weights}"; choose f32 or int8.`);
  }
  const directory = await openDirectory(source, { signal, onProgress });
  const config = parseConfig(await directory.json('config.json'));
  const optional = (/** @type {string} */ name) => directory.json(name, { optional: true });
  const generation = parseGenerationConfig(await optional('generation_config.json'), config);
  const tokenizer = options.tokenizer === false ? undefined : Tokenizer.create(
    await directory.json('tokenizer.json'), await optional('tokenizer_config.json'), config.vocabSize);
  const engine = await Engine.create({ variant, wasm, signal });
  try {
    const native = layOutModel(engine, config, weights);
    await streamWeights(engine, native.pointer, await directory.open(WEIGHTS));
    throwIfAborted(signal);
    onProgress?.({ status: 'ready', name: directory.name });
    return new Model(engine, native, { config, generation, tokenizer, weights });
  } catch (error) {
    engine.dispose();
    throw error;
  }
}

// ---- weights ------------------------------------------------------------------------------------

/**
 * A kvc_model without weights.
 * @param {Engine} engine  @param {Readonly<Config>} c  @param {Weights} weights
 */
function layOutModel(engine, c, weights) {
  const message = 'The weights of this model do not fit the memory that WebAssembly may use here. '
    + 'Choose a smaller model.';
  const messages = { out_of_memory: message };
  const give = () => engine.give('kvc_config', {
    arch: ARCHITECTURES[c.modelType], n_layer: c.nLayer, n_head: c.nHead, n_kv_head: c.nKvHead,
    head_dim: c.headDim, n_embd: c.nEmbd, n_inner: c.nInner, n_positions: c.nPositions,
    vocab_size: c.vocabSize, norm_epsilon: c.layerNormEpsilon, weights: DTYPES[weights],
  });
  return layOut(engine, 'model', message,
    (bytes) => engine.check(messages, 'kvc_model_bytes', give(), bytes),
    (model, memory, bytes) => engine.check(messages, 'kvc_model_init', model, give(), memory, bytes));
}

/** @param {Engine} engine  @param {number} model  @param {FileStream} stream */
async function streamWeights(engine, model, stream) {
  const buffer = new Block(engine, BUFFER_BYTES, 'buffer');
  try {
    const header = await readHeader(stream);
    const wanted = header.tensors.filter(({ name }) => !isIgnored(engine, model, name));
    for (const tensor of wanted) { // refuse a wrong file before its data are fetched
      beginTensor(engine, model, tensor);
      engine.call('kvc_model_cancel_tensor', model);
    }
    const intake = new Intake(engine, model, buffer, new Set(wanted));
    for await (const piece of tensorChunks(stream, header)) intake.take(piece);
    checkComplete(engine, model, stream);
  } finally {
    stream.close();
    buffer.free();
  }
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
    const not_finite = `Tensor "${tensor.name}" holds NaN or an infinity; the file is damaged or its `
      + 'training diverged.';
    this.#engine.check({ not_finite },
      'kvc_model_write_tensor', this.#model, this.#buffer.pointer, this.#filled);
    this.#filled = 0;
  }
}

/** @param {string} text */
const cString = (text) => new TextEncoder().encode(`${text}\0`);

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
  const dtype = FILE_DTYPES[usableDtype(tensor)];
  const text = cString(name);
  const sizes = BigUint64Array.from(shape, BigInt);
  engine.lend(sizes.byteLength + text.length, (pointer) => {
    const textAt = pointer + sizes.byteLength;
    engine.memory.put(pointer, sizes);
    engine.memory.put(textAt, text);
    engine.check({
      tensor_unknown: `Tensor "${name}" has no place in this model. Check that config.json belongs to it.`,
      tensor_shape: `Tensor "${name}" has the shape [${shape}], which is not what config.json asks for.`,
      tensor_duplicate: `Tensor "${name}" is in the file twice, with and without the prefix "transformer.".`,
    }, 'kvc_model_begin_tensor', model, textAt, dtype, pointer, shape.length);
  });
}

/** @param {Engine} engine  @param {number} model  @param {FileStream} stream */
function checkComplete(engine, model, stream) {
  try {
    engine.check({}, 'kvc_model_complete', model, engine.result);
  } catch (error) {
    if (!(error instanceof KvcError) || error.code !== 'tensor_missing') throw error;
    const name = engine.memory.text(engine.resultWord);
    throw new KvcError('tensor_missing', `${stream.where} has no tensor "${name}", which the model needs. `
      + 'Check that config.json belongs to this file.');
  }
}

// ---- the model ----------------------------------------------------------------------------------

export class Model {
  #engine;
  #native; // the kvc_model and its block, which lives as long as this
  #tokenizer;

  /**
   * Use loadModel().
   * @param {Engine} engine
   * @param {LaidOut} native
   * @param {{ config: Readonly<Config>, generation: Readonly<GenerationConfig>,
   *   tokenizer: Tokenizer | undefined, weights: Weights }} parts
   */
  constructor(engine, native, { config, generation, tokenizer, weights }) {
    this.#engine = engine;
    this.#native = native;
    this.#tokenizer = tokenizer;
    /** Sizes, from config.json. */
    this.config = config;
    /** The sampling that the model's makers suggest, from generation_config.json. */
    this.generation = generation;
    /** The build of the engine that runs: "relaxed", "simd" or "scalar". */
    this.variant = engine.variant;
    /** How the weights are kept: "f32" or "int8". */
    this.weights = weights;
    /** The sampler chooses from the ids below this: rows of padding after the last token are left out. */
    this.sampledIds = tokenizer?.idsEnd ?? config.vocabSize;
  }

  /** The model's tokenizer. */
  get tokenizer() {
    if (this.#tokenizer) return this.#tokenizer;
    throw new KvcError('tokenizer_invalid',
      'The model was loaded without its tokenizer; use token ids, or load it with one.');
  }

  /** Text -> token ids. Special tokens are not recognised in it. @param {string} text */
  encode(text) {
    return this.tokenizer.encode(text);
  }

  /** Token ids -> text. @param {Iterable<number>} ids */
  decode(ids) {
    return this.tokenizer.decode(ids);
  }

  /** Joins the texts of successive tokens; without a tokenizer there is none. */
  textStream() {
    return this.#tokenizer?.stream() ?? { push: (/** @type {number} */ _id) => '', flush: () => '' };
  }

  /**
   * A timeline of its own over the shared weights.
   * @param {SessionOptions} [options]
   */
  createSession(options) {
    return new Session(this.#engine, this, this.#native.pointer, options);
  }

  /** Bytes of the instance's memory: the weights, every session, and what it has grown to before. */
  memoryUsage() {
    return { totalBytes: this.#engine.memoryBytes };
  }

  get disposed() {
    return this.#engine.disposed;
  }

  /** Frees the weights and every session with them. */
  dispose() {
    this.#engine.dispose();
  }

  [disposeSymbol]() {
    this.dispose();
  }
}
