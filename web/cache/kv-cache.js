// KVCache: the keys and values of a transformer, in wasm memory.
//
//   update(layer, key, value)  writes T new tokens of one layer behind the history: O(T), nothing is copied
//   attend(layer, query)       attention of the new tokens against the history and themselves
//   advance(n)                 makes them part of the history, once every layer has them
//
// Shapes: B batch rows, H heads of keys and values, T tokens, D headDim, S maxSeqLen; arrays are
// Float32Arrays, row-major. Without { row } an array holds all rows, (B, H, T, D); with it that row alone,
// (H, T, D), and rows may have different lengths then. Rows, layers and tokens are counted from 0.
// An error leaves the history as it was.
import { areCounts, checkChoice, checkFloats, invalid, listOf, optionsOf, shown,
  tokensIn } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { sharedEngine } from '../engine/init.js';
import { disposeSymbol } from '../engine/memory.js';
import { CacheView } from './cache-view.js';
import { checkLayer, checkRow, rowsOf } from './inspect.js';
import { NativeCache } from './native-cache.js';
import { fingerprintIn, rowIn, withDefaults } from './options.js';
import { importanceOf, makeRoom } from './room.js';

/**
 * @import { OnEvent } from './events.js'
 * @import { Row } from './inspect.js'
 * @import { KVCacheOptions } from './options.js'
 */

const ATTEND_OPTIONS = /** @type {const} */ (['numHeads', 'row', 'causal']);

export class KVCache extends CacheView {
  #native;
  #isPart; // of something else, which frees it

  /**
   * After `await init()`.
   * @param {KVCacheOptions} options  @param {NativeCache} [native]  internal: part of something else
   */
  constructor(options, native) {
    const chosen = withDefaults(options);
    const cache = native ?? NativeCache.create(sharedEngine('KVCache'), chosen);
    super(() => cache, chosen);
    this.#native = cache;
    this.#isPart = native !== undefined;
    this.whenFull = chosen.whenFull;
    this.sinks = chosen.sinks;
    this.policy = chosen.evict;
    this.recent = chosen.recent;
  }

  // ---- the steps of a token ---------------------------------------------------------------------

  /**
   * Writes the keys and values of T new tokens of one layer; T follows from the arrays' length. They are
   * not part of the history until advance(); written again before that, they replace the ones before.
   * Errors: "position_out_of_range" (layer, row), "cache_full", "not_finite" (types narrower than f32 take no
   * NaN or infinity).
   * @param {number} layer
   * @param {Float32Array} key    (B, H, T, D); with row (H, T, D)
   * @param {Float32Array} value  the same
   * @param {Row} [options]
   * @returns {boolean}  false where nothing was written because whenFull is "stop" and they do not fit
   */
  update(layer, key, value, options) {
    const native = this.#native;
    checkLayer(native, layer);
    const rows = rowsOf(native, rowIn('update()', options));
    const T = this.#tokens(key, rows, this.numHeads, 'key');
    checkFloats(value, 'value');
    if (value.length !== key.length) {
      throw invalid(`value has ${value.length} floats, and key ${key.length}; they must be equally long.`);
    }
    const size = this.numHeads * T * this.headDim;
    return native.calls.operation(() => native.lendInput(size, (input) => {
      const check = () => native.checkKept(layer, key, value);
      if (!makeRoom(native, rows, T, check)) return false;
      if (rows.length > 1) check(); // all before the first is written; append() refuses a row as a whole
      rows.forEach((b, i) => native.append(b, layer, T, part(key, i, size), part(value, i, size), input));
      return true;
    }));
  }

  /**
   * Makes n tokens part of the history. A layer that was not written to holds zeros for them. What was
   * written counts no more once the row's history has changed: by truncate(), evict(), fork() (both rows),
   * reorder(), drop(), keep(), reset(), restore(), or an update() that had to make room. update() again then.
   * Errors: "cache_full", "not_ready" (a layer has only some of them).
   * @param {number} [n]
   * @param {Row} [options]
   */
  advance(n = 1, options) {
    const native = this.#native;
    if (!areCounts(n) || n === 0) {
      throw invalid(`advance() takes the number of new tokens, at least 1; it got ${shown(n)}.`);
    }
    const rows = rowsOf(native, rowIn('advance()', options));
    for (const b of rows) {
      if (n > this.maxSeqLen - native.length(b)) throw native.full(b, n);
      for (let layer = 0; layer < this.numLayers; layer++) {
        const written = native.pending(b, layer);
        if (written === 0 || written >= n) continue;
        throw new KvcError('not_ready',
          `Layer ${layer} has only ${written} of the ${n} tokens to advance by: update() it first.`);
      }
    }
    native.calls.operation(() => {
      for (const b of rows) native.fill(b, n);
      for (const b of rows) native.advance(b, n);
    });
  }

  /**
   * Attention of the T tokens given to update() and not advanced over yet, against the history and
   * themselves: softmax(q k / sqrt(D)) v, no query seeing a token after its own. causal: false is
   * cross-attention: every query sees the history, all of it and nothing else.
   * Errors: "not_ready" (update() the layer first; with causal: false, advance() first).
   * @param {number} layer
   * @param {Float32Array} query  (B, numHeads, T, D); with row (numHeads, T, D)
   * @param {Row & { numHeads?: number, causal?: boolean }} [options]
   *   numHeads: of the queries, a multiple of those of the cache
   * @returns {Float32Array} of the query's shape
   */
  attend(layer, query, options) {
    const native = this.#native;
    const { numHeads = this.numHeads, row, causal = true } = optionsOf('attend()', options, ATTEND_OPTIONS);
    checkLayer(native, layer);
    const rows = rowsOf(native, row);
    if (!areCounts(numHeads) || numHeads === 0 || numHeads % this.numHeads !== 0) {
      throw invalid(`${shown(numHeads)} heads of queries cannot share the ${this.numHeads} heads of the `
        + 'cache: use a multiple.');
    }
    checkChoice('causal', causal, [true, false]);
    const T = this.#tokens(query, rows, numHeads, 'query');
    for (const b of rows) {
      const written = native.pending(b, layer);
      if (causal && T > written) {
        throw new KvcError('not_ready',
          `There are ${T} queries, and layer ${layer} has ${written} new ones in row ${b}: update() first.`);
      }
      if (!causal && native.length(b) === 0) {
        throw new KvcError('not_ready', `Row ${b} holds no token to look at: update() and advance() first.`);
      }
    }
    const size = numHeads * T * this.headDim;
    const result = new Float32Array(query.length);
    native.calls.operation(() => rows.forEach((b, i) => {
      result.set(native.attend(b, layer, T, numHeads, part(query, i, size), causal), i * size);
    }));
    return result;
  }

  /**
   * T of a (rows, heads, T, D).
   * @param {unknown} array  @param {number[]} rows  @param {number} heads  @param {string} name
   */
  #tokens(array, rows, heads, name) {
    const { headDim } = this;
    return tokensIn(array, rows.length * heads * headDim, name, `(${rows.length}, ${heads}, T, ${headDim})`);
  }

  // ---- changing the history ---------------------------------------------------------------------

  /**
   * Rewinds to the first n tokens. Error: "position_out_of_range" (more than there are).
   * @param {number} n  @param {Row} [options]
   */
  truncate(n, options) {
    const native = this.#native;
    const rows = rowsOf(native, rowIn('truncate()', options));
    for (const b of rows) checkHeld(native, b, n, `it cannot be cut to ${shown(n)}.`);
    native.calls.operation(() => rows.forEach((b) => native.change([b], 'kvc_cache_truncate', b, n)));
  }

  /**
   * Drops `count` tokens from `first` on; later ones move down. Whole pages of 16 are cheapest. Right only
   * for keys that do not know their position.
   * @param {number} first  @param {number} count  @param {Row} [options]
   */
  evict(first, count, options) {
    const native = this.#native;
    const rows = rowsOf(native, rowIn('evict()', options));
    const end = areCounts(first, count) ? first + count : NaN;
    const what = `${shown(count)} from ${shown(first)} on are not all among them.`;
    for (const b of rows) checkHeld(native, b, end, what);
    native.calls.operation(() => rows.forEach((b) => native.change([b], 'kvc_cache_evict', b, first, count)));
  }

  /**
   * What decides which tokens of a row go first, the least: its sum of attention weights so far, or minus
   * that of its keys' norms. Error: "unsupported" (age decides).
   * @param {Row} [options]  needed where there are several rows
   * @returns {Float32Array} of each token that it holds
   */
  importance(options) {
    const native = this.#native;
    const rows = rowsOf(native, rowIn('importance()', options));
    if (rows.length > 1) throw invalid('importance() is that of one row: say which, { row }.');
    return importanceOf(native, rows[0]);
  }

  /**
   * Row `to` becomes a copy of row `from` and shares its pages until one of them writes.
   * @param {number} from  @param {number} to
   */
  fork(from, to) {
    for (const row of [from, to]) checkRow(this.#native, row);
    // What is behind the history of `from` would be lost as soon as its page is copied.
    this.#native.change([from, to], 'kvc_cache_fork', from, to);
  }

  /** Row i becomes what from[i] was, all at the same time. @param {ArrayLike<number>} from  [B] */
  reorder(from) {
    const native = this.#native;
    const rows = listOf(from, 'The order of rows', this.batchSize);
    for (const row of rows) checkRow(native, row);
    native.engine.lend(4 * rows.length, (pointer) => {
      native.engine.memory.putWords(pointer, rows);
      native.change(rowsOf(native, undefined), 'kvc_cache_reorder', pointer);
    });
  }

  /** Empties a row. @param {number} row */
  drop(row) {
    checkRow(this.#native, row);
    this.#native.change([row], 'kvc_cache_drop', row);
  }

  /** Empties all rows but this one. @param {number} row */
  keep(row) {
    const native = this.#native;
    checkRow(native, row);
    native.change(rowsOf(native, undefined).filter((b) => b !== row), 'kvc_cache_keep', row);
  }

  /** Empties all rows and zeroes every slot: equal to a new cache, bit for bit. */
  reset() {
    this.#native.reset();
  }

  // ---- events -----------------------------------------------------------------------------------

  /**
   * Called with each event (see CacheEvent; its sequence is the row) once the call that made it is done.
   * null, as at first: nothing is recorded.
   */
  get onEvent() {
    return this.#native.calls.listener;
  }

  set onEvent(/** @type {OnEvent | null} */ listener) {
    this.#native.calls.listener = listener;
  }

  // ---- as bytes ---------------------------------------------------------------------------------

  /**
   * All rows as bytes, to go on from bit for bit with restore().
   * @param {{ fingerprint?: bigint }} [options]
   *   any number that says what made the keys and values; restore() asks for the same
   */
  save(options) {
    return this.#native.save(fingerprintIn('save()', options));
  }

  /**
   * Goes on from what save() gave, in any cache with the same layers, heads, headDim and types and enough
   * rows and room; evict: "attention" in both or in neither. Errors, all leaving the cache as it was:
   * "state_invalid" (no saved cache, or cut short, or altered), "state_foreign" (of another shape, evict,
   * version or fingerprint), "cache_full".
   * @param {Uint8Array} state  @param {{ fingerprint?: bigint }} [options]
   */
  restore(state, options) {
    const fingerprint = fingerprintIn('restore()', options);
    if (!(state instanceof Uint8Array)) throw invalid('restore() takes the Uint8Array that save() gave.');
    this.#native.restore(state, fingerprint);
  }

  // ---- lifetime ---------------------------------------------------------------------------------

  /** Frees the memory; a cache that is part of something else lives as long as that. May be called again. */
  dispose() {
    if (!this.#isPart) this.#native.dispose();
  }

  [disposeSymbol]() {
    this.dispose();
  }
}

/** @param {Float32Array} array  @param {number} i  @param {number} size */
const part = (array, i, size) => array.subarray(i * size, (i + 1) * size);

/**
 * Refuses more tokens than a row holds.
 * @param {NativeCache} native  @param {number} row  @param {number} n  @param {string} what
 */
function checkHeld(native, row, n, what) {
  const length = native.length(row);
  if (areCounts(n) && n <= length) return;
  throw new KvcError('position_out_of_range', `Row ${row} holds ${length} tokens; ${what}`);
}
