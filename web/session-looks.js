// Looking inside a session: what its cache holds, where, in how many bytes, and what all of that
// cost. Nothing here changes the session.
import { cacheMap, snapshot } from './looks.js';

/**
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
   * What the cache holds of one layer and head, as floats: [count, head_dim] each, a copy; by default all of it.
   * @param {{ layer: number, head: number, first?: number, count?: number, sequence?: number }} range
   */
  snapshot({ sequence = this.#handle.selected, ...range }) {
    const { engine, cache, model } = this.#handle;
    return snapshot(engine, cache, model.config.headDim, { sequence, ...range });
  }

  /** Where the tokens of each sequence lie in the cache. */
  cacheMap() {
    const { engine, cache, sequences } = this.#handle;
    return cacheMap(engine, cache, sequences);
  }
}
