// Tokens on their way from the worker to the page: one message a frame, not thousands a second.
import { memoryFor } from './given.js';

/**
 * @import { Session } from '../session/session.js'
 * @import { Emit, WrittenToken } from './messages.js'
 */

const FRAME_MS = 16; // tokens are posted at most this often

export class Outbox {
  #emit;
  #session;
  /** @type {WrittenToken[]} */
  #tokens = [];
  #sent = -Infinity;

  /** @param {Emit<'generate'>} emit  @param {Session} session */
  constructor(emit, session) {
    this.#emit = emit;
    this.#session = session;
  }

  /** @param {WrittenToken} token */
  put(token) {
    this.#tokens.push(token);
    if (performance.now() - this.#sent >= FRAME_MS - 1) this.send();
  }

  /** Of anything else, behind the tokens that came before it. @type {Emit<'generate'>} */
  tell = (type, event) => {
    this.send();
    this.#emit(type, event);
  };

  send() {
    if (this.#tokens.length === 0) return;
    const { position } = this.#tokens[this.#tokens.length - 1];
    this.#emit('tokens', { tokens: this.#tokens, memory: memoryFor(this.#session, position + 1) });
    this.#tokens = [];
    this.#sent = performance.now();
  }
}
