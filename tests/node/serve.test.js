// The development server: files and nothing else, and a file that the reader has is not sent again.
import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { serve } from '../serve.js';

let root;
let server;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'kvc-serve-'));
  await mkdir(join(root, 'site', 'model'), { recursive: true });
  await writeFile(join(root, 'secret.txt'), 'secret');
  await writeFile(join(root, 'site', 'index.html'), '<title>x</title>');
  await writeFile(join(root, 'site', 'model', 'a.json'), '{"a":1}');
  server = await serve(join(root, 'site'), 0, { 'x-more': 'yes' });
});
after(async () => {
  server.close();
  await rm(root, { recursive: true });
});

/** The bare answer: fetch() would tidy up the path, follow a redirect, and hide a 304. */
const ask = (path, headers = {}, method = 'GET') => new Promise((resolve, reject) => {
  request({ port: server.address().port, path, headers, method }, async (response) => {
    let body = '';
    for await (const chunk of response) body += chunk;
    resolve({ status: response.statusCode, headers: response.headers, body });
  }).on('error', reject).end();
});

test('a file, its head, a folder; nothing outside, and no other method', async () => {
  const { status, headers, body } = await ask('/model/a.json');
  assert.deepEqual([status, body], [200, '{"a":1}']);
  assert.deepEqual([headers['content-length'], headers['x-more']], ['7', 'yes']);
  assert.match(headers['content-type'], /^application\/json/);
  const head = await ask('/model/a.json', {}, 'HEAD');
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '7']);
  assert.equal((await ask('/')).body, '<title>x</title>');
  assert.equal((await ask('/model')).headers.location, '/model/');
  const outside = ['/../secret.txt', '/%2e%2e/secret.txt', '/model/..%2f..%2fsecret.txt'];
  for (const path of ['/none', '/a%00', ...outside]) {
    assert.equal((await ask(path)).status, 404, path);
  }
  assert.equal((await ask('/%ff')).status, 400);
  assert.equal((await ask('/', {}, 'POST')).status, 405);
});

test('a reload transfers nothing until the file changes', async () => {
  const { headers: { etag, 'cache-control': caching } } = await ask('/model/a.json');
  assert.match(etag, /^"[\w.-]+"$/);
  assert.equal(caching, 'no-cache'); // kept, but asked about
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await ask('/model/a.json', { 'if-none-match': known });
    assert.deepEqual([again.status, again.body], [304, ''], known);
    assert.deepEqual([again.headers.etag, again.headers['x-more']], [etag, 'yes']);
  }
  assert.equal((await ask('/model/a.json', { 'if-none-match': '"other"' })).status, 200);
  await writeFile(join(root, 'site', 'model', 'a.json'), '{"a":2}'); // as long as before
  await utimes(join(root, 'site', 'model', 'a.json'), 1, 1);
  const changed = await ask('/model/a.json', { 'if-none-match': etag });
  assert.deepEqual([changed.status, changed.body], [200, '{"a":2}']);
  assert.notEqual(changed.headers.etag, etag);
});
