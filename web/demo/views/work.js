/// <reference path="../css.d.ts" />
// The work triangle: which step computed K and V of which tokens; both ways in one frame.
import { MODES } from '../curves.js';
import { element, note, put, say } from '../parts/dom.js';
import { triangleDrawing } from '../parts/triangle.js';
import { lengthOf, someSteps, triangleOf, wouldBe } from '../work.js';
import { WORK } from '../words/work.js';
import styles from './work.css' with { type: 'text' };

/**
 * @import { View } from '../player.js'
 * @import { Run } from '../run.js'
 * @import { State } from '../state.js'
 * @import { Triangle } from '../work.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {(typeof WORK)[string]} Words
 */

const MOST_ROWS = 64; // of the table, about

/** @type {View} */
export const work = {
  name: 'work',
  styles,
  mount(root, { signal, words }) {
    const said = WORK[words.lang];
    const drawing = triangleDrawing();
    const recorded = note(words.recorded.tag);
    const labels = labelsOf(said, words);
    const box = element('div', { class: 'work-box', part: 'work', role: 'img' },
      drawing.node, ...labels.nodes);
    const far = element('span');
    const sentence = element('p', { class: 'said', part: 'work-said' });
    const table = tableOf(said, words, signal);
    root.append(element('figure', { class: 'work' },
      element('figcaption', {}, element('h2', {}, `${said.title} `, recorded),
        element('p', { class: 'means' }, said.means)),
      box, element('p', { class: 'work-axis note' }, element('span', {}, '0'), said.axis, far),
      sentence, table.node));
    /** @type {Triangle[]} */
    let triangles = [];
    return (state) => {
      const runs = runsOf(state);
      triangles = runs.map((run, i) => triangleOf(run, triangles[i]));
      drawing.show(triangles);
      labels.show(triangles);
      say(far, words.format.counted(Math.max(...triangles.map(lengthOf))));
      const news = sentenceOf(said, triangles);
      say(sentence, news);
      put(box, 'aria-label', `${said.title}. ${news}`);
      recorded.hidden = !state.recorded;
      table.show(runs);
    };
  },
};

/** The run; of a race both, the one without the cache below. @param {State} state  @returns {Run[]} */
const runsOf = ({ run, race }) => (race?.lanes ? [race.lanes.off.run, race.lanes.on.run] : [run]);

/** @param {Words} words  @param {readonly Triangle[]} triangles */
function sentenceOf(words, triangles) {
  const [{ mode, cells, steps, last, ...rest }, cached] = triangles;
  if (!last) return words.empty;
  if (cached) return words.race(cached.cells, cells);
  const { on, off } = wouldBe({ mode, cells, steps, ...rest });
  const count = last.end - last.first;
  const step = steps === 1 ? words.prompt(count) : words.step(last.mode, steps - 1, count);
  if (steps === 1 || !mode) return step;
  if (mode === 'both') return `${step} ${words.both(cells, on, off)}`;
  return `${step} ${mode === 'on' ? words.on(cells, off) : words.off(cells, on)}`;
}

/**
 * In the two halves of the picture: how many cells each way has.
 * @param {Words} words  @param {Dictionary} dictionary
 */
function labelsOf(words, { cache }) {
  const [on, off] = MODES.map((mode) => {
    const count = element('span');
    const name = element('strong', {}, cache[mode]);
    return { mode, count, node: element('p', { class: `work-label ${mode}` }, name, ' ', count) };
  });
  /** @param {readonly Triangle[]} triangles */
  const show = (triangles) => {
    for (const { mode, count, node } of [on, off]) {
      const own = triangles.find((each) => each.mode === mode);
      node.hidden = triangles.every(({ steps }) => steps < 2);
      say(count, own ? words.run(own.cells) : words.wouldBe(wouldBe(triangles[0])[mode]));
    }
  };
  return { nodes: [on.node, off.node], show };
}

/**
 * The same to read, folded away.
 * @param {Words} words  @param {Dictionary} dictionary  @param {AbortSignal} signal
 */
function tableOf({ table: words }, { cache, format: { counted } }, signal) {
  const body = element('tbody');
  const heads = [words.step, words.way, words.computed, words.from].map((name) => (
    element('th', { scope: 'col' }, name)));
  const table = element('table', { class: 'data-table', part: 'work-table' },
    element('caption', {}, words.caption), element('thead', {}, element('tr', {}, ...heads)), body);
  const attributes = { class: 'table-box', tabindex: 0, role: 'group', 'aria-label': words.group };
  const node = element('details', { class: 'fold', part: 'work-data' },
    element('summary', {}, words.show), element('div', attributes, table));
  /** @type {readonly Run[]} */
  let runs = [];
  /** Steps that the table has. */
  let filled = '';
  const fill = () => {
    const now = runs.map(({ number, tokens, prefill }) => [number, tokens.length, prefill?.tokens]).join();
    if (!node.open || now === filled) return;
    filled = now;
    const steps = runs.flatMap((run) => someSteps(run, MOST_ROWS));
    body.replaceChildren(...steps.map(({ step, mode, first, end }) => {
      const positions = end > first ? words.positions(first + 1, end) : '';
      const cells = [cache[mode], counted(end - first), positions].map((cell) => element('td', {}, cell));
      return element('tr', {}, element('th', { scope: 'row' }, counted(step)), ...cells);
    }));
  };
  node.addEventListener('toggle', fill, { signal });
  return {
    node,
    /** @param {readonly Run[]} shown */
    show(shown) {
      runs = shown;
      fill();
    },
  };
}
