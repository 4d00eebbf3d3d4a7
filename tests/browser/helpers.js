// What the tests in Chromium share: a page that keeps an eye on everything that must never happen, and what
// they ask it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { shellPath } from './engines/chromium.js';
import { part } from './selectors.js';
import { serveSite } from './site.js';

export { part };
export { addModel } from './site.js';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
  '--no-first-run',
];
const PATIENCE_MS = 30_000;
export const ENDS = ['finished', 'stopped', 'full', 'failed'];

/** The browsers of this process, by their settings: files that run in one process share them. */
const browsers = new Map();

/** A site, and a browser to look at it. @param {object} [settings]  of the launch */
export async function startSite(settings = {}) {
  const site = await serveSite();
  const key = JSON.stringify(settings);
  if (!browsers.has(key)) {
    browsers.set(key, chromium.launch({ executablePath: shellPath(), args: FLAGS, ...settings }));
    after(async () => (await browsers.get(key)).close());
  }
  return { ...site, browser: await browsers.get(key) };
}

/**
 * A fresh page. After the test, it must not have complained (console, uncaught errors, Content Security
 * Policy), nor asked for anything outside the site, nor blocked its main thread.
 * @param {import('node:test').TestContext} t
 * @param {Awaited<ReturnType<typeof startSite>>} site
 * @param {object} [options]
 * @param {string} [options.query]
 * @param {RegExp} [options.expected]  complaints that are part of the test
 * @param {number} [options.blocking]  ms that a task may take on the main thread, generous because the
 *   machine may be busy (an engine there would block it for seconds)
 * @param {number} [options.width]
 * @param {number} [options.height]
 * @param {() => void} [options.init]  runs in the page before it loads
 * @param {string} [options.until]  the element to wait for; all other options go to newContext
 */
export async function openPage(t, site, options = {}) {
  const { query = '', expected, blocking = 1000, width = 1280, height = 800, init, until, ...context
  } = options;
  const own = await site.browser.newContext({ viewport: { width, height }, ...context });
  const page = await own.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  const complain = (words) => { if (!expected?.test(words)) complaints.push(words); };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complain(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complain(`uncaught: ${error}`));
  page.on('dialog', (dialog) => { complain(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => {
    const url = request.url();
    if (!/^(data:|blob:)/.test(url) && !url.startsWith(site.url)) complain(`request: ${url}`);
  });
  await page.addInitScript(() => {
    /** Like querySelectorAll, and into open shadow roots. */
    globalThis.findAll = (selector, root = document) => [...root.querySelectorAll('*')].flatMap((element) => [
      ...(element.matches(selector) ? [element] : []),
      ...(element.shadowRoot ? findAll(selector, element.shadowRoot) : []),
    ]);
    globalThis.longTasks = [];
    globalThis.violations = [];
    new PerformanceObserver((list) => {
      longTasks.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      violations.push(`${violatedDirective} ${blockedURI}`);
    });
  });
  if (init) await page.addInitScript(init);
  t.after(async () => {
    const { tasks, csp } = await page.evaluate(() => ({ tasks: longTasks, csp: violations }));
    await own.close();
    assert.deepEqual(complaints, []);
    assert.deepEqual(csp, []);
    const longest = Math.max(0, ...tasks);
    const times = `${tasks.length} times over 50 ms`;
    t.diagnostic(`main thread blocked for ${Math.round(longest)} ms at most, ${times}`);
    // A machine that has more to do than it has cores for is slower by so much.
    const slower = Math.max(1, loadavg()[0] / availableParallelism());
    assert.ok(longest < blocking * slower, `a task of ${longest} ms on the main thread`);
  });
  await page.goto(site.url + query);
  await page.waitForSelector(until ?? '[part~="figure"][data-state="unloaded"]', { state: 'attached' });
  return page;
}

const axe = await readFile('node_modules/axe-core/axe.min.js', 'utf8');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** All that is another in the other palette. */
const OF_COLORS = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** axe finds nothing. The page's policy forbids foreign scripts; axe goes in through the debugger. */
export async function noViolations(page, when, runOnly = RULES) {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe);
  const run = (wanted) => globalThis.axe.run(document, { runOnly: wanted });
  const { violations } = await page.evaluate(run, runOnly);
  const found = violations.flatMap(({ id, nodes }) => (
    nodes.map(({ target, failureSummary }) => `${when}: ${id} ${target} ${failureSummary}`)));
  assert.deepEqual(found, []);
}

/** The same in both palettes. */
export async function noViolationsInBoth(page, when) {
  await noViolations(page, `${when}, light`);
  await page.emulateMedia({ colorScheme: 'dark' });
  await noViolations(page, `${when}, dark`, OF_COLORS);
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Waits for one of these states and returns it. */
export async function state(page, ...wanted) {
  const handle = await page.waitForFunction((states) => {
    const now = findAll('[part~="figure"]')[0]?.dataset.state;
    return states.includes(now) && now;
  }, wanted.length > 0 ? wanted : ENDS);
  return handle.jsonValue();
}

/** Clicks, and waits until what follows from it is drawn: until then the page shows the state before. */
export async function press(page, name) {
  await page.click(part(name));
  await page.evaluate(() => new Promise((drawn) => {
    requestAnimationFrame(() => requestAnimationFrame(drawn));
  }));
}

/** The words in a part. */
export const text = (page, name) => page.textContent(part(name));

/** Waits until a part says something like that. */
export const says = (page, name, words) => page.waitForFunction(
  ([selector, wanted]) => wanted.test(findAll(selector)[0].textContent), [part(name), words]);

/** What a function finds at the element that has the focus, in whatever shadow root. */
export async function focusedElement(page, look) {
  const handle = await page.evaluateHandle(() => {
    let { activeElement } = document;
    while (activeElement?.shadowRoot) ({ activeElement } = activeElement.shadowRoot);
    return activeElement;
  });
  return handle.evaluate(look);
}

/** The name of the part that has the focus. */
export const focused = (page) => focusedElement(page, (node) => node?.getAttribute('part'));

/** Sets fields of the sampling form: { seed: 7, maxTokens: 40 }. */
export async function sample(page, values) {
  await page.$eval(part('sampling'), (fold) => { fold.open = true; });
  for (const [key, value] of Object.entries(values)) await page.fill(part(key), String(value));
}

/** Has the first run begin with the cache on; once a model is loaded, the switch would start a run itself. */
export async function startCached(page) {
  assert.equal(await page.getAttribute(part('figure'), 'data-state'), 'unloaded');
  await page.click(part('cache'));
}

/** Presses Generate and waits until the run has ended well. */
export async function run(page) {
  await press(page, 'go');
  const end = await state(page);
  assert.notEqual(end, 'failed', await text(page, 'error-message'));
  return end;
}

/** What the model wrote, without the marks of the switch. */
export const written = (page) => (
  page.$$eval(part('story-written'), (parts) => parts.map(({ textContent }) => textContent).join('')));

/** Waits for so many characters of a story that is being written: a recorded one stands there before. */
export const writtenAtLeast = (page, length) => page.waitForFunction(([n, begun]) => {
  const figures = findAll('[part~="figure"]'); // the tour has none
  if (figures.length > 0 && !figures.some(({ dataset }) => begun.includes(dataset.state))) return false;
  const parts = findAll('[part~="story-written"]');
  return parts.reduce((sum, part) => sum + part.textContent.length, 0) >= n;
}, [length, ['running', ...ENDS]]);

/** The chart's data from its twin: rows of [position, cached speed, uncached speed], null if not measured. */
export async function table(page) {
  await page.$eval(part('data'), (fold) => { fold.open = true; });
  await page.waitForTimeout(100); // it is filled with the next frame
  const rows = await page.$$eval(`${part('data-table')} tbody tr`, (all) => (
    all.map(({ cells }) => [...cells].map(({ textContent }) => textContent))));
  return rows.map((cells) => cells.map((words) => (words === '–' ? null : Number(words.replace(',', '')))));
}

export const measured = (rows, column) => rows.map((row) => row[column]).filter((speed) => speed !== null);

/** The verdict about the whole text. */
export async function proof(page) {
  await says(page, 'proof-words', /whole text|ganzen Text|failed|stopped/);
  return {
    verdict: await page.getAttribute(part('proof'), 'data-verdict'),
    words: await text(page, 'proof-words'),
    hashes: (await text(page, 'proof-hashes')).match(/[0-9a-f]{16}/g),
  };
}
