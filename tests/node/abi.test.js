// One ABI: src/wasm/exports.txt, the modules, include/kvc.h and web/engine/abi.js say the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as abi from '../../web/engine/abi.js';
import { PAGE } from '../../web/engine/page.js';
import { Engine } from '../../web/engine/engine.js';
import { loadModel } from 'kvcache-wasm';
import { rejectsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFile(new URL(path, ROOT), 'utf8');
const module = (name) => readFile(new URL(name, ROOT)).then((bytes) => WebAssembly.compile(bytes));
/** Modules leave out the zeros of their data, so each needs a memory that nothing was written to. */
const imports = () => ({ env: {
  memory: new WebAssembly.Memory({ initial: 16, maximum: 16 }), emscripten_notify_memory_growth() {},
} });

const MODULES = ['web/engine/kvc.wasm', 'web/engine/kvc-relaxed.wasm', 'web/engine/kvc-scalar.wasm'];
const HEADERS = ['include/kvc.h', 'src/kernels/probe.h', 'src/wasm/wasm.c'];

/** The C declarations without their comments, white space as single spaces. */
const header = (await Promise.all(HEADERS.map(read))).join('\n')
  .replace(/\/\*.*?\*\//gs, '').replace(/^#.*$/gm, '').replace(/\s+/g, ' ');

/** Enumerators of an enum, name -> value. */
function enumOf(name) {
  const [, body] = header.match(new RegExp(`enum ${name} \\{(.*?)\\}`)) ?? [];
  let next = 0;
  return Object.fromEntries(body.split(',').map((part) => part.trim()).filter(Boolean).map((part) => {
    const [key, value] = part.split('=').map((word) => word.trim());
    next = value === undefined ? next : Number(value);
    return [key, next++];
  }));
}

test('the list of exports, the table of functions and every module agree, arguments included', async () => {
  const listed = (await read('src/wasm/exports.txt')).split('\n').filter((line) => /^[^#\s]/.test(line));
  assert.deepEqual([...listed].sort(), Object.keys(abi.FUNCTIONS).sort());
  for (const name of MODULES) {
    const { exports } = await WebAssembly.instantiate(await module(name), imports());
    assert.deepEqual(Object.keys(exports).filter((key) => key.startsWith('kvc_')).sort(), [...listed].sort(),
      name);
    for (const [key, [, ...parameters]] of Object.entries(abi.FUNCTIONS)) {
      assert.equal(exports[key].length, parameters.length, `${name}: ${key}`);
    }
  }
});

test('results and parameters are those of the C declarations, by name', () => {
  const structs = Object.keys(abi.STRUCTS);
  for (const [name, [result, ...parameters]] of Object.entries(abi.FUNCTIONS)) {
    const [, type, list] = header.match(new RegExp(`((?:const )?\\w+ \\*?) ?${name}\\(([^)]*)\\);`)) ?? [];
    assert.ok(type, `${name} is declared`);
    const declared = list === 'void' ? [] : list.split(',').map((part) => part.match(/(\w+)$/)[1]);
    const byValue = structs.includes(type.trim());
    assert.deepEqual(parameters, byValue ? ['out', ...declared] : declared, name);
    assert.equal(result, byValue ? 'void' : type.includes('*') ? 'pointer' : type.trim(), name);
    for (const [i, parameter] of parameters.entries()) {
      const of = byValue ? (i === 0 ? 'pointer' : list.split(',')[i - 1]) : list.split(',')[i];
      assert.equal(/uint64_t \w/.test(of), parameter === 'fingerprint', `${name}: ${of}`);
      assert.equal(/bool \w/.test(of), parameter === 'use_cache', `${name}: ${of}`);
    }
  }
});

test('every exported function is called', async () => {
  const files = (await readdir(new URL('web/', ROOT), { recursive: true }))
    .filter((file) => /^\w+\/[\w-]+\.js$/.test(file));
  const callers = await Promise.all(files.filter((file) => file !== 'engine/abi.js')
    .map((file) => read(`web/${file}`)));
  const unused = Object.keys(abi.FUNCTIONS)
    .filter((name) => !callers.some((text) => new RegExp(`\\b${name}\\b`).test(text)));
  assert.deepEqual(unused, []);
});

test('enums and constants are those of the header', () => {
  const dtypes = enumOf('kvc_dtype');
  assert.deepEqual(abi.DTYPES, {
    f32: dtypes.KVC_F32, f16: dtypes.KVC_F16, bf16: dtypes.KVC_BF16, int8: dtypes.KVC_I8, int4: dtypes.KVC_I4,
    f8_e4m3: dtypes.KVC_F8_E4M3, f8_e5m2: dtypes.KVC_F8_E5M2,
  });
  const lower = (values, prefix) => Object.fromEntries(Object.entries(values)
    .map(([name, value]) => [name.slice(prefix.length).toLowerCase(), value]));
  const { KVC_ARCH_COUNT, ...archs } = enumOf('kvc_arch');
  assert.deepEqual(abi.ARCHITECTURES, lower(archs, 'KVC_'));
  assert.equal(Object.keys(archs).length, KVC_ARCH_COUNT);
  assert.deepEqual(Object.values(abi.POLICIES), Object.values(enumOf('kvc_policy')));
  assert.deepEqual(abi.EVENT_TYPES, lower(enumOf('kvc_event_type'), 'KVC_EVENT_'));
  assert.deepEqual(abi.WHEN_FULL, lower(enumOf('kvc_when_full'), 'KVC_'));
  assert.deepEqual(abi.MHA_WEIGHTS, lower(enumOf('kvc_mha_weight'), 'KVC_MHA_'));
  const errors = enumOf('kvc_error');
  assert.deepEqual([abi.OK, abi.PENDING], [errors.KVC_OK, errors.KVC_PENDING]);
  assert.equal(PAGE, Number(header.match(/KVC_PAGE = (\d+)/)[1]));
  assert.equal(abi.PROBE.BLOCK, Number(header.match(/KVC_PROBE_BLOCK = (\d+)/)[1]));
  assert.equal(abi.PROBE.CHAINS, Number(header.match(/KVC_PROBE_CHAINS = (\d+)/)[1]));
});

/** a -> a; a[2] -> a_0, a_1 */
function elementsOf(field) {
  const [, name, n] = field.match(/^(\w+)(?:\[(\d+)\])?$/);
  return n ? Array.from({ length: Number(n) }, (_, i) => `${name}_${i}`) : [name];
}

test('structs have the fields of the header, and lie as the compiler lays them out', async () => {
  const types = { uint32_t: 'u32', size_t: 'u32', float: 'f32', uint64_t: 'u64', kvc_dtype: 'u32',
    kvc_arch: 'u32', kvc_when_full: 'u32', kvc_policy: 'u32' };
  for (const [name, fields] of Object.entries(abi.STRUCTS)) {
    const [, body] = header.match(new RegExp(`typedef struct ${name} \\{(.*?)\\}`));
    const declared = body.split(';').map((line) => line.trim()).filter(Boolean).flatMap((line) => {
      const [, type, names] = line.match(/^(\w+) (.*)$/);
      return names.split(',').flatMap((field) => elementsOf(field.trim()))
        .map((field) => [field, types[type]]);
    });
    assert.deepEqual(Object.entries(fields), declared, name);
  }
  for (const name of MODULES) {
    const { exports } = await WebAssembly.instantiate(await module(name), imports());
    const layout = new Uint16Array(exports.memory.buffer, exports.kvc_wasm_layout(),
      abi.EXPECTED_LAYOUT.length);
    assert.deepEqual([...layout], abi.EXPECTED_LAYOUT, name);
  }
  assert.ok(abi.EXPECTED_LAYOUT.slice(0, -1).every((number) => number < 2 ** 16 - 1),
    'the end is told apart');
});

test('a saved session has the number of its sequences where abi.js says', async () => {
  const model = await loadModel(tinyBlobs());
  for (const sequences of [1, 3]) {
    const state = model.createSession({ sequences }).save();
    assert.equal(new DataView(state.buffer).getUint32(abi.STATE_SEQUENCES, true), sequences);
  }
  model.dispose();
});

/** kvc.wasm with one thing changed. */
async function altered(change) {
  const bytes = new Uint8Array(await readFile(new URL(MODULES[0], ROOT)));
  change(Buffer.from(bytes.buffer));
  return bytes;
}

test('a module of another release is refused: a function or a layout differs', async () => {
  const renamed = await altered((bytes) => {
    const at = bytes.indexOf('kvc_session_step');
    assert.ok(at > 0);
    bytes.write('kvc_session_stop', at);
  });
  await rejectsCode(Engine.create({ wasm: renamed }), 'wasm_invalid', /same release/);
  const moved = await altered((bytes) => {
    const end = Buffer.from(Uint16Array.from(abi.EXPECTED_LAYOUT.slice(-8)).buffer);
    const at = bytes.indexOf(end);
    assert.ok(at > 0, 'the end of the layout lies in the module');
    bytes[at + end.length - 4]++; // the last offset
  });
  await rejectsCode(Engine.create({ wasm: moved }), 'wasm_invalid', /same release/);
  (await Engine.create({ wasm: await altered(() => {}) })).dispose();
});

test('a misspelt name and a wrong argument are type errors, right calls are none', async () => {
  const folder = new URL('build/abi-types/', ROOT);
  await mkdir(folder, { recursive: true });
  const lines = [
    "engine.call('kvc_session_stepp', 1);",
    "engine.call('kvc_session_position');",
    "engine.call('kvc_session_position', 1, 2);",
    "engine.call('kvc_session_position', '1');",
    "engine.call('kvc_cache_save', 1, 2, 3, 4);", // the fingerprint is a BigInt
    "engine.check({}, 'kvc_cache_reset', 1);",    // returns no error
    "engine.give('kvc_session_config', { capacity: 1, n_sequence: 1, key_type: 0 });",
    "engine.give('kvc_sampling', { temperatur: 1, top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1 });",
    "engine.memory.read('kvc_counts', 0).projections;",
  ];
  const right = [
    "engine.call('kvc_session_position', 1).toFixed();",
    "engine.call('kvc_cache_save', 1, 2n, 3, 4);",
    "engine.check({ busy: 'Wait.' }, 'kvc_session_step', 1);",
    "engine.memory.read('kvc_counts', engine.result).head_macs.toFixed();",
  ];
  const head = "/** @import { Engine } from '../../web/engine/engine.js' */\n"
    + 'export function f(/** @type {Engine} */ engine) {\n';
  await writeFile(new URL('calls.js', folder), `${head}${[...right, ...lines].join('\n')}\n}\n`);
  const options = { extends: '../../tsconfig.json', include: ['calls.js'],
    compilerOptions: { rootDir: '../..', noEmit: true } };
  await writeFile(new URL('tsconfig.json', folder), JSON.stringify(options));
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT));
  const { stdout } = await promisify(execFile)(tsc, ['-p', fileURLToPath(folder)]).catch((error) => error);
  const wrong = [...new Set([...stdout.matchAll(/calls\.js\((\d+),/g)].map((match) => Number(match[1])))];
  assert.deepEqual(wrong.sort((a, b) => a - b), lines.map((_, i) => 3 + right.length + i), stdout);
  await rm(folder, { recursive: true });
});
