// A text that has gone on past its context, gone back in: the cache lets go of what it holds, and reads again
// what it needs; step, map and text say what it holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { kindAt, mapOf, stretchesOf } from '../../web/demo/map.js';
import { initialState, reduce } from '../../web/demo/state.js';
import { placesOf } from '../../web/demo/step.js';
import { countsOf, deedOn, newestOf, reachIn } from '../../web/demo/text.js';
import { DeskClient } from './desk-client.js';
import { byteFiles } from './helpers.js';

const SLOTS = 64;
const PROMPT = '!!!! ####';
const WRITTEN = 150;
const SAMPLING = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1, seed: 3 };

/** What step, map and text say, against the tokens that a session of its own holds after so many. */
function checkPlaces(state, ids, session) {
  const { position } = state.run;
  const positions = Array.from({ length: position }, (_, at) => at);
  session.sync(ids.slice(0, position));
  const { tokens: held } = session.held;
  const { spans, held: count } = placesOf(state);
  const lie = (list) => positions.filter((at) => list.some(({ first, end }) => at >= first && at < end));
  assert.deepEqual([count, lie(spans)], [held.length, held]);
  const map = mapOf(state);
  assert.deepEqual(positions.filter((at) => ['read', 'written'].includes(
    kindAt(map, { layer: 1, position: at }))), held);
  const ends = stretchesOf(map, 1).map(({ first, end }) => [first, end]);
  assert.ok(ends.every(([first], i) => first === (ends[i - 1]?.[1] ?? 0)), `${ends}: one after the other`);
  const newest = newestOf(state.run, reachIn(state));
  for (const [deed, n] of Object.entries(countsOf(newest))) {
    assert.equal(positions.filter((at) => deedOn(newest, at) === deed).length, n, deed);
  }
}

/** A run in the worker that goes back and on; state: of its figure. */
async function started(t, files, options, maxTokens) {
  const client = new DeskClient();
  t.after(() => client.dispose());
  const loaded = await client.request('load', { files, variant: 'simd', ...options });
  client.order('setPace', { tokensPerSecond: 0 });
  client.order('setCache', { on: true });
  const sampling = { ...SAMPLING, maxTokens, minTokens: maxTokens };
  const events = [{ ...loaded, type: 'loaded' }, { type: 'begun' }];
  const figure = { state: events.reduce(reduce, initialState(PROMPT)) };
  figure.go = async (more) => {
    const answer = await client.request('generate', { prompt: PROMPT, sampling, ...more }, (event) => {
      figure.state = reduce(figure.state, event);
    });
    figure.state = reduce(figure.state, { ...answer, type: 'run ended' });
  };
  await figure.go();
  return { figure, written: [...figure.state.run.tokens].map(({ id }) => id) };
}

test('back past the context and on: what is read again, what is let go of, and where it lay', async (t) => {
  const files = byteFiles('llama-f32');
  const options = { whenFull: 'slide', capacity: SLOTS };
  const { figure, written } = await started(t, files, options, WRITTEN);
  const blobs = Object.entries(files).map(([name, file]) => [name, new Blob([file])]);
  const model = await loadModel(new Map(blobs), { variant: 'simd' });
  t.after(() => model.dispose());
  const session = model.createSession(options);
  const ids = [...model.encode(PROMPT), ...written];
  checkPlaces(figure.state, ids, session);
  const { bytesPerToken } = figure.state.memory;
  // As far as to the same page, the tokens that are needed are there; further, all are read again.
  for (const [to, stay] of [[WRITTEN - 4, 59], [WRITTEN - 20, 0], [60, 0]]) {
    const before = placesOf(figure.state);
    await figure.go({ written: written.slice(0, to), more: 0 });
    const { cut } = figure.state.run.stories;
    const gone = before.held - stay;
    assert.deepEqual([cut.dropped, cut.droppedBytes], [gone, gone * bytesPerToken]);
    const { held, dropped } = placesOf(figure.state);
    assert.equal(held, stay);
    assert.deepEqual(dropped, stay > 0 ? [{ first: ids.length - 4, end: ids.length }] : before.spans);
    await figure.go({ written: written.slice(0, to), more: 1 });
    checkPlaces(figure.state, ids, session);
  }
});

test('with windows, the bytes are those that are there', async (t) => {
  for (const name of ['mistral-bf16', 'gemma3-f32']) {
    const { figure, written } = await started(t, byteFiles(name), {}, 100);
    const before = figure.state.memory;
    assert.ok(before.freedBytes > 0, name);
    assert.equal(placesOf(figure.state).bytes, before.usedBytes, name);
    for (const to of [90, 20]) { // the second time the windows have let go of what is needed
      const { usedBytes } = figure.state.memory;
      await figure.go({ written: written.slice(0, to), more: 0 });
      const { state: { memory, run: { stories: { cut } } } } = figure;
      assert.equal(cut.droppedBytes, usedBytes - memory.usedBytes, `${name}, ${to}`);
      assert.equal(placesOf(figure.state).bytes, memory.usedBytes, name);
      assert.equal(cut.dropped, to === 90 ? 10 : cut.taken, `${name}, ${to}`);
    }
  }
});
