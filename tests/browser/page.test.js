// The page around the figure: its address has the state, and what is copied from it is what stands there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, part, sample, says, startSite } from './helpers.js';

const site = await startSite();
const PROMPT = 'The fox & the <crow>';
const LINK = `#p=${encodeURIComponent(PROMPT).replaceAll('%20', '+')}&cache=on&seed=9&model=stories&pace=0`;

const values = (page) => page.evaluate((parts) => parts.map((selector) => findAll(selector)[0].value),
  [part('prompt'), part('seed')]);
const cache = (page) => page.getAttribute(part('cache'), 'aria-checked');

test('the address sets prompt, seed and switch, and starts nothing', async (t) => {
  const page = await openPage(t, site, { query: LINK });
  assert.deepEqual(await values(page), [PROMPT, '9']);
  assert.equal(await cache(page), 'true');
  await page.evaluate(() => { location.hash = '#seed=1e9999&p=Again&n=-5&cache=%00&nonsense&model=tales'; });
  await page.waitForFunction((prompt) => findAll(prompt)[0].value === 'Again', part('prompt'));
  await says(page, 'model', /^Model tales, or stories, or one of yours/);
  assert.equal(await page.getAttribute(part('figure'), 'data-state'), 'unloaded');
});

test('a link to a view further down leads there, and sets the figure whose run it shows', async (t) => {
  const page = await openPage(t, site, { query: '#seed=77&views=benchmark', until: part('benchmark') });
  const states = await page.$$eval('kv-cache-demo', (all) => all.map(({ state }) => state));
  assert.match(states[0], /seed=77/);
  assert.doesNotMatch(states[0], /views/);
  await page.waitForFunction(() => scrollY > 0);
});

test('what the reader sets goes into the address, and from there into another tab', async (t) => {
  const page = await openPage(t, site);
  assert.equal(await page.evaluate(() => location.hash), '');
  await page.fill(part('prompt'), PROMPT);
  await sample(page, { seed: 9 });
  await page.click(part('cache'));
  await page.waitForFunction(() => /seed=9/.test(location.hash) && /cache=on/.test(location.hash));
  const hash = await page.evaluate(() => location.hash);
  const other = await openPage(t, site, { query: hash });
  assert.deepEqual(await values(other), [PROMPT, '9']);
  assert.equal(await cache(other), 'true');
});

test('a link, the tag and an iframe are copied as the figure stands', async (t) => {
  const page = await openPage(t, site, { query: LINK, permissions: ['clipboard-read', 'clipboard-write'] });
  await page.click('#take summary');
  assert.equal(await page.locator('#take a').isVisible(), true);
  const copied = async (what) => {
    await page.click(`[data-copy="${what}"]`);
    await page.waitForFunction(() => /clipboard/.test(document.querySelector('#copied').textContent));
    return page.evaluate(() => navigator.clipboard.readText());
  };
  assert.equal(await copied('link'), site.url + LINK);
  const tag = await copied('tag');
  assert.ok(tag.includes(`src="${site.url}kv-cache-demo.js"`), tag);
  const made = await page.evaluate((code) => { // as a browser reads it
    const figure = new DOMParser().parseFromString(code, 'text/html').querySelector('kv-cache-demo');
    return ['prompt', 'seed', 'cache'].map((name) => figure.getAttribute(name));
  }, tag);
  assert.deepEqual(made, [PROMPT, '9', 'on']);
  assert.match(await copied('iframe'), /<iframe src="[^"]*embed\.html\?p=/);
});

test('where nothing may be copied, it is marked to be copied by hand', async (t) => {
  const page = await openPage(t, site, {
    query: LINK,
    init: () => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no')); },
  });
  await page.click('#take summary');
  await page.click('[data-copy="link"]');
  await page.waitForFunction(() => document.querySelector('#copied').textContent.includes('Ctrl+C'));
  assert.equal(await page.evaluate(() => getSelection().toString().trim()), site.url + LINK);
});
