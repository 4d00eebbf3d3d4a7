// A view whose code does not arrive.
import assert from 'node:assert/strict';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { part } from '../selectors.js';
import { SCRIPT, addArticle } from '../tag-page.js';

const CHUNK = /kv-cache-demo-benchmark-\w+\.js$/;

/** @type {import('../each.js').Prepare} */
export async function later(site) {
  const query = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo id="one" views="benchmark" loading="eager"></kv-cache-demo>` });
  return ({ name, test, openPage }) => {
    test('one that does not come: a sentence, and a button that asks again', async (t) => {
      const chunk = (await readdir(site.folder)).find((file) => CHUNK.test(file));
      const [there, away] = [chunk, 'away.js'].map((file) => join(site.folder, file));
      await rename(there, away);
      let page;
      try {
        page = await openPage(t, site.url + query, { expected: /404|dynamically|module/i });
        await page.waitFor((retry) => findAll(retry)[0]?.checkVisibility(), [part('view-retry')]);
        assert.match(await page.text(`${part('slot')} [role="alert"]`), /did not arrive/);
      } finally {
        await rename(away, there);
      }
      await page.click(part('view-retry'));
      if (name === 'firefox') { // it never asks again for a module that did not come
        await page.waitFor((slot) => /Load the page again/.test(find(slot).textContent), [part('slot')]);
        return;
      }
      await page.waitFor((measure) => findAll(measure).length === 1, [part('measure')]);
      assert.equal(await page.evaluate((slot) => findAll(slot).length, [part('slot')]), 0);
    });
  };
}
