// The one WebAssembly instance that KVCache and CachedAttention live in.
import { checkSignal, optionsOf } from './arguments.js';
import { Engine, checkBuild } from './engine.js';
import { KvcError, throwIfAborted } from './errors.js';

/**
 * @import { AbortSignal, WasmSource } from './platform.js'
 * @import { Variant } from './variants.js'
 *
 * @typedef {object} InitOptions
 * @property {'auto' | Variant} [variant]  the build of the engine; auto: the fastest that runs here
 * @property {WasmSource} [wasm]           where the module is, if not beside the scripts
 * @property {number} [maxMemory]          bytes that its memory may grow to: 1 GB if not said, 4 GB at most
 * @property {AbortSignal} [signal]        rejects with code "aborted"
 */

/** @type {readonly (keyof InitOptions)[]} */
export const INIT_OPTIONS = ['variant', 'wasm', 'maxMemory', 'signal'];

/** @type {{ engine: Engine, wasm?: WasmSource, maxMemory?: number } | undefined} */
let current;

/**
 * Loads the engine of KVCache and CachedAttention; their constructors are synchronous after it. Called
 * again, it does nothing; with another variant, module or memory, it loads that one for the objects to come.
 * @param {InitOptions} [options]
 * @returns {Promise<{ variant: Variant }>}
 */
export async function init(options) {
  const { variant = 'auto', wasm, maxMemory, signal } = optionsOf('init()', options, INIT_OPTIONS);
  checkSignal(signal);
  checkBuild({ variant, wasm, maxMemory });
  throwIfAborted(signal);
  const suits = () => (current?.engine.usable && (variant === 'auto' || variant === current.engine.variant)
    && (wasm === undefined || wasm === current.wasm)
    && (maxMemory === undefined || maxMemory === current.maxMemory) ? current.engine : undefined);
  if (suits()) return { variant: /** @type {Engine} */ (suits()).variant };
  const engine = await Engine.create({ variant, wasm, maxMemory, signal });
  if (!suits()) current = { engine, wasm, maxMemory }; // of two calls together the first one's is shared
  return { variant: /** @type {Engine} */ (suits()).variant };
}

/** The engine for a new object. @param {string} what  its class */
export function sharedEngine(what) {
  if (current) return current.engine;
  throw new KvcError('not_ready',
    `The engine is not loaded yet: call \`await init()\` once before \`new ${what}()\`.`);
}
