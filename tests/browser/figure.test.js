// The figure as it is seen: nothing moves while it runs, what matters stands on one screen, and the chart is
// right wherever an author puts it.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eachEngine } from './each-engine.js';
import {
  openPage, part, press, proof, run, sample, startCached, startSite, state, text, writtenAtLeast,
} from './helpers.js';
import { tasksDuring } from './tasks.js';

const site = await startSite();
const TOKENS = 150;

/** In the page: looks with every frame where each box of the figure is, and notes what has moved. */
function watchBoxes() {
  const figure = find('[part~="demo"]');
  const inside = ['.story', '.chart > svg', '.go', 'option', 'td', 'th'].map((each) => `${each} *`).join();
  const name = (box) => box.getAttribute('part') ?? (box.className || box.localName);
  const isBlock = (box) => !/^inline$|contents|none/.test(getComputedStyle(box).display);
  const boxes = [...figure.querySelectorAll('*')].filter((box) => (
    !box.matches(`${inside}, .story, svg, option, .visually-hidden`) && isBlock(box)));
  /** Words may become more or fewer in a room that stays; what is around them may not give way. */
  const sized = new Set(boxes.filter((box) => (
    box.matches('button, select, input, textarea, td, th, .chart') || [...box.children].some(isBlock))));
  /** Where it was when it first had a size. */
  const places = [];
  const moved = new Set();
  let [frames, furthest] = [0, 0];
  const look = () => {
    frames++;
    for (const [i, box] of boxes.entries()) {
      const { x, y, width, height } = box.getBoundingClientRect();
      if (!box.checkVisibility() || width * height === 0) continue;
      places[i] ??= box.getBoundingClientRect();
      const sides = [x - places[i].x, x + width - places[i].right]; // words may stand at either
      const off = Math.max(Math.min(...sides.map(Math.abs)), Math.abs(y - places[i].y),
        ...sized.has(box) ? [Math.abs(width - places[i].width), Math.abs(height - places[i].height)] : []);
      if (off >= 0.5) moved.add(`${name(box)} by ${off.toFixed(1)} px`);
    }
    const words = [...figure.querySelectorAll('[part~="story-written"]')].at(-1)?.getClientRects();
    const newest = words && [...words].at(-1);
    if (newest) furthest = Math.max(furthest, Math.abs(newest.bottom - innerHeight / 2) - innerHeight / 2);
    timer = requestAnimationFrame(() => setTimeout(look)); // once this frame is laid out and scrolled
  };
  let timer = requestAnimationFrame(() => setTimeout(look));
  globalThis.boxesSeen = () => {
    cancelAnimationFrame(timer);
    const ends = ['cache', 'chart', 'payoff'].map((each) => (
      figure.querySelector(`[part~="${each}"]`).getBoundingClientRect().bottom));
    const below = Math.max(furthest, ...ends.map((y) => y - innerHeight));
    return {
      frames, moved: [...moved], count: boxes.length, below: Math.round(below),
      aside: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    };
  };
}

eachEngine(({ name, test: engineTest, openPage: open }) => {
  const sizes = [[360, 640, 'de'], [1280, 800, 'en']];
  if (name === 'chromium') sizes.push([360, 640, 'en'], [1366, 625, 'de']);
  for (const [width, height, lang] of sizes) {
    const title = 'from the press to the proof nothing moves, and all that matters is on one screen';
    engineTest(`${width} x ${height}, ${lang}: ${title}`, async (t) => {
      const page = await open(t, site.url, { width, height });
      await page.waitFor((figure) => findAll(figure)[0]?.dataset.state === 'unloaded', [part('figure')]);
      await page.evaluate((tag) => {
        document.documentElement.lang = tag;
        document.documentElement.style.scrollbarWidth = 'none'; // as on phones
      }, lang);
      await page.waitFor((go) => /MB/.test(find(go).textContent), [part('go')]);
      await page.fill(part('maxTokens'), String(TOKENS));
      await page.waitFor((summary, tokens) => find(summary).textContent.includes(tokens),
        [part('sampling-summary'), TOKENS]);
      await page.evaluate(watchBoxes);
      await page.click(part('go'));
      const length = (least) => findAll('[part~="story-written"]')
        .reduce((sum, { textContent }) => sum + textContent.length, 0) >= least;
      await page.waitFor(length, [250]);
      await page.click(part('cache'));
      await page.waitFor((hashes) => find(hashes).textContent.match(/[0-9a-f]{16}/g)?.length === 3,
        [part('proof-hashes')]);
      await page.evaluate(() => new Promise((drawn) => { setTimeout(() => drawn(true), 100); }));
      const seen = await page.evaluate(() => boxesSeen());
      assert.ok(seen.frames > 10 && seen.count > 40, JSON.stringify(seen));
      assert.deepEqual(seen.moved, []);
      assert.ok(seen.below <= 0, `${seen.below} px below the screen`);
      assert.equal(seen.aside, 0);
      const cut = await page.evaluate((story) => {
        const { scrollTop, clientHeight } = find(story);
        const line = parseFloat(getComputedStyle(find('[part~="story"]')).lineHeight);
        return [scrollTop, clientHeight].map((height) => Math.abs(height / line - Math.round(height / line)));
      }, part('story-box'));
      assert.ok(cut.every((share) => share < 0.1), `lines are cut through: ${cut}`);
      if (name !== 'chromium') return;
      await page.evaluate((both) => find(both).scrollIntoView({ block: 'center' }), part('both'));
      await page.evaluate(watchBoxes);
      await page.click(part('both'));
      const lanesEnded = (lane) => /after|nach/.test(find(lane).textContent);
      await page.waitFor(lanesEnded, [part('lane-numbers-off')]);
      assert.deepEqual((await page.evaluate(() => boxesSeen())).moved, [], 'in a race');
    });
  }
});

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

test('a long story grows without a long task, also where the processor is four times slower', async (t) => {
  const page = await openPage(t, site, { width: 360, height: 640 });
  await page.fill(part('prompt'), 'The king and the queen went into the forest. '.repeat(60));
  await sample(page, { maxTokens: 10 });
  await run(page); // what is loaded and compiled once is not the story's
  await proof(page);
  await sample(page, { maxTokens: 300 });
  const session = await page.context().newCDPSession(page);
  for (const [rate, most] of [[1, 50], [4, 100]]) {
    await session.send('Emulation.setCPUThrottlingRate', { rate });
    let longest = Infinity;
    for (let tries = 0; tries < 2 && longest > most; tries++) {
      [longest] = await tasksDuring(site.browser, page, async () => {
        await press(page, await page.getAttribute(part('cache'), 'aria-checked') === 'true' ? 'cache' : 'go');
        await state(page, 'running'); // without the cache
        await writtenAtLeast(page, 80);
        await page.click(part('cache')); // the rest pours out
        await state(page);
      });
      t.diagnostic(`${rate} times slower: ${longest.toFixed(0)} ms`);
      await proof(page);
    }
    assert.ok(longest <= most, `a task of ${longest} ms`);
  }
});
