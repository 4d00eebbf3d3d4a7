// How long a text may get in the worker. A model's own limit may be tens of thousands of tokens, whose cache
// would not fit; and a run, its proof and looks inside have a cache each.
import { cacheBytes, capacityWithin } from '../cache/sizes.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Model } from '../session/model.js'
 */

const CACHES = 6;          // at the same time: run, proof, two of the lens, two of a fork
const MOST_BYTES = 96 * 2 ** 20; // of one
const STEP = 64;           // tokens, and the least

/**
 * Tokens that a session is made for; a source may have as many.
 * @param {Readonly<Config>} config
 * @param {ReturnType<Model['memoryUsage']>} memory  of the model, which has no session yet
 */
export function roomFor(config, { totalBytes, maxBytes }) {
  const hasSource = config.encoder !== undefined;
  const least = Math.min(STEP, config.nPositions);
  const room = { capacity: least, sourceCapacity: hasSource ? least : 0 };
  const bytes = cacheBytes(config, {}, room);
  const budget = Math.max(bytes.cacheBytes + bytes.crossBytes,
    Math.min(MOST_BYTES, (maxBytes - totalBytes) / CACHES));
  const most = capacityWithin('load', config, {},
    { cacheBytes: budget, most: config.nPositions, sequences: 1, hasSource });
  return most < config.nPositions ? most - most % STEP : most;
}
