// The session as its users see it: the timeline, the cache switch, generation, and every refusal.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, rejectsCode, seeded, signalThat, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const POSITIONS = 160; // five blocks of rows, ten key panels
const CHANGES = { n_positions: POSITIONS, vocab_size: 257, eos_token_id: null }; // never ends by itself
let model;
before(async () => {
  model = await loadModel(tinyBlobs({ changes: CHANGES }));
});
after(() => model.dispose());

/** The hash after each token, decoded one by one with the cache on. */
function hashesOf(ids) {
  const session = model.createSession();
  const hashes = ids.map((id) => (session.decode(id), session.logitsHash));
  session.dispose();
  return hashes;
}

test('every split of a prompt, cached or not, gives the same bits', () => {
  const ids = randomIds(POSITIONS);
  const hashes = hashesOf(ids);
  for (const useCache of [true, false]) {
    const session = model.createSession({ useCache });
    for (let split = 1; split < POSITIONS; split += 3) {
      session.reset();
      session.prefill(ids.slice(0, split));
      assert.equal(session.logitsHash, hashes[split - 1], `first ${split}, cache ${useCache}`);
      session.prefill(Uint32Array.from(ids.slice(split)));
      assert.equal(session.logitsHash, hashes.at(-1), `${split} + the rest, cache ${useCache}`);
    }
    session.dispose();
  }
});

test('the switch may be thrown between any two tokens', () => {
  const ids = randomIds(100);
  const hashes = hashesOf(ids);
  const random = seeded(3);
  const session = model.createSession();
  let cached = 0;
  for (const [t, id] of ids.entries()) {
    session.useCache = random() < 0.5;
    session.decode(id);
    assert.equal(session.logitsHash, hashes[t], `token ${t}`);
    if (session.useCache) cached = t + 1;
    assert.equal(session.cachedTokens, cached);
    assert.equal(session.position, t + 1);
  }
});

test('truncate and replay, and reset, equal a fresh session', () => {
  const ids = randomIds(90);
  const hash = hashesOf(ids).at(-1);
  const session = model.createSession({ capacity: 90 });
  for (const keep of [0, 1, 15, 16, 17, 33, 89]) {
    session.reset();
    session.prefill([...ids.slice(0, keep), ...randomIds(90 - keep, 8 + keep)]);
    session.truncate(90); // to where it is: nothing changes
    session.logits;
    session.truncate(keep);
    throwsCode(() => session.logits, 'not_ready');
    throwsCode(() => session.logitsHash, 'not_ready');
    assert.equal(session.position, keep);
    session.prefill(ids.slice(keep));
    assert.equal(session.logitsHash, hash, `kept ${keep}`);
  }
  session.reset();
  assert.equal(session.position, 0);
  session.prefill(ids);
  assert.equal(session.logitsHash, hash);
});

test('logits are a copy, and the hash is FNV-1a 64 of their bytes', () => {
  const session = model.createSession();
  const logits = session.prefill([1, 2, 3]);
  assert.ok(logits instanceof Float32Array);
  assert.equal(logits.length, model.config.vocabSize);
  let hash = 0xcbf29ce484222325n;
  for (const byte of new Uint8Array(logits.buffer)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  assert.equal(session.logitsHash, hash.toString(16).padStart(16, '0'));
  const kept = logits.slice();
  session.decode(4);
  model.createSession().prefill(randomIds(50)); // may grow the memory
  assert.deepEqual(logits, kept);
});

test('append is prefill and decode without the logits, which can be asked for', () => {
  const [session, other] = [model.createSession(), model.createSession()];
  assert.equal(session.append([1, 2, 3]), undefined);
  assert.deepEqual(session.logits, other.prefill([1, 2, 3]));
  session.append([4]);
  assert.deepEqual(session.logits, other.decode(4));
  assert.equal(session.position, 4);
  throwsCode(() => session.append([]), 'invalid_argument');
  throwsCode(() => session.append([-1]), 'token_out_of_range');
  assert.equal(session.logitsHash, other.logitsHash);
});

test('score: the log-probabilities that decode gives, and the session as it was', () => {
  const ids = randomIds(POSITIONS + 1);
  const session = model.createSession();
  session.prefill([9, 8, 7]);
  const before = { position: session.position, cached: session.cachedTokens, hash: session.logitsHash,
    memory: session.memoryUsage() };
  const scores = session.score(ids);
  assert.deepEqual({ position: session.position, cached: session.cachedTokens, hash: session.logitsHash,
    memory: session.memoryUsage() }, before);
  assert.equal(scores.length, POSITIONS);
  const other = model.createSession();
  for (const [t, score] of scores.entries()) {
    const logits = other.decode(ids[t]);
    const max = Math.max(...logits);
    const expected = logits[ids[t + 1]] - max - Math.log(logits
      .reduce((sum, x) => sum + Math.exp(x - max), 0));
    assert.ok(Math.abs(score - expected) < 1e-5, `${t}: ${score}, ${expected}`);
  }
  assert.deepEqual(session.score(ids.slice(0, 40)), scores.slice(0, 39)); // the same bits, whatever follows
  session.decode(6);
  other.reset();
  other.prefill([9, 8, 7, 6]);
  assert.equal(session.logitsHash, other.logitsHash);
  throwsCode(() => session.score(randomIds(POSITIONS + 2)), 'context_full');
  throwsCode(() => session.score([1]), 'invalid_argument');
  throwsCode(() => session.score([1, 999]), 'token_out_of_range');
});

test('memory usage is what is allocated', () => {
  const { nLayer, nEmbd } = model.config;
  const session = model.createSession({ capacity: 37 });
  const bytesPerToken = 2 * nLayer * nEmbd * 4;
  const usage = session.memoryUsage();
  assert.equal(usage.bytesPerToken, bytesPerToken);
  assert.equal(usage.cacheBytes, 48 * bytesPerToken); // whole pages of 16 slots
  assert.equal(usage.usedBytes, 0);
  assert.ok(usage.totalBytes > usage.cacheBytes);
  session.prefill(randomIds(20));
  assert.equal(session.memoryUsage().usedBytes, 20 * bytesPerToken);
  session.useCache = false;
  session.prefill([5, 6]);
  assert.equal(session.memoryUsage().usedBytes, 20 * bytesPerToken);
  session.truncate(3);
  assert.equal(session.memoryUsage().usedBytes, 3 * bytesPerToken);
});

test('memory stays flat over a thousand sessions', () => {
  model.createSession().dispose();
  const before = model.memoryUsage().totalBytes;
  for (let i = 0; i < 1000; i++) {
    const session = model.createSession();
    session.prefill([i % 256]);
    session.dispose();
  }
  assert.equal(model.memoryUsage().totalBytes, before);
});

// ---- generate -----------------------------------------------------------------------------------

const HOT = { temperature: 1.3, maxTokens: 60, seed: 11 };

test('generate: flipping the cache at any token changes nothing; tokens say where they are', async () => {
  const session = model.createSession();
  const expected = await collect(session.generate('Hello', HOT));
  const hash = session.logitsHash;
  assert.equal(expected.length, 60);
  assert.deepEqual(expected.map((token) => token.position), Array.from({ length: 60 }, (_, i) => 5 + i));
  assert.ok(expected.every((token) => token.ms >= 0 && Number.isFinite(token.ms)));
  assert.deepEqual(session.prefillStats.tokens, 5);
  assert.deepEqual(idsOf(await collect(session.generate('Hello', { ...HOT, useCache: false }))),
    idsOf(expected));
  const random = seeded(5);
  const flipped = [];
  for await (const token of session.generate('Hello', HOT)) {
    flipped.push(token);
    session.useCache = random() < 0.5;
  }
  assert.deepEqual(idsOf(flipped), idsOf(expected));
  assert.equal(session.logitsHash, hash);
});

test('generate: the timeline is the prompt and what was given out', async () => {
  const session = model.createSession();
  const tokens = await collect(session.generate('Hello', HOT));
  const other = model.createSession();
  other.prefill([...model.encode('Hello'), ...idsOf(tokens)]);
  assert.equal(session.position, other.position);
  assert.equal(session.logitsHash, other.logitsHash);
});

test('generate: greedy is the argmax of decode', async () => {
  const session = model.createSession();
  const tokens = await collect(session.generate([9, 8, 7], { temperature: 0, maxTokens: 20 }));
  const other = model.createSession();
  let logits = other.prefill([9, 8, 7]);
  for (const { id } of tokens) {
    assert.equal(id, logits.indexOf(Math.max(...logits)));
    logits = other.decode(id);
  }
});

test('generate: seeds, number or BigInt, repeat; other seeds and filters differ', async () => {
  const session = model.createSession();
  const run = async (options) => idsOf(await collect(session.generate('x', { ...HOT, ...options }))).join();
  const first = await run({});
  assert.equal(await run({ seed: 11n }), first);
  assert.notEqual(await run({ seed: 12 }), first);
  assert.equal(await run({ seed: undefined }), await run({ seed: 0 }), 'that of the manual');
  assert.equal(await run({ topK: 1 }), await run({ temperature: 0 }));
  assert.equal(await run({ topP: 1e-6 }), await run({ temperature: 0 }));
  assert.equal(await run({ minP: 1 }), await run({ temperature: 0 }));
  for (const filter of [{ topK: 3 }, { topP: 0.4 }, { minP: 0.5 }, { repetitionPenalty: 3 }]) {
    assert.notEqual(await run(filter), first);
  }
});

test('generate: text holds whole characters, and together it is decode(ids)', async () => {
  const session = model.createSession();
  for (let seed = 0; seed < 20; seed++) { // random bytes: full of broken UTF-8
    const tokens = await collect(session.generate('é', { ...HOT, temperature: 5, seed }));
    const text = tokens.map((token) => token.text).join('');
    assert.equal(text, model.decode(idsOf(tokens)));
    assert.ok(tokens.every((token) => token.text.isWellFormed?.() ?? true));
  }
});

test('generate: ends at the end-of-text token, at maxTokens, and at the capacity', async () => {
  const finish = async (session, options) => {
    const run = session.generate('Hello', { temperature: 0, ...options });
    for (let n = 0; ; n++) {
      const { done, value } = await run.next();
      if (done) return { reason: value, n };
    }
  };
  assert.deepEqual(await finish(model.createSession(), { maxTokens: 3 }), { reason: 'length', n: 3 });
  assert.deepEqual(await finish(model.createSession(), { maxTokens: 0 }), { reason: 'length', n: 0 });
  assert.deepEqual(await finish(model.createSession({ capacity: 12 }), {}), { reason: 'context_full', n: 7 });
  assert.deepEqual(await finish(model.createSession({ capacity: 12 }), { maxTokens: 7 }),
    { reason: 'length', n: 7 });
  const [first] = await collect(model.createSession().generate('Hello', { temperature: 0, maxTokens: 1 }));
  const ending = await loadModel(tinyBlobs({ changes: CHANGES,
    generation: { eos_token_id: [3, first.id] } }));
  assert.deepEqual(await finish(ending.createSession(), {}), { reason: 'eos', n: 0 });
  ending.dispose();
});

test('generate: the defaults come from generation_config.json', async () => {
  const generation = { do_sample: true, temperature: 1.3, top_k: 7, max_new_tokens: 9 };
  const tuned = await loadModel(tinyBlobs({ changes: CHANGES, generation }));
  const tokens = await collect(tuned.createSession().generate('Hello', { seed: 2 }));
  const explicit = await collect(model.createSession().generate('Hello',
    { seed: 2, temperature: 1.3, topK: 7, maxTokens: 9 }));
  assert.equal(tokens.length, 9);
  assert.deepEqual(idsOf(tokens), idsOf(explicit));
  tuned.dispose();
});

test('generate: an empty prompt starts from the beginning-of-text token', async () => {
  const session = model.createSession();
  const tokens = await collect(session.generate('', { temperature: 0, maxTokens: 4 }));
  assert.deepEqual(idsOf(tokens),
    idsOf(await collect(session.generate([256], { temperature: 0, maxTokens: 4 }))));
});

test('context_full: what fits is given out first, and the session stays usable', async () => {
  const session = model.createSession({ capacity: 10, whenFull: 'error' });
  const seen = [];
  await rejectsCode((async () => {
    for await (const token of session.generate('Hello', { temperature: 0, maxTokens: 50 })) {
      seen.push(token.id);
    }
  })(), 'context_full', /10/);
  assert.equal(seen.length, 5);
  assert.equal(session.position, 10);
  throwsCode(() => session.decode(1), 'context_full');
  session.truncate(9);
  session.decode(seen[4]);
  throwsCode(() => session.prefill([1]), 'context_full');
  await rejectsCode(session.generate('far too long for this', {}).next(), 'context_full');
  assert.equal(session.position, 10); // what is refused changes nothing
  assert.equal((await collect(session.generate('short', { maxTokens: 5 }))).length, 5);
});

test('leaving the loop frees the session at once', async () => {
  const session = model.createSession();
  for await (const token of session.generate('Hello', HOT)) if (token.position === 8) break;
  assert.equal(session.position, 9);
  session.decode(1);
  await assert.rejects(async () => {
    for await (const token of session.generate('Hello', HOT)) {
      throw new Error(`consumer failed at ${token.position}`);
    }
  }, /consumer failed at 5/);
  assert.equal((await collect(session.generate('Hello', HOT))).length, 60);
});

test('busy: nothing else may touch a session that generates', async () => {
  const session = model.createSession();
  const run = session.generate('Hello', HOT);
  await run.next();
  for (const call of [() => session.prefill([1]), () => session.decode(1), () => session.truncate(0),
    () => session.reset()]) {
    throwsCode(call, 'busy');
  }
  assert.equal(session.position, 6); // looking is allowed
  await run.return();
  session.decode(1);
});

// ---- aborting -----------------------------------------------------------------------------------

test('aborted: before the start, and after any token; the session stays usable', async () => {
  const session = model.createSession();
  const expected = idsOf(await collect(session.generate('Hello', HOT)));
  for (let stop = 0; stop < 60; stop += 7) {
    const controller = new AbortController();
    if (stop === 0) controller.abort(new Error('no'));
    const seen = [];
    const error = await rejectsCode((async () => {
      for await (const token of session.generate('Hello', { ...HOT, signal: controller.signal })) {
        seen.push(token.id);
        if (seen.length === stop) controller.abort(new Error('no'));
      }
    })(), 'aborted');
    assert.equal(error.name, 'AbortError');
    assert.equal(error.cause.message, 'no');
    assert.deepEqual(seen, expected.slice(0, stop));
  }
  assert.deepEqual(idsOf(await collect(session.generate('Hello', HOT))), expected);
});

test('aborted within a prefill or an uncached token, the timeline is as before that pass', async () => {
  const slow = await loadModel(tinyBlobs({ changes: { n_layer: 6, n_embd: 128, n_positions: 512 } }),
    { variant: 'scalar' });
  const session = slow.createSession();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1); // heard in the first pause
  await rejectsCode(session.generate(randomIds(500), { signal: controller.signal }).next(), 'aborted');
  assert.equal(session.position, 0);
  const second = new AbortController();
  const run = session.generate(randomIds(500), { signal: second.signal, temperature: 0 });
  await run.next();
  session.useCache = false;
  setTimeout(() => second.abort(), 1);
  await rejectsCode(run.next(), 'aborted');
  assert.equal(session.position, 501);
  session.useCache = true;
  session.decode(1);
  slow.dispose();
});

test('aborted at any look at the signal, the session holds what was given out, no token more', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => (now += 1000)); // a pause is due after every step
  const prompt = model.encode('Hello');
  for (const useCache of [true, false]) {
    const lengths = new Set(); // of what runs had given out, where they were aborted
    for (let looks = 1, aborted = true; aborted; looks++) {
      let left = looks;
      const signal = signalThat(() => --left === 0);
      const session = model.createSession();
      const held = [...prompt];
      aborted = await (async () => {
        for await (const token of session.generate(prompt, { ...HOT, maxTokens: 6, useCache, signal })) {
          held.push(token.id);
        }
      })().then(() => false, (error) => error.code === 'aborted' || assert.fail(error));
      assert.ok([0, held.length].includes(session.position),
        `${session.position} of ${held.length} held at look ${looks}`);
      if (session.position > 0) {
        const fresh = model.createSession({ useCache });
        fresh.prefill(held);
        assert.equal(session.logitsHash, fresh.logitsHash);
        fresh.dispose();
      }
      lengths.add(held.length);
      session.dispose();
    }
    assert.equal(lengths.size, 7);
  }
});

// ---- bad input and the end ----------------------------------------------------------------------

test('token_out_of_range, position_out_of_range, invalid_argument: nothing is lost', async () => {
  const session = model.createSession();
  session.prefill([1, 2, 3]);
  const { vocabSize } = model.config;
  for (const id of [vocabSize, -1, 1.5, NaN, 2 ** 32, '7', undefined]) {
    throwsCode(() => session.decode(id), 'token_out_of_range', new RegExp(`0 to ${vocabSize - 1}`));
    throwsCode(() => session.prefill([1, id]), 'token_out_of_range', /index 1/);
  }
  for (const n of [4, -1, 1.5, NaN, 2 ** 32 + 1]) {
    throwsCode(() => session.truncate(n), 'position_out_of_range');
  }
  for (const ids of [[], undefined, null, 5]) throwsCode(() => session.prefill(ids), 'invalid_argument');
  for (const options of [{ temperature: -1 }, { temperature: NaN }, { topK: 1.5 }, { topK: -1 }, { topP: 0 },
    { topP: 1.1 }, { minP: 2 },
    { repetitionPenalty: 0 }, { maxTokens: -1 }, { maxTokens: 1.5 }, { seed: 0.5 }, { seed: '1' },
      { temperature: '1' }]) {
    await rejectsCode(session.generate([1], options).next(), 'invalid_argument');
  }
  for (const capacity of [0, -1, 1.5, POSITIONS + 1, NaN]) {
    throwsCode(() => model.createSession({ capacity }), 'invalid_argument');
  }
  await rejectsCode(session.generate(5).next(), 'invalid_argument');
});

test('a refused call leaves timeline and logits as they were', () => {
  const session = model.createSession();
  session.prefill([1, 2, 3]);
  const hash = session.logitsHash;
  throwsCode(() => session.prefill([1, 999999]), 'token_out_of_range');
  throwsCode(() => session.truncate(9), 'position_out_of_range');
  throwsCode(() => session.prefill(randomIds(POSITIONS)), 'context_full');
  assert.equal(session.position, 3);
  assert.equal(session.logitsHash, hash);
});

test('disposed: twice is fine, use afterwards is not', async () => {
  const session = model.createSession();
  session.dispose();
  session.dispose();
  session[Symbol.dispose]();
  for (const use of [() => session.position, () => session.decode(1), () => session.logits,
    () => session.memoryUsage(), () => session.reset()]) {
    throwsCode(use, 'disposed');
  }
  await rejectsCode(session.generate('x').next(), 'disposed');
  const running = model.createSession();
  const run = running.generate('x', HOT);
  await run.next();
  running.dispose();
  await rejectsCode(run.next(), 'disposed');
});

test('disposing of the model ends its sessions', async () => {
  const short = await loadModel(tinyBlobs());
  const session = short.createSession();
  const run = session.generate('x', HOT);
  await run.next();
  short.dispose();
  short.dispose();
  short[Symbol.dispose]();
  await rejectsCode(run.next(), 'disposed');
  throwsCode(() => session.decode(1), 'disposed');
  throwsCode(() => short.createSession(), 'disposed');
  for (const use of [() => short.tokenizer, () => short.encode('x'), () => short.decode([1]),
    () => short.textStream()]) throwsCode(use, 'disposed');
  const conversation = [{ role: 'user', content: 'x' }];
  await rejectsCode(short.applyChatTemplate(conversation), 'disposed');
  await rejectsCode(short.renderChatTemplate(conversation), 'disposed');
  assert.deepEqual([session.capacity, short.memoryUsage().totalBytes], [short.config.nPositions, 0]);
  session.dispose();
});
