// What the cache costs: so many bytes for each token, whatever it says.
import { hasEnded, isAllOn, missed, passed, textOf } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

/** @type {Lesson} */
export const memory = {
  name: 'memory',
  right: 1,
  runs: [{ prompt: 'Deep in the forest there lived', maxTokens: 200, cache: true }],
  views: ['map', 'calculator'],
  see({ state }) {
    if (!state.memory || !hasEnded(state) || !isAllOn(state)) return undefined;
    const { bytesPerToken, usedBytes } = state.memory;
    return [textOf(state.run).length / state.run.position, bytesPerToken, state.run.position, usedBytes];
  },
  check({ state, before }) {
    if (!hasEnded(state) || !state.memory) return undefined;
    if (!isAllOn(state)) return missed('off');
    const { bytesPerToken } = state.memory;
    const bytes = state.run.position * bytesPerToken;
    if (before?.mode !== 'on') return missed('first', bytes);
    const earlier = before.position * bytesPerToken;
    if (bytes !== earlier) return missed('other', bytes, earlier);
    return textOf(before) === textOf(state.run) ? missed('same', bytes) : passed(bytes);
  },
};
