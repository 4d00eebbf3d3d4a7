import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { parseConfig } from '../../web/config/config.js';
import { parseGenerationConfig } from '../../web/config/generation.js';
import { openDirectory } from '../../web/files/files.js';
import { Waiting } from '../../web/files/opened.js';
import { readHeader, tensorChunks } from '../../web/files/safetensors.js';
import { readTokenizer } from '../../web/files/tokenizer-json.js';
import { Tokenizer } from '../../web/files/tokenizer.js';
import {
  blobOf, byteTokenizer, collect, fault, rejectsCode, safetensors, seeded, serve, smallConfig,
} from './helpers.js';

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const random = seeded(3);
const WEIGHTS = Uint8Array.from({ length: 200_000 }, () => random.below(256));
const FILES = {
  'config.json': JSON.stringify(smallConfig()),
  'tokenizer.json': JSON.stringify(byteTokenizer()),
  'generation_config.json': '{"do_sample":true}',
  'model.safetensors': safetensors([{ name: 'w', dtype: 'BF16', shape: [100_000], bytes: WEIGHTS }]),
};
const SIZE = FILES['model.safetensors'].length;

/** A load as loadModel does it, without the engine. */
async function loadAll(source, options) {
  const directory = await openDirectory(source, options);
  const config = parseConfig(await directory.json('config.json'));
  const suggested = await directory.json('generation_config.json', { optional: true });
  const generation = parseGenerationConfig(suggested, config);
  const { vocabSize } = config;
  const vocabulary = readTokenizer(await directory.json('tokenizer.json'), undefined, vocabSize);
  const tokenizer = new Tokenizer(vocabulary, vocabSize);
  const stream = await directory.open('model.safetensors');
  const header = await readHeader(stream);
  const weights = new Uint8Array(header.dataBytes);
  for await (const { tensor, offset, bytes } of tensorChunks(stream, header)) {
    weights.set(bytes, tensor.begin + offset);
  }
  return { config, generation, tokenizer, weights, stream };
}

async function checkLoad(source, options) {
  const { weights, tokenizer, generation } = await loadAll(source, options);
  assert.deepEqual(weights, WEIGHTS);
  assert.equal(tokenizer.decode(tokenizer.encode('né')), 'né');
  return generation;
}

let server;
before(async () => { server = await serve(FILES); });
after(() => server.close());
afterEach(() => { for (const name of Object.keys(server.faults)) delete server.faults[name]; });

const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
after(async () => {
  await pause(50);
  assert.deepEqual(unhandled, []);
});

// ---- where a directory can lie -----------------------------------------------------------------

test('http: with and without the final slash, a query, a hash; as a string and as a URL', async () => {
  const bare = server.url.slice(0, -1);
  for (const address of [server.url, bare, `${server.url}?a=b#c`, new URL(server.url)]) {
    await checkLoad(address);
  }
  for (const end of ['', '/', '?a=b#c']) assert.equal((await openDirectory(bare + end)).name, server.url);
});

test('http: the query of a signed address goes to every file, and into no message', async () => {
  const { length } = server.requests;
  await checkLoad(`${server.url}?signature=a%2Fb&expires=5#x`);
  const paths = server.requests.slice(length).map(({ url }) => url);
  assert.deepEqual(paths, ['config.json', 'generation_config.json', 'tokenizer.json', 'model.safetensors']
    .map((name) => `/model/${name}?signature=a%2Fb&expires=5`));
  for (const status of [404, 401, 500]) {
    server.faults['config.json'] = fault.status(status);
    const error = await rejectsCode(loadAll(`${server.url}?signature=secret`), 'file_unreachable');
    assert.ok(error.message.includes(`${server.url}config.json `) && !error.message.includes('secret'));
  }
});

test('http: a request is same-origin in its credentials and carries no referrer', async () => {
  const requests = [];
  const spy = (url, options) => {
    requests.push(new Request(url, options));
    return fetch(url, options);
  };
  await checkLoad(server.url, { fetch: spy });
  assert.equal(requests.length, 4);
  for (const { credentials, cache, referrerPolicy } of requests) {
    assert.deepEqual([credentials, cache, referrerPolicy], ['same-origin', 'default', 'no-referrer']);
  }
  for (const { headers } of server.requests) {
    assert.ok(!headers.cookie && !headers.authorization && !headers.referer);
  }
});

test('http: headers, credentials and cache go with every request; a login is one of them', async (t) => {
  const login = await serve(FILES);
  t.after(() => login.close());
  for (const name of Object.keys(FILES)) {
    login.faults[name] = (response, bytes, { headers }) => {
      if (headers.cookie === 'session=5' || headers.authorization === 'Bearer five') response.end(bytes);
      else fault.status(401)(response);
    };
  }
  await rejectsCode(loadAll(login.url), 'file_unreachable', /401.*needs a login.*headers/);
  await checkLoad(login.url, { headers: { authorization: 'Bearer five' } });
  await checkLoad(login.url, { headers: new Headers([['authorization', 'Bearer five']]) });
  const jar = (url, init) => fetch(url, { ...init, headers: { cookie: 'session=5' } });
  await checkLoad(login.url, { fetch: jar });
  const requests = [];
  const spy = (url, init) => {
    requests.push(new Request(url, init));
    return jar(url, init);
  };
  await checkLoad(login.url, { fetch: spy, credentials: 'include', cache: 'force-cache' });
  assert.equal(requests.length, 4);
  for (const request of requests) {
    assert.deepEqual([request.credentials, request.cache], ['include', 'force-cache']);
  }
});

test('http: requests that cannot be are refused before one is made', async () => {
  const { length } = server.requests;
  for (const options of [{ headers: 5 }, { headers: { 'a b': 'c' } }, { headers: { a: '\n\0' } },
    { credentials: 'yes' }, { cache: 'always' }, { fetch: 5 }, { fetch: null }]) {
    await rejectsCode(openDirectory(server.url, options), 'invalid_argument');
  }
  const address = server.url.replace('//', '//me:secret@');
  const error = await rejectsCode(openDirectory(address), 'invalid_argument', /headers/);
  assert.ok(!error.message.includes('secret'));
  assert.equal(server.requests.length, length);
});

test('http: a fetch that gives no response is a typed error', async () => {
  for (const answer of [undefined, null, 5, {}, new Response('{}').text()]) {
    const directory = await openDirectory(server.url, { fetch: async () => answer });
    await rejectsCode(directory.json('config.json'), 'file_unreachable', /config\.json could not be fetched/);
  }
  const used = new Response('{}');
  await used.text();
  const reader = new Response('{}');
  reader.body.getReader();
  for (const response of [used, reader]) {
    const directory = await openDirectory(server.url, { fetch: async () => response });
    await rejectsCode(directory.json('config.json'), 'file_unreachable', /config\.json could not be/);
  }
});

test('the Hub: the address of a page leads to that of the files, and a bare name does', async () => {
  const page = 'https://huggingface.co/openai-community/gpt2';
  const files = /Load https:\/\/huggingface\.co\/openai-community\/gpt2\/resolve\/main\/\.$/;
  for (const address of [page, `${page}/`, `${page}?a#b`, new URL(page), 
    `${page}/tree/main`, `${page}/blob/main/config.json`, page.replace('huggingface.co', 'hf.co')]) {
    await rejectsCode(openDirectory(address), 'invalid_argument', files);
  }
  const short = openDirectory('https://huggingface.co/gpt2');
  await rejectsCode(short, 'invalid_argument', /co\/gpt2\/resolve\/main/);
  await rejectsCode(openDirectory(`${page}/tree/v2`), 'invalid_argument', /gpt2\/resolve\/v2\/\.$/);
  await openDirectory(`${page}/resolve/main`);
  await openDirectory(`${page}/resolve/main/`);
  await openDirectory('https://x.test/openai-community/gpt2');
  const named = await openDirectory('openai-community/gpt2');
  const advice = /does not exist\. A model of the Hugging Face.*\/openai-community\/gpt2\/resolve\/main\//;
  await rejectsCode(named.json('config.json'), 'file_unreachable', advice);
  assert.equal(await named.json('config.json', { optional: true }), undefined);
  for (const path of ['./nowhere', 'a/b/c', '/nowhere/at', 'nowhere']) {
    const error = await rejectsCode((await openDirectory(path)).json('config.json'), 'file_unreachable');
    assert.doesNotMatch(error.message, /Hugging/);
  }
});

test('disk: path, relative path, file: URL, odd characters in the name', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kvc-'));
  t.after(() => rmSync(root, { recursive: true }));
  const folder = join(root, 'a b#c?d%20é');
  mkdirSync(folder);
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
  const cwd = process.cwd();
  t.after(() => process.chdir(cwd));
  process.chdir(root);
  const url = pathToFileURL(folder);
  const paths = [folder, `${folder}/`, 'a b#c?d%20é', './a b#c?d%20é/'];
  for (const source of [...paths, url, pathToFileURL(`${folder}/`), url.href]) {
    await checkLoad(source);
  }
  const absent = await openDirectory(join(root, 'nowhere'));
  await rejectsCode(absent.json('config.json'), 'file_unreachable', /nowhere.*config\.json does not exist/);
  assert.equal(await absent.json('config.json', { optional: true }), undefined);
});

test('disk: what is not a regular file is unreachable, and a pipe does not hang', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kvc-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'config.json'));
  execFileSync('mkfifo', [join(root, 'tokenizer.json')]);
  writeFileSync(join(root, 'plain'), 'x');
  const directory = await openDirectory(root);
  for (const name of ['config.json', 'tokenizer.json']) {
    await rejectsCode(directory.json(name, { optional: true }), 'file_unreachable', /not a regular file/);
  }
  const file = await openDirectory(join(root, 'plain'));
  await rejectsCode(file.json('config.json'), 'file_unreachable', /does not exist/);
  await rejectsCode((await openDirectory('file://elsewhere/model')).json('config.json'), 'file_unreachable');
});

/** How many files under a folder this process holds open (Linux). */
const openFiles = (folder) => readdirSync('/proc/self/fd').filter((fd) => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
  } catch {
    return false; // closed since the listing
  }
}).length;

const linux = { skip: process.platform !== 'linux' };

test('disk: every file is closed again, after success, error and abort', linux, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kvc-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(root, name), content);
  await checkLoad(root);
  while (openFiles(root) > 0) await pause(10);
  const controller = new AbortController();
  const stream = await (await openDirectory(root, { signal: controller.signal })).open('model.safetensors');
  assert.equal(openFiles(root), 1);
  const reading = stream.take(SIZE);
  controller.abort();
  await rejectsCode(reading, 'aborted');
  writeFileSync(join(root, 'config.json'), '<html>');
  await rejectsCode(loadAll(root), 'file_is_html');
  for (let tries = 0; openFiles(root) > 0; tries++) { // closing is not waited for
    assert.ok(tries < 200, `${openFiles(root)} files are still open`);
    await pause(10);
  }
});

test('Blobs: a Map, a plain object, Files', async () => {
  const entries = Object.entries(FILES).map(([name, content]) => [name, blobOf(content)]);
  await checkLoad(new Map(entries));
  await checkLoad(Object.fromEntries(entries));
  await checkLoad(new Map(Object.entries(FILES).map(([name, content]) => [name, new File([content], name)])));
  const directory = await openDirectory(new Map());
  await rejectsCode(directory.json('config.json'), 'file_unreachable', /no config\.json among the given/);
  assert.equal(await directory.json('config.json', { optional: true }), undefined);
  assert.equal(await (await openDirectory({})).json('toString', { optional: true }), undefined);
  const number = await openDirectory({ 'config.json': 5 });
  await rejectsCode(number.json('config.json'), 'invalid_argument', /no Blob, File or address/);
});

test('a Blob whose file has changed on disk', async () => {
  const blob = blobOf(FILES['config.json']);
  blob.stream = () => new ReadableStream({
    pull(controller) { controller.error(new Error('changed on disk')); },
  });
  const directory = await openDirectory({ 'config.json': blob });
  await rejectsCode(directory.json('config.json'), 'file_unreachable', /changed on disk/);
});

test('invalid_argument: sources and names that cannot be', async () => {
  const addresses = ['ftp://host/model', 'http://', 'blob://x', 'chrome://x', new URL('data:text/plain,x')];
  for (const source of [undefined, null, 5, true, [], Symbol.iterator, ...addresses]) {
    await rejectsCode(openDirectory(source), 'invalid_argument');
  }
  const directory = await openDirectory(server.url);
  const escaping = ['', '..', '.', '../config.json', 'a/b', 'a\\b', '/etc/passwd', 'http://x'];
  for (const name of [...escaping, 'a?b', 'a#b', '%2e%2e', 'a b', '-x']) {
    await rejectsCode(directory.open(name), 'invalid_argument');
  }
});

/** As in a browser: an address of its own, and no disk. */
function inPage(t, globals) {
  const { process: node } = globalThis;
  Object.assign(globalThis, globals);
  globalThis.process = undefined;
  t.after(() => {
    globalThis.process = node;
    for (const name of Object.keys(globals)) delete globalThis[name];
  });
}

test('in a page, relative addresses start from the document, and file: is not fetched', async (t) => {
  inPage(t, { document: { baseURI: `${server.url}page.html` } });
  await checkLoad('./');
  await checkLoad('../model');
  await rejectsCode(openDirectory('file:///tmp/'), 'invalid_argument', /file:.*serve/);
  const missing = await openDirectory('some/where');
  await rejectsCode(missing.json('config.json'), 'file_unreachable', /Hub.*some\/where\/resolve\/main/);
  globalThis.document = { baseURI: 'blob:http://x/1' };
  await rejectsCode(openDirectory('./'), 'invalid_argument', /absolute/);
});

test('in a worker, relative addresses start from its own', async (t) => {
  inPage(t, { location: { href: `${server.url}worker.js` } });
  await checkLoad('./');
});

test('beside a disk, document and location change nothing: paths are paths', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kvc-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(root, name), content);
  t.after(() => {
    delete globalThis.document;
    delete globalThis.location;
  });
  for (const href of ['http://localhost:3000/', 'about:blank', pathToFileURL('/somewhere/worker.js').href]) {
    globalThis.document = { baseURI: href };
    globalThis.location = { href };
    for (const source of [root, pathToFileURL(root), pathToFileURL(root).href, server.url]) {
      await checkLoad(source);
    }
  }
});

test('what looks like Node but has no disk says so', async (t) => {
  const real = globalThis.process;
  globalThis.process = { versions: {} }; // as bundlers make it up
  t.after(() => { globalThis.process = real; });
  await rejectsCode(openDirectory('some/path'), 'invalid_argument', /absolute URL/);
});

test('URLs, Maps and Blobs of another realm are as good', async () => {
  const [href, foreignMap] = [server.url, runInNewContext('new Map()')];
  assert.ok(!(foreignMap instanceof Map));
  const parts = new URL(href);
  const foreignUrl = runInNewContext('parts', { parts: { href, protocol: parts.protocol } });
  assert.ok(!(foreignUrl instanceof URL));
  await checkLoad(foreignUrl);
  for (const [name, content] of Object.entries(FILES)) {
    const blob = blobOf(content);
    foreignMap.set(name, { size: blob.size, stream: () => blob.stream() });
  }
  await checkLoad(foreignMap);
});

test('disk: a file system with other defaults than Node\'s, such as Yarn\'s', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kvc-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(root, name), content);
  const handle = await open(join(root, 'config.json'));
  const kind = Object.getPrototypeOf(handle);
  await handle.close();
  const { read } = kind;
  t.after(() => { kind.read = read; });
  kind.read = function (how, offset = 0, length = 0, position) { // as Yarn 4 has it
    const options = Buffer.isBuffer(how) ? { buffer: how, offset, length, position } : how;
    if (!ArrayBuffer.isView(options.buffer)) throw new TypeError('an ArrayBuffer cannot be read into');
    if (options.position !== null) throw new Error('a position that is no number reads anywhere');
    return read.call(this, options.buffer, options.offset ?? 0, options.length ?? 0, null);
  };
  await checkLoad(root);
});

// ---- faults: every file in every way -----------------------------------------------------------

const cuts = (name) => {
  const { length } = Buffer.from(FILES[name]);
  const headerBytes = () => Number(new DataView(FILES[name].buffer).getBigUint64(0, true));
  const headerEnd = name === 'model.safetensors' ? 8 + headerBytes() : 12;
  return [1, 7, headerEnd - 1, headerEnd, Math.floor(length / 2), length - 1];
};

for (const name of Object.keys(FILES)) {
  const isModel = name === 'model.safetensors';
  const fails = async (handler, code, options) => {
    server.faults[name] = handler;
    const error = await rejectsCode(loadAll(server.url, options), code);
    assert.ok(error.message.includes(server.url + name), error.message);
    delete server.faults[name];
    await checkLoad(server.url);
  };

  test(`${name}: answers that are no file`, async () => {
    for (const status of [400, 401, 403, 500, 503]) await fails(fault.status(status), 'file_unreachable');
    await fails(fault.reset, 'file_unreachable');
    await fails(fault.empty, isModel ? 'safetensors_header_too_small' : 'json_invalid');
    if (name === 'generation_config.json') return;
    await fails(fault.html, 'file_is_html');
    await fails(fault.htmlUntyped, 'file_is_html');
    for (const status of [404, 410]) await fails(fault.status(status), 'file_unreachable');
  });

  test(`${name}: bodies that are cut, short, or too long`, async () => {
    await fails(fault.cut(0), 'file_unreachable');
    for (const n of cuts(name)) {
      await fails(fault.cut(n), 'file_truncated');
      if (!isModel) await fails(fault.short(n), 'json_invalid');
    }
    if (isModel) {
      const [, , beforeEnd, headerEnd] = cuts(name);
      for (const n of [0, 1, 7]) await fails(fault.short(n), 'safetensors_header_too_small');
      for (const n of [8, beforeEnd]) await fails(fault.short(n), 'safetensors_header_length');
      for (const n of [headerEnd, headerEnd + 1, SIZE - 1]) await fails(fault.short(n), 'file_truncated');
    }
    await fails(fault.extra, isModel ? 'safetensors_trailing_bytes' : 'json_invalid');
    // A length that is too long is believed when the header is checked against it, before any data comes.
    await fails(fault.lengthOff(10), isModel ? 'safetensors_trailing_bytes' : 'file_truncated');
    await fails(fault.lengthOff(-10), isModel ? 'file_truncated' : 'json_invalid');
  });

  test(`${name}: harmless transfers`, async () => {
    for (const handler of [fault.gzip, fault.chunked]) {
      server.faults[name] = handler;
      await checkLoad(server.url);
    }
  });

  test(`${name}: silence is not waited for longer than idleMs`, async () => {
    await fails(fault.silent, 'file_unreachable', { idleMs: 300 });
    const last = Buffer.from(FILES[name]).length - 1;
    for (const n of [0, 1, 7, last]) await fails(fault.stall(n), 'file_unreachable', { idleMs: 300 });
  });
}

test('an optional file may be absent, and nothing else', async () => {
  for (const status of [404, 410]) {
    server.faults['generation_config.json'] = fault.status(status);
    assert.equal((await checkLoad(server.url)).temperature, 0);
  }
});

test('nobody listens, no such host, no network', async () => {
  const listener = createServer();
  await new Promise((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
  const { port } = listener.address();
  await new Promise((resolve) => { listener.close(resolve); });
  const refused = new RegExp(`:${port}/m/config\\.json.*ECONNREFUSED`);
  const error = await rejectsCode(loadAll(`http://127.0.0.1:${port}/m/`), 'file_unreachable', refused);
  assert.ok(error.cause instanceof Error);
  await rejectsCode(loadAll('http://model.invalid/'), 'file_unreachable', /model\.invalid\/config\.json/);
  for (const thrown of [new TypeError('Failed to fetch'), 'odd', undefined]) {
    const broken = () => { throw thrown; };
    const directory = await openDirectory(server.url, { fetch: broken });
    const optional = directory.json('config.json', { optional: true });
    await rejectsCode(optional, 'file_unreachable');
  }
});

test('a redirect is followed, but not out of https', async () => {
  server.faults['config.json'] = (response, bytes, request) => {
    if (request.url.includes('moved')) response.end(bytes);
    else response.writeHead(302, { location: '/model/config.json?moved' }).end();
  };
  await checkLoad(server.url);
  const response = new Response('{}');
  Object.defineProperty(response, 'url', { value: 'http://plain.test/config.json' });
  const directory = await openDirectory('https://safe.test/', { fetch: async () => response });
  await rejectsCode(directory.json('config.json'), 'file_unreachable', /not encrypted/);
});

test('a slow server is waited for: only silence counts', async () => {
  server.faults['config.json'] = async (response, bytes) => {
    response.writeHead(200);
    for (const byte of bytes.subarray(0, 40)) {
      response.write(Buffer.of(byte));
      await pause(10);
    }
    response.end(bytes.subarray(40));
  };
  await checkLoad(server.url, { idleMs: 300 });
});

test('another origin: its length is only a hint, since its compression cannot be seen', async () => {
  const file = FILES['config.json'];
  const answer = (length) => {
    const response = new Response(file, { headers: { 'content-length': String(length) } });
    Object.defineProperty(response, 'type', { value: 'cors' });
    return response;
  };
  for (const length of [10, file.length, 10 * file.length]) {
    const directory = await openDirectory('https://cdn.test/', { fetch: async () => answer(length) });
    parseConfig(await directory.json('config.json'));
    assert.equal((await directory.open('config.json')).size, undefined);
  }
});

test('a response without a body is an empty file', async () => {
  const directory = await openDirectory('http://x.test/', { fetch: async () => new Response(null) });
  await rejectsCode(directory.json('config.json'), 'json_invalid', /empty/);
});

// ---- JSON --------------------------------------------------------------------------------------

const jsonOf = async (content, name = 'config.json') => (
  (await openDirectory({ [name]: blobOf(content) })).json(name));

/** A web server that answers every request with such a body. */
const served = (body) => openDirectory('http://x.test/', { fetch: async () => new Response(body()) });

test('json: valid, with a byte order mark, and json_invalid with the name of the file', async () => {
  assert.deepEqual(await jsonOf('\ufeff{"a":[1,"é"]}'), { a: [1, 'é'] });
  for (const content of ['', ' ', '{', '{"a":1,}', 'NaN', Uint8Array.of(0x22, 0xff, 0x22)]) {
    await rejectsCode(jsonOf(content), 'json_invalid', /config\.json/);
  }
});

test('json: long files are refused without reading them, those of a tokenizer may be longer', async () => {
  const text = (n) => `"${'x'.repeat(n - 2)}"`;
  assert.equal((await jsonOf(text(2 ** 20))).length, 2 ** 20 - 2);
  await rejectsCode(jsonOf(text(2 ** 20 + 1)), 'json_invalid', /longer than 1048576 bytes/);
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'vocab.json']) { // Gemma's config has 1.2 MB
    assert.equal((await jsonOf(text(2 ** 20 + 1), name)).length, 2 ** 20 - 1);
  }
  let sent = 0;
  const endless = () => new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(65_536).fill(32));
      sent += 65_536;
    },
  });
  await rejectsCode((await served(endless)).json('config.json'), 'json_invalid', /longer/);
  assert.ok(sent < 2 ** 21, `${sent} bytes were read`);
});

test('json: keys that mean something to JavaScript are only keys', async () => {
  const value = await jsonOf('{"__proto__":{"polluted":1},"constructor":2}');
  assert.ok(Object.hasOwn(value, '__proto__'));
  assert.equal(value.polluted, undefined);
  assert.equal({}.polluted, undefined);
});

test('web pages are recognised by their beginning, whatever stands before it', async () => {
  const pages = ['<!doctype html>', '<!DOCTYPE HTML PUBLIC', '<html lang="en">', '\n\t <HTML>'];
  for (const page of [...pages, '\ufeff<html>', '<head>', '<!-- hi --><html>', '<?xml version="1.0"?>']) {
    await rejectsCode(jsonOf(page), 'file_is_html', /config\.json.*web page/);
  }
  await rejectsCode(jsonOf('<x>'), 'json_invalid');
});

// ---- FileStream --------------------------------------------------------------------------------

test('take and chunks hand out every byte once, whatever the pieces', async () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
  for (const step of [1, 3, 64, 65, 999, 1000, 5000]) {
    const body = () => new ReadableStream({
      start(controller) {
        for (let i = 0; i < bytes.length; i += step) {
          controller.enqueue(bytes.slice(i, i + step));
          controller.enqueue(new Uint8Array(0));
        }
        controller.close();
      },
    });
    const directory = await openDirectory('http://x.test/', { fetch: async () => new Response(body()) });
    const stream = await directory.open('x.bin');
    assert.equal(stream.name, 'x.bin');
    assert.equal(stream.where, 'http://x.test/x.bin');
    assert.equal(stream.size, undefined);
    const head = [];
    for (const n of [0, 1, 69, 30]) head.push(...await stream.take(n));
    assert.equal(head.length, 100);
    const rest = await collect(stream.chunks());
    assert.ok(rest.every((chunk) => chunk.length > 0));
    assert.deepEqual(Buffer.concat([Buffer.from(head), ...rest]), Buffer.from(bytes));
  }
});

test('take gives fewer bytes at the end of the file; a closed stream is invalid_argument', async () => {
  const directory = await openDirectory({ x: blobOf('12345') });
  const stream = await directory.open('x');
  assert.equal(stream.size, 5);
  assert.equal((await stream.take(6)).length, 5);
  assert.equal((await stream.take(1)).length, 0);
  stream.close();
  await rejectsCode(stream.take(1), 'invalid_argument', /closed/);
  const again = await directory.open('x');
  for await (const chunk of again.chunks()) {
    assert.equal(chunk.length, 5);
    break;
  }
  await rejectsCode(again.take(1), 'invalid_argument', /closed/);
  again.close();
});

test('expect makes an earlier end an error', async () => {
  const stream = await (await served(() => '12345')).open('x');
  stream.expect(6);
  await rejectsCode(collect(stream.chunks()), 'file_truncated', /5 bytes: it should have 6/);
});

test('leaving the loop or closing cancels the transfer', async () => {
  for (const leave of ['break', 'close', 'throw']) {
    let signal;
    const endless = (_, init) => {
      signal = init.signal;
      return new Response(new ReadableStream({
        pull(controller) { controller.enqueue(new Uint8Array(100)); },
      }));
    };
    const directory = await openDirectory('http://x.test/', { fetch: async (...args) => endless(...args) });
    const stream = await directory.open('x');
    const all = async (work) => { for await (const _ of stream.chunks()) work(); };
    assert.equal(signal.aborted, false);
    if (leave === 'close') stream.close();
    else if (leave === 'break') for await (const _ of stream.chunks()) break;
    else await assert.rejects(all(() => { throw new Error('mine'); }), /mine/);
    assert.equal(signal.aborted, true, leave);
  }
});

// ---- abort -------------------------------------------------------------------------------------

const isAbort = async (promise, reason) => {
  const error = await rejectsCode(promise, 'aborted');
  assert.equal(error.name, 'AbortError');
  assert.equal(error.cause, reason);
};

test('abort before the start', async () => {
  const reason = new Error('never mind');
  const signal = AbortSignal.abort(reason);
  const requests = server.requests.length;
  await isAbort(openDirectory(server.url, { signal }), reason);
  await isAbort(openDirectory({}, { signal }), reason);
  assert.equal(server.requests.length, requests);
});

test('abort while the server thinks, and while it stalls', async () => {
  for (const handler of [fault.silent, fault.stall(0), fault.stall(20)]) {
    server.faults['model.safetensors'] = handler;
    const controller = new AbortController();
    const loading = loadAll(server.url, { signal: controller.signal });
    while (server.requests.at(-1)?.name !== 'model.safetensors') await pause(1);
    setTimeout(() => controller.abort('stop'), 30);
    await isAbort(loading, 'stop');
    server.requests.length = 0;
  }
});

test('a request that is given up is cancelled: after an abort, after silence, after a refusal', async () => {
  let transfer;
  const fetchFile = (url, init) => {
    transfer = init.signal;
    return fetch(url, init);
  };
  server.faults['config.json'] = fault.silent;
  const controller = new AbortController();
  const onProgress = () => controller.abort('at once'); // before the request is even made
  const options = { fetch: fetchFile, onProgress, signal: controller.signal };
  const stopped = await openDirectory(server.url, options);
  await isAbort(stopped.json('config.json'), 'at once');
  assert.equal(transfer.aborted, true);
  const impatient = await openDirectory(server.url, { fetch: fetchFile, idleMs: 50 });
  await rejectsCode(impatient.json('config.json'), 'file_unreachable', /nothing for 0\.05 s/);
  assert.equal(transfer.aborted, true);
  server.faults['config.json'] = fault.status(500);
  await rejectsCode(impatient.json('config.json'), 'file_unreachable', /500/);
  assert.equal(transfer.aborted, true);
});

test('an abort, or closing the directory, ends every transfer, also one that nobody reads', async () => {
  for (const how of ['abort', 'close']) {
    const transfers = [];
    const fetchFile = (url, init) => {
      transfers.push(init.signal);
      return fetch(url, init);
    };
    const controller = new AbortController();
    const directory = await openDirectory(server.url, { fetch: fetchFile, signal: controller.signal });
    const streams = [await directory.open('model.safetensors'), await directory.open('config.json')];
    assert.deepEqual(transfers.map((signal) => signal.aborted), [false, false]);
    if (how === 'abort') controller.abort('enough');
    else directory.close();
    assert.deepEqual(transfers.map((signal) => signal.aborted), [true, true]);
    for (const stream of streams) {
      const error = await rejectsCode(stream.take(1), 'aborted');
      if (how === 'abort') assert.equal(error.cause, 'enough');
    }
    await rejectsCode(directory.json('config.json'), 'aborted');
  }
});

test('abort at every progress event of a load, from every kind of place', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kvc-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(root, name), content);
  const blobs = new Map(Object.entries(FILES).map(([name, content]) => [name, blobOf(content)]));
  for (const source of [server.url, root, blobs]) {
    for (let k = 1, finished = false; !finished; k++) {
      const controller = new AbortController();
      let events = 0;
      const onProgress = () => { if (++events === k) controller.abort(k); };
      const loading = loadAll(source, { signal: controller.signal, onProgress });
      const stopped = (error) => isAbort(Promise.reject(error), k).then(() => true);
      const stoppable = await loading.then(() => false, stopped);
      // Only the very last "done" comes too late to stop anything.
      if (!stoppable) {
        finished = true;
        assert.ok(k >= 12, `only ${k} events could be aborted at`);
      }
    }
  }
});

test('abort at every chunk of a body', async () => {
  const file = FILES['model.safetensors'];
  const step = 20_000;
  const total = Math.ceil(file.length / step);
  for (let k = 0; k < total; k++) {
    const controller = new AbortController();
    let sent = 0;
    let transfer;
    const body = () => new ReadableStream({
      pull(stream) {
        if (sent === k) controller.abort('now');
        stream.enqueue(file.slice(sent * step, (sent + 1) * step));
        if (++sent === total) stream.close();
      },
    }, { highWaterMark: 0 });
    const fetchFile = async (_, { signal }) => {
      transfer = signal;
      return new Response(body());
    };
    const load = async () => {
      const options = { signal: controller.signal, fetch: fetchFile };
      const directory = await openDirectory('http://x.test/', options);
      const stream = await directory.open('model.safetensors');
      return collect(tensorChunks(stream, await readHeader(stream)));
    };
    await isAbort(load(), 'now');
    assert.equal(transfer.aborted, true);
  }
});

// ---- progress ----------------------------------------------------------------------------------

function checkProgress(events, files = Object.keys(FILES)) {
  for (const file of files) {
    const own = events.filter((event) => event.file === file);
    assert.deepEqual([own[0].status, own[1].status, own.at(-1).status], ['initiate', 'download', 'done']);
    const steps = own.slice(2, -1);
    assert.ok(steps.length > 0 && steps.every((event) => event.status === 'progress'));
    let last = { loaded: 0, progress: 0 };
    for (const step of steps) {
      assert.ok(step.loaded >= last.loaded);
      assert.equal('progress' in step, 'total' in step);
      if ('progress' in step) {
        const { progress } = step;
        assert.ok(progress >= last.progress && progress <= 100, `${progress} after ${last.progress}`);
        last = step;
      } else last = { ...step, progress: last.progress };
    }
    const length = Buffer.from(FILES[file]).length;
    assert.deepEqual([last.loaded, last.total, last.progress], [length, length, 100]);
  }
  for (const value of events.flatMap(Object.values)) assert.ok(!Number.isNaN(value) && value !== undefined);
}

test('progress: every file, monotonic, never NaN, complete at the end, whatever the length is', async () => {
  for (const handler of [undefined, fault.gzip, fault.chunked]) {
    for (const name of Object.keys(FILES)) {
      if (handler) server.faults[name] = handler;
      else delete server.faults[name];
    }
    const events = [];
    await checkLoad(server.url, { onProgress: (event) => events.push(event) });
    checkProgress(events);
    assert.ok(events.every((event) => event.name === server.url));
  }
  const events = [];
  const blobs = new Map(Object.entries(FILES).map(([name, content]) => [name, blobOf(content)]));
  await checkLoad(blobs, { onProgress: (event) => events.push(event) });
  checkProgress(events);
});

test('progress: an honest total, a wrong hint, and none, on a slow body', async () => {
  const file = FILES['model.safetensors'];
  for (const hint of [undefined, 100, 30_000, file.length, file.length * 3]) {
    let at = 0;
    const body = () => new ReadableStream({
      async pull(controller) {
        await pause(12);
        controller.enqueue(file.slice(at, at + 10_000));
        at += 10_000;
        if (at >= file.length) controller.close();
      },
    });
    const fetchFile = async () => {
      const headers = hint === undefined ? {} : { 'content-length': String(hint) };
      const response = new Response(body(), { headers });
      Object.defineProperty(response, 'type', { value: 'cors' });
      return response;
    };
    const events = [];
    const started = performance.now();
    const onProgress = (event) => events.push(event);
    const directory = await openDirectory('http://x.test/', { fetch: fetchFile, onProgress });
    const stream = await directory.open('model.safetensors');
    await collect(tensorChunks(stream, await readHeader(stream)));
    checkProgress(events, ['model.safetensors']);
    const steps = events.filter((event) => event.status === 'progress');
    const elapsed = performance.now() - started;
    const seen = `${steps.length} events in ${elapsed} ms`;
    assert.ok(steps.length >= 4 && steps.length <= 2 + elapsed / 50, seen);
    // From the header on, the true size is known.
    assert.ok(steps.slice(1).every((event) => event.total === file.length));
  }
});

test('progress: sizes give a total where the server, compressing, has none', async () => {
  server.faults['model.safetensors'] = fault.gzip;
  const totals = async (sizes, fetchFile) => {
    const seen = new Set();
    const onProgress = ({ status, file, total }) => {
      if (status === 'progress' && file === 'model.safetensors') seen.add(total);
    };
    const directory = await openDirectory(server.url, { sizes, onProgress, fetch: fetchFile });
    await collect((await directory.open('model.safetensors')).chunks());
    return [...seen];
  };
  assert.deepEqual(await totals({ 'model.safetensors': SIZE }), [SIZE]);
  assert.deepEqual(await totals({ 'config.json': 5 }), [undefined, SIZE]); // in the end it is known
  assert.deepEqual(await totals({ 'model.safetensors': 5 }), [undefined, SIZE]); // a wrong one is none
  // Another site's length may be that of the compressed file: the hint is the better one.
  const packed = async () => {
    const headers = { 'content-length': `${SIZE + 7}` };
    const response = new Response(FILES['model.safetensors'], { headers });
    Object.defineProperty(response, 'type', { value: 'cors' });
    return response;
  };
  assert.deepEqual(await totals({ 'model.safetensors': SIZE }, packed), [SIZE]);
  delete server.faults['model.safetensors'];
  assert.deepEqual(await totals({ 'model.safetensors': 5 }), [SIZE]); // a server that knows is believed
});

test('progress: a silence is an event, once, and so is its end', async () => {
  server.faults['model.safetensors'] = async (response, bytes) => {
    await pause(300);
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1000));
    await pause(300);
    response.end(bytes.subarray(1000));
  };
  const events = [];
  const options = { stallMs: 100, onProgress: (event) => events.push(event) };
  const stream = await (await openDirectory(server.url, options)).open('model.safetensors');
  await collect(stream.chunks());
  const label = { name: server.url, file: 'model.safetensors' };
  const stalls = events.filter(({ status }) => status === 'stalled');
  assert.deepEqual(stalls, [{ status: 'stalled', ...label, loaded: 0 },
    { status: 'stalled', ...label, loaded: 1000, total: SIZE, progress: 100_000 / SIZE }]);
  const order = events.map(({ status }) => status).join().replace(/(progress)(,progress)+/g, '$1');
  assert.equal(order, 'initiate,stalled,download,progress,stalled,progress,done');
});

test('progress: a long silence fails after the event; a listener that throws in it is heard', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] }); // a busy machine is silent too
  const settled = async () => { for (let i = 0; i < 50; i++) await new Promise(setImmediate); };
  const weights = FILES['model.safetensors'];
  const silent = () => new Promise(() => {});
  const stalled = () => new Response(new ReadableStream({ start: (to) => to.enqueue(weights.slice(0, 20)) }));
  for (const answer of [silent, stalled]) {
    const fetchFile = async (url) => {
      const text = FILES[new URL(url).pathname.split('/').at(-1)];
      return text === weights ? answer() : new Response(text);
    };
    const load = (options) => loadAll(server.url, { fetch: fetchFile, stallMs: 30, ...options });
    const seen = [];
    const options = { idleMs: 120, onProgress: ({ status }) => seen.push(status) };
    const stalls = () => seen.filter((status) => status === 'stalled').length;
    const failed = rejectsCode(load(options), 'file_unreachable', /nothing for 0\.12 s/);
    for (const [ms, count] of [[29, 0], [1, 1], [89, 1], [1, 1]]) {
      await settled();
      t.mock.timers.tick(ms);
      assert.equal(stalls(), count);
    }
    await failed;
    const mine = new Error('mine');
    const onProgress = ({ status }) => { if (status === 'stalled') throw mine; };
    const thrown = assert.rejects(load({ onProgress }), (error) => error === mine);
    await settled();
    t.mock.timers.tick(30);
    await thrown;
  }
});

test('progress: an empty file is complete, not 0 of 0', async () => {
  const events = [];
  const directory = await openDirectory({ x: blobOf('') }, { onProgress: (event) => events.push(event) });
  assert.deepEqual(await collect((await directory.open('x')).chunks()), []);
  assert.deepEqual(events.filter((event) => event.status === 'progress'),
    [{ status: 'progress', name: 'files', file: 'x', loaded: 0, total: 0, progress: 100 }]);
});

test('an error thrown by onProgress comes out as it is and stops the transfer', async () => {
  for (const status of ['initiate', 'download', 'progress', 'done']) {
    const mine = new Error(`my ${status}`);
    let transfer;
    const fetchFile = (url, init) => {
      transfer = init.signal;
      return fetch(url, init);
    };
    const onProgress = (event) => { if (event.status === status) throw mine; };
    const loading = loadAll(server.url, { fetch: fetchFile, onProgress });
    await assert.rejects(loading, (error) => error === mine);
    if (transfer) assert.equal(transfer.aborted, true);
  }
});

test('one timer serves many waits: each silence is told once, and ends after idleMs', async () => {
  let told = 0;
  const waiting = new Waiting('it', { stallMs: 40, idleMs: 2000, onStall: () => { told++; } });
  for (let i = 0; i < 100; i++) assert.equal(await waiting.for(Promise.resolve(i)), i);
  for (const silences of [1, 2, 3]) {
    await waiting.for(sleep(70));
    assert.equal(told, silences);
    await sleep(50); // nothing is waited for, and nothing told
    assert.equal(told, silences);
  }
  await rejectsCode(waiting.for(new Promise(() => {})), 'file_unreachable', /it sent nothing for 2 s/);
  assert.equal(told, 4);
  waiting.end();
});
