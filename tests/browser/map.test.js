// The cache map in an article: what it shows of a cell is what an engine holds that has read the same text.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { blobOf } from '../node/helpers.js';
import { focused, noViolations, openPage, part, says, startSite, addModel, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const { files } = await addModel(site, 'small'); // 64 places, 2 layers of 2 heads
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" src="small/" prompt="abc" seed="3" views="map" loading="eager">`
    + '</kv-cache-demo>',
});
const model = await loadModel(new Map(Object.entries(files).map(([name, file]) => [name, blobOf(file)])));
after(() => model.dispose());

/** Starts a run, waits for its end, and gives the ids of its text. */
const write = (page, options) => page.evaluate(async (wanted) => {
  const ids = [];
  const one = document.getElementById('one');
  const listen = ({ detail }) => ids.push(...detail.ids);
  one.addEventListener('kv-token', listen);
  await one.start(wanted);
  one.removeEventListener('kv-token', listen);
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return ids;
}, options);

/** Of the places of a kind, the first and the one after the last, by the widths in the picture. */
const places = (page, columns) => page.$eval(`${part('map-cells')} > svg`, (picture, all) => {
  const { width } = picture.viewBox.baseVal;
  const kinds = ['written', 'read', 'kept', 'missing', 'free'];
  const boxes = kinds.map((kind) => picture.querySelector(`.map-${kind}`).getAttribute('d'))
    .map((d) => /^M([\d.]+) [\d.]+h([\d.]+)/.exec(d)?.slice(1).map(Number));
  const left = Math.min(...boxes.flatMap((box) => (box ? [box[0]] : [])));
  const column = (width - 2 - left) / all;
  const at = (x) => Math.round((x - left) / column);
  return Object.fromEntries(kinds.map((kind, i) => [kind, boxes[i]]).filter(([, box]) => box)
    .map(([kind, [x, wide]]) => [kind, [at(x), at(x + wide)]]));
}, columns);

test('it fills with the cache; a cell is the engine’s; with the cache off it is empty', async (t) => {
  const page = await openPage(t, site, { query, width: 320, height: 640, until: part('map') });
  assert.match(await text(page, 'map-said'), /fills the map/);
  const ids = [...model.encode('abc'), ...await write(page, { maxTokens: 37, cache: 'on' })];
  assert.equal(ids.length, 40);
  assert.deepEqual(await places(page, 48), { read: [0, 39], written: [39, 40], free: [40, 48] });
  await says(page, 'map-said', /^40 tokens kept: 160 cells in 3 pages\. .* wrote one column\.$/);
  await says(page, 'map-cell', /^Token 40 .*, layer 1, head 1: place 8 of page 3\.$/);
  assert.match(await text(page, 'map-formula'), // 40 * 2 * 2 * 2 * 8 * 4
    /8 numbers × 4 bytes × 40 tokens = 10,240 bytes\. The engine counts the same/);

  await page.focus(part('map-cells'));
  for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'PageDown', 'ArrowLeft', 'ArrowLeft']) {
    await page.keyboard.press(key);
  }
  assert.equal(await focused(page), 'map-cells');
  await says(page, 'map-cell', /^Token 15 .*, layer 2, head 2: place 15 of page 1\.$/);
  await page.$eval(part('cell-data'), (fold) => { fold.open = true; });
  await page.waitForFunction((rows) => findAll(rows).length === 8,
    `${part('cell-data')}[aria-busy="false"] tbody tr`);
  const session = model.createSession();
  session.prefill(ids);
  const { keys, values } = session.snapshot({ layer: 1, head: 1, first: 14, count: 1 });
  const measured = (x) => new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(x);
  const rows = await page.$$eval(`${part('cell-table')} tbody tr`, (all) => all.map(({ cells }) => (
    [...cells].map(({ textContent }) => textContent))));
  assert.deepEqual(rows, Array.from(keys, (key, i) => [`${i + 1}`, measured(key), measured(values[i])]));
  await page.selectOption(part('map-layer'), '0');
  await page.fill(part('map-token'), '33');
  await says(page, 'map-cell', /^Token 33 .*, layer 1, head 2: place 1 of page 3\.$/);
  await page.click(part('map-fork')); // after token 33
  await says(page, 'fork-said', /^2 pages are held by both, .*copied.* The fork has \d pages? of its own\./);
  const bytesOf = /counts (.*) for both; .* dropped: (.*) again/.exec(await text(page, 'fork-said'));
  assert.equal(bytesOf[2], '10.2 KB', 'as before');
  assert.equal(await page.locator(`${part('fork-pages')} .held-both`).count(), 2);
  await page.click(part('map-measure'));
  await says(page, 'map-cost', /^On this story of 40 tokens, .* at most [\d.]+ with f16, [\d.]+ with int8/);
  await noViolations(page, 'map');

  await write(page, { maxTokens: 50, cache: 'off', prompt: 'xyz' });
  assert.deepEqual(await places(page, 64), { missing: [0, 53], free: [53, 64] });
  await says(page, 'map-said', /^The cache is off: nothing is kept\. .* all 53 tokens again/);
  await says(page, 'map-cell', /^Token 33 .*: not kept\./);
  assert.equal(await page.locator(`${part('cell-table')} tbody tr`).count(), 0);
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
  const lane = page.getByText('of the race, the writer with the cache');
  assert.equal(await lane.isVisible(), false);
  await write(page, { maxTokens: 5, cache: 'race' });
  await lane.waitFor();
});
