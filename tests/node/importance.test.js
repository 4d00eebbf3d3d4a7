// Which tokens go when a cache slides: the oldest, those that were looked at least, or those with the longest
// keys, against naive sums; and what refuses leaves both tokens and sums as they were.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachedAttention, KVCache, init, loadModel } from 'kvcache-wasm';
import { compareEviction } from '../bench/eviction.js';
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

// ---- sessions -------------------------------------------------------------------------------------

const PAGE = 16;
const llama = await loadModel(new URL('../fixtures/llama-f32/', import.meta.url),
  { tokenizer: false, variant: 'simd' });
const { nLayer, nHead, nKvHead, vocabSize } = llama.config;
const text = Array.from({ length: 150 }, () => random.below(vocabSize));
const WAYS = [
  { whenFull: 'slide', capacity: 64, sinks: 4, evict: 'attention', recent: 20 },
  { whenFull: 'slide', capacity: 80, sinks: 0, evict: 'keynorm', recent: 30, keyType: 'f16' },
];

/** What decides about the page that begins at a slot. */
const matters = (importance, at) => (
  importance.slice(at, at + PAGE).reduce((sum, each) => sum + each));

for (const way of WAYS) {
  test(`a session, ${way.evict}: the page that matters least goes, whatever happens, and no more is held`,
    () => {
      const session = llama.createSession(way);
      assert.deepEqual([session.policy, session.recent], [way.evict, way.recent]);
      const sums = new Float64Array(text.length);
      const hashes = [];
      let before = session.held;
      let gone = 0;
      for (const id of text) {
        session.append([id]);
        hashes.push(session.logitsHash);
        const { tokens, importance } = session.held;
        assert.ok(tokens.length <= way.capacity);
        assert.ok(session.memoryUsage().usedBytes <= way.capacity * session.memoryUsage().bytesPerToken);
        if (before.tokens.length === way.capacity) {
          let least = session.sinks;
          for (let at = least; at + PAGE + way.recent <= way.capacity; at += PAGE) {
            if (matters(before.importance, at) < matters(before.importance, least)) least = at;
          }
          assert.deepEqual(tokens.slice(0, -1), before.tokens.toSpliced(least, PAGE));
          gone++;
        }
        if (way.evict === 'attention') {
          for (let layer = 0; layer < nLayer - 1; layer++) {
            for (let head = 0; head < nHead; head++) {
              session.attentionWeights(layer, head).forEach((weight, i) => {
                sums[tokens[i]] += Math.floor(weight * 2 ** 24) / 2 ** 24;
              });
            }
          }
          sameBits(importance, tokens.map((token) => sums[token]), 'to the last of 2 ** 24 parts');
        }
        before = session.held;
      }
      assert.ok(gone > 3);
      const other = llama.createSession({ ...way, sequences: 2 });
      const check = () => {
        const at = other.position;
        assert.equal(other.logitsHash, hashes[at - 1], `${at} tokens`);
        if (at === text.length) assert.deepEqual(other.held, before);
      };
      other.prefill(text.slice(0, 99));
      check();
      other.fork(0, 1);
      other.select(1);
      other.append(text.slice(99, 120));
      check();
      const restored = llama.createSession({ ...way, sequences: 2 });
      restored.restore(other.save());
      throwsCode(() => llama.createSession({ ...way, sequences: 2, recent: 19 }).restore(other.save()),
        'state_foreign', /recent/);
      other.sync(text.slice(0, 30));
      check();
      other.append(text.slice(30));
      check();
      other.truncate(70, { recompute: true });
      other.useCache = false;
      other.append(text.slice(70));
      check();
      restored.select(1);
      restored.append(text.slice(120));
      assert.deepEqual([restored.logitsHash, restored.held], [hashes.at(-1), before]);
      const long = llama.createSession(way);
      const scores = long.score(text);
      assert.ok(Math.abs(scores[120] - Math.log(softmaxOf(long, text.slice(0, 121))[text[121]])) < 1e-5);
      for (const each of [session, other, restored, long]) each.dispose();
    });
}

/** The probabilities after these tokens. */
function softmaxOf(session, ids) {
  const terms = session.prefill(ids).map(Math.exp);
  const sum = terms.reduce((a, b) => a + b);
  return terms.map((term) => term / sum);
}

test('options of sessions, and what has looked cannot be taken back', () => {
  assert.equal(nKvHead, 2);
  const slide = { whenFull: 'slide', capacity: 64 };
  assert.deepEqual([llama.createSession({ ...slide, evict: 'keynorm' }).recent,
    llama.createSession({ ...slide, sinks: 48, evict: 'attention' }).recent,
    llama.createSession(slide).recent], [32, 0, 0]);
  for (const recent of [33, -1, 1.5, '3']) {
    throwsCode(() => llama.createSession({ ...slide, evict: 'attention', recent }), 'invalid_argument',
      /from 0 to 32/);
  }
  throwsCode(() => llama.createSession({ ...slide, recent: 1 }), 'invalid_argument', /from 0 to 0/);
  throwsCode(() => llama.createSession({ ...slide, evict: 'newest' }), 'invalid_argument', /"attention"/);
  throwsCode(() => llama.createSession({ evict: 'attention' }), 'invalid_argument', /evict is for a session/);
  throwsCode(() => llama.createSession({ recent: 3 }), 'invalid_argument', /recent is for a session/);
  const session = llama.createSession({ ...slide, evict: 'attention' });
  session.append(text.slice(0, 20));
  throwsCode(() => session.truncate(19), 'window_passed', /looked at is counted/);
  session.truncate(19, { recompute: true });
  session.append([3]);
  const right = llama.createSession({ ...slide, evict: 'attention' });
  right.append([...text.slice(0, 19), 3]);
  assert.deepEqual([session.logitsHash, session.held], [right.logitsHash, right.held]);
});

test('policies are compared with the whole cache: none differs before it slides', () => {
  const ids = text.slice(0, 101);
  const { rows, tokens } = compareEviction(llama, [ids, ids.toReversed()], [80, 160]);
  assert.equal(tokens, 2 * (100 - 80));
  for (const { capacity, kl, same } of rows) {
    if (capacity === 160) assert.deepEqual([kl, same], [0, 1]);
    else assert.ok(kl > 0);
  }
  llama.dispose();
});
