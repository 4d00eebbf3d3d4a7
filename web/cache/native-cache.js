// One kvc_cache in wasm memory: its calls, and what lies behind its history. kv-cache.js gives it to users.
import { DTYPES, POLICIES } from '../engine/abi.js';
import { KvcError } from '../engine/errors.js';
import { layOut } from '../engine/engine.js';
import { WatchedCalls } from './events.js';
import { lengthOf } from './inspect.js';
import { cacheFull } from './room.js';

/**
 * @import { Exports } from '../engine/abi.js'
 * @import { Engine, Messages } from '../engine/engine.js'
 * @import { Block } from '../engine/memory.js'
 * @import { CachePlace } from './inspect.js'
 * @import { CacheType, Going } from './options.js'
 *
 * @typedef {object} CacheShape  B, S, L, H, D and the element types
 * @property {number} batchSize
 * @property {number} maxSeqLen
 * @property {number} numLayers
 * @property {number} numHeads
 * @property {number} headDim
 * @property {CacheType} keyType
 * @property {CacheType} valueType
 *
 * @typedef {'kvc_cache_truncate' | 'kvc_cache_evict' | 'kvc_cache_make_room' | 'kvc_cache_fork'
 *   | 'kvc_cache_reorder' | 'kvc_cache_drop' | 'kvc_cache_keep'} Change  a function that changes the history
 */

const ALIGN = 16; // bytes, of the scratch of attention
const FOREIGN = 'This state was saved by another version, with another fingerprint, or by a cache with other '
  + 'layers, heads, headDim, types, or with evict: "attention" where this one is without, or the reverse.';

/** @implements {CachePlace} */
export class NativeCache {
  #block;
  #pointer;
  #pending; // [B * L] tokens written behind the history

  /**
   * A cache that is there already, on its own or as part of something else.
   * @param {Engine} engine
   * @param {Block} block    that it lies in; held, so that it outlives this
   * @param {number} pointer
   * @param {CacheShape & Going} shape
   */
  constructor(engine, block, pointer, shape) {
    this.engine = engine;
    this.batchSize = shape.batchSize;
    this.maxSeqLen = shape.maxSeqLen;
    this.numLayers = shape.numLayers;
    this.numHeads = shape.numHeads;
    this.headDim = shape.headDim;
    this.keyType = shape.keyType;
    this.valueType = shape.valueType;
    this.whenFull = shape.whenFull;
    this.sinks = shape.sinks;
    this.evict = shape.evict;
    this.recent = shape.recent;
    this.#block = block;
    this.#pointer = pointer;
    this.#pending = new Uint32Array(shape.batchSize * shape.numLayers);
    /** Whatever changes this cache is called through these. */
    this.calls = new WatchedCalls(engine, () => this.pointer);
  }

  /** @param {Engine} engine  @param {CacheShape & Going} shape */
  static create(engine, shape) {
    const { batchSize, maxSeqLen, numLayers, numHeads, headDim } = shape;
    const invalid_argument = `KVCache: headDim is ${headDim}; it must be a multiple of 4.`;
    const out_of_memory = `There is not enough memory for a cache of ${batchSize} rows, ${maxSeqLen} tokens, `
      + `${numLayers} layers, ${numHeads} heads and ${headDim} channels. Dispose of other caches, choose `
      + 'smaller sizes, or narrower types ("f16", "int8", "int4").';
    const messages = { invalid_argument, out_of_memory };
    const give = () => engine.give('kvc_cache_shape', {
      batch: batchSize, n_layer: numLayers, n_kv_head: numHeads, capacity: maxSeqLen, head_dim: headDim,
      key_type: DTYPES[shape.keyType], value_type: DTYPES[shape.valueType], policy: POLICIES[shape.evict],
    });
    const { block, pointer } = layOut(engine, 'cache', out_of_memory,
      (bytes) => engine.check(messages, 'kvc_cache_bytes', give(), bytes),
      (cache, memory, bytes) => engine.check(messages, 'kvc_cache_init', cache, give(), memory, bytes));
    return new NativeCache(engine, block, pointer, shape);
  }

  /** The kvc_cache. */
  get pointer() {
    this.#block.check();
    return this.#pointer;
  }

  get bytes() {
    return this.#block.bytes;
  }

  /** The tokens that a row holds. @param {number} row */
  length(row) {
    return lengthOf(this, row);
  }

  /** The error when T tokens more do not fit. @param {number} row  @param {number} T */
  full(row, T) {
    return cacheFull(this, row, this.length(row), T);
  }

  // ---- tokens -----------------------------------------------------------------------------------

  /**
   * Refuses what append() would refuse: for callers that change something else before it.
   * @param {number} layer  @param {Float32Array} key  @param {Float32Array} value
   */
  checkKept(layer, key, value) {
    const { keyType, valueType } = this;
    const keeps = (/** @type {CacheType} */ type, /** @type {Float32Array} */ x) => (
      type === 'f32' || x.every(Number.isFinite));
    if (keeps(keyType, key) && keeps(valueType, value)) return;
    throw new KvcError('not_finite', this.#notKept(layer));
  }

  /** @param {number} layer */
  #notKept(layer) {
    return `A key or value of layer ${layer} is NaN or infinite, which a cache of "${this.keyType}" and `
      + `"${this.valueType}" cannot keep.`;
  }

  /**
   * Lends memory for what append() reads.
   * @template T
   * @param {number} size  floats of a key  @param {(input: number) => T} work
   */
  lendInput(size, work) {
    return this.engine.lend(8 * size, work);
  }

  /**
   * Writes T tokens behind the history of a row, where there is room for them.
   * @param {number} row  @param {number} layer  @param {number} T
   * @param {Float32Array} key  (H, T, D)  @param {Float32Array} value  the same
   * @param {number} input  see lendInput()
   */
  append(row, layer, T, key, value, input) {
    const { engine, numHeads, headDim } = this;
    const valueAt = input + key.byteLength;
    engine.memory.put(input, swapAxes(key, numHeads, T, headDim));
    engine.memory.put(valueAt, swapAxes(value, numHeads, T, headDim));
    this.calls.check({ not_finite: this.#notKept(layer) }, 'kvc_cache_append',
      this.pointer, row, layer, T, input, valueAt, numHeads * headDim);
    this.#setPending(row, layer, T);
  }

  /** The tokens written there and not advanced over. @param {number} row  @param {number} layer */
  pending(row, layer) {
    return this.#pending[row * this.numLayers + layer];
  }

  /** @param {number} row  @param {number} layer  @param {number} T */
  #setPending(row, layer, T) {
    this.#pending[row * this.numLayers + layer] = T;
  }

  /**
   * Writes n zeros to the layers that have nothing behind their history.
   * @param {number} row  @param {number} n
   */
  fill(row, n) {
    const { numLayers, numHeads, headDim } = this;
    for (let layer = 0; layer < numLayers; layer++) {
      if (this.pending(row, layer) > 0) continue;
      const zeros = new Float32Array(numHeads * n * headDim);
      this.lendInput(zeros.length, (input) => this.append(row, layer, n, zeros, zeros, input));
    }
  }

  /** Makes n tokens of a row history. @param {number} row  @param {number} n */
  advance(row, n) {
    this.calls.check({}, 'kvc_cache_advance', this.pointer, row, n);
    for (let layer = 0; layer < this.numLayers; layer++) {
      this.#setPending(row, layer, this.pending(row, layer) - n);
    }
  }

  /**
   * @param {number} row  @param {number} layer  @param {number} T
   * @param {number} numHeads  of the query
   * @param {Float32Array} query  (numHeads, T, D)
   * @param {boolean} causal
   */
  attend(row, layer, T, numHeads, query, causal) {
    const { engine, pointer, headDim } = this;
    const size = query.byteLength;
    return engine.lend(2 * size + ALIGN + 4 * engine.call('kvc_attention_scratch', pointer), (y) => {
      const q = y + size;
      const scratch = Math.ceil((q + size) / ALIGN) * ALIGN;
      engine.memory.put(q, swapAxes(query, numHeads, T, headDim));
      this.calls.check({}, causal ? 'kvc_attention' : 'kvc_cross_attention',
        y, q, T, numHeads, pointer, row, layer, scratch);
      return swapAxes(engine.memory.floats(y, query.length), T, numHeads, headDim);
    });
  }

  // ---- the history ------------------------------------------------------------------------------

  /**
   * @template {Change} K
   * @param {number[]} rows  whose history it changes
   * @param {K} name
   * @param {Parameters<Exports[K]> extends [any, ...infer Rest] ? Rest : never} args  after the cache
   */
  change(rows, name, ...args) {
    this.calls.operation(() => {
      this.calls.check({}, name, .../** @type {Parameters<Exports[K]>} */ ([this.pointer, ...args]));
      this.changed(rows);
    });
  }

  /** Empties all rows and zeroes every slot. */
  reset() {
    this.calls.operation(() => {
      this.calls.call('kvc_cache_reset', this.pointer);
      this.#pending.fill(0);
    });
  }

  /**
   * The history of these rows is another now: what was written behind it is dropped.
   * @param {number[]} rows
   */
  changed(rows) {
    for (const row of rows) this.#pending.fill(0, row * this.numLayers, (row + 1) * this.numLayers);
  }

  /** @param {bigint} fingerprint  @returns {Uint8Array<ArrayBuffer>} */
  save(fingerprint) {
    const { engine, pointer } = this;
    const bytes = engine.call('kvc_cache_state_bytes', pointer);
    return engine.lend(bytes, (state) => {
      engine.check({}, 'kvc_cache_save', pointer, fingerprint, state, bytes);
      return engine.memory.bytes(state, bytes).slice();
    });
  }

  /** @param {Uint8Array} state  @param {bigint} fingerprint */
  restore(state, fingerprint) {
    const { engine, batchSize, maxSeqLen } = this;
    const cache_full = `The saved cache does not fit here: this one holds ${batchSize} rows of maxSeqLen = `
      + `${maxSeqLen} tokens.`;
    engine.lend(state.length, (address) => {
      engine.memory.put(address, state);
      this.#restoreFrom(address, state.length, fingerprint, { cache_full, state_foreign: FOREIGN });
    });
  }

  /** @param {number} state  @param {number} bytes  @param {bigint} fingerprint  @param {Messages} messages */
  #restoreFrom(state, bytes, fingerprint, messages) {
    this.engine.check(messages, 'kvc_cache_restore', this.pointer, fingerprint, state, bytes);
    this.#pending.fill(0);
    this.calls.restart();
  }

  /**
   * Lends memory, and with it an undo of whatever work does to the cache, which needs no more memory then.
   * @param {number} bytes  of work's own, a multiple of 4
   * @param {(pointer: number, undo: () => void) => void} work
   */
  lendWithUndo(bytes, work) {
    const { engine, pointer } = this;
    const size = engine.call('kvc_cache_state_bytes', pointer);
    engine.lend(bytes + size, (own) => {
      const state = own + bytes;
      engine.check({}, 'kvc_cache_save', pointer, 0n, state, size);
      work(own, () => this.#restoreFrom(state, size, 0n, {}));
    });
  }

  // ---- the end ----------------------------------------------------------------------------------

  /** Frees the block that it lies in. May be called again. */
  dispose() {
    if (this.#block.freed) return;
    this.calls.stop();
    this.#block.free();
  }
}

/**
 * (A, B, D) -> (B, A, D), a copy unless both are the same.
 * @param {Float32Array} x  @param {number} A  @param {number} B  @param {number} D
 */
export function swapAxes(x, A, B, D) {
  if (A === 1 || B === 1) return x;
  const y = new Float32Array(x.length);
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++) y.set(x.subarray((a * B + b) * D, (a * B + b + 1) * D), (b * A + a) * D);
  }
  return y;
}
