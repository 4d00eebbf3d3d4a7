// An early word changes the K and V of every later token.
import { hasEnded, missed, passed } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

const BEFORE = 'The old';
const BEHIND = 'had lost his way in the forest. It was night, it was cold, and he could not see his own '
  + 'hand. Then he heard a voice behind him, and it said,';
const WORDS = ['king', 'dog'];
const MANY = 20;

/**
 * How many words of two texts differ; all of them where one has more.
 * @param {string} a  @param {string} b
 */
function changedWords(a, b) {
  const [left, right] = [a, b].map((text) => text.trim().split(/\s+/));
  return left.length === right.length ? left.filter((word, i) => word !== right[i]).length : Infinity;
}

/** @type {Lesson} */
export const early = {
  name: 'early',
  right: 2,
  runs: WORDS.map((word) => ({ prompt: `${BEFORE} ${word} ${BEHIND}`, maxTokens: 40, cache: true })),
  views: ['facts'],
  see({ state: { run }, before }) {
    if (!run.prefill?.cached || !before || changedWords(before.prompt, run.prompt) !== 1) return undefined;
    const { tokens, reused } = run.prefill;
    return [tokens, reused, tokens - reused];
  },
  check({ state, before, tried }) {
    const { run: { prompt, prefill } } = state;
    if (!tried || !prefill || !hasEnded(state)) return undefined;
    if (early.runs.some((run) => run.prompt === prompt)) return undefined; // the lesson's own
    if (!prefill.cached) return missed('off');
    const changed = before ? changedWords(before.prompt, prompt) : Infinity;
    if (changed !== 1) return changed === 0 ? missed('unchanged') : missed('many');
    const read = prefill.tokens - prefill.reused;
    return read < MANY ? missed('few', read) : passed(read, prefill.tokens);
  },
};
