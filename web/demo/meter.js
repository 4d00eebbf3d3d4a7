// From measured bursts of tokens to speeds worth showing.

/** @import { Burst } from '../worker/messages.js' */

export const RECENT = 3; // bursts, of which the middle one counts: the machine may have paused in one

/**
 * The speed of one run in one mode.
 * @typedef {object} Meter
 * @property {number} count            tokens measured
 * @property {readonly Burst[]} recent the last bursts
 * @property {number} [now]            their tokens per second
 */

/** @returns {Meter} */
export const newMeter = () => ({ count: 0, recent: [] });

/** Takes in a token of a burst. @param {Meter} meter  @param {Burst} burst  @returns {Meter} */
export function measure({ count, recent, now }, burst) {
  if (recent.at(-1)?.first === burst.first) return { count: count + 1, recent, now };
  const next = [...recent, burst].slice(-RECENT);
  return { count: count + 1, recent: next, now: 1000 / median(next.map(msOf)) };
}

/** Milliseconds of each of its tokens. @param {Burst} burst */
export const msOf = ({ tokens, ms }) => ms / tokens;

/** @param {readonly number[]} values  one at least */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
