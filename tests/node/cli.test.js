// The command that the package brings: it serves the page, and says in a sentence what it cannot do.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const { bin, version } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'));
const COMMAND = fileURLToPath(new URL(bin['kvcache-wasm'], ROOT));

/** What a command says that ends at once. */
const say = (args, env = {}) => new Promise((resolve) => {
  execFile(process.execPath, [COMMAND, ...args], { env: { ...process.env, ...env } },
    (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
});

test('without a word it serves the page, on the port that PORT names', async (t) => {
  const child = spawn(COMMAND, { env: { ...process.env, PORT: '0' } }); // as npx runs it
  t.after(() => child.kill());
  let said = '';
  while (!/\n\n$/.test(said)) said += (await once(child.stdout, 'data'))[0];
  const [url] = said.match(/http:\/\/localhost:\d+\//);
  assert.match(await (await fetch(url)).text(), /<title>/);
  assert.equal((await fetch(`${url}models/stories/config.json`)).status, 200);
  assert.equal((await fetch(`${url}package.json`)).status, 404);
});

test('--help names every command, --version the release', async () => {
  const { code, stdout } = await say(['--help']);
  assert.equal(code, 0);
  assert.match(stdout, /kvcache-wasm \[serve\]\n +Serves .*PORT/s);
  assert.equal((await say(['--version'])).stdout, `${version}\n`);
});

test('what cannot be done is said in a sentence, without a stack', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address();
  const cases = [
    [['serf'], {}, 2, /no command "serf", only: serve/],
    [['serve', '--open'], {}, 2, /no "--open"/],
    [[], { PORT: '80x' }, 2, /PORT is "80x"/],
    [[], { PORT: '70000' }, 2, /0 to 65535/],
    [[], { PORT: String(port) }, 1, new RegExp(`Port ${port} is taken`)],
  ];
  for (const [args, env, expected, words] of cases) {
    const { code, stdout, stderr } = await say(args, env);
    assert.deepEqual([code, stdout], [expected, ''], stderr);
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});
