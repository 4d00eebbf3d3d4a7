// KVCache: the keys and values of a transformer, in wasm memory.
//
//   update(layer, key, value)  writes T new tokens of one layer behind the history: O(T), nothing is copied
//   attend(layer, query)       attention of the new tokens against the history and themselves
//   advance(n)                 makes them part of the history, once every layer has them
//
// Shapes: B batch rows, H heads of keys and values, T tokens, D headDim, S maxSeqLen; arrays are
// Float32Arrays, row-major. Without { row } an array holds all rows, (B, H, T, D); with it that row alone,
// (H, T, D), and rows may have different lengths then. Rows, layers and tokens are counted from 0.
//
// An error leaves the cache as it was, but for what was written behind the history of that very layer.
import { refuseArray } from '../blocks/init.js';
import { CacheLooks } from './cache-looks.js';
import { KvcError } from '../engine/errors.js';
import { areCounts } from './inspect.js';
import { disposeSymbol } from '../session/session.js';
import { Store } from './store.js';

/**
 * @typedef {import('../session/options.js').CacheType} CacheType
 *
 * @typedef {object} KVCacheOptions
 * @property {number} [batchSize]   rows, 1 by default
 * @property {number} maxSeqLen     tokens that a row can hold
 * @property {number} numLayers
 * @property {number} numHeads      of keys and values; queries may have a multiple of them
 * @property {number} headDim       a multiple of 4
 * @property {CacheType} [keyType]  "f32" (default) keeps every bit; "f16" and "int8" round
 * @property {CacheType} [valueType]
 * @property {'error' | 'stop' | 'slide'} [whenFull]  what update() does with tokens that do not fit:
 *   error (default): throws "cache_full"
 *   stop: returns false and writes nothing
 *   slide: drops the oldest tokens after the sinks first, as many as it takes. Right only for keys that do
 *   not know their position: neither learned positions nor a rotation
 * @property {number} [sinks]       with slide: how many of the first tokens always stay, 0 by default
 *
 * @typedef {{ row?: number }} Row
 */

export class KVCache extends CacheLooks {
  #store;

  /**
   * After `await init()`.
   * @param {KVCacheOptions} options
   * @param {Store} [store]  not for users: the cache that something else has already
   */
  constructor(options, store = new Store(options)) {
    super(store);
    this.#store = store;
  }

  // ---- the steps of a token ---------------------------------------------------------------------

  /**
   * Writes the keys and values of T new tokens of one layer; T follows from the arrays' length. They are
   * not part of the history until advance(); written again before that, they replace the ones before.
   * Errors: "position_out_of_range" (layer, row), "cache_full", "not_finite" (f16 and int8 take no NaN
   * or infinity).
   * @param {number} layer
   * @param {Float32Array} key    (B, H, T, D); with row (H, T, D)
   * @param {Float32Array} value  the same
   * @param {Row} [options]
   * @returns {boolean}  false where nothing was written because whenFull is "stop" and they do not fit
   */
  update(layer, key, value, { row } = {}) {
    const store = this.#store;
    store.refuseLayer(layer);
    const rows = store.rows(row);
    const T = store.tokens(key, rows, this.numHeads, 'key');
    refuseArray(value, 'value');
    if (value.length !== key.length) throw new KvcError('invalid_argument', `value has ${value.length} floats, and key ${key.length}; they must be as many.`);
    if (!store.makeRoom(rows, T)) return false;
    const size = this.numHeads * T * this.headDim;
    rows.forEach((b, i) => store.append(b, layer, T, part(key, i, size), part(value, i, size)));
    store.watcher?.tell();
    return true;
  }

  /**
   * Makes n tokens part of the history. A layer that none were written to holds zeros for them.
   * Errors: "cache_full", "not_ready" (a layer has only some of them).
   * @param {number} [n]
   * @param {Row} [options]
   */
  advance(n = 1, { row } = {}) {
    const store = this.#store;
    if (!areCounts(n) || n === 0) throw new KvcError('invalid_argument', `advance() takes the number of new tokens, at least 1; it got ${n}.`);
    const rows = store.rows(row);
    for (const b of rows) {
      if (n > this.maxSeqLen - store.length(b)) throw store.full(b, n);
      for (let layer = 0; layer < this.numLayers; layer++) {
        const written = store.pending(b, layer);
        if (written > 0 && written < n) throw new KvcError('not_ready', `Layer ${layer} has only ${written} of the ${n} tokens to advance by: update() it first.`);
      }
    }
    for (const b of rows) store.fill(b, n);
    for (const b of rows) store.advance(b, n);
    store.watcher?.tell();
  }

  /**
   * Attention of the T tokens given to update() and not advanced over yet, against the history and
   * themselves: softmax(q k / sqrt(D)) v, no query seeing a token after its own. causal: false is
   * cross-attention: every query sees the history, all of it and nothing else.
   * Errors: "not_ready" (update() the layer first; with causal: false, advance() first).
   * @param {number} layer
   * @param {Float32Array} query  (B, numHeads, T, D); with row (numHeads, T, D)
   * @param {Row & { numHeads?: number, causal?: boolean }} [options]  numHeads: of the queries, a multiple of those of the cache
   * @returns {Float32Array} of the query's shape
   */
  attend(layer, query, { numHeads = this.numHeads, row, causal = true } = {}) {
    const store = this.#store;
    store.refuseLayer(layer);
    const rows = store.rows(row);
    if (!areCounts(numHeads) || numHeads === 0 || numHeads % this.numHeads !== 0) {
      throw new KvcError('invalid_argument', `${numHeads} heads of queries cannot share the ${this.numHeads} heads of this cache: it must be a multiple.`);
    }
    const T = store.tokens(query, rows, numHeads, 'query');
    for (const b of rows) {
      const written = store.pending(b, layer);
      if (causal && T > written) {
        throw new KvcError('not_ready', `There are ${T} queries, and layer ${layer} has ${written} new tokens in row ${b}: update() it first.`);
      }
      if (!causal && store.length(b) === 0) throw new KvcError('not_ready', `Row ${b} holds no token to look at: update() and advance() first.`);
    }
    const size = numHeads * T * this.headDim;
    const result = new Float32Array(query.length);
    rows.forEach((b, i) => result.set(store.attend(b, layer, T, numHeads, part(query, i, size), causal), i * size));
    store.watcher?.tell();
    return result;
  }

  // ---- changing the history ---------------------------------------------------------------------

  /** Rewinds to the first n tokens. Error: "position_out_of_range" (more than there are). @param {number} n  @param {Row} [options] */
  truncate(n, { row } = {}) {
    const rows = this.#store.rows(row);
    for (const b of rows) {
      const length = this.#store.length(b);
      if (!areCounts(n) || n > length) throw new KvcError('position_out_of_range', `Row ${b} holds ${length} tokens; it cannot be cut to ${n}.`);
    }
    for (const b of rows) this.#change([b], 'truncate', b, n);
  }

  /**
   * Drops `count` tokens from `first` on; later ones move down. Whole pages of 16 are cheapest. Right only
   * for keys that do not know their position.
   * @param {number} first  @param {number} count  @param {Row} [options]
   */
  evict(first, count, { row } = {}) {
    const rows = this.#store.rows(row);
    for (const b of rows) {
      const length = this.#store.length(b);
      if (areCounts(first, count) && first + count <= length) continue;
      throw new KvcError('position_out_of_range', `Row ${b} holds ${length} tokens; ${count} from ${first} on are not all among them.`);
    }
    for (const b of rows) this.#change([b], 'evict', b, first, count);
  }

  /** Row `to` becomes a copy of row `from` and shares its pages until one of them writes. @param {number} from  @param {number} to */
  fork(from, to) {
    const rows = [from, to].map((row) => this.#store.refuseRow(row));
    this.#change(rows, 'fork', from, to); // what is behind the history of `from` would be lost with its page's copy
  }

  /** Row i becomes what from[i] was, all at once: beam search. @param {ArrayLike<number>} from  [B] */
  reorder(from) {
    const store = this.#store;
    if (from?.length !== this.batchSize) throw new KvcError('invalid_argument', `reorder() takes one row for each of the ${this.batchSize}.`);
    const rows = Uint32Array.from(from, (row) => store.refuseRow(row));
    store.engine.lend(rows.byteLength, (pointer) => {
      store.engine.bytes(pointer, rows.byteLength).set(new Uint8Array(rows.buffer));
      this.#change(store.rows(undefined), 'reorder', pointer);
    });
  }

  /** Empties a row. @param {number} row */
  drop(row) {
    this.#change([this.#store.refuseRow(row)], 'drop', row);
  }

  /** Empties all rows but this one. @param {number} row */
  keep(row) {
    this.#store.refuseRow(row);
    this.#change(this.#store.rows(undefined).filter((b) => b !== row), 'keep', row);
  }

  /** Empties all rows and zeroes every slot: equal to a new cache, bit for bit. */
  reset() {
    this.#change(this.#store.rows(undefined), 'reset');
  }

  /** @param {number[]} rows  @param {string} name  @param {...number} args */
  #change(rows, name, ...args) {
    this.#store.change(rows, name, ...args);
    this.#store.watcher?.tell();
  }

  // ---- as bytes ---------------------------------------------------------------------------------

  /**
   * All rows as bytes, to go on from bit for bit with restore().
   * @param {{ fingerprint?: bigint }} [options]  any number that says what made the keys and values; restore() asks for the same
   */
  save({ fingerprint = 0n } = {}) {
    const store = this.#store;
    refuseFingerprint(fingerprint);
    const length = store.call('state_bytes') >>> 0;
    return store.engine.lend(length, (pointer) => {
      store.check({}, 'save', fingerprint, pointer, length);
      return store.engine.bytes(pointer, length).slice();
    });
  }

  /**
   * Goes on from what save() gave, in any cache with the same layers, heads, headDim and types and enough
   * rows and room. Errors, all leaving the cache as it was: "state_invalid" (no saved cache, or cut short, or
   * altered), "state_foreign" (of another shape, version or fingerprint), "cache_full".
   * @param {Uint8Array} state  @param {{ fingerprint?: bigint }} [options]
   */
  restore(state, { fingerprint = 0n } = {}) {
    const store = this.#store;
    refuseFingerprint(fingerprint);
    if (!(state instanceof Uint8Array)) throw new KvcError('invalid_argument', 'restore() takes the Uint8Array that save() gave.');
    store.engine.lend(state.length, (pointer) => {
      store.engine.bytes(pointer, state.length).set(state);
      store.restore(fingerprint, pointer, state.length);
    });
  }

  // ---- lifetime ---------------------------------------------------------------------------------

  /** Frees the memory; a cache that is part of something else lives as long as that. May be called again. */
  dispose() {
    this.#store.dispose();
  }

  [disposeSymbol]() {
    this.dispose();
  }
}

/** @param {unknown} fingerprint */
function refuseFingerprint(fingerprint) {
  if (typeof fingerprint === 'bigint' && fingerprint >= 0n && fingerprint < 2n ** 64n) return;
  throw new KvcError('invalid_argument', 'A fingerprint is a BigInt of 64 bits, such as 0n.');
}

/** @param {Float32Array} array  @param {number} i  @param {number} size */
const part = (array, i, size) => array.subarray(i * size, (i + 1) * size);
