// The snippets of a page of the docs. A block whose first line names a file, as in ```js vite.config.js, is
// that file; all others are for reading.
export const CDN = 'https://cdn.jsdelivr.net/npm/kvcache-wasm@0.1.0/dist/';
const SITE = 'https://YOUR-SITE/'; // with a copy of the same folder

const BLOCK = /^(`{3,})\w* ([\w./[\]-]*\.\w+)\n(.*?)^\1$/gms;

/** @returns {Record<string, string>} with another address for the network's and the reader's own site's */
export function filesOf(markdown, cdn) {
  const files = [...markdown.matchAll(BLOCK)]
    .map(([,, name, text]) => [name, text.replaceAll(CDN, cdn).replaceAll(SITE, cdn)]);
  return Object.fromEntries(files);
}
