// The README's JavaScript runs as it stands, and does what its comments say.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CachedAttention, KVCache } from 'kvcache-wasm';
import { Model } from '../../web/session/model.js';
import { Session } from '../../web/session/session.js';

const ROOT = new URL('../../', import.meta.url);

const printed = [/^Once upon a time.{40,}\ntrue\n$/s, /^4 true\n192\n\[ 1, 4, 3, 16 \] 208\n$/];

test('the examples of the README run and print what they say', async () => {
  const readme = await readFile(new URL('README.md', ROOT), 'utf8');
  const examples = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]);
  assert.equal(examples.length, printed.length);
  await mkdir(new URL('build/', ROOT), { recursive: true });
  for (const [i, example] of examples.entries()) {
    const file = new URL(`build/readme-example-${i}.mjs`, ROOT); // within the package, so that its own name resolves
    await writeFile(file, example);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileURLToPath(file)], { cwd: fileURLToPath(ROOT) });
    assert.match(stdout, printed[i]);
    assert.equal(stderr, '');
  }
});

test('every file and folder that the READMEs link to or list is there', async () => {
  for (const [name, base] of [['README.md', ROOT], ['src/README.md', new URL('src/', ROOT)], ['web/README.md', new URL('web/', ROOT)]]) {
    const text = await readFile(new URL(name, ROOT), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1]);
    const listed = [...text.matchAll(/^\| (`.*?`) \|/gm)].flatMap((match) => match[1].match(/[\w./-]+\.\w+/g) ?? []);
    for (const path of [...links, ...listed]) await readFile(new URL(path, base), 'utf8').catch(() => assert.fail(`${name}: ${path}`));
  }
});

/** The public names of a class, those of its base included, and of what its constructor puts there. */
function namesOf(Class, fields) {
  const names = new Set(fields);
  for (let { prototype } = Class; prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype)) {
    for (const name of Object.getOwnPropertyNames(prototype)) if (name !== 'constructor') names.add(name);
  }
  return [...names].sort();
}

const TABLES = [
  ['Of a model', Model, ['loadModel', 'config', 'generation', 'weights', 'variant', 'sampledIds']],
  ['Of a session', Session, ['capacity']],
  ['Of a KVCache', KVCache, ['batchSize', 'maxSeqLen', 'numLayers', 'numHeads', 'headDim', 'keyType', 'valueType', 'whenFull', 'sinks']],
  ['Of a CachedAttention', CachedAttention, ['cache']],
];

test('the tables of the README list just what the classes have', async () => {
  const readme = await readFile(new URL('README.md', ROOT), 'utf8');
  for (const [title, Class, fields] of TABLES) {
    const [, rows] = readme.match(new RegExp(`^\\| ${title} \\| \\|\n\\| --- \\| --- \\|\n((?:\\|.*\n)+)`, 'm'));
    const listed = rows.split('\n').flatMap((row) => [...(row.split(' | ')[0].matchAll(/`(\w+)[^`]*`/g))].map((match) => match[1]));
    assert.deepEqual([...new Set(listed)].sort(), namesOf(Class, fields), title);
  }
});
