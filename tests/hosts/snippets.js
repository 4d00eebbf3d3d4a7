// The snippets of a page of the docs. A block whose first line names a file, as in ```js vite.config.js, is
// that file; all others are for reading.
export const CDN = 'https://cdn.jsdelivr.net/npm/kvcache-wasm@0.1.0/dist/';

const BLOCK = /^(`{3,})\w* ([\w./[\]-]*\.\w+)\n(.*?)^\1$/gms;

/** @returns {Record<string, string>} with another address in place of the network's */
export function filesOf(markdown, cdn) {
  const files = [...markdown.matchAll(BLOCK)].map(([,, name, text]) => [name, text.replaceAll(CDN, cdn)]);
  return Object.fromEntries(files);
}
