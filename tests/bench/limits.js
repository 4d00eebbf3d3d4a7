// What the machine can do at most, measured by probe.c in a wasm module of its own, in turns with what
// is held against it.

const BLOCK = 128; // bytes that probe_read takes at once

/** @typedef {Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory }} Exports */

export class Limits {
  #exports;
  #buffer = 0;
  #bytes = 0;

  /** @param {Exports} exports  @param {number} bytes  of the buffer that is read */
  constructor(exports, bytes) {
    this.#exports = exports;
    this.#bytes = Math.ceil(bytes / BLOCK) * BLOCK;
    this.#buffer = exports.probe_buffer(this.#bytes);
    if (this.#buffer === 0) throw new Error(`There are no ${this.#bytes} bytes to measure the speed of reading them.`);
    this.read(20); // until the JavaScript engine has compiled them well
    this.multiplyAdd(20);
  }

  /** @param {WebAssembly.Module} module  @param {number} bytes */
  static async create(module, bytes) {
    const { exports } = await WebAssembly.instantiate(module, { env: { emscripten_notify_memory_growth() {} } });
    /** @type {any} */ (exports)._initialize?.();
    return new Limits(/** @type {any} */ (exports), bytes);
  }

  /** Bytes per second. @param {number} windowMs */
  read(windowMs) {
    const times = Math.max(1, Math.round(2e6 / this.#bytes)); // between two looks at the clock
    return this.#bytes * times * perSecond(windowMs, () => this.#exports.probe_read(this.#buffer, this.#bytes, times));
  }

  /** Multiplications and additions per second, both counted. @param {number} windowMs */
  multiplyAdd(windowMs) {
    const times = 10_000;
    return 8 * this.#exports.probe_chains() * times * perSecond(windowMs, () => this.#exports.probe_multiply_add(times, 0.5));
  }
}

/** @param {number} windowMs  @param {() => void} work */
function perSecond(windowMs, work) {
  const start = performance.now();
  let [ms, done] = [0, 0];
  for (; ms < windowMs; ms = performance.now() - start, done++) work();
  return (1e3 * done) / ms;
}
