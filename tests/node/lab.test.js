// kvc-lab.wasm, the module with the planted bugs: without one it is the engine to the bit, with one it goes
// wrong from where the bug bites; page and package do without it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { switchBug } from 'kvcache-wasm/lab';
import { parseGolden, recompute } from './golden.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFile(new URL(path, ROOT));
const wasm = await WebAssembly.compile(await read('web/engine/kvc-lab.wasm'));
const bugs = JSON.parse(await read('web/engine/kvc-lab.json'));
const blocks = parseGolden(await readFile(new URL('tests/fixtures/golden.txt', ROOT), 'utf8'));

/** loadModel with a bug switched on before anything is computed. @param {number} bug */
const loadWith = (bug) => async (...args) => {
  const model = await loadModel(...args);
  switchBug(model, bug);
  return model;
};

const compute = (block, bug) => recompute(block, loadWith(bug), { variant: 'simd', useCache: true, wasm });

test('without a bug every hash and every id is the engine\'s', async () => {
  for (const block of blocks) assert.deepEqual(await compute(block, 0), block);
});

test('with B6 the logits are right up to the second page, and wrong after it', async () => {
  const { number, name } = bugs.find(({ id }) => id === 'B6');
  assert.equal(name, 'write_slot');
  const block = blocks.find((lines) => lines.some(([word, n]) => word === 'hash' && n === '16'));
  const computed = await compute(block, number);
  const hashes = block.map((line, i) => [line, computed[i]]).filter(([[word]]) => word === 'hash');
  assert.ok(hashes.some(([[, n]]) => Number(n) > 16));
  for (const [[, n, hash], [,, got]] of hashes) assert.equal(got === hash, Number(n) <= 16, `${n} tokens`);
});

test('each bug in turn, on a model with a long prompt: most of them change what it writes', async () => {
  const block = blocks.find(([, [, ...prompt]]) => prompt.length > 32);
  let changed = 0;
  for (const { number } of bugs) {
    const got = await compute(block, number).catch(() => 'an error');
    changed += JSON.stringify(got) === JSON.stringify(block) ? 0 : 1;
  }
  assert.ok(changed >= 10 && changed < bugs.length, `${changed} of ${bugs.length}`);
});

test('kvc-lab.json has the bugs of the module, each with the lines as they are', async () => {
  assert.ok(bugs.length >= 26);
  for (const [i, { number, id, name, text, edits, found }] of bugs.entries()) {
    assert.ok(found.length > 0, `no test is known to find ${id}: ./build.sh mutants keep`);
    assert.equal(number, i + 1);
    assert.match(`${id} ${name} ${text}`, /^[A-Z]\d+[a-z]? [a-z_]+ [A-Z].*\.$/);
    for (const { file, line, right, wrong, before, after } of edits) {
      const lines = (await readFile(new URL(file, ROOT), 'utf8')).split('\n');
      const there = lines.slice(line - 1 - before.length, line + after.length);
      assert.deepEqual([...before, right, ...after], there);
      assert.notEqual(right, wrong);
    }
  }
});

test('its size: the budget of the others, and 3 KB gzip at most for the switches', async () => {
  const size = async (name) => gzipSync(await read(`web/engine/${name}.wasm`)).length;
  assert.ok(await size('kvc-lab') <= 48 * 1024);
  assert.ok(await size('kvc-lab') - await size('kvc') <= 3 * 1024);
});

test('only who asks for it gets it: the library does not name it', async () => {
  const { outputFiles } = await build({
    entryPoints: ['web/index.js', 'web/cli/kvcache-wasm.js'],
    absWorkingDir: fileURLToPath(ROOT),
    outdir: 'dist', bundle: true, format: 'esm', external: ['node:*'], write: false,
    logLevel: 'silent',
  });
  for (const { text, path } of outputFiles) assert.ok(!text.includes('kvc-lab'), path);
  assert.ok(outputFiles.some(({ text }) => text.includes('kvc-relaxed.wasm')), 'the bundles name the others');
});
