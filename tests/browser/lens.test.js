// The attention lens in an article: what it shows is what a session of its own finds in the same text.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { LEVELS, levelOf } from '../../web/demo/lens.js';
import { seeded } from '../node/helpers.js';
import { addModel, noViolations, openPage, part, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const { files } = await addModel(site, 'small');
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" src="small/" prompt="abc" seed="3" views="lens" loading="eager">`
    + '</kv-cache-demo>',
});
const model = await loadModel(new Map(Object.entries(files).map(([name, file]) => [name, new Blob([file])])));
after(() => model.dispose());
const session = model.createSession();

/** Writes, and gives the ids of the whole text. */
const write = (page, options) => page.evaluate(async (wanted) => {
  const one = document.getElementById('one');
  const ids = [];
  const more = ({ detail }) => ids.push(...detail.ids);
  one.addEventListener('kv-token', more);
  await one.start(wanted);
  one.removeEventListener('kv-token', more);
  return ids;
}, options).then((ids) => [...model.encode('abc'), ...ids]);

/** Waits until this token's row is painted. */
const reads = (page, position) => page.waitForFunction(([box, at]) => (
  findAll(box)[0]?.getAttribute('aria-valuenow') === String(at + 1)), [part('lens-text'), position]);

/** The marks of tokens that are seen: position -> level. */
const marks = (page) => page.$$eval('.lens-place .lens-token', (tokens, levels) => tokens.map((token) => {
  const fill = /reads|skims/.test(token.className) ? token.style.getPropertyValue('--read') : 0;
  return Math.round(levels * fill);
}), LEVELS);

const rows = (page) => page.$$eval(`${part('lens-table')} tbody tr`, (all) => (
  all.map(({ cells }) => [...cells].map(({ textContent }) => textContent))));

/** What the session finds is what is shown of a head. */
async function checkShown(page, ids, position, layer, head) {
  session.sync(ids.slice(0, position + 1));
  const weights = session.attentionWeights(layer, head);
  assert.deepEqual((await marks(page)).slice(0, position + 1), [...weights].map(levelOf));
  assert.deepEqual((await marks(page)).slice(position + 1), ids.slice(position + 1).map(() => 0));
  const top = [...weights.entries()].sort((a, b) => b[1] - a[1]).slice(0, 10);
  assert.deepEqual((await rows(page)).map(([at, , weight]) => [at, weight]),
    top.map(([at, weight]) => [String(at + 1), weight.toFixed(4)]));
  const said = await text(page, 'lens-said');
  assert.ok(said.startsWith(`In layer ${layer + 1}, head ${head + 1}, `), said);
  if (position > 0) assert.match(said, /All weights together: 1\.0000\./);
}

test('the newest token and any chosen one, in any head, by pointer and by keys, on 320 pixels', async (t) => {
  const page = await openPage(t, site, { query, width: 320, height: 640, until: part('lens') });
  assert.match(await page.textContent('.lens-place'), /Once a story is being written/);
  const ids = await write(page, { maxTokens: 50, cache: 'off' });
  await page.$eval(part('lens-data'), (fold) => { fold.open = true; });
  await page.$eval('.lens-place', (place) => new Promise((seen) => {
    place.style.setProperty('height', '4000px'); // all of it is in view
    requestAnimationFrame(() => requestAnimationFrame(seen));
  }));
  await reads(page, ids.length - 1);
  const telling = await page.$$eval('.head input', (radios) => radios.findIndex(({ checked }) => checked));
  const { nLayer, nHead } = model.config;
  await checkShown(page, ids, ids.length - 1, Math.floor(telling / nHead), telling % nHead);
  await noViolations(page, 'lens');
  const random = seeded(5);
  for (const position of [0, 1, ...Array.from({ length: 5 }, () => random.below(ids.length))]) {
    const [layer, head] = [random.below(nLayer), random.below(nHead)];
    await page.locator('.head input').nth(layer * nHead + head).check({ force: true });
    await page.$eval(`.lens-token[data-at="${position}"]`, (token) => token.click());
    await reads(page, position);
    await checkShown(page, ids, position, layer, head);
  }

  await page.focus(part('lens-text'));
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await reads(page, 1);
  await page.locator('.head input').first().focus();
  await page.keyboard.press('ArrowRight');
  await says(page, 'lens-said', /^In layer 1, head 2, /);
  await checkShown(page, ids, 1, 0, 1);
  await page.click(part('lens-newest'));
  await reads(page, ids.length - 1);
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);

  await page.$eval('.lens-token[data-at="9"]', (token) => token.click());
  await reads(page, 9);
  const other = await write(page, { maxTokens: 20, cache: 'on', seed: 4 });
  await reads(page, other.length - 1); // of a new run, the newest
  await checkShown(page, other, other.length - 1, 0, 1);
  await write(page, { maxTokens: 20, cache: 'race' });
  await reads(page, other.length - 1);
});

test('while a run goes on, the slider of a token that was chosen knows how long the text is', async (t) => {
  const page = await openPage(t, site, { query, until: part('lens') });
  const running = write(page, { maxTokens: 40, cache: 'on', pace: 20 });
  await page.locator('.lens-token[data-at="9"]').waitFor({ state: 'attached' });
  await page.$eval('.lens-token[data-at="4"]', (token) => token.click());
  await reads(page, 4);
  const { length } = await running;
  await page.waitForFunction(([box, all]) => findAll(box)[0].getAttribute('aria-valuemax') === all,
    [part('lens-text'), String(length)]);
  assert.match(await page.getAttribute(part('lens-text'), 'aria-valuetext'), new RegExp(`^5 of ${length}: `));
});
