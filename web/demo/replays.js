// The recorded runs of the shipped models: that of the model which the figure has is shown before anything
// was run. The first comes with the figure, others when they are needed.
import { Replay } from './replay.js';

/**
 * @import { Shipped } from './attributes.js'
 * @import { Recording } from './recording.js'
 * @import { Event, State } from './state.js'
 *
 * @typedef {Partial<Record<Shipped, () => Promise<Recording>>>} Recordings  how others come
 */

export class Replays {
  /** @type {Map<Shipped | undefined, Replay>} */
  #replays = new Map();
  #others;
  #state;
  #emit;

  /**
   * @param {Recording | undefined} first  of the model that the figure has at first
   * @param {Recordings} others
   * @param {() => State} state  now  @param {(event: Event) => void} emit
   */
  constructor(first, others, state, emit) {
    this.#others = others;
    this.#state = state;
    this.#emit = emit;
    if (first) this.#replays.set(state().shipped, new Replay(first, emit));
  }

  get #now() { return this.#replays.get(this.#state().shipped); }

  /** From its beginning, once. */
  start() { this.#now?.start(); }

  /** All of it: where it must come first, then, unless something was done here meanwhile. */
  finish() {
    const { shipped } = this.#state();
    const fetch = shipped && !this.#now ? this.#others[shipped] : undefined;
    if (!shipped || !fetch) return this.#now?.finish();
    fetch().then((recording) => {
      if (!this.#replays.has(shipped)) this.#replays.set(shipped, new Replay(recording, this.#emit));
      const state = this.#state();
      if (state.shipped === shipped && state.status === 'unloaded' && !state.other) this.#now?.finish();
    }, () => {}); // without it, the figure shows nothing yet
  }

  /** No more of it. */
  stop() {
    for (const replay of this.#replays.values()) replay.stop();
  }
}
