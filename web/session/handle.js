// One kvc_session in wasm memory: its calls, its sequences, its state as bytes. Under session.js, which is
// the API.
import { KvcError } from '../engine/errors.js';
import { CACHE_TYPES, sessionOptions } from './options.js';

const STATE_SEQUENCES = 24; // where a saved session has the number of its sequences: src/state.h, src/session_state.c

/**
 * @typedef {import('../engine/errors.js').ErrorCode} ErrorCode
 * @typedef {import('./options.js').SessionOptions} SessionOptions
 */

export const NO_LOGITS = 'There are no logits yet: prefill or decode first.';

/** Frees what a session that nobody disposed of has left behind; a net, not a plan. */
const abandoned = new FinalizationRegistry((/** @type {() => void} */ free) => free());

/** Made out here, so that it holds on to nothing else. @param {import('../engine/engine.js').Engine} engine  @param {number} pointer */
const freeing = (engine, pointer) => () => {
  if (engine.usable) engine.call('kvc_wasm_session_free', pointer);
};

export class Handle {
  #modelHandle;
  #pointer;
  /** generate() is under way. */
  running = false;
  disposed = false;
  /** @type {import('../cache/events.js').Watcher | undefined} while somebody listens */
  watcher;

  /**
   * @param {import('./model.js').Model} model
   * @param {import('../engine/engine.js').Engine} engine
   * @param {number} modelHandle
   * @param {SessionOptions} options
   */
  constructor(model, engine, modelHandle, options) {
    this.model = model;
    this.engine = engine;
    const chosen = sessionOptions(options, model.config.nPositions);
    this.capacity = chosen.capacity;
    this.useCache = chosen.useCache;
    this.keyType = chosen.keyType;
    this.valueType = chosen.valueType;
    this.whenFull = chosen.whenFull;
    this.sequences = chosen.sequences;
    this.#modelHandle = modelHandle;
    this.#pointer = this.#create(chosen.sequences);
    this.#own(this.#pointer);
  }

  /** @param {number} sequences */
  #create(sequences) {
    this.engine.check({
      out_of_memory: `There is not enough memory for ${sequences === 1 ? 'a session' : `${sequences} sequences`} of ${this.capacity} tokens. `
        + 'Dispose of other sessions, or choose a smaller capacity.',
    }, 'kvc_wasm_session_new', this.#modelHandle, this.capacity, sequences, CACHE_TYPES[this.keyType], CACHE_TYPES[this.valueType]);
    return this.engine.word(0);
  }

  /** @param {number} pointer */
  #own(pointer) {
    this.#pointer = pointer;
    abandoned.unregister(this);
    abandoned.register(this, freeing(this.engine, pointer), this);
  }

  // ---- sequences --------------------------------------------------------------------------------

  get position() {
    return /** @type {number} */ (this.call('kvc_wasm_session_position'));
  }

  get selected() {
    return /** @type {number} */ (this.call('kvc_wasm_session_selected'));
  }

  /** @param {number} sequence */
  select(sequence) {
    this.check({}, 'kvc_wasm_session_select', this.refuseSequence(sequence));
  }

  /** @param {'fork' | 'drop' | 'keep'} what  @param {...number} sequences */
  arrange(what, ...sequences) {
    for (const sequence of sequences) this.refuseSequence(sequence);
    this.change({}, `kvc_wasm_session_${what}`, ...sequences);
  }

  /** Sequence i becomes what from[i] was. @param {number[]} from  [sequences] */
  reorder(from) {
    this.send(from);
    this.change({}, 'kvc_wasm_session_reorder');
  }

  /**
   * Sequence 0 becomes the first n tokens of what this one is, and the others are emptied. A pass under way is dropped.
   * @param {number} sequence  @param {number} [n]
   */
  adopt(sequence, n = Infinity) {
    this.call('kvc_wasm_session_cancel');
    if (sequence !== 0) this.check({}, 'kvc_wasm_session_fork', sequence, 0);
    this.check({}, 'kvc_wasm_session_keep', 0);
    this.select(0);
    if (this.position > n) this.check({}, 'kvc_wasm_session_truncate', n);
    this.tell(); // at last: a listener that throws finds everything done
  }

  /** Every one of the first n sequences becomes what the selected one is, and the others are emptied. @param {number} n */
  spread(n) {
    const { selected } = this;
    this.reorder(new Array(this.sequences).fill(selected));
    this.select(0);
    for (let i = n; i < this.sequences; i++) this.change({}, 'kvc_wasm_session_drop', i);
  }

  /** @param {number} sequence */
  refuseSequence(sequence) {
    if (Number.isInteger(sequence) && sequence >= 0 && sequence < this.sequences) return sequence;
    throw new KvcError('position_out_of_range', `There is no sequence ${sequence}: this session has ${this.sequences}, counted from 0. `
      + 'createSession({ sequences }) gives more.');
  }

  /** Makes room for more sequences: a larger session takes over the state of this one. @param {number} sequences */
  grow(sequences) {
    if (sequences <= this.sequences) return;
    const { selected } = this;
    this.#replace(sequences, this.save());
    this.select(selected);
  }

  /** A larger session in place of this one, and a state in it. @param {number} sequences  @param {Uint8Array} state */
  #replace(sequences, state) {
    const old = this.#pointer;
    this.#own(this.#create(sequences));
    try {
      this.#put(state);
    } catch (error) {
      freeing(this.engine, this.#pointer)();
      this.#own(old);
      throw error;
    }
    freeing(this.engine, old)();
    this.sequences = sequences;
    this.watcher?.restart();
  }

  // ---- the state as bytes -----------------------------------------------------------------------

  /** @returns {Uint8Array<ArrayBuffer>} */
  save() {
    this.check({}, 'kvc_wasm_session_state_bytes');
    const length = this.engine.word(0);
    return this.engine.lend(length, (pointer) => {
      this.check({}, 'kvc_wasm_session_save', pointer, length);
      return this.engine.bytes(pointer, length).slice();
    });
  }

  /** Grows where the state has more sequences. @param {Uint8Array} state */
  restore(state) {
    try {
      this.#put(state);
      this.watcher?.restart();
    } catch (error) {
      if (!(error instanceof KvcError) || error.code !== 'context_full') throw error;
      const sequences = new DataView(state.buffer, state.byteOffset).getUint32(STATE_SEQUENCES, true);
      if (sequences <= this.sequences) throw error;
      this.#replace(sequences, state);
    }
  }

  /** @param {Uint8Array} state */
  #put(state) {
    this.engine.lend(state.length, (pointer) => {
      this.engine.bytes(pointer, state.length).set(state);
      this.check({
        state_invalid: 'These bytes are not a saved session, or were cut short or altered. The session is as it was.',
        state_foreign: 'This state was saved by another version, from another model, or with other element types of the cache. Load that '
          + 'model, and create the session with the same keyType and valueType. The session is as it was.',
        context_full: `The state does not fit: it has more tokens than this session, with its capacity of ${this.capacity}. Create a larger one. `
          + 'The session is as it was.',
      }, 'kvc_wasm_session_restore', pointer, state.length);
    });
  }

  /** The kvc_cache. */
  get cache() {
    return /** @type {number} */ (this.call('kvc_wasm_session_cache')) >>> 0;
  }

  // ---- calls, and the end -----------------------------------------------------------------------

  /** Puts numbers where the next call reads them. @param {ArrayLike<number>} words */
  send(words) {
    const input = this.engine.bytes(this.call('kvc_wasm_session_input'), 4 * words.length);
    input.set(new Uint8Array(Uint32Array.from(words).buffer));
  }

  /** A copy. @param {number} pointer  @param {number} length */
  floats(pointer, length) {
    return new Float32Array(this.engine.bytes(pointer, 4 * length).slice().buffer);
  }

  /** @param {string} name  @param {...(number | bigint | boolean)} args */
  call(name, ...args) {
    if (this.disposed) throw new KvcError('disposed', 'The session was disposed of; create another one.');
    return this.engine.call(name, this.#pointer, ...args);
  }

  /** @param {Partial<Record<ErrorCode, string>>} messages  @param {string} name  @param {...(number | bigint | boolean)} args */
  check(messages, name, ...args) {
    if (this.disposed) throw new KvcError('disposed', 'The session was disposed of; create another one.');
    return this.engine.check(messages, name, this.#pointer, ...args);
  }

  /** The same for what may change the cache. @param {Partial<Record<ErrorCode, string>>} messages  @param {string} name  @param {...number} args */
  change(messages, name, ...args) {
    this.check(messages, name, ...args);
    this.tell();
  }

  /** Tells who listens what has happened in the cache. */
  tell() {
    this.watcher?.collect();
    this.watcher?.tell();
  }

  /** Neither disposed of nor trapped. */
  get usable() {
    return !this.disposed && this.engine.usable;
  }

  refuseWhileRunning() {
    if (this.running) throw new KvcError('busy', 'This session is generating. Wait for it, stop it, or use another session.');
  }

  dispose() {
    if (this.disposed) return;
    this.watcher?.stop();
    this.disposed = true;
    abandoned.unregister(this);
    freeing(this.engine, this.#pointer)();
  }
}
