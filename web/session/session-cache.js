// The cache of a session, to look at: session.kvCache. What it holds follows from the session's tokens, and
// changes with them only: rows are the session's sequences.
import { CacheLooks } from '../cache/cache-looks.js';
import { Store } from '../cache/store.js';

export class SessionCache extends CacheLooks {
  #session;

  /** @param {import('./session.js').Session} session  @param {import('./handle.js').Handle} handle */
  constructor(session, handle) {
    const { nLayer: numLayers, nHead: numHeads, headDim } = handle.model.config;
    const { sequences: batchSize, capacity: maxSeqLen, keyType, valueType } = handle;
    super(new Store({ batchSize, maxSeqLen, numLayers, numHeads, headDim, keyType, valueType }, {
      engine: handle.engine,
      get cache() { return handle.cache; },
      get bytes() { return session.memoryUsage().totalBytes; },
      get disposed() { return handle.disposed; },
    }));
    this.#session = session;
  }

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
