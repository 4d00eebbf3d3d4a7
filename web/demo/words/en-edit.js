// What the view of an edited prompt says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, megabytes } = numbersIn('en');
const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;
const ms = (/** @type {Measured} */ time) => `${measured(time.ms, time.error)} ms`;

/** @typedef {{ ms: number, error: number }} Measured  error: at most, as a share */

export const edit = {
  title: 'Edit the prompt',
  means: 'A cache can outlive its prompt. When the prompt is changed, it still spares you the tokens before '
    + 'the first change; everything after that is computed again.',
  before: 'Prompt before',
  after: 'Prompt after',
  changes: {
    group: 'Changes to try',
    first: 'Change the first word',
    middle: 'Change one in the middle',
    last: 'Change one at the end',
  },
  run: 'Read it again',
  stop: 'Stop',
  loads: (/** @type {number} */ bytes) => `The model is loaded first, once: ${megabytes(bytes)}.`,
  reading: 'Reading both prompts, and answering them.',
  stopped: 'Stopped.',
  encoder: 'The model that you have chosen reads a source with an encoder, and all of it anew when one word '
    + 'changes: a cache spares nothing of it.',
  empty: 'Pick a change, or write your own: the tokens of both prompts appear here, marked as reused or '
    + 'computed again.',
  legend: {
    rows: 'Top line: before. Bottom line: after,',
    reused: 'reused', computed: 'computed again',
  },
  /** rest: of what was not reused; whole: of everything. */
  some: (/** @type {number} */ reused, /** @type {number} */ all, /** @type {Measured} */ rest,
    /** @type {Measured} */ whole) => (
    `${counted(reused)} of ${tokens(all)} reused, ${counted(all - reused)} computed again. Measured: `
      + `${ms(rest)}, and ${ms(whole)} for computing all of them`
      + `${rest.ms < whole.ms ? `; ${measured(100 * (1 - rest.ms / whole.ms), 0.05)} % saved` : ''}.`),
  none: (/** @type {number} */ all, /** @type {Measured} */ rest, /** @type {Measured} */ whole) => (
    `Nothing reused: the very first token is another one. All ${tokens(all)} were computed again. Measured: `
      + `${ms(rest)}, and ${ms(whole)} from an empty cache.`),
  table: {
    caption: 'The tokens of both prompts, by position',
    position: 'Position', before: 'Before', after: 'After', how: 'K and V',
    reused: 'reused', computed: 'computed again', ended: '–',
  },

  provider: {
    title: 'What is a “cached token”?',
    some: (/** @type {number} */ reused) => (
      `${reused === 1 ? 'Your one reused token is' : `Your ${counted(reused)} reused tokens are`} what a `
        + 'provider bills as cached: the beginning of a prompt whose K and V it still has from an earlier '
        + 'one, usually in whole blocks and from a minimum length on.'),
    none: 'What a provider bills as cached is the beginning of a prompt whose K and V it still has from an '
      + 'earlier one: of your prompt, nothing.',
    why: 'It ends at the first changed token, because from the second layer on, K and V of a token are '
      + 'computed from all the tokens before it.',
    so: 'So put what changes from one prompt to the next, such as a date or a question, at the end.',
  },

  stale: {
    title: 'A mistake on purpose: the stale edit',
    means: 'Why not compute the changed word alone, and keep K and V of everything after it?',
    tried: (/** @type {number} */ count, /** @type {string} */ before, /** @type {string} */ after) => (
      `Tried in the same engine: ${tokens(count)} after the change ${count === 1 ? 'keeps' : 'keep'} the K `
        + `and V from when the prompt said “${before}”; it now says “${after}”. Only the newest token is `
        + 'computed, because its logits are needed.'),
    answers: {
      before: 'Before the change', after: 'After it, computed', stale: 'After it, with stale K and V',
    },
    right: 'right', wrong: 'wrong, on purpose',
    /** token: the first wrong one, from 1 on; old: so many at its beginning are those of the old answer. */
    verdict: (/** @type {number} */ token, /** @type {number} */ old) => (
      `The stale answer is wrong from token ${counted(token)} on${old < token ? '.' : old === 1
        ? ': it begins as the answer before the change does.'
        : `: its first ${tokens(old)} are those of the answer before the change.`}`),
    lucky: (/** @type {number} */ count) => (
      `By luck, these ${tokens(count)} are the right ones. The numbers underneath are not.`),
    moved: 'Not tried with this change: the prompts differ in their number of tokens. Those after the change '
      + 'have moved, and their positions are part of their K and V.',
    nothing: 'Not tried with this change: at most the newest token comes after it, and that one is always '
      + 'computed, because its logits are needed.',
    same: 'Not tried: nothing was changed.',
    equal: 'Reused: proved equal.',
    equalRest: ' The logits after the prompt are, bit for bit, those of computing all of it.',
    unequal: 'Reused: not equal.',
    unequalRest: ' This should not be: please report it.',
    different: 'Stale: not equal.',
    differentRest: (/** @type {number} */ distance) => (
      ` The logits after the prompt are off by up to ${measured(distance)}.`),
    hashes: { whole: 'all computed', rest: 'reused', stale: 'stale' },
  },
};
