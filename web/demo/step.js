// Where a reader is in a run, and the tokens to ask for to be elsewhere in it. Pure.
import { heldIn } from './held.js';
import { roomOf } from './recorded.js';
import { heldTo, slideOf, spansAt } from './sliding.js';
import { firstStory, storyNow } from './stories.js';
import { sideFor } from './work.js';

/**
 * @import { WrittenToken } from '../worker/messages.js'
 * @import { Run } from './run.js'
 * @import { Gap } from './sliding.js'
 * @import { State } from './state.js'
 */

/**
 * In tokens of the text, those of the prompt included.
 * @typedef {object} Places
 * @property {number} prompt
 * @property {number} position  of the text that stands there
 * @property {number} end       of its story
 * @property {number} held      whose K and V the cache holds
 * @property {number} bytes     that these take there; less where layers with a window have given some back
 * @property {number} taken     that it has taken in, also those that it does not hold any more
 * @property {readonly Gap[]} spans    where those stand that it holds
 * @property {readonly Gap[]} dropped  where those stood that it has just let go of
 * @property {number} side      how many the picture has room for
 * @property {readonly number[]} forks  where a story leaves another one
 *
 * @typedef {object} Branch  a story as it is listed
 * @property {number} place     in the list
 * @property {number} [of]      the one that it left
 * @property {number} from      position of its own first token
 * @property {number} tokens    that it has, the prompt's included
 * @property {string} words     its own first ones
 * @property {boolean} isNow    the one that stands there
 */

const MOST_WORDS = 48; // characters of a story's first words, about

/** Those of a run in which nobody has gone back as well. @param {Run} run */
const storiesOf = ({ stories, tokens, hash }) => stories ?? firstStory(tokens, hash);

/** @param {Pick<State, 'run' | 'memory' | 'model'>} state  @returns {Places} */
export function placesOf(state) {
  const { run, memory } = state;
  const stories = storiesOf(run);
  const prompt = run.prefill?.tokens ?? 0;
  const end = prompt + storyNow(stories).tokens.length;
  const forks = [...new Set(stories.list.slice(1).map(({ from }) => prompt + from))];
  const [held, taken] = run.prefill ? [heldIn(memory), heldTo(state)] : [0, 0];
  const slide = slideOf(state);
  const { cut } = stories;
  const before = cut && cut.dropped > 0 && cut.to === run.tokens.length ? spansAt(cut.taken, slide) : [];
  const dropped = before.filter((span) => span.end > taken)
    .map(({ first, end }) => ({ first: Math.max(first, taken), end }));
  return {
    prompt, position: prompt + run.tokens.length, end, held, bytes: memory?.usedBytes ?? 0,
    taken, spans: spansAt(taken, slide), dropped, side: sideFor(end), forks,
  };
}

/** The ids of what is written now. @param {Run} run */
export const written = ({ tokens }) => [...tokens].map(({ id }) => id);

/**
 * The same up to a position of its story, which may be further on.
 * @param {Run} run  @param {number} position
 */
export function writtenUpTo(run, position) {
  const { tokens } = storyNow(storiesOf(run));
  return written({ ...run, tokens: tokens.first(Math.max(0, position - (run.prefill?.tokens ?? 0))) });
}

/** All of a story. @param {Run} run  @param {number} place */
export const writtenIn = (run, place) => written({ ...run, tokens: storiesOf(run).list[place].tokens });

/** The context has no room for another token. @param {State} state */
export const isFull = (state) => placesOf(state).position >= roomOf(state);

/**
 * The token that can be chosen: the next one or, where there is no room for it, the last.
 * @param {State} state
 * @returns {{ position: number, token?: WrittenToken }}  tokens before it; the one that the story has there
 */
export function choiceOf(state) {
  const { run } = state;
  const before = run.tokens.length - (isFull(state) ? 1 : 0);
  const token = storyNow(storiesOf(run)).tokens.at(before);
  return { position: (run.prefill?.tokens ?? 0) + before, token };
}

/** The ids of the story with another token there. @param {State} state  @param {number} id */
export const writtenWith = (state, id) => [...writtenUpTo(state.run, choiceOf(state).position), id];

/**
 * There is nothing that could follow; going on writes nothing.
 * @param {State} state
 */
export function endsAt(state) {
  const { run: { reason, tokens, maxTokens } } = state;
  const step = isFull(state) || reason === 'eos';
  return { step, goOn: step || tokens.length >= maxTokens };
}

/** @param {Run} run  @returns {Branch[]} */
export function branchesOf(run) {
  const { list, now } = storiesOf(run);
  const prompt = run.prefill?.tokens ?? 0;
  return list.map(({ of, from, tokens }, place) => ({
    place, of, from: prompt + from, tokens: prompt + tokens.length, words: firstWords(tokens, from),
    isNow: place === now,
  }));
}

/** @param {Run['tokens']} tokens  @param {number} from */
function firstWords(tokens, from) {
  let words = '';
  let at = from;
  while (at < tokens.length && words.length < MOST_WORDS) words += tokens.at(at++)?.text ?? '';
  const line = words.replace(/\s+/g, ' ').trim();
  return at < tokens.length ? `${line.replace(/\s\S*$/, '')} …` : line;
}
