// npx kvcache-wasm generate: the text that the library writes, to standard output and nothing else; both ways
// compared bit for bit; every way to end it early; what is refused, in a sentence and with an exit code.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadModel } from 'kvcache-wasm';
import { report, verdict } from '../../web/cli/figures.js';
import { camelCase, inFlags, parse } from '../../web/cli/options.js';
import { SAMPLING_OPTIONS } from '../../web/cli/sampling.js';
import { proofOf } from '../../web/cli/write.js';
import { table } from '../../web/cli/commands/generate.js';
import { say, start } from './command.js';
import { throwsCode } from './helpers.js';

const STORIES = new URL('../../web/models/stories/', import.meta.url);
const SOUNDS = new URL('../../web/models/sounds/', import.meta.url);
const PROMPT = 'Once upon a time';

/** @type {import('kvcache-wasm').Model} */
let model;
before(async () => { model = await loadModel(STORIES); });
after(() => model.dispose());

/** What the library writes. */
async function written(prompt, options, from = model) {
  const session = from.createSession();
  const ids = [];
  let text = '';
  for await (const token of session.generate(prompt, options)) {
    ids.push(token.id);
    text += token.text;
  }
  return { ids, text, hash: session.logitsHash };
}

test('the text is that of the library, and the figures are beside it', async () => {
  const [on, off] = await Promise.all([
    say(['generate', PROMPT, '--max-tokens', '30', '--seed', '7']),
    say(['generate', '--cache=off', '--max-tokens=30', '--seed=7'], { input: `${PROMPT}\n` }),
  ]);
  const { text } = await written(PROMPT, { maxTokens: 30, seed: 7 });
  for (const [{ code, stdout, stderr }, cache] of [[on, 'on'], [off, 'off']]) {
    assert.deepEqual([code, stdout], [0, `${PROMPT}${text}\n`], stderr);
    assert.match(stderr, new RegExp(`^cache ${cache} +4 tokens +[\\d,.]+/s +30 tokens +[\\d,.]+/s`, 'm'));
  }
});

test('--cache both: the text once, two speeds, and the hash of the same bits', async () => {
  const { code, stdout, stderr } = await say(['generate', PROMPT, '--cache', 'both', '--max-tokens', '20']);
  const { text, hash } = await written(PROMPT, { maxTokens: 20 });
  assert.deepEqual([code, stdout], [0, `${PROMPT}${text}\n`], stderr);
  assert.match(stderr, /^cache off +4 tokens .*\ncache on +4 tokens .*\nWith the cache decoding is [\d.]+ /m);
  assert.match(stderr, new RegExp(`after each of 20 tokens the logits are the same bits .*${hash}`));
});

test('--chat puts the prompt through a template, and writes the answer alone', async () => {
  const template = "{% for message in messages %}{{ message.role ~ ': ' ~ message.content ~ '\n' }}"
    + '{% endfor %}';
  const args = ['--chat', '--system', 'Be kind.', '--template', template, '--max-tokens', '10'];
  const { code, stdout, stderr } = await say(['generate', 'Who are you?', ...args]);
  const { text } = await written('system: Be kind.\nuser: Who are you?\n', { maxTokens: 10 });
  assert.deepEqual([code, stdout], [0, `${text}\n`], stderr);
});

test('--json is one object, with every setting heard', async () => {
  const options = { maxTokens: 12, temperature: 0.7, topK: 9, topP: 0.9, minP: 0.01, seed: 3, stop: 'zebra',
    repetitionPenalty: 1.2, frequencyPenalty: 0.4, presencePenalty: 0.3, noRepeatNgramSize: 3, minTokens: 2 };
  assert.deepEqual(Object.keys(options).sort(), Object.keys(SAMPLING_OPTIONS).map(camelCase).sort());
  const flags = Object.entries(options)
    .map(([name, value]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}=${value}`);
  const args = ['generate', '--json', '--weights', 'int8', '--cache', 'both', ...flags, '--', '-- A king'];
  const { code, stdout, stderr } = await say(args);
  assert.deepEqual([code, stderr], [0, '']);
  const small = await loadModel(STORIES, { weights: 'int8' });
  const { ids, text, hash } = await written('-- A king', options, small);
  const { runs, ...rest } = JSON.parse(stdout);
  assert.deepEqual({ ...rest, speedUp: 0 }, { prompt: '-- A king', text, tokens: ids, speedUp: 0,
    proof: { equal: true, tokens: ids.length, hash } });
  assert.deepEqual(runs.map(({ cache }) => cache), ['off', 'on']);
  for (const { prefill, decode, logitsHash, reason, cache, cacheBytes } of runs) {
    assert.deepEqual([prefill.tokens, decode.tokens, logitsHash, reason],
      [small.encode('-- A king').length, ids.length, hash, 'length']);
    assert.equal(decode.tokensPerSecond, 1e3 * decode.tokens / decode.ms);
    assert.equal(cacheBytes > 0, cache === 'on');
  }
  assert.equal(rest.speedUp, runs[0].decode.ms / runs[1].decode.ms);
  small.dispose();
});

test('with an encoder the answer alone, that of transformers; both caches off and on', async () => {
  const reference = await readFile(new URL('../fixtures/sounds.json', import.meta.url), 'utf8');
  const { word, source, greedy, text } = JSON.parse(reference).words.find((one) => one.greedy.length > 5);
  const [plain, json, tale] = await Promise.all([
    say(['generate', '--model', 'sounds', '--cache', 'both'], { input: `${word}\n` }),
    say(['generate', word, '--model', fileURLToPath(SOUNDS), '--cache', 'both', '--json']),
    say(['generate', PROMPT, '--model', 'tales', '--max-tokens', '8']),
  ]);
  assert.deepEqual([plain.code, plain.stdout], [0, `${text}\n`], plain.stderr);
  const figures = `${source.length} tokens +[\\d,.]+/s +1 token +[\\d,.]+/s +\\d+ tokens +[\\d,.]+/s +`;
  assert.match(plain.stderr, new RegExp(` +encoder .*\ncache off +${figures}.*\ncache on +${figures}`));
  assert.match(plain.stderr, /^With both caches decoding is /m);
  const { runs, proof, ...said } = JSON.parse(json.stdout);
  assert.deepEqual([said.prompt, said.text], [word, text], json.stderr);
  assert.deepEqual(said.tokens, greedy.filter((id) => id > 1)); // without the ends
  assert.equal(proof.tokens, said.tokens.length);
  const bytes = runs.map(({ cache, cacheBytes, crossCacheBytes }) => [cache, cacheBytes, crossCacheBytes]);
  const token = 3 * 2 * 128 * 4; // layers, keys and values, width, f32
  assert.deepEqual(bytes, [['off', 0, 0], ['on', token * (1 + said.tokens.length), token * source.length]]);
  for (const { encoder, prefill } of runs) {
    assert.deepEqual([encoder.tokens, prefill.tokens], [source.length, 1]);
    assert.equal(encoder.tokensPerSecond, 1e3 * encoder.tokens / encoder.ms);
  }
  const tales = await loadModel(new URL('../../web/models/tales/', import.meta.url));
  assert.equal(tale.stdout, `${PROMPT}${(await written(PROMPT, { maxTokens: 8 }, tales)).text}\n`);
  tales.dispose();
});

test('speeds of runs that differ are not told', () => {
  const run = (cache, change = {}) => ({
    cache, ids: [5, 6, 7], hashes: ['a', 'b', 'c'], text: 'xyz', reason: 'length',
    prefill: { tokens: 2, ms: 1 }, decode: { tokens: 3, ms: cache === 'on' ? 2 : 6 }, ...change,
  });
  const off = run('off');
  const proof = proofOf(off, run('on'));
  assert.deepEqual(proof, { equal: true, tokens: 3, hash: 'c' });
  assert.match(verdict([off, run('on')], proof), /decoding is 3 times as fast\. .*each of 3 tokens/);
  for (const [change, place] of [[{ hashes: ['a', 'b', 'd'] }, 3], [{ hashes: ['a', 'x', 'c'] }, 2],
    [{ ids: [5, 6, 8] }, 3], [{ ids: [5, 6], hashes: ['a', 'b'] }, 3]]) {
    throwsCode(() => proofOf(off, run('on', change)), 'outputs_differ', new RegExp(`token ${place} `));
    throwsCode(() => proofOf(run('off', change), run('on')), 'outputs_differ', new RegExp(`token ${place} `));
  }
  const cut = run('on', { ids: [5], hashes: ['a'], reason: 'stopped', decode: { tokens: 1, ms: 1 } });
  assert.deepEqual(proofOf(off, cut), { equal: true, tokens: 1, hash: 'a' });
  assert.equal(report([off, cut], proofOf(off, cut)).speedUp, null, 'of other numbers of tokens');
  assert.equal(proofOf(off, run('on', { ids: [], hashes: [], reason: 'stopped' })), undefined);
});

// ---- ended early --------------------------------------------------------------------------------

test('Ctrl+C: the text stays, the figures are of what was done', async () => {
  const run = start(['generate', PROMPT, '--cache', 'both', '--max-tokens', '1000'], { input: '' });
  while (run.stdout.length < 60) await once(run.child.stdout, 'data');
  run.child.kill('SIGINT');
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 130, stderr);
  const [, tokens] = stderr.match(/^cache off +4 tokens .*?(\d+) tokens? .*stopped$/m) ?? assert.fail(stderr);
  const { text } = await written(PROMPT, { maxTokens: Number(tokens) });
  assert.equal(stdout.trimEnd(), `${PROMPT}${text}`.trimEnd());
  assert.doesNotMatch(stderr, /cache on|same/, 'the other way was not begun');
});

test('Ctrl+C and a termination while the model comes', async (t) => {
  const server = createServer(() => {}).listen(0, '127.0.0.1'); // never answers
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  for (const [signal, expected] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    const url = `http://127.0.0.1:${server.address().port}/`;
    const run = start(['generate', PROMPT, '--model', url], { input: '' });
    await once(server, 'request');
    run.child.kill(signal);
    assert.deepEqual(await run.ended, { code: expected, stdout: '', stderr: '' });
  }
});

test('a reader that goes away ends it, without a word', async () => {
  const run = start(['generate', PROMPT, '--cache', 'off', '--max-tokens', '1000'], { input: '' });
  await once(run.child.stdout, 'data');
  run.child.stdout.destroy();
  const { code, stderr } = await run.ended;
  assert.deepEqual([code, stderr], [141, '']);
});

// ---- refused ------------------------------------------------------------------------------------

test('what cannot be done is said in a sentence, with a code', async () => {
  const cases = [
    [['generate', 'x', '--max-token', '3'], 2, /no option --max-token: did you mean --max-tokens\?/],
    [['generate', 'x', '--use-cache'], 2, /did you mean --cache\?/],
    [['generate', 'x', '--top-p', '2', '--max-tokens', '1'], 2, /^--top-p is 2; it must be/],
    [['generate', 'x', '--max-tokens', '-5'], 2, /^--max-tokens is -5; it must be/],
    [['generate', 'x', '--max-tokens', '1.5'], 2, /^--max-tokens is 1\.5; it must be/],
    [['chat', '--context', '0'], 2, /^--context is 0; it must be/],
    [['generate', 'x', '--model', '/no/such/folder'], 1, /\/no\/such\/folder/],
    [['generate', 'x', '--model', 'https://127.0.0.1:1/some/'], 1, /127\.0\.0\.1:1\/some\/config\.json/],
    [['generate', 'x', '--model', 'gpt2/gpt2'], 1, /huggingface\.co\/gpt2\/gpt2\/resolve\/main\//],
    [['generate', 'x', '--chat'], 1, /no chat template/],
    [['generate', 'a'.repeat(1000), '--model', 'sounds'], 1, /^The source has 1001 tokens.* at most 512/],
    [['generate'], 2, /needs a prompt/],
  ];
  await Promise.all(cases.map(async ([args, expected, words]) => {
    const { code, stdout, stderr } = await say(args);
    assert.deepEqual([code, stdout], [expected, ''], stderr);
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }));
});

test('--json has what failed, and what was called in a wrong way', async () => {
  for (const [args, exit, code, words] of [
    [['x', '--json', '--model', '/no/such/folder'], 1, 'file_unreachable', /\/no\/such\/folder/],
    [['x', '--json', '--top-p', '2'], 2, 'invalid_argument', /topP is 2/],
    [['x', '--top-k', 'five', '--json'], 2, 'invalid_argument', /^--top-k is "five"; it must be a number\.$/],
    [['two', 'words', '--json'], 2, 'invalid_argument', /one prompt/],
  ]) {
    const said = await say(['generate', ...args]);
    const { error } = JSON.parse(said.stdout);
    assert.deepEqual([said.code, error.code], [exit, code], said.stderr);
    assert.match(error.message, words);
  }
  const { code, stdout } = await say(['generate', '--top-k', 'five', '--', '--json']); // which is a prompt
  assert.deepEqual([code, stdout], [2, '']);
});

test('a text that slides has room for its sinks, however short it is', async () => {
  const slide = ['generate', PROMPT, '--model', 'tales', '--when-full', 'slide', '--max-tokens', '8'];
  const [some, many] = await Promise.all([say(slide), say([...slide, '--sinks', '20'])]);
  const tales = await loadModel(new URL('../../web/models/tales/', import.meta.url));
  const { text } = await written(PROMPT, { maxTokens: 8 }, tales);
  tales.dispose();
  for (const { code, stdout, stderr } of [some, many]) {
    assert.deepEqual([code, stdout], [0, `${PROMPT}${text}\n`], stderr);
  }
});

test('words are read as options of the table and nothing else', () => {
  const read = (...args) => parse('generate', args, table);
  assert.deepEqual(read('a', '--top-k', '5', '--json', '--seed=-1', '--', '--chat'),
    { values: { topK: 5, json: true, seed: -1 }, words: ['a', '--chat'] });
  assert.deepEqual(read('--seed', '1', '--seed', '2e1').values, { seed: 20 });
  for (const [args, words] of [
    [['--cache', 'of'], /--cache is "of"; it must be on or off or both/],
    [['--cache'], /--cache needs a value: --cache MODE/],
    [['--top-k', 'five'], /--top-k is "five"; it must be a number/],
    [['--top-k', ''], /must be a number/],
    [['--top-k', '--json'], /--top-k is "--json"/],
    [['--json=yes'], /--json takes no value/],
    [['--topk', '5'], /no option --topk: did you mean --top-k/],
    [['--prompt', 'x'], /no option --prompt: --help/],
    [['-n', '5'], /no option -n: --help/],
    [['--constructor'], /no option --constructor/],
  ]) {
    assert.throws(() => read(...args), (error) => error.exitCode === 2 && words.test(error.message));
  }
  for (const [said, shown] of [
    ['topP is 2; use maxTokens or nothing.', '--top-p is 2; use --max-tokens or nothing.'],
    ["It needs 3 GB. With weights: 'int8' 1 GB.", 'It needs 3 GB. With --weights int8 1 GB.'],
    ['temperature is -1; it must be', '--temperature is -1; it must be'],
    ['The seed is 1.5.', 'The seed is 1.5.'],
  ]) {
    assert.equal(inFlags(said, table), shown);
  }
});

test('on a terminal', { skip: process.platform !== 'linux' && 'needs the script of util-linux' }, () => {
  const command = new URL('../../web/cli/kvcache-wasm.js', import.meta.url).pathname;
  const env = { ...process.env, TERM: 'xterm' };
  const look = (words) => execFileSync('script', ['-qec',
    `stty rows 12 cols 50; '${command}' generate ${words}`, '/dev/null'],
  { encoding: 'utf8', input: '', env });
  const shown = look('Once --cache both --max-tokens 12');
  const both = /cache off\x1b.*\x1b\[1;11r.*cache off: reading .*\x1b\[r.*cache on\x1b.*\x1b\[r.*same bits/s;
  assert.match(shown, both);
  // The source has a line of its own.
  assert.match(look('hello --model sounds'), /\x1b\[2mhello\x1b\[0m\r\n[^\n]*HH EH1 L OW0\x1b/);
});
