// Looking inside a session: what comes next, in how many bytes it all lies, and what it has cost. Nothing here
// changes the session.

/**
 * @typedef {object} MemoryUsage  in bytes
 * @property {number} totalBytes     all that this session has allocated: cache, scratch, logits
 * @property {number} cacheBytes     of it the KV cache: bytesPerToken for each slot of each sequence
 * @property {number} usedBytes      of the cache the part that holds tokens; what sequences share counts once
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
    const [totalBytes, cacheBytes, usedBytes, bytesPerToken] = [0, 1, 2, 3].map((i) => engine.word(i));
    return { totalBytes, cacheBytes, usedBytes, bytesPerToken };
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
}
