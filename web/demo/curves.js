// The points of the chart: for each mode, the latest speed measured at each position. A position is a token's
// place in the text, counted from 1: at position 100, a text has 100 tokens.
import { Log } from './log.js';
import { RECENT, median, msOf } from './meter.js';

/** @import { Burst } from '../worker/messages.js' */

const CONTRAST = 32; // positions over which the two modes are compared

/** @typedef {'on' | 'off'} Mode  whether the cache is used */
/** @typedef {readonly (number | null)[]} Column  by position; null: not measured */

/**
 * The current run only appends, so a point costs O(1); the speeds of all earlier runs lie beneath, merged
 * once a run.
 * @typedef {object} Curves
 * @property {Record<Mode, Column>} past
 * @property {Record<Mode, Log<Burst | null>>} run  by position as well; its last item is a burst
 * @property {number} expected  positions that the current run will reach; the axis shows them from its start
 *
 * @typedef {object} Contrast  what the two modes do at the same place
 * @property {number} position
 * @property {number} on       tokens per second
 * @property {number} off
 * @property {boolean} atFlip  on one side of a flip each, because they share no position
 */

/** @type {readonly Mode[]} */
export const MODES = ['on', 'off'];

/** @returns {Curves} */
export const noCurves = () => (
  { past: { on: [], off: [] }, run: { on: new Log(), off: new Log() }, expected: 0 });

/** A run begins: what was measured before lies beneath it. @param {Curves} curves  @returns {Curves} */
export const beginRun = (curves) => ({
  past: { on: columnOf(curves, 'on'), off: columnOf(curves, 'off') },
  run: noCurves().run,
  expected: curves.expected,
});

/**
 * @param {Curves} curves  @param {Mode} mode
 * @param {number} position  beyond those this run has a point at
 * @param {Burst} burst      that tells the speed there
 * @returns {Curves}
 */
export function addPoint(curves, mode, position, burst) {
  let points = curves.run[mode];
  while (points.length < position) points = points.append(null);
  return { ...curves, run: { ...curves.run, [mode]: points.append(burst) } };
}

/** @param {Curves} curves  @param {Mode} mode */
const lengthOf = ({ past, run }, mode) => Math.max(past[mode].length, run[mode].length);

/** Positions of the chart: one more than the last one measured. @param {Curves} curves */
export const lengthOfCurves = (curves) => Math.max(lengthOf(curves, 'on'), lengthOf(curves, 'off'));

/**
 * Tokens per second: those of a burst in its middle, and between two middles what lies between them.
 * @param {Curves} curves  @param {Mode} mode  @param {number} position
 */
export function speedAt({ past, run }, mode, position) {
  const points = run[mode];
  const burst = points.at(position);
  if (!burst) return past[mode][position] ?? null;
  const middle = middleOf(burst);
  const neighbour = (position < middle ? before : after)(points, burst);
  const ms = steadyMs(points, burst);
  if (!neighbour) return 1000 / ms;
  const share = (position - middle) / (middleOf(neighbour) - middle);
  return 1000 / (ms + share * (steadyMs(points, neighbour) - ms));
}

/** @typedef {Log<Burst | null>} Points */

/** The positions of a burst are first + 1 .. first + tokens. @param {Burst} burst */
const middleOf = ({ first, tokens }) => first + (tokens + 1) / 2;

/** The burst that was measured right before another one. @param {Points} points  @param {Burst} [burst] */
const before = (points, burst) => burst && other(points.at(burst.first), burst);

/** Right after it. @param {Points} points  @param {Burst} [burst] */
const after = (points, burst) => burst && other(points.at(burst.first + burst.tokens + 1), burst);

/** @param {Burst | null | undefined} found  @param {Burst} burst */
const other = (found, burst) => (found && found.first !== burst.first ? found : undefined);

/**
 * Milliseconds of a token: the middle one of three bursts, because the machine may have paused in one.
 * @param {Points} points  @param {Burst} burst
 */
function steadyMs(points, burst) {
  const [left, right] = [before(points, burst), after(points, burst)];
  const window = [left ?? after(points, right), burst, right ?? before(points, left)];
  const bursts = window.filter((one) => one !== undefined);
  return bursts.length === RECENT ? median(bursts.map(msOf)) : msOf(burst);
}

/**
 * A whole curve, or as long as wanted.
 * @param {Curves} curves  @param {Mode} mode  @param {number} [length]
 */
export const columnOf = (curves, mode, length = lengthOf(curves, mode)) => (
  Array.from({ length }, (_, position) => speedAt(curves, mode, position)));

/**
 * The newest point: the last one of this run or, if it has none, of the curve.
 * @param {Curves} curves  @param {Mode} mode
 */
export function lastPoint(curves, mode) {
  const position = (curves.run[mode].length || curves.past[mode].length) - 1;
  const speed = speedAt(curves, mode, position);
  return speed === null ? undefined : { position, speed };
}

/**
 * The two modes compared where that says most: at the furthest positions that both were measured at, or, if
 * there is none, at the last flip of the switch.
 * @param {Curves} curves
 * @returns {Contrast | undefined}
 */
export const contrast = (curves) => sharedContrast(curves) ?? flipContrast(curves);

/** Medians over the same positions. @param {Curves} curves  @returns {Contrast | undefined} */
function sharedContrast(curves) {
  /** @type {{ position: number, on: number, off: number }[]} from the end */
  const shared = [];
  for (let position = lengthOfCurves(curves) - 1; position > 0 && shared.length < CONTRAST; position--) {
    const [on, off] = [speedAt(curves, 'on', position), speedAt(curves, 'off', position)];
    if (on !== null && off !== null) shared.push({ position, on, off });
  }
  if (shared.length === 0) return undefined;
  const { position } = shared[(shared.length - 1) >> 1];
  const [on, off] = MODES.map((mode) => median(shared.map((speeds) => speeds[mode])));
  return { position, on, off, atFlip: false };
}

/** @param {Curves} curves  @returns {Contrast | undefined} */
function flipContrast(curves) {
  for (let position = lengthOfCurves(curves) - 1; position > 1; position--) {
    for (const [here, before] of /** @type {[Mode, Mode][]} */ ([['on', 'off'], ['off', 'on']])) {
      const [after, earlier] = [speedAt(curves, here, position), speedAt(curves, before, position - 1)];
      if (after === null || earlier === null) continue;
      const speeds = here === 'on' ? { on: after, off: earlier } : { on: earlier, off: after };
      return { position, ...speeds, atFlip: true };
    }
  }
  return undefined;
}
