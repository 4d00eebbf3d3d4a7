// The difference of the logits, place by place, on a scale of decades: a stem for each place where there is
// one, a ring on the line at the bottom where all bits are the same.
import { set, svg } from './dom.js';

/**
 * @typedef {{ width: number, height: number, em: number }} Box  in CSS pixels
 *
 * @typedef {object} Chart
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} floor   where the smallest decade begins
 * @property {number} zero    where there is no difference
 * @property {{ at: number, value: number }[]} decades
 * @property {{ at: number, value: number }[]} positions  round ones, on the axis
 * @property {{ x: number, y: number, same: boolean }[]} marks
 * @property {number} step    from place to place
 *
 * @typedef {object} Seen
 * @property {readonly number[]} differences
 * @property {number} places
 * @property {number} first   position of the first place, from 1 on
 * @property {number} [wrong]  place of the first wrong token
 */

/** @param {Seen} seen  @param {Box} box  @returns {Chart} */
export function chartOf({ differences, places, first }, { width, height, em }) {
  const [left, right, top] = [3.4 * em, width - 0.5 * em, 1.6 * em];
  const zero = height - 3.2 * em;
  const floor = zero - 1.6 * em;
  const some = differences.filter((difference) => difference > 0);
  const low = Math.min(-2, ...some.map((difference) => Math.floor(Math.log10(difference))));
  const high = Math.max(1, ...some.map((difference) => Math.ceil(Math.log10(difference))));
  const step = (right - left) / places;
  const y = (/** @type {number} */ power) => floor - (floor - top) * (power - low) / (high - low);
  const x = (/** @type {number} */ place) => left + (place + 0.5) * step;
  const marks = differences.map((difference, i) => (
    { x: x(i), y: difference > 0 ? y(Math.log10(difference)) : zero, same: difference === 0 }));
  const decades = Array.from({ length: high - low + 1 }, (_, i) => (
    { at: y(low + i), value: 10 ** (low + i) }));
  const every = step * 10 > 3 * em ? 10 : 20;
  const positions = Array.from({ length: places }, (_, i) => ({ at: x(i), value: first + i }))
    .filter(({ value }) => value % every === 0);
  return { left, right, top, floor, zero, decades, positions, marks, step };
}

const EMPTY = /** @type {Seen} */ ({ differences: [], places: 41, first: 1 });

/**
 * @param {{ axis: string, zero: string, firstWrong: string }} words
 * @param {(value: number) => string} counted  @param {AbortSignal} signal  ends it
 */
export function logitsDrawing(words, counted, signal) {
  const scales = svg('g', { class: 'scales' });
  const [same, stems, tops, line] = ['same', 'stems', 'tops', 'parting'].map((name) => (
    svg('path', { class: `logit-${name}` })));
  const label = svg('text', { class: 'logit-label' });
  const node = /** @type {SVGSVGElement} */ (
    svg('svg', { class: 'logits', 'aria-hidden': 'true' }, scales, same, stems, tops, line, label));
  let seen = EMPTY;
  const draw = () => {
    const { clientWidth: width, clientHeight: height } = node;
    if (width === 0 || height === 0) return;
    const em = parseFloat(getComputedStyle(node).fontSize);
    set(node, { viewBox: `0 0 ${width} ${height}` });
    const chart = chartOf(seen, { width, height, em });
    const { left, right, top, floor, zero, marks, step } = chart;
    scales.replaceChildren(...scalesOf(chart, { width, height, em }, words, counted));
    const radius = Math.min(3, step / 3);
    set(same, { d: marks.filter((mark) => mark.same).map((mark) => ring(mark, radius)).join('') });
    const others = marks.filter((mark) => !mark.same);
    set(stems, { d: others.map((mark) => stem(mark, floor)).join('') });
    set(tops, { d: others.map((mark) => ring(mark, radius)).join('') });
    const x = seen.wrong === undefined ? undefined : left + (seen.wrong + 0.5) * step;
    set(line, { d: x === undefined ? '' : `M${x.toFixed(1)} ${top - 0.3 * em}V${zero}` });
    const isLeft = x !== undefined && x > (left + right) / 2;
    set(label, { x: x ?? 0, y: top - 0.6 * em, 'text-anchor': isLeft ? 'end' : 'start' });
    label.textContent = x === undefined ? '' : words.firstWrong;
  };
  const resized = new ResizeObserver(draw);
  resized.observe(node);
  signal.addEventListener('abort', () => resized.disconnect());
  return {
    node,
    /** @param {Seen} [now]  absent: there is nothing to be seen */
    show(now = EMPTY) {
      seen = now;
      draw();
    },
  };
}

/**
 * @param {Chart} chart  @param {Box} box
 * @param {{ axis: string, zero: string }} words  @param {(value: number) => string} counted
 */
function scalesOf({ left, right, zero, decades, positions }, { height, em }, words, counted) {
  const rule = (/** @type {number} */ at) => svg('path', { d: `M${left} ${at}H${right}` });
  const text = (/** @type {number} */ at, /** @type {string} */ words) => (
    svg('text', { x: left - 0.5 * em, y: at + 0.35 * em, 'text-anchor': 'end' }, words));
  return [
    ...decades.flatMap(({ at, value }) => [rule(at), text(at, powerOf(value, counted))]),
    rule(zero), text(zero, words.zero),
    ...positions.flatMap(({ at, value }) => [
      svg('path', { d: `M${at} ${zero + 0.5 * em}v${0.3 * em}` }),
      svg('text', { x: at, y: zero + 1.7 * em, 'text-anchor': 'middle' }, counted(value))]),
    svg('text', { x: (left + right) / 2, y: height - 0.2 * em, 'text-anchor': 'middle' }, words.axis),
  ];
}

/** @param {number} value  a decade  @param {(value: number) => string} counted */
const powerOf = (value, counted) => (
  value >= 1 ? counted(value) : `10⁻${superscript(-Math.round(Math.log10(value)))}`);

/** @param {number} number */
const superscript = (number) => [...String(number)].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');

/** @param {{ x: number, y: number }} mark  @param {number} floor */
const stem = ({ x, y }, floor) => `M${x.toFixed(1)} ${floor.toFixed(1)}V${y.toFixed(1)}`;

/** @param {{ x: number, y: number }} mark  @param {number} r */
const ring = ({ x, y }, r) => (
  `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0-${2 * r} 0`);
