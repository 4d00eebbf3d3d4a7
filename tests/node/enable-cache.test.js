// enableKVCache on models that are not ours: same tokens and logits, and the model as it was afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KVCache, disableKVCache, enableKVCache, init, loadModel } from 'kvcache-wasm';
import { swapAxes } from '../../web/cache/native-cache.js';
import { GPT } from '../../web/blocks/example-gpt.js';
import { contents, near, sameBits } from './blocks.js';
import { seeded, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const SIZES = { vocabSize: 50, embedDim: 24, numLayers: 4, numHeads: 3, maxSeqLen: 64 };
const V = SIZES.vocabSize;

const random = seeded(11);
const TEXT = Array.from({ length: 60 }, () => random.below(V));

/** The logits of TEXT, given to a cached model in pieces of these lengths. */
function inPieces(gpt, lengths) {
  const logits = [];
  let at = 0;
  for (const n of lengths) logits.push(...gpt.forward(TEXT.slice(at, at += n)));
  return Float32Array.from(logits);
}

const splits = [[60], Array(60).fill(1), [1, 59], [59, 1], [16, 16, 16, 12], [7, 1, 1, 30, 21]];
const last = (logits) => logits.subarray(logits.length - V);
const argmax = (logits) => logits.indexOf(Math.max(...logits));

test('before init() it says what to do, and the model is as it was', async () => {
  const gpt = new GPT(SIZES);
  throwsCode(() => enableKVCache(gpt), 'not_ready', /await init\(\)/);
  assert.equal('kvCache' in gpt, false);
  await init();
});

test('a JavaScript GPT: cached logits near the uncached ones, the same for every split to the bit', () => {
  const gpt = new GPT(SIZES);
  const full = gpt.forward(TEXT);
  let first;
  for (const split of splits) {
    enableKVCache(gpt);
    const cached = inPieces(gpt, split);
    assert.equal(gpt.kvCache.position, 60);
    near(cached, full, 1e-5, `pieces of ${split}`);
    for (let t = 0; t < 60; t++) {
      assert.equal(argmax(cached.subarray(t * V, t * V + V)), argmax(full.subarray(t * V, t * V + V)));
    }
    sameBits(cached, first ??= cached, `pieces of ${split}`);
  }
  disableKVCache(gpt);
  sameBits(gpt.forward(TEXT), full);
});

test('a GPT whose own attention is our kernel: bit-equal with and without the cache', () => {
  const gpt = new GPT(SIZES);
  const D = SIZES.embedDim / SIZES.numHeads;
  const scratch = new KVCache({ maxSeqLen: 64, numLayers: 1, numHeads: 3, headDim: D });
  for (const { attention } of gpt.blocks) {
    attention.forward = (x) => {
      const T = x.length / SIZES.embedDim;
      const heads = (part) => swapAxes(attention[part].forward(x), T, 3, D);
      scratch.reset();
      scratch.update(0, heads('kProj'), heads('vProj'));
      return attention.outProj.forward(swapAxes(scratch.attend(0, heads('qProj')), 3, T, D));
    };
  }
  const full = gpt.forward(TEXT);
  enableKVCache(gpt);
  for (const split of splits) {
    gpt.kvCache.reset();
    sameBits(inPieces(gpt, split), full, `pieces of ${split}`);
  }
  disableKVCache(gpt);
  scratch.dispose();
});

test('embed() of the example: the sum of a token and a position, from the start on', () => {
  const [gpt, C] = [new GPT(SIZES), SIZES.embedDim];
  for (const [start, first] of [[undefined, 0], [0, 0], [5, 5], [62, 62]]) {
    sameBits(gpt.embed([3, 41], start), [3, 41].flatMap((id, t) => Array.from({ length: C },
      (_, c) => gpt.tokens[id * C + c] + gpt.positions[(first + t) * C + c])));
  }
});

test('a model that begins its texts at another position than 0 does so with the cache too', () => {
  class Shifted extends GPT {
    forward(ids) {
      let x = this.embed(ids, 4);
      for (const block of this.blocks) x = block.forward(x);
      return this.head.forward(x);
    }
  }
  const gpt = new Shifted(SIZES);
  const full = gpt.forward(TEXT);
  enableKVCache(gpt);
  for (const split of splits) {
    gpt.kvCache.reset();
    near(inPieces(gpt, split), full, 1e-5, `pieces of ${split}`);
  }
  disableKVCache(gpt);
});

test('generation: token for token the same, and one row of work a token', () => {
  const [plain, cached] = [new GPT(SIZES), new GPT(SIZES)];
  enableKVCache(cached);
  let rows = 0;
  const { forward } = cached.head;
  cached.head.forward = (x) => ((rows += x.length / SIZES.embedDim), forward.call(cached.head, x));
  const ids = [1, 2, 3];
  let logits = last(cached.forward(ids));
  while (ids.length < 64) {
    assert.equal(argmax(logits), argmax(last(plain.forward(ids))), `token ${ids.length}`);
    ids.push(argmax(logits));
    logits = last(cached.forward([ids.at(-1)]));
  }
  assert.equal(rows, 64);
  throwsCode(() => cached.forward([1]), 'cache_full', /maxSeqLen = 64/);
  assert.equal(cached.kvCache.position, 64);
  cached.kvCache.truncate(10); // rewind, and on from there
  near(last(cached.forward([ids[10]])), last(plain.forward(ids.slice(0, 11))), 1e-5);
  disableKVCache(cached);
});

test('each layer has its own weights and its own layer of the cache', () => {
  const gpt = new GPT(SIZES);
  const cache = enableKVCache(gpt);
  const inputs = [];
  for (const [i, { attention }] of gpt.blocks.entries()) {
    const { forward } = attention.kProj;
    attention.kProj.forward = (x) => ((inputs[i] = x), forward.call(attention.kProj, x));
  }
  gpt.forward(TEXT);
  const kept = gpt.blocks.map((_, layer) => cache.get(layer).key);
  for (const [i, key] of kept.entries()) {
    sameBits(key, swapAxes(gpt.blocks[i].attention.kProj.forward(inputs[i]), 60, 3, 8), `layer ${i}`);
    for (const other of kept.slice(i + 1)) assert.notDeepEqual(key, other);
  }
  disableKVCache(gpt);
});

test('{ cache: false } is the full pass, amid a text too, and so is every part on its own', () => {
  const [gpt, plain] = [new GPT(SIZES), new GPT(SIZES)];
  const cache = enableKVCache(gpt);
  gpt.forward(TEXT.slice(0, 20));
  const before = contents(cache);
  const events = [];
  cache.onEvent = (event) => events.push(event);
  sameBits(gpt.forward(TEXT, { cache: false }), plain.forward(TEXT));
  sameBits(gpt.embed([3, 4], 5), plain.embed([3, 4], 5));
  const x = plain.embed([3, 4, 5]);
  sameBits(gpt.blocks[1].forward(x), plain.blocks[1].forward(x));
  assert.deepEqual(contents(cache), before);
  assert.deepEqual(events, []);
  near(last(gpt.forward([TEXT[20]])), last(plain.forward(TEXT.slice(0, 21))), 1e-5);
  disableKVCache(gpt);
});

test('a batch: rows with texts of their own', () => {
  const [gpt, plain] = [new GPT(SIZES), new GPT(SIZES)];
  const cache = enableKVCache(gpt, { batchSize: 3 });
  gpt.forward(TEXT.slice(0, 9), { row: 2 });
  cache.fork(2, 0);
  near(last(gpt.forward([7, 8])), last(plain.forward([...TEXT.slice(0, 9), 7, 8])), 1e-5);
  near(last(gpt.forward([9], { row: 2 })), last(plain.forward([...TEXT.slice(0, 9), 9])), 1e-5);
  assert.deepEqual(cache.positions, [11, 0, 10]);
  for (const row of [3, -1, 0.5]) throwsCode(() => gpt.forward([1], { row }), 'position_out_of_range');
  disableKVCache(gpt);
});

test('options: types, a smaller maxSeqLen, stop; slide is refused because positions are learned', () => {
  const [gpt, plain] = [new GPT(SIZES), new GPT(SIZES)];
  const cache = enableKVCache(gpt, { maxSeqLen: 20, keyType: 'f16', valueType: 'int8', whenFull: 'stop' });
  assert.deepEqual([cache.maxSeqLen, cache.keyType, cache.valueType], [20, 'f16', 'int8']);
  near(last(gpt.forward(TEXT.slice(0, 19))), last(plain.forward(TEXT.slice(0, 19))), 0.3);
  assert.equal(gpt.forward([1, 2]), null);
  assert.equal(cache.position, 19);
  assert.equal(gpt.forward([1]).length, V);
  throwsCode(() => enableKVCache(gpt, { whenFull: 'slide' }), 'unsupported', /position/);
  throwsCode(() => enableKVCache(gpt, { maxSeqLen: 65 }), 'invalid_argument', /64/);
  throwsCode(() => enableKVCache(gpt, { keyType: 'f8' }), 'invalid_argument');
  assert.equal(gpt.kvCache, cache); // refusals have left it enabled
  disableKVCache(gpt);
});

test('grouped queries: numKVHeads', () => {
  const gpt = new GPT(SIZES);
  for (const { attention } of gpt.blocks) {
    for (const part of ['kProj', 'vProj']) { // one head of keys and values, repeated for the model's own pass
      const { forward } = attention[part];
      const narrow = { forward: (x) => Float32Array.from(forward.call(attention[part + 'Own'], x))
        .filter((_, i) => i % 24 < 8) };
      attention[part + 'Own'] = attention[part];
      attention[part] = narrow;
    }
    const own = attention.forward;
    const wide = (part) => ({ forward: (x) => Float32Array.from({ length: x.length },
      (_, i) => attention[part].forward(x)[Math.floor(i / 24) * 8 + i % 8]) });
    attention.forward = (x) => own.call({ ...attention, kProj: wide('kProj'), vProj: wide('vProj') }, x);
  }
  const ids = TEXT.slice(0, 6);
  const full = gpt.forward(ids);
  gpt.numKVHeads = 1;
  const cache = enableKVCache(gpt);
  assert.equal(cache.numHeads, 1);
  near(gpt.forward(ids), full, 1e-5);
  disableKVCache(gpt);
});

test('disabling restores everything exactly; twice only warns; enabling again starts afresh', (t) => {
  const gpt = new GPT(SIZES);
  const ownForward = (x) => x; // a model may have its methods on the object itself
  Object.defineProperty(gpt.blocks[1].attention, 'forward',
    { value: ownForward, configurable: true, enumerable: true });
  gpt.kvCache = 'mine';
  const shape = (object) => Object.getOwnPropertyDescriptors(object);
  const objects = [gpt, ...gpt.blocks, ...gpt.blocks.map((block) => block.attention)];
  const before = objects.map(shape);
  const first = enableKVCache(gpt);
  gpt.forward([1, 2]);
  const second = enableKVCache(gpt);
  assert.notEqual(first, second);
  assert.equal(gpt.kvCache, second);
  assert.equal(second.position, 0);
  throwsCode(() => first.position, 'disposed');
  gpt.forward([1, 2]);
  const warn = t.mock.method(console, 'warn', () => {});
  assert.equal(disableKVCache(gpt), true);
  assert.equal(warn.mock.callCount(), 0);
  assert.deepEqual(objects.map(shape), before);
  throwsCode(() => second.position, 'disposed');
  assert.equal(disableKVCache(gpt), false);
  assert.equal(disableKVCache({}), false);
  assert.equal(warn.mock.callCount(), 2);
  assert.equal(gpt.blocks[1].attention.forward, ownForward);
});

test('models that share blocks: each has its own cache, and any of them may go first', () => {
  const [one, two] = [new GPT(SIZES), new GPT({ ...SIZES, seed: 2 })];
  two.blocks = [...one.blocks].reverse();
  const attentions = one.blocks.map(({ attention }) => attention);
  const shapes = () => attentions.map((attention) => Object.getOwnPropertyDescriptors(attention));
  const before = shapes();
  const fresh = [one, two].map((gpt) => {
    enableKVCache(gpt);
    const logits = gpt.forward(TEXT.slice(0, 9));
    disableKVCache(gpt);
    return logits;
  });
  for (const [first, second] of [[0, 1], [1, 0]]) {
    const models = [one, two];
    models.forEach((gpt) => enableKVCache(gpt));
    enableKVCache(models[first]); // anew
    models.forEach((gpt, i) => sameBits(gpt.forward(TEXT.slice(0, 9)), fresh[i]));
    disableKVCache(models[first]);
    assert.equal(models[second].forward([1]).length, V);
    assert.equal(models[second].kvCache.position, 10);
    near(last(models[first].forward(TEXT.slice(0, 9))), last(fresh[first]), 1e-5);
    disableKVCache(models[second]);
    assert.deepEqual(shapes(), before);
  }
});

test('a model that the contract does not fit is refused with what is missing, and is as it was', async () => {
  const broken = {
    embedDim: (gpt) => { gpt.embedDim = 25; },
    'embedDim, a whole': (gpt) => { delete gpt.embedDim; },
    numLayers: (gpt) => { gpt.numLayers = 5; },
    numHeads: (gpt) => { gpt.numHeads = 0; },
    numKVHeads: (gpt) => { gpt.numKVHeads = 2; },
    maxSeqLen: (gpt) => { gpt.maxSeqLen = '64'; },
    blocks: (gpt) => { gpt.blocks = null; },
    'model.embed': (gpt) => { gpt.embed = undefined; },
    'model.forward': (gpt) => { gpt.forward = 1; },
    'blocks\\[2\\].attention': (gpt) => { gpt.blocks[2].attention = undefined; },
    'blocks\\[3\\].attention': (gpt) => { delete gpt.blocks[3].attention.vProj; },
    'share one': (gpt) => { gpt.blocks[3].attention = gpt.blocks[1].attention; },
    frozen: (gpt) => { Object.freeze(gpt); },
  };
  for (const [what, spoil] of Object.entries(broken)) {
    const gpt = new GPT(SIZES);
    spoil(gpt);
    const before = (gpt.blocks ?? [])
      .map((block) => block.attention && Object.getOwnPropertyDescriptors(block.attention));
    throwsCode(() => enableKVCache(gpt), 'config_invalid', new RegExp(what));
    assert.deepEqual((gpt.blocks ?? [])
      .map((block) => block.attention && Object.getOwnPropertyDescriptors(block.attention)), before);
    assert.equal('kvCache' in gpt, false);
  }
  for (const model of [null, undefined, 5, 'gpt']) throwsCode(() => enableKVCache(model), 'invalid_argument');
  const ours = await loadModel(tinyBlobs());
  throwsCode(() => enableKVCache(ours), 'invalid_argument', /createSession/);
  ours.dispose();
});

test('an error half-way keeps the cache that was there', () => {
  const gpt = new GPT(SIZES);
  const cache = enableKVCache(gpt);
  gpt.forward([1, 2, 3]);
  Object.freeze(gpt.blocks[2].attention); // with our forward in it
  throwsCode(() => enableKVCache(gpt), 'config_invalid');
  assert.equal(gpt.kvCache, cache);
  assert.equal(gpt.forward([4]).length, V);
  assert.equal(cache.position, 4);
});

test('a forward() that fails, or that a cache cannot follow, leaves the timeline as it was', () => {
  const [gpt, plain] = [new GPT(SIZES), new GPT(SIZES)];
  const cache = enableKVCache(gpt);
  gpt.forward([1, 2, 3]);
  const { blocks } = gpt;
  const during = (changed, ids, code, message) => {
    const own = Object.getOwnPropertyDescriptor(blocks[2], 'forward');
    blocks[2].forward = changed;
    throwsCode(() => gpt.forward(ids), code, message);
    if (own) Object.defineProperty(blocks[2], 'forward', own);
    else delete blocks[2].forward;
    assert.equal(cache.position, 3);
  };
  during((x) => x, [4], 'unsupported_architecture', /1 blocks never ran/);
  during((x) => blocks[2].attention.forward(blocks[2].attention.forward(x)), [4], 'unsupported_architecture',
    /twice/);
  during((x) => blocks[2].attention.forward(x.subarray(24)), [4, 5], 'unsupported_architecture',
    /new tokens/);
  during(() => gpt.forward([1]), [4], 'busy');
  throwsCode(() => gpt.forward([]), 'invalid_argument');
  throwsCode(() => gpt.forward(undefined), 'invalid_argument');
  const failure = new Error('mine');
  blocks[3].forward = () => { throw failure; };
  assert.throws(() => gpt.forward([4, 5]), failure);
  delete blocks[3].forward;
  near(last(gpt.forward([6])), last(plain.forward([1, 2, 3, 6])), 1e-5);
  disableKVCache(gpt);
  const late = new GPT(SIZES);
  late.forward = async () => {};
  enableKVCache(late);
  throwsCode(() => late.forward([1]), 'unsupported_architecture');
  disableKVCache(late);
});

test('a session of ours: its cache is switched on, looked at, and off', async (t) => {
  const model = await loadModel(tinyBlobs());
  const session = model.createSession({ useCache: false });
  const cache = enableKVCache(session);
  assert.equal(session.useCache, true);
  assert.deepEqual([cache.maxSeqLen, cache.numLayers, cache.numHeads, cache.headDim], [32, 2, 2, 8]);
  session.prefill([1, 2, 3]);
  assert.equal(cache.position, 3);
  assert.deepEqual(cache.get(1).shape, [1, 2, 3, 8]);
  assert.ok(cache.get(1).key.some((x) => x !== 0));
  assert.equal(cache.memoryUsage().totalBytes, 2 * 2 * 2 * 32 * 8 * 4);
  throwsCode(() => enableKVCache(session, { maxSeqLen: 5 }), 'invalid_argument', /createSession/);
  const warn = t.mock.method(console, 'warn', () => {});
  assert.equal(disableKVCache(session), true);
  assert.equal(session.useCache, false);
  assert.equal(disableKVCache(session), false);
  assert.equal(warn.mock.callCount(), 1);
  session.decode(4); // without the cache, which keeps what it holds
  assert.equal(cache.position, 3);
  session.dispose();
  throwsCode(() => cache.position, 'disposed');
  model.dispose();
});
