// What the machine can do at most, measured by src/kernels/probe.c in an instance of its own of the same
// module: the same build in the same JavaScript engine as what is held against it. Its memory goes with it.
import { PROBE } from '../engine/abi.js';
import { threadClock } from '../engine/clock.js';
import { Engine } from '../engine/engine.js';

/**
 * @import { WasmSource } from '../engine/platform.js'
 * @import { Variant } from '../engine/variants.js'
 */

const FLOATS = 8 * PROBE.CHAINS;  // multiplications and additions of a round, in f32
const INTEGERS = 4 * FLOATS;
const BYTES_AT_A_TIME = 2e6, ROUNDS_AT_A_TIME = 10_000; // between two looks at the clock

export class Limits {
  #engine;
  #memory;
  #bytes;

  /** @param {Engine} engine  @param {number} bytes */
  constructor(engine, bytes) {
    this.#engine = engine;
    this.#bytes = Math.ceil(bytes / PROBE.BLOCK) * PROBE.BLOCK;
    this.#memory = engine.allocate(this.#bytes, `There is no room for ${this.#bytes} bytes, which the model `
      + 'reads for a token, to measure how fast they are read. Choose a smaller model.');
    engine.memory.bytes(this.#memory, this.#bytes).fill(1); // untouched pages would all be one page of zeros
  }

  /**
   * @param {{ variant?: 'auto' | Variant, wasm?: WasmSource }} build
   * @param {number} bytes  that read() reads
   * @param {AbortSignal} [signal]
   */
  static async create(build, bytes, signal) {
    const engine = await Engine.create({ ...build, signal });
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
    const read = () => this.#engine.call('kvc_probe_read', this.#memory, this.#bytes, times);
    return this.#bytes * times * perSecond(windowMs, read);
  }

  /**
   * Multiplications and additions per second, both counted: of floats, or of the small integers that int8
   * weights are multiplied as.
   * @param {'f32' | 'int8'} weights  @param {number} windowMs
   */
  multiplyAdd(weights, windowMs) {
    const engine = this.#engine;
    const [operations, run] = weights === 'int8'
      ? [INTEGERS, () => engine.call('kvc_probe_dot', ROUNDS_AT_A_TIME, 0)]
      : [FLOATS, () => engine.call('kvc_probe_multiply_add', ROUNDS_AT_A_TIME, 0.5)];
    return operations * ROUNDS_AT_A_TIME * perSecond(windowMs, run);
  }

  dispose() {
    this.#engine.dispose();
  }
}

/** @param {number} windowMs  @param {() => void} work */
function perSecond(windowMs, work) {
  const clock = threadClock();
  const start = clock.edge();
  let done = 0;
  do {
    work();
    done++;
  } while (clock.now() - start < windowMs);
  return (1e3 * done) / (clock.read() - start);
}
