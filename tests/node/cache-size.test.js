// The calculator's numbers: those of published shapes, worked out by hand, and those that people copy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cacheBytes } from '../../web/cache/sizes.js';
import { CACHE_TYPES, TYPE_NAMES, scaleBytes, vectorBytes } from '../../web/cache/types.js';
import { CLAIMS, CONTEXTS, MODELS, cacheSize, ownModel, sizesByType } from '../../web/demo/cache-size.js';
import { parseConfig } from '../../web/config/config.js';
import { CALCULATOR } from '../../web/demo/words/calculator.js';
import { analyzeMemory } from '../../web/measure/tables.js';
import { numbersIn } from '../../web/measure/numbers.js';

const USUAL = { tokens: 8192, texts: 1, type: 'f16', shared: true, windowed: true };
const ask = (name, changes) => (
  cacheSize(MODELS.find((model) => model.name === name), { ...USUAL, ...changes }));
const bytes = (name, changes) => ask(name, changes).bytes;

test('the cache of each model, by hand', () => {
  assert.equal(bytes('GPT-2', { type: 'f32' }), 75_497_472); // 72 MiB
  assert.equal(ask('GPT-2', {}).tokens, 1024, 'as many as it can take');
  assert.equal(bytes('Llama 3.1 8B'), 1_073_741_824); // 1 GiB
  assert.equal(ask('Llama 3.1 8B').bytesPerToken, 131_072);
  assert.equal(ask('Llama 3.1 70B').bytesPerToken, 327_680);
  assert.equal(bytes('Llama 3.1 70B', { tokens: 131_072 }), 42_949_672_960); // 40 GiB
  assert.equal(ask('Qwen2.5 0.5B', { type: 'f32' }).bytesPerToken, 24_576);
  assert.equal(ask('Qwen2.5 7B').bytesPerToken, 57_344);
});

test('shared heads, more texts, fewer bits', () => {
  assert.equal(bytes('Llama 3.1 8B', { shared: false }), 4 * bytes('Llama 3.1 8B'));
  assert.equal(bytes('Llama 3.1 70B', { shared: false }), 8 * bytes('Llama 3.1 70B'));
  assert.equal(bytes('GPT-2', { shared: false }), bytes('GPT-2'), 'it shares none');
  assert.equal(bytes('Qwen2.5 7B', { texts: 16 }), 16 * bytes('Qwen2.5 7B'));
  assert.equal(ask('Llama 3.1 8B', { type: 'int8' }).vectorBytes, 132, 'with a scale');
});

test('a window holds the cache down where there is one, and nowhere else', () => {
  const all = 2 * 18 * 8192 * 256 * 4;
  const some = 2 * (3 * 8192 + 15 * 16 * (34 + 36)) * 256 * 4; // pages of 512 + 31 slots, and of 512 + 62
  assert.equal(bytes('Gemma 3 270M', { type: 'f32', windowed: false }), all);
  assert.equal(bytes('Gemma 3 270M', { type: 'f32' }), some); // 85 MB instead of 302
  assert.deepEqual(ask('Gemma 3 270M').parts, [{ layers: 3, tokens: 8192 }, { layers: 15, tokens: 1120 }]);
  assert.deepEqual(ask('Gemma 3 270M', { tokens: 128 }).parts, [{ layers: 18, tokens: 128 }]);
  const few = { tokens: 128 };
  assert.equal(bytes('Gemma 3 270M', few), bytes('Gemma 3 270M', { ...few, windowed: false }));
  assert.equal(bytes('GPT-2', { windowed: false }), bytes('GPT-2'));
});

test('an encoder: a token of the source takes in each layer what one of the text does, besides', () => {
  const file = new URL('../fixtures/t5-f32/config.json', import.meta.url);
  const config = parseConfig(JSON.parse(readFileSync(file, 'utf8')));
  const answer = cacheSize(ownModel('t5', config), { ...USUAL, type: 'f32' });
  const room = { capacity: answer.tokens, sourceCapacity: 160 };
  const all = cacheBytes(config, { keyType: 'f32', valueType: 'f32' }, room);
  assert.deepEqual([answer.bytes, 160 * answer.crossBytesPerToken], [all.cacheBytes, all.crossBytes]);
  assert.equal(ask('GPT-2').crossBytesPerToken, 0);
});

test('without a window it is what analyzeMemory() says', () => {
  for (const { name, sizes } of MODELS) {
    const rows = analyzeMemory({ shapes: { name: { ...sizes, window: undefined } }, lengths: CONTEXTS });
    for (const { type, tokens, cacheBytes } of rows) {
      assert.equal(bytes(name, { type, tokens, windowed: false }), cacheBytes, `${name} ${type} ${tokens}`);
    }
  }
  const config = {
    nLayer: 3, nHead: 4, nKvHead: 4, headDim: 44, nEmbd: 176, nPositions: 1024, vocabSize: 6144,
  };
  assert.equal(cacheSize(ownModel('ours', config), { ...USUAL, type: 'f32' }).bytes, 4_325_376);
  const local = ownModel('ours', { ...config, window: { size: 256, layers: [1] } });
  assert.deepEqual(cacheSize(local, USUAL).parts, [{ layers: 2, tokens: 1024 }, { layers: 1, tokens: 608 }]);
});

test('the formula that is shown gives the number that is shown', () => {
  const { formula } = CALCULATOR.en;
  for (const { name, sizes } of MODELS) {
    for (const type of TYPE_NAMES) {
      const { parts, heads, bytes: total } = ask(name, { type, texts: 4 });
      const [{ each }, scale] = [CACHE_TYPES[type], scaleBytes(type, sizes.headDim)];
      const said = formula({ parts, heads, numbers: sizes.headDim, each, scale, texts: 4, bytes: total });
      const [product, result] = said.replace(/K and V/, '').split(' = ');
      const sum = product.replace(/[a-zKV,]+/g, '').replace(/\(\s*\)/, '').replace(/×/g, '*');
      assert.equal(eval(sum), total, said);
      assert.equal(Number(result.replace(/\D/g, '')), total);
    }
  }
});

test('a row for every type there is, said in words, the first one exact', () => {
  assert.deepEqual(TYPE_NAMES.slice(0, 3).map((type) => vectorBytes(type, 44)), [176, 88, 48]);
  const model = MODELS.find(({ name }) => name === 'Llama 3.1 8B');
  const rows = sizesByType(model, { ...USUAL, type: 'int8' });
  assert.deepEqual(rows.map(({ type }) => type), TYPE_NAMES);
  const wanted = TYPE_NAMES.map((type) => bytes(model.name, { type }));
  assert.deepEqual(rows.map(({ bytes: each }) => each), wanted);
  for (const { type: words } of Object.values(CALCULATOR)) {
    const said = TYPE_NAMES.map((type) => words(type, CACHE_TYPES[type]));
    assert.equal(new Set(said).size, TYPE_NAMES.length);
    assert.match(words('int4', { each: 0.5, scale: 2, block: 32 }), /^int4, 0[.,]5 .* 32$/);
  }
});

test('the right numbers beside those that are copied', () => {
  const right = Object.fromEntries(CLAIMS.map((claim) => [claim.key, Object.values(claim.right)[0]]));
  assert.equal(right.gpt2, 75_497_472);
  assert.equal(right.gpt3, 19_327_352_832);
  assert.ok(Math.abs(right.share - 0.152) < 0.001, String(right.share));
  assert.equal(right.width, 42_949_672_960);
  assert.equal(right.layers, 327_680);
  assert.equal(right.redundant, 4950);
  for (const { key, said, url } of CLAIMS) {
    assert.ok(said && url.startsWith('https://'), key);
    for (const { claims } of Object.values(CALCULATOR)) assert.ok(claims[key].of && claims[key].why);
  }
});

test('bytes in the unit that fits', () => {
  const { size } = numbersIn('en');
  assert.deepEqual([1, 999, 131_072, 75_497_472, 1_073_741_824, 2e12, 5e15].map(size),
    ['1 B', '999 B', '131 KB', '75.5 MB', '1.07 GB', '2 TB', '5,000 TB']);
  assert.equal(numbersIn('de').size(75_497_472), '75,5 MB');
});
