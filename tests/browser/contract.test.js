// Both sides of the worker's contract alone: the worker without the page, the page with an engine that lies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bareWorker } from './bare-worker.js';
import { addModel, openPage, part, proof, sample, startSite, state } from './helpers.js';

const site = await startSite();
const small = await addModel(site, 'small');

test('the worker: status at any time, one request at a time, what it does not know is refused', async (t) => {
  const page = await openPage(t, site, { init: bareWorker });
  const said = await page.evaluate(async (model) => {
    const { messages, until, ask, say, terminate } = openWorker();
    const said = {};
    said.early = await ask(1, 'generate', { prompt: 'a', sampling: {} });
    said.unknown = await ask(2, 'toString', {});
    said.load = await ask(3, 'load', { url: new URL(model, location.href).href, variant: 'auto' });
    said.noRun = await ask(4, 'prove', {});
    say({ type: 'setPace', tokensPerSecond: 5 });
    say({ type: 'setCache', on: false });
    say({ id: 5, type: 'generate', prompt: 'abc', sampling: { maxTokens: 50, temperature: 0 } });
    await until(({ type }) => type === 'tokens');
    said.second = await ask(6, 'generate', { prompt: 'a', sampling: {} });
    said.during = await ask(7, 'status', {});
    say({ type: 'stop' });
    said.stopped = await until(({ id, type }) => id === 5 && type === 'answer');
    said.invalid = await ask(8, 'generate', { prompt: 'a', sampling: { temperature: -1 } });
    said.after = await ask(9, 'status', {});
    said.events = messages.filter(({ id }) => id === 5).map(({ type }) => type);
    terminate();
    return said;
  }, 'small/');
  assert.equal(said.early.code, 'not_ready');
  assert.equal(said.unknown.code, 'invalid_argument');
  assert.equal(said.load.config.nPositions, 64);
  assert.equal(said.noRun.code, 'not_ready');
  assert.equal(said.second.code, 'busy');
  assert.deepEqual([said.during.loaded, said.during.busy, said.during.useCache], [true, true, false]);
  assert.equal(said.stopped.reason, 'stopped');
  assert.equal(said.invalid.code, 'invalid_argument');
  assert.deepEqual([said.after.loaded, said.after.busy], [true, false]);
  assert.deepEqual(said.events.slice(0, 4), ['prefilled', 'tokens', 'proving', 'proof']);
  assert.ok(said.load.tick > 0 && said.load.tick < 20, 'the tick of its clock');
});

test('the worker: nonsense is refused in words and changes nothing, during a run too', async (t) => {
  const page = await openPage(t, site, { init: bareWorker });
  const said = await page.evaluate(async (model) => {
    const { messages, until, ask, say, terminate } = openWorker();
    const url = new URL(model, location.href).href;
    const job = { type: 'benchmark', contexts: [10], runs: 1, windowMs: 1, patienceMs: 1 };
    const run = { type: 'generate', prompt: 'abc', sampling: { maxTokens: 40, temperature: 0 } };
    const nonsense = {
      requests: [
        {}, { type: 'constructor' }, { type: ['load'], url }, { type: { toString: 5 } },
        { type: 'load' }, { type: 'load', url: null }, { type: 'load', url: 5n },
        { type: 'generate' }, { ...run, prompt: ['a'] }, { ...run, sampling: null },
        { ...run, written: 'a' }, { ...run, written: [-1] }, { ...run, written: [], more: 0.5 },
        { ...run, sampling: 'greedy' }, { ...run, sampling: { n: 2 } }, { ...run, sampling: { numBeams: 2 } },
        { type: 'benchmark' }, { ...job, contexts: null }, { ...job, patienceMs: 'none' },
      ],
      orders: [
        { type: 'setCache' }, { type: 'setCache', on: 'no' }, { type: 'setPace' },
        { type: 'setPace', tokensPerSecond: '5' }, { type: 'setPace', tokensPerSecond: NaN },
        { type: 'setPace', tokensPerSecond: -1 },
      ],
      nameless: [
        null, undefined, 5, 'load', ['load'], new Map([['type', 'load']]), new Uint8Array(8), {},
        { type: 'status' }, { type: 'prove', id: null }, { type: 'status', id: 'one' }, run,
      ],
    };
    await ask(1, 'load', { url, variant: 'auto' });
    await ask(2, 'generate', { ...run, sampling: { maxTokens: 5, temperature: 0 } });
    const named = [...nonsense.requests, ...nonsense.orders];
    for (const [i, message] of named.entries()) await ask(10 + i, message.type, message);
    const refusals = messages.filter(({ id }) => id >= 10);
    for (const message of [...nonsense.nameless, ...nonsense.orders]) say(message);
    const before = await ask(3, 'status', {});
    const nameless = messages.filter(({ id }) => id === undefined);
    const proof = await ask(4, 'prove', {});
    say({ type: 'setPace', tokensPerSecond: 40 });
    say({ id: 5, ...run });
    await until(({ id, type }) => id === 5 && type === 'prefilled');
    for (const message of [...nonsense.nameless, ...nonsense.orders]) say(message);
    const during = await ask(6, 'status', {});
    const end = await until(({ id, type }) => id === 5 && ['answer', 'error'].includes(type));
    const crashes = messages.filter(({ type }) => type === 'crash');
    terminate();
    return { nonsense, refusals, nameless, before, proof, during, end, crashes };
  }, 'small/');
  const { requests, orders, nameless } = said.nonsense;
  assert.equal(said.refusals.length, requests.length + orders.length);
  assert.equal(said.nameless.length, nameless.length + orders.length);
  for (const { type, code, message } of [...said.refusals, ...said.nameless]) {
    assert.equal(type, 'error');
    assert.match(code, /^(invalid_argument|token_out_of_range)$/, message);
    assert.match(message, /^[A-Z"].*\.$/);
  }
  const { before, proof, during, end } = said;
  assert.deepEqual([before.loaded, before.busy, before.position, before.useCache], [true, false, 8, true]);
  assert.equal(proof.equal, true, 'the run before is still there');
  assert.deepEqual([during.busy, during.useCache], [true, true]);
  assert.deepEqual([end.type, end.reason, end.position], ['answer', 'length', 43]);
  assert.deepEqual(said.crashes, []);
});

/** Speaks the contract, but writes other tokens and computes other numbers without the cache. */
const LIAR = `
  let on = true;
  self.onmessage = ({ data: { type, id, on: cache } }) => {
    const say = (message) => self.postMessage({ id, ...message });
    if (type === 'setCache') on = cache;
    const memory = { totalBytes: 9e5, cacheBytes: 8e5, usedBytes: 4e5, bytesPerToken: 1e4 };
    const config = { nLayer: 1, nHead: 1, nKvHead: 1, headDim: 4, nEmbd: 4, vocabSize: 8, nPositions: 80 };
    const model = {
      config, generation: { temperature: 1 }, variant: 'simd', room: 80, memory, tick: 1, worker: true };
    const [a, b] = ['00000000000000aa', '00000000000000bb'];
    if (type === 'load') say({ type: 'answer', ...model });
    if (type === 'count') say({ type: 'answer', tokens: 2, room: 80 });
    if (type === 'prove') say({ type: 'answer', tokens: 22, on: a, off: b, run: a, equal: false });
    if (type !== 'generate') return;
    say({ type: 'prefilled', tokens: 2, reused: 0, cached: on, ms: 1, passes: 8, error: 0.1 });
    const burst = { first: 2, tokens: 20, ms: 20 };
    const tokens = Array.from({ length: 20 }, (_, i) => (
      { id: i === 12 && !on ? 99 : i, text: ' x', position: 2 + i, cached: on, work: 1, burst }));
    say({ type: 'tokens', memory, tokens });
    say({ type: 'answer', reason: 'length', position: 22, memory, hash: a });
  };`;

test('numbers and texts that differ are called different', async (t) => {
  const page = await openPage(t, site);
  await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: LIAR }));
  await sample(page, { maxTokens: 20 });
  await page.click(part('both'));
  await state(page, 'finished');
  const { verdict, words, hashes } = await proof(page);
  assert.equal(verdict, 'different');
  assert.match(words, /^Different/);
  assert.deepEqual(hashes, ['00000000000000aa', '00000000000000bb', '00000000000000aa']);
  assert.match(await page.textContent(part('remark')), /differ from token 13 on/);
});

test('a worker that dies in the middle of a run is reported and started anew', async (t) => {
  const page = await openPage(t, site, { query: small.query });
  const dying = LIAR.replace("type !== 'generate'",
    "type !== 'generate' || setTimeout(() => { throw new Error('out of breath'); })");
  await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: dying }));
  await page.fill(part('prompt'), 'a');
  await sample(page, { maxTokens: 20 });
  await page.click(part('go'));
  assert.equal(await state(page), 'failed');
  assert.equal(await page.textContent(part('error-code')), 'worker_lost');
  assert.match(await page.textContent(part('error-message')), /out of breath/);
  await page.unroute('**/worker.js');
  await page.click(part('retry'));
  await state(page, 'finished');
  assert.equal((await proof(page)).verdict, 'equal');
});

test('a worker that does not stop is ended', async (t) => {
  const page = await openPage(t, site, { query: small.query });
  const deaf = LIAR.replace("type !== 'generate'", 'true');
  await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: deaf }));
  await page.click(part('go'));
  await state(page, 'prefilling');
  await page.keyboard.press('Escape');
  assert.equal(await state(page), 'failed');
  assert.match(await page.textContent(part('error-message')), /did not stop within 5 seconds/);
});
