// What a page needs beside its scripts, but for the shipped model (models/stories.js). The addresses are
// literals, as in engine/assets.js. They stand apart from those because the worker needs those too: a bundler
// that found the worker's address inside the worker would begin with it again, and some never end.

/**
 * @import { Bug } from '../lab.js'
 *
 * @typedef {object} PageAssets
 * @property {() => Worker} worker
 * @property {() => URL} workerUrl   where that worker lies
 * @property {() => URL} lab         the module with planted bugs
 * @property {() => URL} labBugs     their list
 * @property {() => URL} modelSizes  bytes of the files of each model of the site, by folder and name
 * @property {Inside} [inside]       of a build that needs no file beside it
 *
 * What such a build has inside, the files by name.
 * @typedef {object} Inside
 * @property {string} url     stands for the model
 * @property {string} worker  the source of a classic worker
 * @property {Record<string, { gzip: string }>} modules  of the engine
 * @property {{ gzip: string }} lab  the module with planted bugs
 * @property {readonly Bug[]} bugs
 * @property {Record<string, { gzip: string }>} model    that is shipped
 */

/** @type {PageAssets} */
export const assets = {
  worker: () => new Worker(new URL('../worker/worker.js', import.meta.url), { type: 'module' }),
  // A bundler has found it above already.
  workerUrl: () => (
    new URL(/* webpackIgnore: true */ /* @vite-ignore */ '../worker/worker.js', import.meta.url)),
  lab: () => new URL('../engine/kvc-lab.wasm', import.meta.url),
  labBugs: () => new URL('../engine/kvc-lab.json', import.meta.url),
  modelSizes: () => new URL('../models/sizes.json', import.meta.url),
};
