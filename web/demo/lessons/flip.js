// The cache changes the speed, and not the text.
import { PROMPT } from '../attributes.js';
import { contrast } from '../curves.js';
import { hasEnded, isAllOff, isAllOn, missed, passed } from './lesson.js';

/**
 * @import { State } from '../state.js'
 * @import { Lesson } from './lesson.js'
 */

const AS_FITS = 1024;

/** The switch was flipped in this run. @param {State} state */
const isFlipped = (state) => state.run.prefill !== undefined && !isAllOff(state) && !isAllOn(state);

/** @type {Lesson} */
export const flip = {
  name: 'flip',
  right: 0,
  runs: [{ prompt: PROMPT, maxTokens: AS_FITS, cache: false }],
  views: ['proof'],
  see({ state }) {
    const both = isFlipped(state) && contrast(state.curves);
    return both && both.atFlip ? [both.position, both.off, both.on] : undefined;
  },
  check({ state }) {
    const { run, proof } = state;
    if (!hasEnded(state)) return undefined;
    if (run.prompt === PROMPT) return missed('theirs');
    if (!isFlipped(state)) return missed('notFlipped');
    if (proof.stage !== 'shown' || proof.of !== 'text') return missed('unproved');
    return proof.proof.equal ? passed(proof.proof.tokens) : missed('different', proof.proof.tokens);
  },
};
