// Turns at the processor: what is measured and what looks inside a run do not overlap, or the looks would be
// in the figures.
import { abortError, throwIfAborted } from '../engine/errors.js';

export class Turns {
  /** All turns asked for so far have ended. @type {Promise<unknown>} */
  #ended = Promise.resolve();

  /**
   * Does work once all that was asked for before has ended.
   * @template T
   * @param {() => Promise<T>} work  @param {AbortSignal} [signal]  ends the waiting
   * @returns {Promise<T>}
   */
  async take(work, signal) {
    const before = this.#ended;
    /** @type {() => void} */
    let end = () => {};
    const ended = new Promise((resolve) => { end = () => resolve(undefined); });
    this.#ended = before.then(() => ended);
    try {
      await (signal ? unlessAborted(before, signal) : before);
      return await work();
    } finally {
      end();
    }
  }
}

/**
 * @param {Promise<unknown>} promise  never rejected  @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function unlessAborted(promise, signal) {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortError(signal));
    signal.addEventListener('abort', abort);
    promise.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}
