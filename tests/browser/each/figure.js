// While a story is written, nothing in the figure moves, and what matters stands on one screen.
import assert from 'node:assert/strict';
import { part } from '../selectors.js';

const TOKENS = 150;
const RACED = 60;

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

/** @type {import('../each.js').Prepare} */
export async function figure(site) {
  return ({ name, test, openPage }) => {
    const sizes = [[360, 640, 'de'], [1280, 800, 'en']];
    if (name === 'chromium') sizes.push([360, 640, 'en'], [1366, 625, 'de']);
    for (const [width, height, lang] of sizes) {
      const title = 'from the press to the proof nothing moves, and all that matters is on one screen';
      test(`${width} x ${height}, ${lang}: ${title}`, async (t) => {
        const page = await openPage(t, site.url, { width, height });
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
          const off = (height) => Math.abs(height / line - Math.round(height / line));
          return [scrollTop, clientHeight].map(off);
        }, part('story-box'));
        assert.ok(cut.every((share) => share < 0.1), `lines are cut through: ${cut}`);
        if (name !== 'chromium') return;
        await page.fill(part('maxTokens'), String(RACED));
        await page.evaluate((both) => find(both).scrollIntoView({ block: 'center' }), part('both'));
        await page.evaluate(watchBoxes);
        await page.click(part('both'));
        const lanesEnded = (lane) => /after|nach/.test(find(lane).textContent);
        await page.waitFor(lanesEnded, [part('lane-numbers-off')]);
        assert.deepEqual((await page.evaluate(() => boxesSeen())).moved, [], 'in a race');
      });
    }
  };
}
