// The command that the package brings: its help, the page that it serves, and what it cannot do, said in a
// sentence.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { say, start, version } from './command.js';

test('without a word it serves the page, on the port that PORT names', async (t) => {
  const run = start([], { env: { PORT: '0' } });
  t.after(() => run.child.kill());
  while (!/\n\n$/.test(run.stdout)) await once(run.child.stdout, 'data');
  const [url] = run.stdout.match(/http:\/\/localhost:\d+\//);
  assert.match(await (await fetch(url)).text(), /<title>/);
  assert.equal((await fetch(`${url}models/stories/config.json`)).status, 200);
  assert.equal((await fetch(`${url}package.json`)).status, 404);
});

test('--help names every command, --version the release', async () => {
  const { code, stdout } = await say(['--help']);
  assert.equal(code, 0);
  assert.match(stdout, /kvcache-wasm \[serve\]\n +Serves .*PORT.*wasm generate PROMPT.*wasm chat/s);
  for (const [command, option] of [['generate', '--cache on|off|both'], ['chat', '--context N']]) {
    const { stdout: own } = await say([command, 'x', '--help']);
    assert.ok(own.includes(`\n    ${option} `) && own.includes('Ctrl+C stops'), own);
    assert.doesNotMatch(own, /PORT/);
  }
  assert.equal((await say(['--version'])).stdout, `${version}\n`);
});

test('what cannot be done is said in a sentence, without a stack', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const last = createServer().listen(65535, '127.0.0.1');
  await once(last, 'listening').catch(() => {}); // somebody else has it
  t.after(() => { taken.close(); last.close(); });
  const { port } = taken.address();
  const cases = [
    [['serf'], {}, 2, /no command "serf", only: serve, generate, chat\.$/m],
    [['generat'], {}, 2, /Did you mean generate\?/],
    [['serve', '--open'], {}, 2, /no "--open"/],
    [[], { PORT: '80x' }, 2, /PORT is "80x"/],
    [[], { PORT: '70000' }, 2, /0 to 65535/],
    [[], { PORT: String(port) }, 1, new RegExp(`Port ${port} is taken`)],
    [[], { PORT: '65535' }, 1, /Port 65535 is taken\..* 65534, or 0/],
  ];
  for (const [args, env, expected, words] of cases) {
    const { code, stdout, stderr } = await say(args, { env });
    assert.deepEqual([code, stdout], [expected, ''], stderr);
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});
