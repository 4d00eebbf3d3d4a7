// The demo's player with an engine that says what the test wants: the flow of requests and orders, without a
// document.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { PLAN } from '../../web/demo/benchmark.js';
import { payoffOf } from '../../web/demo/payoff.js';
import { Player } from '../../web/demo/player.js';
import * as sentences from '../../web/demo/words.js';
import { en } from '../../web/demo/words/en.js';
import { WorkerError } from '../../web/worker/client.js';
import { FakeClient, IDS, LOADED, MEMORY, PROOF, settled } from './fake-client.js';

const MODEL = 'http://localhost/model/';
const MACHINE = { browser: 'Some Browser' };
const ROW = { weights: 'f32', context: 64, decode: { median: 5, min: 5, max: 5 } };

/** In English. */
const { adviceWords, countWords, failureText, spoken, statusWords } = Object.fromEntries(
  Object.entries(sentences).map(([name, say]) => [name, say.bind(null, en)]));

function start({ model = () => MODEL, online = true, size = async () => 5e6, cache = true } = {}) {
  const client = new FakeClient();
  const surroundings = {
    isOnline: () => online, now: () => new Date(0), describeMachine: async () => MACHINE, downloadSize: size,
  };
  const rival = () => assert.fail('nobody races');
  const player = new Player({ client, rival, surroundings, model, variant: 'auto', prompt: 'Once' });
  if (cache) player.flip(); // nothing is loaded that could run
  return { client, player };
}

/** A player that has loaded its model and written a story, which was proved. */
async function written() {
  const { client, player } = start();
  const done = player.generate();
  await client.answer('load', LOADED);
  await client.finish(IDS);
  await client.answer('prove', PROOF);
  await done;
  client.sent.length = 0;
  return { client, player };
}

test('the first run loads the model, writes, and proves; the next one only writes and proves', async () => {
  const { client, player } = start();
  player.generate();
  assert.equal(player.state.status, 'starting', 'before anything else happens');
  const { fields, onEvent } = await client.next('load');
  assert.deepEqual(fields, { url: MODEL, variant: 'auto' });
  onEvent({ type: 'progress', file: 'model.safetensors', loaded: 1e6 });
  assert.equal(statusWords(player.state), 'Loading the model: 1.0 MB.');
  onEvent({ type: 'stalled', file: 'model.safetensors' });
  onEvent({ type: 'progress', file: 'config.json', loaded: 5 });
  const stalled = 'Nothing of model.safetensors has arrived for 10 seconds.';
  assert.equal(statusWords(player.state), `Loading the model: 1.0 MB. ${stalled}`);
  onEvent({ type: 'progress', file: 'model.safetensors', loaded: 2e6 });
  assert.equal(statusWords(player.state), 'Loading the model: 2.0 MB.');
  await client.answer('load', LOADED);
  const request = await client.next('generate');
  assert.equal(request.fields.prompt, 'Once');
  const { maxTokens, temperature, seed } = request.fields.sampling;
  assert.deepEqual([maxTokens, temperature, seed], [80, 1, 2], 'as many as fit');
  assert.equal(player.state.status, 'prefilling');
  await client.write(IDS);
  assert.equal(player.state.status, 'running');
  await client.answer('generate', { reason: 'length', position: 22, memory: MEMORY, hash: 'aa' });
  assert.deepEqual([player.state.status, player.state.proof.stage], ['finished', 'comparing text']);
  await client.answer('prove', PROOF);
  assert.deepEqual([player.state.proof.of, player.state.proof.proof], ['text', PROOF]);
  assert.deepEqual(client.sent, ['load', 'setCache true', 'setPace 0', 'generate', 'prove']);
  client.sent.length = 0;
  player.setPrompt('Twice');
  player.generate();
  assert.equal((await client.next('generate')).fields.prompt, 'Twice');
  await client.finish(IDS);
  assert.deepEqual(client.sent, ['setCache true', 'setPace 0', 'generate', 'prove']);
});

test('a run stops the proof of the run before, and waits until it has stopped', async () => {
  const { client, player } = start();
  player.generate();
  await client.answer('load', LOADED);
  await client.finish(IDS);
  await client.next('prove');
  client.sent.length = 0;
  player.generate();
  assert.deepEqual([...client.sent], ['stop']);
  assert.equal(player.state.status, 'starting');
  await client.next('generate');
  assert.equal(player.state.proof.stage, 'awaited');
});

test('one run at a time, and flips and paces reach the engine while it runs', async () => {
  const { client, player } = await written();
  player.setPace(15);
  assert.deepEqual([client.sent, player.state.pace], [[], 15], 'kept for the next run');
  player.flip(); // which starts it
  await client.write(IDS, false);
  assert.deepEqual(client.sent, ['setCache false', 'setPace 15', 'generate']);
  client.sent.length = 0;
  player.generate();
  player.compare();
  player.measure();
  player.clear();
  assert.deepEqual(client.sent, []);
  assert.deepEqual([player.state.run.number, player.state.columns.off.meter.count], [2, 20]);
  player.flip();
  player.setPace(0);
  assert.deepEqual(client.sent, ['setCache true', 'setPace 0']);
  player.stop();
  await settled();
  assert.equal(player.state.status, 'stopped');
});

test('stopped while loading: nothing is written, and the next try loads again', async () => {
  const { client, player } = start();
  player.stop();
  assert.deepEqual(client.sent, [], 'there is nothing to stop');
  player.generate();
  await client.next('load');
  player.stop();
  await settled();
  assert.deepEqual([player.state.status, statusWords(player.state), adviceWords(player.state)],
    ['unloaded', 'Loading was stopped.', 'Press Generate to try again.']);
  player.generate();
  await client.answer('load', LOADED);
  await client.next('generate');
  assert.deepEqual(client.sent.filter((each) => !/^set/.test(each)), ['load', 'stop', 'load', 'generate']);
});

test('stopped between two requests: what was loaded stays, what was not begun does not begin', async () => {
  const { client, player } = start();
  player.generate();
  const { resolve } = await client.next('load');
  resolve(LOADED); // on its way when the stop is asked for
  player.stop();
  await settled();
  assert.deepEqual([player.state.status, player.state.model.variant], ['ready', 'simd']);
  assert.ok(!client.sent.includes('generate'));
});

test('a flip starts the next run where nothing runs, and downloads nothing', async () => {
  const fresh = start({ cache: false });
  assert.deepEqual([fresh.player.state.useCache, fresh.player.state.pace], [false, 0], 'the slow way first');
  fresh.player.flip();
  await settled();
  assert.deepEqual([fresh.player.state.status, fresh.player.state.useCache, fresh.client.sent],
    ['unloaded', true, []]);

  const { client, player } = await written();
  const { prompt, sampling } = player.state;
  player.flip();
  const { fields } = await client.next('generate');
  assert.deepEqual(fields, { prompt, sampling: sampling.values }, 'the same once more');
  assert.deepEqual(client.sent, ['setCache false', 'setPace 0', 'generate']);
  await client.write(IDS, false);
  player.flip();
  assert.equal(client.sent.at(-1), 'setCache true', 'this run goes on');
  player.stop();
  await client.answer('prove', PROOF);
  assert.equal(player.state.status, 'stopped');
  player.flip();
  await client.finish(IDS, false);
  await client.answer('prove', PROOF);
  player.setPrompt('x'.repeat(81));
  player.flip();
  await settled();
  assert.equal(player.state.status, 'failed');
  client.sent.length = 0;
  player.flip();
  await settled();
  assert.deepEqual([player.state.status, client.sent], ['failed', []], 'what failed is not tried by the way');
});

test('the line beside the switch says what to do next, whatever the state', async () => {
  const { client, player } = start({ cache: false });
  const line = () => `${statusWords(player.state)} ${adviceWords(player.state)}`.trim();
  assert.match(line(), /^Press Generate: .* It then writes with the cache off\.$/);
  player.flip();
  assert.match(line(), /with the cache on\.$/);
  player.flip();
  player.generate();
  await client.answer('load', LOADED);
  assert.equal(line(), 'Prefill: reading your prompt.');
  await client.write(IDS, false, 20);
  assert.match(line(), /^Without the cache, every .* text\. Switch the cache on\.$/);
  client.more(20, false, 40);
  assert.equal(line(), 'It is slowing down: every token re-reads the whole text. Switch the cache on.');
  player.flip();
  client.more(40, true, 1);
  assert.equal(line(), 'With the cache, only the new token is computed.');
  await client.answer('generate', { reason: 'length', position: 62, memory: MEMORY, hash: 'aa' });
  assert.equal(line(), 'Finished: 60 tokens written. Flip the switch to write it again.');
  player.generate();
  await client.write(IDS, true);
  assert.match(line(), /^With the cache, .* Switch it off to compare\.$/);
  player.stop();
  await settled();
  assert.match(line(), /^Stopped: 20 tokens written\. Flip the switch/);
});

test('the payoff: how fast, then how many times as fast, then that it is proved the same text', async () => {
  const { client, player } = start({ cache: false });
  const shown = () => payoffOf(player.state);
  assert.deepEqual(shown(), { kind: 'none' });
  const done = player.generate();
  await client.answer('load', LOADED);
  assert.deepEqual(shown(), { kind: 'soon' });
  await client.write(IDS, false, 20);
  assert.deepEqual(shown(), { kind: 'speed', mode: 'off', position: 22, speed: 1000 });
  player.flip();
  client.more(20, true, 1);
  const times = { kind: 'times', position: 23, on: 20_000, off: 1000, same: undefined };
  assert.deepEqual(shown(), times, 'on both sides of the flip');
  await client.answer('generate', { reason: 'length', position: 42, memory: MEMORY, hash: 'aa' });
  await client.answer('prove', PROOF);
  await done;
  assert.deepEqual(shown(), { ...times, same: true });
  player.generate();
  await client.next('generate');
  assert.deepEqual(shown(), { kind: 'soon' }, 'nothing of this run can be compared yet');
  await client.finish(IDS, true, 2);
  const { kind, position, on, off, same } = shown();
  assert.deepEqual([kind, on, off, same], ['times', 10_000, 1000, undefined], 'with the run before');
  assert.ok(position > 2 && position <= 22);
  await client.answer('prove', { ...PROOF, equal: false });
  assert.equal(shown().same, false);
});

test('a prompt without room is refused in words, and the story that stands there stays', async () => {
  const { client, player } = await written();
  const { run } = player.state;
  player.setPrompt('x'.repeat(81));
  await settled();
  assert.equal(countWords(player.state), '81 tokens of 80: 1 too many');
  await player.generate();
  const { status, failure } = player.state;
  assert.deepEqual([status, failure.code, client.sent], ['failed', 'context_full', []]);
  assert.equal(player.state.run, run);
  assert.match(failureText(failure),
    /^Your beginning is too long: it has 81 tokens, .* room for 80\. .* 98 %/);
  player.setPrompt('x'.repeat(80));
  assert.equal(countWords(player.state), '', 'not yet counted');
  player.retry();
  await client.next('generate');
});

test('the newest prompt is counted, one at a time, and only once there is a model', async () => {
  const early = start();
  early.client.count = () => assert.fail('there is nobody to count');
  early.player.setPrompt('a');
  const { client, player } = await written();
  const counts = [];
  client.count = ({ prompt }) => new Promise((resolve) => counts.push({ prompt, resolve }));
  for (const text of ['a', 'ab', 'abc']) player.setPrompt(text);
  assert.deepEqual(counts.map(({ prompt }) => prompt), ['a']);
  counts[0].resolve({ tokens: 1, room: 80 });
  await settled();
  assert.deepEqual(counts.map(({ prompt }) => prompt), ['a', 'abc']);
  assert.equal(countWords(player.state), '');
  counts[1].resolve({ tokens: 3, room: 80 });
  await settled();
  assert.equal(countWords(player.state), '3 tokens of 80');
});

test('what a run has shown is spoken once, when its numbers were compared', async () => {
  const { client, player } = start();
  const heard = [];
  player.subscribe((state) => heard.push(spoken(state).result));
  const done = player.generate();
  await client.answer('load', LOADED);
  await client.finish(IDS, true);
  assert.deepEqual(heard.filter(Boolean), []);
  await client.answer('prove', PROOF);
  await done;
  const [words, ...more] = [...new Set(heard.filter(Boolean))];
  assert.deepEqual(more, []);
  assert.match(words, /tokens\/s.* Equal: .* the last bit\.$/);
});

test('a run that wrote nothing has nothing to prove', async () => {
  const { client, player } = await written();
  player.generate();
  await client.answer('generate', { reason: 'stopped', position: 0, memory: MEMORY });
  assert.deepEqual([player.state.status, player.state.proof.stage], ['stopped', 'awaited']);
  assert.ok(!client.sent.includes('prove'));
});

test('what failed can be tried again, as it was asked for', async () => {
  const { client, player } = await written();
  const done = player.generate();
  await client.fail('generate', 'trapped');
  await done;
  assert.deepEqual([player.state.status, player.state.model], ['failed', undefined]);
  assert.deepEqual(player.state.failure,
    { code: 'trapped', message: 'It failed with trapped.', offline: false });
  client.sent.length = 0;
  player.retry();
  await client.answer('load', LOADED);
  await client.finish(IDS, true);
  assert.equal(client.sent.filter((each) => each === 'generate').length, 1);
  assert.equal(player.state.failure, undefined);
});

test('offline is said where it explains the error', async () => {
  const expected = { file_unreachable: true, wasm_invalid: true, worker_lost: true, json_invalid: false };
  for (const [code, offline] of Object.entries(expected)) {
    const { client, player } = start({ online: false });
    player.generate();
    await client.fail('load', code);
    assert.deepEqual([player.state.status, player.state.failure.offline], ['failed', offline], code);
  }
});

test('offline is said of the second half of the benchmark too', async () => {
  const { client, player } = start({ online: false });
  player.measure();
  await client.answer('load', LOADED);
  const { onEvent } = await client.next('benchmark');
  onEvent({ type: 'left_out', weights: 'int8', code: 'file_unreachable', message: 'It is not there.' });
  assert.equal(failureText(player.state.benchmark.leftOut.int8), 'It is not there. You seem to be offline.');
});

test('a model address that is refused, and a proof that fails', async () => {
  const refused = start({ model: () => { throw new WorkerError('invalid_argument', 'Not from there.'); } });
  await refused.player.askDownloadSize();
  await refused.player.generate();
  assert.equal(refused.player.state.failure.code, 'invalid_argument');
  assert.deepEqual(refused.client.sent, []);
  const { client, player } = await written();
  player.generate();
  await client.finish(IDS);
  await client.fail('prove', 'not_ready');
  assert.equal(failureText(player.state.proof.failure), 'It failed with not_ready.');
  assert.deepEqual([player.state.status, player.state.model], ['finished', undefined]);
});

test('settings that cannot be: nothing is sent; those that a model makes wrong are an error', async () => {
  const { client, player } = start();
  player.setSampling('temperature', -1);
  await player.generate();
  assert.deepEqual([client.sent.length, player.state.refusals, player.state.status], [0, 1, 'unloaded']);
  player.resetSampling();
  player.setSampling('maxTokens', 500);
  const done = player.generate();
  await client.answer('load', LOADED); // which has room for 80
  await done;
  assert.equal(player.state.failure.code, 'invalid_argument');
  assert.equal(player.state.refusals, 2);
  assert.ok(!client.sent.includes('generate'));
});

test('the benchmark loads what it needs, keeps runs waiting, and goes back', async () => {
  const { client, player } = start();
  const done = player.measure();
  player.generate();
  await client.answer('load', LOADED);
  const { fields, onEvent } = await client.next('benchmark');
  assert.deepEqual(fields, PLAN);
  assert.equal(player.state.status, 'waiting');
  await player.generate();
  assert.deepEqual(client.sent, ['load', 'benchmark']);
  onEvent({ type: 'planned', contexts: [64] });
  onEvent({ type: 'measured', row: ROW });
  onEvent({ type: 'loading', weights: 'int8' });
  assert.equal(player.state.benchmark.second, 'int8');
  onEvent({ type: 'left_out', weights: 'int8', code: 'file_unreachable', message: 'It is not there.' });
  assert.equal(failureText(player.state.benchmark.leftOut.int8), 'It is not there.');
  await client.answer('benchmark', { reason: 'finished' });
  await done;
  assert.deepEqual([player.state.benchmark.status, player.state.status], ['done', 'ready']);
  const { date, model, build, machine } = player.state.benchmark.subject;
  assert.deepEqual({ date, model, build, machine },
    { date: '1970-01-01T00:00:00.000Z', model: MODEL, build: 'simd', machine: MACHINE });
});

test('the benchmark stopped, at work and before it began; failed', async () => {
  const { client, player } = await written();
  player.measure();
  (await client.next('benchmark')).onEvent({ type: 'measured', row: ROW });
  player.stop();
  await settled();
  assert.deepEqual([player.state.benchmark.status, player.state.status], ['stopped', 'finished']);
  const other = start();
  other.player.measure();
  await other.client.next('load');
  other.player.stop();
  await settled();
  const { status, benchmark } = other.player.state;
  assert.deepEqual([benchmark.status, benchmark.interrupted, status], ['idle', true, 'unloaded']);
  player.measure();
  await client.fail('benchmark', 'outputs_differ');
  const failed = player.state.benchmark;
  assert.deepEqual([failed.status, failed.failure.code], ['failed', 'outputs_differ']);
  assert.equal(player.state.status, 'finished');
});

test('listeners hear events with the state after them until they leave; dispose ends the rest', async () => {
  const { client, player } = start();
  const heard = [];
  const leave = player.subscribe((state, event) => heard.push([event.type, state.prompt]));
  player.setPrompt('a');
  leave();
  player.setPrompt('b');
  assert.deepEqual(heard, [['prompt', 'a']]);
  await player.askDownloadSize();
  assert.equal(player.state.download.total, 5e6);
  const unsure = start({ size: () => Promise.reject(new Error('no answer')) });
  await unsure.player.askDownloadSize();
  assert.equal(unsure.player.state.download.total, 0);
  player.dispose();
  assert.deepEqual(client.sent, ['dispose']);
});

test('a player that was disposed starts no engine again', async () => {
  const { client, player } = await written();
  player.generate();
  await client.finish(IDS);
  player.generate(); // waits until the proof has stopped
  player.dispose();
  await settled();
  assert.deepEqual(client.sent.slice(-2), ['stop', 'dispose']);
  // What was under way elsewhere comes to it too late.
  for (const ask of [
    () => player.generate(), () => player.compare(), () => player.retry(), () => player.goOn([0]),
    () => player.goTo([0]), () => player.useOther('f32'), () => player.measure(),
    () => player.edit({ before: 'a', after: 'b' }), () => player.experiment({ id: 'a', job: {} }),
  ]) {
    ask();
    await settled();
  }
  assert.deepEqual(client.sent.slice(-1), ['dispose']);
});

test('nor does one that has loaded nothing yet', async () => {
  const { client, player } = start();
  player.dispose();
  for (const ask of [() => player.generate(), () => player.useOther('f32'), () => player.measure()]) {
    ask();
    await settled();
  }
  assert.deepEqual(client.sent, ['dispose']);
});

test('views know no other view, and nothing of a figure looks into the document', async () => {
  const demo = new URL('../../web/demo/', import.meta.url);
  const views = (await readdir(new URL('views/', demo)))
    .filter((file) => file.endsWith('.js') && file !== 'index.js');
  assert.ok(views.length >= 12);
  for (const view of views) {
    const text = await readFile(new URL(`views/${view}`, demo), 'utf8');
    const imported = [...text.matchAll(/^import .* from '(.*)';$/gm)].map(([, from]) => from);
    assert.ok(imported.length > 0, view);
    const foreign = imported.filter((from) => /^\.\/|\/(demo|player|surroundings|client)\.js$/.test(from));
    assert.deepEqual(foreign, [], view);
  }
  for (const file of (await readdir(demo, { recursive: true })).filter((name) => name.endsWith('.js'))) {
    const text = await readFile(new URL(file, demo), 'utf8');
    assert.doesNotMatch(text, /getElementById|document\.querySelector/, file);
    if (/^(player|state|run|benchmark|curves|meter|log|sampling|words|report)\.js$/.test(file)) {
      assert.doesNotMatch(text, /\b(document|navigator|performance|location)\./, file);
    }
  }
});

test('a look inside: its answer is a promise and no state; without a model nothing is asked', async () => {
  const { client, player } = start();
  await assert.rejects(player.inspect({}), { code: 'not_ready' });
  assert.deepEqual(client.sent, []);
  const { client: loaded, player: writer } = await written();
  const { state } = writer;
  const look = writer.inspect({ tokens: { first: 3 } });
  const refused = assert.rejects(writer.inspect({}), { code: 'position_out_of_range' });
  assert.deepEqual((await loaded.next('inspect')).fields, { tokens: { first: 3 } });
  await loaded.answer('inspect', { position: 22 });
  await loaded.fail('inspect', 'position_out_of_range');
  assert.deepEqual(await look, { position: 22 });
  await refused;
  assert.equal(writer.state, state);
});
