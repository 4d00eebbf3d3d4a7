// Step and scrub in an article: back to any token and on again, with keys and buttons; forks, and the way
// back.
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addModel, noViolations, openPage, part, says, startSite, text, written } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
await addModel(site, 'small'); // each byte is a token
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo src="small/" prompt="abc" seed="3" max-tokens="40" temperature="1.3"
    cache="on" views="story step" loading="eager"></kv-cache-demo>`,
});

/** Moves the slider as a hand does. */
const slide = (page, position) => page.locator(part('step-slider')).fill(String(position));

/** Waits until the candidates are those of this token. */
const candidatesFor = (page, position) => page.waitForFunction(([title, row, wanted]) => (
  findAll(title)[0].textContent.endsWith(` ${wanted}`) && findAll(row).some((button) => (
    !button.closest('[hidden]')))), [part('candidates-title'), part('candidate'), position]);

/** The candidates: what stands on each button, in parts. */
const candidates = (page) => page.$$eval(part('candidate'), (all) => all
  .filter((button) => !button.closest('[hidden]'))
  .map((button) => [...button.querySelectorAll('span')].map(({ textContent }) => textContent.trim())));

/** What the engine holds, by its own account. */
const held = async (page, tokens) => says(page, 'step-said', new RegExp(`holds K and V of ${tokens} tokens`));

test('back, one by one, on: the same text and hash; a fork and the way back; cache on and off', async (t) => {
  const page = await openPage(t, site, { query, width: 320, height: 3000, until: part('step-slider') });
  assert.match(await text(page, 'step-said'), /^Press Generate once \(\d\d KB\); then/);
  assert.ok(await page.isDisabled(part('step-slider')));
  await page.click(part('go'));
  await says(page, 'step-said', /^Paused at token 43\. .* K and V of 43 tokens/);
  const whole = await written(page);
  const is = (wanted) => page.waitForFunction(([selector, words]) => words === findAll(selector)
    .map(({ textContent }) => textContent).join(''), [part('story-written'), wanted]);

  // Back by the slider, and one by one with keys and buttons.
  await slide(page, 17);
  await says(page, 'step-said', /^Back from token 43 to 17\. The cache let go of K and V of 26 tokens, /);
  await held(page, 17);
  const start = await written(page);
  assert.ok(start.length < whole.length && whole.startsWith(start));
  await page.focus(part('step-slider'));
  await page.keyboard.press('ArrowLeft');
  await says(page, 'step-said', /^Back from token 17 to 16\. .* 1 token, /);
  assert.equal(await page.getAttribute(part('step-slider'), 'aria-valuetext'), '16 of 43 tokens');
  await page.click(part('step-more'));
  await held(page, 17);
  await is(start);
  await says(page, 'step-verdict', /^The same as before: 1 token came again\.$/);
  await page.click(part('step-back'));
  await held(page, 16);

  // On to the end.
  await page.click(part('step-play'));
  await says(page, 'step-verdict', /^The same .*: 27 tokens .* to the last bit, hash [0-9a-f]{16}$/);
  assert.equal(await page.getAttribute(part('step-verdict'), 'data-verdict'), 'equal');
  await is(whole);
  const verdict = await text(page, 'step-verdict');

  // Another token.
  await slide(page, 20);
  await candidatesFor(page, 21);
  const list = await candidates(page);
  assert.equal(list.length, 5);
  const shares = list.map(([, share]) => Number.parseFloat(share));
  assert.deepEqual(shares, [...shares].sort((a, b) => b - a));
  const sum = shares.reduce((some, share) => some + share, 0);
  assert.ok(shares[0] > 0 && sum < 102, `${sum} %, rounded, in ${JSON.stringify(list)}`);
  const other = list.findIndex(([, , mark]) => mark === '');
  const before = await written(page);
  await page.locator(part('candidate')).nth(other).click();
  await page.waitForFunction((branch) => findAll(branch).length === 2, part('branch'));
  await says(page, 'step-said', /^At token 21 the story forks\. .* K and V of 43 tokens/);
  const fork = await written(page);
  assert.ok(fork.startsWith(before) && fork !== whole);
  assert.deepEqual(await page.$$eval(part('branch'), (all) => all.map((each) => each.ariaCurrent)),
    ['false', 'true']);
  await page.locator(part('branch')).first().click();
  await is(whole);
  await says(page, 'step-said', /^Back to token 20, and on to 43, as it was written before\./);
  assert.equal(verdict.slice(-16), (await text(page, 'step-verdict')).slice(-16), 'with the same numbers');

  // Without the cache: nothing is kept, and it is the same.
  await page.click(part('cache'));
  await slide(page, 10);
  await held(page, 10);
  await page.click(part('step-play'));
  await says(page, 'step-verdict', /33 tokens .* to the last bit/);
  await is(whole);
  assert.equal(verdict.slice(-16), (await text(page, 'step-verdict')).slice(-16));
  await held(page, 10);
  await noViolations(page, 'step');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);

  // During a race it says to wait, and nothing to press.
  await page.click(part('both'));
  await says(page, 'step-said', /^Another task is under way\./);
  assert.doesNotMatch(await page.textContent('.candidates-note'), /Pause/);
  await page.click(part('go'));
});

test('of a model with an encoder, step 0 says what was read, and how often', async (t) => {
  const folder = new URL('../fixtures/t5-gated-bf16/', import.meta.url);
  await cp(folder, join(site.folder, 't5'), { recursive: true });
  const query = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo src="t5/" prompt="the king sat" max-tokens="5" cache="on"
      views="story work text strips step" loading="eager"></kv-cache-demo>`,
  });
  const page = await openPage(t, site, { query, width: 360, height: 6000, until: part('step-slider') });
  await page.click(part('go'));
  await page.waitForSelector(`${part('step-slider')}:enabled`);
  await slide(page, 1);
  const read = 'The encoder read the source, once: 5 tokens\\. ';
  await says(page, 'work-said', new RegExp(`^${read}Step 0 computed K and V of 1 token, `));
  await says(page, 'text-said', new RegExp(`^${read}The text begins with 1 token\\.$`));
  await says(page, 'strips-said', new RegExp(`^${read}Step 0 computed 1 row of Q, K and V, `));
});
