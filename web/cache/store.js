// One kvc_cache in wasm memory, and what every call on it has to check: kv-cache.js gives it to users. Not
// part of the API itself.
import { abandoned, blocksEngine, freeing, read, refuseSizes, swapAxes, tokensIn, write } from '../blocks/init.js';
import { KvcError } from '../engine/errors.js';
import { areCounts } from './inspect.js';
import { CACHE_TYPES } from '../session/options.js';

const ALIGN = 16; // bytes, of the scratch of attention

/**
 * @typedef {import('./kv-cache.js').KVCacheOptions} KVCacheOptions
 * @typedef {{ engine: import('../engine/engine.js').Engine, cache: number, bytes: number, disposed: boolean, owner?: object }} Place
 *   where a kvc_cache is, the bytes of the block around it, and whose block it is: held, so that it outlives the cache
 */

export class Store {
  #place;
  #block = 0; // what is to be freed; 0: by another
  #pending;   // [B * L] tokens written behind the history
  /** @type {import('./events.js').Watcher | undefined} while somebody listens */
  watcher;

  /** @param {KVCacheOptions} options  @param {Place} [place]  of a cache that is part of something else */
  constructor(options, place) {
    this.sizes = Object.freeze(checked(options ?? /** @type {any} */ ({})));
    this.engine = place?.engine ?? blocksEngine('KVCache');
    this.#place = place ?? this.#create();
    this.#pending = new Uint32Array(this.sizes.batchSize * this.sizes.numLayers);
  }

  /** @returns {Place} */
  #create() {
    const { batchSize, maxSeqLen, numLayers, numHeads, headDim, keyType, valueType } = this.sizes;
    const { engine } = this;
    engine.check({
      invalid_argument: `KVCache: headDim is ${headDim}; it must be a multiple of 4.`,
      out_of_memory: `There is not enough memory for a cache of ${batchSize} rows, ${maxSeqLen} tokens, ${numLayers} layers, ${numHeads} heads and `
        + `${headDim} channels. Dispose of other caches, choose smaller sizes, or the types "f16" or "int8".`,
    }, 'kvc_wasm_cache_new', batchSize, numLayers, numHeads, maxSeqLen, headDim, CACHE_TYPES[keyType], CACHE_TYPES[valueType]);
    this.#block = engine.word(2);
    abandoned.register(this, freeing(engine, this.#block), this);
    return { engine, cache: engine.word(0), bytes: engine.word(1), disposed: false };
  }

  // ---- arguments --------------------------------------------------------------------------------

  /** @param {number} layer */
  refuseLayer(layer) {
    const { numLayers } = this.sizes;
    if (areCounts(layer) && layer < numLayers) return;
    throw new KvcError('position_out_of_range', `There is no layer ${layer}: this cache has ${numLayers}, counted from 0.`);
  }

  /** @param {number} row */
  refuseRow(row) {
    const { batchSize } = this.sizes;
    if (areCounts(row) && row < batchSize) return row;
    throw new KvcError('position_out_of_range', `There is no row ${row}: this cache has ${batchSize}, counted from 0.`);
  }

  /** The row, or all of them. @param {number | undefined} row */
  rows(row) {
    this.refuseDisposed();
    return row === undefined ? Array.from({ length: this.sizes.batchSize }, (_, b) => b) : [this.refuseRow(row)];
  }

  /** T of an array of (rows, heads, T, D). @param {unknown} array  @param {number[]} rows  @param {number} heads  @param {string} name */
  tokens(array, rows, heads, name) {
    const { headDim } = this.sizes;
    return tokensIn(array, rows.length * heads * headDim, name, `(${rows.length}, ${heads}, T, ${headDim})`);
  }

  /** @param {number} row  @param {number} T */
  full(row, T) {
    return cacheFull(this.sizes.maxSeqLen, row, this.length(row), T);
  }

  // ---- tokens -----------------------------------------------------------------------------------

  /** @param {number} row  @returns {number} */
  length(row) {
    return this.call('length', row);
  }

  /** True once T tokens more fit every row. @param {number[]} rows  @param {number} T */
  makeRoom(rows, T) {
    const { maxSeqLen, sinks, whenFull } = this.sizes;
    const tight = rows.filter((row) => this.length(row) + T > maxSeqLen);
    if (tight.length === 0) return true;
    if (whenFull === 'stop') return false;
    if (whenFull === 'error' || T > maxSeqLen - sinks) throw this.full(tight[0], T);
    for (const row of tight) this.change([row], 'evict', row, sinks, this.length(row) + T - maxSeqLen);
    return true;
  }

  /**
   * Writes T tokens behind the history of a row.
   * @param {number} row  @param {number} layer  @param {number} T  @param {Float32Array} key  @param {Float32Array} value
   */
  append(row, layer, T, key, value) {
    const { numHeads, headDim, keyType, valueType } = this.sizes;
    const not_finite = `A key or value of layer ${layer} is NaN or infinite, which a cache of "${keyType}" and "${valueType}" cannot keep.`;
    this.setPending(row, layer, 0);
    this.engine.lend(2 * key.byteLength, (k) => {
      write(this.engine, k, swapAxes(key, numHeads, T, headDim));
      write(this.engine, k + key.byteLength, swapAxes(value, numHeads, T, headDim));
      this.check({ not_finite }, 'append', row, layer, T, k, k + key.byteLength);
    });
    this.setPending(row, layer, T);
    this.watcher?.collect();
  }

  /** How many are written there and not advanced over. @param {number} row  @param {number} layer */
  pending(row, layer) {
    return this.#pending[row * this.sizes.numLayers + layer];
  }

  /** @param {number} row  @param {number} layer  @param {number} T */
  setPending(row, layer, T) {
    this.#pending[row * this.sizes.numLayers + layer] = T;
  }

  /** Writes n zeros to the layers that nobody wrote to. @param {number} row  @param {number} n */
  fill(row, n) {
    const { numLayers, numHeads, headDim } = this.sizes;
    for (let layer = 0; layer < numLayers; layer++) {
      if (this.pending(row, layer) > 0) continue;
      const zeros = new Float32Array(numHeads * n * headDim);
      this.append(row, layer, n, zeros, zeros);
    }
  }

  /** Makes n tokens of a row history. @param {number} row  @param {number} n */
  advance(row, n) {
    this.check({}, 'advance', row, n);
    for (let layer = 0; layer < this.sizes.numLayers; layer++) this.setPending(row, layer, this.pending(row, layer) - n);
    this.watcher?.collect();
  }

  /**
   * @param {number} row  @param {number} layer  @param {number} T  @param {number} numHeads  of the query
   * @param {Float32Array} query  (numHeads, T, D)
   * @param {boolean} causal
   */
  attend(row, layer, T, numHeads, query, causal) {
    const { headDim } = this.sizes;
    const { engine } = this;
    const size = query.byteLength;
    return engine.lend(2 * size + ALIGN + 4 * this.call('scratch'), (y) => {
      const q = y + size;
      const scratch = Math.ceil((q + size) / ALIGN) * ALIGN;
      write(engine, q, swapAxes(query, numHeads, T, headDim));
      this.call('attend', row, layer, T, numHeads, y, q, scratch, causal);
      this.watcher?.collect();
      return swapAxes(read(engine, y, query.length), T, numHeads, headDim);
    });
  }

  // ---- calls ------------------------------------------------------------------------------------

  /** The kvc_cache, for functions that look into it. */
  get cache() {
    this.refuseDisposed();
    return this.#place.cache;
  }

  refuseDisposed() {
    if (this.disposed) throw new KvcError('disposed', 'The cache was disposed of; create another one.');
  }

  /** @param {string} name  without kvc_wasm_cache_  @param {...(number | bigint | boolean)} args */
  call(name, ...args) {
    return this.engine.call(`kvc_wasm_cache_${name}`, this.cache, ...args);
  }

  /** @param {Parameters<import('../engine/engine.js').Engine['check']>[0]} messages  @param {string} name  @param {...(number | bigint)} args */
  check(messages, name, ...args) {
    this.engine.check(messages, `kvc_wasm_cache_${name}`, this.cache, ...args);
  }

  /** @param {number[]} rows  whose history it changes  @param {string} name  @param {...number} args */
  change(rows, name, ...args) {
    this.check({}, name, ...args);
    this.changed(rows);
  }

  /** The history of these rows is another now: what was written behind it is dropped, and of no other row. @param {number[]} rows */
  changed(rows) {
    const { numLayers } = this.sizes;
    for (const row of rows) this.#pending.fill(0, row * numLayers, (row + 1) * numLayers);
    this.watcher?.collect();
  }

  /** @param {bigint} fingerprint  @param {number} state  @param {number} bytes */
  restore(fingerprint, state, bytes) {
    const { batchSize, maxSeqLen } = this.sizes;
    this.check({
      cache_full: `The saved cache does not fit here: this one holds ${batchSize} rows of maxSeqLen = ${maxSeqLen} tokens.`,
    }, 'restore', fingerprint, state, bytes);
    this.#pending.fill(0);
    this.watcher?.restart();
  }

  /** Bytes of the block that all of it lies in. */
  get bytes() {
    return this.#place.bytes;
  }

  get disposed() {
    return this.#place.disposed;
  }

  dispose() {
    if (this.disposed || this.#block === 0) return;
    this.watcher?.stop();
    this.#place.disposed = true;
    abandoned.unregister(this);
    freeing(this.engine, this.#block)();
  }
}

/** @param {number} maxSeqLen  @param {number} row  @param {number} length  @param {number} T */
export const cacheFull = (maxSeqLen, row, length, T) => new KvcError('cache_full',
  `The cache holds maxSeqLen = ${maxSeqLen} tokens, row ${row} has ${length} of them, and ${T} more do not fit. `
  + 'truncate() or reset() it, make one with a larger maxSeqLen, or choose another whenFull.');

/** The options with what is not given filled in. @param {KVCacheOptions} options  @returns {Required<KVCacheOptions>} */
function checked({ batchSize = 1, maxSeqLen, numLayers, numHeads, headDim, keyType = 'f32', valueType = 'f32', whenFull = 'error', sinks = 0 }) {
  refuseSizes('KVCache', { batchSize, maxSeqLen, numLayers, numHeads, headDim });
  refuseTypes(keyType, valueType);
  if (!['error', 'stop', 'slide'].includes(whenFull)) throw new KvcError('invalid_argument', `whenFull is "${whenFull}"; it must be "error", "stop" or "slide".`);
  if (!areCounts(sinks) || sinks >= maxSeqLen) {
    throw new KvcError('invalid_argument', `sinks is ${sinks}; it must be a whole number from 0 to ${maxSeqLen - 1}, so that a window remains beside them.`);
  }
  return { batchSize, maxSeqLen, numLayers, numHeads, headDim, keyType, valueType, whenFull, sinks };
}

/** @param {...string} types */
export function refuseTypes(...types) {
  for (const type of types) {
    if (!Object.hasOwn(CACHE_TYPES, type)) throw new KvcError('invalid_argument', `A cache keeps "f32", "f16" or "int8"; "${type}" is none of them.`);
  }
}
