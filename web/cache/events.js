// Cache events: what happens in a cache, told to a listener. Nothing is recorded without one.
//
// Every call into C that may change a cache goes through WatchedCalls, which takes what C recorded right
// after the call: no caller can forget it. The listener hears of it once the outermost operation has ended.
import { EVENT_TYPES, LAYOUTS, NONE } from '../engine/abi.js';
import { KvcError } from '../engine/errors.js';
import { Block } from '../engine/memory.js';

/**
 * @import { Exports, FallibleName, FunctionName } from '../engine/abi.js'
 * @import { Engine, Messages } from '../engine/engine.js'
 *
 * Replayed from an empty cache, or from cacheMap() at the moment of subscribing, events give every
 * sequence's length and pages. A page holds 16 slots; page i of a sequence begins with slot 16 i.
 * @typedef {object} WriteEvent  K and V of `count` slots from `first` on, all within `page`, in one layer;
 *   or, layer null, in all of them: these slots are history now, and the sequence reaches at least as far
 * @property {'write'} type
 * @property {number} sequence
 * @property {number | null} layer
 * @property {number} first
 * @property {number} count
 * @property {number} page
 *
 * @typedef {object} ReadEvent   attention went over `count` slots from `first` on, in one layer
 * @property {'read'} type
 * @property {number} sequence
 * @property {number} layer
 * @property {number} first
 * @property {number} count
 *
 * @typedef {object} EvictEvent  `count` tokens from `first` on are gone, later ones have moved down: as
 *   whole pages where both are multiples of 16, else the writes that follow say where to; pages beyond the
 *   new length are given back
 * @property {'evict'} type
 * @property {number} sequence
 * @property {number} first
 * @property {number} count
 *
 * @typedef {{ type: 'reuse', sequence: number, count: number }} ReuseEvent
 *   a new prompt begins with `count` tokens that are already there
 *
 * @typedef {object} ShareEvent  the sequence is now the first `count` tokens of the sequence `from`; the
 *   next `more` events happen at the same moment
 * @property {'share'} type
 * @property {number} sequence
 * @property {number} from
 * @property {number} count
 * @property {number} more
 *
 * @typedef {object} FreeEvent   layers with a window of their own gave back `count` slots from `first` on, as
 *   whole pages; the sequence's length and the pages of the other layers stay
 * @property {'free'} type
 * @property {number} sequence
 * @property {number} first
 * @property {number} count
 *
 * @typedef {{ type: 'restore' }} RestoreEvent
 *   another state was put in place, or events were lost; cacheMap() says what is there now
 *
 * @typedef {WriteEvent | ReadEvent | EvictEvent | ReuseEvent | ShareEvent | FreeEvent
 *   | RestoreEvent} CacheEvent
 *
 * @typedef {(event: CacheEvent) => void} OnEvent
 */

const ROOM = 4096; // events between two calls; one call makes a few
const BYTES = LAYOUTS.kvc_event.bytes;
const WORDS = BYTES / 4;

export class WatchedCalls {
  #engine;
  #cacheOf;
  /** @type {OnEvent | null} */
  #listener = null;
  /** Where C records, and behind it the number of events lost. @type {Block | undefined} */
  #buffer;
  /** Taken out of wasm memory, not told yet. @type {CacheEvent[]} */
  #events = [];
  #depth = 0; // of operations
  #telling = false;
  /** Of a second cache that the same calls may change. @type {WatchedCalls | undefined} */
  #beside;

  /**
   * @param {Engine} engine  @param {() => number} cacheOf  the kvc_cache; throws once it is disposed of
   * @param {WatchedCalls} [beside]
   */
  constructor(engine, cacheOf, beside) {
    this.#engine = engine;
    this.#cacheOf = cacheOf;
    this.#beside = beside;
  }

  // ---- calls ------------------------------------------------------------------------------------

  /**
   * Engine.call
   * @template {FunctionName} K
   * @param {K} name
   * @param {Parameters<Exports[K]>} args
   */
  call(name, ...args) {
    const result = this.#engine.call(name, ...args);
    this.#collect();
    return result;
  }

  /**
   * Engine.check
   * @template {FallibleName} K
   * @param {Messages} messages
   * @param {K} name
   * @param {Parameters<Exports[K]>} args
   */
  check(messages, name, ...args) {
    const pending = this.#engine.check(messages, name, ...args);
    this.#collect();
    return pending;
  }

  /**
   * Several calls that are one to the listener: it hears of their events after the last. What it throws can
   * spoil none of them.
   * @template T
   * @param {() => T} work  synchronous; asynchronous work calls hold() and release() itself
   * @returns {T}
   */
  operation(work) {
    this.hold();
    try {
      return work();
    } finally {
      this.release();
    }
  }

  hold() {
    this.#depth++;
    this.#beside?.hold();
  }

  release() {
    this.#depth--;
    this.#beside?.release();
    this.#tell();
  }

  // ---- events -----------------------------------------------------------------------------------

  get listener() {
    return this.#listener;
  }

  set listener(listener) {
    this.#end(); // if there is no room for another buffer, nobody listens
    if (!listener) return;
    if (typeof listener !== 'function') {
      throw new KvcError('invalid_argument', 'onEvent takes a function, or null.');
    }
    const message = 'There is no room to record events. Dispose of a session or cache first.';
    this.#buffer = new Block(this.#engine, ROOM * BYTES + 4, 'recording', message);
    this.#listener = listener;
    this.#listen();
  }

  /** Another state is in place, perhaps in another cache. */
  restart() {
    this.#beside?.restart();
    if (!this.#buffer) return;
    this.#listen();
    this.#events = [{ type: 'restore' }];
    this.#tell();
  }

  /** Nobody listens any more. */
  stop() {
    this.#beside?.stop();
    this.#end();
  }

  #end() {
    const cache = this.#cacheOf();
    if (!this.#buffer) return;
    if (this.#engine.usable) this.#engine.call('kvc_cache_listen', cache, 0, 0);
    this.#buffer.free();
    [this.#buffer, this.#listener, this.#events] = [undefined, null, []];
  }

  #listen() {
    const { pointer } = /** @type {Block} */ (this.#buffer);
    this.#engine.call('kvc_cache_listen', this.#cacheOf(), pointer, ROOM);
  }

  #collect() {
    if (this.#beside) this.#beside.#collect();
    if (!this.#buffer) return;
    const { memory } = this.#engine;
    const { pointer } = this.#buffer;
    const lost = pointer + ROOM * BYTES;
    const count = this.#engine.call('kvc_cache_take_events', this.#cacheOf(), lost);
    const words = memory.words(pointer, WORDS * count);
    for (let i = 0; i < count; i++) this.#events.push(eventOf(words.subarray(WORDS * i, WORDS * (i + 1))));
    if (memory.word(lost) > 0) this.#events.push({ type: 'restore' });
    this.#tell();
  }

  /** In order, also those of calls that the listener makes. */
  #tell() {
    if (this.#depth > 0 || this.#telling) return;
    this.#telling = true;
    try {
      for (let event = this.#events.shift(); event; event = this.#events.shift()) this.#listener?.(event);
    } catch (error) {
      this.#events = [{ type: 'restore' }]; // in place of those it did not hear of
      throw error;
    } finally {
      this.#telling = false;
    }
  }
}

/** @param {Uint32Array} words  a kvc_event  @returns {CacheEvent} */
function eventOf([type, sequence, layer, first, count, page]) {
  switch (type) {
    case EVENT_TYPES.write:
      return { type: 'write', sequence, layer: layer === NONE ? null : layer, first, count, page };
    case EVENT_TYPES.read: return { type: 'read', sequence, layer, first, count };
    case EVENT_TYPES.share: return { type: 'share', sequence, from: page, count, more: layer };
    case EVENT_TYPES.free: return { type: 'free', sequence, first, count };
    case EVENT_TYPES.evict: return { type: 'evict', sequence, first, count };
    default: return { type: 'reuse', sequence, count };
  }
}
