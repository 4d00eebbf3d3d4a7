// How far a reader has come in the tour: kept in memory alone, and only as long as the figure is there.
import { newEdit } from './edit.js';
import { newLab } from './lab.js';
import { LESSONS } from './lessons/index.js';
import { newRun } from './run.js';

/**
 * @import { Outcome as Broken } from '../lab/experiment.js'
 * @import { Draft, Outcome as Edited } from './edit.js'
 * @import { Found, Setup } from './lessons/lesson.js'
 * @import { Actions } from './view.js'
 * @import { Run } from './run.js'
 * @import { State } from './state.js'
 *
 * What has come of a lesson.
 * @typedef {object} Result
 * @property {number} [guess]   the answer that was chosen
 * @property {number} begun     how often its button was pressed
 * @property {readonly number[]} [tried]  what its runs have shown
 * @property {Found} [found]    what has come of its experiment, at last or when it had succeeded
 *
 * @typedef {object} Progress
 * @property {number} lesson    that is open, from 1; 0: none was yet
 * @property {number} from      runs from this number on have begun since
 * @property {Edited} [edited]  what was there already
 * @property {Broken} [broken]
 * @property {Run} [run]        the newest of them
 * @property {Run} [before]     the one before it, if it wrote something
 * @property {Readonly<Record<number, Result>>} results  by lesson
 */

/** @returns {Progress} */
export const newProgress = () => ({ lesson: 0, from: 0, results: {} });

/** @type {Result} */
const NOTHING = { begun: 0 };

/** @param {Progress} progress */
export const resultOf = ({ lesson, results }) => results[lesson] ?? NOTHING;

/** @param {number} lesson  from 1 */
export const lessonOf = (lesson) => LESSONS[lesson - 1];

/** Which of its runs the button of the lesson starts. @param {Progress} progress */
export const nextRun = (progress) => resultOf(progress).begun % lessonOf(progress.lesson).runs.length;

/** @param {Progress} progress  @param {Partial<Result>} result  @returns {Progress} */
const withResult = (progress, result) => ({
  ...progress,
  results: { ...progress.results, [progress.lesson]: { ...resultOf(progress), ...result } },
});

/** An answer was chosen. @param {Progress} progress  @param {number} guess */
export const guessed = (progress, guess) => withResult(progress, { guess });

/** The button was pressed. @param {Progress} progress */
export const begun = (progress) => withResult(progress, { begun: resultOf(progress).begun + 1 });

/**
 * The figure is in another state.
 * @param {Progress} progress  @param {State} state
 * @returns {Progress}
 */
export function follow(progress, state) {
  const { lesson, run, edit, lab } = state;
  if (progress.lesson !== lesson) {
    const { results } = progress;
    return { results, lesson, from: run.number + 1, edited: edit.outcome, broken: lab.outcome };
  }
  const now = since(progress, state);
  const next = withRun(progress, now.run);
  const { see, check } = lessonOf(lesson);
  const result = resultOf(next);
  const looked = { state: now, before: next.before };
  const tried = see({ ...looked, tried: result.tried }) ?? result.tried;
  const found = result.found?.passed ? result.found : check({ ...looked, tried }) ?? result.found;
  return tried === result.tried && found === result.found ? next : withResult(next, { tried, found });
}

/**
 * The state without what was there already when the lesson was opened.
 * @param {Progress} progress  @param {State} state
 * @returns {State}
 */
function since({ from, edited, broken }, state) {
  const { recorded, run, edit, lab } = state;
  return {
    ...state,
    ...((recorded || run.number < from) && { run: newRun(0, '', 0) }),
    ...(edit.outcome === edited && { edit: newEdit() }),
    ...(lab.outcome === broken && { lab: newLab() }),
  };
}

/** @param {Progress} progress  @param {Run} run  @returns {Progress} */
function withRun(progress, run) {
  if (run.number === 0) return progress;
  const { run: last, before } = progress;
  const isOther = last && last.number !== run.number && last.tokens.length > 0;
  return { ...progress, run, before: isOther ? last : before };
}

/**
 * Sets a figure up as a reader would, and has it write.
 * @param {Actions} actions  @param {State} state  @param {Setup | Draft} setup
 */
export function setUp(actions, { sampling: { capacity } }, setup) {
  if ('before' in setup) return actions.edit(setup);
  const { prompt, maxTokens, cache, pace = 0 } = setup;
  actions.resetSampling();
  actions.setPrompt(prompt);
  actions.setSampling('maxTokens', Math.min(maxTokens, capacity));
  actions.setPace(pace);
  actions.setCache(cache);
  return actions.generate();
}
