// A session: one timeline of tokens over a model, with its own KV cache and logits.
//
//   append / prefill / decode / sync        synchronously, for programs that own their thread
//   generate(prompt)                        token by token; yields to other work, within a token too, so
//                                           that a page stays alive and a stop is heard
//   select / fork / reorder / drop / keep   several timelines over one cache, whose shared beginnings are
//                                           stored once; everything else is about the selected one
import { cacheMap } from '../cache/inspect.js';
import { disposeSymbol } from '../engine/memory.js';
import { attentionQuery, attentionWeights, clearCounts, counts, crossAttentionWeights, held, logits,
  logitsHash, memoryUsage, snapshotOf, top } from './inspect.js';
import { NativeSession } from './native-session.js';
import { begin, beginBatch, beginScore, beginSync, checkIdle, finish } from './passes.js';
import { rewind } from './rewind.js';
import { Run } from './run.js';
import { SessionCache } from './session-cache.js';
import { crossCacheOf, readSource, setCrossCache, sourceOf } from './source.js';

/**
 * @import { OnEvent } from '../cache/events.js'
 * @import { Range } from '../cache/inspect.js'
 * @import { Engine } from '../engine/engine.js'
 * @import { Ahead } from './inspect.js'
 * @import { SessionModel } from './native-session.js'
 * @import { SessionOptions } from './options.js'
 * @import { FinishReason, Prompt, Token } from './plan.js'
 * @import { RewindOptions } from './rewind.js'
 * @import { GenerateOptions } from './sampling.js'
 * @import { SourceOptions } from './source.js'
 */

export class Session {
  #native;

  /**
   * Use model.createSession().
   * @param {Engine} engine  @param {SessionModel} model  @param {number} pointer  the kvc_model
   * @param {SessionOptions} [options]
   */
  constructor(engine, model, pointer, options) {
    this.#native = new NativeSession(engine, model, pointer, options);
    /** The most tokens of a source; 0 where the model has no encoder. */
    this.sourceCapacity = this.#native.sourceCapacity;
  }

  /** The native session, unless a generate() is under way. */
  get #idle() {
    checkIdle(this.#native);
    return this.#native;
  }

  // ---- the timeline -----------------------------------------------------------------------------

  /** The tokens of each timeline that the cache has room for; of a session that grows, now. */
  get capacity() { return this.#native.capacity; }
  get whenFull() { return this.#native.whenFull; }

  /** With "slide" the first tokens, which stay, in whole pages. */
  get sinks() { return this.#native.sinks; }
  get policy() { return this.#native.policy; }
  get recent() { return this.#native.recent; }

  /** Tokens in the timeline. */
  get position() { return this.#native.position; }

  /** Their ids, a copy: [position]. */
  get tokens() { return this.#native.tokens; }

  /** How many of them the cache has taken: all, unless it is or was off; `held` says which it still has. */
  get cachedTokens() {
    return this.#native.engine.call('kvc_session_cached', this.#native.pointer);
  }

  /**
   * Whether the next token is computed with the KV cache: changes the speed, never the logits (in f32). May
   * be set at any time, between two tokens of a generate() too; the next token computes what is missing.
   */
  get useCache() { return this.#native.useCache; }
  set useCache(on) { this.#native.useCache = Boolean(on); }

  /**
   * Of a model with an encoder: whether keys and values of the source are kept, or projected again for each
   * token. As useCache otherwise; false where there is no encoder.
   */
  get useCrossCache() { return this.#native.runUsesCrossCache ?? this.#native.useCrossCache; }
  set useCrossCache(on) { setCrossCache(this.#native, Boolean(on)); }

  /** Of the last prefill, sync or prompt: its tokens, those that the cache held, milliseconds. */
  get prefillStats() { return this.#native.prefillStats; }

  /** Rewinds to the first n tokens: no logits then. @param {number} n  @param {RewindOptions} [options] */
  truncate(n, options) { rewind(this.#idle, n, options); }

  /** Takes n tokens out of the cache, not of the text. @param {number} first  its slot  @param {number} n */
  evict(first, n) { this.#idle.evict(first, n); }

  /** Back to empty timelines, the cache zeroed. */
  reset() {
    this.#idle.reset();
  }

  // ---- the source, of a model with an encoder -----------------------------------------------------

  /** Its ids, a copy; none where there is none. */
  get source() { return sourceOf(this.#native); }

  /**
   * Reads a source, in slices, once for all that is written from it. The one before is forgotten and all
   * timelines are emptied; aborted, there is none.
   * @param {string | ArrayLike<number>} source  text or ids  @param {SourceOptions} [options]
   * @returns {Promise<{ tokens: number, ms: number }>}
   */
  async setSource(source, options) {
    return readSource(this.#idle, source, options);
  }

  // ---- passes -----------------------------------------------------------------------------------

  /** Appends tokens and computes the logits that follow the last one. @param {ArrayLike<number>} ids */
  append(ids) {
    finish(this.#native, begin(this.#idle, ids));
  }

  /** The same; returns the logits, a copy: [vocab_size]. @param {ArrayLike<number>} ids */
  prefill(ids) {
    const { begun: tokens, ms } = finish(this.#native, begin(this.#idle, ids));
    this.#native.prefillStats = { tokens, reused: 0, ms };
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
   * @param {ArrayLike<number>} ids  @returns {{ reused: number, computed: number }}  in tokens
   */
  sync(ids) {
    const native = this.#idle;
    const { begun: { tokens, reused }, ms } = finish(native, beginSync(native, ids));
    native.prefillStats = { tokens, reused, ms };
    return { reused, computed: tokens - reused };
  }

  /**
   * One token more for each of several sequences, in one pass that reads the weights once.
   * @param {ArrayLike<number>} sequences  each at most once
   * @param {ArrayLike<number>} ids        one for each
   * @returns {Float32Array[]} the logits of each, the same bits as from decode()
   */
  decodeBatch(sequences, ids) {
    const native = this.#idle;
    const { begun: rows } = finish(native, beginBatch(native, sequences, ids));
    const { selected } = native;
    const logits = rows.map((sequence) => (native.select(sequence), this.logits));
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
    const { begun: tokens } = finish(native, beginScore(native, ids));
    return native.engine.memory.floats(native.scores, tokens - 1);
  }

  /** The logits after the last token: [vocab_size], a copy. */
  get logits() { return logits(this.#native); }

  /** FNV-1a 64 over the bytes of the last logits, as 16 hex digits: equal hashes, equal bits. */
  get logitsHash() { return logitsHash(this.#native); }

  /**
   * Continues a prompt, token by token: see run.js.
   * @param {Prompt} prompt  text, ids or a conversation; '' starts from the beginning-of-text token. With an
   *   encoder it is the source, and the text begins anew
   * @param {GenerateOptions} [options]
   * @returns {AsyncGenerator<Token, FinishReason, void>}  of several samples, the reason of sample 0
   */
  generate(prompt, options) {
    return new Run(this.#native, prompt, options);
  }

  /** Ends the generate() under way, if any: its loop ends, with the finish reason "stopped". */
  stop() {
    for (const run of [this.#native.run, ...this.#native.waiting]) run?.stop();
  }

  /** How the last generate() ended: null before, while one is under way, and after an error. */
  get finishReason() { return this.#native.finishReason; }

  /** What it ended with, of "stop" and "eos": the stop string, or the id of the token; else null. */
  get finishedBy() { return this.#native.finishedBy; }

  // ---- several sequences ------------------------------------------------------------------------

  /** The number of timelines; generate() adds some when it needs them. */
  get sequences() { return this.#native.sequences; }

  /** The one that position, logits, prefill and all the rest are about: 0 at first. */
  get selected() { return this.#native.selected; }

  /** @param {number} sequence */
  select(sequence) { this.#idle.select(sequence); }

  /** Sequence `to` becomes a copy of `from`, sharing pages. @param {number} from  @param {number} to */
  fork(from, to) { this.#idle.fork(from, to); }

  /** Sequence i becomes what from[i] was. @param {ArrayLike<number>} from  [sequences] */
  reorder(from) { this.#idle.reorder(from); }

  /** Empties a sequence. @param {number} sequence */
  drop(sequence) { this.#idle.drop(sequence); }

  /** Empties all sequences but this one. @param {number} sequence */
  keep(sequence) { this.#idle.keep(sequence); }

  // ---- looking inside ---------------------------------------------------------------------------

  /** The cache itself, to look at. */
  get kvCache() { return new SessionCache(this, this.#native); }

  /** That of the source: of a model with an encoder. */
  get crossCache() { return crossCacheOf(this.#native); }

  /** What the cache holds, slot by slot. */
  get held() { return held(this.#native); }

  /** The k likeliest next tokens and the logarithms of their probabilities. @param {number} k */
  top(k) { return top(this.#native, k); }

  /** How much the last token looked at each, itself included. @param {number} layer  @param {number} head */
  attentionWeights(layer, head) { return attentionWeights(this.#native, layer, head); }

  /** How much it looked at each token of the source. @param {number} layer  @param {number} head */
  crossAttentionWeights(layer, head) { return crossAttentionWeights(this.#native, layer, head); }

  /** The query that it looked with: [head_dim]. @param {number} layer  @param {number} head */
  attentionQuery(layer, head) { return attentionQuery(this.#native, layer, head); }

  /** Keys and values as floats: [count, head_dim], copies. @param {Range & { sequence?: number }} range */
  snapshot(range) {
    return snapshotOf(this.#native, range);
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

  /** In bytes, as it is, or as it will be with a text of a length. @param {Ahead} [ahead] */
  memoryUsage(ahead) { return memoryUsage(this.#native, ahead); }

  get counts() { return counts(this.#native); }

  /** Counts from zero again. */
  clearCounts() { clearCounts(this.#native); }

  // ---- as bytes, and the end --------------------------------------------------------------------

  /** All sequences, to go on from bit for bit with restore(). */
  save() { return this.#idle.save(); }

  /**
   * Goes on from what save() gave, in any session of the same model with room for its tokens and the same
   * element types; it grows where the state has more sequences. A refused state leaves it as it was.
   * @param {Uint8Array | ArrayBuffer} state
   */
  restore(state) { this.#idle.restore(state); }

  /** Frees the session's memory. May be called again. */
  dispose() { this.#native.dispose(); }

  [disposeSymbol]() { this.dispose(); }
}
