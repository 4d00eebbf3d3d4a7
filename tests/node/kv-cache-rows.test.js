// Every layer and every row counts: what a change of the history does to tokens that were written behind it,
// and refusals that come from a row other than the first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachedAttention, KVCache, init } from 'kvcache-wasm';
import { append, contents, floats, sameBits } from './blocks.js';
import { throwsCode } from './helpers.js';

const SIZES = { batchSize: 2, maxSeqLen: 40, numLayers: 3, numHeads: 2, headDim: 8 };
const LAYERS = [0, 1, 2];
const ROW = 16; // floats of a token in a layer of a row

await init();

/** Twenty tokens in each row. */
function filled(options) {
  const cache = new KVCache({ ...SIZES, ...options });
  append(cache, (layer) => floats(cache.batchSize * ROW * 20, layer + 1));
  return cache;
}

/** One token more in every layer of a row, not advanced over. */
const write = (cache, row) => {
  for (const layer of LAYERS) cache.update(layer, floats(ROW, 7), floats(ROW, 8), { row });
};

/** The layers of a row that have a token behind their history. */
const written = (cache, row) => LAYERS.filter((layer) => {
  try {
    cache.attend(layer, floats(ROW, 9), { row });
    return true;
  } catch (error) {
    if (error.code !== 'not_ready') throw error;
    return false;
  }
});

// ---- what is written behind the history ---------------------------------------------------------

test('where the history of a row changes, every layer forgets what was written behind it', () => {
  for (const [name, changed, change] of [
    ['truncate', [0, 1], (cache) => cache.truncate(9)],
    ['truncate a row', [1], (cache) => cache.truncate(9, { row: 1 })],
    ['evict', [0, 1], (cache) => cache.evict(0, 16)],
    ['evict from a row', [0], (cache) => cache.evict(3, 2, { row: 0 })],
    ['fork', [0, 1], (cache) => cache.fork(0, 1)],
    ['reorder', [0, 1], (cache) => cache.reorder([1, 0])],
    ['drop', [0], (cache) => cache.drop(0)],
    ['keep', [1], (cache) => cache.keep(0)],
    ['reset', [0, 1], (cache) => cache.reset()],
    ['restore', [0, 1], (cache) => cache.restore(cache.save())],
  ]) {
    const cache = filled();
    for (const row of [0, 1]) write(cache, row);
    change(cache);
    for (const row of [0, 1]) {
      assert.deepEqual(written(cache, row), changed.includes(row) ? [] : LAYERS, `${name}, row ${row}`);
    }
    cache.advance(); // zeros, where nothing is written
    const last = changed.map((row) => LAYERS.map((layer) => (
      cache.snapshot({ layer, head: 1, row, first: cache.positions[row] - 1 }))));
    for (const { keys, values } of last.flat()) {
      assert.deepEqual([...keys, ...values], Array(2 * SIZES.headDim).fill(0), name);
    }
    cache.dispose();
  }
});

test('tokens that cannot be written leave those behind the history as they were', () => {
  const cache = filled({ valueType: 'int8' });
  const bad = floats(2 * ROW, 1).fill(NaN);
  throwsCode(() => cache.update(1, bad, bad, { row: 0 }), 'not_finite');
  assert.deepEqual(written(cache, 0), []);
  write(cache, 0);
  const seen = cache.attend(1, floats(ROW, 9), { row: 0 });
  throwsCode(() => cache.update(1, bad, bad, { row: 0 }), 'not_finite');
  assert.deepEqual(written(cache, 0), LAYERS);
  sameBits(cache.attend(1, floats(ROW, 9), { row: 0 }), seen);
  throwsCode(() => cache.attend(1, floats(2 * ROW, 9), { row: 0 }), 'not_ready', /has 1 new/);
  cache.dispose();
});

test('forward() and setSource() drop what was written by hand behind the history', () => {
  const weights = { wq: floats(64, 1), wk: floats(64, 2), wv: floats(64, 3), wo: floats(64, 4) };
  const sizes = { embedDim: 8, numHeads: 2, maxSeqLen: 20 };
  for (const [sourceDim, pass] of [[0, (attention) => attention.forward(floats(8, 5))],
    [8, (attention) => attention.setSource(floats(24, 5))]]) {
    const attention = new CachedAttention({ ...sizes, sourceDim }, weights);
    attention.cache.update(0, floats(8, 6), floats(8, 7));
    pass(attention);
    throwsCode(() => attention.cache.attend(0, floats(8, 8)), 'not_ready');
    attention.dispose();
  }
});

test('an update() that is refused for the sake of a later row has written to none', () => {
  for (const whenFull of ['error', 'slide']) {
    for (const types of [{ keyType: 'f16' }, { valueType: 'int8' }]) {
      const cache = filled({ ...types, whenFull });
      if (whenFull === 'slide') append(cache, () => floats(ROW * 20, 1), undefined, { row: 1 }); // full
      const bad = floats(2 * ROW, 1);
      bad[2 * ROW - 1] = NaN; // in row 1
      const given = types.keyType ? [bad, floats(2 * ROW, 2)] : [floats(2 * ROW, 2), bad];
      throwsCode(() => cache.update(1, ...given), 'not_finite');
      assert.deepEqual(written(cache, 0), []);
      write(cache, 0);
      const seen = cache.attend(1, floats(ROW, 9), { row: 0 });
      throwsCode(() => cache.update(1, ...given), 'not_finite');
      sameBits(cache.attend(1, floats(ROW, 9), { row: 0 }), seen);
      cache.dispose();
    }
  }
});

// ---- the second row, and the third --------------------------------------------------------------

test('advance() is refused for the sake of any row, and no row has moved', () => {
  const cache = filled();
  append(cache, () => floats(ROW * 20, 1), undefined, { row: 1 }); // full
  throwsCode(() => cache.advance(), 'cache_full', /row 1 has 40/);
  assert.deepEqual(written(cache, 0), [], 'no zeros were written');
  cache.truncate(20, { row: 1 });
  for (const row of [0, 1]) {
    cache.update(2, floats(ROW * (2 - row), 1), floats(ROW * (2 - row), 2), { row });
  }
  throwsCode(() => cache.advance(2), 'not_ready', /Layer 2 has only 1 of the 2/);
  assert.deepEqual(cache.positions, [20, 20]);
  assert.deepEqual([written(cache, 0), written(cache, 1)], [[2], [2]]);
  cache.dispose();
});

test('attend() is refused where a later row has nothing to look at', () => {
  const cache = filled();
  write(cache, 0);
  const query = floats(2 * ROW, 1);
  throwsCode(() => cache.attend(1, query), 'not_ready', /in row 1/);
  cache.drop(1);
  throwsCode(() => cache.attend(1, query, { causal: false }), 'not_ready', /Row 1 holds no token/);
  cache.dispose();
});

test('truncate() and evict() are refused where a later row is too short, and no row has changed', () => {
  const cache = filled();
  cache.truncate(5, { row: 1 });
  const before = contents(cache);
  throwsCode(() => cache.truncate(6), 'position_out_of_range', /Row 1 holds 5/);
  throwsCode(() => cache.evict(2, 4), 'position_out_of_range', /Row 1 holds 5/);
  assert.deepEqual(contents(cache), before);
  cache.dispose();
});

test('all rows that are full slide, and only those', () => {
  const cache = filled({ batchSize: 3, whenFull: 'slide', sinks: 1, numLayers: 1 });
  const history = floats(3 * ROW * 20, 1);
  append(cache, () => floats(ROW * 20, 2), undefined, { row: 0 });
  append(cache, () => floats(ROW * 20, 3), undefined, { row: 2 });
  assert.equal(append(cache, () => floats(3 * ROW * 2, 4)), true);
  assert.deepEqual(cache.positions, [40, 22, 40]);
  const D = SIZES.headDim;
  for (const [row, first] of [[0, 3], [1, 1], [2, 3]]) { // what stands behind the sink
    const { keys } = cache.snapshot({ layer: 0, head: 1, row, first: 1, count: 1 });
    const at = ((row * 2 + 1) * 20 + first) * D;
    sameBits(keys, history.subarray(at, at + D), `row ${row}`);
  }
  cache.dispose();
});

test('forward() is refused for the sake of any row, and an error takes all rows back', () => {
  const weights = { wq: floats(64, 1), wk: floats(64, 2), wv: floats(64, 3), wo: floats(64, 4) };
  const sizes = { embedDim: 8, numHeads: 2, maxSeqLen: 20, batchSize: 3, keyType: 'f16' };
  const attention = new CachedAttention(sizes, weights);
  for (const [row, n] of [[0, 4], [1, 17], [2, 20]]) attention.forward(floats(8 * n, row), { row });
  const before = contents(attention.cache);
  throwsCode(() => attention.forward(floats(24, 5)), 'cache_full', /row 2 has 20/);
  assert.deepEqual(contents(attention.cache), before);
  attention.cache.truncate(19, { row: 2 });
  const shorter = contents(attention.cache);
  const x = floats(24, 5);
  x[20] = Infinity; // in row 2
  throwsCode(() => attention.forward(x), 'not_finite');
  assert.deepEqual(attention.cache.positions, [4, 17, 19]);
  assert.deepEqual(contents(attention.cache), shorter);
  attention.dispose();
  const cross = new CachedAttention({ ...sizes, sourceDim: 8 }, weights);
  cross.setSource(floats(8, 1), { row: 0 });
  throwsCode(() => cross.forward(floats(24, 5)), 'not_ready', /Row 1 has no source/);
  cross.dispose();
});
