// Beam search against an obvious one that computes every step of every beam from scratch.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, rejectsCode, signalThat } from './helpers.js';
import { plainBeamSearch, result } from './plain-beams.js';
import { tinyBlobs } from './tiny-model.js';

const CHANGES = { n_positions: 96, vocab_size: 257, eos_token_id: null };
let endless;
let ending; // the same model, to which tokens that it likes mean the end
let stories;
before(async () => {
  endless = await loadModel(tinyBlobs({ changes: CHANGES }));
  const session = endless.createSession();
  const liked = [];
  for (const numBeams of [2, 3, 5]) {
    liked.push((await result(session.generate(promptOf(numBeams), { numBeams, maxTokens: 12 }))).ids[5]);
  }
  ending = await loadModel(tinyBlobs({ changes: CHANGES,
    generation: { eos_token_id: [...new Set(liked)] } }));
  stories = await loadModel(new URL('../../web/models/stories/', import.meta.url));
});
after(() => {
  for (const model of [endless, ending, stories]) model.dispose();
});

const promptOf = (seed) => randomIds(9, seed);

test('beam search finds what the plain one finds, for every kind of ending and length penalty', async () => {
  let ended = 0;
  for (const [name, model, ends] of [['endless', endless, []],
    ['ending', ending, ending.generation.eosTokenIds]]) {
    const session = model.createSession({ sequences: 5 });
    for (const numBeams of [2, 3, 5]) {
      for (const options of [{}, { lengthPenalty: 2 }, { lengthPenalty: -1 }, { lengthPenalty: 0 },
        { earlyStopping: true },
        { earlyStopping: 'never' }, { earlyStopping: 'never', lengthPenalty: 0.5 },
        { repetitionPenalty: 1.4 }, { repetitionPenalty: 0.7, lengthPenalty: 2 }]) {
        const prompt = promptOf(numBeams);
        const search = { numBeams, maxTokens: 12, ...options };
        const { ids, reason } = await result(session.generate(prompt, search));
        assert.deepEqual(ids, plainBeamSearch(model, prompt, { ...search, ends }),
          `${name}, ${JSON.stringify(search)}`);
        if (reason === 'eos') ended++;
      }
    }
  }
  assert.ok(ended > 3, `only ${ended} texts ended by themselves`);
});

test('cached = uncached, flipped in the middle too; the session holds the result (B22)', async () => {
  const prompt = randomIds(30);
  const search = { numBeams: 4, maxTokens: 40 };
  for (const model of [endless, ending]) {
    const session = model.createSession();
    const { ids } = await result(session.generate(prompt, search));
    assert.ok(ids.length > 0);
    const fresh = model.createSession();
    fresh.prefill([...prompt, ...ids]);
    assert.equal(session.position, 30 + ids.length);
    assert.equal(session.logitsHash, fresh.logitsHash);
    assert.equal(session.memoryUsage().sharedBytes, 0);
    assert.deepEqual((await result(session.generate(prompt, { ...search, useCache: false }))).ids, ids);
    assert.equal(session.logitsHash, fresh.logitsHash);
    session.useCache = true;
    const flipped = [];
    for await (const token of session.generate(prompt, search)) {
      flipped.push(token.id);
      session.useCache = !session.useCache;
    }
    assert.deepEqual(flipped, ids);
  }
});

test('the makers\' repetition penalty holds for beams too, as in transformers; 1 turns it off', async () => {
  const generation = { do_sample: true, repetition_penalty: 1.3 };
  const penalised = await loadModel(tinyBlobs({ changes: CHANGES, generation }));
  const session = penalised.createSession();
  const search = { numBeams: 3, maxTokens: 20 };
  const ids = async (options) => (await result(session.generate(promptOf(3), { ...search, ...options }))).ids;
  const plain = (options) => plainBeamSearch(endless, promptOf(3), { ...search, ...options });
  assert.deepEqual(await ids({}), plain({ repetitionPenalty: 1.3 }));
  assert.deepEqual(await ids({ repetitionPenalty: 1 }), plain({}));
  assert.notDeepEqual(await ids({}), await ids({ repetitionPenalty: 1 }));
  penalised.dispose();
});

test('one beam is greedy', async () => {
  const session = endless.createSession();
  const greedy = idsOf(await collect(session.generate('Hello',
    { temperature: 0, maxTokens: 30, repetitionPenalty: 1 })));
  const hash = session.logitsHash;
  assert.deepEqual((await result(session.generate('Hello', { numBeams: 1, maxTokens: 30 }))).ids, greedy);
  assert.equal(session.logitsHash, hash);
});

test('the result is at least as likely as the greedy text', async () => {
  const session = endless.createSession();
  const prompt = randomIds(10, 3);
  const likelihood = (ids) => session.score([...prompt, ...ids]).subarray(9).reduce((sum, x) => sum + x, 0);
  const greedy = idsOf(await collect(session.generate(prompt,
    { temperature: 0, repetitionPenalty: 1, maxTokens: 15 })));
  const beams = idsOf(await collect(session.generate(prompt, { numBeams: 8, maxTokens: 15 })));
  assert.ok(likelihood(beams) >= likelihood(greedy) - 1e-4, `${likelihood(beams)}, ${likelihood(greedy)}`);
});

test('tokens come as soon as all beams agree, whole characters, in order', async () => {
  const session = stories.createSession();
  const start = stories.encode('Once upon a time').length;
  let early = 0;
  const tokens = [];
  for await (const token of session.generate('Once upon a time', { numBeams: 3, maxTokens: 60 })) {
    tokens.push(token);
    if (session.position < start + 60) early++;
  }
  assert.deepEqual(tokens.map(({ position }) => position), Array.from({ length: 60 }, (_, i) => start + i));
  assert.ok(early > 20, `${early} came before the end`);
  assert.ok(tokens.every(({ sequence, ms }) => sequence === 0 && ms >= 0));
  assert.equal(tokens.map(({ text }) => text).join(''), stories.decode(idsOf(tokens)));
});

test('left or stopped in the middle, the session holds what was given out', async () => {
  const session = endless.createSession();
  const search = { numBeams: 3, maxTokens: 60 };
  const { ids } = await result(session.generate('Hello', search));
  for await (const token of session.generate('Hello', search)) if (token.position === 12) break;
  const fresh = endless.createSession();
  const prompt = endless.encode('Hello');
  assert.equal(session.position, 13);
  session.decode(1);
  fresh.prefill([...prompt, ...ids.slice(0, 8), 1]);
  assert.equal(session.logitsHash, fresh.logitsHash);
  const controller = new AbortController();
  await rejectsCode((async () => {
    for await (const token of session.generate('Hello', { ...search, signal: controller.signal })) {
      if (token.position === 9) controller.abort();
    }
  })(), 'aborted');
  assert.equal(session.position, 10);
  assert.deepEqual((await result(session.generate('Hello', search))).ids, ids);
});

test('aborted at any look at the signal, the session holds what was given out', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => (now += 1000)); // a pause is due after every step
  const prompt = endless.encode('Hello');
  for (const useCache of [true, false]) {
    const run = async (session, given, signal) => {
      for await (const token of session.generate(prompt, { numBeams: 3, maxTokens: 24, useCache, signal })) {
        given.push(token.id);
      }
    };
    const whole = [];
    await run(endless.createSession(), whole);
    const lengths = new Set(); // of what runs had given out, where they were aborted
    for (let looks = 1, aborted = true; aborted; looks++) {
      let left = looks;
      const signal = signalThat(() => --left === 0);
      const session = endless.createSession();
      const given = [];
      aborted = await run(session, given, signal)
        .then(() => false, (error) => error.code === 'aborted' || assert.fail(error));
      const held = [...prompt, ...given];
      assert.deepEqual(given, whole.slice(0, given.length));
      if (given.length > 0) {
        assert.equal(session.position, held.length, `${given.length} given out at look ${looks}`);
      }
      session.sync([...held, 1]);
      const fresh = endless.createSession({ useCache });
      fresh.prefill([...held, 1]);
      assert.equal(session.logitsHash, fresh.logitsHash);
      lengths.add(given.length);
      session.dispose();
      fresh.dispose();
    }
    assert.ok(lengths.size > 3, `${[...lengths]}`);
  }
});

test('what beam search does not take is refused in words', async () => {
  const session = endless.createSession();
  for (const options of [{ numBeams: 0 }, { numBeams: 1.5 }, { numBeams: 2, n: 2 },
    { numBeams: 2, temperature: 1 }, { numBeams: 2, seed: 1 },
    { numBeams: 2, lengthPenalty: NaN }, { numBeams: 2, earlyStopping: 'yes' }, { lengthPenalty: 2 },
      { earlyStopping: true }]) {
    await rejectsCode(session.generate('Hello', options).next(), 'invalid_argument');
  }
  assert.deepEqual(await result(session.generate('Hello', { numBeams: 2, maxTokens: 0 })),
    { ids: [], reason: 'length' });
});
