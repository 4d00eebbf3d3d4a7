// npx kvcache-wasm chat: a conversation over a pipe, as the library would have it, with the cache on and off,
// and what keys do at a terminal.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { COMMAND, say, start } from './command.js';

const TEMPLATE = "{% for message in messages %}{{ message.role ~ ':\n' ~ message.content ~ '\n' }}"
  + "{% endfor %}{% if add_generation_prompt %}{{ 'assistant:\n' }}{% endif %}";
const SETTINGS = ['--template', TEMPLATE, '--max-tokens', '12', '--temperature', '0', '--system', 'Be kind.'];

/** What the library answers to each of these, as if said one after the other. */
async function answersTo(...said) {
  const model = await loadModel(new URL('../../web/models/stories/', import.meta.url));
  const messages = [{ role: 'system', content: 'Be kind.' }];
  const answers = [];
  for (const content of said) {
    messages.push({ role: 'user', content });
    let answer = '';
    const options = { maxTokens: 12, temperature: 0, chat: { template: TEMPLATE } };
    for await (const { text } of model.createSession().generate(messages, options)) answer += text;
    messages.push({ role: 'assistant', content: answer });
    answers.push(answer);
  }
  model.dispose();
  return answers;
}

/** Each answer ends its line. */
const lines = (answers) => answers.map((answer) => (answer.endsWith('\n') ? answer : `${answer}\n`)).join('');

test('with the cache and without it the same answers; with it only what a turn adds is read', async () => {
  const [answers, [fresh]] = [await answersTo('Hello there', 'And then?'), await answersTo('A king')];
  const input = 'Hello there\nAnd then?\n';
  const [on, off, mixed] = await Promise.all([
    say(['chat', ...SETTINGS], { input }),
    say(['chat', ...SETTINGS, '--cache', 'off'], { input }),
    say(['chat', ...SETTINGS], {
      input: 'Hello there\n\n/cache off\nAnd then?\n/help\n/cache on\n/clear\nA king\n/bye \nnot said\n',
    }),
  ]);
  for (const { code, stdout, stderr } of [on, off]) {
    assert.deepEqual([code, stdout], [0, lines(answers)], stderr);
  }
  assert.deepEqual([mixed.code, mixed.stdout], [0, lines([...answers, fresh])], mixed.stderr);
  const cached = ({ stderr }) => (
    [...stderr.matchAll(/of \d+ tokens (\d+) were cached/g)].map(([, n]) => Number(n)));
  assert.equal(cached(on).length, 2);
  assert.ok(cached(on)[1] > 20, on.stderr);
  assert.deepEqual(cached(off), [0, 0]);
  assert.deepEqual(cached(mixed).slice(0, 2), [0, 0]);
  assert.match(mixed.stderr, /^There are \/cache on, \/cache off, \/clear and \/bye\.$/m);
});

test('what a model cannot do is said before anybody types; what does not fit, instead', async () => {
  const without = await say(['chat'], { input: 'Hello\n' });
  assert.deepEqual([without.code, without.stdout], [1, '']);
  assert.match(without.stderr, /no chat template/);
  const word = await say(['chat', 'Hello']);
  assert.deepEqual([word.code, word.stdout], [2, '']);
  const long = 'long '.repeat(50);
  const full = await say(['chat', ...SETTINGS, '--context', '40'], { input: `${long}\nHello\n` });
  assert.deepEqual([full.code, full.stdout], [0, lines(await answersTo('Hello'))], full.stderr);
  assert.match(full.stderr, /\/clear begins a new conversation\.$/m);
});

test('Ctrl+C ends it, with what was answered', async () => {
  const args = ['chat', '--template', TEMPLATE, '--cache', 'off', '--max-tokens', '1000'];
  const run = start(args);
  run.child.stdin.write('Once upon a time\n');
  await once(run.child.stdout, 'data');
  run.child.kill('SIGINT');
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 130, stderr);
  assert.ok(stdout.endsWith('\n'));
  assert.match(stderr, /tokens? written at .*\(stopped\)$/m);
});

/** Types something at each prompt of a terminal, in the end Ctrl+D; how it ended, and what was to be seen. */
async function type(...keys) {
  const quoted = [COMMAND, 'chat', ...SETTINGS].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const env = { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' };
  const child = spawn('script', ['-qec', quoted.join(' '), '/dev/null'], { env });
  let [shown, prompts] = ['', 0];
  child.stdin.on('error', () => {}); // it has ended
  child.stdout.setEncoding('utf8').on('data', (text) => {
    shown += text;
    const all = shown.split('> \x1b[3G').length - 1; // with nothing behind them
    while (prompts < all) child.stdin.write(keys[prompts++] ?? '\x04');
  });
  const [code] = await once(child, 'close');
  return { code, shown };
}

test('at a terminal Ctrl+D ends it, as /bye does, and Ctrl+C with its code', {
  skip: process.platform !== 'linux' && 'needs the script of util-linux',
}, async () => {
  for (const [keys, expected] of [[[], 0], [['/other\r'], 0], [['/bye \r'], 0], [['\x03'], 130]]) {
    const { code, shown } = await type(...keys);
    assert.equal(code, expected, shown);
    assert.doesNotMatch(shown, /Error/);
    assert.equal(/There are/.test(shown), keys[0] === '/other\r', shown);
  }
});
