// The engine behind a port: it receives the messages of messages.js, hands each one on to the function that
// serves it, and answers. The port is a worker's own or, where there can be none, one on the page's thread.
import { reasonOf } from '../engine/errors.js';
import { KvcError } from '../index.js';
import { Context } from './context.js';
import { givenOut } from './given.js';
import { benchmark } from './requests/benchmark.js';
import { count } from './requests/count.js';
import { edit } from './requests/edit.js';
import { generate } from './requests/generate.js';
import { inspect } from './requests/inspect.js';
import { lab } from './requests/lab.js';
import { load } from './requests/load.js';
import { prove } from './requests/prove.js';
import { trace } from './requests/trace.js';
import { losses, window } from './requests/window.js';
import { weigh } from './requests/weigh.js';

/**
 * @import { Serve } from './context.js'
 * @import { Answer, Failure, Fields, OrderName, Orders, RequestName } from './messages.js'
 *
 * @typedef {object} Port
 * @property {(reply: object, transfer: ArrayBuffer[]) => void} postMessage  a Reply
 * @property {((event: MessageEvent) => void) | null} onmessage
 */

/** Served one at a time. @type {{ [K in Exclude<RequestName, 'count' | 'inspect' | 'status'>]: Serve<K> }} */
const requests = { load, weigh, generate, prove, benchmark, lab, edit, trace, window, losses };

export class Desk {
  #port;
  #context;
  /** What is being served, and stops it. @type {{ type: RequestName, stop: AbortController } | undefined} */
  #current;
  /** @type {{ [K in OrderName]: (fields: Orders[K]) => void }} */
  #orders = {
    stop: () => this.#current?.stop.abort(),
    setCache: ({ on }) => {
      if (typeof on !== 'boolean') throw invalid('The cache is on or off: true or false.');
      this.#context.useCache = on;
    },
    setCrossCache: ({ on }) => {
      if (typeof on !== 'boolean') throw invalid('The cross cache is on or off: true or false.');
      this.#context.useCrossCache = on;
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
    this.#current?.stop.abort();
    this.#context.unload();
  }

  /** @param {{ type?: unknown, id?: unknown }} message  anything at all, whatever messages.js promises */
  async #receive({ type, id: given, ...fields }) {
    const id = typeof given === 'number' ? given : undefined;
    try {
      if (isIn(this.#orders, type)) return this.#obey(type, fields);
      const answer = await this.#answerTo(type, id, fields);
      this.#port.postMessage({ type: 'answer', id, ...answer }, buffersIn(answer));
    } catch (error) {
      this.#port.postMessage({ type: 'error', id, ...failure(error) }, []);
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
    const isRequest = isIn(requests, type);
    if (!isRequest && type !== 'status' && type !== 'count' && type !== 'inspect') {
      throw invalid(`The worker knows no request "${type}".`);
    }
    if (id === undefined) throw invalid(`The request "${type}" needs an id, a number.`);
    if (isRequest) return this.#serve(type, id, fields);
    if (type === 'status') return this.#status();
    if (type === 'count') return count(this.#context, /** @type {Fields<'count'>} */ (fields));
    if (this.#current?.type === 'benchmark') {
      throw new KvcError('busy', 'A benchmark is under way, and a look inside would be in its figures.');
    }
    return inspect(this.#context, fields);
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
    const stop = new AbortController();
    this.#current = { type, stop };
    try {
      return await requests[type](this.#context, fields, (event, more) => (
        this.#port.postMessage({ type: event, id, ...more }, [])), stop.signal);
    } finally {
      this.#current = undefined;
    }
  }

  /** @returns {Answer<'status'>} */
  #status() {
    const { model, useCache, useCrossCache, worker } = this.#context;
    const [loaded, busy] = [model !== undefined, this.#current !== undefined];
    const cross = model?.config.encoder && { useCrossCache };
    return { loaded, busy, position: givenOut(this.#context), useCache, ...cross, worker };
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

/** What an answer hands over without a copy: the numbers in its parts. @param {object} answer */
const buffersIn = (answer) => Object.values(answer).flatMap((part) => Object.values(Object(part)))
  .flatMap((value) => (value instanceof Float32Array ? [/** @type {ArrayBuffer} */ (value.buffer)] : []));

/** @template {object} T @param {T} table  @param {unknown} name  @returns {name is keyof T} */
const isIn = (table, name) => typeof name === 'string' && Object.hasOwn(table, name);
