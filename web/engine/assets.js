// Where the parts of the engine lie that are not JavaScript modules: with worker/assets.js the only file that
// knows it, and so what a build with everything inside swaps (web/build.js). The addresses are literals,
// because bundlers find files by reading them, and hold here as well as in a bundle one folder deep.

/**
 * @typedef {object} Assets
 * @property {() => URL} relaxed     a module of the engine
 * @property {() => URL} simd
 * @property {() => URL} scalar
 * @property {(name: string) => Promise<any>} node  a module of Node, Deno or Bun
 */

/** @type {Assets} */
export const assets = {
  relaxed: () => new URL('../engine/kvc-relaxed.wasm', import.meta.url),
  simd: () => new URL('../engine/kvc.wasm', import.meta.url),
  scalar: () => new URL('../engine/kvc-scalar.wasm', import.meta.url),
  // Under a name that bundlers for the browser leave alone.
  node: (name) => import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`),
};
