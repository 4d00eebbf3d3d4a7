// What the building blocks share: the one WebAssembly instance that they live in, and checks of what
// they are given.
import { Engine } from '../engine/engine.js';
import { KvcError, throwIfAborted } from '../engine/errors.js';

/** @type {{ engine: Engine, wasm: import('../engine/engine.js').WasmSource | undefined } | undefined} */
let current;

/**
 * Loads the engine of KVCache and CachedAttention; their constructors are synchronous after it. Called
 * again, it does nothing; asked for another variant or module, it loads that one for the objects to come.
 * @param {{ variant?: 'auto' | import('../engine/engine.js').Variant, wasm?: import('../engine/engine.js').WasmSource, signal?: AbortSignal }} [options]
 * @returns {Promise<{ variant: import('../engine/engine.js').Variant }>}
 */
export async function init({ variant = 'auto', wasm, signal } = {}) {
  throwIfAborted(signal);
  const here = () => (current?.engine.usable && (variant === 'auto' || variant === current.engine.variant)
    && (wasm === undefined || wasm === current.wasm) ? current : undefined);
  if (!here()) {
    const engine = await Engine.create({ variant, wasm, signal });
    if (!here()) current = { engine, wasm }; // two at the same time share one
  }
  return { variant: /** @type {{ engine: Engine }} */ (current).engine.variant };
}

/** The engine for a new object. @param {string} what  its class */
export function blocksEngine(what) {
  if (current) return current.engine;
  throw new KvcError('not_ready', `The engine is not loaded yet: call \`await init()\` once before \`new ${what}()\`.`);
}

/** Frees what an object that nobody disposed of has left behind; a net, not a plan. */
export const abandoned = new FinalizationRegistry((/** @type {() => void} */ free) => free());

/** Made out here, so that it holds on to nothing else. @param {Engine} engine  @param {number} block */
export const freeing = (engine, block) => () => {
  if (engine.usable) engine.call('kvc_wasm_free', block);
};

/**
 * Refuses sizes that are no whole numbers of at least 1.
 * @param {string} what  their class
 * @param {Record<string, unknown>} sizes
 */
export function refuseSizes(what, sizes) {
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isInteger(size) && Number(size) >= 1 && Number(size) < 2 ** 32) continue;
    throw new KvcError('invalid_argument', `${what}: ${name} is ${String(size)}; it must be a whole number of at least 1.`);
  }
}

/** @param {unknown} array  @param {string} name  @returns {asserts array is Float32Array} */
export function refuseArray(array, name) {
  if (!(array instanceof Float32Array)) throw new KvcError('invalid_argument', `${name} must be a Float32Array.`);
}

/**
 * How many tokens an array of `width` floats a token holds.
 * @param {unknown} array  @param {number} width  @param {string} name  @param {string} shape  for people
 */
export function tokensIn(array, width, name, shape) {
  refuseArray(array, name);
  const tokens = array.length / width;
  if (Number.isInteger(tokens) && tokens >= 1) return tokens;
  throw new KvcError('invalid_argument', `${name} has ${array.length} floats; its shape must be ${shape}: a multiple of ${width}, of at least one token.`);
}

/** (A, B, D) -> (B, A, D), a copy unless both are the same. @param {Float32Array} x  @param {number} A  @param {number} B  @param {number} D */
export function swapAxes(x, A, B, D) {
  if (A === 1 || B === 1) return x;
  const y = new Float32Array(x.length);
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++) y.set(x.subarray((a * B + b) * D, (a * B + b + 1) * D), (b * A + a) * D);
  }
  return y;
}

/** @param {Engine} engine  @param {number} pointer  @param {Float32Array} floats */
export function write(engine, pointer, floats) {
  engine.bytes(pointer, floats.byteLength).set(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
}

/** A copy. @param {Engine} engine  @param {number} pointer  @param {number} length */
export function read(engine, pointer, length) {
  return new Float32Array(engine.bytes(pointer, 4 * length).slice().buffer);
}
