// What several tests need: seeded randomness, error checks, tiny model files, a server that fails on demand.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import '../relaxed.js';
import { KvcError } from '../../web/engine/errors.js';

/** A seeded generator (mulberry32): random() in [0, 1), random.below(n), random.pick(list). */
export function seeded(seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  random.below = (n) => Math.floor(random() * n);
  random.pick = (list) => list[random.below(list.length)];
  return random;
}

/** Collects what nobody holds any more, at once. */
export function collectGarbage() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

/** Asserts that a function throws, or a promise rejects with, the KvcError of this code; returns it. */
export function throwsCode(work, code, message = /./) {
  try {
    work();
  } catch (error) {
    return checkCode(error, code, message);
  }
  assert.fail(`expected ${code}, but nothing was thrown`);
}

export async function rejectsCode(promise, code, message = /./) {
  try {
    await promise;
  } catch (error) {
    return checkCode(error, code, message);
  }
  assert.fail(`expected ${code}, but nothing was thrown`);
}

function checkCode(error, code, message) {
  if (!(error instanceof KvcError)) throw error;
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assert.match(error.message, /[.!?"]$|: .+$/s, 'a message is a sentence');
  return error;
}

export async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

/** A signal that is asked, at every look, whether it is aborted. */
export const signalThat = (isAborted) => Object.create(new AbortController().signal, {
  aborted: { get: isAborted },
  reason: { value: new Error('enough') },
});

export const idsOf = (tokens) => tokens.map((token) => token.id);

/** Seeded token ids: bytes. */
export function randomIds(n, seed = 7) {
  const random = seeded(seed);
  return Array.from({ length: n }, () => random.below(256));
}

/** A Blob from text, bytes, or anything that JSON can hold. */
export function blobOf(content) {
  const plain = typeof content === 'string' || content instanceof Uint8Array;
  return new Blob([plain ? content : JSON.stringify(content)]);
}

/** A safetensors file from the text of its header and its data. */
export function safetensorsFile(header, data = new Uint8Array(0)) {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** A well-formed file. tensors: [{ name, dtype, shape, bytes }], laid out in the order given. */
export function safetensors(tensors, metadata) {
  const header = metadata === undefined ? {} : { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const data = new Uint8Array(end);
  for (const { name, bytes } of tensors) data.set(bytes, header[name].data_offsets[0]);
  const text = JSON.stringify(header);
  return safetensorsFile(text.padEnd(Math.ceil(text.length / 8) * 8), data);
}

/** Printable stand-in of each byte in the byte-level alphabet, written down independently of the package. */
export const BYTE_CHARACTERS = (() => {
  const printable = [[0x21, 0x7e], [0xa1, 0xac], [0xae, 0xff]];
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => (
    String.fromCharCode(printable.some(([from, to]) => byte >= from && byte <= to) ? byte : next++)));
})();

export const END_OF_TEXT = '<|endoftext|>';

/** tokenizer.json with the 256 bytes, one token for each merge ("a b"), and added tokens after them. */
export function byteTokenizer({ merges = [], added = [END_OF_TEXT], vocab = [] } = {}) {
  const tokens = [...BYTE_CHARACTERS, ...merges.map((merge) => merge.replace(' ', '')), ...vocab];
  return {
    version: '1.0',
    added_tokens: added.map((content, i) => ({
      id: tokens.length + i, content, special: true, single_word: false, lstrip: false, rstrip: false,
        normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '',
      fuse_unk: false, byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [...merges],
    },
  };
}

/** The files of a fixture, with bytes for tokens. */
export function byteFiles(name) {
  const folder = new URL(`../fixtures/${name}/`, import.meta.url);
  const files = Object.fromEntries(readdirSync(folder).map((file) => (
    [file, readFileSync(new URL(file, folder))])));
  const { vocab_size: size } = JSON.parse(files['config.json']);
  const tokenizer = byteTokenizer({ added: [] });
  const { vocab } = tokenizer.model;
  for (const [token, id] of Object.entries(vocab)) if (id >= size) delete vocab[token];
  return { ...files, 'tokenizer.json': Buffer.from(JSON.stringify(tokenizer)) };
}

/** config.json of a small GPT-2. */
export const smallConfig = (changes = {}) => ({
  model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], n_layer: 2, n_head: 2, n_embd: 16, n_positions: 32,
  vocab_size: 300, bos_token_id: 256, eos_token_id: 256, ...changes,
});

/**
 * Serves files (name -> bytes or text) under /model/ on a free port.
 * `faults` (name -> handler) is read at every request: a handler gets (response, bytes, request).
 */
export async function serve(files, faults = {}) {
  const requests = [];
  const server = createServer((request, response) => {
    const name = new URL(request.url, 'http://host').pathname.replace(/^\/model\//, '');
    requests.push({ name, url: request.url, headers: request.headers });
    const file = files[name];
    if (faults[name]) return faults[name](response, file && Buffer.from(file), request);
    if (file === undefined) return fault.status(404)(response);
    const bytes = Buffer.from(file);
    return response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/model/`,
    requests,
    faults,
    close() {
      const closed = new Promise((resolve) => { server.close(resolve); });
      server.closeAllConnections(); // after close(), so that none can come in between
      return closed;
    },
  };
}

const PAGE = '<!DOCTYPE html>\n<html><head><title>App</title></head><body>Nothing here</body></html>';

/** Ways for a server to fail. Those with "cut" send n bytes and break the connection. */
export const fault = {
  status: (status) => (response) => response.writeHead(status).end('no'),
  html: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE),
  htmlUntyped: (response) => response.writeHead(200).end(`\n\n${PAGE}`),
  empty: (response) => response.writeHead(200).end(),
  cut: (n) => (response, bytes) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, n), () => response.destroy());
    if (n === 0) response.flushHeaders();
  },
  /** The file itself is short: a clean end, and no length to compare with. */
  short: (n) => (response, bytes) => {
    response.writeHead(200);
    response.write(bytes.subarray(0, n));
    response.end();
  },
  extra: (response, bytes) => response.writeHead(200).end(Buffer.concat([bytes, Buffer.from('x')])),
  gzip: (response, bytes) => {
    const packed = gzipSync(bytes);
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed);
  },
  chunked: (response, bytes) => {
    response.writeHead(200);
    response.write(bytes.subarray(0, 5));
    response.end(bytes.subarray(5));
  },
  lengthOff: (by) => (response, bytes) => {
    response.writeHead(200, { 'content-length': bytes.length + by, connection: 'close' });
    response.end(bytes);
  },
  stall: (n) => (response, bytes) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.flushHeaders();
    if (n > 0) response.write(bytes.subarray(0, n));
  },
  silent: () => {},
  reset: (response) => response.socket.resetAndDestroy(),
};
