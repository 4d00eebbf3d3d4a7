// The nine tests of the course module's audit, in its order and with the numbers put right. The native
// ring has the same nine in ../native/test_audit.c.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KVCache, disableKVCache, enableKVCache, init, loadModel } from 'kvcache-wasm';
import { GPT } from '../../web/blocks/example-gpt.js';
import { snapshot } from '../../web/cache/inspect.js';
import { NativeCache } from '../../web/cache/native-cache.js';
import { Engine } from '../../web/engine/engine.js';
import { append, contents, floats, naiveAttention, sameBits, tokens } from './blocks.js';
import { throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const SIZES = { vocabSize: 40, embedDim: 32, numLayers: 3, numHeads: 4, maxSeqLen: 96 };
await init();

const argmax = (logits) => logits.indexOf(Math.max(...logits));

test('audit 1: cached generation equals uncached, logits bit for bit, over 12 pages', async () => {
  const model = await loadModel(tinyBlobs({ changes: { n_positions: 192, n_layer: 3 } }));
  const [cached, uncached] = [true, false].map((useCache) => model.createSession({ useCache }));
  let [a, b] = [cached.prefill([5, 6, 7]), uncached.prefill([5, 6, 7])];
  while (cached.position < 192) {
    sameBits(a, b, `position ${cached.position}`);
    const id = argmax(a);
    [a, b] = [cached.decode(id), uncached.decode(id)];
  }
  sameBits(a, b);
  model.dispose();
});

test('audit 2: layers do not leak into each other', () => {
  const cache = new KVCache({ batchSize: 2, maxSeqLen: 40, numLayers: 4, numHeads: 2, headDim: 8 });
  const of = (layer, what) => floats(2 * 2 * 33 * 8, 10 * layer + what);
  append(cache, (layer) => of(layer, 1), (layer) => of(layer, 2));
  // written behind the history: nothing of it shows
  cache.update(1, floats(2 * 2 * 8, 99), floats(2 * 2 * 8, 98));
  for (let layer = 0; layer < 4; layer++) {
    const { key, value } = cache.get(layer);
    sameBits(key, of(layer, 1));
    sameBits(value, of(layer, 2));
  }
  cache.advance();
  for (const layer of [0, 2, 3]) {
    assert.ok(tokens(cache.get(layer).key, 4, 8, 33, 1).every((x) => x === 0), `layer ${layer}`);
  }
  sameBits(tokens(cache.get(1).key, 4, 8, 33, 1), floats(2 * 2 * 8, 99));
  cache.dispose();
});

test('audit 3: a full-sequence, training-style forward leaves the cache unused', async () => {
  const gpt = new GPT(SIZES);
  const cache = enableKVCache(gpt);
  const events = [];
  cache.onEvent = (event) => events.push(event);
  const empty = contents(cache);
  const full = gpt.forward([1, 2, 3, 4], { cache: false });
  sameBits(full, new GPT(SIZES).forward([1, 2, 3, 4]));
  assert.equal(cache.position, 0);
  assert.deepEqual(contents(cache), empty);
  assert.deepEqual(events, []);
  disableKVCache(gpt);

  const model = await loadModel(tinyBlobs());
  const session = model.createSession();
  session.prefill([1, 2, 3]);
  const before = contents(session.kvCache);
  const { logitsHash } = session;
  session.score([4, 5, 6, 7, 8]);
  assert.deepEqual(contents(session.kvCache), before);
  assert.deepEqual([session.position, session.logitsHash], [3, logitsHash]);
  model.dispose();
});

test('audit 4: memory is 2 B L H S D bytes: 0.0625, 0.5 and 3 MiB, not 0.1, 2 and 12', () => {
  for (const [numLayers, numHeads, maxSeqLen, headDim, MiB] of [[2, 4, 64, 16, 0.0625], [4, 8, 128, 16, 0.5],
    [6, 8, 256, 32, 3]]) {
    const cache = new KVCache({ batchSize: 1, maxSeqLen, numLayers, numHeads, headDim });
    const memory = cache.memoryUsage();
    assert.equal(memory.totalMB, MiB);
    assert.equal(memory.totalBytes, 2 * numLayers * numHeads * maxSeqLen * headDim * 4);
    assert.equal(memory.perLayerMB, MiB / numLayers);
    assert.equal(memory.cacheTensors, 2 * numLayers);
    assert.equal(memory.totalElements, 2 * numLayers * numHeads * maxSeqLen * headDim);
    cache.dispose();
  }
});

test('audit 5: batch rows are independent, and each equals the row run alone', () => {
  const sizes = { maxSeqLen: 48, numLayers: 2, numHeads: 2, headDim: 8 };
  const [batch, T] = [3, 21];
  const together = new KVCache({ ...sizes, batchSize: batch });
  const of = (row, layer, what) => floats(2 * T * 8, 100 * row + 10 * layer + what);
  const all = (layer, what) =>
    Float32Array.from(Array.from({ length: batch }, (_, row) => [...of(row, layer, what)]).flat());
  for (const layer of [0, 1]) together.update(layer, all(layer, 0), all(layer, 1));
  const y = together.attend(1, all(1, 2));
  together.advance(T);
  for (let row = 0; row < batch; row++) {
    const alone = new KVCache(sizes);
    for (const layer of [0, 1]) alone.update(layer, of(row, layer, 0), of(row, layer, 1));
    sameBits(alone.attend(1, of(row, 1, 2)), y.subarray(row * 2 * T * 8, (row + 1) * 2 * T * 8),
      `row ${row}`);
    alone.advance(T);
    sameBits(alone.get(0).key, together.get(0, { row }).key);
    sameBits(alone.get(0).value, together.get(0, { row }).value);
    alone.dispose();
  }
  together.dispose();
});

test('audit 6: the (S+1)-th token is an error that names maxSeqLen', () => {
  const cache = new KVCache({ maxSeqLen: 5, numLayers: 1, numHeads: 1, headDim: 4 });
  for (let i = 0; i < 5; i++) append(cache, () => floats(4, i));
  throwsCode(() => cache.update(0, floats(4, 9), floats(4, 9)), 'cache_full', /maxSeqLen = 5/);
  throwsCode(() => cache.advance(), 'cache_full', /maxSeqLen = 5/);
  assert.equal(cache.position, 5);
  sameBits(cache.get(0).key, [0, 1, 2, 3, 4].flatMap((i) => [...floats(4, i)]));
  cache.dispose();
});

test('audit 7: reset clears contents, not just the counter', async () => {
  // Underneath KVCache, where a slot can be read that nothing was written to.
  const shape = { batchSize: 1, maxSeqLen: 16, numLayers: 2, numHeads: 1, headDim: 4, keyType: 'f32',
    valueType: 'f32' };
  const engine = await Engine.create();
  const cache = NativeCache.create(engine, shape);
  const advance = () => engine.check({}, 'kvc_cache_advance', cache.pointer, 0, 16);
  const read = (layer) => {
    const { keys, values } = snapshot(cache, 0, { layer, head: 0 });
    return Float32Array.from([...keys, ...values]);
  };
  const written = floats(128, 1);
  cache.lendInput(64, (input) => {
    for (const layer of [0, 1]) {
      cache.append(0, layer, 16, written.subarray(0, 64), written.subarray(64), input);
    }
  });
  advance();
  for (const layer of [0, 1]) sameBits(read(layer), written);
  cache.reset();
  assert.equal(cache.length(0), 0);
  advance();
  for (const layer of [0, 1]) sameBits(read(layer), new Float32Array(128));
});

test('audit 8: enabling on a real model sets and matches its configuration', () => {
  const gpt = new GPT(SIZES);
  const cache = enableKVCache(gpt);
  assert.equal(gpt.kvCache, cache);
  assert.deepEqual([cache.batchSize, cache.maxSeqLen, cache.numLayers, cache.numHeads, cache.headDim],
    [1, 96, 3, 4, 8]);
  const { totalElements } = cache.memoryUsage();
  assert.equal(totalElements, 2 * SIZES.numLayers * SIZES.maxSeqLen * SIZES.embedDim);
  assert.equal(disableKVCache(gpt), true);
  assert.equal('kvCache' in gpt, false);
});

test('audit 9: shapes fit attention: (B,H,1,D) x (B,H,D,S) -> (B,H,1,S)', () => {
  const [B, H, S, D] = [2, 3, 19, 8];
  const cache = new KVCache({ batchSize: B, maxSeqLen: 32, numLayers: 1, numHeads: H, headDim: D });
  append(cache, () => floats(B * H * (S - 1) * D, 1), () => floats(B * H * (S - 1) * D, 2));
  const query = floats(B * H * D, 3);
  cache.update(0, floats(B * H * D, 4), floats(B * H * D, 5));
  const y = cache.attend(0, query);
  assert.equal(y.length, B * H * D); // (B, H, 1, D)
  cache.advance();
  const { key, value, shape } = cache.get(0);
  assert.deepEqual(shape, [B, H, S, D]);
  assert.equal(key.length, B * H * S * D);
  for (let b = 0; b < B; b++) {
    const [from, to] = [b * H * S * D, (b + 1) * H * S * D];
    const want = naiveAttention(query.subarray(b * H * D, (b + 1) * H * D), key.subarray(from, to),
      value.subarray(from, to), { heads: H, kvHeads: H, D });
    for (let i = 0; i < H * D; i++) assert.ok(Math.abs(y[b * H * D + i] - want[i]) < 1e-6);
  }
  cache.dispose();
});
