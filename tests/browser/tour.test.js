// The tour in an article: a lesson by keyboard alone, on a narrow phone; one opened by its link, in German.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  focused, focusedElement, noViolations, openPage, part, says, startSite, text, writtenAtLeast,
} from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const article = (attributes) => addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" views="tour" loading="eager" ${attributes}></kv-cache-demo>`,
});

/** With Tab alone. */
async function tabTo(page, name) {
  for (let i = 0; i < 30; i++) {
    if (await focused(page) === name) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`${name} is not reached with Tab`);
}

test('a lesson by keyboard: guess, try, see, and an experiment that the page checks', async (t) => {
  const page = await openPage(t, site, {
    query: await article(''), until: part('lesson-go'), width: 320, height: 640, blocking: 5000,
  });
  assert.equal(await text(page, 'lesson-place'), 'Lesson 1 of 9');
  assert.equal(await page.isVisible(part('lesson-why')), false, 'explained after, not before');
  assert.doesNotMatch(await text(page, 'payoff'), /times as fast/, 'a recorded run would give it away');
  await noViolations(page, 'before');
  await page.focus('input[type="radio"]');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await tabTo(page, 'lesson-go');
  await page.keyboard.press('Enter');
  await writtenAtLeast(page, 100);
  assert.equal(await focused(page), 'lesson-go', 'the focus stays where it was');
  assert.equal(await page.getAttribute(part('lesson-go'), 'aria-disabled'), 'true');
  await tabTo(page, 'cache');
  await page.keyboard.press('Space');
  await says(page, 'lesson-seen', /^At position \d+: .* without the cache, .* with it\.$/);
  assert.equal(await text(page, 'lesson-verdict'), 'The answer is another one: Only the speed.');
  assert.equal(await page.isVisible(part('lesson-why')), true);
  await says(page, 'lesson-found', /Type one of your own/);
  await page.fill(part('prompt'), 'In a castle by the sea');
  await page.focus(part('cache'));
  await page.keyboard.press('Space'); // starts it again, without the cache
  await says(page, 'story', /^In a castle.{60}/s);
  await page.keyboard.press('Space');
  await says(page, 'lesson-found', /^Done\. You cannot: after [\d,]+ tokens of your own story/);
  await noViolations(page, 'after');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);

  await tabTo(page, 'lesson-next');
  await page.keyboard.press('Enter');
  assert.equal(await focusedElement(page, ({ textContent }) => textContent), 'What is computed again');
  assert.deepEqual(await page.$$eval(`${part('lessons')} li`, (all) => (
    all.slice(0, 2).map(({ textContent }) => textContent.trim()))),
  ['Flip it done', 'What is computed again']);
  await page.locator(part('prompt')).scrollIntoViewIfNeeded(); // below what the lesson shows
  await page.locator(`[data-view="work"] ${part('work')}`).waitFor();
  assert.equal(await page.locator('[data-view="proof"]').count(), 0);
});

test('a link opens a lesson, the address follows, and another language knows what was done', async (t) => {
  const page = await openPage(t, site, { query: '#views=tour&lesson=4', until: part('lesson-go') });
  assert.equal(await text(page, 'lesson-title'), 'A cached step is not free');
  await page.waitForFunction(() => scrollY > 0);
  await page.focus(part('lesson-go'));
  await page.keyboard.press('Enter');
  const tour = page.locator('kv-cache-demo[views="tour"]');
  await says(page, 'lesson-seen', /^At position 102: .* At position 1,024: /);
  await tour.evaluate((figure) => { figure.lang = 'de'; });
  await page.locator(part('lesson-title'), { hasText: /^Ein Schritt mit Cache/ }).waitFor();
  await says(page, 'lesson-seen', /^An Position 102: .* An Position 1\.024: /);
  await says(page, 'lesson-found', /^An Position 1\.024 kostet ein Schritt \d+,\d % mehr/);
  await page.focus(part('lesson-next'));
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /views=tour&.*lesson=5/.test(location.hash));
  const [, ...lessons] = await page.$$eval(`${part('lessons')} ${part('lesson-link')}`, (all) => (
    all.map((link) => [link.textContent, link.getAttribute('aria-current')].join())));
  assert.equal(lessons.length, 8);
  assert.deepEqual(lessons.filter((link) => link.endsWith('step')), ['Was er kostet,step']);
});
