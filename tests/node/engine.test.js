// The WebAssembly instance: which build is chosen, where it may come from, and what happens when it breaks.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { loadModel } from 'kvcache-wasm';
import { Engine } from '../../web/engine/engine.js';
import { bestVariant } from '../../web/engine/variants.js';
import { fault, rejectsCode, serve, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const WEB = new URL('../../web/engine/', import.meta.url);
const FILES = { relaxed: 'kvc-relaxed.wasm', simd: 'kvc.wasm', scalar: 'kvc-scalar.wasm' };

for (const [variant, file] of Object.entries(FILES)) {
  test(`${file}: says what it is, imports its memory and one function, small with gzip`, async () => {
    const bytes = await readFile(new URL(file, WEB));
    const imported = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
    assert.deepEqual(imported.map(({ kind }) => kind).sort(), ['function', 'memory']);
    assert.ok(gzipSync(bytes).length <= (variant === 'scalar' ? 50 : 48) * 1024);
    assert.equal((await Engine.create({ variant })).variant, variant);
  });
}

test('auto takes the fastest build that validates', async () => {
  assert.equal((await Engine.create()).variant, bestVariant());
  assert.equal(bestVariant(), 'relaxed'); // tests/relaxed.js sees to it
  const script = `import { bestVariant } from '${new URL('variants.js', WEB)}'; console.log(bestVariant());`;
  const best = async (...flags) => (await promisify(execFile)(process.execPath,
    [...flags, '--input-type=module', '-e', script])).stdout.trim();
  const [major] = process.versions.node.split('.');
  assert.equal(await best(), Number(major) >= 22 ? 'relaxed' : 'simd');
  if (Number(major) >= 22) return;
  const flag = '--experimental-wasm-relaxed-simd';
  assert.equal(await best(flag), 'simd'); // its quick compiler gets the dot wrong, and that is noticed
  assert.equal(await best(flag, '--no-liftoff'), 'relaxed');
});

test('the module may come as URL, path, bytes, Response or Module', async (t) => {
  const url = new URL('kvc-scalar.wasm', WEB);
  const bytes = await readFile(url);
  const server = await serve({ 'kvc.wasm': bytes });
  t.after(() => server.close());
  for (const wasm of [url, url.href, bytes, new Uint8Array(bytes).buffer, new Response(bytes),
    new WebAssembly.Module(bytes), `${server.url}kvc.wasm`]) {
    const model = await loadModel(tinyBlobs(), { wasm });
    assert.equal(model.variant, 'scalar');
    model.dispose();
  }
});

test('wasm_invalid: missing, a web page, damaged, or made for something else', async (t) => {
  const bytes = await readFile(new URL('kvc.wasm', WEB));
  const server = await serve({ 'html.wasm': '', 'later.wasm': bytes },
    { 'html.wasm': fault.html, 'later.wasm': fault.status(503) });
  t.after(() => server.close());
  await rejectsCode(Engine.create({ wasm: `${server.url}none.wasm` }), 'wasm_invalid', /404/);
  await rejectsCode(Engine.create({ wasm: `${server.url}html.wasm` }), 'wasm_invalid', /web page/);
  await rejectsCode(Engine.create({ wasm: new URL('none.wasm', WEB) }), 'wasm_invalid', /ENOENT/);
  await rejectsCode(Engine.create({ wasm: new Uint8Array(0) }), 'wasm_invalid');
  await rejectsCode(Engine.create({ wasm: bytes.subarray(0, bytes.length >> 1) }), 'wasm_unsupported');
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  await rejectsCode(Engine.create({ wasm: empty }), 'wasm_invalid', /same release/);
  await rejectsCode(Engine.create({ wasm: 5 }), 'invalid_argument');
  await rejectsCode(Engine.create({ variant: 'fast' }), 'invalid_argument', /scalar/);
  // A failed download is not remembered.
  await rejectsCode(Engine.create({ wasm: `${server.url}later.wasm` }), 'wasm_invalid', /503/);
  delete server.faults['later.wasm'];
  assert.equal((await Engine.create({ wasm: `${server.url}later.wasm` })).variant, 'simd');
});

test('a path is taken from the current folder, where there is a disk', async () => {
  assert.equal((await Engine.create({ wasm: 'web/engine/kvc-scalar.wasm' })).variant, 'scalar');
  await rejectsCode(Engine.create({ wasm: 'kvc.wasm' }), 'wasm_invalid', /\/kvc\.wasm could not be read/);
});

test('what a bundler has torn apart is said in one line: what to pass, what to write', async (t) => {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: ['web/index.js'], bundle: true, write: false, format: 'esm', external: ['node:*'],
  });
  const { init } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  const error = await init().catch((reason) => reason); // of the bundle's own class
  assert.equal(error.code, 'wasm_invalid');
  assert.match(error.message, /do not know their own address.*pass .* as the wasm option\.$/);
  assert.ok((await init({ wasm: await readFile(new URL('kvc.wasm', WEB)) })).variant);
  const server = await serve({
    'node_modules/.vite/deps/engine/kvc.wasm': '<html>', 'config.5f2a.js': 'export default {}',
  });
  t.after(() => server.close());
  const wasm = `${server.url}node_modules/.vite/deps/engine/kvc.wasm`;
  await rejectsCode(Engine.create({ wasm }), 'wasm_invalid', /exclude: \['kvcache-wasm'\]/);
  await rejectsCode(Engine.create({ wasm: `${server.url}engine/kvc.wasm` }), 'wasm_invalid', /copy engine\//);
  const given = (path) => loadModel({ 'config.json': server.url + path });
  await rejectsCode(given('models/stories/config.json'), 'file_unreachable',
    /copy models\/ from .* too\.$/);
  await rejectsCode(given('node_modules/.vite/models/config.json'), 'file_unreachable', /optimizeDeps/);
  await rejectsCode(given('config.5f2a.js'), 'json_invalid', /transformer-raw/); // as Parcel leaves it
});

test('trapped: after a crash nothing enters the instance again, and a new load works', async () => {
  const engine = await Engine.create({ variant: 'simd' });
  // A pointer outside the memory, as a corrupted handle would be.
  throwsCode(() => engine.call('kvc_session_position', 0x7ffffff0), 'trapped', /Load the model again/);
  assert.equal(engine.usable, false);
  throwsCode(() => engine.call('kvc_wasm_variant'), 'trapped');
  engine.dispose();
  const model = await loadModel(tinyBlobs());
  model.createSession().prefill([1]);
  model.dispose();
});

test('trapped: the sessions of a crashed model say so, and can be disposed of', async () => {
  const module = new WebAssembly.Module(await readFile(new URL('kvc.wasm', WEB)));
  const memories = [];
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => { // a look at the memory that only a saboteur needs
    const instance = await instantiate(...args);
    memories.push(instance.exports.memory);
    return instance;
  };
  const model = await loadModel(tinyBlobs(),
    { wasm: module }).finally(() => { WebAssembly.instantiate = instantiate; });
  const session = model.createSession();
  session.prefill([1, 2]);
  const words = new Uint32Array(memories[0].buffer);
  for (let i = 16; i < words.length; i++) {
    if (words[i] > 65536 && words[i] < memories[0].buffer.byteLength) words[i] = 0xfffffff0;
  }
  throwsCode(() => session.decode(1), 'trapped');
  throwsCode(() => session.position, 'trapped');
  throwsCode(() => model.createSession(), 'trapped');
  session.dispose();
  model.dispose();
});
