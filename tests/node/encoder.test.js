// Models with an encoder: T5, Marian and BART against transformers, in every build of the engine, and the
// promises of both caches: they change the speed, never a bit.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import '../relaxed.js';
import { benchmarkComparison, benchmarkSources, loadModel, weighModel } from 'kvcache-wasm';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { collect, rejectsCode, throwsCode } from './helpers.js';

const FIXTURES = new URL('../fixtures/', import.meta.url);
const NAMES = ['t5-f32', 't5-gated-bf16', 'mt5-f32', 'marian-f32', 'marian-f16', 'bart-bf16'];

async function reference(name) {
  const json = JSON.parse(await readFile(new URL(`${name}/reference.json`, FIXTURES), 'utf8'));
  const bytes = await readFile(new URL(`${name}/logits.f32`, FIXTURES));
  const logits = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const [rows, vocabSize] = json.shape;
  assert.equal(logits.length, rows * vocabSize);
  return { ...json, rowAt: (t) => logits.subarray(t * vocabSize, (t + 1) * vocabSize) };
}

/** @param {string} name  @param {object} [options] */
const load = (name, options) => loadModel(new URL(`${name}/`, FIXTURES), {
  tokenizer: name === 't5-gated-bf16', variant: 'simd', ...options,
});

const ids = async (run) => (await collect(run)).map(({ id }) => id);
const GREEDY = { maxTokens: 60, minTokens: 60, noRepeatNgramSize: 2, temperature: 0 };

for (const name of NAMES) {
  for (const variant of ['relaxed', 'simd', 'scalar']) {
    test(`${name}, ${variant}: within 1e-4 of transformers' largest logit; its text, its beams`, async () => {
      const known = await reference(name);
      const { source, ids: text, rowAt, greedy, searches, answer, text: said, textIds } = known;
      const model = await load(name, { variant });
      assert.equal(model.variant, variant);
      for (const useCache of [true, false]) {
        const session = model.createSession({ useCache, useCrossCache: useCache });
        assert.equal((await session.setSource(source)).tokens, source.length);
        for (const [t, id] of text.entries()) {
          const ours = session.decode(id);
          const theirs = rowAt(t);
          const largest = theirs.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
          const worst = ours.reduce((max, x, i) => Math.max(max, Math.abs(x - theirs[i])), 0);
          assert.ok(worst <= 1e-4 * largest, `position ${t}: off by ${worst} of ${largest}`);
        }
        if (variant !== 'simd' && !useCache) continue;
        assert.deepEqual(await ids(session.generate(source, GREEDY)), greedy);
        for (const search of searches) {
          assert.deepEqual(await ids(session.generate(search.source, search.options)), search.ids);
        }
        if (said === undefined) continue;
        assert.deepEqual(model.encode(said), textIds);
        const tokens = await collect(session.generate(said, { numBeams: 3, maxTokens: 24 }));
        assert.equal(tokens.map((token) => token.text).join(''), answer);
      }
      model.dispose();
    });
  }
}

// ---- both caches --------------------------------------------------------------------------------

/** The logits' hash after each of some tokens. */
function hashes(session, tokens) {
  return tokens.map((id) => (session.decode(id), session.logitsHash));
}

for (const name of NAMES) {
  test(`${name}: with one cache, the other, both and none, in one pass or many: the same bits`, async () => {
    const { source, ids: text } = await reference(name);
    const model = await load(name);
    const tokens = text.slice(0, 40);
    const session = model.createSession();
    await session.setSource(source);
    const all = hashes(session, tokens);
    assert.equal(new Set(all).size, tokens.length);
    for (const useCache of [true, false]) {
      for (const useCrossCache of [true, false]) {
        const other = model.createSession({ useCache, useCrossCache });
        await other.setSource(source);
        assert.deepEqual(hashes(other, tokens), all);
        other.truncate(0);
        other.prefill(tokens.slice(0, 17));
        assert.equal(other.logitsHash, all[16]);
        [other.useCache, other.useCrossCache] = [!useCache, !useCrossCache]; // both switches, half-way
        other.append(tokens.slice(17));
        assert.equal(other.logitsHash, all.at(-1));
        other.dispose();
      }
    }
    const batch = model.createSession({ sequences: 2 });
    await batch.setSource(source);
    batch.prefill(tokens.slice(0, 5));
    batch.fork(0, 1);
    for (let t = 5; t < 20; t++) batch.decodeBatch([0, 1], [tokens[t], tokens[t + 1]]);
    assert.equal(batch.logitsHash, all[19]);
    assert.ok(batch.memoryUsage().sharedBytes >= 0);
    const scores = batch.score(tokens);
    session.truncate(0);
    for (const [t, id] of tokens.slice(0, -1).entries()) {
      const logits = session.decode(id);
      const sum = logits.reduce((total, x) => total + Math.exp(x), 0);
      assert.ok(Math.abs(scores[t] - (logits[tokens[t + 1]] - Math.log(sum))) < 1e-4);
    }
    assert.equal(batch.position, 20, 'scoring leaves the text as it is');
    model.dispose();
  });
}

test('what both caches cost and save, counted apart', async () => {
  const { source, ids: text } = await reference('t5-f32');
  const model = await load('t5-f32');
  const { nLayer, nHead, headDim, nEmbd, encoder } = model.config;
  const [S, Q] = [source.length, nHead * headDim];
  const session = model.createSession({ capacity: 48, sourceCapacity: 150 });
  const { crossBytes, crossBytesPerToken, crossUsedBytes, cacheBytes, bytesPerToken } = session.memoryUsage();
  assert.equal(crossBytesPerToken, 2 * nLayer * Q * 4);
  assert.equal(crossBytes, 160 * crossBytesPerToken, 'whole pages');
  assert.equal(cacheBytes, 48 * bytesPerToken);
  assert.equal(crossUsedBytes, 0);
  await session.setSource(source);
  assert.equal(session.memoryUsage().crossUsedBytes, S * crossBytesPerToken);
  const { encoderMacs, crossProjectionMacs } = session.counts;
  assert.equal(encoderMacs, encoder.nLayer * S * (4 * nEmbd * Q + 2 * nEmbd * 28 + 2 * S * Q));
  assert.equal(crossProjectionMacs, 2 * nLayer * S * nEmbd * Q);
  for (const id of text.slice(0, 10)) session.decode(id);
  const once = session.counts;
  assert.equal(once.encoderMacs, encoderMacs, 'the source is read once');
  assert.equal(once.crossProjectionMacs, crossProjectionMacs, 'and projected once');
  assert.equal(once.crossAttentionMacs, 10 * nLayer * 2 * S * Q);
  session.useCrossCache = false;
  session.decode(text[10]);
  assert.equal(session.counts.crossProjectionMacs, 2 * crossProjectionMacs, 'the mistake that people ship');
  assert.equal(session.counts.encoderMacs, encoderMacs);
  assert.equal(session.counts.attentionMacs - once.attentionMacs, nLayer * 11 * 2 * Q, 'the other one is on');
  session.truncate(10);
  for (const [useCache, first] of [[true, 10], [false, 0]]) {
    Object.assign(session, { useCache, useCrossCache: true });
    session.decode(text[10]);
    session.truncate(10);
    session.clearCounts();
    session.decode(text[10]);
    const { projections, attention, head, cross } = multiplyAdds(model.config, first, 11, S);
    const { projectionMacs, attentionMacs, headMacs, crossAttentionMacs } = session.counts;
    assert.deepEqual([projectionMacs, attentionMacs, headMacs, crossAttentionMacs],
      [projections, attention, head, cross.crossAttention]);
    assert.deepEqual([cross.encoder, cross.crossProjections], [encoderMacs, crossProjectionMacs]);
    session.truncate(10);
  }
  session.useCache = true;
  session.clearCounts();
  const run = session.generate(source, { maxTokens: 2, minTokens: 2, useCrossCache: false });
  assert.equal((await ids(run)).length, 2);
  assert.equal(session.counts.crossProjectionMacs, 3 * crossProjectionMacs, 'of one run');
  session.clearCounts();
  assert.equal(session.counts.encoderMacs + session.counts.crossProjectionMacs, 0);
  model.dispose();
});

test('what a model with an encoder takes is known before it is loaded', async () => {
  for (const name of ['t5-f32', 't5-gated-bf16', 'marian-f16', 'bart-bf16']) {
    const { config, weightBytes } = await weighModel(new URL(`${name}/`, FIXTURES), { variant: 'simd' });
    const parameters = parameterCount(config);
    assert.ok(weightBytes.f32 >= 4 * parameters && weightBytes.f32 < 5 * parameters + 20_000, name);
    assert.ok(weightBytes.int8 < weightBytes.f32);
  }
});

// ---- the source ---------------------------------------------------------------------------------

test('another source, a longer one, the same again: nothing stale', async () => {
  const { source, searches: [, { source: other }] } = await reference('marian-f16');
  const model = await load('marian-f16');
  const write = async (given, session = model.createSession()) => {
    const tokens = await ids(session.generate(given, { maxTokens: 12, minTokens: 12, temperature: 0 }));
    return [session.logitsHash, ...tokens];
  };
  const expected = { long: await write(source), short: await write(other) };
  const session = model.createSession();
  assert.deepEqual(session.source, []);
  for (const [given, key, reused] of [[other, 'short', 0], [source, 'long', 0], [source, 'long', 40],
    [other, 'short', 0]]) {
    assert.deepEqual(await write(given, session), expected[key]);
    assert.deepEqual(session.source, given);
    assert.equal(session.position, 13, 'the text alone');
    const { tokens, reused: known } = session.prefillStats;
    assert.deepEqual([tokens, known], [given.length + 1, reused]);
  }
  const before = session.counts.encoderMacs;
  await write(other, session);
  assert.equal(session.counts.encoderMacs, before, 'the encoder need not read it again');
  session.truncate(0);
  assert.deepEqual(session.source, other);
  session.reset();
  assert.deepEqual(session.source, []);
  throwsCode(() => session.prefill([52]), 'no_source', /setSource\(\) or generate\(\)/);
  assert.deepEqual(await write(source, session), expected.long);
  model.dispose();
});

test('sources that cannot be: empty, too long, of strange ids', async () => {
  const model = await load('t5-gated-bf16');
  const session = model.createSession({ sourceCapacity: 5, capacity: 8 });
  assert.deepEqual([session.sourceCapacity, session.capacity], [5, 8]);
  await session.setSource([7, 8, 1]);
  session.prefill([0, 9]);
  const hash = session.logitsHash;
  for (const [given, code, message] of [
    [[], 'invalid_argument', /source is empty/], [[1, 2, 3, 4, 5, 6], 'source_too_long', /6 tokens.*5.*160/],
    ['the king sat on the dog', 'source_too_long', /room for 5/],
    [[67], 'token_out_of_range', /67, at index 0/], [[1.5], 'token_out_of_range', /1\.5/],
    [null, 'invalid_argument', /./], [7, 'invalid_argument', /./],
  ]) {
    await rejectsCode(session.setSource(given), code, message);
    await rejectsCode(session.generate(given).next(), code, message);
  }
  assert.equal(session.logitsHash, hash, 'nothing has changed');
  assert.deepEqual(session.source, [7, 8, 1]);
  await rejectsCode(session.setSource([1], { signal: 7 }), 'invalid_argument', /signal/);
  await rejectsCode(session.setSource([1], { abort: true }), 'invalid_argument', /no option/);
  for (const sourceCapacity of [0, 161, 1.5, '5']) {
    throwsCode(() => model.createSession({ sourceCapacity }), 'invalid_argument', /Capacity goes from 1/);
  }
  throwsCode(() => model.createSession({ useCrossCache: 1 }), 'invalid_argument', /useCrossCache/);
  throwsCode(() => model.createSession({ whenFull: 'slide' }), 'unsupported', /came from all before it/);
  assert.equal(await session.generate('the', { maxTokens: 7 }).next().then(({ done }) => done), false);
  assert.deepEqual(model.encode(''), [1], 'an empty text is a source of one token');
  await collect(session.generate('', { maxTokens: 2 }));
  model.dispose();
});

test('a source is read in slices: aborted, there is none; meanwhile the session is busy', async (t) => {
  const { source } = await reference('t5-f32');
  const model = await load('t5-f32');
  const session = model.createSession();
  await session.setSource(source);
  session.prefill([0, 5]);
  const hash = session.logitsHash;
  await rejectsCode(session.setSource(source, { signal: AbortSignal.abort() }), 'aborted', /./);
  assert.equal(session.logitsHash, hash, 'not even begun');
  let clock = performance.now();
  const slow = t.mock.method(performance, 'now', () => (clock += 10)); // a pause after each step
  const stop = new AbortController();
  const reading = session.setSource(source, { signal: stop.signal });
  setImmediate(() => setImmediate(() => stop.abort('enough')));
  assert.equal((await rejectsCode(reading, 'aborted', /./)).cause, 'enough');
  assert.deepEqual([session.source, session.position], [[], 0]);
  throwsCode(() => session.prefill([0]), 'no_source', /./);
  const again = session.generate(source, { signal: AbortSignal.timeout(1) });
  await rejectsCode(again.next(), 'aborted', /./);
  const long = session.setSource(source);
  throwsCode(() => session.prefill([0]), 'busy', /reads a source/);
  await rejectsCode(session.setSource(source), 'busy', /./);
  await rejectsCode(session.generate(source).next(), 'busy', /./);
  await long;
  session.prefill([0, 5]);
  assert.equal(session.logitsHash, hash);
  const run = session.generate(source, { maxTokens: 4 });
  await run.next();
  await rejectsCode(session.setSource(source), 'busy', /./);
  await run.return();
  const stopped = session.generate([...source].reverse(), { signal: AbortSignal.abort() });
  await rejectsCode(stopped.next(), 'aborted', /./);
  const gone = session.setSource(source);
  session.dispose();
  await rejectsCode(gone, 'disposed', /./);
  slow.mock.restore();
  model.dispose();
});

test('a listener that throws as a source is read keeps nobody busy', async () => {
  const model = await load('marian-f32');
  const session = model.createSession();
  await session.setSource([1, 2, 3]);
  session.prefill([0, 3]);
  for (const heard of [session, session.crossCache]) {
    heard.onEvent = () => { throw new Error('mine'); };
    await assert.rejects(session.setSource([4, 5]), /mine/);
    heard.onEvent = null;
    assert.deepEqual(session.source, [4, 5]);
    session.prefill([0]);
  }
  model.dispose();
});

// ---- the rest of a session ----------------------------------------------------------------------

test('saved and restored, with the source and its cache; refused where there is no room', async () => {
  const { source, ids: text } = await reference('bart-bf16');
  const model = await load('bart-bf16');
  const session = model.createSession();
  await session.setSource(source);
  session.prefill(text.slice(0, 20));
  const state = session.save();
  session.append(text.slice(20, 30));
  const hash = session.logitsHash;
  const copy = model.createSession({ capacity: 40 });
  copy.restore(state);
  assert.deepEqual([copy.source, copy.tokens], [source, text.slice(0, 20)]);
  const { encoderMacs } = copy.counts;
  copy.append(text.slice(20, 30));
  assert.equal(copy.logitsHash, hash);
  assert.equal(copy.counts.encoderMacs, encoderMacs, 'nothing of it is computed again');
  const small = model.createSession({ sourceCapacity: source.length - 1 });
  throwsCode(() => small.restore(state), 'source_too_long', /sourceCapacity of 59/);
  assert.deepEqual(small.source, []);
  const other = await load('t5-f32');
  throwsCode(() => other.createSession().restore(state), 'state_foreign', /another model/);
  other.dispose();
  model.dispose();
});

test('samples and beams share the source; a session grows for them', async () => {
  const { source } = await reference('t5-f32');
  const model = await load('t5-f32');
  const options = { maxTokens: 10, temperature: 1, minTokens: 10 };
  const alone = [];
  for (const seed of [3, 4, 5]) {
    alone.push(await ids(model.createSession().generate(source, { ...options, seed })));
  }
  const session = model.createSession({ capacity: 16 });
  const tokens = await collect(session.generate(source, { ...options, seed: 3, n: 3 }));
  for (const [i, expected] of alone.entries()) {
    assert.deepEqual(tokens.filter(({ sequence }) => sequence === i).map(({ id }) => id), expected);
  }
  assert.equal(session.sequences, 3);
  assert.deepEqual(session.source, source);
  const { crossUsedBytes, crossBytesPerToken } = session.memoryUsage();
  assert.equal(crossUsedBytes, source.length * crossBytesPerToken);
  const growing = model.createSession({ capacity: 'grow' });
  const long = { temperature: 0, maxTokens: 90, minTokens: 90 };
  const whole = await ids(model.createSession().generate(source, long));
  assert.deepEqual(await ids(growing.generate(source, long)), whole);
  assert.ok(growing.capacity > 64 && growing.capacity < 512);
  const { encoderMacs } = session.counts;
  await collect(session.generate(source, { numBeams: 5, maxTokens: 6 }));
  assert.equal(session.counts.encoderMacs, encoderMacs, 'counts go on, and the encoder does not');
  for (const useCrossCache of [true, false]) {
    for (const useCache of [true, false]) {
      const run = session.generate(source, { ...options, seed: 4, useCache, useCrossCache });
      assert.deepEqual(await ids(run), alone[1]);
    }
  }
  assert.ok(session.useCrossCache && session.useCache, 'a run leaves the switches as they were');
  model.dispose();
});

test('a text that is given goes on; what no text has is never drawn', async () => {
  const { source } = await reference('marian-f32');
  const model = await load('marian-f32');
  assert.equal(model.sampledIds, 60);
  const session = model.createSession();
  const whole = await ids(session.generate(source, { ...GREEDY, noRepeatNgramSize: 0 }));
  assert.ok(!whole.includes(60));
  assert.equal(session.logits.length, 61);
  assert.ok(session.logits[60] > 0, 'though it is likely');
  const target = [60, ...whole.slice(0, 20)];
  const rest = await ids(session.generate(source, { temperature: 0, maxTokens: 5, minTokens: 5, target }));
  assert.deepEqual(rest, whole.slice(20, 25));
  assert.deepEqual(session.tokens, [...target, ...rest]);
  for (const wrong of [[], [61], 'x', 5]) {
    const run = session.generate(source, { target: wrong });
    await assert.rejects(run.next(), ({ code }) => /invalid_argument|token_out_of_range/.test(code));
  }
  await rejectsCode(session.generate([{ role: 'user', content: 'x' }]).next(), 'tokenizer_invalid', /./);
  model.dispose();
  const padded = await load('t5-gated-bf16'); // rows of padding with the largest logits of all
  const said = await ids(padded.createSession().generate('the king', { maxTokens: 20, temperature: 1 }));
  assert.ok(said.every((id) => id < 56));
  padded.dispose();
});

/** A fixture whose generation_config.json says more. */
async function withSettings(name, settings) {
  const read = (file) => readFile(new URL(`${name}/${file}`, FIXTURES));
  const file = { ...JSON.parse(await read('generation_config.json')), ...settings };
  return loadModel(new Map([
    ['config.json', new Blob([await read('config.json')])],
    ['generation_config.json', new Blob([JSON.stringify(file)])],
    ['model.safetensors', new Blob([await read('model.safetensors')])],
  ]), { tokenizer: false, variant: 'simd' });
}

test('the first token and the last that a file asks for: the texts of transformers', async () => {
  const known = JSON.parse(await readFile(new URL('forced.json', FIXTURES), 'utf8'));
  for (const [name, texts] of Object.entries(known)) {
    for (const { source, file, numBeams, ended, ids: theirs, ...search } of texts) {
      const model = await withSettings(name, file);
      const { forced_bos_token_id: first, forced_eos_token_id: last } = file;
      const begun = first === undefined ? [] : [first];
      const session = model.createSession();
      const logitBias = { ...model.generation.logitBias, [model.config.padTokenId]: -Infinity };
      const beams = numBeams > 1 ? { numBeams, ...search } : {};
      const run = session.generate(source, { ...beams, logitBias });
      const how = JSON.stringify({ name, numBeams, ...search, ...file });
      assert.deepEqual([...begun, ...await ids(run)], theirs, how);
      const isEnd = ended ?? model.generation.eosTokenIds.includes(last);
      assert.equal(session.finishReason, isEnd ? 'eos' : 'length');
      assert.equal(model.generation.ignored, undefined);
      model.dispose();
    }
  }
});

test('a last token that an option asks for, or none; not where the capacity ends a text', async () => {
  const model = await load('t5-gated-bf16');
  const [source, last] = [[5, 9, 4, 1], 7];
  const session = model.createSession();
  const options = { maxTokens: 6, minTokens: 6, temperature: 0 };
  const free = await ids(session.generate(source, options));
  const written = async (more) => [await ids(session.generate(source, { ...options, ...more })),
    session.finishReason];
  assert.deepEqual(await written({ forcedEosTokenId: last }), [[...free.slice(0, 5), last], 'length']);
  assert.deepEqual(await written({ forcedEosTokenId: 1, n: 2 }).then(([, reason]) => reason), 'eos');
  assert.deepEqual(await written({ forcedEosTokenId: 1 }), [free.slice(0, 5), 'eos']);
  assert.deepEqual(await written({ forcedEosTokenId: false }), [free, 'length']);
  for (const forcedEosTokenId of [-1, 1.5, 99, true, '1']) {
    const run = session.generate(source, { ...options, forcedEosTokenId });
    await rejectsCode(run.next(), 'token_out_of_range', /forcedEosTokenId/);
  }
  const small = model.createSession({ capacity: 4 });
  const cut = await ids(small.generate(source, { temperature: 0, minTokens: 3, forcedEosTokenId: last }));
  assert.deepEqual([cut, small.finishReason], [free.slice(0, 3), 'context_full']);
  model.dispose();
});

test('what is inside: keys and values of the source, and how much a token looks at it', async () => {
  const { source } = await reference('t5-f32');
  const model = await load('t5-f32');
  const { nLayer, nHead, headDim } = model.config;
  const session = model.createSession();
  throwsCode(() => session.crossAttentionWeights(0, 0), 'not_ready', /./);
  await session.setSource(source);
  session.prefill([0, 9, 8]);
  const { crossCache, kvCache } = session;
  assert.deepEqual([crossCache.position, crossCache.batchSize, crossCache.maxSeqLen], [150, 1, 512]);
  assert.deepEqual([crossCache.numLayers, crossCache.numHeads, crossCache.headDim], [nLayer, nHead, headDim]);
  assert.equal(kvCache.position, 3);
  const { keys } = crossCache.snapshot({ layer: 1, head: 2 });
  assert.equal(keys.length, 150 * headDim);
  assert.ok(keys.every(Number.isFinite) && keys.some((x) => x !== 0));
  assert.equal(crossCache.memoryUsage().usedBytes, session.memoryUsage().crossUsedBytes);
  for (let layer = 0; layer < nLayer; layer++) {
    for (let head = 0; head < nHead; head++) {
      const weights = session.crossAttentionWeights(layer, head);
      assert.equal(weights.length, 150);
      assert.ok(Math.abs(weights.reduce((sum, x) => sum + x, 0) - 1) < 1e-5);
    }
  }
  throwsCode(() => session.crossAttentionWeights(nLayer, 0), 'position_out_of_range', /no layer/);
  session.useCrossCache = false;
  const other = model.createSession({ useCrossCache: false });
  await other.setSource(source);
  other.prefill([0]);
  assert.equal(other.crossCache.position, 0, 'nothing is kept');
  throwsCode(() => other.crossAttentionWeights(0, 0), 'not_ready', /./);
  throwsCode(() => session.evict(0, 1), 'unsupported', /./);
  model.dispose();
});

test('events of the cross cache: written once, read by every pass, and by none that projects', async () => {
  const { source } = await reference('t5-f32');
  const model = await load('t5-f32');
  const { nLayer } = model.config;
  const session = model.createSession();
  const told = [];
  const own = [];
  session.onEvent = (event) => own.push(event.type);
  session.crossCache.onEvent = (event) => told.push(event);
  const heard = () => told.splice(0);
  await session.setSource(source);
  const written = heard().filter(({ type }) => type === 'write');
  const slots = (layer) => written.filter((event) => event.layer === layer)
    .reduce((sum, { count }) => sum + count, 0);
  const layers = [null, ...Array.from({ length: nLayer }, (_, layer) => layer)];
  assert.deepEqual(layers.map(slots), layers.map(() => source.length));
  assert.deepEqual(own.filter((type) => type !== 'evict'), [], 'nothing of it in the session’s own');
  const reads = Array.from({ length: nLayer }, (_, layer) => (
    { type: 'read', sequence: 0, layer, first: 0, count: source.length }));
  session.prefill([0, 9]);
  assert.deepEqual(heard(), reads);
  session.decode(8);
  assert.deepEqual(heard(), reads);
  session.useCrossCache = false;
  session.decode(7);
  assert.deepEqual(heard(), []);
  assert.ok(own.includes('write') && own.includes('read'));
  session.useCrossCache = true;
  await session.setSource([3, 4]);
  assert.equal(heard()[0].type, 'evict');
  session.crossCache.onEvent = null;
  session.prefill([0]);
  assert.deepEqual(heard(), []);
  session.dispose();
  model.dispose();
});

test('speeds with both caches, with one, and with none', async () => {
  const model = await load('t5-f32');
  const heard = [];
  const onProgress = (event) => heard.push(event);
  const job = { sourceLengths: [3, 40], tokens: 9, runs: 2, windowMs: 2, onProgress };
  const rows = await benchmarkSources(model, job);
  assert.deepEqual(rows.map(({ source, sourceTokens, tokens, runs }) => [source, sourceTokens, tokens, runs]),
    [['measured', 3, 9, 2], ['measured', 40, 9, 2]]);
  for (const row of rows) {
    for (const name of ['read', 'both', 'selfOnly', 'crossOnly', 'neither']) {
      assert.ok(row[name] > 0 && row.spread[name].min <= row[name] && row[name] <= row.spread[name].max);
    }
    assert.equal(row.speedUp, row.both / row.neither);
    assert.match(row.logitsHash, /^[0-9a-f]{16}$/);
  }
  assert.deepEqual(heard.at(-1), { sourceTokens: 40, done: 6, total: 6 });
  await rejectsCode(benchmarkSources(model, { signal: AbortSignal.abort() }), 'aborted', /./);
  for (const wrong of [{ sourceLengths: [513] }, { sourceLengths: 5 }, { tokens: 512 }, { runs: 0 },
    { windowMs: 0 }, { onProgress: 1 }]) {
    await rejectsCode(benchmarkSources(model, wrong), 'invalid_argument');
  }
  await rejectsCode(benchmarkSources({}), 'invalid_argument', /loadModel\(\)/);
  await rejectsCode(benchmarkComparison(model), 'unsupported', /benchmarkSources/);
  model.dispose();
  const other = await loadModel(new URL('tiny-f32/', FIXTURES), { variant: 'simd' });
  await rejectsCode(benchmarkSources(other), 'unsupported', /encoder/);
  other.dispose();
});

test('a model without an encoder reads no source', async () => {
  const model = await loadModel(new URL('tiny-f32/', FIXTURES), { variant: 'simd' });
  const session = model.createSession();
  const [code, message] = ['unsupported', /encoder/];
  await rejectsCode(session.setSource([1]), code, message);
  for (const use of [
    () => { session.useCrossCache = false; }, () => session.crossCache,
    () => model.createSession({ sourceCapacity: 5 }), () => model.createSession({ useCrossCache: true }),
  ]) throwsCode(use, code, message);
  throwsCode(() => session.crossAttentionWeights(0, 0), code, /no source/);
  for (const options of [{ target: [1] }, { useCrossCache: true }]) {
    await rejectsCode(session.generate([1], options).next(), code, message);
  }
  assert.deepEqual([session.source, session.sourceCapacity, session.useCrossCache], [[], 0, false]);
  assert.ok(!('crossBytes' in session.memoryUsage()) && !('encoderMacs' in session.counts));
  model.dispose();
});
