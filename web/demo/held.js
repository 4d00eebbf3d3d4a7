// Tokens whose K and V are in the cache, in bytes and back. Pure.

/**
 * @import { Config } from '../config/config.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 */

/**
 * How many the cache holds, also those that only layers without a window still have.
 * @param {Pick<MemoryUsage, 'usedBytes' | 'freedBytes' | 'bytesPerToken'> | undefined} memory
 */
export const heldIn = (memory) => (
  memory ? Math.round((memory.usedBytes + memory.freedBytes) / memory.bytesPerToken) : 0);

/**
 * The first of them, which layers with a window have given back.
 * @param {Pick<MemoryUsage, 'freedBytes' | 'bytesPerToken'> | undefined} memory
 * @param {Pick<Config, 'nLayer' | 'window'> | undefined} config
 */
export const freedIn = (memory, config) => (memory && config?.window
  ? Math.round(memory.freedBytes / memory.bytesPerToken * config.nLayer / config.window.layers.length) : 0);
