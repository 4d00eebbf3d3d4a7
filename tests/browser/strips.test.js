// The strips in an article: their rows are those of a session of its own, with the cache and without.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { addModel, noViolations, openPage, part, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const { files } = await addModel(site, 'small');
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" src="small/" prompt="abc" seed="3" views="strips" loading="eager">`
    + '</kv-cache-demo>',
});
const model = await loadModel(new Map(Object.entries(files).map(([name, file]) => [name, new Blob([file])])));
after(() => model.dispose());
const session = model.createSession();
const { headDim: D } = model.config;

/** Writes, and has a session read the same. */
async function write(page, options) {
  const ids = await page.evaluate(async (wanted) => {
    const one = document.getElementById('one');
    const all = [];
    const more = ({ detail }) => all.push(...detail.ids);
    one.addEventListener('kv-token', more);
    await one.start(wanted);
    one.removeEventListener('kv-token', more);
    return all;
  }, options);
  session.sync([...model.encode('abc'), ...ids]);
  await page.waitForFunction(([box, rows]) => findAll(box)[0]?.getAttribute('aria-valuemax') === String(rows),
    [part('strips-rows'), session.position]);
}

/** The bars of Q, and of the row of K and of V that is drawn large: up is positive. */
const bars = (page) => page.$$eval('.strips-bars', (all) => all.map((node) => (
  [...node.lastChild.getAttribute('d').matchAll(/v(-?[\d.]+)h/g)].map(([, height]) => -Number(height)))));

/** They are these numbers, to a scale. */
function checkBars(drawn, numbers, what) {
  assert.equal(drawn.length, D, what);
  const scales = [...numbers].map((x, i) => x / drawn[i])
    .filter((_, i) => Math.abs(drawn[i]) > 0.1 && Math.abs(drawn[i]) < 1);
  assert.ok(scales.length > 0, what);
  for (const scale of scales) assert.ok(Math.abs(scale / scales[0] - 1) < 0.01, `${what}: ${scales}`);
}

/** The strip of K: of each row the sign of each number, where it is strong enough to be seen. */
const signs = (page) => page.$eval('.strip canvas', (canvas) => {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  const at = (line, i) => data[4 * (line * width + i) + 3];
  return Array.from({ length: height / 2 }, (_, row) => Array.from({ length: width }, (_each, i) => {
    const [up, down] = [at(2 * row, i), at(2 * row + 1, i)];
    return Math.max(up, down) < 40 ? 0 : Math.sign(up - down);
  }));
});

async function checkShown(page, row, layer, head) {
  const { keys, values } = session.snapshot({ layer, head });
  const [q, k, v] = await bars(page);
  checkBars(q, session.attentionQuery(layer, head), 'Q');
  checkBars(k, keys.slice(row * D, (row + 1) * D), `K of row ${row}`);
  checkBars(v, values.slice(row * D, (row + 1) * D), `V of row ${row}`);
  const seen = await signs(page);
  let compared = 0;
  for (const [i, key] of keys.entries()) {
    const sign = seen[Math.floor(i / D)][i % D];
    if (sign !== 0) assert.equal(sign, Math.sign(key));
    if (sign !== 0) compared++;
  }
  assert.ok(compared > keys.length / 4, `${compared} of ${keys.length}`);
  assert.ok(seen.slice(keys.length / D).flat().every((sign) => sign === 0), 'nothing below the newest row');
}

test('Q, K and V as the engine has them: one new row with the cache, all of them without it', async (t) => {
  const page = await openPage(t, site, { query, width: 320, height: 640, until: part('strips') });
  assert.match(await page.textContent('.strips-place'), /Once a story is being written/);
  await write(page, { maxTokens: 30, cache: 'on' });
  await checkShown(page, 32, 0, 0);
  assert.match(await text(page, 'strips-said'), /^Step 30, with the cache: one new row .* The 32 rows above/);
  assert.match(await page.textContent('.strips-rest'), /^untouched in step 30$/);
  await page.focus(part('strips-rows'));
  await page.keyboard.press('Home');
  await page.keyboard.press('PageDown');
  await checkShown(page, 16, 0, 0);
  assert.match(await page.textContent('.strips-row'), /^Row 17, “.+”: untouched since step 14$/);
  await page.keyboard.press('Home');
  assert.match(await page.textContent('.strips-row'), /^Row 1, “a”: untouched since the prompt was read$/);
  await page.$eval(part('strips-data'), (fold) => { fold.open = true; });
  await noViolations(page, 'strips');

  await page.locator(part('strips-choice')).first().selectOption({ index: 1 });
  await page.locator(part('strips-choice')).last().selectOption({ index: 1 });
  await says(page, 'strips-said', /^Step 30/);
  await page.waitForFunction(() => !findAll('.strips-grid')[0].hidden);
  await write(page, { maxTokens: 20, cache: 'off', seed: 9 });
  await checkShown(page, 22, 1, 1);
  assert.match(await text(page, 'strips-said'), /^Step 20, without the cache: all 23 rows .* computed/);
  assert.match(await page.textContent('.strips-rest'), /^computed again in step 20$/);
  assert.equal(await page.getAttribute('.strips-grid', 'data-mode'), 'off');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
});

/** Waits until the numbers of K have the colour that the figure's text has now, and gives it. */
const inked = (page) => page.waitForFunction(() => {
  const { color } = getComputedStyle(findAll('.demo')[0]);
  const canvas = findAll('.strip canvas')[0];
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  copy.fillStyle = color;
  copy.fillRect(0, 0, 1, 1);
  const wanted = copy.getImageData(0, 0, 1, 1).data;
  copy.clearRect(0, 0, 1, 1);
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  const at = data.findIndex((opacity, i) => i % 4 === 3 && opacity > 200) - 3;
  return wanted.subarray(0, 3).every((value, i) => Math.abs(value - data[at + i]) < 4) && color;
}).then((handle) => handle.jsonValue());

test('the ink of what is there changes with the theme, the page and the system', async (t) => {
  const page = await openPage(t, site, { query, until: part('strips') });
  await write(page, { maxTokens: 10, cache: 'on' });
  const theme = (name) => page.evaluate((to) => { document.getElementById('one').theme = to; }, name);
  const [light, dark] = [await inked(page), await theme('dark').then(() => inked(page))];
  assert.notEqual(dark, light);
  await theme(null);
  assert.equal(await inked(page), light);
  const atOnce = await page.evaluate(() => {
    document.documentElement.style.colorScheme = 'dark';
    return ['.demo', '.strips-grid'].map((of) => getComputedStyle(findAll(of)[0]).color);
  });
  assert.deepEqual(atOnce, [dark, dark]); // the text's, where what notices the change is on its way
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.evaluate(() => { document.documentElement.style.colorScheme = 'dark'; });
  assert.equal(await inked(page), dark);
  await page.evaluate(() => { document.documentElement.style.colorScheme = 'light dark'; });
  assert.equal(await inked(page), light);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.equal(await inked(page), dark);
  await page.evaluate(() => { document.documentElement.style.setProperty('--kvc-ink', 'rgb(200, 2, 3)'); });
  assert.equal(await inked(page), 'rgb(200, 2, 3)');
  await page.emulateMedia({ forcedColors: 'active' });
  await page.evaluate(() => new Promise((drawn) => {
    requestAnimationFrame(() => requestAnimationFrame(drawn));
  }));
  assert.notEqual(await inked(page), 'rgb(200, 2, 3)');
});
