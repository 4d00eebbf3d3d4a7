// CachedAttention: multi-head attention with its projections and a cache of its own, in wasm memory; a
// building block of transformers that are not GPT-2.
//
//   q = x Wq + bq;  k = s Wk + bk;  v = s Wv + bv;  y = attention(q, k, v) Wo + bo
//
// Self-attention: s is x, and no token sees a later one. Cross-attention (sourceDim given): s is the source,
// projected once by setSource(), and every token sees all of it. numKVHeads < numHeads: grouped queries.
//
// Shapes: B batch rows, T tokens, C embedDim, D headDim; arrays are Float32Arrays, row-major. Without { row }
// an array holds all rows, (B, T, C); with it that row alone, (T, C).
import { abandoned, blocksEngine, freeing, read, refuseArray, refuseSizes, tokensIn, write } from './init.js';
import { KvcError } from '../engine/errors.js';
import { KVCache } from '../cache/kv-cache.js';
import { CACHE_TYPES } from '../session/options.js';
import { disposeSymbol } from '../session/session.js';
import { Store, refuseTypes } from '../cache/store.js';

/**
 * @typedef {object} CachedAttentionOptions
 * @property {number} embedDim      C, of x and y; a multiple of 4
 * @property {number} numHeads
 * @property {number} [numKVHeads]  a divisor of numHeads, which is the default; 1 is multi-query
 * @property {number} [headDim]     embedDim / numHeads by default; a multiple of 4
 * @property {number} [sourceDim]   makes it cross-attention: the width of the source, a multiple of 4
 * @property {number} maxSeqLen     tokens of a row, or source tokens of a row
 * @property {number} [batchSize]   rows, 1 by default
 * @property {import('../cache/kv-cache.js').CacheType} [keyType]
 * @property {import('../cache/kv-cache.js').CacheType} [valueType]
 *
 * Matrices are (in, out), row-major, as in x W; a PyTorch nn.Linear keeps (out, in), so transpose those.
 * @typedef {object} AttentionWeights
 * @property {Float32Array} wq    (C, numHeads * D)
 * @property {Float32Array} wk    (C or sourceDim, numKVHeads * D)
 * @property {Float32Array} wv    (C or sourceDim, numKVHeads * D)
 * @property {Float32Array} wo    (numHeads * D, C)
 * @property {Float32Array} [bq]  (numHeads * D)
 * @property {Float32Array} [bk]  (numKVHeads * D)
 * @property {Float32Array} [bv]  (numKVHeads * D)
 * @property {Float32Array} [bo]  (C)
 *
 * @typedef {import('../cache/kv-cache.js').Row} Row
 */

const PARTS = /** @type {const} */ (['q', 'k', 'v', 'o']); // as kvc_mha_weight counts

export class CachedAttention {
  #engine;
  #sizes;
  #pointer; // the kvc_mha
  #place;   // of its cache
  #free;
  #store;

  /**
   * After `await init()`.
   * @param {CachedAttentionOptions} options
   * @param {AttentionWeights} weights
   */
  constructor(options, weights) {
    const sizes = checked(options ?? /** @type {any} */ ({}));
    refuseWeights(weights ?? /** @type {any} */ ({}), sizes);
    this.#sizes = Object.freeze(sizes);
    this.#engine = blocksEngine('CachedAttention');
    const [pointer, bytes, block, cache] = this.#create();
    this.#pointer = pointer;
    this.#place = { engine: this.#engine, cache, bytes, disposed: false, owner: this };
    this.#free = freeing(this.#engine, block);
    abandoned.register(this, this.#free, this);
    const { maxSeqLen, batchSize, numKVHeads, headDim, keyType, valueType } = sizes;
    const cacheOptions = { maxSeqLen, batchSize, numLayers: 1, numHeads: numKVHeads, headDim, keyType, valueType };
    this.#store = new Store(cacheOptions, this.#place);
    /** Its keys and values, to look into, truncate, fork, evict, save; it lives as long as the attention. */
    this.cache = new KVCache(cacheOptions, this.#store);
    try {
      this.#setWeights(weights);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  #create() {
    const { embedDim, sourceDim, numHeads, numKVHeads, headDim, batchSize, maxSeqLen, keyType, valueType } = this.#sizes;
    this.#engine.check({
      invalid_argument: `CachedAttention: embedDim ${embedDim}, sourceDim ${sourceDim} and headDim ${headDim} must be multiples of 4, and numHeads `
        + `${numHeads} a multiple of numKVHeads ${numKVHeads}.`,
      out_of_memory: `There is not enough memory for ${numHeads} heads of ${headDim} channels and a cache of ${maxSeqLen} tokens. Dispose of other `
        + 'objects, or choose smaller sizes.',
    }, 'kvc_wasm_mha_new', embedDim, sourceDim, numHeads, numKVHeads, headDim, batchSize, maxSeqLen, CACHE_TYPES[keyType], CACHE_TYPES[valueType]);
    return [0, 1, 2, 3].map((i) => this.#engine.word(i));
  }

  /** @param {AttentionWeights} weights */
  #setWeights(weights) {
    const engine = this.#engine;
    PARTS.forEach((part, which) => {
      const matrix = weights[`w${part}`];
      const bias = weights[`b${part}`];
      engine.lend(matrix.byteLength + (bias?.byteLength ?? 0), (w) => {
        write(engine, w, matrix);
        if (bias) write(engine, w + matrix.byteLength, bias);
        this.#check({ not_finite: `w${part} or b${part} holds NaN or an infinity.` }, 'set_weight', which, w, bias ? w + matrix.byteLength : 0);
      });
    });
  }

  // ---- passes -----------------------------------------------------------------------------------

  /**
   * T new tokens, through the cache: only they are computed, and the cache grows by them (cross-attention:
   * they look at the source, and nothing grows). Any split of a text into calls gives the same bits.
   * Errors, all leaving the cache as it was: "cache_full", "not_ready" (no source), "not_finite".
   * @param {Float32Array} x  (B, T, C); with row (T, C)
   * @param {Row} [options]
   * @returns {Float32Array} of x's shape
   */
  forward(x, { row } = {}) {
    const { embedDim, sourceDim, maxSeqLen } = this.#sizes;
    const rows = this.#store.rows(row);
    const T = tokensIn(x, rows.length * embedDim, 'x', `(${rows.length}, T, ${embedDim})`);
    for (const b of rows) {
      if (sourceDim === 0 && T > maxSeqLen - this.#store.length(b)) throw this.#store.full(b, T);
      if (sourceDim > 0 && this.#store.length(b) === 0) throw new KvcError('not_ready', `Row ${b} has no source yet: call setSource() first.`);
    }
    const before = this.cache.positions;
    const y = new Float32Array(x.length);
    try {
      rows.forEach((b, i) => {
        y.set(this.#pass('forward', x.subarray(i * T * embedDim, (i + 1) * T * embedDim), b, T), i * T * embedDim);
        this.#store.changed([b]);
      });
    } catch (error) {
      if (sourceDim === 0 && this.#engine.usable) for (const b of rows) this.#store.change([b], 'truncate', b, before[b]);
      throw error;
    }
    this.#store.watcher?.tell();
    return y;
  }

  /**
   * A whole sequence without the cache, which is neither read nor written: training and scoring. In f32 the
   * bits of forward(). Self-attention only.
   * @param {Float32Array} x  (T, C), T at most maxSeqLen
   * @returns {Float32Array} (T, C)
   */
  full(x) {
    const { embedDim, maxSeqLen } = this.#sizes;
    const T = tokensIn(x, embedDim, 'x', `(T, ${embedDim})`);
    return this.#pass('full', x, T, {
      unsupported: 'full() is for self-attention: with a source there is nothing to leave out, forward() computes everything but the source.',
      cache_full: `full() takes at most maxSeqLen = ${maxSeqLen} tokens; these are ${T}.`,
    });
  }

  /**
   * One call with x in and y out.
   * @param {string} name  @param {Float32Array} x  @param {...(number | Parameters<import('../engine/engine.js').Engine['check']>[0])} rest
   * @returns {Float32Array}
   */
  #pass(name, x, ...rest) {
    const messages = typeof rest.at(-1) === 'object' ? /** @type {object} */ (rest.pop()) : {};
    const engine = this.#engine;
    return engine.lend(2 * x.byteLength, (y) => {
      write(engine, y + x.byteLength, x);
      this.#check(messages, name, y, y + x.byteLength, .../** @type {number[]} */ (rest));
      return read(engine, y, x.length);
    });
  }

  /**
   * Projects the source of cross-attention, once for all forward() calls to come, in place of the one before.
   * @param {Float32Array} source  (B, n, sourceDim); with row (n, sourceDim)
   * @param {Row} [options]
   */
  setSource(source, { row } = {}) {
    const { sourceDim, maxSeqLen } = this.#sizes;
    if (sourceDim === 0) throw new KvcError('unsupported', 'This is self-attention, which has no source; give a sourceDim to make it cross-attention.');
    const rows = this.#store.rows(row);
    const n = tokensIn(source, rows.length * sourceDim, 'source', `(${rows.length}, n, ${sourceDim})`);
    if (n > maxSeqLen) throw new KvcError('cache_full', `A source may have maxSeqLen = ${maxSeqLen} tokens; this one has ${n}.`);
    const size = n * sourceDim;
    const engine = this.#engine;
    const not_finite = 'The source, projected, holds NaN, an infinity, or what the cache\'s type cannot keep.';
    rows.forEach((b, i) => engine.lend(4 * size, (pointer) => {
      write(engine, pointer, source.subarray(i * size, (i + 1) * size));
      this.#check({ not_finite }, 'set_source', b, pointer, n);
      this.#store.changed([b]);
    }));
    this.#store.watcher?.tell();
  }

  // ---- the rest ---------------------------------------------------------------------------------

  /** Tokens that the rows hold, or source tokens; where they differ, those of the longest. */
  get position() {
    return this.cache.position;
  }

  /** Rows of keys and values projected so far: shows that a source is projected once. */
  get projectedRows() {
    this.#call('projected');
    return this.#engine.long(0);
  }

  /** Forgets all tokens and sources. */
  reset() {
    this.cache.reset();
  }

  /** Frees the memory, that of its cache too. May be called again. */
  dispose() {
    if (this.#place.disposed) return;
    this.#store.watcher?.stop();
    this.#place.disposed = true;
    abandoned.unregister(this);
    this.#free();
  }

  [disposeSymbol]() {
    this.dispose();
  }

  /** @param {string} name  @param {...number} args */
  #call(name, ...args) {
    if (this.#place.disposed) throw new KvcError('disposed', 'The attention was disposed of; create another one.');
    return this.#engine.call(`kvc_wasm_mha_${name}`, this.#pointer, ...args);
  }

  /** @param {Parameters<import('../engine/engine.js').Engine['check']>[0]} messages  @param {string} name  @param {...number} args */
  #check(messages, name, ...args) {
    if (this.#place.disposed) throw new KvcError('disposed', 'The attention was disposed of; create another one.');
    this.#engine.check(messages, `kvc_wasm_mha_${name}`, this.#pointer, ...args);
  }
}

/** @param {CachedAttentionOptions} options */
function checked({ embedDim, numHeads, numKVHeads = numHeads, headDim = embedDim / numHeads, sourceDim = 0, maxSeqLen, batchSize = 1,
  keyType = 'f32', valueType = 'f32' }) {
  refuseSizes('CachedAttention', { embedDim, numHeads, numKVHeads, headDim, maxSeqLen, batchSize });
  if (sourceDim !== 0) refuseSizes('CachedAttention', { sourceDim });
  refuseTypes(keyType, valueType);
  return { embedDim, numHeads, numKVHeads, headDim, sourceDim, maxSeqLen, batchSize, keyType, valueType };
}

/** @param {AttentionWeights} weights  @param {ReturnType<typeof checked>} sizes */
function refuseWeights(weights, { embedDim, numHeads, numKVHeads, headDim, sourceDim }) {
  const source = sourceDim || embedDim;
  const shapes = {
    q: [embedDim, numHeads * headDim],
    k: [source, numKVHeads * headDim],
    v: [source, numKVHeads * headDim],
    o: [numHeads * headDim, embedDim],
  };
  for (const part of PARTS) {
    const [rows, columns] = shapes[part];
    refuseLength(weights?.[`w${part}`], `w${part}`, rows * columns, `(${rows}, ${columns})`);
    const bias = weights[`b${part}`];
    if (bias !== undefined) refuseLength(bias, `b${part}`, columns, `(${columns})`);
  }
}

/** @param {unknown} array  @param {string} name  @param {number} length  @param {string} shape */
function refuseLength(array, name, length, shape) {
  refuseArray(array, name);
  if (array.length !== length) throw new KvcError('invalid_argument', `${name} has ${array.length} floats; its shape must be ${shape}, which is ${length}.`);
}
