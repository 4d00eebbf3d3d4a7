// session.kvCache: the cache of a session, to look at. What it holds follows from the session's tokens and
// changes with them only; rows are the session's sequences.
import { CacheView } from '../cache/cache-view.js';

/**
 * @import { OnEvent } from '../cache/events.js'
 * @import { CacheShape } from '../cache/native-cache.js'
 * @import { CachePlace } from '../cache/inspect.js'
 *
 * @typedef {object} Timeline  the session
 * @property {OnEvent | null} onEvent
 * @property {(n: number) => void} truncate
 * @property {() => void} reset
 */

export class SessionCache extends CacheView {
  #session;

  /** @param {Timeline} session  @param {() => CachePlace} placeOf  @param {CacheShape} shape */
  constructor(session, placeOf, shape) {
    super(placeOf, shape);
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
