// The text as the cache, in an article: what stands under and beside its tokens is what the engine did with
// them, and has in its memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { build } from 'esbuild';
import { loadModel } from 'kvcache-wasm';
import { blobOf } from '../node/helpers.js';
import { addModel, focusedElement, noViolations, openPage, part, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const { files } = await addModel(site, 'small');
const PROMPT = 'abc';
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" src="small/" prompt="${PROMPT}" seed="3" views="text" `
    + 'loading="eager"></kv-cache-demo>',
});

/** Writes, waits for the end and for what is drawn of it. */
const write = (page, options) => page.evaluate(async (wanted) => {
  const one = document.getElementById('one');
  const ids = [];
  const listen = ({ detail }) => ids.push(...detail.ids);
  one.addEventListener('kv-token', listen);
  const { text: written } = await one.start(wanted);
  one.removeEventListener('kv-token', listen);
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return { ids, written };
}, options);

/** How many tokens the legend counts: new, read, kept, again. */
const counts = async (page) => {
  const said = ['new', 'read', 'kept', 'again'].map((deed) => text(page, `count-${deed}`));
  return (await Promise.all(said)).map(Number);
};

/** The deed that each token is drawn with. */
const deeds = (page) => page.$$eval('.token', (tokens) => tokens.map((token) => (
  token.matches('.newest') ? 'new' : token.parentElement.dataset.deed)));
const times = (...all) => all.flatMap(([count, deed]) => Array(count).fill(deed));

/** The last element that has the focus has the whole text of a token, and stands at this position. */
const chosen = async (page) => {
  const [where] = /position \d+/.exec(await text(page, 'token-where'));
  const described = await focusedElement(page, (node) => (
    node.getRootNode().getElementById(node.getAttribute('aria-describedby'))?.textContent));
  assert.ok(described.includes(where), 'what has the focus is what is told of');
  return Number(where.split(' ')[1]);
};

/** K and V as the table has them. */
async function numbers(page) {
  await page.$eval(part('text-data'), (fold) => { fold.open = true; });
  await page.waitForFunction((table) => findAll(`${table} tbody tr`).length > 0, part('text-table'));
  const rows = await page.$$eval(`${part('text-table')} tbody tr`, (all) => (
    all.map(({ cells }) => [...cells].map(({ textContent }) => Number(textContent)))));
  await page.$eval(part('text-data'), (fold) => { fold.open = false; });
  return { keys: rows.map(([, key]) => key), values: rows.map(([,, value]) => value) };
}

const near = (shown, real, what) => {
  assert.equal(shown.length, real.length, what);
  for (const [i, value] of [...real].entries()) {
    assert.ok(Math.abs(shown[i] - value) < 0.006 * Math.abs(value) + 1e-5, `${what}, ${i}: ${shown[i]}`);
  }
};

test('each token as its step left it; chosen by keys, with the K and V that the engine has', async (t) => {
  const page = await openPage(t, site, { query, width: 320, height: 640, until: part('tokens') });
  assert.match(await text(page, 'text-said'), /A run marks its tokens here/);
  const { ids, written } = await write(page, { maxTokens: 20, cache: 'on' });
  await page.waitForFunction(() => findAll('.token').length === 23);
  assert.deepEqual(await counts(page), [1, 22, 0, 0]);
  assert.deepEqual(await deeds(page), times([22, 'read'], [1, 'new']));
  assert.equal(await page.$eval(part('tokens'), (story) => story.textContent.length),
    [...PROMPT + written].length, 'nothing is missing, control characters being shown as one other');
  assert.match(await text(page, 'text-said'), /^Step 20 .* read those of 22\. The cache holds 23 tokens/);
  assert.match(await text(page, 'token-bytes'), /2 layers × 2 heads × 8 numbers × 4 bytes = 256 bytes/);

  // One stop for Tab, the newest token; from there with the arrow keys.
  assert.equal(await page.locator('.token[tabindex]').count(), 1);
  await page.focus('.token[tabindex="0"]');
  assert.equal(await chosen(page), 23);
  for (const [key, wanted] of [['ArrowLeft', 22], ['Home', 1], ['ArrowLeft', 1], ['ArrowRight', 2]]) {
    await page.keyboard.press(key);
    assert.equal(await chosen(page), wanted, key);
  }
  await page.click('.token >> nth=9');
  assert.equal(await chosen(page), 10);
  assert.match(await text(page, 'token-deed'), /computed once, read from the cache 13 times/);

  // The same text in a session of ours.
  await page.selectOption(part('token-layer'), { index: 1 });
  await page.selectOption(part('token-head'), { index: 1 });
  const model = await loadModel(new Map(Object.entries(files).map(([name, file]) => [name, blobOf(file)])));
  t.after(() => model.dispose());
  const session = model.createSession();
  session.prefill([...model.encode(PROMPT), ...ids]);
  for (const [position, layer, head] of [[9, 1, 1], [4, 0, 1]]) {
    await page.selectOption(part('token-layer'), { index: layer });
    await page.selectOption(part('token-head'), { index: head });
    await page.click(`.token >> nth=${position}`);
    await page.waitForFunction((bars) => findAll(`${bars} path`)[0]?.getAttribute('d'), part('vectors'));
    await says(page, 'token-where', new RegExp(`position ${position + 1} `));
    await says(page, 'vector-k', /8 numbers/);
    await page.waitForFunction((vectors) => !findAll(vectors)[0].hidden, part('vectors'));
    const real = session.snapshot({ layer, head, first: position, count: 1 });
    const shown = await numbers(page);
    near(shown.keys, real.keys, `K of ${position}`);
    near(shown.values, real.values, `V of ${position}`);
  }
  await noViolations(page, 'text');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
});

test('kept from a run before, computed again without the cache, and what a step touches', async (t) => {
  const page = await openPage(t, site, { query, until: part('tokens') });
  await write(page, { maxTokens: 5, cache: 'on' });
  await write(page, { maxTokens: 20, cache: 'on' });
  await page.waitForFunction(() => findAll('.token').length === 23);
  assert.deepEqual(await counts(page), [1, 20, 2, 0]);
  assert.deepEqual(await deeds(page), times([2, 'kept'], [20, 'read'], [1, 'new']));

  await page.evaluate((story) => {
    globalThis.touched = 0;
    new MutationObserver((all) => {
      for (const { target } of all) if (target.matches('.token')) touched++;
    }).observe(findAll(story)[0], { subtree: true, attributes: true });
  }, part('tokens'));
  await write(page, { maxTokens: 40, cache: 'off' });
  await page.waitForFunction(() => findAll('.token').length === 43);
  assert.deepEqual(await counts(page), [1, 0, 0, 42]);
  assert.deepEqual(await deeds(page), times([42, 'again'], [1, 'new']));
  const colours = await page.evaluate(() => ['.sample[data-deed="new"]', '.token.newest'].map((marked) => (
    getComputedStyle(findAll(marked)[0]).backgroundColor)));
  assert.equal(colours[0], colours[1], 'the newest token looks as the legend says');
  assert.ok(await page.evaluate(() => touched) < 40 * 10, 'the newest token and the one before, each step');
  await page.click('.token >> nth=20');
  assert.match(await text(page, 'token-deed'), /computed again|K and V again/);
  assert.match(await text(page, 'token-none'), /not in the cache: while it is off/);
  assert.equal(await page.locator(part('vectors')).isVisible(), false);
  assert.equal(await page.getAttribute(part('tokens'), 'translate'), 'no');

  // Of a race, the text with the cache.
  await write(page, { maxTokens: 10, cache: 'race' });
  await page.waitForFunction(() => findAll('.token').length === 13);
  const [fresh, read, kept, again] = await counts(page);
  assert.deepEqual([fresh, read + kept, again], [1, 12, 0]);
});

// ---- back and forth -------------------------------------------------------------------------------

/** The parts that are needed to show any run without an engine. */
async function bundle() {
  const contents = `export * from './web/demo/parts/token-text.js';
    export * from './web/demo/run.js';
    export { initialState } from './web/demo/state.js';
    export { newestOf } from './web/demo/text.js';`;
  const { outputFiles: [{ text: script }] } = await build({
    stdin: { contents, resolveDir: process.cwd() }, bundle: true, write: false, format: 'iife',
    globalName: 'kit', loader: { '.css': 'text' },
  });
  return script;
}

test('whatever run is shown next, it looks as if nothing had been there before', async (t) => {
  const article = { body: '<div id="place"></div>', script: await bundle() };
  const page = await openPage(t, site, { query: await addArticle(site, article), until: '#place' });
  const wrong = await page.evaluate(() => {
    const { TokenText, initialState, newRun, newestOf, readPrompt, resumed, takeToken } = globalThis.kit;
    const { signal } = new AbortController();
    const make = () => new TokenText('', '', { point() {}, choose() {} }, signal);
    const { columns, curves } = initialState();
    const prompt = [1, 2, 3, 4].map((id) => ({ id, text: `p${id} ` }));
    const first = readPrompt({ run: newRun(1, 'p1 p2 p3 p4 ', 99), columns, curves },
      { tokens: 4, reused: 2, cached: true, ms: 1, passes: 1, error: 0 }, 99);
    let seed = 1;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const runOf = (ids, modes, number) => {
      let held = 4;
      return { ...ids.reduce((progress, id, i) => {
        const [position, cached] = [4 + i, modes[i]];
        const { run } = progress;
        const now = { ...progress, run: cached ? resumed(run, { missing: position - held, ms: 1 }) : run };
        if (cached) held = position + 1;
        const text = id % 5 === 0 ? '.\n' : `t${id} `;
        return takeToken(now, { id, text, position, cached, work: cached ? 1 : position + 1 }, false);
      }, first).run, number };
    };
    const look = (text) => [...text.places()].map(({ node, deed }) => `${node.textContent}${deed}`).join('|')
      + text.story.querySelectorAll('.paragraph').length;
    const used = make();
    let ids = [];
    let modes = [];
    const found = [];
    for (let i = 0; i < 200; i++) {
      const kept = random(ids.length + 1);
      const more = random(12);
      ids = [...ids.slice(0, kept), ...Array.from({ length: more }, () => random(20))];
      modes = [...modes.slice(0, kept), ...Array.from({ length: more }, () => random(3) > 0)];
      const run = runOf(ids, modes, i);
      const fresh = make();
      for (const text of [used, fresh]) {
        text.show(run);
        if (text.isWhole) text.takeApart(prompt);
        text.show(run);
        text.mark(newestOf(run), false);
      }
      if (look(used) !== look(fresh)) found.push(`${i}: ${look(used)} is not ${look(fresh)}`);
    }
    return found.slice(0, 2);
  });
  assert.deepEqual(wrong, []);
});
