// Memories of up to 4 GB: addresses above 2 GB, which WebAssembly hands out as negative numbers, sizes at the
// end of 32 bits, and what is said where there is no room.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { test } from 'node:test';
import '../relaxed.js';
import { KVCache, init, loadModel, weighModel } from 'kvcache-wasm';
import { Engine } from '../../web/engine/engine.js';
import { MODULES } from '../../web/engine/variants.js';
import { BALLAST, above, parseGolden, recompute } from './golden.js';
import { rejectsCode, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const GB = 2 ** 30;
const skip = freemem() < 6 * GB && 'less than 6 GB of memory are free';
const blocks = parseGolden(await readFile(new URL('../fixtures/golden.txt', import.meta.url), 'utf8'));

test('blocks above 2 GB and of more than 2 GB: every byte is where it was put, and they are given back',
  { skip }, async () => {
    const engine = await Engine.create({ maxMemory: 2 ** 32 });
    const large = engine.allocate(2.5 * GB);
    const ends = [0, 2 ** 31 - large, 2.5 * GB - 16].map((at) => large + at);
    const small = engine.allocate(64);
    assert.ok(small > 2 ** 31);
    for (const [i, at] of [...ends, small].entries()) engine.memory.putWords(at, [i + 1, 0xffffffff]);
    assert.deepEqual([...ends, small].map((at) => engine.memory.word(at)), [1, 2, 3, 4]);
    assert.deepEqual([...engine.memory.words(small, 2)], [4, 0xffffffff]);
    const config = {
      capacity: 5, n_sequence: 2 ** 32 - 1, key_type: 3, value_type: 4, source_capacity: 2 ** 31,
      when_full: 2, sinks: 2 ** 31 + 1, text_capacity: 2 ** 32 - 2, policy: 1, recent: 2 ** 31 + 2 };
    engine.memory.write('kvc_session_config', small, config);
    assert.deepEqual(engine.memory.read('kvc_session_config', small), config);
    engine.memory.put(small, new TextEncoder().encode('two\0'));
    assert.equal(engine.memory.text(small), 'two');
    const { memoryBytes } = engine;
    engine.free(large);
    assert.equal(engine.allocate(2.5 * GB), large);
    assert.equal(engine.memoryBytes, memoryBytes);
    engine.dispose();
  });

for (const variant of /** @type {const} */ (['relaxed', 'simd', 'scalar'])) {
  test(`${variant}: a model above 2 GB has the bits of C`, { skip }, () => above(Engine, async () => {
    const some = blocks.filter((_, i) => i % (variant === 'simd' ? 2 : 4) === 1);
    for (const block of some) {
      assert.deepEqual(await recompute(block, loadModel, { variant, useCache: true }), block);
    }
  }));
}

test('a state, events, looks inside and a lone cache, above 2 GB', { skip }, () => above(Engine, async () => {
  const model = await loadModel(tinyBlobs());
  const session = model.createSession();
  const events = [];
  session.onEvent = (event) => events.push(event.type);
  session.prefill([1, 2, 3]);
  const copy = model.createSession();
  copy.restore(session.save());
  assert.equal(copy.logitsHash, session.logitsHash);
  assert.ok(events.includes('write'));
  assert.equal(session.attentionWeights(0, 0).length, 3);
  assert.deepEqual([...session.tokens], [1, 2, 3]);
  assert.ok(model.memoryUsage().totalBytes > BALLAST);
  model.dispose();
  const cache = await init({ maxMemory: 2 ** 32 }).then(() => new KVCache(
    { batchSize: 1, maxSeqLen: 8, numLayers: 1, numHeads: 1, headDim: 4 }));
  cache.update(0, Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8));
  cache.advance();
  assert.deepEqual([...cache.get(0).key, ...cache.get(0).value], [1, 2, 3, 4, 5, 6, 7, 8]);
  cache.dispose();
  const keys = { batchSize: 1, maxSeqLen: 2 ** 20, numLayers: 1, numHeads: 8, headDim: 72 };
  throwsCode(() => new KVCache({ ...keys, valueType: 'int8' }), 'out_of_memory'); // 2.4 GB of keys
}));

test('sizes at the end of 32 bits are refused, and the engine goes on', async () => {
  for (const variant of /** @type {const} */ (['relaxed', 'simd', 'scalar'])) {
    const engine = await Engine.create({ variant, maxMemory: 2 ** 32 });
    for (let bytes = 2 ** 32 + 2; bytes > 0xfffdffff; bytes -= bytes > 0xffffff00 ? 1 : 4093) {
      throwsCode(() => engine.allocate(bytes), 'out_of_memory', /no room for \d+ more bytes/);
    }
    for (const bytes of [2 ** 33, 2 ** 53]) throwsCode(() => engine.allocate(bytes), 'out_of_memory');
    assert.ok(engine.allocate(2 ** 20) > 0);
    assert.ok(engine.memoryBytes < 3 * 2 ** 20, 'nothing of that has grown the memory');
    engine.dispose();
  }
});

test('maxMemory: a number of bytes up to 4 GB, within which everything has to be', async () => {
  for (const maxMemory of [0, -1, 2 ** 20 - 1, 2 ** 32 + 1, 1.5e6 + 0.5, NaN, Infinity, '4GB', 4n, null]) {
    await rejectsCode(loadModel(tinyBlobs(), { maxMemory }), 'invalid_argument', /maxMemory is .* 2 \*\* 32/);
    await rejectsCode(init({ maxMemory }), 'invalid_argument', /maxMemory/);
    await rejectsCode(weighModel(tinyBlobs(), { maxMemory }), 'invalid_argument', /maxMemory/);
  }
  const weighed = async (maxMemory) => (await weighModel(tinyBlobs(), { maxMemory })).memoryBytes;
  assert.deepEqual(await Promise.all([undefined, 3e6, 2 ** 32].map(weighed)),
    [GB, 45 * 2 ** 16, 2 ** 32 - 2 ** 16]);
  const model = await loadModel(tinyBlobs(), { maxMemory: 2 ** 21 });
  assert.equal(model.memoryUsage().maxBytes, 2 ** 21);
  const sessions = [];
  throwsCode(() => { for (;;) sessions.push(model.createSession()); }, 'out_of_memory', /Dispose of other/);
  assert.ok(sessions.length > 1 && model.memoryUsage().totalBytes <= 2 ** 21);
  sessions[0].prefill([1]);
  model.dispose();
});

test('a device that makes no memory at all says so', async () => {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class { constructor() { throw new RangeError('could not allocate memory'); } };
  try {
    await rejectsCode(Engine.create(), 'out_of_memory', /could not allocate memory\).* close other tabs/);
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test('every module takes a memory of 4 GB less a page, and none of its own', async () => {
  const maximum = 2 ** 16 - 1;
  for (const file of [...Object.values(MODULES), 'kvc-lab.wasm']) {
    const bytes = await readFile(new URL(`../../web/engine/${file}`, import.meta.url));
    const memory = new WebAssembly.Memory({ initial: 16, maximum });
    const imports = { env: { memory, emscripten_notify_memory_growth() {} } };
    const { instance } = await WebAssembly.instantiate(bytes, imports);
    assert.equal(instance.exports.memory, memory);
  }
});
