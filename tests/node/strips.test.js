// The strips: rows as they come, and since when each has been there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log } from '../../web/demo/log.js';
import {
  Rows, barsPath, freshAt, lengthOf, modeAt, reachOf, roomFor, rowAfter, sinceOf, stepAt,
} from '../../web/demo/strips.js';

/** A run: + a token with the cache, - one without it. */
function runOf(signs, { prompt = 3, reused = 0, cached = true, catchUps = [] } = {}) {
  const tokens = [...signs].map((sign, i) => ({ cached: sign === '+', position: prompt + i }));
  const prefill = { tokens: prompt, reused, cached };
  return { prefill, tokens: new Log(tokens), catchUps: new Log(catchUps) };
}

const since = (run, rows) => Array.from({ length: rows }, (_, row) => sinceOf(run, row));

test('since when: the prompt since it was read, each token since its own step', () => {
  assert.deepEqual(since(runOf('++++'), 7), [0, 0, 0, 1, 2, 3, 4]);
  assert.deepEqual(since(runOf('+', { reused: 2 }), 4), [undefined, undefined, 0, 1]);
});

test('since when: what the cache had missed since the step that took it in', () => {
  const run = runOf('++--+-+', { catchUps: [
    { position: 7, tokens: 2, ms: 1 }, { position: 9, tokens: 1, ms: 1 },
  ] });
  assert.deepEqual(since(run, 10), [0, 0, 0, 1, 2, 5, 5, 5, 7, 7]);
  const late = runOf('--+', { cached: false, catchUps: [{ position: 5, tokens: 5, ms: 1 }] });
  assert.deepEqual(since(late, 6), [3, 3, 3, 3, 3, 3]);
  const held = runOf('--+', { cached: false, catchUps: [{ position: 5, tokens: 3, ms: 1 }] });
  assert.deepEqual(since(held, 6), [undefined, undefined, 3, 3, 3, 3], 'the rest was there before the run');
});

test('a step: its number, its way, and the first row that it has computed', () => {
  const run = runOf('+--+', { reused: 1, catchUps: [{ position: 6, tokens: 2, ms: 1 }] });
  const steps = [2, 3, 4, 5, 6].map((position) => (
    [stepAt(run, position), modeAt(run, position), freshAt(run, position)]));
  assert.deepEqual(steps, [[0, 'on', 1], [1, 'on', 3], [2, 'off', 0], [3, 'off', 0], [4, 'on', 4]]);
  const rows = (position) => Array.from({ length: position + 1 }, (_, row) => {
    const { kind, step } = rowAfter(run, row, position);
    return kind === 'before' ? kind : `${kind} ${step}`;
  });
  assert.deepEqual(rows(2), ['before', 'since 0', 'since 0']);
  assert.deepEqual(rows(3), ['before', 'since 0', 'since 0', 'new 1']);
  assert.deepEqual(rows(4), ['again 2', 'again 2', 'again 2', 'again 2', 'new 2']);
  assert.deepEqual(rows(6), ['before', 'since 0', 'since 0', 'since 1', 'again 4', 'again 4', 'new 4']);
});

test('rows come in any number at a time, and none is changed by those behind it', () => {
  const rows = new Rows(4);
  const all = Float32Array.from({ length: 4 * 100 }, (_, i) => Math.sin(i));
  for (let at = 0, n = 1; at < 100; at += n, n = Math.min(2 * n, 100 - at)) {
    rows.append(all.subarray(4 * at, 4 * (at + n)));
  }
  assert.equal(rows.length, 100);
  for (let row = 0; row < 100; row++) assert.deepEqual(rows.at(row), all.subarray(4 * row, 4 * row + 4));
  assert.equal(rows.reach, reachOf(all.subarray(0, 4)), 'a bar keeps its length');
});

test('they zoom out when they are full, and rarely', () => {
  const rooms = Array.from({ length: 1025 }, (_, rows) => roomFor(rows));
  assert.ok(rooms.every((room, rows) => room >= rows));
  assert.deepEqual([...new Set(rooms)], [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]);
});

test('bars: up and down, as long as the number is large, and never out of their box', () => {
  assert.deepEqual([0.5, -0.5, 9, -9].map((value) => lengthOf(value, 1)), [0.5, -0.5, 1, -1]);
  assert.equal(barsPath([0.5, -2], 1), 'M0 1v-0.500h.8V1zM1 1v1.000h.8V1z');
  assert.equal(reachOf(new Float32Array(4)), 1);
});
