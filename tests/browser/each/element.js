// The element, as scripts and readers use it.
import assert from 'node:assert/strict';
import { part } from '../selectors.js';
import { SCRIPT, addArticle } from '../tag-page.js';

/** @type {import('../each.js').Prepare} */
export async function element(site) {
  const query = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo id="one" src="small/" prompt="a" max-tokens="40" seed="3">
      </kv-cache-demo>`,
  });
  return ({ test, openPage }) => {
    const reached = (page, ...wanted) => page.waitFor((figure, states) => (
      states.includes(findAll(figure)[0]?.dataset.state)), [part('figure'), wanted]);

    test('the tag: a run, a flip in its middle, the proof', async (t) => {
      const page = await openPage(t, site.url + query);
      await reached(page, 'unloaded');
      await page.fill(part('pace'), '15');
      await page.click(part('go'));
      await reached(page, 'running');
      await page.evaluate(() => {
        document.body.append(document.getElementById('one')); // it goes on
      });
      await page.click(part('cache'));
      await page.waitFor((flip) => findAll(flip).length > 0, [part('flip-on')]);
      await page.fill(part('pace'), '0');
      await reached(page, 'finished');
      await page.waitFor((proof) => find(proof).dataset.verdict === 'equal', [part('proof')]);
      const done = await page.evaluate(() => document.getElementById('one').start({ maxTokens: 5 }));
      assert.equal(done.tokens, 5);
    });
  };
}
