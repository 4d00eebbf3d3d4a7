// One kvc_session in wasm memory: its block, its sequences, its state as bytes. passes.js runs it, inspect.js
// looks inside, session.js gives it to users.
import { WatchedCalls } from '../cache/events.js';
import { areCounts, invalid, listOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { restore } from './growth.js';
import { counts } from './inspect.js';
import { sessionOptions } from './options.js';
import { SAMPLING_BYTES, kindOf, layOutSession } from './parts.js';
import { rewind } from './rewind.js';
import { evict, textFor } from './sliding.js';
import { restoreState, saveState } from './state.js';

/**
 * @import { CachePlace } from '../cache/inspect.js'
 * @import { Config } from '../config/config.js'
 * @import { GenerationConfig } from '../config/generation.js'
 * @import { Engine } from '../engine/engine.js'
 * @import { DecodeOptions } from '../files/tokenizer.js'
 * @import { ChatOptions, Message } from './chat.js'
 * @import { Counts } from './inspect.js'
 * @import { Mode, Parts, Room } from './parts.js'
 * @import { SessionOptions } from './options.js'
 * @import { FinishReason } from './plan.js'
 * @import { Run } from './run.js'
 *
 * @typedef {object} SessionModel  what a session needs of its model
 * @property {Readonly<Config>} config
 * @property {Readonly<GenerationConfig>} generation
 * @property {number} sampledIds   the sampler chooses from the ids below this
 * @property {(text: string) => number[]} encode
 * @property {(messages: readonly Message[], options: ChatOptions) => Promise<number[]>} applyChatTemplate
 * @property {unknown} tokenizer  throws if there is none
 * @property {(options: DecodeOptions) => { push: (id: number) => string, flush: () => string }} textStream
 */

export class NativeSession {
  /** @type {Parts} */
  #parts;
  /** What this session cost before it grew into the present one. @type {Counts | undefined} */
  countsBefore;
  /** The generate() under way. @type {Run | undefined} */
  run;
  /** Those that do not have the session yet. @type {Set<Run>} */
  waiting = new Set();
  /** How the last one ended; null while it runs, and after an error. @type {FinishReason | null} */
  finishReason = null;
  /** The stop string that it ended with, or the token. @type {string | number | null} */
  finishedBy = null;
  /** A setSource() is under way. */
  reading = false;
  /** Instead of #useCache, until the run ends. @type {boolean | undefined} */
  runUsesCache;
  #useCache;
  /** Instead of useCrossCache, the same. @type {boolean | undefined} */
  runUsesCrossCache;
  /** Of the last prefill. */
  prefillStats = { tokens: 0, reused: 0, ms: 0 };

  /**
   * @param {Engine} engine
   * @param {SessionModel} model
   * @param {number} modelPointer  its kvc_model
   * @param {SessionOptions | undefined} options
   */
  constructor(engine, model, modelPointer, options) {
    const chosen = sessionOptions(options, model.config);
    this.engine = engine;
    this.model = model;
    /** Its kvc_model. */
    this.modelPointer = modelPointer;
    /** Tokens that each sequence has room for, and those that it can grow to have room for. */
    this.capacity = chosen.capacity;
    this.most = chosen.most;
    this.#useCache = chosen.useCache;
    this.useCrossCache = chosen.useCrossCache;
    this.sourceCapacity = chosen.sourceCapacity;
    this.keyType = chosen.keyType;
    this.valueType = chosen.valueType;
    this.whenFull = chosen.whenFull;
    /** What a full cache does. @type {Mode} */
    this.mode = chosen.whenFull === 'slide' ? 'slide' : 'stop';
    this.sinks = chosen.sinks;
    /** Which page goes first, and how many of the last tokens stay. */
    this.policy = chosen.policy;
    this.recent = chosen.recent;
    /** Tokens of a timeline that there is room for, whether the cache still has them or not. */
    this.text = this.mode === 'slide' ? textFor(chosen.capacity) : chosen.capacity;
    this.sequences = chosen.sequences;
    this.#parts = layOutSession(engine, modelPointer, { ...chosen, text: this.text, mode: this.mode });
    /** What happens in the cache of the source. */
    this.crossCalls = chosen.sourceCapacity > 0 ? new WatchedCalls(engine, () => this.cross) : undefined;
    /** Whatever changes the session is called through these. */
    this.calls = new WatchedCalls(engine, () => this.cache, this.crossCalls);
  }

  /** What lies in the block; throws "disposed" after dispose(), so that nothing writes into freed memory. */
  get #live() {
    this.#parts.block.check();
    return this.#parts;
  }

  /** The kvc_session. */
  get pointer() { return this.#live.pointer; }

  /** Its kvc_cache. */
  get cache() { return this.#live.cache; }

  /** Its kvc_cache of the source; 0 where there is no encoder. */
  get cross() { return this.#live.cross; }

  /** The cache, to look into; its rows are the sequences. @returns {CachePlace} */
  get cachePlace() {
    const { nLayer: numLayers, nKvHead: numHeads, headDim, window } = this.model.config;
    const { cache: pointer, block: { bytes } } = this.#live;
    const { engine, sequences: batchSize, keyType, valueType } = this;
    return { engine, pointer, batchSize, numLayers, numHeads, headDim, keyType, valueType, window, bytes };
  }

  get useCache() {
    return this.runUsesCache ?? this.#useCache;
  }

  set useCache(on) {
    this.#useCache = on;
    this.runUsesCache = undefined; // what is set within a run outlasts it
  }

  /** Where passes read token ids. */
  get input() { return this.#live.input; }

  /** Where scoring writes. */
  get scores() { return this.#live.scores; }

  get position() { return this.engine.call('kvc_session_position', this.pointer); }

  /** The ids of the timeline: [position], a copy. */
  get tokens() {
    const { engine, pointer } = this;
    return Array.from(engine.memory.words(engine.call('kvc_session_ids', pointer), this.position));
  }

  reset() {
    this.calls.call('kvc_session_reset', this.pointer);
  }

  /** Out of the cache, from slot `first` on. @param {number} first  @param {number} n */
  evict(first, n) { evict(this, first, n); }

  /** Drops the pass that is under way, if any. */
  cancel() {
    this.calls.call('kvc_session_cancel', this.pointer);
  }

  // ---- sampling ---------------------------------------------------------------------------------

  /** Where a kvc_sampling lies, and the state of each sequence's random numbers: [sequences]. */
  get samplingPlace() {
    const { sampling, rngs } = this.#live;
    return { sampling, rngs };
  }

  // ---- sequences --------------------------------------------------------------------------------

  get selected() { return this.engine.call('kvc_session_selected', this.pointer); }

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
    const sequences = listOf(from, 'The order of sequences', this.sequences);
    for (const sequence of sequences) this.checkSequence(sequence);
    this.engine.memory.putWords(this.input, sequences);
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
      if (this.position > n) rewind(this, n, { recompute: true });
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
    if (areCounts(sequence) && sequence < this.sequences) return;
    throw new KvcError('position_out_of_range', `There is no sequence ${shown(sequence)}: this session has `
      + `${this.sequences}, counted from 0. createSession({ sequences }) gives more.`);
  }

  /** Makes room for more: a larger session takes over the state of this one. @param {number} sequences */
  grow(sequences) {
    if (sequences <= this.sequences) return;
    this.replace({ sequences, capacity: this.capacity, text: this.text }, saveState(this));
  }

  /**
   * A larger session in place of this one: the same sequence is selected, and counting and drawing go on.
   * @param {Omit<Room, 'sourceCapacity'>} room  @param {Uint8Array} state  of it
   */
  replace(room, state) {
    const { selected, sourceCapacity, engine: { memory } } = this;
    const sizes = { ...kindOf(this), ...room, sourceCapacity };
    const parts = layOutSession(this.engine, this.modelPointer, sizes);
    try {
      restoreState(this, parts.pointer, state);
    } catch (error) {
      parts.block.free();
      throw error;
    }
    const { rngs, sampling } = this.#parts;
    memory.put(parts.rngs, memory.bytes(rngs, 8 * this.sequences).slice());
    memory.put(parts.sampling, memory.bytes(sampling, SAMPLING_BYTES).slice());
    this.countsBefore = counts(this);
    this.#parts.block.free();
    this.#parts = parts;
    this.sequences = room.sequences;
    this.capacity = room.capacity;
    this.text = room.text;
    this.engine.check({}, 'kvc_session_select', this.pointer, selected);
    this.calls.restart();
  }

  // ---- the state as bytes -----------------------------------------------------------------------

  save() {
    return saveState(this);
  }

  /**
   * Grows where the state has more sequences or, if it may, more tokens; and makes its tokens such as can
   * leave the cache where some of the state's have.
   * @param {Uint8Array | ArrayBuffer} given
   */
  restore(given) {
    const state = given instanceof ArrayBuffer ? new Uint8Array(given) : given;
    if (!(state instanceof Uint8Array)) {
      throw invalid('restore() takes the Uint8Array that save() gave, or its ArrayBuffer.');
    }
    this.calls.operation(() => restore(this, state));
  }

  // ---- the end ----------------------------------------------------------------------------------

  /** Neither disposed of nor trapped. */
  get usable() { return !this.#parts.block.freed && this.engine.usable; }

  dispose() {
    if (this.#parts.block.freed) return;
    this.calls.stop();
    this.#parts.block.free();
  }
}
