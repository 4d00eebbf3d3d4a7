// What is written below a picture that is taken away, and on its file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileName, linesOf, sourceOf } from '../../web/demo/caption.js';
import { momentsOf } from '../../web/demo/recording.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { initialState, reduce } from '../../web/demo/state.js';

const HERE = {
  lang: 'en', model: 'small', now: new Date('2026-03-04T05:06:07Z'),
  machine: { browser: 'B 1', system: 'S (x86-64)', logicalCores: 4 },
};

const recorded = [
  { type: 'recording', recording: STORIES, haste: 1, playing: false },
  { type: 'replayed', events: momentsOf(STORIES).map(({ event }) => event), playing: false },
].reduce(reduce, initialState());

test('lines are broken between words, and no word is lost', () => {
  const text = 'K and V  of 1,024 tokens; with-a-word-that-fits-nowhere in it';
  const lines = linesOf(text, (line) => line.length <= 12);
  assert.deepEqual(lines, ['K and V of', '1,024', 'tokens;', 'with-a-word-that-fits-nowhere', 'in it']);
  assert.deepEqual(linesOf('', () => false), []);
});

test('a file is called by view and state', () => {
  assert.equal(fileName('calculator'), 'kv-cache-calculator');
  assert.equal(fileName('work', initialState()), 'kv-cache-work', 'nothing was run');
  assert.equal(fileName('work', recorded), 'kv-cache-work-on-1024-recorded');
  assert.equal(fileName('work', { ...recorded, recorded: undefined }), 'kv-cache-work-on-1024');
  const race = { lanes: { on: { run: { position: 300 } }, off: { run: { position: 41 } } } };
  assert.equal(fileName('work', { ...recorded, recorded: undefined, race }), 'kv-cache-work-race-41');
});

test('what is recorded names its own day and machine, what was run here those of here', () => {
  assert.equal(sourceOf(undefined, HERE), undefined);
  assert.equal(sourceOf(initialState(), HERE), undefined, 'there is no run to tell of');
  const { date, machine, browser, model } = STORIES;
  assert.deepEqual(sourceOf(recorded, { ...HERE, lang: 'de' }), {
    model, day: date, machine: `${machine.de}, ${browser}`, recorded: true });
  assert.deepEqual(sourceOf({ ...recorded, recorded: undefined }, HERE), {
    model: 'small', day: '2026-03-04T05:06:07.000Z', machine: 'B 1, S (x86-64)', recorded: false });
});
