// Two demos in one document: each with its own worker, its own state and its own ids.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { noViolations, openPage, part, startSite } from './helpers.js';

const site = await startSite();
await build({
  stdin: {
    contents: `import { mountDemo } from './tests/browser/lone-demo.js';
      import { STORIES as recording } from './web/demo/recorded/stories.js';
      const model = () => new URL('models/stories/', document.baseURI).href;
      globalThis.mount = (root, prompt) => mountDemo(root, { model, prompt, recording });
      globalThis.demos = ['Once upon a time', 'In a castle by the sea'].map((prompt, i) => (
        mount(document.getElementById('demo-' + i), prompt)));`,
    resolveDir: process.cwd(),
  },
  bundle: true, format: 'esm', external: ['node:*'], outfile: join(site.folder, 'demo', 'twice.js'),
  logLevel: 'warning',
});
const page = await readFile('web/page/index.html', 'utf8');
const [policy] = page.match(/<meta http-equiv="Content-Security-Policy".*>/);
await writeFile(join(site.folder, 'twice.html'), `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  ${policy}
  <title>Twice</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="demo/demo.css">
  <link rel="stylesheet" href="page/page.css">
  <script type="module" src="demo/twice.js"></script>
</head>
<body><main><h1>Twice</h1><div id="demo-0"></div><div id="demo-1"></div></main></body>
</html>`);

/** Both demos of the page, as locators. */
const demosOf = (page) => [0, 1].map((i) => page.locator(`#demo-${i}`));
const at = (demo, name) => demo.locator(part(name));

async function state(demo, ...wanted) {
  await demo.locator(wanted.map((one) => `${part('figure')}[data-state="${one}"]`).join()).waitFor();
}

/** Sets the fields of one demo's sampling form. */
async function sample(demo, values) {
  await at(demo, 'sampling').evaluate((fold) => { fold.open = true; });
  for (const [key, value] of Object.entries(values)) await at(demo, key).fill(String(value));
}

const written = async (demo) => (await at(demo, 'story-written').allTextContents()).join('');

test('both write, and what is done to one does not touch the other', async (t) => {
  const page = await openPage(t, site, { query: 'twice.html', blocking: 5000 });
  const [first, second] = demosOf(page);
  for (const demo of [first, second]) await sample(demo, { maxTokens: 80, seed: 3 });
  await sample(second, { seed: 4 });
  assert.equal(await at(first, 'seed').inputValue(), '3');
  for (const demo of [first, second]) {
    await at(demo, 'cache').click();
    await at(demo, 'pace').selectOption(demo === first ? '30' : '60');
  }
  await at(first, 'go').click();
  await at(second, 'go').click();
  await state(first, 'running');
  await state(second, 'running');
  await at(first, 'cache').click();
  await at(first, 'flip-off').waitFor();
  assert.equal(await at(second, 'flip').count(), 0);
  assert.equal(await at(first, 'cache').getAttribute('aria-checked'), 'false');
  assert.equal(await at(second, 'cache').getAttribute('aria-checked'), 'true');
  assert.equal(await at(second, 'work-off').textContent(), '');
  assert.equal(await at(second, 'pace').inputValue(), '60');
  await at(first, 'pace').selectOption('0');
  for (const demo of [first, second]) {
    await state(demo, 'finished');
    await demo.locator(`${part('proof')}[data-verdict="equal"]`, { hasText: 'whole text' }).waitFor();
  }
  assert.equal(await at(first, 'story-prompt').textContent(), 'Once upon a time');
  assert.equal(await at(second, 'story-prompt').textContent(), 'In a castle by the sea');
  assert.notEqual(await written(first), await written(second));
  const [one, other] = [at(first, 'proof-hashes'), at(second, 'proof-hashes')];
  assert.notEqual(await one.textContent(), await other.textContent());
  await at(first, 'clear').click();
  await at(first, 'clear').and(page.locator('[aria-disabled="true"]')).waitFor();
  assert.equal(await at(second, 'clear').getAttribute('aria-disabled'), 'false');
});

test('Escape stops the demo that has the focus, and both while nothing has it', async (t) => {
  const page = await openPage(t, site, { query: 'twice.html' });
  const [first, second] = demosOf(page);
  for (const demo of [first, second]) await at(demo, 'pace').selectOption('15');
  await at(first, 'go').click();
  await at(second, 'go').click();
  await state(first, 'running');
  await state(second, 'running');
  await at(second, 'story-box').focus();
  await page.keyboard.press('Escape');
  await state(second, 'stopped');
  assert.equal(await at(first, 'figure').getAttribute('data-state'), 'running');
  await at(second, 'go').click();
  await state(second, 'running');
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('Escape');
  await state(first, 'stopped');
  await state(second, 'stopped');
});

test('ids are unique, labels lead to their own fields, and axe finds nothing', async (t) => {
  const page = await openPage(t, site, { query: 'twice.html', blocking: 5000 });
  await page.$$eval('details', (folds) => folds.forEach((fold) => { fold.open = true; }));
  const ids = await page.$$eval('[id]', (all) => all.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
  const astray = await page.$$eval('[id^="demo-"]', (demos) => demos.flatMap((demo) => [
    ...[...demo.querySelectorAll('label:not(:has(input))')].map((label) => label.htmlFor),
    ...['aria-describedby', 'aria-labelledby'].flatMap((name) => (
      [...demo.querySelectorAll(`[${name}]`)].flatMap((one) => one.getAttribute(name).split(' ')))),
  ].filter((id) => !demo.querySelector(`[id="${id}"]`))));
  assert.deepEqual(astray, []);
  await noViolations(page, 'twice');
});

test('a demo that is taken away leaves nothing behind, and the other goes on', async (t) => {
  const page = await openPage(t, site, { query: 'twice.html' });
  const [first, second] = demosOf(page);
  for (const demo of [first, second]) {
    await at(demo, 'cache').click();
    await at(demo, 'pace').selectOption('60');
    await at(demo, 'go').click();
    await state(demo, 'running');
  }
  assert.equal(page.workers().length, 2);
  await page.evaluate(() => demos[0].dispose());
  assert.equal(await first.locator('*').count(), 0);
  for (let i = 0; i < 100 && page.workers().length > 1; i++) await page.waitForTimeout(20);
  assert.equal(page.workers().length, 1);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 700, height: 800 });
  await at(second, 'pace').selectOption('0');
  await state(second, 'finished');
});

test('a demo stands in a shadow root as well', async (t) => {
  const page = await openPage(t, site, { query: 'twice.html' });
  await page.evaluate(() => {
    for (const { dispose } of demos) dispose();
    const root = document.getElementById('demo-0').attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet(); // a figure without styles has no size of its own
    const [{ cssRules }] = document.styleSheets;
    sheet.replaceSync([...cssRules].map(({ cssText }) => cssText).join('\n'));
    root.adoptedStyleSheets = [sheet];
    mount(root, 'Once upon a time');
  });
  const [inside] = demosOf(page);
  await sample(inside, { maxTokens: 20 });
  await at(inside, 'go').click();
  await state(inside, 'finished');
  await at(inside, 'go').focus();
  await sample(inside, { maxTokens: 900 });
  await at(inside, 'pace').selectOption('15');
  await at(inside, 'go').click();
  await state(inside, 'running');
  await page.keyboard.press('Escape');
  await state(inside, 'stopped');
});
