// What bundlers do to the files beside scripts: the line to add where one has left or changed them, and whole
// addresses where one gives those without their origin.

/** @import { URL as Address } from './platform.js' */

const BESIDE = /\/(engine|models)\/(?:kvc[\w-]*\.wasm|(?:stories|tales|sounds)\/[\w.]+)$/;

/** What to do if a bundler did it, or ''. @param {string} url  of a file that is not as it should be */
export function bundlerAdvice(url) {
  if (url.includes('/.vite/')) {
    return "With Vite, add optimizeDeps: { exclude: ['kvcache-wasm'] } to its configuration.";
  }
  if (/\.m?js$/.test(url)) {
    return 'A bundler has made a script of it: with Parcel, add "**/kvcache-wasm/**/*.json": '
      + '["@parcel/transformer-raw"] to the transformers in .parcelrc.';
  }
  const [, folder] = BESIDE.exec(url) ?? [];
  return folder ? `If a bundler moved the scripts, copy ${folder}/ from kvcache-wasm/dist there too.` : '';
}

/**
 * A whole address: Turbopack's new URL(x, import.meta.url) has a path alone.
 * @param {Address} url
 */
export const absolute = ({ href }) => (
  new URL(href, globalThis.document?.baseURI ?? globalThis.location?.href));
