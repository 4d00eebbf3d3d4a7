// What the benchmark reports is what its inputs say; its clocks are not tested here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { parameterCount } from '../../web/measure/analysis.js';
import { figures as de } from '../../web/demo/words/de-measured.js';
import { figures as en } from '../../web/demo/words/en-measured.js';
import { details } from '../../web/measure/figures.js';
import { attentionFactor, bandwidthShare, prefillShare, uncachedShare } from '../../web/measure/measure.js';
import { messageOverhead } from '../bench/messages.js';
import { overheadLine, refuseDifferences, report } from '../bench/report.js';
import { parseConfig } from '../../web/config/config.js';
import { LLAMAS, NOTHING, SHAPES, randomModel } from '../bench/shapes.js';

const even = (median) => ({ median, min: median, max: median });

/** A result that nobody measured. */
const row = (changes) => ({
  kind: 'row', runtime: 'Node v0', build: 'simd', model: 'TINY', weights: 'f32', context: 64, hash: 'aa',
  decode: even(100), read: even(10e9), peak: even(40e9), weightBytes: 60e6, cacheBytes: 20e6,
  multiplyAdds: 16e6,
  prefillMultiplyAdds: 15e6, prefill: even(1000), uncached: even(4), ...changes,
});

test('shares: what was done over what could have been', () => {
  assert.equal(bandwidthShare(row()), 0.8); // 80 MB, 100 times a second, of 10 GB
  // 15 M multiplications and additions, 1,000 times a second, of 40 G.
  assert.equal(prefillShare(row()), 0.75);
  assert.equal(uncachedShare(row()), 0.195); // 65 times 15 M, 4 times a second
  // 10 ms more for 80 MB more, which take 8 ms to read.
  assert.equal(attentionFactor(row(), row({ context: 1000, decode: even(50), cacheBytes: 100e6 })), 1.25);
});

test('the table: a line for each result, grouped by model, and no figure where there is none', () => {
  const alone = row({ model: 'GPT2', prefill: undefined, uncached: undefined });
  const text = report([row(), alone, row({ build: 'native', runtime: 'gcc' })]);
  assert.match(text, /### TINY: 6 layers, width 256, 8 heads, vocabulary 4096\n/);
  const [tiny, gpt2] = text.split('### GPT2');
  const has = (part, line) => assert.ok(part.includes(`\n${line}\n`), part);
  has(tiny, '| Node v0, simd | f32 | 64 | 1,000 (1,000 to 1,000) | 75 % | 100 (100 to 100) | 80 % | '
    + '4 (4 to 4) | 20 % | 25x |');
  assert.match(text, /\| gcc \| f32 \|/);
  has(gpt2, '| Node v0, simd | f32 | 64 | – | – | 100 (100 to 100) | 80 % | – | – | – |');
});

test('of attention nothing is said where the longer context was no slower, or read no more', () => {
  const longer = (changes) => details([row(), row({ context: 1000, cacheBytes: 100e6, ...changes })]);
  assert.match(longer({ decode: even(50) }), /; attention from 64 to 1000 tokens took 1\.25 times its /);
  for (const changes of [{ decode: even(100) }, { decode: even(101) }, { decode: even(50), cacheBytes: 20e6 },
    { decode: even(100), cacheBytes: 20e6 }]) assert.doesNotMatch(longer(changes), /attention/);
});

test('where it was measured says which architecture, in both languages', () => {
  const sizes = { nLayer: 3, nEmbd: 8, nHead: 2, vocabSize: 99 };
  for (const [modelType, said] of [['gpt2', 'GPT-2'], ['llama', 'llama'], ['gpt_neo', 'gpt_neo']]) {
    const config = { ...sizes, modelType };
    const where = { date: '2026-01-01T10:00:00Z', machine: { browser: 'b' }, build: 'simd', config };
    assert.ok(en.place(where).includes(`; ${said} with 3 layers,`), en.place(where));
    assert.ok(de.place(where).includes(`; ${said} mit 3 Schichten,`), de.place(where));
  }
});

test('what a token costs besides', () => {
  const microseconds = { median: 9.04, min: 8, max: 10.56 };
  const cost = { runtime: 'Chromium 1', build: 'relaxed', weights: 'int8', microseconds };
  assert.match(overheadLine({ ...cost, of: 'generate' }),
    /^Chromium 1, relaxed, int8: 9\.0 microseconds \(8\.0 to 10\.6\) .*width 4\.$/);
  assert.match(overheadLine({ ...cost, of: 'sampling' }), /the sampler, and the iteration\.$/);
  assert.match(overheadLine({ ...cost, of: 'messages' }), /from the worker to the page/);
});

test('other logits for the same text, and there is no report', () => {
  refuseDifferences([
    row(), row({ build: 'relaxed' }),
    row({ context: 256, hash: 'bb' }), row({ weights: 'int8', hash: 'cc' }),
    row({ model: 'GPT2', hash: 'dd' }),
  ]);
  assert.throws(() => refuseDifferences([row(), row({ build: 'relaxed', hash: 'bb' })]),
    /No report: TINY, f32, 64 tokens.*relaxed \(bb\).*simd \(aa\)/);
});

// A Llama of the same making, of one layer and few tokens.
const LLAMA = { ...LLAMAS.SMOL, num_hidden_layers: 1, vocab_size: 99 };

for (const [name, sizes] of Object.entries({ NOTHING, MICRO: SHAPES.MICRO, LLAMA })) {
  test(`${name}: the random model loads, is the same each time, and spreads its logits`, async () => {
    const hashes = [];
    for (let i = 0; i < 2; i++) {
      const model = await loadModel(randomModel(sizes), { tokenizer: false });
      const session = model.createSession({ capacity: 8 });
      const logits = session.prefill([1, 2, 3]);
      assert.ok(new Set(logits).size > 0.9 * logits.length);
      hashes.push(session.logitsHash);
      model.dispose();
    }
    assert.equal(hashes[0], hashes[1]);
  });
}

test('the shapes are those of the goals: TINY has 5.9 million parameters, GPT2 124, SMOL 135', () => {
  const count = (sizes) => parameterCount({
    nLayer: sizes.n_layer, nHead: sizes.n_head, nEmbd: sizes.n_embd, nPositions: sizes.n_positions,
    vocabSize: sizes.vocab_size,
  });
  const millions = Object.values(SHAPES).map((sizes) => (count(sizes) / 1e6).toFixed(1));
  assert.deepEqual(millions, ['0.9', '5.9', '124.4']);
  assert.equal(parameterCount(parseConfig(LLAMAS.SMOL)), 134_515_008);
  assert.equal(parameterCount(parseConfig(LLAMAS.STORY)), 15_191_712);
});

test('messages: bursts take 1 ms, and 0.5 ms to the page; a message holds those of a frame', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const client = {
    order() {},
    async request(what, asked, listen) {
      if (what === 'load') return { variant: 'simd' };
      assert.equal(asked.sampling.minTokens, asked.sampling.maxTokens, 'no text ends early');
      let [kept, sent] = [[], now];
      const tell = () => { listen({ type: 'tokens', tokens: kept }); [kept, sent] = [[], now]; };
      for (let first = 5; first < 905; first += 10) {
        now += 1.5;
        kept.push(...Array(10).fill({ burst: { first, tokens: 10, ms: 1 } }));
        if (first === 25) listen({ type: 'proof' });
        if (now - sent >= 15) tell();
      }
      tell();
    },
  };
  const { build, microseconds } = await messageOverhead(client, 'model/', 'f32', 3);
  assert.equal(build, 'simd');
  for (const cost of Object.values(microseconds)) assert.ok(Math.abs(cost - 50) < 1e-6, `${cost}`);
});
