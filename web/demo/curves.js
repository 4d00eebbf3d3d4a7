// The points of the chart: for each mode, the latest speed measured at each position.
import { Log } from './log.js';
import { median } from './meter.js';

const CONTRAST = 32; // positions over which the two modes are compared

/** @typedef {'on' | 'off'} Mode  whether the cache is used */
/** @typedef {readonly (number | null)[]} Column  by position; null: not measured */

/**
 * The current run only appends, so a point costs O(1); the points of all earlier runs lie beneath, merged
 * once a run.
 * @typedef {object} Curves
 * @property {Record<Mode, Column>} past
 * @property {Record<Mode, Log<number | null>>} run  by position as well; its last item is a speed
 * @property {number} expected  positions that the current run will reach; the axis shows them from its start
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
 * @param {number} speed
 * @returns {Curves}
 */
export function addPoint(curves, mode, position, speed) {
  let points = curves.run[mode];
  while (points.length < position) points = points.append(null);
  return { ...curves, run: { ...curves.run, [mode]: points.append(speed) } };
}

/** @param {Curves} curves  @param {Mode} mode */
const lengthOf = ({ past, run }, mode) => Math.max(past[mode].length, run[mode].length);

/** Positions of the chart: one more than the last one measured. @param {Curves} curves */
export const lengthOfCurves = (curves) => Math.max(lengthOf(curves, 'on'), lengthOf(curves, 'off'));

/** @param {Curves} curves  @param {Mode} mode  @param {number} position */
export const speedAt = ({ past, run }, mode, position) => (
  run[mode].at(position) ?? past[mode][position] ?? null);

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
 * The furthest positions where both modes were measured, and the median speeds there.
 * @param {Curves} curves
 */
export function contrast(curves) {
  /** @type {{ position: number, on: number, off: number }[]} from the end */
  const shared = [];
  for (let position = lengthOfCurves(curves) - 1; position >= 0 && shared.length < CONTRAST; position--) {
    const [on, off] = [speedAt(curves, 'on', position), speedAt(curves, 'off', position)];
    if (on !== null && off !== null) shared.push({ position, on, off });
  }
  if (shared.length === 0) return undefined;
  const { position } = shared[(shared.length - 1) >> 1];
  return { position, on: median(shared.map(({ on }) => on)), off: median(shared.map(({ off }) => off)) };
}
