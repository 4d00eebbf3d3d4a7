// Looking inside a session: what its cache holds, where, in how many bytes, what a token looked at, and
// what all of that cost. Nothing here changes the session.
import { KvcError } from '../engine/errors.js';
import { NO_LOGITS } from './handle.js';
import { areCounts, cacheMap, snapshot } from '../cache/inspect.js';
import { Watcher } from '../cache/events.js';

/**
 * @typedef {import('../cache/events.js').OnEvent} OnEvent
 *
 * @typedef {object} MemoryUsage  in bytes
 * @property {number} totalBytes     all that this session has allocated: cache, scratch, logits
 * @property {number} cacheBytes     of it the KV cache: bytesPerToken for each slot of each sequence
 * @property {number} usedBytes      of the cache the part that holds tokens; what sequences share counts once
 * @property {number} sharedBytes    what more it would be if nothing were shared
 * @property {number} bytesPerToken  of K and V in all layers; in f32 2 * n_layer * n_embd * 4
 *
 * @typedef {object} Counts  what the passes did since the start or clearCounts(); a multiply-add is one multiplication and one addition
 * @property {number} projectionMacs    multiply-adds of q, k, v, the output projection and the MLP
 * @property {number} attentionMacs     of q . k and p . v
 * @property {number} headMacs          of the logits
 * @property {number} weightBytes       read
 * @property {number} cacheBytesRead    K and V, also those kept for one pass while the cache is off
 * @property {number} cacheBytesWritten
 */

export class Looks {
  #handle;
  /** @type {OnEvent | null} */
  #onEvent = null;

  /** @param {import('./passes.js').Passes} handle */
  constructor(handle) {
    this.#handle = handle;
  }

  /** @returns {MemoryUsage} */
  memoryUsage() {
    const { engine } = this.#handle;
    this.#handle.call('kvc_wasm_session_memory');
    const [totalBytes, cacheBytes, usedBytes, sharedBytes, bytesPerToken] = [0, 1, 2, 3, 4].map((i) => engine.word(i));
    return { totalBytes, cacheBytes, usedBytes, sharedBytes, bytesPerToken };
  }

  /** @returns {Counts} */
  get counts() {
    const { engine } = this.#handle;
    this.#handle.call('kvc_wasm_session_counts');
    const [projectionMacs, attentionMacs, headMacs, weightBytes, cacheBytesRead, cacheBytesWritten] = [0, 1, 2, 3, 4, 5].map((i) => engine.long(i));
    return { projectionMacs, attentionMacs, headMacs, weightBytes, cacheBytesRead, cacheBytesWritten };
  }

  /** Counts from zero again. */
  clearCounts() {
    this.#handle.call('kvc_wasm_session_clear_counts');
  }

  /**
   * The k likeliest next tokens, likeliest first, with the natural logarithms of their probabilities.
   * @param {number} k
   */
  top(k) {
    return this.#handle.top(k);
  }

  /**
   * How much the last token looked at each token, itself included, in one layer and head: [position]. They sum to 1.
   * @param {number} layer  @param {number} head
   * @returns {Float32Array}
   */
  attentionWeights(layer, head) {
    const handle = this.#handle;
    const { position } = handle;
    const position_out_of_range = `There is no layer ${layer} with a head ${head} here; both are counted from 0.`;
    if (!areCounts(layer, head)) throw new KvcError('position_out_of_range', position_out_of_range);
    return handle.engine.lend(4 * position, (pointer) => {
      handle.check({ position_out_of_range, not_ready: `${NO_LOGITS} (With the cache on: the weights come from its keys.)` },
        'kvc_wasm_session_attention', layer, head, pointer);
      return handle.floats(pointer, position);
    });
  }

  /**
   * What the cache holds of one layer and head, as floats: [count, head_dim] each, a copy; by default all of it.
   * @param {{ layer: number, head: number, first?: number, count?: number, sequence?: number }} range
   */
  snapshot({ sequence = this.#handle.selected, ...range } = /** @type {any} */ ({})) {
    const { engine, cache, model } = this.#handle;
    return snapshot(engine, cache, model.config.headDim, { sequence, ...range });
  }

  /** Where the tokens of each sequence lie in the cache. */
  cacheMap() {
    const { engine, cache, sequences } = this.#handle;
    return cacheMap(engine, cache, sequences);
  }

  /** Called with each event of the cache (see CacheEvent) once the work that made it is done; null: nothing is recorded. */
  get onEvent() {
    return this.#onEvent;
  }

  set onEvent(listener) {
    const handle = this.#handle;
    handle.watcher?.stop();
    [handle.watcher, this.#onEvent] = [undefined, null]; // if there is no room for another, nobody listens
    handle.watcher = listener ? new Watcher(handle.engine, () => handle.cache, listener) : undefined;
    this.#onEvent = listener;
  }
}
