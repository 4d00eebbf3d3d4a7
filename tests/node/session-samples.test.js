// Several texts at once: samples that share their prompt, timelines of different lengths in one pass, and
// what happens when there is no more room.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, rejectsCode, seeded, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const POSITIONS = 160;
const CHANGES = { n_positions: POSITIONS, vocab_size: 257, eos_token_id: null };
const HOT = { temperature: 1.3, maxTokens: 30, seed: 11 };
let model;
let ending; // its texts end by themselves: every fourth token does
before(async () => {
  model = await loadModel(tinyBlobs({ changes: CHANGES }));
  ending = await loadModel(tinyBlobs({ changes: CHANGES,
    generation: { eos_token_id: Array.from({ length: 12 }, (_, i) => 20 * i) } }));
});
after(() => {
  model.dispose();
  ending.dispose();
});

/** Ids by sample, and how sample 0 ended. */
async function samplesOf(run) {
  const samples = [];
  for (;;) {
    const { done, value } = await run.next();
    if (done) return { samples, reason: value };
    (samples[value.sequence] ??= []).push(value.id);
    assert.equal(typeof value.text, 'string');
    assert.ok(value.ms >= 0);
  }
}

test('while a token of a sample is given out, the session\'s logits are those after it', async () => {
  const [session, lone] = [model.createSession(), model.createSession()];
  const prompt = randomIds(20);
  const texts = [[...prompt], [...prompt]];
  for await (const { id, sequence } of session.generate(prompt, { ...HOT, n: 2, maxTokens: 5 })) {
    texts[sequence].push(id);
    lone.sync(texts[sequence]);
    assert.equal(session.logitsHash, lone.logitsHash, `sample ${sequence}, ${texts[sequence].length} tokens`);
  }
});

test('sample i of n is the lone run with the seed + i, with the cache on and off', async () => {
  const prompt = randomIds(40);
  for (const [name, one] of [['endless', model], ['ending', ending]]) {
    const lone = await Promise.all([0, 1, 2, 3, 4].map(async (i) => {
      const session = one.createSession();
      return { ids: idsOf(await collect(session.generate(prompt, { ...HOT, seed: 11 + i }))),
        hash: session.logitsHash };
    }));
    for (const useCache of [true, false]) {
      const session = one.createSession();
      const { samples } = await samplesOf(session.generate(prompt, { ...HOT, n: 5, useCache }));
      for (const [i, { ids }] of lone.entries()) {
        assert.deepEqual(samples[i] ?? [], ids, `${name}, sample ${i}, cache ${useCache}`);
      }
      assert.equal(session.logitsHash, lone[0].hash, 'the session holds sample 0');
      assert.equal(session.position, 40 + lone[0].ids.length);
      assert.equal(session.selected, 0);
    }
    assert.equal(new Set(lone.map(({ ids }) => ids.join())).size, 5);
    if (name === 'ending') {
      assert.ok(new Set(lone.map(({ ids }) => ids.length)).size > 1, 'they end at different tokens');
    }
  }
});

test('the cache flipped at any token changes no sample', async () => {
  const session = model.createSession({ sequences: 3 });
  const expected = await samplesOf(session.generate('Hello', { ...HOT, n: 3 }));
  const random = seeded(5);
  const flipped = [];
  for await (const token of session.generate('Hello', { ...HOT, n: 3 })) {
    (flipped[token.sequence] ??= []).push(token.id);
    session.useCache = random() < 0.5;
  }
  assert.deepEqual(flipped, expected.samples);
});

test('samples share the prompt in the cache, and the next run reuses it', async () => {
  const session = model.createSession({ sequences: 4 });
  const prompt = randomIds(96); // six whole pages
  const run = session.generate(prompt, { ...HOT, n: 4, maxTokens: 10 });
  await run.next();
  const { usedBytes, sharedBytes, bytesPerToken } = session.memoryUsage();
  assert.equal(sharedBytes, 3 * 96 * bytesPerToken);
  assert.equal(usedBytes, (96 + 4) * bytesPerToken);
  await run.return();
  assert.equal(session.memoryUsage().sharedBytes, 0, 'sample 0 alone');
  assert.equal(session.memoryUsage().usedBytes, 97 * bytesPerToken);
  await collect(session.generate(prompt, { ...HOT, n: 2 }));
  assert.equal(session.prefillStats.reused, 95);
});

test('a session grows for samples and beams, and keeps what it held', async () => {
  const session = model.createSession({ capacity: 60 });
  const prompt = randomIds(30);
  session.prefill(prompt);
  const { samples } = await samplesOf(session.generate(prompt, { ...HOT, n: 3, maxTokens: 5 }));
  assert.equal(samples.length, 3);
  assert.equal(session.sequences, 3);
  assert.equal(session.prefillStats.reused, 30);
  assert.equal(session.capacity, 60);
});

test('left or stopped in the middle, the session holds what sample 0 gave out, and goes on', async () => {
  const prompt = randomIds(20);
  const alone = model.createSession();
  const ids = idsOf(await collect(alone.generate(prompt, HOT)));
  for (const useCache of [true, false]) {
    const session = model.createSession({ useCache });
    let seen = 0;
    for await (const token of session.generate(prompt, { ...HOT, n: 3 })) {
      if (++seen === 11) assert.equal(token.sequence, 1); else if (seen > 11) break;
    }
    assert.equal(session.position, 20 + 4); // four tokens of each: 12 given out
    alone.sync([...prompt, ...ids.slice(0, 4)]);
    session.decode(7);
    alone.decode(7);
    assert.equal(session.logitsHash, alone.logitsHash);
    const controller = new AbortController();
    await rejectsCode((async () => {
      for await (const token of session.generate(prompt, { ...HOT, n: 3, signal: controller.signal })) {
        if (token.position === 25) controller.abort();
      }
    })(), 'aborted');
    assert.equal(session.position, 26);
    assert.equal((await samplesOf(session.generate(prompt, { ...HOT, n: 3 }))).samples[2].length, 30);
  }
});

// ---- timelines by hand --------------------------------------------------------------------------

test('a row alone is the row in a ragged batch, bit for bit', () => {
  const lengths = [1, 15, 16, 17, 33, 70];
  const session = model.createSession({ sequences: 6 });
  for (const [i, length] of lengths.entries()) {
    session.select(i);
    session.prefill(randomIds(length, i));
  }
  for (let round = 0; round < 20; round++) {
    const rows = lengths.map((_, i) => i).filter((i) => (round + i) % 4 !== 0);
    const logits = session.decodeBatch(rows, rows.map((i) => (31 * round + i) % 256));
    assert.equal(logits.length, rows.length);
  }
  for (const [i, length] of lengths.entries()) {
    const alone = model.createSession();
    alone.prefill(randomIds(length, i));
    for (let round = 0; round < 20; round++) if ((round + i) % 4 !== 0) alone.decode((31 * round + i) % 256);
    session.select(i);
    assert.equal(session.position, alone.position);
    assert.equal(session.logitsHash, alone.logitsHash, `row ${i}`);
    alone.dispose();
  }
});

test('fork, reorder, drop and keep: each timeline as if it had always been alone', () => {
  const random = seeded(77);
  const session = model.createSession({ sequences: 4 });
  let texts = [[], [], [], []];
  const check = (i) => {
    session.select(i);
    assert.equal(session.position, texts[i].length);
    if (texts[i].length === 0) return;
    const alone = model.createSession();
    alone.prefill(texts[i]);
    session.sync(texts[i]);
    assert.equal(session.logitsHash, alone.logitsHash);
    alone.dispose();
  };
  for (let step = 0; step < 120; step++) {
    const [i, j] = [random.below(4), random.below(4)];
    const what = random.below(7);
    if (what === 0) session.fork(i, j), texts[j] = [...texts[i]];
    else if (what === 1) {
      const from = [0, 1, 2, 3].map(() => random.below(4));
      session.reorder(from);
      texts = from.map((k) => [...texts[k]]);
    } else if (what === 2 && step % 3 === 0) session.drop(i), texts[i] = [];
    else if (what === 3 && step % 17 === 0) session.keep(i),
      texts = texts.map((text, k) => (k === i ? text : []));
    else {
      const ids = randomIds(1 + random.below(20), step);
      if (texts[i].length + ids.length > POSITIONS) continue;
      session.select(i);
      session.prefill(ids);
      texts[i].push(...ids);
    }
    check(random.below(4));
  }
});

test('what is refused: sequences that are not there, lists that do not match, too many', async () => {
  const session = model.createSession({ sequences: 2 });
  session.prefill([1, 2, 3]);
  const hash = session.logitsHash;
  for (const sequence of [2, -1, 0.5, NaN, '1', undefined]) {
    for (const call of [() => session.select(sequence), () => session.fork(0, sequence),
      () => session.drop(sequence), () => session.keep(sequence),
      () => session.reorder([0, sequence]), () => session.decodeBatch([sequence], [1])]) throwsCode(call,
        'position_out_of_range');
  }
  throwsCode(() => session.reorder([0]), 'invalid_argument');
  throwsCode(() => session.decodeBatch([0, 1], [1]), 'invalid_argument');
  throwsCode(() => session.decodeBatch([], []), 'invalid_argument');
  throwsCode(() => session.decodeBatch([0, 0], [1, 2]), 'invalid_argument');
  throwsCode(() => session.decodeBatch([0, 1], [1, 999]), 'token_out_of_range');
  for (const sequences of [0, 1.5, 1025, '2']) {
    throwsCode(() => model.createSession({ sequences }), 'invalid_argument');
  }
  for (const n of [0, 1.5, -1, '2']) {
    await rejectsCode(session.generate([1], { n }).next(), 'invalid_argument');
  }
  assert.equal(session.position, 3);
  assert.equal(session.logitsHash, hash);
});

// ---- when it is full ----------------------------------------------------------------------------

test('whenFull: "error" gives what fits and throws; "stop" ends with the reason context_full', async () => {
  for (const options of [{}, { n: 2 }, { numBeams: 2 }]) {
    const draw = options.numBeams ? {} : { temperature: 0 };
    const strict = model.createSession({ capacity: 10, whenFull: 'error' });
    const seen = [];
    await rejectsCode((async () => {
      for await (const token of strict.generate('Hello', { ...draw, ...options, maxTokens: 50 })) {
        seen.push(token);
      }
    })(), 'context_full', /10/);
    assert.equal(seen.length, 5 * (options.n ?? 1));
    assert.equal(strict.position, 10);
    const stopping = model.createSession({ capacity: 10 }); // the default
    const { samples,
      reason } = await samplesOf(stopping.generate('Hello', { ...draw, ...options, maxTokens: 50 }));
    assert.equal(reason, 'context_full');
    assert.deepEqual(samples[0], seen.filter(({ sequence }) => sequence === 0).map(({ id }) => id));
    assert.equal((await samplesOf(stopping.generate('Hello', { ...draw, ...options, maxTokens: 5 }))).reason,
      'length', 'exactly full is not too full');
    assert.equal((await samplesOf(stopping.generate('Hello', { ...draw, ...options }))).reason,
      'context_full');
    assert.equal((await samplesOf(strict.generate('Hello', { ...draw, ...options }))).reason, 'context_full',
      'nothing more was asked for');
    await rejectsCode(stopping.generate('far too long for this').next(), 'context_full');
  }
});

test('whenFull: "slide" is refused with the reason, and so is evicting from the middle (B14)', () => {
  throwsCode(() => model.createSession({ whenFull: 'slide' }), 'unsupported', /position/);
  throwsCode(() => model.createSession({ whenFull: 'never' }), 'invalid_argument');
  const session = model.createSession();
  session.prefill([1, 2, 3]);
  throwsCode(() => session.evict(0, 1), 'unsupported', /position/);
  assert.equal(session.position, 3);
});

test('options that are null or undefined count as not given', async () => {
  const run = (options) =>
    samplesOf(model.createSession().generate('Hello', { ...HOT, maxTokens: 5, ...options }));
  assert.deepEqual(await run({ n: null, lengthPenalty: undefined, earlyStopping: undefined }), await run({}));
});

test('a listener that throws as samples are given up leaves sample 0, and no other', async () => {
  const session = model.createSession();
  const run = session.generate('Hello', { ...HOT, n: 2 });
  const prompt = model.encode('Hello').length;
  for (let i = 0; i < 5; i++) await run.next();
  session.onEvent = () => { throw new Error('listener'); };
  await assert.rejects(run.return(), /listener/);
  session.onEvent = null;
  assert.deepEqual([session.selected, session.position], [0, prompt + 3]);
  session.select(1);
  assert.equal(session.position, 0);
});
