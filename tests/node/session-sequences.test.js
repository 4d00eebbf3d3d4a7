// Which sequence is meant: the selected one, and those that a run makes and empties.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, rejectsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const HOT = { temperature: 1.3, maxTokens: 8, seed: 3 };
let model;
before(async () => {
  model = await loadModel(tinyBlobs({ changes: { n_positions: 96, vocab_size: 257, eos_token_id: null } }));
});
after(() => model.dispose());

test('decodeBatch() leaves the selected sequence selected', () => {
  const session = model.createSession({ sequences: 3 });
  for (const sequence of [0, 1, 2]) {
    session.select(sequence);
    session.prefill(randomIds(4 + sequence, sequence));
  }
  session.select(1);
  const logits = session.decodeBatch([2, 1, 0], [7, 8, 9]);
  assert.equal(session.selected, 1);
  assert.equal(session.position, 6);
  assert.deepEqual(session.logits, logits[1]);
});

test('a lone sample is drawn in the selected sequence, with the text of any other', async () => {
  const prompt = randomIds(20);
  const expected = idsOf(await collect(model.createSession().generate(prompt, HOT)));
  const session = model.createSession({ sequences: 3 });
  session.prefill([1, 2, 3]);
  for (const sequence of [2, 1]) {
    session.select(sequence);
    const tokens = await collect(session.generate(prompt, HOT));
    assert.deepEqual(idsOf(tokens), expected);
    assert.ok(tokens.every((token) => token.sequence === 0), 'its first sample');
    assert.deepEqual([session.selected, session.position], [sequence, 28]);
  }
  assert.deepEqual(session.cacheMap().map(({ length }) => length), [3, 28, 28]);
});

test('samples take the first sequences, and the others are empty from the first token on', async () => {
  const session = model.createSession({ sequences: 4 });
  for (const sequence of [3, 2, 1, 0]) {
    session.select(sequence);
    session.prefill(randomIds(5 + sequence, sequence));
  }
  const run = session.generate(randomIds(20), { ...HOT, n: 2 });
  await run.next();
  assert.deepEqual(session.cacheMap().map(({ length }) => length), [21, 21, 0, 0]);
  await run.return();
  assert.deepEqual(session.cacheMap().map(({ length }) => length), [21, 0, 0, 0]);
});

test('a session that grows goes on with the selected sequence, and reuses what it holds', async () => {
  const session = model.createSession({ sequences: 2 });
  session.prefill(randomIds(9, 1));
  session.select(1);
  session.prefill(randomIds(20));
  await session.generate(randomIds(30), { ...HOT, n: 3 }).next();
  assert.deepEqual([session.sequences, session.prefillStats.reused], [3, 20]);
});

test('a session that grows goes on counting, each time', async () => {
  const [grown, large] = [model.createSession(), model.createSession({ sequences: 3 })];
  for (const session of [grown, large]) {
    session.prefill(randomIds(9));
    for (const n of [2, 3]) await collect(session.generate(randomIds(9 + n), { ...HOT, n }));
  }
  assert.equal(grown.sequences, 3);
  assert.deepEqual(grown.counts, large.counts);
  grown.clearCounts();
  assert.deepEqual(new Set(Object.values(grown.counts)), new Set([0]));
});

test('a listener hears of a session that grows, and of all that happens in it from then on', async () => {
  const session = model.createSession();
  const told = [];
  session.onEvent = ({ type, sequence, layer, first, count }) => {
    if (type === 'restore' || (type === 'write' && layer === null)) told.push([type, sequence, first, count]);
  };
  session.prefill(randomIds(6));
  assert.deepEqual(told.splice(0), [['write', 0, 0, 6]]);
  const run = session.generate(randomIds(9), { ...HOT, n: 2, maxTokens: 2 });
  await collect(run);
  assert.deepEqual(told, [['restore', undefined, undefined, undefined], ['write', 0, 6, 3],
    ['write', 0, 9, 1], ['write', 1, 9, 1], ['write', 0, 10, 1], ['write', 1, 10, 1]]);
});

test('a listener is not deaf after a prompt that was aborted in one of its pauses', async (t) => {
  let now = 0;
  const clock = t.mock.method(performance, 'now', () => (now += 1000)); // a pause is due after every step
  const session = model.createSession();
  const controller = new AbortController();
  const run = session.generate(randomIds(60), { ...HOT, signal: controller.signal }).next();
  setImmediate(() => controller.abort());
  await rejectsCode(run, 'aborted');
  clock.mock.restore();
  const told = [];
  session.onEvent = ({ type, layer, count }) => {
    if (type === 'write' && layer === null) told.push(count);
  };
  session.prefill(randomIds(5));
  assert.deepEqual(told, [5]);
});
