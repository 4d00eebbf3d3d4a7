// The page's side of the worker: requests become promises, events go to a callback. The messages are
// documented at the top of worker.js.
import { assets } from '../engine/assets.js';

const STOP_MS = 5000; // a stop takes milliseconds: after this, the worker hangs

/** An error with the code that the worker gave, or 'no_worker', 'worker_lost' or 'internal'. */
export class WorkerError extends Error {
  /** @param {string} code  @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = 'WorkerError';
    this.code = code;
  }
}

/** @typedef {(event: Record<string, any> & { type: string }) => void} OnEvent */

export class EngineClient {
  /** @type {Worker | undefined} */
  #worker;
  /** @type {Map<number, { resolve: (answer: any) => void, reject: (error: Error) => void, onEvent?: OnEvent }>} */
  #waiting = new Map();
  #lastId = 0;

  /**
   * Sends a request and settles with its answer.
   * @param {string} type
   * @param {object} [fields]
   * @param {OnEvent} [onEvent]
   * @returns {Promise<any>}
   */
  request(type, fields, onEvent) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#start().postMessage({ type, id, ...fields });
      this.#waiting.set(id, { resolve, reject, onEvent });
    });
  }

  /** Sends an order, to which nothing is answered. @param {string} type  @param {object} [fields] */
  order(type, fields) {
    this.#worker?.postMessage({ type, ...fields });
  }

  /** Stops what is under way; a worker that does not listen is ended. */
  stop() {
    this.order('stop');
    const asked = [...this.#waiting.keys()];
    setTimeout(() => {
      if (asked.some((id) => this.#waiting.has(id))) this.#lose(`The background worker did not stop within ${STOP_MS / 1000} seconds and was ended.`);
    }, STOP_MS);
  }

  /** Ends the worker, whatever it is doing. */
  dispose() {
    this.#lose('The background worker was ended.');
  }

  /** The worker, started when first needed and again after it was lost. */
  #start() {
    if (this.#worker) return this.#worker;
    if (typeof Worker === 'undefined') {
      throw new WorkerError('no_worker', 'This page computes in a web worker, and this browser has none or forbids them here. Open it in a '
        + 'current browser, outside of any sandbox.');
    }
    const worker = assets.worker();
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault(); // it is shown on the page instead
      this.#lose(event.message
        ? `The background worker failed: ${event.message}.`
        : 'The background worker could not be started. Check the connection; its script, worker.js, must lie beside the page.');
    };
    worker.onmessageerror = () => this.#lose('A message from the background worker could not be read.');
    this.#worker = worker;
    return worker;
  }

  /** @param {Record<string, any> & { type: string, id: number }} message */
  #receive({ id, ...message }) {
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
    this.#worker?.terminate();
    this.#worker = undefined;
    const error = new WorkerError('worker_lost', message);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
