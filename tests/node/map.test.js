// The cache map: what is drawn is what the engine's own cache holds, at any moment of a run.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  billsOf, cellsOf, columnsFor, hasCell, kindAt, mapOf, movedBy, ownBill, pagesOf, stretchesOf,
  stretchesOfAll, unreadOf,
} from '../../web/demo/map.js';
import { momentsOf } from '../../web/demo/recording.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { initialState, reduce } from '../../web/demo/state.js';
import { MAP } from '../../web/demo/words/map.js';
import { Desk } from '../../web/worker/desk.js';
import { tinyBlobs } from './tiny-model.js';

const CHANGES = { n_layer: 3, n_positions: 400, vocab_size: 257, eos_token_id: null };

/** A desk in this thread, and the state of a demo that hears of all that it says. */
async function demo(t) {
  const waiting = new Map();
  let state = initialState();
  const emit = (event) => { state = reduce(state, event); };
  const port = {
    onmessage: null,
    postMessage(reply) {
      const { type, id, ...rest } = structuredClone(reply);
      const { resolve, reject } = waiting.get(id);
      if (type === 'answer') resolve(rest);
      else if (type === 'error') reject(new Error(rest.message));
      else emit({ type, ...rest });
    },
  };
  const desk = new Desk(port, { worker: true });
  t.after(() => desk.close());
  const send = (data) => port.onmessage({ data });
  const request = (type, fields = {}) => new Promise((resolve, reject) => {
    const id = waiting.size + 1;
    waiting.set(id, { resolve, reject });
    send({ type, id, ...fields });
  });
  const files = Object.fromEntries(tinyBlobs({ changes: CHANGES }));
  emit({ ...await request('load', { files, variant: 'simd' }), type: 'loaded' });
  return { emit, send, request, get state() { return state; } };
}

test('at 50 moments of a run, flipped on the way: the tokens, pages and bytes of the engine', async (t) => {
  const demonstration = await demo(t);
  const { emit, send, request } = demonstration;
  emit({ type: 'asked', comparing: false });
  emit({ type: 'begun' });
  send({ type: 'setPace', tokensPerSecond: 400 });
  let [running, cacheOn, flips, left, both] = [true, true, 0, 0, 0];
  const sampling = { maxTokens: 380, temperature: 1.3, seed: 5 };
  const run = request('generate', { prompt: 'abcdefgh', sampling }).finally(() => { running = false; });
  const seen = new Set();
  while (running) {
    const { cache, memory, position } = await request('inspect');
    const map = mapOf(demonstration.state);
    const isHeard = demonstration.state.run.mode === (cacheOn ? 'on' : 'off'); // the last flip
    if (isHeard && map.text === position && position > 8) { // no token came in between
      seen.add(position);
      assert.equal(map.tokens, cache.tokens);
      assert.deepEqual([map.layers, map.heads, map.headDim], [cache.layers, cache.heads, cache.headDim]);
      assert.equal(map.slots, cache.slots);
      assert.equal(pagesOf(map).used, cache.pages.length);
      assert.equal(ownBill(map).bytes, memory.usedBytes);
      assert.equal(ownBill(map).full, memory.cacheBytes);
      const here = map.reading ? 'written' : 'kept'; // with the cache off: computed ahead, before the flip
      const kind = cache.tokens === position ? here : 'missing';
      assert.equal(kindAt(map, { layer: 0, position: position - 1 }), kind);
      if (cache.tokens < position && cache.tokens > 0) left++;
      if (cache.tokens === position) both++;
    }
    if (position > 60 * (flips + 1)) {
      cacheOn = flips++ % 2 === 1;
      send({ type: 'setCache', on: cacheOn });
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  await run;
  assert.ok(seen.size >= 50 && left > 10 && both > 10, `${seen.size} moments, ${left} off, ${both} on`);
});

/** A map of a state after so many tokens, of which the last `off` came with the cache off. */
function after({
  prompt = 3, on = 0, off = 0, reused = 0, caughtUp = 0, held = prompt + on, window, freed = 0,
}) {
  const config = { window, nLayer: 3, nKvHead: 4, headDim: 44, nPositions: 1024 };
  const memory = { bytesPerToken: 4224, cacheBytes: 1024 * 4224, slots: 1024, totalBytes: 7e6, sharedBytes: 0,
    freedBytes: freed * 4224 / 3 };
  const events = [
    { type: 'loaded', config, generation: {}, variant: 'simd', room: config.nPositions, tick: 1, worker: true,
      memory: { ...memory, usedBytes: 0 } },
    { type: 'asked', comparing: false }, { type: 'begun' },
    { type: 'prefilled', tokens: prompt, reused, cached: on > 0 || off === 0, ms: 1, passes: 1, error: 0 },
  ];
  const token = (position, cached) => (
    { id: 1, text: 'a', position, cached, work: cached ? 1 : position + 1 });
  const written = Array.from({ length: on }, (_, i) => token(prompt + i, true))
    .concat(Array.from({ length: off }, (_, i) => token(prompt + on + i, false)));
  const tell = (tokens, tokensHeld) => (
    { type: 'tokens', tokens, memory: { ...memory, usedBytes: 4224 * tokensHeld - memory.freedBytes } });
  if (written.length > 0) events.push(tell(written, held));
  if (caughtUp > 0) {
    events.push({ type: 'resumed', cached: true, missing: caughtUp, ms: 1 });
    const position = prompt + on + off;
    events.push(tell([token(position, true)], position + 1));
  }
  return mapOf(events.reduce(reduce, initialState()));
}

const kinds = (map, layer = 0) => (
  stretchesOf(map, layer).map(({ kind, first, end }) => `${kind} ${first}-${end}`));

test('kinds of places, in order', () => {
  assert.deepEqual(kinds(mapOf(initialState())), ['free 0-48']);
  assert.deepEqual(kinds(after({ on: 10 })), ['read 0-12', 'written 12-13', 'free 13-48']);
  assert.deepEqual(kinds(after({ off: 10, held: 0 })), ['missing 0-13', 'free 13-48']);
  assert.deepEqual(kinds(after({ on: 10, off: 5 })), ['kept 0-13', 'missing 13-18', 'free 18-48']);
  assert.deepEqual(kinds(after({ on: 10, off: 5, caughtUp: 5 })),
    ['read 0-13', 'written 13-19', 'free 19-48'], 'what it had missed is written in one step');
  assert.equal(kindAt(after({ on: 10 }), { layer: 0, position: 99 }), 'free');
});

test('a layer with a window reads the last of them alone', () => {
  const window = { size: 5, layers: [1] };
  const map = after({ on: 10, window });
  assert.deepEqual(kinds(map, 0), ['read 0-12', 'written 12-13', 'free 13-48']);
  assert.deepEqual(kinds(map, 1), ['kept 0-8', 'read 8-12', 'written 12-13', 'free 13-48']);
  assert.deepEqual(unreadOf(map), { layers: 1, tokens: 8, freed: 0 });
  assert.deepEqual(unreadOf(after({ on: 1, window })), { layers: 1, tokens: 0, freed: 0 }, 'all are within');
  assert.deepEqual(unreadOf(after({ on: 10 })), { layers: 0, tokens: 0, freed: 0 });
  assert.deepEqual(stretchesOfAll(map).map(({ kind, first, end, layers }) => [kind, first, end, layers]), [
    ['kept', 0, 8, 1], ['read', 0, 12, 2], ['read', 8, 12, 1], ['written', 12, 13, 3], ['free', 13, 48, 3],
  ]);
  const caught = after({ on: 10, off: 5, caughtUp: 5, window }); // its first row sees furthest back
  assert.deepEqual(kinds(caught, 1), ['kept 0-9', 'read 9-13', 'written 13-19', 'free 19-48']);
  assert.match(MAP.en.on(13, 156, 1, unreadOf(map)),
    /read all of them, but for the first 8 tokens in 1 layer with a window, and wrote one column\.$/);
});

test('what a layer with a window has given back is neither kept nor read', () => {
  const window = { size: 5, layers: [1] };
  const map = after({ on: 50, window, freed: 32 });
  assert.equal(map.tokens, 53, 'the other layers hold all of them');
  assert.deepEqual(kinds(map, 0), ['read 0-52', 'written 52-53', 'free 53-96']);
  assert.deepEqual(kinds(map, 1), ['freed 0-32', 'kept 32-48', 'read 48-52', 'written 52-53', 'free 53-96']);
  assert.equal(kindAt(map, { layer: 1, position: 31 }), 'freed');
  assert.equal(cellsOf(map), 4 * (3 * 53 - 32));
  assert.deepEqual(unreadOf(map), { layers: 1, tokens: 48, freed: 32 });
  const off = after({ on: 50, off: 2, window, freed: 32 });
  assert.deepEqual(kinds(off, 1), ['freed 0-32', 'kept 32-53', 'missing 53-55', 'free 55-96']);
  assert.equal(ownBill(map).bytes, 4224 * 53 - 32 * 4224 / 3);
  assert.match(MAP.en.on(53, 508, 4, unreadOf(map)),
    /wrote one column\. Of the first 32 tokens these layers have given the pages back/);
});

test('another model may have fewer layers or heads', () => {
  const map = after({ on: 10 });
  const at = (layer, head) => hasCell(map, { layer, head, position: 0 });
  assert.deepEqual([at(2, 3), at(3, 0), at(0, 4)], [true, false, false]);
});

test('it zooms out when it is full, never beyond what there is, and never grows', () => {
  assert.deepEqual([0, 48, 49, 96, 97, 385, 769, 1024].map((tokens) => columnsFor(tokens, 1024)),
    [48, 48, 96, 96, 192, 768, 1024, 1024]);
  assert.equal(columnsFor(60, 64), 64);
  assert.equal(columnsFor(5, 32), 48);
});

test('keys move the cell by one, by a page, to both ends; not beyond', () => {
  const map = after({ on: 37 }); // 40 tokens
  const cell = { layer: 1, head: 3, position: 20 };
  const to = (key) => Object.values(movedBy(cell, key, map));
  const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End'];
  assert.deepEqual(keys.map(to), [
    [1, 3, 19], [1, 3, 21], [1, 2, 20], [2, 0, 20], [1, 3, 4], [1, 3, 36], [1, 3, 0], [1, 3, 39]]);
  const [first, last] = [{ layer: 0, head: 0, position: 0 }, { layer: 2, head: 3, position: 39 }];
  for (const key of ['ArrowUp', 'ArrowLeft', 'PageUp']) assert.deepEqual(movedBy(first, key, map), first);
  for (const key of ['ArrowDown', 'ArrowRight', 'PageDown']) assert.deepEqual(movedBy(last, key, map), last);
  assert.equal(movedBy(cell, 'a', map), undefined);
  assert.equal(movedBy(cell, 'ArrowLeft', mapOf(initialState())), undefined);
});

test('bytes by type; what narrower ones cost is what the project has measured', async () => {
  const bills = billsOf(after({ on: 97 }));
  assert.deepEqual(bills.map(({ type, perToken, bytes, full }) => [type, perToken, bytes, full]),
    [['f32', 4224, 422400, 4325376], ['f16', 2112, 211200, 2162688], ['int8', 1152, 115200, 1179648],
      ['int4', 672, 67200, 688128]]);
  const results = await readFile(new URL('../bench/RESULTS.md', import.meta.url), 'utf8');
  for (const { type, perToken, cost } of bills.slice(1)) {
    const row = new RegExp(`^\\| ${type} \\| ${type} \\| (.*) \\|$`, 'm').exec(results)[1];
    const [bytes, error, , , same] = row.split(' | ');
    assert.equal(Number(bytes.replace(',', '')), perToken);
    assert.equal(Number(error), cost.error);
    assert.equal(parseFloat(same) / 100, cost.same);
  }
});

test('the recorded run fills it, from the bytes that its engine has counted', () => {
  const shown = { type: 'recording', recording: STORIES, haste: 1, playing: false };
  let state = reduce(initialState(), shown);
  const maps = momentsOf(STORIES).map(({ event }) => {
    state = reduce(state, { type: 'replayed', events: [event], playing: true });
    return mapOf(state);
  });
  assert.ok(maps.some(({ tokens, text }) => tokens === 0 && text > 300), 'off: nothing is kept');
  const last = maps.at(-1);
  assert.deepEqual([last.tokens, last.columns, last.reading], [last.text, 1024, true]);
});
