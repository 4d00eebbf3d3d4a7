// The line to add where a bundler has taken scripts and left, or changed, the files beside them.

const BESIDE = /\/(engine|models)\/(?:kvc[\w-]*\.wasm|stories\/[\w.]+)$/;

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
