// The request "inspect", served without a browser: what it shows is what a session shows that stands where
// the run was given out, at any time, and asking changes neither the run nor its figures.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { samplingOf } from '../../web/session/sampling.js';
import { candidatesOf } from '../../web/worker/candidates.js';
import { Context } from '../../web/worker/context.js';
import { Desk } from '../../web/worker/desk.js';
import { generate } from '../../web/worker/requests/generate.js';
import { inspect } from '../../web/worker/requests/inspect.js';
import { Turns } from '../../web/worker/turns.js';
import { seedAfter } from '../../web/worker/drawn.js';
import { collect, idsOf, rejectsCode, seeded } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const CHANGES = { n_layer: 3, n_positions: 400, vocab_size: 257, eos_token_id: null };
const PROMPT = 'abcdefgh';
const SAMPLING = { maxTokens: 380, temperature: 1.3, repetitionPenalty: 1.2, topP: 0.95, seed: 5 };
const model = await loadModel(tinyBlobs({ changes: CHANGES }), { variant: 'simd' });
after(() => model.dispose());
const { nLayer: L, nHead: H, headDim: D } = model.config;
const range = (n) => Array.from({ length: n }, (_, i) => i);

/** The page's side of a desk, in this thread: messages are copied, and what is transferred is gone. */
class Page {
  /** Ids of all tokens that came. */
  ids = [];
  /** Arrays that the last answer handed over. */
  transferred = 0;
  #waiting = new Map();
  #port = {
    postMessage: (reply, transfer) => this.#receive(structuredClone(reply, { transfer }), transfer.length),
    onmessage: null,
  };
  #desk = new Desk(this.#port, { worker: true });

  send(message) {
    this.#port.onmessage({ data: structuredClone(message) });
  }

  request(type, fields = {}, onEvent = () => {}) {
    const id = this.#waiting.size + 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onEvent });
      this.send({ type, id, ...fields });
    });
  }

  #receive({ type, id, ...message }, transferred) {
    const { resolve, reject, onEvent } = this.#waiting.get(id);
    if (type === 'answer') {
      this.transferred = transferred;
      resolve({ ...message, told: this.ids.length });
    } else if (type === 'error') reject(Object.assign(new Error(message.message), message));
    else {
      if (type === 'tokens') this.ids.push(...idsOf(message.tokens));
      onEvent({ type, ...message });
    }
  }

  close() {
    this.#desk.close();
  }
}

/** A page whose worker has loaded the tiny model. */
async function open(t) {
  const page = new Page();
  t.after(() => page.close());
  await page.request('load', { files: Object.fromEntries(tinyBlobs({ changes: CHANGES })), variant: 'simd' });
  return page;
}

/** Keys and values of every layer and head of a session, in a row. */
function allVectors(session, count) {
  const all = { keys: [], values: [] };
  for (const layer of range(L)) {
    for (const head of range(H)) {
      const { keys, values } = session.kvCache.snapshot({ layer, head, count });
      all.keys.push(...keys);
      all.values.push(...values);
    }
  }
  return { keys: Float32Array.from(all.keys), values: Float32Array.from(all.values) };
}

const sumOf = (numbers) => numbers.reduce((sum, x) => sum + x, 0);

// ---- during a run -------------------------------------------------------------------------------

test('at any moment of a run, flipped on the way: the keys and values of what was given out', async (t) => {
  const page = await open(t);
  const whole = idsOf(await collect(model.createSession().generate(PROMPT, SAMPLING)));
  page.send({ type: 'setPace', tokensPerSecond: 400 });
  const start = model.encode(PROMPT);
  let [running, flips, missing, lastPosition] = [true, 0, 0, 0];
  const run = page.request('generate', { prompt: PROMPT, sampling: SAMPLING });
  run.finally(() => { running = false; });
  const session = model.createSession();
  const positions = new Set();
  while (running) {
    const { told, position, prompt, cache, memory, tokens, vectors } = await page.request('inspect',
      { tokens: {}, vectors: {} });
    assert.ok(position >= lastPosition, 'never back');
    lastPosition = position;
    if (position === 0) continue; // the prompt was not read yet
    positions.add(position);
    assert.ok(position <= 8 + told, 'the page has heard of all of these');
    const ids = [...start, ...page.ids].slice(0, position);
    assert.deepEqual([prompt, idsOf(tokens)], [8, ids]);
    session.sync(ids);
    assert.ok(cache.tokens <= position);
    missing = Math.max(missing, position - cache.tokens);
    assert.deepEqual({ keys: vectors.keys, values: vectors.values }, allVectors(session, cache.tokens));
    assert.equal(cache.pages.length, Math.ceil(cache.tokens / 16));
    assert.equal(new Set(cache.pages.map((page) => page.page)).size, cache.pages.length);
    assert.equal(memory.usedBytes, cache.tokens * memory.bytesPerToken);
    if (position > 60 * (flips + 1)) page.send({ type: 'setCache', on: flips++ % 2 === 1 });
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal((await run).reason, 'length');
  assert.ok(positions.size >= 50, `looked at ${positions.size} moments`);
  assert.ok(flips >= 4 && missing > 20, 'the cache was off for a while');
  assert.deepEqual(page.ids, whole, 'the run wrote what it writes');
  assert.ok((await page.request('prove')).equal);
});

/** A context with the model, in which a run can be looked into. */
function contextOf(clock) {
  const context = Object.assign(new Context(true), { origins: {}, model, msPerToken: 0.1 });
  context.tokensPerSecond = 0;
  if (clock) context.clock = clock;
  context.session = model.createSession();
  return context;
}

test('what is ahead is not shown; looks and what is measured take place one after the other', async () => {
  let [measuring, looking] = [false, 0];
  const [asked, ahead] = [[], []];
  const ask = async () => {
    const fields = { vectors: { count: 1 }, attention: { position: 3, layers: [0] } };
    const { position } = await inspect(context, fields);
    ahead.push(session.position - position);
  };
  const now = () => {
    if (measuring && asked.length < 40) asked.push(ask()); // as a message that comes in a pause of a burst
    return performance.now();
  };
  const edge = () => {
    assert.equal(looking, 0);
    measuring = true;
    return performance.now();
  };
  const read = () => {
    measuring = false;
    return performance.now();
  };
  const context = contextOf({ tick: 0.001, span: 2, now, edge, read });
  const { session } = context;
  const loaded = context.loaded.bind(context);
  context.loaded = () => { // every look begins here
    assert.ok(!measuring);
    return loaded();
  };
  const { lens } = context;
  const generateThere = lens.generate.bind(lens);
  lens.generate = (...given) => ({
    async next() {
      looking++;
      await new Promise((resolve) => setImmediate(resolve));
      await generateThere(...given).next();
      looking--;
    },
  });
  context.tokensPerSecond = 2000;
  const sampling = { ...SAMPLING, maxTokens: 120 };
  const { signal } = new AbortController();
  assert.equal((await generate(context, { prompt: PROMPT, sampling }, () => {}, signal)).reason, 'length');
  await Promise.all(asked);
  assert.equal(asked.length, 40);
  assert.ok(Math.max(...ahead) > 0, 'nothing was ahead');
});

test('a look holds up no stop, and a run that was stopped before it began is none', async () => {
  const context = contextOf();
  const job = { prompt: PROMPT, sampling: { ...SAMPLING, maxTokens: 20 } };
  await generate(context, job, () => {}, new AbortController().signal);
  let end;
  const look = context.turns.take(() => new Promise((resolve) => { end = resolve; }));
  const stop = new AbortController();
  const run = generate(context, { ...job, prompt: 'xy' }, () => {}, stop.signal);
  stop.abort();
  assert.deepEqual((({ reason, position }) => [reason, position])(await run), ['stopped', 0]);
  end();
  await look;
  assert.equal((await inspect(context, {})).position, 0);
  context.session.dispose();
});

test('turns: one after the other, in order, whatever becomes of one', async () => {
  const turns = new Turns();
  const log = [];
  const work = (name, fails) => async () => {
    log.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const stop = new AbortController();
  const all = [turns.take(work('a')), turns.take(work('b', true)), turns.take(work('c'), stop.signal),
    turns.take(work('d'), new AbortController().signal)];
  stop.abort();
  const results = await Promise.allSettled(all);
  assert.deepEqual(results.map(({ value, reason }) => value ?? reason.code ?? reason.message),
    ['a', 'b', 'aborted', 'd']);
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'd begins', 'd ends']);
  await rejectsCode(turns.take(work('e'), stop.signal), 'aborted');
});

// ---- after a run --------------------------------------------------------------------------------

/** A page with a story written, and a session that holds the same. */
async function written(t, sampling = { ...SAMPLING, maxTokens: 60 }) {
  const page = await open(t);
  page.send({ type: 'setPace', tokensPerSecond: 0 });
  const tokens = [];
  await page.request('generate', { prompt: PROMPT, sampling }, (event) => {
    if (event.type === 'tokens') tokens.push(...event.tokens);
  });
  const ids = [...model.encode(PROMPT), ...idsOf(tokens)];
  return { page, ids, tokens, session: model.createSession() };
}

test('tokens with their texts, and parts of what the cache holds, handed over without a copy', async (t) => {
  const { page, ids, tokens, session } = await written(t);
  session.prefill(ids);
  const fields = { tokens: {}, vectors: { layers: [2, 0], heads: [1], first: 17 } };
  const seen = await page.request('inspect', fields);
  assert.deepEqual(seen.tokens.slice(8), tokens.map(({ id, text, position }) => ({ id, text, position })));
  assert.equal(seen.tokens.slice(0, 8).map(({ text }) => text).join(''), PROMPT);
  assert.equal(page.transferred, 2);
  const { vectors } = seen;
  assert.deepEqual([vectors.first, vectors.count, vectors.layers, vectors.heads], [17, 51, [2, 0], [1]]);
  for (const [i, layer] of [2, 0].entries()) {
    const { keys, values } = session.snapshot({ layer, head: 1, first: 17 });
    assert.deepEqual(vectors.keys.slice(i * 51 * D, (i + 1) * 51 * D), keys);
    assert.deepEqual(vectors.values.slice(i * 51 * D, (i + 1) * 51 * D), values);
  }
  const none = await page.request('inspect', { tokens: { first: 68 }, vectors: { layers: [], first: 68 } });
  assert.deepEqual([none.tokens, none.vectors.keys.length, none.vectors.count], [[], 0, 0]);
  const two = await page.request('inspect', { tokens: { first: 9, count: 2 } });
  assert.deepEqual(idsOf(two.tokens), ids.slice(9, 11));
});

test('the cache: its types, its pages, and the factors of its bytes', async (t) => {
  const { page, ids, session } = await written(t);
  const { cache, memory } = await page.request('inspect');
  session.prefill(ids);
  const usage = session.kvCache.memoryUsage();
  assert.deepEqual([cache.keyType, cache.valueType], ['f32', 'f32']);
  assert.equal(memory.bytesPerToken, cache.layers * cache.heads * (cache.keyBytes + cache.valueBytes));
  assert.equal(memory.cacheBytes, cache.slots * memory.bytesPerToken);
  assert.deepEqual([memory.usedBytes, memory.bytesPerToken, memory.cacheBytes],
    [usage.usedBytes, usage.bytesPerToken, usage.totalBytes]);
  assert.deepEqual([cache.layers, cache.heads, cache.headDim], [L, H, D]);
  assert.deepEqual([cache.tokens, cache.pageSlots], [68, 16]);
  assert.equal(cache.pages.length, 5);
  assert.ok(cache.pages.every(({ shared }) => !shared));
});

test('caches of f16 and int8 say so, and a page that two sequences hold is shared', async () => {
  for (const [keyType, valueType] of [['f16', 'int8'], ['int8', 'f16']]) {
    const context = contextOf();
    context.session = model.createSession({ keyType, valueType, sequences: 2 });
    const job = { prompt: 'x'.repeat(40), sampling: { ...SAMPLING, maxTokens: 5 } };
    await generate(context, job, () => {}, new AbortController().signal);
    const fields = { vectors: {}, attention: { position: 44 } };
    const { cache, memory, vectors, attention } = await inspect(context, fields);
    assert.deepEqual([cache.keyType, cache.valueType], [keyType, valueType]);
    assert.equal(memory.bytesPerToken, L * H * (cache.keyBytes + cache.valueBytes));
    const { keys, values } = allVectors(context.session, 45);
    assert.deepEqual([vectors.keys, vectors.values], [keys, values]);
    assert.deepEqual(attention.weights.slice(0, 45), context.session.attentionWeights(0, 0));
    context.session.fork(0, 1);
    context.session.select(1);
    context.session.decode(3);
    context.session.select(0);
    const { pages } = (await inspect(context, {})).cache;
    assert.deepEqual(pages.map(({ shared }) => shared), [true, true, false], 'the last one was written to');
    context.session.dispose();
  }
});

test('attention of any token: rows with the sum 1, the bits of a session that ends there', async (t) => {
  const { page, ids, session } = await written(t);
  const random = seeded(3);
  for (const position of [67, 0, 1, ...range(12).map(() => random.below(68))]) {
    const { attention } = await page.request('inspect', { attention: { position } });
    session.sync(ids.slice(0, position + 1));
    assert.equal(attention.weights.length, L * H * (position + 1));
    for (const [i, layer, head] of range(L * H).map((i) => [i, Math.floor(i / H), i % H])) {
      const row = attention.weights.slice(i * (position + 1), (i + 1) * (position + 1));
      assert.deepEqual(row, session.attentionWeights(layer, head));
      assert.ok(Math.abs(sumOf(row) - 1) < 1e-5);
    }
  }
  const one = await page.request('inspect', { attention: { position: 30, layers: [1], heads: [1] } });
  session.sync(ids.slice(0, 31));
  assert.deepEqual(one.attention.weights, session.attentionWeights(1, 1));
});

test('the query of any token: the bits of a session that ends there', async (t) => {
  const { page, ids, session } = await written(t);
  for (const position of [67, 0, 30]) {
    const fields = { attention: { position }, queries: { position } };
    const { attention, queries } = await page.request('inspect', fields);
    assert.equal(page.transferred, 2);
    assert.deepEqual([queries.position, queries.layers, queries.heads], [position, range(L), range(H)]);
    session.sync(ids.slice(0, position + 1));
    for (const [i, layer, head] of range(L * H).map((i) => [i, Math.floor(i / H), i % H])) {
      assert.deepEqual(queries.queries.slice(i * D, (i + 1) * D), session.attentionQuery(layer, head));
    }
    assert.equal(attention.position, position);
  }
  const one = await page.request('inspect', { queries: { position: 9, layers: [2], heads: [1] } });
  session.sync(ids.slice(0, 10));
  assert.deepEqual(one.queries.queries, session.attentionQuery(2, 1));
});

test('all keys and values up to a token, though the run has kept none of them', async () => {
  const context = contextOf();
  context.useCache = false;
  const job = { prompt: PROMPT, sampling: { ...SAMPLING, maxTokens: 40 } };
  await generate(context, job, () => {}, new AbortController().signal);
  const held = (await inspect(context, { vectors: {} })).vectors;
  assert.equal(held.count, 0);
  const session = model.createSession();
  for (const at of [47, 9, 30]) {
    session.sync(context.run.ids.slice(0, at + 1));
    const { vectors } = await inspect(context, { vectors: { at } });
    const { keys, values } = allVectors(session, at + 1);
    assert.deepEqual([vectors.count, vectors.keys, vectors.values], [at + 1, keys, values]);
    const one = await inspect(context, { vectors: { at, layers: [1], heads: [0], first: at } });
    assert.deepEqual(one.vectors.keys, session.kvCache.snapshot({ layer: 1, head: 0, first: at }).keys);
  }
  session.dispose();
  context.session.dispose();
});

test('a run is read once: from then on, forth and back, a look at a token computes that one', async () => {
  const context = contextOf();
  const job = { prompt: PROMPT, sampling: { ...SAMPLING, maxTokens: 60 } };
  await generate(context, job, () => {}, new AbortController().signal);
  const { nEmbd: C, nInner: F } = model.config;
  const row = L * (4 * C * C + 2 * C * F);
  const rows = async (position) => {
    context.lens.clearCounts();
    await inspect(context, { attention: { position } });
    return context.lens.counts.projectionMacs / row;
  };
  assert.ok(await rows(60) > 30);
  for (const position of [61, 20, 62, 5, 4, 63, 62]) assert.equal(await rows(position), 1, `at ${position}`);
  assert.equal(await rows(63), 0, 'the last one read is still there');
});

test('without the cache nothing is held, and attention and candidates are the same', async (t) => {
  const { page } = await written(t);
  const fields = { attention: { position: 50 }, candidates: { position: 50, count: 20 } };
  const on = await page.request('inspect', fields);
  page.send({ type: 'setCache', on: false });
  const job = { prompt: PROMPT, sampling: { ...SAMPLING, maxTokens: 60 } };
  await page.request('generate', { ...job, prompt: 'other' });
  await page.request('generate', job);
  const off = await page.request('inspect', fields);
  assert.deepEqual([off.position, off.cache.tokens, off.cache.pages, off.memory.usedBytes], [68, 0, [], 0]);
  assert.deepEqual([off.attention, off.candidates], [on.attention, on.candidates]);
});

test('a fork: shared pages are stored once, its words are those of a run of its own', async (t) => {
  const { page, ids } = await written(t);
  const before = await page.request('inspect', { vectors: {} });
  for (const [position, shared] of [[1, 0], [16, 0], [17, 1], [40, 2], [68, 4]]) {
    const { fork, ...same } = await page.request('inspect', { vectors: {}, fork: { position, count: 20 } });
    const { told: _, ...seen } = same;
    assert.deepEqual(seen, (({ told, ...rest }) => rest)(before), 'the run is as it was');
    assert.deepEqual([fork.position, fork.tokens.length, fork.tokens[0].position], [position, 20, position]);
    assert.deepEqual(fork.story, [0, 1, 2, 3, 4]);
    assert.equal(fork.fork.length, Math.ceil((position + 20) / 16));
    const both = fork.fork.filter((each) => fork.story.includes(each));
    assert.deepEqual(both, range(shared), 'from the first on; the one that it writes into is copied');
    const { bytesPerToken } = before.memory;
    assert.equal(fork.usedBytes + fork.sharedBytes, (68 + position + 20) * bytesPerToken);
    assert.equal(fork.sharedBytes, 16 * shared * bytesPerToken);
    assert.equal(fork.droppedBytes, 68 * bytesPerToken);
    const own = { ...SAMPLING, maxTokens: 20, seed: seedAfter(SAMPLING.seed, 68) };
    const alone = await collect(model.createSession().generate(ids.slice(0, position), own));
    assert.deepEqual(idsOf(fork.tokens), idsOf(alone));
  }
  const { fork } = await page.request('inspect', { fork: { position: 30, count: 0 } });
  assert.deepEqual(fork.tokens, []);
});

test('the run read with caches that store less: bytes, errors and likeliest tokens', async (t) => {
  const { page, ids } = await written(t);
  const { stored } = await page.request('inspect', { stored: {} });
  const exact = model.createSession();
  for (const { type, ...seen } of stored) {
    const session = model.createSession({ keyType: type, valueType: type });
    exact.reset();
    let [error, same] = [0, 0];
    for (const id of ids) {
      const [a, b] = [exact.decode(id), session.decode(id)];
      error = Math.max(error, ...a.map((x, i) => Math.abs(x - b[i])));
      if (exact.top(1)[0].id === session.top(1)[0].id) same++;
    }
    assert.deepEqual(seen, { tokens: 68, same, error, usedBytes: session.memoryUsage().usedBytes });
    assert.ok(error > 0);
  }
  assert.deepEqual(stored.map(({ type }) => type), ['f16', 'int8', 'int4']);
  const { stored: one } = await page.request('inspect', { stored: { types: ['int8'] } });
  assert.deepEqual(one, [stored[1]]);
});

// ---- candidates ---------------------------------------------------------------------------------

test('candidates: the softmax of the logits, what filters leave, and the chosen one', async (t) => {
  const { page, ids, session } = await written(t, { maxTokens: 60, temperature: 0.8, topK: 7, seed: 3 });
  for (const position of [1, 8, 30, 67, 68]) {
    const { candidates } = await page.request('inspect', { candidates: { position, count: 12 } });
    session.sync(ids.slice(0, position));
    const top = session.top(12);
    assert.deepEqual(candidates.list.map(({ id, logProb }) => ({ id, logProb })), top);
    const logits = session.logits;
    const max = Math.max(...logits);
    const all = sumOf(logits.map((x) => Math.exp(x - max)));
    const powers = top.slice(0, 7).map(({ id }) => Math.exp((logits[id] - max) / 0.8));
    for (const [i, { id, text, logProb, probability }] of candidates.list.entries()) {
      assert.ok(Math.abs(Math.exp(logProb) - Math.exp(logits[id] - max) / all) < 1e-6);
      assert.ok(Math.abs(probability - (i < 7 ? powers[i] / sumOf(powers) : 0)) < 1e-6);
      assert.equal(text, model.decode([id]));
    }
    assert.deepEqual([candidates.chosen, candidates.inDraw], [ids[position] ?? null, 7]);
  }
  const { candidates } = await page.request('inspect', { candidates: { position: 9 } });
  assert.equal(candidates.list.length, 5);
});

/** What the sampler draws with this generator, if it draws from these. @param {bigint} state */
function drawn(candidates, ordered, state) {
  const mask = (x) => BigInt.asUintN(64, x);
  let z = mask(state + 0x9e3779b97f4a7c15n);
  z = mask((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = mask((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  let left = Number((z ^ (z >> 31n)) >> 11n) * 2 ** -53;
  const likely = candidates.filter(({ probability }) => probability > 0);
  if (!ordered) likely.sort((a, b) => a.id - b.id);
  for (const { id, probability } of likely) if ((left -= probability) < 0) return id;
  return likely.at(-1).id;
}

test('candidates of the sampler: drawing from them draws what it drew, with every filter', async () => {
  const settings = [
    { temperature: 0 }, { temperature: 0, repetitionPenalty: 1.4 }, { temperature: 1 },
    { temperature: 0.3, minP: 0.2 }, { temperature: 1, minP: 1 }, { temperature: 1.7, topK: 9 },
    { temperature: 1.2, topP: 0.6 },
    { temperature: 2, topK: 40, topP: 0.7, minP: 0.05, repetitionPenalty: 1.3 },
    { temperature: 1, repetitionPenalty: 0.7 }, { temperature: 1.5, topP: 0.9, minP: 0.1 },
  ];
  const session = model.createSession();
  for (const [i, given] of settings.entries()) {
    const seed = 100 + i;
    const options = { ...given, maxTokens: 150, seed };
    const text = idsOf(await collect(model.createSession().generate(PROMPT, options)));
    const ids = [...model.encode(PROMPT), ...text];
    const sampling = samplingOf(given, model.generation);
    const ordered = given.topK > 0 || given.topP < 1;
    for (let position = 8; position < ids.length; position++) {
      const history = ids.slice(0, position);
      session.sync(history);
      const candidates = candidatesOf(session.logits.subarray(0, model.sampledIds), history, sampling);
      assert.ok(Math.abs(sumOf(candidates.map(({ probability }) => probability)) - 1) < 1e-9);
      const what = `${JSON.stringify(given)}, at ${position}`;
      assert.equal(drawn(candidates, ordered, seedAfter(seed, position - 8)), ids[position], what);
    }
  }
});

// ---- refusals -----------------------------------------------------------------------------------

test('nonsense is refused, by name', async (t) => {
  const { page } = await written(t);
  const refused = {
    position_out_of_range: [
      { tokens: { first: 69 } }, { tokens: { first: 0, count: 69 } }, { tokens: { first: -1 } },
      { tokens: { first: 3, count: -1 } }, { tokens: { count: 2 ** 40 } }, { tokens: { first: '3' } },
      { vectors: { first: 60, count: 9 } }, { vectors: { layers: [3] } }, { vectors: { heads: [0, 2] } },
      { vectors: { at: 68 } }, { vectors: { at: -1 } }, { vectors: { at: 5, first: 7 } },
      { vectors: { layers: [0.5] } }, { vectors: { layers: [undefined] } }, { attention: {} },
      { attention: { position: 68 } }, { attention: { position: -1 } }, { attention: { position: 1.5 } },
      { attention: { position: 5, layers: [-1] } }, { attention: { position: 5, heads: ['0'] } },
      { queries: {} }, { queries: { position: 68 } }, { queries: { position: 5, layers: [3] } },
      { candidates: {} }, { candidates: { position: 0 } }, { candidates: { position: 69 } },
      { fork: {} }, { fork: { position: 0 } }, { fork: { position: 69 } },
    ],
    invalid_argument: [
      { token: {} }, { tokens: true }, { tokens: [] }, { vectors: { layer: 1 } }, { vectors: { layers: 1 } },
      { vectors: { at: 5, layer: 1 } }, { vectors: { layers: [1, 1] } },
      { attention: { position: 3, count: 2 } },
      { queries: { position: 3, count: 2 } },
      { candidates: { position: 3, count: 0 } }, { candidates: { position: 3, count: 101 } },
      { candidates: { position: 3, count: '5' } }, { fork: { position: 3, count: 257 } },
      { fork: { position: 3, seed: 1 } }, { stored: { types: ['f32'] } }, { stored: { type: 'f16' } },
    ],
  };
  for (const [code, all] of Object.entries(refused)) {
    for (const fields of all) {
      await assert.rejects(page.request('inspect', fields), { code }, JSON.stringify(fields));
    }
  }
  const { position } = await page.request('inspect', { attention: { position: 67 } });
  assert.equal(position, 68, 'and goes on');
});

test('more numbers than fit into one answer', async () => {
  const context = contextOf();
  const deep = await loadModel(tinyBlobs({ changes: { n_embd: 32, n_layer: 48, n_positions: 720 } }));
  Object.assign(context, { model: deep, session: deep.createSession() });
  const job = { prompt: 'x'.repeat(699), sampling: { maxTokens: 1, temperature: 0 } };
  await generate(context, job, () => {}, new AbortController().signal);
  await rejectsCode(inspect(context, { vectors: {} }), 'invalid_argument', /1048576/);
  const { vectors } = await inspect(context, { vectors: { layers: range(46) } });
  assert.equal(vectors.keys.length, 46 * 700 * 32);
  deep.dispose();
});

test('no model, no run, another model meanwhile, a benchmark under way', async (t) => {
  const page = new Page();
  t.after(() => page.close());
  await assert.rejects(page.request('inspect'), { code: 'not_ready' });
  const files = Object.fromEntries(tinyBlobs({ changes: CHANGES }));
  await page.request('load', { files });
  const empty = await page.request('inspect', { tokens: {}, vectors: {} });
  assert.deepEqual([empty.position, empty.tokens, empty.cache.tokens, empty.cache.pages], [0, [], 0, []]);
  for (const fields of [{ attention: { position: 0 } }, { candidates: { position: 1 } }]) {
    await assert.rejects(page.request('inspect', fields), { code: 'position_out_of_range' });
  }
  page.send({ type: 'setPace', tokensPerSecond: 0 });
  const prompt = 'y'.repeat(390);
  await page.request('generate', { prompt, sampling: { maxTokens: 1 } });
  const look = page.request('inspect', { attention: { position: 389 } });
  const load = page.request('load', { files });
  await Promise.allSettled([look]); // it had its answer before, or the model is gone: but it ends
  await load;
  const job = { contexts: [8], runs: 1, windowMs: 1, patienceMs: 0 };
  const codes = new Set();
  const { reason } = await page.request('benchmark', job, async ({ type }) => {
    codes.add(await page.request('inspect').then(() => 'answered', ({ code }) => code));
    if (type === 'measured') page.send({ type: 'stop' });
  });
  assert.deepEqual([reason, [...codes]], ['stopped', ['busy']]);
  assert.equal((await page.request('inspect')).position, 0);
});
