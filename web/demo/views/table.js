// The chart's twin for those who cannot see it: its points in a table, folded away.
import { MODES, lastPoint, lengthOfCurves, speedAt } from '../curves.js';
import { button, element, put, say } from '../parts/dom.js';
import { isWorking } from '../state.js';

/**
 * @import { Curves } from '../curves.js'
 * @import { View } from '../player.js'
 * @import { Numbers } from '../../measure/numbers.js'
 */

const MOST_ROWS = 64; // about

/** @type {View} */
export const table = {
  name: 'table',
  mount(root, { actions, signal, words }) {
    const clear = button({ class: 'quiet', part: 'clear' }, words.chart.clear);
    const { table: said, cache, format } = words;
    const caption = element('caption', { part: 'data-caption' }, said.caption);
    const body = element('tbody');
    const made = element('table', { class: 'data-table', part: 'data-table' }, caption,
      element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, said.position),
        ...MODES.map((mode) => element('th', { scope: 'col', class: mode }, cache[mode])))),
      body);
    const box = element('div', {
      class: 'table-box', tabindex: 0, role: 'group', 'aria-label': said.group }, made);
    const fold = element('details', { class: 'fold data', part: 'data' },
      element('summary', {}, said.show), box);
    root.append(fold, element('p', {}, clear));
    clear.addEventListener('click', () => actions.clear(), { signal }); // does nothing during a run
    /** @type {Curves | undefined} */
    let curves;
    /** @type {Curves | undefined} the last that were filled in */
    let shown;
    const fill = () => {
      if (!curves || !fold.open || curves === shown) return;
      shown = curves;
      const step = Math.max(1, Math.ceil(lengthOfCurves(curves) / MOST_ROWS));
      const rows = rowsOf(curves, step, format);
      body.replaceChildren(...rows);
      say(caption, rows.length === 0 ? said.empty : step > 1 ? said.captionEvery(step) : said.caption);
    };
    fold.addEventListener('toggle', fill, { signal });
    return (state) => {
      curves = state.curves;
      fill();
      const idle = isWorking(state) || state.recorded !== undefined || lengthOfCurves(curves) === 0;
      put(clear, 'aria-disabled', String(idle)); // disabled, it would lose the focus
    };
  },
};

/**
 * @param {Curves} curves
 * @param {number} step  positions from row to row; the ends of the lines are there too
 * @param {Numbers} format
 */
function rowsOf(curves, step, { counted, measured }) {
  const ends = MODES.map((mode) => lastPoint(curves, mode)?.position);
  const rows = [];
  for (let position = 0; position < lengthOfCurves(curves); position++) {
    if (position % step !== 0 && !ends.includes(position)) continue;
    const speeds = MODES.map((mode) => speedAt(curves, mode, position));
    if (speeds.every((speed) => speed === null)) continue;
    rows.push(element('tr', {}, element('th', { scope: 'row' }, counted(position)),
      ...speeds.map((speed) => element('td', {}, speed === null ? '–' : measured(speed)))));
  }
  return rows;
}
