// Tags that show views of another tag's run: `of` names it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addModel, openPage, startSite } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
await addModel(site, 'small');
const query = await addArticle(site, {
  body: `${SCRIPT}
    <kv-cache-demo id="before" of="story" views="calculator" loading="eager"></kv-cache-demo>
    <kv-cache-demo id="story" src="small/" prompt="a" max-tokens="12"></kv-cache-demo>
    <kv-cache-demo id="work" of="story" views="work" loading="eager"></kv-cache-demo>`,
});

/** The views of a tag, in order. */
const viewsOf = (page, id) => page.$eval(`#${id}`, (tag) => (
  [...tag.shadowRoot.querySelectorAll('[data-view]')].map(({ dataset }) => dataset.view)));
const said = (page, id, words) => page.waitForFunction(([tag, wanted]) => (
  wanted.test(document.getElementById(tag).shadowRoot.textContent)), [id, words]);

test('views of a run stand where an author puts them, with one switch for all of them', async (t) => {
  const page = await openPage(t, site, { query, height: 6000, until: '#work [data-view="work"] figure' });
  assert.deepEqual(await viewsOf(page, 'work'), ['controls', 'work']);
  assert.deepEqual(await viewsOf(page, 'before'), ['calculator'], 'it has its own controls');
  assert.deepEqual([await page.locator('#story [part~="both"]').count(),
    await page.locator('#work [part~="both"]').count()], [1, 0], 'the race is seen in the story');
  const events = await page.evaluate(async () => {
    const ends = [];
    document.addEventListener('kv-done', ({ target }) => ends.push(target.id));
    await document.getElementById('work').start();
    return ends;
  });
  assert.deepEqual(events, ['story'], 'a run belongs to one figure');
  await said(page, 'work', /12/);
  assert.equal(page.workers().length, 1);

  const cache = page.locator('#work [part~="cache"]');
  await cache.click(); // and so starts the next run
  await page.waitForFunction(() => document.getElementById('story').state.includes('cache=on'));
  await page.waitForSelector('#story [part~="cache"][aria-checked="true"]'); // with the next frame
  assert.match(await page.$eval('#work', (tag) => tag.state), /views=work/);
});

test('the other one is set anew, goes and comes back: its views go with it', async (t) => {
  const page = await openPage(t, site, { query, height: 6000, until: '#work [data-view="work"] figure' });
  const figures = () => page.evaluate(() => ['story', 'work'].map((id) => (
    document.getElementById(id)?.shadowRoot.querySelectorAll('[part~="demo"]').length)));
  const settled = (...wanted) => page.waitForFunction((counts) => (
    JSON.stringify(['story', 'work'].map((id) => (
      document.getElementById(id)?.shadowRoot.querySelectorAll('[part~="demo"]').length ?? null)))
    === counts), JSON.stringify(wanted));
  await page.evaluate(() => document.getElementById('work').reset());
  await settled(1, 1);
  await page.evaluate(() => {
    globalThis.story = document.getElementById('story');
    story.remove();
  });
  await page.waitForSelector('#work [part~="not-started"]');
  assert.match(await page.textContent('#work [part~="not-started"]'), /of="story"/);
  await page.evaluate(() => document.querySelector('main').append(story));
  await settled(1, 1);
  const { tokens } = await page.evaluate(() => document.getElementById('work').start());
  assert.equal(tokens, 12);
  await page.evaluate(() => { document.getElementById('work').of = ''; });
  await page.waitForSelector('#work [part~="figure"]');
  assert.deepEqual(await figures(), [1, 1], 'now it has a run of its own');
});

test('an id that was wrong is corrected, and changed again before its figure is there', async (t) => {
  const page = await openPage(t, site, { query, height: 6000, until: '#work [data-view="work"] figure' });
  const add = (id, of, ...next) => page.evaluate(async ([name, first, others]) => {
    const tag = document.createElement('kv-cache-demo');
    Object.assign(tag, { id: name, of: first, views: 'work', loading: 'eager', src: 'small/' });
    document.querySelector('main').append(tag);
    for (const other of others) {
      await Promise.resolve().then(() => {}).then(() => {}); // it is being fetched
      tag.of = other;
    }
  }, [id, of, next]);
  await add('typo', 'stroy');
  await page.waitForSelector('#typo [part~="not-started"]');
  await page.evaluate(() => { document.getElementById('typo').of = 'story'; });
  await page.waitForSelector('#typo [data-view="work"] figure');
  assert.deepEqual([await viewsOf(page, 'typo'), await page.locator('#typo [part~="not-started"]').count()],
    [['controls', 'work'], 0]);
  await add('own', 'story', '');
  await page.waitForSelector('#own [part~="figure"]');
  await add('wrong', 'story', '', 'stroy');
  await page.waitForSelector('#wrong [part~="not-started"]');
  await page.evaluate(() => document.getElementById('wrong').removeAttribute('of'));
  await page.waitForSelector('#wrong [part~="figure"]');
});
