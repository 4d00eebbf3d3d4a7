// weighModel(): what a model is and takes, told by its config.json and the headers of its files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel, weighModel } from 'kvcache-wasm';
import { blobOf, rejectsCode, serve } from './helpers.js';
import { tinyBlobs, tinyFiles } from './tiny-model.js';

const LLAMA_1B = JSON.stringify({
  model_type: 'llama', hidden_size: 2048, intermediate_size: 5632, num_hidden_layers: 20,
  num_attention_heads: 32, num_key_value_heads: 4, vocab_size: 32000, max_position_embeddings: 2048,
});

test('its sizes, the bytes of its files, and what it takes in memory, as when it is loaded', async () => {
  const files = tinyBlobs();
  const { config, fileBytes, weightBytes, memoryBytes } = await weighModel(files);
  assert.equal(fileBytes, files.get('model.safetensors').size);
  assert.equal(memoryBytes, 2 ** 30);
  for (const weights of ['f32', 'int8']) {
    const model = await loadModel(files, { weights });
    assert.deepEqual(config, model.config);
    const more = model.memoryUsage().totalBytes - weightBytes[weights]; // stack, tables, and what is free
    assert.ok(more > 0 && more < 2 ** 21, `${more} bytes`);
    model.dispose();
  }
  assert.ok(weightBytes.int8 < weightBytes.f32);
});

test('a model that is too large is weighed, too', async (t) => {
  const files = { ...tinyFiles(), 'config.json': LLAMA_1B };
  const server = await serve(files);
  t.after(() => server.close());
  const { weightBytes: { f32, int8 }, config } = await weighModel(server.url);
  assert.ok(f32 > 3.7e9 && f32 < 4.2e9, `${f32} bytes`);
  assert.ok(int8 > 9e8 && int8 < 1.1e9, `${int8} bytes`);
  assert.equal(config.nKvHead, 4);
});

test('weights in several files are counted together', async () => {
  const [files, whole] = [tinyBlobs(), await weighModel(tinyBlobs())];
  const weights = files.get('model.safetensors');
  files.delete('model.safetensors');
  files.set('a.safetensors', weights);
  const length = new DataView(await weights.arrayBuffer()).getUint32(0, true);
  const header = JSON.parse(await weights.slice(8, 8 + length).text());
  const weight_map = Object.fromEntries(Object.keys(header).filter((name) => name !== '__metadata__')
    .map((name) => [name, 'a.safetensors']));
  files.set('model.safetensors.index.json', blobOf(JSON.stringify({ weight_map })));
  assert.deepEqual(await weighModel(files), whole);
});

test('what cannot be loaded is refused in the words of loadModel()', async () => {
  const refused = async (change, code, words) => {
    const files = tinyBlobs();
    for (const [name, content] of Object.entries(change)) {
      if (content === undefined) files.delete(name);
      else files.set(name, blobOf(content));
    }
    await rejectsCode(weighModel(files), code, words);
  };
  await refused({ 'config.json': undefined }, 'file_unreachable', /no config\.json/);
  await refused({ 'config.json': '{"model_type":"rwkv"}' }, 'unsupported_architecture', /rwkv/);
  await refused({ 'model.safetensors': undefined }, 'file_unreachable', /model\.safetensors/);
  const pickle = { 'model.safetensors': undefined, 'pytorch_model.bin': 'x' };
  await refused(pickle, 'weights_format', /pytorch_model/);
  await rejectsCode(weighModel(tinyBlobs(), { weights: 'int8' }), 'invalid_argument', /no option "weights"/);
  await rejectsCode(weighModel(tinyBlobs(), { signal: AbortSignal.abort() }), 'aborted');
});
