// The bits of tests/fixtures/golden.txt, golden-source.txt and golden-slide.txt, which the native ring checks
// too, from every wasm build with the caches on and off.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { parseGolden, recompute, shortened } from './golden.js';

const read = async (/** @type {string} */ name) => (
  parseGolden(await readFile(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')));
const files = ['golden.txt', 'golden-source.txt', 'golden-slide.txt'];
const blocks = (await Promise.all(files.map(read))).flat();

// Without the cache, all of them in one build: the others have the same passes, with kernels that are
// compared here with the cache, and natively without it.
for (const variant of ['relaxed', 'simd', 'scalar']) {
  for (const useCache of [true, false]) {
    const name = `${variant}, cache ${useCache ? 'on' : 'off'}`;
    const isWhole = useCache || variant === 'simd';
    const what = isWhole ? 'every hash and every id' : 'a part of the hashes and ids';
    test(`${name}: ${blocks.length} models, ${what} as in C`, async () => {
      assert.ok(blocks.length >= 12);
      for (const block of isWhole ? blocks : blocks.map(shortened)) {
        assert.deepEqual(await recompute(block, loadModel, { variant, useCache }), block);
      }
    });
  }
}
