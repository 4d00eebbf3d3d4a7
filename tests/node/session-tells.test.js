// What a run tells about itself: how it ended, what it reused, how long it computed; and which ids are
// tokens.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { END_OF_TEXT, blobOf, byteTokenizer, collect, idsOf, randomIds, safetensors, smallConfig,
  throwsCode } from './helpers.js';
import { result } from './plain-beams.js';
import { randomTensors, tinyBlobs } from './tiny-model.js';

const changes = { n_positions: 96, vocab_size: 257, eos_token_id: null };
const HOT = { temperature: 1.3, maxTokens: 12 };
let model;
before(async () => { model = await loadModel(tinyBlobs({ changes })); });
after(() => model.dispose());

test('n samples end for the reason of sample 0, whatever the others drew', async () => {
  const eos_token_id = Array.from({ length: 12 }, (_, i) => 20 * i);
  const ending = await loadModel(tinyBlobs({ changes, generation: { eos_token_id } }));
  const reasonOf = async (options) => (
    await result(ending.createSession().generate([1, 2, 3], { ...HOT, ...options }))).reason;
  const lone = [];
  for (let seed = 0; seed < 10; seed++) lone.push(await reasonOf({ seed }));
  const pairs = new Set();
  for (let seed = 0; seed < 9; seed++) {
    assert.equal(await reasonOf({ seed, n: 2 }), lone[seed], `seeds ${seed} and ${seed + 1}`);
    pairs.add(`${lone[seed]}, ${lone[seed + 1]}`);
  }
  for (const pair of ['eos, length', 'length, eos']) assert.ok(pairs.has(pair), `no pair ${pair}`);
  ending.dispose();
});

test('prefillStats are of the last prompt, whichever call gave it', async () => {
  const session = model.createSession();
  const stats = () => {
    const { tokens, reused, ms } = session.prefillStats;
    assert.ok(ms >= 0);
    return [tokens, reused];
  };
  assert.deepEqual(stats(), [0, 0]);
  session.prefill(randomIds(7));
  assert.deepEqual(stats(), [7, 0]);
  session.sync([...randomIds(7), 1, 2]);
  assert.deepEqual(stats(), [9, 7]);
  session.decode(3);
  assert.deepEqual(stats(), [9, 7], 'a token is no prompt');
  session.sync([...randomIds(5), 9]);
  assert.deepEqual(stats(), [6, 5]);
  await session.generate(randomIds(5), { maxTokens: 1 }).next();
  assert.deepEqual(stats(), [5, 4]);
});

test('what other work does in a pause is no computing, and nothing is counted twice', async (t) => {
  for (const options of [HOT, { ...HOT, n: 3 }, { numBeams: 3, maxTokens: 12 }]) {
    // Each look at the clock takes 10 ms, so a pause is always due; in each, other work takes 1,000.
    let looks = 0, pauses = 0;
    const clock = t.mock.method(performance, 'now', () => 10 * ++looks + 1000 * pauses);
    const work = () => { pauses++, next = setImmediate(work); };
    let next = setImmediate(work);
    const session = model.createSession();
    const tokens = await collect(session.generate(randomIds(40), options));
    clearImmediate(next);
    clock.mock.restore();
    const computed = session.prefillStats.ms + tokens.reduce((sum, { ms }) => sum + ms, 0);
    assert.ok(pauses > 12, `${pauses} pauses`);
    const most = 10 * (looks - 3 * pauses); // a pause itself looks four times
    assert.ok(computed > 0 && computed <= most, `${computed} ms of ${most}`);
  }
});

test('a prompt begins with the begin-of-text token, once; ids are taken as they are', async (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const config = { add_bos_token: true, bos_token: END_OF_TEXT };
  const files = tinyBlobs({ changes }).set('tokenizer_config.json', blobOf(JSON.stringify(config)));
  const beginning = await loadModel(files);
  const session = beginning.createSession();
  for (const [prompt, ids] of [
    ['Hi', [256, 72, 105]], ['', [256]], [[72, 105], [72, 105]],
    [beginning.encode(`${END_OF_TEXT}Hi`, { special: true }), [256, 72, 105]],
  ]) {
    const [token] = await collect(session.generate(prompt, { maxTokens: 1 }));
    assert.equal(token.position, ids.length);
    assert.deepEqual([...session.tokens].slice(0, -1), ids);
  }
  assert.equal(beginning.decode(beginning.encode('Hi')), 'Hi');
  assert.equal(beginning.decode(beginning.encode('Hi'), { special: true }), `${END_OF_TEXT}Hi`);
  beginning.dispose();
  assert.equal(warn.mock.callCount(), 0);
  const single = [{ Sequence: { id: 'A', type_id: 0 } }];
  const post_processor = { type: 'TemplateProcessing', single, special_tokens: {} };
  files.set('tokenizer.json', blobOf(JSON.stringify({ ...byteTokenizer(), post_processor })));
  const plain = await loadModel(files);
  assert.deepEqual(plain.encode('Hi'), [72, 105]);
  plain.dispose();
  assert.match(warn.mock.calls.map((call) => call.arguments[0]).join(), /add_bos_token: true, but/);
});

test('after a prompt the text goes on, with the space that begins its first word', async () => {
  const name = new URL('../fixtures/tokenizers/llama2.json', import.meta.url);
  const files = tinyBlobs({ changes: { ...changes, vocab_size: 640 } });
  const llama = await loadModel(files.set('tokenizer.json', blobOf(await readFile(name))));
  const session = llama.createSession();
  const prompt = 'The cat 🙂';
  const ids = llama.encode(prompt);
  const word = llama.encode('the', { addSpecialTokens: false });
  assert.equal(word.length, 1, '▁the');
  for (const options of [{}, { n: 2 }, { numBeams: 2 }]) {
    const only = { maxTokens: 2, ...options,
      onLogits: (logits) => { logits.fill(-Infinity).fill(0, word[0], word[0] + 1); } };
    const written = async (text) => (await collect(session.generate(text, only)))
      .filter(({ sequence }) => sequence === 0).map((token) => token.text).join('');
    assert.equal(await written(prompt), ' the the');
    assert.equal(llama.decode([...ids, ...word, ...word]), `${prompt} the the`);
    assert.equal(await written(''), 'the the');
  }
  llama.dispose();
});

test('rows after the last token are padding: neither shown nor drawn, however likely', async () => {
  const padded = { ...changes, vocab_size: 300 };
  const tensors = randomTensors(smallConfig(padded));
  const table = tensors.find(({ name }) => name === 'wte.weight');
  new Float32Array(table.bytes.buffer).subarray(257 * 16).forEach((x, i, rows) => { rows[i] = 5 * x; });
  const files = tinyBlobs({ changes: padded }).set('model.safetensors', blobOf(safetensors(tensors)));
  const wide = await loadModel(files);
  assert.equal(wide.sampledIds, 257);
  const prompt = randomIds(8);
  const session = wide.createSession();
  const logits = session.prefill(prompt);
  assert.ok(logits.indexOf(Math.max(...logits)) >= 257, 'the likeliest row is none of a token');
  const likeliest = Array.from(logits.slice(0, 257), (x, id) => ({ x, id })).sort((a, b) => b.x - a.x);
  assert.deepEqual(idsOf(session.top(257)), idsOf(likeliest));
  throwsCode(() => session.top(258), 'invalid_argument');
  assert.deepEqual(idsOf(await collect(session.generate(prompt, { temperature: 0, maxTokens: 1 }))),
    [likeliest[0].id]);
  for (const options of [{ temperature: 0 }, { temperature: 5 }, { temperature: 2, topP: 0.9 },
    { numBeams: 3 }]) {
    const ids = idsOf(await collect(session.generate(prompt, { ...options, maxTokens: 60 })));
    assert.equal(ids.length, 60);
    assert.ok(ids.every((id) => id < 257), `${JSON.stringify(options)}: ${ids}`);
  }
  const free = await loadModel(files, { tokenizer: false }); // which alone knows the last token
  assert.equal(free.sampledIds, 300);
  for (const one of [wide, free]) one.dispose();
});
