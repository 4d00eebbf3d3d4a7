// Long computing on a shared thread: gives other work its turn, hears an abort there, and keeps account
// of the time that took, so that it never counts as computing.
import { throwIfAborted } from './errors.js';

const BREATH_MS = 8; // of computing between two pauses

export class Pauses {
  /** Milliseconds spent in pauses. */
  ms = 0;
  #signal;
  #last = performance.now();

  /** @param {AbortSignal} [signal] */
  constructor(signal) {
    this.#signal = signal;
  }

  get due() {
    return performance.now() - this.#last >= BREATH_MS;
  }

  async take() {
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve));
    this.#last = performance.now();
    this.ms += this.#last - start;
    throwIfAborted(this.#signal);
  }
}
