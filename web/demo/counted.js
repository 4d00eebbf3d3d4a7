// The speeds as they would be if the time of a token went by its multiply-adds alone. Those are counted, from
// the model's shape and the position; one factor for each mode fits them to what was measured. Pure.
import { MODES, lengthOfCurves, speedAt } from './curves.js';
import { multiplyAdds } from '../measure/analysis.js';
import { sparedBy } from './sliding.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Curves, Mode } from './curves.js'
 * @import { Slide } from './sliding.js'
 *
 * What else the work goes by: tokens of a source, which a cross cache keeps; how the cache slides.
 * @typedef {{ source?: number, slide?: Slide }} Beside
 *
 * @typedef {object} Counted
 * @property {Mode} mode
 * @property {number} first  the first position that either mode was measured at
 * @property {(position: number) => number} speedAt
 */

const SAMPLES = 64; // that the factor is fitted to, about: not more in a longer run

/** By position; counted once, of the newest source and slide. */
const counted = /** @type {WeakMap<Readonly<Config>, Record<Mode, number[]> & { key: string }>} */ (
  new WeakMap());

/**
 * Multiply-adds of the pass that gives one token.
 * @param {Readonly<Config>} config  @param {Mode} mode  @param {number} position
 * @param {Beside} beside
 */
function workAt(config, mode, position, { source = 0, slide }) {
  const before = counted.get(config);
  const key = `${source},${slide?.slots}`;
  const known = before?.key === key ? before : { on: [], off: [], key };
  counted.set(config, known);
  const first = mode === 'on' ? position - 1 : 0;
  known[mode][position] ??= multiplyAdds(config, first, position, source).total
    - sparedBy(config, first, position, slide);
  return known[mode][position];
}

/**
 * For each mode that was measured. Least squares of the logarithms, because the axis is one.
 * @param {Curves} curves  @param {Readonly<Config>} [config]
 * @param {Beside} [beside]
 * @returns {Counted[]}
 */
export function countedOf(curves, config, beside = {}) {
  const length = lengthOfCurves(curves);
  if (!config || length === 0) return [];
  let first = 1;
  while (first < length && MODES.every((mode) => speedAt(curves, mode, first) === null)) first++;
  return MODES.flatMap((mode) => {
    const { length: end } = curves.run[mode].length > 0 ? curves.run[mode] : curves.past[mode];
    /** @type {number[]} */
    const logs = [];
    for (let at = end - 1; at >= first; at -= Math.ceil(end / SAMPLES)) {
      const speed = speedAt(curves, mode, at);
      if (speed !== null) logs.push(Math.log(speed * workAt(config, mode, at, beside)));
    }
    if (logs.length === 0) return [];
    const factor = Math.exp(logs.reduce((sum, each) => sum + each) / logs.length);
    return { mode, first, speedAt: (position) => factor / workAt(config, mode, position, beside) };
  });
}
