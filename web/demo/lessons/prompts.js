// The KV cache of a run, kept for the next prompt: what it still holds, up to the first changed token.
import { hasEnded, missed, passed } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

const TALE = 'In a village by the sea there lived a poor fisherman who had a wife, a boat and an old grey '
  + 'cat. Every evening he came home with his nets';
const PROMPTS = [`${TALE} full.`, `${TALE} empty.`];
const MANY = 20;

/** @type {Lesson} */
export const prompts = {
  name: 'prompts',
  right: 1,
  runs: PROMPTS.map((prompt) => ({ prompt, maxTokens: 40, cache: true })),
  views: ['facts', 'text'],
  see({ state: { run }, before }) {
    if (!run.prefill?.cached || !before || before.prompt === run.prompt) return undefined;
    const { tokens, reused } = run.prefill;
    return [tokens, reused, tokens - reused];
  },
  check({ state, before }) {
    const { run: { prompt, prefill } } = state;
    if (!prefill || !hasEnded(state)) return undefined;
    if (!prefill.cached) return missed('off');
    if (PROMPTS.includes(prompt)) return undefined; // the lesson's own
    if (!before || before.prompt === prompt) return missed('unchanged');
    const { tokens, reused } = prefill;
    return reused > MANY ? passed(tokens, reused) : missed('other', tokens, reused);
  },
};
