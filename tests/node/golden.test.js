// The bits of tests/fixtures/golden.txt and golden-source.txt, which the native ring checks too, from every
// wasm build with the caches on and off.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { parseGolden, recompute } from './golden.js';

const read = async (/** @type {string} */ name) => (
  parseGolden(await readFile(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')));
const blocks = [...await read('golden.txt'), ...await read('golden-source.txt')];

for (const variant of ['relaxed', 'simd', 'scalar']) {
  for (const useCache of [true, false]) {
    const name = `${variant}, cache ${useCache ? 'on' : 'off'}`;
    test(`${name}: ${blocks.length} models, every hash and every id as in C`, async () => {
      assert.ok(blocks.length >= 12);
      for (const block of blocks) {
        assert.deepEqual(await recompute(block, loadModel, { variant, useCache }), block);
      }
    });
  }
}
