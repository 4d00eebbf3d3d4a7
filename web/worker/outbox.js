// Tokens on their way from the worker to the page: one message a frame and not thousands a second.
const FRAME_MS = 16; // tokens are posted at most this often

/** @typedef {import('./worker.js').WrittenToken} WrittenToken */

export class Outbox {
  #emit;
  #session;
  /** @type {WrittenToken[]} */
  #tokens = [];
  #sent = -Infinity;

  /** @param {import('./worker.js').Emit} emit  @param {import('../session/session.js').Session} session */
  constructor(emit, session) {
    this.#emit = emit;
    this.#session = session;
  }

  /** @param {WrittenToken} token */
  put(token) {
    this.#tokens.push(token);
    if (performance.now() - this.#sent >= FRAME_MS - 1) this.send();
  }

  send() {
    if (this.#tokens.length === 0) return;
    this.#emit('tokens', { tokens: this.#tokens, memory: this.#session.memoryUsage() });
    this.#tokens = [];
    this.#sent = performance.now();
  }
}
