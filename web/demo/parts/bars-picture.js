// The benchmark's bars as one drawing, to be taken away.
import { MODES } from '../curves.js';
import { speedUp } from '../../measure/figures.js';
import { svg } from './dom.js';

/**
 * @import { Spread } from '../../measure/benchmark.js'
 * @import { Row } from '../../measure/figures.js'
 * @import { Mode } from '../curves.js'
 * @import { Measured } from '../words/measured.js'
 */

const WIDTH = 560; // px, as all of these
const [LEFT, RIGHT] = [84, 84]; // for the words on both sides
const LINE = 24;

/**
 * For each kind of weights and each context two bars.
 * @param {Measured} words  @param {readonly Row[]} rows
 */
export function barsPicture(words, rows) {
  const { benchmark: { weights, after, timesAsFast } } = words;
  const most = Math.max(...rows.map(({ decode }) => decode.max));
  /** @type {SVGElement[]} */
  const shapes = [];
  let y = 0;
  /** @param {string} said  @param {Record<string, string | number>} [attributes] */
  const text = (said, attributes) => {
    shapes.push(svg('text', { x: 0, y: y + 16, fill: 'var(--ink)', ...attributes }, said));
  };
  for (const [i, row] of rows.entries()) {
    if (row.weights !== rows[i - 1]?.weights) {
      text(weights[/** @type {keyof typeof weights} */ (row.weights)], { 'font-weight': 600 });
      y += LINE;
    }
    text(`${after(row.context)}${row.uncached ? `: ${timesAsFast(speedUp(row))}` : ''}`);
    y += LINE;
    for (const mode of MODES) {
      const speed = mode === 'on' ? row.decode : row.uncached;
      const ink = `var(--${mode}-ink)`;
      text(words.cache[mode], { fill: ink });
      if (speed) shapes.push(...barOf(words, mode, speed, most, y));
      else text(words.benchmark.leftOut, { x: LEFT, fill: 'var(--muted)' });
      y += LINE;
    }
    y += LINE / 2;
  }
  const size = { width: WIDTH, height: y - LINE / 2, 'font-size': 15 };
  return /** @type {SVGSVGElement} */ (svg('svg', size, ...shapes));
}

/**
 * Up to the median, a line below it from the least to the greatest, and the number.
 * @param {Measured} words  @param {Mode} mode
 * @param {Spread} speed  @param {number} most  @param {number} y
 */
function barOf({ perSecond }, mode, { median, min, max }, most, y) {
  const scale = (WIDTH - LEFT - RIGHT) / most;
  return [
    svg('rect', { x: LEFT, y: y + 4, width: median * scale, height: 14, fill: `var(--${mode})` }),
    svg('rect', {
      x: LEFT + min * scale, y: y + 19, width: (max - min) * scale, height: 2, fill: 'var(--muted)' }),
    svg('text', { x: LEFT + max * scale + 8, y: y + 16, fill: 'var(--ink)' }, perSecond(median)),
  ];
}
