// Models with windows of their own give back what no window reaches any more. What a session says of that, in
// bytes, errors and events; and that its logits are those of a session that has no cache at all.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, rejectsCode, seeded, throwsCode } from './helpers.js';

const PAGE = 16;
/** With windows in all of their layers, and in some. */
const models = await Promise.all(['mistral-bf16', 'gemma3-f32', 'gpt-neo-f32'].map((name) => (
  loadModel(new URL(`../fixtures/${name}/`, import.meta.url), { variant: 'simd', tokenizer: false }))));
after(() => models.forEach((model) => model.dispose()));

const random = seeded(14);
const idsFor = ({ config }, n) => Array.from({ length: n }, () => random.below(config.vocabSize));
/** Slots that are gone of n tokens: whole pages that no window of the last 17 reaches. */
const gone = ({ config: { window: { size } } }, n) => Math.floor(Math.max(0, n - size - PAGE) / PAGE) * PAGE;
const pages = (slots) => Math.ceil(slots / PAGE);

function logitsOf(model, ids) {
  const session = model.createSession({ useCache: false });
  const logits = session.prefill(ids);
  session.dispose();
  return logits;
}

test('the figures say what is gone, to the byte, and the room is less from the start', () => {
  for (const model of models) {
    const { nLayer, nKvHead, headDim, window: { size, layers } } = model.config;
    const session = model.createSession({ capacity: 160 });
    const ofLayer = 2 * nKvHead * headDim * 4;
    const room = Math.min(10, pages(size + 31) + pages(size + 62));
    const { cacheBytes, slots, bytesPerToken } = session.memoryUsage();
    assert.equal(bytesPerToken, nLayer * ofLayer);
    assert.equal(slots, 160);
    assert.equal(cacheBytes, PAGE * ofLayer * (10 * (nLayer - layers.length) + room * layers.length));
    const ids = idsFor(model, 150);
    for (const n of [30, 31, 60, 61, 110, 150]) {
      const logits = session.prefill(ids.slice(session.position, n));
      assert.deepEqual(logits, logitsOf(model, ids.slice(0, n)));
      const { usedBytes, freedBytes } = session.memoryUsage();
      assert.equal(freedBytes, gone(model, n) * layers.length * ofLayer, `${n} tokens`);
      assert.equal(usedBytes, n * bytesPerToken - freedBytes);
      const usage = session.kvCache.memoryUsage();
      const { freedBytes: given, usedBytes: used, totalBytes: all } = usage;
      assert.deepEqual([given, used, all], [freedBytes, usedBytes, cacheBytes]);
      assert.equal(usage.totalElements, cacheBytes / 4);
      assert.equal(session.cacheMap()[0].freed, gone(model, n));
    }
    session.dispose();
  }
});

test('back to where the windows have passed: an error that says how far, or computed again', () => {
  for (const model of models) {
    const { window: { size } } = model.config;
    const ids = idsFor(model, 120);
    const session = model.createSession();
    session.prefill(ids);
    const least = gone(model, 120) + size - 1;
    throwsCode(() => session.truncate(least - 1), 'window_passed',
      new RegExp(`cannot be cut to ${least - 1}: .*cut to ${least} tokens or more, or to 0; .*recompute`));
    assert.equal(session.position, 120);
    assert.ok(least < 120 - PAGE, 'as many tokens as a page has can be taken back, and one');
    session.truncate(least);
    assert.deepEqual(session.prefill(ids.slice(least)), logitsOf(model, ids));
    session.truncate(20, { recompute: true });
    assert.deepEqual([session.position, session.cachedTokens], [20, 0]);
    assert.deepEqual(session.prefill(ids.slice(20)), logitsOf(model, ids), 'the cache is filled first');
    assert.deepEqual(session.sync([...ids.slice(0, 50), 1]), { reused: 0, computed: 51 });
    assert.equal(session.cachedTokens, 51);
    session.truncate(0);
    assert.equal(session.memoryUsage().usedBytes, 0);
    throwsCode(() => session.truncate(1, { again: true }), 'invalid_argument', /again/);
    throwsCode(() => session.truncate(1), 'position_out_of_range');
    session.dispose();
  }
});

test('what is gone cannot be read, and it is said from where on it is there', () => {
  const [, model] = models; // layers of both kinds
  const { nLayer, window: { layers } } = model.config;
  const session = model.createSession();
  session.prefill(idsFor(model, 100));
  const freed = gone(model, 100);
  for (let layer = 0; layer < nLayer; layer++) {
    const read = () => session.snapshot({ layer, head: 0 });
    if (!layers.includes(layer)) assert.equal(read().keys.length, 100 * model.config.headDim);
    else {
      throwsCode(read, 'window_passed', new RegExp(`Layer ${layer} has a window .* from ${freed} on`));
      throwsCode(() => session.kvCache.get(layer), 'window_passed');
      assert.equal(session.snapshot({ layer, head: 0, first: freed }).keys.length,
        (100 - freed) * model.config.headDim);
    }
  }
  session.dispose();
});

test('events tell what goes, and a saved session has no more', () => {
  for (const model of models) {
    const session = model.createSession({ sequences: 2 });
    const rows = [0, 0];
    session.onEvent = ({ type, sequence, first, count, from }) => {
      if (type === 'free') {
        assert.equal(first, rows[sequence]);
        rows[sequence] += count;
      }
      if (type === 'share') rows[sequence] = rows[from];
      if (type === 'evict' && first === 0) rows[sequence] = 0;
    };
    const ids = idsFor(model, 150);
    for (const [i, n] of [20, 70, 75, 130, 150].entries()) {
      session.prefill(ids.slice(session.position, n));
      if (i === 2) session.fork(0, 1);
      assert.deepEqual(rows, session.cacheMap().map(({ freed }) => freed));
    }
    assert.ok(rows[0] > rows[1] && rows[1] > 0);
    const { usedBytes } = session.memoryUsage();
    const state = session.save();
    assert.ok(state.length < usedBytes + 4 * (2 * 150 + 4 * model.config.vocabSize) + 4096);
    const other = model.createSession({ sequences: 2 });
    other.restore(state);
    assert.equal(other.memoryUsage().usedBytes, usedBytes);
    other.truncate(149);
    assert.deepEqual(other.decode(ids[149]), session.logits);
    session.dispose();
    other.dispose();
  }
});

test('an aborted prompt leaves what was there', async () => {
  for (const model of models) {
    const session = model.createSession();
    const ids = idsFor(model, 150);
    session.prefill(ids.slice(0, 60));
    const before = session.memoryUsage();
    const signal = AbortSignal.abort();
    await rejectsCode(collect(session.generate(ids, { maxTokens: 1, signal })), 'aborted');
    assert.deepEqual(session.memoryUsage(), before);
    assert.deepEqual(session.prefill(ids.slice(60)), logitsOf(model, ids));
    session.dispose();
  }
});
