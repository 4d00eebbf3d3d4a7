// The files of a model, chosen or dropped: what browsers give differs.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { build } from 'esbuild';
import { addArticle } from '../tag-page.js';

/** The files of a model as this browser gives them, in every way that it has: the names taken, by way. */
async function namesByWay() {
  const { modelFiles } = await import(new URL('dropped.js', location.href).href);
  const drag = new DataTransfer();
  for (const name of ['config.json', 'model.safetensors']) drag.items.add(new File(['{}'], name));
  const input = document.createElement('input');
  Object.assign(input, { type: 'file', multiple: true, files: drag.files });
  const ways = { transfer: drag, items: drag.items, list: input.files };
  const names = {};
  for (const [way, given] of Object.entries(ways)) names[way] = [...(await modelFiles(given)).keys()];
  document.addEventListener('drop', async ({ dataTransfer }) => { names.drop = modelFiles(dataTransfer); });
  document.dispatchEvent(new DragEvent('drop', { dataTransfer: drag }));
  names.drop = [...(await names.drop).keys()];
  const root = await navigator.storage?.getDirectory?.().catch(() => undefined);
  const folder = await root?.getDirectoryHandle('gpt', { create: true });
  const file = await folder?.getFileHandle('config.json', { create: true });
  if (file && folder.entries) names.handle = [...(await modelFiles(folder)).keys()];
  return names;
}

/** @type {import('../each.js').Prepare} */
export async function dropped(site) {
  const outfile = join(site.folder, 'dropped.js');
  await build({ entryPoints: ['web/files/dropped.js'], bundle: true, format: 'esm', outfile });
  const url = site.url + await addArticle(site, { body: '' });
  return ({ test, openPage }) => {
    test('files that were chosen or dropped', async (t) => {
      const page = await openPage(t, url);
      const { handle = ['config.json'], ...names } = await page.evaluate(namesByWay);
      const both = ['config.json', 'model.safetensors'];
      assert.deepEqual(names, { transfer: both, items: both, list: both, drop: both });
      assert.deepEqual(handle, ['config.json']);
    });
  };
}
