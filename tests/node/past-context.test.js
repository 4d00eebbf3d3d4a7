// A text that goes on past its context: what its figure says of the cache is what a cache does that is played
// through, token by token.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { multiplyAdds } from '../../web/measure/analysis.js';
import { columnsOf } from '../../web/demo/fork.js';
import { cellsOf, kindAt, mapOf, pageAt, pagesOf, stretchesOf } from '../../web/demo/map.js';
import { workIn } from '../../web/demo/race.js';
import { roomOf } from '../../web/demo/recorded.js';
import { areValid } from '../../web/demo/sampling.js';
import { canSlide, gapAt, heldTo, sparedBy } from '../../web/demo/sliding.js';
import { initialState, reduce } from '../../web/demo/state.js';
import { factsOf } from '../../web/demo/strips.js';
import { countsOf, deedOn, newestOf, reachIn, sightOf, taleOf } from '../../web/demo/text.js';
import { seedAfter } from '../../web/worker/drawn.js';
import { DeskClient } from './desk-client.js';
import { LOADED, MEMORY } from './fake-client.js';
import { byteFiles } from './helpers.js';

const PAGE = 16;
const [SLOTS, SINKS] = [64, 16];
const SLIDE = { slots: SLOTS, sinks: SINKS };
const CONFIG = { ...LOADED.config, nLayer: 3, nHead: 4, nKvHead: 2, headDim: 4, nEmbd: 16, rotary: {} };

/** The tokens that each token of a text sees, itself the last: pages go when one would not fit. */
function seenBy(length) {
  let held = [];
  return Array.from({ length }, (_, token) => {
    if (held.length === SLOTS) held = [...held.slice(0, SINKS), ...held.slice(SINKS + PAGE)];
    held = [...held, token];
    return held;
  });
}

/** After a run: tokens with the cache on, off, and on again. */
function after({ on, off = 0, again = 0 }, prompt = 5) {
  const seen = seenBy(prompt + on + off + again);
  const memory = (length) => (
    { ...MEMORY, slots: SLOTS, bytesPerToken: 10, usedBytes: 10 * seen[length - 1].length });
  const events = [
    { type: 'loaded', ...LOADED, config: CONFIG, room: SLOTS, sinks: SINKS, memory: memory(1) },
    { type: 'begun' },
    { type: 'prefilled', tokens: prompt, reused: 0, cached: true, ms: 1, passes: 1, error: 0 },
  ];
  for (let i = 0; i < on + off + again; i++) {
    const cached = i < on || i >= on + off;
    const position = prompt + i;
    if (i === on + off && off > 0) events.push({ type: 'resumed', cached: true, missing: off, ms: 1 });
    const token = { id: i, text: 'a', position, cached, work: cached ? 1 : position + 1 };
    events.push({ type: 'tokens', tokens: [token], memory: memory(cached ? position + 1 : prompt + on) });
  }
  return { state: events.reduce(reduce, initialState('a')), seen: seen.at(-1) };
}

test('what has gone is a function of the length alone', () => {
  const seen = seenBy(200);
  for (const [token, held] of seen.entries()) {
    const { first, end } = gapAt(token + 1, SLIDE);
    const all = Array.from({ length: token + 1 }, (_, position) => position);
    assert.deepEqual(all.filter((position) => position < first || position >= end), held);
  }
  assert.deepEqual(gapAt(200), { first: 0, end: 0 }, 'of others nothing');
});

test('its work is that of what each query sees', () => {
  const seen = seenBy(150);
  const { nLayer, nHead, headDim } = CONFIG;
  for (const [first, end] of [[0, 40], [0, 64], [0, 65], [63, 66], [0, 150], [149, 150], [100, 131]]) {
    const unseen = seen.slice(first, end).map((held, i) => first + i + 1 - held.length);
    const pairs = (nLayer - 1) * unseen.reduce((sum, n) => sum + n) + unseen.at(-1);
    assert.equal(sparedBy(CONFIG, first, end, SLIDE), 2 * pairs * nHead * headDim, `${first} to ${end}`);
  }
  assert.equal(sparedBy(CONFIG, 0, 150), 0);
  const { state: { run } } = after({ on: 100 });
  const whole = multiplyAdds(CONFIG, 0, 5).total
    + Array.from({ length: 100 }, (_, i) => multiplyAdds(CONFIG, 5 + i, 6 + i).total).reduce((a, b) => a + b);
  const spared = Array.from({ length: 100 }, (_, i) => sparedBy(CONFIG, 5 + i, 6 + i, SLIDE));
  assert.equal(workIn(CONFIG, run, undefined, SLIDE).multiplyAdds, whole - spared.reduce((a, b) => a + b));
});

test('map and text say what is there, what has gone and what was read', () => {
  for (const [on, off = 0, again = 0] of [[30], [59], [60], [140], [100, 20], [90, 7, 30]]) {
    const { state, seen } = after({ on, off, again });
    const said = `${on}, ${off}, ${again}`;
    const total = 5 + on + off + again;
    const isOff = again === 0 && off > 0;
    const map = mapOf(state);
    const end = isOff ? 5 + on : total;
    const held = seenBy(end).at(-1);
    assert.deepEqual([heldTo(state), map.tokens, map.held, map.text], [end, end, held.length, total], said);
    assert.equal(cellsOf(map), held.length * 3 * 2);
    assert.equal(pagesOf(map).used, Math.ceil(held.length / PAGE));
    const pages = [...new Set(held.map((token) => Math.floor(token / PAGE)))];
    assert.deepEqual(pages.map((_, i) => pageAt(map, i)), pages, said);
    const isPast = seen.length < total;
    assert.deepEqual(factsOf(state, total, 1), {
      step: total - 5, rows: isOff ? total : seen.length, met: seen.length, sinks: isPast ? SINKS : 0,
    }, said);
    const there = ['read', 'kept', 'written'];
    const positions = Array.from({ length: total }, (_, position) => position);
    for (const layer of [0, 2]) {
      const found = positions.filter((position) => there.includes(kindAt(map, { layer, position })));
      assert.deepEqual(found, held, said);
      assert.equal(stretchesOf(map, layer).at(-1).end >= total, true);
    }
    const newest = newestOf(state.run, reachIn(state));
    const counts = countsOf(newest);
    assert.equal(Object.values(counts).reduce((sum, n) => sum + n), total, said);
    for (const deed of Object.keys(counts)) {
      const found = positions.filter((position) => deedOn(newest, position) === deed);
      assert.equal(found.length, counts[deed], said);
    }
    const isRead = (position) => deedOn(newest, position) !== 'past';
    if (!isOff) assert.deepEqual(positions.filter(isRead), seen, said);
    const place = { layer: 1, head: 0 };
    for (const position of [0, 20, total - 1]) {
      const shown = sightOf({ ...state, status: 'finished' }, { ...place, position }, true);
      const none = position >= end ? 'unkept' : held.includes(position) ? undefined : 'freed';
      assert.equal(shown.none, none, `${said}: ${position}`);
    }
  }
  const { state } = after({ on: 140 });
  const reads = seenBy(145).slice(5).filter((held) => held.includes(20) && held.at(-1) !== 20).length;
  assert.deepEqual(taleOf(state.run, 20, undefined, reachIn(state)),
    { run: 1, position: 20, steps: 141, computed: 1, read: reads });
});

test('there is no end to its text, and more than the context is written if nothing else is said', () => {
  const { state } = after({ on: 10 });
  assert.equal(roomOf(state), Infinity);
  assert.deepEqual([state.sampling.values.maxTokens, state.sampling.endless], [2 * SLOTS, true]);
  assert.ok(areValid(reduce(state, { type: 'setting', key: 'maxTokens', value: 5000 }).sampling));
  const asked = reduce(initialState('a', 'tales'), { type: 'model', whenFull: 'slide' });
  const many = (state) => reduce(state, { type: 'setting', key: 'maxTokens', value: 1500 });
  assert.ok(areValid(many(asked).sampling), 'before it is loaded, too');
  const not = reduce(many(asked), { type: 'model', whenFull: 'stop' });
  assert.deepEqual([not.sampling.values.maxTokens, areValid(not.sampling)], [1024, true]);
  const stories = reduce(initialState('a', 'stories'), { type: 'model', whenFull: 'slide' });
  assert.ok(!areValid(many(stories).sampling), 'it cannot');
  const of = (config) => canSlide({ model: { config } });
  assert.deepEqual([of(CONFIG), of(LOADED.config), of({ ...CONFIG, window: {} })], [true, false, false]);
  assert.deepEqual([canSlide({ shipped: 'tales' }), canSlide({ shipped: 'stories' })], [true, false]);
});

// ---- in the worker --------------------------------------------------------------------------------

const PROMPT = '!!!! ####';
const WRITTEN = 150;

/**
 * A fork before pages went, between two of them, and at the end: its words are those of a session of its own,
 * and the pages that both hold are those that neither has let go of.
 */
async function forksAsAlone(client, model, sampling, { tokens, position: end }) {
  const ids = [...model.encode(PROMPT), ...[...tokens].map(({ id }) => id)];
  const pagesAt = (length) => [...new Set(seenBy(length).at(-1).map((token) => Math.floor(token / PAGE)))];
  for (const position of [20, 100, end - 20, end]) {
    const { fork } = await client.request('inspect', { fork: { position, count: 30 } });
    const alone = model.createSession({ whenFull: 'slide', capacity: SLOTS });
    const own = [];
    const options = { ...sampling, maxTokens: 30, seed: seedAfter(sampling.seed, end) };
    for await (const { id } of alone.generate(ids.slice(0, position), options)) own.push(id);
    alone.dispose();
    assert.deepEqual(fork.tokens.map(({ id }) => id), own, `after ${position}`);
    const [story, other] = [pagesAt(end), pagesAt(position + own.length)];
    const whole = (page) => (page + 1) * PAGE <= position; // and never written again
    const both = story.filter((page) => other.includes(page) && whole(page)).length;
    const columns = columnsOf(fork);
    assert.deepEqual(columns.filter(({ held }) => held === 'both').length, both, `after ${position}`);
    assert.equal(columns.length, new Set([...story, ...other]).size);
    assert.equal(columns.filter((column) => column.story !== undefined).length, story.length);
    assert.equal(fork.sharedBytes, both * PAGE * fork.droppedBytes / seenBy(end).at(-1).length);
  }
}

test('a run past its context: one text however it is switched, equal proofs, looks in place', async (t) => {
  const files = byteFiles('llama-f32');
  const client = new DeskClient();
  t.after(() => client.dispose());
  const loaded = await client.request('load', { files, variant: 'simd', whenFull: 'slide', capacity: 70 });
  assert.deepEqual([loaded.room, loaded.sinks], [SLOTS, SINKS]);
  client.order('setPace', { tokensPerSecond: 0 });
  const sampling = { maxTokens: WRITTEN, temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1, seed: 3 };
  const blobs = Object.entries(files).map(([name, file]) => [name, new Blob([file])]);
  const model = await loadModel(new Map(blobs), { variant: 'simd' });
  t.after(() => model.dispose());
  const session = model.createSession({ whenFull: 'slide', capacity: SLOTS });
  const straight = [];
  for await (const { id } of session.generate(PROMPT, sampling)) straight.push(id);
  /** A run in the worker, and the state of its figure; flips: after so many tokens. */
  const run = async (flips, more = {}) => {
    client.order('setCache', { on: true });
    let state = reduce(reduce(initialState(PROMPT), { ...loaded, type: 'loaded' }), { type: 'begun' });
    let at = 0;
    const answer = await client.request('generate', { prompt: PROMPT, sampling, ...more }, (event) => {
      state = reduce(state, event);
      if (at === flips.length || state.run.tokens.length < flips[at]) return;
      client.order('setCache', { on: ++at % 2 === 0 });
    });
    return { ...answer, state: reduce(state, { ...answer, type: 'run ended' }) };
  };
  for (const flips of [[], [20, 100], [70, 90, 110]]) {
    const { state, hash } = await run(flips);
    assert.deepEqual([...state.run.tokens].map(({ id }) => id), straight, `${flips}`);
    assert.equal(hash, session.logitsHash, `${flips}`);
    const proof = await client.request('prove');
    assert.ok(proof.equal && proof.on === hash, `${flips}`);
    if (flips.length % 2 === 0) assert.equal(heldTo(state), state.run.position, `${flips}`);
  }
  client.order('setCache', { on: true });
  const { state } = await run([]);
  const { position } = state.run;
  const { tokens: held } = session.held;
  const there = new Set(held);
  const map = mapOf(state);
  const kinds = ['read', 'written'];
  assert.deepEqual(Array.from({ length: position }, (_, at) => at).filter((at) => (
    kinds.includes(kindAt(map, { layer: 1, position: at })))), held);
  const last = position - 1;
  const seen = await client.request('inspect', {
    attention: { position: last, layers: [1], heads: [4] }, vectors: { layers: [1], heads: [1] }, stored: {},
  });
  const { headDim } = model.config;
  const own = session.attentionWeights(1, 4);
  const { keys } = session.snapshot({ layer: 1, head: 1 });
  for (let at = 0; at < position; at++) {
    const slot = held.indexOf(at);
    assert.equal(seen.attention.weights[at], slot < 0 ? 0 : own[slot], `weight ${at}`);
    assert.equal(Object.is(seen.vectors.keys[at * headDim], slot < 0 ? NaN : keys[slot * headDim]), true);
    assert.equal(there.has(at), slot >= 0);
  }
  assert.ok(seen.stored.every(({ tokens }) => tokens === position));
  assert.deepEqual(seen.cache.pages.length, Math.ceil(held.length / PAGE));
  const back = await client.request('inspect', { attention: { position: 100, layers: [0], heads: [0] } });
  assert.ok(Math.abs(back.attention.weights.reduce((sum, x) => sum + x) - 1) < 1e-5);
  const again = await run([], { written: straight.slice(0, 30) });
  assert.deepEqual([...again.state.run.tokens].slice(-5).map(({ id }) => id), straight.slice(-5));
  await forksAsAlone(client, model, sampling, again.state.run);
  const used = state.memory.usedBytes / state.memory.bytesPerToken;
  assert.equal(used, held.length, 'memory stands still');
});

test('a prompt that crosses the room is read, however short one reading is', async (t) => {
  const client = new DeskClient();
  t.after(() => client.dispose());
  const files = byteFiles('llama-f32');
  await client.request('load', { files, variant: 'simd', whenFull: 'slide', capacity: SLOTS });
  const sampling = { maxTokens: 4, temperature: 0 };
  const run = (length) => client.request('generate', { prompt: '!#'.repeat(length / 2), sampling });
  for (const lengths of [[20, SLOTS + 40], [60, 70, 80], [SLOTS, SLOTS + 2]]) {
    for (const length of lengths) assert.equal((await run(length)).position, length + 4, `${lengths}`);
    assert.ok((await client.request('prove')).equal, `${lengths}`);
  }
});
