// A session: one timeline of tokens over a model, with its own KV cache and logits.
//
//   append / prefill / decode / sync        synchronously, for programs that own their thread
//   generate(prompt)                        token by token; yields to other work, within a token too, so
//                                           that a page stays alive and a stop is heard
//   select / fork / reorder / drop / keep   several timelines over one cache, whose shared beginnings are
//                                           stored once; everything else is about the selected one
import { cacheMap, snapshot } from '../cache/inspect.js';
import { KvcError } from '../engine/errors.js';
import { disposeSymbol } from '../engine/memory.js';
import { generate } from './generate.js';
import { attentionWeights, counts, logits, logitsHash, memoryUsage, top } from './inspect.js';
import { NativeSession } from './native-session.js';
import { begin, beginBatch, beginScore, beginSync, checkIdle, finish } from './passes.js';
import { SessionCache } from './session-cache.js';

/**
 * @import { OnEvent } from '../cache/events.js'
 * @import { Range } from '../cache/inspect.js'
 * @import { Engine } from '../engine/engine.js'
 * @import { SessionModel } from './native-session.js'
 * @import { SessionOptions } from './options.js'
 * @import { FinishReason, Token } from './plan.js'
 *
 * @typedef {import('./inspect.js').MemoryUsage} MemoryUsage
 * @typedef {import('./sampling.js').GenerateOptions} GenerateOptions
 */

export class Session {
  #native;

  /**
   * Use model.createSession().
   * @param {Engine} engine  @param {SessionModel} model  @param {number} modelPointer
   * @param {SessionOptions} [options]
   */
  constructor(engine, model, modelPointer, options = {}) {
    this.#native = new NativeSession(engine, model, modelPointer, options);
    /** The most tokens that each timeline can hold. */
    this.capacity = this.#native.capacity;
  }

  /** The native session, unless a generate() is under way. */
  get #idle() {
    checkIdle(this.#native);
    return this.#native;
  }

  // ---- the timeline -----------------------------------------------------------------------------

  /** Tokens in the timeline. */
  get position() {
    return this.#native.position;
  }

  /** How many of them the cache holds: all, unless it is or was off. */
  get cachedTokens() {
    return this.#native.engine.call('kvc_session_cached', this.#native.pointer);
  }

  /**
   * Whether the next token is computed with the KV cache: changes the speed, never the logits (in f32). May
   * be set at any time, between two tokens of a generate() too; the next token computes what is missing.
   */
  get useCache() {
    return this.#native.useCache;
  }

  set useCache(on) {
    this.#native.useCache = Boolean(on);
  }

  /** Of the last prefill, sync or prompt: its tokens, those of them that the cache held, milliseconds. */
  get prefillStats() {
    return this.#native.prefillStats;
  }

  /** Rewinds to the first n tokens. There are no logits then until the next token. @param {number} n */
  truncate(n) {
    this.#idle.truncate(n);
  }

  /**
   * Always refused, with the reason. (KVCache.evict is for caches whose keys do not know their position.)
   * @param {number} first  @param {number} n
   */
  evict(first, n) {
    this.#idle.evict(first, n);
  }

  /** Back to empty timelines, the cache zeroed. */
  reset() {
    const { calls, pointer } = this.#idle;
    calls.call('kvc_session_reset', pointer);
  }

  // ---- passes -----------------------------------------------------------------------------------

  /** Appends tokens and computes the logits that follow the last one. @param {ArrayLike<number>} ids */
  append(ids) {
    begin(this.#idle, ids);
    finish(this.#native);
  }

  /** The same; returns the logits, a copy: [vocab_size]. @param {ArrayLike<number>} ids */
  prefill(ids) {
    begin(this.#idle, ids);
    this.#native.prefillStats = { tokens: ids.length, reused: 0, ms: finish(this.#native) };
    return this.logits;
  }

  /** The same for one token. @param {number} id */
  decode(id) {
    this.append([id]);
    return this.logits;
  }

  /**
   * Makes the timeline these very tokens. What the cache holds of their common beginning is reused; the rest
   * is computed, at least the last token unless its logits are there. With the cache off nothing is reused.
   * @param {ArrayLike<number>} ids
   * @returns {{ reused: number, computed: number }}  in tokens
   */
  sync(ids) {
    const native = this.#idle;
    const reused = beginSync(native, ids);
    native.prefillStats = { tokens: ids.length, reused, ms: finish(native) };
    return { reused, computed: ids.length - reused };
  }

  /**
   * One token more for each of several sequences, in one pass that reads the weights once.
   * @param {ArrayLike<number>} sequences  each at most once
   * @param {ArrayLike<number>} ids        one for each
   * @returns {Float32Array[]} the logits of each, the same bits as from decode()
   */
  decodeBatch(sequences, ids) {
    const native = this.#idle;
    beginBatch(native, sequences, ids);
    finish(native);
    const { selected } = native;
    const logits = Array.from(sequences, (sequence) => (native.select(sequence), this.logits));
    native.select(selected);
    return logits;
  }

  /**
   * Scores a text in one full-sequence pass; timeline, cache and logits are not touched.
   * @param {ArrayLike<number>} ids  at least 2, at most capacity + 1
   * @returns {Float32Array} ln p(ids[t + 1] | ids[0 .. t]) for each t: [ids.length - 1]
   */
  score(ids) {
    const native = this.#idle;
    beginScore(native, ids);
    finish(native);
    return native.engine.memory.floats(native.scores, ids.length - 1);
  }

  /** The logits after the last token: [vocab_size], a copy. */
  get logits() {
    return logits(this.#native);
  }

  /** FNV-1a 64 over the bytes of the last logits, as 16 hex digits: equal hashes, equal bits. */
  get logitsHash() {
    return logitsHash(this.#native);
  }

  /**
   * Continues a prompt, token by token: see generate.js.
   * @param {string | ArrayLike<number>} prompt  text or ids; '' starts from the beginning-of-text token
   * @param {GenerateOptions} [options]
   * @returns {AsyncGenerator<Token, FinishReason, void>}  of several samples, the reason of sample 0
   */
  generate(prompt, options = {}) {
    return generate(this.#native, prompt, options);
  }

  // ---- several sequences ------------------------------------------------------------------------

  /** The number of timelines; generate() adds some when it needs them. */
  get sequences() {
    return this.#native.sequences;
  }

  /** The one that position, logits, prefill and all the rest are about: 0 at first. */
  get selected() {
    return this.#native.selected;
  }

  /** @param {number} sequence */
  select(sequence) {
    this.#idle.select(sequence);
  }

  /** Sequence `to` becomes a copy of `from`, sharing pages. @param {number} from  @param {number} to */
  fork(from, to) {
    this.#idle.fork(from, to);
  }

  /** Sequence i becomes what from[i] was. @param {ArrayLike<number>} from  [sequences] */
  reorder(from) {
    this.#idle.reorder(from);
  }

  /** Empties a sequence. @param {number} sequence */
  drop(sequence) {
    this.#idle.drop(sequence);
  }

  /** Empties all sequences but this one. @param {number} sequence */
  keep(sequence) {
    this.#idle.keep(sequence);
  }

  // ---- looking inside ---------------------------------------------------------------------------

  /** The cache itself, to look at. */
  get kvCache() {
    return new SessionCache(this, this.#native);
  }

  /** The k likeliest next tokens and the logarithms of their probabilities. @param {number} k */
  top(k) {
    return top(this.#native, k);
  }

  /**
   * How much the last token looked at each token, itself included: [position]. They sum to 1.
   * @param {number} layer  @param {number} head
   */
  attentionWeights(layer, head) {
    return attentionWeights(this.#native, layer, head);
  }

  /**
   * What the cache holds of one layer and head, as floats: [count, head_dim] each, a copy.
   * @param {Range & { sequence?: number }} range
   */
  snapshot({ sequence = this.#native.selected, ...range } = /** @type {any} */ ({})) {
    return snapshot(this.#native.cachePlace, sequence, range);
  }

  /** Where the tokens of each sequence lie in the cache. */
  cacheMap() {
    return cacheMap(this.#native.cachePlace);
  }

  /** Called with each CacheEvent after the work that made it; null: nothing is recorded. */
  get onEvent() {
    return this.#native.calls.listener;
  }

  set onEvent(/** @type {OnEvent | null} */ listener) {
    this.#native.calls.listener = listener;
  }

  memoryUsage() {
    return memoryUsage(this.#native);
  }

  get counts() {
    return counts(this.#native);
  }

  /** Counts from zero again. */
  clearCounts() {
    this.#native.engine.call('kvc_session_clear_counts', this.#native.pointer);
  }

  // ---- as bytes, and the end --------------------------------------------------------------------

  /** All sequences, to go on from bit for bit with restore(). */
  save() {
    return this.#idle.save();
  }

  /**
   * Goes on from what save() gave, in any session of the same model with room for its tokens and the same
   * element types; it grows where the state has more sequences. A refused state leaves it as it was.
   * @param {Uint8Array | ArrayBuffer} state
   */
  restore(state) {
    const bytes = state instanceof ArrayBuffer ? new Uint8Array(state) : state;
    if (!(bytes instanceof Uint8Array)) {
      throw new KvcError('invalid_argument',
        'restore() takes the Uint8Array that save() gave, or its ArrayBuffer.');
    }
    this.#idle.restore(bytes);
  }

  /** Frees the session's memory. May be called again. */
  dispose() {
    this.#native.dispose();
  }

  [disposeSymbol]() {
    this.dispose();
  }
}
