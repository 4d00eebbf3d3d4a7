// Another model in place of the figure's own: how a player comes to it, and back, without a document.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advised, hasRoom } from '../../web/demo/choice.js';
import { look, remove, use } from '../../web/demo/keeping.js';
import { Player } from '../../web/demo/player.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { languageOf } from '../../web/demo/state.js';
import { FakeCaches, withCaches } from './fake-caches.js';
import { FakeClient, IDS, LOADED, PROOF, settled } from './fake-client.js';

const OWN = 'http://localhost/own/';
const ADDRESS = 'https://huggingface.co/someone/Some-30M/resolve/main';
const WEIGHED = {
  config: { ...LOADED.config, modelType: 'llama' }, fileBytes: 5e6, weightBytes: { f32: 1e7, int8: 3e6 },
  memoryBytes: 2 ** 30,
};

function start(t, { recording } = {}) {
  const client = new FakeClient();
  const scales = [];
  const player = new Player({
    client, rival: () => assert.fail('nobody races'), model: () => OWN, prompt: 'Once', recording,
    scale: () => {
      scales.push(new FakeClient());
      return scales.at(-1);
    },
    surroundings: { isOnline: () => true },
  });
  t.after(() => player.dispose());
  player.setCache(true);
  return { client, scales, player };
}

/** The client that weighs, once it is made. */
async function scaleOf(scales, count = 1) {
  while (scales.length < count) await settled();
  return scales[count - 1];
}

/** A player that has weighed another model. */
async function weighed(t, options) {
  const all = start(t, options);
  const done = all.player.weigh(ADDRESS);
  const scale = await scaleOf(all.scales);
  const { fields } = await scale.next('weigh');
  await scale.answer('weigh', WEIGHED);
  await done;
  return { ...all, scale, fields };
}

test('it is weighed by its address, loaded with the weights that are chosen, and given back', async (t) => {
  const { client, scale, fields, player } = await weighed(t, { recording: STORIES });
  const maxMemory = 2 ** 32;
  assert.deepEqual(fields, { url: ADDRESS, variant: 'auto', maxMemory, keep: true }, 'kept: read there');
  assert.equal(scale.sent.at(-1), 'dispose', 'its engine is needed for nothing else');
  const { choice, recorded, other } = player.state;
  assert.deepEqual([choice.stage, choice.name, choice.weighed], ['weighed', 'Some-30M', WEIGHED]);
  assert.ok(recorded && !other, 'looking changes nothing');
  const using = player.useOther('int8');
  const load = await client.next('load');
  assert.deepEqual(load.fields, { url: ADDRESS, variant: 'auto', weights: 'int8', maxMemory });
  const { status, run, memory } = player.state;
  const { recorded: still } = player.state;
  assert.deepEqual([status, still, run.position, memory], ['loading', undefined, 0, undefined],
    'nothing of the other model is claimed of this one');
  assert.equal(player.state.download.total, WEIGHED.fileBytes);
  assert.deepEqual([player.state.prompt, player.state.useCache], ['Once', true]);
  await client.answer('load', { ...LOADED, room: 64 });
  await using;
  assert.deepEqual([player.state.status, player.state.other.name, languageOf(player.state)],
    ['ready', 'Some-30M', '']);
  assert.equal(player.state.sampling.capacity, 64, 'the room that there is, not what the model could take');
  const done = player.generate();
  await client.finish(IDS);
  await client.answer('prove', PROOF);
  await done;
  await player.useOwn();
  assert.deepEqual([player.state.status, player.state.other, player.state.choice.stage, player.state.model],
    ['unloaded', undefined, 'none', undefined]);
  assert.ok(player.state.recorded && player.state.run.position > 0, 'its recorded run is shown again');
  player.generate();
  assert.deepEqual((await client.next('load')).fields, { url: OWN, variant: 'auto' });
});

test('one that cannot be loaded, or is stopped on the way, leaves the figure as it was', async (t) => {
  const { client, player } = await weighed(t, { recording: STORIES });
  const failing = player.useOther('f32');
  await client.fail('load', 'tokenizer_invalid');
  await failing;
  const { status, other, choice, failure, recorded } = player.state;
  assert.deepEqual([status, other, failure], ['unloaded', undefined, undefined]);
  assert.deepEqual([choice.stage, choice.failure.code], ['failed', 'tokenizer_invalid']);
  assert.ok(recorded);
  const stopped = await weighed(t);
  const using = stopped.player.useOther('f32');
  await stopped.client.next('load');
  stopped.player.stop();
  await using;
  assert.deepEqual([stopped.player.state.choice.stage, stopped.player.state.other], ['none', undefined]);
});

test('a run is stopped for it', async (t) => {
  const { client, player } = await weighed(t);
  player.generate();
  await client.answer('load', LOADED);
  await client.write(IDS);
  const using = player.useOther('f32');
  await settled();
  assert.ok(client.sent.includes('stop'));
  await client.answer('load', LOADED);
  await using;
  assert.deepEqual([player.state.status, player.state.run.position], ['ready', 0]);
});

/** A player of the shipped models, and the sizes that it has asked for. */
function withShipped(t, recordings) {
  const client = new FakeClient();
  const asked = [];
  const downloadSize = async (model) => {
    asked.push(model);
    return model.length;
  };
  const player = new Player({
    client, scale: () => new FakeClient(), rival: () => assert.fail('nobody races'), prompt: 'Once',
    model: (name) => `http://localhost/${name}/`, shipped: 'stories', recording: STORIES, recordings,
    surroundings: { isOnline: () => true, downloadSize },
  });
  t.after(() => player.dispose());
  return { client, player, asked };
}

test('another of the shipped ones: settings stay, nothing is fetched before a run, and back', async (t) => {
  const recording = { ...STORIES, model: 'tales', prompt: 'Twice' };
  const { client, player, asked } = withShipped(t, { tales: async () => recording });
  player.setSampling('seed', 7);
  await player.useShipped('tales');
  await settled();
  const { shipped, status, sampling, recorded, download, prompt } = player.state;
  assert.deepEqual([shipped, status, sampling.values.seed, prompt], ['tales', 'unloaded', 7, 'Once']);
  assert.equal(recorded.recording, recording, 'its own, and no longer that of the other');
  assert.deepEqual([asked, download.total, client.sent], [['http://localhost/tales/'], 23, []]);
  player.useShipped('tales');
  await settled();
  assert.equal(asked.length, 1, 'it has that one');
  player.generate();
  assert.equal((await client.next('load')).fields.url, 'http://localhost/tales/');
  await client.answer('load', LOADED);
  await client.write(IDS);
  player.useShipped('stories');
  player.generate(); // waits for it
  await settled();
  assert.equal((await client.next('load')).fields.url, 'http://localhost/stories/');
  const { run, proof } = player.state;
  assert.deepEqual([client.sent.filter((sent) => sent === 'stop').length, run.position, proof.stage],
    [2, 0, 'none'], 'the run before is stopped, and its proof');
  await client.answer('load', LOADED);
  await client.finish(IDS);
  await client.answer('prove', PROOF);
  assert.deepEqual([player.state.status, player.state.sampling.values.seed], ['finished', 7]);
  assert.equal(languageOf(player.state), 'en');
});

test('a shipped one in place of a model that was given; its recording may come too late', async (t) => {
  let arrive;
  const { client, player } = withShipped(t, { tales: () => new Promise((resolve) => { arrive = resolve; }) });
  player.weigh(ADDRESS);
  await player.useShipped('tales');
  assert.deepEqual([player.state.choice.stage, player.state.recorded], ['none', undefined]);
  player.generate();
  await client.answer('load', LOADED);
  arrive(STORIES);
  await settled();
  assert.deepEqual([player.state.recorded, player.state.status], [undefined, 'prefilling']);
});

test('the newest one that was given counts; what is none is refused', async (t) => {
  const { player, scales } = start(t);
  const first = player.weigh(ADDRESS);
  const slow = await scaleOf(scales);
  const second = player.weigh('https://example.org/other');
  const quick = await scaleOf(scales, 2);
  await quick.answer('weigh', WEIGHED);
  await second;
  assert.equal(player.state.choice.name, 'other');
  await slow.fail('weigh', 'file_unreachable');
  await first;
  assert.deepEqual([player.state.choice.stage, player.state.choice.name], ['weighed', 'other']);
  for (const address of ['ftp://example.org/', 'not an address']) {
    await player.weigh(address);
    assert.deepEqual(player.state.choice.failure.refused, { what: 'noAddress', address });
  }
});

/** A record as files/kept.js lays it down. */
function keepFile(caches, address, bytes) {
  const record = { address, bytes, date: 5, sums: [1] };
  caches.store.set(`https://kept.invalid/${encodeURIComponent(address)}/record`, JSON.stringify(record));
}

test('what is kept is listed, loaded with the weights that are advised, and removed', async (t) => {
  const caches = withCaches(t, new FakeCaches());
  const { client, scales, player } = start(t, { recording: STORIES });
  await look(player);
  assert.deepEqual([player.state.kept.able, player.state.kept.models], [true, []]);
  keepFile(caches, `${ADDRESS}/config.json`, 300);
  await look(player);
  const [{ address, bytes }] = player.state.kept.models;
  assert.deepEqual([address, bytes], [`${ADDRESS}/`, 300]);
  const using = use(player, address);
  const scale = await scaleOf(scales);
  await scale.answer('weigh', WEIGHED);
  const load = await client.next('load');
  const maxMemory = 2 ** 32;
  assert.deepEqual(load.fields, { url: address, variant: 'auto', maxMemory, weights: 'f32', keep: true });
  load.onEvent({ type: 'not_kept', reason: 'quota' });
  await client.answer('load', LOADED);
  await using;
  assert.deepEqual([player.state.kept.reason, player.state.other.address], ['quota', address]);
  await remove(player, address);
  assert.deepEqual([player.state.kept.models, player.state.kept.freed, caches.store.size], [[], 300, 0]);
  const again = player.useOther('f32');
  const { fields } = await client.next('load');
  assert.ok(!('keep' in fields) && player.state.kept.reason === undefined, 'that was of the load before');
  await client.answer('load', LOADED);
  await again;
  const failing = use(player, 'https://example.org/');
  await (await scaleOf(scales, 2)).fail('weigh', 'file_unreachable');
  await failing;
  assert.equal(player.state.choice.failure.code, 'file_unreachable');
  keepFile(caches, `${ADDRESS}/config.json`, 300);
  caches.keys = async () => { throw new Error('the disk is gone'); };
  await remove(player);
  const { failure, removing } = player.state.kept;
  assert.deepEqual([failure.message, removing], ['the disk is gone', false]);
  withCaches(t, undefined);
  await look(player);
  assert.deepEqual([player.state.kept.able, player.state.kept.failure], [false, undefined]);
});

test('which weights are advised: exact where they are small, of 8 bits where that fits, or none', () => {
  const of = (f32, int8) => ({ ...WEIGHED, weightBytes: { f32, int8 } });
  assert.equal(advised(of(2e8, 6e7)), 'f32');
  assert.equal(advised(of(5.4e8, 1.5e8)), 'int8', 'half of the memory is much, and it would fit');
  assert.equal(hasRoom(of(5.4e8, 1.5e8), 'f32'), true);
  assert.equal(advised(of(3e9, 8e8)), 'int8');
  assert.equal(hasRoom(of(3e9, 8e8), 'f32'), false);
  assert.equal(advised(of(4e9, 1.06e9)), undefined, 'no room would be left for a text');
});
