// The bits of tests/fixtures/golden.txt in Chromium, from every build of the engine.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { parseGolden } from '../node/golden.js';
import { startSite } from './helpers.js';

const site = await startSite();
const blocks = parseGolden(await readFile('tests/fixtures/golden.txt', 'utf8'));
await build({
  stdin: { contents: "export { loadModel } from './web/index.js'; export { recompute } from './tests/node/golden.js';", resolveDir: process.cwd() },
  bundle: true, format: 'esm', external: ['node:*'], outfile: join(site.folder, 'golden', 'golden.js'), logLevel: 'warning',
});
await writeFile(join(site.folder, 'golden.html'), '<!doctype html><title>golden</title>');

for (const variant of ['relaxed', 'simd', 'scalar']) {
  for (const useCache of [true, false]) {
    test(`${variant}, cache ${useCache ? 'on' : 'off'}: ${blocks.length} models, every hash and every id as in C`, async () => {
      assert.ok(blocks.length >= 12);
      const page = await site.browser.newPage();
      await page.goto(`${site.url}golden.html`);
      const computed = await page.evaluate(async ([all, options]) => {
        const { loadModel, recompute } = await import('./golden/golden.js');
        const results = [];
        for (const block of all) results.push(await recompute(block, loadModel, options));
        return results;
      }, [blocks, { variant, useCache }]);
      assert.deepEqual(computed, blocks);
      await page.close();
    });
  }
}
