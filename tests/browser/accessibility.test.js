// Keyboard, screen readers, small screens, both palettes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addModel, focused, focusedElement, noViolationsInBoth, openPage, part, proof, run, sample, says,
  startCached, startSite, state, text, written, writtenAtLeast,
} from './helpers.js';

const site = await startSite();

test('axe finds nothing in either palette: idle, running, done, failed', async (t) => {
  const page = await openPage(t, site, { blocking: 5000 }); // axe itself takes its time
  await noViolationsInBoth(page, 'idle');
  await sample(page, {}); // opens the settings
  await page.selectOption(part('pace'), '60'); // else most of the context is written while axe looks
  await page.click(part('go'));
  await writtenAtLeast(page, 100);
  await noViolationsInBoth(page, 'running');
  await page.keyboard.press('Escape');
  await state(page); // stopped, or over while axe looked
  await proof(page);
  await page.$eval(part('data'), (fold) => { fold.open = true; });
  await noViolationsInBoth(page, 'done');
  await page.fill(part('topP'), '7');
  await noViolationsInBoth(page, 'invalid setting');
  const broken = await openPage(t, site, { query: '?model=nowhere', expected: /404/, blocking: 5000 });
  await broken.click(part('go'));
  await state(broken, 'failed');
  await noViolationsInBoth(broken, 'failed');
});

test('a whole run with the keyboard alone', async (t) => {
  const page = await openPage(t, site);
  const tabTo = async (name, key = 'Tab') => {
    for (let i = 0; i < 60; i++) {
      if (await focused(page) === name) return;
      await page.keyboard.press(key);
    }
    assert.fail(`${name} is not reached with Tab`);
  };
  await page.selectOption(part('pace'), '60');
  await page.focus(part('pace'));
  await tabTo('prompt', 'Shift+Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('In a castle by the sea');
  for (const to of ['true', 'false']) { // before there is a model, nothing is started by it
    await tabTo('cache', 'Shift+Tab');
    await page.keyboard.press('Space');
    await page.waitForSelector(`${part('cache')}[aria-checked="${to}"]`);
  }
  await tabTo('go');
  await page.keyboard.press('Enter');
  await says(page, 'story-prompt', /^In a castle by the sea$/); // and no longer the recorded run's
  await writtenAtLeast(page, 20);
  assert.equal(await focused(page), 'go', 'the focus stays where it was');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Space'); // the switch, during the run
  await page.waitForSelector(part('flip-on'));
  await page.keyboard.press('Escape');
  assert.equal(await state(page), 'stopped');
  await tabTo('story-box'); // its text can be scrolled
});

test('the focus stays where the reader works: after Compare, Clear and Try again', async (t) => {
  const small = await addModel(site, 'focus');
  const page = await openPage(t, site, { query: small.query, expected: /404/ });
  const enter = async (name) => {
    await page.focus(part(name));
    await page.keyboard.press('Enter');
  };
  await page.fill(part('prompt'), 'a');
  await sample(page, { maxTokens: 20 });
  await page.selectOption(part('pace'), '60');
  await enter('both');
  assert.equal(await focused(page), 'both');
  await says(page, 'remark', /fewer multiply-adds/);
  assert.equal(await focused(page), 'both');
  await proof(page);
  await enter('clear');
  await page.waitForSelector(`${part('clear')}[aria-disabled="true"]`);
  assert.equal(await focused(page), 'clear');
  await small.remove('model.safetensors');
  const broken = await openPage(t, site, { query: small.query, expected: /404/ });
  await broken.click(part('go'));
  await state(broken, 'failed');
  await broken.focus(part('retry'));
  await broken.keyboard.press('Enter');
  await broken.waitForFunction(() => findAll('[part~="error"]')[0].hidden === false);
  assert.equal(await focused(broken), 'state');
});

test('a double click on Generate, and a key held down on it, start a run and do not stop it', async (t) => {
  const page = await openPage(t, site);
  await page.selectOption(part('pace'), '15');
  await page.dblclick(part('go'), { delay: 40 });
  await writtenAtLeast(page, 30);
  assert.equal(await page.getAttribute(part('figure'), 'data-state'), 'running');
  await page.keyboard.press('Escape');
  await state(page, 'stopped');
  await page.focus(part('go'));
  for (let i = 0; i < 30; i++) { // repeats while it is held
    await page.keyboard.down('Enter');
    await page.waitForTimeout(30);
  }
  await page.keyboard.up('Enter');
  assert.equal(await page.getAttribute(part('figure'), 'data-state'), 'running');
  await page.waitForTimeout(600);
  await page.click(part('go'));
  await state(page, 'stopped');
});

test('a translation of the page in mid-run takes nothing from the story, and is not undone', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 60, seed: 3 });
  await startCached(page);
  await run(page);
  await page.selectOption(part('pace'), '60');
  const straight = await written(page);
  assert.equal(await page.getAttribute(part('story'), 'translate'), 'no');
  await page.click(part('go'));
  await state(page, 'running');
  await page.evaluate(() => { // as translators do: text nodes are replaced by elements of their own
    const translate = () => {
      const figure = findAll('[part~="figure"]')[0];
      const walker = document.createTreeWalker(figure, NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walker.nextNode()) texts.push(walker.currentNode);
      for (const node of texts.filter(({ parentNode }) => parentNode.localName !== 'font')) {
        const font = document.createElement('font');
        font.textContent = node.data;
        node.replaceWith(font);
      }
    };
    globalThis.translating = setInterval(translate, 10);
  });
  await state(page, 'finished');
  await page.evaluate(() => clearInterval(translating));
  assert.equal(await written(page), straight);
  const label = await page.$eval(part('state'), (words) => {
    words.firstChild.textContent = 'Fertig.';
    return words.textContent;
  });
  await page.selectOption(part('pace'), '30'); // something else is drawn
  await page.waitForTimeout(100);
  assert.equal(await text(page, 'state'), label);
});

test('the story is followed to its end, unless the reader has scrolled back', async (t) => {
  const page = await openPage(t, site, { width: 360, height: 740 });
  const left = () => page.$eval(part('story-box'), ({ scrollHeight, scrollTop, clientHeight }) => (
    scrollHeight - scrollTop - clientHeight));
  await page.fill(part('prompt'), 'The king and the queen went into the forest. '.repeat(20));
  await sample(page, { maxTokens: 700, seed: 3 });
  await startCached(page);
  await page.selectOption(part('pace'), '60');
  await page.click(part('go'));
  await writtenAtLeast(page, 50);
  assert.ok(await page.$eval(part('story-box'), ({ scrollTop }) => scrollTop) > 40);
  assert.ok(await left() < 40);
  await page.$eval(part('story-box'), (box) => new Promise((seen) => { // text comes as it is scrolling
    const more = document.createElement('p');
    more.style.setProperty('height', '200px');
    box.getRootNode().addEventListener('scroll', () => {
      box.firstElementChild.append(more);
      requestAnimationFrame(() => requestAnimationFrame(() => seen(more.remove())));
    }, { capture: true, once: true });
  }));
  const before = (await written(page)).length;
  await writtenAtLeast(page, before + 200);
  assert.ok(await left() < 40);
  await page.$eval(part('story-box'), (box) => { box.scrollTop = 0; });
  const length = (await written(page)).length;
  await writtenAtLeast(page, length + 100);
  assert.equal(await page.$eval(part('story-box'), ({ scrollTop }) => scrollTop), 0);
  await page.$eval(part('story-box'), (box) => { box.scrollTop = box.scrollHeight; });
  await writtenAtLeast(page, length + 200);
  assert.ok(await left() < 40);
  await page.keyboard.press('Escape');
  await state(page, 'stopped');
});

test('an example takes the place of the reader’s own words, and undo brings them back', async (t) => {
  const page = await openPage(t, site);
  await page.fill(part('prompt'), '');
  await page.focus(part('prompt'));
  await page.keyboard.type('My own words');
  await page.click('.examples button');
  assert.equal(await page.inputValue(part('prompt')), 'Once upon a time');
  await page.keyboard.press('Control+Z');
  assert.equal(await page.inputValue(part('prompt')), 'My own words');
  await sample(page, { maxTokens: 5 });
  await run(page);
  assert.equal(await text(page, 'story-prompt'), 'My own words', 'the run takes what stands there');
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
  assert.notEqual(await focusedElement(page, (node) => getComputedStyle(node).outlineStyle), 'none');
});

test('at 320 pixels nothing scrolls sideways or lies over words of the chart, all folds open', async (t) => {
  const page = await openPage(t, site, { width: 320, height: 640 });
  const surplus = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  /** Words of the chart that lie over others, or over its head. */
  const covered = () => page.evaluate(([head, chart]) => {
    const words = [...findAll(chart)[0].querySelectorAll('text')].filter((one) => one.textContent);
    if (words.length < 6) return ['there are no words'];
    const boxes = [findAll(head)[0], ...words].map((one) => [one.textContent, one.getBoundingClientRect()]);
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    return boxes.flatMap(([one, a], i) => boxes.slice(i + 1)
      .filter(([, b]) => meet(a, b)).map(([other]) => `${one}, ${other}`));
  }, ['.chart-head', part('chart')]);
  assert.equal(await surplus(), 0);
  assert.deepEqual(await covered(), [], 'of the recorded run');
  await page.$$eval('details', (folds) => folds.forEach((fold) => { fold.open = true; }));
  await sample(page, { maxTokens: 40 });
  await run(page);
  await proof(page);
  assert.equal(await surplus(), 0);
  assert.deepEqual(await covered(), []);
});

test('screen readers hear states, not tokens', async (t) => {
  const page = await openPage(t, site);
  await page.evaluate(() => {
    globalThis.heard = [];
    const announcer = findAll('[part~="announcer"]')[0];
    new MutationObserver(() => heard.push({ at: performance.now(), words: announcer.textContent }))
      .observe(announcer, { childList: true, characterData: true, subtree: true });
  });
  await sample(page, { maxTokens: 150 });
  await run(page);
  await says(page, 'announcer', /tokens\/s.*Equal: the model’s numbers after the whole text/);
  const heard = await page.evaluate(() => globalThis.heard);
  assert.ok(heard.length <= 5, JSON.stringify(heard));
  assert.ok(heard.some(({ words }) => /^Finished|^The story is over/.test(words)), JSON.stringify(heard));
  for (let i = 1; i < heard.length; i++) assert.ok(heard[i].at - heard[i - 1].at > 1300);
  assert.equal(await page.$$eval('[aria-live], [role=log]', (all) => all.length), 0);
  assert.equal(await page.getAttribute(part('story'), 'aria-busy'), 'false');
});

test('with reduced motion only the text moves, and the chart is drawn at most twice a second', async (t) => {
  const page = await openPage(t, site, { reducedMotion: 'reduce' });
  await page.evaluate(() => {
    globalThis.draws = 0;
    const observer = new MutationObserver(() => globalThis.draws++);
    observer.observe(findAll('[part~="chart"]')[0], { subtree: true, attributeFilter: ['d'] });
  });
  await sample(page, { maxTokens: 120 });
  await startCached(page);
  await page.selectOption(part('pace'), '60');
  const [before, start] = [await page.evaluate(() => draws), Date.now()];
  await run(page);
  const drawn = await page.evaluate(() => draws) - before;
  const ms = Date.now() - start;
  assert.ok(drawn >= 2 && drawn <= 2 * ms / 1000 + 3, `${drawn} times in ${ms} ms`);
  const duration = (track) => getComputedStyle(track, '::after').transitionDuration;
  assert.equal(await page.$eval(part('track'), duration), '0s');
});
