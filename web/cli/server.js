// A static file server: for the page in this package, for development and for tests.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** @import { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http' */

/** @type {Readonly<Record<string, string>>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
};

/**
 * Serves a folder on this machine only; resolves with the server once it listens.
 * @param {string} folder
 * @param {number} [port]  0: any free one
 * @param {OutgoingHttpHeaders} [headers]  more of them, with every answer
 * @returns {Promise<Server>}
 */
export function serve(folder, port = 0, headers = {}) {
  const root = resolve(folder);
  const server = createServer((request, response) => {
    answer(root, request, response, headers).catch(() => response.destroy()); // the reader went away
  });
  return new Promise((done, fail) => {
    server.once('error', fail).listen(port, '127.0.0.1', () => done(server));
  });
}

/**
 * @param {string} root  @param {IncomingMessage} request  @param {ServerResponse} response
 * @param {OutgoingHttpHeaders} more
 */
async function answer(root, { method = '', url = '/', headers }, response, more) {
  const say = (/** @type {number} */ status, /** @type {OutgoingHttpHeaders} */ own = {}) => {
    response.writeHead(status, { ...more, ...own }).end(`${status}\n`);
  };
  if (!['GET', 'HEAD'].includes(method)) return say(405, { allow: 'GET, HEAD' });
  let path;
  try {
    path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return say(400);
  }
  const file = resolve(root, `.${path.endsWith('/') ? `${path}index.html` : path}`);
  if (!file.startsWith(root + sep) || path.includes('\0')) return say(404);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) return say(301, { location: `${encodeURI(path)}/` });
  if (!found?.isFile()) return say(404);
  const etag = `"${found.size.toString(36)}-${found.mtimeMs.toString(36)}"`;
  // A rebuilt file is seen at the next reload, and one that is the same is not sent again.
  const always = { etag, 'cache-control': 'no-cache', ...more };
  if (isKnown(headers['if-none-match'], etag)) return void response.writeHead(304, always).end();
  response.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'content-length': found.size,
    ...always,
  });
  if (method === 'HEAD') response.end();
  else await pipeline(createReadStream(file), response);
}

/**
 * Whether the reader has this version.
 * @param {string | undefined} known  If-None-Match: tags, or "*"  @param {string} etag
 */
function isKnown(known = '', etag) {
  const tags = known.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
