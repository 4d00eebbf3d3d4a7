// Which tokens go when a cache slides: the oldest, those that were looked at least, or those with the longest
// keys, against naive sums; and what refuses leaves both tokens and sums as they were.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachedAttention, KVCache, init } from 'kvcache-wasm';
import { floats, naiveAttention, near, sameBits, tokens } from './blocks.js';
import { seeded, throwsCode } from './helpers.js';

await init({ variant: 'simd' });
const [heads, kvHeads, D, layers] = [4, 2, 8, 2];
const QUERY = heads * D;
const KEY = kvHeads * D;
const random = seeded(20);

/** A text of n tokens: (heads, n, D) of each layer. */
const textOf = (n, seed) => Array.from({ length: layers }, (_, layer) => ({
  q: floats(n * QUERY, seed + layer, 3), k: floats(n * KEY, seed + 10 + layer, 2),
  v: floats(n * KEY, seed + 20 + layer),
}));

/** The softmax weights that the last T of N tokens give, summed over queries and heads: [N]. */
function looks(q, k, T) {
  const N = k.length / KEY;
  const ones = (j) => {
    const v = new Float32Array(k.length);
    for (let g = 0; g < kvHeads; g++) v[(g * N + j) * D] = 1;
    return v;
  };
  return Array.from({ length: N }, (_, j) => naiveAttention(q, k, ones(j), { heads, kvHeads, D })
    .reduce((sum, y, i) => sum + (i % D === 0 ? y : 0), 0)).map((sum) => (T > 0 ? sum : 0));
}

/** Of these tokens, (heads, n, D) -> (heads, tokens.length, D). */
const pick = (x, width, all) => {
  const n = all.map((j) => tokens(x, width / D, D, j, 1));
  return Float32Array.from({ length: width * all.length }, (_, i) => {
    const [head, rest] = [Math.floor(i / (all.length * D)), i % (all.length * D)];
    return n[Math.floor(rest / D)][head * D + (rest % D)];
  });
};

for (const evict of ['oldest', 'attention', 'keynorm']) {
  test(`${evict}: what goes, what stays, and what is seen of it, as a naive cache has it`, () => {
    for (let round = 0; round < 6; round++) {
      const [maxSeqLen, sinks, recent] = [12 + random.below(9), random.below(4), random.below(4)];
      const n = 60;
      const text = textOf(n, 100 * round);
      const cache = new KVCache({ batchSize: 2, maxSeqLen, numLayers: layers, numHeads: kvHeads, headDim: D,
        whenFull: 'slide', sinks, evict, recent });
      assert.deepEqual([cache.policy, cache.recent, cache.sinks], [evict, recent, sinks]);
      let held = [];
      let sums = [];
      for (let t = 0, some; t < n; t += some) {
        some = Math.min(n - t, 1 + random.below(3));
        for (let gone = held.length + some - maxSeqLen; gone > 0; gone--) {
          const norm = (j) => text.reduce((sum, { k }) => sum + Array.from({ length: kvHeads }, (_, g) => (
            Math.hypot(...k.subarray((g * n + j) * D, (g * n + j + 1) * D)))).reduce((a, b) => a + b), 0);
          const matters = (i) => ({ oldest: () => i, attention: () => sums[i],
            keynorm: () => -norm(held[i]) }[evict]());
          let least = sinks;
          for (let i = sinks; i < held.length - recent; i++) if (matters(i) < matters(least)) least = i;
          held.splice(least, 1);
          sums.splice(least, 1);
        }
        const fresh = Array.from({ length: some }, (_, i) => t + i);
        const all = [...held, ...fresh];
        sums.push(...fresh.map(() => 0));
        text.forEach(({ q, k, v }, layer) => {
          const [queries, keys, values] = [pick(q, QUERY, fresh), pick(k, KEY, all), pick(v, KEY, all)];
          const [newK, newV] = [pick(k, KEY, fresh), pick(v, KEY, fresh)];
          assert.ok(cache.update(layer, newK, newV, { row: 1 }));
          for (let i = random.below(2); i >= 0; i--) { // asked again, it counts once
            const y = cache.attend(layer, queries, { numHeads: heads, row: 1 });
            near(y, naiveAttention(queries, keys, values, { heads, kvHeads, D }), 2e-5);
          }
          looks(queries, keys, some).forEach((sum, j) => { sums[j] += sum; });
        });
        cache.advance(some, { row: 1 });
        held = all;
        assert.ok(held.length <= maxSeqLen);
        sameBits(cache.get(1, { row: 1 }).key, pick(text[1].k, KEY, held));
        if (evict === 'attention') near(cache.importance({ row: 1 }), sums, 1e-3);
      }
      assert.equal(cache.positions[0], 0);
      cache.dispose();
    }
  });
}

test('sums do not depend on the split, and go with rows and states', () => {
  const n = 30;
  const text = textOf(n, 5);
  const sizes = { batchSize: 2, maxSeqLen: 32, numLayers: layers, numHeads: kvHeads, headDim: D };
  const make = () => new KVCache({ ...sizes, whenFull: 'slide', evict: 'attention' });
  const write = (cache, row, first, some) => {
    const part = Array.from({ length: some }, (_, i) => first + i);
    text.forEach(({ q, k, v }, layer) => {
      cache.update(layer, pick(k, KEY, part), pick(v, KEY, part), { row });
      cache.attend(layer, pick(q, QUERY, part), { numHeads: heads, row });
    });
    cache.advance(some, { row });
  };
  const [whole, parts, again] = [make(), make(), make()];
  assert.equal(whole.recent, 24);
  write(whole, 0, 0, n);
  for (let t = 0; t < n; t += 5) write(parts, 1, t, 5);
  const sums = whole.importance({ row: 0 });
  sameBits(parts.importance({ row: 1 }), sums);
  parts.fork(1, 0);
  again.restore(parts.save());
  for (const row of [0, 1]) sameBits(again.importance({ row }), sums);
  throwsCode(() => again.importance(), 'invalid_argument', /which, \{ row \}/);
  again.reset();
  assert.equal(again.importance({ row: 1 }).length, 0);
  const other = new KVCache(sizes);
  throwsCode(() => other.restore(parts.save()), 'state_foreign');
  throwsCode(() => other.importance({ row: 0 }), 'unsupported', /evict: "attention"/);
  for (const cache of [whole, parts, again, other]) cache.dispose();
});

test('attention that slides: as its cache alone; a refused forward() has dropped and counted nothing', () => {
  const embedDim = 16;
  const square = (seed) => floats(embedDim * embedDim, seed);
  const weights = { wq: square(1), wk: square(2), wv: square(3), wo: square(4) };
  for (const type of ['f32', 'f16']) {
    const attention = new CachedAttention({ embedDim, numHeads: 2, maxSeqLen: 10, batchSize: 2,
      whenFull: 'slide', sinks: 1, evict: 'attention', recent: 3, keyType: type, valueType: type }, weights);
    const x = floats(2 * 40 * embedDim, 9);
    const at = (t, n) => tokens(x, 2, embedDim, t, n);
    for (let t = 0; t < 40; t++) {
      attention.forward(at(t, 1));
      assert.ok(attention.position <= 10);
    }
    assert.equal(attention.cache.importance({ row: 1 }).length, 10);
    const before = attention.cache.save();
    throwsCode(() => attention.forward(at(0, 7)), 'cache_full');
    if (type === 'f16') {
      const bad = at(0, 2);
      bad[2 * embedDim + 3] = Infinity; // in the second row: the first is through by then
      throwsCode(() => attention.forward(bad), 'not_finite');
    }
    assert.deepEqual(attention.cache.save(), before);
    attention.dispose();
  }
  const options = { embedDim, numHeads: 2, maxSeqLen: 10 };
  throwsCode(() => new CachedAttention({ ...options, whenFull: 'stop' }, weights), 'invalid_argument',
    /slide/);
  throwsCode(() => new CachedAttention({ ...options, sourceDim: 16, whenFull: 'slide' }, weights),
    'invalid_argument', /slide/);
});

test('what cannot be', () => {
  const sizes = { maxSeqLen: 8, numLayers: 1, numHeads: 1, headDim: 4 };
  throwsCode(() => new KVCache({ ...sizes, evict: 'newest' }), 'invalid_argument', /"attention" or/);
  for (const recent of [8, -1, 1.5, '3']) {
    throwsCode(() => new KVCache({ ...sizes, evict: 'keynorm', recent }), 'invalid_argument', /recent is/);
  }
  throwsCode(() => new KVCache({ ...sizes, sinks: 5, recent: 3 }), 'invalid_argument', /from 0 to 2/);
  assert.equal(new KVCache({ ...sizes, sinks: 3, evict: 'keynorm' }).recent, 3);
  const cache = new KVCache({ ...sizes, whenFull: 'slide', sinks: 2, recent: 3 });
  const one = (n) => new Float32Array(4 * n);
  cache.update(0, one(8), one(8));
  cache.advance(8);
  throwsCode(() => cache.update(0, one(4), one(4)), 'cache_full');
  assert.ok(cache.update(0, one(3), one(3)));
});
