// loadModel: where models come from, what is refused, progress, aborts, and the memory it takes.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { blobOf, byteTokenizer, collect, fault, rejectsCode, safetensors, serve, smallConfig,
  throwsCode } from './helpers.js';
import { randomTensors, tinyBlobs, tinyFiles } from './tiny-model.js';

const hashAfter = (model, ids = [1, 2, 3]) => {
  const session = model.createSession();
  session.prefill(ids);
  const hash = session.logitsHash;
  model.dispose();
  return hash;
};

/** Loads the small model with other tensors or config. */
const loadWith = (tensors, changes = {}) => {
  const files = tinyBlobs({ changes });
  files.set('model.safetensors', blobOf(safetensors(tensors)));
  return loadModel(files);
};

test('path, file: URL, http URL, Blobs and addresses of files give the same model', async (t) => {
  const files = tinyFiles();
  const expected = hashAfter(await loadModel(tinyBlobs()));
  const folder = await mkdtemp(join(tmpdir(), 'kvcache-'));
  t.after(() => rm(folder, { recursive: true }));
  const server = await serve(files);
  t.after(() => server.close());
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const plain = Object.fromEntries(tinyBlobs());
  const data = (text) => `data:application/json;base64,${Buffer.from(text).toString('base64')}`;
  const spread = { // as a bundler leaves them
    'config.json': data(files['config.json']), 'tokenizer.json': new URL('tokenizer.json', server.url),
    'model.safetensors': `${server.url}model.safetensors?v=1`,
  };
  const onDisk = Object.keys(files).map((name) => [name, pathToFileURL(join(folder, name))]);
  const paths = new Map(Object.keys(files).map((name) => [name, join(folder, name)]));
  for (const source of [folder, `${folder}/`, pathToFileURL(folder), pathToFileURL(folder).href, server.url,
    new URL(server.url), plain, spread, Object.fromEntries(onDisk), paths]) {
    assert.equal(hashAfter(await loadModel(source)), expected, String(source));
  }
  await rejectsCode(loadModel({ ...spread, 'tokenizer.json': 'ftp://host/x' }), 'invalid_argument', /ftp:/);
  await rejectsCode(loadModel({ ...spread, 'tokenizer.json': `${server.url}none` }), 'file_unreachable');
});

test('a model says its config, variant, text and suggestions', async () => {
  const model = await loadModel(tinyBlobs({ generation: { do_sample: true, temperature: 0.7, top_k: 9 } }));
  assert.equal(model.config.nLayer, 2);
  assert.equal(model.generation.temperature, 0.7);
  assert.ok(['relaxed', 'simd', 'scalar'].includes(model.variant));
  assert.equal(model.decode(model.encode('Grüße, <|endoftext|>!')), 'Grüße, <|endoftext|>!');
  model.dispose();
});

test('progress: each file in order, monotonic, ready last and once', async (t) => {
  const server = await serve(tinyFiles(), { 'config.json': fault.gzip });
  t.after(() => server.close());
  const events = [];
  const model = await loadModel(server.url, { onProgress: (event) => events.push(event) });
  model.dispose();
  assert.deepEqual(events.at(-1), { status: 'ready', name: server.url });
  assert.equal(events.filter((event) => event.status === 'ready').length, 1);
  for (const file of ['config.json', 'tokenizer.json', 'model.safetensors']) {
    const mine = events.filter((event) => event.file === file);
    assert.deepEqual([...new Set(mine.map((event) => event.status))],
      ['initiate', 'download', 'progress', 'done'], file);
    const steps = mine.filter((event) => event.status === 'progress');
    for (const [i, { loaded, progress }] of steps.entries()) {
      assert.ok(loaded >= (steps[i - 1]?.loaded ?? 0));
      assert.ok(progress === undefined || (progress >= (steps[i - 1]?.progress ?? 0) && progress <= 100));
    }
    assert.equal(steps.at(-1).progress, 100);
  }
});

/** The bits of a float with so many of exponent and fraction, which holds x exactly. */
const bitsIn = (exponentBits, fractionBits) => (x) => {
  if (x === 0) return 0;
  const sign = Number(x < 0) << (exponentBits + fractionBits);
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  const fraction = (Math.abs(x) / 2 ** exponent - 1) * 2 ** fractionBits;
  return sign | ((exponent + 2 ** (exponentBits - 1) - 1) << fractionBits) | fraction;
};

test('tensors of shorter floats are widened exactly', async () => {
  const config = smallConfig();
  const rounded = (x) => { // to what all of them hold
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 2);
    return Math.abs(x) < 2 ** -6 ? 0 : Math.round(x / unit) * unit;
  };
  const wide = randomTensors(config).map((tensor) => {
    const values = new Float32Array(tensor.bytes.slice().buffer).map(rounded);
    return { ...tensor, values, bytes: new Uint8Array(values.buffer) };
  });
  const narrow = (dtype, Numbers, bits) => wide.map((tensor) => (
    { ...tensor, dtype, bytes: new Uint8Array(Numbers.from(tensor.values, bits).buffer) }));
  const expected = hashAfter(await loadWith(wide));
  for (const [dtype, Numbers, exponentBits, fractionBits] of [
    ['F16', Uint16Array, 5, 10], ['BF16', Uint16Array, 8, 7],
    ['F8_E4M3', Uint8Array, 4, 3], ['F8_E5M2', Uint8Array, 5, 2],
  ]) {
    const tensors = narrow(dtype, Numbers, bitsIn(exponentBits, fractionBits));
    assert.equal(hashAfter(await loadWith(tensors)), expected, dtype);
  }
});

test('names with the prefix, and buffers that no pass needs, are taken', async () => {
  const tensors = randomTensors(smallConfig());
  const expected = hashAfter(await loadWith(tensors));
  const prefixed = tensors.map((tensor) => ({ ...tensor, name: `transformer.${tensor.name}` }));
  prefixed.push({ name: 'transformer.h.1.attn.bias', dtype: 'BOOL', shape: [1, 1, 32, 32],
    bytes: new Uint8Array(1024) });
  prefixed.push({ name: 'h.0.attn.masked_bias', dtype: 'F64', shape: [], bytes: new Uint8Array(8) });
  prefixed.push({ name: 'lm_head.weight', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) });
  assert.equal(hashAfter(await loadWith(prefixed)), expected);
});

test('tensor_missing, _unknown, _shape, _duplicate, safetensors_dtype, not_finite', async () => {
  const tensors = randomTensors(smallConfig());
  const changed = (name, change) => tensors
    .map((tensor) => (tensor.name === name ? { ...tensor, ...change(tensor) } : tensor));
  await rejectsCode(loadWith(tensors.filter(({ name }) => name !== 'h.1.mlp.c_fc.bias')), 'tensor_missing',
    /h\.1\.mlp\.c_fc\.bias/);
  await rejectsCode(loadWith(changed('wpe.weight', () => ({ name: 'wpe.weights' }))), 'tensor_unknown',
    /wpe\.weights/);
  await rejectsCode(loadWith(changed('h.1.ln_1.bias', () => ({ name: 'h.2.ln_1.bias' }))), 'tensor_unknown');
  const c_fc = ({ shape: [a, b] }) => ({ shape: [b, a] });
  await rejectsCode(loadWith(changed('h.0.mlp.c_fc.weight', c_fc)), 'tensor_shape', /64,16/);
  await rejectsCode(loadWith(changed('ln_f.bias', () => ({ shape: [16, 1] }))), 'tensor_shape');
  await rejectsCode(loadWith(changed('ln_f.bias', () => ({ shape: [0], bytes: new Uint8Array(0) }))),
    'tensor_shape');
  await rejectsCode(loadWith([...tensors, { ...tensors[3], name: 'transformer.ln_f.bias' }]),
    'tensor_duplicate', /twice/);
  await rejectsCode(loadWith(changed('ln_f.bias', () => ({ dtype: 'I32' }))), 'safetensors_dtype', /I32/);
  for (const bad of [NaN, Infinity, -Infinity]) {
    const spoiled = changed('wte.weight', ({ bytes }) => {
      const values = new Float32Array(bytes.slice().buffer);
      values[values.length - 1] = bad;
      return { bytes: new Uint8Array(values.buffer) };
    });
    await rejectsCode(loadWith(spoiled), 'not_finite', /wte\.weight/);
  }
});

test('not_finite: weights whose logits overflow are refused at the token; the timeline stays', async () => {
  const huge = randomTensors(smallConfig()).map((tensor) => (tensor.name === 'ln_f.weight'
    ? { ...tensor, bytes: new Uint8Array(new Float32Array(16).fill(3e38).buffer) } : tensor));
  const model = await loadWith(huge);
  const session = model.createSession();
  throwsCode(() => session.prefill([1, 2]), 'not_finite');
  assert.equal(session.position, 0);
  model.dispose();
});

test('config_invalid, unsupported_architecture', async () => {
  await rejectsCode(loadModel(tinyBlobs({ changes: { n_head: 8 } })), 'config_invalid', /multiple of 4/);
  const files = tinyBlobs();
  files.set('config.json', blobOf({ ...smallConfig(), model_type: 'qwen2_moe' }));
  await rejectsCode(loadModel(files), 'unsupported_architecture', /mixtures of experts.*"gpt2"/);
});

test('weights: f32 or int8, which takes a quarter of the memory, also while it loads', async () => {
  const changes = { n_layer: 2, n_embd: 512, n_head: 8, n_positions: 64, vocab_size: 4096 };
  const used = {};
  for (const weights of ['f32', 'int8']) {
    const model = await loadModel(tinyBlobs({ changes }), { weights });
    assert.equal(model.weights, weights);
    used[weights] = model.memoryUsage().totalBytes; // memory never shrinks: this is the peak of loading
    model.dispose();
  }
  const parameters = 2 * 12 * 512 ** 2 + 4096 * 512;
  assert.ok(used.f32 >= 4 * parameters);
  assert.ok(used.int8 <= 1.125 * parameters + 2 ** 20, `${used.int8} bytes for ${parameters} weights`);
  await rejectsCode(loadModel(tinyBlobs(), { weights: 'int4' }), 'invalid_argument', /int8/);
});

test('out_of_memory: a model larger than WebAssembly memory, and a session too many', async () => {
  const files = tinyBlobs();
  // 4.0 GB of weights, 1.1 as int8
  files.set('config.json', blobOf(smallConfig({ n_embd: 4096, n_head: 64, n_layer: 5 })));
  await rejectsCode(loadModel(files), 'out_of_memory', /maxMemory: 2 \*\* 32/);
  const model = await loadModel(tinyBlobs({ changes: { n_layer: 4, n_embd: 64, n_positions: 16384 } }));
  const sessions = [model.createSession()];
  throwsCode(() => {
    for (let i = 0; i < 64; i++) sessions.push(model.createSession()); // 40 MB each, 1 GB is the limit
  }, 'out_of_memory', /16384/);
  assert.ok(sessions.length > 5);
  sessions.at(-1).prefill([1]);
  sessions[0].dispose();
  model.createSession().prefill([1]); // room again
  model.dispose();
});

test('tokenizer: false loads without tokenizer.json; token ids still generate', async () => {
  const files = tinyBlobs();
  files.delete('tokenizer.json');
  await rejectsCode(loadModel(files), 'file_unreachable', /tokenizer\.json/);
  const model = await loadModel(files, { tokenizer: false });
  throwsCode(() => model.encode('x'), 'tokenizer_invalid');
  const tokens = await collect(model.createSession().generate([1, 2], { maxTokens: 5 }));
  assert.ok(tokens.every(({ id, text }) => text === '' && id < 300));
  model.dispose();
});

test('aborted: at every progress event, and a later load works', async (t) => {
  const server = await serve(tinyFiles());
  t.after(() => server.close());
  const reason = new Error('enough');
  for (let stop = 0; ; stop++) { // how many events a load has depends on its speed
    const controller = new AbortController();
    if (stop === 0) controller.abort(reason);
    let events = 0;
    let ready = false;
    const onProgress = ({ status }) => {
      if (++events === stop) controller.abort(reason);
      ready = status === 'ready';
    };
    const loading = loadModel(server.url, { signal: controller.signal, onProgress });
    const outcome = await loading.then((model) => model.dispose(), (error) => error);
    if (ready) { // nothing was left to stop
      assert.equal(outcome, undefined);
      assert.ok(stop >= 12, `${stop} events`);
      break;
    }
    assert.equal(outcome?.code, 'aborted', `event ${stop}`);
    assert.equal(outcome.cause, reason);
  }
  (await loadModel(server.url)).dispose();
});

// ---- without tokenizer.json ---------------------------------------------------------------------

/** A model with the two files of GPT-2's first tokenizers, and others. */
function withTwoFiles(files = {}) {
  const { vocab, merges } = byteTokenizer({
    merges: ['h e', 'l l', 'he ll'], vocab: ['</s>', 'xy'] }).model;
  const more = {
    'vocab.json': JSON.stringify(vocab), 'merges.txt': `#version: 0.2\r\n${merges.join('\n')}\n`, ...files,
  };
  const all = tinyBlobs();
  all.delete('tokenizer.json');
  for (const [name, content] of Object.entries(more)) {
    if (content !== undefined) all.set(name, blobOf(content));
  }
  return all;
}

test('vocab.json and merges.txt do where there is no tokenizer.json', async () => {
  const idsWith = async (files, text, options) => {
    const model = await loadModel(withTwoFiles(files));
    const ids = model.encode(text, options);
    assert.equal(model.decode(ids, { special: true }).replace(/^<\/s>/, ''), text);
    model.dispose();
    return ids;
  };
  const [hell, end, xy] = [258, 259, 260];
  const special = { special: true };
  assert.deepEqual(await idsWith({}, 'hello'), [hell, 111]);
  assert.equal((await idsWith({}, 'a</s>', special)).length, 5, 'no special token is named so');
  const map = { eos_token: { content: '</s>' }, pad_token: 'nowhere' };
  assert.deepEqual(await idsWith({ 'special_tokens_map.json': map }, 'a</s>', special), [97, end]);
  assert.equal((await idsWith({ 'special_tokens_map.json': map }, 'a</s>')).length, 5);
  const config = { tokenizer_class: 'GPT2Tokenizer', bos_token: { content: '</s>' }, add_bos_token: true };
  assert.deepEqual(await idsWith({ 'tokenizer_config.json': config }, 'hello'), [end, hell, 111]);
  const added = { 'added_tokens.json': { '  ': 270 } };
  assert.deepEqual(await idsWith(added, 'a  b'), [97, 270, 98], 'an added token is vocabulary');
  const decoder = { 271: { content: '<x>', special: true }, [xy]: { content: 'xy', special: false } };
  const listed = { 'tokenizer_config.json': { added_tokens_decoder: decoder } };
  assert.deepEqual(await idsWith(listed, '<x>xy', special), [271, xy]);
});

test('files of other tokenizers are refused, with what to do', async () => {
  const refused = (files, message) => (
    rejectsCode(loadModel(withTwoFiles(files)), 'tokenizer_invalid', message));
  const python = /AutoTokenizer.*tokenizer: false/;
  const none = { 'vocab.json': undefined, 'merges.txt': undefined };
  for (const [files, message] of [
    [{ ...none, 'tokenizer.model': 'x' }, /no tokenizer\.json, but tokenizer\.model/],
    [{ 'merges.txt': undefined }, /vocab\.json without merges\.txt/],
    [{ 'tokenizer_config.json': { tokenizer_class: 'Qwen2Tokenizer' } }, /of a "Qwen2Tokenizer"/],
  ]) {
    await refused(files, message);
    await refused(files, python);
  }
  const marian = { 'merges.txt': undefined, 'source.spm': 'x', 'target.spm': 'x' };
  await refused(marian, /source\.spm and target\.spm.* transformers\.js, .*tokenizer: false/);
  await refused({ 'tokenizer_config.json': { tokenizer_class: 5 } }, /of a 5 is not read/);
  await refused({ 'tokenizer_config.json': { add_prefix_space: true } }, /add_prefix_space/);
  await refused({ 'vocab.json': [] }, /vocab\.json must be a JSON object/);
  await refused({ 'special_tokens_map.json': [] }, /special_tokens_map\.json must be/);
  await refused({ 'added_tokens.json': 7 }, /added_tokens\.json must be/);
  await refused({ 'merges.txt': 'a b c\n' }, /merge 0 is "a b c"/);
  await refused({ 'merges.txt': new Uint8Array([0x61, 0x20, 0xff]) }, /merges\.txt is not UTF-8/);
  await refused({ 'merges.txt': 'a b\n'.repeat(2 ** 22 + 1) }, /merges\.txt is longer than 16777216 bytes/);
  await refused({ 'tokenizer_config.json': { added_tokens_decoder: { x: null } } }, /added_tokens_decoder/);
  await rejectsCode(loadModel(withTwoFiles(none)), 'file_unreachable', /tokenizer\.json/);
  (await loadModel(withTwoFiles({ ...none, 'tokenizer.model': 'x' }), { tokenizer: false })).dispose();
});
