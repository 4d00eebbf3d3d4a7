// What a cache will take before a token is computed, and how long a text a number of bytes is enough for: to
// the byte what is measured then, over random models, types, sequences, windows and sources.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { KVCache, analyzeMemory, init, loadModel, weighModel } from 'kvcache-wasm';
import { roomFor } from '../../web/worker/room.js';
import { rejectsCode, seeded, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const PAGE = 16;
const random = seeded(16);
const TYPES = ['f32', 'f16', 'int8'];
const SHAPES = [
  { n_layer: 3, n_head: 2, n_embd: 24, n_positions: 100 },
  { n_layer: 1, n_head: 3, n_embd: 12, n_positions: 250 },
];
const FIXTURES = ['mistral-bf16', 'gemma3-f32', 'gpt-neo-f32', 'qwen2-bf16', 't5-f32'];
const folderOf = (name) => new URL(`../fixtures/${name}/`, import.meta.url);
await init({ variant: 'simd' });
const models = await Promise.all([
  ...SHAPES.map((changes) => loadModel(tinyBlobs({ changes }), { variant: 'simd' })),
  ...FIXTURES.map((name) => loadModel(folderOf(name), { variant: 'simd', tokenizer: false })),
]);
after(() => models.forEach((model) => model.dispose()));

const between = (least, most) => least + random.below(most - least + 1);
const types = () => ({ keyType: random.pick(TYPES), valueType: random.pick(TYPES) });
const idsFor = ({ config }, n) => Array.from({ length: n }, () => random.below(config.vocabSize));
const taken = ({ cacheBytes, crossBytes = 0 }) => cacheBytes + crossBytes;

test('the bytes of any length before it is computed are those measured then', async () => {
  for (let i = 0; i < 60; i++) {
    const model = models[i % models.length];
    const { nPositions, encoder } = model.config;
    const capacity = random.below(3) === 0 ? 'grow' : between(1, Math.min(nPositions, 200));
    const most = capacity === 'grow' ? Math.min(nPositions, 200) : capacity;
    const sequences = between(1, 3);
    const sourceCapacity = encoder && between(1, 40);
    const session = model.createSession({ capacity, sequences, sourceCapacity, ...types() });
    const texts = between(0, sequences);
    const length = between(texts > 0 ? 1 : 0, most);
    const sourceLength = encoder && between(1, sourceCapacity);
    const before = session.memoryUsage();
    const foreseen = session.memoryUsage({ length, sequences: texts, sourceLength });
    assert.deepEqual(session.memoryUsage(), before, 'it has only looked');
    const ofCache = session.kvCache.memoryUsage({ length: Math.min(length, session.capacity), rows: texts });
    if (encoder) await session.setSource(idsFor(model, sourceLength));
    for (let each = 0; each < texts; each++) {
      session.select(each);
      session.append(idsFor(model, length));
    }
    if (texts === 0) assert.equal(foreseen.usedBytes, 0);
    else assert.deepEqual(foreseen, session.memoryUsage(), JSON.stringify([model.config, capacity, length]));
    if (session.capacity >= length && capacity !== 'grow') {
      assert.deepEqual(ofCache, session.kvCache.memoryUsage());
    }
    session.dispose();
  }
});

test('of a session that slides too, however long its text, and by whatever policy', () => {
  const model = models[SHAPES.length + FIXTURES.indexOf('qwen2-bf16')];
  for (const evict of ['oldest', 'attention', 'keynorm']) {
    const session = model.createSession({ whenFull: 'slide', capacity: 64, evict, ...types() });
    for (const length of [60, 64, 65, 81, 200]) {
      const foreseen = session.memoryUsage({ length });
      session.append(idsFor(model, length - session.position));
      assert.deepEqual(session.memoryUsage(), foreseen, `${evict} ${length}`);
      assert.ok(foreseen.usedBytes <= foreseen.cacheBytes);
    }
    session.dispose();
  }
});

test('a cache of its own says it, too', () => {
  for (let i = 0; i < 20; i++) {
    const [batchSize, maxSeqLen, numLayers, numHeads] = [between(1, 3), between(1, 70), between(1, 3),
      between(1, 3)];
    const cache = new KVCache({ batchSize, maxSeqLen, numLayers, numHeads, headDim: 8, ...types() });
    const [length, rows] = [between(1, maxSeqLen), between(1, batchSize)];
    const foreseen = cache.memoryUsage({ length, rows });
    for (let row = 0; row < rows; row++) {
      const one = new Float32Array(numHeads * length * 8).fill(row);
      for (let layer = 0; layer < numLayers; layer++) cache.update(layer, one, one, { row });
      cache.advance(length, { row });
    }
    assert.deepEqual(foreseen, cache.memoryUsage());
    throwsCode(() => cache.memoryUsage({ length: maxSeqLen + 1 }), 'invalid_argument',
      new RegExp(`length is ${maxSeqLen + 1}; there is room for 0 to ${maxSeqLen} tokens`));
    throwsCode(() => cache.memoryUsage({ length: 1, rows: batchSize + 1 }), 'invalid_argument', /rows is/);
    cache.dispose();
  }
});

test('a budget gives the longest text, in whole pages, that takes no more', () => {
  for (let i = 0; i < 60; i++) {
    const model = models[i % models.length];
    const { config: { nPositions, encoder } } = model;
    const options = { ...types(), sequences: between(1, 3) };
    const sourceCapacity = encoder && random.below(2) ? between(1, 40) : undefined;
    const largest = taken(model.createSession({ ...options, capacity: Math.min(nPositions, 300) })
      .memoryUsage());
    const cacheBytes = between(Math.ceil(largest / 4), largest);
    let session;
    try {
      session = model.createSession({ ...options, sourceCapacity, cacheBytes });
    } catch (error) {
      const [, least] = /least that works here is (\d+)/.exec(error.message);
      assert.equal(error.code, 'invalid_argument');
      assert.ok(Number(least) > cacheBytes);
      session = model.createSession({ ...options, sourceCapacity, cacheBytes: Number(least) });
      assert.equal(taken(session.memoryUsage()), Number(least));
      assert.equal(session.capacity, Math.min(PAGE, nPositions));
      throwsCode(() => model.createSession({ ...options, sourceCapacity, cacheBytes: least - 1 }),
        'invalid_argument', /least/);
    }
    const { capacity } = session;
    assert.ok(taken(session.memoryUsage()) <= cacheBytes || capacity <= PAGE);
    assert.ok(capacity % PAGE === 0 || capacity === nPositions);
    assert.equal(session.sourceCapacity, encoder ? sourceCapacity ?? capacity : 0);
    if (capacity < nPositions) {
      const longer = { ...options, capacity: Math.min(nPositions, capacity + PAGE) };
      const source = encoder && (sourceCapacity ?? longer.capacity);
      const next = model.createSession({ ...longer, sourceCapacity: source });
      const fitsForever = taken(next.memoryUsage()) === taken(session.memoryUsage());
      assert.ok(taken(next.memoryUsage()) > cacheBytes || fitsForever, 'a page more would not fit');
      next.dispose();
    }
    session.dispose();
  }
});

test('a budget, and a session that grows into it; or a cache of its own', () => {
  const [model] = models;
  const each = model.createSession({ capacity: 1 }).memoryUsage().bytesPerToken;
  const session = model.createSession({ capacity: 'grow', cacheBytes: 81 * each });
  assert.equal(session.capacity, 64);
  session.append(idsFor(model, 80));
  assert.deepEqual([session.capacity, session.memoryUsage().cacheBytes], [80, 80 * each]);
  throwsCode(() => session.append([1]), 'context_full');
  assert.equal(model.createSession({ capacity: 'grow', cacheBytes: 33 * each }).capacity, 32);
  throwsCode(() => model.createSession({ capacity: 20, cacheBytes: 1e6 }), 'invalid_argument', /give one/);
  for (const cacheBytes of ['1e6', NaN, -1, 0, null]) {
    throwsCode(() => model.createSession({ cacheBytes }), 'invalid_argument', /least that works here is \d+/);
  }
  assert.equal(model.createSession({ cacheBytes: Infinity }).capacity, 100);

  const shape = { batchSize: 2, numLayers: 3, numHeads: 2, headDim: 8, keyType: 'f16' };
  const token = 2 * 3 * 2 * (16 + 32);
  const cache = new KVCache({ ...shape, cacheBytes: 50 * token });
  assert.deepEqual([cache.maxSeqLen, cache.memoryUsage().totalBytes], [48, 48 * token]);
  throwsCode(() => new KVCache({ ...shape, cacheBytes: 15 * token }), 'invalid_argument',
    new RegExp(`least that works here is ${16 * token}`));
  throwsCode(() => new KVCache({ ...shape, maxSeqLen: 3, cacheBytes: 1e5 }), 'invalid_argument', /give one/);
  throwsCode(() => new KVCache(shape), 'invalid_argument', /maxSeqLen is undefined/);
  cache.dispose();
});

test('what is weighed, and the room in the worker, count windows as the engine does', async () => {
  for (const name of ['gemma3-f32', 'qwen2-bf16', 't5-f32']) {
    const model = models[SHAPES.length + FIXTURES.indexOf(name)];
    const { config } = model;
    const { tokenBytes, cacheBytes } = await weighModel(folderOf(name));
    for (const type of TYPES) {
      const session = model.createSession({ keyType: type, valueType: type });
      assert.equal(cacheBytes[type], taken(session.memoryUsage()), `${name} ${type}`);
      assert.equal(tokenBytes[type], session.memoryUsage().bytesPerToken);
      session.dispose();
    }
    const free = { totalBytes: 0, maxBytes: 6 * 0.7 * cacheBytes.f32 };
    const capacity = roomFor(config, free);
    const source = config.encoder && { sourceCapacity: capacity };
    const at = (tokens) => taken(model.createSession({ capacity: tokens, ...source }).memoryUsage());
    assert.ok(at(capacity) <= 0.7 * cacheBytes.f32, name);
    assert.ok(capacity % 64 === 0 || capacity === config.nPositions);
    assert.equal(roomFor(config, { totalBytes: 0, maxBytes: 0 }), Math.min(64, config.nPositions));
    assert.equal(roomFor(config, { totalBytes: 0, maxBytes: 1e9 }), config.nPositions);
    const [{ cacheBytes: held }] = analyzeMemory({ shapes: { name: config }, types: ['f32'] });
    const foreseen = model.createSession().memoryUsage({ length: config.nPositions });
    assert.equal(held, foreseen.usedBytes);
  }
  await rejectsCode(weighModel(tinyBlobs(), { cacheBytes: 1 }), 'invalid_argument');
});
