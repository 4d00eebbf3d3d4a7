// What the machine can do at most, measured by src/probe.c in an instance of its own of the same module:
// the same build in the same JavaScript engine as what is held against it. Its memory goes with it.
import { KvcError } from '../engine/errors.js';
import { Engine } from '../engine/engine.js';

const BLOCK = 128;          // bytes that are read at once: KVC_PROBE_BLOCK
const CHAINS = 12;          // KVC_PROBE_CHAINS
const FLOATS = 8 * CHAINS;  // multiplications and additions of a round, in f32
const INTEGERS = 4 * FLOATS;
const BYTES_AT_A_TIME = 2e6, ROUNDS_AT_A_TIME = 10_000; // between two looks at the clock

export class Limits {
  #engine;
  #memory;
  #bytes;

  /** @param {Engine} engine  @param {number} bytes */
  constructor(engine, bytes) {
    this.#engine = engine;
    this.#bytes = Math.ceil(bytes / BLOCK) * BLOCK;
    this.#memory = engine.call('kvc_wasm_allocate', this.#bytes);
    if (this.#memory === 0) {
      throw new KvcError('out_of_memory', `There are no ${this.#bytes} bytes to measure how fast as many are read as the model has. Choose a smaller model.`);
    }
    engine.bytes(this.#memory, this.#bytes).fill(1); // untouched pages would all be one page of zeros
  }

  /**
   * @param {import('../engine/engine.js').Variant} variant  the build
   * @param {number} bytes  that read() reads
   * @param {AbortSignal} [signal]
   */
  static async create(variant, bytes, signal) {
    const engine = await Engine.create({ variant, signal });
    try {
      const limits = new Limits(engine, bytes);
      limits.read(20); // until the JavaScript engine has compiled them well
      limits.multiplyAdd('f32', 20);
      limits.multiplyAdd('int8', 20);
      return limits;
    } catch (error) {
      engine.dispose();
      throw error;
    }
  }

  /** Bytes per second, from the first to the last and over again. @param {number} windowMs */
  read(windowMs) {
    const times = Math.max(1, Math.round(BYTES_AT_A_TIME / this.#bytes));
    return this.#bytes * times * perSecond(windowMs, () => this.#engine.call('kvc_wasm_probe_read', this.#memory, this.#bytes, times));
  }

  /**
   * Multiplications and additions per second, both counted: of floats, or of the small integers that int8
   * weights are multiplied as.
   * @param {'f32' | 'int8'} weights  @param {number} windowMs
   */
  multiplyAdd(weights, windowMs) {
    const [probe, factor, each] = weights === 'int8'
      ? /** @type {const} */ (['kvc_wasm_probe_dot', 0, INTEGERS]) : /** @type {const} */ (['kvc_wasm_probe_multiply_add', 0.5, FLOATS]);
    return each * ROUNDS_AT_A_TIME * perSecond(windowMs, () => this.#engine.call(probe, ROUNDS_AT_A_TIME, factor));
  }

  dispose() {
    this.#engine.dispose();
  }
}

/** @param {number} windowMs  @param {() => void} work */
function perSecond(windowMs, work) {
  const start = performance.now();
  let [ms, done] = [0, 0];
  for (; ms < windowMs; ms = performance.now() - start, done++) work();
  return (1e3 * done) / ms;
}
