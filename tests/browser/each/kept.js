// A model that stays on the device: what storage engines have, and where they give none.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { part } from '../selectors.js';
import { addModel } from '../site.js';

/** In the page: a frame without an origin says whether something can be kept there, and what is. */
const inFrame = (src) => new Promise((resolve) => {
  addEventListener('message', ({ data }) => resolve(data), { once: true });
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  Object.assign(frame, { src });
  document.body.append(frame);
});

/** @type {import('../each.js').Prepare} */
export async function kept(site) {
  const own = await addModel(site, 'stays');
  await build({
    stdin: {
      contents: `import { mayKeep } from './kept.js';
        import { keptModels, removeKept } from './kept-models.js';
        Promise.all([mayKeep(), keptModels(), removeKept()]).then((all) => parent.postMessage(all, '*'),
          (error) => parent.postMessage(String(error), '*'));`,
      resolveDir: 'web/files',
    },
    bundle: true, format: 'iife', outfile: join(site.folder, 'keeping.js'),
  });
  const write = (file, html) => (
    writeFile(join(site.folder, file), `<!doctype html><title>A page</title>${html}`));
  await write('frame.html', '<script src="keeping.js"></script>');
  await write('around.html', '');
  return ({ name, test, openPage }) => {
    test('a model is kept, loads from the device, and is removed', async (t) => {
      const page = await openPage(t, site.url);
      const shows = (what, words) => page.waitFor((selector, wanted) => (
        findAll(selector)[0]?.textContent.includes(wanted)), [part(what), words]);
      const reached = (state) => page.waitFor((figure, wanted) => (
        findAll(figure)[0]?.dataset.state === wanted), [part('figure'), state]);
      await reached('unloaded');
      await page.click(`${part('model')} > summary`);
      await page.waitFor((field) => findAll(field)[0], [part('model-address')]);
      await page.fill(part('model-address'), new URL('stays/', site.url).href);
      await page.click(part('model-look'));
      await shows('model-name', 'stays');
      await page.click(part('model-keep'));
      await page.click(part('model-use'));
      await reached('ready');
      await shows('kept', 'stays');
      await page.click(part('model-back'));
      await reached('unloaded');
      for (const file of ['model.safetensors', 'tokenizer.json']) await own.remove(file);
      t.after(() => Promise.all(['model.safetensors', 'tokenizer.json'].map(own.restore)));
      await page.click(part('kept-load'));
      await reached('ready');
      await page.click(part('kept-remove'));
      await shows('kept-state', 'Removed');
    });

    test('in a frame without an origin nothing is kept, and nothing fails', async (t) => {
      const page = await openPage(t, `${site.url}around.html`, { expected: /./ });
      assert.deepEqual(await page.evaluate(inFrame, `${site.url}frame.html`), [false, [], 0], name);
    });
  };
}
