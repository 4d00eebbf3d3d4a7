// The calculator, alone in an article: it needs no model and no worker, and says what its module computes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODELS, cacheSize, sizesByType } from '../../web/demo/cache-size.js';
import { numbersIn } from '../../web/measure/numbers.js';
import { noViolations, openPage, part, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo views="calculator" loading="eager"></kv-cache-demo>`,
  head: '<meta name="color-scheme" content="dark">',
});

/** Name, one more token, whole cache; as it is shown. */
const rows = (page) => page.$$eval(`${part('cache-sizes')} tbody tr`, (all) => all.map((row) => (
  [...row.querySelectorAll('label, td')].map(({ textContent }) => textContent))));

test('every row is what is asked, by keys alone, narrow, without a model or a worker', async (t) => {
  const page = await openPage(t, site, {
    query, until: part('calculator'), width: 320, height: 640, colorScheme: 'dark',
    init: () => { globalThis.Worker = class { constructor() { throw new Error('none'); } }; },
  });
  await noViolations(page, 'calculator');
  const { size } = numbersIn('en');
  const asked = { tokens: 131_072, texts: 16, type: 'int8', shared: false, windowed: true };
  await page.selectOption(part('cache-tokens'), String(asked.tokens));
  await page.selectOption(part('cache-texts'), String(asked.texts));
  await page.selectOption(part('cache-type'), asked.type);
  await page.focus(part('cache-shared'));
  await page.keyboard.press('Space');
  const wanted = MODELS.map((model) => {
    const { bytesPerToken, bytes } = cacheSize(model, asked);
    return [model.name, size(bytesPerToken), size(bytes)];
  });
  const [own, ...others] = await rows(page);
  assert.deepEqual(others, wanted);
  assert.match(own[0], /model of this page/);
  await page.focus(`${part('cache-sizes')} :checked`);
  await page.keyboard.press('ArrowDown');
  const { bytes } = cacheSize(MODELS.at(-1), asked);
  const formula = await text(page, 'calculator-said');
  assert.match(formula, /^Llama 3\.1 70B: 2 .* 16 texts = /);
  assert.ok(formula.includes(`${bytes.toLocaleString('en')} bytes = ${size(bytes)}`), formula);
  const bars = await page.$$eval(`${part('cache-sizes')} rect`, (all) => (
    all.map((bar) => bar.getBBox().width)));
  assert.equal(bars.at(-1), 100, 'the largest');
  for (const [i, model] of MODELS.entries()) {
    const share = 100 * cacheSize(model, asked).bytes / bytes;
    assert.ok(Math.abs(bars[i + 1] - Math.max(0.2, share)) < 0.01, model.name);
  }
  const byType = await page.$$eval(`${part('cache-by-type')} tbody tr`, (all) => all.map((row) => (
    [row.className, ...[...row.children].map(({ textContent }) => textContent)])));
  const model = MODELS.at(-1);
  const whole = sizesByType(model, asked);
  assert.deepEqual(byType.map(([, , perToken, all]) => [perToken, all]),
    whole.map((each) => [size(each.bytesPerToken), size(each.bytes)]));
  const chosen = byType.filter(([kind]) => kind === 'chosen');
  assert.deepEqual(chosen.map(([, name]) => name), ['int8, 1 byte and a scale']);
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
});
