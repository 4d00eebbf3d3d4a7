// <kv-cache-demo> comes, moves, goes and comes back, alone and in crowds: it is usable at once after each,
// and nothing is left behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromiumPath } from './engines/chromium.js';
import {
  ENDS, addModel, openPage, part, proof, startSite, state, written, writtenAtLeast,
} from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const BACK_FORWARD_CACHE = {
  executablePath: chromiumPath(), ignoreDefaultArgs: ['--disable-back-forward-cache'],
};
const site = await startSite(BACK_FORWARD_CACHE);
await addModel(site, 'small');

/** In the page: the names of the element's events as they come, and the details of the last of each. */
function listen() {
  globalThis.heard = [];
  globalThis.details = {};
  for (const name of ['kv-load', 'kv-progress', 'kv-token', 'kv-done', 'kv-error', 'kv-state']) {
    document.addEventListener(name, ({ detail }) => {
      heard.push(name);
      details[name] = detail;
    });
  }
}

const TAG = '<kv-cache-demo id="one" src="small/" prompt="a" max-tokens="40" loading="eager">'
  + '</kv-cache-demo>';
const one = await addArticle(site, { body: SCRIPT + TAG, script: `(${listen})()` });

test('twenty tags at once, the script twice, again and again: one worker, nothing left', async (t) => {
  const query = await addArticle(site, {
    body: `${SCRIPT}<script type="module" src="kv-cache-demo.js?copy"></script><div id="place"></div>`,
    script: `(${listen})()`,
  });
  const page = await openPage(t, site, {
    query, until: '#place', blocking: 5000, expected: /A second copy of the script, [\d.]+, is not used/,
  });
  const requests = [];
  page.on('request', (request) => requests.push(`${request.method()} ${request.url()}`));
  await page.evaluate(() => customElements.whenDefined('kv-cache-demo'));
  const round = () => page.evaluate(async () => {
    const place = document.getElementById('place');
    place.innerHTML = Array.from({ length: 20 }, (_, i) => (
      `<kv-cache-demo src="small/" prompt="${i}" max-tokens="9" loading="eager"></kv-cache-demo>`)).join('');
    const tags = [...place.children].slice(0, 3);
    const ends = await Promise.allSettled(tags.map((tag) => tag.start()));
    tags[0].start().catch(() => {}); // and is taken away in the middle
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    place.replaceChildren();
    return ends.map(({ status, value, reason }) => value?.reason ?? reason?.code ?? status);
  });
  const client = await page.context().newCDPSession(page);
  const measure = async () => {
    for (let i = 0; i < 3; i++) await client.send('HeapProfiler.collectGarbage');
    const { usedSize } = await client.send('Runtime.getHeapUsage');
    return { usedSize, ...await client.send('Memory.getDOMCounters') };
  };
  for (let i = 0; i < 2; i++) {
    const ends = await round();
    assert.equal(ends.filter((end) => end === 'length').length, 1, `one of them writes: ${ends}`);
    for (const end of ends) assert.ok(['stopped', 'aborted', 'length'].includes(end), end);
  }
  const before = await measure();
  for (let i = 0; i < 3; i++) assert.equal((await round())[2], 'length', 'the newest one');
  assert.equal(page.workers().length, 1);
  let later = await measure();
  for (let i = 0; i < 50 && later.nodes >= before.nodes + 500; i++) { // one that starts goes a moment later
    await page.waitForTimeout(100);
    later = await measure();
  }
  t.diagnostic(`heap ${before.usedSize} -> ${later.usedSize}, nodes ${before.nodes} -> ${later.nodes}, `
    + `listeners ${before.jsEventListeners} -> ${later.jsEventListeners}`);
  assert.ok(later.usedSize < before.usedSize + 1e6, 'the heap is flat');
  assert.ok(later.nodes < before.nodes + 500, 'no figure stays');
  assert.ok(later.jsEventListeners < before.jsEventListeners + 50, 'no listener stays');
  const asked = (...names) => names.map((name) => requests.filter((request) => (
    request.startsWith('GET') && request.endsWith(name))).length);
  assert.deepEqual(asked('.wasm', 'model.safetensors', 'worker.js', 'sizes.json'), [1, 1, 1, 1]);
  for (let i = 0; i < 100 && page.workers().length > 0; i++) await page.waitForTimeout(100);
  assert.equal(page.workers().length, 0, 'the last worker has ended');
});

test('the tag stood there before its script, with properties set and a call waiting', async (t) => {
  const query = await addArticle(site, { body: TAG, script: `(${listen})()` });
  const page = await openPage(t, site, { query, until: '#one' });
  const { detail, own, prompt } = await page.evaluate(async () => {
    const tag = document.getElementById('one');
    tag.prompt = 'b';
    tag.maxTokens = 7;
    const done = new Promise((resolve) => {
      tag.addEventListener('kv-done', ({ detail }) => resolve(detail), { once: true });
    });
    const script = document.createElement('script');
    document.head.append(Object.assign(script, { type: 'module', src: 'kv-cache-demo.js' }));
    await customElements.whenDefined('kv-cache-demo');
    const started = tag.start();
    const [detail] = await Promise.all([done, started]);
    return { detail, own: Object.keys(tag), prompt: tag.getAttribute('prompt') };
  });
  assert.deepEqual([detail.tokens, prompt, own], [7, 'b', []]);
});

test('moved in the middle of a run, it goes on; removed, it stops; put back, it is new', async (t) => {
  const page = await openPage(t, site, { query: one });
  const move = (how) => page.evaluate((name) => {
    const tag = document.getElementById('one');
    const place = document.body.appendChild(document.createElement('section'));
    if (name === 'moveBefore' && !place.moveBefore) return;
    place[name](tag, null);
  }, how);
  await page.evaluate(() => { document.getElementById('one').pace = 15; });
  await page.click(part('go'));
  await state(page, 'running');
  for (const how of ['appendChild', 'moveBefore']) {
    await move(how);
    const { length } = await written(page);
    await writtenAtLeast(page, length + 2);
    assert.equal(await state(page, 'running', ...ENDS), 'running');
  }
  const outcome = await page.evaluate(async () => {
    const tag = document.getElementById('one');
    const parent = tag.parentNode;
    tag.remove();
    await Promise.resolve();
    const figures = tag.shadowRoot.querySelectorAll('[part~="figure"]').length;
    const after = await new Promise((resolve) => {
      tag.addEventListener('kv-token', () => resolve('still writing'));
      setTimeout(() => resolve('stopped'), 300);
    });
    parent.append(tag);
    return [figures, after];
  });
  assert.deepEqual(outcome, [0, 'stopped']);
  await page.waitForSelector(`${part('figure')}[data-state="unloaded"]`);
  assert.equal(await written(page), '');
  await page.evaluate(() => { document.getElementById('one').pace = 0; });
  await page.click(part('go'));
  assert.equal(await state(page), 'finished');
  assert.equal((await proof(page)).verdict, 'equal');
});

test('put in and taken out fifty times, in every way', async (t) => {
  const page = await openPage(t, site, { query: one });
  const left = await page.evaluate(async () => {
    const tag = document.getElementById('one');
    const home = tag.parentNode;
    const pause = () => new Promise((resolve) => { setTimeout(resolve, 0); });
    for (let i = 0; i < 50; i++) {
      if (i % 5 === 0) tag.start().catch(() => {});
      if (i % 3 === 0) tag.remove();
      if (i % 2 === 0) await pause();
      if (i % 7 === 0) home.prepend(tag.cloneNode(true));
      if (i % 7 === 0) tag.replaceWith(home.firstChild, tag);
      home.append(tag);
      if (i % 4 === 0) await pause();
    }
    for (const other of home.querySelectorAll('kv-cache-demo')) if (other !== tag) other.remove();
    const { tokens } = await tag.start({ maxTokens: 5 });
    return { tokens, figures: tag.shadowRoot.querySelectorAll('[part~="demo"]').length };
  });
  assert.deepEqual(left, { tokens: 5, figures: 1 });
  assert.equal(page.workers().length, 1);
});

test('a soft navigation away and back', async (t) => {
  const page = await openPage(t, site, { query: one });
  await page.evaluate(() => { document.getElementById('one').pace = 15; });
  await page.click(part('go'));
  await state(page, 'running');
  await page.evaluate(async () => {
    const main = document.querySelector('main');
    const article = main.innerHTML;
    main.innerHTML = '<h1>Another page</h1>';
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    main.innerHTML = article; // scripts in it do not run again
  });
  await page.waitForSelector(`${part('figure')}[data-state="unloaded"]`);
  await page.click(part('go'));
  await state(page, 'running');
});

test('Back, after a run was left in its middle: the page is as it was, stopped and usable', async (t) => {
  const page = await openPage(t, site, { query: one });
  const other = await addArticle(site, { body: '<p id="other">Another page.</p>' });
  await page.evaluate(() => {
    globalThis.isTheSame = true;
    document.getElementById('one').pace = 15;
  });
  await page.click(part('go'));
  await state(page, 'running');
  await page.goto(site.url + other);
  await page.waitForTimeout(5500); // longer than a worker has to stop
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForSelector(part('figure'));
  assert.equal(await page.evaluate(() => globalThis.isTheSame), true, 'it came out of the cache');
  assert.equal(await state(page, ...ENDS), 'stopped');
  await page.click(part('go'));
  await state(page, 'running');
});
