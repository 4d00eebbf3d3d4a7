// A model with an encoder in the worker: its prompts are sources, and whatever is stopped, flipped or taken
// back, the text is the one that a session writes in one go.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { mapOf } from '../../web/demo/map.js';
import { workIn } from '../../web/demo/race.js';
import { readIn } from '../../web/demo/run.js';
import { initialState, reduce } from '../../web/demo/state.js';
import { DeskClient } from './desk-client.js';
import { collect } from './helpers.js';

const FOLDER = new URL('../fixtures/t5-gated-bf16/', import.meta.url);
const files = Object.fromEntries(readdirSync(FOLDER).map((name) => (
  [name, readFileSync(new URL(name, FOLDER))])));
const SOURCE = 'the king sat on the dog';
const SAMPLING = { maxTokens: 40, minTokens: 40, temperature: 1.2, seed: 9 };

const model = await loadModel(FOLDER, { variant: 'simd' });
const straight = await collect(model.createSession().generate(SOURCE, SAMPLING));
const text = straight.map((token) => token.text).join('');
const client = new DeskClient();
after(() => {
  client.dispose();
  model.dispose();
});
const loaded = await client.request('load', { files, variant: 'simd' });
client.order('setPace', { tokensPerSecond: 0 });

/** A run, and all its events. */
async function run(fields = {}, act = () => {}) {
  const [tokens, told] = [[], {}];
  const asked = { prompt: SOURCE, sampling: SAMPLING, ...fields };
  const answer = await client.request('generate', asked, (event) => {
    if (event.type === 'tokens') tokens.push(...event.tokens);
    told[event.type] = event;
    act(event, tokens);
  });
  return { ...answer, tokens, told, text: tokens.map((token) => token.text).join('') };
}

const rejects = (promise, code, message = /./) => assert.rejects(promise, (error) => (
  error.code === code && message.test(error.message)));

test('what a load and a status say of it', async () => {
  assert.deepEqual([loaded.room, loaded.sourceRoom], [160, 160]);
  assert.equal(loaded.config.encoder.nLayer, 3);
  assert.deepEqual(loaded.generation.startTokenIds, [0]);
  assert.ok(loaded.memory.crossBytes > 0);
  assert.equal((await client.request('status')).useCrossCache, true);
  assert.deepEqual(await client.request('count', { prompt: SOURCE }), { tokens: 8, room: 160 });
});

test('a run is that of a session; its proof is of both caches', async () => {
  const { told, tokens, reason, position, memory } = await run();
  assert.deepEqual(tokens.map(({ id }) => id), straight.map(({ id }) => id));
  assert.equal(tokens.map((token) => token.text).join(''), text);
  assert.deepEqual([reason, position], ['length', 41]);
  assert.deepEqual([told.prefilled.tokens, told.prefilled.source, told.prefilled.reused], [9, 8, 0]);
  assert.ok(told.proof.equal && tokens.every((token) => token.crossCached && token.cached));
  assert.equal(memory.crossUsedBytes, 8 * memory.crossBytesPerToken);
  const proof = await client.request('prove');
  assert.ok(proof.equal && proof.on === proof.off);
  assert.equal((await run({ proof: false })).told.prefilled.reused, 8, 'the source is read once');
});

test('a figure counts its text from its own beginning, and the work of the source once', async () => {
  await client.request('load', { files, variant: 'simd' }); // and so nothing of it is there
  for (const [on, kept] of [[true, false], [true, true], [false, true]]) {
    client.order('setCache', { on });
    let state = reduce(initialState(SOURCE), { ...loaded, type: 'loaded' });
    state = reduce(state, { type: 'begun' });
    const asked = { prompt: SOURCE, sampling: SAMPLING, proof: false };
    const answer = await client.request('generate', asked, (event) => { state = reduce(state, event); });
    state = reduce(state, { ...answer, type: 'run ended' });
    const { tokens, reused, source, sourceKept } = state.run.prefill;
    assert.deepEqual([tokens, reused, source, sourceKept], [1, 0, 8, kept]);
    const map = mapOf(state);
    assert.deepEqual([map.text, map.tokens, state.run.position], [41, on ? 41 : map.tokens, 41]);
    assert.equal(readIn(state.run.prefill), kept ? 1 : 9);
    const session = model.createSession({ useCache: on });
    await session.setSource(SOURCE);
    if (kept) session.clearCounts();
    const ids = [0, ...straight.map(({ id }) => id)];
    for (const id of ids) session.append([id]);
    const macs = Object.entries(session.counts).filter(([name]) => name.endsWith('Macs'));
    const counted = macs.reduce((sum, [, count]) => sum + count, 0);
    assert.equal(workIn(loaded.config, state.run).multiplyAdds, counted, `cache ${on}, source kept ${kept}`);
    session.dispose();
  }
  client.order('setCache', { on: true });
});

test('both switches flipped on the way: the same text, and each token says how it came', async () => {
  for (const [order, name] of [['setCrossCache', 'crossCached'], ['setCache', 'cached']]) {
    let flips = 0;
    const wanted = { proof: false };
    const { tokens, hash } = await run(wanted, (event, all) => {
      if (event.type === 'tokens' && flips < 2 && all.length > 4 * flips) {
        client.order(order, { on: flips++ > 0 });
      }
    });
    client.order(order, { on: true });
    assert.deepEqual(tokens.map(({ id }) => id), straight.map(({ id }) => id));
    assert.equal(hash, (await run(wanted)).hash, name);
  }
  client.order('setCrossCache', { on: false });
  const { tokens } = await run({ proof: false });
  assert.ok(tokens.every(({ crossCached, cached }) => !crossCached && cached));
  assert.deepEqual(tokens.map(({ id }) => id), straight.map(({ id }) => id));
  assert.equal((await client.request('status')).useCrossCache, false);
  client.order('setCrossCache', { on: true });
});

test('a run that pauses, goes on, and goes back', async () => {
  const ids = straight.map(({ id }) => id);
  const paused = await run({ more: 10, proof: false });
  assert.equal(paused.reason, 'stopped');
  assert.deepEqual(paused.tokens.map(({ id }) => id), ids.slice(0, 10));
  const rest = await run({ written: ids.slice(0, 10) });
  assert.deepEqual(rest.tokens.map(({ id }) => id), ids.slice(10));
  assert.equal(rest.told.cut.kept, 11);
  const back = await run({ written: ids.slice(0, 4), more: 0 });
  assert.equal(back.position, 5);
  const again = await run({ written: ids.slice(0, 4) });
  assert.equal(again.hash, rest.hash);
});

test('looks inside: what a token looks at in the source', async () => {
  await run({ proof: false });
  const { cross, attention, candidates, cache, fork, stored, vectors } = await client.request('inspect', {
    cross: { position: 12, layers: [1] }, attention: { position: 12 }, candidates: { position: 6 },
    fork: { position: 9, count: 3 }, stored: {}, vectors: { at: 5, layers: [0], heads: [1] },
  });
  assert.deepEqual(cross.source.map(({ id }) => id), model.encode(SOURCE));
  assert.equal(cross.source.at(-1).text, '</s>');
  const session = model.createSession();
  await session.setSource(SOURCE);
  session.prefill([0, ...straight.slice(0, 12).map(({ id }) => id)]);
  const width = cross.source.length;
  cross.heads.forEach((head, i) => assert.deepEqual(
    cross.weights.slice(i * width, (i + 1) * width), session.crossAttentionWeights(1, head)));
  assert.deepEqual(attention.weights.slice(0, 13), session.attentionWeights(0, 0));
  assert.equal(candidates.chosen, straight[5].id);
  assert.deepEqual([cache.tokens, fork.tokens.length, vectors.count], [41, 3, 6]);
  assert.ok(stored.every(({ tokens }) => tokens === 41));
  session.dispose();
});

test('what is refused, and that the run before is still there', async () => {
  const { hash } = await run({ proof: false });
  await rejects(run({ prompt: 'a '.repeat(300) }), 'source_too_long', /room for 160/);
  await rejects(run({ prompt: [{ role: 'user', content: 'x' }] }), 'chat_template_missing');
  await rejects(client.request('edit', { before: 'a', after: 'b', maxTokens: 1 }), 'unsupported', /encoder/);
  await rejects(client.request('lab', { bug: 1, scenario: 'plain' }), 'unsupported', /encoder/);
  const job = { contexts: [4], runs: 1, windowMs: 1, patienceMs: 0 };
  await rejects(client.request('benchmark', job), 'unsupported', /encoder/);
  assert.equal((await run({ written: straight.map(({ id }) => id), more: 0 })).hash ?? hash, hash);
  await rejects(client.request('inspect', { cross: { position: 99 } }), 'position_out_of_range');
  client.order('setPace', { tokensPerSecond: 20 });
  const stopped = run({ prompt: 'she sings on the cat', proof: false }, ({ type }) => {
    if (type === 'prefilled') client.stop();
  });
  const { reason, position } = await stopped;
  assert.equal(reason, 'stopped');
  assert.ok(position >= 1 && position < 41);
  client.order('setPace', { tokensPerSecond: 0 });
  assert.equal((await run({ proof: false })).hash, hash);
});
