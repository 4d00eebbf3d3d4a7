// The benchmark: its figures, its refusals, Stop, and that it stays out of the story's way, in one figure
// that has both; on the page, each has a figure of its own.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { USUAL } from '../../web/demo/attributes.js';
import { TYPE_NAMES } from '../../web/cache/types.js';
import { measured } from '../../web/measure/numbers.js';
import { bareWorker } from './bare-worker.js';
import {
  addModel, focused, noViolationsInBoth, openPage as open, part, press, run, sample, says, startSite,
  state, text, writtenAtLeast,
} from './helpers.js';

const site = await startSite();
const index = await readFile('dist/index.html', 'utf8');
await writeFile(join(site.folder, 'whole.html'), index
  .replace('id="figure"', `$& views="${USUAL.join(' ')} benchmark"`)
  .replace(/<kv-cache-demo [^>]*><\/kv-cache-demo>/g, '')); // the others
const openPage = (t, at, { query = '', ...options } = {}) => ( // so high that nothing is too far to be drawn
  open(t, at, { query: `whole.html${query}`, height: 3000, ...options }));
const small = await addModel(site, 'small'); // 64 positions: room for one context, of 48 tokens

/** Waits until the benchmark is in one of these states and returns it. */
async function benchmarked(page, ...wanted) {
  const handle = await page.waitForFunction((states) => {
    const now = findAll('[part~="benchmark"]')[0].dataset.state;
    return states.includes(now) && now;
  }, wanted);
  return handle.jsonValue();
}

const ENDS = ['done', 'stopped', 'failed', 'idle'];

/** Until `quick` is set to false, it measures little: in what is not about the figures, nor about a stop. */
function quickly() {
  globalThis.quick = true;
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    const isJob = globalThis.quick && message.type === 'benchmark';
    post.call(this, isJob ? { ...message, runs: 1, windowMs: 5 } : message, ...more);
  };
}

/** What stood there before the click is not taken for what followed: the view may take its turn later. */
async function measure(page) {
  await page.waitForSelector(part('measure'));
  await page.$eval(part('measure'), (button, benchmark) => button.addEventListener('click', () => {
    findAll(benchmark)[0].dataset.state = 'clicked';
  }, { once: true, capture: true }), part('benchmark'));
  await press(page, 'measure');
  return benchmarked(page, 'done', 'stopped', 'failed'); // idle: the model is still on its way
}

/** A part of the benchmark; other views have some of these names too. */
const own = (page, name, options) => page.locator(`${part('benchmark')} ${part(name)}`, options);

const words = (page) => text(page, 'benchmark');

test('figures for both kinds of weights, to look at, to read and to take away', async (t) => {
  const permissions = ['clipboard-read', 'clipboard-write'];
  const page = await openPage(t, site, { query: small.query, permissions, blocking: 5000 });
  assert.ok(await page.isHidden(part('results')));
  await page.click(part('measure'));
  await page.waitForSelector('.fill');
  await noViolationsInBoth(page, 'running'); // here, where it takes its time
  assert.equal(await benchmarked(page, ...ENDS), 'done');
  const found = 'your machine writes [\\d,.]+ tokens per second with the cache and [\\d,.]+ without it';
  assert.match(await text(page, 'measure-state'), new RegExp(`^Measured\\. After 48 tokens, ${found}\\.$`));
  const titles = await page.locator(`${part('weights')} h3`).allTextContents();
  assert.deepEqual(titles, ['Weights of 32 bits (f32)', 'Weights of 8 bits (int8)']);
  const widths = await page.$$eval('.fill', (all) => all.map((fill) => fill.getBoundingClientRect().width));
  assert.equal(widths.length, 4);
  for (const i of [0, 2]) {
    const [on, off] = widths.slice(i);
    assert.ok(on > 2 * off, `cache on ${on} px, off ${off} px`);
  }
  const cells = await page.$$eval('.results td', (all) => all.map(({ textContent }) => textContent));
  assert.equal(cells.filter((cell) => /\d/.test(cell)).length, 20, cells.join(' | '));
  const caches = await page.$$eval(`${part('cache-type-figures')} tbody tr`, (all) => (
    all.map((row) => [...row.children].map(({ textContent }) => textContent))));
  assert.deepEqual(caches.map(([type]) => type), TYPE_NAMES);
  assert.deepEqual(caches[0].slice(3), ['always', '0']);
  for (const [type, , , same, kl] of caches.slice(1)) {
    assert.match(`${same} ${kl}`, /^[\d.]+ % [\d.E-]+$/, type);
  }
  const place = await text(page, 'measure-place');
  assert.match(place, /^Measured on 20\d\d-\d\d-\d\d at \d\d:\d\d UTC: .*Chrom.*logical cores, as /);
  assert.match(place, /, as the browser tells; one thread, \w+ build; GPT-2 with /);
  await page.click(part('copy-markdown'));
  await own(page, 'copied', { hasText: 'Copied as Markdown' }).waitFor();
  const markdown = await page.evaluate(() => navigator.clipboard.readText());
  const lines = markdown.match(/^\| (f32|int8) \| 48 \| [\d,.]+ \([\d,.]+ to [\d,.]+\) \| \d+ % \|.*x \|$/gm);
  assert.equal(lines?.length, 2, markdown);
  assert.match(markdown, /^int8: a token reads and computes at 48 /m);
  await page.click(part('copy-json'));
  await own(page, 'copied', { hasText: 'Copied as JSON' }).waitFor();
  const report = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual([report.complete, report.remarks], [true, []]);
  assert.deepEqual(report.rows.map((row) => [row.weights, row.context]), [['f32', 48], ['int8', 48]]);
  assert.equal(report.config.nPositions, 64);
  for (const { decode: { min, median, max }, peak } of report.rows) {
    assert.ok(min <= median && median <= max && peak.median > 0);
  }
  const saved = async (kind) => {
    const download = page.waitForEvent('download');
    await own(page, `save-${kind}`).click();
    const file = await download;
    assert.equal(file.suggestedFilename(), `kv-cache-benchmark.${kind}`);
    return readFile(await file.path(), 'utf8');
  };
  assert.deepEqual(JSON.parse(await saved('json')), report);
  const csv = (await saved('csv')).split('\r\n');
  assert.equal(csv.length, 4 + TYPE_NAMES.length, 'a head, two rows, those of caches, an end of line');
  assert.match(csv[1], new RegExp(`,f32,48,.*,${report.rows[0].decode.median},`));
  const svg = await saved('svg');
  for (const { decode } of report.rows) assert.ok(svg.includes(`>${measured(decode.median)} /s<`), svg);
  assert.match(svg, /Weights of 8 bits.*Measured on 20\d\d.*CC BY 4\.0/s);
  assert.ok((await saved('png')).includes('PNG'));
});

test('the story and the benchmark exclude each other, and neither harms the other', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 60, seed: 5 });
  await page.selectOption(part('pace'), '30'); // or it would be over before it is looked at
  await page.click(part('go'));
  await writtenAtLeast(page, 10);
  await page.locator(part('measure')).scrollIntoViewIfNeeded(); // away from the window nothing is drawn in it
  await page.locator(`${part('measure')}:disabled`).waitFor();
  assert.match(await text(page, 'measure-blocked'), /story is being written/);
  await state(page, 'finished');
  const story = await text(page, 'story');
  await says(page, 'measure-blocked', /^$/);
  await page.click(part('measure'));
  await says(page, 'measure-state', /Measuring weights of 32 bits after 256 tokens/);
  assert.ok(await page.isDisabled(part('go')) && await page.isDisabled(part('both')));
  assert.match(await text(page, 'state'), /below are computing/);
  const stopped = Date.now();
  await page.click(part('measure'));
  assert.equal(await benchmarked(page, ...ENDS), 'stopped');
  assert.ok(Date.now() - stopped < 2000, `stopped after ${Date.now() - stopped} ms`);
  assert.match(await words(page), /Stopped: what was finished is below/);
  assert.ok(await page.$$eval('.fill', (all) => all.length) >= 2, 'the first context stays');
  assert.match(await text(page, 'measure-place'), /Stopped before the end/);
  assert.match(await text(page, 'state'), /Finished: 60 tokens written|The story is over/);
  assert.equal(await text(page, 'story'), story);
  await run(page);
  assert.equal(await text(page, 'story'), story, 'the same seed, the same story');
});

test('a model that cannot be loaded once more is measured in f32 alone, and that is said', async (t) => {
  const own = await addModel(site, 'once');
  const page = await openPage(t, site, { query: own.query, expected: /404/, init: quickly });
  await sample(page, { maxTokens: 1 });
  await run(page); // for which it is loaded
  await own.remove('model.safetensors');
  const browser = await page.context().newCDPSession(page);
  await browser.send('Network.clearBrowserCache'); // which would do without the server
  assert.equal(await measure(page), 'done');
  assert.equal(await page.$$eval('.fill', (all) => all.length), 2);
  assert.match(await text(page, 'weights'),
    /Not measured: the model could not be loaded with weights of 8 bits\. .*404/);
  assert.match(await text(page, 'measure-place'), /could not be loaded/);
});

/** Speaks the contract of the worker; its engine computes something else without the cache. */
const LIAR = `
  const even = { median: 5, min: 5, max: 5 };
  const row = {
    weights: 'f32', context: 64, hash: 'aa',
    decode: even, prefill: even, uncached: even, read: even, peak: even,
    weightBytes: 1, cacheBytes: 1, multiplyAdds: 1, prefillMultiplyAdds: 1 };
  self.onmessage = ({ data: { type, id } }) => {
    const say = (message) => self.postMessage({ id, ...message });
    const config = { nLayer: 1, nHead: 1, nKvHead: 1, headDim: 4, nEmbd: 4, vocabSize: 8, nPositions: 2000 };
    const memory = { totalBytes: 9e5, cacheBytes: 8e5, usedBytes: 4e5, bytesPerToken: 1e4 };
    if (type === 'load') say({ type: 'answer', config, generation: {}, variant: 'simd', room: 2000, memory });
    if (type !== 'benchmark') return;
    say({ type: 'planned', contexts: [64, 256] });
    say({ type: 'measured', row });
    say({ type: 'error', code: 'outputs_differ', message: 'No figures: the logits differ.' });
  };`;

test('outputs that differ: no figure is shown, neither are those before', async (t) => {
  const page = await openPage(t, site);
  await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: LIAR }));
  assert.equal(await measure(page), 'failed');
  assert.equal(await text(page, 'measure-error-code'), 'outputs_differ');
  assert.match(await text(page, 'measure-error-message'), /^No figures/);
  assert.ok(await page.isHidden(part('results')));
  assert.equal(await text(page, 'measure-state'), 'This did not work.');
  await page.unroute('**/worker.js');
  assert.ok(await page.isEnabled(part('measure')) && await page.isEnabled(part('go')));
});

test('a model that is not there: said in words, and it works once it is', async (t) => {
  const own = await addModel(site, 'late');
  await own.remove('config.json');
  const page = await openPage(t, site, { query: own.query, expected: /404/, init: quickly });
  assert.equal(await measure(page), 'failed');
  assert.match(await text(page, 'measure-error-message'), /config\.json was answered with 404/);
  assert.match(await text(page, 'go'), /^Generate/);
  await own.restore('config.json');
  assert.equal(await measure(page), 'done');
  assert.ok(await page.isHidden(part('measure-error')));
});

test('the worker: what it is told first, last and never', async (t) => {
  const page = await openPage(t, site, { init: bareWorker });
  const said = await page.evaluate(async (model) => {
    const { messages, until, ask, say, terminate } = openWorker();
    const job = { contexts: [10, 20, 64], runs: 1, windowMs: 1, patienceMs: 500 };
    const said = {};
    said.early = await ask(1, 'benchmark', job);
    await ask(2, 'load', { url: new URL(model, location.href).href, variant: 'auto' });
    await ask(3, 'generate', { prompt: 'abc', sampling: { maxTokens: 5, temperature: 0 } });
    said.nonsense = [];
    const changes = [{ runs: 0 }, { contexts: ['a'] }, { contexts: 5 }, { windowMs: 0 }];
    for (const [i, change] of changes.entries()) {
      said.nonsense.push((await ask(10 + i, 'benchmark', { ...job, ...change })).code);
    }
    said.whole = await ask(4, 'benchmark', job);
    said.events = messages.filter(({ id }) => id === 4);
    said.after = await ask(5, 'status', {});
    said.proof = await ask(6, 'prove', {});
    say({ id: 7, type: 'benchmark', ...job, runs: 1000 });
    await until(({ id, done }) => id === 7 && done === 3);
    say({ type: 'stop' });
    said.stopped = await until(({ id, type }) => id === 7 && type === 'answer');
    terminate();
    return said;
  }, 'small/');
  assert.equal(said.early.code, 'not_ready');
  assert.deepEqual(said.nonsense, Array(4).fill('invalid_argument'));
  assert.equal(said.whole.reason, 'finished');
  const events = said.events.filter(({ type }) => type !== 'measuring');
  assert.deepEqual(events.map(({ type }) => type),
    ['planned', 'measured', 'measured', 'caches', 'loading', 'measured', 'measured', 'answer']);
  assert.deepEqual(events[0].contexts, [10, 20]);
  const measuring = said.events.filter(({ type }) => type === 'measuring');
  const progress = measuring.map(({ done, total }) => [done, total]);
  assert.deepEqual([progress[0], progress.at(-1)], [[0, 10], [10, 10]]);
  for (let i = 1; i < progress.length; i++) assert.ok(progress[i][0] >= progress[i - 1][0]);
  assert.equal(said.after.position, 8, 'the run is as it was');
  assert.equal(said.proof.equal, true);
  assert.equal(said.stopped.reason, 'stopped');
});

test('axe and 320 pixels: nothing is found in either palette, nothing scrolls sideways', async (t) => {
  const page = await openPage(t, site, { query: small.query, blocking: 5000, init: () => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
  } });
  const narrow = async (shown) => {
    await shown.setViewportSize({ width: 320, height: 640 });
    assert.equal(await shown.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  };
  await page.$$eval('details', (folds) => folds.forEach((fold) => { fold.open = true; }));
  await page.evaluate(quickly);
  assert.equal(await measure(page), 'done');
  await page.click(part('copy-markdown'));
  const copied = await own(page, 'copy-text').inputValue();
  const expected = /^Tokens per second.*\| f32 \| 48 \|/s;
  assert.match(copied, expected, 'where copying is not possible, the text is there');
  assert.match(await own(page, 'copied').textContent(), /by hand/);
  await noViolationsInBoth(page, 'done');
  await narrow(page);
  const broken = await openPage(t, site, { query: '?model=nowhere', expected: /404/, blocking: 5000 });
  assert.equal(await measure(broken), 'failed');
  await noViolationsInBoth(broken, 'failed');
  await narrow(broken);
});

test('with the keyboard alone, and screen readers hear of it and not of every step', async (t) => {
  const page = await openPage(t, site, { query: small.query, init: quickly });
  await page.evaluate(() => {
    globalThis.heard = [];
    const announcer = findAll('[part~="announcer"]')[0];
    new MutationObserver(() => heard.push(announcer.textContent))
      .observe(announcer, { childList: true, characterData: true, subtree: true });
  });
  await page.focus(part('measure'));
  await page.keyboard.press('Enter');
  await page.waitForSelector('.fill');
  assert.equal(await focused(page), 'measure', 'the focus stays where it was');
  await says(page, 'announcer', /^Measured\./);
  const heard = await page.evaluate(() => globalThis.heard);
  assert.ok(heard.length >= 2 && heard.length <= 5, JSON.stringify(heard));
  assert.equal(await text(page, 'measure'), 'Measure (about 20 seconds)');
  await page.evaluate(() => { globalThis.quick = false; });
  await page.keyboard.press('Enter');
  await benchmarked(page, 'running');
  await page.keyboard.press('Escape');
  assert.equal(await benchmarked(page, ...ENDS), 'idle');
  assert.equal(await text(page, 'measure-state'), 'Stopped before anything was measured.');
  assert.ok(await page.isHidden(part('results')));
});
