/// <reference path="../css.d.ts" />
// The race, alone: both ways write the same story at the same time, and what their times say of their work.
import { MODES } from '../curves.js';
import { bytesLoaded } from '../download.js';
import { button, element, onStartStop, put, say } from '../parts/dom.js';
import { failurePlace } from '../parts/failure.js';
import { framed, framedStyles } from '../parts/figure.js';
import { lanesPlace } from '../parts/lanes.js';
import { raceBars } from '../parts/race-bars.js';
import { payoffOf } from '../payoff.js';
import { finishOf, isDecided, rivalBytes, workIn } from '../race.js';
import { engineOf } from '../recorded.js';
import { slideOf } from '../sliding.js';
import { isApart, isComparing, isWorking } from '../state.js';
import { statusWords } from '../words.js';
import { RACE } from '../words/race.js';
import styles from './race.css' with { type: 'text' };

/**
 * @import { Mode } from '../curves.js'
 * @import { Context, View } from '../view.js'
 * @import { Finish, Lanes, Work } from '../race.js'
 * @import { State } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {(typeof RACE)[string]} Words
 *
 * @typedef {object} Course  of a race, up to now
 * @property {Lanes} lanes
 * @property {Record<Mode, number>} ms    since the start, or to the end
 * @property {Record<Mode, Work>} work
 * @property {Finish} [finish]  once both have come to their end
 *
 * @typedef {[name: string, valueOf: (course: Course, mode: Mode) => number | undefined,
 *   write: (value: number) => string]} Row  of the table
 */

const MUCH = 0.1; // a share of the time that is worth a sentence

/** @type {View} */
export const race = {
  name: 'race',
  styles: framedStyles(styles),
  mount(root, context) {
    const { signal, words } = context;
    const said = RACE[words.lang];
    const control = controlOf(said, context);
    const lanes = lanesPlace(words, signal, true);
    const bars = raceBars(words.cache);
    const table = tableOf(said, words);
    const why = element('p', { class: 'why', part: 'race-why' });
    const equal = element('strong', { part: 'race-same' });
    const frame = framed(context, {
      name: 'race', title: said.title, means: said.means, drawing: bars.node,
      controls: element('div', { class: 'race-course' }, control.node,
        element('div', { class: 'lanes-room' }, lanes.node)),
    });
    const result = element('div', { class: 'result' }, element('p', {}, equal), why, table.node);
    frame.sentence.after(result);
    root.append(frame.node);
    /** @type {Course | undefined} */
    let course;
    return (state) => {
      course = courseOf(state, course);
      control.show(state);
      lanes.show(state);
      bars.show(pairsOf(said, course));
      result.hidden = !course;
      if (course) table.show(course);
      say(why, course?.finish ? whyWords(said, course, course.finish) : '');
      const payoff = payoffOf(state);
      const same = payoff.kind === 'race' ? payoff.same : undefined;
      say(equal, same === undefined ? '' : words.payoff[same ? 'same' : 'different']);
      put(equal, 'data-verdict', same === undefined ? 'none' : same ? 'equal' : 'different');
      frame.show(sentenceOf(said, state, course), course && state);
    };
  },
};

// ---- the button, and how far it is ----------------------------------------------------------------

/** @param {Words} words  @param {Context} context */
function controlOf(words, { actions, signal, words: dictionary }) {
  const go = button({ class: 'go', part: 'race-go' });
  const needs = element('span', { class: 'note', part: 'race-needs' });
  const doing = element('p', { class: 'race-state', part: 'race-state' });
  const progress = element('progress', {
    part: 'race-progress', 'aria-label': dictionary.status.progress, max: 1, hidden: true });
  const failure = failurePlace(dictionary);
  const alert = { class: 'error', part: 'race-error', role: 'alert', hidden: true };
  const error = element('p', alert, failure.node);
  let racing = false; // as the reader sees it
  let blocked = false;
  onStartStop(go, () => racing, () => {
    if (!blocked) actions.compare();
  }, () => actions.stop(), signal);
  const row = element('p', { class: 'actions' }, go, ' ', needs);
  return {
    node: element('div', { class: 'race-control' }, row, doing, progress, error),
    /** @param {State} state */
    show(state) {
      const { race: shown, model, download, status } = state;
      racing = isComparing(state);
      blocked = !racing && (isWorking(state) || isApart(state));
      say(go, racing ? words.stop : words[shown?.lanes ? 'again' : 'start']);
      put(go, 'aria-disabled', String(blocked)); // disabled, it would lose the focus
      say(needs, blocked ? words.blocked : words.needs(model ? 0 : download.total, rivalBytes(state)));
      say(doing, shown ? statusWords(dictionary, state) : '');
      progress.hidden = !(shown && status === 'loading');
      if (download.total > 0) progress.value = Math.min(1, bytesLoaded(state) / download.total);
      failure.show(shown && state.failure);
      error.hidden = !(shown && state.failure);
    },
  };
}

// ---- what is known of it --------------------------------------------------------------------------

/** @param {State} state  @param {Course} [before]  @returns {Course | undefined} */
function courseOf(state, before) {
  const { race: shown } = state;
  const config = engineOf(state)?.config;
  if (!shown?.lanes || !config) return undefined;
  const { lanes } = shown;
  const { on, off } = lanes;
  const work = {
    on: workIn(config, on.run, before?.work.on, slideOf(state)),
    off: workIn(config, off.run, before?.work.off, slideOf(state)),
  };
  const ms = { on: on.ms ?? shown.ms, off: off.ms ?? shown.ms };
  return { lanes, ms, work, ...(isDecided(lanes) && { finish: finishOf(lanes, work) }) };
}

/** @param {Words} words  @param {State} state  @param {Course | undefined} course */
function sentenceOf(words, { race: shown }, course) {
  if (!shown || !course) return words.empty;
  const { same, parting } = shown;
  if (parting !== undefined) return words.differ(parting + 1);
  if (course.finish) return words.finished(same, course.finish.times, course.finish.fewer);
  const isStopped = MODES.some((mode) => course.lanes[mode].run.reason === 'stopped');
  return isStopped ? words.stopped(same) : words.same(same);
}

/**
 * Why times and work are not in the same ratio.
 * @param {Words} words  @param {Course} course  @param {Finish} finish
 */
function whyWords(words, { ms }, { each, besides, together }) {
  const share = besides.on / ms.on;
  const said = [each.on > each.off ? words.one(each, together) : words.other(each)];
  if (share > MUCH) said.push(words.besides(besides, 100 * share));
  return said.join(' ');
}

/** @param {Words} words  @param {Course | undefined} course */
function pairsOf({ time, work: operations, ratio, seconds, ...words }, course) {
  const { ms, work, finish } = course ?? {};
  /** @param {(mode: Mode) => number | undefined} valueOf  @param {(value: number) => string} say */
  const sides = (valueOf, say) => {
    const [on, off] = MODES.map((mode) => valueOf(mode) ?? 0).map((value) => (
      { value, words: value > 0 ? say(value) : '' }));
    return { on, off };
  };
  return /** @type {const} */ ([
    {
      name: time, ratio: finish ? ratio.time(finish.times) : '',
      sides: sides((mode) => ms?.[mode], seconds),
    },
    {
      name: operations, ratio: finish ? ratio.work(finish.fewer) : '',
      sides: sides((mode) => work?.[mode].multiplyAdds, words.operations),
    },
  ]);
}

// ---- in numbers -----------------------------------------------------------------------------------

/** @param {Words} words  @param {Dictionary} dictionary */
function tableOf({ table: said, seconds, operations }, { cache, format: { counted, measured } }) {
  /** @type {readonly Row[]} */
  const rows = [
    [said.time, ({ ms }, mode) => ms[mode], seconds],
    [said.computing, ({ lanes }, mode) => lanes[mode].run.ms, seconds],
    [said.tokens, ({ lanes }, mode) => lanes[mode].run.tokens.length, counted],
    [said.rows, ({ work }, mode) => work[mode].rows, counted],
    [said.work, ({ work }, mode) => work[mode].multiplyAdds, operations],
    [said.each, ({ finish }, mode) => finish?.each[mode], said.nanoseconds],
  ];
  const cells = rows.map(() => [...MODES, 'ratio'].map(() => element('td')));
  const heads = [said.what, ...MODES.map((mode) => cache[mode]), said.ratio];
  const body = rows.map(([name], i) => (
    element('tr', {}, element('th', { scope: 'row' }, name), ...cells[i])));
  const node = element('table', { class: 'data-table', part: 'race-table' },
    element('caption', {}, said.caption),
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element('tbody', {}, ...body));
  return {
    node,
    /** @param {Course} course */
    show(course) {
      for (const [i, [, valueOf, write]] of rows.entries()) {
        const values = MODES.map((mode) => valueOf(course, mode));
        const [on, off] = values;
        for (const [j, value] of values.entries()) say(cells[i][j], value === undefined ? '' : write(value));
        say(cells[i][2], course.finish && on && off ? measured(off / on) : '');
      }
    },
  };
}
