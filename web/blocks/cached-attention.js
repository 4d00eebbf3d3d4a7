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
   * they look at the source, and nothing grows). Any split of a text into calls gives the same bits, as long
   * as nothing has to slide: T tokens at once make room for all T first.
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
    native.calls.operation(() => this.#lendForward(rows, T, (out, undo) => {
      if (sourceDim === 0) makeRoom(native, rows, T, () => {});
      this.#eachRow(rows, undo, (b, i) => {
        y.set(this.#through(x.subarray(i * size, (i + 1) * size), out, (input) => {
          native.calls.check({}, 'kvc_mha_forward', this.#mha, out, input, b, T);
        }), i * size);
      });
    }));
    return y;
  }

  /**
   * Lends a forward() of T tokens its memory, before anything changes, and what takes it back if it fails.
   * Truncating brings back neither what had to make room nor what was counted, so that is saved where numbers
   * can be refused.
   * @param {number[]} rows  @param {number} T  @param {(out: number, undo: () => void) => void} work
   */
  #lendForward(rows, T, work) {
    const native = this.#native;
    const { embedDim, sourceDim, keyType, valueType, evict, whenFull, maxSeqLen } = this.#sizes;
    const bytes = 8 * T * embedDim;
    if (sourceDim > 0) return this.#engine.lend(bytes, (out) => work(out, () => {}));
    const before = rows.map((b) => native.length(b));
    const slides = whenFull === 'slide' && before.some((length) => length + T > maxSeqLen);
    if ((keyType !== 'f32' || valueType !== 'f32') && (slides || evict === 'attention')) {
      return native.lendWithUndo(bytes, work);
    }
    const truncate = () => rows.forEach((b, i) => native.change([b], 'kvc_cache_truncate', b, before[i]));
    this.#engine.lend(bytes, (out) => work(out, truncate));
  }

  /**
   * A call that changes the history of a row, for all of them or none.
   * @param {number[]} rows  @param {() => void} undo  @param {(row: number, i: number) => void} work
   */
  #eachRow(rows, undo, work) {
    try {
      rows.forEach((b, i) => {
        work(b, i);
        this.#native.changed([b]);
      });
    } catch (error) {
      if (this.#engine.usable) undo();
      throw error;
    }
  }

  /**
   * One call with x in and y out.
   * @param {Float32Array} x  @param {number} y  memory for y, then x  @param {(x: number) => void} pass
   * @returns {Float32Array}
   */
  #through(x, y, pass) {
    const { memory } = this.#engine;
    memory.put(y + x.byteLength, x);
    pass(y + x.byteLength);
    return memory.floats(y, x.length);
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
    return this.#engine.lend(2 * x.byteLength, (y) => (
      this.#through(x, y, (at) => this.#engine.check(messages, 'kvc_mha_full', this.#mha, y, at, T))));
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
    const not_finite = "The source, projected, holds NaN, an infinity, or what the cache's type cannot keep.";
    /** @param {number} pointer  @param {() => void} undo */
    const work = (pointer, undo) => this.#eachRow(rows, undo, (b, i) => {
      this.#engine.memory.put(pointer, source.subarray(i * size, (i + 1) * size));
      native.calls.check({ not_finite }, 'kvc_mha_set_source', this.#mha, b, pointer, n);
    });
    native.calls.operation(() => {
      if (rows.length > 1) native.lendWithUndo(4 * size, work);
      else this.#engine.lend(4 * size, (pointer) => work(pointer, () => {})); // C leaves the old source
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
