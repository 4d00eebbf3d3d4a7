// From the milliseconds of single tokens to speeds worth showing. A browser's clock ticks every 0.1 ms
// and a cached token takes about that long, so a speed is always that of a window of tokens.

export const WINDOW = 16;   // tokens
const ENOUGH_MS = 2;        // a shorter window is shown once the clock's tick is at most 5 % of it

/**
 * The speeds of one run in one mode. A stretch is a row of tokens without a flip of the switch between.
 */
export class Meter {
  /** @type {number[]} the last tokens of this stretch, ms */
  #window = [];
  /** @type {number[]} speeds of the full windows, one after the other */
  #speeds = [];
  #inWindow = 0;

  /** Tokens measured. */
  count = 0;
  /** Tokens per second over the last window; undefined while that is too short to tell. @type {number | undefined} */
  now;

  /** A new stretch begins: its windows hold none of the tokens before. */
  breakStretch() {
    this.#window = [];
    this.#inWindow = 0;
  }

  /** @param {number} ms  of computing one token */
  add(ms) {
    this.count++;
    this.#window.push(ms);
    if (this.#window.length > WINDOW) this.#window.shift();
    const total = this.#window.reduce((sum, x) => sum + x, 0);
    const full = this.#window.length === WINDOW;
    if (total > 0 && (full || total >= ENOUGH_MS)) this.now = 1000 * this.#window.length / total;
    if (++this.#inWindow < WINDOW || this.now === undefined) return;
    this.#inWindow = 0;
    this.#speeds.push(this.now);
  }

  /** Windows that the median is over. */
  get windows() {
    return this.#speeds.length;
  }

  /** The median speed of the full windows; of the last one while none is full. */
  get median() {
    if (this.#speeds.length === 0) return this.now;
    const sorted = [...this.#speeds].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
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

  /** The furthest position where both modes were measured, with the two speeds there. */
  get contrast() {
    for (let position = this.length - 1; position >= 0; position--) {
      const on = this.at('on', position);
      const off = this.at('off', position);
      if (on !== null && off !== null) return { position, on, off };
    }
    return undefined;
  }

  /** Columns as uPlot takes them: positions, cached speeds, uncached speeds. */
  get columns() {
    const positions = Array.from({ length: this.length }, (_, position) => position);
    /** @type {(mode: 'on' | 'off') => (number | null)[]} */
    const column = (mode) => positions.map((position) => this.at(mode, position));
    return /** @type {[number[], (number | null)[], (number | null)[]]} */ ([positions, column('on'), column('off')]);
  }
}

// ---- how numbers are written ------------------------------------------------------------------

const threeDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en');

/** Three digits: the measurement knows no more. @param {number} value */
export const measured = (value) => threeDigits.format(value);
/** @param {number} value */
export const counted = (value) => whole.format(value);
/** @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
