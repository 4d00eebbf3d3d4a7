// The engine on the page's own thread, behind what the page uses of a Worker: for pages where no worker may
// run. Its computing lets the page breathe every 8 ms (engine/pauses.js).

/** @import { Desk } from './desk.js' */

export class LocalWorker {
  /** @type {((event: MessageEvent) => void) | null} */
  onmessage = null;
  /** @type {((event: MessageEvent) => void) | null} */
  onmessageerror = null;
  /** @type {((event: ErrorEvent) => void) | null} */
  onerror = null;
  /** Messages are copied and come in tasks of their own, as between threads. */
  #channel = new MessageChannel();
  /** @type {Desk | undefined} */
  #desk;
  #ended = false;

  constructor() {
    this.#channel.port1.onmessage = (event) => this.onmessage?.(event);
    this.#channel.port1.onmessageerror = (event) => this.onmessageerror?.(event);
    this.#start();
  }

  /** @param {object} message */
  postMessage(message) {
    this.#channel.port1.postMessage(message);
  }

  terminate() {
    this.#ended = true;
    this.#desk?.close();
    this.#channel.port1.close();
  }

  async #start() {
    try {
      const { Desk } = await import('./desk.js');
      if (!this.#ended) this.#desk = new Desk(this.#channel.port2, { worker: false });
    } catch { // its script did not come
      this.onerror?.(/** @type {ErrorEvent} */ (new Event('error')));
    }
  }
}
