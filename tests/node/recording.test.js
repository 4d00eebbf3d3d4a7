// The recorded runs that the demo shows before anything was run: they are what the shipped models write, go
// through the steps of any run, and the reader's own takes their place.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { contrast, lastPoint } from '../../web/demo/curves.js';
import { Player } from '../../web/demo/player.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { TALES } from '../../web/demo/recorded/tales.js';
import { hasteOf, momentsOf } from '../../web/demo/recording.js';
import { initialState, isWorking, reduce } from '../../web/demo/state.js';
import { adviceWords, remarkWords, spoken, statusWords } from '../../web/demo/words.js';
import { de } from '../../web/demo/words/de.js';
import { en } from '../../web/demo/words/en.js';
import { WorkerError } from '../../web/worker/client.js';
import { pictureOf } from '../browser/picture.js';

const MOST_BYTES = 12_000; // compressed
const AGAIN = 'the model is another one: npm run record';
const moments = momentsOf(STORIES);
const events = moments.map(({ event }) => event);
const shown = { type: 'recording', recording: STORIES, haste: 2, playing: true };

for (const recording of [STORIES, TALES]) test(`what ${recording.model} writes, to the bit`, async () => {
  const { prompt, sampling, engine, ids, texts, proofs, reason, prefill } = recording;
  const model = await loadModel(`web/models/${recording.model}`);
  assert.deepEqual({ ...engine.config }, { ...model.config }, AGAIN);
  const session = model.createSession({ whenFull: 'stop' });
  const written = [];
  for await (const token of session.generate(prompt, sampling)) written.push(token);
  assert.deepEqual(written.map(({ id }) => id), ids, AGAIN);
  assert.equal(written.map(({ text }) => text).join(''), texts.join(''), AGAIN);
  assert.deepEqual([session.finishReason, session.position], [reason, prefill.tokens + ids.length]);
  assert.deepEqual([session.logitsHash, session.position], [proofs.text.on, proofs.text.tokens], AGAIN);
  session.reset();
  session.prefill(model.encode(prompt));
  assert.deepEqual([session.logitsHash, session.position], [proofs.prompt.on, proofs.prompt.tokens], AGAIN);
  assert.deepEqual([prefill.tokens, recording.memory], [session.position, { ...session.memoryUsage(),
    usedBytes: proofs.text.tokens * session.memoryUsage().bytesPerToken }], AGAIN);
  for (const { on, off, run = on, equal } of Object.values(proofs)) {
    assert.deepEqual([off, run, equal], [on, on, true]);
  }
  model.dispose();
});

test('it is small, and says where and when it was made', async () => {
  const source = await readFile('web/demo/recorded/stories.js');
  assert.ok(brotliCompressSync(source).length <= MOST_BYTES);
  assert.ok(!Number.isNaN(Date.parse(STORIES.date)));
  for (const language of ['en', 'de']) assert.match(STORIES.machine[language], /\w{3}/);
  assert.match(STORIES.browser, /^\w+ \d+$/);
});

test('replayed, it goes through the steps of any run: half without the cache, half with it', () => {
  const before = initialState('Mine');
  const begun = reduce(before, shown);
  const state = reduce(begun, { type: 'replayed', events, playing: false });
  assert.equal([...state.run.tokens].map(({ text }) => text).join(''), STORIES.texts.join(''));
  const { run, prompt } = state;
  assert.deepEqual([run.prompt, run.reason, prompt], [STORIES.prompt, 'context_full', 'Mine']);
  const uncached = [...state.run.tokens].filter(({ cached }) => !cached);
  assert.ok(uncached.length >= 400 && state.run.tokens.length - uncached.length >= 400);
  assert.ok(uncached.every(({ work, position }) => work === position + 1));
  const { atFlip, on, off, position } = contrast(state.curves);
  assert.ok(atFlip && on > 10 * off && Math.abs(position - lastPoint(state.curves, 'off').position) <= 1);
  assert.equal(state.curves.expected, STORIES.engine.config.nPositions);
  assert.deepEqual([state.proof.of, state.proof.proof.equal], ['text', true]);
  assert.equal(state.run.catchUps.at(0).tokens, uncached.length + STORIES.prefill.tokens);
  assert.equal(state.memory.usedBytes, STORIES.memory.usedBytes);
  // The demo itself has done nothing.
  assert.deepEqual([state.status, state.useCache, state.model, isWorking(state)],
    ['unloaded', before.useCache, undefined, false]);
  assert.deepEqual([begun.recorded.playing, state.recorded.playing], [true, false]);
  const step = Math.floor(events.length / 3);
  const inSteps = [events.slice(0, step), events.slice(step, 2 * step), events.slice(2 * step)]
    .reduce((now, some, i) => reduce(now, { type: 'replayed', events: some, playing: i < 2 }), begun);
  assert.deepEqual(JSON.stringify(inSteps), JSON.stringify(state));
});

test('its times are those of computing, and nobody waits long for its end', () => {
  const times = moments.map(({ at }) => at);
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
  const last = times.at(-1);
  const tokens = events.filter(({ type }) => type === 'tokens').flatMap((event) => event.tokens);
  const bursts = new Map(tokens.map(({ burst }) => [burst.first, burst.ms]));
  const computed = [...bursts.values()].reduce((sum, ms) => sum + ms, 0);
  assert.ok(last > computed && last < 1.2 * computed, `${last} ms of ${computed}`);
  assert.ok(last / hasteOf(last) <= 6000);
  assert.deepEqual([hasteOf(500), hasteOf(6000), hasteOf(6001)], [1, 1, 2]);
});

test('what the reader asks for takes its place', () => {
  const state = reduce(reduce(initialState(), shown), { type: 'replayed', events, playing: false });
  for (const event of [{ type: 'asked', comparing: false }, { type: 'loading' }]) {
    const { recorded, run, curves, proof, memory } = reduce(state, event);
    assert.deepEqual([recorded, run.prefill, memory], [undefined, undefined, undefined]);
    assert.deepEqual([run.tokens.length, run.prompt, curves.expected, proof.stage], [0, '', 0, 'none']);
    assert.equal(contrast(curves), undefined);
    assert.ok(run.number > state.run.number, 'so that the story begins anew');
  }
  assert.ok(reduce(state, { type: 'prompt', text: 'Mine' }).recorded, 'not yet');
});

/** A player whose engine does what the test says, and a clock that the test moves. */
function start(t, request) {
  let time = 0;
  t.mock.timers.enable({ apis: ['setInterval'] });
  t.mock.method(performance, 'now', () => time);
  const surroundings = { isOnline: () => true };
  const client = { request, order() {}, stop() {}, dispose() {} };
  const player = new Player({
    client, surroundings, model: () => 'http://localhost/', prompt: 'Mine', recording: STORIES,
  });
  const wait = (ms) => {
    for (const end = time + ms; time < end;) {
      time += 40;
      t.mock.timers.tick(40);
    }
  };
  return { player, wait };
}

test('the player shows all of it, replays it in time when asked, and can skip to its end', (t) => {
  const { player, wait } = start(t);
  const length = () => player.state.run.tokens.length;
  const all = STORIES.ids.length;
  assert.deepEqual([length(), player.state.recorded.playing], [all, false]);
  player.replay();
  assert.deepEqual([length(), player.state.recorded.playing], [0, true]);
  const { haste } = player.state.recorded;
  wait(1000);
  const due = moments.filter(({ at }) => at <= 1000 * haste).flatMap(({ event }) => event.type === 'tokens'
    ? event.tokens : []).length;
  assert.equal(length(), due);
  assert.ok(due > 20 && due < 500 && contrast(player.state.curves) === undefined, `${due} tokens`);
  wait(6000);
  assert.deepEqual([length(), player.state.recorded.playing], [all, false]);
  player.replay();
  wait(400);
  player.skipReplay();
  assert.deepEqual([length(), player.state.recorded.playing], [all, false]);
  const { run } = player.state;
  player.clear();
  wait(1000);
  assert.equal(player.state.run, run, 'it rests there, and is not cleared by hand');
});

test('in a hidden tab it is replayed with its own times, as they were measured in one that was seen', (t) => {
  const { player, wait } = start(t);
  const { columns, curves, run } = player.state;
  assert.equal(run.unmeasured, 0);
  player.replay();
  wait(400);
  player.setHidden(true);
  wait(8000);
  assert.ok(player.state.hidden && !player.state.recorded.playing);
  player.setHidden(false);
  assert.equal(player.state.run.unmeasured, 0);
  assert.deepEqual(contrast(player.state.curves), contrast(curves));
  for (const mode of ['on', 'off']) {
    assert.equal(player.state.columns[mode].meter.now, columns[mode].meter.now);
  }
});

test('a request ends the replay; one that fails before it has written anything brings it back', async (t) => {
  let refuse;
  const { player, wait } = start(t, () => new Promise((_, reject) => { refuse = reject; }));
  player.replay();
  wait(400);
  const asked = player.generate();
  assert.deepEqual([player.state.recorded, player.state.run.tokens.length], [undefined, 0]);
  wait(1000);
  assert.equal(player.state.run.tokens.length, 0, 'nothing of it comes any more');
  player.replay();
  assert.equal(player.state.recorded, undefined);
  await new Promise(setImmediate);
  refuse(new WorkerError('wasm_unsupported', 'No WebAssembly here.'));
  await asked;
  const { status, failure, recorded, run } = player.state;
  assert.deepEqual([status, failure.message], ['failed', 'No WebAssembly here.']);
  assert.deepEqual([recorded.playing, run.tokens.length], [false, STORIES.ids.length]);
});

test('its picture is drawn from it alone, small, with a name for those who cannot see it', async () => {
  const picture = await readFile('web/demo/recorded/stories.svg', 'utf8');
  assert.equal(picture, pictureOf(STORIES), 'npm run record -- --pictures');
  assert.ok(Buffer.byteLength(picture) <= 20_000);
  assert.match(picture, /^<svg [^>]*role="img"[^>]*>\n<title>KV cache on: [\d.]+ times as fast\./);
  assert.ok(picture.includes(en.recorded.on(STORIES.date, `${STORIES.machine.en}, ${STORIES.browser}`)));
  assert.doesNotMatch(picture, /(NaN|undefined|Infinity|https?:(?!\/\/www\.w3\.org))/);
  const { buffer } = new Uint8Array(await readFile('web/demo/recorded/stories.png'));
  const size = new DataView(buffer);
  assert.deepEqual([size.getUint32(16), size.getUint32(20)], [1200, 630]);
});

test('in words it is a recorded one, and nothing of it is spoken', () => {
  const state = reduce(reduce(initialState(), shown), { type: 'replayed', events, playing: false });
  for (const words of [en, de]) {
    assert.ok(statusWords(words, state).includes(STORIES.machine[words.lang]));
    assert.ok(statusWords(words, state).includes(words.format.day(STORIES.date)));
    assert.deepEqual(Object.values(spoken(words, state)), ['', '', '']);
  }
  assert.equal(adviceWords(en, state), en.recorded.run);
  assert.equal(remarkWords(en, state), 'A recorded run in Chromium 156, shown 2 times as fast as it was.');
});
