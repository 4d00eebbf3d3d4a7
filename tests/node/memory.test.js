// Memory that runs out, at every allocation in turn, once and from then on: an error that says so, nothing
// leaked, and every object goes on as if nothing had been asked of it. build/failing.wasm is the module with
// failing.c in front of its allocator.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CachedAttention, KVCache, init, loadModel } from 'kvcache-wasm';
import { directoryOf } from './golden.js';
import { collect, collectGarbage, rejectsCode, throwsCode } from './helpers.js';

const CONFIG = { n_layer: 2, n_head: 2, n_embd: 16, n_inner: 20, n_positions: 160, vocab_size: 40 };
const PROMPT = [3, 14, 15, 9, 26];
const files = directoryOf(CONFIG, 1);
const wasm = await WebAssembly.compile(await readFile(new URL('../../build/failing.wasm', import.meta.url)));

/** Calls work with the exports of the next instance, as soon as it is there. */
async function withInstance(prepare, work) {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const instance = await instantiate(...args);
    prepare(instance.exports);
    return instance;
  };
  try {
    return await work();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

const load = (options) => loadModel(files, { wasm, tokenizer: false, ...options });

/** A model, and what makes its allocations fail. */
async function failingModel() {
  let failing;
  const model = await withInstance((exports) => { failing = exports; }, () => load());
  return { model, failing };
}

/**
 * Fails each allocation of work in turn. After each, check() must find everything as it was.
 * @param {WebAssembly.Exports} failing
 * @param {() => unknown} work  returns what it made, to be disposed of, if anything
 * @param {() => unknown} check
 */
async function atEveryAllocation(failing, work, check) {
  for (const everAfter of [false, true]) {
    for (let n = 1; ; n++) {
      const live = failing.failing_live();
      failing.failing_set(n, everAfter);
      const outcome = (async () => work())();
      await outcome.catch(() => {});
      const hasFailed = failing.failing_has_failed() === 1;
      failing.failing_set(0, false);
      if (!hasFailed) {
        assert.ok(n > 1, 'it allocates');
        (await outcome)?.dispose?.();
        assert.equal(failing.failing_live(), live, 'what it made is freed');
        break;
      }
      await rejectsCode(outcome, 'out_of_memory');
      assert.equal(failing.failing_live(), live, `allocation ${n} failed, and something leaked`);
      await check();
    }
  }
}

// The building blocks' instance, before any test looks for the next one.
let blocks;
await withInstance((exports) => { blocks = exports; }, () => init({ wasm }));
const idle = blocks.failing_live(); // what the engine itself needs

test('loading a model', async () => {
  for (const everAfter of [false, true]) {
    let n = 0;
    for (let hasFailed = true; hasFailed; n++) {
      let failing;
      const loading = withInstance((exports) => { failing = exports; exports.failing_set(n + 1, everAfter);
        }, () => load());
      await loading.catch(() => {});
      hasFailed = failing.failing_has_failed() === 1;
      if (hasFailed) {
        await rejectsCode(loading, 'out_of_memory');
        const left = failing.failing_live();
        assert.ok(left <= 2,
          `${left} blocks: more than the scratch and the weights, which go with the instance`);
      } else {
        (await loading).dispose();
      }
    }
    assert.ok(n > 1, 'it allocates');
  }
});

/** A session with a text, which goes on to the same logits whatever failed in between. */
async function sessionTest(name, options, work) {
  test(name, async () => {
    const { model, failing } = await failingModel();
    const session = model.createSession(options);
    session.prefill(PROMPT);
    session.decode(1);
    const hash = session.logitsHash;
    const check = () => {
      assert.equal(session.logitsHash, hash);
      assert.equal(session.position, PROMPT.length + 1);
      session.truncate(2);
      session.prefill([...PROMPT.slice(2), 1]);
      assert.equal(session.logitsHash, hash);
    };
    await atEveryAllocation(failing, () => work(session, model), check);
    check();
    session.dispose();
    model.dispose();
  });
}

sessionTest('creating a session', {}, (session, model) => model.createSession());
sessionTest('creating a session of several sequences', {},
  (session, model) => model.createSession({ sequences: 3, keyType: 'int8' }));
sessionTest('the likeliest tokens', {}, (session) => session.top(3));
sessionTest('a snapshot of the cache', {}, (session) => session.snapshot({ layer: 1, head: 0 }));
sessionTest('attention weights', {}, (session) => session.attentionWeights(1, 1));
sessionTest('the query of the last token', {}, (session) => session.attentionQuery(1, 1));
sessionTest('a listener', {}, (session) => {
  session.onEvent = () => {};
  session.onEvent = null;
});
sessionTest('saving', {}, (session) => session.save().length);
sessionTest('restoring', {}, (session) => session.restore(session.save()));
sessionTest('growing for samples, and beams', {}, async (_session, model) => {
  const session = model.createSession({ capacity: 16 });
  try {
    await collect(session.generate(PROMPT, { n: 2, temperature: 1, maxTokens: 2 }));
    await collect(session.generate(PROMPT, { numBeams: 3, maxTokens: 2 }));
    return session;
  } catch (error) {
    assert.equal((await collect(session.generate(PROMPT, { temperature: 0, maxTokens: 2 }))).length, 2,
      'it goes on');
    session.dispose();
    throw error;
  }
});

/** A session that grows, with a text; what growing failed at, it does afterwards all the same. */
async function growingSession(model, work) {
  const session = model.createSession({ capacity: 'grow' });
  session.prefill(PROMPT);
  const hash = session.logitsHash;
  try {
    await work(session);
    assert.deepEqual([session.position, session.capacity], [128, 128]);
    return session;
  } catch (error) {
    assert.deepEqual([session.logitsHash, session.position, session.capacity], [hash, PROMPT.length, 64]);
    session.decode(1);
    session.dispose();
    throw error;
  }
}

const MORE = Array.from({ length: 123 }, (_, i) => i % 40);
sessionTest('growing for more tokens', {}, (_session, model) => (
  growingSession(model, (session) => session.append(MORE))));

test('growing where there is no memory for twice the room: for what is needed', async () => {
  const { model, failing } = await failingModel();
  const session = model.createSession({ capacity: 'grow' });
  session.prefill(PROMPT);
  failing.failing_set(2, false); // the first is for the state
  session.append(MORE.slice(0, 66));
  assert.equal(failing.failing_has_failed(), 1);
  failing.failing_set(0, false);
  assert.deepEqual([session.position, session.capacity], [71, 71]);
  const right = model.createSession();
  right.append([...PROMPT, ...MORE.slice(0, 66)]);
  assert.equal(session.logitsHash, right.logitsHash);
  model.dispose();
});

// ---- building blocks ------------------------------------------------------------------------------

const SIZES = { batchSize: 2, maxSeqLen: 20, numLayers: 2, numHeads: 1, headDim: 4 };
const ones = (tokens) => new Float32Array(SIZES.batchSize * tokens * SIZES.headDim).fill(1);

/** A cache with two tokens, which are there whatever failed in between. */
function cacheTest(name, work) {
  test(name, async () => {
    const cache = new KVCache(SIZES);
    for (const layer of [0, 1]) cache.update(layer, ones(2), ones(2));
    cache.advance(2);
    const state = cache.save();
    await atEveryAllocation(blocks, () => work(cache, state), () => assert.deepEqual(cache.save(), state));
    cache.dispose();
    assert.equal(blocks.failing_live(), idle);
  });
}

cacheTest('creating a cache', () => new KVCache(SIZES));
cacheTest('writing into a cache, attention, and back', (cache) => {
  cache.update(1, ones(3), ones(3));
  cache.attend(1, ones(3));
  cache.advance(3);
  cache.truncate(2);
});
cacheTest('what a cache holds', (cache) => cache.get(1));
cacheTest('a cache as bytes, and from bytes', (cache, state) => {
  cache.save();
  cache.restore(state);
});
cacheTest('reordering a cache', (cache) => cache.reorder([0, 1]));
cacheTest('listening to a cache', (cache) => {
  cache.onEvent = () => {};
  return { dispose: () => { cache.onEvent = null; } };
});

test('cached attention, self and cross', async () => {
  const square = new Float32Array(16).fill(0.1);
  const weights = { wq: square, wk: square, wv: square, wo: square, bq: square.subarray(0, 4) };
  for (const sourceDim of [undefined, 4]) {
    const create = () => new CachedAttention({ embedDim: 4, numHeads: 1, maxSeqLen: 20, sourceDim }, weights);
    const attention = create();
    const x = new Float32Array(12).fill(1);
    if (sourceDim) attention.setSource(x);
    const y = attention.forward(x);
    const check = () => {
      if (!sourceDim) attention.cache.truncate(0);
      assert.deepEqual(attention.forward(x), y);
    };
    await atEveryAllocation(blocks, create, check);
    await atEveryAllocation(blocks, () => { attention.forward(x); }, check);
    await atEveryAllocation(blocks, () => { if (sourceDim) attention.setSource(x); else attention.full(x); },
      check);
    attention.dispose();
    assert.equal(blocks.failing_live(), idle);
  }
});

test('attention whose tokens go, or count what was looked at, and sources of two rows', async () => {
  const square = new Float32Array(64).map((_, i) => Math.sin(i + 1));
  const weights = { wq: square, wk: square.toReversed(), wv: square, wo: square };
  const values = (n, seed) => new Float32Array(n).map((_, i) => Math.sin(seed * i + 1));
  const sizes = { embedDim: 8, numHeads: 2, batchSize: 2 };
  const create = (options) => new CachedAttention({ ...sizes, ...options }, weights);
  const counted = { evict: 'attention', recent: 4 };
  const atEach = async ({ cache }, work) => {
    const state = cache.save();
    await atEveryAllocation(blocks, () => {
      work();
      return { dispose: () => cache.restore(state) };
    }, () => assert.deepEqual(cache.save(), state));
  };
  for (const keyType of ['f32', 'int8']) {
    for (const going of [{ whenFull: 'slide' }, { whenFull: 'slide', ...counted },
      { maxSeqLen: 64, ...counted }]) {
      const attention = create({ maxSeqLen: 32, keyType, ...going });
      attention.forward(values(2 * 32 * 8, 2));
      await atEach(attention, () => attention.forward(values(2 * 5 * 8, 3)));
      attention.dispose();
    }
    const attention = create({ maxSeqLen: 32, sourceDim: 8, keyType });
    attention.setSource(values(2 * 32 * 8, 2));
    await atEach(attention, () => attention.setSource(values(2 * 5 * 8, 3)));
    attention.dispose();
  }
  assert.equal(blocks.failing_live(), idle);
});

test('what is refused is taken back without memory', () => {
  const square = new Float32Array(16).fill(0.1);
  const weights = { wq: square, wk: square, wv: square, wo: square };
  const sizes = { embedDim: 4, numHeads: 1, batchSize: 2, maxSeqLen: 8, keyType: 'int8' };
  for (const [options, call] of [[{ whenFull: 'slide' }, 'forward'], [{ sourceDim: 4 }, 'setSource']]) {
    const attention = new CachedAttention({ ...sizes, ...options }, weights);
    const x = new Float32Array(2 * 8 * 4).fill(1);
    attention[call](x);
    const state = attention.cache.save();
    x[2 * 8 * 4 - 1] = NaN;
    blocks.failing_set(2, true); // what it takes to begin with is all
    try {
      throwsCode(() => attention[call](x), 'not_finite');
      assert.equal(blocks.failing_has_failed(), 0);
    } finally {
      blocks.failing_set(0, false);
    }
    assert.deepEqual(attention.cache.save(), state);
    attention.dispose();
  }
});

// ---- what nobody holds any more ------------------------------------------------------------------

/** Collects garbage until the instance has so few allocations, or too long. */
async function comesDownTo(live, failing) {
  for (let i = 0; i < 100 && failing.failing_live() > live; i++) {
    await new Promise((resolve) => { setTimeout(resolve, 10); });
    collectGarbage();
  }
  assert.equal(failing.failing_live(), live);
}

test('what is in use is never freed: a model lives as long as its session', async () => {
  const { failing, session } = await (async () => {
    const loaded = await failingModel();
    return { failing: loaded.failing, session: loaded.model.createSession() };
  })();
  const logits = session.prefill(PROMPT);
  const live = failing.failing_live();
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    collectGarbage();
  }
  assert.equal(failing.failing_live(), live);
  session.reset();
  assert.deepEqual(session.prefill(PROMPT), logits);
  session.dispose();
});

test('a cache, an attention and a session dropped with their listeners leave nothing behind', async () => {
  const square = new Float32Array(16).fill(0.1);
  const weights = { wq: square, wk: square, wv: square, wo: square };
  (() => {
    const { cache } = new CachedAttention({ embedDim: 4, numHeads: 1, maxSeqLen: 20 }, weights);
    for (const one of [cache, new KVCache(SIZES)]) one.onEvent = () => {};
  })();
  assert.equal(blocks.failing_live(), idle + 4, 'two blocks and two buffers of events');
  await comesDownTo(idle, blocks);

  const { model, failing } = await failingModel();
  const live = failing.failing_live();
  (() => {
    const session = model.createSession();
    session.onEvent = () => {};
    session.prefill(PROMPT);
  })();
  assert.ok(failing.failing_live() > live + 1);
  await comesDownTo(live, failing);
  model.dispose();
});
