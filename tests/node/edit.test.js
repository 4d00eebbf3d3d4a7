// An edited prompt, with the shipped model: what the cache spares is counted right and changes no bit; the
// mistake keeps the very keys and values that it says, and the changes that the view offers show what they
// are to show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { BEFORE, CHANGES, TOKENS, changed, mistakeOf, placesOf, splitAt,
  wordsChanged } from '../../web/demo/edit.js';
import { withVectorsOf } from '../../web/lab/stale.js';
import { Desk } from '../../web/worker/desk.js';
import { DeskClient } from './desk-client.js';
import { collect, idsOf } from './helpers.js';

const MODEL = new URL('../../web/models/stories/', import.meta.url);
const GREEDY = { temperature: 0, repetitionPenalty: 1 };
const model = await loadModel(MODEL);
const { nLayer, nHead, headDim } = model.config;
const range = (n) => Array.from({ length: n }, (_, i) => i);

/** A desk that has loaded the model. */
const waiting = new Map();
const port = {
  postMessage({ type, id, ...message }) {
    const { resolve, reject } = waiting.get(id);
    if (type === 'answer') resolve(message);
    else if (type === 'error') reject(Object.assign(new Error(message.message), message));
  },
  onmessage: null,
};
const desk = new Desk(port, { worker: true });
const send = (data) => port.onmessage({ data });
const request = (type, fields = {}) => new Promise((resolve, reject) => {
  const id = waiting.size + 1;
  waiting.set(id, { resolve, reject });
  send({ type, id, ...fields });
});
await request('load', { url: MODEL.href, variant: 'simd' });

const edit = (after, before = BEFORE, maxTokens = TOKENS) => request('edit', { before, after, maxTokens });
const textOf = (tokens) => tokens.map(({ text }) => text).join('');
const answerTo = async (prompt) => (
  idsOf(await collect(model.createSession().generate(prompt, { ...GREEDY, maxTokens: TOKENS }))));
const hashAfter = (prompt) => {
  const session = model.createSession({ useCache: false });
  session.prefill(model.encode(prompt));
  return session.logitsHash;
};

test('the changes that are offered: what is reused ends at the change, and no bit is another', async () => {
  const length = model.encode(BEFORE).length;
  for (const [name, reused] of [['first', 0], ['middle', 9], ['last', 20]]) {
    const after = changed(name);
    const outcome = await edit(after);
    const { rest, whole, answers, hashes } = outcome;
    assert.deepEqual([rest.tokens, rest.reused, rest.cached], [length, reused, true], name);
    assert.deepEqual([whole.tokens, whole.reused, whole.cached], [length, 0, true], name);
    assert.equal(model.encode(BEFORE).findIndex((id, i) => id !== model.encode(after)[i]), reused);
    for (const { ms, error } of [rest, whole]) assert.ok(ms > 0 && error > 0 && error < 0.1, `${error}`);
    assert.deepEqual([hashes.rest, hashes.whole], Array(2).fill(hashAfter(after)), name);
    assert.deepEqual(answers.after.map(({ id }) => id), await answerTo(after), name);
    assert.deepEqual(answers.before.map(({ id }) => id), await answerTo(BEFORE), name);
    assert.equal(textOf(outcome.after), after);
    assert.deepEqual(wordsChanged(outcome), { before: CHANGES[name][0], after: CHANGES[name][1] });
    const places = placesOf(outcome);
    assert.deepEqual(places.map(({ how }) => how === 'reused'), range(length).map((i) => i < reused));
    assert.deepEqual(places.map((place) => place.changed), range(length).map((i) => i === reused));
  }
});

test('most of a long prompt is spared where its last word is changed, and that is measured', async () => {
  const long = `${BEFORE} `.repeat(15);
  const { rest, whole } = await edit(`${long}winter`, `${long}summer`, 1);
  assert.ok(rest.reused > 300 && rest.tokens - rest.reused < 4);
  assert.ok(rest.ms < whole.ms / 3, `${rest.ms} ms of ${whole.ms}`);
});

test('the stale edit: the prompt has a princess, and the answer says he, like the old one', async () => {
  const outcome = await edit(changed('middle'));
  const { answers: { before, after, stale }, kept, distance, hashes } = outcome;
  assert.deepEqual(kept, { first: 10, count: 11 });
  assert.match(textOf(before), /^ he was sitting on the grass/);
  assert.match(textOf(after), /^ she was sitting on the grass/);
  assert.equal(textOf(stale), textOf(before));
  assert.notEqual(hashes.stale, hashes.whole);
  assert.ok(distance > 0.1 && distance < 10, distance);
  const { firstWrong, fromOld } = mistakeOf(outcome);
  assert.deepEqual([firstWrong, fromOld], [0, TOKENS]);
  assert.deepEqual(splitAt(stale, firstWrong).first, ' he');
  assert.equal(Object.values(splitAt(stale, firstWrong)).join(''), textOf(stale));
  const first = placesOf(outcome).findIndex((place) => place.kept);
  assert.equal(placesOf(outcome).filter((place) => place.kept).length, 11);
  assert.deepEqual([first, placesOf(outcome)[9].after], [10, ' princess']);
});

/** Keys and values of a token in all layers and heads. */
const vectorsAt = (session, first) => range(nLayer).flatMap((layer) => range(nHead).flatMap((head) => {
  const { keys, values } = session.snapshot({ layer, head, first, count: 1 });
  return [...keys, ...values];
}));

test('these tokens, and no others, have the keys and values of the other text, bit for bit', () => {
  const ids = model.encode(`${BEFORE} `.repeat(3));
  for (const [tokens, first, end] of [[3, 1, 2], [16, 0, 16], [17, 15, 17], [40, 5, 33]]) {
    const [mine, other, made] = [0, 1, 2].map(() => model.createSession({ capacity: 64 }));
    mine.append(ids.slice(0, tokens));
    other.append(ids.slice(9, 9 + tokens - 1)); // its state has other parts
    other.append([7]);
    other.truncate(tokens - 1);
    other.append([8]);
    const shape = { tokens, numLayers: nLayer, numHeads: nHead, headDim };
    const before = mine.save();
    const state = withVectorsOf(before, other.save(), shape, first, end);
    assert.deepEqual(before, mine.save(), 'the given one is left alone');
    made.restore(state); // and so its checksum is right
    assert.deepEqual([made.tokens, made.logitsHash], [mine.tokens, mine.logitsHash]);
    for (const at of range(tokens)) {
      const from = at >= first && at < end ? other : mine;
      assert.deepEqual(vectorsAt(made, at), vectorsAt(from, at), `${at} of ${tokens}`);
    }
    for (const session of [mine, other, made]) session.dispose();
  }
});

test('what cannot be kept is not: tokens that moved, the newest one, and nothing but what was', async () => {
  for (const after of [`Now ${BEFORE}`, changed('last'), BEFORE, `${BEFORE} then`, BEFORE.slice(0, -1)]) {
    const outcome = await edit(after, BEFORE, 2);
    const { kept, answers, hashes, distance } = outcome;
    assert.deepEqual([kept, answers.stale, hashes.stale, distance], Array(4).fill(undefined), after);
    assert.equal(mistakeOf(outcome), undefined);
    assert.equal(hashes.rest, hashes.whole);
  }
  const same = await edit(BEFORE, BEFORE, 1);
  assert.equal(same.rest.reused, same.rest.tokens, 'its logits are there too');
  assert.deepEqual(wordsChanged(same), { before: '', after: '' });
  const longer = placesOf(await edit(`${BEFORE} then one`, BEFORE, 1)).at(-1);
  assert.deepEqual([longer.before, longer.after, longer.how], [undefined, ' one', 'computed']);
  const shorter = placesOf(await edit(BEFORE.slice(0, -1), BEFORE, 1)).at(-1);
  assert.deepEqual([shorter.before, shorter.after, shorter.how], [',', undefined, undefined]);
});

test('with a cache that has slid, too, the prompt is read right, and nothing is kept', async () => {
  const client = new DeskClient();
  const url = new URL('../../web/models/tales/', import.meta.url).href;
  const { room } = await client.request('load', { url, variant: 'simd', whenFull: 'slide', capacity: 64 });
  const words = ' One day a girl went to the park.'.repeat(40);
  for (const [before, after] of [['A boy', 'A girl'], [`${words} A boy`, `${words} A girl`]]) {
    const prompts = { before: before + words, after: after + words };
    const { rest, kept, hashes, answers } = await client.request('edit', { ...prompts, maxTokens: 4 });
    assert.ok(rest.tokens > 2 * room);
    assert.deepEqual([kept, answers.stale, hashes.rest], [undefined, undefined, hashes.whole]);
  }
  client.dispose();
});

test('the run beside it stays as it is; refused and stopped like any other request', async () => {
  await request('generate', { prompt: 'Once', sampling: { maxTokens: 20, seed: 1 } });
  const run = await request('inspect', { tokens: {} });
  await edit(changed('middle'));
  assert.deepEqual(await request('inspect', { tokens: {} }), run);
  assert.ok((await request('prove')).equal);
  const fields = { before: 'a', after: 'b', maxTokens: 2 };
  const wrongs = [{ before: 5 }, { after: undefined }, { maxTokens: 0 }, { maxTokens: 1.5 }, { stray: 1 }];
  for (const wrong of wrongs) {
    await assert.rejects(request('edit', { ...fields, ...wrong }), { code: 'invalid_argument' });
  }
  await assert.rejects(edit('word '.repeat(3000)), { code: 'context_full' });
  const stopped = edit(changed('middle'), BEFORE, 900);
  await assert.rejects(request('prove'), { code: 'busy' });
  setTimeout(() => send({ type: 'stop' }), 30);
  await assert.rejects(stopped, { code: 'aborted' });
  assert.equal((await edit(changed('middle'))).kept.count, 11, 'and works again');
  desk.close();
});
