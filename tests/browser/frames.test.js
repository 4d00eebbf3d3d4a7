// embed.html in a frame, and embed-host.js around it: a frame gets the height of its figure, once for each
// change, whatever the host does with it and whoever else sends messages.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { part, startSite } from './helpers.js';

const site = await startSite();

let pages = 0;

/** A page around frames. */
async function openHost(t, body, width = 700) {
  const name = `host-${++pages}.html`;
  await writeFile(join(site.folder, name),
    `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">${body}</html>`);
  const page = await site.browser.newPage({ viewport: { width, height: 600 } });
  page.setDefaultTimeout(20_000);
  t.after(() => page.close());
  await page.goto(site.url + name);
  return page;
}

const FRAME = '<iframe id="frame" src="embed.html?n=40&cache=on&seed=3" width="100%" height="300"></iframe>';
const HOST = '<script type="module" src="embed-host.js"></script>';
const figureIn = (page) => page.frameLocator('#frame');
const ready = (frame, ...states) => (
  frame.locator(states.map((state) => `${part('figure')}[data-state="${state}"]`).join()).waitFor());

/** The height of the frame, and that of what is in it. */
const heights = async (page) => {
  const inside = await figureIn(page).locator('#wrapper').evaluate((it) => it.getBoundingClientRect().height);
  return [await page.locator('#frame').evaluate((it) => it.clientHeight), Math.ceil(inside)];
};

test('the host script gives a frame the height of its figure, also when it comes late', async (t) => {
  const page = await openHost(t, FRAME);
  await ready(figureIn(page), 'unloaded');
  const [before] = await heights(page);
  assert.equal(before, 300);
  await page.addScriptTag({ type: 'module', url: `${site.url}embed-host.js` });
  await page.waitForFunction(() => document.getElementById('frame').clientHeight > 300);
  const [frame, inside] = await heights(page);
  assert.equal(frame, inside);
  await page.setViewportSize({ width: 420, height: 600 });
  await page.waitForFunction((last) => document.getElementById('frame').clientHeight !== last, frame);
  const [narrow, narrowInside] = await heights(page);
  assert.equal(narrow, narrowInside);
});

test('its state is in its address, is checked, and starts nothing', async (t) => {
  const query = 'p=%3Cb%3EA%20castle&n=99999999&temperature=-5&cache=maybe&seed=7&autorun=1&theme=dark'
    + '&lang=de';
  const page = await openHost(t, `<iframe id="frame" src="embed.html?${query}" height="900"></iframe>`);
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  const frame = figureIn(page);
  await ready(frame, 'unloaded');
  assert.equal(await frame.locator(part('prompt')).inputValue(), '<b>A castle');
  const { state, attributes } = await frame.locator('kv-cache-demo').evaluate((it) => (
    { state: it.state, attributes: [it.theme, it.getAttribute('lang'), it.autorun] }));
  assert.match(state, /seed=7/);
  assert.doesNotMatch(state, /maybe|-5|99999999/);
  assert.deepEqual(attributes, ['dark', 'de', false]);
  await page.waitForTimeout(300);
  await ready(frame, 'unloaded');
  assert.deepEqual(asked.filter((url) => /safetensors|\.wasm/.test(url)), []);
});

/** Adds to every height, which a figure that measured its document would follow for ever. */
const GREEDY = `<style>html, body { height: 100%; margin: 0 }</style>${FRAME}<script>
  globalThis.reports = [];
  const frame = document.getElementById('frame');
  addEventListener('message', ({ source, data }) => {
    if (source !== frame.contentWindow || data.source !== 'kvcache-wasm') return;
    reports.push(data.height);
    frame.style.height = data.height + 8 + 'px';
  });
</script>`;

test('a host that adds to each height hears of every real change once, and no more', async (t) => {
  const page = await openHost(t, GREEDY);
  const frame = figureIn(page);
  await ready(frame, 'unloaded');
  await frame.locator(part('go')).click();
  await ready(frame, 'finished');
  await page.waitForTimeout(500);
  const reports = await page.evaluate(() => reports);
  t.diagnostic(`heights: ${reports.join(', ')}`);
  assert.ok(reports.length > 0);
  const isChange = (height, i) => height !== reports[i - 1] && height > 100 && height < 5000;
  assert.ok(reports.every(isChange), `${reports}`);
  assert.ok(reports.length <= 12, `${reports.length} reports for one run: ${reports}`);
  const [, inside] = await heights(page);
  assert.equal(reports.at(-1), inside, 'and the last one is true');
});

test('strangers change nothing, on either side', async (t) => {
  await writeFile(join(site.folder, 'stranger.html'), `<!doctype html><script>
    const lie = { source: 'kvcache-wasm', v: 1, type: 'resize', height: 4321 };
    parent.postMessage(lie, '*');
    globalThis.heard = [];
    addEventListener('message', ({ data }) => heard.push(data));
    const ask = { ...lie, type: 'size' };
    for (let i = 0; i < parent.frames.length; i++) parent.frames[i].postMessage(ask, '*');
    for (const more of [{ height: 1e9 }, { height: NaN }, { height: '9px' }, { v: 2 }]) {
      parent.postMessage({ ...lie, ...more }, '*');
    }
    parent.postMessage(null, '*');
  </script>`);
  const page = await openHost(t, `${HOST}${FRAME}`);
  await ready(figureIn(page), 'unloaded');
  await page.waitForFunction(() => document.getElementById('frame').clientHeight > 300);
  const before = await heights(page);
  await page.evaluate(() => new Promise((done) => {
    const stranger = document.createElement('iframe');
    Object.assign(stranger, { id: 'stranger', src: 'stranger.html', height: 50, onload: done });
    document.body.append(stranger);
  }));
  await page.waitForTimeout(300);
  assert.deepEqual(await heights(page), before);
  assert.equal(await page.locator('#stranger').evaluate((it) => it.clientHeight), 50);
  const stranger = page.frames().find((frame) => frame.url().endsWith('stranger.html'));
  const answers = await stranger.evaluate(() => heard.filter((it) => it.type === 'resize'));
  assert.deepEqual(answers, [], 'a figure answers its own parent only');
});
