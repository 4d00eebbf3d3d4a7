// A session as bytes: what is restored goes on bit for bit, and what cannot be restored changes nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, seeded, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const CHANGES = { n_positions: 96, vocab_size: 257, eos_token_id: null };
let model;
before(async () => {
  model = await loadModel(tinyBlobs({ changes: CHANGES }));
});
after(() => model.dispose());

test('restored, a session goes on bit for bit: in another, in every build, in a new model', async () => {
  const session = model.createSession({ capacity: 80 });
  session.prefill(randomIds(37));
  const state = session.save();
  assert.ok(state instanceof Uint8Array);
  const hash = session.logitsHash;
  const goOn = async (one) => {
    assert.equal(one.position, 37);
    assert.equal(one.cachedTokens, 37);
    assert.equal(one.logitsHash, hash);
    one.prefill(randomIds(5, 2));
    return [one.logitsHash, ...idsOf(await collect(one.generate(randomIds(40),
      { temperature: 1.2, maxTokens: 20, seed: 3 }))), one.logitsHash];
  };
  const expected = await goOn(session);
  session.restore(state);
  assert.deepEqual(await goOn(session), expected);
  const larger = model.createSession({ sequences: 3 });
  larger.prefill(randomIds(60, 9));
  larger.restore(state.buffer);
  assert.deepEqual(await goOn(larger), expected);
  for (const variant of ['relaxed', 'simd', 'scalar']) {
    const anew = await loadModel(tinyBlobs({ changes: CHANGES }), { variant });
    const other = anew.createSession();
    other.restore(state);
    assert.deepEqual(other.save(), state, `${variant}: the same bytes`);
    assert.deepEqual(await goOn(other), expected, variant);
    anew.dispose();
  }
});

test('several sequences, shared or not, and every element type', () => {
  for (const [keyType, valueType] of [['f32', 'f32'], ['f16', 'int8'], ['int8', 'f32']]) {
    const options = { keyType, valueType, sequences: 3 };
    const session = model.createSession(options);
    session.prefill(randomIds(30));
    session.fork(0, 1);
    session.select(1);
    session.decode(7);
    const state = session.save();
    const other = model.createSession(options);
    other.restore(state);
    for (const one of [session, other]) one.decodeBatch([0, 1], [1, 2]);
    for (const sequence of [0, 1, 2]) {
      session.select(sequence);
      other.select(sequence);
      assert.equal(other.position, session.position);
      if (session.position === 0) continue;
      assert.equal(other.logitsHash, session.logitsHash, `${keyType}, ${valueType}, sequence ${sequence}`);
      assert.deepEqual(other.snapshot({ layer: 1, head: 1 }), session.snapshot({ layer: 1, head: 1 }));
    }
    assert.equal(other.memoryUsage().sharedBytes, session.memoryUsage().sharedBytes);
  }
});

test('an empty session, and one whose cache is behind its text, can be saved too', () => {
  const session = model.createSession();
  const empty = session.save();
  session.prefill(randomIds(10));
  session.useCache = false;
  session.decode(1);
  const state = session.save();
  const hash = session.logitsHash;
  session.restore(empty);
  assert.equal(session.position, 0);
  throwsCode(() => session.logits, 'not_ready');
  const other = model.createSession();
  other.restore(state);
  assert.deepEqual([other.position, other.cachedTokens, other.logitsHash], [11, 10, hash]);
  other.decode(2);
  session.prefill([...randomIds(10), 1, 2]);
  assert.equal(other.logitsHash, session.logitsHash);
});

test('state_invalid: cut short, longer, altered anywhere, or no state; the session is as it was', () => {
  const session = model.createSession({ capacity: 40 });
  session.prefill(randomIds(20));
  const state = session.save();
  session.decode(5);
  const before = { hash: session.logitsHash, position: session.position, bytes: session.save() };
  const random = seeded(4);
  const broken = [new Uint8Array(0), new Uint8Array(7), new Uint8Array(1000), Uint8Array.from([...state, 0]),
    randomIds(500)];
  for (let i = 0; i < 60; i++) broken.push(state.slice(0, random.below(state.length)));
  for (let i = 0; i < 300; i++) {
    const altered = state.slice();
    altered[i < 100 ? i % state.length : random.below(state.length)] ^= 1 << random.below(8);
    broken.push(altered);
  }
  for (const bytes of broken) {
    const error = throwsState(() => session.restore(Uint8Array.from(bytes)));
    assert.match(error.message, /as it was/);
  }
  assert.equal(session.logitsHash, before.hash);
  assert.equal(session.position, before.position);
  assert.deepEqual(session.save(), before.bytes);
  for (const nothing of [undefined, null, 'state', [1, 2, 3], 5]) {
    throwsCode(() => session.restore(nothing), 'invalid_argument');
  }
});

/** A changed version number is foreign, everything else invalid; nothing else may come of broken bytes. */
function throwsState(work) {
  try {
    work();
  } catch (error) {
    assert.ok(['state_invalid', 'state_foreign'].includes(error.code), error.stack);
    return error;
  }
  assert.fail('the broken state was taken');
}

test('state_foreign: of another model, or with other element types', async () => {
  const session = model.createSession();
  session.prefill(randomIds(20));
  const state = session.save();
  const hash = session.logitsHash;
  for (const files of [{ changes: CHANGES, seed: 2 }, { changes: { ...CHANGES, n_layer: 3 } }]) {
    const other = await loadModel(tinyBlobs(files));
    const stranger = other.createSession();
    stranger.prefill([1, 2]);
    const before = stranger.logitsHash;
    throwsCode(() => stranger.restore(state), 'state_foreign');
    assert.equal(stranger.logitsHash, before);
    throwsCode(() => session.restore(stranger.save()), 'state_foreign');
    other.dispose();
  }
  throwsCode(() => model.createSession({ keyType: 'f16' }).restore(state), 'state_foreign', /keyType/);
  assert.equal(session.logitsHash, hash);
});

test('context_full: a state with more tokens than the session has room for', () => {
  const session = model.createSession({ sequences: 2 });
  session.prefill(randomIds(40));
  session.fork(0, 1);
  const state = session.save();
  throwsCode(() => model.createSession({ capacity: 39, sequences: 2 }).restore(state), 'context_full', /39/);
  const small = model.createSession({ capacity: 39 });
  throwsCode(() => small.restore(state), 'context_full', /39/);
  assert.equal(small.sequences, 1);
  assert.equal(small.prefill(randomIds(3)).length, model.config.vocabSize);
  model.createSession({ capacity: 40, sequences: 2 }).restore(state);
});

test('a session grows for a state with more sequences, as one has that wrote samples', async () => {
  const session = model.createSession();
  for await (const token of session.generate('Hello', { n: 3, maxTokens: 4, seed: 1 })) {
    assert.ok(token.sequence < 3);
  }
  const other = model.createSession();
  other.restore(session.save());
  assert.equal(other.sequences, 3);
  assert.equal(other.logitsHash, session.logitsHash);
  session.decode(1);
  other.decode(1);
  assert.equal(other.logitsHash, session.logitsHash);
});

test('busy: not while it generates; and a listener is told that everything is new', async () => {
  const session = model.createSession();
  const state = session.save();
  const run = session.generate('Hello', { temperature: 0, maxTokens: 9 });
  await run.next();
  throwsCode(() => session.save(), 'busy');
  throwsCode(() => session.restore(state), 'busy');
  await run.return();
  const events = [];
  session.onEvent = (event) => events.push(event);
  session.restore(state);
  session.decode(1);
  assert.equal(events[0].type, 'restore');
  assert.equal(events[1].type, 'write');
});
