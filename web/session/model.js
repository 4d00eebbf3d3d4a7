// A loaded model: immutable weights in one WebAssembly instance, with its config and tokenizer.
//
//   loadModel: config.json, tokenizer.json, the module and model.safetensors are requested together and read
//   in this order; the weights, in one file or several, are streamed (weights.js).
import { parseConfig } from '../config/config.js';
import { parseGenerationConfig } from '../config/generation.js';
import { checkCallback, checkChoice, checkSignal, optionsOf } from '../engine/arguments.js';
import { Engine, checkBuild } from '../engine/engine.js';
import { KvcError, throwIfAborted } from '../engine/errors.js';
import { disposeSymbol } from '../engine/memory.js';
import { Pauses } from '../engine/pauses.js';
import { openDirectory } from '../files/files.js';
import { withKeeping } from '../files/keep.js';
import { openWeights } from '../files/shards.js';
import { Chat, TEMPLATE, isTemplate } from './chat.js';
import { Session } from './session.js';
import { specialTokens, tokenizerOf } from './tokenizer-of.js';
import { checkFits, layOutModel, streamWeights } from './weights.js';

/**
 * @import { LaidOut } from '../engine/engine.js'
 * @import { Variant } from '../engine/variants.js'
 * @import { AbortSignal, RequestInit, Response, URL, WasmSource } from '../engine/platform.js'
 * @import { Config } from '../config/config.js'
 * @import { GenerationConfig } from '../config/generation.js'
 * @import { Dropped } from '../files/dropped.js'
 * @import { Files } from '../files/given.js'
 * @import { Directory } from '../files/files.js'
 * @import { Keep } from '../files/keep.js'
 * @import { Header } from '../files/safetensors-header.js'
 * @import { OnProgress } from '../files/stream.js'
 * @import { DecodeOptions, EncodeOptions, Tokenizer } from '../files/tokenizer.js'
 * @import { ChatOptions, Message } from './chat.js'
 * @import { SessionOptions } from './options.js'
 * @import { Weights } from './weights.js'
 *
 * @typedef {object} LoadOptions
 * @property {AbortSignal} [signal]      stops the download; the promise rejects with code "aborted"
 * @property {OnProgress} [onProgress]   the last event has status "ready"
 * @property {'auto' | Variant} [variant]  the build of the engine; auto: the fastest that runs here
 * @property {WasmSource} [wasm]         where the module is, if not beside the scripts
 * @property {number} [maxMemory]        bytes that the memory may grow to: 1 GB if not said, 4 GB at most
 * @property {Weights} [weights]         "f32" by default; "int8" quantises them on arrival
 * @property {boolean} [tokenizer]       false: do not load tokenizer.json; prompts are token ids then
 * @property {Readonly<Record<string, number>>} [sizes]  bytes by file name, so that progress has a total even
 *   if the server, compressing, does not say
 * @property {RequestInit['headers']} [headers]     of every request for a file of the model
 * @property {RequestInit['credentials']} [credentials]  of the same; fetch's own default is "same-origin"
 * @property {'default' | 'force-cache' | 'no-cache' | 'no-store' | 'only-if-cached' | 'reload'} [cache]
 *   of the same; "force-cache" loads again what the HTTP cache has
 * @property {(url: string, init: RequestInit) => Promise<Response>} [fetch]  used for them instead of fetch()
 * @property {boolean} [keep]            weights and tokenizer stay on this device, for later loads with it
 */

/** @type {readonly (keyof LoadOptions)[]} */
export const LOAD_OPTIONS = [
  'weights', 'variant', 'wasm', 'maxMemory', 'tokenizer', 'signal', 'onProgress', 'sizes', 'headers',
  'credentials', 'cache', 'fetch', 'keep',
];

/**
 * Loads a model of a known architecture from a directory in Hugging Face layout.
 * @param {string | URL | Files | Dropped} source  http(s) or file: URL, path in Node, the files by name, or
 *   as they were chosen or dropped
 * @param {LoadOptions} [asked]  its options
 * @returns {Promise<Model>}
 */
export async function loadModel(source, asked) {
  const options = checkedOptions(asked);
  return options.keep ? withKeeping(options, (keep) => load(source, options, keep)) : load(source, options);
}

/**
 * @param {string | URL | Files | Dropped} source  @param {LoadOptions} options  @param {Keep} [keep]
 */
async function load(source, options, keep) {
  const { signal, onProgress, weights = 'f32' } = options;
  const directory = await openDirectory(source, { ...options, keep });
  const parts = requestAll(directory, options);
  try {
    const given = parseConfig(await parts.config);
    const generation = parseGenerationConfig(await parts.generation, given);
    const pauses = new Pauses(signal); // the thread may be a page's
    const tokenizer = parts.tokenizer && await tokenizerOf(directory, parts, given, pauses);
    const chat = new Chat({
      config: await parts.tokenizerConfig, file: directory.later(isTemplate),
      tokens: specialTokens(given, tokenizer),
    });
    const engine = await parts.engine;
    checkFits(engine, given, weights);
    const shards = await parts.weights;
    const headers = await shards.headers();
    const config = withItsHead(given, headers);
    const native = layOutModel(engine, config, weights);
    await streamWeights(engine, native.pointer, { shards, headers }, pauses);
    throwIfAborted(signal);
    await parts.template?.catch(() => {}); // told by whoever needs it
    const reason = await keep?.commit();
    throwIfAborted(signal);
    if (reason) onProgress?.({ status: 'not_kept', name: directory.name, reason });
    onProgress?.({ status: 'ready', name: directory.name });
    sayIgnored(generation);
    if (config !== given) sayTied(shards.where);
    if (tokenizer?.contradiction) console.warn(tokenizer.contradiction);
    return new Model(engine, native, { config, generation, tokenizer, chat, weights });
  } catch (error) {
    parts.engine.then((engine) => engine.dispose(), () => {}); // its own failure is `error`, or came second
    throw error;
  } finally {
    directory.close();
  }
}

/**
 * Files without a head of its own have it in the embedding, whatever config.json says: those of a base model,
 * and some that were saved tied under a config that was not.
 * @param {Readonly<Config>} config  @param {Header[]} headers
 */
export function withItsHead(config, headers) {
  const isHead = ({ name = '' }) => /^(.*\.)?(lm_head|embed_out)\.weight$/.test(name);
  if (!config.ownHead || headers.some(({ tensors }) => tensors.some(isHead))) return config;
  return Object.freeze({ ...config, ownHead: false });
}

/** @param {string} where  the weights are */
function sayTied(where) {
  console.warn(`${where} has no head of its own, though config.json asks for one (tie_word_embeddings is not `
    + 'true): the embedding is used for it.');
}

/** @param {Readonly<GenerationConfig>} generation */
function sayIgnored({ ignored }) {
  if (!ignored) return;
  const asked = ignored.join(', ');
  console.warn(`generation_config.json asks for ${asked}: generate() does not do that by itself.`);
}

/** @param {LoadOptions | undefined} given */
function checkedOptions(given) {
  const options = optionsOf('loadModel()', given, LOAD_OPTIONS);
  const { signal, onProgress, weights = 'f32', tokenizer = true, fetch, keep = false } = options;
  checkSignal(signal);
  checkCallback('onProgress', onProgress);
  checkCallback('fetch', fetch);
  checkChoice('weights', weights, ['f32', 'int8']);
  checkChoice('tokenizer', tokenizer, [true, false]);
  checkChoice('keep', keep, [true, false]);
  checkBuild(options);
  return options;
}

/**
 * Requests everything together, so that a load waits for one round trip and not for six. Await the parts in
 * this order: of several errors it is the first that is reported. Those after it are never awaited; their
 * transfers end when the directory is closed.
 * @param {Directory} directory
 * @param {LoadOptions} options
 */
function requestAll(directory, { tokenizer = true, variant, wasm, maxMemory, signal, keep }) {
  const optional = { optional: true };
  const parts = {
    config: directory.json('config.json'),
    generation: directory.json('generation_config.json', optional),
    tokenizer: tokenizer ? directory.json('tokenizer.json', optional) : undefined,
    tokenizerConfig: tokenizer ? directory.json('tokenizer_config.json', optional) : undefined,
    engine: Engine.create({ variant, wasm, maxMemory, signal }),
    weights: openWeights(directory),
    template: keep ? directory.text(TEMPLATE) : undefined, // is read later, and kept now
  };
  for (const part of Object.values(parts)) part?.catch(() => {});
  return parts;
}

// ---- the model ----------------------------------------------------------------------------------

/** The engine that a model lives in. @type {(model: Model) => Engine} */
export let engineOf;

export class Model {
  static {
    engineOf = (model) => model.#engine;
  }

  #engine;
  #native; // the kvc_model and its block, which lives as long as this
  #tokenizer;
  #chat;

  /**
   * Use loadModel().
   * @param {Engine} engine
   * @param {LaidOut} native
   * @param {{ config: Readonly<Config>, generation: Readonly<GenerationConfig>,
   *   tokenizer: Tokenizer | undefined, chat: Chat, weights: Weights }} parts
   */
  constructor(engine, native, { config, generation, tokenizer, chat, weights }) {
    this.#engine = engine;
    this.#native = native;
    this.#tokenizer = tokenizer;
    this.#chat = chat;
    /** Sizes, from config.json. */
    this.config = config;
    /** The sampling that the model's makers suggest, from generation_config.json. */
    this.generation = generation;
    /** The build of the engine that runs: "relaxed", "simd" or "scalar". */
    this.variant = engine.variant;
    /** How the weights are kept: "f32" or "int8". */
    this.weights = weights;
    /** The sampler chooses from the ids below this: rows of padding after the last token are left out. */
    this.sampledIds = Math.min(tokenizer?.idsEnd ?? Infinity, config.sampledIds ?? config.vocabSize);
  }

  /** The model's tokenizer. */
  get tokenizer() {
    this.#live();
    if (this.#tokenizer) return this.#tokenizer;
    throw new KvcError('tokenizer_invalid',
      'The model was loaded without its tokenizer; use token ids, or load it with one.');
  }

  /**
   * Text -> token ids, as generate() encodes a prompt.
   * @param {string} text  @param {EncodeOptions} [options]
   */
  encode(text, options) {
    return this.tokenizer.encode(text, options);
  }

  /**
   * A conversation -> token ids, through the model's chat template, which is loaded when first needed.
   * @param {readonly Message[]} messages  @param {ChatOptions} [options]
   */
  async applyChatTemplate(messages, options) {
    const { tokenizer } = this;
    const text = await this.renderChatTemplate(messages, options);
    return tokenizer.encode(text, { special: true, addSpecialTokens: false });
  }

  /** The same, as text. @param {readonly Message[]} messages  @param {ChatOptions} [options] */
  async renderChatTemplate(messages, options) {
    this.#live();
    return this.#chat.render(messages, options);
  }

  /**
   * Token ids -> text, without special tokens.
   * @param {Iterable<number> | ArrayLike<number>} ids  @param {DecodeOptions} [options]
   */
  decode(ids, options) {
    return this.tokenizer.decode(ids, options);
  }

  /**
   * Joins the texts of successive tokens; without a tokenizer there is none.
   * @param {DecodeOptions} [options]
   */
  textStream(options) {
    this.#live();
    return this.#tokenizer?.stream(options) ?? { push: (/** @type {number} */ _id) => '', flush: () => '' };
  }

  /**
   * A timeline of its own over the shared weights.
   * @param {SessionOptions} [options]
   */
  createSession(options) {
    return new Session(this.#engine, this, this.#native.pointer, options);
  }

  /**
   * Bytes of the instance's memory: the weights, every session, and what it has grown to before; and what it
   * may grow to, where the device has as many.
   */
  memoryUsage() {
    return { totalBytes: this.#engine.memoryBytes, maxBytes: this.#engine.maxMemory };
  }

  get disposed() {
    return this.#engine.disposed;
  }

  /** Throws "disposed" after dispose(). */
  #live() {
    void this.#engine.memory;
  }

  /** Frees the weights and every session with them. */
  dispose() {
    this.#engine.dispose();
  }

  [disposeSymbol]() {
    this.dispose();
  }
}
