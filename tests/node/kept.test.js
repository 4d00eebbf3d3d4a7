// Models that stay on the device: what is kept, when it is used, and that a load never depends on it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { keptModels, loadModel, removeKept, weighModel } from 'kvcache-wasm';
import { openDirectory } from '../../web/files/files.js';
import { Keep } from '../../web/files/keep.js';
import { DeskClient } from './desk-client.js';
import { FakeCaches, withCaches } from './fake-caches.js';
import { fault, rejectsCode, safetensors, serve } from './helpers.js';
import { randomTensors, tinyFiles } from './tiny-model.js';

const MIB = 2 ** 20;
// 2.5 MB: three parts.
const CHANGES = { n_embd: 64, vocab_size: 8192 };
const FILES = tinyFiles({ changes: CHANGES });
const OTHER = tinyFiles({ changes: CHANGES, seed: 2 }); // of the same size
const WEIGHTS = 'model.safetensors';
const SIZE = FILES[WEIGHTS].length;
const LARGE = [WEIGHTS, 'tokenizer.json'];
assert.ok(SIZE > 2 * MIB && SIZE < 3 * MIB && OTHER[WEIGHTS].length === SIZE);

let server;
let files;
before(async () => {
  files = { ...FILES };
  server = await serve(files);
});
after(() => server.close());
beforeEach((t) => { withCaches(t, new FakeCaches()); });
afterEach(() => {
  for (const name of Object.keys(files)) delete files[name];
  Object.assign(files, FILES);
  for (const name of Object.keys(server.faults)) delete server.faults[name];
});

/** A load: what it asked the server for, its events, its logits. */
async function load(options = {}, source = server.url) {
  const { length } = server.requests;
  const events = [];
  const onProgress = (event) => events.push(event);
  const model = await loadModel(source, { keep: true, onProgress, ...options });
  const logits = model.createSession().prefill([1, 2, 3]);
  model.dispose();
  return { asked: server.requests.slice(length).map(({ name }) => name), events, logits };
}

const fetched = ({ asked }) => LARGE.filter((name) => asked.includes(name));
const keyOf = (end, file = WEIGHTS) => [...caches.store.keys()]
  .find((url) => url.endsWith(`/${end}`) && decodeURIComponent(url).includes(`${file}/`));

test('a second load reads weights and tokenizer on the device: same logits, same progress', async () => {
  const first = await load();
  const second = await load();
  assert.deepEqual(fetched(first), LARGE);
  assert.deepEqual(fetched(second), []);
  assert.ok(second.asked.includes('config.json')); // it is small, and may change
  assert.deepEqual(second.logits, first.logits);
  for (const { events } of [first, second]) {
    const own = events.filter(({ file }) => file === WEIGHTS);
    const statuses = own.map(({ status }) => status).filter((status, i, all) => status !== all[i - 1]);
    assert.deepEqual(statuses, ['initiate', 'download', 'progress', 'done']);
    const last = own.findLast(({ status }) => status === 'progress');
    assert.deepEqual([last.loaded, last.total, last.progress], [SIZE, SIZE, 100]);
    assert.equal(events.at(-1).status, 'ready');
    assert.ok(!events.some(({ status }) => status === 'not_kept'));
  }
});

test('nothing is kept, and nothing that is kept is read, unless a load asks for it', async () => {
  await load({ keep: false });
  assert.equal(caches.store.size, 0);
  await load();
  assert.deepEqual(fetched(await load({ keep: undefined })), LARGE);
  assert.deepEqual(fetched(await load({ cache: 'reload' })), LARGE); // asks for it anew
});

test('no entry is larger than 1 MiB, and none has the address of a file', async () => {
  await load();
  const sizes = [...caches.store.values()].map(({ length }) => length);
  assert.equal(Math.max(...sizes), MIB);
  assert.ok(![...caches.store.keys()].some((url) => url.startsWith(server.url)));
});

test('what is broken, short, gone or foreign is not used, and is replaced', async () => {
  const { logits } = await load();
  const change = (end, to) => () => caches.store.set(keyOf(end), to(caches.store.get(keyOf(end))));
  const flipped = (bytes) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  const record = (changes) => change('record', (bytes) => (
    JSON.stringify({ ...JSON.parse(bytes), ...changes })));
  const damages = {
    'a bit of the first part': change('0', flipped),
    'a bit of the last part': change('2', flipped),
    'the last part is short': change('2', (bytes) => bytes.subarray(1)),
    'a part is empty': change('1', () => Buffer.alloc(0)),
    'a part is gone': () => caches.store.delete(keyOf('1')),
    'a part of another file': () => caches.store.set(keyOf('0'), caches.store.get(keyOf('1'))),
    'the record is gone': () => caches.store.delete(keyOf('record')),
    'the record is no JSON': change('record', () => Buffer.from('<html>')),
    'the record is null': change('record', () => Buffer.from('null')),
    'the record has another size': record({ bytes: SIZE + 1 }),
    'the record has fewer parts': record({ bytes: 2 * MIB, sums: [1, 2] }),
    'the record is of another file': record({ address: 'https://example.org/model.safetensors' }),
  };
  for (const [name, damage] of Object.entries(damages)) {
    damage();
    const repaired = await load();
    assert.ok(repaired.asked.includes(WEIGHTS), name);
    assert.deepEqual(repaired.logits, logits, name);
    assert.deepEqual(fetched(await load()), [], `${name}, after that`);
  }
});

test('files that do not belong to the config of today are fetched again', async () => {
  await load();
  Object.assign(files, tinyFiles({ changes: { n_layer: 3 } }));
  const { asked, logits } = await load();
  assert.ok(asked.includes(WEIGHTS));
  assert.deepEqual(logits, (await load({ keep: false })).logits);
  assert.deepEqual(fetched(await load()), []);
});

test('another size, where the caller knows it, is another file', async () => {
  await load();
  assert.deepEqual(fetched(await load({ sizes: { [WEIGHTS]: SIZE } })), []);
  assert.deepEqual(fetched(await load({ sizes: { [WEIGHTS]: SIZE + 8 } })), [WEIGHTS]);
});

test('where it cannot be kept, the model loads, one event says why, and nothing is left', async (t) => {
  const quota = Object.assign(new Error('full'), { name: 'QuotaExceededError' });
  const failing = (at, error) => Object.assign(new FakeCaches(), {
    onPut(url) { if (url.endsWith(`/${at}`) && decodeURIComponent(url).includes(WEIGHTS)) throw error; },
  });
  const cases = [
    [undefined, 'unavailable'],
    [{ open: async () => { throw new DOMException('no', 'SecurityError'); } }, 'unavailable'],
    [failing(0, quota), 'quota'], [failing(1, quota), 'quota'], [failing(2, quota), 'quota'],
    [failing('record', quota), 'quota'], [failing(1, new Error('disk')), 'failed'],
  ];
  for (const [fake, reason] of cases) {
    withCaches(t, fake);
    const { events, asked } = await load();
    const told = events.filter(({ status }) => status === 'not_kept');
    assert.deepEqual(told, [{ status: 'not_kept', name: server.url, reason }]);
    assert.equal(events.at(-1).status, 'ready');
    assert.equal(asked.filter((name) => name === WEIGHTS).length, 1);
    assert.deepEqual([...fake?.store?.keys() ?? []], [], 'not one of its files');
  }
});

test('a load that fails or is stopped keeps nothing; what was kept before stays', async () => {
  server.faults[WEIGHTS] = fault.cut(SIZE - 1);
  await rejectsCode(load(), 'file_truncated');
  assert.equal(caches.store.size, 0);
  delete server.faults[WEIGHTS];
  const stop = new AbortController();
  const onProgress = ({ file, loaded }) => { if (file === WEIGHTS && loaded > 1.5 * MIB) stop.abort(); };
  await rejectsCode(load({ signal: stop.signal, onProgress }), 'aborted');
  assert.equal(caches.store.size, 0);
  server.faults[WEIGHTS] = fault.html;
  await load().catch(() => {});
  assert.equal(caches.store.size, 0);
  delete server.faults[WEIGHTS];
  await load();
  const before = caches.store.size;
  server.faults['config.json'] = fault.status(500);
  await rejectsCode(load(), 'file_unreachable');
  assert.equal(caches.store.size, before);
});

/** In place of a network: nobody is there. */
function offline(t, fetch = async () => { throw new TypeError('Failed to fetch'); }) {
  const online = globalThis.fetch;
  globalThis.fetch = fetch;
  const back = () => { globalThis.fetch = online; };
  t.after(back);
  return back;
}

const smallFiles = (temperature, template) => ({
  'generation_config.json': JSON.stringify({ do_sample: true, temperature }),
  'tokenizer_config.json': JSON.stringify({ chat_template: template, more: 'x'.repeat(1.2 * MIB) }),
});

/** What the kept model says, without a network. */
async function keptSays(t) {
  const back = offline(t);
  const model = await loadModel(server.url, { keep: true });
  const chat = await model.renderChatTemplate([{ role: 'user', content: 'x' }]);
  model.dispose();
  back();
  return [model.generation.temperature, chat];
}

test('what small files were before stays until a load succeeds, whatever their size', async (t) => {
  const [small, changed] = [smallFiles(0.5, 'before'), smallFiles(0.6, 'after')];
  const stopped = async (options) => {
    const stop = new AbortController();
    const onProgress = ({ file, status }) => { if (file === WEIGHTS && status === 'done') stop.abort(); };
    await rejectsCode(load({ signal: stop.signal, onProgress, ...options }), 'aborted');
  };
  Object.assign(files, small);
  await load();
  const { puts } = caches;
  await load();
  assert.equal(caches.puts, puts, 'not written again');
  const unchanged = { ...files };
  const gone = Object.keys(small);
  for (const change of [{}, changed, { 'config.json': `${FILES['config.json']} ` }]) {
    Object.assign(files, unchanged, change);
    await stopped();
    assert.deepEqual(await keptSays(t), [0.5, 'before'], Object.keys(change).join());
    await rejectsCode(load({ maxMemory: 2 ** 20 }), 'out_of_memory');
    assert.deepEqual(await keptSays(t), [0.5, 'before'], Object.keys(change).join());
  }
  for (const name of gone) delete files[name];
  await stopped();
  assert.deepEqual(await keptSays(t), [0.5, 'before'], 'gone from the server');
  assert.equal(caches.puts, puts);
  Object.assign(files, unchanged, changed);
  await load();
  assert.deepEqual(await keptSays(t), [0.6, 'after']);
  files['tokenizer_config.json'] = '{"chat_template":"short"}';
  await load();
  assert.deepEqual(await keptSays(t), [0.6, 'short']);
  assert.equal(keyOf('1', 'tokenizer_config.json'), undefined, 'no part is left of what was there');
});

test('a change that cannot be kept leaves no model that is half of it', async (t) => {
  Object.assign(files, smallFiles(0.5, 'before'));
  await load();
  Object.assign(files, smallFiles(0.5, 'after'));
  caches.onPut = () => { throw Object.assign(new Error('full'), { name: 'QuotaExceededError' }); };
  const { events } = await load();
  assert.equal(events.find(({ status }) => status === 'not_kept').reason, 'quota');
  offline(t);
  await rejectsCode(load(), 'file_unreachable');
});

test('a replacement that breaks off leaves no mixture of both', async () => {
  await load();
  files[WEIGHTS] = OTHER[WEIGHTS];
  server.faults[WEIGHTS] = fault.cut(SIZE - 1);
  const { delete: remove } = FakeCaches.prototype;
  caches.onPut = () => { caches.delete = async () => true; }; // as if the page were closed: nothing is tidied
  await rejectsCode(load({ cache: 'reload' }), 'file_truncated');
  delete server.faults[WEIGHTS];
  Object.assign(caches, { onPut() {}, delete: remove });
  const { logits } = await load();
  assert.deepEqual(logits, (await load({ keep: false })).logits);
});

test('what is kept is listed by models and removed, whatever the signature of an address', async () => {
  const begin = Date.now();
  await load({}, `${server.url.slice(0, -1)}?token=secret`);
  assert.deepEqual(fetched(await load({}, `${server.url}?token=another`)), []);
  for (const [key, body] of caches.store) {
    assert.ok(!`${key} ${body.subarray(0, 999)}`.includes('secret'));
  }
  const kept = ['config.json', ...LARGE];
  const bytes = kept.reduce((sum, name) => sum + Buffer.byteLength(FILES[name]), 0);
  const [{ date, ...model }, ...others] = await keptModels();
  assert.deepEqual([model.files.sort(), model.bytes, model.address, others], [kept, bytes, server.url, []]);
  assert.ok(date.getTime() >= begin && date.getTime() <= Date.now());
  assert.equal(await removeKept('https://example.org/'), 0);
  await rejectsCode(removeKept('nowhere'), 'invalid_argument', /"nowhere"/);
  assert.equal(await removeKept(`${server.url}?token=third`), bytes);
  assert.deepEqual([await keptModels(), caches.store.size], [[], 0]);
  await load({ tokenizer: false });
  caches.store.set('https://kept.invalid/left/0', Buffer.alloc(1)); // of a load that was cut short
  assert.equal(await removeKept(), SIZE + Buffer.byteLength(FILES['config.json']));
  assert.equal(caches.store.size, 0);
});

test('without a network all of it is there, and what was missing before is missing as it was', async (t) => {
  const generation = '{"do_sample":true,"temperature":0.5}';
  const other = { 'chat_template.jinja': 'chat', 'generation_config.json': generation };
  Object.assign(files, other);
  const { logits } = await load();
  const back = offline(t);
  assert.deepEqual((await load()).logits, logits);
  await rejectsCode(load({ keep: false }), 'file_unreachable', /config\.json could not be fetched/);
  await rejectsCode(load({ cache: 'reload' }), 'file_unreachable', /config\.json could not be fetched/);
  const weighed = await weighModel(server.url, { keep: true });
  const model = await loadModel(server.url, { keep: true });
  assert.equal(model.generation.temperature, 0.5);
  assert.equal(await model.renderChatTemplate([{ role: 'user', content: 'x' }]), 'chat');
  model.dispose();
  back();
  assert.deepEqual(await weighModel(server.url), weighed);
  for (const name of Object.keys(other)) delete files[name];
  await load();
  offline(t);
  assert.deepEqual((await load()).logits, logits);
  const { files: names } = (await keptModels())[0];
  assert.ok(!names.includes('generation_config.json'), 'the server has it no more');
  await rejectsCode(loadModel(new URL('elsewhere/', server.url), { keep: true }), 'file_unreachable',
    /config\.json could not be fetched/);
});

/** A fetch that is not answered, until it is given up. */
const silence = (_url, { signal }) => new Promise((_, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason));
});

test('a file that nobody answers for is taken from what is kept, in any silence', async (t) => {
  await load();
  let asked = 0;
  offline(t, (url, init) => {
    asked++;
    return silence(url, init);
  });
  const inSilence = { keep: new Keep({}), idleMs: 20 };
  const directory = await openDirectory(server.url, inSilence);
  const config = JSON.parse(FILES['config.json']);
  for (let i = 0; i < 2; i++) assert.deepEqual(await directory.json('config.json'), config);
  assert.equal(asked, 1, 'one silence is enough');
  const anew = await openDirectory(server.url, { ...inSilence, keep: new Keep({ cache: 'reload' }) });
  await rejectsCode(anew.json('config.json'), 'file_unreachable', /sent nothing/);
});

/** A clock whose seconds pass as fast as the promises allow that need none. */
function fastClock(t) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { ms: 0, async during(promise) {
    let isDone = false;
    const end = () => { isDone = true; };
    promise.then(end, end);
    while (!isDone) {
      for (let i = 0; i < 50; i++) await new Promise(setImmediate);
      clock.ms += 1000;
      t.mock.timers.tick(1000);
    }
    return promise;
  } };
  t.mock.method(performance, 'now', () => clock.ms);
  return clock;
}

test('where the network is silent, a kept model loads after 5 s', async (t) => {
  const { logits } = await load();
  const clock = fastClock(t);
  const [opened, ended] = [{}, []];
  offline(t, (url, init) => {
    init.signal.addEventListener('abort', () => { ended.push(clock.ms); });
    return silence(url, init);
  });
  const onProgress = ({ file, status }) => { if (status === 'download') opened[file] = clock.ms; };
  assert.deepEqual((await clock.during(load({ onProgress }))).logits, logits);
  assert.ok(opened['config.json'] >= 5000 && opened[WEIGHTS] < 5000);
  assert.ok(Math.max(...Object.values(opened), ...ended) < 10_000, `${ended}`);
  await rejectsCode(clock.during(load({ cache: 'reload' })), 'file_unreachable', /nothing for 30 s/);
});

test('a file that breaks off or falls silent is taken from what is kept; a long one goes on', async (t) => {
  Object.assign(files, smallFiles(0.5, 'kept'));
  const { logits } = await load();
  const clock = fastClock(t);
  let [pieces, ending] = [[], silence];
  offline(t, async (url, init) => {
    const name = url.slice(server.url.length);
    if (!(name in files)) return new Response('', { status: 404 });
    if (name !== 'generation_config.json') return new Response(files[name]);
    return new Response(new ReadableStream({
      async pull(controller) {
        const piece = pieces.shift();
        if (piece) controller.enqueue(new TextEncoder().encode(piece));
        else await ending(url, init).then(() => controller.close());
      },
    }));
  });
  const temperature = async (...given) => {
    [pieces, ending] = given;
    const model = await clock.during(loadModel(server.url, { keep: true }));
    assert.deepEqual(model.createSession().prefill([1, 2, 3]), logits);
    model.dispose();
    return model.generation.temperature;
  };
  const { ms } = clock;
  const broken = async () => { throw new TypeError('network error'); };
  assert.equal(await temperature(['{"do_sample": true, "temper'], broken), 0.5);
  assert.equal(await temperature(['{"do_sample": true,'], silence), 0.5);
  assert.ok(clock.ms - ms < 10_000, `${clock.ms - ms} ms`);
  const late = () => new Promise((resolve) => { setTimeout(resolve, 20_000); });
  const long = ['{"do_sample": true, "temperature": 0.7', ' '.repeat(MIB / 2), '}'];
  assert.equal(await temperature(long, late), 0.7);
});

test('a file that is not kept is waited for as long as ever where others are answered', async (t) => {
  await load({ tokenizer: false });
  const clock = fastClock(t);
  offline(t, async (url, { signal }) => {
    const name = url.slice(server.url.length);
    const late = new Promise((resolve) => { setTimeout(resolve, 20_000); });
    if (name === 'tokenizer.json') await Promise.race([late, silence(url, { signal })]);
    return name in FILES ? new Response(FILES[name]) : new Response('', { status: 404 });
  });
  const model = await clock.during(loadModel(server.url, { keep: true }));
  assert.ok(model.tokenizer);
  model.dispose();
});

test('what is small and has not changed is not written again; a look writes nothing', async () => {
  await weighModel(server.url, { keep: true });
  assert.equal(caches.puts, 0);
  await load();
  const { puts } = caches;
  await load();
  assert.equal(caches.puts, puts);
  files['config.json'] = `${FILES['config.json']} `;
  await weighModel(server.url, { keep: true });
  assert.equal(caches.puts, puts);
  await load();
  assert.equal(caches.puts, puts + 2); // its part and its record
});

test('where there is no Cache API, nothing is kept and nothing has to be removed', async (t) => {
  const none = async () => (
    assert.deepEqual([await keptModels(), await removeKept(), await removeKept(server.url)], [[], 0, 0]));
  withCaches(t, undefined);
  await none();
  const get = () => { throw new DOMException('The context is sandboxed', 'SecurityError'); };
  Object.defineProperty(globalThis, 'caches', { get, configurable: true });
  await none();
  const { events } = await load();
  assert.deepEqual(events.filter(({ reason }) => reason).map(({ reason }) => reason), ['unavailable']);
});

test('weights in several files: each is kept once, and read there with its header', async () => {
  const tensors = randomTensors({ n_layer: 2, n_embd: 16, n_positions: 32, vocab_size: 300 });
  const shards = { 'a.safetensors': tensors.slice(0, 9), 'b.safetensors': tensors.slice(9) };
  const map = Object.entries(shards).flatMap(([file, own]) => own.map(({ name }) => [name, file]));
  Object.assign(files, tinyFiles(), {
    'model.safetensors.index.json': JSON.stringify({ weight_map: Object.fromEntries(map) }),
  });
  for (const [file, own] of Object.entries(shards)) files[file] = safetensors(own);
  delete files[WEIGHTS];
  const first = await load();
  const second = await load();
  assert.deepEqual(first.asked.filter((name) => name in shards).length, 4); // headers, and all
  assert.deepEqual(second.asked.filter((name) => name in shards), []);
  assert.deepEqual(second.logits, first.logits);
  caches.store.set(keyOf('0', 'b.safetensors'), Buffer.from('x'));
  assert.deepEqual((await load()).logits, first.logits);
  const [model] = await keptModels();
  assert.deepEqual(model.files.sort(), ['a.safetensors', 'b.safetensors', 'config.json',
    'model.safetensors.index.json', 'tokenizer.json']);
});

test('the worker keeps, its benchmark reads what is kept, and a failure is an event', async (t) => {
  const wasm = new URL('../../web/engine/kvc-scalar.wasm', import.meta.url);
  Object.assign(files, tinyFiles({ changes: { n_positions: 128 } }));
  const client = new DeskClient();
  t.after(() => client.dispose());
  const fields = { url: server.url, wasm: await readFile(wasm), keep: true };
  const loadThere = async () => {
    const { length } = server.requests;
    const events = [];
    await client.request('load', fields, (event) => events.push(event));
    const asked = server.requests.slice(length).map(({ name }) => name);
    return { asked, told: events.filter(({ type }) => type === 'not_kept') };
  };
  assert.deepEqual(fetched(await loadThere()), LARGE);
  const { asked, told } = await loadThere();
  assert.deepEqual([fetched({ asked }), told], [[], []]);
  const { length } = server.requests;
  const events = [];
  const job = { contexts: [8], runs: 1, windowMs: 1, patienceMs: 0 };
  await client.request('benchmark', job, ({ type }) => events.push(type));
  assert.ok(events.includes('loading') && !events.includes('left_out'));
  assert.deepEqual(fetched({ asked: server.requests.slice(length).map(({ name }) => name) }), []);
  withCaches(t, undefined);
  assert.deepEqual((await loadThere()).told, [{ type: 'not_kept', reason: 'unavailable' }]);
});
