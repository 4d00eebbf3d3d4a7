// The chart's twin for those who cannot see it: its points in a table, folded away.
import { countedOf } from '../counted.js';
import { MODES, lastPoint, lengthOfCurves, speedAt } from '../curves.js';
import { button, element, put, say } from '../parts/dom.js';
import { plotPicture } from '../parts/plot.js';
import { toolsOf } from '../parts/tools.js';
import { besideOf, engineOf } from '../recorded.js';
import { initialState, isWorking } from '../state.js';
import { chartWords } from '../words.js';

/**
 * @import { Counted } from '../counted.js'
 * @import { Curves } from '../curves.js'
 * @import { Subject } from '../parts/tools.js'
 * @import { View } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 * @import { Numbers } from '../../measure/numbers.js'
 */

const MOST_ROWS = 64; // about

/** @type {View} */
export const table = {
  name: 'table',
  mount(root, context) {
    const { actions, signal, words } = context;
    const clear = button({ class: 'quiet', part: 'clear' }, words.chart.clear);
    const { table: said, cache, format } = words;
    const caption = element('caption', { part: 'data-caption' }, said.caption);
    const body = element('tbody');
    const made = element('table', { class: 'data-table', part: 'data-table' }, caption,
      element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, said.position),
        ...MODES.map((mode) => element('th', { scope: 'col', class: mode }, cache[mode])),
        ...MODES.map((mode) => element('th', { scope: 'col' }, said.counted(cache[mode]))))),
      body);
    const box = element('div', {
      class: 'table-box', tabindex: 0, role: 'group', 'aria-label': said.group }, made);
    const fold = element('details', { class: 'fold data', part: 'data' },
      element('summary', {}, said.show), element('p', { class: 'note' }, words.chart.countedMeans), box);
    let state = initialState();
    const { tools, news, field } = toolsOf(context, chartOf(words, root, () => state));
    root.append(fold, element('p', { class: 'actions' }, clear, ...tools, news), field);
    clear.addEventListener('click', () => actions.clear(), { signal }); // does nothing during a run
    /** @type {Curves | undefined} the last that were filled in */
    let shown;
    const fill = () => {
      if (!fold.open || state.curves === shown) return;
      const { curves } = state;
      shown = curves;
      const step = Math.max(1, Math.ceil(lengthOfCurves(curves) / MOST_ROWS));
      const counted = countedOf(curves, engineOf(state)?.config, besideOf(state));
      const rows = rowsOf(curves, counted, step, format);
      body.replaceChildren(...rows);
      say(caption, rows.length === 0 ? said.empty : step > 1 ? said.captionEvery(step) : said.caption);
    };
    fold.addEventListener('toggle', fill, { signal });
    return (now) => {
      state = now;
      fill();
      const idle = isWorking(now) || now.recorded !== undefined || lengthOfCurves(now.curves) === 0;
      put(clear, 'aria-disabled', String(idle)); // disabled, it would lose the focus
    };
  },
};

/**
 * The chart, to be taken away.
 * @param {Dictionary} words  @param {HTMLElement} node  @param {() => State} stateNow
 * @returns {Subject}
 */
const chartOf = (words, node, stateNow) => ({
  name: 'chart', title: words.chart.title, node,
  now() {
    const state = stateNow();
    return { sentence: `${chartWords(words, state.curves)} ${words.chart.countedMeans}`, state };
  },
  draw(studio) {
    const state = stateNow();
    return plotPicture(studio, { curves: state.curves, config: engineOf(state)?.config,
      beside: besideOf(state) }, words);
  },
});

/**
 * @param {Curves} curves  @param {readonly Counted[]} counted
 * @param {number} step  positions from row to row; the ends of the lines are there too
 * @param {Numbers} format
 */
function rowsOf(curves, counted, step, format) {
  const cell = (/** @type {number | null | undefined} */ speed) => element('td', {},
    speed === null || speed === undefined ? '–' : format.measured(speed));
  const ends = MODES.map((mode) => lastPoint(curves, mode)?.position);
  const rows = [];
  for (let position = 0; position < lengthOfCurves(curves); position++) {
    if (position % step !== 0 && !ends.includes(position)) continue;
    const speeds = MODES.map((mode) => speedAt(curves, mode, position));
    if (speeds.every((speed) => speed === null)) continue;
    const wanted = MODES.map((mode) => counted.find((each) => each.mode === mode)?.speedAt(position));
    rows.push(element('tr', {}, element('th', { scope: 'row' }, format.counted(position)),
      ...[...speeds, ...wanted].map(cell)));
  }
  return rows;
}
