// One generate() as a whole: how it ends and says so, who may end it, and what it leaves behind.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, rejectsCode, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const CHANGES = { n_positions: 160, vocab_size: 257, eos_token_id: null }; // never ends by itself
const HOT = { temperature: 1.3, maxTokens: 40, seed: 11 };
const PROMPT = randomIds(9);
let model;
let ending; // every seventh id ends a text
before(async () => {
  model = await loadModel(tinyBlobs({ changes: CHANGES }));
  const eos_token_id = Array.from({ length: 36 }, (_, i) => 7 * i);
  ending = await loadModel(tinyBlobs({ changes: CHANGES, seed: 2,
    generation: { eos_token_id, repetition_penalty: 1.5 } }));
});
after(() => {
  model.dispose();
  ending.dispose();
});

const METHODS = [{ temperature: 1.3, seed: 11 }, { temperature: 1.3, seed: 11, n: 3 }, { numBeams: 3 }];

// ---- how it ended -------------------------------------------------------------------------------

test('finishReason: how the last run ended; null before, meanwhile and after an error', async () => {
  const session = model.createSession({ capacity: 20 });
  assert.equal(session.finishReason, null);
  const run = session.generate(PROMPT, { ...HOT, maxTokens: 3 });
  await run.next();
  assert.equal(session.finishReason, null);
  await collect(run);
  assert.equal(session.finishReason, 'length');
  await collect(session.generate(PROMPT, HOT));
  assert.equal(session.finishReason, 'context_full');
  for await (const _ of session.generate(PROMPT, HOT)) break;
  assert.equal(session.finishReason, 'stopped');
  await rejectsCode(session.generate(PROMPT, { signal: AbortSignal.abort() }).next(), 'aborted');
  assert.equal(session.finishReason, 'stopped');
  const strict = model.createSession({ capacity: 20, whenFull: 'error' });
  await rejectsCode(collect(strict.generate(PROMPT, HOT)), 'context_full');
  assert.equal(strict.finishReason, null);
  const short = ending.createSession();
  await collect(short.generate(PROMPT, HOT));
  assert.equal(short.finishReason, 'eos');
});

test('tokens: the ids of the selected timeline, a copy', async () => {
  const session = model.createSession({ sequences: 2 });
  assert.deepEqual(session.tokens, []);
  const ids = idsOf(await collect(session.generate(PROMPT, HOT)));
  assert.deepEqual(session.tokens, [...PROMPT, ...ids]);
  session.tokens.push(1);
  session.fork(0, 1);
  session.select(1);
  session.truncate(4);
  session.decode(7);
  assert.deepEqual(session.tokens, [...PROMPT.slice(0, 4), 7]);
  session.select(0);
  assert.deepEqual(session.tokens, [...PROMPT, ...ids]);
  session.dispose();
  throwsCode(() => session.tokens, 'disposed');
});

test('the array of a prompt is copied: tokens pushed onto it change no position', async () => {
  for (const method of METHODS) {
    const ids = [...PROMPT];
    const positions = [];
    for await (const token of model.createSession().generate(ids, { ...method, maxTokens: 4 })) {
      if (token.sequence > 0) continue;
      ids.push(token.id);
      positions.push(token.position);
    }
    assert.deepEqual(positions, [9, 10, 11, 12]);
  }
});

// ---- who may end it -----------------------------------------------------------------------------

test('stop(): between two tokens the session is free synchronously, and the loop ends', async () => {
  for (const method of METHODS) {
    const session = model.createSession();
    session.stop(); // nothing to stop
    const given = [];
    let reason;
    const run = session.generate(PROMPT, { ...method, maxTokens: 40 });
    for (;;) {
      const { done, value } = await run.next();
      if (done) {
        reason = value;
        break;
      }
      if (value.sequence === 0) given.push(value.id);
      if (given.length < 4) continue;
      session.stop();
      session.stop();
      assert.equal(session.finishReason, 'stopped');
      assert.deepEqual(session.tokens, [...PROMPT, ...given]);
      session.decode(1);
    }
    assert.equal(reason, 'stopped');
    assert.deepEqual(await run.next(), { done: true, value: undefined });
    assert.deepEqual(session.tokens, [...PROMPT, ...given, 1]);
    assert.equal(given.length, 4);
  }
});

test('stop() while a token is awaited: that wait ends, within the prompt too', async () => {
  const slow = await loadModel(tinyBlobs({ changes: { n_layer: 6, n_embd: 128, n_positions: 512 } }),
    { variant: 'scalar' });
  const session = slow.createSession();
  const run = session.generate(randomIds(500), { temperature: 0 });
  setTimeout(() => session.stop(), 1);
  assert.deepEqual(await run.next(), { done: true, value: 'stopped' });
  assert.deepEqual([session.position, session.finishReason], [0, 'stopped']);
  session.decode(1);
  slow.dispose();
});

test('an abort followed at once by another run: the first rejects, the second writes', async () => {
  for (const method of METHODS) {
    const session = model.createSession();
    const options = { ...method, maxTokens: 9 };
    const expected = idsOf(await collect(model.createSession().generate(PROMPT, options)));
    for (const awaited of [true, false]) {
      const controller = new AbortController();
      const run = session.generate(randomIds(140), { ...method, signal: controller.signal });
      if (!awaited) await run.next();
      const waiting = awaited ? run.next() : undefined;
      controller.abort(new Error('another one'));
      const second = collect(session.generate(PROMPT, options));
      const error = await rejectsCode((async () => {
        await waiting; // a token that was computed already is given out
        for await (const _ of run);
      })(), 'aborted');
      assert.equal(error.cause.message, 'another one');
      assert.deepEqual(idsOf(await second), expected);
      assert.deepEqual(await run.next(), { done: true, value: undefined });
    }
  }
});

test('an iterator that was dropped holds nothing: the next run takes over', async () => {
  for (const method of METHODS) {
    const session = model.createSession();
    const dropped = session.generate(PROMPT, { ...method, maxTokens: 9 });
    const first = await dropped.next();
    const tokens = await collect(session.generate(PROMPT, { ...method, maxTokens: 9 }));
    assert.equal(tokens[0].id, first.value.id);
    assert.ok(session.prefillStats.reused >= PROMPT.length - 1);
    assert.deepEqual(await dropped.next(), { done: true, value: 'stopped' });
    assert.equal(session.finishReason, 'length');
  }
});

test('busy: while somebody awaits a token, no other run may begin', async () => {
  const session = model.createSession();
  const run = session.generate(randomIds(150), HOT);
  const waiting = run.next();
  await rejectsCode(session.generate(PROMPT).next(), 'busy', /stop\(\)/);
  assert.equal((await waiting).done, false);
  await run.return();
});

test('of two runs that begin at the same time one is refused, and none is lost for ever', async () => {
  const session = model.createSession();
  const runs = await Promise.allSettled([1, 2, 3].map(() => collect(session.generate(PROMPT, HOT))));
  assert.deepEqual(runs.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected']);
  assert.equal(runs[1].reason.code, 'busy');
  assert.equal((await collect(session.generate(PROMPT, HOT))).length, 40);
});

test('a run is disposed of with its scope', { skip: !Symbol.asyncDispose }, async () => {
  const session = model.createSession();
  const run = session.generate(PROMPT, HOT);
  await run.next();
  await run[Symbol.asyncDispose]();
  session.decode(1);
});

// ---- what it leaves behind ----------------------------------------------------------------------

test('useCache of one run is for that run; the switch set within it outlasts it', async () => {
  for (const kept of [true, false]) {
    const session = model.createSession({ useCache: kept });
    const within = [];
    for await (const _ of session.generate(PROMPT, { ...HOT, maxTokens: 2, useCache: !kept })) {
      within.push(session.useCache);
    }
    assert.deepEqual(within, [!kept, !kept]);
    assert.equal(session.useCache, kept);
    for await (const _ of session.generate(PROMPT, { ...HOT, maxTokens: 2, useCache: kept })) {
      session.useCache = !kept;
    }
    assert.equal(session.useCache, !kept);
  }
});

test('what is refused is refused first: neither timeline nor size of the session changes', async () => {
  const session = model.createSession();
  session.prefill(PROMPT);
  const hash = session.logitsHash;
  for (const [options, code = 'invalid_argument'] of [
    [{ topP: 1e-46 }], [{ n: 3, topP: 0 }], [{ repetitionPenalty: 1e-46 }], [{ temperature: 1e7 }],
    [{ n: 3, seed: 0.5 }], [{ numBeams: 3, earlyStopping: 1 }], [{ useCache: 1 }], [{ signal: {} }],
  ]) {
    await rejectsCode(session.generate([1, 2, 3], options).next(), code);
  }
  await rejectsCode(session.generate(randomIds(161), { n: 3 }).next(), 'context_full');
  await rejectsCode(session.generate([1, 999], { n: 3 }).next(), 'token_out_of_range');
  assert.deepEqual([session.sequences, session.logitsHash, session.finishReason], [1, hash, null]);
  assert.deepEqual(session.tokens, PROMPT);
});

test('a listener that throws loses no token: what is held was given out', async () => {
  for (const method of METHODS) {
    const whole = idsOf((await collect(model.createSession().generate(PROMPT, { ...method, maxTokens: 9 })))
      .filter(({ sequence }) => sequence === 0));
    for (let event = 1, thrown = true; thrown; event += 3) {
      const session = model.createSession({ sequences: 3 });
      session.prefill(PROMPT);
      let left = event;
      session.onEvent = () => { if (--left === 0) throw new Error('mine'); };
      const given = [];
      thrown = await (async () => {
        for await (const { id, sequence } of session.generate(PROMPT, { ...method, maxTokens: 9 })) {
          if (sequence === 0) given.push(id);
        }
      })().then(() => false, (error) => error.message === 'mine' || assert.fail(error));
      session.onEvent = null;
      assert.deepEqual(session.tokens, [...PROMPT, ...given], `event ${event}`);
      assert.deepEqual(given, whole.slice(0, given.length));
      if (!thrown) assert.ok(event > 20, `only ${event} events`);
      session.dispose();
    }
  }
});

test('streamed text is decode(ids), also where a text ends within a character', async () => {
  const incomplete = new Map(METHODS.map((method) => [method, 0]));
  for (const [method, seeds] of [[METHODS[0], 30], [METHODS[1], 30], [METHODS[2], 45]]) {
    for (let seed = 0; seed < seeds; seed++) {
      const session = ending.createSession({ capacity: 30 });
      const options = { ...method, ...(!method.numBeams && { temperature: 5, seed }), maxTokens: 25 };
      const texts = [];
      const ids = [];
      for await (const token of session.generate(randomIds(9, seed), options)) {
        texts[token.sequence] = (texts[token.sequence] ?? '') + token.text;
        (ids[token.sequence] ??= []).push(token.id);
      }
      for (const i of ids.keys()) {
        if (!ids[i]) continue;
        assert.equal(texts[i], ending.decode(ids[i]));
        const open = ending.textStream();
        for (const id of ids[i]) open.push(id);
        if (open.flush() !== '' && ids[i].length < 21) incomplete.set(method, incomplete.get(method) + 1);
      }
      session.dispose();
    }
  }
  for (const [method, n] of incomplete) assert.ok(n > 0, JSON.stringify(method));
});

test('with whenFull "error" the last token that fits ends the text as well', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const session = model.createSession({ capacity: 15, whenFull: 'error' });
    const tokens = [];
    await rejectsCode((async () => {
      const run = session.generate(PROMPT, { ...HOT, temperature: 5, seed });
      for await (const token of run) tokens.push(token);
    })(), 'context_full');
    assert.equal(tokens.length, 6);
    assert.equal(tokens.map(({ text }) => text).join(''), model.decode(idsOf(tokens)));
  }
});

// ---- growing ------------------------------------------------------------------------------------

test('counts go on when the session grows, for samples and for a state', async () => {
  const session = model.createSession();
  const ready = model.createSession({ sequences: 3 });
  for (const one of [session, ready]) {
    one.prefill(PROMPT);
    await collect(one.generate(PROMPT, { ...HOT, n: 3, maxTokens: 5 }));
  }
  assert.deepEqual(session.counts, ready.counts);
  const before = session.counts;
  assert.ok(before.projectionMacs > 0 && before.cacheBytesWritten > 0);
  session.restore(model.createSession({ sequences: 5 }).save());
  assert.equal(session.sequences, 5);
  assert.deepEqual(session.counts, before);
  session.decode(1);
  assert.ok(session.counts.weightBytes > before.weightBytes);
  session.clearCounts();
  assert.deepEqual(new Set(Object.values(session.counts)), new Set([0]));
});

test('restore() leaves the same sequence selected, whether it grew or not', () => {
  const source = model.createSession({ sequences: 4 });
  source.prefill([1, 2, 3]);
  source.fork(0, 1);
  source.select(1);
  source.decode(9);
  source.select(3);
  const state = source.save();
  for (const sequences of [2, 4, 6]) {
    const session = model.createSession({ sequences });
    session.select(1);
    session.restore(state);
    assert.deepEqual([session.selected, session.tokens], [1, [1, 2, 3, 9]], `of ${sequences}`);
  }
});

test('after growing, a listener goes on hearing', async () => {
  const session = model.createSession();
  const types = [];
  session.onEvent = ({ type }) => types.push(type);
  await collect(session.generate(PROMPT, { ...HOT, n: 2, maxTokens: 2 }));
  assert.equal(types[0], 'restore');
  assert.ok(types.includes('share') && types.includes('write'));
  types.length = 0;
  session.decode(1);
  assert.ok(types.includes('write') && types.includes('read'));
  await turn();
  session.dispose();
});

test('stop() while a run waits for the one before it', async () => {
  const session = model.createSession();
  const signals = new AbortController();
  const first = session.generate([1, 2], { maxTokens: 50, signal: signals.signal });
  await first.next();
  const awaited = first.next().catch(() => {});
  signals.abort();
  const second = session.generate([3, 4], { maxTokens: 5 });
  const token = second.next();
  session.stop();
  await awaited;
  assert.deepEqual([await token, session.finishReason], [{ value: 'stopped', done: true }, 'stopped']);
  session.dispose();
});

test('stop() while a run waits, though another one comes before it', async () => {
  const large = await loadModel(new URL('../../web/models/tales/', import.meta.url));
  const session = large.createSession();
  const ids = (n) => Array.from({ length: n }, (_, i) => (7 * i) % 4096);
  const first = session.generate(ids(900), { maxTokens: 5 }).next(); // takes turns, as it reads
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  session.stop();
  const second = session.generate(ids(5)).next().catch((error) => error.code);
  session.stop();
  const third = first.then(() => session.generate(ids(500), { maxTokens: 1 }).next());
  assert.deepEqual(await second, { value: 'stopped', done: true });
  assert.equal((await third).done, false);
  large.dispose();
});

test('a run that ends before its first token says how, as any other', async () => {
  const session = model.createSession();
  const told = () => [session.finishReason, session.finishedBy];
  const reached = async () => {
    const { id } = (await session.generate([1, 2], { temperature: 0, maxTokens: 1 }).next()).value;
    assert.deepEqual(await collect(session.generate([1, 2], { temperature: 0, stopTokens: [id] })), []);
    assert.deepEqual(told(), ['stop', id]);
  };
  const messages = [{ role: 'user', content: 'a' }];
  const chat = { template: '{{ messages[0].content }}' };
  await reached();
  const stopped = session.generate(messages, { chat, maxTokens: 1 }).next();
  assert.deepEqual(told(), [null, null]);
  session.stop();
  await stopped;
  assert.deepEqual(told(), ['stopped', null]);
  await reached();
  const signals = new AbortController();
  const aborted = session.generate(messages, { chat, signal: signals.signal }).next();
  signals.abort();
  await rejectsCode(aborted, 'aborted');
  assert.deepEqual(told(), ['stopped', null]);
  await reached();
  await rejectsCode(session.generate([1], { temperature: -1 }).next(), 'invalid_argument');
  assert.deepEqual(told(), [null, null]);
  session.dispose();
});
