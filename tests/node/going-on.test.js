// A run that goes back and on: whatever the place and the switch, the same tokens come again, to the last bit
// of the logits; with another token it is what a fresh session writes behind the same ids.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { Context } from '../../web/worker/context.js';
import { generate } from '../../web/worker/requests/generate.js';
import { prove } from '../../web/worker/requests/prove.js';
import { seedAfter } from '../../web/worker/drawn.js';
import { rejectsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const PROMPT = 'abcdefgh';
const SAMPLING = { maxTokens: 90, temperature: 1.3, repetitionPenalty: 1.2, topP: 0.95, seed: 2 ** 40 + 7 };
const model = await loadModel(tinyBlobs({ changes: { n_positions: 160, vocab_size: 320 } }),
  { variant: 'simd' });
const begun = model.encode(PROMPT);
after(() => model.dispose());

/** A worker with its session, and what it tells. */
function worker(useCache = true) {
  const context = Object.assign(new Context(true), { origins: {}, model, tokensPerSecond: 0, useCache });
  const session = context.session = model.createSession({ whenFull: 'stop' });
  const write = async (fields, { act = () => {}, stop = new AbortController() } = {}) => {
    const told = { tokens: [], events: [] };
    const emit = (type, event) => {
      told.events.push(type);
      if (type === 'tokens') told.tokens.push(...event.tokens);
      else told[type] = event;
      act({ type, event, stop, told });
    };
    const asked = { prompt: PROMPT, sampling: SAMPLING, ...fields };
    told.answer = await generate(context, asked, emit, stop.signal);
    told.ids = told.tokens.map(({ id }) => id);
    told.text = [...told.cut?.written ?? [], ...told.tokens].map(({ text }) => text).join('');
    return told;
  };
  return { context, session, write };
}

const { ids: whole, text: wholeText, answer: { hash: wholeHash } } = await worker().write({});
assert.equal(whole.length, 90);

/** By tokens of the whole text: the prompt alone, the edges of a page, the last. */
const PLACES = [8, 9, 15, 16, 17, 31, 33, 97, 98];

test('back anywhere and on, cache on, off and flipped: the same text, the same hash', async () => {
  for (const before of [true, false]) {
    for (const now of [true, false]) {
      const { context, session, write } = worker(before);
      await write({});
      for (const place of PLACES) {
        const what = `${place}, cache ${before} and then ${now}`;
        const written = whole.slice(0, place - 8);
        const held = session.cachedTokens;
        const back = await write({ written, more: 0 });
        assert.deepEqual(back.events, ['cut'], what);
        const { kept, dropped, memory } = back.cut;
        assert.deepEqual([kept, dropped], [place, held - session.cachedTokens], what);
        assert.deepEqual(back.cut.written.map(({ id }) => id), written);
        assert.deepEqual([session.position, back.answer.position], [place, place], what);
        assert.equal(session.cachedTokens, Math.min(held, place));
        assert.equal(memory.usedBytes, session.cachedTokens * memory.bytesPerToken);
        assert.equal(back.answer.hash === undefined, place < 98, 'no logits are computed on the way back');
        context.useCache = now;
        const on = await write({ written });
        assert.deepEqual(on.ids, whole.slice(place - 8), what);
        assert.equal(on.text, wholeText, what);
        assert.deepEqual([on.answer.hash, on.answer.position], [wholeHash, 98], what);
        assert.equal(on.resumed?.missing ?? 0, now ? place - Math.min(held, place) : 0, what);
        context.useCache = before;
        await write({ written: whole }); // as it was, for the next one
      }
      assert.equal((await prove(context, {}, () => {}, new AbortController().signal)).run, wholeHash);
      session.dispose();
    }
  }
});

test('one token at a time, the switch flipped on the way, is the run in one go', async () => {
  const { context, session, write } = worker();
  await write({ sampling: { ...SAMPLING, maxTokens: 0 } });
  const written = [];
  let text = '';
  for (let n = 1; n <= 90; n++) {
    if (n % 7 === 0) context.useCache = !context.useCache;
    const step = await write({ written, more: 1 });
    assert.deepEqual([step.ids.length, step.answer.position, step.cut.dropped], [1, 8 + n, 0]);
    assert.equal(step.answer.reason, n < 90 ? 'stopped' : 'length');
    assert.deepEqual([step.tokens[0].cached, step.tokens[0].work],
      context.useCache ? [true, 1] : [false, 8 + n]);
    written.push(...step.ids);
    text = step.text;
  }
  assert.deepEqual([written, text, session.logitsHash], [whole, wholeText, wholeHash]);
  session.dispose();
});

test('another token: what a fresh session writes behind the same ids; and the way back', async () => {
  for (const useCache of [true, false]) {
    const { session, write } = worker(useCache);
    await write({});
    for (const place of [8, 15, 16, 17, 97]) {
      const written = [...whole.slice(0, place - 8), whole[place - 8] ^ 1];
      const fork = await write({ written });
      assert.deepEqual([fork.cut.kept, fork.answer.position], [place, 98]);
      const fresh = model.createSession({ useCache: !useCache });
      const ids = [];
      const { length } = written;
      const sampling = { ...SAMPLING, seed: seedAfter(SAMPLING.seed, length), maxTokens: 90 - length };
      for await (const { id } of fresh.generate([...begun, ...written], sampling)) ids.push(id);
      assert.deepEqual([fork.ids, fork.answer.hash], [ids, fresh.logitsHash]);
      fresh.dispose();
      const again = await write({ written: whole });
      assert.deepEqual([again.cut.kept, again.ids, again.text, again.answer.hash],
        [place, [], wholeText, wholeHash]);
    }
    session.dispose();
  }
});

test('a text that the session has never seen, or has lost: it is read, and goes on as ever', async () => {
  const { session, write } = worker();
  const on = await write({ written: whole.slice(0, 40) });
  assert.deepEqual([on.cut.kept, on.cut.dropped, on.ids, on.answer.hash], [0, 0, whole.slice(40), wholeHash]);
  session.dispose();
});

test('half a character at a cut: what is said of the text is whole again as it goes on', async () => {
  const [first, second] = model.encode('é').length === 2 ? model.encode('é') : assert.fail('one token');
  const { session, write } = worker();
  const half = await write({ written: [first], more: 0 });
  const full = await write({ written: [first, second], more: 0 });
  assert.deepEqual([half.text, full.text], ['', 'é']);
  let text = '';
  for (let n = 0; n <= 90; n++) { // a pause shows what a cut at the same place shows
    const cut = await write({ written: whole.slice(0, n), more: 0 });
    if (n > 0 && n < 90) assert.equal(cut.text, text);
    ({ text } = await write({ written: whole.slice(0, n), more: 1 }));
  }
  session.dispose();
});

test('stopped while it reads or writes: it holds what it says, and goes on from there', async () => {
  for (const useCache of [true, false]) {
    const { context, session, write } = worker(useCache);
    await write({});
    context.tokensPerSecond = 500;
    const act = ({ told, stop }) => { if (told.tokens.length >= 5) stop.abort(); };
    const stopped = await write({ written: whole.slice(0, 20) }, { act });
    const n = 20 + stopped.ids.length;
    assert.equal(stopped.answer.reason, 'stopped');
    assert.deepEqual([session.position, context.run.ids], [8 + n, [...begun, ...whole.slice(0, n)]]);
    context.tokensPerSecond = 0;
    const before = new AbortController();
    before.abort();
    const none = await write({ written: whole }, { stop: before });
    assert.deepEqual([none.events, none.answer.reason, none.answer.position], [[], 'stopped', 8 + n]);
    assert.deepEqual(context.run.ids.length, context.run.texts.length);
    assert.deepEqual((await write({ written: context.run.ids.slice(8) })).answer.hash, wholeHash);
    session.dispose();
  }
});

test('what cannot be is refused by its code, and the run is still there', async () => {
  const { context, session, write } = worker();
  await write({});
  const run = JSON.stringify(context.run, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  const refused = [
    [{ written: 'abc' }, 'invalid_argument'], [{ written: {} }, 'invalid_argument'],
    [{ written: [-1] }, 'token_out_of_range'], [{ written: [320] }, 'token_out_of_range'],
    [{ written: [1.5] }, 'token_out_of_range'], [{ written: ['1'] }, 'token_out_of_range'],
    [{ written: new Array(153).fill(1), sampling: {} }, 'context_full'],
    [{ written: whole, sampling: { ...SAMPLING, maxTokens: 89 } }, 'invalid_argument'],
    [{ written: [], more: -1 }, 'invalid_argument'], [{ written: [], more: '1' }, 'invalid_argument'],
    [{ prompt: 7, written: [] }, 'invalid_argument'], [{ prompt: 'a'.repeat(161) }, 'context_full'],
    [{ sampling: { ...SAMPLING, temperature: -1 } }, 'invalid_argument'],
    [{ sampling: { ...SAMPLING, seed: 0.5 } }, 'invalid_argument'],
    [{ sampling: { topk: 3 } }, 'invalid_argument'], [{ sampling: null }, 'invalid_argument'],
  ];
  for (const [fields, code] of refused) await rejectsCode(write(fields), code);
  assert.equal(JSON.stringify(context.run, (_, value) => (
    typeof value === 'bigint' ? `${value}` : value)), run);
  assert.deepEqual([session.position, session.logitsHash], [98, wholeHash]);
  session.dispose();
  await rejectsCode(generate(new Context(true), { prompt: PROMPT, written: [], sampling: {} }, () => {},
    new AbortController().signal), 'not_ready');
});
