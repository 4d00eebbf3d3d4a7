// What the player asks of a browser, answered by the browser.

import { absolute } from '../engine/bundlers.js';
import { assets } from '../worker/assets.js';
import { shippedAt } from './shipped.js';

/** @import { Machine } from './benchmark.js' */

/**
 * @typedef {object} Surroundings
 * @property {() => boolean} isOnline
 * @property {() => Date} now
 * @property {() => Promise<Machine>} describeMachine
 * @property {(model: string) => Promise<number>} downloadSize  bytes of a model; 0 if nobody knows
 */

/** @type {Surroundings} */
export const browser = {
  isOnline: () => navigator.onLine,
  now: () => new Date(),
  describeMachine: async () => (await import('./machine.js')).describeMachine(),
  downloadSize,
};

/** @typedef {Record<string, Record<string, number>>} Sizes  bytes, by folder and file */

/** By model: any number of figures ask once. @type {Map<string, Promise<number>>} */
const asked = new Map();

/** @param {string} model */
function downloadSize(model) {
  const size = asked.get(model) ?? findSize(model);
  asked.set(model, size);
  size.catch(() => asked.delete(model));
  return size;
}

/**
 * Bytes of a model's files. Those of the site's own models were written down when it was built, because a
 * server that compresses them does not tell. A model inside the build is not downloaded.
 * @param {string} model
 */
async function findSize(model) {
  const shipped = shippedAt(model);
  if (assets.inside && shipped) return 0;
  const list = absolute(assets.modelSizes());
  const answer = await fetch(list);
  const known = answer.ok ? /** @type {Sizes} */ (await answer.json()) : {};
  const folder = Object.keys(known).find((name) => (
    shipped ? name === shipped : new URL(`${name}/`, list).href === model));
  const sizes = folder ? Object.values(known[folder]) : await askServer(model);
  return sizes.includes(0) ? 0 : sizes.reduce((sum, size) => sum + size, 0);
}

/** The bytes of the large files; 0 where they are compressed. @param {string} model */
const askServer = (model) => Promise.all(['model.safetensors', 'tokenizer.json'].map(async (file) => {
  const { ok, headers } = await fetch(new URL(file, model), { method: 'HEAD' });
  return ok && !headers.has('content-encoding') ? Number(headers.get('content-length')) : 0;
}));
