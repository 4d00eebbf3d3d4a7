// What a word has cost with each choice of caches that was tried, and whether a bit has changed.
import { BOTH, costOf, isSame, keyOf, traceOf } from '../sounds.js';
import { element, put, say } from './dom.js';

/**
 * @import { Tried, Way } from '../sounds.js'
 * @import { SOUNDS } from '../words/sounds.js'
 */

/** @type {readonly Way[]} */
const ORDER = [
  BOTH, { self: true, cross: false }, { self: false, cross: true }, { self: false, cross: false },
];

/** @param {(typeof SOUNDS)[string]} said */
export function soundsCosts(said) {
  const body = element('tbody');
  const head = (/** @type {string} */ words) => element('th', { scope: 'col' }, words);
  const table = element('table', { class: 'sounds-costs', part: 'sounds-costs' },
    element('caption', {}, said.costs),
    element('thead', {}, element('tr', {}, head(said.caches), head(said.time), head(said.macs))), body);
  const reading = element('p', { class: 'note' });
  const verdict = element('p', { class: 'sounds-proof', part: 'sounds-proof', 'data-verdict': 'none' });
  const node = element('div', { class: 'sounds-cost', hidden: true }, table, reading, verdict);
  /** @param {readonly Tried[]} tried  all of it shown  @param {Way} way  that stands now */
  const show = (tried, way) => {
    const cached = traceOf(tried, BOTH);
    node.hidden = !cached;
    if (!cached) return;
    const usual = costOf(cached, cached);
    const rows = ORDER.flatMap((each) => {
      const trace = traceOf(tried, each);
      return trace ? [{ way: each, cost: costOf(trace, cached) }] : [];
    });
    const most = Math.max(...rows.map(({ cost }) => cost.ms));
    body.replaceChildren(...rows.map((row) => {
      const isNow = keyOf(row.way) === keyOf(way);
      const isBoth = keyOf(row.way) === 'both';
      const factor = (/** @type {'ms' | 'macs'} */ name) => (
        isBoth ? '' : ` ${said.factor(row.cost[name] / usual[name])}`);
      const bar = element('span', { class: `sounds-length ${isBoth ? 'on' : 'off'}`, 'aria-hidden': 'true' });
      bar.style.setProperty('--length', String(row.cost.ms / most));
      return element('tr', isNow ? { 'aria-current': 'true' } : {},
        element('th', { scope: 'row' }, said.ways[keyOf(row.way)]),
        element('td', {}, bar, said.ms(row.cost.ms), element('strong', {}, factor('ms'))),
        element('td', {}, said.million(row.cost.macs), element('strong', {}, factor('macs'))));
    }));
    say(reading, said.reading(cached.reading.ms, cached.reading.macs, cached.reading.crossMacs));
    const equal = tried.every(({ trace }) => isSame(trace, cached));
    put(verdict, 'data-verdict', tried.length < 2 ? 'none' : equal ? 'equal' : 'different');
    const { length: steps, [steps - 1]: last } = cached.steps;
    say(verdict, tried.length < 2 ? said.once : !equal ? said.different
      : said.same({ steps, ways: tried.length, hash: last.hash }));
  };
  return { node, show };
}
