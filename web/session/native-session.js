// One kvc_session in wasm memory: its block, its sequences, its state as bytes. passes.js runs it, inspect.js
// looks inside, session.js gives it to users.
import { DTYPES } from '../engine/abi.js';
import { areCounts } from '../engine/arguments.js';
import { layOut } from '../engine/engine.js';
import { KvcError } from '../engine/errors.js';
import { WatchedCalls } from '../cache/events.js';
import { sessionOptions } from './options.js';
import { restoreState, saveState, sequencesOf } from './state.js';

/**
 * @import { CachePlace } from '../cache/inspect.js'
 * @import { Config } from '../config/config.js'
 * @import { GenerationConfig } from '../config/generation.js'
 * @import { Struct } from '../engine/abi.js'
 * @import { Engine } from '../engine/engine.js'
 * @import { Block } from '../engine/memory.js'
 * @import { SessionOptions } from './options.js'
 *
 * @typedef {object} SessionModel  what a session needs of its model
 * @property {Readonly<Config>} config
 * @property {Readonly<GenerationConfig>} generation
 * @property {number} sampledIds   the sampler chooses from the ids below this
 * @property {(text: string) => number[]} encode
 * @property {() => { push: (id: number) => string, flush: () => string }} textStream
 *
 * @typedef {object} Parts     of the block: addresses
 * @property {Block} block
 * @property {number} pointer   the kvc_session
 * @property {number} cache     its kvc_cache
 * @property {number} rngs      uint64_t [sequences]
 * @property {number} sampling  a kvc_sampling
 * @property {number} input     uint32_t [max(capacity + 1, 2 * sequences)], what the next call reads
 * @property {number} scores    float [capacity]
 */

const SAMPLING_BYTES = 24;

export class NativeSession {
  #modelPointer;
  /** @type {Parts} */
  #parts;
  /** While a generate() is under way. */
  running = false;
  /** Of the last prefill. */
  prefillStats = { tokens: 0, reused: 0, ms: 0 };

  /**
   * @param {Engine} engine
   * @param {SessionModel} model
   * @param {number} modelPointer  its kvc_model
   * @param {SessionOptions} options
   */
  constructor(engine, model, modelPointer, options) {
    const chosen = sessionOptions(options, model.config.nPositions);
    this.engine = engine;
    this.model = model;
    this.#modelPointer = modelPointer;
    this.capacity = chosen.capacity;
    this.useCache = chosen.useCache;
    this.keyType = chosen.keyType;
    this.valueType = chosen.valueType;
    this.whenFull = chosen.whenFull;
    this.sequences = chosen.sequences;
    this.#parts = this.#create(chosen.sequences);
    /** Whatever changes the session is called through these. */
    this.calls = new WatchedCalls(engine, () => this.cache);
  }

  /** @param {number} sequences  @returns {Parts} */
  #create(sequences) {
    const { engine, capacity } = this;
    const what = sequences === 1 ? 'a session' : `${sequences} sequences`;
    const message = `There is not enough memory for ${what} of ${capacity} tokens. Dispose of other `
      + 'sessions, or choose a smaller capacity.';
    const messages = { out_of_memory: message };
    const give = () => engine.give('kvc_session_config', {
      capacity, n_sequence: sequences, key_type: DTYPES[this.keyType], value_type: DTYPES[this.valueType],
    });
    const inputs = Math.max(capacity + 1, 2 * sequences);
    const { block, pointer, end } = layOut(engine, 'session', message,
      (bytes) => engine.check(messages, 'kvc_session_bytes', this.#modelPointer, give(), bytes),
      (session, memory, bytes) => engine.check(messages, 'kvc_session_init',
        session, this.#modelPointer, give(), memory, bytes),
      8 * sequences + SAMPLING_BYTES + 4 * inputs + 4 * capacity);
    const sampling = end + 8 * sequences;
    const input = sampling + SAMPLING_BYTES;
    const cache = engine.call('kvc_session_cache', pointer) >>> 0;
    return { block, pointer, cache, rngs: end, sampling, input, scores: input + 4 * inputs };
  }

  /** What lies in the block; throws "disposed" after dispose(), so that nothing writes into freed memory. */
  get #live() {
    this.#parts.block.check();
    return this.#parts;
  }

  /** The kvc_session. */
  get pointer() {
    return this.#live.pointer;
  }

  /** Its kvc_cache. */
  get cache() {
    return this.#live.cache;
  }

  /** The cache, to look into; its rows are the sequences. @returns {CachePlace} */
  get cachePlace() {
    const { nLayer: numLayers, nKvHead: numHeads, headDim } = this.model.config;
    const { cache: pointer, block: { bytes } } = this.#live;
    const { engine, sequences: batchSize } = this;
    return { engine, pointer, batchSize, numLayers, numHeads, headDim, bytes };
  }

  /** Where passes read token ids. */
  get input() {
    return this.#live.input;
  }

  /** Where scoring writes. */
  get scores() {
    return this.#live.scores;
  }

  get position() {
    return this.engine.call('kvc_session_position', this.pointer);
  }

  /** Rewinds to the first n tokens. @param {number} n */
  truncate(n) {
    const position_out_of_range = `The timeline has ${this.position} tokens; it cannot be cut to ${n}.`;
    if (!areCounts(n)) throw new KvcError('position_out_of_range', position_out_of_range);
    this.calls.check({ position_out_of_range }, 'kvc_session_truncate', this.pointer, n);
  }

  /** Always refused. @param {number} first  @param {number} n */
  evict(first, n) {
    const unsupported = `Tokens ${first} to ${first + n - 1} cannot be taken out of the middle: GPT-2 `
      + 'learned a vector for each position, which is part of every cached key and value, so the tokens '
      + 'after them cannot move. Give the new text to sync().';
    this.calls.check({ unsupported }, 'kvc_session_evict', this.pointer, first, n);
  }

  /** Drops the pass that is under way, if any. */
  cancel() {
    this.calls.call('kvc_session_cancel', this.pointer);
  }

  // ---- sampling ---------------------------------------------------------------------------------

  /**
   * For every sample() to come.
   * @param {Struct<'kvc_sampling'>} sampling
   * @param {number} first  of the sequences to be sampled from
   * @param {readonly bigint[]} seeds  one for each of them
   */
  prepareSampling(sampling, first, seeds) {
    const { memory } = this.engine;
    memory.write('kvc_sampling', this.#live.sampling, sampling);
    memory.put(this.#live.rngs + 8 * first, BigUint64Array.from(seeds));
  }

  /** Draws the next token of a sequence, which is the selected one then. @param {number} sequence */
  sample(sequence) {
    const { engine, model } = this;
    const { sampling, rngs } = this.#live;
    this.select(sequence);
    engine.check({}, 'kvc_session_sample',
      this.pointer, sampling, rngs + 8 * sequence, model.sampledIds, engine.result);
    return engine.resultWord;
  }

  // ---- sequences --------------------------------------------------------------------------------

  get selected() {
    return this.engine.call('kvc_session_selected', this.pointer);
  }

  /** @param {number} sequence */
  select(sequence) {
    this.checkSequence(sequence);
    this.calls.check({}, 'kvc_session_select', this.pointer, sequence);
  }

  /** Sequence `to` becomes what `from` is. @param {number} from  @param {number} to */
  fork(from, to) {
    this.checkSequence(from);
    this.checkSequence(to);
    this.calls.check({}, 'kvc_session_fork', this.pointer, from, to);
  }

  /** Empties a sequence. @param {number} sequence */
  drop(sequence) {
    this.checkSequence(sequence);
    this.calls.check({}, 'kvc_session_drop', this.pointer, sequence);
  }

  /** Empties the others. @param {number} sequence */
  keep(sequence) {
    this.checkSequence(sequence);
    this.calls.check({}, 'kvc_session_keep', this.pointer, sequence);
  }

  /** Sequence i becomes what from[i] was. @param {ArrayLike<number>} from  [sequences] */
  reorder(from) {
    if (from?.length !== this.sequences) {
      throw new KvcError('invalid_argument', `reorder takes one sequence for each of the ${this.sequences}.`);
    }
    for (let i = 0; i < from.length; i++) this.checkSequence(from[i]);
    this.engine.memory.putWords(this.input, from);
    this.calls.check({}, 'kvc_session_reorder', this.pointer, this.input);
  }

  /**
   * Sequence 0 becomes the first n tokens of this one; the others are emptied. A pass under way is dropped.
   * @param {number} sequence  @param {number} [n]
   */
  adopt(sequence, n = Infinity) {
    this.calls.operation(() => {
      this.cancel();
      if (sequence !== 0) this.fork(sequence, 0);
      this.keep(0);
      this.select(0);
      if (this.position > n) this.truncate(n);
    });
  }

  /** The first n sequences become what the selected one is, and the others are emptied. @param {number} n */
  spread(n) {
    this.calls.operation(() => {
      this.reorder(new Array(this.sequences).fill(this.selected));
      this.select(0);
      for (let i = n; i < this.sequences; i++) this.drop(i);
    });
  }

  /** @param {number} sequence */
  checkSequence(sequence) {
    if (Number.isInteger(sequence) && sequence >= 0 && sequence < this.sequences) return;
    throw new KvcError('position_out_of_range', `There is no sequence ${sequence}: this session has `
      + `${this.sequences}, counted from 0. createSession({ sequences }) gives more.`);
  }

  /** Makes room for more: a larger session takes over the state of this one. @param {number} sequences */
  grow(sequences) {
    if (sequences <= this.sequences) return;
    const { selected } = this;
    this.calls.operation(() => {
      this.#replace(sequences, saveState(this));
      this.select(selected);
    });
  }

  /** A larger session in place of this one. @param {number} sequences  @param {Uint8Array} state  in it */
  #replace(sequences, state) {
    const parts = this.#create(sequences);
    try {
      restoreState(this, parts.pointer, state);
    } catch (error) {
      parts.block.free();
      throw error;
    }
    this.#parts.block.free();
    this.#parts = parts;
    this.sequences = sequences;
    this.calls.restart();
  }

  // ---- the state as bytes -----------------------------------------------------------------------

  save() {
    return saveState(this);
  }

  /** Grows where the state has more sequences. @param {Uint8Array} state */
  restore(state) {
    try {
      restoreState(this, this.pointer, state);
    } catch (error) {
      if (!(error instanceof KvcError) || error.code !== 'context_full') throw error;
      if (sequencesOf(state) <= this.sequences) throw error;
      return this.#replace(sequencesOf(state), state);
    }
    this.calls.restart();
  }

  // ---- the end ----------------------------------------------------------------------------------

  /** Neither disposed of nor trapped. */
  get usable() {
    return !this.#parts.block.freed && this.engine.usable;
  }

  dispose() {
    if (this.#parts.block.freed) return;
    this.calls.stop();
    this.#parts.block.free();
  }
}
