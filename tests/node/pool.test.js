// Figures that share workers, with workers that say what the test wants: who computes when, what is loaded
// how often, and when a worker ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Player } from '../../web/demo/player.js';
import { Pool } from '../../web/demo/pool.js';
import { WorkerError } from '../../web/worker/client.js';
import { LOADED, MEMORY } from './fake-client.js';

const A = { url: 'http://localhost/a/', variant: 'auto', weights: 'f32' };
const B = { ...A, weights: 'int8' };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Holds each request until the test answers it; a stop answers as the worker does. */
class FakeClient {
  sent = [];
  open = [];

  request(type, fields, onEvent) {
    this.sent.push(type);
    if (type === 'count') return Promise.resolve({ tokens: 1, room: 80 });
    if (type === 'status') return Promise.resolve({ worker: true });
    return new Promise((resolve, reject) => this.open.push({ type, fields, onEvent, resolve, reject }));
  }

  order(type, fields) {
    this.sent.push(`${type} ${Object.values(fields)}`);
  }

  stop() {
    this.sent.push('stop');
    const { type, resolve, reject } = this.open.shift() ?? {};
    if (type === 'generate') resolve({ reason: 'stopped' });
    else reject?.(new WorkerError('aborted', 'Stopped.'));
  }

  dispose() {
    this.sent.push('dispose');
    this.lose();
  }

  lose() {
    for (const { reject } of this.open.splice(0)) reject(new WorkerError('worker_lost', 'Gone.'));
  }

  async answer(type, answer = { type }) {
    await settled();
    assert.equal(this.open[0]?.type, type);
    this.open.shift().resolve(answer);
    await settled();
  }
}

/** A pool with figures that stop when they have to give way. */
function poolOf(idleMs = 10_000) {
  const clients = [];
  const pool = new Pool(() => {
    const client = new FakeClient();
    clients.push(client);
    return client;
  }, idleMs);
  const join = () => {
    const figure = { gaveWay: 0 };
    const member = pool.join(() => {
      figure.gaveWay++;
      member.client.stop();
    });
    return Object.assign(figure, { member, client: member.client });
  };
  return { pool, clients, join };
}

/** Figures that have all loaded the same model. */
async function loaded(count, idleMs) {
  const { pool, clients, join } = poolOf(idleMs);
  const figures = Array.from({ length: count }, join);
  for (const { client } of figures) {
    const load = client.request('load', A);
    await settled();
    if (clients[0].open.length > 0) await clients[0].answer('load');
    await load;
  }
  clients[0].sent.length = 0;
  for (const figure of figures) figure.gaveWay = 0;
  return { pool, worker: clients[0], clients, figures };
}

test('figures share one worker and one model, and each hears how far it is', async () => {
  const { pool, clients, join } = poolOf();
  const [one, two] = [join(), join()];
  const heard = [];
  const first = one.client.request('load', A, ({ loaded }) => heard.push(['one', loaded]))
    .catch(({ code }) => code);
  const second = two.client.request('load', A, ({ loaded }) => heard.push(['two', loaded]));
  await settled();
  assert.equal(await first, 'aborted', 'the newest request wins');
  assert.equal(one.gaveWay, 1);
  assert.equal(clients.length, 1);
  assert.deepEqual(clients[0].sent, ['load'], 'the download goes on for the other');
  clients[0].open[0].onEvent({ type: 'progress', file: 'x', loaded: 5 });
  assert.deepEqual(heard, [['two', 5]]);
  assert.equal(pool.has(A), false);
  await clients[0].answer('load', { config: 1 });
  assert.deepEqual(await second, { config: 1 });
  assert.equal(pool.has(A), true);
  assert.deepEqual(await one.client.request('load', A), { config: 1 });
  assert.deepEqual(clients[0].sent, ['load']);
});

test('other weights, another worker; a rival as well', async () => {
  const { clients, join } = poolOf();
  const figure = join();
  const rival = figure.member.rival();
  const loads = [figure.client.request('load', A), rival.request('load', A)];
  await settled();
  assert.equal(clients.length, 2);
  assert.equal(figure.gaveWay, 0, 'both are the same figure');
  for (const client of clients) await client.answer('load');
  await Promise.all(loads);
  const runs = [figure.client.request('generate', {}), rival.request('generate', {})];
  for (const client of clients) await client.answer('generate');
  await Promise.all(runs);
  const other = join().client.request('load', B);
  await settled();
  assert.equal(clients.length, 3);
  await clients[2].answer('load');
  await other;
  const kept = join().client.request('load', { ...B, keep: true });
  await settled();
  assert.equal(clients.length, 4, 'the one that is there is not kept');
  await clients[3].answer('load');
  await kept;
});

test('a figure that starts stops the one that writes, and has the worker after it', async () => {
  const { worker, figures: [one, two] } = await loaded(2);
  one.client.order('setCache', { on: false });
  one.client.order('setPace', { tokensPerSecond: 5 });
  const first = one.client.request('generate', {});
  await settled();
  two.gaveWay = 0;
  assert.deepEqual(worker.sent, ['setCache false', 'setPace 5', 'generate'], 'orders wait for their run');
  one.client.order('setCache', { on: true });
  two.client.order('setCache', { on: false });
  assert.deepEqual(worker.sent.splice(0), ['setCache false', 'setPace 5', 'generate', 'setCache true']);
  const second = two.client.request('generate', {});
  assert.deepEqual(await first, { reason: 'stopped' });
  assert.equal(one.gaveWay, 1);
  await settled();
  assert.deepEqual(worker.sent, ['stop', 'setCache false', 'generate']);
  one.client.order('setCache', { on: true });
  assert.equal(worker.sent.length, 3, 'it is not its turn any more');
  await assert.rejects(one.client.request('prove', {}), { code: 'aborted' }, 'that run is another figure’s');
  await worker.answer('generate', { reason: 'length' });
  assert.deepEqual(await second, { reason: 'length' });
  const proof = two.client.request('prove', {});
  await worker.answer('prove', { equal: true });
  assert.deepEqual(await proof, { equal: true });
  assert.equal(two.gaveWay, 0);
});

test('of three that start at once, the last one writes', async () => {
  const { worker, figures } = await loaded(3);
  const runs = figures.map(({ client }) => client.request('generate', {}).then(({ reason }) => reason,
    ({ code }) => code));
  await settled();
  await worker.answer('generate', { reason: 'length' });
  const [one, two, three] = await Promise.all(runs);
  assert.ok(['aborted', 'stopped'].includes(one) && ['aborted', 'stopped'].includes(two), `${one}, ${two}`);
  assert.equal(three, 'length');
  assert.equal(worker.sent.filter((sent) => sent === 'generate').length <= 2, true);
});

test('loading goes on while somebody waits for it, and begins again after it was stopped', async () => {
  const { clients, join } = poolOf();
  const [one, two] = [join(), join()];
  const first = one.client.request('load', A);
  await settled();
  one.client.stop();
  await assert.rejects(first, { code: 'aborted' });
  assert.deepEqual(clients[0].sent, ['load', 'stop']);
  const second = two.client.request('load', A);
  await clients[0].answer('load');
  await second;
  assert.deepEqual(clients[0].sent, ['load', 'stop', 'load']);
});

test('a load that fails fails for all who wait, and the next one tries again', async () => {
  const { clients, join } = poolOf();
  const figure = join();
  for (const code of ['file_unreachable', 'wasm_invalid']) {
    const load = figure.client.request('load', A);
    await settled();
    clients[0].open.shift().reject(new WorkerError(code, 'No.'));
    await assert.rejects(load, { code });
  }
  assert.deepEqual(clients[0].sent, ['load', 'load']);
});

test('a worker that is lost is started again, for other figures too', async () => {
  const { pool, worker, figures: [one, two] } = await loaded(2);
  const first = one.client.request('generate', {});
  await settled();
  worker.lose();
  await assert.rejects(first, { code: 'worker_lost' });
  assert.equal(pool.has(A), false);
  const second = two.client.request('generate', {});
  await worker.answer('load');
  await worker.answer('generate', { reason: 'eos' });
  assert.deepEqual(await second, { reason: 'eos' });
});

test('a figure whose model was lost meanwhile has it loaded again by its next run', async () => {
  const { clients, join } = poolOf();
  const surroundings = { isOnline: () => true, downloadSize: async () => 0 };
  const { member } = join();
  const player = new Player({
    client: member.client, rival: () => member.rival(), surroundings, model: () => A.url, prompt: 'Once' });
  const done = player.generate();
  await settled();
  const [worker] = clients;
  await worker.answer('load', LOADED);
  await worker.answer('generate', { reason: 'length', position: 9, memory: MEMORY });
  await done;
  const { request } = worker;
  worker.request = (type, ...rest) => { // a new worker, which has no model
    if (type === 'load') worker.request = request;
    return type === 'count' ? Promise.reject(new WorkerError('not_ready', 'No model.'))
      : request.call(worker, type, ...rest);
  };
  worker.sent.length = 0;
  const again = player.generate();
  await settled();
  await worker.answer('load', LOADED);
  await worker.answer('generate', { reason: 'length', position: 9, memory: MEMORY });
  await again;
  assert.deepEqual([player.state.status, player.state.failure], ['finished', undefined]);
  assert.deepEqual(worker.sent.filter((sent) => !sent.startsWith('set')), ['load', 'generate']);
  player.dispose();
});

test('the worker ends soon after the last figure has gone, and not before', async () => {
  const { pool, clients, worker, figures: [one, two] } = await loaded(2, 20);
  const run = one.client.request('generate', {});
  await settled();
  one.client.dispose();
  assert.deepEqual(await run, { reason: 'stopped' }, 'taken away in the middle of a run');
  await sleep(60);
  assert.ok(!worker.sent.includes('dispose'));
  two.client.dispose();
  const three = pool.join(() => {});
  const again = three.client.request('load', A);
  await again;
  await sleep(60);
  assert.ok(!worker.sent.includes('dispose'), 'somebody came in time');
  three.client.dispose();
  await sleep(60);
  assert.equal(worker.sent.at(-1), 'dispose');
  pool.join(() => {}).client.request('load', A);
  await settled();
  assert.equal(clients.length, 2);
});

test('nothing but loading works before a model is loaded', async () => {
  const { join } = poolOf();
  for (const type of ['count', 'generate', 'prove']) {
    await assert.rejects(join().client.request(type, {}), { code: 'not_ready' });
  }
});

test('whether there is a worker is known before anything is loaded', async () => {
  const { clients, join } = poolOf();
  assert.equal(await join().member.hasWorker(A), true);
  assert.deepEqual(clients[0].sent, ['status']);
});

test('a look inside is of one’s own run, also while it is written, and stops nobody', async () => {
  const { worker, figures: [one, two] } = await loaded(2);
  const look = async ({ client }) => {
    const answer = client.request('inspect', {}).then(({ position }) => position, ({ code }) => code);
    await settled();
    if (worker.open.at(-1)?.type === 'inspect') worker.open.pop().resolve({ position: 5 });
    return answer;
  };
  assert.equal(await look(one), 'not_ready', 'nothing was run yet');
  const first = one.client.request('generate', {});
  await settled();
  one.gaveWay = 0;
  assert.deepEqual([await look(one), await look(two), one.gaveWay], [5, 'not_ready', 0]);
  await worker.answer('generate');
  await first;
  two.client.request('benchmark', {}).catch(() => {});
  await worker.answer('benchmark');
  assert.deepEqual([await look(one), await look(two)], [5, 'not_ready'], 'a benchmark leaves the run there');
  const second = assert.rejects(two.client.request('generate', {}), { code: 'worker_lost' });
  await settled();
  assert.deepEqual([await look(one), await look(two)], ['not_ready', 5]);
  worker.lose();
  await second;
  assert.equal(await look(two), 'not_ready', 'the run is gone with the worker');
});
