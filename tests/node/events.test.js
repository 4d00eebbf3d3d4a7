// Cache events are collected after every call into C, and told when the outermost operation has ended.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { KVCache, init } from 'kvcache-wasm';
import { NativeCache } from '../../web/cache/native-cache.js';
import { Engine } from '../../web/engine/engine.js';
import { append, floats } from './blocks.js';
import { throwsCode } from './helpers.js';

const SHAPE = { batchSize: 2, maxSeqLen: 40, numLayers: 1, numHeads: 1, headDim: 4, keyType: 'f32',
  valueType: 'f32' };
const engine = await Engine.create();
await init();

/** A cache with one token in row 0, and what it tells from then on. */
function watched() {
  const cache = NativeCache.create(engine, SHAPE);
  cache.lendInput(4, (input) => cache.append(0, 0, 1, floats(4, 1), floats(4, 2), input));
  cache.advance(0, 1);
  const told = [];
  cache.calls.listener = ({ type }) => told.push(type);
  return { cache, told };
}

test('without an operation the events of each call are told right after it: nothing can be forgotten', () => {
  const { cache, told } = watched();
  cache.calls.check({}, 'kvc_cache_fork', cache.pointer, 0, 1);
  assert.deepEqual(told, ['share']);
  cache.calls.call('kvc_cache_reset', cache.pointer);
  assert.deepEqual(told, ['share', 'evict', 'evict']);
  cache.dispose();
});

test('an operation is told as one, at its end, however deep the calls are, and if it fails', () => {
  const { cache, told } = watched();
  cache.calls.operation(() => {
    cache.change([1], 'kvc_cache_fork', 0, 1);
    cache.calls.operation(() => cache.change([1], 'kvc_cache_truncate', 1, 0));
    assert.deepEqual(told, []);
  });
  assert.deepEqual(told.splice(0), ['share', 'evict']);
  throwsCode(() => cache.calls.operation(() => {
    cache.change([1], 'kvc_cache_fork', 0, 1);
    cache.change([1], 'kvc_cache_truncate', 1, 9);
  }), 'position_out_of_range');
  assert.deepEqual(told, ['share']);
  cache.dispose();
});

test('while an operation is held, as over a pause, nothing is told', async () => {
  const { cache, told } = watched();
  cache.calls.hold();
  cache.change([1], 'kvc_cache_fork', 0, 1);
  await null;
  cache.change([0], 'kvc_cache_truncate', 0, 0);
  assert.deepEqual(told, []);
  cache.calls.release();
  assert.deepEqual(told, ['share', 'evict']);
  cache.dispose();
});

test('a listener may use the cache: what that does is told in its turn', () => {
  const cache = new KVCache(SHAPE);
  append(cache, () => floats(8, 1));
  const told = [];
  cache.onEvent = ({ type, sequence }) => {
    told.push(`${type} ${sequence}`);
    if (told.length > 1) return;
    cache.drop(1);
    assert.equal(told.length, 1, 'never called within itself');
  };
  cache.reorder([1, 0]);
  assert.deepEqual(told, ['share 0', 'share 1', 'evict 1']);
  cache.dispose();
});

test('a listener that throws: the work is done, and it hears next that it has missed something', () => {
  const cache = new KVCache(SHAPE);
  append(cache, () => floats(8, 1));
  const failure = new Error('mine');
  const told = [];
  let throws = true;
  cache.onEvent = ({ type }) => {
    if (throws) throw failure;
    told.push(type);
  };
  assert.throws(() => cache.reset(), failure);
  assert.deepEqual(cache.positions, [0, 0]);
  throws = false;
  cache.update(0, floats(4, 1), floats(4, 1), { row: 0 });
  assert.deepEqual(told, ['restore', 'write']);
  cache.dispose();
});

test('more events in one call than there is room for: the listener hears that some were lost', () => {
  const sizes = { batchSize: 5000, maxSeqLen: 1, numLayers: 1, numHeads: 1, headDim: 4 };
  const cache = new KVCache(sizes);
  append(cache, () => floats(20_000, 1));
  const told = [];
  cache.onEvent = ({ type }) => told.push(type);
  cache.reset();
  assert.equal(told.length, 4097);
  assert.equal(told.at(-1), 'restore');
  cache.dispose();
});

test('only WatchedCalls takes events out of wasm memory', async () => {
  const web = new URL('../../web/', import.meta.url);
  const files = (await readdir(web, { recursive: true })).filter((file) => /^\w+\/[\w-]+\.js$/.test(file));
  const texts = await Promise.all(files
    .map(async (file) => [file, await readFile(new URL(file, web), 'utf8')]));
  const takers = texts
    .filter(([, text]) => /call\('kvc_cache_(take_events|listen)'/.test(text)).map(([file]) => file);
  assert.deepEqual(takers, ['cache/events.js']);
});
