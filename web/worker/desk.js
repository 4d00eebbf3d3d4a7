// The engine behind a port: it receives the messages of messages.js, hands each one on to the function that
// serves it, and answers. The port is a worker's own or, where there can be none, one on the page's thread.
import { reasonOf } from '../engine/errors.js';
import { KvcError } from '../index.js';
import { Context } from './context.js';
import { benchmark } from './requests/benchmark.js';
import { count } from './requests/count.js';
import { generate } from './requests/generate.js';
import { load } from './requests/load.js';
import { prove } from './requests/prove.js';

/**
 * @import { Serve } from './context.js'
 * @import { Answer, Failure, Fields, OrderName, Orders, RequestName } from './messages.js'
 *
 * @typedef {object} Port
 * @property {(reply: object) => void} postMessage  a Reply
 * @property {((event: MessageEvent) => void) | null} onmessage
 */

/** Served one at a time. @type {{ [K in Exclude<RequestName, 'count' | 'status'>]: Serve<K> }} */
const requests = { load, generate, prove, benchmark };

export class Desk {
  #port;
  #context;
  /** Stops the request being served. @type {AbortController | undefined} */
  #current;
  /** @type {{ [K in OrderName]: (fields: Orders[K]) => void }} */
  #orders = {
    stop: () => this.#current?.abort(),
    setCache: ({ on }) => {
      if (typeof on !== 'boolean') throw invalid('The cache is on or off: true or false.');
      this.#context.useCache = on;
    },
    setPace: ({ tokensPerSecond }) => {
      if (typeof tokensPerSecond !== 'number' || !(tokensPerSecond >= 0)) {
        throw invalid('A pace is a number of tokens per second; 0 is as fast as possible.');
      }
      this.#context.tokensPerSecond = tokensPerSecond;
    },
  };

  /**
   * @param {Port} port
   * @param {{ worker: boolean }} thread  whether the thread is a worker's, and so computes for nothing else
   */
  constructor(port, { worker }) {
    this.#port = port;
    this.#context = new Context(worker);
    port.onmessage = ({ data }) => this.#receive(Object(data));
  }

  /** Stops what is being served, and lets go of the model. */
  close() {
    this.#port.onmessage = null;
    this.#current?.abort();
    this.#context.unload();
  }

  /** @param {{ type?: unknown, id?: unknown }} message  anything at all, whatever messages.js promises */
  async #receive({ type, id: given, ...fields }) {
    const id = typeof given === 'number' ? given : undefined;
    try {
      if (isIn(this.#orders, type)) return this.#obey(type, fields);
      const answer = await this.#answerTo(type, id, fields);
      this.#port.postMessage({ type: 'answer', id, ...answer });
    } catch (error) {
      this.#port.postMessage({ type: 'error', id, ...failure(error) });
    }
  }

  /** @template {OrderName} K @param {K} type  @param {Orders[K]} fields */
  #obey(type, fields) {
    this.#orders[type](fields);
  }

  /** @param {unknown} type  @param {number | undefined} id  @param {{}} fields */
  #answerTo(type, id, fields) {
    if (typeof type !== 'string') {
      throw invalid('A message to the worker is an object with a type, a string.');
    }
    if (type !== 'status' && type !== 'count' && !isIn(requests, type)) {
      throw invalid(`The worker knows no request "${type}".`);
    }
    if (id === undefined) throw invalid(`The request "${type}" needs an id, a number.`);
    if (type === 'status') return this.#status();
    if (type === 'count') return count(this.#context, /** @type {Fields<'count'>} */ (fields));
    return this.#serve(type, id, fields);
  }

  /**
   * @template {keyof typeof requests} K
   * @param {K} type  @param {number} id  @param {Fields<K>} fields
   * @returns {Promise<Answer<K>>}
   */
  async #serve(type, id, fields) {
    if (this.#current) {
      throw new KvcError('busy', 'The worker is serving another request. Stop it or wait for it.');
    }
    this.#current = new AbortController();
    const { signal } = this.#current;
    try {
      return await requests[type](this.#context, fields, (event, more) => (
        this.#port.postMessage({ type: event, id, ...more })), signal);
    } finally {
      this.#current = undefined;
    }
  }

  /** @returns {Answer<'status'>} */
  #status() {
    const { model, run, session, useCache, worker } = this.#context;
    const [loaded, busy] = [model !== undefined, this.#current !== undefined];
    const position = Math.min(session?.position ?? 0, run.ids.length); // the session may be ahead
    return { loaded, busy, position, useCache, worker };
  }
}

/** Any error but a KvcError is a fault of this program. @param {unknown} error  @returns {Failure} */
function failure(error) {
  if (error instanceof KvcError) return { code: error.code, message: error.message };
  console.error(error);
  return { code: 'internal', message: `Something went wrong inside the page: ${reasonOf(error)}` };
}

/** @param {string} message */
const invalid = (message) => new KvcError('invalid_argument', message);

/** @template {object} T @param {T} table  @param {unknown} name  @returns {name is keyof T} */
const isIn = (table, name) => typeof name === 'string' && Object.hasOwn(table, name);
