// How long a text may get in the worker. A model's own limit may be tens of thousands of tokens, whose cache
// would not fit; and a run, its proof and looks inside have a cache each.
import { cacheBytesPerToken } from '../measure/tables.js';

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
  const bytes = Math.min(MOST_BYTES, (maxBytes - totalBytes) / CACHES);
  const each = cacheBytesPerToken(config, 'f32') * (config.encoder ? 2 : 1); // as much again for the source
  const tokens = STEP * Math.max(1, Math.floor(bytes / each / STEP));
  return Math.min(config.nPositions, tokens);
}
