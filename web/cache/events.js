// What happens in a cache, told to a listener. Nothing is recorded while there is none.
import { abandoned, freeing } from '../blocks/init.js';
import { KvcError } from '../engine/errors.js';

const ROOM = 4096; // events between two collections; one step makes a few
const WORDS = 6;   // of a kvc_event
const ALL = 2 ** 32 - 1;
const TYPES = /** @type {const} */ ([undefined, 'write', 'read', 'evict', 'reuse', 'share']); // as kvc_event_type counts

/**
 * Replayed from an empty cache, or from cacheMap() at the moment of subscribing, they give every
 * sequence's length and pages. A page holds 16 slots; page i of a sequence begins with slot 16 i.
 * @typedef {object} CacheEvent
 * @property {'write' | 'read' | 'evict' | 'reuse' | 'share' | 'restore'} type
 *   write: K and V of `count` slots from `first` on, all within `page`, in one layer; or, layer null, in all of them:
 *     these slots are history now, and the sequence reaches at least as far
 *   read: attention went over `count` slots from `first` on, in one layer
 *   evict: `count` tokens from `first` on are gone, later ones have moved down: as whole pages where both are multiples
 *     of 16, else writes follow that say where to; pages beyond the new length are given back
 *   reuse: a new prompt begins with the `count` tokens that are there
 *   share: the sequence is now the first `count` tokens of the sequence `from`; `more`: so many of the next events
 *     happen at the same moment
 *   restore: another state was put in place, or too much happened at once; cacheMap() says what is there now
 * @property {number} [sequence]
 * @property {number | null} [layer]
 * @property {number} [first]
 * @property {number} [count]
 * @property {number} [page]
 * @property {number} [from]
 * @property {number} [more]
 *
 * @typedef {(event: CacheEvent) => void} OnEvent
 */

export class Watcher {
  #engine;
  #cacheOf;
  #tell;
  #buffer;
  /** @type {CacheEvent[]} collected, not told yet */
  #events = [];

  /**
   * @param {import('../engine/engine.js').Engine} engine
   * @param {() => number} cacheOf  the kvc_cache to watch
   * @param {OnEvent} tell
   */
  constructor(engine, cacheOf, tell) {
    if (typeof tell !== 'function') throw new KvcError('invalid_argument', 'onEvent takes a function, or null.');
    this.#engine = engine;
    this.#cacheOf = cacheOf;
    this.#tell = tell;
    this.#buffer = engine.call('kvc_wasm_allocate', 4 * WORDS * ROOM) >>> 0;
    if (this.#buffer === 0) throw new KvcError('out_of_memory', 'There is no room to record events. Dispose of a session or cache first.');
    // Whoever owns the cache holds this watcher: once this one is gone, so is all that could write into the buffer.
    abandoned.register(this, freeing(engine, this.#buffer), this);
    this.#listen();
  }

  #listen() {
    this.#engine.call('kvc_wasm_cache_listen', this.#cacheOf(), this.#buffer, ROOM);
  }

  /** Takes what was recorded out of wasm memory: after each step, so that there is always room. */
  collect() {
    const count = this.#engine.call('kvc_wasm_cache_take_events', this.#cacheOf());
    const lost = this.#engine.word(0) > 0;
    const words = new Uint32Array(this.#engine.bytes(this.#buffer, 4 * WORDS * count).slice().buffer);
    for (let i = 0; i < count; i++) this.#events.push(eventOf(words.subarray(WORDS * i, WORDS * (i + 1))));
    if (lost) this.#events.push({ type: 'restore' });
  }

  /** Tells the listener, once the work that made the events is done: what it throws can spoil nothing. */
  tell() {
    for (const event of this.#events.splice(0)) this.#tell(event);
  }

  /** Another state is in place, perhaps in another cache. */
  restart() {
    this.#listen();
    this.#events = [{ type: 'restore' }];
    this.tell();
  }

  stop() {
    if (!this.#engine.usable) return;
    this.#engine.call('kvc_wasm_cache_listen', this.#cacheOf(), 0, 0);
    abandoned.unregister(this);
    freeing(this.#engine, this.#buffer)();
  }
}

/** @param {Uint32Array} words  a kvc_event  @returns {CacheEvent} */
function eventOf([code, sequence, layer, first, count, page]) {
  const type = TYPES[code];
  switch (type) {
    case 'write': return { type, sequence, layer: layer === ALL ? null : layer, first, count, page };
    case 'read': return { type, sequence, layer, first, count };
    case 'share': return { type, sequence, from: page, count, more: layer };
    case 'evict': return { type, sequence, first, count };
    default: return { type: 'reuse', sequence, count };
  }
}
