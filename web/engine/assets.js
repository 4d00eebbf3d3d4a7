// The addresses of the parts that are not JavaScript modules: the only file that knows them, and so the one
// that a build with everything inside swaps. They are literals, because bundlers find files by reading them,
// and hold here as well as in a bundle one folder deep.
export const assets = {
  relaxed: () => new URL('../engine/kvc-relaxed.wasm', import.meta.url),
  simd: () => new URL('../engine/kvc.wasm', import.meta.url),
  scalar: () => new URL('../engine/kvc-scalar.wasm', import.meta.url),
  worker: () => new Worker(new URL('../worker/worker.js', import.meta.url), { type: 'module' }),
  // A folder, which no bundler can find.
  model: () => new URL(/* webpackIgnore: true */ /* @vite-ignore */ '../models/stories/', import.meta.url),
  // Where that worker lies. A bundler has found it above already.
  workerUrl: () => (
    new URL(/* webpackIgnore: true */ /* @vite-ignore */ '../worker/worker.js', import.meta.url)),
};
