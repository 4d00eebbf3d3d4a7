// One WebAssembly instance, and the only code that touches its memory. src/wasm*.c is its other side.
//
//   Engine.create({ variant }) -> engine.call('kvc_wasm_...', ...) | engine.check(..) | engine.bytes(..)
//
// Rules kept here for everybody: a typed-array view lives for one statement only (memory that grows
// detaches it), pointers are unsigned, error codes become KvcErrors, and after a trap the instance is
// never entered again (its stack pointer is not restored).
import { assets } from './assets.js';
import { ERROR_CODES, KvcError, reasonOf, throwIfAborted } from './errors.js';

/**
 * @typedef {'relaxed' | 'simd' | 'scalar'} Variant
 * @typedef {string | URL | BufferSource | Response | WebAssembly.Module} WasmSource
 * @typedef {import('./errors.js').ErrorCode} ErrorCode
 */

const VARIANTS = /** @type {Variant[]} */ (['scalar', 'simd', 'relaxed']); // as kvc_wasm_variant() counts
const ABI = 4;
const OK = 0;
const PENDING = 1;

// i32x4.splat(1000) plus four products of -127 and 127 in each lane, by a relaxed dot: valid only where relaxed
// SIMD is known. V8 11.3 (Node 20, behind a flag) loses the 1000 in its first, quick compilation.
const DOT = [0x41, 0x81, 0x7f, 0xfd, 15, 0x41, 0xff, 0, 0xfd, 15, 0x41, 0xe8, 7, 0xfd, 17, 0xfd, 0x93, 2, 0xfd, 27, 0];
const DOT_RESULT = 1000 - 4 * 127 * 127;
const PROBES = { simd: probe([0x41, 0, 0xfd, 15, 0xfd, 27, 0]), relaxed: probe(DOT) };

/** A module with one function f: () -> i32. @param {number[]} body */
function probe(body) {
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0,
    10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b,
  ]);
}

/** Relaxed SIMD is there, and computes what every build must compute. */
function relaxedWorks() {
  if (!WebAssembly.validate(PROBES.relaxed)) return false;
  try {
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(PROBES.relaxed)).exports;
    return /** @type {() => number} */ (f)() === DOT_RESULT;
  } catch {
    return false; // a page that forbids WebAssembly is told so when the real module is compiled
  }
}

/** The fastest build that this JavaScript engine can run. @returns {Variant} */
export function bestVariant() {
  if (relaxedWorks()) return 'relaxed';
  return WebAssembly.validate(PROBES.simd) ? 'simd' : 'scalar';
}

/** Compiled modules by address: many models share one. @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

export class Engine {
  /** @type {Record<string, Function> | undefined} undefined after dispose() */
  #exports;
  /** @type {WebAssembly.Memory} */
  #memory;
  #trapped = false;
  #mailbox = 0;

  /** What this build was compiled with. @type {Variant} */
  variant = 'scalar';
  /** Bytes that fit the mailbox. */
  mailboxBytes = 0;

  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    this.#exports = /** @type {Record<string, Function>} */ (instance.exports);
    this.#memory = /** @type {WebAssembly.Memory} */ (instance.exports.memory);
    if (this.#exports.kvc_wasm_abi?.() !== ABI) {
      throw new KvcError('wasm_invalid', `The WebAssembly module is not the one this version (ABI ${ABI}) was made for. `
        + 'Take both from the same release.');
    }
    this.#exports._initialize?.();
    this.#mailbox = this.call('kvc_wasm_mailbox') >>> 0;
    this.mailboxBytes = this.call('kvc_wasm_mailbox_bytes');
    this.variant = VARIANTS[this.call('kvc_wasm_variant')];
  }

  /** @param {{ wasm?: WasmSource, variant?: 'auto' | Variant, signal?: AbortSignal }} [options] */
  static async create({ wasm, variant = 'auto', signal } = {}) {
    if (variant !== 'auto' && !VARIANTS.includes(variant)) {
      throw new KvcError('invalid_argument', `There is no variant "${variant}"; choose auto, relaxed, simd or scalar.`);
    }
    const module = await moduleOf(wasm ?? assets[variant === 'auto' ? bestVariant() : variant]());
    throwIfAborted(signal);
    // The one import: a notice that memory has grown. Views are never kept, so nobody needs it.
    const imports = { env: { emscripten_notify_memory_growth() {} } };
    try {
      return new Engine(await WebAssembly.instantiate(module, imports));
    } catch (cause) {
      if (cause instanceof KvcError) throw cause;
      throw new KvcError('wasm_invalid', `The WebAssembly module cannot be started: ${reasonOf(cause)}`, { cause });
    }
  }

  /** Calls an export. @param {string} name  @param {...(number | bigint | boolean)} args  @returns {any} */
  call(name, ...args) {
    if (this.#trapped) throw trapped();
    if (!this.#exports) throw new KvcError('disposed', 'The model was disposed of; load it again.');
    try {
      return this.#exports[name](...args);
    } catch (cause) {
      this.#trapped = true;
      throw trapped(cause);
    }
  }

  /**
   * Calls an export that returns a kvc_error; true where it returns KVC_PENDING.
   * @param {Partial<Record<ErrorCode, string>>} messages  what to say, where the code alone says too little
   * @param {string} name
   * @param {...(number | bigint | boolean)} args
   */
  check(messages, name, ...args) {
    const error = this.call(name, ...args);
    if (error === OK || error === PENDING) return error === PENDING;
    const code = /** @type {ErrorCode} */ (this.text(this.call('kvc_wasm_error_name', error)));
    throw new KvcError(code, messages[code] ?? `The engine refused: ${ERROR_CODES[code]}.`);
  }

  /** A view for at once. @param {number} pointer  @param {number} length */
  bytes(pointer, length) {
    return new Uint8Array(this.#memory.buffer, pointer >>> 0, length);
  }

  /** The mailbox, for at once. */
  get mailbox() {
    return this.bytes(this.#mailbox, this.mailboxBytes);
  }

  /** A number that a call left in the mailbox. @param {number} index */
  word(index) {
    return new DataView(this.#memory.buffer, this.#mailbox).getUint32(4 * index, true);
  }

  /** A 64-bit count that a call left in the mailbox. @param {number} index */
  long(index) {
    return Number(new DataView(this.#memory.buffer, this.#mailbox).getBigUint64(8 * index, true));
  }

  /**
   * Lends memory for one piece of work: what work(pointer) returns must not be a view of it.
   * @template T
   * @param {number} bytes
   * @param {(pointer: number) => T} work
   * @returns {T}
   */
  lend(bytes, work) {
    const pointer = this.call('kvc_wasm_allocate', Math.max(1, bytes)) >>> 0;
    if (pointer === 0) throw new KvcError('out_of_memory', `There is no room for ${bytes} bytes more. Dispose of a session or cache first.`);
    try {
      return work(pointer);
    } finally {
      if (this.usable) this.call('kvc_wasm_free', pointer);
    }
  }

  /** A C string. @param {number} pointer */
  text(pointer) {
    const memory = new Uint8Array(this.#memory.buffer);
    return new TextDecoder().decode(memory.slice(pointer >>> 0, memory.indexOf(0, pointer >>> 0)));
  }

  /** Bytes of the instance's memory: it grows and never shrinks while the instance lives. */
  get memoryBytes() {
    return this.#memory.buffer.byteLength;
  }

  get disposed() {
    return this.#exports === undefined;
  }

  /** Neither disposed of nor trapped: calls are possible. */
  get usable() {
    return !this.disposed && !this.#trapped;
  }

  /** Lets go of the instance; its memory is the garbage collector's. Every later call throws. */
  dispose() {
    this.#exports = undefined;
    this.#memory = new WebAssembly.Memory({ initial: 0 });
  }
}

/** @param {unknown} [cause] */
const trapped = (cause) => new KvcError('trapped', 'The WebAssembly code crashed, and its memory can no longer be trusted. '
  + 'Load the model again, or `await init()` for new caches.', { cause });

/** @param {WasmSource} source  @returns {Promise<WebAssembly.Module>} */
async function moduleOf(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) return compile(await bytesOf(source), 'the given bytes');
  const base = globalThis.document?.baseURI ?? globalThis.location?.href ?? import.meta.url;
  const url = new URL(source, base).href;
  let module = compiled.get(url);
  if (!module) {
    module = fetchBytes(url).then((bytes) => compile(bytes, url));
    compiled.set(url, module);
    module.catch(() => compiled.delete(url)); // the caller gets the error; the next one tries again
  }
  return module;
}

/** @param {BufferSource | Response} source  @returns {Promise<BufferSource>} */
async function bytesOf(source) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source;
  if (typeof Response === 'function' && source instanceof Response) return source.arrayBuffer();
  throw new KvcError('invalid_argument', 'The wasm option takes a URL, bytes, a Response or a WebAssembly.Module.');
}

/** @param {string} url  @returns {Promise<BufferSource>} */
async function fetchBytes(url) {
  try {
    if (url.startsWith('file:')) {
      const { readFile } = await import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${'fs/promises'}`);
      return await readFile(new URL(url));
    }
    const response = await fetch(url, { credentials: 'same-origin' });
    if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
    return await response.arrayBuffer();
  } catch (cause) {
    throw new KvcError('wasm_invalid', `${url} could not be read: ${reasonOf(cause)}. Serve the .wasm files beside the `
      + 'scripts, or pass their address as the wasm option.', { cause });
  }
}

/** @param {BufferSource} bytes  @param {string} where */
async function compile(bytes, where) {
  const head = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
  if (String.fromCharCode(...head.subarray(0, 4)) !== '\0asm') {
    throw new KvcError('wasm_invalid', `${where} is not WebAssembly: perhaps the server answered a missing file with a web page. `
      + 'Serve the .wasm files beside the scripts, or pass their address as the wasm option.');
  }
  if (typeof WebAssembly !== 'object') throw new KvcError('wasm_unsupported', 'This JavaScript engine has no WebAssembly.');
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const blocked = /unsafe-eval|Content Security Policy/i.test(reasonOf(cause));
    throw new KvcError('wasm_unsupported', blocked
      ? "The page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src."
      : `${where} cannot be compiled here: ${reasonOf(cause)}. Choose the variant "simd" or "scalar".`, { cause });
  }
}
