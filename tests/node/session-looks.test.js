// Looking inside a session: what the cache holds and where, what a token looked at, what it all cost. What is
// seen is what is there, and looking changes nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, seeded, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const POSITIONS = 160;
const PAGE = 16;
let model;
let L, H, D, C, F, V;
before(async () => {
  model = await loadModel(tinyBlobs({ changes: { n_layer: 3, n_positions: POSITIONS, vocab_size: 257,
    eos_token_id: null } }));
  ({ nLayer: L, nHead: H, headDim: D, nEmbd: C, nInner: F, vocabSize: V } = model.config);
});
after(() => model.dispose());

const range = (n) => Array.from({ length: n }, (_, i) => i);

test('a snapshot is what the cache holds, the same for every split of the prompt', () => {
  const ids = randomIds(50);
  const [once, single] = [model.createSession(), model.createSession()];
  once.prefill(ids);
  for (const id of ids) single.decode(id);
  const seen = new Set();
  for (const layer of range(L)) {
    for (const head of range(H)) {
      const { keys, values } = once.snapshot({ layer, head });
      assert.deepEqual([keys.length, values.length], [50 * D, 50 * D]);
      assert.deepEqual(single.snapshot({ layer, head }), { keys, values });
      assert.deepEqual(once.snapshot({ layer, head, first: 17, count: 20 }),
        { keys: keys.slice(17 * D, 37 * D), values: values.slice(17 * D, 37 * D) });
      assert.ok(keys.every(Number.isFinite) && keys.some((x) => x !== 0));
      seen.add(keys.join()).add(values.join());
    }
  }
  assert.equal(seen.size, 2 * L * H, 'every layer and head has its own');
  once.truncate(20);
  assert.equal(once.snapshot({ layer: 0, head: 0 }).keys.length, 20 * D);
  assert.equal(once.snapshot({ layer: 0, head: 0, first: 20 }).keys.length, 0);
});

test('snapshots of several sequences, and of what is not there', () => {
  const session = model.createSession({ sequences: 2 });
  session.prefill(randomIds(10));
  session.fork(0, 1);
  session.select(1);
  session.decode(5);
  const first = { layer: 1, head: 1, first: 0, count: 10 };
  assert.deepEqual(session.snapshot({ ...first, sequence: 0 }), session.snapshot(first));
  assert.equal(session.snapshot({ layer: 0, head: 0 }).keys.length, 11 * D);
  for (const wrong of [{ layer: L }, { head: H }, { layer: -1 }, { head: 0.5 }, { first: 12 },
    { first: 5, count: 7 }, { count: -1 }, { sequence: 2 },
    { layer: undefined }, { first: -1 }, { count: 2 ** 33 }]) {
    throwsCode(() => session.snapshot({ layer: 0, head: 0, ...wrong }), 'position_out_of_range');
  }
});

test('attention weights: a distribution over the text, of the last token alone', () => {
  const ids = randomIds(70);
  const session = model.createSession();
  throwsCode(() => session.attentionWeights(0, 0), 'not_ready');
  session.prefill([ids[0]]);
  assert.deepEqual(session.attentionWeights(0, 0), Float32Array.of(1), 'the first token sees itself (B4)');
  session.prefill(ids.slice(1));
  const hash = session.logitsHash;
  const all = range(L).map((layer) => range(H).map((head) => session.attentionWeights(layer, head)));
  assert.equal(session.logitsHash, hash);
  for (const weights of all.flat()) {
    assert.equal(weights.length, 70);
    assert.ok(weights.every((w) => w >= 0 && w <= 1));
    assert.ok(Math.abs(weights.reduce((sum, w) => sum + w, 0) - 1) < 1e-5);
  }
  const single = model.createSession();
  for (const id of ids) single.decode(id);
  assert.deepEqual(range(L).map((layer) => range(H).map((head) => single.attentionWeights(layer, head))),
    all);
  for (const [layer, head] of [[L, 0], [0, H], [-1, 0], [0, 0.5]]) {
    throwsCode(() => session.attentionWeights(layer, head), 'position_out_of_range');
  }
  session.truncate(5);
  throwsCode(() => session.attentionWeights(0, 0), 'not_ready');
  session.useCache = false;
  session.decode(1);
  throwsCode(() => session.attentionWeights(0, 0), 'not_ready', /cache/);
});

test('the query of the last token: with the keys in the cache it makes the weights', () => {
  const session = model.createSession();
  throwsCode(() => session.attentionQuery(0, 0), 'not_ready');
  session.prefill(randomIds(40));
  for (const [layer, head] of range(L * H).map((i) => [Math.floor(i / H), i % H])) {
    const query = session.attentionQuery(layer, head);
    assert.equal(query.length, D);
    const { keys } = session.snapshot({ layer, head });
    const terms = range(40).map((j) => Math.exp(query.reduce((sum, x, d) => sum + x * keys[j * D + d], 0)
      / Math.sqrt(D)));
    const sum = terms.reduce((total, x) => total + x);
    for (const [j, weight] of session.attentionWeights(layer, head).entries()) {
      assert.ok(Math.abs(weight - terms[j] / sum) < 1e-6, `layer ${layer}, head ${head}, token ${j}`);
    }
  }
  for (const [layer, head] of [[L, 0], [0, H], [-1, 0], [0, 0.5]]) {
    throwsCode(() => session.attentionQuery(layer, head), 'position_out_of_range');
  }
  session.useCache = false;
  session.decode(1);
  throwsCode(() => session.attentionQuery(0, 0), 'not_ready', /cache/);
});

test('top: the likeliest tokens of the logits, with their log-probabilities', () => {
  const session = model.createSession();
  throwsCode(() => session.top(1), 'not_ready');
  const logits = session.prefill(randomIds(12)).slice(0, model.sampledIds);
  const max = Math.max(...logits);
  const sum = logits.reduce((total, x) => total + Math.exp(x - max), 0);
  const expected = Array.from(logits, (x, id) => ({ id, logProb: x - max - Math.log(sum) }))
    .sort((a, b) => b.logProb - a.logProb);
  for (const k of [1, 5, model.sampledIds]) {
    const top = session.top(k);
    assert.deepEqual(idsOf(top), idsOf(expected.slice(0, k)));
    for (const [i, { logProb }] of top.entries()) assert.ok(Math.abs(logProb - expected[i].logProb) < 1e-5);
  }
  for (const k of [0, -1, 1.5, model.sampledIds + 1, NaN]) {
    throwsCode(() => session.top(k), 'invalid_argument');
  }
});

// ---- counts -------------------------------------------------------------------------------------

test('counts are the closed forms, with the cache on and off', () => {
  const session = model.createSession();
  const counted = (work) => {
    session.clearCounts();
    work();
    return session.counts;
  };
  const ids = randomIds(40);
  const perRow = L * (4 * C * C + 2 * C * F);
  const inPrefill = counted(() => session.prefill(ids));
  assert.ok(inPrefill.projectionMacs > 0 && inPrefill.projectionMacs <= 40 * perRow);
  assert.equal(inPrefill.cacheBytesWritten, 40 * 2 * L * C * 4);
  const step = counted(() => session.decode(1)); // one row: every projection once, attention over 41 tokens
  assert.equal(step.projectionMacs, perRow);
  assert.equal(step.attentionMacs, 2 * L * C * 41);
  assert.ok(step.headMacs >= V * C && step.headMacs < (V + 64) * C);
  assert.equal(step.cacheBytesWritten, 2 * L * C * 4);
  assert.ok(step.cacheBytesRead >= 41 * 2 * L * C * 4);
  assert.ok(step.weightBytes > 0);
  const later = counted(() => { for (let i = 0; i < 20; i++) session.decode(i); });
  assert.equal(later.projectionMacs, 20 * perRow, 'the work of a step does not grow with the text (B27)');
  assert.equal(later.cacheBytesWritten, 20 * 2 * L * C * 4);
  session.useCache = false;
  const uncached = counted(() => session.decode(2));
  assert.ok(uncached.projectionMacs > 40 * perRow, 'without the cache the whole text runs again');
  assert.equal(uncached.headMacs, step.headMacs);
  session.clearCounts();
  assert.ok(Object.values(session.counts).every((count) => count === 0));
});

test('memory in several element types, and with tokens that are shared', () => {
  for (const [keyType, valueType] of [['f32', 'f32'], ['f16', 'f16'], ['int8', 'int8'], ['int8', 'f16']]) {
    const bytes = { f32: 4 * D, f16: 2 * D, int8: D + 4 };
    const session = model.createSession({ capacity: 50, keyType, valueType, sequences: 2 });
    const perToken = L * H * (bytes[keyType] + bytes[valueType]);
    session.prefill(randomIds(40));
    session.fork(0, 1);
    const usage = session.memoryUsage();
    assert.equal(usage.bytesPerToken, perToken);
    assert.equal(usage.cacheBytes, 2 * 64 * perToken, 'whole pages');
    assert.equal(usage.usedBytes, 40 * perToken);
    assert.equal(usage.sharedBytes, 40 * perToken);
    session.select(1);
    session.decode(1); // copies the last page
    assert.equal(session.memoryUsage().usedBytes, (40 + 9) * perToken);
    assert.equal(session.memoryUsage().sharedBytes, 32 * perToken);
    session.dispose();
  }
  for (const options of [{ keyType: 'bf16' }, { valueType: 'toString' }, { keyType: 1 }]) {
    throwsCode(() => model.createSession(options), 'invalid_argument');
  }
});

// ---- events -------------------------------------------------------------------------------------

/** Rebuilds the map of a cache from its events alone. */
class Replay {
  #shares = [];

  constructor(sequences) {
    this.rows = range(sequences).map(() => ({ length: 0, pages: [] }));
  }

  take({ type, sequence, layer, first, count, page, from, more }) {
    const row = this.rows[sequence];
    if (type === 'write') {
      assert.ok(count > 0 && Math.floor(first / PAGE) === Math.floor((first + count - 1) / PAGE),
        'within a page');
      row.pages[Math.floor(first / PAGE)] = page;
      if (layer === null) row.length = first + count;
    }
    if (type === 'evict') {
      assert.equal(first + count, row.length, 'the end is cut off: learned positions cannot move');
      row.length = first;
    }
    if (type === 'share') {
      const { pages } = this.rows[from];
      this.#shares.push(() => { this.rows[sequence] = { length: count, pages: [...pages] }; });
      if (more === 0) for (const share of this.#shares.splice(0)) share();
    }
    if (type === 'read' || type === 'reuse') assert.ok(count > 0);
  }

  get map() {
    return this.rows
      .map(({ length, pages }) => ({ length, freed: 0, pages: pages.slice(0, Math.ceil(length / PAGE)) }));
  }
}

test('events, replayed, rebuild the map of the cache after any operations', async () => {
  const random = seeded(9);
  const session = model.createSession({ sequences: 3 });
  const replay = new Replay(3);
  const kinds = new Set();
  session.onEvent = (event) => {
    kinds.add(event.type);
    replay.take(event);
  };
  for (let step = 0; step < 150; step++) {
    const what = random.below(9);
    session.select(random.below(3));
    const room = POSITIONS - session.position;
    if (what < 3 && room > 30) session.prefill(randomIds(1 + random.below(30), step));
    else if (what === 3) session.truncate(random.below(session.position + 1));
    else if (what === 4) session.fork(random.below(3), random.below(3));
    else if (what === 5) session.reorder([random.below(3), random.below(3), random.below(3)]);
    else if (what === 6) session.drop(random.below(3));
    else if (what === 7) session.sync(randomIds(1 + random.below(40), 1));
    else if (room > 20) await collect(session.generate(randomIds(20, 1), { temperature: 1, maxTokens: 4 }));
    assert.deepEqual(replay.map, session.cacheMap(), `after step ${step}, operation ${what}`);
  }
  assert.deepEqual([...kinds].sort(), ['evict', 'read', 'reuse', 'share', 'write']);
});

test('events of one token: written once in each layer, and all of the text read (B1, B2)', () => {
  const session = model.createSession();
  session.prefill(randomIds(20));
  const events = [];
  session.onEvent = (event) => events.push(event);
  session.decode(1);
  const { page } = events[0];
  assert.deepEqual(events.filter(({ type }) => type === 'write'),
    [...range(L), null].map((layer) => ({ type: 'write', sequence: 0, layer, first: 20, count: 1, page })));
  assert.deepEqual(events.filter(({ type }) => type === 'read'),
    range(L).map((layer) => ({ type: 'read', sequence: 0, layer, first: 0, count: 21 })));
  assert.equal(events.length, 2 * L + 1);
  events.length = 0;
  session.useCache = false;
  session.decode(2);
  session.score(randomIds(30));
  assert.deepEqual(events, [], 'without the cache, and when scoring, nothing happens in it');
  session.useCache = true;
  session.onEvent = null;
  session.decode(3);
  assert.deepEqual(events, []);
  assert.equal(session.onEvent, null);
});

test('a listener that throws spoils nothing', () => {
  const session = model.createSession();
  session.onEvent = () => { throw new Error('listener'); };
  assert.throws(() => session.prefill([1, 2, 3]), /listener/);
  session.onEvent = null;
  assert.equal(session.position, 3);
  const other = model.createSession();
  other.prefill([1, 2, 3]);
  assert.equal(session.logitsHash, other.logitsHash);
});

test('nor does one that throws, or looks at the memory, as a prompt replaces another', () => {
  const [session, other] = [model.createSession(), model.createSession()];
  for (const one of [session, other]) one.prefill([1, 2, 3, 4]);
  other.sync([1, 2, 5, 6]);
  session.onEvent = () => session.memoryUsage();
  assert.deepEqual(session.sync([1, 2, 5]), { reused: 2, computed: 1 });
  assert.deepEqual([session.prefillStats.tokens, session.prefillStats.reused], [3, 2]);
  session.onEvent = () => { throw new Error('listener'); };
  assert.throws(() => session.sync([1, 2, 5, 6]), /listener/);
  session.onEvent = null;
  assert.equal(session.logitsHash, other.logitsHash);
  session.truncate(1); // it is not busy
});

test('a listener costs its memory only while it listens', () => {
  const run = () => {
    const session = model.createSession();
    session.onEvent = () => {};
    session.prefill([1]);
    session.dispose();
  };
  run();
  const before = model.memoryUsage().totalBytes;
  for (let i = 0; i < 300; i++) run();
  assert.equal(model.memoryUsage().totalBytes, before);
});
