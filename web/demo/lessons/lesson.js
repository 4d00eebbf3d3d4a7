// What a lesson is: a question to be guessed, runs to be tried, and an experiment that answers the next
// question. What it says stands in the dictionaries (../words/en-tour.js), under its name. Pure: whether an
// experiment has succeeded is read from the state of the figure alone.
import { heldIn } from '../held.js';
import { isWorking } from '../state.js';

/**
 * @import { Draft } from '../edit.js'
 * @import { Run } from '../run.js'
 * @import { State } from '../state.js'
 *
 * @typedef {object} Setup  of a figure, as a reader would set it up before a run
 * @property {string} prompt
 * @property {number} maxTokens
 * @property {boolean} cache
 * @property {number} [pace]   tokens per second shown; 0, the default: as fast as they are computed
 *
 * @typedef {object} Looked    at a figure
 * @property {State} state     with what has begun since the lesson was opened; before that, there is nothing
 * @property {Run} [before]    the run before it, if that has begun since then too, and wrote something
 * @property {readonly number[]} [tried]  what the lesson's own runs have shown
 *
 * @typedef {object} Found     of an experiment
 * @property {boolean} passed
 * @property {string} say      which sentence tells it
 * @property {readonly number[]} numbers  that it tells
 *
 * @typedef {object} Lesson
 * @property {string} name
 * @property {number} right    which answer, from 0
 * @property {readonly (Setup | Draft)[]} runs   that its button starts, one after the other
 * @property {readonly string[]} views  that show what there is to see
 * @property {(looked: Looked) => readonly number[] | undefined} see  what the runs have shown, once they have
 * @property {(looked: Looked) => Found | undefined} check  undefined: there is nothing to be said yet
 */

/** @param {...number} numbers  @returns {Found} */
export const passed = (...numbers) => ({ passed: true, say: 'passed', numbers });

/** @param {string} say  @param {...number} numbers  @returns {Found} */
export const missed = (say, ...numbers) => ({ passed: false, say, numbers });

/** A run has come to an end, also because it was stopped. @param {State} state */
export const hasEnded = (state) => (
  !isWorking(state) && state.run.reason !== undefined && state.run.tokens.length > 0);

/** Tokens whose K and V the cache holds. @param {State} state */
export const rowsOf = ({ memory }) => heldIn(memory);

/** What a run has read and written, as people read it. @param {Run} run */
export const textOf = ({ prompt, tokens }) => prompt + [...tokens].map(({ text }) => text).join('');

/** No token of a run was computed with the cache. @param {State} state */
export const isAllOff = ({ run: { number, prefill }, columns }) => (
  prefill?.cached === false && columns.on.run !== number);

/** Or each of them was. @param {State} state */
export const isAllOn = ({ run: { number, prefill }, columns }) => (
  prefill?.cached === true && columns.off.run !== number);
