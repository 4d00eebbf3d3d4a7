// The make file: a touched file rebuilds what includes it, directly or not, and nothing else.
// `make -n -W FILE` prints what would be built if FILE had just changed, `make -pq` what depends on what.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FLAVOUR = 'build/quick';

const files = (await readdir(join(ROOT, 'src'), { recursive: true }))
  .filter((file) => /\.[ch]$/.test(file) && !file.startsWith('train/')).map((file) => `src/${file}`);
const core = files.filter((file) => file.endsWith('.c') && !/^src\/(wasm|lab)\//.test(file));
const objectOf = (source) => `${FLAVOUR}/${source.replace(/\.c$/, '.o')}`;
const make = (...args) => (
  promisify(execFile)('make', ['-f', 'src/build.mk', ...args], { cwd: ROOT, maxBuffer: 2 ** 26 }));

/** The project's headers that each file names. @type {Map<string, string[]>} */
const includes = new Map(await Promise.all([...files, 'include/kvc.h'].map(async (file) => {
  const text = await readFile(join(ROOT, file), 'utf8');
  const names = [...text.matchAll(/^#include "(.*)"/gm)].map(([, name]) => name);
  return /** @type {const} */ ([file, names.map((name) => join(name === 'kvc.h' ? 'include' : 'src', name))]);
})));

/** Does a file include a header, directly or through others? */
const reaches = (file, header) => includes.get(file).some((name) => name === header || reaches(name, header));

/** The objects of the core that make would compile. */
async function rebuilt(...args) {
  const { stdout } = await make('-n', ...args, ...core.map(objectOf));
  return [...stdout.matchAll(/ -c \S+ -o (\S+)/g)].map(([, object]) => object).sort();
}

/** What each target depends on. @type {Map<string, string[]>} */
let needs;

before(async () => {
  await make('-s', '-j2', ...core.map(objectOf));
  // It exits with 1 where not all is built.
  const { stdout } = await make('-pq', ...core.map(objectOf)).catch((error) => error);
  const rules = [...stdout.matchAll(/^([^\s:]+): (.*)/gm)];
  needs = new Map(rules.map(([, target, all]) => [target, all.split(' | ')[0].split(' ')]));
});

test('what is built is not built again', async () => assert.deepEqual(await rebuilt(), []));

test('a header rebuilds what includes it', async () => {
  let partial = 0;
  for (const header of [...includes.keys()].filter((file) => file.endsWith('.h'))) {
    const expected = core.filter((file) => reaches(file, header));
    assert.deepEqual(core.filter((file) => needs.get(objectOf(file)).includes(header)), expected, header);
    partial += expected.length > 0 && expected.length < core.length ? 1 : 0;
  }
  assert.ok(partial >= 10);
  assert.deepEqual(await rebuilt('-W', 'include/kvc.h'),
    core.filter((file) => reaches(file, 'include/kvc.h')).map(objectOf).sort());
});

test('a source rebuilds its own object, the make file every one', async () => {
  assert.deepEqual(await rebuilt('-W', 'src/cache/pages.c'), [objectOf('src/cache/pages.c')]);
  assert.deepEqual(await rebuilt('-W', 'src/build.mk'), core.map(objectOf).sort());
});

test('an object that changes links every test program again; a test its own', async () => {
  const programs = [`${FLAVOUR}/test_cache`, `${FLAVOUR}/test_gpt`];
  await make('-s', '-j2', ...programs);
  const linked = async (file) => {
    const { stdout } = await make('-n', '-W', file, ...programs);
    return [...stdout.matchAll(/ -o build\/quick\/(test_\w+)$/gm)].map(([, program]) => program);
  };
  assert.deepEqual(await linked('src/cache/pages.c'), ['test_cache', 'test_gpt']);
  assert.deepEqual(await linked('tests/native/test_gpt.c'), ['test_gpt']);
});

test('every module depends on every source, every header and the list of exports', async () => {
  const targets = ['kvc', 'kvc-relaxed', 'kvc-scalar', 'kvc-lab'].map((name) => `web/engine/${name}.wasm`);
  const shared = ['include/kvc.h', 'src/build.mk', ...files.filter((file) => !file.startsWith('src/lab/'))];
  const wasm = (await readdir(join(ROOT, 'src/wasm'))).map((file) => `src/wasm/${file}`);
  for (const target of targets) {
    const lacks = [...shared, ...wasm].filter((file) => !needs.get(target).includes(file));
    assert.deepEqual(lacks, [], target);
  }
  const { stdout } = await make('-n', '-W', 'src/lab/bugs.txt', ...targets);
  assert.ok(stdout.includes('run_emcc web/engine/kvc-lab.wasm') && stdout.includes('plant.js build/lab'));
});
