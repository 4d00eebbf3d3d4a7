// Where a reader is in a run, and the tokens to ask for to be elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  branchesOf, choiceOf, endsAt, isFull, placesOf, written, writtenIn, writtenUpTo, writtenWith,
} from '../../web/demo/step.js';
import { initialState, reduce } from '../../web/demo/state.js';
import { spoken, statusWords } from '../../web/demo/words.js';
import { en } from '../../web/demo/words/en.js';
import { LOADED, MEMORY } from './fake-client.js';

const PROMPT = 3;
const memory = (tokens) => ({ ...MEMORY, usedBytes: tokens * MEMORY.bytesPerToken });
const token = (id, i) => ({ id, text: ` ${id}`, position: PROMPT + i, cached: true, work: 1 });
const some = (ids, from = 0) => ({
  type: 'tokens', tokens: ids.map((id, i) => token(id, from + i)), memory: memory(PROMPT + from + ids.length),
});
const cut = (ids, kept, dropped) => ({
  type: 'cut', written: ids.map((id) => ({ id, text: ` ${id}` })), kept: PROMPT + kept, cached: true,
  taken: PROMPT + kept + dropped, dropped, droppedBytes: dropped * MEMORY.bytesPerToken,
  memory: memory(PROMPT + kept),
});
const end = (length, hash, reason = length < 6 ? 'stopped' : 'length') => [
  { type: 'run ended', reason, position: PROMPT + length, memory: memory(PROMPT + length), hash },
  { type: 'ended' },
];
const IDS = [5, 6, 7, 8, 9, 10];

/** A state after a run of six tokens, of 80 positions, and what follows. */
const after = (...events) => [
  { type: 'loaded', ...LOADED }, { type: 'setting', key: 'maxTokens', value: 6 },
  { type: 'asked', comparing: false }, { type: 'begun' },
  { type: 'prefilled', tokens: PROMPT, reused: 0, cached: true, ms: 1, passes: 1, error: 0 },
  some(IDS), ...end(6, 'aa'), ...events,
].reduce(reduce, initialState('abc'));

test('before anybody goes back: the end of the only story', () => {
  const state = after();
  assert.deepEqual(placesOf(state), {
    prompt: 3, position: 9, end: 9, held: 9, bytes: 9 * MEMORY.bytesPerToken, taken: 9,
    spans: [{ first: 0, end: 9 }], dropped: [], side: 32, forks: [],
  });
  const { run } = state;
  assert.deepEqual([written(run), writtenUpTo(run, 5), writtenUpTo(run, 0)], [IDS, [5, 6], []]);
  assert.deepEqual(endsAt(state), { step: false, goOn: true }, 'one more may be written, but no run goes on');
  assert.deepEqual(choiceOf(state), { position: 9, token: undefined });
  assert.deepEqual(writtenWith(state, 3), [...IDS, 3]);
  assert.deepEqual(branchesOf(state.run).map(({ words, isNow }) => [words, isNow]), [['5 6 7 8 9 10', true]]);
  assert.equal(placesOf(initialState()).held, 0);
});

test('back, and forward again in the story', () => {
  const state = after(cut([5, 6], 2, 4), ...end(2));
  assert.deepEqual(placesOf(state), {
    prompt: 3, position: 5, end: 9, held: 5, bytes: 5 * MEMORY.bytesPerToken, taken: 5,
    spans: [{ first: 0, end: 5 }], dropped: [{ first: 5, end: 9 }], side: 32, forks: [],
  });
  const on = reduce(state, some([7], 2));
  assert.deepEqual(placesOf(on).dropped, [], 'something was written since');
  assert.deepEqual([written(state.run), writtenUpTo(state.run, 8)], [[5, 6], [5, 6, 7, 8, 9]]);
  assert.deepEqual([choiceOf(state).position, choiceOf(state).token.id], [5, 7]);
  assert.deepEqual([endsAt(state), state.status], [{ step: false, goOn: false }, 'stopped']);
  assert.equal(spoken(en, state).run, undefined, 'the view itself speaks of it');
});

test('who goes back has the engine again: no other figure has it, and what fails is said', () => {
  const state = after({ type: 'asked', comparing: false }, { type: 'gave way' }, ...end(6, 'aa', 'stopped'));
  assert.equal(statusWords(en, state), en.status.gaveWay);
  const back = [cut([5, 6], 2, 4), ...end(2)].reduce(reduce, state);
  assert.equal(statusWords(en, back), en.status.stopped(2));
  const failure = { code: 'internal', message: 'No.', offline: false };
  assert.equal(statusWords(en, reduce(state, { type: 'failed', failure })), en.status.failed);
});

test('forks of forks: each with what it left, where, and its own words', () => {
  const state = after(cut([5, 6, 70], 2, 4), some([71, 72, 73], 3), ...end(6, 'bb'),
    cut([5, 6, 70, 71, 90], 4, 2), ...end(5, 'cc'));
  assert.deepEqual(branchesOf(state.run), [
    { place: 0, of: undefined, from: 3, tokens: 9, words: '5 6 7 8 9 10', isNow: false },
    { place: 1, of: 0, from: 5, tokens: 9, words: '70 71 72 73', isNow: false },
    { place: 2, of: 1, from: 7, tokens: 8, words: '90', isNow: true },
  ]);
  assert.deepEqual(placesOf(state).forks, [5, 7]);
  assert.deepEqual(writtenIn(state.run, 1), [5, 6, 70, 71, 72, 73]);
  // Up to its first own token, a story is the one that it left.
  const back = [cut([5, 6, 70, 71], 4, 1), ...end(4)].reduce(reduce, state);
  assert.deepEqual(branchesOf(back.run).map(({ isNow }) => isNow), [false, true, false]);
  const first = [cut([5, 6], 2, 3), ...end(2)].reduce(reduce, state);
  assert.deepEqual(branchesOf(first.run).map(({ isNow }) => isNow), [true, false, false]);
});

test('the first words of a story are a line, and say that it goes on', () => {
  const long = Array.from({ length: 40 }, (_, i) => 100 + i);
  const { words } = branchesOf(after(cut([5, ...long], 1, 5), ...end(41)).run)[1];
  assert.match(words, /^100 101 [\d ]+ …$/);
  assert.ok(words.length < 60);
});

test('in a full context, the last token is the one to choose', () => {
  const ids = Array.from({ length: 77 }, (_, i) => i);
  const state = after(cut(ids, 0, 6), ...end(77, 'dd', 'context_full'));
  assert.deepEqual([isFull(state), endsAt(state)], [true, { step: true, goOn: true }]);
  const { position, token: last } = choiceOf(state);
  assert.deepEqual([position, last.id, writtenWith(state, 5)], [79, 76, [...ids.slice(0, 76), 5]]);
});
