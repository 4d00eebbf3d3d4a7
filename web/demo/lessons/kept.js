// Of each token, K and V are kept, one row each; Q and the attention are not.
import { PROMPT } from '../attributes.js';
import { engineOf } from '../recorded.js';
import { hasEnded, isAllOff, missed, passed, rowsOf } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

const ROWS = 64;

/** @type {Lesson} */
export const kept = {
  name: 'kept',
  right: 1,
  runs: [{ prompt: PROMPT, maxTokens: 24, cache: true, pace: 6 }],
  views: ['strips'],
  see({ state }) {
    const config = engineOf(state)?.config;
    if (!config || !hasEnded(state) || isAllOff(state)) return undefined;
    const { nLayer, nHead, nKvHead = nHead, headDim } = config;
    return [rowsOf(state), nLayer, nKvHead, headDim];
  },
  check({ state }) {
    const { prefill, tokens } = state.run;
    if (!hasEnded(state)) return undefined;
    if (isAllOff(state)) return missed('off');
    const rows = rowsOf(state);
    return rows === ROWS ? passed(prefill?.tokens ?? 0, tokens.length) : missed('other', rows);
  },
};
