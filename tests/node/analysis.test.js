// The tables that are computed, against numbers worked out by hand, and the one that is measured.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { analyzeMemory, analyzeSpeedup, benchmarkComparison, loadModel } from 'kvcache-wasm';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { LENGTHS, SHAPES, cacheBytesPerToken } from '../../web/measure/tables.js';
import { passRate, spread } from '../../web/measure/benchmark.js';
import { rejectsCode, throwsCode } from './helpers.js';
import { tensorShapes, tinyBlobs } from './tiny-model.js';

const SMALL = { n_positions: 80, vocab_size: 257, eos_token_id: null };
let model;
before(async () => {
  model = await loadModel(tinyBlobs({ changes: SMALL }));
});
after(() => model.dispose());

// ---- memory -------------------------------------------------------------------------------------

const MIB = 2 ** 20;
const memoryOf = (shape, type) => analyzeMemory().find((row) => row.shape === shape && row.type === type);

test('GPT-2: 72 MiB of cache in f32, half of it in f16, 73,728 bytes a token, 15 % of the parameters', () => {
  assert.equal(memoryOf('GPT-2', 'f32').cacheBytes, 72 * MIB);
  assert.equal(memoryOf('GPT-2', 'f32').cacheBytes, 75_497_472);
  assert.equal(memoryOf('GPT-2', 'f16').cacheBytes, 36 * MIB);
  assert.equal(memoryOf('GPT-2', 'f32').bytesPerToken, 73_728);
  assert.equal(memoryOf('GPT-2', 'f32').parameters, 124_439_808);
  assert.equal(memoryOf('GPT-2', 'f32').share.toFixed(3), '0.152');
});

test('GPT-3: 19.3 GB in f32, 9.66 GB in f16, 4.7 MB a token in f16, 2.8 % of the parameters', () => {
  assert.equal(memoryOf('GPT-3', 'f32').cacheBytes, 19_327_352_832);
  assert.equal(memoryOf('GPT-3', 'f16').cacheBytes, 9_663_676_416);
  assert.equal(memoryOf('GPT-3', 'f16').bytesPerToken, 4_718_592);
  assert.equal(Math.round(memoryOf('GPT-3', 'f32').parameters / 1e9), 175);
  assert.equal(memoryOf('GPT-3', 'f32').share.toFixed(3), '0.028');
});

test('the first three: 0.125, 2 and 9 MiB in f32', () => {
  const sizes = ['tiny', 'small', 'medium'].map((name) => memoryOf(name, 'f32').cacheBytes / MIB);
  assert.deepEqual(sizes, [0.125, 2, 9]);
});

test('int8 has a scale of 4 bytes for each vector of a head; K and V may have types of their own', () => {
  assert.equal(memoryOf('GPT-2', 'int8').bytesPerToken, 12 * 12 * 2 * (64 + 4));
  assert.equal(cacheBytesPerToken(SHAPES['GPT-2'], 'f16/int8'), 12 * 12 * (128 + 68));
});

test('a row for each shape, type and length that fits, all of them called computed', () => {
  const rows = analyzeMemory({ types: ['f32', 'int8'], lengths: LENGTHS });
  assert.equal(rows.length, 2 * (2 + 3 + 4 + 6 + 6)); // 10 and 25 fit into 32 tokens, and so on
  assert.ok([...rows, ...analyzeMemory(), ...analyzeSpeedup()].every((row) => row.source === 'computed'));
  const row = rows.find(({ shape, tokens }) => shape === 'GPT-2' && tokens === 100);
  assert.equal(row.cacheBytes, 7_372_800);
  assert.ok(row.share < 0.015, 'a share belongs to a length');
});

test('heads of keys and head sizes of their own: bytes, parameters and work follow from them', () => {
  // Queries are 4 * 8 = 32 wide, keys and values 2 * 8 = 16, the model 20: 20 / 4 would be heads of 5.
  const heads = { nHead: 4, nKvHead: 2, headDim: 8 };
  const grouped = { nLayer: 3, ...heads, nEmbd: 20, nInner: 24, nPositions: 10, vocabSize: 7 };
  assert.equal(cacheBytesPerToken(grouped, 'f32'), 3 * 2 * 2 * 8 * 4);
  assert.equal(cacheBytesPerToken(grouped, 'int8'), 3 * 2 * 2 * (8 + 4));
  const attention = 20 * 32 + 32 + 2 * (20 * 16 + 16) + 32 * 20 + 20;
  const mlp = 20 * 24 + 24 + 24 * 20 + 20;
  assert.equal(parameterCount(grouped), (7 + 10) * 20 + 3 * (attention + mlp + 2 * 40) + 40);
  // The second token of a text: keys and values in 3 layers, all else in 3 too (one row), 2 pairs in each.
  const work = multiplyAdds(grouped, 1, 2);
  assert.equal(work.projections, 3 * (2 * 20 * 16 + 2 * 20 * 32 + 2 * 20 * 24));
  assert.equal(work.attention, 3 * 2 * 2 * 32);
  const even = { ...SHAPES.tiny, nKvHead: 2, headDim: 64 }; // as they are where they are absent
  assert.deepEqual(multiplyAdds(even, 0, 9), multiplyAdds(SHAPES.tiny, 0, 9));
  assert.equal(parameterCount(even), parameterCount(SHAPES.tiny));
});

test('of a loaded model: the parameters of its file, and what its cache takes', () => {
  const elements = tensorShapes({ n_layer: 2, n_embd: 16, n_inner: null, ...SMALL })
    .reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b), 0);
  const [row] = analyzeMemory({ shapes: { mine: model.config }, types: ['f32'] });
  assert.equal(row.parameters, elements);
  assert.equal(parameterCount(model.config), elements);
  const session = model.createSession();
  assert.equal(row.bytesPerToken, session.memoryUsage().bytesPerToken);
  assert.equal(row.cacheBytes, session.memoryUsage().cacheBytes);
});

// ---- work ---------------------------------------------------------------------------------------

test('100 tokens: 5,050 projections, 4,950 of them redundant: 50.5 times; 67 times the pairs', () => {
  const [row] = analyzeSpeedup({ lengths: [100] });
  assert.equal(row.projectionsOff, 5050);
  assert.equal(row.projectionsOn, 100);
  assert.equal(row.projectionsRedundant, 4950);
  assert.equal(row.projectionsSpeedUp, 50.5);
  assert.equal(row.pairsOff, 338_350);
  assert.equal(row.pairsOn, 5050);
  assert.equal(row.pairsRedundant, 333_300);
  assert.equal(row.pairsSpeedUp, 67);
  assert.equal(row.causalPairsOff, 171_700);
  assert.equal(row.causalPairsSpeedUp, 34);
});

test('the closed forms are the sums they stand for, at the lengths of the course', () => {
  const rows = analyzeSpeedup();
  assert.deepEqual(rows.map((row) => row.tokens), [10, 25, 50, 100, 200, 500]);
  for (const row of rows) {
    let [projections, pairs, causal, cached] = [0, 0, 0, 0];
    for (let t = 1; t <= row.tokens; t++) {
      projections += t;
      pairs += t * t;
      cached += t;
      for (let query = 1; query <= t; query++) causal += query;
    }
    assert.deepEqual([row.projectionsOff, row.pairsOff, row.causalPairsOff, row.pairsOn],
      [projections, pairs, causal, cached]);
    assert.deepEqual([row.stepProjectionsOff, row.stepProjectionsOn, row.stepPairsOff, row.stepPairsOn],
      [row.tokens, 1, row.tokens ** 2, row.tokens]);
  }
});

test('multiply-adds of one layer, worked out by hand', () => {
  const sizes = { nLayer: 1, nHead: 1, nEmbd: 4, nPositions: 8, vocabSize: 10 };
  // Three rows: K and V of each (2 x 16), then Q, the projection (2 x 16) and the MLP (2 x 64) of the last.
  const [attention, head] = [3 * 8, 40];
  assert.deepEqual(multiplyAdds(sizes, 0, 3), { projections: 96 + 160, attention, head, total: 320 });
  assert.deepEqual(multiplyAdds(sizes, 2, 3), { projections: 32 + 160, attention, head, total: 256 });
  // A second layer: in the first one, all rows whole, and 1 + 2 + 3 pairs.
  assert.deepEqual(multiplyAdds({ ...sizes, nLayer: 2 }, 0, 3),
    { projections: 3 * 192 + 256, attention: 9 * 8, head: 40, total: 944 });
});

test('with a shape: its multiply-adds, and a speed-up below that of the projections', () => {
  const [row] = analyzeSpeedup({ lengths: [100], shape: SHAPES['GPT-2'] });
  const { multiplyAddsSpeedUp, projectionsSpeedUp } = row;
  assert.ok(multiplyAddsSpeedUp > 30 && multiplyAddsSpeedUp < projectionsSpeedUp, `${multiplyAddsSpeedUp}`);
});

test('sizes, types and lengths that make no sense are refused', () => {
  for (const lengths of [[0], [-1], [2.5], ['10']]) {
    throwsCode(() => analyzeMemory({ lengths }), 'invalid_argument');
    throwsCode(() => analyzeSpeedup({ lengths }), 'invalid_argument');
  }
  for (const lengths of [5, '10', [undefined]]) {
    throwsCode(() => analyzeMemory({ lengths }), 'invalid_argument');
    throwsCode(() => analyzeSpeedup({ lengths }), 'invalid_argument');
  }
  for (const types of ['f16', [16]]) throwsCode(() => analyzeMemory({ types }), 'invalid_argument');
  for (const type of ['f64', '', 'f32/', 'f16/f16/f16', 'toString']) {
    throwsCode(() => analyzeMemory({ types: [type] }), 'invalid_argument');
  }
  for (const [shape, message] of [
    [{}, /nLayer/],
    [{ ...SHAPES.tiny, nHead: 3 }, /128 channels/], [{ ...SHAPES.tiny, nKvHead: 0 }, /nKvHead/],
    [{ ...SHAPES.small, nKvHead: 3 }, /multiple/], [{ ...SHAPES.tiny, headDim: 1.5 }, /headDim/],
  ]) throwsCode(() => analyzeMemory({ shapes: { mine: shape } }), 'invalid_argument', message);
});

const macsOf = ({ projectionMacs, attentionMacs, headMacs }) => (
  { projections: projectionMacs, attention: attentionMacs, head: headMacs });

/** What the engine counts while it works. */
function counted(session, work) {
  session.clearCounts();
  work();
  return session.counts;
}

test('the closed forms are what the engine counts, at every length, with the cache and without', () => {
  const ids = Array.from({ length: 80 }, (_, i) => i);
  const { total: _, ...first } = multiplyAdds(model.config, 0, 1);
  for (const useCache of [true, false]) {
    const session = model.createSession({ useCache });
    assert.deepEqual(macsOf(counted(session, () => session.prefill(ids.slice(0, 1)))), first);
    for (let n = 1; n < ids.length; n++) {
      const { total, ...closed } = multiplyAdds(model.config, useCache ? n : 0, n + 1);
      const counts = counted(session, () => session.decode(ids[n]));
      assert.deepEqual(macsOf(counts), closed, `token ${n}, cache ${useCache}`);
      assert.equal(counts.projectionMacs + counts.attentionMacs + counts.headMacs, total);
    }
    for (const n of [1, 2, 31, 32, 33, 64, 80]) {
      session.reset();
      const { total: __, ...closed } = multiplyAdds(model.config, 0, n);
      const counts = counted(session, () => session.prefill(ids.slice(0, n)));
      assert.deepEqual(macsOf(counts), closed, `prefill of ${n}, cache ${useCache}`);
    }
    session.dispose();
  }
});

test('writing 10, 25 and 50 tokens: the engine counts what analyzeSpeedup says', () => {
  const rows = analyzeSpeedup({ lengths: [10, 25, 50], shape: model.config });
  for (const row of rows) {
    for (const [useCache, closed] of [[true, row.multiplyAddsOn], [false, row.multiplyAddsOff]]) {
      const session = model.createSession({ useCache });
      for (let id = 0; id < row.tokens; id++) session.decode(id);
      const { projectionMacs, attentionMacs, headMacs } = session.counts;
      const all = projectionMacs + attentionMacs + headMacs;
      assert.equal(all, closed, `${row.tokens} tokens, cache ${useCache}`);
      session.dispose();
    }
  }
});

test('a decoded token writes its own K and V in each layer, and reads those of all tokens', () => {
  const session = model.createSession();
  const { bytesPerToken } = session.memoryUsage();
  session.prefill([1, 2, 3, 4, 5, 6]);
  const counts = counted(session, () => session.decode(7));
  assert.equal(counts.cacheBytesWritten, bytesPerToken);
  assert.equal(counts.cacheBytesRead, 7 * bytesPerToken);
  session.dispose();
});

// ---- measured -----------------------------------------------------------------------------------

test('benchmarkComparison: measured rows, the same logits, and progress', async () => {
  const events = [];
  const onProgress = (event) => events.push(event);
  const rows = await benchmarkComparison(model, { seqLengths: [5, 40], runs: 2, batchSize: 2, onProgress });
  assert.deepEqual(rows.map(({ tokens, batchSize, runs, source }) => [tokens, batchSize, runs, source]),
    [[5, 2, 2, 'measured'], [40, 2, 2, 'measured']]);
  for (const row of rows) {
    for (const name of ['prefill', 'cached', 'uncached']) {
      const [least, median, most] = [row[`${name}Min`], row[name], row[`${name}Max`]];
      assert.ok(least > 0 && least <= median && median <= most, `${name} of ${JSON.stringify(row)}`);
    }
    assert.equal(row.speedUp, row.cached / row.uncached);
    assert.equal(row.logitsHashes.length, 2);
    assert.notEqual(row.logitsHashes[0], row.logitsHashes[1], 'the rows of a batch have their own tokens');
  }
  assert.deepEqual(events.map(({ tokens, done, total }) => [tokens, done, total]),
    [[5, 1, 6], [5, 2, 6], [5, 3, 6], [40, 4, 6], [40, 5, 6], [40, 6, 6]]);
});

test('without lengths, those of the course that fit', async () => {
  const rows = await benchmarkComparison(model, { runs: 1 });
  assert.deepEqual(rows.map((row) => row.tokens), [10, 25, 50]);
});

test('a context that fills the model but for one token', async () => {
  const [row] = await benchmarkComparison(model, { seqLengths: [79], runs: 1 });
  assert.equal(row.tokens, 79);
});

test('one other bit of the logits, and there are no figures', async () => {
  const broken = {
    config: model.config,
    sampledIds: model.sampledIds,
    createSession(options) {
      const session = model.createSession(options);
      const get = () => (session.cachedTokens === session.position ? 'aaaa' : 'bbbb');
      return Object.defineProperty(session, 'logitsHash', { get });
    },
  };
  const options = { seqLengths: [5], runs: 1 };
  await rejectsCode(benchmarkComparison(broken, options), 'outputs_differ', /aaaa.*bbbb/);
});

test('an abort ends it within a run, and the sessions are freed', async () => {
  const sessions = [];
  const counting = {
    config: model.config,
    sampledIds: model.sampledIds,
    createSession: (options) => sessions[sessions.push(model.createSession(options)) - 1],
  };
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 30);
  const start = performance.now();
  await rejectsCode(benchmarkComparison(counting, { runs: 1000, signal: controller.signal }), 'aborted');
  assert.ok(performance.now() - start < 5000);
  assert.equal(sessions.length, 1);
  throwsCode(() => sessions[0].position, 'disposed');
});

test('others get their turn while it measures', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await benchmarkComparison(model, { seqLengths: [40], runs: 2 });
  clearInterval(timer);
  assert.ok(turns >= 5, `${turns} turns`);
});

test('lengths, batches and runs that make no sense are refused', async () => {
  const lengths = [[80], [0], [1.5]].map((seqLengths) => ({ seqLengths }));
  for (const options of [...lengths, { batchSize: 0 }, { batchSize: 33 }, { runs: 0 }]) {
    await rejectsCode(benchmarkComparison(model, options), 'invalid_argument');
  }
});

test('least, median and greatest', () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(spread([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  assert.deepEqual(spread([7]), { median: 7, min: 7, max: 7 });
});

test('a rate is tokens over time', async () => {
  const session = {
    prefillStats: { tokens: 0, ms: 10 }, truncate() {}, async *generate() {}, // each pass "takes" 10 ms
  };
  assert.equal(await passRate(session, [1, 2, 3, 4], true, 4, { windowMs: 30 }), 400);
});
