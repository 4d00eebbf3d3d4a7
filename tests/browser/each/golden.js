// The bits of tests/fixtures/golden.txt and golden-slide.txt in every browser engine, from every build that
// it can run.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { parseGolden, shortened } from '../../node/golden.js';

const MODULES = { relaxed: 'kvc-relaxed.wasm', simd: 'kvc.wasm', scalar: 'kvc-scalar.wasm' };

/** Can the engine run this module at all? */
async function valid(file) {
  return WebAssembly.validate(await (await fetch(`engine/${file}`)).arrayBuffer());
}

async function computed(all, options) {
  const { loadModel, recompute } = await import(new URL('golden/golden.js', location.href).href);
  const results = [];
  for (const block of all) results.push(await recompute(block, loadModel, options));
  return results;
}

/** The same, of a model above 2 GB in a memory that may grow to 4. */
async function computedAbove(block) {
  const { Engine, above, loadModel, recompute } = await import(
    new URL('golden/golden.js', location.href).href);
  return above(Engine, () => recompute(block, loadModel, { variant: 'simd', useCache: true }));
}

/** @type {import('../each.js').Prepare} */
export async function golden(site) {
  const read = async (file) => parseGolden(await readFile(`tests/fixtures/${file}`, 'utf8'));
  const blocks = [...await read('golden-slide.txt'), ...await read('golden.txt')];
  await build({
    stdin: {
      contents: `export { loadModel } from './web/index.js'; export { Engine } from './web/engine/engine.js';
        export { above, recompute } from './tests/node/golden.js';`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    format: 'esm',
    external: ['node:*'],
    outfile: join(site.folder, 'golden', 'golden.js'),
    logLevel: 'warning',
  });
  await writeFile(
    join(site.folder, 'golden.html'),
    '<!doctype html><title>golden</title><link rel="icon" href="data:,">',
  );
  return ({ name, test, openPage }) => {
    test('every build that it has: every hash and id as in C, without the cache a part', async (t) => {
      assert.ok(blocks.length >= 12);
      const page = await openPage(t, `${site.url}golden.html`); // one, which makes each model once
      for (const [variant, file] of Object.entries(MODULES)) {
        if (variant === 'relaxed' && !(await page.evaluate(valid, file))) {
          assert.equal(name, 'webkit', 'the other engines have relaxed SIMD');
          continue;
        }
        // Without the cache, in the build that the engine takes by itself: Node and C compare all of them.
        const isOwn = variant === (name === 'webkit' ? 'simd' : 'relaxed');
        for (const useCache of isOwn ? [true, false] : [true]) {
          const asked = useCache ? blocks : blocks.map(shortened);
          const computedHere = await page.evaluate(computed, asked, { variant, useCache });
          assert.deepEqual(computedHere, asked, `${variant}, cache ${useCache ? 'on' : 'off'}`);
        }
      }
      assert.deepEqual(await page.evaluate(computedAbove, blocks.at(-1)), blocks.at(-1), 'above 2 GB');
    });
  };
}
