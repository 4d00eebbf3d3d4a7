// The worker's writer: tokens come in bursts, ahead of the display, and whatever happens to a run, what was
// given out is what an unbroken run gives.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { Context, noRun } from '../../web/worker/context.js';
import { generate } from '../../web/worker/requests/generate.js';
import { seedAfter } from '../../web/worker/drawn.js';
import { Writer } from '../../web/worker/writer.js';
import { rejectsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const changes = { n_positions: 160, vocab_size: 320 };
const PROMPT = 'abcdefgh';
const SAMPLING = { maxTokens: 90, temperature: 1.3, repetitionPenalty: 1.2, topP: 0.95, seed: 2 ** 40 + 7 };
const model = await loadModel(tinyBlobs({ changes }), { variant: 'simd' });
after(() => model.dispose());

/** What a session writes in one go. */
async function unbroken(sampling = SAMPLING) {
  const session = model.createSession({ whenFull: 'stop' });
  const run = { ids: [], text: '', hash: '' };
  for await (const { id, text } of session.generate(PROMPT, sampling)) {
    run.ids.push(id);
    run.text += text;
  }
  run.hash = session.logitsHash;
  run.position = session.position;
  session.dispose();
  return run;
}

/** A run of the worker; `act` sees each message with tokens, and may flip, stop or change the pace. */
async function run({ act = () => {}, pace = 0, useCache = true, sampling = SAMPLING, clock } = {}) {
  const context = Object.assign(new Context(true), { origins: {} });
  if (clock) context.clock = clock;
  context.model = model;
  const session = context.session = model.createSession({ whenFull: 'stop' });
  Object.assign(context, { tokensPerSecond: pace, useCache, msPerToken: 0.1 });
  const stop = new AbortController();
  const told = { tokens: [], resumed: [], memory: [], context, session };
  const emit = (type, event) => {
    if (type === 'prefilled') told.prefill = event;
    if (type === 'resumed') told.resumed.push({ ...event, behind: told.tokens.length });
    if (type !== 'tokens') return;
    told.tokens.push(...event.tokens);
    told.memory.push({ position: event.tokens.at(-1).position, ...event.memory });
    act({ context, stop, given: told.tokens.length, session });
  };
  told.answer = await generate(context, { prompt: PROMPT, sampling }, emit, stop.signal);
  told.ids = told.tokens.map(({ id }) => id);
  told.text = told.tokens.map(({ text }) => text).join('');
  return told;
}

/** A clock that is content with little, because a tiny model writes hundreds of tokens in 8 ms. */
const now = () => performance.now();
const hasty = { tick: 0.001, span: 0.3, now, edge: now, read: now };

/** A clock for which a look at it is all that takes time. */
function counting() {
  let looks = 0;
  const look = () => ++looks / 10;
  return { tick: 0.1, span: 3, now: look, edge: look, read: look };
}

const whole = await unbroken();

test('a run that nothing happens to: the ids, the text and the logits of a session', async () => {
  for (const pace of [0, 2000]) {
    const { ids, text, answer, session, tokens } = await run({ pace });
    assert.deepEqual(ids, whole.ids);
    assert.equal(text, whole.text);
    assert.deepEqual([answer.reason, answer.position, session.logitsHash], ['length', 98, whole.hash]);
    assert.deepEqual(tokens.map(({ position }) => position), ids.map((_, i) => 8 + i));
    assert.ok(tokens.every(({ work, cached }) => work === 1 && cached));
  }
});

test('a first burst that the clock cannot tell of is computed again: every token is measured', async () => {
  for (const useCache of [true, false]) {
    for (const lost of [1, 3]) {
      let [edge, looks] = [0, 0];
      const clock = { // the machine sleeps in the first looks: they find the clock where it began
        tick: 100, span: 50, now, edge: () => (edge = now()), read: () => (++looks > lost ? now() : edge),
      };
      const { tokens, session } = await flipped(() => false, { clock, useCache });
      assert.deepEqual(tokens.map(({ id }) => id), whole.ids);
      assert.equal(tokens.map(({ text }) => text).join(''), whole.text);
      assert.equal(session.logitsHash, whole.hash);
      assert.ok(tokens.slice(1).every(({ burst }) => burst?.ms > 0), `${lost} lost, cache ${useCache}`);
    }
  }
});

/** A run of the writer alone, flipped after the tokens that `isFlip` finds. */
async function flipped(isFlip, { clock, useCache = true, sampling = SAMPLING } = {}) {
  const context = Object.assign(new Context(true), { origins: {} });
  if (clock) context.clock = clock;
  context.model = model;
  const session = context.session = model.createSession({ whenFull: 'stop' });
  const ids = model.encode(PROMPT);
  const run = { ...noRun(), ids, prompt: ids.length };
  Object.assign(context, { tokensPerSecond: 0, msPerToken: 0.1, useCache, run });
  const told = { tokens: [], resumed: [], ahead: 0, session };
  const give = async (token) => {
    told.tokens.push(token);
    told.ahead = Math.max(told.ahead, session.position - ids.length);
    if (isFlip(told.tokens.length, token)) context.useCache = !context.useCache;
  };
  const emit = (type, event) => told[type].push(event);
  told.reason = await new Writer(context, sampling, emit, give, new AbortController().signal).write();
  return told;
}

test('flipped anywhere, while many are ahead: not a token and not a bit changes', async () => {
  const anywhere = [[1], [89], [1, 2, 3], [20, 21, 40], Array.from({ length: 30 }, (_, i) => 3 * i + 2)];
  for (const flips of anywhere) {
    const { tokens, session, resumed, reason, ahead } = await flipped((n) => flips.includes(n));
    assert.deepEqual(tokens.map(({ id }) => id), whole.ids);
    assert.equal(tokens.map(({ text }) => text).join(''), whole.text);
    assert.deepEqual([session.logitsHash, reason], [whole.hash, 'length']);
    assert.ok(ahead > 3, 'nothing was ahead');
    assert.equal(resumed.length, flips.length);
    let on = true;
    for (const [i, { position, cached, work }] of tokens.entries()) {
      assert.deepEqual([cached, work], [on, on ? 1 : position + 1], 'it holds from the next token on');
      if (flips.includes(i + 1)) on = !on;
    }
  }
});

test('three seeds, flipped at a page of the cache and at both ends, from either side', async () => {
  for (const seed of [1, 2, 3]) {
    const sampling = { ...SAMPLING, seed };
    const straight = await unbroken(sampling);
    for (const useCache of [true, false]) {
      for (const at of [1, 2, 63 - 8, 64 - 8, 65 - 8, 63, 64, 65, 89]) {
        const { tokens, session } = await flipped((n) => n === at, { sampling, useCache });
        const what = `seed ${seed}, cache ${useCache ? 'on' : 'off'} at first, flipped after ${at}`;
        assert.deepEqual(tokens.map(({ id }) => id), straight.ids, what);
        assert.equal(session.logitsHash, straight.hash, what);
        session.dispose();
      }
    }
  }
});

test('the same prompt once more: one token of it is computed, and the text is the same', async () => {
  const context = Object.assign(new Context(true), { origins: {} });
  Object.assign(context, { model, session: model.createSession(), tokensPerSecond: 0, msPerToken: 0.1 });
  for (const reused of [0, 7]) {
    let prefill;
    const ids = [];
    await generate(context, { prompt: PROMPT, sampling: SAMPLING }, (type, event) => {
      if (type === 'prefilled') prefill = event;
      if (type === 'tokens') ids.push(...event.tokens.map(({ id }) => id));
    }, new AbortController().signal);
    assert.deepEqual([prefill.tokens, prefill.reused], [8, reused]);
    assert.deepEqual(ids, whole.ids);
  }
  context.session.dispose();
});

test('a gap between two tokens, as in a hidden tab, is not in any speed', async () => {
  const GAP_MS = 300;
  let gap = false;
  const { tokens } = await run({ pace: 500, act: ({ given }) => {
    if (gap || given < 20) return;
    gap = true;
    for (const end = now() + GAP_MS; now() < end;);
  } });
  assert.ok(gap);
  const slowest = Math.max(...tokens.map(({ burst: { tokens: n, ms } }) => ms / n));
  assert.ok(slowest < GAP_MS / 10, `${slowest} ms for a token`);
});

test('flipped with the last token of a burst, when nothing is ahead', async () => {
  let [flips, edges] = [0, 0];
  const edge = () => {
    assert.ok(++edges < 1000, 'it goes round in circles');
    return now();
  };
  const { tokens, session, resumed } = await flipped((_, { position, burst }) => (
    position === burst?.first + burst?.tokens - 1 && ++flips < 9), { clock: { ...hasty, edge } });
  assert.deepEqual(tokens.map(({ id }) => id), whole.ids);
  assert.equal(session.logitsHash, whole.hash);
  assert.ok(resumed.length > 0);
});

test('what the cache missed while it was off is said when it is on again', async () => {
  const { resumed } = await flipped((n) => [10, 30, 31, 32, 40].includes(n));
  assert.deepEqual(resumed.map(({ cached, missing }) => [cached, missing]),
    [[false, 0], [true, 20], [false, 0], [true, 1], [false, 0]]);
});

test('stopped with tokens ahead: the session holds what was given out, and its logits', async () => {
  for (const useCache of [true, false]) {
    let ahead = 0;
    const { ids, answer, context, session } = await run({
      pace: 200, useCache,
      act({ stop, given, session: running, context: { run: { ids: out } } }) {
        ahead = Math.max(ahead, running.position - out.length);
        if (given >= 12) stop.abort();
      },
    });
    assert.ok(ahead > 0, 'nothing was ahead');
    assert.equal(answer.reason, 'stopped');
    assert.deepEqual(ids, whole.ids.slice(0, ids.length));
    assert.equal(answer.position, 8 + ids.length);
    assert.equal(session.position, answer.position);
    assert.deepEqual(context.run.ids.slice(8), ids);
    const fresh = model.createSession();
    fresh.prefill(context.run.ids);
    assert.equal(session.logitsHash, fresh.logitsHash);
    assert.equal(answer.memory.usedBytes, useCache ? answer.position * answer.memory.bytesPerToken : 0);
    fresh.dispose();
  }
});

test('memory is told of what was given out, not of what is ahead', async () => {
  const { memory } = await run({ pace: 400 });
  assert.ok(memory.length > 3);
  for (const { position, usedBytes, bytesPerToken } of memory) {
    assert.equal(usedBytes, (position + 1) * bytesPerToken);
  }
});

test('bursts are long enough for the clock and without gaps, and tokens have their own', async () => {
  const clock = hasty;
  const { tokens } = await run({ clock, pace: 400, sampling: { ...SAMPLING, maxTokens: 150 } });
  const bursts = [...new Map(tokens.map(({ burst }) => [burst.first, burst])).values()];
  assert.equal(tokens[0].burst.first, tokens[0].position + 1, 'the first token is not measured');
  for (const { position, burst: { first, tokens: n, ms } } of tokens.slice(1)) {
    assert.ok(position >= first && ms > 0);
    const isTail = first === bursts.at(-1).first; // too short, it takes another one
    assert.ok(position < first + n || isTail);
  }
  for (const [i, { first, tokens: n }] of bursts.entries()) {
    if (i > 0) assert.equal(first, bursts[i - 1].first + bursts[i - 1].tokens);
    assert.ok(n <= 256);
  }
  assert.ok(bursts.some(({ ms }) => ms > clock.span / 4));
});

test('bursts are as long at a pace as at full speed, so that no token is measured cold', async () => {
  const burstsAt = async (pace) => {
    const { tokens } = await run({ pace, clock: counting() });
    return [...new Map(tokens.map(({ burst }) => [burst.first, burst])).values()];
  };
  const [paced, unpaced] = [await burstsAt(2000), await burstsAt(0)];
  assert.deepEqual(paced, unpaced);
  assert.ok(paced.length > 2 && paced.every(({ tokens }) => tokens >= 16), JSON.stringify(paced));
});

test('the prompt is read until the clock can tell how long it takes', async () => {
  const clock = counting();
  const { prefill } = await run({ clock });
  assert.deepEqual([prefill.tokens, prefill.reused, prefill.cached], [8, 0, true]);
  assert.equal(prefill.passes, clock.span / clock.tick); // of which each is followed by a look
  const ms = prefill.passes * prefill.ms;
  assert.ok(ms >= clock.span && ms < clock.span + 2 * clock.tick, `${ms} ms`);
  assert.equal(prefill.error, clock.tick / ms);
});

test('a context that fills up, a run of one token, of none, and one that ends by itself', async () => {
  const full = await run({ sampling: { ...SAMPLING, maxTokens: 500 } });
  assert.deepEqual([full.answer.reason, full.answer.position], ['context_full', 160]);
  assert.deepEqual(full.ids, (await unbroken({ ...SAMPLING, maxTokens: 500 })).ids);
  const one = await run({ sampling: { ...SAMPLING, maxTokens: 1 } });
  assert.deepEqual([one.ids, one.tokens[0].burst], [whole.ids.slice(0, 1), undefined]);
  const none = await run({ sampling: { ...SAMPLING, maxTokens: 0 } });
  assert.deepEqual([none.ids, none.answer.reason, none.answer.position], [[], 'length', 8]);
  for (const maxTokens of [-1, 1.5, '5', NaN]) {
    await rejectsCode(run({ sampling: { ...SAMPLING, maxTokens } }), 'invalid_argument', /maxTokens/);
  }
});

test('the seed after some tokens continues the draws', async () => {
  const session = model.createSession();
  for (const written of [1, 17]) {
    const ids = [...model.encode(PROMPT), ...whole.ids.slice(0, written)];
    const rest = [];
    const sampling = { ...SAMPLING, seed: seedAfter(SAMPLING.seed, written), maxTokens: 90 - written };
    for await (const { id } of session.generate(ids, sampling)) rest.push(id);
    assert.deepEqual(rest, whole.ids.slice(written));
  }
  assert.equal(seedAfter(-1, 0), 2n ** 64n - 1n);
  session.dispose();
});

test('a flip is told behind all tokens that came before it, also those still on their way', async () => {
  const act = ({ context, given }) => {
    if (given === 1) setTimeout(() => { context.useCache = false; }, 6); // tokens are sent every 16 ms
  };
  const { resumed: [flip], tokens } = await run({ act, pace: 1000 });
  assert.equal(tokens.findIndex(({ cached }) => !cached), flip.behind);
});
