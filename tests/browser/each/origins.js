// Computed in a worker, from this site or another, and on the page's own thread where none may run.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { serve } from '../../serve.js';
import { part } from '../selectors.js';
import { addArticle } from '../tag-page.js';

const IN_WORKER = /^WebAssembly with (relaxed )?SIMD$/;
const ON_PAGE = /^WebAssembly .*; on the page’s own thread, because it allows no background worker/;

/** @type {import('../each.js').Prepare} */
export async function origins(site) {
  const server = await serve(resolve(site.folder, '../..'), 0, { 'access-control-allow-origin': '*' });
  server.unref();
  const other = `http://127.0.0.1:${server.address().port}/some/where/`;
  const article = (place, policy) => addArticle(site, {
    policy,
    body: `<script type="module" src="${place}kv-cache-demo.js"></script><kv-cache-demo loading="eager"
      src="${place}small/" prompt="a" max-tokens="12" cache="off"></kv-cache-demo>`,
  });
  return ({ test, openPage }) => {
    const expected = /^(request|csp|console|uncaught): /; // another site, and a policy that refuses

    test('with a worker and without', async (t) => {
      const places = [[other, '', IN_WORKER], [other, "worker-src 'self'", ON_PAGE],
        [site.url, "worker-src 'none'", ON_PAGE]];
      for (const [place, policy, engine] of places) {
        const url = site.url + await article(place, policy);
        const page = await openPage(t, url, { expected });
        await page.waitFor((go) => findAll(go)[0], [part('go')]);
        await page.click(part('go'));
        const end = await page.waitFor((figure) => (
          ['finished', 'failed'].find((state) => find(figure).dataset.state === state)), [part('figure')]);
        assert.equal(end, 'finished', await page.text(part('error-message')));
        assert.match(await page.text(part('engine')), engine);
      }
    });
  };
}
