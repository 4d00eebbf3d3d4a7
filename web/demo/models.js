// Which model a player loads: its own, or another that the reader has given it.

/**
 * @import { Client } from '../worker/client.js'
 * @import { Fields, Weights } from '../worker/messages.js'
 * @import { Candidate, Given } from './candidate.js'
 *
 * @typedef {Omit<Fields<'load'>, 'url'>} Engine  how any of them is loaded
 */

const LARGE = { maxMemory: 2 ** 32 }; // for those that readers bring

export class Models {
  #own;
  #engine;
  #scale;
  /** The one that was weighed. @type {Candidate | undefined} */
  #candidate;
  /**
   * The one that is loaded in place of its own.
   * @type {Candidate & Pick<Engine, 'weights' | 'keep'> | undefined}
   */
  #other;

  /**
   * @param {() => string} own  the address of its own; throws where it is refused
   * @param {Engine} engine
   * @param {() => Client} scale  makes an engine that weighs one
   */
  constructor(own, engine, scale) {
    this.#own = own;
    this.#engine = engine;
    this.#scale = scale;
  }

  /** What is to be loaded. @returns {Fields<'load'>} */
  get fields() {
    const other = this.#other;
    const { source, weights, keep } = other ?? {};
    const given = source ? { ...source, ...LARGE, weights, ...(keep && { keep }) } : { url: this.#own() };
    return /** @type {Fields<'load'>} */ ({ ...this.#engine, ...given });
  }

  /** What the benchmark says of it. */
  get address() {
    return this.#other ? this.#other.source.url ?? this.#other.name : this.#own();
  }

  /** What a model is, of which nothing else is fetched yet. @param {Given} given */
  async weigh(given) {
    const { candidateOf } = await import('./candidate.js');
    const { name, source } = await candidateOf(given);
    const { url: address } = source;
    const client = this.#scale();
    try {
      const fields = { ...this.#engine, ...source, ...LARGE, ...(address && { keep: true }) };
      const weighed = await client.request('weigh', /** @type {Fields<'weigh'>} */ (fields));
      this.#candidate = { name: name || weighed.config.modelType, source };
      return { name: this.#candidate.name, address, weighed };
    } finally {
      client.dispose();
    }
  }

  /**
   * From now on the one that was weighed last.
   * @param {Weights} weights  @param {boolean} keep  on the device
   */
  useOther(weights, keep) {
    this.#other = this.#candidate && { ...this.#candidate, weights, keep };
  }

  /** From now on its own. */
  useOwn() {
    this.#other = undefined;
  }
}
