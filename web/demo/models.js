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
  /** The one that is loaded in place of its own. @type {Candidate & { weights: Weights } | undefined} */
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
    const source = other ? { ...other.source, ...LARGE, weights: other.weights } : { url: this.#own() };
    return /** @type {Fields<'load'>} */ ({ ...this.#engine, ...source });
  }

  /** What the benchmark says of it. */
  get address() {
    return this.#other ? this.#other.source.url ?? this.#other.name : this.#own();
  }

  /** What a model is, of which nothing else is fetched yet. @param {Given} given */
  async weigh(given) {
    const { candidateOf } = await import('./candidate.js');
    const { name, source } = await candidateOf(given);
    const client = this.#scale();
    try {
      const weighed = await client.request('weigh',
        /** @type {Fields<'weigh'>} */ ({ ...this.#engine, ...source, ...LARGE }));
      this.#candidate = { name: name || weighed.config.modelType, source };
      const download = source.files ? 0 : weighed.fileBytes;
      return { name: this.#candidate.name, weighed, download };
    } finally {
      client.dispose();
    }
  }

  /** From now on the one that was weighed last. @param {Weights} weights */
  useOther(weights) {
    this.#other = this.#candidate && { ...this.#candidate, weights };
  }

  /** From now on its own. */
  useOwn() {
    this.#other = undefined;
  }
}
