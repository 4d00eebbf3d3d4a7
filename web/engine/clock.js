// A clock that ticks, read as finely as it lets itself be read. Browsers make performance.now() coarse: ticks
// of 0.1 ms in one, of 1 ms in another, of 16.7 or 100 ms where tracking is fought. Two things help: to begin
// on a tick's edge, where the time is exact; and to count, at the end, the looks at the clock until its next
// tick, and then those of one whole tick: the first over the second is the part of a tick that was left.
// (Schwarz et al., "Fantastic Timers and Where to Find Them", 2017.)

const EDGES = 8;          // between which the tick is looked for
const SEARCH_MS = 200;    // and then no longer
const TICKS = 20;         // of a measurement: what a tick hides is at most 5 % of it
const LEAST_MS = 8;       // of a measurement: shorter ones tell of the moment and not of the machine
const MOST_MS = 50;       // of a measurement: whoever waits for its end must not notice

export class Clock {
  #now;
  /** Milliseconds from one tick to the next. */
  tick;
  /** Milliseconds that a measurement should last. */
  span;

  /** Takes a few ticks to find out how long one is. @param {() => number} [now]  in milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
    this.tick = this.#findTick();
    this.span = Math.min(MOST_MS, Math.max(LEAST_MS, TICKS * this.tick));
  }

  /** The shortest of several: between two looks, the thread may have slept through some. */
  #findTick() {
    const start = this.edge();
    let tick = Infinity;
    for (let i = 0, last = start; i < EDGES && (i === 0 || last - start < SEARCH_MS); i++) {
      const next = this.edge();
      tick = Math.min(tick, next - last);
      last = next;
    }
    return tick;
  }

  /** The time of the last tick. */
  now() {
    return this.#now();
  }

  /** Waits for the next tick; returns its time. Spins: nothing else runs meanwhile. */
  edge() {
    return this.#wait().at;
  }

  /** The time when this was called, between two ticks. Spins for up to two of them. */
  read() {
    const rest = this.#wait();
    const whole = this.#wait();
    const msPerLook = (whole.at - rest.at) / whole.looks;
    return rest.at - Math.min(this.tick, rest.looks * msPerLook);
  }

  /** Waits for the next tick and counts the looks at the clock. */
  #wait() {
    const from = this.#now();
    let at;
    let looks = 0;
    do {
      at = this.#now();
      looks++;
    } while (at === from);
    return { at, looks };
  }
}

/** @type {Clock | undefined} */
let shared;

/** The clock of this thread, made when it is first wanted. */
export const threadClock = () => shared ??= new Clock();
