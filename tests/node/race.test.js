// The race of both ways: its state, and the player with two engines that do what the test says.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { weighModel } from 'kvcache-wasm';
import { contrast, lastPoint } from '../../web/demo/curves.js';
import { payoffOf } from '../../web/demo/payoff.js';
import { Player } from '../../web/demo/player.js';
import { finishOf, rivalBytes, workIn, workOf } from '../../web/demo/race.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { momentsOf } from '../../web/demo/recording.js';
import { initialState, isComparing, reduce } from '../../web/demo/state.js';
import {
  adviceWords, failureText, payoffWords, remarkWords, spoken, statusWords,
} from '../../web/demo/words.js';
import { en } from '../../web/demo/words/en.js';
import { multiplyAdds } from '../../web/measure/analysis.js';
import { analyzeSpeedup } from '../../web/measure/tables.js';
import { EngineClient } from '../../web/worker/client.js';
import { FakeClient, IDS, LOADED, MEMORY, PROOF, settled } from './fake-client.js';

const EVENTS = new URL('../fixtures/events/race.json', import.meta.url);
const events = JSON.parse(await readFile(EVENTS, 'utf8'));
const replay = (some, state = initialState('Once upon a time')) => some.reduce(reduce, state);
const isLane = (mode, type) => (event) => (
  event.type === 'lane' && event.mode === mode && event.event.type === type);
const FINISHED = { reason: 'length', position: 22, memory: MEMORY };

// ---- the state ----------------------------------------------------------------------------------

test('two lanes of one story: the same tokens, each in its mode, both lines in one chart', () => {
  const state = replay(events);
  const { on, off } = state.race.lanes;
  assert.deepEqual([...on.run.tokens].map(({ id }) => id), [...off.run.tokens].map(({ id }) => id));
  assert.deepEqual([on.run.tokens.length, state.race.same, state.race.parting], [20, 20, undefined]);
  for (const [mode, { run }] of Object.entries({ on, off })) {
    assert.deepEqual([run.mode, run.prefill.cached, run.reason], [mode, mode === 'on', 'length']);
    assert.ok([...run.tokens].every(({ cached }) => cached === (mode === 'on')));
    assert.equal(lastPoint(state.curves, mode).position, 24);
    assert.equal(state.columns[mode].meter.count, 20);
  }
  assert.ok(contrast(state.curves).on > contrast(state.curves).off);
  assert.ok(on.ms < off.ms && off.ms === state.race.ms, 'the clock stands at the end of the last one');
  assert.deepEqual([state.status, state.run, state.useCache], ['finished', on.run, initialState().useCache]);
  assert.equal(state.memory.usedBytes, 24 * state.memory.bytesPerToken, 'of the lane with the cache');
  assert.deepEqual([state.proof.of, state.proof.proof.equal], ['text', true]);
  assert.equal(reduce(state, { type: 'asked', comparing: false }).race, undefined);
});

test('what both have written is compared as it comes', () => {
  let state = initialState();
  for (const event of events) {
    state = reduce(state, event);
    const lengths = Object.values(state.race?.lanes ?? {}).map(({ run }) => run.tokens.length);
    assert.equal(state.race?.same ?? 0, lengths.length > 0 ? Math.min(...lengths) : 0);
  }
  const other = structuredClone(events);
  const tokens = other.filter(isLane('off', 'tokens')).flatMap(({ event }) => event.tokens);
  tokens[12].id += 1;
  const parted = other.findIndex(({ event }) => event?.tokens?.includes?.(tokens[12]));
  assert.equal(replay(other.slice(0, parted)).race.parting, undefined);
  assert.equal(replay(other.slice(0, parted + 1)).race.parting, 12, 'at once');
  assert.deepEqual([replay(other).race.parting, replay(other).race.same], [12, 12], 'and for good');
});

test('a text that goes on where the other one ended is another one; a text that was stopped is not', () => {
  const last = events.findLastIndex(isLane('off', 'tokens'));
  const shorter = (reason) => structuredClone(events).map((event, i) => {
    if (i === last) event.event.tokens = [];
    if (isLane('off', 'run ended')(event)) event.event.reason = reason;
    return event;
  });
  const { same, parting } = replay(shorter('eos')).race;
  assert.ok(same < 20);
  assert.equal(parting, same);
  const stopped = replay(shorter('stopped'));
  assert.deepEqual([stopped.race.same, stopped.race.parting, stopped.status], [same, undefined, 'stopped']);
  const first = events.findIndex(isLane('on', 'run ended'));
  assert.equal(replay(events.slice(0, first + 1)).race.parting, undefined, 'the other is on its way');
});

test('the work of the lanes is that of their passes: the prompt, then a row or the whole text', () => {
  const { race, model: { config } } = replay(events);
  const work = workOf(config, race.lanes);
  const [before] = analyzeSpeedup({ lengths: [4], shape: config });
  const [after] = analyzeSpeedup({ lengths: [24], shape: config });
  const prompt = multiplyAdds(config, 0, 4).total;
  assert.equal(work.off, after.multiplyAddsOff - before.multiplyAddsOff + prompt);
  assert.equal(work.on, after.multiplyAddsOn - before.multiplyAddsOn + prompt);
});

test('work goes on from where it was, leaves out what was reused, and explains the times at the end', () => {
  const { race: { lanes }, model: { config } } = replay(events);
  const { run } = lanes.off;
  let work;
  for (let length = 0; length <= 20; length++) {
    const tokens = { length, from: (i) => [...run.tokens].slice(i, length) };
    work = workIn(config, { ...run, tokens }, work);
  }
  assert.deepEqual(work, workIn(config, run));
  assert.equal(work.rows, 4 + 20 * 4 + 210);
  const other = workIn(config, lanes.on.run, work);
  assert.deepEqual(other, workIn(config, lanes.on.run), 'that of another lane is of no use');
  const reusing = workIn(config, { ...run, prefill: { ...run.prefill, reused: 3 } });
  assert.equal(work.rows - reusing.rows, 3);
  assert.equal(work.multiplyAdds - reusing.multiplyAdds,
    multiplyAdds(config, 0, 4).total - multiplyAdds(config, 3, 4).total);

  const finish = finishOf(lanes, { on: other, off: work });
  assert.equal(finish.together, work.rows / 21);
  const { each, times, fewer } = finish;
  assert.ok(Math.abs(times - fewer * each.off / each.on) < 1e-9, 'one explains the other');
  for (const [mode, lane] of Object.entries(lanes)) {
    assert.equal(finish.besides[mode] + lane.run.ms, lane.ms);
  }
});

// ---- the player ---------------------------------------------------------------------------------

function start() {
  const client = new FakeClient();
  const rivals = [];
  const player = new Player({
    client, model: () => 'http://localhost/model/', prompt: 'Once',
    rival: () => {
      rivals.push(new FakeClient());
      return rivals.at(-1);
    },
    surroundings: { isOnline: () => true },
  });
  return { client, rivals, player };
}

/** The rival, once it is made. @param {FakeClient[]} rivals  @param {number} [count]  of them all */
async function newest(rivals, count = 1) {
  while (rivals.length < count) await settled();
  return rivals.at(-1);
}

/** A player that has begun its first race. */
async function racing(t) {
  const { client, rivals, player } = start();
  t.after(() => player.dispose());
  const done = player.compare();
  await client.answer('load', LOADED);
  const rival = await newest(rivals);
  await rival.answer('load', LOADED);
  await rival.next('generate');
  return { client, rival, rivals, player, done };
}

test('a second engine loads the model, then both start with the same job, at full speed', async (t) => {
  const { client, rivals, player } = start();
  t.after(() => player.dispose());
  const done = player.compare();
  assert.equal(isComparing(player.state), true, 'before anything else happens');
  await client.answer('load', LOADED);
  const rival = await newest(rivals);
  const { fields, onEvent } = await rival.next('load');
  assert.deepEqual(fields, { url: 'http://localhost/model/', variant: 'simd' }, 'the build of the first one');
  onEvent({ type: 'progress', file: 'model.safetensors', loaded: 1e6 });
  const { status: before, download } = player.state;
  assert.deepEqual([before, download.files], ['loading', { 'model.safetensors': 1e6 }]);
  assert.ok(!client.sent.includes('generate'), 'neither starts before both are ready');
  await rival.answer('load', LOADED);
  const jobs = await Promise.all([client, rival].map((each) => each.next('generate')));
  assert.deepEqual(jobs[0].fields, jobs[1].fields);
  assert.equal(jobs[0].fields.prompt, 'Once');
  assert.deepEqual(client.sent, ['load', 'setCache true', 'setPace 0', 'generate']);
  assert.deepEqual(rival.sent, ['load', 'setCache false', 'setPace 0', 'generate']);
  await client.finish(IDS, true);
  assert.deepEqual([player.state.status, player.state.race.lanes.off.ms], ['running', undefined]);
  await rival.finish(IDS, false);
  await client.answer('prove', PROOF);
  await done;
  const { race, status, proof } = player.state;
  assert.deepEqual([race.same, race.parting, status, proof.of], [20, undefined, 'finished', 'text']);
  assert.ok(race.lanes.on.ms <= race.lanes.off.ms);
  player.compare();
  await rival.next('generate');
  assert.equal(rivals.length, 1, 'the next race takes the same one');
});

test('the switch is locked during a race, and the pace is for later', async (t) => {
  const { client, rival, player, done } = await racing(t);
  const { useCache } = player.state;
  [client, rival].forEach(({ sent }) => { sent.length = 0; });
  player.flip();
  player.setPace(15);
  assert.deepEqual([player.state.useCache, player.state.pace, client.sent], [useCache, 15, []]);
  await client.finish(IDS, true);
  await rival.finish(IDS.with(12, 99), false);
  await client.answer('prove', PROOF);
  await done;
  assert.deepEqual([player.state.race.parting, player.state.race.same], [12, 12]);
  player.flip();
  assert.equal(player.state.useCache, !useCache);
});

test('a stop ends both, and what they have written is compared', async (t) => {
  const { client, rival, player, done } = await racing(t);
  await client.write(IDS, true);
  await rival.write(IDS.slice(0, 5), false);
  player.stop();
  await client.answer('prove', PROOF);
  await done;
  const { race, status } = player.state;
  assert.deepEqual([race.same, race.parting, status], [5, undefined, 'stopped']);
  for (const { sent } of [client, rival]) assert.equal(sent.filter((each) => each === 'stop').length, 1);
});

test('stopped while the second model loads: nothing begins', async (t) => {
  const { client, rivals, player } = start();
  t.after(() => player.dispose());
  const done = player.compare();
  await client.answer('load', LOADED);
  await settled();
  await rivals[0].next('load');
  player.stop();
  await done;
  assert.deepEqual([player.state.status, isComparing(player.state)], ['ready', false]);
  assert.ok(!client.sent.includes('generate'));
  player.compare();
  await (await newest(rivals, 2)).next('load'); // a new one: nobody knows what was left of the other
});

for (const failing of ['client', 'rival']) {
  test(`a failure of the ${failing} ends both lanes with one sentence, and the rival goes`, async (t) => {
    const { client, rival, player, done } = await racing(t);
    const [broken, other] = failing === 'client' ? [client, rival] : [rival, client];
    await other.write(IDS.slice(0, 3), other === client);
    await broken.fail('generate', 'trapped');
    await done;
    const { status, failure } = player.state;
    assert.deepEqual([status, failure.message], ['failed', 'It failed with trapped.']);
    assert.ok(other.sent.includes('stop'));
    assert.equal(rival.sent.at(-1), 'dispose');
    assert.equal(isComparing(player.state), false);
  });
}

test('the rival is let go of when no race has come for a while, and with the player', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { client, rival, rivals, player, done } = await racing(t);
  await client.finish(IDS, true);
  await rival.finish(IDS, false);
  await client.answer('prove', PROOF);
  await done;
  t.mock.timers.tick(59_000);
  assert.equal(rival.sent.at(-1), 'generate');
  t.mock.timers.tick(2000);
  assert.equal(rival.sent.at(-1), 'dispose');
  player.compare();
  await (await newest(rivals, 2)).next('load');
  player.dispose();
  assert.equal(rivals[1].sent.at(-1), 'dispose');
});

test('in words: how it goes, and what came of it', () => {
  const seen = [];
  let state = initialState('Once upon a time');
  for (const event of events) {
    state = reduce(state, event);
    seen.push(statusWords(en, state));
  }
  for (const words of [en.status.loadingRival, en.status.racing]) assert.ok(seen.includes(words), words);
  assert.match(remarkWords(en, state), /^For [\d.]+ times fewer multiply-adds[,.]/);
  const { large, small, verdict } = payoffWords(en, payoffOf(state));
  assert.match(large, /^[\d.]+ times as fast$/);
  assert.match(small, /^[\d.]+ s instead of [\d.]+ s for the same 20 tokens\.$/);
  assert.equal(verdict, en.payoff.same);
  const first = events.findIndex(isLane('on', 'run ended'));
  const half = replay(events.slice(0, first));
  assert.match(remarkWords(en, half), /^Up to here, both wrote the same \d+ tokens?\.$/);
  assert.equal(adviceWords(en, half), en.controls.locked);
  const parted = { ...state, race: { ...state.race, parting: 12 } };
  assert.match(remarkWords(en, parted), /differ from token 13 on/);
  assert.equal(payoffWords(en, payoffOf(parted)).verdict, en.payoff.different);
  const { result } = spoken(en, state);
  assert.match(result, /times as fast, .* same 20 tokens\. For .* times fewer multiply-adds/);
});

test('what a second engine takes: as the first one tells, before that as far as it is known', async (t) => {
  const client = new EngineClient();
  t.after(() => client.dispose());
  for (const name of ['stories', 'tales']) for (const weights of ['f32', 'int8']) {
    const url = new URL(`../../web/models/${name}/`, import.meta.url).href;
    const { weightBytes } = await weighModel(url);
    const answer = await client.request('load', { url, weights });
    assert.equal(answer.weightBytes, weightBytes[weights]);
    const state = reduce(initialState('', name, weights), { ...answer, type: 'loaded' });
    assert.equal(rivalBytes(state), weightBytes[weights] + answer.memory.totalBytes);
  }
  const shown = { type: 'recording', recording: STORIES, haste: 1, playing: false };
  const before = (weights) => momentsOf(STORIES).map(({ event }) => event).reduce(
    (state, event) => reduce(state, { type: 'replayed', events: [event], playing: false }),
    reduce(initialState('', 'stories', weights), shown));
  const { f32 } = (await weighModel(new URL('../../web/models/stories/', import.meta.url))).weightBytes;
  const about = rivalBytes(before('f32')) - STORIES.memory.totalBytes;
  assert.ok(Math.abs(about / f32 - 1) < 0.01, `${about} of ${f32}`);
  assert.deepEqual([rivalBytes(before('int8')), rivalBytes(initialState())], [0, 0], 'not known');
  const player = new Player({ client, surroundings: {}, model: () => '', weights: 'int8' });
  assert.equal(player.state.weights, 'int8');
  assert.equal(reduce(player.state, { type: 'model', shipped: 'tales' }).weights, 'int8');
});

test('where a page may have no worker, a race is refused in words', async (t) => {
  const { client, rivals, player } = start();
  t.after(() => player.dispose());
  const done = player.compare();
  await client.answer('load', { ...LOADED, worker: false });
  await done;
  assert.equal(failureText(en, player.state.failure), en.refusals.race);
  assert.deepEqual([player.state.failure.code, rivals.length], ['unsupported', 0]);
});
