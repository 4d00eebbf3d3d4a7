/// <reference path="../css.d.ts" />
// The tour: lessons to be guessed, tried and seen, with a figure of its own that runs as any other does.
import { LESSONS } from '../lessons/index.js';
import { button, element, note, put, say, uniqueId } from '../parts/dom.js';
import { lessonPlace, saidBy } from '../parts/lesson.js';
import { taking } from '../parts/take.js';
import { withoutRecorded } from '../recorded.js';
import { newRun } from '../run.js';
import { isApart, isWorking } from '../state.js';
import { begun, follow, guessed, lessonOf, newProgress, nextRun, setUp } from '../tour.js';
import { downloadWords } from '../words.js';
import { TOUR } from '../words/tour.js';
import styles from './tour.css' with { type: 'text' };

/**
 * @import { Actions, Context, Mount, View } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Progress } from '../tour.js'
 *
 * @typedef {(typeof TOUR)[string]} Words
 */

/** Of the figure, whatever the lesson. */
const STAGE = ['controls', 'status', 'payoff', 'chart', 'story'];
const WRITE = ['prompt', 'sampling'];

/** Outlasts the view, which goes when the language changes. @type {WeakMap<Actions, Progress>} */
const kept = new WeakMap();

/** @type {View} */
export const tour = {
  name: 'tour',
  styles,
  mount(root, context) {
    const { actions, signal, words } = context;
    const said = TOUR[words.lang];
    const title = uniqueId('lesson');
    /** @type {State} */
    let state;
    const progress = () => kept.get(actions) ?? newProgress();
    const keep = (/** @type {Progress} */ next) => {
      kept.set(actions, next);
      show();
    };
    const place = lessonPlace(said, title, {
      guess: (answer) => keep(guessed(progress(), answer)),
      go() {
        setUp(actions, state, lessonOf(progress().lesson).runs[nextRun(progress())]);
        keep(begun(progress()));
      },
    }, signal);
    const shown = figureOf(said, context);
    const list = listOf(said, (lesson) => {
      actions.setPace(0); // some lessons are slow
      actions.setLesson(lesson);
      show({ ...state, lesson }); // with the next frame, it would be too late for the focus
      place.focus();
    }, context);
    root.append(element('section', { class: 'tour', part: 'tour', 'aria-labelledby': title },
      place.head, place.guess, place.try, shown.figure, place.see, shown.look, place.check, shown.write,
      list.node));
    const show = (now = state) => {
      state = now;
      const at = follow(progress(), state);
      kept.set(actions, at);
      place.show(at, downloadWords(words, state), isWorking(state) || isApart(state));
      shown.show(at.lesson, state);
      list.show(at);
    };
    return show;
  },
};

/**
 * The figure, and what of it the lesson is about. A recorded run would give the answers away.
 * @param {Words} words  @param {Context} context
 */
function figureOf(words, context) {
  const [stage, column] = ['stage', 'write'].map((name) => element('div', { class: name }));
  const figure = element('div', { class: 'lesson-figure', role: 'group', 'aria-label': words.figure },
    element('div', { class: 'figure' }, stage));
  const look = element('div', { class: 'lesson-look' });
  const write = element('div', { class: 'lesson-write' }, column);
  const all = [...viewsIn(stage, STAGE, context), ...viewsIn(column, WRITE, context)];
  let lesson = 0;
  let ending = new AbortController();
  context.signal.addEventListener('abort', () => ending.abort());
  /** @type {ReturnType<Mount>[]} */
  let looks = [];
  /** @type {State} */
  let last;
  /** @type {State} */
  let shown;
  /** @param {number} now  @param {State} state */
  const show = (now, state) => {
    if (now !== lesson) {
      lesson = now;
      ending.abort();
      ending = new AbortController();
      look.replaceChildren();
      const { runs, views } = lessonOf(lesson);
      figure.hidden = write.hidden = runs.every((run) => 'before' in run); // a view has its own
      looks = viewsIn(look, views, { ...context, signal: ending.signal });
    }
    if (last !== state) shown = state.recorded ? { ...withoutRecorded(state), run: newRun(0, '', 0) } : state;
    last = state;
    for (const render of [...all, ...looks]) render(shown);
  };
  return { figure, look, write, show };
}

/** @param {HTMLElement} root  @param {readonly string[]} names  @param {Context} context */
const viewsIn = (root, names, { mountView, signal }) => names.map((name) => mountView(name, root, signal));

/**
 * Back and forth, and all lessons, with what has come of them.
 * @param {Words} words  @param {(lesson: number) => void} open  @param {Context} context
 */
function listOf(words, open, context) {
  const { signal } = context;
  let current = 1;
  const titles = LESSONS.map((_, i) => saidBy(words, i + 1).title);
  const [previous, next] = [-1, 1].map((step) => {
    const made = button({ part: step < 0 ? 'lesson-previous' : 'lesson-next' });
    made.addEventListener('click', () => open(current + step), { signal });
    return made;
  });
  const items = titles.map((name, i) => {
    const mark = note('');
    const link = button({ class: 'quiet', part: 'lesson-link' }, name);
    link.addEventListener('click', () => open(i + 1), { signal });
    return { mark, link, node: element('li', {}, link, ' ', mark) };
  });
  const node = element('nav', { class: 'lesson-list', 'aria-label': words.list },
    element('p', { class: 'lesson-steps' }, previous, next), ...linkTo(context),
    element('h3', {}, words.list), element('ol', { part: 'lessons' }, ...items.map((item) => item.node)));
  /** @param {Progress} progress */
  const show = ({ lesson, results }) => {
    current = lesson;
    previous.hidden = lesson === 1;
    next.hidden = lesson === LESSONS.length;
    say(previous, `${words.previous}: ${titles[lesson - 2] ?? ''}`);
    say(next, `${words.next}: ${titles[lesson] ?? ''}`);
    for (const [i, { mark, link }] of items.entries()) {
      const { tried, found } = results[i + 1] ?? {};
      say(mark, found?.passed ? words.marks.done : tried ? words.marks.tried : '');
      put(link, 'aria-current', i + 1 === lesson ? 'step' : 'false');
    }
  };
  return { node, show };
}

/** A button that copies a link to the open lesson, or the tag. @param {Context} context  @returns {Node[]} */
function linkTo({ signal, words: { take: words }, share }) {
  const { news, field, copy } = taking(words);
  const copied = button({ class: 'quiet', part: 'copy-link' }, words.copy[share.kind]);
  copied.addEventListener('click', () => copy(share.textFor('tour'), words.copied[share.kind]), { signal });
  return [element('p', { class: 'actions tools' }, copied, news), field];
}
