// A small chart: lines over the tokens of a text, and marks where something begins.
import { set, svg } from './dom.js';

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ kind: string, points: readonly Point[] }} Line  kind: its class
 *
 * @typedef {object} Lines
 * @property {readonly Line[]} lines
 * @property {readonly { x: number, words: string }[]} marks
 * @property {number} right  where the text ends
 * @property {readonly number[]} ticks  of y: the first and the last are the ends
 * @property {(y: number) => string} label  of a tick
 * @property {(x: number) => string} counted
 */

const HEIGHT = 190;
const PLOT = { left: 58, top: 20, bottom: 24, right: 8 };

/**
 * @param {number} x  @param {number} y  @param {string} said  @param {'start' | 'end'} [anchor]  where x is
 */
const words = (x, y, said, anchor = 'start') => (
  svg('text', { class: 'lines-tick', x, y, 'text-anchor': anchor }, said));

/** @param {string} part */
export function linesChart(part) {
  const node = /** @type {SVGSVGElement} */ (svg('svg', { class: 'lines', part, role: 'img' }));
  /** @param {Lines} what  @param {number} room  in px  @param {string} said  for those who do not see it */
  const show = ({ lines, marks, right, ticks, label, counted }, room, said) => {
    set(node, { width: room, height: HEIGHT, viewBox: `0 0 ${room} ${HEIGHT}`, 'aria-label': said });
    const [least, most] = [ticks[0], ticks[ticks.length - 1]];
    const [end, foot] = [room - PLOT.right, HEIGHT - PLOT.bottom];
    const wide = room - PLOT.left - PLOT.right;
    const high = HEIGHT - PLOT.top - PLOT.bottom;
    const x = (/** @type {number} */ value) => PLOT.left + wide * value / right;
    const y = (/** @type {number} */ value) => PLOT.top + high * (1 - (value - least) / (most - least));
    node.replaceChildren(
      ...ticks.flatMap((tick) => [
        svg('line', { class: 'lines-grid', x1: PLOT.left, x2: end, y1: y(tick), y2: y(tick) }),
        words(PLOT.left - 6, y(tick) + 5, label(tick), 'end'),
      ]),
      ...marks.flatMap((mark, i) => [
        svg('line', { class: 'lines-mark', x1: x(mark.x), x2: x(mark.x), y1: PLOT.top, y2: foot }),
        words(x(mark.x) + 4, PLOT.top - 6 + (i % 2) * 16, mark.words),
      ]),
      ...lines.map(({ kind, points }) => svg('polyline', {
        class: `lines-line ${kind}`,
        points: points.map((point) => `${x(point.x)},${y(point.y)}`).join(' '),
      })),
      words(end, HEIGHT - 4, counted(right), 'end'), words(PLOT.left, HEIGHT - 4, '0'));
  };
  return { node, show };
}

/** Round numbers from at most the least to at least the most. @param {number} least  @param {number} most */
export function ticksFor(least, most) {
  const raw = (most - least || most || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((digit) => digit * power).find((each) => each >= raw) ?? 10 * power;
  const first = Math.floor(least / step);
  return Array.from({ length: Math.ceil(most / step) - first + 1 }, (_, i) => (first + i) * step);
}
