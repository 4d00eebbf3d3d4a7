// A session with capacity "grow": the bits, tokens, counts and bytes of one that had the room from the start,
// at every moment; what does not fit or fails leaves it as it was.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, rejectsCode, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const POSITIONS = 300;
let model;
before(async () => { model = await loadModel(tinyBlobs({ changes: { n_positions: POSITIONS } })); });
after(() => model.dispose());

/** A session that grows, and one that has all the room. */
const pair = (options) => (
  [model.createSession({ ...options, capacity: 'grow' }), model.createSession(options)]);

/** That both stand at the same place, to the last bit. */
function same(growing, fixed) {
  assert.deepEqual(growing.tokens, fixed.tokens);
  assert.equal(growing.logitsHash, fixed.logitsHash);
  assert.equal(growing.cachedTokens, fixed.cachedTokens);
  assert.deepEqual(growing.counts, fixed.counts);
  const [grown, all] = [growing, fixed].map((session) => session.memoryUsage());
  assert.equal(grown.usedBytes, all.usedBytes);
  assert.equal(grown.sharedBytes, all.sharedBytes);
}

/** That it takes what one takes that was made for so many tokens. */
function takes(session, capacity, options) {
  assert.equal(session.capacity, capacity);
  const made = model.createSession({ ...options, capacity });
  const [{ totalBytes, cacheBytes }, right] = [session, made].map((one) => one.memoryUsage());
  assert.deepEqual([totalBytes, cacheBytes], [right.totalBytes, right.cacheBytes]);
  assert.equal(session.kvCache.maxSeqLen, capacity);
  made.dispose();
}

for (const [name, options] of [['f32', {}], ['f16 and int8', { keyType: 'f16', valueType: 'int8' }],
  ['the cache off', { useCache: false }]]) {
  test(`token by token to the last position, ${name}: the same bits, in the bytes of what is there`, () => {
    const [growing, fixed] = pair(options);
    const ids = randomIds(POSITIONS, 3);
    const seen = new Map();
    for (const session of [growing, fixed]) session.prefill(ids.slice(0, 50));
    for (let t = 50; t < POSITIONS; t++) {
      if (!seen.has(growing.capacity)) takes(growing, growing.capacity, options);
      seen.set(growing.capacity, t);
      if (options.useCache === false && t > 70) break; // each step is a pass over all
      for (const session of [growing, fixed]) session.decode(ids[t]);
      if (t % 16 < 2) same(growing, fixed);
    }
    assert.deepEqual([...seen.keys()], options.useCache === false ? [64, 128] : [64, 128, 256, 300]);
    same(growing, fixed);
    for (const session of [growing, fixed]) session.dispose();
  });
}

test('a prompt, a score and an edit that need more than twice the room', () => {
  const [growing, fixed] = pair();
  const ids = randomIds(POSITIONS + 1, 5);
  assert.deepEqual(growing.score(ids.slice(0, 100)), fixed.score(ids.slice(0, 100)));
  takes(growing, 128);
  growing.append(ids.slice(0, 20));
  fixed.append(ids.slice(0, 20));
  for (const session of [growing, fixed]) session.sync([...ids.slice(0, 15), ...ids.slice(30, 300)]);
  same(growing, fixed);
  takes(growing, 288); // whole pages
  assert.deepEqual(growing.score(ids), fixed.score(ids));
  takes(growing, POSITIONS);
  for (const session of [growing, fixed]) session.dispose();
});

test('runs that outgrow it: drawn, sampled several times, with beams, flipped on the way', async () => {
  const runs = [
    { maxTokens: 200, seed: 4, temperature: 1 },
    { maxTokens: 90, seed: 4, temperature: 1, n: 3 },
    { maxTokens: 90, seed: 9, temperature: 0.8, topK: 30, repetitionPenalty: 1.3, logprobs: 2 },
    { maxTokens: 70, numBeams: 3 },
  ];
  for (const run of runs) {
    const [growing, fixed] = pair();
    const tokens = [];
    for (const session of [growing, fixed]) {
      const own = [];
      for await (const token of session.generate(randomIds(30, 8), run)) {
        own.push({ ...token, ms: 0 });
        if (!run.numBeams && own.length % 40 === 20) session.useCache = !session.useCache;
      }
      tokens.push(own);
    }
    assert.deepEqual(tokens[0], tokens[1]);
    same(growing, fixed);
    assert.ok(growing.capacity > 64);
    for (const session of [growing, fixed]) session.dispose();
  }
});

test('several sequences grow together, and share what they shared', () => {
  const [growing, fixed] = pair({ sequences: 3 });
  const ids = randomIds(200, 6);
  for (const session of [growing, fixed]) {
    session.append(ids.slice(0, 62));
    session.fork(0, 1);
    session.fork(0, 2);
    session.select(1);
    for (let t = 62; t < 70; t++) session.decodeBatch([2, 0], [ids[t], ids[t + 1]]);
    assert.equal(session.selected, 1);
    session.append(ids.slice(70, 74));
  }
  for (const sequence of [0, 1, 2]) {
    for (const session of [growing, fixed]) session.select(sequence);
    same(growing, fixed);
  }
  assert.ok(growing.memoryUsage().sharedBytes > 0);
  takes(growing, 128, { sequences: 3 });
  for (const session of [growing, fixed]) session.dispose();
});

test('it takes over states as long as the model allows, and its own go anywhere', () => {
  const [growing, fixed] = pair({ sequences: 2 });
  fixed.append(randomIds(290, 2));
  const narrow = model.createSession({ capacity: 'grow' });
  for (const session of [growing, narrow]) {
    session.restore(fixed.save());
    assert.equal(session.logitsHash, fixed.logitsHash);
    assert.equal(session.sequences, 2);
    takes(session, POSITIONS, { sequences: 2 });
  }
  growing.decode(1);
  fixed.restore(growing.save());
  assert.deepEqual([fixed.logitsHash, fixed.cachedTokens], [growing.logitsHash, 291]);
  const small = model.createSession({ capacity: 64 });
  throwsCode(() => small.restore(growing.save()), 'context_full');
  const broken = growing.save().fill(7, 100, 120);
  const hash = narrow.logitsHash;
  throwsCode(() => narrow.restore(broken), 'state_invalid');
  assert.equal(narrow.logitsHash, hash);
  for (const session of [growing, fixed, narrow, small]) session.dispose();
});

test('the positions of the model are the end, and say so', async () => {
  const growing = model.createSession({ capacity: 'grow' });
  growing.append(randomIds(40));
  const hash = growing.logitsHash;
  throwsCode(() => growing.append(randomIds(POSITIONS - 39)), 'context_full', /room for 260 .* capacity 300/);
  throwsCode(() => growing.sync(randomIds(POSITIONS + 1)), 'context_full');
  throwsCode(() => growing.append([70000, ...randomIds(100)]), 'token_out_of_range');
  assert.deepEqual([growing.logitsHash, growing.position, growing.capacity], [hash, 40, 64]);
  const tokens = await collect(growing.generate(growing.tokens, { temperature: 1 }));
  assert.deepEqual([tokens.length, growing.finishReason, growing.capacity], [260, 'context_full', POSITIONS]);
  assert.equal(new Set(idsOf(tokens)).size > 50, true);
  const strict = model.createSession({ capacity: 'grow', whenFull: 'error' });
  const tooMany = strict.generate(randomIds(290), { temperature: 1, maxTokens: 20 });
  await rejectsCode(collect(tooMany), 'context_full');
  assert.equal(strict.position, POSITIONS);
  throwsCode(() => model.createSession({ capacity: 'more' }), 'invalid_argument', /or is "grow"; "more"/);
  for (const session of [growing, strict]) session.dispose();
});

test('a listener hears that the cache is another one, and goes on', () => {
  const session = model.createSession({ capacity: 'grow' });
  session.append(randomIds(60));
  const types = [];
  session.onEvent = ({ type }) => types.push(type);
  session.append(randomIds(10));
  assert.equal(types[0], 'restore');
  assert.ok(types.slice(1).includes('write') && !types.slice(1).includes('restore'));
  assert.equal(session.cacheMap()[0].length, 70);
  session.dispose();
});

test('a batch that cannot grow leaves the same sequence selected', () => {
  const session = model.createSession({ capacity: 'grow', sequences: 2 });
  session.prefill([1, 2]);
  session.select(1);
  session.prefill(new Array(64).fill(1));
  session.select(0);
  session.onEvent = ({ type }) => { if (type === 'restore') throw new Error('mine'); };
  assert.throws(() => session.decodeBatch([1, 0], [1, 2]), /mine/);
  assert.deepEqual([session.selected, session.position], [0, 2]);
  session.dispose();
});
