// Another model than the figure's own: its files or its address, what is said of it, and what follows it.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { byteTokenizer, serve } from '../node/helpers.js';
import { ENDS, focused, noViolations, openPage, part, press, proof, sample, says, startSite, state,
  text } from './helpers.js';

const site = await startSite();

/** The files of a small Llama, and a tokenizer of its few tokens. */
async function llama() {
  const folder = new URL('../fixtures/llama-f32/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => /^(config|generation|model)/.test(name));
  const files = Object.fromEntries(await Promise.all(names.map(async (name) => (
    [name, await readFile(new URL(name, folder))]))));
  const { vocab_size: size } = JSON.parse(files['config.json']);
  const tokenizer = byteTokenizer({ added: [] });
  const { vocab } = tokenizer.model;
  for (const [token, id] of Object.entries(vocab)) if (id >= size) delete vocab[token];
  return { ...files, 'tokenizer.json': Buffer.from(JSON.stringify(tokenizer)) };
}

const FILES = await llama();
const MISSING = ['tokenizer_config.json', 'chat_template.jinja']; // that are asked for
const PROMPT = '!!!! ####'; // of characters that it knows

const fold = (page) => page.click(`${part('model')} > summary`);

/** Chooses files with the button's own field. */
async function choose(page, files = FILES) {
  await page.setInputFiles(part('model-files-input'), Object.entries(files).map(([name, content]) => (
    { name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) })));
}

/** Drops files on an element, as a reader does with the mouse. */
const drop = (page, selector, files) => page.evaluate(([to, names]) => {
  const dataTransfer = new DataTransfer();
  for (const [name, base64] of names) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], name));
  }
  const init = { dataTransfer, bubbles: true, composed: true, cancelable: true };
  const target = findAll(to)[0];
  return ['dragover', 'drop'].map((type) => !target.dispatchEvent(new DragEvent(type, init)));
}, [selector, Object.entries(files).map(([name, content]) => (
  [name, Buffer.from(content).toString('base64')]))]);

/** What is said of a model that cannot be used. */
async function refusal(page) {
  await page.waitForSelector(`${part('model-error')}:not([hidden])`);
  return text(page, 'model-error');
}

test('files that are chosen: their sizes, their text, and the own model again', async (t) => {
  const page = await openPage(t, site, {
    width: 320, height: 640, colorScheme: 'dark', expected: /generation_config\.json asks for num_beams/ });
  await page.focus(`${part('model')} > summary`);
  await page.keyboard.press('Enter');
  await page.waitForSelector(part('model-files'));
  for (const stop of ['model-stories', 'model-files']) {
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), stop);
  }
  await choose(page, { ...FILES, 'generation_config.json': '{"num_beams":4}' });
  await says(page, 'model-sizes',
    /^llama, \d+,\d+ parameters: 3 layers, 6 heads of 8 numbers, which share 2/);
  assert.match(await text(page, 'model-card'), /32 bits, exactly: [\d.]+ KB of memory.*Use llama$/s);
  await noViolations(page, 'a model that was weighed');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  await press(page, 'model-use');
  assert.equal(await focused(page), 'model-state', 'the button has gone');
  await state(page, 'ready');
  assert.equal(await page.isVisible(part('replay')), false, 'no recorded run of another model');
  assert.equal(await page.isVisible('.examples'), false, 'nor its examples');
  assert.match(await text(page, 'model'), /^Model llama, in place of/);
  assert.equal(await text(page, 'model-ignored'),
    'Its generation_config.json asks for more than is done here: num_beams.');
  await page.fill(part('prompt'), PROMPT);
  await press(page, 'cache');
  assert.notEqual(await state(page), 'failed', await text(page, 'error-message'));
  assert.equal((await proof(page)).verdict, 'equal');
  assert.match(await text(page, 'position'), /of 160$/);
  assert.equal(await page.getAttribute(part('story'), 'lang'), '');
  assert.match(await page.textContent('#memory-words'), /2 × 3 layers × 2 heads × 8 numbers/);
  await noViolations(page, 'a run of another model');
  await press(page, 'model-back');
  await state(page, 'unloaded');
  assert.ok(await page.isVisible(part('replay')), 'its recorded run is there again');
  assert.ok(await page.isVisible('.examples'));
  assert.match(await text(page, 'model'), /^Model stories, or tales, or one of yours/);
  const asked = [];
  page.on('request', (request) => asked.push(request.url().slice(site.url.length)));
  await page.focus(part('model-stories'));
  await page.keyboard.press('ArrowDown');
  await says(page, 'model', /^Model tales, or stories/);
  await says(page, 'go', /5\.0 MB$/);
  await page.waitForSelector(`${part('replay')}:visible`);
  assert.deepEqual(asked.filter((path) => path.startsWith('models/')), [], 'a choice downloads nothing');
  assert.equal(await text(page, 'position'), '1,024 of 1,024', 'of its recorded run');
  await page.fill(part('prompt'), 'Once');
  await sample(page, { maxTokens: 6 });
  await press(page, 'go');
  assert.equal(await state(page), 'finished', await text(page, 'error-message'));
  assert.ok(asked.includes('models/tales/model.safetensors'));
  assert.equal((await proof(page)).verdict, 'equal');
  assert.match(await page.textContent('#memory-words'), /2 × 4 layers × 2 heads × 32 numbers/);
  assert.match(await page.evaluate(() => location.hash), /&model=tales&/);
  await page.check(part('model-go-on'));
  await page.waitForFunction(() => /&full=slide&/.test(location.hash));
  await state(page, 'unloaded'); // it is loaded anew for that, with the next run
  await press(page, 'model-stories');
  await says(page, 'model-shipped', /stories/);
  await says(page, 'model-go-on-help', /has a number for each of its positions/);
});

test('files that are dropped beside the figure; an address of another site: all views follow', async (t) => {
  const server = await elsewhere();
  t.after(() => server.close());
  const page = await openPage(t, site, { expected: new RegExp(`^request: ${server.url}`) });
  const prevented = await drop(page, 'h1', FILES);
  assert.deepEqual(prevented, [true, true], 'or the browser would open them in place of the page');
  await page.waitForSelector(`${part('model-card')}:not([hidden])`);
  assert.equal(await text(page, 'model-name'), 'llama');
  await page.fill(part('model-address'), server.url.replace(/\/$/, ''));
  await page.press(part('model-address'), 'Enter');
  await says(page, 'model-name', /^model$/);
  assert.match(await text(page, 'model-use'), /download 92 KB/);
  await press(page, 'model-use');
  await state(page, 'ready');
  await page.fill(part('prompt'), PROMPT);
  await sample(page, { maxTokens: 24 });
  await press(page, 'both');
  assert.equal(await state(page), 'finished', await text(page, 'error-message'));
  await page.waitForFunction(() => {
    document.querySelector('[views="calculator"]').scrollIntoView(); // what comes above it pushes it away
    return findAll('.models label')[0]?.textContent === 'model';
  });
  await page.locator('[views="lab"]').scrollIntoViewIfNeeded();
  await page.waitForSelector(`${part('lab-go')}:disabled`); // a model without learned positions
  assert.match(await text(page, 'lab-bug'), /position 0/);
  assert.ok(await page.isHidden('[views="map"] >> text=of the shipped model'));
});

/** A server of another site with these files. */
async function elsewhere() {
  const server = await serve(FILES);
  for (const name of [...Object.keys(FILES), ...MISSING]) {
    server.faults[name] = (response) => {
      response.setHeader('access-control-allow-origin', '*').statusCode = FILES[name] ? 200 : 404;
      response.end(FILES[name]);
    };
  }
  return server;
}

test('what is no model is refused in words, and the figure stays as it was', async (t) => {
  const page = await openPage(t, site);
  await fold(page);
  await page.waitForSelector(part('model-files'));
  const { 'tokenizer.json': tokenizer, 'config.json': config, ...rest } = FILES;
  await choose(page, { ...rest, 'tokenizer.json': tokenizer });
  assert.match(await refusal(page), /^This model cannot be used\. .*no config\.json/);
  await choose(page, { ...FILES, 'config.json': '{"model_type":"rwkv"}' });
  await says(page, 'model-error', /model_type.*rwkv/);
  await drop(page, part('figure'), { 'pytorch_model.bin': 'x', 'config.json': config });
  await says(page, 'model-error', /pytorch_model\.bin/);
  const large = { ...JSON.parse(config), num_hidden_layers: 212, hidden_size: 1504, intermediate_size: 3840 };
  await choose(page, { ...FILES, 'config.json': JSON.stringify(large) });
  await says(page, 'model-card', /GB of memory \(too much: a page may use 4\.29 GB\).*too large/s);
  assert.ok(await page.isHidden(part('model-use')));
  const local = {
    ...JSON.parse(config), model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 9 };
  await choose(page, { ...FILES, 'config.json': JSON.stringify(local) });
  await says(page, 'model-sizes', /In 3 layers a token sees only the newest 9, through a window\./);
  await choose(page, { ...rest, 'config.json': config });
  await page.waitForFunction((sizes) => ( // until then there is the card of the one before
    findAll(sizes).every(({ textContent }) => !textContent.includes('newest 9'))), part('model-sizes'));
  await page.waitForSelector(`${part('model-use')}:visible`);
  await press(page, 'model-use');
  await says(page, 'model-error', /tokenizer\.json/);
  assert.equal(await state(page, 'unloaded', ...ENDS), 'unloaded');
  assert.ok(await page.isVisible(part('replay')));
  await page.evaluate(() => { document.documentElement.lang = 'de'; });
  await says(page, 'model', /Dieses Modell geht nicht/);
});

test('a model is kept, loads from the device without its server, and is removed', async (t) => {
  const server = await elsewhere();
  const page = await openPage(t, site, { expected: new RegExp(`${server.url}|Failed to load`), width: 360 });
  await fold(page);
  await page.fill(part('model-address'), server.url);
  await page.press(part('model-address'), 'Enter');
  await page.waitForSelector(`${part('model-keep')}:visible`);
  assert.ok(await page.isHidden(part('kept-load')));
  assert.equal(await page.isChecked(part('model-keep')), false, 'nothing is kept that nobody asked for');
  await page.focus(part('model-keep'));
  await page.keyboard.press('Space');
  await press(page, 'model-use');
  await state(page, 'ready');
  await says(page, 'kept', /On this device.*model [\d.]+ KB, since \d.*Remove/s);
  await noViolations(page, 'a model that is kept');
  const kept = await text(page, 'kept');
  assert.ok(kept.includes(server.url));
  await server.close();
  await page.reload();
  await state(page, 'unloaded');
  await fold(page);
  await page.waitForSelector(`${part('kept-load')}:visible`);
  assert.equal(await page.getAttribute(part('kept-load'), 'aria-label'), 'Load model');
  await press(page, 'kept-load');
  await state(page, 'ready');
  assert.ok(await page.isHidden(part('kept-load')), 'it is in use');
  await page.fill(part('prompt'), PROMPT);
  await sample(page, { maxTokens: 4 });
  await press(page, 'go');
  assert.equal(await state(page), 'finished', await text(page, 'error-message'));
  await page.fill(part('model-address'), `${server.url}?signed=anew`);
  await page.press(part('model-address'), 'Enter');
  await says(page, 'model-card', /It has been on this device since .*Use model$/s);
  assert.ok(await page.isChecked(part('model-keep')));
  await page.focus(part('kept-remove'));
  await page.keyboard.press('Enter');
  await says(page, 'kept-state', /^Removed: [\d.]+ KB of this device are free again\.$/);
  assert.ok(await page.isHidden(part('kept-remove')));
  assert.equal(await focused(page), 'kept-state');
  await says(page, 'model-use', /download/);
  const left = page.evaluate(async () => (await (await caches.open('kvcache-wasm-1')).keys()).length);
  assert.equal(await left, 0);
});

test('a model that cannot be kept runs, and a sentence says why', async (t) => {
  const server = await elsewhere();
  t.after(() => server.close());
  const page = await openPage(t, site, { expected: new RegExp(server.url) });
  const debugging = await page.context().newCDPSession(page);
  const { origin } = new URL(site.url);
  await debugging.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 20_000 });
  await fold(page);
  await page.fill(part('model-address'), server.url);
  await page.press(part('model-address'), 'Enter');
  await page.check(part('model-keep'));
  await press(page, 'model-use');
  await state(page, 'ready');
  await says(page, 'model-not-kept', /^It is not kept: your browser gives this site no more room\./);
  assert.equal(await page.locator(part('kept')).innerText(), '');
  const framed = await openPage(t, site, {
    expected: /./, init: () => Object.defineProperty(globalThis, 'caches', { value: undefined }) });
  await fold(framed);
  await framed.fill(part('model-address'), server.url);
  await framed.press(part('model-address'), 'Enter');
  await framed.waitForSelector(`${part('model-keep')}:disabled`);
  await says(framed, 'model-card', /Your browser stores nothing for this page/);
});
