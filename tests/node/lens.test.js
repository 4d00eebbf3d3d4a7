// The attention lens: what it says of a row is in the row, and it looks inside a run no more than it may.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LEVELS, TellingHead, barsOf, factsOf, hasHead, headsFor, levelOf, named, rowOf, strongest, sumOf,
} from '../../web/demo/lens.js';
import { LENS } from '../../web/demo/words/lens.js';
import { Looks } from '../../web/demo/looks.js';
import { seeded } from './helpers.js';

/** Random weights with the sum 1. */
function weightsOf(n, seed = 1) {
  const random = seeded(seed);
  const terms = Array.from({ length: n }, () => Math.exp(random.below(1000) / 100));
  const sum = terms.reduce((total, x) => total + x);
  return Float32Array.from(terms, (x) => x / sum);
}

test('the row of a head, out of all that were asked for', () => {
  const weights = Float32Array.from({ length: 2 * 3 * 5 }, (_, i) => i);
  const attention = { position: 4, layers: [0, 2], heads: [0, 1, 3], weights };
  assert.deepEqual([...rowOf(attention, { layer: 2, head: 1 })], [20, 21, 22, 23, 24]);
  assert.deepEqual([...rowOf(attention, { layer: 0, head: 3 })], [10, 11, 12, 13, 14]);
  assert.equal(rowOf(attention, { layer: 1, head: 0 }), undefined);
  assert.equal(rowOf(attention, { layer: 0, head: 2 }), undefined);
});

test('another model may have fewer layers or heads', () => {
  const sizes = { nLayer: 3, nHead: 2 };
  assert.ok(hasHead(sizes, { layer: 2, head: 1 }));
  assert.ok(!hasHead(sizes, { layer: 3, head: 0 }));
  assert.ok(!hasHead(sizes, { layer: 0, head: 2 }));
});

test('all heads at once, but of a large model the chosen one', () => {
  const chosen = { layer: 7, head: 5 };
  assert.deepEqual(headsFor({ layer: 12, head: 12 }, chosen, 1023), {});
  assert.deepEqual(headsFor({ layer: 48, head: 25 }, chosen, 1023), { layers: [7], heads: [5] });
});

test('the strongest, in order; equals as they stand', () => {
  for (const n of [1, 2, 5, 40]) {
    const weights = weightsOf(40, n);
    const sorted = [...weights.entries()].map(([position, weight]) => ({ position, weight }))
      .sort((a, b) => b.weight - a.weight || a.position - b.position);
    assert.deepEqual(strongest(weights, n), sorted.slice(0, n));
  }
  const few = strongest(Float32Array.of(0.25, 0.25, 0.5), 9);
  assert.deepEqual(few.map(({ position }) => position), [2, 0, 1]);
});

test('a mark shows one percent and tells it from ten', () => {
  assert.deepEqual([0, 0.0001, 1].map(levelOf), [0, 0, LEVELS]);
  const levels = [0.001, 0.01, 0.1, 0.5, 1].map(levelOf);
  assert.ok(levels.every((level, i) => level > (levels[i - 1] ?? 0)), String(levels));
});

test('numbers above the text: of the strongest, and never so near that they overlap', () => {
  const weights = Float32Array.of(0.5, 0.01, 0.2, 0.15, 0.1, 0.04);
  const starts = [0, 3, 8, 12, 20, 40];
  const shown = named(weights, (position) => starts[position]);
  assert.deepEqual(shown.map(({ position }) => position), [0, 2, 4, 5]);
});

test('the bars of a head have the sum of its row, the first token its own', () => {
  for (const n of [1, 2, 11, 12, 13, 24, 500]) {
    const weights = weightsOf(n, n);
    const bars = barsOf(weights);
    assert.equal(bars.length, 12);
    assert.ok(Math.abs(sumOf(bars) - 1) < 1e-6, `of ${n}`);
    assert.equal(bars[0], weights[0]);
    if (n > 1) assert.ok(bars[11] >= weights[n - 1], 'the newest is in the last');
  }
});

test('what is said: the shares of the first, of itself, of the most read other one', () => {
  const weights = Float32Array.of(0.5, 0.125, 0.25, 0.125);
  const facts = factsOf({ position: 3, weights }, { layer: 1, head: 0 }, (position) => 'abcd'[position]);
  assert.deepEqual(facts, {
    text: 'd', position: 4, reads: 4, seen: 4, layer: 2, head: 1, first: 0.5, self: 0.125, sum: 1,
    other: { text: 'c', position: 3, share: 0.25 },
  });
  const two = factsOf({ position: 1, weights: Float32Array.of(0.5, 0.5) }, { layer: 0, head: 0 }, () => '');
  assert.equal(two.other, undefined);
  const window = { size: 2, layers: [0] };
  const readsIn = (layer) => (
    factsOf({ position: 3, weights: Float32Array.of(0, 0, 0.5, 0.5) }, { layer, head: 0 }, () => 'd',
      window));
  assert.deepEqual([readsIn(0).reads, readsIn(1).reads], [2, 4]);
  assert.match(LENS.en.reads(readsIn(0)), /the newest 2 tokens: this layer has a window/);
  assert.match(LENS.en.reads(readsIn(1)), /reads 4 tokens\. The first one gets/);
});

/** Looks at something that answers when told to. */
function looksAt(t) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [asked, taken, failed] = [[], [], []];
  const ending = new AbortController();
  const inspect = (look) => new Promise((resolve, reject) => { asked.push({ look, resolve, reject }); });
  const looks = new Looks({ inspect }, ending.signal, (seen) => taken.push(seen),
    ({ code }) => failed.push(code));
  /** Answers the oldest, and lets time pass. */
  const settle = async (how, value, ms = 100) => {
    asked.shift()[how](value);
    for (let i = 0; i < 5; i++) await undefined;
    t.mock.timers.tick(ms);
    for (let i = 0; i < 5; i++) await undefined;
  };
  const want = (key) => looks.want({ key, look: { tokens: { first: Number(key) } } });
  const keys = () => asked.map(({ look }) => look.tokens.first);
  return { looks, want, settle, keys, taken, failed, ending };
}

test('looks: one at a time, then the newest, and none twice', async (t) => {
  const { want, settle, keys, taken } = looksAt(t);
  for (const key of ['1', '2', '3']) want(key);
  assert.deepEqual(keys(), [1]);
  await settle('resolve', 'one', 99);
  assert.deepEqual([keys(), taken], [[], ['one']], 'not so soon');
  t.mock.timers.tick(1);
  for (let i = 0; i < 5; i++) await undefined;
  assert.deepEqual(keys(), [3]);
  want('3');
  await settle('resolve', 'three');
  want('3');
  assert.deepEqual([keys(), taken], [[], ['one', 'three']]);
});

test('looks: a refusal is asked again, a failure is told, what is of another run is not', async (t) => {
  const { looks, want, settle, keys, taken, failed, ending } = looksAt(t);
  want('1');
  await settle('reject', { code: 'position_out_of_range' });
  assert.deepEqual([keys(), failed], [[], []]);
  want('1');
  assert.deepEqual(keys(), [1]);
  await settle('reject', { code: 'not_ready' });
  assert.deepEqual(failed, ['not_ready']);
  want('2');
  looks.forget();
  want('3');
  await settle('resolve', 'of the run before');
  assert.deepEqual([taken, keys()], [[], [3]]);
  ending.abort();
  await settle('resolve', 'too late');
  want('4');
  assert.deepEqual([taken, keys()], [[], []]);
});

test('the head to begin with gives most to one token further back, over the first looks', () => {
  const telling = new TellingHead();
  const look = (...rows) => telling.after({
    position: 4, layers: [0, 1], heads: [0, 1], weights: Float32Array.from(rows.flat()),
  });
  const first = [0.9, 0.05, 0.02, 0.02, 0.01]; // and itself, and the one before
  const near = [0.02, 0.02, 0.03, 0.5, 0.43];
  const even = [0.2, 0.25, 0.15, 0.2, 0.2];
  const other = [0.1, 0.05, 0.75, 0.05, 0.05];
  assert.deepEqual(look(first, near, even, other), { layer: 1, head: 1 });
  assert.deepEqual(look(first, near, other, even), { layer: 1, head: 0 }, 'the first of equals');
  for (let i = 2; i < 8; i++) {
    assert.equal(telling.isSettled, false);
    assert.deepEqual(look(first, near, other, even), { layer: 1, head: 0 });
  }
  assert.ok(telling.isSettled);
  const alone = { position: 0, layers: [0], heads: [0], weights: Float32Array.of(1) };
  assert.deepEqual(new TellingHead().after(alone), { layer: 0, head: 0 });
});
