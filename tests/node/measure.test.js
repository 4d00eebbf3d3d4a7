// The measuring that `npm run bench` and the page share: what it counts, compares and refuses. Its clocks are
// not tested.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { rejectsCode, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';
import { loadModel } from 'kvcache-wasm';
import { Limits } from '../../web/measure/limits.js';
import { percent } from '../../web/measure/figures.js';
import { fitting, measureContext, weightBytes } from '../../web/measure/measure.js';
import { difference, measureCaches, ownText } from '../../web/measure/narrow.js';
import { TYPE_NAMES } from '../../web/cache/types.js';

const PLAN = { runs: 2, windowMs: 2, patienceMs: 1000 };
const changes = { n_positions: 80, vocab_size: 320 };
const model = await loadModel(tinyBlobs({ changes }), { variant: 'simd' });
const int8 = await loadModel(tinyBlobs({ changes }), { variant: 'simd', weights: 'int8' });
const limits = await Limits.create({ variant: 'simd' }, weightBytes(model));
after(() => [model, int8, limits].forEach((one) => one.dispose()));

for (const variant of /** @type {const} */ (['scalar', 'simd', 'relaxed'])) {
  test(`the ${variant} build measures its limits, and they are gone when disposed of`, async () => {
    const own = await Limits.create({ variant }, 1000);
    for (const rate of [own.read(2), own.multiplyAdd('f32', 2), own.multiplyAdd('int8', 2)]) {
      assert.ok(rate > 1e6 && rate < 1e13, `${rate}`);
    }
    own.dispose();
    throwsCode(() => own.read(2), 'disposed');
  });
}

test('a buffer that there is no room for is refused in words', async () => {
  await rejectsCode(Limits.create({ variant: 'simd' }, 2 ** 31), 'out_of_memory', /2147483648 bytes/);
});

test('every figure of a context, with the work that the counters tell', async () => {
  let runs = 0;
  const row = await measureContext(model, 40, PLAN, limits, { onRun: () => runs++ });
  assert.equal(runs, 3, 'the warm-up is one');
  for (const name of ['decode', 'prefill', 'uncached', 'read', 'peak']) {
    const { min, median, max } = row[name];
    assert.ok(min > 0 && min <= median && median <= max && Number.isFinite(max), name);
  }
  const session = model.createSession();
  session.prefill(Array.from({ length: 48 }, () => 1));
  session.clearCounts();
  session.decode(1);
  const { weightBytes: weights, cacheBytesRead, projectionMacs, attentionMacs, headMacs } = session.counts;
  session.dispose();
  const macs = projectionMacs + attentionMacs + headMacs;
  assert.deepEqual([row.context, row.weightBytes, row.cacheBytes, row.multiplyAdds],
    [40, weights, cacheBytesRead, macs]);
  // Most tokens of a prefill have no head and a shorter past.
  assert.ok(row.prefillMultiplyAdds > 0 && row.prefillMultiplyAdds < row.multiplyAdds);
  assert.match(row.hash, /^[0-9a-f]{16}$/);
});

test('limits are measured in pieces, between those of the work that is held against them', async () => {
  const order = [];
  const watched = {
    read: (ms) => (order.push('read'), limits.read(ms)),
    multiplyAdd: (weights, ms) => (order.push(weights), limits.multiplyAdd(weights, ms)),
  };
  const onRun = () => order.push('run');
  await measureContext(model, 40, { ...PLAN, runs: 1, windowMs: 40 }, watched, { onRun });
  const [, run] = order.join(' ').split('run'); // after the warm-up
  const pieces = (name) => run.split(' ').filter((each) => each === name).length;
  assert.ok(pieces('f32') >= 3 && pieces('read') >= 2, run);
});

test('a share of a limit is never beyond it', () => {
  const shown = [0.004, 0.42, 0.996, 1, 1.02, 1.05, 1.051, 3, NaN].map((share) => percent(share));
  assert.deepEqual(shown,
    ['0 %', '42 %', '100 %', '100 %', 'about 100 %', 'about 100 %', '–', '–', '–']);
});

test('int8 weights are fewer bytes and other logits', async () => {
  const floats = await measureContext(model, 20, PLAN, limits);
  const bytes = await measureContext(int8, 20, PLAN, limits);
  assert.ok(bytes.weightBytes < floats.weightBytes);
  assert.notEqual(bytes.hash, floats.hash);
  assert.equal(bytes.multiplyAdds, floats.multiplyAdds);
});

test('passes beyond the patience are left out, decoding is not', async () => {
  const row = await measureContext(model, 40, { ...PLAN, patienceMs: 0 }, limits);
  assert.deepEqual([row.prefill, row.uncached], [undefined, undefined]);
  assert.equal(row.hash, (await measureContext(model, 40, PLAN, limits)).hash);
});

test('contexts that a model has no positions for do not fit', () => {
  assert.deepEqual(fitting([64, 65, 256], model), [64]);
});

/** The same model, its sessions changed before they are handed out. */
const changed = (change) => ({
  config: model.config,
  weights: model.weights,
  createSession(options) {
    const session = model.createSession(options);
    change(session);
    return session;
  },
});

test('one other bit of the logits, with the cache or from run to run, and there are no figures', async () => {
  const isCached = (session) => session.cachedTokens === session.position;
  const hashIs = (session, get) => Object.defineProperty(session, 'logitsHash', { get });
  const onAndOff = changed((session) => hashIs(session, () => (isCached(session) ? 'aaaa' : 'bbbb')));
  await rejectsCode(measureContext(onAndOff, 20, PLAN, limits), 'outputs_differ', /aaaa.*bbbb/);
  let asked = 0;
  const runs = changed((session) => hashIs(session, () => `run ${Math.floor(asked++ / 2)}`));
  await rejectsCode(measureContext(runs, 20, PLAN, limits), 'outputs_differ', /run 0, run 1/);
});

test('every type of cache: its bytes, its speed, and what it changes on a text of the model', async () => {
  let runs = 0;
  const { context, tokens, rows } = await measureCaches(model, 40, PLAN, { onRun: () => runs++ });
  assert.deepEqual([context, tokens, runs], [40, 56, 1 + PLAN.runs]);
  assert.deepEqual(rows.map(({ type }) => type), TYPE_NAMES);
  const ids = await ownText(model, 56, 1);
  const [exact, ...narrow] = rows;
  assert.deepEqual([exact.same, exact.kl, exact.error], [1, 0, 0]);
  const sessions = TYPE_NAMES.map((type) => model.createSession({ keyType: type, valueType: type }));
  const logits = ids.map((id) => sessions.map((session) => session.decode(id)));
  for (const [i, row] of narrow.entries()) {
    const all = logits.map(([right, ...others]) => difference(right, others[i], model.sampledIds));
    assert.equal(row.same, all.filter(({ same }) => same).length / ids.length);
    assert.equal(row.error, Math.max(...all.map(({ error }) => error)));
    assert.ok(row.error > 0 && row.kl > 0 && row.kl < 0.1, row.type);
    assert.ok(row.bytesPerToken < exact.bytesPerToken && row.cacheBytes < exact.cacheBytes, row.type);
    assert.equal(row.bytesPerToken, sessions[i + 1].memoryUsage().bytesPerToken);
    assert.ok(row.decode.min > 0 && row.decode.median <= row.decode.max);
  }
  sessions.forEach((session) => session.dispose());
  assert.ok((await ownText(model, 56, 1, { patienceMs: 0 })).length === 33, 'as few as say something');
});

test('how far logits are apart', () => {
  const [a, b] = [[0, 1, -1, 9], [0, 0.5, 1, 0]].map((row) => Float32Array.from(row));
  const { error, same, kl } = difference(a, b, 3);
  const softmax = (row) => row.slice(0, 3).map(Math.exp).map((e, _, all) => e / all.reduce((x, y) => x + y));
  const [p, q] = [[...a], [...b]].map(softmax);
  assert.deepEqual([error, same], [2, false], 'the fourth may not be drawn');
  assert.ok(Math.abs(kl - p.reduce((sum, x, i) => sum + x * Math.log(x / q[i]), 0)) < 1e-12);
  assert.deepEqual(difference(a, a), { error: 0, same: true, kl: 0 });
});

test('an abort ends it, and the session with it', async () => {
  const stop = new AbortController();
  const sessions = [];
  const watched = changed((session) => sessions.push(session));
  const options = { signal: stop.signal, onRun: () => stop.abort() };
  await rejectsCode(measureContext(watched, 20, PLAN, limits, options), 'aborted');
  throwsCode(() => sessions[0].decode(1), 'disposed');
  const caches = { signal: stop.signal };
  await rejectsCode(measureCaches(watched, 20, PLAN, caches), 'aborted');
  throwsCode(() => sessions.at(-1).decode(1), 'disposed');
});
