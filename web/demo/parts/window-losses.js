// What a window forgets, measured on a chapter: a button, the curves, and what they say.
import { TRAINED, curveOf, findings } from '../window.js';
import { button, element, onStartStop, say, uniqueId } from './dom.js';
import { linesChart, ticksFor } from './lines.js';
import { legendItem } from './window-charts.js';

/**
 * @import { Bits, Losses } from '../../worker/windowed.js'
 * @import { WINDOW } from '../words/window.js'
 *
 * @typedef {{ losses: Losses, capacity: number }} Measured
 */

/** The last one lies on top. @type {readonly (keyof Bits)[]} */
const WAYS = ['whole', 'sinks', 'plain'];
/** @type {readonly (keyof Bits)[]} */
const READ = ['sinks', 'plain', 'whole'];

/**
 * @param {(typeof WINDOW)[string]['losses']} said  @param {AbortSignal} signal
 * @param {{ start: () => void, stop: () => void }} asks
 */
export function windowLosses(said, signal, { start, stop }) {
  const stateId = uniqueId('losses-state');
  const measure = button({ class: 'measure-button', part: 'window-measure', 'aria-describedby': stateId });
  const state = element('p', { id: stateId, class: 'window-state', part: 'window-losses-state' });
  const chart = linesChart('window-losses');
  const [found, again] = ['window-found', 'window-again'].map((part) => element('p', { part }));
  const table = tableOf(said);
  const results = element('div', { class: 'window-results', hidden: true },
    element('p', {}, element('strong', {}, said.axis)), chart.node,
    element('ul', { class: 'lines-legend' }, ...READ.map((way) => legendItem(way, said.ways[way]))),
    found, element('p', { class: 'note' }, said.small), again, table.node);
  const node = element('div', { class: 'window-part', part: 'window-forgets' },
    element('h3', {}, said.title), element('p', {}, said.means),
    element('p', { class: 'actions' }, measure), state, results);
  let isBusy = false; // as the reader sees it
  onStartStop(measure, () => isBusy, start, stop, signal);
  /** @param {{ isBusy: boolean, isFree: boolean, words: string }} doing  isFree: it can be started */
  const showState = ({ isBusy: busy, isFree, words }) => {
    isBusy = busy;
    say(measure, busy ? said.stop : said.measure);
    measure.disabled = !busy && !isFree;
    say(state, words);
  };
  /** @param {Measured} measured  @param {number} room  in px */
  const show = ({ losses, capacity }, room) => {
    results.hidden = false;
    const lines = WAYS.map((way) => ({ way, curve: curveOf(losses.bits[way]) }));
    const all = lines.flatMap(({ curve }) => curve.map(({ bits }) => bits));
    const marks = [...(capacity < TRAINED ? [{ x: capacity, words: said.full }] : []),
      { x: TRAINED, words: said.trained }];
    const facts = findings(losses, capacity);
    const words = said.said(facts, capacity);
    chart.show({
      lines: lines.map(({ way, curve }) => (
        { kind: way, points: curve.map(({ end, bits }) => ({ x: end, y: bits })) })),
      marks, right: losses.tokens, ticks: ticksFor(Math.min(...all), Math.max(...all)), label: said.bits,
      counted: said.upTo,
    }, room, words);
    say(found, words);
    say(again, facts.again ? said.again(facts.again) : '');
    table.show(losses);
  };
  return { node, show, showState };
}

/** The curves as a table. @param {(typeof WINDOW)[string]['losses']} said */
function tableOf(said) {
  const heads = [said.stretch, ...READ.map((way) => said.ways[way])];
  const body = element('tbody');
  const box = { class: 'table-box', tabindex: 0, role: 'group', 'aria-label': said.table };
  const node = element('details', { class: 'fold', part: 'window-losses-data' },
    element('summary', {}, said.table),
    element('div', box, element('table', { class: 'data-table' },
      element('caption', {}, said.axis),
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
      body)));
  /** @param {Losses} losses */
  const show = ({ bits }) => {
    const [sinks, ...others] = READ.map((way) => curveOf(bits[way]));
    body.replaceChildren(...sinks.map((point, i) => element('tr', {},
      element('th', { scope: 'row' }, said.upTo(point.end)),
      ...[point, ...others.map((curve) => curve[i])].map((each) => element('td', {}, said.two(each.bits))))));
  };
  return { node, show };
}
