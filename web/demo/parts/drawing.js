// The chart's geometry: from curves to lines, ticks and labels in a box of some size. Pure, so that a picture
// of a run can be drawn where there is no document.
import { MODES, lastPoint, lengthOfCurves, pastSpeedAt, runSpeedAt } from '../curves.js';

/**
 * @import { Counted } from '../counted.js'
 * @import { Curves, Mode } from '../curves.js'
 */

/**
 * @typedef {object} Box  in CSS pixels
 * @property {number} width
 * @property {number} height
 * @property {number} em  size of its text
 *
 * @typedef {object} Frame  what the lines are drawn in; stays as it is while a run fits it
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 * @property {number} length           positions on the axis
 * @property {[number, number]} speeds  at the axis's ends, whole decades
 *
 * @typedef {{ at: number, value: number }} Tick  at: in pixels
 *
 * @typedef {object} End  of a line: its mark, and where its name goes
 * @property {Mode} mode
 * @property {number} x
 * @property {number} y
 * @property {number} textX
 * @property {number} textY
 * @property {'start' | 'end'} anchor
 * @property {number} width  of its name, about
 */

const LEAST_LENGTH = 64;
const USUAL_LENGTH = 1000; // until a run is under way
const LEAST_STEP = 0.75; // px from one point of a line to the next
const WIDE = 0.62; // em of a character, about
const SMOOTH_STEP = 4;   // of one that does not waver

/** @param {Curves} curves  @param {Box} box  @returns {Frame} */
export function frameOf(curves, { width, height, em }) {
  const left = 4.4 * em; // "10,000"
  const top = 0.8 * em;
  return {
    left, top, right: Math.max(left + 8, width - 1.6 * em), bottom: Math.max(top + 8, height - 3.2 * em),
    length: Math.max(LEAST_LENGTH, curves.expected || USUAL_LENGTH, lengthOfCurves(curves) - 1),
    speeds: decades(curves),
  };
}

/** Whole decades that hold every point. @param {Curves} curves  @returns {[number, number]} */
const decades = ({ reach: [low, high] }) => (
  [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high))]);

/** @param {Frame} frame  @param {number} position */
export const xOf = ({ left, right, length }, position) => left + (right - left) * position / length;

/** @param {Frame} frame  @param {number} speed */
export const yOf = ({ top, bottom, speeds: [low, high] }, speed) => (
  bottom - (bottom - top) * Math.log10(speed / low) / Math.log10(high / low));

/** The position at a place in the box. @param {Frame} frame  @param {number} x */
export const positionAt = ({ left, right, length }, x) => (
  Math.round(Math.min(1, Math.max(0, (x - left) / (right - left))) * length));

/** @param {Frame} frame  @returns {Tick[]} */
export function speedTicks(frame) {
  const [low, high] = frame.speeds;
  const ticks = [];
  for (let value = low; value <= high; value *= 10) ticks.push({ at: yOf(frame, value), value });
  return ticks;
}

/** At round positions. @param {Frame} frame  @param {number} em  of their words  @returns {Tick[]} */
export function positionTicks(frame, em) {
  const most = (frame.right - frame.left) / (4 * em);
  const steps = [1, 10, 100, 1000, 10_000, 100_000].flatMap((unit) => [unit, 2 * unit, 5 * unit]);
  const step = steps.find((each) => frame.length / each <= most) ?? frame.length;
  const ticks = [];
  for (let value = 0; value <= frame.length; value += step) ticks.push({ at: xOf(frame, value), value });
  return ticks;
}

/**
 * The newest run's line of a mode, as the data of an SVG path.
 * @param {Frame} frame  @param {Curves} curves  @param {Mode} mode
 */
export const runLine = (frame, curves, mode) => (
  line(frame, curves.run[mode].length, (position) => runSpeedAt(curves, mode, position)));

/** That of all runs before it. @param {Frame} frame  @param {Curves} curves  @param {Mode} mode */
export const pastLine = (frame, curves, mode) => (
  line(frame, curves.past[mode].length, (position) => pastSpeedAt(curves, mode, position)));

/** Up to the end of the axis, where it shows such speeds. @param {Frame} frame  @param {Counted} counted */
export function countedLine(frame, { first, speedAt }) {
  const [low, high] = frame.speeds;
  return line(frame, frame.length + 1, (position) => {
    const speed = speedAt(position);
    return speed >= low && speed <= high ? speed : null;
  }, first, SMOOTH_STEP);
}

/**
 * @param {Frame} frame  @param {number} length  @param {(position: number) => number | null} speedAt
 * @param {number} [first]  position  @param {number} [least]  px from one point to the next
 */
function line(frame, length, speedAt, first = 0, least = LEAST_STEP) {
  const step = Math.max(1, Math.ceil(least * frame.length / (frame.right - frame.left)));
  let path = '';
  let pen = 'M';
  for (let position = first; position < length; position += step) {
    const speed = speedAt(position);
    if (speed === null) {
      pen = 'M';
      continue;
    }
    path += `${pen}${xOf(frame, position).toFixed(1)} ${yOf(frame, speed).toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

/**
 * Where each line has come to, and the place of its name.
 * @param {Frame} frame  @param {Curves} curves  @param {number} em  @param {Record<Mode, string>} names
 */
export function endsOf(frame, curves, em, names) {
  const ends = MODES.flatMap((mode) => endOf(frame, curves, em, mode, names[mode]));
  const [a, b] = ends;
  const missing = b && Math.abs(a.textX - b.textX) < 7 * em ? 1.3 * em - Math.abs(a.textY - b.textY) : 0;
  if (missing > 0) { // one name would lie over the other
    const push = a.textY <= b.textY ? missing / 2 : -missing / 2;
    a.textY -= push;
    b.textY += push;
  }
  return ends;
}

/**
 * Its name stands to the right of an end where that fits, or else above the line with the cache and below the
 * one without, which sinks.
 * @param {Frame} frame  @param {Curves} curves  @param {number} em  @param {Mode} mode  @param {string} name
 * @returns {End[]}  one, or none
 */
function endOf(frame, curves, em, mode, name) {
  const last = lastPoint(curves, mode);
  if (!last) return [];
  const [x, y] = [xOf(frame, last.position), yOf(frame, last.speed)];
  const width = WIDE * em * name.length;
  if (x + 0.8 * em + width <= frame.right + em) {
    return [{ mode, x, y, textX: x + 0.7 * em, textY: y + 0.35 * em, anchor: 'start', width }];
  }
  const above = mode === 'on' || y + 1.8 * em > frame.bottom;
  const textY = above ? y - 0.8 * em : y + 1.5 * em;
  return [{ mode, x, y, textX: Math.min(x + 0.3 * em, frame.right), textY, anchor: 'end', width }];
}

/**
 * The place of the word for what is counted: one for both lines, where the lower one ends, above it if it is
 * that without the cache, and above the name of a line that would lie beneath.
 * @param {Frame} frame  @param {readonly Counted[]} counted  @param {readonly End[]} ends
 * @param {number} em  @param {string} word
 */
export function countedEnd(frame, counted, ends, em, word) {
  const lower = counted[counted.length - 1];
  if (!lower) return undefined;
  const { mode, first, speedAt } = lower;
  let at = frame.length;
  while (at > first && speedAt(at) < frame.speeds[0]) at -= Math.ceil(frame.length / 64);
  const [x, line] = [xOf(frame, Math.max(first, at)), yOf(frame, speedAt(Math.max(first, at)))];
  const y = mode === 'on' ? line + 1.4 * em : line - em;
  const left = x - WIDE * em * word.length;
  const over = ends.find(({ textX, textY, anchor, width }) => {
    const begin = anchor === 'end' ? textX - width : textX;
    return begin < x && begin + width > left && Math.abs(textY - y) < 1.2 * em;
  });
  return { x, y: over ? over.textY - 1.3 * em : y };
}
