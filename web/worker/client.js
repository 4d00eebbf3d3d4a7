// The page's side of the worker: requests become promises, and events go to a callback. messages.js
// says what can be sent, and what comes back.
import { absolute } from '../engine/bundlers.js';
import { assets } from './assets.js';
import { StartedWorker } from './start.js';

/**
 * @import { ErrorCode } from '../engine/errors.js'
 * @import { AnyEvent, Answer, Fields, OrderName, Orders, Reply, RequestEvent,
 *   RequestName } from './messages.js'
 */

/** Answered at any time, whatever is computed; no stop ends them. @type {readonly RequestName[]} */
export const LOOKS = ['count', 'status', 'inspect'];
const STOP_MS = 5000; // a stop takes milliseconds: after this, the worker hangs

/** An error with the code that the worker gave, or with "worker_lost" if there is none. */
export class WorkerError extends Error {
  /** @param {ErrorCode | 'internal' | 'worker_lost'} code  @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = 'WorkerError';
    this.code = code;
  }
}

/** @template {RequestName} K @typedef {(event: RequestEvent<K>) => void} OnEvent */

/**
 * What follows the name of a request: its fields, which are optional if it has none, and a callback
 * for its events.
 * @template {RequestName} K
 * @typedef {{} extends Fields<K>
 *   ? [fields?: Fields<K>, onEvent?: OnEvent<K>] : [fields: Fields<K>, onEvent?: OnEvent<K>]} Rest
 */

/**
 * @typedef {object} Client  what a page needs of the engine
 * @property {<K extends RequestName>(type: K, ...rest: Rest<K>) => Promise<Answer<K>>} request
 * @property {<K extends OrderName>(type: K, fields: Orders[K]) => void} order
 * @property {() => void} stop
 * @property {() => void} dispose
 */

/**
 * stops: a stop ends it.
 * @typedef {{
 *   stops: boolean,
 *   resolve(answer: Answer<RequestName>): void,
 *   reject(error: WorkerError): void,
 *   onEvent?(event: AnyEvent): void,
 * }} Waiting
 */

/**
 * What a load gets of a build with everything inside: the engine, and the shipped model where that is meant.
 * @param {Fields<'weigh'>} fields
 */
function inside({ url, files, wasm }) {
  if (!assets.inside) return {};
  const { modules, model } = assets.inside;
  const isShipped = url === assets.inside.url;
  return { files: { ...(wasm === undefined && modules), ...(isShipped && model), ...files } };
}

/**
 * What the page knows and a view that sends a request does not.
 * @param {RequestName} type  @param {unknown} fields
 */
function more(type, fields) {
  if (type === 'load' || type === 'weigh') return inside(/** @type {Fields<'weigh'>} */ (fields));
  if (type !== 'lab') return {};
  const { wasm } = /** @type {Fields<'lab'>} */ (fields);
  return { wasm: wasm ?? assets.inside?.lab ?? absolute(assets.lab()).href };
}

/**
 * Functions do not cross to a worker: the platform says so, and not which.
 * @param {object} fields  @param {string} [path]  of the fields that these are in
 */
function refuseFunctions(fields, path = '') {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'function') {
      throw new WorkerError('invalid_argument', `${path}${name} is a function, and none crosses to a worker. `
        + 'A session of your own thread takes it.');
    }
    if (['sampling', 'chat'].includes(name)) refuseFunctions(Object(value), `${name}.`);
  }
}

/** @implements {Client} */
export class EngineClient {
  /** @type {StartedWorker | undefined} */
  #worker;
  /** The requests that have no answer yet, by id. @type {Map<number, Waiting>} */
  #waiting = new Map();
  #lastId = 0;

  /**
   * Sends a request and settles with its answer.
   * @template {RequestName} K
   * @param {K} type  @param {Rest<K>} rest
   * @returns {Promise<Answer<K>>}
   */
  request(type, ...[fields, onEvent]) {
    return new Promise((resolve, reject) => {
      refuseFunctions(fields ?? {});
      const id = ++this.#lastId;
      this.#start();
      this.#post({ type, id, ...fields, ...more(type, fields) });
      // Under this id, only events of this request come back.
      const listener = /** @type {Waiting['onEvent']} */ (onEvent);
      this.#waiting.set(id, { stops: !LOOKS.includes(type), resolve, reject, onEvent: listener });
    });
  }

  /**
   * Sends an order, which has no answer.
   * @template {OrderName} K
   * @param {K} type  @param {Orders[K]} fields
   */
  order(type, fields) {
    this.#post({ type, ...fields });
  }

  /** @param {object} message */
  #post(message) {
    try {
      this.#worker?.post(message);
    } catch (cause) {
      if (!(cause instanceof DOMException)) throw cause;
      throw new WorkerError('invalid_argument', `Not all of this crosses to a worker: ${cause.message}`);
    }
  }

  /** Stops the request being served; a worker that does not listen is ended. */
  stop() {
    this.order('stop', {});
    const asked = [...this.#waiting].filter(([, { stops }]) => stops);
    setTimeout(() => {
      if (!asked.some(([id]) => this.#waiting.has(id))) return;
      this.#lose(`The background worker did not stop within ${STOP_MS / 1000} seconds and was ended.`);
    }, STOP_MS);
  }

  /** Ends the worker, whatever it is doing. */
  dispose() {
    this.#lose('The background worker was ended.');
  }

  /** The worker, started when first needed and again after it was lost. */
  #start() {
    return this.#worker ??= new StartedWorker({
      onMessage: (reply) => this.#receive(reply),
      onLost: (message) => this.#lose(message),
    });
  }

  /** @param {Reply} reply */
  #receive(reply) {
    if (reply.id === undefined) throw new WorkerError(reply.code, reply.message); // an order was wrong
    const { id, ...message } = reply;
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (message.type !== 'answer' && message.type !== 'error') {
      waiting.onEvent?.(message);
      return;
    }
    this.#waiting.delete(id);
    if (message.type === 'answer') waiting.resolve(message);
    else waiting.reject(new WorkerError(message.code, message.message));
  }

  /** The worker is gone, and with it the model. @param {string} message */
  #lose(message) {
    this.#worker?.end();
    this.#worker = undefined;
    const error = new WorkerError('worker_lost', message);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
