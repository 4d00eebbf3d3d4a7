// Keyboard, screen readers, small screens, both palettes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  focused, noViolations, openPage, part, proof, run, sample, says, startSite, state, text, writtenAtLeast,
} from './helpers.js';

const site = await startSite();

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing, ${colorScheme}: idle, running, done, failed`, async (t) => {
    const page = await openPage(t, site, { colorScheme, blocking: 5000 }); // axe itself takes its time
    await noViolations(page, 'idle');
    await sample(page, { maxTokens: 300 }); // opens the settings too
    await page.click(part('cache'));
    await page.click(part('go'));
    await writtenAtLeast(page, 100);
    await noViolations(page, 'running');
    await page.keyboard.press('Escape');
    await state(page, 'stopped');
    await proof(page);
    await page.$eval(part('data'), (fold) => { fold.open = true; });
    await noViolations(page, 'done');
    await page.fill(part('topP'), '7');
    await noViolations(page, 'invalid setting');
    const broken = await openPage(t, site, {
      colorScheme, query: '?model=nowhere', expected: /404/, blocking: 5000 });
    await broken.click(part('go'));
    await state(broken, 'failed');
    await noViolations(broken, 'failed');
  });
}

test('a whole run with the keyboard alone', async (t) => {
  const page = await openPage(t, site);
  const tabTo = async (name) => {
    for (let i = 0; i < 30; i++) {
      if (await focused(page) === name) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`${name} is not reached with Tab`);
  };
  await tabTo('prompt');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('In a castle by the sea');
  await tabTo('cache');
  await page.keyboard.press('Space');
  await page.waitForSelector(`${part('cache')}[aria-checked="false"]`);
  await page.keyboard.press('Space');
  await page.waitForSelector(`${part('cache')}[aria-checked="true"]`);
  await tabTo('go');
  await page.keyboard.press('Enter');
  await writtenAtLeast(page, 20);
  assert.equal(await text(page, 'story-prompt'), 'In a castle by the sea');
  assert.equal(await focused(page), 'go', 'the focus stays where it was');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Space'); // the switch, during the run
  await page.waitForSelector(part('flip-off'));
  await page.keyboard.press('Escape');
  assert.equal(await state(page), 'stopped');
  await tabTo('story-box'); // its text can be scrolled
});

test('every control has a target of 44 pixels on a phone and shows its focus', async (t) => {
  const page = await openPage(t, site, { width: 360, height: 740 });
  await page.$$eval('details', (folds) => folds.forEach((fold) => { fold.open = true; }));
  const small = await page.$$eval('button, select, summary, input', (controls) => controls
    .filter((control) => control.checkVisibility({ visibilityProperty: true }))
    .filter((control) => control.getBoundingClientRect().height < 43.5)
    .map((control) => control.outerHTML));
  assert.deepEqual(small, []);
  await page.focus(part('go'));
  await page.keyboard.press('Tab');
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');
});

test('nothing scrolls sideways at 320 pixels, idle and done, all folds open', async (t) => {
  const page = await openPage(t, site, { width: 320, height: 640 });
  const surplus = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.equal(await surplus(), 0);
  await page.$$eval('details', (folds) => folds.forEach((fold) => { fold.open = true; }));
  await sample(page, { maxTokens: 40 });
  await page.selectOption(part('pace'), '0');
  await run(page);
  await proof(page);
  assert.equal(await surplus(), 0);
});

test('screen readers hear states, not tokens', async (t) => {
  const page = await openPage(t, site, {
    init: () => addEventListener('DOMContentLoaded', () => {
      globalThis.heard = [];
      const announcer = document.querySelector('[part~="announcer"]');
      new MutationObserver(() => heard.push({ at: performance.now(), words: announcer.textContent }))
        .observe(announcer, { childList: true, characterData: true, subtree: true });
    }),
  });
  await sample(page, { maxTokens: 150 });
  await run(page);
  await says(page, 'announcer', /Finished|The story is over/);
  const heard = await page.evaluate(() => globalThis.heard);
  assert.ok(heard.length <= 5, JSON.stringify(heard));
  for (let i = 1; i < heard.length; i++) assert.ok(heard[i].at - heard[i - 1].at > 1300);
  assert.equal(await page.$$eval('[aria-live], [role=log]', (all) => all.length), 0);
  assert.equal(await page.getAttribute(part('story'), 'aria-busy'), 'false');
});

test('with reduced motion only the text moves, and the chart is drawn at most twice a second', async (t) => {
  const page = await openPage(t, site, {
    reducedMotion: 'reduce',
    init: () => {
      globalThis.draws = 0;
      const clear = CanvasRenderingContext2D.prototype.clearRect;
      CanvasRenderingContext2D.prototype.clearRect = function (...args) {
        globalThis.draws++;
        return clear.apply(this, args);
      };
    },
  });
  await sample(page, { maxTokens: 200 });
  const [before, start] = [await page.evaluate(() => draws), Date.now()];
  await run(page);
  const drawn = await page.evaluate(() => draws) - before;
  const ms = Date.now() - start;
  assert.ok(drawn >= 2 && drawn <= 2 * ms / 1000 + 3, `${drawn} times in ${ms} ms`);
  assert.equal(await page.$eval(part('track'), (track) => getComputedStyle(track).transitionDuration), '0s');
});
