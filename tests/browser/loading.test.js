// loadModel() in a page and what only a browser has: cookies, an HTTP cache, and a Cache API.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { fault, serve as serveFiles } from '../node/helpers.js';
import { tinyFiles } from '../node/tiny-model.js';
import { serve } from '../serve.js';
import { shellPath } from './engines/chromium.js';

const built = await build({ entryPoints: ['web/index.js'], bundle: true, format: 'esm', write: false });
const OURS = {
  'index.html': '<!doctype html><title>x</title>',
  'kvc.js': built.outputFiles[0].text,
  'kvc.wasm': await readFile('web/engine/kvc-scalar.wasm'),
};
const args = ['--no-sandbox', '--disable-gpu'];
const browser = await chromium.launch({ executablePath: shellPath(), args });
after(() => browser.close());

/** Loads a model from the page's own folder; the code of the error, or "loaded". */
const load = (page, options = {}) => page.evaluate(async (given) => {
  const { loadModel } = await import(new URL('kvc.js', document.baseURI).href);
  return loadModel('./', { wasm: 'kvc.wasm', ...given }).then((model) => {
    model.dispose();
    return 'loaded';
  }, (error) => error.code);
}, options);

test("a login on the page's own site is enough, unless credentials are left out", async (t) => {
  const model = tinyFiles();
  const server = await serveFiles({ ...OURS, ...model }, {
    'kvc.js': (response, bytes) => response.setHeader('content-type', 'text/javascript').end(bytes),
  });
  t.after(() => server.close());
  for (const name of Object.keys(model)) {
    server.faults[name] = (response, bytes, { headers }) => (
      headers.cookie === 'session=5' ? response.end(bytes) : fault.status(401)(response));
  }
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${server.url}index.html`);
  assert.equal(await load(page), 'file_unreachable');
  await context.addCookies([{ name: 'session', value: '5', url: server.url }]);
  assert.equal(await load(page), 'loaded');
  assert.equal(await load(page, { credentials: 'omit' }), 'file_unreachable');
});

test('a second load transfers nothing, and with "force-cache" it needs no network', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kvc-loading-'));
  t.after(() => rm(folder, { recursive: true }));
  await cp('web/models/stories', folder, { recursive: true });
  for (const [name, content] of Object.entries(OURS)) await writeFile(join(folder, name), content);
  const server = await serve(folder);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const address = `http://127.0.0.1:${server.address().port}/`;
  /** Bytes that came over the network for the model's files since the page was opened. */
  const transferred = () => page.evaluate(() => performance.getEntriesByType('resource')
    .filter(({ name }) => /\.(json|safetensors)$/.test(name))
    .reduce((sum, { transferSize }) => sum + transferSize, 0));
  await page.goto(address);
  assert.equal(await load(page), 'loaded');
  assert.ok(await transferred() > 4e6);
  await page.reload();
  assert.equal(await load(page), 'loaded');
  const again = await transferred();
  assert.ok(again < 5000, `${again} bytes`); // the headers of five answers
  await context.setOffline(true);
  assert.equal(await load(page), 'file_unreachable');
  assert.equal(await load(page, { cache: 'force-cache' }), 'loaded');
});

test('with "keep" the weights stay on the device, for pages and workers, until removed', async (t) => {
  const model = tinyFiles({ changes: { n_embd: 64, vocab_size: 8192 } }); // 2.5 MB
  const plain = { 'content-type': 'text/javascript' };
  const server = await serveFiles({ ...OURS, ...model }, {
    'kvc.js': (response, bytes) => response.writeHead(200, plain).end(bytes),
  });
  t.after(() => server.close());
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${server.url}index.html`);
  const keep = { keep: true, cache: 'no-store' }; // what the HTTP cache has does not help
  /** What a load asks the server for, of the large files. */
  const asked = async (loading) => {
    const { length } = server.requests;
    assert.equal(await loading, 'loaded');
    return server.requests.slice(length).map(({ name }) => name)
      .filter((name) => /^(tokenizer\.json|model\.safetensors)$/.test(name)).sort();
  };
  const large = ['model.safetensors', 'tokenizer.json'];
  assert.deepEqual(await asked(load(page, keep)), large);
  await page.reload();
  assert.deepEqual(await asked(load(page, keep)), []);
  const inWorker = page.evaluate((given) => new Promise((resolve, reject) => {
    const base = document.baseURI;
    const source = `import { loadModel } from ${JSON.stringify(new URL('kvc.js', base).href)};
      loadModel(${JSON.stringify(base.replace('index.html', ''))}, ${JSON.stringify(given)})
        .then(() => postMessage('loaded'), (error) => postMessage(error.message));`;
    const blob = new Blob([source], { type: 'text/javascript' });
    const worker = new Worker(URL.createObjectURL(blob), { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  }), { ...keep, wasm: `${server.url}kvc.wasm` });
  assert.deepEqual(await asked(inWorker), []);
  const [kept, removed, left] = await page.evaluate(async () => {
    const { keptModels, removeKept } = await import(new URL('kvc.js', document.baseURI).href);
    return [await keptModels(), await removeKept('./'), await keptModels()];
  });
  const bytes = Object.values(model).reduce((sum, file) => sum + Buffer.byteLength(file), 0);
  assert.deepEqual([kept.length, kept[0].address, kept[0].bytes], [1, server.url, bytes]);
  assert.deepEqual([removed, left], [bytes, []]);
  assert.deepEqual(await asked(load(page, keep)), large);
});
