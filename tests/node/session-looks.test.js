// Looking inside a session: what the cache holds and where, what comes next, what it all cost. What is
// seen is what is there, and looking changes nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { idsOf, randomIds, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const POSITIONS = 160;
let model;
let L, H, D, C, F, V;
before(async () => {
  model = await loadModel(tinyBlobs({ changes: { n_layer: 3, n_positions: POSITIONS, vocab_size: 257, eos_token_id: null } }));
  ({ nLayer: L, nHead: H, headDim: D, nEmbd: C, nInner: F, vocabSize: V } = model.config);
});
after(() => model.dispose());

const range = (n) => Array.from({ length: n }, (_, i) => i);

test('a snapshot is what the cache holds, the same for every split of the prompt', () => {
  const ids = randomIds(50);
  const [once, single] = [model.createSession(), model.createSession()];
  once.prefill(ids);
  for (const id of ids) single.decode(id);
  const seen = new Set();
  for (const layer of range(L)) {
    for (const head of range(H)) {
      const { keys, values } = once.snapshot({ layer, head });
      assert.deepEqual([keys.length, values.length], [50 * D, 50 * D]);
      assert.deepEqual(single.snapshot({ layer, head }), { keys, values });
      assert.deepEqual(once.snapshot({ layer, head, first: 17, count: 20 }), { keys: keys.slice(17 * D, 37 * D), values: values.slice(17 * D, 37 * D) });
      assert.ok(keys.every(Number.isFinite) && keys.some((x) => x !== 0));
      seen.add(keys.join()).add(values.join());
    }
  }
  assert.equal(seen.size, 2 * L * H, 'every layer and head has its own');
  once.truncate(20);
  assert.equal(once.snapshot({ layer: 0, head: 0 }).keys.length, 20 * D);
  assert.equal(once.snapshot({ layer: 0, head: 0, first: 20 }).keys.length, 0);
});

test('top: the likeliest tokens of the logits, with their log-probabilities', () => {
  const session = model.createSession();
  throwsCode(() => session.top(1), 'not_ready');
  const logits = session.prefill(randomIds(12)).slice(0, model.sampledIds);
  const max = Math.max(...logits);
  const sum = logits.reduce((total, x) => total + Math.exp(x - max), 0);
  const expected = Array.from(logits, (x, id) => ({ id, logProb: x - max - Math.log(sum) })).sort((a, b) => b.logProb - a.logProb);
  for (const k of [1, 5, model.sampledIds]) {
    const top = session.top(k);
    assert.deepEqual(idsOf(top), idsOf(expected.slice(0, k)));
    for (const [i, { logProb }] of top.entries()) assert.ok(Math.abs(logProb - expected[i].logProb) < 1e-5);
  }
  for (const k of [0, -1, 1.5, model.sampledIds + 1, NaN]) throwsCode(() => session.top(k), 'invalid_argument');
});

test('counts are the closed forms, with the cache on and off', () => {
  const session = model.createSession();
  const counted = (work) => {
    session.clearCounts();
    work();
    return session.counts;
  };
  const ids = randomIds(40);
  const perRow = L * (4 * C * C + 2 * C * F);
  const inPrefill = counted(() => session.prefill(ids));
  assert.ok(inPrefill.projectionMacs > 0 && inPrefill.projectionMacs <= 40 * perRow);
  assert.equal(inPrefill.cacheBytesWritten, 40 * 2 * L * C * 4);
  const step = counted(() => session.decode(1)); // one row: every projection once, attention over 41 tokens
  assert.equal(step.projectionMacs, perRow);
  assert.equal(step.attentionMacs, 2 * L * C * 41);
  assert.ok(step.headMacs >= V * C && step.headMacs < (V + 64) * C);
  assert.equal(step.cacheBytesWritten, 2 * L * C * 4);
  assert.ok(step.cacheBytesRead >= 41 * 2 * L * C * 4);
  assert.ok(step.weightBytes > 0);
  const later = counted(() => { for (let i = 0; i < 20; i++) session.decode(i); });
  assert.equal(later.projectionMacs, 20 * perRow, 'the work of a step does not grow with the text (B27)');
  assert.equal(later.cacheBytesWritten, 20 * 2 * L * C * 4);
  session.useCache = false;
  const uncached = counted(() => session.decode(2));
  assert.ok(uncached.projectionMacs > 40 * perRow, 'without the cache the whole text runs again');
  assert.equal(uncached.headMacs, step.headMacs);
  session.clearCounts();
  assert.ok(Object.values(session.counts).every((count) => count === 0));
});
