// Shows a recorded run again, in time or all of it.
import { hasteOf, momentsOf } from './recording.js';

/**
 * @import { Recording } from './recording.js'
 * @import { Event } from './state.js'
 */

const STEP_MS = 40; // between two looks at the clock

export class Replay {
  #recording;
  #emit;
  #moments;
  #haste;
  #next = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {Recording} recording  @param {(event: Event) => void} emit */
  constructor(recording, emit) {
    this.#recording = recording;
    this.#emit = emit;
    this.#moments = momentsOf(recording);
    this.#haste = hasteOf(Math.max(...this.#moments.map(({ at }) => at)));
  }

  /** From its beginning, once. */
  start() {
    this.stop();
    this.#begin(true);
    const start = performance.now();
    this.#timer = setInterval(() => {
      const at = (performance.now() - start) * this.#haste;
      const end = this.#moments.findIndex((moment) => moment.at > at);
      this.#show(end < 0 ? this.#moments.length : end);
    }, STEP_MS);
  }

  /** All of it. */
  finish() {
    if (this.#timer === undefined) this.#begin(false);
    this.#show(this.#moments.length);
  }

  /** No more of it. */
  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @param {boolean} playing */
  #begin(playing) {
    this.#next = 0;
    this.#emit({ type: 'recording', recording: this.#recording, haste: this.#haste, playing });
  }

  /** @param {number} end  the first moment that has not come */
  #show(end) {
    const events = this.#moments.slice(this.#next, end).map(({ event }) => event);
    this.#next = end;
    const isOver = end === this.#moments.length;
    if (isOver) this.stop();
    if (events.length > 0) this.#emit({ type: 'replayed', events, playing: !isOver });
  }
}
