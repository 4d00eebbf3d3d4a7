// The builds of the figure, each as an author would use it, write the story that Node writes.
import assert from 'node:assert/strict';
import { SHORT, TAG, disk, page, story } from '../built.js';
import { SEED } from '../expected.js';
import { part } from '../selectors.js';

/** Imports the widget as notebooks do: from a blob:, where no address can be built. */
const NOTEBOOK = `<div id="el"></div><script type="module">
  globalThis.bases = [];
  globalThis.URL = class extends URL {
    constructor(url, base) {
      if (String(base).startsWith('blob:')) bases.push(url);
      super(url, base);
    }
  };
  const source = await (await fetch('kvc-widget.mjs')).blob();
  const module = source.slice(0, source.size, 'text/javascript');
  const { default: widget } = await import(URL.createObjectURL(module));
  const traits = { max_tokens: 8, cache: 'on', loading: 'eager', seed: ${SEED} };
  const model = { get: (name) => traits[name] };
  globalThis.leave = widget.render({ model, el: document.getElementById('el') });
</script>`;

/** @type {import('../each.js').Prepare} */
export async function builds(site) {
  const alone = await disk();
  const inline = `<script src="kv-cache-demo.inline.js"></script>${TAG}`;
  const places = {
    'the module': site.url + await page(site.folder,
      `<script type="module" src="kv-cache-demo.js"></script>${TAG}`),
    'the inline script, from a disk': alone.url(await page(alone.folder, inline)),
    'the single file, from a disk': `${alone.url('kv-cache-demo.html')}?${SHORT}`,
    'the page for frames': `${site.url}embed.html?${SHORT}`,
    'the widget for notebooks': site.url + await page(site.folder, NOTEBOOK),
  };
  return ({ test, openPage }) => {
    for (const [what, url] of Object.entries(places)) {
      test(what, async (t) => {
        const figure = await openPage(t, url);
        const isThere = (selector) => findAll(selector)[0]?.dataset.state === 'unloaded';
        await figure.waitFor(isThere, [part('figure')]);
        await figure.click(part('go'));
        const end = await figure.waitFor((selector) => (
          ['finished', 'failed'].find((state) => find(selector).dataset.state === state)), [part('figure')]);
        assert.equal(end, 'finished', await figure.text(part('error-message')));
        assert.equal(await figure.text(part('story-written')), story);
        assert.deepEqual(await figure.evaluate(() => globalThis.bases ?? []), []);
      });
    }
  };
}
