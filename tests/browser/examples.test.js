// The examples as authors would copy them: every figure of every page writes, and no page complains.
import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSite } from './helpers.js';

const site = await startSite();

/** Opens an example; after the test it must have asked for nothing outside, and complained of nothing. */
async function open(t, name) {
  const context = await site.browser.newContext({ viewport: { width: 900, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !/favicon/.test(message.location().url)) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(site.url) && !/^(?:data:|blob:)|favicon/.test(url)) complaints.push(url);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  await page.goto(`${site.url}examples/${name}`);
  return page;
}

/** What a figure writes, as its event tells. */
const write = (frame, selector) => frame.evaluate(async (wanted) => {
  await customElements.whenDefined('kv-cache-demo');
  const figure = document.querySelector(wanted);
  const { tokens, text, reason } = await figure.start({ maxTokens: 8, prompt: 'Once upon a time', seed: 7 });
  return { tokens, text, reason };
}, selector);

test('there are these, and each is tested below; the chat in its own file, programs in Node', async () => {
  assert.deepEqual((await readdir(join(site.folder, 'examples'))).sort(),
    ['article.html', 'chat', 'csp.html', 'frame.html', 'plain.html', 'programs']);
});

test('plain and under a strict policy: the same text', async (t) => {
  const plain = await write(await open(t, 'plain.html'), 'kv-cache-demo');
  assert.deepEqual([plain.tokens, plain.reason], [8, 'length']);
  const strict = await open(t, 'csp.html');
  assert.deepEqual(await write(strict, 'kv-cache-demo'), plain);
  assert.equal(await strict.evaluate(() => document.querySelectorAll('[style]').length), 0);
});

test('the lines that the README tells authors to paste', async (t) => {
  const [, lines] = (await readFile('README.md', 'utf8')).match(/^```html\n(.*?)^```$/ms);
  const [address] = lines.match(/https:[^"]*\/dist\//);
  await writeFile(join(site.folder, 'examples', 'pasted.html'),
    `<!doctype html><html lang="en"><meta charset="utf-8">${lines.replace(address, '../')}</html>`);
  assert.equal((await write(await open(t, 'pasted.html'), 'kv-cache-demo')).tokens, 8);
});

test('three figures in an article, each set in its own way, with one engine but for the race', async (t) => {
  const page = await open(t, 'article.html');
  const downloads = [];
  page.on('request', (request) => { if (/safetensors/.test(request.url())) downloads.push(request.url()); });
  assert.equal((await write(page, '#off')).tokens, 8);
  assert.equal((await write(page, '#race')).tokens, 8);
  assert.equal(downloads.length, 2); // the second worker of the race asks for it again, and gets a 304
  await page.locator('#german').scrollIntoViewIfNeeded();
  assert.equal((await write(page, '#german')).tokens, 8);
  const story = page.locator('#german [part~="story"]').filter({ hasText: /\w/ });
  await story.first().waitFor(); // until the next frame, it is not drawn
  const seen = await page.$$eval('kv-cache-demo', (figures) => figures.map(({ shadowRoot }) => (
    ['chart', 'story', 'proof'].map((part) => shadowRoot.querySelector(`[part~="${part}"]`) !== null))));
  assert.deepEqual(seen, [[true, true, false], [true, false, false], [false, true, true]]);
});

test('a frame gets the height of its figure, and writes', async (t) => {
  const page = await open(t, 'frame.html');
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await frame.waitForURL(/embed\.html/);
  assert.equal((await write(frame, 'kv-cache-demo')).tokens, 8);
  await page.waitForFunction(() => {
    const { clientHeight } = document.querySelector('iframe');
    return clientHeight !== 640 && clientHeight >= 120;
  });
});
