// Looks inside a run, for a view: one after the other, ten a second at most; of several wishes, the newest.

/**
 * @import { Look, Seen } from '../worker/messages.js'
 *
 * @typedef {object} Wish
 * @property {string} key     wishes with the same key are one
 * @property {Look} fields
 * @property {(seen: Seen) => void} show
 * @property {(error: unknown) => void} fail
 */

const PAUSE_MS = 100;

export class Looks {
  #inspect;
  #signal;
  #key = '';
  /** @type {Wish | undefined} */
  #next;
  #busy = false;

  /** @param {(fields: Look) => Promise<Seen>} inspect  @param {AbortSignal} signal */
  constructor(inspect, signal) {
    this.#inspect = inspect;
    this.#signal = signal;
  }

  /** In place of what was wanted before. @param {Wish} [wish]  absent: nothing */
  want(wish) {
    if (wish?.key === this.#key) return;
    this.#key = wish?.key ?? '';
    this.#next = wish;
    this.#ask();
  }

  async #ask() {
    const wish = this.#next;
    if (this.#busy || !wish) return;
    this.#busy = true;
    this.#next = undefined;
    const isWanted = () => !this.#signal.aborted && this.#key === wish.key;
    try {
      const seen = await this.#inspect(wish.fields);
      if (isWanted()) wish.show(seen);
    } catch (error) {
      if (isWanted()) wish.fail(error);
    }
    setTimeout(() => {
      this.#busy = false;
      if (!this.#signal.aborted) this.#ask();
    }, PAUSE_MS);
  }
}
