// Sessions that slide past the context, and evict(): what they hold, give out and refuse. Which bits are
// right is the native ring's to say; here the cache is switched, saved and grown.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const fixture = (name) => loadModel(new URL(`../fixtures/${name}/`, import.meta.url), { tokenizer: false });
const model = await fixture('llama-f32');
after(() => model.dispose());
const { nPositions, vocabSize } = model.config;
const CAPACITY = 32;
const options = { capacity: CAPACITY, whenFull: 'slide', sinks: 4 };
const text = (n) => Array.from({ length: n }, (_, i) => (i * 7 + i * i) % vocabSize);

/** What a cache of CAPACITY slots and 16 sinks holds once n tokens were computed. */
function slots(n) {
  const gone = 16 * Math.max(0, Math.ceil((n - CAPACITY) / 16));
  const kept = Array.from({ length: n }, (_, i) => i);
  return gone === 0 ? kept : [...kept.slice(0, 16), ...kept.slice(16 + gone)];
}

test('whole pages: the capacity rounded down, the sinks up', () => {
  assert.ok(nPositions >= 48);
  for (const [given, capacity, sinks] of [
    [{ capacity: 33, sinks: 1 }, 32, 16], [{ capacity: 47, sinks: 17 }, 32, NaN],
    [{ capacity: 48, sinks: 17 }, 48, 32],
    [{ capacity: 16, sinks: 0 }, 16, 0], [{ capacity: 15, sinks: 0 }, NaN, 0], [{ capacity: 32 }, 32, 16],
    [{ capacity: 32, sinks: -1 }, NaN, 0], [{ capacity: 'grow' }, NaN, 0],
  ]) {
    const create = () => model.createSession({ whenFull: 'slide', ...given });
    if (Number.isNaN(capacity + sinks)) throwsCode(create, 'invalid_argument');
    else {
      const session = create();
      assert.deepEqual([session.capacity, session.sinks, session.whenFull], [capacity, sinks, 'slide']);
      session.dispose();
    }
  }
  throwsCode(() => model.createSession({ sinks: 4 }), 'invalid_argument', /slides/);
  assert.deepEqual([model.createSession().sinks, model.createSession().whenFull], [0, 'stop']);
});

test('models whose tokens cannot move say why', async () => {
  for (const [load, reason] of [[() => loadModel(tinyBlobs()), /learned a vector/],
    [() => fixture('mistral-bf16'), /window of their own/], [() => fixture('t5-f32'), /all before it/],
    [() => fixture('marian-f32'), /every cached key and value/]]) {
    const other = await load();
    throwsCode(() => other.createSession({ whenFull: 'slide' }), 'unsupported', reason);
    const session = other.createSession();
    throwsCode(() => session.evict(0, 1), 'unsupported', reason);
    other.dispose();
  }
});

test('on and on: what is held, one token after the other, and the same bits with the cache off', () => {
  const session = model.createSession(options);
  const off = model.createSession({ ...options, useCache: false });
  const ids = text(100);
  const events = [];
  session.onEvent = (event) => { if (event.type === 'evict') events.push(event); };
  for (const [i, id] of ids.entries()) {
    session.decode(id);
    const { tokens, places } = session.held;
    assert.deepEqual(tokens, slots(i + 1), String(i));
    assert.deepEqual(places, tokens.map((token) => slots(token + 1).indexOf(token)), String(i));
    assert.equal(session.attentionWeights(0, 0).length, tokens.length);
  }
  assert.deepEqual([session.position, session.cachedTokens], [100, 100]);
  assert.deepEqual(session.tokens, ids);
  assert.deepEqual(events.map(({ first, count }) => [first, count]), new Array(5).fill([16, 16]));
  off.prefill(ids.slice(0, 70));
  off.prefill(ids.slice(70));
  assert.equal(off.logitsHash, session.logitsHash);
  assert.equal(session.memoryUsage().usedBytes, slots(100).length * session.memoryUsage().bytesPerToken);
  for (const length of [1, 32, 33, 48, 49, 100]) {
    const { usedBytes, bytesPerToken } = session.memoryUsage({ length });
    assert.equal(usedBytes, slots(length).length * bytesPerToken);
  }
  for (const one of [session, off]) one.dispose();
});

test('generate() writes past the capacity, samples and beams too, and score() goes as far', async () => {
  const session = model.createSession(options);
  const ids = [];
  for await (const { id } of session.generate([1], { maxTokens: 90, temperature: 0 })) ids.push(id);
  assert.deepEqual([session.finishReason, session.position], ['length', 91]);
  const again = model.createSession(options);
  const hash = (again.sync(session.tokens), again.logitsHash);
  assert.equal(hash, session.logitsHash);
  const scores = session.score(session.tokens);
  assert.deepEqual([scores.length, session.logitsHash], [90, hash]);
  const [step] = again.score(session.tokens.slice(0, 50)).slice(-1);
  assert.equal(step, scores[48]);
  for (const given of [{ n: 3, seed: 3 }, { numBeams: 2 }]) {
    const writing = session.generate([1, 2], { maxTokens: 60, ...given });
    for await (const token of writing) assert.ok(token);
    const ends = session.tokens;
    again.reset();
    again.prefill(ends);
    assert.equal(session.logitsHash, again.logitsHash);
  }
  for (const one of [session, again]) one.dispose();
});

test('back over a page that has gone, forks, and states', () => {
  const session = model.createSession({ ...options, sequences: 2 });
  const ids = text(60);
  session.prefill(ids);
  const hash = session.logitsHash;
  throwsCode(() => session.truncate(47), 'window_passed', /48 tokens or more/);
  session.truncate(48);
  session.append(ids.slice(48));
  assert.equal(session.logitsHash, hash);
  session.truncate(20, { recompute: true });
  assert.equal(session.cachedTokens, 0);
  session.append(ids.slice(20));
  assert.equal(session.logitsHash, hash);
  session.fork(0, 1);
  session.select(1);
  session.append(text(40));
  session.select(0);
  assert.equal(session.logitsHash, hash);
  const state = session.save();
  const other = model.createSession(options);
  other.restore(state); // grows
  assert.deepEqual([other.sequences, other.logitsHash, other.held], [2, hash, session.held]);
  for (const one of [session, other]) one.append(text(30));
  assert.equal(session.logitsHash, other.logitsHash);
  for (const given of [{ capacity: 48 }, { sinks: 0 }]) {
    throwsCode(() => model.createSession({ ...options, ...given }).restore(state), 'state_foreign', /sinks/);
  }
  throwsCode(() => model.createSession().restore(state), 'state_foreign', /whenFull/);
  for (const one of [session, other]) one.dispose();
});

test('the room for a text grows, and memory for it alone', () => {
  const session = model.createSession({ ...options, capacity: 16, sinks: 0 });
  const before = session.memoryUsage();
  session.prefill(text(5000));
  const after = session.memoryUsage();
  assert.equal(after.cacheBytes, before.cacheBytes);
  assert.equal(after.totalBytes - before.totalBytes, 12 * 4112); // from 16 + 4096 tokens to twice as many
  assert.deepEqual([session.position, session.tokens.length, session.held.tokens.length], [5000, 5000, 8]);
  session.dispose();
});

/** A state with other words behind those given, and its checksum right: FNV-1a of all before it. */
function forged(state, words, instead) {
  const made = new DataView(state.slice().buffer);
  const end = state.length - 8;
  const has = (at) => words.every((word, i) => made.getUint32(at + 4 * i, true) === word);
  let at = 24;
  while (at < end - 4 * words.length && !has(at)) at += 4;
  assert.ok(has(at));
  instead.forEach((word, i) => made.setUint32(at + 4 * i, word, true));
  let sum = 0xcbf29ce484222325n;
  for (let i = 0; i < end; i++) sum = BigInt.asUintN(64, (sum ^ BigInt(made.getUint8(i))) * 0x100000001b3n);
  made.setBigUint64(end, sum, true);
  return new Uint8Array(made.buffer);
}

test('a forged state of more tokens than 32 bits can count is refused', () => {
  const session = model.createSession({ capacity: 32 });
  session.append(text(28));
  session.evict(0, 1);
  session.append(text(5));
  const state = session.save();
  const past = [32, 1, 28]; // held, gone, and how many there were when the last of them went
  session.restore(forged(state, past, past));
  throwsCode(() => session.restore(forged(state, past, [32, 2 ** 32 - 1, 2 ** 32 - 1])), 'state_invalid');
  assert.deepEqual(session.save(), state);
  session.dispose();
});

test('tokens written where a smaller cache has no slot: a session grows to that', () => {
  const large = model.createSession({ capacity: 96 });
  large.append(text(90));
  large.evict(0, 80);
  for (const [capacity, grown] of [['grow', 128], [64, 0]]) {
    const session = model.createSession({ capacity });
    session.evict(0, 0); // from here on its tokens can leave it
    if (grown === 0) throwsCode(() => session.restore(large.save()), 'context_full');
    else {
      session.restore(large.save());
      assert.deepEqual([session.capacity, session.held], [grown, large.held]);
      session.append([1]);
      large.append([1]);
      assert.equal(session.logitsHash, large.logitsHash);
    }
    session.dispose();
  }
  large.dispose();
});

test('an evict() that is refused leaves the session as it was, and of its size', () => {
  for (const [useCache, first, n, code] of [
    [true, 16, 5, 'position_out_of_range'], [false, 0, 1, 'not_ready']]) {
    const session = model.createSession({ capacity: 32, useCache });
    session.append(text(20));
    const before = [session.memoryUsage(), session.logitsHash];
    throwsCode(() => session.evict(first, n), code);
    assert.deepEqual([session.memoryUsage(), session.logitsHash], before);
    session.dispose();
  }
});

test('evict(): any slots, in a session that slides or not, and what then is refused', () => {
  for (const given of [{}, { capacity: 'grow' }, options]) {
    const session = model.createSession(given);
    session.prefill(text(30));
    const counted = session.counts;
    session.evict(5, 7);
    session.evict(20, 1);
    const kept = text(30).map((_, i) => i).filter((i) => (i < 5 || i >= 12) && i !== 27);
    assert.deepEqual(session.held.tokens, kept);
    assert.deepEqual(session.counts, counted);
    assert.deepEqual([session.position, session.cachedTokens], [30, 30]);
    session.append([1, 2]);
    assert.deepEqual(session.held.places.slice(-3), [29, 22, 23]);
    throwsCode(() => session.evict(20, 99), 'position_out_of_range', /does not hold 99/);
    throwsCode(() => session.evict(-1, 1), 'invalid_argument');
    throwsCode(() => session.truncate(29), 'window_passed');
    session.useCache = false;
    throwsCode(() => session.append([1]), 'window_passed', /evict\(\) has taken/);
    session.truncate(29, { recompute: true });
    session.append([1]);
    const fresh = model.createSession();
    fresh.prefill([...text(29), 1]);
    assert.equal(session.logitsHash, fresh.logitsHash);
    for (const one of [session, fresh]) one.dispose();
  }
});

test('what evict() left is restored in any session with room for it', () => {
  for (const given of [{ capacity: 64 }, {}, { capacity: 'grow' }, { capacity: 64, whenFull: 'error' }]) {
    const session = model.createSession({ ...given, sequences: 2 });
    session.prefill(text(60));
    session.evict(0, 16);
    session.append(text(16)); // more tokens than the smallest has slots
    const state = session.save();
    const other = model.createSession(given);
    other.restore(state);
    assert.deepEqual([other.sequences, other.position, other.held], [2, 76, session.held]);
    for (const one of [session, other]) one.append([1]);
    assert.equal(other.logitsHash, session.logitsHash);
    for (const one of [session, other]) one.dispose();
  }
  const small = model.createSession({ capacity: 32 });
  const large = model.createSession({ capacity: 64 });
  for (const one of [small, large]) one.prefill(text(30));
  const before = [small.save(), small.memoryUsage()];
  large.append(text(30));
  large.evict(0, 16);
  throwsCode(() => small.restore(large.save()), 'context_full');
  assert.deepEqual([small.save(), small.memoryUsage()], before);
  throwsCode(() => small.append(text(3)), 'context_full'); // nothing has left it
  for (const one of [small, large]) one.dispose();
});

test('a state that does not fit takes no more memory than its text needs', async () => {
  const own = await fixture('llama-f32');
  const large = own.createSession({ capacity: 160, sequences: 8 });
  for (let i = 0; i < 8; i++) {
    large.select(i);
    large.append(text(150));
  }
  large.evict(0, 1);
  const small = own.createSession({ capacity: 32, sequences: 8 });
  const before = own.memoryUsage().totalBytes;
  throwsCode(() => small.restore(large.save()), 'context_full');
  assert.ok(own.memoryUsage().totalBytes - before < 2 ** 20);
  own.dispose();
});

test('a listener that throws as sync() grows a session spoils no pass after it', () => {
  const session = model.createSession({ capacity: 'grow' });
  session.prefill(text(60));
  session.evict(0, 32);
  session.onEvent = () => { throw new Error('mine'); };
  assert.throws(() => session.append([1]), /mine/);
  assert.throws(() => session.sync(text(71).slice(1)), /mine/);
  session.onEvent = undefined;
  const { position } = session;
  const heard = [];
  session.onEvent = () => heard.push(session.position);
  session.append([1, 2]);
  assert.equal(session.position, position + 2);
  assert.deepEqual([...new Set(heard)], [position + 2], 'events come after the work');
  session.dispose();
});

test('a listener that throws as a cache becomes one that tokens can leave: it is that cache', () => {
  const session = model.createSession({ capacity: 64 });
  session.prefill(text(60));
  session.onEvent = () => { throw new Error('mine'); };
  assert.throws(() => session.evict(0, 16), /mine/);
  const heard = [];
  session.onEvent = ({ type }) => heard.push(type);
  session.evict(0, 16);
  assert.ok(!heard.includes('restore'), 'and takes no other place');
  session.append(text(16));
  assert.equal(session.position, 76);
  session.dispose();
});

test('another text after evict(): room is counted as for any', async () => {
  const made = (capacity) => {
    const session = model.createSession({ capacity });
    session.prefill(text(60));
    session.evict(0, 32);
    return session;
  };
  const fixed = made(64);
  let n = 0;
  for await (const { id } of fixed.generate([1, 2, 3], { temperature: 0 })) n += id >= 0 ? 1 : 0;
  assert.deepEqual([n, fixed.finishReason, fixed.position], [61, 'context_full', 64]);
  const going = made(64);
  const { tokens } = going;
  for await (const { id } of going.generate(tokens, { temperature: 0 })) assert.ok(id >= 0);
  assert.deepEqual([going.finishReason, going.position], ['context_full', 96]); // the 32 have made room
  throwsCode(() => fixed.sync(text(65)), 'context_full');
  const ids = text(71).slice(1);
  const fresh = model.createSession();
  fresh.prefill(ids);
  const scores = fresh.score(text(160));
  const grown = made('grow');
  const heard = [];
  grown.onEvent = ({ type }) => heard.push(type);
  assert.deepEqual(grown.sync(ids), { reused: 0, computed: 70 });
  assert.equal(heard.indexOf('restore'), 0);
  assert.equal(heard.lastIndexOf('restore'), 0);
  assert.equal(grown.logitsHash, fresh.logitsHash);
  const scored = made('grow');
  assert.deepEqual(scored.score(text(70)), scores.slice(0, 69));
  assert.deepEqual(scored.score(text(160)), scores);
  assert.equal(scored.sequences, 1);
  for (const one of [fixed, going, grown, scored, fresh]) one.dispose();
});
