// Prefill and decode: reading a prompt from nothing is not faster with the cache, writing is.
import { hasEnded, isAllOn, missed, passed } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

const LEAST = 10; // tokens to be written
/** Begins with a word of its own, so that no other text is in the way. */
const LONG = 'Beyond the seven hills, where the river is so narrow that a child can jump over it, there '
  + 'stood a mill with a red roof, and in the mill lived an old miller with his three sons and a donkey.';

/** @type {Lesson} */
export const phases = {
  name: 'phases',
  right: 2,
  runs: [{ prompt: LONG, maxTokens: 100, cache: false }, { prompt: LONG, maxTokens: 100, cache: true }],
  views: ['numbers'],
  see({ state, before }) {
    const { run } = state;
    if (!hasEnded(state) || !isAllOn(state) || before?.prompt !== run.prompt) return undefined;
    const [on, off] = [run.prefill, before.prefill];
    if (!on || !off || off.cached || before.mode !== 'off') return undefined;
    if (run.measured === 0 || before.measured === 0) return undefined;
    return [off.tokens, off.ms, on.ms, on.reused, before.ms / before.measured, run.ms / run.measured];
  },
  check({ state }) {
    const { run } = state;
    if (!hasEnded(state) || !run.prefill || run.prompt === LONG) return undefined;
    if (!isAllOn(state)) return missed('off');
    if (run.tokens.length < LEAST) return missed('few', run.tokens.length);
    if (run.measured < run.tokens.length) return missed('unmeasured');
    const numbers = [run.prefill.tokens - run.prefill.reused, run.prefill.ms, run.tokens.length, run.ms];
    return run.prefill.ms > run.ms ? passed(...numbers) : missed('other', ...numbers);
  },
};
