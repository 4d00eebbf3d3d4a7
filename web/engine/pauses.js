// Long computing on a shared thread: yields to other work, hears an abort there, and measures the time that
// took, so that it never counts as computing.
import { throwIfAborted } from './errors.js';

/** @import { Halt } from './errors.js' */

const BREATH_MS = 8; // of computing between two pauses

/** @type {MessageChannel | undefined} */
let channel;
/** @type {(() => void)[]} */
const waiting = [];

/**
 * Lets everything run that is waiting, then goes on. Timers would wait 4 ms in browsers.
 * @returns {Promise<void>}
 */
export function turn() {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve)); // Node
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  const { port2 } = channel;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(null);
  });
}

/**
 * Waits for a moment, or until stopped.
 * @param {number} moment  @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function until(moment, signal) {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, moment - performance.now());
    signal.addEventListener('abort', finish);
  });
}

export class Pauses {
  /** Milliseconds spent in pauses. */
  ms = 0;
  #signal;
  #last = performance.now();

  /** @param {Halt} [signal] */
  constructor(signal) {
    this.#signal = signal;
  }

  get due() {
    return performance.now() - this.#last >= BREATH_MS;
  }

  async take() {
    const start = performance.now();
    await turn();
    this.#last = performance.now();
    this.ms += this.#last - start;
    throwIfAborted(this.#signal);
  }
}
