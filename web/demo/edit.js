// An edited prompt: what of it a cache spares, and what comes of sparing too much. Pure.

/**
 * @import { Answer } from '../worker/messages.js'
 * @import { Failure } from './failure.js'
 *
 * @typedef {{ before: string, after: string }} Draft
 * @typedef {Answer<'edit'>} Outcome
 *
 * @typedef {object} Edit
 * @property {'idle' | 'loading' | 'reading' | 'done' | 'stopped' | 'failed'} status  loading: the model
 * @property {Draft} [draft]     that was read last
 * @property {Outcome} [outcome] of it
 * @property {Failure} [failure]
 *
 * @typedef {{ type: 'asked', draft: Draft }
 *   | { type: 'begun' }
 *   | { type: 'ended', outcome: Outcome }
 *   | { type: 'failed', failure: Failure }} EditEvent
 */

/** @returns {Edit} */
export const newEdit = () => ({ status: 'idle' });

/** @param {Edit} edit */
export const isReading = ({ status }) => status === 'loading' || status === 'reading';

/** @param {Edit} edit  @param {EditEvent} event  @returns {Edit} */
export function reduceEdit(edit, event) {
  switch (event.type) {
    case 'asked': return { status: 'loading', draft: event.draft };
    case 'begun': return { ...edit, status: 'reading' };
    case 'ended': return { ...edit, status: 'done', outcome: event.outcome };
    case 'failed': {
      const { failure } = event;
      if (failure.code === 'aborted') return { ...edit, status: 'stopped' };
      return { ...edit, status: 'failed', failure };
    }
  }
}

// ---- what is asked ------------------------------------------------------------------------------

/** In the model's language. */
export const BEFORE = 'That was long ago. There was once a king who could not sleep. One day, in the spring,';
/** Changes of it, at its beginning, in its middle and at its end. */
export const CHANGES = /** @type {const} */ ({
  first: ['That', 'This'],
  middle: ['king', 'princess'],
  last: ['spring', 'winter'],
});
export const TOKENS = 24; // of each answer

/** @param {keyof typeof CHANGES} name */
export const changed = (name) => BEFORE.replace(CHANGES[name][0], CHANGES[name][1]);

// ---- what is seen -------------------------------------------------------------------------------

/**
 * A position of the two prompts.
 * @typedef {object} Place
 * @property {string} [before]  the token there; absent behind a prompt's end
 * @property {string} [after]
 * @property {boolean} changed
 * @property {'reused' | 'computed'} [how]  how the new prompt came to its K and V
 * @property {boolean} kept     the mistake has those of the old prompt
 */

/** @param {Outcome} outcome  @returns {Place[]} */
export function placesOf({ before, after, rest: { reused }, kept }) {
  const end = kept ? kept.first + kept.count : 0;
  return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => ({
    before: before[i]?.text, after: after[i]?.text,
    changed: before[i]?.id !== after[i]?.id,
    how: i >= after.length ? undefined : i < reused ? 'reused' : 'computed',
    kept: kept !== undefined && i >= kept.first && i < end,
  }));
}

/**
 * The changed words, with what lies between them.
 * @param {Outcome} outcome
 * @returns {Draft}
 */
export function wordsChanged({ before, after }) {
  const most = Math.min(before.length, after.length);
  const [a, b] = [[...before].reverse(), [...after].reverse()];
  const first = sameIn(before, after, most);
  const behind = sameIn(a, b, most - first);
  const text = (/** @type {Outcome['before']} */ tokens) => (
    tokens.slice(first, tokens.length - behind).map((token) => token.text).join('').trim());
  return { before: text(before), after: text(after) };
}

/**
 * The tokens that two lists have in common, from the first one on.
 * @param {Outcome['before']} a  @param {Outcome['before']} b  @param {number} [most]
 */
export function sameIn(a, b, most = Math.min(a.length, b.length)) {
  let n = 0;
  while (n < most && a[n].id === b[n].id) n++;
  return n;
}

/**
 * What became of the mistake.
 * @typedef {object} Mistake
 * @property {Outcome['before']} tokens  of its answer
 * @property {number} [firstWrong]  the first that the right answer does not have there
 * @property {number} fromOld       so many at its beginning are those of the answer to the old prompt
 *
 * @param {Outcome} outcome
 * @returns {Mistake | undefined}  if there could be one
 */
export function mistakeOf({ answers: { before, after, stale } }) {
  if (!stale) return undefined;
  const same = sameIn(stale, after);
  const isSame = same === stale.length && same === after.length;
  return { tokens: stale, firstWrong: isSame ? undefined : same, fromOld: sameIn(stale, before) };
}

/**
 * A text in three pieces: before the token at a place, it, and the rest.
 * @param {Outcome['before']} tokens  @param {number} [place]  absent: there is none
 */
export function splitAt(tokens, place = tokens.length) {
  const text = (/** @type {number} */ from, /** @type {number} */ to) => (
    tokens.slice(from, to).map((token) => token.text).join(''));
  return { same: text(0, place), first: text(place, place + 1), rest: text(place + 1, tokens.length) };
}
