// A loaded model: immutable weights in one WebAssembly instance, with its config and tokenizer.
//
//   loadModel: config.json -> tokenizer.json -> module -> model.safetensors, streamed tensor by tensor
//   through the mailbox into packed weights; the file never lies in memory whole.
import { KvcError, throwIfAborted } from '../engine/errors.js';
import { openDirectory } from '../files/files.js';
import { parseConfig } from '../config/config.js';
import { parseGenerationConfig } from '../config/generation.js';
import { readHeader, tensorChunks, usableDtype } from '../files/safetensors.js';
import { Tokenizer } from '../files/tokenizer.js';
import { Engine } from '../engine/engine.js';
import { Session, disposeSymbol } from './session.js';

const WEIGHTS = 'model.safetensors';
const DTYPES = { F32: 0, F16: 1, BF16: 2 }; // kvc_dtype of a file's tensor
const WEIGHTS_AS = { f32: 0, int8: 3 };     // and of the weights in memory
const SHAPE_BYTES = 64;                     // in the mailbox, before the tensor's name

/**
 * @typedef {import('../files/safetensors-header.js').TensorInfo} TensorInfo
 * @typedef {object} LoadOptions
 * @property {AbortSignal} [signal]      stops the download; the promise rejects with code "aborted"
 * @property {import('../files/stream.js').OnProgress} [onProgress]  the last event has status "ready"
 * @property {'auto' | import('../engine/engine.js').Variant} [variant]  which build of the engine; auto: the fastest that runs here
 * @property {import('../engine/engine.js').WasmSource} [wasm]  where the module is, if not beside the scripts
 * @property {keyof typeof WEIGHTS_AS} [weights]  how they are kept: "f32", the default, exactly; "int8", quantised on arrival
 *                                       into a quarter of the memory, faster, and a little less accurate
 * @property {boolean} [tokenizer]       false: do not load tokenizer.json; prompts are token ids then
 */

/**
 * Loads a GPT-2 model from a directory in Hugging Face layout.
 * @param {string | URL | import('../files/origins.js').Blobs} source  http(s) or file: URL, path in Node, or Blobs by file name
 * @param {LoadOptions} [options]
 * @returns {Promise<Model>}
 */
export async function loadModel(source, options = {}) {
  const { signal, onProgress, variant, wasm, weights = 'f32' } = options;
  if (!Object.hasOwn(WEIGHTS_AS, weights)) {
    throw new KvcError('invalid_argument', `Weights cannot be kept as "${weights}"; choose f32 or int8.`);
  }
  const directory = await openDirectory(source, { signal, onProgress });
  const config = parseConfig(await directory.json('config.json'));
  const generation = parseGenerationConfig(await directory.json('generation_config.json', { optional: true }), config);
  const tokenizer = options.tokenizer === false ? undefined : Tokenizer.create(
    await directory.json('tokenizer.json'), await directory.json('tokenizer_config.json', { optional: true }), config.vocabSize);
  const engine = await Engine.create({ variant, wasm, signal });
  try {
    const handle = newModel(engine, config, weights);
    await streamWeights(engine, handle, await directory.open(WEIGHTS));
    throwIfAborted(signal);
    onProgress?.({ status: 'ready', name: directory.name });
    return new Model(engine, handle, { config, generation, tokenizer, weights });
  } catch (error) {
    engine.dispose();
    throw error;
  }
}

/** @param {Engine} engine  @param {Readonly<import('../config/config.js').Config>} c  @param {keyof typeof WEIGHTS_AS} weights */
function newModel(engine, c, weights) {
  const out_of_memory = 'The weights of this model do not fit the memory that WebAssembly may use here. Choose a smaller model.';
  engine.check({ out_of_memory }, 'kvc_wasm_model_new',
    c.nLayer, c.nHead, c.nEmbd, c.nInner, c.nPositions, c.vocabSize, c.layerNormEpsilon, WEIGHTS_AS[weights]);
  return engine.word(0);
}

/** @param {Engine} engine  @param {number} handle  @param {import('../files/stream.js').FileStream} stream */
async function streamWeights(engine, handle, stream) {
  try {
    const header = await readHeader(stream);
    const wanted = header.tensors.filter((tensor) => !isIgnored(engine, tensor));
    for (const tensor of wanted) { // refuse a wrong file before its data are fetched
      beginTensor(engine, handle, tensor);
      engine.call('kvc_wasm_tensor_cancel', handle);
    }
    const intake = new Intake(engine, handle, new Set(wanted));
    for await (const piece of tensorChunks(stream, header)) intake.take(piece);
    engine.check({}, 'kvc_wasm_model_complete', handle);
  } catch (error) {
    if (!(error instanceof KvcError) || error.code !== 'tensor_missing') throw error;
    throw new KvcError('tensor_missing', `${stream.where} has no tensor "${engine.text(engine.word(0))}", which the model needs. `
      + 'Check that config.json belongs to this file.');
  } finally {
    stream.close();
  }
}

/** Gathers pieces of any length in the mailbox and hands over whole elements. */
class Intake {
  #engine;
  #handle;
  #wanted;
  #filled = 0; // bytes in the mailbox

  /** @param {Engine} engine  @param {number} handle  @param {Set<TensorInfo>} wanted */
  constructor(engine, handle, wanted) {
    this.#engine = engine;
    this.#handle = handle;
    this.#wanted = wanted;
  }

  /** @param {{ tensor: TensorInfo, offset: number, bytes: Uint8Array }} piece */
  take({ tensor, offset, bytes }) {
    if (!this.#wanted.has(tensor)) return;
    if (offset === 0) beginTensor(this.#engine, this.#handle, tensor);
    const room = this.#engine.mailboxBytes;
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + room - this.#filled);
      this.#engine.mailbox.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === room || offset + at === tensor.end - tensor.begin) this.#flush(tensor);
    }
  }

  /** @param {TensorInfo} tensor */
  #flush(tensor) {
    const not_finite = `Tensor "${tensor.name}" holds NaN or an infinity; the file is damaged or its training diverged.`;
    this.#engine.check({ not_finite }, 'kvc_wasm_tensor_write', this.#handle, this.#filled);
    this.#filled = 0;
  }
}

/** @param {Engine} engine  @param {TensorInfo} tensor */
function isIgnored(engine, { name }) {
  engine.mailbox.set(new TextEncoder().encode(`${name}\0`));
  return engine.call('kvc_wasm_tensor_ignored') !== 0;
}

/** @param {Engine} engine  @param {number} handle  @param {TensorInfo} tensor */
function beginTensor(engine, handle, tensor) {
  const { name, shape } = tensor;
  const dtype = DTYPES[usableDtype(tensor)];
  engine.mailbox.set(new Uint8Array(BigUint64Array.from(shape, BigInt).buffer));
  engine.mailbox.set(new TextEncoder().encode(`${name}\0`), SHAPE_BYTES);
  engine.check({
    tensor_unknown: `Tensor "${name}" has no place in this model. Check that config.json belongs to the file.`,
    tensor_shape: `Tensor "${name}" has the shape [${shape}], which is not what config.json asks for.`,
    tensor_duplicate: `Tensor "${name}" is in the file twice, with and without the prefix "transformer.".`,
  }, 'kvc_wasm_tensor_begin', handle, dtype, shape.length);
}

export class Model {
  #engine;
  #handle;
  #tokenizer;

  /**
   * Use loadModel().
   * @param {Engine} engine
   * @param {number} handle
   * @param {{ config: Readonly<import('../config/config.js').Config>, tokenizer: Tokenizer | undefined,
   *   generation: Readonly<import('../config/generation.js').GenerationConfig>, weights: keyof typeof WEIGHTS_AS }} parts
   */
  constructor(engine, handle, { config, generation, tokenizer, weights }) {
    this.#engine = engine;
    this.#handle = handle;
    this.#tokenizer = tokenizer;
    /** Sizes, from config.json. */
    this.config = config;
    /** The sampling that the model's makers suggest, from generation_config.json. */
    this.generation = generation;
    /** The build of the engine that runs: "relaxed", "simd" or "scalar". */
    this.variant = engine.variant;
    /** How the weights are kept: "f32" or "int8". */
    this.weights = weights;
    /** How many ids the sampler may choose from: rows of padding after the last token are left out. */
    this.sampledIds = tokenizer?.idsEnd ?? config.vocabSize;
  }

  /** The model's tokenizer. */
  get tokenizer() {
    if (this.#tokenizer) return this.#tokenizer;
    throw new KvcError('tokenizer_invalid', 'The model was loaded without its tokenizer; use token ids, or load it with one.');
  }

  /** Text -> token ids. Special tokens are not recognised in it. @param {string} text */
  encode(text) {
    return this.tokenizer.encode(text);
  }

  /** Token ids -> text. @param {Iterable<number>} ids */
  decode(ids) {
    return this.tokenizer.decode(ids);
  }

  /** Puts the texts of successive tokens together; without a tokenizer there is none. */
  textStream() {
    return this.#tokenizer?.stream() ?? { push: (/** @type {number} */ _id) => '', flush: () => '' };
  }

  /**
   * A timeline of its own over the shared weights.
   * @param {import('./options.js').SessionOptions} [options]
   */
  createSession(options) {
    return new Session(this, this.#engine, this.#handle, options);
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
