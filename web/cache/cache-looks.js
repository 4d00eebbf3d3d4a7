// Looking into a KVCache: its sizes, what it holds, where, and in how many bytes. Nothing here changes it.
import { KvcError } from '../engine/errors.js';
import { cacheMap, snapshot } from './inspect.js';
import { Watcher } from './events.js';

/**
 * @typedef {import('./kv-cache.js').Row} Row
 * @typedef {import('./events.js').OnEvent} OnEvent
 *
 * @typedef {object} CacheMemory
 * @property {number} totalBytes      of all slots: 2 * B * L * H * S * D * bytes, S rounded up to pages of 16 tokens
 * @property {number} totalMB         the same in MiB
 * @property {number} perLayerMB
 * @property {number} cacheTensors    2 * L
 * @property {number} totalElements   2 * B * L * H * S * D, S rounded up as above
 * @property {number} usedBytes       of the slots that hold tokens, shared ones counted once
 * @property {number} sharedBytes     what more it would be if no two rows shared any
 * @property {number} bytesPerToken   L * H * (a key and a value: 4 D each in f32, 2 D in f16, D + 4 in int8)
 * @property {number} allocatedBytes  the block that all of it lies in, tables included
 */

const MIB = 2 ** 20;

export class CacheLooks {
  #store;
  /** @type {OnEvent | null} */
  #onEvent = null;

  /** @param {import('./store.js').Store} store */
  constructor(store) {
    this.#store = store;
    const { sizes } = store;
    this.batchSize = sizes.batchSize;
    this.maxSeqLen = sizes.maxSeqLen;
    this.numLayers = sizes.numLayers;
    this.numHeads = sizes.numHeads;
    this.headDim = sizes.headDim;
    this.keyType = sizes.keyType;
    this.valueType = sizes.valueType;
    this.whenFull = sizes.whenFull;
    this.sinks = sizes.sinks;
  }

  /** Tokens that each row holds. */
  get positions() {
    return this.#store.rows(undefined).map((b) => this.#store.length(b));
  }

  /** Tokens that the rows hold; where they differ, those of the longest. */
  get position() {
    return this.positions.reduce((most, n) => Math.max(most, n));
  }

  /**
   * The history of a layer as floats, whatever the cache keeps: a copy, O(B * H * T * D).
   * @param {number} layer
   * @param {Row} [options]  needed where rows have different lengths
   * @returns {{ key: Float32Array, value: Float32Array, shape: number[] }}  (B, H, T, D); with row (H, T, D)
   */
  get(layer, { row } = {}) {
    const store = this.#store;
    store.refuseLayer(layer);
    const rows = store.rows(row);
    const T = store.length(rows[0]);
    if (rows.some((b) => store.length(b) !== T)) {
      throw new KvcError('invalid_argument', `The rows hold ${this.positions.join(', ')} tokens, which is no (B, H, T, D): ask for one of them, { row }.`);
    }
    const shape = [this.numHeads, T, this.headDim];
    const size = T * this.headDim;
    const key = new Float32Array(rows.length * this.numHeads * size);
    const value = new Float32Array(key.length);
    for (let i = 0; i < rows.length * this.numHeads; i++) {
      const { keys, values } = this.snapshot({ layer, head: i % this.numHeads, row: rows[Math.floor(i / this.numHeads)] });
      key.set(keys, i * size);
      value.set(values, i * size);
    }
    return { key, value, shape: row === undefined ? [rows.length, ...shape] : shape };
  }

  /**
   * What one layer and head of a row holds, as floats: [count, D] each, a copy; by default all of it.
   * @param {{ layer: number, head: number, first?: number, count?: number } & Row} range
   */
  snapshot({ row = 0, ...range } = /** @type {any} */ ({})) {
    return snapshot(this.#store.engine, this.#store.cache, this.headDim, { sequence: row, ...range });
  }

  /** Where the tokens of each row lie: equal pages are shared. */
  cacheMap() {
    return cacheMap(this.#store.engine, this.#store.cache, this.batchSize);
  }

  /** @returns {CacheMemory} */
  memoryUsage() {
    const store = this.#store;
    store.call('memory');
    const [totalBytes, usedBytes, sharedBytes, bytesPerToken] = [0, 1, 2, 3].map((i) => store.engine.word(i));
    const slots = totalBytes / bytesPerToken;
    return {
      totalBytes,
      totalMB: totalBytes / MIB,
      perLayerMB: totalBytes / MIB / this.numLayers,
      cacheTensors: 2 * this.numLayers,
      totalElements: 2 * slots * this.numLayers * this.numHeads * this.headDim,
      usedBytes,
      sharedBytes,
      bytesPerToken,
      allocatedBytes: store.bytes,
    };
  }

  /**
   * Called with each event (see CacheEvent; its sequence is the row) once the call that made it is done.
   * null, as at first: nothing is recorded.
   */
  get onEvent() {
    return this.#onEvent;
  }

  set onEvent(listener) {
    const store = this.#store;
    const cache = store.cache;
    store.watcher?.stop();
    [store.watcher, this.#onEvent] = [undefined, null]; // if there is no room for another, nobody listens
    store.watcher = listener ? new Watcher(store.engine, () => cache, listener) : undefined;
    this.#onEvent = listener;
  }
}
