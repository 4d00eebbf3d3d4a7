// Experiments of the lab with the shipped model: each bug that the demo offers shows in its scenario, where
// the outcome says; without a bug both engines are one; and the worker serves the same.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { SCENARIOS, experiment, labBugs, labModule, switchBug } from 'kvcache-wasm/lab';
import { Desk } from '../../web/worker/desk.js';
import { collect, collectGarbage, idsOf, rejectsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

const STORIES = new URL('../../web/models/stories/', import.meta.url);
const PROMPT = 'Once upon a time there was a king who had three daughters, and the youngest was called Rose.';
const EARLIER = 'Once upon a time there was a king who had three sons, and the youngest was called Hans.';
const SAMPLING = { seed: 7 };
const JOB = { prompt: PROMPT, earlier: EARLIER, sampling: SAMPLING, tokens: 40 };

const bugs = JSON.parse(await readFile(labBugs, 'utf8'));
const offered = bugs.filter(({ scenario }) => scenario);
const numberOf = (id) => bugs.find((bug) => bug.id === id).number;
const right = await loadModel(STORIES);
const lab = () => loadModel(STORIES, { wasm: labModule });
const wrong = await lab();
after(() => {
  right.dispose();
  wrong.dispose();
});

test('without a bug both engines write the same, and all scenarios but two the same story', async () => {
  const session = right.createSession();
  const story = idsOf(await collect(session.generate(PROMPT, { ...SAMPLING, maxTokens: 40 })));
  for (const scenario of Object.keys(SCENARIOS)) {
    const { right: first, differences, parting, firstWrong } = await experiment(right, wrong,
      { ...JOB, bug: 0, scenario });
    assert.deepEqual([parting, firstWrong], [undefined, undefined], scenario);
    assert.deepEqual([first.tokens.length, differences], [40, Array(41).fill(0)], scenario);
    if (scenario === 'beams' || scenario === 'slide') continue; // its cache rounds; it forgets
    assert.deepEqual(first.tokens.map(({ id }) => id), story, scenario);
  }
});

test('each bug that is offered shows: the numbers part where it says, and not before', async () => {
  assert.ok(offered.length >= 14);
  for (const { id, number, scenario, threads } of offered) {
    assert.ok(Object.hasOwn(SCENARIOS, scenario) && threads.length > 0, id);
    const { prompt, right: good, wrong: bad, differences, parting, firstWrong } = await experiment(
      right, wrong, { ...JOB, bug: number, scenario });
    assert.equal(prompt, right.encode(PROMPT).length);
    assert.equal(good.tokens.length, 40, id);
    assert.ok(parting, id);
    const { place } = parting;
    assert.ok(differences.slice(0, place).every((difference) => difference === 0), id);
    if (bad.error) assert.deepEqual([parting.wrong, differences.length], [null, place], id);
    else assert.ok(differences[place] > 0 && differences.length === 41, id);
    assert.notEqual(parting.wrong, parting.right, id);
    assert.ok(firstWrong >= place, `${id}: a token is drawn from the logits before it`);
    assert.notEqual(good.tokens[firstWrong]?.id, bad.tokens[firstWrong]?.id, id);
    assert.deepEqual(bad.tokens.slice(0, firstWrong), good.tokens.slice(0, firstWrong), id);
  }
});

test('the place is that of the engine: where the hashes of two sessions part', async () => {
  const [id, scenario] = ['B9', 'plain']; // in the middle of the story
  const { right: good, parting } = await experiment(right, wrong, { ...JOB, bug: numberOf(id), scenario });
  assert.ok(parting.place > 0 && parting.place < 40);
  const text = [...right.encode(PROMPT), ...good.tokens.slice(0, parting.place).map((token) => token.id)];
  switchBug(wrong, numberOf(id));
  const hashes = (length) => [right, wrong].map((model) => {
    const session = model.createSession();
    session.append(right.encode(PROMPT));
    for (const token of text.slice(right.encode(PROMPT).length, length)) session.decode(token);
    return session.logitsHash;
  });
  const [before, ...others] = hashes(text.length - 1);
  assert.deepEqual(others, [before]);
  assert.deepEqual(hashes(text.length), [parting.right, parting.wrong]);
});

test('a model of any other module has no bugs, and no values are taken that cannot be', async () => {
  assert.throws(() => switchBug(right, 1), { code: 'unsupported' });
  const job = { ...JOB, bug: 1, scenario: 'plain' };
  await rejectsCode(experiment(right, right, job), 'unsupported');
  for (const none of [undefined, null, 5, 'stories', {}, right.config, Promise.resolve(right)]) {
    assert.throws(() => switchBug(none, 1), { code: 'invalid_argument', message: /from loadModel\(\)/ });
    await rejectsCode(experiment(none, wrong, job), 'invalid_argument', /from loadModel\(\)/);
    await rejectsCode(experiment(right, none, job), 'invalid_argument', /from loadModel\(\)/);
  }
  for (const stray of [{ bug: -1 }, { bug: '1' }, { scenario: 'no' }, { prompt: 5 }, { earlier: 5 },
    { tokens: 0 }, { sampling: { n: 2 } }, { signal: 5 }, { stray: 1 }]) {
    await rejectsCode(experiment(right, wrong, { ...job, ...stray }), 'invalid_argument');
  }
  await rejectsCode(experiment(right, wrong, { ...job, signal: AbortSignal.abort() }), 'aborted');
});

// ---- in the worker ------------------------------------------------------------------------------

/** A desk that has loaded a tiny model. */
async function open(t) {
  const waiting = new Map();
  const port = {
    postMessage({ type, id, ...message }) {
      const { resolve, reject, events } = waiting.get(id);
      if (type === 'answer') resolve(message);
      else if (type === 'error') reject(Object.assign(new Error(message.message), message));
      else events.push(type);
    },
    onmessage: null,
  };
  const desk = new Desk(port, { worker: true });
  t.after(() => desk.close());
  const send = (data) => port.onmessage({ data: structuredClone(data) });
  const request = (type, fields = {}, events = []) => new Promise((resolve, reject) => {
    const id = waiting.size + 1;
    waiting.set(id, { resolve, reject, events });
    send({ type, id, ...fields });
  });
  const files = Object.fromEntries(tinyBlobs({ changes: { n_positions: 400, vocab_size: 257 } }));
  await request('load', { files, variant: 'simd' });
  return { request, send };
}

const wasm = new Uint8Array(await readFile(labModule));
const TINY = { bug: numberOf('B9'), scenario: 'plain', prompt: 'abcdefgh', sampling: { seed: 3 }, wasm };

test('the request "lab": the same outcome, and the run beside it stays as it is', async (t) => {
  const { request } = await open(t);
  await request('generate', { prompt: 'abc', sampling: { maxTokens: 20, seed: 1 } });
  const before = await request('inspect', { tokens: {} });
  const events = [];
  const outcome = await request('lab', TINY, events);
  assert.deepEqual(events, ['loading', 'writing']);
  assert.equal(outcome.prompt + outcome.parting.place, 17, 'the first token of the second page');
  assert.deepEqual(await request('inspect', { tokens: {} }), before);
  const { equal } = await request('prove');
  assert.ok(equal);
  assert.equal((await request('lab', { ...TINY, bug: 0 })).parting, undefined);
});

test('the request "lab" frees its engine, however it ends', async (t) => {
  const { request, send } = await open(t);
  const { instantiate } = WebAssembly;
  t.after(() => { WebAssembly.instantiate = instantiate; });
  /** @type {WeakRef<WebAssembly.Instance>[]} */
  const instances = [];
  WebAssembly.instantiate = async (...args) => {
    const instance = await instantiate(...args);
    instances.push(new WeakRef(instance));
    return instance;
  };
  await request('lab', TINY);
  await assert.rejects(request('lab', { ...TINY, scenario: 'no' }), { code: 'invalid_argument' });
  const stopped = request('lab', { ...TINY, tokens: 300 });
  while (instances.length < 3) await settled();
  send({ type: 'stop' });
  await assert.rejects(stopped, { code: 'aborted' });
  await settled(); // what was awaited last is held until then
  collectGarbage();
  assert.deepEqual(instances.map((instance) => instance.deref()), [undefined, undefined, undefined]);
  assert.equal((await request('status')).loaded, true, 'the other one is there');
});

test('the request "lab" is refused or stopped like any other', async (t) => {
  const { request, send } = await open(t);
  await assert.rejects(request('lab', { ...TINY, wasm: undefined }), { code: 'wasm_invalid' });
  await assert.rejects(request('lab', { ...TINY, scenario: 'no' }), { code: 'invalid_argument' });
  await assert.rejects(request('lab', { ...TINY, stray: 1 }), { code: 'invalid_argument' });
  const stopped = request('lab', { ...TINY, tokens: 300 });
  await assert.rejects(request('prove'), { code: 'busy' });
  send({ type: 'stop' });
  await assert.rejects(stopped, { code: 'aborted' });
  assert.equal((await request('status')).busy, false);
});
