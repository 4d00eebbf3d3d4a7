// The page's side of the worker's contract, with a worker that the test plays.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { EngineClient, WorkerError } from '../../web/worker/client.js';
import { tinyBlobs } from './tiny-model.js';

/** The workers that were started, each with what it was sent. */
let started = [];

class PlayedWorker {
  sent = [];
  ended = false;

  constructor(url) {
    this.url = url;
    started.push(this);
  }

  postMessage(message) {
    this.sent.push(structuredClone(message));
  }

  say(message) {
    this.onmessage({ data: message });
  }

  terminate() {
    this.ended = true;
  }
}

beforeEach(() => {
  started = [];
  globalThis.Worker = PlayedWorker;
  globalThis.origin = new URL(import.meta.url).origin; // as in a page whose scripts are its own
});

const job = { contexts: [1], runs: 1, windowMs: 1, patienceMs: 1 };

test('a request has an id of its own, under which its events and its answer come', async () => {
  const client = new EngineClient();
  client.order('setCache', { on: true }); // without a worker, there is nobody to obey
  const heard = [];
  const prove = client.request('prove');
  const status = client.request('status');
  const benchmark = client.request('benchmark', job, (event) => heard.push(event));
  const [worker, ...others] = started;
  assert.deepEqual(others, []);
  assert.match(worker.url.href, /worker\/worker\.js$/);
  const types = worker.sent.map(({ type }) => type);
  const [first, second, third] = worker.sent.map(({ id }) => id);
  assert.deepEqual(types, ['prove', 'status', 'benchmark']);
  assert.equal(new Set([first, second, third]).size, 3);
  assert.deepEqual(worker.sent[2], { type: 'benchmark', id: third, ...job });
  worker.say({ type: 'planned', id: third, contexts: [1] });
  worker.say({ type: 'answer', id: second, loaded: false });
  worker.say({ type: 'error', id: first, code: 'not_ready', message: 'Not yet.' });
  worker.say({ type: 'answer', id: third, reason: 'finished' });
  worker.say({ type: 'planned', id: third, contexts: [2] });
  assert.equal((await status).loaded, false);
  await assert.rejects(prove, new WorkerError('not_ready', 'Not yet.'));
  assert.equal((await benchmark).reason, 'finished');
  assert.deepEqual(heard, [{ type: 'planned', contexts: [1] }], 'nothing after the answer');
  client.order('setPace', { tokensPerSecond: 5 });
  assert.deepEqual(worker.sent.at(-1), { type: 'setPace', tokensPerSecond: 5 });
});

test('what does not cross to a worker is refused, and is in nobody\'s way', async (t) => {
  const refused = { code: 'invalid_argument', message: /crosses to a worker: .*Symbol\(king\)/ };
  const prompt = Symbol('king');
  const played = new EngineClient();
  await assert.rejects(played.request('generate', { prompt }), refused);
  assert.throws(() => played.order('setPace', { tokensPerSecond: prompt }), refused);
  assert.deepEqual(started[0].sent, []);
  globalThis.Worker = function refuse() { throw new Error('SecurityError'); };
  const client = new EngineClient();
  t.after(() => client.dispose());
  await assert.rejects(client.request('generate', { prompt }), refused); // before another way is taken
  assert.equal((await client.request('status')).worker, false);
});

test('an order that the worker refuses is an uncaught error of the page', () => {
  const client = new EngineClient();
  client.request('status');
  const refusal = { type: 'error', id: undefined, code: 'invalid_argument', message: 'No.' };
  assert.throws(() => started[0].say(refusal), { code: 'invalid_argument', message: 'No.' });
});

for (const [how, lose] of Object.entries({
  'a script that cannot be loaded': (worker) => worker.onerror({ preventDefault() {} }),
  'an error': (worker) => worker.onerror({ preventDefault() {}, message: 'out of breath' }),
  'a message that cannot be read': (worker) => worker.onmessageerror(),
})) {
  test(`lost by ${how}: all that wait are told, and the next request starts a new worker`, async () => {
    const client = new EngineClient();
    const waiting = [client.request('prove'), client.request('status')];
    lose(started[0]);
    for (const request of waiting) await assert.rejects(request, { code: 'worker_lost' });
    assert.ok(started[0].ended);
    const again = client.request('status');
    started[1].say({ type: 'answer', id: started[1].sent[0].id, busy: false });
    assert.equal((await again).busy, false);
  });
}

test('stop: a worker that answers lives on, one that does not is ended', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const client = new EngineClient();
  const first = client.request('benchmark', job);
  client.stop();
  assert.deepEqual(started[0].sent.at(-1), { type: 'stop' });
  started[0].say({ type: 'answer', id: started[0].sent[0].id, reason: 'stopped' });
  assert.equal((await first).reason, 'stopped');
  const second = client.request('benchmark', job); // not what was to be stopped
  t.mock.timers.tick(5000);
  assert.ok(!started[0].ended);
  client.stop();
  t.mock.timers.tick(4999);
  assert.ok(!started[0].ended);
  t.mock.timers.tick(1);
  assert.ok(started[0].ended);
  await assert.rejects(second, { code: 'worker_lost', message: /did not stop within 5 seconds/ });
});

test('stop: looks that are open do not end a worker, and are not ended', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const client = new EngineClient();
  const run = client.request('benchmark', job);
  const looks = [client.request('inspect', { stored: {} }), client.request('count', { prompt: 'a' })];
  const [{ sent }] = started;
  client.stop();
  started[0].say({ type: 'answer', id: sent[0].id, reason: 'stopped' });
  await run;
  client.stop(); // with nothing to be stopped
  t.mock.timers.tick(5000);
  assert.ok(!started[0].ended);
  for (const { id } of sent.slice(1, 3)) started[0].say({ type: 'answer', id, position: 7 });
  for (const look of looks) assert.equal((await look).position, 7);
});

// ---- no worker ----------------------------------------------------------------------------------

const model = fileURLToPath(new URL('../../web/models/stories/', import.meta.url));

for (const [how, prevent] of Object.entries({
  'where there are none': () => { delete globalThis.Worker; },
  'whose script does not come from another site': (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] }); // a minute for a script that never comes
    globalThis.origin = 'https://other.example';
    queueMicrotask(() => started[0].onerror({ preventDefault() {} }));
    queueMicrotask(() => started[1].onerror({ preventDefault() {} }));
  },
  'that is refused': () => { globalThis.Worker = function refuse() { throw new Error('SecurityError'); }; },
})) {
  test(`without a worker, ${how}: this thread answers, and says so`, async (t) => {
    const client = new EngineClient();
    t.after(() => client.dispose());
    prevent(t);
    const { loaded, worker } = await client.request('status');
    assert.deepEqual([loaded, worker], [false, false]);
  });
}

test('on this thread, all work is done in slices', async (t) => {
  delete globalThis.Worker;
  const client = new EngineClient();
  t.after(() => client.dispose());
  const slices = slicesOf(t);
  const { config, worker } = await client.request('load', { url: model });
  assert.deepEqual([config.nPositions, worker], [1024, false]);
  client.order('setPace', { tokensPerSecond: 0 });
  client.order('setCache', { on: false });
  const written = [];
  const sampling = { maxTokens: 30, temperature: 0 };
  const prompt = 'Once upon a time there was a king. '.repeat(40);
  const end = await client.request('generate', { prompt, sampling }, (event) => {
    if (event.type === 'tokens') written.push(...event.tokens);
  });
  assert.deepEqual([end.reason, written.length], ['length', 30]);
  const { equal } = await client.request('prove');
  assert.ok(equal);
  const sorted = slices.filter((ms) => ms > 1).sort((a, b) => a - b);
  assert.ok(sorted.length > 40, `only ${sorted.length} slices`);
  const median = sorted[sorted.length >> 1];
  assert.ok(median < 16, `every other slice took ${median} ms or more`);
});

test('a load takes files and the module of the engine along, and then asks for none', async (t) => {
  delete globalThis.Worker;
  const client = new EngineClient();
  t.after(() => client.dispose());
  const blobs = Object.fromEntries(tinyBlobs());
  const packed = (bytes) => ({ gzip: gzipSync(bytes).toString('base64') });
  const bytes = async (name) => new Uint8Array(await blobs[name].arrayBuffer());
  const scalar = await readFile(new URL('../../web/engine/kvc-scalar.wasm', import.meta.url));
  const files = {
    ...blobs, 'config.json': await blobs['config.json'].arrayBuffer(),
    'model.safetensors': packed(await bytes('model.safetensors')), 'kvc-scalar.wasm': packed(scalar),
  };
  const answer = await client.request('load', { files, variant: 'scalar' });
  assert.equal(answer.variant, 'scalar');
  const wasm = new URL('../../web/engine/', import.meta.url).href;
  assert.equal((await client.request('load', { files, wasm, variant: 'simd' })).variant, 'simd');
  const half = packed(await bytes('model.safetensors')).gzip.slice(0, 400);
  const damaged = { ...files, 'model.safetensors': { gzip: half } };
  await assert.rejects(client.request('load', { files: damaged }), { code: 'file_truncated' });
  const { 'config.json': _, ...rest } = files;
  await assert.rejects(client.request('load', { files: rest }), { code: 'file_unreachable' });
});

test('on this thread, a stop is heard in the middle of a run', async (t) => {
  delete globalThis.Worker;
  const client = new EngineClient();
  t.after(() => client.dispose());
  await client.request('load', { url: model });
  client.order('setPace', { tokensPerSecond: 0 });
  client.order('setCache', { on: false });
  const run = client.request('generate', { prompt: 'Once', sampling: {} }, ({ type }) => {
    if (type === 'tokens') client.order('stop', {});
  });
  assert.equal((await run).reason, 'stopped');
  assert.equal((await client.request('status')).busy, false);
});

/** How long this thread was busy in a row, each time, in milliseconds. */
function slicesOf(t) {
  const slices = [];
  const spent = () => { // on a busy machine others have the processor for most of the time
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  let last = spent();
  let next = setImmediate(function look() {
    slices.push(spent() - last);
    last = spent();
    next = setImmediate(look);
  });
  t.after(() => clearImmediate(next));
  return slices;
}
