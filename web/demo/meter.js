// From the milliseconds of single tokens to speeds worth showing. A browser's clock ticks every 0.1 ms and a
// cached token takes about that long, so a speed is always that of a window of tokens.
import { Log } from './log.js';

export const WINDOW = 16;   // tokens
const FEW = 4;              // tokens: in a shorter window a single interruption could be all there is,
const ENOUGH_MS = 2;        // and in a window of at least this time the clock's tick is at most 5 %;
const LONG_MS = 20;         // one token that took so long says enough
const INTERRUPTED = 3;      // a token of more than this many medians was interrupted by another program
const TICK_MS = 0.3;        // the clock's ticks must not look like interruptions

/**
 * The speeds of one run in one mode. A stretch is a row of tokens without a flip of the switch between them.
 * @typedef {object} Meter
 * @property {number} count               tokens measured
 * @property {number} stretch             tokens measured in this stretch
 * @property {readonly number[]} window   the last of them, ms
 * @property {Log<number>} speeds         of the full windows, one after another
 * @property {number} [now]               tokens per second over the last window; absent if that is too short
 */

/** @returns {Meter} */
export const newMeter = () => ({ count: 0, stretch: 0, window: [], speeds: new Log() });

/**
 * A new stretch begins: its windows hold none of the tokens before.
 * @param {Meter} meter
 * @returns {Meter}
 */
export const breakStretch = (meter) => ({ ...meter, stretch: 0, window: [] });

/** @param {Meter} meter  @param {number} ms  of computing one token  @returns {Meter} */
export function measure(meter, ms) {
  const window = [...meter.window.slice(1 - WINDOW), ms];
  const stretch = meter.stretch + 1;
  const now = speedOf(window) ?? meter.now;
  const full = stretch % WINDOW === 0 && now !== undefined;
  const speeds = full ? meter.speeds.append(now) : meter.speeds;
  return { count: meter.count + 1, stretch, window, speeds, now };
}

/** The median speed of the full windows; of the last window while none is full. @param {Meter} meter */
export const medianSpeed = ({ speeds, now }) => (speeds.length > 0 ? median([...speeds]) : now);

/**
 * Tokens per second over a window, without interrupted ones; undefined while it is too short to tell.
 * @param {readonly number[]} window
 */
function speedOf(window) {
  const limit = INTERRUPTED * median(window) + TICK_MS;
  const kept = window.filter((ms) => ms <= limit);
  const total = kept.reduce((sum, ms) => sum + ms, 0);
  const needed = window.length < FEW ? LONG_MS : ENOUGH_MS;
  return total >= needed || (total > 0 && window.length === WINDOW) ? 1000 * kept.length / total : undefined;
}

/** @param {readonly number[]} values  one at least */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
