// Both sides of the worker's contract alone: the worker without the page, the page with an engine that lies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addModel, openPage, part, proof, sample, startSite, state } from './helpers.js';

const site = await startSite();
const small = await addModel(site, 'small');

test('the worker: status at any time, one request at once, what it does not know is refused', async (t) => {
  const page = await openPage(t, site);
  const said = await page.evaluate(async (model) => {
    const worker = new Worker('worker/worker.js', { type: 'module' });
    const messages = [];
    worker.onmessage = ({ data }) => messages.push(data);
    const answer = async (id) => {
      for (;;) {
        const found = messages.find((message) => message.id === id && ['answer', 'error'].includes(message.type));
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const ask = (id, type, fields) => {
      worker.postMessage({ id, type, ...fields });
      return answer(id);
    };
    const said = {};
    said.early = await ask(1, 'generate', { prompt: 'a', sampling: {} });
    said.unknown = await ask(2, 'toString', {});
    said.load = await ask(3, 'load', { url: new URL(model, location.href).href, variant: 'auto' });
    said.noRun = await ask(4, 'prove', {});
    worker.postMessage({ type: 'setPace', tokensPerSecond: 5 });
    worker.postMessage({ type: 'setCache', on: false });
    worker.postMessage({ id: 5, type: 'generate', prompt: 'abc', sampling: { maxTokens: 50, temperature: 0 } });
    while (!messages.some(({ type }) => type === 'tokens')) await new Promise((resolve) => setTimeout(resolve, 5));
    said.second = await ask(6, 'generate', { prompt: 'a', sampling: {} });
    said.during = await ask(7, 'status', {});
    worker.postMessage({ type: 'stop' });
    said.stopped = await answer(5);
    said.invalid = await ask(8, 'generate', { prompt: 'a', sampling: { temperature: -1 } });
    said.after = await ask(9, 'status', {});
    said.events = messages.filter(({ id }) => id === 5).map(({ type }) => type);
    worker.terminate();
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
});

/** Speaks the contract, but writes other tokens and computes other numbers without the cache. */
const LIAR = `
  let on = true;
  self.onmessage = ({ data: { type, id, on: cache } }) => {
    const say = (message) => self.postMessage({ id, ...message });
    if (type === 'setCache') on = cache;
    const memory = { totalBytes: 9e5, cacheBytes: 8e5, usedBytes: 4e5, bytesPerToken: 1e4 };
    const config = { nLayer: 1, nHead: 1, headDim: 4, nPositions: 80 };
    if (type === 'load') say({ type: 'answer', config, generation: { temperature: 1 }, variant: 'simd', memory });
    if (type === 'prove') say({ type: 'answer', tokens: 22, on: '00000000000000aa', off: '00000000000000bb', run: '00000000000000aa', equal: false });
    if (type !== 'generate') return;
    say({ type: 'prefilled', tokens: 2, reused: 0, ms: 0, cached: on });
    say({ type: 'tokens', memory, tokens: Array.from({ length: 20 }, (_, i) => (
      { id: i === 12 && !on ? 99 : i, text: ' x', position: 2 + i, ms: 1, cached: on, work: 1, missing: 0 })) });
    say({ type: 'answer', reason: 'length', position: 22, memory });
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
  const dying = LIAR.replace("type !== 'generate'", "type !== 'generate' || setTimeout(() => { throw new Error('out of breath'); })");
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
  await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: LIAR.replace("type !== 'generate'", 'true') }));
  await page.click(part('go'));
  await state(page, 'prefilling');
  await page.keyboard.press('Escape');
  assert.equal(await state(page), 'failed');
  assert.match(await page.textContent(part('error-message')), /did not stop within 5 seconds/);
});
