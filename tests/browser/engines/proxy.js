// Stands between a browser and the tests' server: puts a script in front of every document, and sees each
// request.
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { foreign } from './watch.js';

const SCRIPT = '/.before-the-page.js'; // from the page's own site, as its policy may ask

/** @param {string} source of the script */
export async function startProxy(source) {
  const complaints = [];
  let site;
  const seen = (url) => {
    if (foreign(url, site)) complaints.push(`request: ${url}`);
  };
  const server = createServer((asked, answer) => {
    seen(asked.url);
    if (new URL(asked.url).pathname === SCRIPT) {
      answer.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' });
      answer.end(`${source}\ndocument.currentScript.remove();`);
      return;
    }
    const headers = { ...asked.headers, 'accept-encoding': 'identity' };
    const passed = forward(asked.url, { method: asked.method, headers });
    passed.on('response', (given) => pass(asked, given, answer));
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy()); // the browser has given up
    asked.pipe(passed);
  });
  server.on('connect', ({ url }, socket) => {
    seen(`https://${url}`);
    socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${server.address().port}`,
    complaints,
    visit: (url) => {
      site = url;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function pass(asked, given, answer) {
  const isDocument =
    ['document', 'iframe'].includes(asked.headers['sec-fetch-dest']) &&
    /^text\/html/.test(given.headers['content-type']);
  if (!isDocument || asked.method === 'HEAD') {
    answer.writeHead(given.statusCode, given.headers);
    given.on('error', () => answer.destroy()).pipe(answer);
    return;
  }
  const { 'content-length': _, ...headers } = given.headers;
  const chunks = [];
  given.on('data', (chunk) => chunks.push(chunk));
  given.on('error', () => answer.destroy());
  given.on('end', () => {
    const html = Buffer.concat(chunks).toString();
    answer.writeHead(given.statusCode, headers);
    answer.end(html.replace(/^(\s*<!doctype[^>]*>)?/i, `$1<script src="${SCRIPT}"></script>`));
  });
}
