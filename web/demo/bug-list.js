// The bugs to choose from, and how much their module is to be downloaded.
import { absolute } from '../engine/bundlers.js';
import { assets } from '../worker/assets.js';

/**
 * @import { Bug } from '../lab.js'
 * @import { ScenarioName } from '../lab/scenarios.js'
 *
 * @typedef {Bug & { scenario: ScenarioName, threads: string[] }} Offered
 * @typedef {{ bugs: Offered[], bytes: number }} BugList  bytes: 0 where nobody knows, or none have to come
 */

/** @type {Promise<BugList> | undefined} */
let asked;

/** Fetched once for all figures; where that fails, the next one asks again. */
export function bugList() {
  asked ??= find();
  asked.catch(() => { asked = undefined; });
  return asked;
}

/** @returns {Promise<BugList>} */
async function find() {
  const { inside } = assets;
  if (inside) return { bugs: offeredIn(inside.bugs), bytes: 0 };
  const sizes = /** @type {Promise<{ engine?: Record<string, number> }>} */ (json(assets.modelSizes()))
    .catch(() => undefined); // the button says less then
  const bugs = /** @type {Promise<Bug[]>} */ (json(assets.labBugs()));
  return { bugs: offeredIn(await bugs), bytes: (await sizes)?.engine?.['kvc-lab.wasm'] ?? 0 };
}

/** @param {readonly Bug[]} bugs */
const offeredIn = (bugs) => /** @type {Offered[]} */ (bugs.filter(({ scenario }) => scenario));

/** @param {URL} url */
async function json(url) {
  const response = await fetch(absolute(url));
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  return response.json();
}
