// The demo in German, as a reader of a German page meets it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  noViolations, openPage, part, press, proof, run, sample, says, startSite, state, text,
} from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();

/** The page says that it is in German, from its first tag on. */
function german() {
  new MutationObserver((_changes, observer) => {
    if (!document.documentElement) return;
    document.documentElement.lang = 'de';
    observer.disconnect();
  }).observe(document, { childList: true });
}

/** What the demo shows, says or tells in its own words; the story and what the engine says are English. */
const said = (page) => page.$eval(part('demo'), (demo) => {
  const found = [];
  const isOwn = (node) => node.closest('[lang]') === demo && !node.closest('code');
  const texts = document.createTreeWalker(demo, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (isOwn(parentElement) && data.trim()) found.push(data.trim());
  }
  for (const node of demo.querySelectorAll('*')) {
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      const words = node.getAttribute(name);
      if (words && isOwn(node)) found.push(words);
    }
  }
  return found;
});

const ENGLISH = /\b(the|with|without|is|are|of|and|at|on|off|for|this|it|its|you|your|press|not)\b/i;
const NUMBER = /\b[1-9]\d*,\d{3}\b|(?<!\.)\b\d+\.\d{1,2}\b(?!\.)|\b0\.\d/; // 1,234 or 0.5; not 25.11.2026

async function isGerman(page, when) {
  const words = await said(page);
  assert.ok(words.length > 40, when);
  assert.deepEqual(words.filter((each) => ENGLISH.test(each) || NUMBER.test(each)), [], when);
}

/** What is wider than its place; only what is made to scroll may be. */
const tooWide = (page) => page.$$eval(`${part('demo')} *`, (all) => all
  .filter((node) => node.clientWidth > 1 && node.scrollWidth > node.clientWidth + 1)
  .filter((node) => getComputedStyle(node).overflowX === 'visible')
  .map((node) => `${node.localName} ${node.getAttribute('part')}: ${node.textContent.slice(0, 60)}`));

/** Of what stands above the chart: when it grows, all below it moves. */
const heights = (page) => page.$$eval(`${part('cache')}, .message, ${part('payoff')}, .chart-head`, (all) => (
  all.map(({ offsetHeight }) => offsetHeight)));

test('on a German page all is German but the story, fits a narrow phone, and is accessible', async (t) => {
  const page = await openPage(t, site, { init: german, width: 360, height: 640, blocking: 5000 });
  assert.equal(await page.getAttribute(part('demo'), 'lang'), 'de');
  await page.$$eval('details', (all) => all.forEach((fold) => { fold.open = true; }));
  await isGerman(page, 'idle');
  assert.deepEqual(await tooWide(page), []);
  const room = await heights(page);
  await sample(page, { maxTokens: 60 });
  await run(page);
  await press(page, 'cache'); // the other way, and so both lines
  await state(page, 'finished');
  const { verdict, words } = await proof(page);
  assert.equal(verdict, 'equal');
  assert.match(words, /^Gleich: Die Zahlen des Modells nach dem ganzen Text \(\d+ Tokens\)/);
  await isGerman(page, 'done');
  assert.deepEqual(await heights(page), room, 'the words are no longer than the room that is kept for them');
  assert.deepEqual(await tooWide(page), []);
  await noViolations(page, 'done, in German');
  const story = await page.$eval(part('story'), ({ lang, translate }) => [lang, translate]);
  assert.deepEqual(story, ['en', false], 'the story is English and stays as it is written');
  await page.setViewportSize({ width: 1024, height: 640 }); // two narrow columns
  const [go, both] = await Promise.all(['go', 'both'].map((name) => (
    page.locator(part(name)).first().boundingBox())));
  assert.ok(go.x + go.width <= both.x, `${go.x + go.width} px, and the next begins at ${both.x}`);
  await page.fill(part('topP'), '7');
  await says(page, 'topP-problem', /^Erlaubt ist eine Zahl über 0, höchstens 1\.$/);
});

test('the demo follows the language of its document, and goes on with what it was doing', async (t) => {
  const page = await openPage(t, site);
  const speak = (lang) => page.evaluate((tag) => { document.documentElement.lang = tag; }, lang);
  await sample(page, { maxTokens: 40 });
  await run(page);
  const story = await text(page, 'story');
  await speak('de-AT');
  await says(page, 'state', /^Fertig: /);
  assert.equal(await text(page, 'story'), story);
  await speak('fr'); // which it does not speak
  await says(page, 'state', /^Finished: /);
  assert.equal(await page.getAttribute(part('demo'), 'lang'), 'en');
  assert.equal(await page.$$eval(`#figure ${part('demo')}`, ({ length }) => length), 1);
});

test('a tag speaks its own language, that of the part it stands in, or that of the page', async (t) => {
  const tag = (attributes) => `<kv-cache-demo loading="eager" ${attributes}></kv-cache-demo>`;
  const body = `${SCRIPT}${tag('lang="de-CH"')}<section lang="de">${tag('')}</section>${tag('')}`;
  const page = await openPage(t, site, { query: await addArticle(site, { body }) });
  const spoken = () => page.$$eval('kv-cache-demo', (tags, name) => tags.map(({ shadowRoot }) => {
    const demo = shadowRoot.querySelector(name);
    return `${demo?.lang} ${demo?.querySelector('label')?.textContent}`;
  }), part('demo'));
  const [english, german] = ['en Begin a story', 'de Eine Geschichte beginnen (auf Englisch)'];
  const becomes = async (...wanted) => {
    for (let i = 0; i < 100 && String(await spoken()) !== String(wanted); i++) await page.waitForTimeout(50);
    assert.deepEqual(await spoken(), wanted);
  };
  await becomes(german, german, english);
  await page.evaluate(() => { document.querySelector('kv-cache-demo').lang = 'C'; });
  await becomes(english, german, english);
  await page.evaluate(() => { document.documentElement.lang = 'de'; });
  await becomes(english, german, german);
});

test('a failure: a sentence in German, then the engine’s own, marked as English', async (t) => {
  const page = await openPage(t, site, { init: german, query: '?model=nowhere', expected: /404/ });
  await page.click(part('go'));
  await state(page, 'failed');
  const words = await page.$eval(part('error-message'), (message) => {
    const english = message.querySelector('[lang="en"]').textContent;
    return { german: message.textContent.replace(english, '').trim(), english };
  });
  assert.equal(words.german, 'Eine Datei ließ sich nicht laden.');
  assert.match(words.english, /404 Not Found/);
  await isGerman(page, 'failed');
});
