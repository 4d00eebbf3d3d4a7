// The points of the chart: for each mode, the latest speed measured at each position. A position is a token's
// place in the text, counted from 1: at position 100, a text has 100 tokens.
import { Log } from './log.js';
import { RECENT, median, msOf } from './meter.js';

/** @import { Burst } from '../worker/messages.js' */

const REACH = /** @type {const} */ ([10, 10_000]); // tokens per second: three decades at least
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
 * @property {readonly [number, number]} reach  the least and the greatest speed that the axis shows
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
  { past: { on: [], off: [] }, run: { on: new Log(), off: new Log() }, expected: 0, reach: REACH });

/** A run begins: what was measured before lies beneath it. @param {Curves} curves  @returns {Curves} */
export const beginRun = (curves) => ({
  past: { on: columnOf(curves, 'on'), off: columnOf(curves, 'off') },
  run: noCurves().run,
  expected: curves.expected,
  reach: curves.reach,
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
  const next = { ...curves, run: { ...curves.run, [mode]: points.append(burst) } };
  const speed = 1000 / steadyMs(next.run[mode], burst);
  return { ...next, reach: [Math.min(curves.reach[0], speed), Math.max(curves.reach[1], speed)] };
}

/** @param {Curves} curves  @param {Mode} mode */
const lengthOf = ({ past, run }, mode) => Math.max(past[mode].length, run[mode].length);

/** Positions of the chart: one more than the last one measured. @param {Curves} curves */
export const lengthOfCurves = (curves) => Math.max(lengthOf(curves, 'on'), lengthOf(curves, 'off'));

/**
 * Tokens per second, by the newest run that was measured there.
 * @param {Curves} curves  @param {Mode} mode  @param {number} position
 */
export const speedAt = (curves, mode, position) => (
  runSpeedAt(curves, mode, position) ?? pastSpeedAt(curves, mode, position));

/** In the runs before. @param {Curves} curves  @param {Mode} mode  @param {number} position */
export const pastSpeedAt = ({ past }, mode, position) => past[mode][position] ?? null;

/**
 * In the current run: the speed of a burst in its middle, and between two middles what lies between them.
 * @param {Curves} curves  @param {Mode} mode  @param {number} position
 */
export function runSpeedAt({ run }, mode, position) {
  const points = run[mode];
  const burst = points.at(position);
  if (!burst) return null;
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
 * The two modes compared where the current run says most: at its last flip of the switch or, if it has none,
 * at the furthest positions that both were measured at, one of them at least in this run.
 * @param {Curves} curves
 * @returns {Contrast | undefined}
 */
export const contrast = (curves) => flipContrast(curves) ?? sharedContrast(curves);

/** On both sides of the flip. @param {Curves} curves  @returns {Contrast | undefined} */
function flipContrast(curves) {
  const { on, off } = curves.run;
  /** @param {number} position  @returns {Mode | undefined} */
  const modeAt = (position) => {
    const [cached, uncached] = [on.at(position), off.at(position)];
    if (!cached === !uncached) return undefined; // measured in neither mode, or in both
    return cached ? 'on' : 'off';
  };
  for (let position = Math.min(on.length, off.length); position > 1; position--) {
    const [mode, before] = [modeAt(position), modeAt(position - 1)];
    if (!mode || !before || mode === before) continue;
    const speed = /** @type {number} */ (runSpeedAt(curves, mode, position));
    const speedBefore = /** @type {number} */ (runSpeedAt(curves, before, position - 1));
    const [fast, slow] = mode === 'on' ? [speed, speedBefore] : [speedBefore, speed];
    return { position, on: fast, off: slow, atFlip: true };
  }
  return undefined;
}

/** Medians over the same positions. @param {Curves} curves  @returns {Contrast | undefined} */
function sharedContrast(curves) {
  const { past, run } = curves;
  /** @type {number[]} from the end */
  const shared = [];
  for (let at = Math.max(run.on.length, run.off.length) - 1; at > 0 && shared.length < CONTRAST; at--) {
    const [on, off] = [run.on.at(at), run.off.at(at)];
    if ((on ?? past.on[at]) && (off ?? past.off[at]) && (on || off)) shared.push(at);
  }
  if (shared.length === 0) return undefined;
  const [on, off] = MODES.map((mode) => (
    median(shared.map((at) => /** @type {number} */ (speedAt(curves, mode, at))))));
  return { position: shared[(shared.length - 1) >> 1], on, off, atFlip: false };
}
