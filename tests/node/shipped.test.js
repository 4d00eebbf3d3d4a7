// The shipped models are the ones that their cards describe: their files, size and hash, what the
// storytellers write for three seeds and how well they predict a text that they have never seen, and what
// PyTorch and transformers make of the same weights.
//
//   UPDATE=1 node --test tests/node/shipped.test.js
//
// after a training writes what it sees into the fixtures; src/train/reference.py and src/train/pronounce.py
// then add the other side.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { parseHeader } from '../../web/files/safetensors-header.js';
import { readTokenizer } from '../../web/files/tokenizer-json.js';
import { Tokenizer } from '../../web/files/tokenizer.js';
import { argmax } from '../../web/measure/narrow.js';
import { bitsPerByte, sameTop1 } from '../bench/eval.js';
import { collect, idsOf } from './helpers.js';

const TEXT = await readFile(new URL('../fixtures/story.txt', import.meta.url), 'utf8');
const SEEDS = [1, 2, 3];
const NEEDED = [
  'config.json', 'generation_config.json', 'model.safetensors',
  'special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json',
];
const STORYTELLERS = {
  stories: { architecture: 'GPT2LMHeadModel', matricesPerLayer: 4, same: 0.98 },
  tales: { architecture: 'LlamaForCausalLM', matricesPerLayer: 7, same: 0.98 },
};

const updating = process.env.UPDATE === '1';
const folderOf = (name) => new URL(`../../web/models/${name}/`, import.meta.url);
const fileOf = (name) => new URL(`../fixtures/${name}.json`, import.meta.url);
const read = async (url) => JSON.parse(await readFile(url, 'utf8'));
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The files of a model take at most so many bytes together. -> the hash of its weights */
async function filesAre(folder, architecture, mostBytes) {
  const files = await readdir(folder);
  for (const name of [...NEEDED, 'README.md']) assert.ok(files.includes(name), name);
  const sizes = await Promise.all(NEEDED.map(async (name) => (await stat(new URL(name, folder))).size));
  assert.ok(sizes.reduce((a, b) => a + b) <= mostBytes);
  assert.deepEqual((await read(new URL('config.json', folder))).architectures, [architecture]);
  return hashOf(await readFile(new URL('model.safetensors', folder)));
}

/** @param {number} bits  of a finite float16 */
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
  return bits >> 15 ? -size : size;
}

/** How far weights lie from the grid of 7 bits, in steps: blocks of 32 inputs share the largest / 63. */
function offGrid(file, { name, shape: [rows, columns], begin }, start) {
  const isAcross = name.startsWith('transformer.h.'); // a Conv1D: [inputs, outputs]
  const [inputs, outputs] = isAcross ? [rows, columns] : [columns, rows];
  const [next, step] = isAcross ? [1, columns] : [columns, 1];
  let worst = 0;
  for (let o = 0; o < outputs; o++) {
    for (let first = 0; first < inputs; first += 32) {
      const block = Array.from({ length: Math.min(32, inputs - first) },
        (_, i) => half(file.readUInt16LE(start + begin + 2 * (o * next + (first + i) * step))));
      const scale = Math.max(...block.map(Math.abs)) / 63;
      for (const x of block) worst = Math.max(worst, Math.abs(x / scale - Math.round(x / scale)));
    }
  }
  return worst;
}

for (const [name, { architecture, matricesPerLayer, same: sameTop }] of Object.entries(STORYTELLERS)) {
  const folder = folderOf(name);
  const fixture = await read(fileOf(name));
  const model = await loadModel(folder);
  after(async () => {
    model.dispose();
    if (updating) await writeFile(fileOf(name), `${JSON.stringify(fixture)}\n`);
  });

  /** Compares with the fixture, or puts it there. */
  const same = (key, value) => {
    if (updating) fixture[key] = value;
    else assert.deepEqual(value, fixture[key], key);
  };

  test(`${name}: all files are there, at most 5 MB together, and the weights described`, async () => {
    same('sha256', await filesAre(folder, architecture, 5e6));
    assert.equal(model.config.nPositions, 1024);
  });

  const written = 'the three builds write the same stories as ever, one of them without the cache too';
  test(`${name}: ${written}`, async () => {
    const stories = {};
    for (const variant of ['relaxed', 'simd', 'scalar']) {
      const built = await loadModel(folder, { variant });
      for (const useCache of variant === 'simd' ? [true, false] : [true]) {
        const session = built.createSession();
        for (const seed of useCache ? SEEDS : SEEDS.slice(0, 1)) {
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

  test(`${name}: bits per byte of a text of our own: as ever, and below the bound`, () => {
    const { bitsPerByte: bits, bytes } = bitsPerByte(model, TEXT);
    same('story', { bits: Number(bits.toFixed(4)), bytes });
    assert.ok(bits <= fixture.bound, `${bits} bits per byte`);
  });

  // They are multiples, but for their own rounding to 16 bits.
  test(`${name}: int8 finds the weights on its grid`, async () => {
    const file = await readFile(new URL('model.safetensors', folder));
    const headerBytes = Number(file.readBigUInt64LE(0));
    const { tensors } = parseHeader(file.subarray(8, 8 + headerBytes));
    const matrices = tensors.filter((one) => one.shape.length === 2 && !one.name.endsWith('wpe.weight'));
    assert.equal(matrices.length, matricesPerLayer * model.config.nLayer + 1);
    for (const tensor of matrices) {
      const worst = offGrid(file, tensor, 8 + headerBytes);
      assert.ok(worst < 0.07, `${tensor.name}: ${worst} of a step`);
    }
  });

  test(`${name}: int8: a third of the memory, bits within 0.5 %, mostly the same top token`, async () => {
    const int8 = await loadModel(folder, { weights: 'int8' });
    assert.equal(int8.weights, 'int8');
    // Half of what 2.4 million parameters take in f32, with everything else included.
    assert.ok(int8.memoryUsage().totalBytes < 0.5 * 4 * 2.4e6);
    const [bits, exact] = [bitsPerByte(int8, TEXT).bitsPerByte, bitsPerByte(model, TEXT).bitsPerByte];
    same('int8', { bits: Number(bits.toFixed(4)) });
    assert.ok(Math.abs(bits / exact - 1) <= 0.005, `${bits} bits per byte, with f32 ${exact}`);
    const equal = sameTop1(int8, model, TEXT);
    assert.ok(equal >= sameTop, `${equal} of all positions`);
    int8.dispose();
  });

  // To 4 digits, and over 1,000 positions.
  test(`${name}: PyTorch computes the same bits per byte and logits`, { skip: updating }, async () => {
    const { pytorch } = fixture;
    const { bitsPerByte: bits } = bitsPerByte(model, TEXT);
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
    if (!pytorch.greedy) return;
    const { prompt, ids } = pytorch.greedy; // what transformers' generate writes
    const options = { temperature: 0, repetitionPenalty: 1, maxTokens: ids.length };
    assert.deepEqual(idsOf(await collect(session.generate(prompt, options))), ids);
  });
}

test('sounds: at most 3 MB, the weights described, letters and phonemes as in transformers', async () => {
  const folder = folderOf('sounds');
  const { sha256, words } = await read(fileOf('sounds'));
  assert.equal(await filesAre(folder, 'T5ForConditionalGeneration', 3e6), sha256);
  const [json, settings, { vocab_size: size }] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json', 'config.json'].map((name) => read(new URL(name, folder))));
  const tokenizer = new Tokenizer(readTokenizer(json, settings, size), size);
  assert.ok(words.length >= 40);
  for (const { word, source, greedy, text } of words) {
    assert.deepEqual(tokenizer.encode(word), source, word);
    assert.deepEqual(tokenizer.encode(word.toUpperCase()), source, word);
    assert.equal(tokenizer.decode(greedy), text, word);
  }
});

test('sounds: the phonemes of transformers, greedy and with three beams, and its logits', async () => {
  const { words, columns } = await read(fileOf('sounds'));
  const model = await loadModel(folderOf('sounds'));
  const session = model.createSession();
  let worst = 0;
  for (const { word, source, greedy, beams3, logits } of words) {
    assert.deepEqual(idsOf(await collect(session.generate(word, { temperature: 0 }))), greedy, word);
    assert.deepEqual(idsOf(await collect(session.generate(word, { numBeams: 3 }))), beams3, word);
    session.reset();
    await session.setSource(source);
    for (const [t, id] of [0, ...greedy].entries()) {
      const ours = session.decode(id);
      columns.forEach((column, i) => { worst = Math.max(worst, Math.abs(ours[column] - logits[t][i])); });
    }
  }
  assert.ok(worst <= 3e-4, `off by ${worst}`);
  model.dispose();
});
