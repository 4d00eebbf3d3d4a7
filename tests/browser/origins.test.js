// The figure from another site than the article: with CORS and without, under policies that allow its worker
// and under those that do not. Where no worker may run, the page's own thread computes, without being
// blocked; where nothing works, a sentence names what is missing.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { serve } from '../serve.js';
import { addModel, part, startSite } from './helpers.js';
import { tasksDuring } from './tasks.js';

const site = await startSite();
await addModel(site, 'small');
/** Other sites with the same files: one lets others read them. */
const [open, closed] = await Promise.all([{ 'access-control-allow-origin': '*' }, {}].map(async (headers) => {
  const server = await serve(resolve(site.folder, '../..'), 0, headers);
  server.unref();
  return `http://127.0.0.1:${server.address().port}/some/where/`;
}));

let pages = 0;

/** An article on the first site. A file, because browsers heed where a page comes from. */
async function article(body, policy = '') {
  const name = `article-${++pages}.html`;
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
  await writeFile(resolve(site.folder, name),
    `<!doctype html><html lang="en">${policy && meta}<link rel="icon" href="data:,">${body}</html>`);
  return site.url + name;
}

const MODULE = (from) => `<script type="module" src="${from}kv-cache-demo.js"></script>`;
const TAG = (model) => `<kv-cache-demo loading="eager" src="${model}" prompt="a" max-tokens="12" cache="off">`
  + '<p id="author">The author’s words.</p></kv-cache-demo>';

/** A page in Chromium. */
async function openArticle(t, url) {
  const page = await site.browser.newPage({ viewport: { width: 900, height: 700 } });
  t.after(() => page.close());
  page.setDefaultTimeout(20_000);
  await page.goto(url);
  return page;
}

/** Clicks Generate; the engine as the figure names it, or what it says in place of a story. */
async function outcome(page) {
  await page.locator(part('go')).click();
  await page.locator(`${part('figure')}:is([data-state="finished"], [data-state="failed"])`).waitFor();
  const failed = await page.locator(`${part('figure')}[data-state="failed"]`).count();
  return (await page.locator(part(failed ? 'error-message' : 'engine')).textContent()).trim();
}

const IN_WORKER = /^WebAssembly with (relaxed )?SIMD$/;
const ON_PAGE = /^WebAssembly .*; on the page’s own thread, because it allows no background worker/;

const from = new URL(open).origin;
const policies = {
  'no policy at all': ['', IN_WORKER],
  'a policy that allows data:': [`worker-src data: ${from}`, IN_WORKER],
  'a policy that allows blob: instead': [`worker-src blob: ${from}`, IN_WORKER],
  'a policy that allows neither': ["worker-src 'self'", ON_PAGE],
  'a policy that forgets the other site': ['worker-src data: blob:', ON_PAGE],
};

for (const [what, [policy, expected]] of Object.entries(policies)) {
  test(`from another site, under ${what}`, async (t) => {
    const page = await openArticle(t, await article(MODULE(open) + TAG(`${open}small/`), policy));
    assert.match(await outcome(page), expected);
  });
}

test('from its own site, under a policy that forbids workers', async (t) => {
  const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
    + "worker-src 'none'";
  const page = await openArticle(t, await article(MODULE(site.url) + TAG(`${site.url}small/`), policy));
  assert.match(await outcome(page), ON_PAGE);
});

test('on the page’s own thread, with the shipped model and a long text, no task is long', async (t) => {
  const prompt = 'Once upon a time there was a king who had three daughters. '.repeat(50);
  const url = await article(`${MODULE(site.url)}<kv-cache-demo loading="eager" prompt="${prompt}"
    max-tokens="20"></kv-cache-demo>`, "worker-src 'none'");
  const page = await openArticle(t, url);
  await page.locator(part('go')).waitFor();
  const tasks = await tasksDuring(site.browser, page, async () => assert.match(await outcome(page), ON_PAGE));
  t.diagnostic(`longest tasks: ${tasks.slice(0, 5).map((ms) => ms.toFixed(1)).join(', ')} ms`);
  assert.ok(tasks[0] < 50, 'of loading: the tokenizer is made within one task');
  assert.ok(tasks[2] < 25, 'less than 100 ms on a processor that is four times slower');
});

test('a model of a site that lets nobody read it: a sentence names the header', async (t) => {
  const page = await openArticle(t, await article(MODULE(site.url) + TAG(`${closed}small/`)));
  assert.match(await outcome(page), /could not be fetched .* sends Access-Control-Allow-Origin\.$/);
});

test('a policy that forbids WebAssembly: a sentence names the directive', async (t) => {
  const policy = "script-src 'self'; worker-src 'none'"; // a worker of the same site has a policy of its own
  const page = await openArticle(t, await article(MODULE(site.url) + TAG(`${site.url}small/`), policy));
  assert.match(await outcome(page), /forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src/);
});

test('neither a worker nor the code for the page’s thread: a sentence names the directive', async (t) => {
  const url = await article(MODULE(open) + TAG(`${open}small/`), "worker-src 'self'");
  const page = await openArticle(t, url);
  await page.route('**/kv-cache-demo-desk-*.js', (route) => route.abort());
  assert.match(await outcome(page),
    new RegExp(`forbids its background worker: worker-src must allow data: and ${from}\\.$`));
});

test('scripts of a site that lets nobody read them: no module comes, the inline script runs', async (t) => {
  const page = await openArticle(t, await article(MODULE(closed) + TAG(`${closed}small/`)));
  await page.waitForTimeout(300);
  assert.ok(await page.locator('#author').isVisible());
  const inline = `<script src="${closed}kv-cache-demo.inline.js"></script>
    <kv-cache-demo loading="eager" max-tokens="5" cache="on"></kv-cache-demo>`;
  const places = { '': IN_WORKER, 'worker-src data:': IN_WORKER, "worker-src 'none'": ON_PAGE };
  for (const [policy, expected] of Object.entries(places)) {
    assert.match(await outcome(await openArticle(t, await article(inline, policy))), expected);
  }
});

test('the page for frames in a sandbox: it runs, or a sentence names the header', async (t) => {
  const framed = (place) => article(`<iframe sandbox="allow-scripts" width="800" height="700"
    src="${place}embed.html?n=5&cache=on"></iframe>`);
  const runs = await openArticle(t, await framed(open));
  assert.match(await outcome(runs.frameLocator('iframe')), IN_WORKER);
  const refused = await openArticle(t, await framed(closed));
  const says = refused.frameLocator('iframe').getByText('Access-Control-Allow-Origin: *');
  await says.waitFor();
});
