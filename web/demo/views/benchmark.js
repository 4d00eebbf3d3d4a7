/// <reference path="../css.d.ts" />
// The benchmark: a button, how far it is, and the figures it leaves behind.
import { isMeasuring } from '../benchmark.js';
import { bars, figuresTable } from '../parts/bars.js';
import { isTrying } from '../lab.js';
import { button, element, onStartStop, put, say, uniqueId } from '../parts/dom.js';
import { failurePlace } from '../parts/failure.js';
import { asJson, asMarkdown, remarksOn, reportOf } from '../report.js';
import { isWorking } from '../state.js';
import { benchmarkWords } from '../words.js';
import styles from './benchmark.css' with { type: 'text' };

/**
 * @import { Benchmark } from '../benchmark.js'
 * @import { View } from '../player.js'
 * @import { Report } from '../report.js'
 * @import { Dictionary } from '../words/en.js'
 * @import { Weights } from '../../worker/messages.js'
 */

const COMMAND = 'npm run bench';
const SECONDS = 15; // that it takes for a small model
/** @type {readonly Weights[]} */
const KINDS = ['f32', 'int8'];

/** @type {View} */
export const benchmark = {
  name: 'benchmark',
  styles,
  mount(root, { actions, signal, words }) {
    const title = uniqueId('benchmark');
    const control = controlOf(words);
    const error = errorOf(words);
    const results = resultsOf(words, signal);
    const attributes = { class: 'benchmark', part: 'benchmark', role: 'group', 'aria-labelledby': title };
    const box = element('div', attributes,
      element('h2', { id: title }, words.benchmark.title),
      element('p', { class: 'lead' }, words.benchmark.lead),
      ...control.nodes, error.node, results.node, methodOf(words.benchmark));
    root.append(box);
    let measuring = false; // as the reader sees it
    onStartStop(control.measure, () => measuring, () => actions.measure(), () => actions.stop(), signal);
    return (state) => {
      measuring = isMeasuring(state.benchmark);
      put(box, 'data-state', state.benchmark.status);
      control.show(state.benchmark, isWorking(state) || isTrying(state.lab));
      error.show(state.benchmark);
      results.show(state.benchmark);
    };
  },
};

/** The button, and how far it is. @param {Dictionary} words */
function controlOf(words) {
  const { benchmark: said } = words;
  const [blockedId, stateId] = [uniqueId('blocked'), uniqueId('measure-state')];
  const describedBy = `${blockedId} ${stateId}`;
  const measure = button({ class: 'measure-button', part: 'measure', 'aria-describedby': describedBy });
  const blocked = element('span', { id: blockedId, class: 'note', part: 'measure-blocked' });
  const doing = element('p', { id: stateId, class: 'measure-state', part: 'measure-state' });
  const progress = element('progress', {
    part: 'measure-progress', 'aria-label': said.progress, max: 1, hidden: true });
  /** @param {Benchmark} shown  @param {boolean} working  a story is written */
  const show = (shown, working) => {
    say(measure, isMeasuring(shown) ? said.stop : said.measure(SECONDS));
    measure.disabled = working;
    say(blocked, working ? said.blocked : '');
    say(doing, benchmarkWords(words, shown));
    progress.hidden = !isMeasuring(shown);
    if (shown.share === undefined) progress.removeAttribute('value');
    else progress.value = shown.share;
  };
  const row = element('p', { class: 'actions' }, measure, ' ', blocked);
  return { measure, show, nodes: [row, doing, progress] };
}

/** @param {Dictionary} words */
function errorOf(words) {
  const place = failurePlace(words);
  const message = element('p', { part: 'measure-error-message' }, place.node);
  const code = element('code', { part: 'measure-error-code' });
  const node = element('div', { class: 'error', part: 'measure-error', role: 'alert', hidden: true },
    message, element('p', { class: 'note' }, words.status.code, code));
  /** @param {Benchmark} shown */
  const show = ({ failure }) => {
    place.show(failure);
    say(code, failure?.code ?? '');
    node.hidden = !failure;
  };
  return { node, show };
}

/** @param {Dictionary['benchmark']} words */
function methodOf(words) {
  const bench = element('li', {}, element('code', {}, COMMAND), words.bench);
  return element('details', { class: 'fold' }, element('summary', {}, words.how),
    element('ul', {}, ...words.method.map((each) => element('li', {}, each)), bench));
}

/**
 * The figures and what may be done with them.
 * @param {Dictionary} words  @param {AbortSignal} signal
 */
function resultsOf(words, signal) {
  const { benchmark: said } = words;
  const weights = element('div', { class: 'weights', part: 'weights' });
  const equal = element('div', { class: 'proof', part: 'measure-equal', 'data-verdict': 'equal' },
    element('p', {}, element('strong', {}, said.equal), said.equalRest));
  const where = element('p', { class: 'note', part: 'measure-place' });
  const copies = copiesOf(said, signal);
  const node = element('div', { class: 'results-box', part: 'results', hidden: true },
    element('p', { class: 'note' }, said.legend), weights, equal, where, ...copies.nodes);
  /** @type {Benchmark | undefined} */
  let drawn;
  /** @param {Benchmark} shown */
  const show = (shown) => {
    const running = isMeasuring(shown);
    const report = reportOf(shown);
    node.hidden = shown.contexts.length === 0 || (!running && shown.rows.length === 0);
    equal.hidden = running;
    copies.show(running ? undefined : report);
    if (report) say(where, [said.place(report), ...remarksOn(words, shown)].join(' '));
    if (drawn && sameFigures(drawn, shown)) return;
    drawn = shown;
    weights.replaceChildren(...groups(words, shown));
  };
  return { node, show };
}

/** @param {Benchmark} a  @param {Benchmark} b */
const sameFigures = (a, b) => (
  a.rows === b.rows && a.contexts === b.contexts && a.leftOut === b.leftOut && a.status === b.status);

/**
 * For each kind of weights bars and a table, or why there are none.
 * @param {Dictionary} words  @param {Benchmark} shown
 */
function groups(words, shown) {
  const { benchmark: said } = words;
  const most = Math.max(...shown.rows.map(({ decode }) => decode.max));
  return KINDS.flatMap((kind) => {
    const figures = { contexts: shown.contexts, rows: shown.rows.filter((row) => row.weights === kind) };
    const left = shown.leftOut[kind];
    if (!left && figures.rows.length === 0 && !isMeasuring(shown)) return [];
    const drawn = left ? [element('p', {}, `${said.notLoaded(kind)} `, failurePlace(words, left).node)]
      : [bars(words, figures, most), figuresTable(words, figures, said.weights[kind])];
    return [element('div', {}, element('h3', {}, said.weights[kind]), ...drawn)];
  });
}

/**
 * Buttons that copy the figures; where that is not possible, a field to copy from.
 * @param {Dictionary['benchmark']} words  @param {AbortSignal} signal
 */
function copiesOf(words, signal) {
  const markdown = button({ part: 'copy-markdown' }, words.copyMarkdown);
  const json = button({ part: 'copy-json' }, words.copyJson);
  const copied = element('span', { class: 'note', part: 'copied', role: 'status' });
  const field = element('textarea', {
    class: 'copy-text', part: 'copy-text', rows: 8, readonly: true, hidden: true,
    'aria-label': words.copyField, lang: 'en',
  });
  const row = element('p', { class: 'actions' }, markdown, ' ', json, ' ', copied);
  /** @type {Report | undefined} */
  let report;
  /** @param {(report: Report) => string} write  @param {string} kind */
  const copy = async (write, kind) => {
    if (!report) return;
    const text = write(report);
    try {
      await navigator.clipboard.writeText(text);
      field.hidden = true;
      say(copied, words.copied(kind));
    } catch { // not allowed here, or not on pages without https
      field.hidden = false;
      field.value = text;
      field.select();
      say(copied, words.noCopy);
    }
  };
  markdown.addEventListener('click', () => copy(asMarkdown, 'Markdown'), { signal });
  json.addEventListener('click', () => copy(asJson, 'JSON'), { signal });
  /** @param {Report | undefined} shown  absent while figures are still to come */
  const show = (shown) => {
    report = shown;
    row.hidden = !shown;
    if (shown) return;
    field.hidden = true;
    say(copied, '');
  };
  return { nodes: [row, field], show };
}
