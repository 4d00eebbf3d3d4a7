// The memory of a WebAssembly instance: views and copies of it, and the blocks that objects own there.
import { LAYOUTS } from './abi.js';
import { invalid, shown } from './arguments.js';
import { KvcError, reasonOf } from './errors.js';

/**
 * @import { Struct, StructName } from './abi.js'
 * @import { WasmMemory } from './platform.js'
 *
 * @typedef {object} Allocator  an Engine
 * @property {(bytes: number, message?: string) => number} allocate  throws "out_of_memory"
 * @property {(pointer: number) => void} free  does nothing once the instance is gone
 */

// Engines without them: a stand-in that nothing else knows.
/** @type {typeof Symbol.dispose} */
export const disposeSymbol = Symbol.dispose ?? Symbol.for('Symbol.dispose');
/** @type {typeof Symbol.asyncDispose} */
export const asyncDisposeSymbol = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

const PAGE_BYTES = 2 ** 16;
const FIRST_PAGES = 16;        // as the modules ask for
const MOST_PAGES = 2 ** 16 - 1; // with one more the size of the memory would be 0 in 32 bits

/** The most that a memory may grow to, unless maxMemory says otherwise: as much as phones may give. */
export const USUAL_BYTES = 2 ** 30;
/** The most that maxMemory can make of it. */
export const MOST_BYTES = MOST_PAGES * PAGE_BYTES;

/** @param {unknown} maxMemory */
export function checkMaxMemory(maxMemory) {
  const least = FIRST_PAGES * PAGE_BYTES;
  const bytes = Number.isInteger(maxMemory) ? Number(maxMemory) : 0;
  if (maxMemory === undefined || (bytes >= least && bytes <= 2 ** 32)) return;
  throw invalid(`maxMemory is ${shown(maxMemory)}; it must be a number of bytes from ${least} to 4 GB, `
    + '2 ** 32.');
}

/**
 * Reads and writes. Views end with the next call into the module, which may let the memory grow. Addresses
 * are unsigned: from 2 GB on too.
 */
export class Memory {
  #memory;
  #words = new Uint32Array(0); // of all the memory; memory that grows leaves it without a length

  /** @param {number} [maxMemory]  bytes that it may grow to; the last page of 4 GB is never used */
  constructor(maxMemory = USUAL_BYTES) {
    const maximum = Math.min(Math.floor(maxMemory / PAGE_BYTES), MOST_PAGES);
    this.maxBytes = maximum * PAGE_BYTES;
    try {
      this.#memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum });
    } catch (cause) {
      throw new KvcError('out_of_memory', `WebAssembly gets no memory here (${reasonOf(cause)}). `
        + 'Dispose of models that are not used any more, or close other tabs.', { cause });
    }
  }

  /** What the module imports. @returns {WasmMemory} */
  get imported() {
    return this.#memory;
  }

  /** Words are read and written for every token, so their view is kept while it is valid. */
  get #view() {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#memory.buffer);
    return this.#words;
  }

  get byteLength() {
    return this.#memory.buffer.byteLength;
  }

  /** A view, valid until the next call. @param {number} pointer  @param {number} length */
  bytes(pointer, length) {
    return new Uint8Array(this.#memory.buffer, pointer, length);
  }

  /** A copy. @param {number} pointer  @param {number} length  in floats */
  floats(pointer, length) {
    return new Float32Array(this.#memory.buffer, pointer, length).slice();
  }

  /** A copy. @param {number} pointer  @param {number} length  in 32-bit words */
  words(pointer, length) {
    return new Uint32Array(this.#memory.buffer, pointer, length).slice();
  }

  /** @param {number} pointer */
  word(pointer) {
    return this.#view[pointer >>> 2];
  }

  /** Copies an array in, byte for byte. @param {number} pointer  @param {ArrayBufferView} array */
  put(pointer, array) {
    const { buffer, byteOffset, byteLength } = array;
    if (byteLength === 0) return; // as of an array whose buffer was transferred
    this.bytes(pointer, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
  }

  /** Copies numbers in, as 32-bit words. @param {number} pointer  @param {ArrayLike<number>} words */
  putWords(pointer, words) {
    const view = this.#view;
    const first = pointer >>> 2;
    for (let i = 0; i < words.length; i++) view[first + i] = words[i];
  }

  /** A C string. @param {number} pointer */
  text(pointer) {
    const memory = new Uint8Array(this.#memory.buffer);
    return new TextDecoder().decode(memory.slice(pointer, memory.indexOf(0, pointer)));
  }

  /**
   * @template {StructName} S
   * @param {S} struct  @param {number} pointer
   * @returns {Struct<S>}
   */
  read(struct, pointer) {
    const { bytes, fields } = LAYOUTS[struct];
    const view = new DataView(this.#memory.buffer, pointer, bytes);
    return /** @type {Struct<S>} */ (Object.fromEntries(fields.map(({ name, type, offset }) => {
      switch (type) {
        case 'u32': return [name, view.getUint32(offset, true)];
        case 'f32': return [name, view.getFloat32(offset, true)];
        case 'u64': return [name, Number(view.getBigUint64(offset, true))];
      }
    })));
  }

  /**
   * @template {StructName} S
   * @param {S} struct  @param {number} pointer  @param {Struct<S>} values
   */
  write(struct, pointer, values) {
    const { bytes, fields } = LAYOUTS[struct];
    const view = new DataView(this.#memory.buffer, pointer, bytes);
    for (const { name, type, offset } of fields) {
      const value = /** @type {Record<string, number>} */ (values)[name];
      switch (type) {
        case 'u32': view.setUint32(offset, value, true); break;
        case 'f32': view.setFloat32(offset, value, true); break;
        case 'u64': view.setBigUint64(offset, BigInt(value), true); break;
      }
    }
  }
}

/** Frees the blocks that were never freed and that nothing can reach. Safety net only; call dispose(). */
const abandoned = new FinalizationRegistry(
  (/** @type {{ allocator: Allocator, pointer: number }} */ left) => left.allocator.free(left.pointer));

/**
 * A piece of wasm memory that an object owns, 16-byte aligned. It is freed once: by free(), or when nothing
 * holds this block any more. An object that keeps the address must hold the block as well.
 */
export class Block {
  #allocator;
  #pointer;
  #what;
  /** True once free() was called. */
  freed = false;

  /**
   * @param {Allocator} allocator
   * @param {number} bytes
   * @param {string} what  lies there, for the error of a use after free(): "session"
   * @param {string} [message]  of "out_of_memory"
   */
  constructor(allocator, bytes, what, message) {
    this.bytes = bytes;
    this.#allocator = allocator;
    this.#what = what;
    this.#pointer = allocator.allocate(bytes, message);
    abandoned.register(this, { allocator, pointer: this.#pointer }, this);
  }

  /** Throws "disposed" after free(). */
  get pointer() {
    this.check();
    return this.#pointer;
  }

  /** Throws "disposed" after free(). */
  check() {
    if (this.freed) throw new KvcError('disposed', `The ${this.#what} was disposed of; create another one.`);
  }

  /** May be called again. */
  free() {
    if (this.freed) return;
    this.freed = true;
    abandoned.unregister(this);
    this.#allocator.free(this.#pointer);
  }
}
