// KVCache from the first byte to the last: events, save and restore, leaks, dispose, memory that runs out.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CachedAttention, KVCache, init } from 'kvcache-wasm';
import { append, floats, sameBits } from './blocks.js';
import { collectGarbage, seeded, throwsCode } from './helpers.js';

const SIZES = { maxSeqLen: 70, numLayers: 2, numHeads: 2, headDim: 8 };

const memories = []; // of the instances made here: a look at them that only a test needs
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...args) => {
  const instance = await instantiate(...args);
  memories.push(instance.exports.memory);
  return instance;
};
await init({ wasm: new WebAssembly.Module(await readFile(new URL('../../web/engine/kvc.wasm',
  import.meta.url))) });
const memoryBytes = () => memories.at(-1).buffer.byteLength;

// ---- events ---------------------------------------------------------------------------------------

/** What the events say that the cache holds: as cacheMap() gives it. */
class Replay {
  constructor(rows) {
    this.rows = rows.map(({ length, pages }) => ({ length, freed: 0, pages: [...pages] }));
    this.next = []; // copies that are made all at once
  }

  take(event) {
    const { type, sequence, layer, first, count, page, from, more } = event;
    const row = this.rows[sequence];
    if (type === 'write') {
      row.pages[first >> 4] = page;
      if (layer === null) row.length = Math.max(row.length, first + count);
    } else if (type === 'evict') {
      row.length -= count;
      if (first % 16 === 0 && count % 16 === 0) row.pages.splice(first / 16, count / 16);
      row.pages.length = Math.ceil(row.length / 16);
    } else if (type === 'share') {
      this.next.push([sequence,
        { length: count, freed: 0, pages: this.rows[from].pages.slice(0, Math.ceil(count / 16)) }]);
      if (more === 0) for (const [to, copy] of this.next.splice(0)) this.rows[to] = copy;
    } else {
      assert.equal(type, 'read');
    }
  }
}

test('events: replayed, they rebuild the map of the cache after every operation', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const cache = new KVCache({ ...SIZES, batchSize: 4, whenFull: random.pick(['error', 'slide']),
      sinks: random.pick([0, 3, 16]) });
    append(cache, () => floats(4 * 16 * 5, seed));
    const replay = new Replay(cache.cacheMap());
    const types = new Set();
    cache.onEvent = (event) => {
      types.add(event.type);
      replay.take(event);
    };
    const room = (row) => 70 - cache.positions[row];
    for (let step = 0; step < 60; step++) {
      const row = random.below(4);
      const length = cache.positions[row];
      random.pick([
        () => {
          const n = 1 + random.below(cache.whenFull === 'slide' ? 20 : Math.max(1, Math.min(20, room(row))));
          if (cache.whenFull === 'slide' || n <= room(row)) {
            append(cache, () => floats(16 * n, step), undefined, { row });
          }
        },
        () => {
          if (room(row) < 1) return;
          cache.update(1, floats(16, step), floats(16, step), { row });
          cache.attend(1, floats(16, step), { row });
          cache.advance(1, { row });
        },
        () => cache.truncate(random.below(length + 1), { row }),
        () => {
          const first = random.below(length + 1);
          cache.evict(first, random.below(length - first + 1), { row });
        },
        () => cache.evict(0, length - length % 16, { row }),
        () => cache.fork(row, random.below(4)),
        () => cache.reorder([0, 1, 2, 3].map(() => random.below(4))),
        () => cache.drop(row),
        () => random() < 0.2 && cache.keep(row),
        () => random() < 0.2 && cache.reset(),
      ])();
      assert.deepEqual(replay.rows, cache.cacheMap(), `seed ${seed}, step ${step}`);
    }
    cache.onEvent = null;
    append(cache, () => floats(16, 1), undefined,
      { row: cache.positions.indexOf(Math.min(...cache.positions)) });
    if (seed === 1) assert.deepEqual(types, new Set(['write', 'read', 'evict', 'share']));
    cache.dispose();
  }
});

test('events: told once the call is done, with what they say; a listener that throws spoils nothing', () => {
  const cache = new KVCache(SIZES);
  assert.equal(cache.onEvent, null);
  append(cache, () => floats(16 * 14, 1));
  const events = [];
  cache.onEvent = (event) => events.push({ ...event, position: cache.position });
  const [{ pages: [page] }] = cache.cacheMap();
  cache.update(1, floats(48, 2), floats(48, 2));
  const [second] = cache.cacheMap().map(({ pages }) => pages.length);
  assert.equal(second, 1); // the history needs one page, what is behind it another
  assert.deepEqual(events.map(({ type, sequence, layer, first, count, position }) =>
    [type, sequence, layer, first, count, position]),
    [['write', 0, 1, 14, 2, 14], ['write', 0, 1, 16, 1, 14]]);
  assert.equal(events[0].page, page);
  cache.attend(1, floats(48, 2));
  assert.ok(events.slice(2)
    .every(({ type, layer, first, count }) => type === 'read' && layer === 1 && first === 0 && count <= 17));
  const failure = new Error('mine');
  cache.onEvent = () => { throw failure; };
  assert.throws(() => cache.advance(3), failure);
  assert.equal(cache.position, 17);
  cache.onEvent = null;
  append(cache, () => floats(16, 1));
  assert.equal(cache.position, 18);
  cache.dispose();
});

// ---- save and restore -----------------------------------------------------------------------------

test('after a listener that throws, what was written behind another history is dropped all the same', () => {
  const changes = [(cache) => cache.drop(0), (cache) => cache.fork(1, 0), (cache) => cache.reorder([1, 1]),
    (cache) => cache.keep(1), (cache) => cache.reset()];
  for (const change of changes) {
    const cache = new KVCache({ ...SIZES, batchSize: 2 });
    const key = new Float32Array(SIZES.numHeads * SIZES.headDim).fill(7);
    for (const row of [0, 1]) {
      cache.update(0, key, key, { row });
      cache.advance(1, { row });
    }
    cache.update(0, key, key, { row: 0 });
    cache.onEvent = () => { throw new Error('mine'); };
    assert.throws(() => change(cache), /mine/, String(change));
    cache.onEvent = null;
    cache.advance(1, { row: 0 }); // of a token that was not written any more: zeros
    assert.ok(cache.get(0, { row: 0 }).key.slice(-SIZES.headDim).every((x) => x === 0), String(change));
    cache.dispose();
  }
});

test('save and restore: the same to the bit, in every type, in a cache that is larger too', () => {
  for (const [keyType, valueType] of [['f32', 'f32'], ['f16', 'int8'], ['int8', 'f16']]) {
    const sizes = { ...SIZES, keyType, valueType };
    const cache = new KVCache({ ...sizes, batchSize: 2 });
    append(cache, (layer) => floats(16 * 33, layer), undefined, { row: 0 });
    cache.fork(0, 1);
    append(cache, (layer) => floats(16 * 3, layer + 5), undefined, { row: 1 });
    const state = cache.save({ fingerprint: 77n });
    for (const other of [{ batchSize: 2 }, { batchSize: 3, maxSeqLen: 100 }]) {
      const copy = new KVCache({ ...sizes, ...other });
      copy.update(0, floats(16 * other.batchSize, 1), floats(16 * other.batchSize, 1));
      copy.restore(state, { fingerprint: 77n });
      assert.deepEqual(copy.positions.slice(0, 2), [33, 36]);
      // what was behind the history is gone
      throwsCode(() => copy.attend(0, floats(16 * other.batchSize, 1)), 'not_ready');
      for (const layer of [0, 1]) {
        for (const row of [0, 1]) assert.deepEqual(copy.get(layer, { row }), cache.get(layer, { row }));
      }
      const next = (one) => {
        one.update(1, floats(16, 9), floats(16, 8), { row: 1 });
        return one.attend(1, floats(16, 7), { row: 1 });
      };
      sameBits(next(copy), next(cache));
      copy.dispose();
    }
    assert.deepEqual(cache.save({ fingerprint: 77n }), state);
    cache.dispose();
  }
});

test('restore refuses what is cut short, altered, foreign or too large; the cache is as it was', () => {
  const cache = new KVCache({ ...SIZES, batchSize: 2 });
  append(cache, (layer) => floats(32 * 17, layer));
  const state = cache.save();
  const target = new KVCache({ ...SIZES, batchSize: 2 });
  append(target, (layer) => floats(32 * 3, layer));
  const before = target.save();
  const refused = (bytes, code, options) => {
    const error = throwsCode(() => target.restore(bytes, options), code);
    assert.deepEqual(target.save(), before);
    return error;
  };
  for (let n = 0; n < state.length; n += 1 + Math.floor(n / 50)) {
    refused(state.subarray(0, n), 'state_invalid');
  }
  refused(Uint8Array.from([...state, 0]), 'state_invalid');
  const random = seeded(3);
  for (let i = 0; i < 300; i++) {
    const altered = state.slice();
    altered[i < 100 ? i : random.below(state.length)] ^= 1 << random.below(8);
    assert.match(refusedCode(target, altered), /^state_(invalid|foreign)$/);
    assert.deepEqual(target.save(), before);
  }
  refused(state, 'state_foreign', { fingerprint: 1n });
  for (const changes of [{ numLayers: 3 }, { numHeads: 3 }, { headDim: 4 }, { keyType: 'f16' },
    { valueType: 'int8' }]) {
    const foreign = new KVCache({ ...SIZES, ...changes });
    assert.match(refused(foreign.save(), 'state_foreign').message, /layers, heads, headDim, types/);
    foreign.dispose();
  }
  const seen = new KVCache({ ...SIZES, batchSize: 2, evict: 'attention' });
  assert.match(refused(seen.save(), 'state_foreign').message, /evict/);
  assert.match(throwsCode(() => seen.restore(state), 'state_foreign').message, /evict/);
  seen.dispose();
  for (const changes of [{ maxSeqLen: 16, batchSize: 2 }, { batchSize: 1 }]) {
    const small = new KVCache({ ...SIZES, ...changes });
    throwsCode(() => small.restore(state), 'cache_full', /does not fit/);
    assert.equal(small.position, 0);
    small.dispose();
  }
  for (const bad of [null, 'state', [...state], new Float32Array(4)]) {
    throwsCode(() => target.restore(bad), 'invalid_argument');
  }
  for (const fingerprint of [1, -1n, 2n ** 64n, null]) {
    throwsCode(() => target.save({ fingerprint }), 'invalid_argument');
    throwsCode(() => target.restore(state, { fingerprint }), 'invalid_argument');
  }
  target.restore(state);
  assert.deepEqual(target.save(), state);
  cache.dispose();
  target.dispose();
});

function refusedCode(cache, bytes) {
  try {
    cache.restore(bytes);
  } catch (error) {
    return error.code;
  }
  return 'taken';
}

// ---- lifetime -------------------------------------------------------------------------------------

test('10,000 caches made, used and disposed of leave the memory as it was', () => {
  const weights = { wq: floats(64, 1), wk: floats(64, 2), wv: floats(64, 3), wo: floats(64, 4) };
  const cycle = (i) => {
    const cache = new KVCache({ ...SIZES, maxSeqLen: 1 + i % 70, keyType: i % 2 ? 'f32' : 'int8' });
    cache.onEvent = () => {};
    append(cache, () => floats(16, i));
    cache.get(1);
    cache.restore(cache.save());
    cache.dispose();
    const attention = new CachedAttention({ embedDim: 8, numHeads: 2, maxSeqLen: 1 + i % 50 }, weights);
    attention.forward(floats(8, i));
    attention.dispose();
  };
  for (let i = 0; i < 200; i++) cycle(i);
  const before = memoryBytes();
  for (let i = 0; i < 10000; i++) cycle(i);
  assert.equal(memoryBytes(), before);
});

test('decoding takes no memory that it does not give back', () => {
  const cache = new KVCache({ ...SIZES, maxSeqLen: 2000 });
  append(cache, () => floats(16, 1));
  const before = memoryBytes();
  for (let i = 1; i < 2000; i++) append(cache, () => floats(16, i));
  assert.equal(memoryBytes(), before);
  cache.dispose();
});

test('memory that runs out is an error, and what is there goes on', () => {
  const cache = new KVCache(SIZES);
  const big = { maxSeqLen: 2 ** 16, numLayers: 8, numHeads: 8, headDim: 16 }; // 512 MiB
  const held = [];
  throwsCode(() => { for (;;) held.push(new KVCache(big)); }, 'out_of_memory', /Dispose of other/);
  assert.ok(held.length >= 1);
  append(cache, () => floats(16, 1));
  for (const one of held) one.dispose();
  new KVCache(big).dispose();
  cache.dispose();
});

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

test('caches that nobody holds any more are freed', async () => {
  // 256 MiB: not four of them at once
  const big = { maxSeqLen: 2 ** 15, numLayers: 8, numHeads: 8, headDim: 16 };
  for (let i = 0; i < 8; i++) {
    new KVCache(big);
    await pause(5);
    collectGarbage();
    await pause(20);
  }
});

test('an attention lives as long as somebody holds its cache', async () => {
  const square = floats(64, 1);
  const { cache } = new CachedAttention({ embedDim: 8, numHeads: 2, maxSeqLen: 64 },
    { wq: square, wk: square, wv: square, wo: square });
  append(cache, () => floats(8, 2));
  for (let i = 0; i < 3; i++) {
    await pause(5);
    collectGarbage();
  }
  await pause(20);
  const others = Array.from({ length: 20 }, () => new KVCache(SIZES)); // would lie where it was
  sameBits(cache.get(0).key, floats(8, 2));
  for (const other of others) other.dispose();
});

test('after dispose() every use is refused; dispose() may be called again', () => {
  const cache = new KVCache(SIZES);
  append(cache, () => floats(16, 1));
  cache.onEvent = () => {};
  const state = cache.save();
  cache.dispose();
  cache.dispose();
  cache[Symbol.dispose ?? Symbol.for('Symbol.dispose')]();
  for (const work of [() => cache.update(0, floats(16, 1), floats(16, 1)), () => cache.get(0),
    () => cache.advance(), () => cache.attend(0, floats(16, 1)),
    () => cache.position, () => cache.positions, () => cache.truncate(0), () => cache.reset(),
      () => cache.fork(0, 0), () => cache.drop(0),
    () => cache.keep(0), () => cache.reorder([0]), () => cache.evict(0, 1), () => cache.memoryUsage(),
      () => cache.snapshot({ layer: 0, head: 0 }),
    () => cache.cacheMap(), () => cache.save(), () => cache.restore(state),
      () => { cache.onEvent = () => {}; }]) throwsCode(work, 'disposed', /disposed/);
});

// ---- rows do not touch each other -----------------------------------------------------------------

test('a change of one row drops nothing that was written for another and not advanced over yet', () => {
  const sizes = { ...SIZES, batchSize: 2 };
  const key = (x) => new Float32Array(16).fill(x);
  for (const change of [(cache) => cache.drop(1), (cache) => cache.keep(0),
    (cache) => cache.truncate(0, { row: 1 }), (cache) => cache.evict(0, 1, { row: 1 })]) {
    const cache = new KVCache(sizes);
    for (const layer of [0, 1]) cache.update(layer, key(9), key(9), { row: 1 });
    cache.advance(1, { row: 1 });
    for (const layer of [0, 1]) cache.update(layer, key(5), key(6), { row: 0 });
    change(cache);
    cache.advance(1, { row: 0 });
    assert.deepEqual([...cache.get(1, { row: 0 }).key], [...key(5)]);
    cache.dispose();
  }
  const cache = new KVCache({ ...sizes, maxSeqLen: 4, whenFull: 'slide', sinks: 1 });
  // layer by layer, each row on its own: the second to slide leaves the first alone
  for (let t = 1; t <= 9; t++) {
    for (const layer of [0, 1]) {
      for (const row of [0, 1]) cache.update(layer, key(10 * t + layer), key(1), { row });
    }
    for (const row of [0, 1]) cache.advance(1, { row });
  }
  for (const row of [0, 1]) {
    for (const layer of [0, 1]) {
      const { keys } = cache.snapshot({ layer, head: 1, row });
      assert.deepEqual([0, 1, 2, 3].map((t) => keys[8 * t]), [10, 70, 80, 90].map((x) => x + layer));
    }
  }
  cache.dispose();
});

test('many rows have a position too, and a listener is a function', () => {
  const cache = new KVCache({ batchSize: 200_000, maxSeqLen: 1, numLayers: 1, numHeads: 1, headDim: 4 });
  assert.equal(cache.position, 0);
  cache.onEvent = () => {};
  throwsCode(() => { cache.onEvent = 5; }, 'invalid_argument', /function/);
  assert.equal(cache.onEvent, null);
  cache.dispose();
});
