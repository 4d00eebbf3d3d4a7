/// <reference path="../css.d.ts" />
// The work triangle: which step computed K and V of which tokens; both ways in one frame.
import { MODES } from '../curves.js';
import { element, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { triangleDrawing } from '../parts/triangle.js';
import { lengthOf, someSteps, triangleOf, wouldBe } from '../work.js';
import { WORK } from '../words/work.js';
import styles from './work.css' with { type: 'text' };

/**
 * @import { View } from '../view.js'
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
  styles: framedStyles(styles),
  mount(root, context) {
    const { words } = context;
    const said = WORK[words.lang];
    const { caption, step, way, computed, from } = said.table;
    const drawing = triangleDrawing();
    const labels = labelsOf(said, words);
    const far = element('span');
    const axis = element('p', { class: 'work-axis note' }, element('span', {}, '0'), said.axis, far);
    const square = element('div', { class: 'work-box' }, drawing.node, ...labels.nodes);
    const box = element('div', {}, square, axis);
    /** @type {Triangle[]} */
    let triangles = [];
    /** @type {readonly Run[]} */
    let runs = [];
    const frame = framed(context, {
      name: 'work', title: said.title, means: said.means, drawing: box,
      picture: () => drawing.picture(labels.lines(), said.axis, words.format.counted),
      table: { caption, heads: [step, way, computed, from], rows: () => rowsOf(runs, said, words) },
    });
    root.append(frame.node);
    return (state) => {
      runs = runsOf(state);
      triangles = runs.map((run, i) => triangleOf(run, triangles[i]));
      drawing.show(triangles);
      labels.show(triangles);
      say(far, words.format.counted(Math.max(...triangles.map(lengthOf))));
      frame.show(sentenceOf(said, triangles, state), state);
    };
  },
};

/** The run; of a race both, the one without the cache below. @param {State} state  @returns {Run[]} */
const runsOf = ({ run, race }) => (race?.lanes ? [race.lanes.off.run, race.lanes.on.run] : [run]);

/** @param {Words} words  @param {readonly Triangle[]} triangles  @param {State} state */
function sentenceOf(words, triangles, { run: { prefill } }) {
  const [{ mode, cells, steps, last, ...rest }, cached] = triangles;
  if (!last) return words.empty;
  if (cached) return words.race(cached.cells, cells);
  const { on, off } = wouldBe({ mode, cells, steps, ...rest });
  const count = last.end - last.first;
  const begun = prefill?.source ? words.source(prefill.source, prefill.sourceKept === true, count)
    : words.prompt(count);
  const step = steps === 1 ? begun : words.step(last.mode, steps - 1, count);
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
  /** As they stand there. */
  const lines = () => [on, off].filter(({ node }) => !node.hidden).map(({ mode, count }) => (
    { mode, name: cache[mode], count: count.textContent ?? '' }));
  return { nodes: [on.node, off.node], show, lines };
}

/**
 * @param {readonly Run[]} runs  @param {Words} words  @param {Dictionary} dictionary
 * @returns {string[][]}
 */
const rowsOf = (runs, { table: words }, { cache, format: { counted } }) => (
  runs.flatMap((run) => someSteps(run, MOST_ROWS)).map(({ step, mode, first, end }) => {
    const positions = end > first ? words.positions(first + 1, end) : '';
    return [counted(step), cache[mode], counted(end - first), positions];
  }));
