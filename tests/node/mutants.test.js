// The gate of planted bugs: what counts as found, and that it can fail.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const RIGHT = "eosTokenIds: fields.has('eos_token_id') ? eosTokenIds : config.eosTokenId,";
const FILE = 'web/config/generation.js';

const folder = await mkdtemp(join(tmpdir(), 'bugs-'));
after(() => rm(folder, { recursive: true }));

/** @param {string} id  @param {string} wrong  @param {string} found */
const bug = (id, wrong, { right = RIGHT, found = 'found config.test.js\n' } = {}) => (
  `bug ${id} a_name\ntext A sentence.\n${found}file ${FILE}\nright ${right}\nwrong ${wrong}\n\n`);

/** What the gate says of a list. */
async function gate(...bugs) {
  const list = join(folder, 'bugs.txt');
  await writeFile(list, bugs.join(''));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // these tests are not part of those
  return await new Promise((resolve) => {
    execFile(process.execPath, ['tests/node/mutants.js'], { env: { ...env, KVC_BUGS: list } },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
}

test('a bug that turns a test red is found, and the files stay as they are', async () => {
  const before = await readFile(FILE, 'utf8');
  const { code, stdout } = await gate(bug('T1', 'eosTokenIds: [7],'));
  assert.match(stdout, /^ {2}T1 +a_name +config: no file, an empty file/);
  assert.match(stdout, /^# found 1\n# missed 0$/m);
  assert.equal(code, 0);
  assert.equal(await readFile(FILE, 'utf8'), before);
});

test('a bug that nothing finds, or that no module can hold, is missed', async () => {
  const { code, stdout } = await gate(bug('T1', `${RIGHT} // the same`), bug('T2', 'eosTokenIds: (,'));
  assert.match(stdout, /T1 +a_name +config: NOTHING FOUND IT\n/);
  assert.match(stdout, /T2 +a_name +config: NO TEST RAN\n[^]*SyntaxError/);
  assert.match(stdout, /^# found 0\n# missed 2$/m);
  assert.equal(code, 1);
});

test('a list whose lines do not fit the sources, or that names no tests, is refused', async () => {
  for (const [changes, message] of [[{ right: 'no such line' }, /has no line/],
    [{ right: '*/' }, /more than one line/], [{ found: '' }, /lacks a found line/]]) {
    const { code, stderr } = await gate(bug('T1', 'x', changes));
    assert.match(stderr, message);
    assert.equal(code, 1);
  }
});

test('tests that are red without a bug, or not there, are told apart from those that find one', async () => {
  const { code, stdout } = await gate(bug('T1', 'eosTokenIds: [7],', { found: 'found no.test.js\n' }));
  assert.match(stdout, /no bug +no: NO TEST RAN\n/);
  assert.match(stdout, /T1 +a_name +no: NO TEST RAN\n/);
  assert.match(stdout, /^# found 0\n# missed 2$/m);
  assert.equal(code, 1);
});
