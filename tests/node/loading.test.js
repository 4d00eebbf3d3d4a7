// What loadModel() requests, and when: everything together, with the caller's headers, and whichever answer
// comes first.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { benchmark } from '../../web/worker/requests/benchmark.js';
import { Turns } from '../../web/worker/turns.js';
import { blobOf, fault, rejectsCode, serve } from './helpers.js';
import { tinyBlobs, tinyFiles } from './tiny-model.js';

const NAMES = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'kvc.wasm',
  'model.safetensors']; // in the order of the errors
const wasm = await readFile(new URL('../../web/engine/kvc-scalar.wasm', import.meta.url));
const FILES = {
  ...tinyFiles({ generation: { do_sample: true, temperature: 0.5 } }), 'tokenizer_config.json': '{}',
  'kvc.wasm': wasm,
};

let server;
before(async () => { server = await serve(FILES); });
after(() => server.close());
afterEach(() => { for (const name of Object.keys(server.faults)) delete server.faults[name]; });

const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
after(() => assert.deepEqual(unhandled, []));

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The module is compiled once for each address: `fresh` makes a new one. */
let fresh = 0;
const load = (options) => loadModel(server.url, { wasm: `${server.url}kvc.wasm?${fresh++}`, ...options });

test('everything is requested before anything has come, and may come in any order', async () => {
  const model = await loadModel(tinyBlobs());
  const expected = model.createSession().prefill([1, 2, 3]);
  for (const late of NAMES) {
    const waiting = [];
    for (const name of NAMES) {
      server.faults[name] = (response, bytes) => {
        waiting.push({ name, send: () => response.end(bytes) });
        if (waiting.length < NAMES.length) return;
        for (const { name: other, send } of waiting) if (other !== late) send();
        setTimeout(waiting.find((one) => one.name === late).send, 20);
      };
    }
    const loaded = await load();
    assert.deepEqual(waiting.map(({ name }) => name).sort(), [...NAMES].sort());
    assert.deepEqual(loaded.createSession().prefill([1, 2, 3]), expected, `${late} last`);
    assert.equal(loaded.generation.temperature, 0.5);
    loaded.dispose();
  }
  model.dispose();
});

test('without a tokenizer, its files are not requested', async () => {
  const { length } = server.requests;
  (await load({ tokenizer: false })).dispose();
  const names = server.requests.slice(length).map(({ name }) => name).sort();
  assert.deepEqual(names, ['config.json', 'generation_config.json', 'kvc.wasm', 'model.safetensors']);
});

test('of several errors the first in order is told, whichever came first; the rest is stopped', async () => {
  for (const [i, name] of NAMES.entries()) {
    const stopped = new Set();
    for (const later of NAMES.slice(i)) {
      server.faults[later] = async (response, bytes, request) => {
        request.on('close', () => { if (!response.writableEnded) stopped.add(later); });
        if (later === name) setTimeout(() => fault.status(500)(response), 40); // after all the others
        else if (later === NAMES.at(-1)) fault.stall(100)(response, bytes);
        else fault.status(500)(response);
      };
    }
    const error = await rejectsCode(load(), name === 'kvc.wasm' ? 'wasm_invalid' : 'file_unreachable');
    assert.match(error.message, new RegExp(`/${name.replace('.', '\\.')}`));
    for (let tries = 0; i < 5 && !stopped.has('model.safetensors'); tries++) {
      assert.ok(tries < 200, `${name}: the weights still come`);
      await pause(10);
    }
    for (const other of NAMES) delete server.faults[other];
    (await load()).dispose();
  }
});

test('a wrong config.json is reported before the weights have come', async () => {
  server.faults['config.json'] = (response) => response.end('{"model_type":"mamba"}');
  server.faults['model.safetensors'] = fault.silent;
  server.faults['tokenizer.json'] = fault.silent;
  await rejectsCode(load(), 'unsupported_architecture', /mamba/);
});

test('an error of the caller comes out as it is, from every event of every file', async () => {
  for (const file of NAMES.filter((name) => name !== 'kvc.wasm')) {
    for (const status of ['initiate', 'download', 'progress', 'done']) {
      const mine = new Error(`${file} ${status}`);
      const onProgress = (event) => { if (event.file === file && event.status === status) throw mine; };
      await assert.rejects(load({ onProgress }), (error) => error === mine);
    }
  }
});

test('query, headers and fetch reach every file of the model, and only these', async () => {
  const { length } = server.requests;
  const seen = [];
  const spy = (url, init) => {
    seen.push(new URL(url).pathname.slice('/model/'.length));
    return fetch(url, init);
  };
  const options = { wasm: `${server.url}kvc.wasm?own`, headers: { 'x-key': '5' }, fetch: spy };
  (await loadModel(`${server.url}?signed=1`, options)).dispose();
  const requests = server.requests.slice(length);
  assert.deepEqual(requests.map(({ name }) => name).sort(), [...NAMES].sort());
  for (const { name, url, headers } of requests) {
    const isModule = name === 'kvc.wasm'; // it may lie with somebody else
    assert.equal(headers['x-key'], isModule ? undefined : '5', name);
    assert.equal(new URL(url, 'http://x').search, isModule ? '?own' : '?signed=1', name);
  }
  assert.deepEqual(seen.sort(), NAMES.filter((name) => name !== 'kvc.wasm').sort());
});

test('sizes give progress a total where the server compresses', async () => {
  const sizes = Object.fromEntries(NAMES.map((name) => [name, Buffer.from(FILES[name]).length]));
  for (const name of NAMES) if (name !== 'kvc.wasm') server.faults[name] = fault.gzip;
  const totals = {};
  const onProgress = ({ status, file, total }) => {
    if (status === 'progress') (totals[file] ??= new Set()).add(total);
  };
  (await load({ sizes, onProgress })).dispose();
  for (const name of NAMES) if (name !== 'kvc.wasm') assert.deepEqual([...totals[name]], [sizes[name]], name);
});

test('Blobs: a model with a broken part is refused as one from a server is', async () => {
  const files = tinyBlobs();
  files.set('config.json', blobOf('['));
  files.delete('model.safetensors');
  await rejectsCode(loadModel(files), 'json_invalid', /config\.json/);
  files.set('config.json', tinyBlobs().get('config.json'));
  await rejectsCode(loadModel(files), 'file_unreachable', /model\.safetensors/);
});

test('a whole model with a signal: Node has nothing to warn of, and the signal is let go of', async (t) => {
  const warnings = [];
  const warn = (warning) => warnings.push(String(warning));
  process.on('warning', warn);
  t.after(() => process.off('warning', warn));
  const { signal } = new AbortController();
  const files = ['generation_config.json', 'tokenizer_config.json'].map((name) => [name, blobOf('{}')]);
  const model = await loadModel(new Map([...tinyBlobs(), ...files]), { signal });
  await new Promise((resolve) => setImmediate(resolve)); // warnings come late
  assert.deepEqual(warnings, []);
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
  model.dispose();
});

test("the worker's benchmark loads its second kind of weights from the HTTP cache", async (t) => {
  const served = await serve(tinyFiles({ changes: { n_positions: 128 } }));
  t.after(() => served.close());
  const model = await loadModel(served.url);
  const modes = [];
  t.mock.method(globalThis, 'fetch', ((real) => (url, init) => {
    if (String(url).startsWith(served.url)) modes.push(new Request(url, init).cache);
    return real(url, init);
  })(fetch));
  const events = [];
  const job = { contexts: [8], runs: 1, windowMs: 1, patienceMs: 0 };
  const origins = { source: served.url, build: {} };
  const context = { loaded: () => ({ model, origins }), turns: new Turns() };
  const answer = await benchmark(context, job, (type) => events.push(type), new AbortController().signal);
  assert.equal(answer.reason, 'finished');
  assert.ok(events.includes('loading') && !events.includes('left_out'), events.join());
  assert.deepEqual(modes, ['force-cache', 'force-cache', 'force-cache']); // config, generation, weights
  model.dispose();
});
