// One WebAssembly instance: the only way into it. src/wasm is its other side.
//
//   const engine = await Engine.create({ variant });
//   engine.call('kvc_session_position', session)          what abi.js lists, checked by the type checker
//   engine.check(messages, 'kvc_session_step', session)   the same; an error code becomes a KvcError
//   engine.memory                                         views and copies
//
// After a trap the instance is never entered again: its stack pointer was not restored.
import { EXPECTED_LAYOUT, FUNCTIONS, OK, PENDING, VARIANTS } from './abi.js';
import { checkChoice, invalid, isUrl } from './arguments.js';
import { ERROR_CODES, KvcError, reasonOf, throwIfAborted } from './errors.js';
import { Block, MOST_BYTES, Memory, checkMaxMemory } from './memory.js';
import { moduleOf, shippedModule } from './module.js';
import { MODULES, bestVariant } from './variants.js';

/**
 * @import { Exports, FallibleName, FunctionName, Struct, StructName } from './abi.js'
 * @import { ErrorCode } from './errors.js'
 * @import { AbortSignal, WasmInstance, WasmMemory, WasmSource } from './platform.js'
 * @import { Variant } from './variants.js'
 *
 * @typedef {Partial<Record<ErrorCode, string>>} Messages  what to say where the code alone says too little
 *
 * @typedef {object} Build  how an engine is made
 * @property {'auto' | Variant} [variant]  the build; auto: the fastest that runs here
 * @property {WasmSource} [wasm]           where the module is, if not beside the scripts
 * @property {number} [maxMemory]          bytes that its memory may grow to; 1 GB if not said, 4 GB at most
 */

/** Numbers that C knows without a sign, and WebAssembly gives with one. @type {readonly string[]} */
const UNSIGNED = ['pointer', 'size_t', 'uint32_t'];
const unsigned = new Set(Object.entries(FUNCTIONS)
  .filter(([, [result]]) => UNSIGNED.includes(result)).map(([name]) => name));
const SCRATCH_BYTES = 320;
const RESULT = 192; // where in the scratch a call leaves its result

export class Engine {
  /** @type {Exports | undefined} undefined after dispose() */
  #exports;
  /** @type {Memory | undefined} undefined after dispose() */
  #memory;
  #trapped = false;
  #scratch;
  /** What this build was compiled with. @type {Variant} */
  variant;

  /** @param {WasmInstance} instance  @param {Memory} memory  that it was given */
  constructor(instance, memory) {
    const exports = /** @type {Exports & { memory: WasmMemory, _initialize?: () => void }} */ (
      /** @type {unknown} */ (instance.exports));
    refuseOtherModules(exports, memory);
    exports._initialize?.();
    this.#exports = exports;
    this.#memory = memory;
    this.variant = VARIANTS[this.call('kvc_wasm_variant')];
    this.#scratch = this.allocate(SCRATCH_BYTES); // for as long as the instance lives
  }

  /** @param {Build & { signal?: AbortSignal }} [options] */
  static async create({ wasm, variant = 'auto', maxMemory, signal } = {}) {
    checkBuild({ variant, wasm, maxMemory });
    const build = variant === 'auto' ? bestVariant() : variant;
    const given = isFolder(wasm) ? `${hrefOf(wasm)}${MODULES[build]}` : wasm;
    const module = await moduleOf(given ?? shippedModule(build));
    throwIfAborted(signal);
    const memory = new Memory(maxMemory);
    // The one function: a notice that memory has grown. Views are never kept, so it is ignored.
    const imports = { env: { memory: memory.imported, emscripten_notify_memory_growth() {} } };
    try {
      return new Engine(await WebAssembly.instantiate(module, /** @type {any} */ (imports)), memory);
    } catch (cause) {
      if (cause instanceof KvcError) throw cause;
      const reason = `The WebAssembly module cannot be started: ${reasonOf(cause)}`;
      throw new KvcError('wasm_invalid', reason, { cause });
    }
  }

  // ---- calls ------------------------------------------------------------------------------------

  /**
   * @template {FunctionName} K
   * @param {K} name
   * @param {Parameters<Exports[K]>} args
   * @returns {ReturnType<Exports[K]>}
   */
  call(name, ...args) {
    if (this.#trapped) throw trapped();
    if (!this.#exports) throw disposed();
    try {
      const result = /** @type {(...args: any[]) => any} */ (this.#exports[name])(...args);
      return /** @type {any} */ (unsigned.has(name) ? result >>> 0 : result);
    } catch (cause) {
      this.#trapped = true;
      throw trapped(cause);
    }
  }

  /**
   * Calls a function that returns a kvc_error; true where it returns KVC_PENDING.
   * @template {FallibleName} K
   * @param {Messages} messages
   * @param {K} name
   * @param {Parameters<Exports[K]>} args
   */
  check(messages, name, ...args) {
    const error = this.call(name, ...args);
    if (error === OK || error === PENDING) return error === PENDING;
    const code = /** @type {ErrorCode} */ (this.memory.text(this.call('kvc_error_name', error)));
    throw new KvcError(code, messages[code] ?? `The engine refused: ${ERROR_CODES[code]}.`);
  }

  /**
   * Calls what a module has besides the functions of abi.js, with a number; false: it has no such function.
   * @param {string} name  @param {number} value
   */
  callExtra(name, value) {
    if (this.#trapped) throw trapped();
    if (!this.#exports) throw disposed();
    const extra = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this.#exports))[name];
    if (typeof extra !== 'function') return false;
    extra(value);
    return true;
  }

  // ---- memory -----------------------------------------------------------------------------------

  get memory() {
    if (!this.#memory) throw disposed();
    return this.#memory;
  }

  /** Bytes of the memory: it grows, and never shrinks while the instance lives. */
  get memoryBytes() {
    return this.#memory?.byteLength ?? 0;
  }

  /** Bytes that it may grow to, where the device has as many. */
  get maxMemory() {
    return this.#memory?.maxBytes ?? 0;
  }

  /**
   * Writes a struct for the next call to read, and returns its address.
   * @template {StructName} S
   * @param {S} name  @param {Struct<S>} values
   */
  give(name, values) {
    this.memory.write(name, this.#scratch, values);
    return this.#scratch;
  }

  /** Where a call may leave its result, for read() and word() right after it. */
  get result() {
    return this.#scratch + RESULT;
  }

  /** The word that the last call left at `result`. */
  get resultWord() {
    return this.memory.word(this.#scratch + RESULT);
  }

  /**
   * A block's address, 16-byte aligned.
   * @param {number} bytes  @param {string} [message]  of "out_of_memory"
   */
  allocate(bytes, message = `There is no room for ${bytes} more bytes. Dispose of a session or cache.`) {
    const pointer = bytes > MOST_BYTES ? 0 : this.call('kvc_wasm_allocate', Math.max(1, bytes));
    if (pointer === 0) throw new KvcError('out_of_memory', message);
    return pointer;
  }

  /** Does nothing once the instance is gone or has trapped. @param {number} pointer */
  free(pointer) {
    if (this.usable) this.call('kvc_wasm_free', pointer);
  }

  /**
   * Lends memory for one piece of work. What work() returns must not be a view of it.
   * @template T
   * @param {number} bytes
   * @param {(pointer: number) => T} work
   * @returns {T}
   */
  lend(bytes, work) {
    const pointer = this.allocate(bytes);
    try {
      return work(pointer);
    } finally {
      this.free(pointer);
    }
  }

  // ---- lifetime ---------------------------------------------------------------------------------

  get disposed() {
    return this.#exports === undefined;
  }

  /** Neither disposed of nor trapped: calls are possible. */
  get usable() {
    return !this.disposed && !this.#trapped;
  }

  /** Lets go of the instance and its memory. Every later call throws. */
  dispose() {
    this.#exports = undefined;
    this.#memory = undefined;
  }
}

/**
 * @typedef {object} LaidOut  an object in wasm memory
 * @property {Block} block    that it lies in: once nothing holds this, the memory is freed
 * @property {number} pointer
 * @property {number} end     of the object, where the extra bytes begin
 */

/**
 * "Ask, then give": asks how many bytes an object takes, allocates them, and has it laid out there.
 * @param {Engine} engine
 * @param {string} what     as of a Block
 * @param {string} message  of "out_of_memory"
 * @param {(bytes: number) => void} ask  has the number of bytes written to an address
 * @param {(object: number, memory: number, bytes: number) => void} init  has the object's address written to
 *   its first argument
 * @param {number} [extra]  bytes of the block behind the object
 * @returns {LaidOut}
 */
export function layOut(engine, what, message, ask, init, extra = 0) {
  ask(engine.result);
  const bytes = engine.resultWord;
  const start = Math.ceil(bytes / 16) * 16;
  const block = new Block(engine, start + extra, what, message);
  try {
    init(engine.result, block.pointer, bytes);
  } catch (error) {
    block.free();
    throw error;
  }
  return { block, pointer: engine.resultWord, end: block.pointer + start };
}

/**
 * Refuses a build that cannot be chosen; nothing is fetched for that.
 * @param {Build} build
 */
export function checkBuild({ wasm, variant = 'auto', maxMemory }) {
  checkMaxMemory(maxMemory);
  checkChoice('variant', variant, ['auto', 'relaxed', 'simd', 'scalar']);
  if ((wasm ?? undefined) === undefined || variant === 'auto' || isFolder(wasm)) return;
  throw invalid(`wasm gives the module itself, so the variant ${variant} cannot be chosen as well: `
    + 'leave out one of the two.');
}

/** @param {string | { readonly href: string }} address */
const hrefOf = (address) => (typeof address === 'string' ? address : address.href);

/**
 * Whether it is the address of a folder with the modules.
 * @param {unknown} wasm  @returns {wasm is string}
 */
const isFolder = (wasm) => (typeof wasm === 'string' || isUrl(wasm)) && hrefOf(wasm).endsWith('/');

/**
 * Refuses a module that is not the one abi.js describes.
 * @param {Exports & { memory: WasmMemory }} exports  @param {Memory} memory  that it should work in
 */
function refuseOtherModules(exports, memory) {
  const has = (/** @type {[string, readonly string[]]} */ [name, { length }]) => (
    /** @type {Record<string, Function>} */ (/** @type {unknown} */ (exports))[name]?.length === length - 1);
  if (exports.memory === memory.imported && Object.entries(FUNCTIONS).every(has)) {
    const layout = new Uint16Array(exports.memory.buffer, exports.kvc_wasm_layout(), EXPECTED_LAYOUT.length);
    if (EXPECTED_LAYOUT.every((number, i) => number === layout[i])) return;
  }
  throw new KvcError('wasm_invalid', 'The WebAssembly module is not the one that this version was made for. '
    + 'Take both from the same release.');
}

const disposed = () => new KvcError('disposed', 'The model was disposed of; load it again.');

/** @param {unknown} [cause] */
const trapped = (cause) => new KvcError('trapped', 'The WebAssembly code crashed, and its memory can no '
  + 'longer be trusted. Load the model again, or `await init()` for new caches.', { cause });
