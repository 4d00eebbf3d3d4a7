// The options of generate() in the worker: whatever a run is asked for, it writes what a session writes in
// one go, though it is computed in bursts, stopped, flipped and taken back anywhere.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { EngineClient } from '../../web/worker/client.js';
import { Context } from '../../web/worker/context.js';
import { count } from '../../web/worker/requests/count.js';
import { generate } from '../../web/worker/requests/generate.js';
import { inspect } from '../../web/worker/requests/inspect.js';
import { DeskClient } from './desk-client.js';
import { blobOf, idsOf, rejectsCode } from './helpers.js';
import { tinyBlobs, tinyFiles } from './tiny-model.js';

const PROMPT = 'abcdefgh';
const PLAIN = { maxTokens: 90, temperature: 1.3, seed: 2 ** 40 + 7 };
const changes = { n_positions: 160, vocab_size: 320 };
const load = (generation) => loadModel(tinyBlobs({ changes, generation }), { variant: 'simd' });
const model = await load();
after(() => model.dispose());

/** What a session writes in one go. */
async function straight(own, sampling, prompt = PROMPT) {
  const session = own.createSession({ whenFull: 'stop' });
  const tokens = [];
  for await (const token of session.generate(prompt, sampling)) tokens.push(token);
  const { finishReason: reason, finishedBy, position } = session;
  const text = tokens.map((token) => token.text).join('');
  const answer = { ids: idsOf(tokens), text, tokens, reason, finishedBy: finishedBy ?? undefined, position };
  if (tokens.length > 0) answer.hash = session.logitsHash;
  session.dispose();
  return answer;
}

/** A worker; `act` sees each of its events. */
function worker(own = model) {
  const context = Object.assign(new Context(true), { origins: {}, model: own, tokensPerSecond: 0 });
  const session = context.session = own.createSession({ whenFull: 'stop' });
  const write = async (sampling, fields = {}, act = () => {}) => {
    const [tokens, told, stop] = [[], {}, new AbortController()];
    const emit = (type, event) => {
      if (type === 'tokens') tokens.push(...event.tokens);
      told[type] = event;
      act({ type, event, stop, context, tokens });
    };
    const asked = { prompt: PROMPT, sampling, proof: false, ...fields };
    const answer = await generate(context, asked, emit, stop.signal);
    const text = [...told.cut?.written ?? [], ...tokens].map((token) => token.text).join('');
    return { ...answer, ids: idsOf(tokens), text, tokens, told };
  };
  return { context, session, write };
}

const same = (run, wanted, what) => {
  for (const key of ['ids', 'text', 'reason', 'finishedBy', 'position', 'hash']) {
    assert.deepEqual(run[key], wanted[key], `${what}: ${key}`);
  }
};

const plain = await straight(model, PLAIN);
const bias = Object.fromEntries(plain.ids.slice(0, 40).map((id, i) => [id, i % 3 ? -Infinity : -2]));
const EACH = {
  noRepeatNgramSize: { noRepeatNgramSize: 1 }, frequencyPenalty: { frequencyPenalty: 3 },
  presencePenalty: { presencePenalty: 4 }, logitBias: { logitBias: bias },
  aMap: { logitBias: new Map(Object.entries(bias).map(([id, added]) => [Number(id), added])) },
  stopTokens: { stopTokens: [plain.ids[30]] },
  minTokens: { stopTokens: [plain.ids[3], plain.ids[30]], minTokens: 25 },
  stop: { stop: plain.text.slice(20, 23) },
  stops: { stop: ['zzz', plain.text.slice(31, 36), plain.text.slice(30, 33)], minTokens: 12 },
  begun: { stop: plain.ids.map((_, i) => `${plain.text.slice(i, i + 3)}§`) },
  logprobs: { logprobs: 3, noRepeatNgramSize: 2, repetitionPenalty: 1.2 },
};

test('each option, straight on, flipped anywhere, taken back anywhere: as in one go', async () => {
  for (const [name, options] of Object.entries(EACH)) {
    const sampling = { ...PLAIN, ...options };
    const wanted = await straight(model, sampling);
    const { context, session, write } = worker();
    same(await write(sampling), wanted, name);
    for (const every of [1, 7]) {
      let n = 0;
      const flip = ({ type }) => {
        if (type === 'tokens' && ++n % every === 0) context.useCache = n % 2 === 0;
      };
      context.tokensPerSecond = 4000;
      same(await write(sampling, {}, flip), wanted, `${name}, flipped ${every}`);
      Object.assign(context, { tokensPerSecond: 0, useCache: true });
    }
    for (const at of [0, 1, 11, 12, 20, wanted.ids.length - 3]) {
      const written = wanted.ids.slice(0, at);
      const paused = await write(sampling, { written, more: 2 });
      const all = [...written, ...paused.ids];
      const { ids, text, ...rest } = await write(sampling, { written: all });
      same({ ...rest, ids: [...all, ...ids], text }, wanted, `${name}, behind ${at} and ${all.length}`);
    }
    session.dispose();
  }
});

test('the ends are reached where they should be', async () => {
  const { write, session } = worker();
  const end = async (options) => {
    const { reason, finishedBy, ids } = await write({ ...PLAIN, ...options });
    return [reason, finishedBy, ids.length];
  };
  assert.deepEqual(await end(EACH.stopTokens), ['stop', plain.ids[30], plain.ids.indexOf(plain.ids[30])]);
  const [reason, by] = await end(EACH.stop);
  assert.deepEqual([reason, by], ['stop', EACH.stop.stop]);
  assert.deepEqual(await end({ maxTokens: 5 }), ['length', undefined, 5]);
  assert.deepEqual((await end({ maxTokens: undefined })).slice(0, 2), ['context_full', undefined]);
  session.dispose();
});

test('what waits for a stop string comes after all, where the text ends in a burst of its own', async () => {
  const { text } = await straight(model, { ...PLAIN, ...EACH.stopTokens });
  const sampling = { ...PLAIN, ...EACH.stopTokens, stop: `${text.slice(-2)}§` };
  const { context, write, session } = worker();
  const now = () => performance.now();
  context.clock = { tick: 1e-6, span: 1e-6, now, edge: now, read: now }; // a token fills a burst
  const run = await write(sampling);
  const bursts = new Set(run.tokens.map(({ burst }) => burst?.first)).size;
  assert.ok(bursts > 2, `${bursts} bursts`);
  same(run, await straight(model, sampling), 'token by token');
  session.dispose();
});

test('log-probabilities are the model\'s own, and come with every token', async () => {
  const sampling = { ...PLAIN, maxTokens: 30, logprobs: 2 };
  const { tokens } = await worker().write(sampling);
  const wanted = await straight(model, sampling);
  assert.deepEqual(tokens.map(({ logProb, top }) => [logProb, top]),
    wanted.tokens.map(({ logProb, top }) => [logProb, top]));
  assert.equal(tokens[0].top.length, 2);
});

test('what the makers ask for in generation_config.json is done here too', async () => {
  const generation = { stop_strings: [plain.text.slice(20, 23)], no_repeat_ngram_size: 2, min_new_tokens: 9 };
  const ruled = await load(generation);
  const wanted = await straight(ruled, PLAIN);
  assert.notDeepEqual(wanted.ids, plain.ids);
  same(await worker(ruled).write(PLAIN), wanted, 'the makers\' rules');
  const off = { stop: [], noRepeatNgramSize: 0, minTokens: 0 };
  same(await worker(ruled).write({ ...PLAIN, ...off }), plain, 'turned off');
  ruled.dispose();
});

test('candidates of a look are those of the draw, with what is ruled out at 0', async () => {
  const out = plain.ids.slice(0, 5);
  const logitBias = Object.fromEntries(out.map((id) => [id, -Infinity]));
  const { context, write } = worker();
  await write({ ...PLAIN, logitBias, frequencyPenalty: 2 });
  const { candidates } = await inspect(context, { candidates: { position: 8, count: 100 } });
  const ruled = candidates.list.filter(({ id }) => out.includes(id));
  assert.ok(ruled.every(({ probability }) => probability === 0));
  assert.equal(candidates.inDraw, model.sampledIds - new Set(out).size);
  const likely = candidates.list.filter(({ probability }) => probability > 0);
  const sum = likely.reduce((all, { probability }) => all + probability, 0);
  assert.ok(sum > 0.3 && sum <= 1.000001, sum);
});

test('what cannot be is refused by name: onLogits, and values that no option takes', async () => {
  const { write } = worker();
  await rejectsCode(write({ onLogits: null }), 'invalid_argument', /onLogits is a function.*logitBias/);
  const wrong = [{ stop: 5 }, { stop: '' }, { stopTokens: 'a' }, { minTokens: -1 },
    { noRepeatNgramSize: 0.5 },
    { frequencyPenalty: NaN }, { presencePenalty: '1' }, { logitBias: [] }, { logprobs: 321 },
    { numBeams: 2 }, { n: 2 }, { minTokens: 9, maxTokens: 3 }];
  for (const sampling of wrong) await rejectsCode(write(sampling), 'invalid_argument');
  await rejectsCode(write({ stopTokens: [320] }), 'token_out_of_range');
  await rejectsCode(write({}, { proof: 1 }), 'invalid_argument');
  await rejectsCode(write({}, { chat: {} }), 'invalid_argument', /conversation/);
  globalThis.Worker = class { postMessage(message) { structuredClone(message); } };
  globalThis.origin = new URL(import.meta.url).origin;
  const client = new EngineClient();
  const functions = [[{ onLogits: () => {} }, 'sampling.onLogits'], [{ seed: Math.max }, 'seed']];
  for (const [sampling, name] of functions) {
    await assert.rejects(client.request('generate', { prompt: '', sampling }),
      ({ code, message }) => code === 'invalid_argument' && message.includes(`${name} is a function`));
  }
  delete globalThis.Worker;
});

// ---- conversations --------------------------------------------------------------------------------

const fixture = JSON.parse(readFileSync(new URL('../fixtures/chat.json', import.meta.url), 'utf8'));
const { bos, eos, template } = fixture.templates.chatml;
const files = {
  ...tinyFiles({ changes: { ...changes, n_positions: 200 } }),
  'tokenizer.json': JSON.stringify(fixture.tokenizer),
  'tokenizer_config.json': JSON.stringify({ bos_token: bos, eos_token: eos, chat_template: template }),
};

test('a conversation, turn by turn: what is reused is what was said, and nothing is proved', async () => {
  const own = await loadModel(new Map(Object.entries(files).map(([name, file]) => [name, blobOf(file)])));
  const letters = [...'QXZ'].map((letter) => own.encode(letter)[0]);
  const others = Array.from({ length: own.sampledIds }, (_, id) => id).filter((id) => !letters.includes(id));
  const sampling = { maxTokens: 6, temperature: 1, logitBias: others.map((id) => [id, -Infinity]) };
  sampling.logitBias = Object.fromEntries(sampling.logitBias);
  const { context, session, write } = worker(own);
  const messages = [];
  let position = 0;
  for (const content of ['Who are you?', 'Why?', 'And since when?']) {
    messages.push({ role: 'user', content });
    const ids = await own.applyChatTemplate(messages, { addGenerationPrompt: true });
    assert.deepEqual(await count(context, { prompt: messages }), { tokens: ids.length, room: 200 });
    const { told, text, ...run } = await write(sampling, { prompt: messages });
    assert.deepEqual([told.prefilled.tokens, told.prefilled.reused], [ids.length, position]);
    assert.deepEqual([told.proving, told.proof], [undefined, undefined]);
    same({ text, ...run }, await straight(own, sampling, ids), content);
    position = run.position;
    assert.equal(position, ids.length + 6);
    messages.push({ role: 'assistant', content: text });
  }
  const open = await write(sampling, { prompt: messages, chat: { continueFinalMessage: true } });
  assert.equal(open.told.prefilled.reused, position, 'all of it is there');
  await rejectsCode(write(sampling, { prompt: [{ content: 'x' }] }), 'invalid_argument');
  const rag = { prompt: messages, chat: { template: 'rag' } };
  await rejectsCode(write(sampling, rag), 'chat_template_missing');
  assert.equal(context.run.ids.length, session.position, 'the run before is still there');
  own.dispose();
});

test('a load gives a text less room where less is asked for, and every look as much', async () => {
  const client = new DeskClient();
  const bytes = Object.entries(files).map(async ([name, file]) => [name, await blobOf(file).arrayBuffer()]);
  const given = { files: Object.fromEntries(await Promise.all(bytes)) };
  const { memory: all } = await client.request('load', given);
  for (const capacity of [0, -1, 1.5, '9', null]) {
    await assert.rejects(client.request('load', { ...given, capacity }), { code: 'invalid_argument' });
  }
  assert.equal((await client.request('status')).loaded, true, 'the model before is still there');
  const { memory } = await client.request('load', { ...given, capacity: 100 });
  assert.ok(memory.cacheBytes < 0.6 * all.cacheBytes);
  const { room } = await client.request('count', { prompt: [{ role: 'user', content: 'Hi' }] });
  assert.equal(room, 100);
  const run = await client.request('generate', { prompt: 'Hi', sampling: { maxTokens: 500 } });
  assert.deepEqual([run.reason, run.position], ['context_full', 100]);
  const seen = await client.request('inspect', { attention: { position: 5, layers: [0] } });
  assert.equal(seen.attention.weights.length, 2 * 6);
  await client.request('load', { ...given, capacity: 10_000 });
  assert.equal((await client.request('count', { prompt: '' })).room, 200);
  client.dispose();
});
