// The README's JavaScript runs as it stands, and does what its comments say.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = new URL('../../', import.meta.url);

test('the example of the README runs and prints true', async () => {
  const readme = await readFile(new URL('README.md', ROOT), 'utf8');
  const examples = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]);
  assert.equal(examples.length, 1);
  const file = new URL('build/readme-example.mjs', ROOT); // within the package, so that its own name resolves
  await mkdir(new URL('build/', ROOT), { recursive: true });
  await writeFile(file, examples[0]);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileURLToPath(file)], { cwd: fileURLToPath(ROOT) });
  assert.match(stdout, /^Once upon a time.{40,}\ntrue\n$/s);
  assert.equal(stderr, '');
});

test('every file and folder that the READMEs link to or list is there', async () => {
  for (const [name, base] of [['README.md', ROOT], ['src/README.md', new URL('src/', ROOT)], ['web/README.md', new URL('web/', ROOT)]]) {
    const text = await readFile(new URL(name, ROOT), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1]);
    const listed = [...text.matchAll(/^\| (`.*?`) \|/gm)].flatMap((match) => match[1].match(/[\w.-]+\.\w+/g) ?? []);
    for (const path of [...links, ...listed]) await readFile(new URL(path, base), 'utf8').catch(() => assert.fail(`${name}: ${path}`));
  }
});
