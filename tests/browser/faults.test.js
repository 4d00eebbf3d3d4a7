// What goes wrong is said in words, with a code, and can be tried again.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  addModel, openPage, part, press, run, sample, says, startSite, state, text, written,
} from './helpers.js';

const site = await startSite();
const small = await addModel(site, 'small');

async function fails(page, code, message) {
  await press(page, 'go');
  assert.equal(await state(page), 'failed');
  assert.equal(await text(page, 'error-code'), code, await text(page, 'error-message'));
  assert.match(await text(page, 'error-message'), message);
  assert.ok(await page.isVisible(part('error')));
}

async function retryWorks(page) {
  await page.click(part('retry'));
  await state(page, 'finished');
  assert.ok(await page.isHidden(part('error')));
}

const faults = [
  { name: 'weights that are not there', file: 'model.safetensors', code: 'file_unreachable', message: /404/ },
  {
    name: 'no model at all', file: 'config.json',
    code: 'file_unreachable', message: /config\.json was answered with 404/,
  },
  {
    name: 'a web page instead of the weights', file: 'model.safetensors',
    code: 'file_is_html', message: /web page/i, broken: () => '<!doctype html><title>Not found</title>',
  },
  {
    name: 'weights that end too early', file: 'model.safetensors',
    code: 'file_truncated', message: /model\.safetensors/, broken: (bytes) => bytes.subarray(0, -1),
  },
  {
    name: 'a config that is no JSON', file: 'config.json',
    code: 'json_invalid', message: /config\.json/, broken: () => '{"model_type":',
  },
  {
    name: 'another architecture', file: 'config.json',
    code: 'unsupported_architecture', message: /mamba/, broken: () => '{"model_type": "mamba"}',
  },
  {
    name: 'a damaged tokenizer', file: 'tokenizer.json',
    code: 'tokenizer_invalid', message: /tokenizer\.json/, broken: () => '{"model": {}}',
  },
];

for (const [i, { name, file, code, message, broken }] of faults.entries()) {
  test(`${name}: an error in words, and Try again works`, async (t) => {
    const model = await addModel(site, `broken-${i}`);
    if (broken) await model.write(file, broken(model.files[file]));
    else await model.remove(file);
    const page = await openPage(t, site, { query: model.query, expected: /404 \(Not Found\)/ });
    await page.fill(part('prompt'), 'a');
    await sample(page, { maxTokens: 20 });
    await fails(page, code, message);
    await model.restore(file);
    await retryWorks(page);
  });
}

test('a model on another site is refused', async (t) => {
  const page = await openPage(t, site, { query: '?model=https://example.com/model/' });
  assert.match(await page.textContent('#refused'), /on another site\. It is not fetched/);
  assert.equal(await page.getAttribute('kv-cache-demo', 'src'), null);
});

test('a server that compresses: the size of the model is known all the same', async (t) => {
  const [answer] = site.server.listeners('request');
  site.server.removeAllListeners('request').on('request', async (request, response) => {
    const { pathname } = new URL(request.url, site.url);
    if (!pathname.includes('/models/')) return answer(request, response);
    const file = join(site.folder, pathname.replace('/some/where/', ''));
    const body = gzipSync(await readFile(file), { level: 1 });
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  t.after(() => site.server.removeAllListeners('request').on('request', answer));
  const page = await openPage(t, site);
  await says(page, 'go', /^Generate 4\.9 MB$/);
  await page.evaluate(() => {
    const bar = findAll('[part~="progress"]')[0];
    globalThis.shares = [];
    new MutationObserver(() => shares.push(bar.value)).observe(bar, { attributes: true });
  });
  await sample(page, { maxTokens: 5 });
  await run(page);
  const shares = await page.evaluate(() => globalThis.shares);
  assert.ok(Math.max(...shares) > 0.5 && Math.max(...shares) <= 1, String(shares));
});

test('an engine that is not there, and then is', async (t) => {
  const page = await openPage(t, site, { query: small.query, expected: /404 \(Not Found\)/ });
  await page.route('**/*.wasm', (route) => route.fulfill({ status: 404 }));
  await page.fill(part('prompt'), 'a');
  await sample(page, { maxTokens: 5 });
  await fails(page, 'wasm_invalid', /404|wasm/);
  await page.unroute('**/*.wasm');
  await retryWorks(page);
});

test('a browser without workers: the page computes', async (t) => {
  const init = () => { delete globalThis.Worker; };
  const page = await openPage(t, site, { query: small.query, init, expected: /404 \(Not Found\)/ });
  await page.fill(part('prompt'), 'a');
  await sample(page, { maxTokens: 5 });
  assert.equal(await run(page), 'finished');
  assert.match(await text(page, 'engine'), /on the page’s own thread/);
});

test('a worker script that cannot be loaded, and then can', async (t) => {
  const page = await openPage(t, site, { query: small.query, expected: /404 \(Not Found\)|ERR_/ });
  await page.route('**/worker.js', (route) => route.fulfill({ status: 404 }));
  await page.fill(part('prompt'), 'a');
  await sample(page, { maxTokens: 5 });
  await fails(page, 'worker_lost', /worker\.js/);
  await page.unroute('**/worker.js');
  await retryWorks(page);
});

test('offline: said so, and loading works once the connection is back', async (t) => {
  const page = await openPage(t, site, { query: small.query, expected: /ERR_INTERNET_DISCONNECTED/ });
  await page.context().setOffline(true);
  await page.fill(part('prompt'), 'a');
  await sample(page, { maxTokens: 5 });
  await page.click(part('go'));
  assert.equal(await state(page), 'failed');
  assert.match(await text(page, 'error-message'), /You seem to be offline/);
  await page.context().setOffline(false);
  await retryWorks(page);
});

test('stopped while loading: back to the start, and loading again works', async (t) => {
  const page = await openPage(t, site);
  const [answer] = site.server.listeners('request');
  const answerAll = (listener) => site.server.removeAllListeners('request').on('request', listener);
  const held = [];
  answerAll((request, response) => {
    if (request.method === 'GET' && request.url.endsWith('.safetensors')) held.push(response);
    else answer(request, response);
  });
  t.after(() => answerAll(answer));
  await page.click(part('go'));
  await says(page, 'state', /Loading the model: 0\.\d MB of 4\.\d MB/);
  while (held.length === 0) await page.waitForTimeout(20);
  assert.equal(await page.getAttribute(part('figure'), 'data-state'), 'loading');
  assert.ok(await page.isVisible(part('progress')));
  assert.equal(await text(page, 'go'), 'Stop');
  await says(page, 'state', /Nothing of model.safetensors has arrived for 10 seconds\.$/);
  await page.click(part('go'));
  await state(page, 'unloaded');
  assert.match(await text(page, 'state'), /stopped/);
  assert.ok(await page.isHidden(part('progress')));
  answerAll(answer);
  await sample(page, { maxTokens: 20 });
  assert.equal(await run(page), 'finished');
});

test('a prompt longer than the context: counted as it is typed, and the old story stays', async (t) => {
  const page = await openPage(t, site, { query: small.query });
  await page.fill(part('prompt'), 'abc');
  await sample(page, { maxTokens: 5 });
  assert.equal(await run(page), 'finished');
  const story = await text(page, 'story');
  await says(page, 'count', /^3 tokens of 64$/);
  await page.fill(part('prompt'), 'a'.repeat(65));
  await says(page, 'count', /^65 tokens of 64: 1 too many$/);
  await fails(page, 'context_full', /^Your beginning is too long: it has 65 tokens, .* room for 64\. Sho/);
  assert.equal(await text(page, 'story'), story);
  await page.fill(part('prompt'), 'a');
  await retryWorks(page);
});

test('the context fills up: the run ends there and says so', async (t) => {
  const page = await openPage(t, site, { query: small.query });
  await page.fill(part('prompt'), 'a'.repeat(60));
  await sample(page, { maxTokens: 50, temperature: 0 });
  assert.equal(await run(page), 'full');
  assert.match(await text(page, 'state'), /^The context is full: 4 tokens written\.$/);
  assert.equal(await text(page, 'position'), '64 of 64');
});

test('a vocabulary of markup and control characters stays text', async (t) => {
  // U+0120: a space
  const vocab = Array.from({ length: 60 }, (_, i) => `<img\u0120src=x\u0120onerror=alert(${i})>`);
  const hostile = await addModel(site, 'hostile', { vocab });
  const page = await openPage(t, site, { query: hostile.query });
  await page.fill(part('prompt'), '<b>\u202e');
  await sample(page, { maxTokens: 50, temperature: 5 });
  await run(page);
  assert.equal(await text(page, 'story-prompt'), '<b>⟨U+202E⟩');
  const story = await written(page);
  assert.match(story, /<img src=x onerror=alert/);
  assert.match(story, /[\u2400-\u241f]/, 'control characters are shown as symbols');
  assert.doesNotMatch(story, /[\u0000-\u0008\u007f-\u009f\u202a-\u202e]/);
  assert.equal(await page.$$eval(`${part('story')} *:not(span)`, (all) => all.length), 0);
});
