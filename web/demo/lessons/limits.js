// What nobody reads is still there: memory is free once rows are evicted, and not before.
import { PROMPT } from '../attributes.js';
import { hasEnded, isAllOff, isAllOn, missed, passed, rowsOf } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

const MOST = 20; // rows that may be left

/** @type {Lesson} */
export const limits = {
  name: 'limits',
  right: 1,
  runs: [{ prompt: PROMPT, maxTokens: 200, cache: true, pace: 15 }],
  views: ['facts'],
  see({ state }) {
    const { run, memory } = state;
    const rows = rowsOf(state);
    const isOff = run.prefill?.cached === true && run.mode === 'off' && rows < run.position;
    return memory && hasEnded(state) && isOff ? [rows, run.position, memory.usedBytes] : undefined;
  },
  check({ state, tried }) {
    if (!tried || !state.memory || !hasEnded(state) || isAllOff(state)) return undefined;
    const rows = rowsOf(state);
    if (!isAllOn(state)) return undefined; // the lesson's own
    return rows > MOST ? missed('many', rows) : passed(rows);
  },
};
