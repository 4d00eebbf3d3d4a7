/// <reference path="../css.d.ts" />
// The benchmark: a button, how far it is, and the figures it leaves behind.
import { isMeasuring } from '../benchmark.js';
import { fileName } from '../caption.js';
import { barsPicture } from '../parts/bars-picture.js';
import { bars, figuresTable } from '../parts/bars.js';
import { cacheTypes } from '../parts/cache-types.js';
import { button, element, onStartStop, put, say, uniqueId } from '../parts/dom.js';
import { failurePlace } from '../parts/failure.js';
import { toolsOf } from '../parts/tools.js';
import { areCompared, asCsv, asJson, asMarkdown, remarksOn, reportOf } from '../report.js';
import { readsSource } from '../recorded.js';
import { isApart, isWorking } from '../state.js';
import { benchmarkWords } from '../words.js';
import { withMeasured } from '../words/measured.js';
import styles from './benchmark.css' with { type: 'text' };

/**
 * @import { Benchmark } from '../benchmark.js'
 * @import { Context, View } from '../view.js'
 * @import { Report } from '../report.js'
 * @import { Measured } from '../words/measured.js'
 * @import { Weights } from '../../worker/messages.js'
 */

const COMMAND = 'npm run bench';
const SECONDS = 20; // that it takes for a small model
/** @type {readonly Weights[]} */
const KINDS = ['f32', 'int8'];

/** @type {View} */
export const benchmark = {
  name: 'benchmark',
  styles,
  mount(root, context) {
    const { actions, signal } = context;
    const words = withMeasured(context.words);
    const title = uniqueId('benchmark');
    const control = controlOf(words);
    const error = errorOf(words);
    const results = resultsOf({ ...context, words });
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
      const why = readsSource(state) ? words.benchmark.encoder : words.benchmark.blocked;
      const blocked = readsSource(state) || isWorking(state) || (isApart(state) && !measuring);
      control.show(state.benchmark, blocked ? why : '');
      error.show(state.benchmark);
      results.show(state.benchmark);
    };
  },
};

/** The button, and how far it is. @param {Measured} words */
function controlOf(words) {
  const { benchmark: said } = words;
  const [blockedId, stateId] = [uniqueId('blocked'), uniqueId('measure-state')];
  const describedBy = `${blockedId} ${stateId}`;
  const measure = button({ class: 'measure-button', part: 'measure', 'aria-describedby': describedBy });
  const blocked = element('span', { id: blockedId, class: 'note', part: 'measure-blocked' });
  const doing = element('p', { id: stateId, class: 'measure-state', part: 'measure-state' });
  const progress = element('progress', {
    part: 'measure-progress', 'aria-label': said.progress, max: 1, hidden: true });
  /** @param {Benchmark} shown  @param {string} why  it cannot begin; '' if it can */
  const show = (shown, why) => {
    say(measure, isMeasuring(shown) ? said.stop : said.measure(SECONDS));
    measure.disabled = why !== '';
    say(blocked, why);
    say(doing, benchmarkWords(words, shown));
    progress.hidden = !isMeasuring(shown);
    if (shown.share === undefined) progress.removeAttribute('value');
    else progress.value = shown.share;
  };
  const row = element('p', { class: 'actions' }, measure, ' ', blocked);
  return { measure, show, nodes: [row, doing, progress] };
}

/** @param {Measured} words */
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

/** @param {Measured['benchmark']} words */
function methodOf(words) {
  const bench = element('li', {}, element('code', {}, COMMAND), words.bench);
  return element('details', { class: 'fold' }, element('summary', {}, words.how),
    element('ul', {}, ...words.method.map((each) => element('li', {}, each)), bench));
}

/** The figures and what may be done with them. @param {Context & { words: Measured }} context */
function resultsOf(context) {
  const { words } = context;
  const { benchmark: said } = words;
  const weights = element('div', { class: 'weights', part: 'weights' });
  const caches = element('div', { class: 'caches' });
  const equal = element('div', { class: 'proof', part: 'measure-equal', 'data-verdict': 'equal' },
    element('p', {}, element('strong', {}, said.equal), said.equalRest));
  const where = element('p', { class: 'note', part: 'measure-place' });
  const node = element('div', { class: 'results-box', part: 'results', hidden: true },
    element('p', { class: 'note' }, said.legend), weights, caches, equal, where);
  const takes = takingOf(context, node);
  node.append(...takes.nodes);
  /** @type {Benchmark | undefined} */
  let drawn;
  /** @param {Benchmark} shown */
  const show = (shown) => {
    const running = isMeasuring(shown);
    const report = reportOf(shown);
    node.hidden = shown.contexts.length === 0 || (!running && shown.rows.length === 0);
    equal.hidden = running || !areCompared(shown.rows);
    takes.show(running ? undefined : report);
    if (report) say(where, [said.place(report), ...remarksOn(words, shown)].join(' '));
    if (drawn && sameFigures(drawn, shown)) return;
    drawn = shown;
    weights.replaceChildren(...groups(words, shown));
    caches.replaceChildren(...(shown.caches ? [cacheTypes(words, shown.caches)] : []));
  };
  return { node, show };
}

/** @param {Benchmark} a  @param {Benchmark} b */
const sameFigures = (a, b) => (
  a.rows === b.rows && a.caches === b.caches && a.contexts === b.contexts && a.leftOut === b.leftOut
    && a.status === b.status);

/**
 * For each kind of weights bars and a table, or why there are none.
 * @param {Measured} words  @param {Benchmark} shown
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
 * Buttons that copy or save the figures.
 * @param {Context & { words: Measured }} context  @param {HTMLElement} node  of the figures
 */
function takingOf(context, node) {
  const { signal, words } = context;
  const { benchmark: said } = words;
  /** @type {Report | undefined} */
  let report;
  const shown = () => /** @type {Report} */ (report); // while there is none, nothing can be pressed
  const { tools: [link, ...pictures], tool, news, field, tell, copy, save } = toolsOf(context, {
    name: 'benchmark', title: said.title, node,
    now: () => ({ sentence: [said.legend, said.place(shown()), ...shown().remarks].join(' ') }),
    draw: () => barsPicture(words, shown().rows),
  });
  const markdown = button({ part: 'copy-markdown' }, said.copyMarkdown);
  const json = button({ part: 'copy-json' }, said.copyJson);
  markdown.addEventListener('click', () => copy(asMarkdown(shown()), said.copied('Markdown')), { signal });
  json.addEventListener('click', () => copy(asJson(shown()), said.copied('JSON')), { signal });
  /** @param {string} kind  its ending  @param {string} type  @param {(_: Report) => string} write */
  const file = (kind, type, write) => tool(`save-${kind}`, kind.toUpperCase(), () => {
    const name = `${fileName('benchmark')}.${kind}`;
    save(name, new Blob([write(shown())], { type }), words.take.saved(name));
  }, words.take.download(kind.toUpperCase()));
  const row = element('p', { class: 'actions' }, markdown, json, link,
    file('csv', 'text/csv', asCsv), file('json', 'application/json', asJson), ...pictures, news);
  /** @param {Report | undefined} now  absent while figures are still to come */
  const show = (now) => {
    report = now;
    row.hidden = !now;
    if (!now) tell();
  };
  return { nodes: [row, field], show };
}
