// KVCache: the module's behaviour, corrected; ragged batches, sequences, element types, what happens when it
// is full.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachedAttention, KVCache, benchmarkComparison, enableKVCache, init } from 'kvcache-wasm';
import { append, contents, floats, naiveAttention, near, sameBits, tokens } from './blocks.js';
import { rejectsCode, throwsCode } from './helpers.js';

const SIZES = { maxSeqLen: 40, numLayers: 3, numHeads: 2, headDim: 8 };

test('before init() a constructor says what to do; after it, it is synchronous', async () => {
  throwsCode(() => new KVCache(SIZES), 'not_ready', /await init\(\)/);
  await rejectsCode(init({ signal: AbortSignal.abort() }), 'aborted');
  await rejectsCode(init({ variant: 'fast' }), 'invalid_argument');
  const [first, second] = await Promise.all([init(), init()]);
  assert.deepEqual(first, second);
  new KVCache(SIZES).dispose();
});

test('init() again does nothing; another variant is for the caches to come', async () => {
  const before = new KVCache(SIZES);
  append(before, () => floats(16, 1));
  assert.equal((await init({ variant: 'scalar' })).variant, 'scalar');
  const after = new KVCache(SIZES);
  append(after, () => floats(16, 1));
  sameBits(before.get(0).key, after.get(0).key);
  assert.equal((await init()).variant, 'scalar');
  assert.equal((await init({ variant: 'simd' })).variant, 'simd');
  before.dispose();
  after.dispose();
});

test('sizes: each is checked, and so is what they multiply to', () => {
  for (const name of ['batchSize', 'maxSeqLen', 'numLayers', 'numHeads', 'headDim']) {
    for (const size of [0, -1, 1.5, NaN, Infinity, '4', null, 2 ** 32]) {
      throwsCode(() => new KVCache({ ...SIZES, [name]: size }), 'invalid_argument', new RegExp(name));
    }
  }
  for (const name of ['maxSeqLen', 'numLayers', 'numHeads', 'headDim']) {
    throwsCode(() => new KVCache({ ...SIZES, [name]: undefined }), 'invalid_argument', new RegExp(name));
  }
  throwsCode(() => new KVCache({ ...SIZES, headDim: 6 }), 'invalid_argument', /multiple of 4/);
  throwsCode(() => new KVCache({ ...SIZES, keyType: 'f64' }), 'invalid_argument',
    /"f32", "f16", "int8" or "int4"/);
  throwsCode(() => new KVCache({ ...SIZES, valueType: 'toString' }), 'invalid_argument');
  throwsCode(() => new KVCache({ ...SIZES, whenFull: 'wrap' }), 'invalid_argument', /slide/);
  for (const sinks of [-1, 40, 0.5]) {
    throwsCode(() => new KVCache({ ...SIZES, whenFull: 'slide', sinks }), 'invalid_argument', /sinks/);
  }
  for (const big of [{ maxSeqLen: 2 ** 31 }, { numLayers: 2 ** 30, maxSeqLen: 2 ** 30 },
    { batchSize: 2 ** 32 - 1 }, { maxSeqLen: 2 ** 22, numLayers: 100 }]) {
    throwsCode(() => new KVCache({ ...SIZES, ...big }), 'out_of_memory', /not enough memory/);
  }
  new KVCache(SIZES).dispose();
});

test('update writes behind the history and does not advance; the arrays say how many tokens', () => {
  const cache = new KVCache(SIZES);
  assert.deepEqual(cache.get(0),
    { key: new Float32Array(0), value: new Float32Array(0), shape: [1, 2, 0, 8] });
  assert.equal(cache.update(0, floats(16, 1), floats(16, 2)), true);
  assert.equal(cache.position, 0);
  assert.equal(cache.get(0).key.length, 0);
  cache.update(0, floats(16, 3), floats(16, 4)); // instead of the first
  cache.advance();
  assert.equal(cache.position, 1);
  sameBits(cache.get(0).key, floats(16, 3));
  sameBits(cache.get(0).value, floats(16, 4));
  assert.ok(cache.get(1).key.every((x) => x === 0), 'a layer that nobody wrote holds zeros');
  cache.dispose();
});

test('T tokens at once are T tokens one by one, bit for bit, in every type', () => {
  for (const [keyType, valueType] of [['f32', 'f32'], ['f16', 'int8'], ['int8', 'f16']]) {
    const [whole, single, mixed] = [0, 1, 2].map(() => new KVCache({ ...SIZES, keyType, valueType }));
    const K = (layer) => floats(2 * 37 * 8, layer);
    const V = (layer) => floats(2 * 37 * 8, layer + 50);
    append(whole, K, V);
    const feed = (cache, first, n) =>
      append(cache, (layer) => tokens(K(layer), 2, 8, first, n), (layer) => tokens(V(layer), 2, 8, first, n));
    for (let t = 0; t < 37; t++) feed(single, t, 1);
    for (const [first, n] of [[0, 5], [5, 12], [17, 1], [18, 19]]) feed(mixed, first, n);
    for (let layer = 0; layer < 3; layer++) {
      assert.deepEqual(single.get(layer), whole.get(layer));
      assert.deepEqual(mixed.get(layer), whole.get(layer));
    }
    if (keyType === 'f32') sameBits(whole.get(2).key, K(2));
    for (const cache of [whole, single, mixed]) cache.dispose();
  }
});

test('layers and rows out of range, arrays of the wrong kind or length: typed, nothing changes', () => {
  const cache = new KVCache({ ...SIZES, batchSize: 2 });
  const [k, v] = [floats(32, 1), floats(32, 2)];
  append(cache, () => k, () => v);
  const before = [0, 1, 2].map((layer) => cache.get(layer));
  for (const layer of [-1, 3, 0.5, NaN, undefined, '0', 2 ** 32]) {
    throwsCode(() => cache.update(layer, k, v), 'position_out_of_range', /no layer/);
    throwsCode(() => cache.get(layer), 'position_out_of_range', /no layer/);
    throwsCode(() => cache.attend(layer, k), 'position_out_of_range', /no layer/);
    throwsCode(() => cache.snapshot({ layer, head: 0 }), 'position_out_of_range');
  }
  for (const row of [-1, 2, 0.5, NaN, null, 2 ** 32]) {
    for (const work of [() => cache.update(0, k, v, { row }), () => cache.get(0, { row }),
      () => cache.advance(1, { row }), () => cache.truncate(0, { row }),
      () => cache.drop(row), () => cache.keep(row), () => cache.fork(0, row), () => cache.fork(row, 0),
        () => cache.reorder([0, row]),
      () => cache.evict(0, 1, { row })]) throwsCode(work, 'position_out_of_range');
  }
  for (const bad of [floats(31, 1), floats(0, 1), [...k], new Float64Array(32), null, undefined]) {
    throwsCode(() => cache.update(0, bad, v), 'invalid_argument', /key/);
    throwsCode(() => cache.attend(0, bad), 'invalid_argument', /query/);
  }
  throwsCode(() => cache.update(0, k, floats(64, 1)), 'invalid_argument', /equally long/);
  throwsCode(() => cache.update(0, k, [...v]), 'invalid_argument', /value/);
  for (const n of [0, -1, 1.5, NaN, '1']) throwsCode(() => cache.advance(n), 'invalid_argument');
  for (const n of [-1, 2, 0.5, NaN]) throwsCode(() => cache.truncate(n), 'position_out_of_range');
  throwsCode(() => cache.reorder([0]), 'invalid_argument');
  assert.deepEqual([0, 1, 2].map((layer) => cache.get(layer)), before);
  cache.dispose();
});

test('advance: past the end, or past what a layer was given, is an error', () => {
  const cache = new KVCache(SIZES);
  cache.update(0, floats(32, 1), floats(32, 1));
  throwsCode(() => cache.advance(3), 'not_ready', /2 of the 3/);
  throwsCode(() => cache.advance(41), 'cache_full', /maxSeqLen = 40/);
  assert.equal(cache.position, 0);
  cache.advance(1); // one of the two: the other one still waits
  cache.advance(1);
  sameBits(cache.get(0).key, floats(32, 1));
  cache.advance(38);
  throwsCode(() => cache.advance(), 'cache_full', /maxSeqLen = 40/);
  assert.equal(cache.position, 40);
  cache.dispose();
});

test('reset: a second run equals a fresh cache, bit for bit', () => {
  const [used, fresh] = [new KVCache(SIZES), new KVCache(SIZES)];
  append(used, (layer) => floats(16 * 40, layer + 7, 1e6));
  used.reset();
  assert.equal(used.position, 0);
  assert.deepEqual(contents(used), contents(fresh));
  for (const cache of [used, fresh]) {
    append(cache, (layer) => floats(16 * 20, layer));
    cache.update(1, floats(16, 90), floats(16, 91));
  }
  assert.deepEqual(contents(used), contents(fresh));
  sameBits(used.attend(1, floats(16, 92)), fresh.attend(1, floats(16, 92)));
  used.dispose();
  fresh.dispose();
});

test('truncate rewinds, and what is written again is as if the rest had never been', () => {
  const [cache, fresh] = [new KVCache(SIZES), new KVCache(SIZES)];
  append(cache, (layer) => floats(16 * 35, layer));
  cache.update(0, floats(16, 5), floats(16, 5));
  cache.truncate(18);
  // what was behind the history is gone as well
  throwsCode(() => cache.attend(0, floats(16, 5)), 'not_ready');
  assert.equal(cache.position, 18);
  append(cache, (layer) => floats(16 * 9, layer + 20));
  append(fresh, (layer) => tokens(floats(16 * 35, layer), 2, 8, 0, 18));
  append(fresh, (layer) => floats(16 * 9, layer + 20));
  assert.deepEqual(contents(cache), contents(fresh));
  cache.dispose();
  fresh.dispose();
});

test('ragged batches: rows of different lengths, each equal to the row alone', () => {
  const cache = new KVCache({ ...SIZES, batchSize: 3 });
  const lengths = [5, 33, 0];
  const of = (row, layer, T) => floats(16 * T, 10 * row + layer);
  for (const row of [0, 1]) append(cache, (layer) => of(row, layer, lengths[row]), undefined, { row });
  assert.deepEqual(cache.positions, lengths);
  assert.equal(cache.position, 33);
  throwsCode(() => cache.get(0), 'invalid_argument', /\{ row \}/);
  throwsCode(() => cache.truncate(6), 'position_out_of_range', /Row 0 holds 5/);
  assert.deepEqual(cache.positions, lengths);
  cache.update(0, floats(48, 80), floats(48, 81)); // one token more for each, all at once
  const together = cache.attend(0, floats(48, 82));
  for (const row of [0, 1, 2]) {
    const alone = new KVCache(SIZES);
    if (lengths[row] > 0) append(alone, (layer) => of(row, layer, lengths[row]));
    const one = (seed) => floats(48, seed).subarray(16 * row, 16 * row + 16);
    alone.update(0, one(80), one(81));
    sameBits(alone.attend(0, one(82)), together.subarray(16 * row, 16 * row + 16));
    sameBits(cache.attend(0, one(82), { row }), together.subarray(16 * row, 16 * row + 16));
    assert.deepEqual(alone.get(1).key, cache.get(1, { row }).key);
    assert.deepEqual(cache.get(1, { row }).shape, [2, lengths[row], 8]);
    alone.dispose();
  }
  throwsCode(() => cache.update(0, floats(48 * 8, 1), floats(48 * 8, 1)), 'cache_full', /row 1 has 33/);
  cache.dispose();
});

test('fork shares until one writes; reorder moves all at once; drop and keep empty', () => {
  const cache = new KVCache({ ...SIZES, batchSize: 3 });
  const of = (row) => (layer) => floats(16 * 20, 10 * row + layer);
  const held = (row) => cache.get(1, { row }).key;
  append(cache, of(0), undefined, { row: 0 });
  const { usedBytes, bytesPerToken } = cache.memoryUsage();
  assert.equal(usedBytes, 20 * bytesPerToken);
  cache.fork(0, 1);
  assert.deepEqual(cache.positions, [20, 20, 0]);
  assert.deepEqual(cache.cacheMap()[1], cache.cacheMap()[0]);
  assert.equal(cache.memoryUsage().usedBytes, usedBytes);
  assert.equal(cache.memoryUsage().sharedBytes, usedBytes);
  append(cache, (layer) => floats(16, 70 + layer), undefined, { row: 1 }); // its last page becomes its own
  assert.equal(cache.cacheMap()[1].pages[0], cache.cacheMap()[0].pages[0]);
  assert.notEqual(cache.cacheMap()[1].pages[1], cache.cacheMap()[0].pages[1]);
  assert.equal(cache.memoryUsage().sharedBytes, 16 * bytesPerToken);
  sameBits(held(0), of(0)(1));
  append(cache, of(2), undefined, { row: 2 });
  const before = [0, 1, 2].map(held);
  cache.reorder([2, 0, 0]);
  assert.deepEqual([0, 1, 2].map(held), [before[2], before[0], before[0]]);
  cache.reorder([1, 0, 2]);
  assert.deepEqual([0, 1, 2].map(held), [before[0], before[2], before[0]]);
  cache.drop(0);
  assert.deepEqual(cache.positions, [0, 20, 20]);
  cache.keep(1);
  assert.deepEqual(cache.positions, [0, 20, 0]);
  sameBits(held(1), before[2]);
  cache.dispose();
});

test('element types: exact byte counts, and errors no larger than the type makes them', () => {
  const [L, H, S, D] = [2, 3, 48, 16];
  const bytes = { f32: 4 * D, f16: 2 * D, int8: D + 4, int4: D / 2 + 2 };
  const worst = {
    f32: () => 0, f16: (most) => most * 2 ** -11, int8: (most) => most / 127 / 2 * 1.001,
    int4: (most) => most / 8 * 1.001, // the eighth step of one sign is the other's alone
  };
  for (const keyType of ['f32', 'f16', 'int8', 'int4']) {
    for (const valueType of ['f32', 'f16', 'int8', 'int4']) {
      const cache = new KVCache({ maxSeqLen: S, numLayers: L, numHeads: H, headDim: D, keyType, valueType });
      const memory = cache.memoryUsage();
      assert.equal(memory.bytesPerToken, L * H * (bytes[keyType] + bytes[valueType]));
      assert.equal(memory.totalBytes, S * memory.bytesPerToken);
      assert.equal(memory.totalElements, 2 * L * H * S * D, 'of whatever size');
      assert.ok(memory.allocatedBytes >= memory.totalBytes && memory.allocatedBytes < memory.totalBytes
        + 4096);
      const [k, v] = [floats(H * 30 * D, 1, 3), floats(H * 30 * D, 2, 3)];
      append(cache, () => k, () => v);
      assert.equal(cache.memoryUsage().usedBytes, 30 * memory.bytesPerToken);
      near(cache.get(0).key, k, worst[keyType](3), keyType);
      near(cache.get(0).value, v, worst[valueType](3), valueType);
      cache.dispose();
    }
  }
});

test('what a type cannot keep is refused, and the rest is usable; f32 keeps any bits', () => {
  const bad = floats(16, 1);
  bad[5] = NaN;
  for (const type of ['f16', 'int8', 'int4']) {
    const cache = new KVCache({ ...SIZES, keyType: type, valueType: type });
    append(cache, () => floats(16, 1));
    throwsCode(() => cache.update(0, bad, floats(16, 2)), 'not_finite', new RegExp(type));
    throwsCode(() => cache.update(0, floats(16, 2), Float32Array.from(bad, (x) => x * Infinity)),
      'not_finite');
    append(cache, () => floats(16, 3));
    assert.equal(cache.position, 2);
    cache.dispose();
  }
  const cache = new KVCache(SIZES);
  append(cache, () => bad);
  sameBits(cache.get(0).key, bad);
  cache.dispose();
});

test('whenFull stop: update says false, and nothing has changed', () => {
  const cache = new KVCache({ ...SIZES, whenFull: 'stop' });
  assert.equal(append(cache, () => floats(16 * 39, 1)), true);
  assert.equal(cache.update(0, floats(32, 2), floats(32, 2)), false);
  assert.equal(append(cache, () => floats(16, 3)), true);
  assert.equal(append(cache, () => floats(16, 4)), false);
  assert.equal(cache.position, 40);
  sameBits(tokens(cache.get(2).key, 2, 8, 39, 1), floats(16, 3));
  throwsCode(() => cache.advance(), 'cache_full');
  cache.dispose();
});

test('whenFull slide: an update that is refused has dropped nothing, not even the tokens before it', () => {
  for (const types of [{ keyType: 'f16' }, { valueType: 'int8' }]) {
    const cache = new KVCache({ ...SIZES, batchSize: 2, maxSeqLen: 6, whenFull: 'slide', ...types });
    append(cache, () => floats(2 * 16 * 6, 1));
    const before = contents(cache);
    const bad = floats(2 * 16, 2);
    bad[31] = NaN; // of the second row alone
    throwsCode(() => cache.update(0, bad, bad), 'not_finite', /layer 0/);
    assert.deepEqual(cache.positions, [6, 6]);
    assert.deepEqual(contents(cache), before);
    assert.equal(cache.update(0, floats(2 * 16, 3), floats(2 * 16, 3)), true);
    assert.deepEqual(cache.positions, [5, 5]);
    cache.dispose();
  }
});

test('whenFull slide: the oldest go, the sinks stay, and attention sees just those', () => {
  for (const [sinks, type] of [[0, 'f32'], [4, 'f32'], [16, 'f32'], [5, 'int8']]) {
    const cache = new KVCache({ ...SIZES, whenFull: 'slide', sinks, keyType: type, valueType: type });
    let held = [];
    for (let n = 0, seed = 0; seed < 150; seed += n) {
      n = 1 + seed % 3;
      const drop = Math.max(0, held.length + n - 40);
      held = [...held.slice(0, sinks), ...held.slice(sinks + drop)];
      const fresh = Array.from({ length: n }, (_, i) => seed + i);
      const of = (seeds, layer) => tokensOf(seeds.map((s) => floats(16, 1000 * layer + s)));
      for (let layer = 0; layer < 3; layer++) {
        assert.equal(cache.update(layer, of(fresh, layer), of(fresh, layer)), true);
      }
      held.push(...fresh);
      const y = cache.attend(2, floats(16 * n, 5));
      cache.advance(n);
      assert.equal(cache.position, held.length);
      const { key, value } = cache.get(2);
      if (type === 'f32') sameBits(key, of(held, 2));
      else near(key, of(held, 2), 1 / 127, 'a token that moves is not rounded again');
      near(y, naiveAttention(floats(16 * n, 5), key, value, { heads: 2, kvHeads: 2, D: 8 }),
        type === 'f32' ? 1e-5 : 1e-4);
    }
    const { message } = throwsCode(
      () => cache.update(0, floats(16 * (41 - sinks), 1), floats(16 * (41 - sinks), 1)), 'cache_full');
    assert.match(message, new RegExp(`at most maxSeqLen - sinks - recent = ${40 - sinks} tokens`));
    assert.doesNotMatch(message, /another whenFull/);
    assert.equal(append(cache, () => floats(16 * (40 - sinks), 1)), true);
    throwsCode(() => cache.advance(), 'cache_full', /update\(\), which makes room for them\.$/);
    cache.dispose();
  }
});

/** Tokens of (H, 1, D) each -> (H, T, D). */
function tokensOf(list) {
  return Float32Array.from({ length: 16 * list.length }, (_, i) => {
    const [h, t, d] = [Math.floor(i / 8 / list.length), Math.floor(i / 8) % list.length, i % 8];
    return list[t][8 * h + d];
  });
}

test('evict: what is left has moved down', () => {
  const cache = new KVCache({ ...SIZES, batchSize: 2 });
  append(cache, (layer) => floats(32 * 40, layer));
  const [whole, second] = [0, 1].map((row) => cache.get(1, { row }).key);
  for (const [first, count] of [[0, 41], [40, 1], [-1, 2], [0.5, 1], [3, NaN]]) {
    throwsCode(() => cache.evict(first, count), 'position_out_of_range');
  }
  cache.evict(16, 16, { row: 0 });
  assert.deepEqual(cache.positions, [24, 40]);
  sameBits(cache.get(1, { row: 0 }).key, [0, 1].flatMap((h) =>
    [...whole.subarray(320 * h, 320 * h + 128), ...whole.subarray(320 * h + 256, 320 * h + 320)]));
  cache.evict(3, 5);
  assert.deepEqual(cache.positions, [19, 35]);
  sameBits(tokens(cache.get(1, { row: 1 }).key, 2, 8, 3, 32), tokens(second, 2, 8, 8, 32));
  cache.dispose();
});

test('attend: grouped, multi-query and cross; equal bits for every split, near the naive one', () => {
  for (const [heads, kvHeads] of [[4, 4], [4, 2], [4, 1], [6, 3]]) {
    const D = 8;
    const T = 35;
    const sizes = { maxSeqLen: 48, numLayers: 1, numHeads: kvHeads, headDim: D };
    const [q, k, v] = [floats(heads * T * D, 1), floats(kvHeads * T * D, 2), floats(kvHeads * T * D, 3)];
    const run = (cache, first, n) => {
      cache.update(0, tokens(k, kvHeads, D, first, n), tokens(v, kvHeads, D, first, n));
      const y = cache.attend(0, tokens(q, heads, D, first, n), { numHeads: heads });
      cache.advance(n);
      return y;
    };
    const whole = new KVCache(sizes);
    const y = run(whole, 0, T);
    near(y, naiveAttention(q, k, v, { heads, kvHeads, D }), 1e-5);
    for (const chunk of [1, 2, 3, 15, 16, 17, 34]) {
      const cache = new KVCache(sizes);
      for (let t = 0; t < T; t += chunk) {
        const n = Math.min(chunk, T - t);
        sameBits(run(cache, t, n), tokens(y, heads, D, t, n), `chunks of ${chunk}, token ${t}`);
      }
      cache.dispose();
    }
    const cross = whole.attend(0, q, { numHeads: heads, causal: false });
    near(cross, naiveAttention(q, k, v, { heads, kvHeads, D, causal: false }), 1e-5);
    sameBits(whole.attend(0, tokens(q, heads, D, 7, 1), { numHeads: heads, causal: false }),
      tokens(cross, heads, D, 7, 1));
    for (const numHeads of [0, kvHeads + 1, 1.5, NaN]) {
      if (numHeads % kvHeads !== 0 || numHeads === 0) {
        throwsCode(() => whole.attend(0, q, { numHeads }), 'invalid_argument');
      }
    }
    throwsCode(() => whole.attend(0, tokens(q, heads, D, 0, 1), { numHeads: heads }), 'not_ready',
      /update\(\)/);
    whole.reset();
    throwsCode(() => whole.attend(0, q, { numHeads: heads, causal: false }), 'not_ready', /no token/);
    whole.dispose();
  }
});

test('snapshot: any range of a layer and head', () => {
  const cache = new KVCache({ ...SIZES, batchSize: 2 });
  append(cache, (layer) => floats(32 * 30, layer), (layer) => floats(32 * 30, layer + 9));
  const { key, value } = cache.get(2, { row: 1 });
  const { keys, values } = cache.snapshot({ layer: 2, head: 1, first: 14, count: 5, row: 1 });
  sameBits(keys, key.subarray(8 * (30 + 14), 8 * (30 + 19)));
  sameBits(values, value.subarray(8 * (30 + 14), 8 * (30 + 19)));
  assert.equal(cache.snapshot({ layer: 0, head: 0 }).keys.length, 8 * 30);
  for (const range of [{ head: 2 }, { head: -1 }, { head: 0, first: 31 }, { head: 0, first: 29, count: 2 },
    { head: 0, count: -1 }, { head: 0, row: 2 }, {}]) {
    throwsCode(() => cache.snapshot({ layer: 0, ...range }), 'position_out_of_range');
  }
  cache.dispose();
});

test('calls that forget their arguments get a typed error too', async () => {
  throwsCode(() => new KVCache(), 'invalid_argument');
  throwsCode(() => new KVCache(null), 'invalid_argument');
  throwsCode(() => new CachedAttention(), 'invalid_argument');
  throwsCode(() => new CachedAttention({ embedDim: 8, numHeads: 2, maxSeqLen: 4 }), 'invalid_argument');
  throwsCode(() => enableKVCache(null), 'invalid_argument');
  throwsCode(() => enableKVCache({}, null), 'config_invalid');
  const cache = new KVCache({ maxSeqLen: 4, numLayers: 1, numHeads: 1, headDim: 4 });
  throwsCode(() => cache.snapshot(), 'position_out_of_range');
  cache.dispose();
  await rejectsCode(benchmarkComparison(), 'invalid_argument');
});
