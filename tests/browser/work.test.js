// The work triangle in an article: what is drawn is what the engine has computed, to see and to read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addModel, noViolations, openPage, part, press, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
await addModel(site, 'small');
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" src="small/" prompt="abc" seed="3" views="work" loading="eager">`
    + '</kv-cache-demo>',
});

/** Starts a run, waits for its end, and for what is drawn of it. */
const write = (page, options) => page.evaluate(async (wanted) => {
  const { tokens } = await document.getElementById('one').start(wanted);
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return tokens;
}, options);

/** The cells in the picture, by mode: step -> [step, first, end]. */
const cells = (page, mode) => page.$$eval(`${part('work')} .cells.${mode}`, (bands) => {
  const drawn = bands.map((band) => band.getAttribute('d')).join('');
  return [...drawn.matchAll(/M(\d+) (\d+)H(\d+)/g)].map(([, ...all]) => {
    const [first, step, end] = all.map(Number);
    return [step, first, end];
  });
});

const sum = (all) => all.reduce((total, [, first, end]) => total + end - first, 0);

test('off a triangle, on a diagonal, and the numbers beside them, on 320 pixels', async (t) => {
  const page = await openPage(t, site, { query, width: 320, height: 640, until: part('work') });
  assert.match(await text(page, 'work-said'), /draws its steps here/);
  assert.equal(await page.locator('.work h2').textContent(), 'Work, step by step (recorded)');
  const written = await write(page, { maxTokens: 40, cache: 'off' });
  const steps = Array.from({ length: written }, (_, i) => i + 1);
  const triangle = [[0, 0, 3], ...steps.map((step) => [step, 0, 3 + step])];
  assert.deepEqual(await cells(page, 'off'), triangle);
  assert.deepEqual(await cells(page, 'on'), []);
  const said = await text(page, 'work-said');
  assert.match(said, new RegExp(`^Step ${written}, without the cache: K and V of ${written + 3} tokens\\.`));
  const all = sum(triangle).toLocaleString('en');
  assert.ok(said.includes(`${all} cells; with the cache it would be ${written + 3},`), said);
  assert.ok(await page.$eval('.would.on', (path) => path.getAttribute('d').length > 0));
  await page.$eval(part('work-data'), (fold) => { fold.open = true; });
  await page.waitForFunction((table) => findAll(`${table} tbody tr`).length > 0, part('work-table'));
  assert.equal(await page.locator(`${part('work-table')} tbody tr`).count(), written + 1);
  await noViolations(page, 'work');

  await write(page, { maxTokens: 40, cache: 'on' });
  const diagonal = (await cells(page, 'on')).filter(([step]) => step > 0);
  assert.deepEqual(diagonal, steps.map((step) => [step, 2 + step, 3 + step]));
  assert.ok(await page.$eval('.would.off', (path) => path.getAttribute('d').length > 0));
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);

  await write(page, { maxTokens: 20, cache: 'race' });
  const [on, off] = [sum(await cells(page, 'on')), sum(await cells(page, 'off'))];
  assert.equal(off, 3 + 20 * 3 + 210);
  assert.equal(on, 1 + 20, 'of the prompt, all but its last token was in the cache');
  assert.equal(await text(page, 'work-said'),
    `Both were computed: ${on} cells with the cache, ${off} without.`);
});

test('the tag is copied as it stands, or a link to a page that restores it', async (t) => {
  const page = await openPage(t, site, {
    query, until: part('copy-link'), permissions: ['clipboard-read', 'clipboard-write'] });
  const copied = async () => {
    await press(page, 'copy-link');
    await says(page, 'copied', /clipboard/);
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const tag = await copied();
  assert.ok(tag.startsWith(`<script type="module" src="${site.url}kv-cache-demo.js"></script>\n`), tag);
  assert.match(tag, /<kv-cache-demo prompt="abc" seed="3" views="work"><\/kv-cache-demo>/);
  await page.evaluate(() => { document.getElementById('one').link = 'embed.html?model=ignored'; });
  await page.waitForFunction((button) => /link/.test(findAll(button)[0]?.textContent), part('copy-link'));
  const link = await copied();
  assert.ok(link.startsWith(`${site.url}embed.html?model=ignored#p=abc&`), link);
  const own = link.replace('?model=ignored', '');
  await page.goto(own);
  await page.waitForSelector(part('work'));
  assert.equal(await page.inputValue(part('prompt')), 'abc');
  const named = own.replace('&views', '&model=stories&views'); // which is the one that it has, without src
  assert.equal(await copied(), named, 'a frame’s page restores its own links');
});
