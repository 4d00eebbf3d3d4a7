// The benchmark: a button, how far it is, and the figures it leaves behind.
import { isMeasuring } from '../benchmark.js';
import { bars, figuresTable } from '../parts/bars.js';
import { button, element, onStartStop, put, say, uniqueId } from '../parts/dom.js';
import { asJson, asMarkdown, leftOutWords, place, reportOf } from '../report.js';
import { isWorking } from '../state.js';
import { benchmarkWords, failureWords } from '../words.js';

/**
 * @import { Benchmark } from '../benchmark.js'
 * @import { View } from '../player.js'
 * @import { Report } from '../report.js'
 * @import { Weights } from '../../worker/messages.js'
 */

const SECONDS = 15; // that it takes for a small model
const LEAD = 'A benchmark of this model, in this browser: reading and writing, with the cache and without, '
  + 'after 64, 256 and 1,000 tokens, with weights of 32 bits and of 8; and how near that comes to '
  + 'what your machine can do at all.';
const LEGEND = 'Bars: tokens written per second, all on one scale; the line under a bar goes from the least '
  + 'to the greatest of the repetitions. Tables: the median, with the least and the greatest below it.';
const EQUAL = ': with the cache and without, in every repetition, the model’s numbers were the same to the '
  + 'last bit.';
const BLOCKED = 'A story is being written: stop it, or wait until it has ended.';
const NO_COPY = 'This browser does not let the page copy. The text is below, selected: copy it by hand.';
const METHOD = [
  'In turns: a step without the cache, reading the whole context in one pass (prefill), writing '
    + 'after it with the cache; and the same again. In between, piece by piece, multiplying and adding '
    + 'and reading memory. Whatever slows your machine for a moment slows all of them. A first round is '
    + 'left out.',
  'Every figure is at least 60 ms of computing in one thread, the page’s background worker. A pass '
    + 'over the whole context that would take longer than 1.5 s is left out.',
  '“Of the bandwidth”: the bytes that a token reads, weights and cache, over those that this '
    + 'browser could have read in that time from a buffer as large as the weights.',
  '“Of the peak”: multiplications and additions over those that could have been done in that time '
    + 'in registers, of 32-bit numbers or, for 8-bit weights, of small integers. Getting the numbers '
    + 'there costs time as well. A share a little above is measuring error and shown as about 100 %; one '
    + 'further above was disturbed and is left out.',
  'With the cache and without, and in every repetition, the model’s output has to be the same to '
    + 'the last bit. If it is not, no figure is shown.',
];

/** @type {Record<Weights, string>} */
const NAMES = { f32: 'Weights of 32 bits (f32)', int8: 'Weights of 8 bits (int8)' };
const KINDS = /** @type {Weights[]} */ (Object.keys(NAMES));

/** @type {View} */
export const benchmark = {
  name: 'benchmark',
  mount(root, { actions, signal }) {
    const title = uniqueId('benchmark');
    const control = controlOf();
    const error = errorOf();
    const results = resultsOf(signal);
    const attributes = { class: 'benchmark', part: 'benchmark', role: 'group', 'aria-labelledby': title };
    const box = element('div', attributes,
      element('h2', { id: title }, 'How fast is your machine?'), element('p', { class: 'lead' }, LEAD),
      ...control.nodes, error.node, results.node, methodOf());
    root.append(box);
    let measuring = false; // as the reader sees it
    onStartStop(control.measure, () => measuring, () => actions.measure(), () => actions.stop(), signal);
    return (state) => {
      measuring = isMeasuring(state.benchmark);
      put(box, 'data-state', state.benchmark.status);
      control.show(state.benchmark, isWorking(state));
      error.show(state.benchmark);
      results.show(state.benchmark);
    };
  },
};

/** The button, and how far it is. */
function controlOf() {
  const [blockedId, stateId] = [uniqueId('blocked'), uniqueId('measure-state')];
  const describedBy = `${blockedId} ${stateId}`;
  const measure = button({ class: 'measure-button', part: 'measure', 'aria-describedby': describedBy });
  const blocked = element('span', { id: blockedId, class: 'note', part: 'measure-blocked' });
  const words = element('p', { id: stateId, class: 'measure-state', part: 'measure-state' });
  const progress = element('progress', {
    part: 'measure-progress', 'aria-label': 'Share of the benchmark that is done', max: 1, hidden: true });
  /** @param {Benchmark} shown  @param {boolean} working  a story is written */
  const show = (shown, working) => {
    say(measure, isMeasuring(shown) ? 'Stop' : `Measure (about ${SECONDS} seconds)`);
    measure.disabled = working;
    say(blocked, working ? BLOCKED : '');
    say(words, benchmarkWords(shown));
    progress.hidden = !isMeasuring(shown);
    if (shown.share === undefined) progress.removeAttribute('value');
    else progress.value = shown.share;
  };
  const row = element('p', { class: 'actions' }, measure, ' ', blocked);
  return { measure, show, nodes: [row, words, progress] };
}

function errorOf() {
  const message = element('p', { part: 'measure-error-message' });
  const code = element('code', { part: 'measure-error-code' });
  const node = element('div', { class: 'error', part: 'measure-error', role: 'alert', hidden: true },
    message, element('p', { class: 'note' }, 'Code: ', code));
  /** @param {Benchmark} shown */
  const show = ({ failure }) => {
    if (failure) {
      say(message, failureWords(failure));
      say(code, failure.code);
    }
    node.hidden = !failure;
  };
  return { node, show };
}

function methodOf() {
  const bench = element('li', {}, element('code', {}, 'npm run bench'),
    ' measures with the same code outside of the browser, and more.');
  return element('details', { class: 'fold' }, element('summary', {}, 'How it is measured'),
    element('ul', {}, ...METHOD.map((words) => element('li', {}, words)), bench));
}

/** The figures and what may be done with them. @param {AbortSignal} signal */
function resultsOf(signal) {
  const weights = element('div', { class: 'weights', part: 'weights' });
  const equal = element('div', { class: 'proof', part: 'measure-equal', 'data-verdict': 'equal' },
    element('p', {}, element('strong', {}, 'Equal'), EQUAL));
  const where = element('p', { class: 'note', part: 'measure-place' });
  const copies = copiesOf(signal);
  const node = element('div', { class: 'results-box', part: 'results', hidden: true },
    element('p', { class: 'note' }, LEGEND), weights, equal, where, ...copies.nodes);
  /** @type {Benchmark | undefined} */
  let drawn;
  /** @param {Benchmark} shown */
  const show = (shown) => {
    const running = isMeasuring(shown);
    const report = reportOf(shown);
    node.hidden = shown.contexts.length === 0 || (!running && shown.rows.length === 0);
    equal.hidden = running;
    copies.show(running ? undefined : report);
    if (report) say(where, [place(report), ...report.remarks].join(' '));
    if (drawn && sameFigures(drawn, shown)) return;
    drawn = shown;
    weights.replaceChildren(...groups(shown));
  };
  return { node, show };
}

/** @param {Benchmark} a  @param {Benchmark} b */
const sameFigures = (a, b) => (
  a.rows === b.rows && a.contexts === b.contexts && a.leftOut === b.leftOut && a.status === b.status);

/** For each kind of weights bars and a table, or why there are none. @param {Benchmark} shown */
function groups(shown) {
  const most = Math.max(...shown.rows.map(({ decode }) => decode.max));
  return KINDS.flatMap((kind) => {
    const figures = { contexts: shown.contexts, rows: shown.rows.filter((row) => row.weights === kind) };
    const left = shown.leftOut[kind];
    if (!left && figures.rows.length === 0 && !isMeasuring(shown)) return [];
    const drawn = left ? [element('p', {}, leftOutWords(kind, left))]
      : [bars(figures, most), figuresTable(figures, NAMES[kind])];
    return [element('div', {}, element('h3', {}, NAMES[kind]), ...drawn)];
  });
}

/**
 * Buttons that copy the figures; where that is not possible, a field to copy from.
 * @param {AbortSignal} signal
 */
function copiesOf(signal) {
  const markdown = button({ part: 'copy-markdown' }, 'Copy as Markdown');
  const json = button({ part: 'copy-json' }, 'Copy as JSON');
  const copied = element('span', { class: 'note', part: 'copied', role: 'status' });
  const field = element('textarea', {
    class: 'copy-text', part: 'copy-text', rows: 8, readonly: true, hidden: true,
    'aria-label': 'The figures, to copy by hand',
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
      say(copied, `Copied as ${kind}.`);
    } catch { // not allowed here, or not on pages without https
      field.hidden = false;
      field.value = text;
      field.select();
      say(copied, NO_COPY);
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
