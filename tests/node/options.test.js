// Options: those that exist are listed once, and any other is refused by name, with the nearest known one.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { KVCache, analyzeMemory, analyzeSpeedup, benchmarkComparison, enableKVCache, init,
  loadModel } from 'kvcache-wasm';
import { CACHED_ATTENTION_OPTIONS } from '../../web/blocks/attention-options.js';
import { ENABLE_OPTIONS } from '../../web/blocks/enable-cache.js';
import { GPT } from '../../web/blocks/example-gpt.js';
import { KV_CACHE_OPTIONS } from '../../web/cache/options.js';
import { INIT_OPTIONS } from '../../web/engine/init.js';
import { DECODE_OPTIONS, ENCODE_OPTIONS } from '../../web/files/tokenizer.js';
import { MEMORY_OPTIONS, SPEEDUP_OPTIONS } from '../../web/measure/tables.js';
import { COMPARISON_OPTIONS } from '../../web/measure/benchmark.js';
import { LOAD_OPTIONS } from '../../web/session/model.js';
import { SESSION_OPTIONS } from '../../web/session/options.js';
import { GENERATE_OPTIONS } from '../../web/session/sampling.js';
import { rejectsCode, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const TYPES = [
  ['blocks/attention-options.js', 'CachedAttentionOptions', CACHED_ATTENTION_OPTIONS],
  ['blocks/enable-cache.js', 'EnableOptions', ENABLE_OPTIONS],
  ['cache/options.js', 'KVCacheOptions', KV_CACHE_OPTIONS],
  ['engine/init.js', 'InitOptions', INIT_OPTIONS],
  ['files/tokenizer.js', 'DecodeOptions', DECODE_OPTIONS],
  ['files/tokenizer.js', 'EncodeOptions', ENCODE_OPTIONS],
  ['measure/tables.js', 'MemoryOptions', MEMORY_OPTIONS],
  ['measure/tables.js', 'SpeedupOptions', SPEEDUP_OPTIONS],
  ['measure/benchmark.js', 'ComparisonOptions', COMPARISON_OPTIONS],
  ['session/model.js', 'LoadOptions', LOAD_OPTIONS],
  ['session/options.js', 'SessionOptions', SESSION_OPTIONS],
  ['session/sampling.js', 'GenerateOptions', GENERATE_OPTIONS],
];

for (const [file, type, names] of TYPES) {
  test(`the list of ${type} is that of the type`, async () => {
    const text = await readFile(new URL(`../../web/${file}`, import.meta.url), 'utf8');
    const [, body] = text.match(new RegExp(`@typedef \\{object\\} ${type}\\b(.*?)(?:@typedef|\\*/)`, 's'));
    const declared = [...body.matchAll(/@property \{.*?\} \[?(\w+)/g)].map(([, name]) => name);
    assert.deepEqual([...names].sort(), declared.sort());
  });
}

let model;
before(async () => {
  model = await loadModel(tinyBlobs());
  await init();
});
after(() => model.dispose());

test('an unknown option is refused by name, with the nearest known one', async () => {
  const session = model.createSession();
  for (const [given, meant] of [
    ['max_tokens', 'maxTokens'], ['maxtokens', 'maxTokens'], ['max-tokens', 'maxTokens'],
    ['max_new_tokens', 'maxTokens'], ['maxNewTokens', 'maxTokens'], ['temprature', 'temperature'],
    ['top_k', 'topK'], ['topp', 'topP'], ['min_p', 'minP'], ['repetition_penalty', 'repetitionPenalty'],
    ['num_beams', 'numBeams'], ['use_cache', 'useCache'], ['seeds', 'seed'],
    ['early_stoping', 'earlyStopping'], ['no_repeat_ngram_size', 'noRepeatNgramSize'],
    ['frequency_penalty', 'frequencyPenalty'], ['stop_tokens', 'stopTokens'], ['logit_bias', 'logitBias'],
  ]) {
    await rejectsCode(session.generate('Hi', { [given]: 1 }).next(), 'invalid_argument',
      new RegExp(`generate\\(\\) has no option "${given}": did you mean ${meant}\\?`));
  }
  for (const given of ['halt', 'x', 'stream', 'dtype', 'y'.repeat(10_000)]) {
    const error = await rejectsCode(session.generate('Hi', { [given]: 1 }).next(), 'invalid_argument',
      /has no option "[a-z.]+": there are maxTokens, temperature, .*signal\.$/);
    assert.ok(error.message.length < 400);
  }
});

test('whatever takes options does so', async () => {
  const sizes = { maxSeqLen: 4, numLayers: 1, numHeads: 1, headDim: 4 };
  throwsCode(() => model.createSession({ use_cache: true }), 'invalid_argument', /did you mean useCache/);
  throwsCode(() => new KVCache({ ...sizes, batch_size: 1 }), 'invalid_argument', /did you mean batchSize/);
  throwsCode(() => new KVCache(4, 1, 1, 4), 'invalid_argument', /one object, such as \{ batchSize: \.{3} \}/);
  throwsCode(() => analyzeMemory({ length: [3] }), 'invalid_argument', /did you mean lengths/);
  throwsCode(() => analyzeSpeedup({ shapes: {} }), 'invalid_argument', /did you mean shape\?/);
  const gpt = new GPT({ vocabSize: 10, embedDim: 8, numLayers: 1, numHeads: 2, maxSeqLen: 6 });
  throwsCode(() => enableKVCache(gpt, { maxseqlen: 4 }), 'invalid_argument', /did you mean maxSeqLen/);
  await rejectsCode(benchmarkComparison(model, { seqLength: [2] }), 'invalid_argument', /mean seqLengths/);
  await rejectsCode(init({ variants: 'simd' }), 'invalid_argument', /did you mean variant\?/);
  await rejectsCode(loadModel(tinyBlobs(), { weight: 'int8' }), 'invalid_argument', /did you mean weights\?/);
  const cache = new KVCache(sizes);
  throwsCode(() => cache.truncate(0, { rows: 0 }), 'invalid_argument', /truncate\(\) .* did you mean row\?/);
  throwsCode(() => cache.advance(1, 0), 'invalid_argument', /advance\(\) takes its options as one object/);
  cache.dispose();
});

test('options that are undefined, or not their own, count as elsewhere', async () => {
  const session = model.createSession({ stop: undefined, capacity: undefined });
  assert.equal(session.capacity, model.config.nPositions);
  class Preset { temperature = 0; }
  const inherited = Object.create(new Preset(), { maxTokens: { value: 2, enumerable: true } });
  let n = 0;
  for await (const _ of session.generate('Hi', inherited)) n++;
  assert.equal(n, 2);
  throwsCode(() => model.createSession(Object.create({ sequence: 2 })), 'invalid_argument', /mean sequences/);
});

test('a controller in place of its signal is refused with a sentence, before anything else', async () => {
  const controller = new AbortController();
  for (const work of [
    () => loadModel(tinyBlobs(), { signal: controller }),
    () => init({ signal: controller }),
    () => benchmarkComparison(model, { signal: controller }),
    () => model.createSession().generate('Hi', { signal: controller }).next(),
  ]) {
    await rejectsCode(work(), 'invalid_argument', /AbortController give the signal: controller\.signal\./);
  }
});

test('wasm and a variant exclude each other: neither is ignored', async () => {
  for (const work of [(build) => loadModel(tinyBlobs(), build), init]) {
    await rejectsCode(work({ wasm: 'x.wasm', variant: 'simd' }), 'invalid_argument', /leave out one/);
    await rejectsCode(work({ wasm: 'http:', variant: 'auto' }), 'invalid_argument', /no address/);
  }
});

test('wasm may be the address of a folder, and then leaves the choice of a variant', async () => {
  const folder = new URL('../../web/engine/', import.meta.url);
  for (const wasm of [folder, folder.href]) {
    const model = await loadModel(tinyBlobs(), { wasm, variant: 'scalar' });
    assert.equal(model.variant, 'scalar');
    model.dispose();
  }
});
