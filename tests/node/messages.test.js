// The types of the worker's contract: tsc finds every misuse of it, and takes every right use.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { test } from 'node:test';

const MISUSED = resolve('tests/node/messages-misused.js');
const MARK = ' // wrong: ';

/** What tsc says about the file, by line. */
async function errorsOf(t, file) {
  await mkdir('build', { recursive: true });
  const folder = await mkdtemp(resolve('build/messages-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(`${folder}/tsconfig.json`, JSON.stringify({
    extends: '../../tsconfig.json',
    compilerOptions: { rootDir: '../..', noEmit: true, declaration: false, emitDeclarationOnly: false },
    files: [file],
    include: [],
  }));
  const tsc = spawnSync('node_modules/typescript/bin/tsc', ['-p', folder, '--pretty', 'false'],
    { encoding: 'utf8' });
  const errors = tsc.stdout.matchAll(/^(\S+)\((\d+),\d+\): error TS\d+: (.*(?:\n .*)*)/gm);
  const found = new Map();
  for (const [, where, line, words] of errors) {
    assert.equal(resolve(where), file, words);
    found.set(Number(line), `${found.get(Number(line)) ?? ''}${words}\n`);
  }
  return found;
}

test('tsc finds every misspelt request, field, event, answer and order, and nothing else', async (t) => {
  const found = await errorsOf(t, MISUSED);
  const lines = (await readFile(MISUSED, 'utf8')).split('\n');
  const marked = lines.flatMap((line, i) => (line.includes(MARK) ? [i + 1] : []));
  assert.ok(marked.length > 15);
  assert.deepEqual([...found.keys()].sort((a, b) => a - b), marked);
  for (const line of marked) {
    const words = lines[line - 1].split(MARK)[1];
    assert.ok(found.get(line).includes(words), `line ${line}: ${found.get(line)} and not: ${words}`);
  }
});
