// The view "window" in an article: its model is fetched when the reader asks for it; what it shows is what a
// session that slides holds; by the keyboard, on 320 pixels.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { CHAPTER } from '../../web/demo/chapter.js';
import { PROMPT } from '../../web/demo/window.js';
import { noViolations, openPage, part, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const TOKENS = 200; // of the story, in place of 3,072
const site = await startSite();
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo views="window" loading="eager"></kv-cache-demo>`,
});
const model = await loadModel('web/models/tales');
after(() => model.dispose());

/** A shorter story, and a shorter chapter. */
function shortly() {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    const short = { window: { tokens: 200 }, losses: { text: message.text?.slice(0, 800) } }[message.type];
    post.call(this, { ...message, ...short }, ...more);
  };
}

/** Waits until nothing is under way. */
const idle = (page) => page.waitForSelector('.window[data-state="idle"]');

test('a story longer than its cache, by the keyboard: held, gone, equal; then what it forgets', async (t) => {
  const asked = [];
  const page = await openPage(t, site, {
    query, width: 320, height: 640, until: part('window-go'), blocking: 5000,
    init: shortly,
  });
  page.on('request', (request) => asked.push(new URL(request.url()).pathname.split('/').slice(-2).join('/')));
  await says(page, 'window-go', /downloads 5\.0 MB/);
  await noViolations(page, 'idle');
  await page.selectOption(part('window-capacity'), '64'); // fetches nothing
  assert.match(await page.$eval('kv-cache-demo', (figure) => figure.state), /&places=64&sinks=on$/);
  assert.deepEqual(asked.filter((path) => path.startsWith('tales/')), []);
  await page.focus(part('window-go'));
  await page.keyboard.press('Enter');
  await page.waitForSelector(`${part('window-proof')}:not([hidden])`);
  await idle(page);
  assert.ok(asked.includes('tales/model.safetensors') && !asked.some((path) => path.startsWith('stories/')));

  const session = model.createSession({ capacity: 64, whenFull: 'slide', sinks: 4 });
  const prompt = [model.config.bosTokenId, ...model.encode(PROMPT)];
  const story = await page.$$eval(`${part('window-text')} span`, (all) => (
    all.map(({ className, textContent }) => [className, textContent])));
  assert.equal(story.length, Math.ceil(TOKENS / 16));
  assert.ok(story.map(([, words]) => words).join('').includes(PROMPT));
  const ids = [...prompt];
  const options = { repetitionPenalty: 1, seed: 1, maxTokens: TOKENS - ids.length };
  for await (const { id } of session.generate(prompt, options)) ids.push(id);
  session.sync(ids);
  const held = new Set(session.held.tokens.map((token) => Math.floor(token / 16)));
  assert.deepEqual(story.map(([kind]) => kind),
    story.map((_, page) => (page === 0 ? 'window-sink' : held.has(page) ? 'window-held' : 'window-gone')));
  const proof = await text(page, 'window-proof');
  assert.match(proof, new RegExp(`^Equal: after all 200 tokens .*${session.logitsHash}`));
  const { usedBytes } = session.memoryUsage();
  const place = session.held.tokens.length;
  const gone = `Tokens 1 to 16 stay; tokens 17 to ${200 - place + 16} are gone\\.`;
  await says(page, 'window-said', new RegExp(`^Token 200 lies at place ${place} of 64\\. ${gone} `
    + `The cache holds ${usedBytes.toLocaleString('en')} bytes`));

  const below = await page.$eval('.window-box', (box) => box.scrollHeight - box.clientHeight - box.scrollTop);
  assert.ok(below < 2, `the newest words are in view, not ${below} px below`);
  await page.focus('.window-box');
  await page.keyboard.press('Home');
  await says(page, 'window-spot', /^Tokens 1 to 16 .* lie at the places 1 to 16, where they were written/);
  await page.keyboard.press('ArrowRight');
  await says(page, 'window-spot', /^Tokens 17 to 32 of the text are gone/);

  await page.click(part('window-measure'));
  await page.waitForSelector(`${part('window-found')}:not(:empty)`);
  await idle(page);
  const chapter = [model.config.bosTokenId, ...model.encode(CHAPTER.slice(0, 800))];
  const means = [4, 0].map((sinks) => {
    const slid = model.createSession({ capacity: 64, whenFull: 'slide', sinks });
    const bits = [...slid.score(chapter)].slice(64).map((each) => -each / Math.LN2);
    slid.dispose();
    return bits.reduce((sum, each) => sum + each, 0) / bits.length;
  });
  const found = await text(page, 'window-found');
  const needs = `Once it is full, the window with sinks needs ${means[0].toFixed(2)} bits`;
  assert.ok(found.startsWith(needs), found);
  assert.ok(found.includes(means[1].toFixed(2)) || found.includes('it is the same'), found);
  assert.match(await text(page, 'window-again'), /^This is not the same as .* as long as a step/);
  for (const fold of ['window-data', 'window-losses-data']) {
    await page.$eval(part(fold), (node) => { node.open = true; });
  }
  await noViolations(page, 'done');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
  session.dispose();
});
