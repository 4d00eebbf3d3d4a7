// Where the parts lie that are not our JavaScript modules: the only file that knows it, and so the one that
// a build with everything inside swaps (web/build.js). The addresses are literals, because bundlers find
// files by reading them, and hold here as well as in a bundle one folder deep.

/**
 * @typedef {object} Assets
 * @property {() => URL} relaxed     a module of the engine
 * @property {() => URL} simd
 * @property {() => URL} scalar
 * @property {() => Worker} worker
 * @property {() => URL} workerUrl   where that worker lies
 * @property {() => URL} model       the model that is shipped: its folder
 * @property {() => URL} modelSizes  bytes of the files of each model of the site, by folder and name
 * @property {(name: string) => Promise<any>} node  a module of Node, Deno or Bun
 * @property {Inside} [inside]       of a build that needs no file beside it
 *
 * What such a build has inside, the files by name.
 * @typedef {object} Inside
 * @property {string} worker  the source of a classic worker
 * @property {Record<string, { gzip: string }>} modules  of the engine
 * @property {Record<string, { gzip: string }>} model    that is shipped
 */

/** @type {Assets} */
export const assets = {
  relaxed: () => new URL('../engine/kvc-relaxed.wasm', import.meta.url),
  simd: () => new URL('../engine/kvc.wasm', import.meta.url),
  scalar: () => new URL('../engine/kvc-scalar.wasm', import.meta.url),
  worker: () => new Worker(new URL('../worker/worker.js', import.meta.url), { type: 'module' }),
  // A bundler has found it above already.
  workerUrl: () => (
    new URL(/* webpackIgnore: true */ /* @vite-ignore */ '../worker/worker.js', import.meta.url)),
  model: () => new URL(/* webpackIgnore: true */ /* @vite-ignore */ '../models/stories/', import.meta.url),
  modelSizes: () => (
    new URL(/* webpackIgnore: true */ /* @vite-ignore */ '../models/sizes.json', import.meta.url)),
  // Under a name that bundlers for the browser leave alone.
  node: (name) => import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`),
};
