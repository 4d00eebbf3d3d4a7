// Weights in several files with an index, whatever the index says; weights in a format that is not read; and
// weights that the memory cannot hold. No tensor is fetched before all of that is known.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { MODULES } from '../../web/engine/variants.js';
import { openDirectory } from '../../web/files/files.js';
import { blobOf, fault, rejectsCode, safetensors, serve, smallConfig } from './helpers.js';
import { randomTensors, tinyFiles } from './tiny-model.js';

const INDEX = 'model.safetensors.index.json';
const NAMES = [1, 2, 3].map((i) => `model-0000${i}-of-00003.safetensors`);

/** Rounded to BF16, so that both formats hold the same numbers. */
const tensors = randomTensors(smallConfig()).map(({ name, shape, bytes }) => {
  const words = Uint32Array.from(new Uint32Array(bytes.slice().buffer), (word) => word & 0xffff0000);
  return { name, shape, dtype: 'F32', bytes: new Uint8Array(words.buffer) };
});
const asBf16 = (tensor) => ({ ...tensor, dtype: 'BF16', bytes: new Uint8Array(
  Uint16Array.from(new Uint32Array(tensor.bytes.buffer), (word) => word >>> 16).buffer) });
const mask = { name: 'h.0.attn.bias', dtype: 'BOOL', shape: [1, 1, 2, 2], bytes: new Uint8Array(4) };

const { 'model.safetensors': _, ...SMALL } = tinyFiles();

/** The files of a model in three: of mixed formats, a mask among them; edit() may spoil parts and index. */
function sharded(edit = () => {}) {
  const parts = NAMES.map((_name, i) => tensors.filter((_tensor, j) => j % 3 === i)
    .map((tensor, j) => (j % 2 ? asBf16(tensor) : tensor)));
  parts[1].push(mask);
  const map = {};
  parts.forEach((part, i) => { for (const { name } of part) map[name] = NAMES[i]; });
  const index = { metadata: { total_size: 5.5 }, weight_map: map };
  edit({ parts, index, map });
  return { ...SMALL, [INDEX]: JSON.stringify(index),
    ...Object.fromEntries(NAMES.map((name, i) => [name, safetensors(parts[i])])) };
}

const blobs = (files) => new Map(Object.entries(files).map(([name, content]) => [name, blobOf(content)]));

async function hashOf(source, options) {
  const model = await loadModel(source, options);
  const session = model.createSession();
  session.prefill([1, 2, 3]);
  const { logitsHash } = session;
  model.dispose();
  return logitsHash;
}

const folder = mkdtempSync(join(tmpdir(), 'kvc-shards-'));
after(() => rmSync(folder, { recursive: true }));

test('three files of mixed formats are the model of one, from everywhere, in both kinds', async (t) => {
  const files = sharded();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const server = await serve(files);
  t.after(() => server.close());
  const whole = blobs({ ...SMALL, 'model.safetensors': safetensors(tensors) });
  for (const weights of ['f32', 'int8']) {
    const expected = await hashOf(whole, { weights });
    for (const source of [folder, server.url, blobs(files)]) {
      assert.equal(await hashOf(source, { weights }), expected);
    }
  }
  assert.ok(server.requests.every(({ headers }) => headers.referer === undefined && !headers.range));
});

test('progress of several files: each once, from 0 to its end, in order', async () => {
  const files = sharded();
  const ends = {};
  const onProgress = ({ status, file, loaded, total }) => {
    if (status !== 'progress' || !NAMES.includes(file)) return;
    assert.ok(loaded >= (ends[file]?.loaded ?? 0));
    ends[file] = { loaded, total };
  };
  (await loadModel(blobs(files), { onProgress })).dispose();
  assert.deepEqual(Object.keys(ends), NAMES);
  for (const name of NAMES) {
    assert.deepEqual(ends[name], { loaded: files[name].length, total: files[name].length });
  }
});

test('a whole file beside an index wins, as in transformers', async () => {
  const files = { ...sharded(({ map }) => { map.x = 'nowhere.safetensors'; }),
    'model.safetensors': safetensors(tensors) };
  assert.equal(await hashOf(blobs(files)), await hashOf(blobs(sharded())));
});

const first = tensors[0].name; // in the first file
const LIES = {
  'the place of a tensor is another file': [({ map }) => { map[first] = NAMES[1]; },
    /wte\.weight" is in model-00001-of-00003\.safetensors, but should be in model-00002/],
  'a tensor is in no file': [({ map }) => { map.more = NAMES[0]; }, /"more" should be in .*does not have it/],
  'a tensor is not listed': [({ map }) => { delete map[first]; }, /wte\.weight" is in .* is not listed/],
  'a stale copy of a tensor': [({ parts }) => { parts[2].push(tensors[0]); }, /is in model-00003.*should be/],
  'a path out of the folder': [({ map }) => { map[first] = '../model.safetensors'; }, /"\.\.\/model.*beside/],
  'another site': [({ map }) => { map[first] = 'https://x.test/a.safetensors'; }, /beside the index/],
  'no safetensors': [({ map }) => { map[first] = 'pytorch_model.bin'; }, /beside the index/],
  'no name': [({ map }) => { map[first] = 5; }, /is 5;/],
  'no map': [({ index }) => { delete index.weight_map; }, /weight_map is missing/],
  'a list for a map': [({ index }) => { index.weight_map = []; }, /not an object/],
  'an empty map': [({ index }) => { index.weight_map = {}; }, /empty/],
  'a thousand files': [({ map }) => {
    for (let i = 0; i < 1000; i++) map[i] = `${i}.safetensors`;
  }, /1003 files; at most 256/],
};

test('an index that lies is index_invalid before a byte of a tensor is asked for', async () => {
  for (const [what, [edit, message]] of Object.entries(LIES)) {
    const loaded = new Set();
    const onProgress = ({ file }) => loaded.add(file);
    await rejectsCode(loadModel(blobs(sharded(edit)), { onProgress }), 'index_invalid', message);
    assert.ok(NAMES.every((name) => !loaded.has(name)), what);
  }
  const twice = sharded();
  twice[INDEX] = twice[INDEX].replace('"weight_map":{', `$&"${first}":"${NAMES[0]}",`);
  await rejectsCode(loadModel(blobs(twice)), 'json_invalid', /index\.json.*"wte\.weight" stands twice/);
  const bare = { ...sharded(), [INDEX]: '[]' };
  await rejectsCode(loadModel(blobs(bare)), 'index_invalid', /not an object/);
});

test('a file that is missing, cut or wrong is told by name, whichever it is', async (t) => {
  const server = await serve(sharded());
  t.after(() => server.close());
  for (const name of NAMES) {
    const files = sharded();
    delete files[name];
    const lacks = new RegExp(`${name}.*names it as one of 3`);
    await rejectsCode(loadModel(blobs(files)), 'file_unreachable', lacks);
    server.faults[name] = fault.status(404);
    await rejectsCode(loadModel(server.url), 'file_unreachable', lacks);
    server.faults[name] = fault.html;
    await rejectsCode(loadModel(server.url), 'file_is_html', new RegExp(name));
    server.faults[name] = fault.status(500);
    await rejectsCode(loadModel(server.url), 'file_unreachable', new RegExp(`${name} was answered with 500`));
    server.faults[name] = fault.cut(sharded()[name].length - 3);
    await rejectsCode(loadModel(server.url), 'file_truncated', new RegExp(name));
    delete server.faults[name];
  }
  const unknown = sharded(({ parts, map }) => {
    parts[2].push({ ...tensors[0], name: 'q_norm' });
    map.q_norm = NAMES[2];
  });
  await rejectsCode(loadModel(blobs(unknown)), 'tensor_unknown', /q_norm/);
  const fewer = sharded(({ parts, map }) => { delete map[parts[2].pop().name]; });
  await rejectsCode(loadModel(blobs(fewer)), 'tensor_missing', /index\.json has no tensor/);
  const both = sharded(({ parts, map }) => { // two names of one tensor
    parts[2].push({ ...tensors[0], name: `transformer.${first}` });
    map[`transformer.${first}`] = NAMES[2];
  });
  await rejectsCode(loadModel(blobs(both)), 'tensor_duplicate', /twice/);
});

test('weights in another format: what is there, and how to get what is read', async (t) => {
  const pickled = { ...SMALL, 'pytorch_model.bin': 'PK' };
  const told = /has no model\.safetensors, but pytorch_model\.bin\. .*save_pretrained/;
  await rejectsCode(loadModel(blobs(pickled)), 'weights_format', told);
  for (const [name, content] of Object.entries(pickled)) writeFileSync(join(folder, `${name}`), content);
  for (const name of [INDEX, ...NAMES]) rmSync(join(folder, name), { force: true });
  await rejectsCode(loadModel(folder), 'weights_format', told);
  const server = await serve(pickled);
  t.after(() => server.close());
  const error = await rejectsCode(loadModel(server.url), 'weights_format', told);
  assert.doesNotMatch(error.message, /Community/);
  const parts = await serve({ ...SMALL, 'pytorch_model.bin.index.json': '{}' });
  t.after(() => parts.close());
  await rejectsCode(loadModel(parts.url), 'weights_format', /bin\.index\.json\. PyTorch/);
  const gguf = blobs({ 'tiny.Q8_0.gguf': 'GGUF' });
  await rejectsCode(loadModel(gguf), 'weights_format', /but tiny\.Q8_0\.gguf\. GGUF is not read/);

  const hub = 'https://huggingface.co/some/model/resolve/main/';
  const asHub = async (url) => {
    const answer = await fetch(url.replace(hub, server.url));
    return new Response(answer.body, { status: answer.status });
  };
  await rejectsCode(loadModel(hub, { fetch: asHub }), 'weights_format',
    /Community.*\/resolve\/refs%2Fpr%2FN\/\.$/);
  const nothing = { fetch: async () => new Response('', { status: 404 }) };
  const quantised = 'https://huggingface.co/some/model-GGUF/resolve/main/';
  await rejectsCode(loadModel(quantised, nothing), 'weights_format', /GGUF is not read/);
  await rejectsCode(loadModel(hub, nothing), 'file_unreachable', /config\.json/); // nothing is there
  assert.equal(await (await openDirectory(server.url)).has('x'), false);
  await rejectsCode(loadModel(new Map(Object.entries(SMALL).map(([name, text]) => [name, blobOf(text)]))),
    'file_unreachable', /model\.safetensors/);
});

test('the address of one file leads to its folder', async (t) => {
  const server = await serve(sharded());
  t.after(() => server.close());
  const advised = new RegExp(`Load the folder that ${INDEX} is in: ${server.url}$`);
  for (const source of [`${server.url}${INDEX}`, new URL(`${server.url}${INDEX}?signed=1`)]) {
    await rejectsCode(loadModel(source), 'file_unreachable', advised);
  }
  const onDisk = new URL('tiny/config.json', import.meta.url);
  await rejectsCode(loadModel(onDisk), 'file_unreachable', /Load .*\/tiny\/$/);
  await rejectsCode(loadModel('model.gguf'), 'file_unreachable', /model\.gguf is in: \.\/$/);
});

test('out_of_memory is said before the weights come, with the kind that would fit', async (t) => {
  const big = { n_embd: 2048, n_head: 32, n_layer: 8, vocab_size: 1024 }; // 1.6 GB, 461 MB as int8
  const files = { ...SMALL, 'config.json': JSON.stringify(smallConfig(big)) };
  const server = await serve(files);
  t.after(() => server.close());
  server.faults['model.safetensors'] = (response) => { response.writeHead(200); response.write('x'); };
  const refused = (source, options, advice) => (
    rejectsCode(loadModel(source, options), 'out_of_memory', advice));
  await refused(server.url, {}, new RegExp('take 16\\d\\d MB of memory as f32; .* 1074 MB here.* '
    + "With weights: 'int8' they take 4\\d\\d MB\\. With maxMemory: 2 .. 32 it may use up to 4295 MB\\.$"));
  const bigger = (n_layer) => blobs({ ...files, 'model.safetensors': '',
    'config.json': JSON.stringify(smallConfig({ ...big, n_layer })) });
  const large = { maxMemory: 2 ** 32 };
  await refused(bigger(20), { weights: 'int8' }, / 1074 MB here.* With maxMemory: 2 .. 32 it may use up/);
  await refused(bigger(23), {}, /more than 4 GB .* 'int8' they take 13\d\d MB, and with maxMemory: /);
  await refused(bigger(23), large, / at most 4295 MB, .* With weights: 'int8' they take 13\d\d MB\.$/);
  for (const given of [{}, large]) {
    for (const weights of ['f32', 'int8']) {
      await refused(bigger(80), { ...given, weights }, /more than 4 GB .* Choose a smaller model\.$/);
    }
  }
});
