// A step with the cache costs more, the longer the text is: its attention reads every row.
import { PROMPT } from '../attributes.js';
import { multiplyAdds } from '../../measure/analysis.js';
import { runSpeedAt } from '../curves.js';
import { median } from '../meter.js';
import { engineOf } from '../recorded.js';
import { hasEnded, isAllOn, missed, passed } from './lesson.js';

/**
 * @import { State } from '../state.js'
 * @import { Lesson } from './lesson.js'
 */

const AROUND = 16; // positions, because a machine's speed wavers
const SHARE = [0.095, 0.105];

/** Of the step that computes the token at a position. @param {State} state  @param {number} at  from 1 */
function workAt(state, at) {
  const engine = engineOf(state);
  return engine ? multiplyAdds(engine.config, at - 1, at).total : 0;
}

/** @param {State} state  @param {number} last  of the positions */
function speedTo({ curves }, last) {
  const speeds = Array.from({ length: AROUND }, (_, i) => runSpeedAt(curves, 'on', last - i))
    .filter((speed) => speed !== null);
  return speeds.length > 0 ? median(speeds) : undefined;
}

/** @type {Lesson} */
export const free = {
  name: 'free',
  right: 1,
  runs: [{ prompt: PROMPT, maxTokens: 1024, cache: true }],
  views: ['numbers', 'lens'],
  see({ state }) {
    if (!hasEnded(state) || !isAllOn(state)) return undefined;
    const last = state.run.position;
    const first = Math.max((state.run.prefill?.tokens ?? 0) + AROUND, Math.round(last / 10));
    const [early, late] = [speedTo(state, first), speedTo(state, last)];
    if (early === undefined || late === undefined || last < 4 * first) return undefined;
    return [first, early, workAt(state, first), last, late, workAt(state, last)];
  },
  check({ state }) {
    if (!hasEnded(state)) return undefined;
    if (!isAllOn(state)) return missed('off');
    const { position } = state.run;
    const more = workAt(state, position) / workAt(state, 1) - 1;
    const isIt = more >= SHARE[0] && more <= SHARE[1];
    return isIt ? passed(position, 100 * more) : missed('other', position, 100 * more);
  },
};
