// CachedAttention: self and cross, grouped and multi-query, alone with arrays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachedAttention, init } from 'kvcache-wasm';
import { swapAxes } from '../../web/cache/native-cache.js';
import { contents, floats, naiveAttention, near, sameBits } from './blocks.js';
import { throwsCode } from './helpers.js';

const SIZES = { embedDim: 24, numHeads: 4, numKVHeads: 2, headDim: 8, maxSeqLen: 70 };

test('before init() it says what to do', async () => {
  throwsCode(() => new CachedAttention(SIZES, weightsOf(SIZES)), 'not_ready', /await init\(\)/);
  await init();
});

/** Seeded weights of the right sizes. */
function weightsOf({ embedDim: C, numHeads, numKVHeads = numHeads, headDim: D = C / numHeads, sourceDim },
  biases = true) {
  const [q, kv] = [numHeads * D, numKVHeads * D];
  const source = sourceDim || C;
  return {
    wq: floats(C * q, 1, 0.4), wk: floats(source * kv, 2, 0.4), wv: floats(source * kv, 3, 0.4),
      wo: floats(q * C, 4, 0.4),
    ...(biases && { bq: floats(q, 5), bk: floats(kv, 6), bv: floats(kv, 7), bo: floats(C, 8) }),
  };
}

/** x W + b in double precision: (T, in) -> (T, out). */
function linear(x, w, inputs, b) {
  const outputs = w.length / inputs;
  return Float64Array.from({ length: x.length / inputs * outputs }, (_, i) => {
    const [t, o] = [Math.floor(i / outputs), i % outputs];
    let sum = b?.[o] ?? 0;
    for (let k = 0; k < inputs; k++) sum += x[t * inputs + k] * w[k * outputs + o];
    return sum;
  });
}

const swapDoubles = (x, A, B, D) => Float64Array.from({ length: x.length }, (_, i) => {
  const [b, a, d] = [Math.floor(i / A / D), Math.floor(i / D) % A, i % D];
  return x[(a * B + b) * D + d];
});

/** The whole layer in double precision. x: (T, C), source: (N, sourceDim), x itself for self-attention. */
function oracle(x, { embedDim: C, numHeads: heads, numKVHeads: kvHeads = heads, headDim: D, sourceDim = 0 },
  w, source = x) {
  const [T, N] = [x.length / C, source.length / (sourceDim || C)];
  const q = swapDoubles(linear(x, w.wq, C, w.bq), T, heads, D);
  const k = swapDoubles(linear(source, w.wk, sourceDim || C, w.bk), N, kvHeads, D);
  const v = swapDoubles(linear(source, w.wv, sourceDim || C, w.bv), N, kvHeads, D);
  const y = naiveAttention(q, k, v, { heads, kvHeads, D, causal: !sourceDim });
  return linear(swapDoubles(y, heads, T, D), w.wo, heads * D, w.bo);
}

test('self-attention: near the naive one; the same bits for every split and without the cache', () => {
  for (const [numHeads, numKVHeads, biases] of [[4, 4, true], [4, 2, false], [4, 1, true]]) {
    const sizes = { ...SIZES, numHeads, numKVHeads };
    const w = weightsOf(sizes, biases);
    const attention = new CachedAttention(sizes, w);
    const x = floats(67 * 24, 9);
    const y = attention.forward(x);
    assert.equal(attention.position, 67);
    near(y, oracle(x, sizes, w), 1e-5);
    for (const chunk of [1, 3, 16, 31, 32, 33]) {
      attention.reset();
      for (let t = 0; t < 67; t += chunk) {
        sameBits(attention.forward(x.subarray(24 * t, 24 * (t + chunk))),
          y.subarray(24 * t, 24 * (t + chunk)), `chunks of ${chunk}, token ${t}`);
      }
    }
    const before = contents(attention.cache);
    sameBits(attention.full(x), y);
    sameBits(attention.full(floats(24, 1)), new CachedAttention(sizes, w).forward(floats(24, 1)));
    assert.deepEqual(contents(attention.cache), before);
    attention.dispose();
  }
});

test('head sizes and sources by default', () => {
  const sizes = { embedDim: 16, numHeads: 2, maxSeqLen: 8 };
  const attention = new CachedAttention(sizes, weightsOf(sizes));
  assert.deepEqual([attention.cache.numHeads, attention.cache.headDim, attention.cache.numLayers], [2, 8, 1]);
  near(attention.forward(floats(48, 1)), oracle(floats(48, 1), { ...sizes, headDim: 8 }, weightsOf(sizes)),
    1e-5);
  attention.dispose();
});

test('cross-attention: the source is projected once, seen whole by every token, and replaced', () => {
  const sizes = { ...SIZES, sourceDim: 12 };
  const w = weightsOf(sizes);
  const attention = new CachedAttention(sizes, w);
  const x = floats(10 * 24, 1);
  throwsCode(() => attention.forward(x), 'not_ready', /setSource/);
  for (const [n, seed] of [[40, 2], [70, 3], [1, 4]]) {
    const source = floats(n * 12, seed);
    const rows = attention.projectedRows;
    attention.setSource(source);
    assert.equal(attention.projectedRows, rows + n);
    const y = attention.forward(x);
    near(y, oracle(x, sizes, w, source), 1e-5);
    for (let t = 0; t < 10; t++) {
      sameBits(attention.forward(x.subarray(24 * t, 24 * t + 24)), y.subarray(24 * t, 24 * t + 24));
    }
    assert.equal(attention.projectedRows, rows + n, 'not projected again');
    assert.equal(attention.position, n);
  }
  throwsCode(() => attention.full(x), 'unsupported', /self-attention/);
  throwsCode(() => attention.setSource(floats(71 * 12, 1)), 'cache_full', /maxSeqLen = 70/);
  throwsCode(() => attention.setSource(floats(13, 1)), 'invalid_argument', /source/);
  attention.reset();
  throwsCode(() => attention.forward(x), 'not_ready');
  attention.dispose();
});

test('batches: rows of different lengths, each as it would be alone', () => {
  for (const sourceDim of [0, 12]) {
    const sizes = { ...SIZES, sourceDim };
    const w = weightsOf(sizes);
    const batch = new CachedAttention({ ...sizes, batchSize: 3 }, w);
    const alone = [0, 1, 2].map(() => new CachedAttention(sizes, w));
    if (sourceDim) {
      batch.setSource(floats(3 * 20 * 12, 1));
      alone.forEach((one, row) => one.setSource(floats(3 * 20 * 12, 1).subarray(240 * row, 240 * row + 240)));
      batch.setSource(floats(7 * 12, 2), { row: 1 });
      alone[1].setSource(floats(7 * 12, 2));
    } else {
      sameBits(batch.forward(floats(9 * 24, 3), { row: 2 }), alone[2].forward(floats(9 * 24, 3)));
    }
    const x = floats(3 * 5 * 24, 4);
    const y = batch.forward(x);
    alone.forEach((one, row) => sameBits(one.forward(x.subarray(120 * row, 120 * row + 120)),
      y.subarray(120 * row, 120 * row + 120), `row ${row}`));
    assert.deepEqual(batch.cache.positions, alone.map((one) => one.position));
    for (const attention of [batch, ...alone]) attention.dispose();
  }
});

test('its cache can be rewound, forked, evicted from and saved', () => {
  const w = weightsOf(SIZES);
  const attention = new CachedAttention({ ...SIZES, batchSize: 2 }, w);
  const x = floats(20 * 24, 1);
  const y = attention.forward(x, { row: 0 });
  attention.cache.truncate(8, { row: 0 });
  sameBits(attention.forward(x.subarray(8 * 24), { row: 0 }), y.subarray(8 * 24));
  attention.cache.fork(0, 1);
  const saved = attention.cache.save();
  const next = attention.forward(floats(48, 2));
  sameBits(next.subarray(0, 24),
    attention.full(Float32Array.from([...x, ...floats(48, 2).subarray(0, 24)])).subarray(20 * 24));
  attention.reset();
  attention.cache.restore(saved);
  sameBits(attention.forward(floats(48, 2)), next);
  attention.cache.evict(0, 16);
  assert.deepEqual(attention.cache.positions, [5, 5]);
  attention.cache.dispose(); // it belongs to the attention
  assert.equal(attention.position, 5);
  attention.dispose();
});

test('events of its cache', () => {
  const attention = new CachedAttention(SIZES, weightsOf(SIZES));
  const events = [];
  attention.cache.onEvent = (event) => events.push(event);
  attention.forward(floats(2 * 24, 1));
  assert.deepEqual([...new Set(events.map(({ type }) => type))], ['write', 'read']);
  events.length = 0;
  attention.full(floats(2 * 24, 1));
  assert.deepEqual(events, []);
  attention.dispose();
});

test('a source that is refused for one row leaves the sources of all rows as they were', () => {
  const options = { embedDim: 16, numHeads: 4, sourceDim: 12, maxSeqLen: 20, batchSize: 3, keyType: 'f16' };
  const attention = new CachedAttention(options, weightsOf(options, 1));
  attention.setSource(floats(3 * 5 * 12, 1));
  const before = attention.cache.save();
  const x = floats(3 * 2 * 16, 3);
  const y = attention.forward(x);
  const bad = floats(3 * 7 * 12, 2);
  bad[bad.length - 1] = Infinity;
  throwsCode(() => attention.setSource(bad), 'not_finite');
  assert.deepEqual(attention.cache.save(), before);
  sameBits(attention.forward(x), y);
  throwsCode(() => attention.setSource(bad.subarray(2 * 7 * 12), { row: 1 }), 'not_finite');
  assert.deepEqual(attention.cache.save(), before);
  attention.setSource(floats(3 * 7 * 12, 2));
  assert.deepEqual(attention.cache.positions, [7, 7, 7]);
  attention.dispose();
});

test('refusals are typed, name what is wrong, and leave it usable', () => {
  const w = weightsOf(SIZES);
  for (const name of ['embedDim', 'numHeads', 'numKVHeads', 'headDim', 'maxSeqLen', 'batchSize',
    'sourceDim']) {
    for (const size of [-4, 1.5, NaN, '8']) {
      throwsCode(() => new CachedAttention({ ...SIZES, [name]: size }, w), 'invalid_argument',
        new RegExp(name));
    }
  }
  for (const changes of [{ embedDim: 26 }, { headDim: 6 }, { numKVHeads: 3 }, { sourceDim: 10 }]) {
    throwsCode(() => new CachedAttention({ ...SIZES, ...changes }, weightsOf({ ...SIZES, ...changes })),
      'invalid_argument', /multiple/);
  }
  throwsCode(() => new CachedAttention({ ...SIZES, keyType: 'bf16' }, w), 'invalid_argument');
  throwsCode(() => new CachedAttention({ ...SIZES, maxSeqLen: 2 ** 31 }, w), 'out_of_memory');
  for (const part of ['wq', 'wk', 'wv', 'wo', 'bq', 'bk', 'bv', 'bo']) {
    throwsCode(() => new CachedAttention(SIZES, { ...w, [part]: new Float32Array(5) }), 'invalid_argument',
      new RegExp(part));
    throwsCode(() => new CachedAttention(SIZES, { ...w, [part]: [...w[part]] }), 'invalid_argument',
      new RegExp(part));
    throwsCode(() => new CachedAttention(SIZES, { ...w, [part]: w[part].map(() => NaN) }), 'not_finite',
      new RegExp(part));
  }
  throwsCode(() => new CachedAttention(SIZES), 'invalid_argument', /wq/);
  throwsCode(() => new CachedAttention(SIZES, { ...w, wv: undefined }), 'invalid_argument', /wv/);

  const attention = new CachedAttention({ ...SIZES, keyType: 'int8' }, w);
  attention.forward(floats(69 * 24, 1));
  throwsCode(() => attention.forward(floats(2 * 24, 1)), 'cache_full', /maxSeqLen = 70/);
  throwsCode(() => attention.full(floats(71 * 24, 1)), 'cache_full', /maxSeqLen = 70/);
  throwsCode(() => attention.forward(floats(24, 1).map(() => NaN)), 'not_finite');
  throwsCode(() => attention.setSource(floats(24, 1)), 'unsupported', /sourceDim/);
  for (const x of [floats(23, 1), new Float32Array(0), [...floats(24, 1)], undefined]) {
    throwsCode(() => attention.forward(x), 'invalid_argument', /x /);
  }
  for (const row of [1, -1, 0.5]) {
    throwsCode(() => attention.forward(floats(24, 1), { row }), 'position_out_of_range');
  }
  assert.equal(attention.position, 69);
  attention.forward(floats(24, 1));
  attention.dispose();
});

test('a failing row takes the rows before it back', () => {
  const attention = new CachedAttention({ ...SIZES, batchSize: 2, valueType: 'f16' }, weightsOf(SIZES));
  attention.forward(floats(2 * 3 * 24, 1));
  const before = contents(attention.cache);
  const x = floats(2 * 24, 2);
  x[30] = Infinity;
  throwsCode(() => attention.forward(x), 'not_finite');
  assert.deepEqual(contents(attention.cache), before);
  attention.dispose();
});

test('after dispose() every use is refused; dispose() may be called again', () => {
  const attention = new CachedAttention(SIZES, weightsOf(SIZES));
  const { cache } = attention;
  attention.dispose();
  attention.dispose();
  attention[Symbol.dispose ?? Symbol.for('Symbol.dispose')]();
  for (const work of [() => attention.forward(floats(24, 1)), () => attention.full(floats(24, 1)),
    () => attention.projectedRows, () => attention.position,
    () => attention.reset(), () => cache.get(0),
      () => cache.update(0, floats(16, 1), floats(16, 1))]) throwsCode(work, 'disposed');
});
