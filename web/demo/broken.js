// What a bug is tried with, and what is seen of it then: where a text parts from the right one, and what the
// thread and the tests about it are called.

/**
 * @import { Config } from '../config/config.js'
 * @import { Outcome } from '../lab/experiment.js'
 * @import { Offered } from './bug-list.js'
 */

/** Both engines read this first. The shipped model writes English. */
const BEGINNING = 'Once upon a time there was a king who had three';
export const PROMPT = `${BEGINNING} daughters, and the youngest was called Rose.`;
/** In its place, where a scenario begins with another prompt. */
const EARLIER = `${BEGINNING} sons, and the youngest was called Hans.`;
const TOKENS = 40;
/** Bugs that need a table of learned positions, as GPT-2 has one. */
const LEARNED = ['B1'];

/** The experiment that shows a bug. @param {Offered} bug */
export const experimentWith = ({ number, scenario }) => (
  { bug: number, scenario, prompt: PROMPT, earlier: EARLIER, tokens: TOKENS });

/**
 * Whether a model can have the bug at all.
 * @param {Pick<Offered, 'id'>} bug  @param {Readonly<Config>} [config]  if absent, that of the shipped model
 */
export const canShow = ({ id }, config) => !config?.encoder && !(config?.rotary && LEARNED.includes(id));

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
