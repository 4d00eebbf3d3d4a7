// The page where it has a hard time to start: odd languages, a script that does not arrive or cannot run, no
// WebAssembly, a sandbox, a site that is not its own. It works, or it says in a sentence what to do.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { serve } from '../serve.js';
import { ENDS, addModel, openPage, part, press, run, sample, startSite, state, text } from './helpers.js';

const site = await startSite();
const small = await addModel(site, 'small');

// ---- languages ----------------------------------------------------------------------------------

const LANGUAGES = ['C', 'en-US@posix', 'ca@valencia', 'sr-RS@latin', ''];

for (const language of LANGUAGES) {
  test(`a browser whose language is "${language}"`, async (t) => {
    const init = `Object.defineProperty(navigator, 'language', { value: ${JSON.stringify(language)} });`;
    const page = await openPage(t, site, { query: small.query, init });
    assert.equal(await page.evaluate(() => navigator.language), language);
    await page.fill(part('prompt'), 'a');
    await sample(page, { maxTokens: 30 });
    assert.equal(await run(page), 'finished');
    assert.equal(await page.evaluate(() => new Intl.NumberFormat('de').format(1.5)), '1,5', 'Intl is whole');
  });
}

// ---- no script, or one that fails ----------------------------------------------------------------

const NOT_STARTED = '#not-started';
const SOON = { timeout: 8000 };

/** A page that is not expected to start. */
async function open(t, url, prepare = () => {}) {
  const context = await site.browser.newContext({ viewport: { width: 360, height: 640 } });
  t.after(() => context.close());
  const page = await context.newPage();
  await prepare(page);
  await page.goto(url, { waitUntil: 'commit' });
  return page;
}

/** The sentence that stands in the page itself appears, and nothing stands beside it. */
async function saysWhatToDo(page) {
  await page.waitForTimeout(1000); // until the style sheets have come, there is no page to be seen
  await page.locator(NOT_STARTED).waitFor({ state: 'visible', ...SOON });
  assert.match(await page.locator(NOT_STARTED).innerText(), /^The demo has not started\..*npm start/s);
  assert.equal(await page.locator(part('figure')).count(), 0);
}

const answered = (answer) => (page) => page.route('**/kv-cache-demo.js', (route) => route.fulfill(answer));
const javascript = (body) => answered({ contentType: 'text/javascript', body });
const broken = {
  'is not there': answered({ status: 404 }),
  'is a web page': answered({ contentType: 'text/html', body: '<!doctype html>' }),
  'is no JavaScript': javascript('const = 1;'),
  'throws': javascript('throw new Error("no");'),
  'lacks what it needs of the browser': (page) => page.addInitScript('delete globalThis.ResizeObserver;'),
  'never arrives': (page) => page.route('**/kv-cache-demo.js', () => {}),
};

describe('the page says what to do', { concurrency: true }, () => { // they wait most of the time
  for (const [what, prepare] of Object.entries(broken)) {
    test(`if a script ${what}`, async (t) => {
      await saysWhatToDo(await open(t, site.url, prepare));
    });
  }
});

test('opened as a file', async (t) => {
  await saysWhatToDo(await open(t, pathToFileURL(resolve('dist/index.html')).href));
});

test('a folder without its slash: no style sheet and no script are found', async (t) => {
  const body = await readFile('dist/index.html', 'utf8');
  const url = site.url.replace(/\/$/, '');
  await saysWhatToDo(await open(t, url, (page) => (
    page.route(url, (route) => route.fulfill({ contentType: 'text/html', body })))));
});

test('a script that comes late starts all the same', async (t) => {
  const page = await open(t, site.url, (late) => late.route('**/kv-cache-demo.js', async (route) => {
    await late.locator(NOT_STARTED).waitFor({ state: 'visible', ...SOON });
    await route.continue();
  }));
  await page.locator(`${part('figure')}[data-state="unloaded"]`).waitFor();
  assert.equal(await page.locator(NOT_STARTED).isVisible(), false);
});

test('a page that starts never shows that sentence', async (t) => {
  const page = await openPage(t, site);
  assert.equal(await page.locator(NOT_STARTED).isVisible(), false);
});

// ---- no WebAssembly ------------------------------------------------------------------------------

test('no WebAssembly: said in a sentence', async (t) => {
  const page = await openPage(t, site, { query: small.query });
  const worker = await readFile('dist/worker/worker.js', 'utf8');
  const body = `delete globalThis.WebAssembly;\n${worker}`;
  await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body }));
  await press(page, 'go');
  assert.equal(await state(page), 'failed');
  assert.equal(await text(page, 'error-code'), 'wasm_unsupported');
  assert.match(await text(page, 'error-message'), /^WebAssembly is missing here, or switched off.*Lockdown/);
});

// ---- in a sandbox ---------------------------------------------------------------------------------

/** Waits for the demo in a frame or page, and writes a story there. */
async function writes(frame) {
  await frame.locator(`${part('figure')}[data-state="unloaded"]`).waitFor();
  await frame.locator(part('go')).click();
  await frame.locator(ENDS.map((end) => `${part('figure')}[data-state="${end}"]`).join()).waitFor();
  const end = await frame.locator(part('figure')).getAttribute('data-state');
  assert.notEqual(end, 'failed', await frame.locator(part('error-message')).textContent());
}

/** Another server with the same files, which lets other sites read them if `cors` says so. */
async function otherSite(t, headers) {
  const server = await serve(resolve(site.folder, '../..'), 0, headers);
  t.after(() => { server.close(); server.closeAllConnections(); });
  return `http://127.0.0.1:${server.address().port}/some/where/`;
}
const CORS = { 'access-control-allow-origin': '*' };

let pages = 0;

/** A page of the test's own, on its own site: a file, because browsers heed where a page comes from. */
async function pageWith(policy, body) {
  const name = `own-${++pages}.html`;
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
  await writeFile(resolve(site.folder, name), `<!doctype html>${meta}<link rel="icon" href="data:,">${body}`);
  return site.url + name;
}

const sandboxed = (url) => pageWith('', `<iframe sandbox="allow-scripts" src="${url}"></iframe>`);

test('in a sandboxed frame, if the server lets it read the files', async (t) => {
  const url = await otherSite(t, CORS);
  const page = await open(t, await sandboxed(url + small.query));
  await writes(page.frameLocator('iframe'));
});

test('in a sandboxed frame, if the server does not', async (t) => {
  const page = await open(t, await sandboxed(site.url));
  const sentence = page.frameLocator('iframe').locator(NOT_STARTED);
  await page.waitForTimeout(1000); // as above
  await sentence.waitFor({ state: 'visible', ...SOON });
  assert.match(await sentence.innerText(), /open it in a tab of its own/);
});
