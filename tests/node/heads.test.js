// Whose head it is: what config.json says of it and what the files hold, in every combination, for every
// architecture; and what files hold besides, in whatever formats, before any of their data are fetched.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { blobOf, rejectsCode, safetensors, serve } from './helpers.js';

const FIXTURES = new URL('../fixtures/', import.meta.url);

// Blobs keep no loop alive, and where nothing does Node 20 may wait for its compiler, which waits for it.
const awake = setInterval(() => {}, 1000);
after(() => clearInterval(awake));

/** A fixture's config, and its tensors in F32, which every format widens to exactly. */
function fixture(name) {
  const read = (file) => readFileSync(new URL(`${name}/${file}`, FIXTURES));
  const file = read('model.safetensors');
  const end = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(file.subarray(8, end).toString());
  const tensors = Object.entries(header).map(([name, { dtype, shape, data_offsets: [first, last] }]) => (
    { name, dtype, shape, bytes: new Uint8Array(file.subarray(end + first, end + last)) }));
  return { config: JSON.parse(read('config.json').toString()), tensors };
}

const files = ({ config, tensors }) => new Map([
  ['config.json', blobOf(config)], ['model.safetensors', blobOf(safetensors(tensors))]]);

/** What a model computes, and what was said while it loaded. */
async function outcome(source, t) {
  const warn = t.mock.method(console, 'warn', () => {});
  const model = await loadModel(source, { tokenizer: false });
  const session = model.createSession();
  session.prefill([1, 2, 3, 4, 5]);
  const { logitsHash } = session;
  const { ownHead = false } = model.config;
  model.dispose();
  warn.mock.restore();
  return { logitsHash, ownHead, said: warn.mock.calls.map(({ arguments: [text] }) => text) };
}

/** Some whose fixture is tied and some whose is not; the embedding, and the head where it is its own. */
const LLAMA = ['model.embed_tokens.weight', 'lm_head.weight'];
const MODELS = {
  'tiny-f32': ['wte.weight', 'lm_head.weight'], 'llama-f32': LLAMA, 'llama-3-bf16': LLAMA,
  'qwen2-bf16': LLAMA, 'qwen3-bf16': LLAMA, 'qwen3-f32': LLAMA,
  'gpt-neox-f16': ['gpt_neox.embed_in.weight', 'embed_out.weight'], 'mistral-bf16': LLAMA,
  'gpt-neo-f32': ['wte.weight', 'lm_head.weight'],
  'opt-f16': ['decoder.embed_tokens.weight', 'lm_head.weight'],
};

for (const [name, [embedding, head]] of Object.entries(MODELS)) {
  test(`${name}: four combinations of the flag and the file`, async (t) => {
    const { config, tensors } = fixture(name);
    const bare = tensors.filter((tensor) => tensor.name !== head);
    const table = tensors.find((tensor) => tensor.name.endsWith(embedding));
    const other = { ...table, name: head, // other mantissas, in every format
      bytes: table.bytes.map((byte, i) => (i % 4 === 0 ? byte ^ 64 : byte)) };
    const of = (tie_word_embeddings, heads) => (
      outcome(files({ config: { ...config, tie_word_embeddings }, tensors: [...bare, ...heads] }), t));
    const tied = await of(true, []);
    assert.deepEqual([tied.ownHead, tied.said], [false, []]);
    assert.deepEqual(await of(true, [other]), tied); // the file's is ignored
    const own = await of(false, [other]);
    assert.deepEqual([own.ownHead, own.said], [true, []]);
    assert.notEqual(own.logitsHash, tied.logitsHash);
    const copy = await of(false, [{ ...table, name: head }]);
    assert.deepEqual(copy, { ...tied, ownHead: true });
    const none = await of(false, []);
    assert.deepEqual({ ...none, said: [] }, tied);
    assert.equal(none.said.length, 1);
    assert.match(none.said[0], /no head of its own.*tie_word_embeddings.*the embedding is used for it/);
    // a key that is missing is the class's default
    const missing = await of(undefined, [other]);
    assert.deepEqual(missing, ['gpt2', 'gpt_neo', 'opt'].includes(config.model_type) ? tied : own);
  });
}

test('what a file lacks, or has in another shape, is known before its data are there', async (t) => {
  for (const name of ['tiny-f32', 'llama-f32', 'qwen2-bf16', 'qwen3-f32']) {
    const { config, tensors } = fixture(name);
    const { name: left, shape } = tensors.find((tensor) => tensor.name.endsWith('.1.mlp.c_fc.bias')
      || tensor.name.endsWith('.1.self_attn.v_proj.weight'));
    const files = { 'config.json': JSON.stringify(config) };
    const server = await serve(files, {
      'model.safetensors': (response, bytes) => { // nothing behind the header ever comes
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 8 + Number(bytes.readBigUInt64LE(0))));
      },
    });
    t.after(() => server.close());
    const load = () => loadModel(server.url, { tokenizer: false });
    const label = left.split('.1.')[1].replaceAll('.', '\\.');
    files['model.safetensors'] = safetensors(tensors.filter((tensor) => tensor.name !== left));
    await rejectsCode(load(), 'tensor_missing', new RegExp(label));
    files['model.safetensors'] = safetensors(tensors.map((tensor) => (
      tensor.name === left ? { ...tensor, shape: [1, ...shape] } : tensor)));
    await rejectsCode(load(), 'tensor_shape', new RegExp(label));
  }
});

/** BF16 as F32, bit for bit. */
const widened = (tensor) => ({ ...tensor, dtype: 'F32', bytes: new Uint8Array(
  Uint32Array.from(new Uint16Array(tensor.bytes.slice().buffer), (word) => word << 16).buffer) });

test('formats may be mixed in a file, and buffers lie in it that no architecture reads', async (t) => {
  const buffers = (prefix) => [
    { name: `${prefix}0.self_attn.rotary_emb.inv_freq`, dtype: 'F16', shape: [2], bytes: new Uint8Array(4) },
    { name: `${prefix}0.attn.bias`, dtype: 'BOOL', shape: [1, 1, 2, 2], bytes: new Uint8Array(4) },
    { name: `${prefix}1.attention.bias`, dtype: 'U8', shape: [1, 1, 2, 2], bytes: new Uint8Array(4) },
    { name: `${prefix}1.attn.attention.masked_bias`, dtype: 'F64', shape: [], bytes: new Uint8Array(8) },
  ];
  for (const [name, prefix] of [['tiny-f32', 'h.'], ['llama-3-bf16', 'model.layers.'],
    ['qwen2-bf16', 'model.layers.'], ['qwen3-bf16', 'model.layers.'], ['gpt-neox-f16', 'gpt_neox.layers.']]) {
    const { config, tensors } = fixture(name);
    const plain = await outcome(files({ config, tensors }), t);
    const mixed = tensors.map((tensor) => (
      tensor.dtype === 'BF16' && tensor.shape.length === 1 ? widened(tensor) : tensor));
    const more = buffers(prefix).filter((buffer) => !tensors.some((tensor) => tensor.name === buffer.name));
    assert.deepEqual(await outcome(files({ config, tensors: [...more, ...mixed] }), t), plain);
  }
  const { config, tensors } = fixture('qwen3-bf16');
  const strange = { ...tensors[0], name: 'model.layers.0.self_attn.sinks' };
  await rejectsCode(loadModel(files({ config, tensors: [...tensors, strange] }), { tokenizer: false }),
    'tensor_unknown', /sinks/);
});
