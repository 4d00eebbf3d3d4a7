// What browsers give where files or folders are chosen or dropped, and which of the files are the model.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel, modelFiles } from 'kvcache-wasm';
import { rejectsCode } from './helpers.js';
import { tinyFiles } from './tiny-model.js';

const FILES = tinyFiles();

/** A File; in a list of a chosen folder it knows its path. */
function fileOf(path, content = FILES[path.split('/').at(-1)] ?? 'x') {
  const file = new File([content], path.split('/').at(-1));
  if (path.includes('/')) Object.defineProperty(file, 'webkitRelativePath', { value: path });
  return file;
}

/** Folders as nested objects: { name: content or folder }. */
const isFolder = (value) => typeof value === 'object' && !(value instanceof Uint8Array);

/** As webkitGetAsEntry() gives it; its reader has three entries at a time. */
function entryOf(name, value) {
  if (!isFolder(value)) {
    const file = (ok) => setTimeout(ok, 0, new File([value], name));
    return { name, isFile: true, isDirectory: false, file };
  }
  const createReader = () => {
    const left = Object.entries(value).map(([inner, content]) => entryOf(inner, content));
    return { readEntries: (ok) => setTimeout(() => ok(left.splice(0, 3)), 0) };
  };
  return { name, isFile: false, isDirectory: true, createReader };
}

/** As showDirectoryPicker() gives it. */
function handleOf(name, value) {
  if (!isFolder(value)) return { name, kind: 'file', getFile: async () => new File([value], name) };
  return { name, kind: 'directory',
    async* entries() {
      for (const [inner, each] of Object.entries(value)) yield [inner, handleOf(inner, each)];
    } };
}

/** A drag, whose items can be asked only until its listener returns. */
function dragOf(nodes, { entries = true } = {}) {
  let over = false;
  const once = (node) => () => { assert.equal(over, false, 'asked too late'); return node; };
  const items = nodes.map((node) => ({ kind: 'file', webkitGetAsEntry: once(entries ? node : null),
    getAsFile: once(node) }));
  items.push({ kind: 'string', webkitGetAsEntry: once(null), getAsFile: once(null) }); // text dragged along
  queueMicrotask(() => { over = true; });
  return { items: { ...items, length: items.length }, files: { length: 0 } };
}

/** A clone of a repository, with what else is in one. */
const CLONE = { ...FILES, '.git': { 'config.json': '[]' }, onnx: { 'config.json': '[]', 'model.onnx': 'x' },
  'README.md': '#' };
const BESIDE = [...Object.keys(FILES), 'README.md'].sort();

const namesOf = async (dropped) => [...(await modelFiles(dropped)).keys()].sort();

test('files and folders, in every way that browsers give them', async () => {
  const list = Object.keys(FILES).map((name) => fileOf(name));
  const plain = Object.keys(FILES).sort();
  assert.deepEqual(await namesOf(list), plain);
  assert.deepEqual(await namesOf({ ...list, length: list.length }), plain); // as a FileList
  assert.deepEqual(await namesOf({ items: { length: 0 }, files: list }), plain);
  assert.deepEqual(await namesOf(dragOf(list, { entries: false })), plain);
  assert.deepEqual(await namesOf(dragOf(Object.entries(FILES).map((each) => entryOf(...each)))), plain);
  const chosen = [...Object.keys(FILES), 'README.md', 'onnx/config.json']
    .map((path) => fileOf(`gpt/${path}`));
  assert.deepEqual(await namesOf(dragOf([entryOf('gpt', CLONE)])), BESIDE);
  assert.deepEqual(await namesOf(dragOf([entryOf('gpt', CLONE)]).items), BESIDE);
  for (const folder of [chosen, entryOf('gpt', CLONE), [entryOf('gpt', CLONE)], handleOf('gpt', CLONE),
    [handleOf('gpt', CLONE)], handleOf('cache', { snapshots: { a1b2: CLONE }, refs: { main: 'a1' } })]) {
    assert.deepEqual(await namesOf(folder), BESIDE);
  }
});

test('of folders inside, the one of chat templates comes along', async () => {
  const templates = { 'additional_chat_templates': { 'rag.jinja': 'R' } };
  const found = [...BESIDE, 'additional_chat_templates/rag.jinja'].sort();
  const chosen = [...BESIDE, 'additional_chat_templates/rag.jinja', 'onnx/additional_chat_templates/x.jinja']
    .map((path) => fileOf(`gpt/${path}`));
  const whole = { ...CLONE, ...templates };
  for (const folder of [chosen, handleOf('gpt', whole), entryOf('gpt', whole)]) {
    assert.deepEqual((await namesOf(folder)).sort(), found);
  }
});

test('loadModel takes them too, within the listener of a drop', async () => {
  const model = await loadModel(dragOf([entryOf('gpt', CLONE)]));
  const other = await loadModel(await modelFiles(handleOf('gpt', CLONE)));
  assert.deepEqual(other.createSession().prefill([1, 2]), model.createSession().prefill([1, 2]));
  model.dispose();
  other.dispose();
  const { 'model.safetensors': _, ...less } = FILES;
  const pickled = handleOf('gpt', { ...less, 'pytorch_model.bin': 'PK' });
  await rejectsCode(loadModel(pickled), 'weights_format', /save_pretrained/);
  await rejectsCode(loadModel([fileOf('a/tiny.gguf', 'GGUF')]), 'weights_format', /GGUF is not read/);
});

test('what is no model, or several', async () => {
  const two = { one: FILES, two: FILES };
  const several = /models here: all\/one, all\/two\./;
  await rejectsCode(modelFiles(handleOf('all', two)), 'invalid_argument', several);
  const double = [fileOf('config.json'), fileOf('config.json', '{}')];
  await rejectsCode(modelFiles(double), 'invalid_argument', /two files named config\.json/);
  await rejectsCode(loadModel(dragOf([])), 'invalid_argument', /no files/);
  for (const empty of [[], handleOf('a', {}), entryOf('a', { '.git': FILES })]) {
    await rejectsCode(loadModel(empty), 'invalid_argument', /no files/);
  }
  await rejectsCode(loadModel([fileOf('story.txt')]), 'file_unreachable', /no config\.json among/);
  for (const odd of [5, 'config.json', null, undefined, {}, new Map()]) {
    await rejectsCode(modelFiles(odd), 'invalid_argument');
  }
  for (const odd of [[5], [null], [{}], ['config.json'], [[]]]) {
    await rejectsCode(modelFiles(odd), 'invalid_argument', /neither a file nor a folder/);
  }
  const many = Object.fromEntries(Array.from({ length: 4097 }, (_each, i) => [`f${i}`, 'x']));
  await rejectsCode(modelFiles(handleOf('disk', many)), 'invalid_argument', /more than 4096/);
  const deep = handleOf('a', { b: { c: { d: { e: FILES } } } });
  await rejectsCode(modelFiles(deep), 'invalid_argument', /no files/);
  const denied = { ...entryOf('a', {}), createReader: () => ({
    readEntries: (_ok, no) => no(new DOMException('not allowed', 'NotAllowedError')) }) };
  await rejectsCode(modelFiles(denied), 'file_unreachable', /cannot be read: not allowed/);
});
