// The race alone in an article: its numbers are those of the engine, and it runs by its own button.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { blobOf, collect, idsOf } from '../node/helpers.js';
import { addModel, noViolations, openPage, part, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const { files } = await addModel(site, 'small');
const [PROMPT, SEED, TOKENS] = ['abcdef', 5, 30];
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" src="small/" prompt="${PROMPT}" seed="${SEED}" views="race" `
    + `max-tokens="${TOKENS}" loading="eager"></kv-cache-demo>`,
});

/** The table: for each row, as numbers, on, off and their ratio. */
const table = (page) => page.$$eval(`${part('race-table')} tbody tr`, (rows) => rows.map(({ cells }) => (
  [...cells].slice(1).map(({ textContent }) => Number(textContent.replace(/[^\d.]/g, ''))))));

test('started by its own button: the same text in both lanes, counted as the engine counts', async (t) => {
  const page = await openPage(t, site, { query, until: part('race-go'), width: 320, height: 640 });
  assert.match(await text(page, 'lane-off'), new RegExp(`^${PROMPT}$`), 'it waits with the prompt');
  assert.match(await text(page, 'race-said'), /Nothing was raced yet/);
  assert.equal(await page.locator(part('race-table')).isVisible(), false);
  await page.click(part('race-go'));
  await says(page, 'race-said', /^Both wrote the same 30 tokens\. .* times as fast, with .* times fewer/);
  await says(page, 'race-same', /proved equal/);
  assert.equal(await text(page, 'lane-on'), await text(page, 'lane-off'));
  assert.match(await text(page, 'race-why'), /^A multiply-add took [\d.]+ ns with the cache and [\d.]+ ns/);
  assert.equal(await text(page, 'race-go'), 'Race again');

  const [time, , tokens, rows, work, each] = await table(page);
  assert.deepEqual(tokens, [TOKENS, TOKENS, 1]);
  assert.deepEqual(rows.slice(0, 2), [6 + TOKENS, 6 + TOKENS * 6 + (TOKENS * (TOKENS + 1)) / 2]);
  const near = (a, b, what) => assert.ok(Math.abs(a / b - 1) < 0.02, `${what}: ${a}, ${b}`);
  near(time[2] / work[2], each[1] / each[0], 'the ratios differ by the time of one multiply-add');
  const bars = await page.$$eval('.bar-of', (all) => all.map((bar) => parseFloat(bar.getAttribute('width'))));
  near(bars[1] / bars[0], time[2], 'bars of time');
  near(bars[3] / bars[2], work[2], 'bars of work');

  const model = await loadModel(new Map(Object.entries(files).map(([name, file]) => [name, blobOf(file)])));
  t.after(() => model.dispose());
  for (const [i, useCache] of [true, false].entries()) {
    const session = model.createSession();
    const { length } = idsOf(await collect(session.generate(model.encode(PROMPT), {
      maxTokens: TOKENS, seed: SEED, useCache,
    })));
    assert.equal(length, TOKENS);
    const { projectionMacs, attentionMacs, headMacs } = session.counts;
    near(1e9 * work[i], projectionMacs + attentionMacs + headMacs, `multiply-adds, cache ${useCache}`);
  }
  await noViolations(page, 'race');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
});

test('a second press stops both, and what they have is compared', async (t) => {
  const page = await openPage(t, site, { query: await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo id="one" prompt="Once upon a time" views="race" loading="eager" `
      + 'src="models/stories/"></kv-cache-demo>',
  }), until: part('race-go') });
  await page.click(part('race-go'));
  await says(page, 'race-go', /^Stop$/);
  await says(page, 'race-said', /Up to here, both wrote the same [1-9]\d+ tokens/);
  await page.waitForTimeout(600); // a double click stops nothing
  await page.click(part('race-go'));
  await says(page, 'race-said', /^Stopped\. .* the same \d+ tokens\.$/);
  await says(page, 'race-go', /^Race again$/); // once both have answered
  assert.equal(await text(page, 'race-why'), '');
});
