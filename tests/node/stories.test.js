// The shipped model is the one its card describes: its files, their size and hash, what it writes for three
// seeds, how well it predicts a text that it has never seen, and PyTorch's figures for the same weights.
//
//   UPDATE=1 node --test tests/node/stories.test.js
//
// after a training writes what it sees into the fixture; src/train/reference.py then adds PyTorch's side.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { parseHeader } from '../../web/files/safetensors-header.js';
import { argmax } from '../bench/cache-types.js';
import { bitsPerByte, sameTop1 } from '../bench/eval.js';

const FOLDER = new URL('../../web/models/stories/', import.meta.url);
const FIXTURE = new URL('../fixtures/stories.json', import.meta.url);
const TEXT = new URL('../fixtures/story.txt', import.meta.url);
const MOST_BYTES = 5e6;
const SEEDS = [1, 2, 3];
const NEEDED = [
  'config.json', 'generation_config.json', 'model.safetensors',
  'special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json',
];

const fixture = JSON.parse(await readFile(FIXTURE, 'utf8'));
const updating = process.env.UPDATE === '1';
let model;
before(async () => { model = await loadModel(FOLDER); });
after(async () => {
  model.dispose();
  if (updating) await writeFile(FIXTURE, `${JSON.stringify(fixture)}\n`);
});

/** Compares with the fixture, or puts it there. */
function same(key, value) {
  if (updating) fixture[key] = value;
  else assert.deepEqual(value, fixture[key], key);
}

test('all files are there, at most 5 MB together, and the weights are the ones described', async () => {
  const files = await readdir(FOLDER);
  for (const name of [...NEEDED, 'README.md']) assert.ok(files.includes(name), name);
  const sizes = await Promise.all(NEEDED.map(async (name) => (await stat(new URL(name, FOLDER))).size));
  assert.ok(sizes.reduce((a, b) => a + b) <= MOST_BYTES);
  const weights = await readFile(new URL('model.safetensors', FOLDER));
  same('sha256', createHash('sha256').update(weights).digest('hex'));
  const config = JSON.parse(await readFile(new URL('config.json', FOLDER), 'utf8'));
  assert.deepEqual(config.architectures, ['GPT2LMHeadModel']);
  assert.equal(config.n_positions, 1024);
});

test('the three builds write the same stories as ever, with the cache on and off', async () => {
  const stories = {};
  for (const variant of ['relaxed', 'simd', 'scalar']) {
    const built = await loadModel(FOLDER, { variant });
    for (const useCache of variant === 'scalar' ? [true] : [true, false]) {
      const session = built.createSession();
      for (const seed of SEEDS) {
        let text = '';
        const options = { seed, useCache, maxTokens: 80 };
        for await (const token of session.generate('Once upon a time', options)) text += token.text;
        stories[seed] ??= text;
        assert.equal(text, stories[seed], `seed ${seed}, ${variant}, cache ${useCache}`);
      }
    }
    built.dispose();
  }
  same('stories', stories);
});

test('bits per byte of a text of our own: as ever, and below the bound', async () => {
  const { bitsPerByte: bits, bytes } = bitsPerByte(model, await readFile(TEXT, 'utf8'));
  same('story', { bits: Number(bits.toFixed(4)), bytes });
  assert.ok(bits <= fixture.bound, `${bits} bits per byte`);
});

/** @param {number} bits  of a finite float16 */
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
  return bits >> 15 ? -size : size;
}

// In blocks of 32 inputs they are multiples of the largest / 63, but for their own rounding.
test('int8 finds the weights on its grid', async () => {
  const file = await readFile(new URL('model.safetensors', FOLDER));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const { tensors } = parseHeader(file.subarray(8, 8 + headerBytes));
  const matrices = tensors.filter(({ name, shape }) => shape.length === 2 && !name.endsWith('wpe.weight'));
  assert.equal(matrices.length, 4 * model.config.nLayer + 1);
  for (const { name, shape: [rows, columns], begin } of matrices) {
    const isHead = name.endsWith('wte.weight');
    const [inputs, outputs] = isHead ? [columns, rows] : [rows, columns];
    const [next, step] = isHead ? [columns, 1] : [1, columns];
    let worst = 0;
    for (let o = 0; o < outputs; o++) {
      for (let first = 0; first < inputs; first += 32) {
        const block = Array.from({ length: Math.min(32, inputs - first) },
          (_, i) => half(file.readUInt16LE(8 + headerBytes + begin + 2 * (o * next + (first + i) * step))));
        const scale = Math.max(...block.map(Math.abs)) / 63;
        for (const x of block) worst = Math.max(worst, Math.abs(x / scale - Math.round(x / scale)));
      }
    }
    assert.ok(worst < 0.07, `${name}: ${worst} of a step`);
  }
});

test('int8: a third of the memory, bits per byte within 0.5 %, the same top token in 98 %', async () => {
  const text = await readFile(TEXT, 'utf8');
  const int8 = await loadModel(FOLDER, { weights: 'int8' });
  assert.equal(int8.weights, 'int8');
  // Half of what 2.4 million parameters take in f32, with everything else included.
  assert.ok(int8.memoryUsage().totalBytes < 0.5 * 4 * 2.4e6);
  const [bits, exact] = [bitsPerByte(int8, text).bitsPerByte, bitsPerByte(model, text).bitsPerByte];
  same('int8', { bits: Number(bits.toFixed(4)) });
  assert.ok(Math.abs(bits / exact - 1) <= 0.005, `${bits} bits per byte, with f32 ${exact}`);
  const equal = sameTop1(int8, model, text);
  assert.ok(equal >= 0.98, `${equal} of all positions`);
  int8.dispose();
});

// To 4 digits, and over 1,000 positions.
test('PyTorch computes the same bits per byte and logits from the weights', { skip: updating }, async () => {
  const { pytorch } = fixture;
  const { bitsPerByte: bits } = bitsPerByte(model, await readFile(TEXT, 'utf8'));
  assert.equal(pytorch.sha256, fixture.sha256, 'made from other weights: run src/train/reference.py again');
  assert.ok(Math.abs(bits - pytorch.bits) < 5e-5, `${bits}, PyTorch ${pytorch.bits}`);
  const session = model.createSession();
  let worst = 0;
  for (const [t, id] of pytorch.ids.entries()) {
    const logits = session.decode(id);
    for (const [i, column] of pytorch.columns.entries()) {
      worst = Math.max(worst, Math.abs(logits[column] - pytorch.logits[t][i]));
    }
    assert.equal(argmax(logits), pytorch.argmax[t], `position ${t}`);
  }
  assert.ok(pytorch.ids.length >= 1000);
  assert.ok(worst <= 3e-4, `off by ${worst}`); // float64 against float32, of logits beyond 10
});
