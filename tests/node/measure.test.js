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

test('an abort ends it, and the session with it', async () => {
  const stop = new AbortController();
  const sessions = [];
  const watched = changed((session) => sessions.push(session));
  const options = { signal: stop.signal, onRun: () => stop.abort() };
  await rejectsCode(measureContext(watched, 20, PLAN, limits, options), 'aborted');
  throwsCode(() => sessions[0].decode(1), 'disposed');
});
