// The short ways of a reader who goes back and forth in a run: one after the other, always to the newest
// place that was asked for.

/**
 * @typedef {object} Target
 * @property {readonly number[]} written  ids behind the prompt
 * @property {0 | 1} more                 tokens to write there
 */

export class Ways {
  #go;
  /** @type {Target | undefined} */
  #next;
  /** All of them. @type {Promise<void> | undefined} */
  #all;
  /** The one being gone. @type {Promise<void> | undefined} */
  now;

  /** @param {(target: Target) => Promise<void>} go  never rejects */
  constructor(go) {
    this.#go = go;
  }

  /** @param {Target} target  @returns {Promise<void>}  there, or wherever was asked for later */
  to(target) {
    this.#next = target;
    return this.#all ??= this.#follow();
  }

  async #follow() {
    while (this.#next) {
      const next = this.#next;
      this.#next = undefined;
      await (this.now = this.#go(next));
    }
    this.now = this.#all = undefined;
  }

  /** Goes no further. */
  stop() { this.#next = undefined; }
}
