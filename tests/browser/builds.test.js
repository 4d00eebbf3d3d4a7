// The builds of the figure with everything inside, from a disk without a network, in a sandbox, through
// pandoc, beside AMD; and how large all are.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { tinyFiles } from '../node/tiny-model.js';
import { SHORT, TAG, TOKENS, disk, page, story } from './built.js';
import { PROMPT, SEED } from './expected.js';
import { openPage, part, startSite, state, text, written } from './helpers.js';

const site = await startSite();
const alone = await disk();

// ---- nothing outside of it -------------------------------------------------------------------------

/** Clicks Generate in a page or frame, and waits until the short story is there. */
async function writes(frame) {
  await frame.locator(part('go')).click();
  await frame.locator(`${part('figure')}:is([data-state="finished"], [data-state="failed"])`).waitFor();
  assert.equal(await frame.locator(part('error-message')).textContent(), '');
  const words = await frame.locator(part('story-written')).textContent();
  assert.equal(words, story);
}

/** A page without a network, which may ask for files of the disk alone. */
async function openOffline(t, url) {
  const context = await site.browser.newContext({ offline: true });
  t.after(() => context.close());
  const own = await context.newPage();
  const asked = [];
  own.on('request', (request) => {
    if (!/^(data:|blob:)/.test(request.url())) asked.push(request.url().split('?')[0]);
  });
  await own.goto(url);
  await own.locator(`${part('figure')}[data-state="unloaded"]`).waitFor();
  return { page: own, asked };
}

test('the single file asks for nothing, not even without a network', async (t) => {
  const address = `${alone.url('kv-cache-demo.html')}?${SHORT}&model=tales`;
  const { page: own, asked } = await openOffline(t, address);
  await writes(own);
  const said = await own.locator(`${part('model')} > summary`).textContent();
  assert.equal(said, 'Model stories, because tales is not in this build of one file');
  assert.deepEqual(asked, [alone.url('kv-cache-demo.html')]);
});

test('views that are fetched later are inside the inline script, and the engine with bugs', async (t) => {
  const name = await page(alone.folder, `<script src="kv-cache-demo.inline.js"></script>
    <kv-cache-demo loading="eager" views="work calculator lab benchmark"></kv-cache-demo>`);
  const { page: own, asked } = await openOffline(t, alone.url(name));
  for (const view of ['work', 'calculator', 'lab', 'benchmark']) {
    await own.locator(`[data-view="${view}"]`).evaluate((place) => place.firstElementChild.scrollIntoView());
    await own.locator(part(view)).waitFor(); // one that is far away would not be fetched
  }
  await own.locator(part('lab-go')).click();
  await own.locator('figure.lab[data-state="done"]').waitFor();
  assert.deepEqual(asked.sort(), [alone.url(name), alone.url('kv-cache-demo.inline.js')].sort());
});

test('the single file in a sandbox that lets only scripts run, from a server without CORS', async (t) => {
  const name = await page(site.folder,
    `<iframe sandbox="allow-scripts" src="kv-cache-demo.html?${SHORT}" width="900" height="700"></iframe>`);
  const own = await site.browser.newPage();
  t.after(() => own.close());
  await own.goto(site.url + name);
  await writes(own.frameLocator('iframe'));
});

const pandoc = (...args) => execFileSync('pandoc', args, { cwd: alone.folder, encoding: 'utf8' });

/** Since pandoc 2.19 it is called --embed-resources. */
function embedResources() {
  try {
    return pandoc('--help').includes('--embed-resources') ? '--embed-resources' : '--self-contained';
  } catch {
    return undefined;
  }
}

const embed = embedResources();

test('an article that pandoc has put into one file', { skip: !embed && 'pandoc is not here' }, async (t) => {
  await writeFile(join(alone.folder, 'article.md'),
    `---\ntitle: An article\n---\n\n<script src="kv-cache-demo.inline.js"></script>\n\n${TAG}\n\nText.\n`);
  pandoc('article.md', embed, '--standalone', '-o', 'article.html');
  await rm(join(alone.folder, 'kv-cache-demo.inline.js'));
  t.after(() => alone.take('kv-cache-demo.inline.js'));
  const { page: own, asked } = await openOffline(t, alone.url('article.html'));
  await writes(own);
  assert.deepEqual(asked, [alone.url('article.html')]);
});

test('the inline script beside AMD and CommonJS: it neither defines nor imports', async (t) => {
  const source = await readFile('dist/kv-cache-demo.inline.js', 'utf8');
  assert.doesNotMatch(source, /\bimport\s*[("'{*]|\bimport\.meta|\bexport\s*[{*]/);
  const query = await page(site.folder, `<script>
    globalThis.calls = [];
    globalThis.define = (...args) => { calls.push(args); throw new Error('anonymous define()'); };
    define.amd = {};
    globalThis.require = globalThis.define;
    globalThis.module = { exports: {} };
    globalThis.exports = module.exports;
  </script><script src="kv-cache-demo.inline.js"></script>${TAG}`);
  const own = await openPage(t, site, { query });
  await writes(own);
  assert.deepEqual(await own.evaluate(() => [calls, module.exports]), [[], {}]);
});

// ---- the library without a bundler ------------------------------------------------------------------

/** Runs as a module in a page and in a worker; neither has an address that others could lie beside. */
async function loadFromBytes({ library, files, wasm }) {
  const url = URL.createObjectURL(new Blob([library], { type: 'text/javascript' }));
  const { loadModel } = await import(url);
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const blobs = Object.entries(files).map(([name, text]) => [name, new Blob([bytes(text)])]);
  const model = await loadModel(Object.fromEntries(blobs), { wasm: bytes(wasm), tokenizer: false });
  const session = model.createSession();
  session.prefill([1, 2, 3]);
  return session.logitsHash;
}

test('the library as it is, and from a blob:, its bytes given, in a page and in a worker', async (t) => {
  const query = await page(site.folder, '<p part="figure" data-state="unloaded">A page.</p>');
  const own = await openPage(t, site, { query });
  const base64 = (bytes) => Buffer.from(bytes).toString('base64');
  const files = Object.entries(tinyFiles()).map(([name, bytes]) => [name, base64(bytes)]);
  const given = {
    library: await readFile('dist/kvcache-wasm.js', 'utf8'), files: Object.fromEntries(files),
    wasm: base64(await readFile('web/engine/kvc.wasm')),
  };
  const hash = await own.evaluate(loadFromBytes, given);
  const inWorker = await own.evaluate(([work, job]) => {
    const source = `onmessage = async ({ data }) => postMessage(await (${work})(data));`;
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const worker = new Worker(url, { type: 'module' });
    worker.postMessage(job);
    return new Promise((done, fail) => {
      Object.assign(worker, { onmessage: ({ data }) => done(data), onerror: fail });
    });
  }, [String(loadFromBytes), given]);
  assert.match(hash, /^[0-9a-f]{16}$/);
  assert.equal(inWorker, hash);
  const words = await own.evaluate(async ([prompt, options]) => {
    const from = (path) => import(new URL(path, location.href).href);
    const [{ loadModel }, { stories }] = [await from('kvcache-wasm.js'), await from('models/stories.js')];
    let text = '';
    const run = (await loadModel(stories)).createSession().generate(prompt, options);
    for await (const token of run) text += token.text;
    return text;
  }, [PROMPT, { maxTokens: TOKENS, seed: SEED }]);
  assert.equal(words, story);
});

// ---- sizes -----------------------------------------------------------------------------------------

const BEFORE_THE_CLICK = 60_000; // bytes of code and styles, Brotli
const IN_ONE_FILE = 7_000_000;   // bytes: 4.5 MB of them are the model's

test('the code before the click, and the builds with everything inside, keep within limits', async (t) => {
  const own = await site.browser.newPage();
  t.after(() => own.close());
  const asked = new Set();
  own.on('response', (response) => asked.add(response.url()));
  await own.goto(site.url + await page(site.folder,
    `<script type="module" src="kv-cache-demo.js"></script>${TAG}`));
  await own.locator(`${part('figure')}[data-state="unloaded"]`).waitFor();
  await own.waitForLoadState('networkidle');
  const paths = [...asked].map((url) => url.slice(site.url.length));
  const files = paths.filter((file) => /\.(js|css)$/.test(file));
  const others = paths.filter((file) => !/\.(js|css|html)$/.test(file));
  assert.deepEqual(others.filter((file) => file !== 'models/sizes.json'), [], 'nothing heavy');
  let bytes = 0;
  for (const file of files) bytes += brotliCompressSync(await readFile(resolve(site.folder, file))).length;
  t.diagnostic(`${files.length} scripts before the click: ${bytes} bytes`);
  assert.ok(files.length > 0 && bytes <= BEFORE_THE_CLICK, `${bytes} bytes: ${files}`);
  for (const file of ['kv-cache-demo.inline.js', 'kv-cache-demo.html', 'kvc-widget.mjs']) {
    const { length } = await readFile(join('dist', file));
    assert.ok(length <= IN_ONE_FILE, `${file} has ${length} bytes`);
  }
});

test('every script names the licences of what is inside, and their texts are there', async () => {
  const licences = await readFile('dist/THIRD_PARTY_LICENSES.txt', 'utf8');
  const { dependencies } = JSON.parse(await readFile('package.json', 'utf8'));
  const bundled = Object.keys(dependencies);
  assert.ok(bundled.length > 0);
  for (const name of bundled) {
    const { license } = JSON.parse(await readFile(`node_modules/${name}/package.json`, 'utf8'));
    assert.ok(['MIT', 'Apache-2.0'].includes(license), name);
    assert.ok(licences.includes((await readFile(`node_modules/${name}/LICENSE`, 'utf8')).trim()), name);
  }
  const scripts = (await readdir('dist')).filter((file) => /\.m?js$/.test(file));
  assert.ok(scripts.length >= 6);
  for (const file of scripts) {
    const source = await readFile(join('dist', file), 'utf8');
    assert.match(source, /^\/\*! kvcache-wasm, MIT; .*THIRD_PARTY_LICENSES/, file);
  }
});
