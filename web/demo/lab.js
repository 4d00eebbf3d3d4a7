// The lab: a bug is tried, and what came of it.

/**
 * @import { Outcome } from '../lab/experiment.js'
 * @import { RequestEvent } from '../worker/messages.js'
 * @import { Failure } from './failure.js'
 *
 * @typedef {object} Lab
 * @property {'idle' | 'loading' | 'writing' | 'done' | 'stopped' | 'failed'} status  loading: the model, then
 *   the engine with the bugs
 * @property {string} [bug]       that was tried last, its id
 * @property {Outcome} [outcome]
 * @property {Failure} [failure]
 *
 * @typedef {RequestEvent<'lab'>
 *   | { type: 'asked', bug: string }
 *   | { type: 'begun' }
 *   | { type: 'ended', outcome: Outcome }
 *   | { type: 'failed', failure: Failure }} LabEvent
 */

/** @returns {Lab} */
export const newLab = () => ({ status: 'idle' });

/** @param {Lab} lab */
export const isTrying = ({ status }) => status === 'loading' || status === 'writing';

/** @param {Lab} lab  @param {LabEvent} event  @returns {Lab} */
export function reduceLab(lab, event) {
  switch (event.type) {
    case 'asked': return { status: 'loading', bug: event.bug };
    case 'begun': case 'loading': return lab;
    case 'writing': return { ...lab, status: 'writing' };
    case 'ended': return { ...lab, status: 'done', outcome: event.outcome };
    case 'failed':
      return event.failure.code === 'aborted' ? { ...lab, status: 'stopped' }
        : { ...lab, status: 'failed', failure: event.failure };
  }
}

// ---- what is seen of it -------------------------------------------------------------------------

/** Both engines read this first. The shipped model writes English. */
const BEGINNING = 'Once upon a time there was a king who had three';
export const PROMPT = `${BEGINNING} daughters, and the youngest was called Rose.`;
/** In its place, where a scenario begins with another prompt. */
export const EARLIER = `${BEGINNING} sons, and the youngest was called Hans.`;
export const TOKENS = 40;

/**
 * A text in pieces: what is right, what is right though the logits are not any more, the space before the
 * first wrong token, that token ('' where there is none), and what follows.
 * @typedef {{ same: string, shaky: string, space: string, first: string, rest: string }} Pieces
 */

/**
 * @param {Outcome} outcome  @param {'right' | 'wrong'} side
 * @returns {Pieces}
 */
export function piecesOf({ parting, firstWrong, ...sides }, side) {
  const { tokens } = sides[side];
  const text = (/** @type {number} */ from, /** @type {number} */ to) => (
    tokens.slice(from, to).map((token) => token.text).join(''));
  const end = firstWrong ?? tokens.length;
  const sure = Math.min(end, parting?.place ?? end);
  const [, space, word] = /** @type {string[]} */ (/^(\s*)(.*)$/s.exec(text(end, end + 1)));
  const [first, after] = word || !space ? [word, ''] : space.includes('\n') ? ['↵', '\n'] : ['␣', ''];
  const rest = `${after}${text(end + 1, Infinity)}`;
  return { same: text(0, sure), shaky: text(sure, end), space: word ? space : '', first, rest };
}

/**
 * Where a story parts, counted in the whole text from 1 on.
 * @param {Outcome} outcome
 */
export function partingOf({ prompt, parting, firstWrong }) {
  return {
    logits: parting && prompt + parting.place + 1,
    token: firstWrong === undefined ? undefined : prompt + firstWrong + 1,
  };
}

/** The threads and the tests of a bug, as one says them. */
export const THREAD = /^https:\/\/github\.com\/([^/]+\/[^/]+)\/(?:issues|pull)\/(\d+)$/;

/** "owner/name #12" @param {string} address */
export const threadName = (address) => address.replace(THREAD, '$1 #$2');

/** "cache: truncate_then_append" -> "test_cache: truncate_then_append" @param {string} test */
export const testName = (test) => (test.startsWith('fuzz_') ? test : `test_${test}`);
