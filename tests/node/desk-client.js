// A client for players whose engine is a real one, in this thread: messages are copied as between threads.
import { Desk } from '../../web/worker/desk.js';
import { WorkerError } from '../../web/worker/client.js';

export class DeskClient {
  /** Events that came, in words. */
  heard = [];
  #waiting = new Map();
  #lastId = 0;
  #port = { postMessage: (reply) => this.#receive(structuredClone(reply)), onmessage: null };
  #desk = new Desk(this.#port, { worker: true });

  request(type, fields = {}, onEvent = () => {}) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onEvent });
      this.#send({ type, id, ...fields });
    });
  }

  order(type, fields) { this.#send({ type, ...fields }); }

  stop() { this.order('stop', {}); }

  dispose() { this.#desk.close(); }

  /** As if its worker had crashed: the model is gone, and whoever waits is told. */
  lose() {
    this.#desk.close();
    this.#desk = new Desk(this.#port, { worker: true });
    for (const { reject } of this.#waiting.values()) reject(new WorkerError('worker_lost', 'It crashed.'));
    this.#waiting.clear();
  }

  #send(message) {
    const copy = structuredClone(message);
    setImmediate(() => this.#port.onmessage?.({ data: copy }));
  }

  #receive({ type, id, ...message }) {
    const { resolve, reject, onEvent } = this.#waiting.get(id) ?? {};
    if (type !== 'answer' && type !== 'error') {
      this.heard.push(type);
      onEvent?.({ type, ...message });
      return;
    }
    this.#waiting.delete(id);
    if (type === 'answer') resolve?.(message);
    else reject?.(new WorkerError(message.code, message.message));
  }
}
