// Long computing on a shared thread: yields to other work, hears an abort there, and measures the time that
// took, so that it never counts as computing.
import { throwIfAborted } from './errors.js';

/**
 * @import { Halt } from './errors.js'
 * @import { AbortSignal } from './platform.js'
 */

const BREATH_MS = 8; // of computing between two pauses

/** @type {MessageChannel | undefined} */
let channel;
/** @type {(() => void)[]} */
const waiting = [];
/** When this thread last let everything else run, whoever paused. */
let rested = -Infinity;
/** Milliseconds that this thread has spent in pauses. */
let pausedMs = 0;

/** Milliseconds that this thread has spent in pauses, of all its sessions. */
export const paused = () => pausedMs;

/** Lets everything run that is waiting, then goes on. */
export async function turn() {
  const start = performance.now();
  await nextTask();
  rested = performance.now();
  pausedMs += rested - start;
}

/** Timers would wait 4 ms in browsers. @returns {Promise<void>} */
function nextTask() {
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
      rested = performance.now();
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

  /** @param {Halt} [signal] */
  constructor(signal) {
    this.#signal = signal;
  }

  /** Many short sessions in a row count as one long one: the thread is what must not be blocked. */
  get due() {
    const ms = performance.now() - rested;
    return ms >= BREATH_MS || ms < 0; // on a clock that was set back, nobody knows
  }

  async take() {
    const start = performance.now();
    await turn();
    this.ms += performance.now() - start;
    throwIfAborted(this.#signal);
  }
}
