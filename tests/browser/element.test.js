// <kv-cache-demo> in an article, as authors set it and as scripts use it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { elementIn, readManifest } from '../node/manual.js';
import {
  ENDS, addModel, noViolations, openPage, part, press, proof, startSite, state, text, written,
} from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
await addModel(site, 'small');

/** An article with these tags, in which scripts can listen before anything happens. */
const article = (...tags) => addArticle(site, {
  body: SCRIPT + tags.join('<p>More text.</p>'),
  script: `globalThis.heard = [];
    for (const name of ['kv-load', 'kv-progress', 'kv-token', 'kv-done', 'kv-error', 'kv-state']) {
      document.addEventListener(name, ({ detail, target }) => heard.push({ name, detail, id: target.id }));
    }`,
});
const tag = (attributes, inside = '') => (
  `<kv-cache-demo id="one" src="small/" prompt="a" ${attributes}>${inside}</kv-cache-demo>`);
const small = await article(tag('max-tokens="40" seed="3"'));

const heard = (page, wanted) => page.evaluate((name) => (
  globalThis.heard.filter((event) => event.name === name).map(({ detail }) => detail)), wanted);

/** Sets properties of the tag, or calls it, and waits until what follows is drawn. */
const withTag = (page, work) => page.evaluate(`(async () => {
  const result = await (${work})(document.getElementById('one'));
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return result;
})()`);

test('one line in an article, under a policy of its own site only: it writes', async (t) => {
  const query = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo prompt="In a castle by the sea" max-tokens="40" seed="7"></kv-cache-demo>`,
  });
  const page = await openPage(t, site, { query });
  await page.click(part('go'));
  assert.equal(await state(page), 'finished', await text(page, 'error-message'));
  assert.equal(await text(page, 'story-prompt'), 'In a castle by the sea');
  for (const { name } of elementIn(await readManifest()).cssParts) {
    assert.equal(await page.locator(part(name)).count(), 1, `the part ${name} of custom-elements.json`);
  }
  assert.ok((await written(page)).length > 60);
  assert.equal((await proof(page)).verdict, 'equal');
});

test('nothing heavy is fetched before a click: no model, no engine, no worker, 60 KB at most', async (t) => {
  const page = await openPage(t, site, { query: small });
  const urls = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  const names = urls.map((url) => url.slice(site.url.length).split('?')[0]);
  assert.deepEqual(names.filter((name) => /wasm|worker/.test(name)), []);
  const scripts = names.filter((name) => name.startsWith('kv-cache-demo'));
  assert.ok(scripts.length >= 2, `${names}`);
  const bytes = await Promise.all(scripts.map((name) => readFile(join(site.folder, name))));
  const total = bytes.reduce((sum, file) => sum + brotliCompressSync(file).length, 0);
  t.diagnostic(`${total} bytes of code and styles, compressed`);
  assert.ok(total <= 60_000, `${total} bytes`);
});

test('far below the view, a lazy tag waits; what stands in it is seen until then', async (t) => {
  const query = await addArticle(site, {
    body: `${SCRIPT}<div style="height: 5000px"></div>${tag('', '<p id="inside">A picture.</p>')}`,
    policy: '',
  });
  const page = await openPage(t, site, { query, until: '#one' });
  await page.evaluate(() => customElements.whenDefined('kv-cache-demo'));
  await page.waitForTimeout(300);
  assert.equal(await page.locator('#inside').isVisible(), true);
  assert.equal(await page.locator(part('figure')).count(), 0);
  await page.locator('#one').scrollIntoViewIfNeeded();
  await page.waitForSelector(part('figure'));
  assert.equal(await page.locator('#inside').isVisible(), false);
});

test('events: figures that need no interpretation', async (t) => {
  const page = await openPage(t, site, { query: small });
  const done = await withTag(page, (one) => one.start());
  const [load] = await heard(page, 'kv-load');
  assert.equal(load.config.nPositions, 64);
  const tokens = await heard(page, 'kv-token');
  assert.equal(tokens.map((detail) => detail.text).join(''), done.text);
  assert.equal(tokens.flatMap(({ ids }) => ids).length, 40);
  const [last] = await heard(page, 'kv-done');
  assert.deepEqual(last, done);
  const { prefillMs, prefillTokens, decodeMs, measured, tokens: count, position, cache, reason } = done;
  assert.deepEqual([count, prefillTokens, position, cache, reason], [40, 1, 41, 'off', 'length']);
  assert.ok(prefillMs > 0 && decodeMs > 0 && measured > 30 && measured <= 40);
  const progress = await heard(page, 'kv-progress');
  assert.ok(progress.every(({ loaded }, i) => loaded >= (progress[i - 1]?.loaded ?? 0)));
});

test('methods: start with options, stop, reset; and what they say when it does not work', async (t) => {
  const page = await openPage(t, site, { query: small });
  const stopped = await withTag(page, async (one) => {
    const run = one.start({ prompt: 'b', pace: 15, cache: 'on', seed: -4, maxTokens: 'many' });
    await new Promise((resolve) => { one.addEventListener('kv-token', resolve, { once: true }); });
    await one.stop();
    return run;
  });
  assert.deepEqual([stopped.reason, stopped.cache], ['stopped', 'on']);
  assert.equal(await page.inputValue(part('prompt')), 'b');
  assert.equal(await page.inputValue(part('seed')), '0');
  await withTag(page, (one) => one.reset());
  await state(page, 'unloaded');
  assert.equal(await page.inputValue(part('prompt')), 'a');
  assert.equal(await written(page), '');
  const twice = await withTag(page, async (one) => {
    const first = one.start({ pace: 15 });
    await new Promise((resolve) => { one.addEventListener('kv-token', resolve, { once: true }); });
    return [(await one.start({ pace: 0 })).reason, (await first).reason];
  });
  assert.deepEqual(twice, ['length', 'stopped'], 'the second call is the one that counts');
  const atOnce = await withTag(page, async (one) => {
    const [first, second] = await Promise.allSettled([one.start(), one.start()]);
    return [first.reason?.code, second.value?.reason];
  });
  assert.deepEqual(atOnce, ['aborted', 'length']);
  const removed = await withTag(page, async (one) => {
    const first = one.start({ pace: 15 });
    await new Promise((resolve) => { one.addEventListener('kv-token', resolve, { once: true }); });
    const calls = [first, one.stop(), one.start()];
    one.remove();
    return (await Promise.allSettled(calls)).map(({ status }) => status);
  });
  assert.equal(removed.length, 3, 'every call settles');
});

test('a model that is not there: an event, a rejection, and a sentence', async (t) => {
  const query = await article(tag('').replace('small/', 'nowhere'));
  const page = await openPage(t, site, { query, expected: /404/ });
  const code = await withTag(page, (one) => one.start().catch((error) => error.code));
  assert.equal(code, 'file_unreachable');
  assert.deepEqual((await heard(page, 'kv-error')).map((detail) => detail.code), [code]);
  await state(page, 'failed');
  assert.match(await text(page, 'error-message'), /nowhere\/config\.json/);
  await withTag(page, (one) => { one.src = 'small'; });
  await state(page, 'unloaded');
  await press(page, 'go');
  assert.equal(await state(page), 'full', 'an address without its slash');
});

test('code that does not arrive: what stands in the tag stays, with a sentence and an event', async (t) => {
  const query = await addArticle(site, {
    body: SCRIPT + tag('', '<p id="inside">A picture.</p>'),
    script: "document.addEventListener('kv-error', ({ detail }) => { globalThis.code = detail.code; });",
  });
  const context = await site.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.route('**/*-inside-*.js', (route) => route.fulfill({ status: 503 }));
  await page.goto(site.url + query);
  await page.waitForFunction(() => globalThis.code === 'not_started');
  assert.match(await page.textContent(part('not-started')), /^The live figure could not start here\./);
  assert.equal(await page.locator('#inside').isVisible(), true);
  await page.unroute('**/*-inside-*.js');
  assert.equal((await withTag(page, (one) => one.start())).reason, 'context_full', 'the next call works');
  assert.equal(await page.locator(part('not-started')).count(), 0);
});

test('attributes and properties follow each other, and the figure them', async (t) => {
  const page = await openPage(t, site, { query: small });
  const said = await withTag(page, (one) => {
    Object.assign(one, { seed: 11, maxTokens: 12, theme: 'dark', autorun: true, topP: 7, cache: 'maybe' });
    one.setAttribute('pace', '30');
    const { seed, topP, cache, pace, temperature, views } = one;
    const attributes = Object.fromEntries([...one.attributes].map(({ name, value }) => [name, value]));
    one.autorun = false;
    return { seed, topP, cache, pace, temperature, views, attributes, has: one.hasAttribute('autorun') };
  });
  assert.deepEqual(said.attributes, {
    id: 'one', src: 'small/', prompt: 'a', 'max-tokens': '12', seed: '11', theme: 'dark', autorun: '',
    'top-p': '7', cache: 'maybe', pace: '30',
  });
  assert.deepEqual([said.seed, said.topP, said.cache, said.pace, said.temperature, said.has],
    [11, 1, 'off', 30, null, false]);
  assert.equal(await page.inputValue(part('seed')), '11');
  assert.equal(await page.inputValue(part('pace')), '30');
  const scheme = () => withTag(page, (one) => getComputedStyle(one).colorScheme);
  assert.equal(await scheme(), 'dark');
  await withTag(page, (one) => { Object.assign(one, { pace: 45, theme: null }); });
  assert.equal(await scheme(), 'normal', 'as the page has it');
  const ink = await page.evaluate(() => {
    document.documentElement.style.setProperty('--kvc-ink', 'rgb(1, 2, 3)');
    return getComputedStyle(document.getElementById('one').shadowRoot.querySelector('.demo')).color;
  });
  assert.equal(ink, 'rgb(1, 2, 3)', 'a colour of the page');
  assert.equal(await page.inputValue(part('pace')), '45', 'a pace that the figure does not offer');
  await withTag(page, (one) => { one.lang = 'de'; });
  assert.equal(await text(page, 'both'), 'An/aus vergleichen');
  await withTag(page, (one) => { one.removeAttribute('lang'); one.seed = null; });
  assert.equal(await text(page, 'both'), 'Compare on and off');
  assert.equal(await page.inputValue(part('seed')), '2', 'the usual one again');
});

test('an author’s settings outlast the model’s own, and a reader’s the author’s', async (t) => {
  const query = await article(tag('temperature="0.8" max-tokens="5000" seed="5"'));
  const page = await openPage(t, site, { query });
  await page.$eval(part('sampling'), (fold) => { fold.open = true; });
  await page.fill(part('seed'), '6');
  await withTag(page, (one) => one.start());
  const fields = ['temperature', 'maxTokens', 'seed'];
  const values = await Promise.all(fields.map((name) => page.inputValue(part(name))));
  assert.deepEqual(values, ['0.8', '', '6'], 'empty: as many as fit');
});

test('views: those that are named, in that order; what nobody knows is named in the console', async (t) => {
  const query = await article(tag('views="story, bogus chart"'));
  const expected = /knows no view "bogus"; there are chart, story, /;
  const page = await openPage(t, site, { query, expected });
  const shown = () => page.$$eval('[data-view]', (all) => all.map(({ dataset }) => dataset.view));
  const named = (await shown()).filter((name) => (
    ['chart', 'story', 'sampling', 'numbers', 'facts', 'proof', 'table', 'benchmark'].includes(name)));
  assert.deepEqual(named, ['story', 'chart']);
  await press(page, 'go');
  await state(page);
  const story = await written(page);
  await withTag(page, (one) => { one.views = 'chart story proof'; });
  assert.equal(await written(page), story, 'the state stays');
  assert.equal((await proof(page)).verdict, 'equal');
});

test('the state of a figure: read, told when it changes, and taken from an attribute', async (t) => {
  const page = await openPage(t, site, { query: small });
  assert.equal(await withTag(page, (one) => one.state), 'p=a&cache=off&n=40&seed=3&pace=0');
  await page.fill(part('prompt'), 'b & c');
  await page.click(part('cache'));
  await page.waitForFunction(() => globalThis.heard.at(-1)?.detail.state?.includes('cache=on'));
  const told = await heard(page, 'kv-state');
  assert.deepEqual(told.at(-1), { state: await withTag(page, (one) => one.state) });
  assert.match(told.at(-1).state, /^p=b\+%26\+c&cache=on&n=40&seed=3&pace=0$/);
  await withTag(page, (one) => {
    one.state = '?p=d&seed=8&n=12&cache=off&views=story&src=https://evil.example/';
  });
  assert.equal(await page.inputValue(part('prompt')), 'd');
  assert.equal(await page.locator(part('chart')).count(), 0);
  await withTag(page, (one) => one.stop());
  const { tokens, cache } = await withTag(page, (one) => one.start());
  assert.deepEqual([tokens, cache], [12, 'off']);
  assert.equal(await withTag(page, (one) => one.state), 'p=d&cache=off&n=12&seed=8&views=story&pace=0');
});

test('a race by attribute: two workers, both runs told, and its state travels', async (t) => {
  const page = await openPage(t, site, { query: await article(tag('cache="race" max-tokens="20"')) });
  assert.match(await withTag(page, (one) => one.state), /cache=race/);
  await withTag(page, (one) => one.start());
  assert.equal(await state(page), 'finished', await text(page, 'error-message'));
  const done = await heard(page, 'kv-done');
  assert.deepEqual(done.map(({ cache, tokens }) => `${cache} ${tokens}`).sort(), ['off 20', 'on 20']);
  assert.equal(done[0].text, done[1].text);
  assert.equal(page.workers().length, 2);
  assert.match(await withTag(page, (one) => one.state), /cache=race/);
  await page.click(part('cache'));
  await page.waitForFunction(() => /cache=on/.test(document.getElementById('one').state));
});

test('two tags: starting one stops the other, which says why', async (t) => {
  const query = await article(tag('pace="5"'), tag('pace="5"').replace('one', 'two'));
  const page = await openPage(t, site, { query });
  const [one, two] = ['one', 'two'].map((id) => page.locator(`#${id}`));
  const at = (figure, name) => figure.locator(part(name));
  const reached = (figure, status) => figure.locator(`${part('figure')}[data-state="${status}"]`).waitFor();
  await at(one, 'go').click();
  await reached(one, 'running');
  await at(two, 'go').click();
  await reached(two, 'running');
  await reached(one, 'stopped');
  assert.match(await at(one, 'state').textContent(), /another figure/);
  await at(two, 'cache').click();
  await at(two, 'flip-on').waitFor();
  await page.focus(`#one ${part('prompt')}`);
  await page.keyboard.press('Escape');
  await page.waitForTimeout(100);
  assert.equal(await at(two, 'figure').getAttribute('data-state'), 'running', 'Esc was for the other one');
  await at(two, 'go').click();
  await reached(two, 'stopped');
  assert.doesNotMatch(await at(two, 'state').textContent(), /another figure/);
  assert.equal(page.workers().length, 1);
});

test('autorun: when it comes into view, in a worker', async (t) => {
  const query = await article(tag('autorun max-tokens="9"'));
  const page = await openPage(t, site, { query, until: '#one' });
  assert.equal(await state(page), 'finished');
  assert.deepEqual((await heard(page, 'kv-load')).length, 1);
});

test('without a worker, autorun waits for a click', async (t) => {
  const init = () => { globalThis.Worker = class { constructor() { throw new Error('none'); } }; };
  const query = await article(tag('autorun max-tokens="9"'));
  const page = await openPage(t, site, { query, init });
  await page.waitForTimeout(500);
  assert.equal(await state(page, 'unloaded', ...ENDS), 'unloaded');
});

test('axe finds nothing, and nothing scrolls sideways at 320 pixels', async (t) => {
  const page = await openPage(t, site, { query: small, width: 320, height: 640, expected: /404/ });
  await noViolations(page, 'idle');
  await withTag(page, (one) => one.start());
  await proof(page);
  await noViolations(page, 'done');
  await withTag(page, (one) => { one.src = 'nowhere'; });
  await withTag(page, (one) => one.start().catch(() => {}));
  await noViolations(page, 'failed');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
});
