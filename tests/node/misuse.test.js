// Every function and method that users can call, with every kind of wrong value in every place: it works, or
// it throws a KvcError that leaves the object as it was. Nothing else is ever thrown, nothing hangs, and the
// object works on.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { after, before, test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import * as kvc from 'kvcache-wasm';
import { KvcError } from '../../web/engine/errors.js';
import { GPT } from '../../web/blocks/example-gpt.js';
import { serve } from './helpers.js';
import { tinyBlobs, tinyFiles } from './tiny-model.js';

const detached = () => {
  const array = new Uint8Array(8);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};

/** New ones each time: what is called may change them. */
const hostile = () => [
  undefined, null, true, false, NaN, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, Infinity, -Infinity, 5n,
  -(2n ** 70n), '', '7', 'abc', 'https://', '\ud800', 'x'.repeat(5000), Symbol('s'), () => {}, {}, [],
  [[]], [null], [NaN], [5n], [Symbol('s')], ['a'], [2 ** 32], [-1], new Array(3), new Float32Array(3),
  new Float32Array([NaN]), new Uint8Array(3), new Uint8Array(0), detached(), new BigUint64Array(2),
  new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), Object.create(null), { length: 1e9 },
  { length: 2 ** 31 - 1 }, { length: -1 }, { length: 3n }, { length: '2', 0: 1, 1: 1 }, { length: 2 },
  new Date(NaN), /x/g, new Map([[1, 2]]), new Set([1]), new WeakMap(), Promise.resolve(1), new Error('x'),
  Object.freeze([1]), new AbortController(), new Proxy({}, {}), globalThis.process, Math,
  new URL('data:,'), Object(Symbol('s')), Object(5n), { then: 5 }, { aborted: false },
  { __proto__: { max: 1 } },
];

const isPlain = (value) => typeof value === 'object' && value !== null
  && Object.getPrototypeOf(value) === Object.prototype;

/** The arguments with one wrong value each: in the place of one, of one of its options or entries. */
function* wrongArguments(args) {
  yield [];
  for (let i = 0; i < args.length; i++) {
    const put = (value) => args.map((arg, j) => (i === j ? value : arg));
    for (const value of hostile()) yield put(value);
    if (isPlain(args[i])) {
      for (const name of [...Object.keys(args[i]), 'unknown', '__proto__x', '']) {
        for (const value of hostile()) yield put({ ...args[i], [name]: value });
      }
    }
    if (Array.isArray(args[i])) for (const value of hostile()) yield put([value, ...args[i].slice(1)]);
  }
}

/**
 * The KvcError that came of it, or undefined. Runs are iterated to their end.
 * @param {() => unknown} work  @param {() => string} what  was done, said only of what must not happen
 */
async function outcome(work, what) {
  try {
    const result = await work();
    if (typeof result?.[Symbol.asyncIterator] === 'function') for await (const _ of result);
    else if (typeof result?.dispose === 'function') result.dispose();
    return undefined;
  } catch (error) {
    if (error instanceof KvcError) {
      if (!/[.!?"]$|: .+$/s.test(error.message)) assert.fail(`${what()}: no sentence: ${error.message}`);
      return error;
    }
    throw new Error(`${what()}: ${error?.stack ?? String(error)}`, { cause: error });
  }
}

const shown = (args) => inspect(args, { depth: 2, maxArrayLength: 4, maxStringLength: 40 });

/**
 * Calls each method of an object with wrong arguments.
 * @param {object} object
 * @param {Record<string, unknown[]>} calls  right arguments by method
 * @param {() => unknown} state  equal after an error
 * @param {() => void} check  that it works on
 */
async function misuse(object, calls, state, check) {
  let refused = 0;
  for (const [name, args] of Object.entries(calls)) {
    for (const wrong of wrongArguments(args)) {
      const what = () => `${name}(${shown(wrong)})`;
      const before = state();
      const error = await outcome(() => object[name](...wrong), what);
      if (!error) continue;
      refused++;
      const after = state();
      if (!isDeepStrictEqual(after, before)) {
        assert.deepEqual(after, before, `${what()} changed something: ${error.message}`);
      }
    }
    check(name);
  }
  return refused;
}

/** Sets each property to wrong values. */
async function missetAll(object, names, check) {
  for (const name of names) {
    for (const value of hostile()) {
      await outcome(() => { object[name] = value; }, () => `${name} = ${shown([value])}`);
      if (name === 'onEvent') object.onEvent = null;
    }
    check(name);
  }
}

/** All that a class offers: functions, and what can be set. */
function offered(...classes) {
  const [methods, setters] = [new Set(), new Set()];
  for (const Class of classes) {
    for (let from = Class.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
      for (const [name, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
        if (name === 'constructor') continue;
        if (typeof value === 'function') methods.add(name);
        if (set) setters.add(name);
      }
    }
  }
  return { methods: [...methods].sort(), setters: [...setters].sort() };
}

const unhandled = [];
const listen = (reason) => unhandled.push(reason);
const warn = console.warn;
let model;
let server;
before(async () => {
  process.on('unhandledRejection', listen);
  console.warn = () => {}; // disableKVCache() warns where there is no cache
  await kvc.init();
  model = await kvc.loadModel(tinyBlobs({ changes: { vocab_size: 257 } }));
  server = await serve(tinyFiles());
});
after(async () => {
  console.warn = warn;
  model.dispose();
  await server.close();
  process.off('unhandledRejection', listen);
  assert.deepEqual(unhandled, []);
});

test('a session', async () => {
  const session = model.createSession({ sequences: 2 });
  const start = () => {
    session.reset();
    session.select(0);
    session.useCache = true;
    session.onEvent = null;
    session.sync([72, 73, 74, 75]);
  };
  start();
  const hash = session.logitsHash;
  const state = session.save();
  const options = { maxTokens: 2, temperature: 1, topK: 3, topP: 0.9, minP: 0.1, repetitionPenalty: 1.1,
    seed: 1, n: 2, useCache: true, signal: new AbortController().signal, stop: ['q'], stopTokens: [3],
    minTokens: 1, noRepeatNgramSize: 2, frequencyPenalty: 0.1, presencePenalty: 0.1, logitBias: { 4: 1 },
    onLogits() {}, logprobs: 2 };
  const calls = {
    truncate: [2], evict: [0, 1], append: [[1, 2]], prefill: [[1, 2]], decode: [1], sync: [[72, 73, 1]],
    decodeBatch: [[0, 1], [1, 2]], score: [[1, 2, 3]], generate: ['Hi', options], select: [1], fork: [0, 1],
    reorder: [[1, 0]], drop: [1], keep: [0], top: [3], attentionWeights: [0, 1], attentionQuery: [0, 1],
    snapshot: [{ layer: 0, head: 0, first: 0, count: 1, sequence: 0 }], restore: [state],
    reset: [], cacheMap: [], memoryUsage: [], clearCounts: [], save: [], stop: [],
    setSource: ['Hi', { signal: options.signal }], crossAttentionWeights: [0, 1],
  };
  const look = () => [session.tokens, session.selected, session.position && session.cachedTokens];
  const check = (name) => {
    start();
    assert.equal(session.logitsHash, hash, `after ${name}()`);
  };
  assert.ok(await misuse(session, calls, look, check) > 1000);
  const beams = { maxTokens: 3, numBeams: 2, lengthPenalty: 1, earlyStopping: false, repetitionPenalty: 1.2 };
  await misuse(session, { generate: [[72, 73], beams] }, look, check);
  await missetAll(session, ['useCache', 'useCrossCache', 'onEvent'], check);
  const { methods, setters } = offered(session.constructor);
  assert.deepEqual(methods, [...Object.keys(calls), 'dispose'].sort());
  assert.deepEqual(setters, ['onEvent', 'useCache', 'useCrossCache']);
  const { kvCache } = session;
  const views = { get: [0, { row: 0 }], snapshot: [{ layer: 0, head: 0, first: 0, count: 1, row: 0 }],
    truncate: [2], reset: [], cacheMap: [], memoryUsage: [] };
  await misuse(kvCache, views, look, check);
  assert.deepEqual(offered(kvCache.constructor).methods, Object.keys(views).sort());
  await missetAll(kvCache, ['onEvent'], check);
});

test('a session with a source', async () => {
  const own = await kvc.loadModel(new URL('../fixtures/t5-gated-bf16/', import.meta.url));
  const session = own.createSession({ capacity: 12, sourceCapacity: 9 });
  await session.setSource([7, 8, 9, 1]);
  session.prefill([0, 30, 31]);
  const hash = session.logitsHash;
  session.truncate(2);
  const state = session.save();
  const look = () => [session.source, session.tokens, session.position];
  const check = (name) => {
    session.restore(state);
    [session.useCache, session.useCrossCache] = [true, true];
    session.append([31]);
    assert.equal(session.logitsHash, hash, `after ${name}()`);
  };
  const { signal } = new AbortController();
  const options = { maxTokens: 2, useCache: true, useCrossCache: false, target: [0, 30], signal };
  const calls = {
    setSource: ['the king', { signal }], generate: ['the king', options], crossAttentionWeights: [1, 1],
    prefill: [[1, 2]], score: [[0, 2, 3]], sync: [[0, 30, 2]], restore: [state],
  };
  assert.ok(await misuse(session, calls, look, check) > 300);
  await missetAll(session, ['useCrossCache'], check);
  const { crossCache } = session;
  const views = { get: [0, { row: 0 }], snapshot: [{ layer: 0, head: 0, first: 0, count: 1, row: 0 }],
    cacheMap: [], memoryUsage: [] };
  await misuse(crossCache, views, look, check);
  assert.deepEqual(offered(crossCache.constructor).methods, Object.keys(views).sort());
  const sizes = { capacity: 5, sourceCapacity: 5, useCrossCache: true };
  await misuse(own, { createSession: [sizes] }, look, check);
  own.dispose();
});

test('a model, its tokenizer and texts', async () => {
  const ids = model.encode('Hi');
  const check = () => assert.deepEqual(model.encode('Hi'), ids);
  const nothing = () => 0;
  const chat = { addGenerationPrompt: true, continueFinalMessage: false, template: '{{ messages }}',
    tools: [{}], documents: [{}], variables: { x: 1 } };
  const shown = { special: true, after: [1, 2] };
  const asked = { special: true, addSpecialTokens: false };
  const calls = {
    encode: ['Hi', asked], decode: [[1, 2], shown], textStream: [shown],
    createSession: [{ capacity: 20, useCache: true, keyType: 'f32', valueType: 'f16', sequences: 2,
      whenFull: 'stop' }],
    memoryUsage: [],
    applyChatTemplate: [[{ role: 'user', content: 'Hi' }], chat],
    renderChatTemplate: [[{ role: 'user', content: 'Hi' }], chat],
  };
  assert.ok(await misuse(model, calls, nothing, check) > 200);
  assert.deepEqual(offered(model.constructor).methods, [...Object.keys(calls), 'dispose'].sort());
  const tokenizer = { encode: ['Hi', asked], decode: [[1, 2], shown], stream: [shown], has: [1] };
  await misuse(model.tokenizer, tokenizer, nothing, check);
  assert.deepEqual(offered(model.tokenizer.constructor).methods, Object.keys(tokenizer).sort());
  await misuse(model.textStream(), { push: [1], flush: [] }, nothing, check);
});

test('a KVCache', async () => {
  const sizes = { batchSize: 2, maxSeqLen: 4, numLayers: 1, numHeads: 2, headDim: 4 };
  const [k, q] = [new Float32Array(8).fill(1), new Float32Array(16).fill(1)];
  const written = { update: [0, k, k, { row: 0 }], attend: [0, q, { row: 0, numHeads: 4, causal: true }],
    advance: [1, { row: 0 }] };
  for (const full of [{ whenFull: 'error' }, { whenFull: 'slide', evict: 'keynorm', recent: 1 }]) {
    const cache = new kvc.KVCache({ ...sizes, keyType: 'f16', ...full });
    const start = () => {
      cache.reset();
      cache.onEvent = null;
      cache.update(0, new Float32Array(32).fill(1), new Float32Array(32).fill(2));
      cache.advance(2);
      cache.update(0, k, k, { row: 0 });
    };
    start();
    const state = cache.save({ fingerprint: 1n });
    const calls = {
      ...written, get: [0, { row: 0 }], snapshot: [{ layer: 0, head: 0, first: 0, count: 1, row: 0 }],
      truncate: [1, { row: 0 }], evict: [0, 1, { row: 0 }], fork: [0, 1], reorder: [[1, 0]], drop: [1],
      keep: [0], save: [{ fingerprint: 1n }], restore: [state, { fingerprint: 1n }],
      reset: [], cacheMap: [], memoryUsage: [], importance: [{ row: 0 }],
    };
    const check = () => {
      start();
      assert.deepEqual(cache.save({ fingerprint: 1n }), state);
    };
    assert.ok(await misuse(cache, calls, () => cache.save(), check) > 500);
    await missetAll(cache, ['onEvent'], check);
    assert.deepEqual(offered(kvc.KVCache).methods, [...Object.keys(calls), 'dispose'].sort());
    cache.dispose();
  }
  const make = { KVCache: (...args) => new kvc.KVCache(...args) };
  const options = { ...sizes, keyType: 'f16', valueType: 'f32', whenFull: 'slide', sinks: 1 };
  assert.ok(await misuse(make, { KVCache: [options] }, () => 0, () => make.KVCache(options).dispose()) > 400);
});

test('a CachedAttention', async () => {
  const options = { embedDim: 8, numHeads: 2, numKVHeads: 1, headDim: 4, sourceDim: 4, maxSeqLen: 5,
    batchSize: 2, keyType: 'f32', valueType: 'f16' };
  const matrix = (rows, columns) => new Float32Array(rows * columns).fill(0.1);
  const weights = { wq: matrix(8, 8), wk: matrix(4, 4), wv: matrix(4, 4), wo: matrix(8, 8), bq: matrix(1, 8),
    bk: matrix(1, 4), bv: matrix(1, 4), bo: matrix(1, 8) };
  const make = { CachedAttention: (...args) => new kvc.CachedAttention(...args) };
  const works = () => make.CachedAttention(options, weights).dispose();
  assert.ok(await misuse(make, { CachedAttention: [options, weights] }, () => 0, works) > 500);
  for (const sourceDim of [undefined, 4]) {
    const own = sourceDim ? weights : { ...weights, wk: matrix(8, 4), wv: matrix(8, 4) };
    const attention = new kvc.CachedAttention({ ...options, sourceDim }, own);
    const calls = { forward: [matrix(1, 8), { row: 0 }], full: [matrix(2, 8)],
      setSource: [matrix(2, 4), { row: 1 }], reset: [] };
    if (sourceDim) attention.setSource(matrix(4, 4));
    const check = () => assert.ok(attention.position <= 5);
    await misuse(attention, calls, () => attention.cache.save(), check);
    assert.deepEqual(offered(kvc.CachedAttention).methods, [...Object.keys(calls), 'dispose'].sort());
    attention.dispose();
  }
});

test('enableKVCache and disableKVCache', async () => {
  const sizes = { vocabSize: 10, embedDim: 8, numLayers: 1, numHeads: 2, maxSeqLen: 6 };
  const gpt = new GPT(sizes);
  const uncached = gpt.forward([1, 2]);
  const enable = { batchSize: 1, maxSeqLen: 4, keyType: 'f32', valueType: 'f32', whenFull: 'error' };
  const check = () => {
    kvc.disableKVCache(gpt);
    assert.deepEqual(gpt.forward([1, 2]), uncached);
  };
  await misuse(kvc, { enableKVCache: [gpt, enable] }, () => 0, check);
  await misuse(kvc, { enableKVCache: [model.createSession(), {}], disableKVCache: [gpt] }, () => 0, check);
  kvc.enableKVCache(gpt);
  const work = { row: (options) => gpt.forward([1], options) };
  const ids = hostile().filter((value) => !(value?.length > 0)); // what is in it is the model's affair
  for (const value of ids) await outcome(() => gpt.forward(value), () => `forward(${shown([value])})`);
  await misuse(work, { row: [{ row: 0, cache: true }] }, () => gpt.kvCache.save(), () => gpt.kvCache.reset());
  for (const name of [...Object.keys(sizes), 'blocks', 'embed', 'forward', 'numKVHeads']) {
    for (const value of hostile()) {
      const odd = Object.assign(new GPT(sizes), { [name]: value });
      const what = () => `a GPT with ${name}: ${shown([value])}`;
      const error = await outcome(() => kvc.enableKVCache(odd), what);
      if (!error) kvc.disableKVCache(odd);
    }
  }
  for (const value of hostile()) {
    const odd = new GPT(sizes);
    odd.blocks[0].attention = value;
    await outcome(() => kvc.enableKVCache(odd), () => `a GPT with the attention ${shown([value])}`);
  }
});

test('loadModel and init', async () => {
  const blobs = Object.fromEntries(tinyBlobs());
  const loads = () => 0;
  const options = { weights: 'f32', variant: 'auto', tokenizer: true, signal: new AbortController().signal,
    onProgress() {}, wasm: undefined };
  assert.ok(await misuse(kvc, { loadModel: [blobs, options] }, () => 0, loads) > 300);
  const request = { headers: { a: 'b' }, credentials: 'omit', cache: 'default', fetch, sizes: {},
    keep: true };
  await misuse(kvc, { loadModel: [server.url, request] }, () => 0, loads);
  await misuse(kvc, { weighModel: [blobs, { variant: 'auto', wasm: undefined, signal: options.signal }] },
    () => 0, loads);
  await misuse(kvc, { modelFiles: [[new File(['{}'], 'config.json')]] }, () => 0, loads);
  await misuse(kvc, { removeKept: ['https://example.org/model/'], keptModels: [] }, () => 0, loads);
  const build = { variant: 'auto', wasm: undefined, signal: new AbortController().signal };
  await misuse(kvc, { init: [build] }, () => 0, loads);
  await kvc.init();
  new kvc.KVCache({ maxSeqLen: 4, numLayers: 1, numHeads: 2, headDim: 4 }).dispose();
});

test('analyses and the benchmark', async () => {
  const shape = { nLayer: 1, nHead: 2, nKvHead: 1, headDim: 4, nEmbd: 8, nPositions: 9, vocabSize: 5,
    nInner: 7 };
  const calls = {
    analyzeMemory: [{ shapes: { mine: shape }, types: ['f16'], lengths: [3] }],
    analyzeSpeedup: [{ lengths: [3], shape }],
  };
  assert.ok(await misuse(kvc, calls, () => 0, () => {}) > 300);
  for (const name of Object.keys(shape)) {
    for (const value of hostile()) {
      const odd = { ...shape, [name]: value };
      const what = () => `${name}: ${shown([value])}`;
      await outcome(() => kvc.analyzeSpeedup({ lengths: [3], shape: odd }), what);
      await outcome(() => kvc.analyzeMemory({ shapes: { odd } }), what);
    }
  }
  const signal = AbortSignal.abort(); // nothing that is accepted is measured for long
  const sources = { sourceLengths: [2], tokens: 2, runs: 1, windowMs: 1, signal, onProgress() {} };
  const own = await kvc.loadModel(new URL('../fixtures/t5-gated-bf16/', import.meta.url));
  for (const wrong of wrongArguments([own, sources])) {
    if (wrong[1] && isPlain(wrong[1]) && wrong[1].signal === undefined) continue; // would measure
    if (wrong[0] === own && !isPlain(wrong[1])) continue;
    await outcome(() => kvc.benchmarkSources(...wrong), () => `benchmarkSources(${shown(wrong)})`);
  }
  own.dispose();
  const job = { seqLengths: [2], batchSize: 1, runs: 1, signal, onProgress() {} };
  for (const wrong of wrongArguments([model, job])) {
    if (wrong[1] && isPlain(wrong[1]) && wrong[1].signal === undefined) continue; // would measure
    if (wrong[0] === model && !isPlain(wrong[1])) continue;
    await outcome(() => kvc.benchmarkComparison(...wrong), () => `benchmarkComparison(${shown(wrong)})`);
  }
});

test('these are all the functions and classes that the package exports', () => {
  const functions = Object.keys(kvc).filter((name) => typeof kvc[name] === 'function');
  assert.deepEqual(functions.sort(), [
    'CachedAttention', 'KVCache', 'KvcError', 'analyzeMemory', 'analyzeSpeedup', 'benchmarkComparison',
    'benchmarkSources', 'bestVariant', 'disableKVCache', 'enableKVCache', 'init', 'keptModels',
    'loadModel', 'modelFiles', 'removeKept', 'weighModel',
  ]);
});
