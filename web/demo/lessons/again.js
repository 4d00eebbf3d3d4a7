// Without the cache, each step computes K and V of the whole text again: twice the text, four times the work.
import { hasEnded, isAllOff, missed, passed } from './lesson.js';

/**
 * @import { Run } from '../run.js'
 * @import { Lesson } from './lesson.js'
 */

const TIMES = 4;
const ERROR = 0.1;

/** Tokens whose K and V were computed, in all steps. @param {Run} run */
const computed = ({ prefill, tokens }) => (
  [...tokens].reduce((sum, { work }) => sum + work, prefill?.tokens ?? 0));

/** @type {Lesson} */
export const again = {
  name: 'again',
  right: 2,
  runs: [{ prompt: 'Once upon a time', maxTokens: 100, cache: false }],
  views: ['work'],
  see({ state, tried }) {
    if (tried || !hasEnded(state) || !isAllOff(state)) return undefined;
    return [computed(state.run), state.run.position];
  },
  check({ state, tried }) {
    const { run } = state;
    if (!tried || !hasEnded(state)) return undefined;
    if (!isAllOff(state)) return missed('cached');
    const cells = computed(run);
    const times = cells / tried[0];
    if (times === 1) return undefined; // that was the lesson's own
    const numbers = [run.tokens.length, cells, times];
    return Math.abs(times / TIMES - 1) <= ERROR ? passed(...numbers) : missed('other', ...numbers);
  },
};
