// KVCache from the first byte to the last: events, leaks, dispose, memory that runs out.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CachedAttention, KVCache, init } from 'kvcache-wasm';
import { append, floats, sameBits } from './blocks.js';
import { seeded, throwsCode } from './helpers.js';

const SIZES = { maxSeqLen: 70, numLayers: 2, numHeads: 2, headDim: 8 };

const memories = []; // of the instances made here: a look at them that only a test needs
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...args) => {
  const instance = await instantiate(...args);
  memories.push(instance.exports.memory);
  return instance;
};
await init({ wasm: new WebAssembly.Module(await readFile(new URL('../../web/kvc.wasm', import.meta.url))) });
const memoryBytes = () => memories.at(-1).buffer.byteLength;

// ---- events ---------------------------------------------------------------------------------------

/** What the events say that the cache holds: as cacheMap() gives it. */
class Replay {
  constructor(rows) {
    this.rows = rows.map(({ length, pages }) => ({ length, pages: [...pages] }));
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
      this.next.push([sequence, { length: count, pages: this.rows[from].pages.slice(0, Math.ceil(count / 16)) }]);
      if (more === 0) for (const [to, copy] of this.next.splice(0)) this.rows[to] = copy;
    } else {
      assert.equal(type, 'read');
    }
  }
}

test('events: replayed, they rebuild the map of the cache after every operation', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const cache = new KVCache({ ...SIZES, batchSize: 4, whenFull: random.pick(['error', 'slide']), sinks: random.pick([0, 3, 16]) });
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
          if (cache.whenFull === 'slide' || n <= room(row)) append(cache, () => floats(16 * n, step), undefined, { row });
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
    append(cache, () => floats(16, 1), undefined, { row: cache.positions.indexOf(Math.min(...cache.positions)) });
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
  assert.deepEqual(events.map(({ type, sequence, layer, first, count, position }) => [type, sequence, layer, first, count, position]),
    [['write', 0, 1, 14, 2, 14], ['write', 0, 1, 16, 1, 14]]);
  assert.equal(events[0].page, page);
  cache.attend(1, floats(48, 2));
  assert.ok(events.slice(2).every(({ type, layer, first, count }) => type === 'read' && layer === 1 && first === 0 && count <= 17));
  const failure = new Error('mine');
  cache.onEvent = () => { throw failure; };
  assert.throws(() => cache.advance(3), failure);
  assert.equal(cache.position, 17);
  cache.onEvent = null;
  append(cache, () => floats(16, 1));
  assert.equal(cache.position, 18);
  cache.dispose();
});

// ---- lifetime -------------------------------------------------------------------------------------

test('10,000 caches made, used and disposed of leave the memory as it was', () => {
  const weights = { wq: floats(64, 1), wk: floats(64, 2), wv: floats(64, 3), wo: floats(64, 4) };
  const cycle = (i) => {
    const cache = new KVCache({ ...SIZES, maxSeqLen: 1 + i % 70, keyType: i % 2 ? 'f32' : 'int8' });
    cache.onEvent = () => {};
    append(cache, () => floats(16, i));
    cache.get(1);
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

test('caches that nobody holds any more are freed', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const big = { maxSeqLen: 2 ** 15, numLayers: 8, numHeads: 8, headDim: 16 }; // 256 MiB: not four of them at once
  for (let i = 0; i < 8; i++) {
    new KVCache(big);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    gc();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
});

test('after dispose() every use is refused; dispose() may be called again', () => {
  const cache = new KVCache(SIZES);
  append(cache, () => floats(16, 1));
  cache.onEvent = () => {};
  cache.dispose();
  cache.dispose();
  cache[Symbol.dispose ?? Symbol.for('Symbol.dispose')]();
  for (const work of [() => cache.update(0, floats(16, 1), floats(16, 1)), () => cache.get(0), () => cache.advance(), () => cache.attend(0, floats(16, 1)),
    () => cache.position, () => cache.positions, () => cache.truncate(0), () => cache.reset(), () => cache.fork(0, 0), () => cache.drop(0),
    () => cache.keep(0), () => cache.reorder([0]), () => cache.evict(0, 1), () => cache.memoryUsage(), () => cache.snapshot({ layer: 0, head: 0 }),
    () => cache.cacheMap(), () => { cache.onEvent = () => {}; }]) throwsCode(work, 'disposed', /disposed/);
});
