// What nobody reads is still there: memory is free once rows are evicted. And a wrong cache shows late.
import { PROMPT } from '../attributes.js';
import { hasEnded, isAllOn, missed, passed, rowsOf } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

const LATE = 10; // tokens that come out right before

/** @type {Lesson} */
export const limits = {
  name: 'limits',
  right: 1,
  runs: [
    { prompt: PROMPT, maxTokens: 200, cache: true, pace: 15 },
    { prompt: 'Deep in the forest there lived', maxTokens: 10, cache: true },
  ],
  views: ['facts', 'lab'],
  see({ state, tried }) {
    const { run, memory } = state;
    if (!memory || !hasEnded(state)) return undefined;
    const rows = rowsOf(state);
    if (tried && isAllOn(state)) return [tried[0], tried[1], tried[2], rows];
    const isOff = run.prefill?.cached === true && run.mode === 'off' && rows < run.position;
    return isOff ? [rows, run.position, memory.usedBytes, 0] : undefined;
  },
  check({ state: { lab: { outcome } } }) {
    if (!outcome) return undefined;
    const { firstWrong, right, parting } = outcome;
    if (!parting) return missed('same');
    const same = firstWrong ?? right.tokens.length;
    return same < LATE ? missed('soon', same) : passed(same);
  },
};
