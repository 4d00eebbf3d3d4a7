// From the milliseconds of single tokens to speeds worth showing. A browser's clock ticks every 0.1 ms
// and a cached token takes about that long, so a speed is always that of a window of tokens.

export const WINDOW = 16;   // tokens
const FEW = 4;              // tokens: so many at least, or a single interruption would be all there is,
const ENOUGH_MS = 2;        // and so long that the clock's tick is at most 5 %;
const LONG_MS = 20;         // one token that took so long says enough
const CONTRAST = 32;        // positions over which the two modes are compared
const INTERRUPTED = 3;      // a token of so many times the median was interrupted by another program

/** Tokens per second over a window, interrupted tokens left out; undefined while it is too short to tell. @param {number[]} window */
function speedOf(window) {
  const limit = INTERRUPTED * median(window) + 0.3; // the clock's ticks must not look like interruptions
  const kept = window.filter((ms) => ms <= limit);
  const total = kept.reduce((sum, ms) => sum + ms, 0);
  const enough = total >= (window.length < FEW ? LONG_MS : ENOUGH_MS) || (total > 0 && window.length === WINDOW);
  return enough ? 1000 * kept.length / total : undefined;
}

/** @param {number[]} values  one at least */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The speeds of one run in one mode. A stretch is a row of tokens without a flip of the switch between. */
export class Meter {
  /** @type {number[]} the last tokens of this stretch, ms */
  #window = [];
  /** @type {number[]} speeds of the full windows, one after the other */
  #speeds = [];
  #stretch = 0;

  /** Tokens measured. */
  count = 0;
  /** Tokens per second over the last window; undefined while that is too short to tell. @type {number | undefined} */
  now;

  /** A new stretch begins: its windows hold none of the tokens before. */
  breakStretch() {
    this.#window = [];
    this.#stretch = 0;
  }

  /** @param {number} ms  of computing one token */
  add(ms) {
    this.count++;
    this.#stretch++;
    this.#window.push(ms);
    if (this.#window.length > WINDOW) this.#window.shift();
    this.now = speedOf(this.#window) ?? this.now;
    if (this.#stretch % WINDOW === 0 && this.now !== undefined) this.#speeds.push(this.now);
  }

  /** Windows that the median is over. */
  get windows() {
    return this.#speeds.length;
  }

  /** The median speed of the full windows; of the last one while none is full. */
  get median() {
    return this.#speeds.length > 0 ? median(this.#speeds) : this.now;
  }
}

/** The points of the chart: for each mode, the latest speed measured at each position. */
export class Curves {
  /** @type {{ on: (number | null)[], off: (number | null)[] }} by position */
  #speeds = { on: [], off: [] };
  /** The positions that the current run will reach; the axis shows them from its start. */
  expected = 0;

  /** @param {'on' | 'off'} mode  @param {number} position  @param {number} speed */
  set(mode, position, speed) {
    const row = this.#speeds[mode];
    while (row.length < position) row.push(null);
    row[position] = speed;
  }

  clear() {
    this.#speeds = { on: [], off: [] };
    this.expected = 0;
  }

  /** Positions of the table and the chart: one more than the last one measured. */
  get length() {
    return Math.max(this.#speeds.on.length, this.#speeds.off.length);
  }

  /** @param {'on' | 'off'} mode  @param {number} position */
  at(mode, position) {
    return this.#speeds[mode][position] ?? null;
  }

  /** The last point of a curve. @param {'on' | 'off'} mode */
  last(mode) {
    const position = this.#speeds[mode].length - 1;
    return position < 0 ? undefined : { position, speed: /** @type {number} */ (this.#speeds[mode][position]) };
  }

  /** The furthest positions where both modes were measured, and the median speeds there. */
  get contrast() {
    const shared = this.columns[0].filter((at) => this.at('on', at) !== null && this.at('off', at) !== null).slice(-CONTRAST);
    if (shared.length === 0) return undefined;
    /** @type {(mode: 'on' | 'off') => number} */
    const speed = (mode) => median(shared.map((at) => /** @type {number} */ (this.at(mode, at))));
    return { position: shared[shared.length >> 1], on: speed('on'), off: speed('off') };
  }

  /** Columns as uPlot takes them: positions, cached speeds, uncached speeds. */
  get columns() {
    const positions = Array.from({ length: this.length }, (_, position) => position);
    /** @type {(mode: 'on' | 'off') => (number | null)[]} */
    const column = (mode) => positions.map((position) => this.at(mode, position));
    return /** @type {[number[], (number | null)[], (number | null)[]]} */ ([positions, column('on'), column('off')]);
  }
}
