// Our logits against PyTorch's, at every position of small models (tests/fixtures), in every build of the
// engine, with the cache on and off; of all others those of transformers itself, and the text that it writes.
import assert from 'node:assert/strict';
import { access, readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';

const FIXTURES = new URL('../fixtures/', import.meta.url);
const MODELS = ['tiny-f32', 'wide-mlp-bf16', 'unaligned-f16', 'buffers-f32'];

const argmax = (logits) => logits.reduce((best, x, i) => (x > logits[best] ? i : best), 0);

async function reference(name) {
  const text = await readFile(new URL(`${name}/reference.json`, FIXTURES), 'utf8');
  const { ids, shape: [rows, vocabSize], prompt, greedy } = JSON.parse(text);
  const bytes = await readFile(new URL(`${name}/logits.f32`, FIXTURES));
  const logits = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  assert.equal(logits.length, rows * vocabSize);
  assert.equal(ids.length, rows);
  return { ids, prompt, greedy, rowAt: (t) => logits.subarray(t * vocabSize, (t + 1) * vocabSize) };
}

for (const name of MODELS) {
  for (const variant of ['relaxed', 'simd', 'scalar']) {
    test(`${name}, ${variant}: within 1e-4 of PyTorch with the same argmax at every position`, async () => {
      const { ids, rowAt } = await reference(name);
      const model = await loadModel(new URL(`${name}/`, FIXTURES), { variant });
      assert.equal(model.variant, variant);
      for (const useCache of [true, false]) {
        const session = model.createSession({ useCache });
        for (const [t, id] of ids.entries()) {
          const ours = session.decode(id);
          const theirs = rowAt(t);
          assert.equal(ours.length, theirs.length);
          const worst = ours.reduce((max, x, i) => Math.max(max, Math.abs(x - theirs[i])), 0);
          assert.ok(worst <= 1e-4, `position ${t}: off by ${worst}`);
          assert.equal(argmax(ours), argmax(theirs), `position ${t}`);
        }
      }
      model.dispose();
    });
  }
}

// ---- Llamas and their kin -----------------------------------------------------------------------

const LLAMAS = [
  'llama-f32', 'llama-3-bf16', 'llama-linear-f16',
  'qwen2-bf16', 'qwen3-bf16', 'qwen3-f32', 'qwen3-yarn-f16',
  'gpt-neox-f16', 'gpt-neox-sequential-f32', 'phi-bf16', 'opt-f16',
  'gpt-neo-f32', 'gpt-neo-f16', 'mistral-bf16', 'gemma3-f32', 'gemma3-bf16',
];

for (const name of LLAMAS) {
  for (const variant of ['relaxed', 'simd', 'scalar']) {
    test(`${name}, ${variant}: within 1e-4 of transformers' largest logit, and its text`, async () => {
      const { ids, rowAt, prompt, greedy } = await reference(name);
      const model = await loadModel(new URL(`${name}/`, FIXTURES), { variant, tokenizer: false });
      for (const useCache of [true, false]) {
        const session = model.createSession({ useCache });
        for (const [t, id] of ids.entries()) {
          const ours = session.decode(id);
          const theirs = rowAt(t);
          const largest = theirs.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
          const worst = ours.reduce((max, x, i) => Math.max(max, Math.abs(x - theirs[i])), 0);
          assert.ok(worst <= 1e-4 * largest, `position ${t}: off by ${worst} of ${largest}`);
          assert.equal(argmax(ours), argmax(theirs), `position ${t}`);
        }
        session.reset();
        let logits = session.prefill(prompt);
        const text = greedy.map(() => { // generate() would stop at the end of text
          const id = argmax(logits);
          logits = session.decode(id);
          return id;
        });
        assert.deepEqual(text, greedy);
      }
      model.dispose();
    });
  }
}

/** Those of encoder.test.js. */
const WITH_ENCODER = ['t5-f32', 't5-gated-bf16', 'mt5-f32', 'marian-f32', 'marian-f16', 'bart-bf16'];

test('no fixture is left out', async () => {
  const names = await readdir(FIXTURES);
  const isModel = (name) => access(new URL(`${name}/reference.json`, FIXTURES)).then(() => true, () => false);
  const models = (await Promise.all(names.map(async (name) => (await isModel(name) ? [name] : [])))).flat();
  assert.deepEqual(models.sort(), [...MODELS, ...LLAMAS, ...WITH_ENCODER].sort());
});
