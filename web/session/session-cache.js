// session.kvCache: the cache of a session, to look at. What it holds follows from the session's tokens and
// changes with them only; rows are the session's sequences.
import { CacheView } from '../cache/cache-view.js';

/**
 * @import { OnEvent } from '../cache/events.js'
 * @import { NativeSession } from './native-session.js'
 *
 * @typedef {object} Timeline  the session
 * @property {OnEvent | null} onEvent
 * @property {(n: number) => void} truncate
 * @property {() => void} reset
 */

export class SessionCache extends CacheView {
  #session;

  /** @param {Timeline} session  @param {NativeSession} native */
  constructor(session, native) {
    super(() => native.cachePlace, { ...native.cachePlace, maxSeqLen: native.capacity });
    this.#session = session;
  }

  /** session.onEvent */
  get onEvent() {
    return this.#session.onEvent;
  }

  set onEvent(listener) {
    this.#session.onEvent = listener;
  }

  /** session.truncate @param {number} n */
  truncate(n) {
    this.#session.truncate(n);
  }

  /** session.reset */
  reset() {
    this.#session.reset();
  }
}
