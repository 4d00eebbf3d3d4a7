// The package as npm would publish it: every export is there, and nothing is shipped that no export reaches.
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
const shipped = JSON.parse(stdout)[0].files.map((file) => file.path);
const { exports } = JSON.parse(await read('package.json'));
const targets = Object.values(exports)
  .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
  .map((target) => target.slice('./'.length));

/** A relative path in an import, of types too (in a comment), or in new URL(). */
const SPECIFIER = /(?:from|import|import\(|new URL\()\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** The files of a kind (".js", ".d.ts") that the exports lead to, themselves included. */
async function reached(kind) {
  const seen = new Set();
  const next = targets.filter((path) => path.endsWith(kind));
  for (let path = next.pop(); path; path = next.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const [, specifier] of (await read(path)).matchAll(SPECIFIER)) {
      if (specifier.endsWith('.js')) next.push(join(dirname(path), specifier).replace(/\.js$/, kind));
    }
  }
  return [...seen].sort();
}

const modules = await reached('.js');
const ofKind = (kind) => shipped.filter((path) => path.endsWith(kind));

test('every export is shipped', () => {
  assert.ok(targets.length >= 7, `only ${targets}`);
  assert.deepEqual(targets.filter((path) => !shipped.includes(path)), []);
});

test('the scripts that are shipped are those that the exports lead to', () => {
  assert.ok(modules.includes('web/index.js') && modules.includes('web/engine/errors.js'), `only ${modules}`);
  assert.deepEqual(ofKind('.js').sort(), modules);
});

test('types are shipped of nothing but these scripts, and lack nothing that they refer to', async () => {
  const declarations = ofKind('.d.ts');
  const moduleOf = (path) => path.replace(/^dist\/types\//, 'web/').replace(/\.d\.ts$/, '.js');
  assert.deepEqual(declarations.filter((path) => !modules.includes(moduleOf(path))), []);
  const wanted = await reached('.d.ts');
  assert.ok(wanted.includes('dist/types/session/session.d.ts'), `only ${wanted}`);
  assert.deepEqual(wanted.filter((path) => !declarations.includes(path)), []);
});

test('the rest is the WebAssembly modules, the C header and the manuals', () => {
  const rest = shipped.filter((path) => !/\.(js|d\.ts)$/.test(path)).sort();
  assert.deepEqual(rest, [
    'CHANGELOG.md', 'LICENSE', 'README.md', 'include/kvc.h', 'package.json', 'web/README.md',
    'web/engine/kvc-relaxed.wasm', 'web/engine/kvc-scalar.wasm', 'web/engine/kvc.wasm',
  ]);
});
