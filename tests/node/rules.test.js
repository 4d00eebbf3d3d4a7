// What changes the logits before the sampler takes them, against Hugging Face's own generate, whose answers
// make_generation.py has written down.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { seedAfter } from '../../web/worker/drawn.js';
import { collect, idsOf, rejectsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const fixture = JSON.parse(await readFile(new URL('../fixtures/generation.json', import.meta.url), 'utf8'));
const { prompt, maxTokens, cases, logProbs } = fixture;
const STORIES = new URL('../../web/models/stories/', import.meta.url);
const model = await loadModel(STORIES);
const BEGINNING = 12; // tokens of what is computed without the cache, and ends nowhere
const CHANGES = { n_positions: 160, vocab_size: 257, eos_token_id: null };
const tiny = await loadModel(tinyBlobs({ changes: CHANGES }));
after(() => {
  model.dispose();
  tiny.dispose();
});

/** Nothing is drawn and nothing comes from the model's makers. */
const plain = ({ options, revived }) => ({ maxTokens, repetitionPenalty: 1, ...options,
  ...(options.numBeams === undefined && { temperature: 0 }),
  ...(revived !== undefined && { onLogits: reviving(revived) }) });

/** A hook that gives this score to whatever was ruled out before it. */
const reviving = (score) => (logits) => {
  for (const [id, logit] of logits.entries()) if (logit === -Infinity) logits[id] = score;
};

test('what transformers writes with the same settings, greedy and with beams, cache on and off', async () => {
  const session = model.createSession();
  const texts = new Set();
  for (const one of cases) {
    const what = JSON.stringify(one.options);
    const slow = one.options.numBeams > 2 || (one.options.numBeams && !one.options.lengthPenalty);
    const settings = plain(one);
    const isPlain = one.options.numBeams === undefined && one.text === undefined && one.by === undefined;
    for (const useCache of slow ? [true] : [true, false]) { // beams without it: session-beams.test.js
      const most = isPlain && !useCache ? BEGINNING : settings.maxTokens;
      const tokens = await collect(session.generate(prompt, { ...settings, maxTokens: most, useCache }));
      assert.deepEqual(idsOf(tokens), one.ids.slice(0, most), `${what}, cache ${useCache}`);
      const cut = tokens.map(({ text }) => text).join('');
      if (one.text === undefined) continue;
      assert.equal(session.finishReason, 'stop');
      assert.ok(one.options.stop.includes(session.finishedBy), what);
      assert.equal(cut, one.text.slice(0, one.text.indexOf(session.finishedBy)), what);
    }
    if (one.by !== undefined) assert.deepEqual([session.finishReason, session.finishedBy], ['stop', one.by]);
    texts.add(one.ids.join());
  }
  assert.ok(texts.size > 20, `only ${texts.size} of them differ`);
});

test('the scores of transformers after its processors, and as many ids ruled out', async () => {
  const session = model.createSession();
  let looked = 0;
  for (const one of cases.filter(({ scores }) => scores)) {
    const steps = [];
    const { onLogits: hook, ...settings } = plain(one);
    const onLogits = (scores) => {
      hook?.(scores);
      steps.push(scores.slice());
    };
    await collect(session.generate(prompt, { ...settings, onLogits }));
    for (const { step, best, ruledOut } of one.scores) {
      const what = `${JSON.stringify(one.options)}, step ${step}`;
      for (const [id, score] of best) {
        assert.ok(Math.abs(steps[step][id] - score) < 2e-3, `${what}: ${steps[step][id]}, ${score}`);
      }
      assert.equal(steps[step].filter((score) => score === -Infinity).length, ruledOut, what);
      looked++;
    }
  }
  assert.ok(looked > 20);
});

test('the log-probabilities of the model itself, whatever the rules make of them', async () => {
  const session = model.createSession();
  const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 8 };
  const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-3, `${a}, ${b}`);
  const tokens = await collect(session.generate(prompt, { ...options, logprobs: 5 }));
  assert.deepEqual(idsOf(tokens), logProbs.ids);
  for (const [i, { logProb, top }] of tokens.entries()) {
    near(logProb, logProbs.chosen[i]);
    assert.deepEqual(top.map(({ id }) => id), logProbs.top[i].map(([id]) => id));
    for (const [j, [, expected]] of logProbs.top[i].entries()) near(top[j].logProb, expected);
  }
  // Of a token that is far from likely too, drawn under rules; and the text is the same without asking.
  const odd = { maxTokens: 20, temperature: 3, seed: 4, presencePenalty: 2, logitBias: { 46: 5 } };
  const asked = await collect(session.generate(prompt, { ...odd, logprobs: 0 }));
  const scores = session.score([...prompt, ...idsOf(asked)]).subarray(prompt.length - 1);
  for (const [i, { logProb, top }] of asked.entries()) {
    assert.ok(Math.abs(logProb - scores[i]) < 1e-4);
    assert.deepEqual(top, []);
  }
  assert.ok(Math.min(...scores) < -8, 'all of them are likely');
  assert.deepEqual(idsOf(await collect(session.generate(prompt, odd))), idsOf(asked));
  assert.equal('logProb' in (await collect(session.generate(prompt, odd)))[0], false);
});

test('settings that change nothing: the text is the one without them', async () => {
  const session = tiny.createSession();
  const hot = { maxTokens: 40, temperature: 1.4, topP: 0.9, repetitionPenalty: 1.3, seed: 12 };
  const write = async (options) => idsOf(await collect(session.generate('Hello', { ...hot, ...options })));
  const ids = await write({});
  for (const options of [{ logitBias: { 7: 0 } }, { onLogits() {} }, { noRepeatNgramSize: 40 },
    { logitBias: new Map([[7, 0]]), onLogits() {}, n: 1 }, { presencePenalty: 1e-30 }]) {
    assert.deepEqual(await write(options), ids);
  }
  for (const options of [{ topP: 1 }, { topP: 1, topK: 7 }, { topP: 1, minP: 0.05 }]) {
    assert.deepEqual(await write({ ...options, onLogits() {} }), await write(options));
  }
});

test('the same text in every build, and going on with the seed behind it', async () => {
  const how = { temperature: 1.4, topP: 0.95, repetitionPenalty: 1.2, frequencyPenalty: 0.3, minTokens: 0,
    presencePenalty: -0.2, noRepeatNgramSize: 3, logitBias: new Map([[5, 2], [9, -Infinity]]), seed: 8 };
  const texts = [];
  for (const variant of ['scalar', 'simd']) {
    const build = await loadModel(tinyBlobs({ changes: CHANGES }), { variant });
    const session = build.createSession();
    const ids = idsOf(await collect(session.generate('Hello', { ...how, maxTokens: 50 })));
    texts.push([ids, session.logitsHash]);
    const written = [...build.encode('Hello'), ...ids.slice(0, 17)];
    const rest = { ...how, maxTokens: 33, seed: seedAfter(8, 17), useCache: false };
    assert.deepEqual(idsOf(await collect(session.generate(written, rest))), ids.slice(17));
    build.dispose();
  }
  assert.deepEqual(texts[0], texts[1]);
});

test('what is ruled out is never drawn, however few are left', async () => {
  const session = tiny.createSession();
  const left = new Set([3, 50, 199]);
  const all = Array.from({ length: 257 }, (_, id) => [id, left.has(id) ? 0 : -Infinity]);
  const logitBias = Object.fromEntries(all);
  for (const filters of [{}, { topK: 100 }, { topP: 0.99 }, { minP: 0.001 }]) {
    const options = { maxTokens: 60, temperature: 50, logitBias, ...filters };
    const ids = idsOf(await collect(session.generate('Hello', options)));
    assert.deepEqual(new Set(ids), left);
  }
  const hook = (logits) => { logits.fill(-Infinity); logits[77] = 0; };
  for (const way of [{ temperature: 1 }, { numBeams: 2 }]) {
    const tokens = await collect(session.generate('Hello', { maxTokens: 3, ...way, onLogits: hook }));
    assert.deepEqual(idsOf(tokens), [77, 77, 77]);
  }
});

test('onLogits sees the text so far, and nothing that it does reaches the session', async () => {
  const session = tiny.createSession();
  const seen = [];
  const onLogits = (logits, ids) => {
    seen.push([...ids]);
    assert.equal(logits.length, tiny.sampledIds);
    logits.fill(1);
    ids.length = 0;
    logits[ids.length + 9] = 2;
  };
  const ids = idsOf(await collect(session.generate('Hello', { maxTokens: 4, temperature: 0, onLogits })));
  assert.deepEqual(ids, [9, 9, 9, 9]);
  const begun = tiny.encode('Hello');
  assert.deepEqual(seen, [0, 1, 2, 3].map((n) => [...begun, ...ids.slice(0, n)]));
  const fresh = tiny.createSession();
  fresh.prefill([...begun, ...ids]);
  assert.equal(session.logitsHash, fresh.logitsHash);
});

test('several samples: each has rules, stops and counts of its own', async () => {
  const session = tiny.createSession();
  const how = { maxTokens: 30, temperature: 1.3, frequencyPenalty: 0.5, noRepeatNgramSize: 2, minTokens: 4,
    stopTokens: Array.from({ length: 25 }, (_, i) => 10 * i), logprobs: 2 };
  const lone = [];
  for (let i = 0; i < 4; i++) {
    lone.push(await collect(session.generate('Hello', { ...how, seed: 5 + i })));
    assert.ok(lone[i].length >= 4);
  }
  const together = await collect(session.generate('Hello', { ...how, seed: 5, n: 4 }));
  const without = ({ id, text, logProb, top }) => ({ id, text, logProb, top });
  for (const [i, tokens] of lone.entries()) {
    assert.deepEqual(together.filter(({ sequence }) => sequence === i).map(without), tokens.map(without));
  }
  assert.ok(new Set(lone.map(({ length }) => length)).size > 1);
});

test('what cannot be is refused by its code and in words', async () => {
  const session = tiny.createSession();
  const refused = [
    [{ noRepeatNgramSize: -1 }, /noRepeatNgramSize is -1; it must be a whole number/],
    [{ noRepeatNgramSize: 1.5 }, /noRepeatNgramSize/], [{ minTokens: '3' }, /minTokens is "3"/],
    [{ minTokens: 5, maxTokens: 4 }, /minTokens is 5, and maxTokens is 4/],
    [{ frequencyPenalty: NaN }, /frequencyPenalty is NaN/],
    [{ presencePenalty: Infinity }, /presencePenalty/],
    [{ logitBias: 3 }, /logitBias is 3; it must be an object or a Map/], [{ logitBias: [1] }, /logitBias/],
    [{ logitBias: { 5: Infinity } }, /logitBias of token 5 is Infinity/], [{ logitBias: { 5: '1' } }, /"1"/],
    [{ onLogits: 5 }, /onLogits is 5; it must be a function/],
    [{ onLogits: async () => {} }, /onLogits\(\) returned an object; it edits the array/],
    [{ onLogits: (logits) => { logits[4] = NaN; } }, /left NaN for token 4/],
    [{ onLogits: (logits) => { logits[4] = Infinity; } }, /left Infinity for token 4/],
    [{ onLogits: (logits) => { structuredClone(logits, { transfer: [logits.buffer] }); } },
      /given its array away/],
    [{ onLogits: (logits) => { logits.fill(-Infinity); } }, /Every token is ruled out/],
    [{ logprobs: -1 }, /logprobs is -1/], [{ logprobs: 258 }, /0 to 257/], [{ logprobs: true }, /logprobs/],
    [{ numBeams: 2, logprobs: 1 }, /leave out logprobs, or numBeams/],
    [{ no_repeat_ngram_size: 2 }, /did you mean noRepeatNgramSize\?/],
    [{ frequency_penalty: 2 }, /did you mean frequencyPenalty\?/],
    [{ logit_bias: {} }, /did you mean logitBias\?/], [{ logProbs: 2 }, /did you mean logprobs\?/],
    [{ minTokns: 2 }, /did you mean minTokens\?/], [{ stop_tokens: [] }, /did you mean stopTokens\?/],
  ];
  for (const [options, message] of refused) {
    const run = session.generate('Hello', { maxTokens: 9, ...options });
    await rejectsCode(run.next(), 'invalid_argument', message);
  }
  for (const options of [{ logitBias: { 257: 1 } }, { logitBias: { '-1': 1 } }, { logitBias: { a: 1 } },
    { logitBias: new Map([['5', 1], [1.5, 1]]) }, { stopTokens: [257] }, { stopTokens: ['.'] }]) {
    await rejectsCode(session.generate('Hello', { maxTokens: 3, ...options }).next(), 'token_out_of_range',
      /is not a token id/);
  }
  const thrown = new Error('mine');
  const throwing = session.generate('Hello', { maxTokens: 9,
    onLogits(_, ids) { if (ids.length === 7) throw thrown; } });
  const given = [];
  await assert.rejects(async () => { for await (const token of throwing) given.push(token); }, thrown);
  assert.deepEqual([given.length, session.position, session.finishReason], [2, 7, null]);
});
