// <kv-cache-demo> in an article, in the ways that authors and frameworks use it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noViolations, openPage, part, proof, says, startSite, state, text, written } from './helpers.js';
import { SCRIPT, addArticle, addElement } from './tag-page.js';

const site = await startSite();
await addElement(site);

test('one line in an article: a figure that writes, under a policy of its own site only', async (t) => {
  const query = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo prompt="In a castle by the sea" max-tokens="40" seed="7"></kv-cache-demo>`,
  });
  const page = await openPage(t, site, { query });
  await page.click(part('go'));
  assert.equal(await state(page), 'finished', await text(page, 'error-message'));
  assert.equal(await text(page, 'story-prompt'), 'In a castle by the sea');
  assert.ok((await written(page)).length > 60);
  assert.equal((await proof(page)).verdict, 'equal');
});

test('a race: a recorded run before it, two lanes, an event for the end of each', async (t) => {
  const query = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo cache="race" max-tokens="20" seed="7"></kv-cache-demo>`,
  });
  const page = await openPage(t, site, { query });
  await says(page, 'state', /^Recorded on /);
  const ends = await page.$eval('kv-cache-demo', async (element) => {
    const heard = [];
    element.addEventListener('kv-done', ({ detail: { cache, text } }) => heard.push({ cache, text }));
    await element.start();
    return heard;
  });
  assert.deepEqual(ends.map(({ cache }) => cache).sort(), ['off', 'on']);
  assert.equal(ends[0].text, ends[1].text);
  assert.equal(await state(page), 'finished');
  for (const lane of ['on', 'off']) {
    assert.match(await text(page, `lane-numbers-${lane}`), /^20 after [\d.]+ s$/);
    assert.ok((await text(page, `lane-${lane}`)).endsWith(ends[0].text));
  }
});
