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
import { rowsOf } from '../cache/inspect.js';
import { KVCache } from '../cache/kv-cache.js';
import { NativeCache } from '../cache/native-cache.js';
import { rowIn } from '../cache/options.js';
import { makeRoom } from '../cache/room.js';
import { DTYPES, MHA_WEIGHTS, POLICIES } from '../engine/abi.js';
import { tokensIn } from '../engine/arguments.js';
import { layOut } from '../engine/engine.js';
import { KvcError } from '../engine/errors.js';
import { sharedEngine } from '../engine/init.js';
import { disposeSymbol } from '../engine/memory.js';
import { PARTS, checkedWeights, withDefaults } from './attention-options.js';

/**
 * @import { Row } from '../cache/inspect.js'
 * @import { Engine, Messages } from '../engine/engine.js'
 * @import { AttentionWeights, CachedAttentionOptions } from './attention-options.js'
 */

export class CachedAttention {
  #engine;
  #sizes;
  #block;
  #pointer; // the kvc_mha
  #native;  // its cache

  /**
   * After `await init()`.
   * @param {CachedAttentionOptions} options
   * @param {AttentionWeights} weights
   */
  constructor(options, weights) {
    const sizes = withDefaults(options);
    const matrices = checkedWeights(weights, sizes);
    this.#sizes = Object.freeze(sizes);
    this.#engine = sharedEngine('CachedAttention');
    const { block, pointer } = layOutAttention(this.#engine, sizes);
    this.#block = block;
    this.#pointer = pointer;
    const { maxSeqLen, batchSize, numKVHeads: numHeads, headDim, keyType, valueType } = sizes;
    const { whenFull, sinks, evict, recent } = sizes;
    const going = { whenFull, sinks, evict, recent };
    const sizesOfCache = { maxSeqLen, batchSize, numLayers: 1, numHeads, headDim };
    const shape = { ...sizesOfCache, keyType, valueType, ...going };
    const cache = this.#engine.call('kvc_mha_cache', pointer);
    this.#native = new NativeCache(this.#engine, block, cache, shape);
    /** Its keys and values, to look into, truncate, fork, evict, save; it lives as long as the attention. */
    this.cache = new KVCache(shape, this.#native);
    try {
      this.#setWeights(matrices);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** @param {AttentionWeights} weights */
  #setWeights(weights) {
    const engine = this.#engine;
    for (const part of PARTS) {
      const matrix = weights[`w${part}`];
      const bias = weights[`b${part}`];
      engine.lend(matrix.byteLength + (bias?.byteLength ?? 0), (w) => {
        const b = w + matrix.byteLength;
        engine.memory.put(w, matrix);
        if (bias) engine.memory.put(b, bias);
        const not_finite = `w${part} or b${part} holds NaN or an infinity.`;
        engine.check({ not_finite }, 'kvc_mha_set_weight', this.#mha, MHA_WEIGHTS[part], w, bias ? b : 0);
      });
    }
  }

  /** The kvc_mha; throws "disposed" after dispose(). */
  get #mha() {
    this.#block.check();
    return this.#pointer;
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
  forward(x, options) {
    const { embedDim, sourceDim } = this.#sizes;
    const native = this.#native;
    const rows = rowsOf(native, rowIn('forward()', options));
    const T = tokensIn(x, rows.length * embedDim, 'x', `(${rows.length}, T, ${embedDim})`);
    for (const b of rows) {
      if (sourceDim > 0 && native.length(b) === 0) {
        throw new KvcError('not_ready', `Row ${b} has no source yet: call setSource() first.`);
      }
    }
    const size = T * embedDim;
    const y = new Float32Array(x.length);
    native.calls.operation(() => {
      const undo = sourceDim === 0 ? this.#undoOf(rows, T) : () => {};
      if (sourceDim === 0) makeRoom(native, rows, T, () => {});
      try {
        rows.forEach((b, i) => y.set(this.#forwardRow(x.subarray(i * size, (i + 1) * size), b, T), i * size));
      } catch (error) {
        if (this.#engine.usable) undo();
        throw error;
      }
    });
    return y;
  }

  /**
   * What takes a forward() of T tokens back that fails. Truncating brings back neither what had to make room
   * nor what was counted, so that is saved where numbers can be refused.
   * @param {number[]} rows  @param {number} T
   */
  #undoOf(rows, T) {
    const native = this.#native;
    const before = rows.map((b) => native.length(b));
    const { keyType, valueType, evict, whenFull, maxSeqLen } = this.#sizes;
    const slides = whenFull === 'slide' && before.some((length) => length + T > maxSeqLen);
    if ((keyType !== 'f32' || valueType !== 'f32') && (slides || evict === 'attention')) {
      const state = native.save(0n);
      return () => native.restore(state, 0n);
    }
    return () => rows.forEach((b, i) => native.change([b], 'kvc_cache_truncate', b, before[i]));
  }

  /** @param {Float32Array} x  [T, C]  @param {number} row  @param {number} T */
  #forwardRow(x, row, T) {
    return this.#through(x, (y, at) => {
      this.#native.calls.check({}, 'kvc_mha_forward', this.#mha, y, at, row, T);
      this.#native.changed([row]);
    });
  }

  /**
   * One call with x in and y out.
   * @param {Float32Array} x  @param {(y: number, x: number) => void} pass
   * @returns {Float32Array}
   */
  #through(x, pass) {
    const engine = this.#engine;
    return engine.lend(2 * x.byteLength, (y) => {
      engine.memory.put(y + x.byteLength, x);
      pass(y, y + x.byteLength);
      return engine.memory.floats(y, x.length);
    });
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
    const messages = {
      unsupported: 'full() is for self-attention: with a source there is nothing to leave out, forward() '
        + 'computes everything but the source.',
      cache_full: `full() takes at most maxSeqLen = ${maxSeqLen} tokens; these are ${T}.`,
    };
    return this.#through(x, (y, at) => this.#engine.check(messages, 'kvc_mha_full', this.#mha, y, at, T));
  }

  /**
   * Projects the source of cross-attention, once for all forward() calls to come, in place of the one before.
   * An error leaves the sources of all rows as they were.
   * @param {Float32Array} source  (B, n, sourceDim); with row (n, sourceDim)
   * @param {Row} [options]
   */
  setSource(source, options) {
    const { sourceDim, maxSeqLen } = this.#sizes;
    if (sourceDim === 0) {
      throw new KvcError('unsupported',
        'This is self-attention, which has no source; give a sourceDim to make it cross-attention.');
    }
    const native = this.#native;
    const rows = rowsOf(native, rowIn('setSource()', options));
    const n = tokensIn(source, rows.length * sourceDim, 'source', `(${rows.length}, n, ${sourceDim})`);
    if (n > maxSeqLen) {
      throw new KvcError('cache_full',
        `A source may have maxSeqLen = ${maxSeqLen} tokens; this one has ${n}.`);
    }
    const size = n * sourceDim;
    const before = rows.length > 1 ? native.save(0n) : undefined; // of one row C leaves the old source
    native.calls.operation(() => {
      try {
        rows.forEach((b, i) => this.#setRowSource(b, source.subarray(i * size, (i + 1) * size), n));
      } catch (error) {
        if (before && this.#engine.usable) native.restore(before, 0n);
        throw error;
      }
    });
  }

  /** @param {number} row  @param {Float32Array} source  [n, sourceDim]  @param {number} n */
  #setRowSource(row, source, n) {
    const native = this.#native;
    const not_finite = "The source, projected, holds NaN, an infinity, or what the cache's type cannot keep.";
    this.#engine.lend(source.byteLength, (pointer) => {
      this.#engine.memory.put(pointer, source);
      native.calls.check({ not_finite }, 'kvc_mha_set_source', this.#mha, row, pointer, n);
      native.changed([row]);
    });
  }

  // ---- the rest ---------------------------------------------------------------------------------

  /** Tokens that the rows hold, or source tokens; where they differ, those of the longest. */
  get position() {
    return this.cache.position;
  }

  /** Rows of keys and values projected so far: shows that a source is projected once. */
  get projectedRows() {
    return Number(this.#engine.call('kvc_mha_projected', this.#mha));
  }

  /** Forgets all tokens and sources. */
  reset() {
    this.cache.reset();
  }

  /** Frees the memory, that of its cache too. May be called again. */
  dispose() {
    this.#native.dispose();
  }

  [disposeSymbol]() {
    this.dispose();
  }
}

/** @param {Engine} engine  @param {ReturnType<typeof withDefaults>} sizes */
function layOutAttention(engine, sizes) {
  const { embedDim, sourceDim, numHeads, numKVHeads, headDim, maxSeqLen } = sizes;
  const out_of_memory = `There is not enough memory for ${numHeads} heads of ${headDim} channels and a cache `
    + `of ${maxSeqLen} tokens. Dispose of other objects, or choose smaller sizes.`;
  /** @type {Messages} */
  const messages = {
    invalid_argument: `CachedAttention: embedDim ${embedDim}, sourceDim ${sourceDim} and headDim ${headDim} `
      + `must be multiples of 4, and numHeads ${numHeads} a multiple of numKVHeads ${numKVHeads}.`,
    out_of_memory,
  };
  const give = () => engine.give('kvc_mha_config', {
    n_embd: embedDim, source_dim: sourceDim, n_head: numHeads, n_kv_head: numKVHeads, head_dim: headDim,
    batch: sizes.batchSize, capacity: maxSeqLen,
    key_type: DTYPES[sizes.keyType], value_type: DTYPES[sizes.valueType], policy: POLICIES[sizes.evict],
  });
  return layOut(engine, 'attention', out_of_memory,
    (bytes) => engine.check(messages, 'kvc_mha_bytes', give(), bytes),
    (mha, memory, bytes) => engine.check(messages, 'kvc_mha_init', mha, give(), memory, bytes));
}
