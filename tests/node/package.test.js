// The package as npm would publish it: every export is there, nothing is shipped that no export, no command
// and no page needs, and it fits on the networks that deliver it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFile(new URL(path, ROOT), 'utf8');

const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'],
  { cwd: fileURLToPath(ROOT) });
const [{ files, unpackedSize }] = JSON.parse(stdout);
const shipped = files.map((file) => file.path);
const { exports, bin, main, types, jsdelivr, unpkg, version } = JSON.parse(await read('package.json'));
const targets = Object.values(exports)
  .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
  .map((target) => target.slice('./'.length));

/** A relative path in an import, of types too (in a comment), or in new URL(). */
const SPECIFIER = /(?:from|import|import\(|new URL\()\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** The files of a kind (".js", ".d.ts") that these lead to, themselves included. */
async function reached(kind, from) {
  const seen = new Set();
  const next = from.filter((path) => path.endsWith(kind));
  for (let path = next.pop(); path; path = next.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const [, specifier] of (await read(path)).matchAll(SPECIFIER)) {
      if (specifier.endsWith('.js')) next.push(join(dirname(path), specifier).replace(/\.js$/, kind));
    }
  }
  return [...seen].sort();
}

const shippedIn = (folder, kind) => (
  shipped.filter((path) => path.startsWith(folder) && path.endsWith(kind)).sort());

test('every export, and whatever else package.json names, is shipped', () => {
  assert.ok(targets.length >= 12, `only ${targets}`);
  const named = [main, types, jsdelivr, unpkg].filter(Boolean).map((path) => path.replace(/^\.\//, ''));
  const patterns = targets.filter((path) => path.includes('*'));
  const plain = targets.filter((path) => !path.includes('*'));
  assert.deepEqual([...plain, ...named, ...Object.values(bin)].filter((path) => !shipped.includes(path)), []);
  for (const pattern of patterns) {
    assert.ok(shippedIn(pattern.slice(0, pattern.indexOf('*')), '').length > 0, pattern);
  }
});

test('of web/, the scripts that are shipped are those that the exports and the command lead to', async () => {
  const ours = targets.filter((path) => path.startsWith('web/'));
  const modules = await reached('.js', [...ours, ...Object.values(bin)]);
  assert.ok(modules.includes('web/index.js') && modules.includes('web/cli/server.js'), `only ${modules}`);
  assert.deepEqual(shippedIn('web/', '.js'), modules);
});

test('types are shipped of what the exports lead to, and lack nothing that they refer to', async () => {
  const byHand = 'dist/types/demo/tag.d.ts'; // global names, which no JavaScript can declare
  assert.match(await read('dist/types/demo/kv-cache-demo.d.ts'), /<reference path="\.\/tag\.d\.ts"/);
  const declarations = shippedIn('', '.d.ts').filter((path) => path !== byHand);
  const sourceOf = (path) => path.replace(/^dist\/types\//, 'web/').replace(/\.d\.ts$/, '.js');
  const sources = await reached('.js', targets.filter((path) => path.endsWith('.d.ts')).map(sourceOf));
  assert.deepEqual(declarations.map(sourceOf).filter((path) => !sources.includes(path)), []);
  const wanted = await reached('.d.ts', targets);
  assert.ok(wanted.includes('dist/types/session/session.d.ts'), `only ${wanted}`);
  assert.deepEqual(wanted.filter((path) => !declarations.includes(path)), []);
});

test('of dist/, what a site needs is shipped, and nothing that only its makers read', () => {
  const site = shippedIn('dist/', '').map((path) => path.slice('dist/'.length));
  const kinds = new Set(site.map((path) => path.replace(/^.*?(\.d\.ts|\.\w+)$/, '$1')));
  assert.deepEqual([...kinds].sort(), [
    '.css', '.d.ts', '.html', '.js', '.json', '.md', '.mjs', '.png', '.safetensors', '.svg', '.txt', '.wasm',
  ]);
  const some = ['index.html', 'embed.html', 'worker/worker.js', 'engine/kvc.wasm',
    'models/stories/model.safetensors', 'THIRD_PARTY_LICENSES.txt'];
  assert.deepEqual(some.filter((path) => !site.includes(path)), []);
});

test('what the page links to is shipped: a picture for previews, the model’s card, licences', async () => {
  const site = process.env.SITE_URL ?? ''; // as in web/build.js
  const html = (await read('dist/index.html')).replace(`"${site}preview.png"`, '"preview.png"');
  const links = [...html.matchAll(/(?:href|src|og:image" content)="([^"#]+)"/g)].map(([, link]) => link)
    .filter((link) => !/^\w+:/.test(link) && link !== 'kv-cache-demo.html'); // not offered where it is absent
  const wanted = ['preview.png', 'models/stories/README.md', 'LICENSE.txt', 'THIRD_PARTY_LICENSES.txt'];
  assert.deepEqual(wanted.filter((link) => !links.includes(link)), []);
  assert.deepEqual(links.filter((link) => !shipped.includes(`dist/${link}`)), []);
});

test('the rest is the WebAssembly modules, the C header and the manuals', () => {
  const rest = shipped.filter((path) => !/^dist\/|\.js$/.test(path)).sort();
  assert.deepEqual(rest, [
    'CHANGELOG.md', 'LICENSE', 'README.md', 'custom-elements.json', 'include/kvc.h', 'package.json',
    'web/README.md',
    'web/engine/kvc-lab.json', 'web/engine/kvc-lab.wasm',
    'web/engine/kvc-relaxed.wasm', 'web/engine/kvc-scalar.wasm', 'web/engine/kvc.wasm',
  ]);
});

test('it fits: 33 MB in all, 8 MB for a file, each model as such once, and one twice inside a script', () => {
  assert.ok(unpackedSize < 33e6, `${unpackedSize} bytes`);
  const large = files.filter(({ size }) => size > 1e6).map(({ path, size }) => [path, size]);
  assert.ok(large.every(([, size]) => size < 8e6), JSON.stringify(large));
  assert.deepEqual(large.map(([path]) => path).filter((path) => path.endsWith('.safetensors')).sort(),
    ['sounds', 'stories', 'tales'].map((name) => `dist/models/${name}/model.safetensors`));
});

test('the models are where the package says', async () => {
  const { loadModel } = await import('kvcache-wasm');
  for (const name of ['stories', 'tales', 'sounds']) {
    const { [name]: files } = await import(`kvcache-wasm/models/${name}`);
    assert.deepEqual(Object.values(files).map((url) => url.href),
      Object.keys(files).map((file) => import.meta.resolve(`kvcache-wasm/models/${name}/${file}`)));
    const model = await loadModel(files);
    if (name !== 'sounds') assert.equal(model.config.nPositions, 1024);
    model.dispose();
  }
});

test('the class of the element is there where there are no elements, and nothing is registered', async () => {
  const { KvCacheDemo } = await import('kvcache-wasm/element-class');
  assert.equal(KvCacheDemo.version, version);
  assert.deepEqual(Object.keys(await import('kvcache-wasm/element')), ['KvCacheDemo']);
});

test('the lab is: a module with a switch for every bug of the list', async () => {
  const { labModule, labBugs } = await import('kvcache-wasm/lab');
  const bugs = JSON.parse(await readFile(labBugs, 'utf8'));
  assert.equal(bugs[0].number, 1);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16 });
  const { exports: lab } = await WebAssembly.instantiate(await WebAssembly.compile(await readFile(labModule)),
    { env: { memory, emscripten_notify_memory_growth() {} } });
  assert.equal(typeof lab.kvc_lab_set, 'function');
});
