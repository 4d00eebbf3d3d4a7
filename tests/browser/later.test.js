// Views that are fetched later: their place is kept, their order too, and one that does not come can be asked
// for again.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { VIEWS } from '../../web/demo/attributes.js';
import { openPage, part, startSite } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const tag = (views) => `${SCRIPT}<kv-cache-demo id="one" views="${views}" loading="eager"></kv-cache-demo>`;
const article = (views) => addArticle(site, { body: tag(views) });
const CHUNK = /kv-cache-demo-benchmark-\w+\.js$/;

test('each view is there under its name; what is not named is not fetched', async (t) => {
  const page = await openPage(t, site, { query: await article(VIEWS.join(' ')), height: 15_000 });
  await page.waitForFunction((slot) => ( // but for one that is folded away
    findAll(slot).every((each) => !each.checkVisibility())), part('slot'));
  for (const name of VIEWS) {
    assert.ok(await page.$eval(`[data-view="${name}"]`, (view) => view.textContent.trim().length > 3), name);
  }
  const usual = await openPage(t, site, { query: await article('story') });
  const urls = await usual.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  const chunks = (await readdir(site.folder)).filter((file) => CHUNK.test(file));
  assert.equal(chunks.length, 1);
  assert.deepEqual(urls.filter((url) => CHUNK.test(url)), []);
});

test('a view is fetched when the reader comes near it, and not before', async (t) => {
  const query = await addArticle(site, { body: '<br>'.repeat(300) + tag('benchmark') });
  const page = await openPage(t, site, { query, until: part('slot') });
  await page.waitForTimeout(300); // more than it takes where it is near
  assert.equal(await page.locator(part('measure')).count(), 0);
  await page.locator('#one').scrollIntoViewIfNeeded();
  await page.locator(part('measure')).waitFor();
});

const heightOf = (page) => page.locator(part('demo')).evaluate((demo) => demo.clientHeight);

test('a view that comes late stands where it was named, and its place was kept', async (t) => {
  const own = await site.browser.newPage();
  t.after(() => own.close());
  let send;
  const held = new Promise((resolve) => { send = resolve; });
  await own.route(CHUNK, async (route) => {
    await held;
    await route.continue();
  });
  await own.goto(site.url + await article('benchmark'));
  await own.locator(part('slot')).waitFor();
  const before = await heightOf(own);
  await own.locator('#one').evaluate((one) => { one.views = 'table benchmark calculator chart'; });
  await own.locator(part('calculator')).waitFor(); // it has come first
  send();
  await own.locator(part('measure')).waitFor();
  assert.equal(await own.locator(part('slot')).count(), 0);
  const names = await own.locator('[data-view]').evaluateAll((all) => all.map(({ dataset }) => dataset.view));
  assert.deepEqual(names.filter((name) => ['table', 'benchmark', 'calculator', 'chart'].includes(name)),
    ['chart', 'table', 'benchmark', 'calculator'], 'each in its place');
  await own.locator('#one').evaluate((one) => { one.views = 'benchmark'; });
  await own.locator(part('measure')).waitFor();
  const after = await heightOf(own);
  assert.ok(Math.abs(before - after) < 0.5 * after, `${before} px, then ${after} px`);
});
