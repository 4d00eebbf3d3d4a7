import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KvcError } from '../../web/engine/errors.js';
import { openDirectory } from '../../web/files/files.js';
import { parseHeader } from '../../web/files/safetensors-header.js';
import { readHeader, tensorChunks, usableDtype } from '../../web/files/safetensors.js';
import { blobOf, collect, rejectsCode, safetensors, safetensorsFile, seeded, throwsCode } from './helpers.js';

const utf8 = (text) => new TextEncoder().encode(text);
const f32 = (...values) => new Uint8Array(Float32Array.from(values).buffer);
const jsonOf = (header) => (typeof header === 'string' ? header : JSON.stringify(header));
const parse = (header, size) => parseHeader(utf8(jsonOf(header)), size);

/** Asserts that a header is refused. */
const refused = (header, code, message) => throwsCode(() => parse(header), `safetensors_${code}`, message);
const entry = (begin, end, shape = [end - begin], dtype = 'U8') => (
  { dtype, shape, data_offsets: [begin, end] });

/** A file as a FileStream, in Blobs (size known) or as a fetched body of unknown size, cut in pieces. */
async function streamOf(file, { pieces = 0, known = true } = {}) {
  if (known) return (await openDirectory({ 'model.safetensors': blobOf(file) })).open('model.safetensors');
  const body = () => new ReadableStream({
    start(controller) {
      const step = pieces || file.length || 1;
      for (let i = 0; i < file.length; i += step) controller.enqueue(file.slice(i, i + step));
      controller.close();
    },
  });
  const directory = await openDirectory('http://model.test/', { fetch: async () => new Response(body()) });
  return directory.open('model.safetensors');
}

/** The whole way: header and data. Returns { header, data: Map(name -> bytes) }. */
async function readAll(file, options) {
  const stream = await streamOf(file, options);
  const header = await readHeader(stream);
  const data = new Map(header.tensors.map(({ name, begin, end }) => [name, new Uint8Array(end - begin)]));
  for await (const { tensor, offset, bytes } of tensorChunks(stream, header)) {
    data.get(tensor.name).set(bytes, offset);
  }
  return { header, data };
}

/** Asserts that a file is refused. */
const refusedFile = (file, options, code, message) => (
  rejectsCode(readAll(file, options), `safetensors_${code}`, message));

const small = () => safetensors([
  { name: 'a', dtype: 'F32', shape: [2, 2], bytes: f32(1, 2, 3, 4) },
  { name: 'none', dtype: 'F32', shape: [0, 3], bytes: new Uint8Array(0) },
  { name: 'scalar', dtype: 'BF16', shape: [], bytes: Uint8Array.of(0x80, 0x3f) },
  { name: 'b', dtype: 'F16', shape: [3], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6) },
], { format: 'pt' });

test('a small file: tensors in file order, metadata, every byte in place for all chunk sizes', async () => {
  const file = small();
  const pieces = [1, 2, 3, 7, 8, 64, 1000].map((size) => ({ pieces: size, known: false }));
  for (const options of [{ known: true }, ...pieces]) {
    const { header, data } = await readAll(file, options);
    assert.deepEqual(header.tensors.map((tensor) => tensor.name), ['a', 'none', 'scalar', 'b']);
    assert.deepEqual(header.tensors[0], { name: 'a', dtype: 'F32', shape: [2, 2], begin: 0, end: 16 });
    assert.deepEqual([...header.metadata], [['format', 'pt']]);
    assert.equal(header.dataBytes, 24);
    assert.equal(8 + header.headerBytes + header.dataBytes, file.length);
    assert.deepEqual(data.get('a'), f32(1, 2, 3, 4));
    assert.deepEqual(data.get('scalar'), Uint8Array.of(0x80, 0x3f));
    assert.deepEqual(data.get('b'), Uint8Array.of(1, 2, 3, 4, 5, 6));
  }
});

test('pieces are views of the chunks, never empty, never across two tensors', async () => {
  const stream = await streamOf(small(), { pieces: 5, known: false });
  const pieces = await collect(tensorChunks(stream, await readHeader(stream)));
  assert.ok(pieces.every(({ bytes }) => bytes.length > 0 && bytes.length <= 64));
  assert.ok(pieces.every(({ tensor }) => tensor.name !== 'none'));
  for (const { tensor, offset, bytes } of pieces) {
    assert.ok(offset + bytes.length <= tensor.end - tensor.begin);
  }
});

test('a file without tensors is a file', async () => {
  for (const known of [true, false]) {
    const { header } = await readAll(safetensorsFile('{}'), { known });
    assert.deepEqual(header.tensors, []);
  }
});

test('the order of the entries does not matter, the order of the data does', () => {
  const { tensors } = parse({ late: entry(4, 8), empty: entry(4, 4), early: entry(0, 4) });
  assert.deepEqual(tensors.map((tensor) => tensor.name), ['early', 'empty', 'late']);
});

test('JSON white space around the header is accepted', () => {
  for (const text of ['{}   ', ' \t\r\n{}', '{}\n\n']) assert.equal(parse(text).tensors.length, 0);
});

// ---- one test for each rule that a header can break -------------------------------------------

test('header_too_small: fewer than 8 bytes', async () => {
  for (const known of [true, false]) {
    for (let n = 0; n < 8; n++) {
      await refusedFile(new Uint8Array(n), { known }, 'header_too_small', new RegExp(`${n} bytes`));
    }
  }
});

test('header_too_large: more than 16 MiB claimed, the whole u64 range', async () => {
  for (const n of [16n * 1024n * 1024n + 1n, 100_000_001n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) {
    const file = new Uint8Array(64).fill(32);
    new DataView(file.buffer).setBigUint64(0, n, true);
    for (const known of [true, false]) {
      await refusedFile(file, { known }, 'header_too_large', new RegExp(`${n}`));
    }
  }
});

test('header_too_large: more than 65,536 tensors', () => {
  const infos = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`t${i}`, entry(0, 0)]));
  assert.equal(parse(infos(65_536)).tensors.length, 65_536);
  refused(infos(65_537), 'header_too_large', /65537 tensors/);
});

test('header_length: the header ends after the file', async () => {
  const file = small();
  new DataView(file.buffer).setBigUint64(0, BigInt(file.length), true);
  for (const known of [true, false]) {
    await refusedFile(file, { known }, 'header_length', new RegExp(`${file.length} bytes`));
  }
});

test('header_utf8', () => {
  for (const bytes of [[0xff, 0x22, 0x3a, 0x31, 0x7d], [0xed, 0xa0, 0x80, 0x22, 0x7d]]) {
    throwsCode(() => parseHeader(Uint8Array.of(0x7b, 0x22, ...bytes)), 'safetensors_header_utf8');
  }
});

test('header_json: not JSON, not an object, padded with something else', () => {
  for (const header of [
    '', ' ', '{', 'hello', '{"a":}', '[]', '1', 'null', '"x"', '{}\0\0', '\ufeff{}', '{}{}', "{'a':1}",
  ]) refused(header, 'header_json');
});

test('duplicate_key: at every level, in any spelling', () => {
  const info = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}';
  for (const text of [
    `{"a":${info},"a":${info}}`,
    `{"a":${info},"\\u0061":${info}}`,
    `{"a":${info} , "b":${info},\n"a" :${info}}`,
    '{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
    '{"__metadata__":{"k":"1","k":"1"}}',
    `{"__metadata__":{},"__metadata__":{}}`,
    `{"__proto__":${info},"__proto__":${info}}`,
    `{"\\"":${info},"\\"":${info}}`,
    `{"\\\\":${info},"\\\\":${info}}`,
  ]) refused(text, 'duplicate_key');
  // The same text as a key and a value, or in two objects, is no duplicate.
  parse(`{"dtype":${info},"U8":${info},"__metadata__":{"dtype":"a","b":"dtype"}}`);
});

test('metadata: an object of strings', () => {
  const { metadata } = parse({ __metadata__: { a: 'b', __proto__x: '' } });
  assert.deepEqual([...metadata], [['a', 'b'], ['__proto__x', '']]);
  for (const wrong of [null, [], 'x', 3, { a: 1 }, { a: null }, { a: {} }, { a: ['b'] }]) {
    refused({ __metadata__: wrong }, 'metadata');
  }
});

test('tensor_info: malformed entries', () => {
  const good = entry(0, 4);
  for (const info of [
    null, [], 'x', 7, {}, { ...good, dtype: 5 }, { ...good, dtype: null },
    { ...good, shape: 4 }, { ...good, shape: { 0: 4 } }, { ...good, shape: ['4'] },
    { ...good, shape: [null] }, { ...good, shape: [-4] }, { ...good, shape: [[4]] },
    { ...good, shape: [true] },
    { ...good, shape: [1, 1, 1, 1, 1, 1, 1, 1, 4] },
    { ...good, data_offsets: [0] }, { ...good, data_offsets: [0, 2, 4] }, { ...good, data_offsets: '04' },
    { ...good, data_offsets: [0, '4'] }, { ...good, data_offsets: [-1, 3] },
    { ...good, extra: 1 }, { dtype: 'U8', shape: [4] }, { shape: [4], data_offsets: [0, 4] },
  ]) refused({ t: info }, 'tensor_info', /"t"|header/);
  for (const odd of ['4.0', '4e0', '4E0', '0.4e1', '-0', '-4', '40e-1']) {
    refused(`{"t":{"dtype":"U8","shape":[${odd}],"data_offsets":[0,4]}}`, 'tensor_info', /integer/);
    refused(`{"t":{"dtype":"U8","shape":[4],"data_offsets":[0, ${odd}]}}`, 'tensor_info', /integer/);
  }
  assert.equal(parse({ [' '.repeat(512)]: good }).tensors.length, 1);
  for (const name of ['n'.repeat(513), 'é'.repeat(257)]) {
    refused({ [name]: good }, 'tensor_info', /512 bytes/);
  }
  refused({ 'wte.weight\0x': good }, 'tensor_info', /NUL/);
  assert.equal(parse({ t: { ...good, shape: [1, 1, 1, 1, 1, 1, 1, 4] } }).tensors[0].shape.length, 8);
});

test('dtype: every one of the format is sized, unknown ones are refused', () => {
  const bits = {
    F4: 4, F6_E2M3: 6, F6_E3M2: 6, BOOL: 8, U8: 8, I8: 8,
    F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8,
    I16: 16, U16: 16, F16: 16, BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64,
  };
  for (const [dtype, size] of Object.entries(bits)) {
    const [tensor] = parse({ t: entry(0, size, [4, 2], dtype) }).tensors;
    const isUsable = ['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'].includes(dtype);
    if (isUsable) assert.equal(usableDtype(tensor), dtype);
    else throwsCode(() => usableDtype(tensor), 'safetensors_dtype', new RegExp(dtype));
  }
  for (const dtype of ['', 'f32', 'Q8_0', '__proto__', 'constructor', 'F32 ', 'x'.repeat(1000)]) {
    const { message } = refused({ t: entry(0, 4, [1], dtype) }, 'dtype');
    assert.ok(message.length < 200);
  }
});

test('offsets: reversed, a hole, an overlap, not from 0', () => {
  refused({ t: entry(4, 0, [4]) }, 'offsets', /begins at byte 4 but ends at byte 0/);
  refused({ t: entry(1, 5) }, 'offsets', /hole/);
  refused({ a: entry(0, 4), b: entry(5, 9) }, 'offsets', /hole/);
  refused({ a: entry(0, 4), b: entry(3, 7) }, 'offsets', /overlap/);
  refused({ a: entry(0, 4), empty: entry(3, 3) }, 'offsets');
  // The attack of the reference tests: ten tensors that all claim the same bytes.
  const attack = Array.from({ length: 10 }, (_, i) => [`weight_${i}`, entry(0, 16, [2, 2], 'F32')]);
  refused(Object.fromEntries(attack), 'offsets', /overlap/);
});

test('overflow: sizes that cannot be counted exactly', () => {
  const shaped = (shape) => `{"t":{"dtype":"F32","shape":[${shape}],"data_offsets":[0,16]}}`;
  for (const shape of [
    '2,18446744073709551614', '2,9223372036854775807', '9007199254740992', '4503599627370496,2',
    '3037000500,3037000500', '1'.repeat(400), '9007199254740991', '4294967296,4294967296,0',
  ]) refused(shaped(shape), 'overflow');
  const far = '[9007199254740992,9007199254740993]';
  refused(`{"t":{"dtype":"U8","shape":[1],"data_offsets":${far}}}`, 'overflow');
  // Every offset is countable, but the length of the whole file is not.
  const huge = 2 ** 50 - 1;
  const brim = Array.from({ length: 9 }, (_, i) => [`t${i}`, entry(i * huge, (i + 1) * huge)]);
  const last = ['last', entry(8 * huge, 8 * huge + 7)];
  refused(Object.fromEntries([...brim.slice(0, 8), last]), 'overflow', /header describes/);
  refused(Object.fromEntries(brim), 'overflow');
});

test('size_mismatch: range against shape and dtype, and sub-byte dtypes that end within a byte', () => {
  refused({ t: entry(0, 15, [2, 2], 'F32') }, 'size_mismatch', /needs 16 bytes.*has 15/);
  refused({ t: entry(0, 17, [2, 2], 'F32') }, 'size_mismatch');
  refused({ t: entry(0, 4, [0], 'F32') }, 'size_mismatch');
  refused({ t: entry(0, 0, [], 'F32') }, 'size_mismatch');
  refused({ t: entry(0, 1, [3], 'F4') }, 'size_mismatch', /whole number of bytes/);
});

test('trailing_bytes and file_truncated: the last tensor ends the file, its size known or not', async () => {
  const file = small();
  const longer = new Uint8Array(file.length + 1);
  longer.set(file);
  for (const known of [true, false]) {
    for (const pieces of [1, 1000]) await refusedFile(longer, { known, pieces }, 'trailing_bytes');
    await rejectsCode(readAll(file.slice(0, -2), { known }), 'file_truncated', new RegExp(`${file.length}`));
  }
  await rejectsCode(readAll(safetensorsFile('{}', Uint8Array.of(0))), 'safetensors_trailing_bytes');
  const header = '{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}';
  const whole = 8 + header.length + 4;
  assert.equal(parse(header, whole).dataBytes, 4);
  throwsCode(() => parse(header, whole - 1), 'file_truncated', new RegExp(`${whole - 1}.*${whole}`));
  throwsCode(() => parse(header, whole + 1), 'safetensors_trailing_bytes', /1 bytes/);
});

// ---- whole files ------------------------------------------------------------------------------

test('every truncation of a small file is an error of its own kind', async () => {
  const file = small();
  const headerEnd = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  for (let n = 0; n < file.length; n++) {
    const inHeader = n < 8 ? 'safetensors_header_too_small' : 'safetensors_header_length';
    const code = n < headerEnd ? inHeader : 'file_truncated';
    for (const known of [true, false]) {
      await rejectsCode(readAll(file.slice(0, n), { known, pieces: 9 }), code);
    }
  }
});

const INSERTED = ['"', '{', '}', '[', ']', ',', ':', '\\', '0', '9'.repeat(20), '-', 'e1', ' '];

test('10,000 seeded mutations of the header: a KvcError or a consistent header, nothing else', () => {
  const random = seeded(6);
  const file = small();
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const codes = new Map();
  for (let round = 0; round < 10_000; round++) {
    let header = [...file.slice(8, 8 + length)];
    for (let edits = 1 + random.below(3); edits > 0; edits--) {
      const at = random.below(header.length);
      const kind = random.below(4);
      if (kind === 0) header[at] = random.below(256);
      else if (kind === 1) header.splice(at, random.below(4));
      else if (kind === 2) header.splice(at, 0, ...utf8(random.pick(INSERTED)));
      else header.splice(at, 0, ...header.slice(random.below(at + 1), at));
    }
    header = Uint8Array.from(header);
    try {
      const parsed = parseHeader(header, 8 + header.length + 24);
      let position = 0;
      for (const { begin, end } of parsed.tensors) {
        assert.equal(begin, position);
        position = end;
      }
      assert.equal(position, 24);
      codes.set('accepted', (codes.get('accepted') ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof KvcError)) throw error;
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
    }
  }
  assert.ok(codes.size >= 8, `only ${[...codes.keys()]} were reached`);
});

test('every byte value at every place of the header', () => {
  const file = small();
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  for (let at = 0; at < length; at++) {
    for (let value = 0; value < 256; value++) {
      const header = file.slice(8, 8 + length);
      header[at] = value;
      try {
        parseHeader(header, file.length);
      } catch (error) {
        if (!(error instanceof KvcError)) throw error;
      }
    }
  }
});

test('names that mean something to JavaScript are only names', async () => {
  const names = [
    '__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '0', '\u202e<img src=x onerror=alert(1)>',
  ];
  const text = `{${names.map((name, i) => `${JSON.stringify(name)}:${JSON.stringify(entry(i, i + 1))}`)}}`;
  const { header, data } = await readAll(safetensorsFile(text, Uint8Array.from(names.keys())));
  assert.deepEqual(header.tensors.map((tensor) => tensor.name), names);
  assert.deepEqual(names.map((name) => data.get(name)[0]), [...names.keys()]);
  assert.equal({}.dtype, undefined);
  const inherited = '{"t":{"__proto__":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}}';
  refused(inherited, 'tensor_info');
});

test('deep nesting and a 16 MiB header are handled in reasonable time', () => {
  const start = performance.now();
  refused(`{"t":${'['.repeat(63)}${']'.repeat(63)}}`, 'tensor_info');
  for (const depth of [64, 1e6, 8e6]) {
    refused(`{"t":${'['.repeat(depth)}${']'.repeat(depth)}}`, 'header_json', /nested deeper than 64 levels/);
  }
  refused(`{"t":${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}}`, 'header_json', /nested deeper/);
  refused('['.repeat(2 ** 24), 'header_json', /nested deeper/);
  refused(`{"t":[${'[],'.repeat(4e6)}0]}`, 'header_json', /more than 4194304 values/);
  refused(`{"__metadata__":{"k":"${'\\"'.repeat(8e6)}"},"t":0}`, 'tensor_info');
  assert.ok(performance.now() - start < 10_000);
});

test('the message names the file, and an error closes the stream', async () => {
  const stream = await streamOf(safetensorsFile('[]'));
  await rejectsCode(readHeader(stream), 'safetensors_header_json', /^model\.safetensors: /);
  await rejectsCode(stream.take(1), 'invalid_argument', /closed/);
});
