// The figure as it is seen: nothing moves while it runs, what matters stands on one screen, and the chart is
// right wherever an author puts it.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  openPage, part, press, proof, run, sample, startCached, startSite, state, text, writtenAtLeast,
} from './helpers.js';
import { tasksDuring } from './tasks.js';

const site = await startSite();
const MOST_MS = 100; // of a processor that is four times slower: 25 of this one, where 50 are a long task

test('the chart tells the position under the pointer, under transforms and zooms too', async (t) => {
  const page = await openPage(t, site, { height: 1600 });
  await sample(page, { maxTokens: 80 });
  await run(page);
  /** Points at a tick of the axis, and reads which position the chart says. */
  const pointed = async (position) => {
    const box = await page.locator(`${part('chart')} text`, { hasText: new RegExp(`^${position}$`) }).last()
      .boundingBox();
    const { y, height } = await page.locator(part('chart')).boundingBox();
    await page.mouse.move(box.x + box.width / 2, y + height / 2);
    await page.waitForFunction((selector) => findAll(selector)[0].textContent, part('pointed'));
    const [, told] = /^At ([\d]+): /.exec(await text(page, 'pointed'));
    await page.mouse.move(0, 0);
    await page.waitForFunction((selector) => !findAll(selector)[0].textContent, part('pointed'));
    return Number(told);
  };
  const moved = 'translate(40px, 10px) scale(1.4)';
  const styles = [{}, { transform: 'scale(0.6)' }, { transform: moved }, { zoom: '1.5' }];
  for (const style of styles) {
    await page.$eval('#figure', (demo, given) => {
      demo.removeAttribute('style');
      Object.assign(demo.style, { width: '760px', transformOrigin: '0 0', ...given });
    }, style);
    await page.waitForTimeout(100); // it is drawn anew in its new size
    for (const position of [20, 80]) {
      assert.ok(Math.abs(await pointed(position) - position) <= 1, `${position}, ${JSON.stringify(style)}`);
    }
  }
});

test('in closed details, far too small, and shown again: the chart is drawn as it opens', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 120 });
  await page.click(part('go'));
  await state(page, 'running');
  await page.evaluate(() => {
    const closed = document.createElement('details');
    const demo = document.getElementById('figure');
    demo.replaceWith(closed);
    closed.append(demo);
  });
  await state(page, 'finished');
  const drawing = () => page.$eval(part('chart'), (box) => ({
    view: box.firstChild.getAttribute('viewBox'), size: `0 0 ${box.clientWidth} ${box.clientHeight}`,
    end: box.querySelector('.line.off').getAttribute('d').split('L').at(-1).split(' ')[0],
    mark: box.querySelector('.end.off rect').getAttribute('x'),
  }));
  await page.$eval('details:has(#figure)', (closed) => { closed.open = true; });
  await page.waitForTimeout(100);
  const shown = await drawing();
  assert.equal(shown.view, shown.size);
  assert.ok(Math.abs(Number(shown.end) - Number(shown.mark) - 4) < 4, 'the line has come to its mark');
  for (const height of ['60px', '0', '']) {
    await page.$eval(part('chart'), (box, wanted) => { box.style.height = wanted; }, height);
    await page.waitForTimeout(50);
  }
  assert.deepEqual(await drawing(), shown);
});

test('the size of the chart’s text is the reader’s, its colours are those of the place', async (t) => {
  const page = await openPage(t, site);
  const look = () => page.$eval(part('chart'), (box) => {
    const { fill, fontSize } = getComputedStyle(box.querySelector('text'));
    const { stroke: line } = getComputedStyle(box.querySelector('.line'));
    return { fill, fontSize: parseFloat(fontSize), line };
  });
  const light = await look();
  await page.evaluate(() => {
    document.documentElement.style.fontSize = '150%';
    document.getElementById('figure').style.colorScheme = 'dark';
  });
  const dark = await look();
  assert.equal(dark.fontSize, 1.5 * light.fontSize);
  assert.notEqual(dark.fill, light.fill);
  assert.notEqual(dark.line, light.line);
  await page.evaluate(() => document.documentElement.style.setProperty('--kvc-on', 'rgb(1, 2, 3)'));
  assert.equal((await look()).line, 'rgb(1, 2, 3)');
  const ticks = await page.$$eval(`${part('chart')} text`, (all) => all.map((one) => {
    const { left, right } = one.getBoundingClientRect();
    const box = one.closest('.chart').getBoundingClientRect();
    return left >= box.left - 1 && right <= box.right + 1;
  }));
  assert.ok(ticks.every(Boolean), 'a word of the chart is cut off');
});

test('printed, the whole story is there, and the chart within the page', async (t) => {
  const page = await openPage(t, site, { width: 700 });
  await sample(page, { maxTokens: 300 });
  await startCached(page);
  await run(page);
  const cut = () => page.$eval(part('story-box'), (box) => box.scrollHeight - box.clientHeight);
  assert.ok(await cut() > 100);
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 600, height: 800 });
  assert.equal(await cut(), 0);
  assert.ok(await page.isHidden(part('go')) && await page.isVisible(part('payoff')));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  const path = join(tmpdir(), `kvc-${process.pid}.pdf`);
  t.after(() => rm(path, { force: true }));
  await page.pdf({ path, format: 'A4' });
  assert.match((await readFile(path)).subarray(0, 5).toString('latin1'), /^%PDF-/);
});

test('a beginning that is read from right to left turns itself, not the English story', async (t) => {
  const page = await openPage(t, site);
  await page.fill(part('prompt'), 'פעם אחת היה מלך.');
  await sample(page, { maxTokens: 20 });
  await run(page);
  const direction = (name) => page.$eval(part(name), (node) => getComputedStyle(node).direction);
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  assert.equal(await direction('chart'), 'ltr', 'in a host that is read from right to left too');
  assert.deepEqual([await direction('prompt'), await direction('story-prompt'), await direction('story')],
    ['rtl', 'rtl', 'ltr']);
});

test('a long story grows without a long task where the processor is four times slower', async (t) => {
  // What the machine does beside it is no affair of this test: below, the processor's own time counts.
  const page = await openPage(t, site, { width: 360, height: 640, blocking: 20_000 });
  await page.fill(part('prompt'), 'The king and the queen went into the forest. '.repeat(60));
  await sample(page, { maxTokens: 10 });
  await run(page); // what is loaded and compiled once is not the story's
  await proof(page);
  await sample(page, { maxTokens: 300 });
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  let longest = Infinity;
  for (let tries = 0; tries < 3 && longest > MOST_MS; tries++) {
    [longest] = await tasksDuring(site.browser, page, async () => {
      await press(page, await page.getAttribute(part('cache'), 'aria-checked') === 'true' ? 'cache' : 'go');
      await state(page, 'running'); // without the cache
      await writtenAtLeast(page, 80);
      await page.click(part('cache')); // the rest pours out
      await state(page);
    });
    t.diagnostic(`${longest.toFixed(0)} ms`);
    await proof(page);
  }
  assert.ok(longest <= MOST_MS, `a task of ${longest} ms`);
});
