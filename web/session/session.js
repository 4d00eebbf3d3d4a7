// A session: one timeline of tokens over a model, with its own KV cache and logits.
//
//   append / prefill / decode / sync        at once, for programs that own their thread
//   generate(prompt)                        token by token; lets other work in, so that a page stays alive
//                                           and a stop is heard, within a token too
//   select / fork / reorder / drop / keep   several timelines over one cache, whose shared beginnings are
//                                           stored once; what is said elsewhere is about the selected one
import { KvcError } from '../engine/errors.js';
import { generate } from './generate.js';
import { NO_LOGITS } from './handle.js';
import { Passes } from './passes.js';
import { SessionCache } from './session-cache.js';
import { Looks } from './session-looks.js';

export const disposeSymbol = Symbol.dispose ?? Symbol.for('Symbol.dispose');

/**
 * @typedef {import('./sampling.js').GenerateOptions} GenerateOptions
 * @typedef {import('./generate.js').Token} Token
 * @typedef {import('./generate.js').FinishReason} FinishReason
 * @typedef {import('./options.js').SessionOptions} SessionOptions
 * @typedef {import('./session-looks.js').MemoryUsage} MemoryUsage
 */

export class Session extends Looks {
  #handle;

  /**
   * Use model.createSession().
   * @param {import('./model.js').Model} model
   * @param {import('../engine/engine.js').Engine} engine
   * @param {number} modelHandle
   * @param {SessionOptions} [options]
   */
  constructor(model, engine, modelHandle, options = {}) {
    const handle = new Passes(model, engine, modelHandle, options);
    super(handle);
    this.#handle = handle;
    /** The most tokens that each timeline can hold. */
    this.capacity = handle.capacity;
  }

  // ---- the timeline -----------------------------------------------------------------------------

  /** Tokens in the timeline. */
  get position() {
    return this.#handle.position;
  }

  /** How many of them the cache holds: all, unless it is or was off. @returns {number} */
  get cachedTokens() {
    return this.#handle.call('kvc_wasm_session_cached');
  }

  /** The cache itself, to look at. */
  get kvCache() {
    return new SessionCache(this, this.#handle);
  }

  /**
   * Whether the next token is computed with the KV cache. Changes the speed, never the logits (in a
   * cache of f32); may be set at any time, between two tokens of a generate() too. Switched on again,
   * the next token first computes the entries that are missing.
   */
  get useCache() {
    return this.#handle.useCache;
  }

  set useCache(on) {
    this.#handle.useCache = Boolean(on);
  }

  /** Of the last prefill, sync or prompt: its tokens, how many of them were in the cache already, and the milliseconds. */
  get prefillStats() {
    return this.#handle.prefillStats;
  }

  /** Rewinds to the first n tokens. There are no logits then until the next token. @param {number} n */
  truncate(n) {
    const handle = this.#idle();
    const position_out_of_range = `The timeline has ${this.position} tokens; it cannot be cut to ${n}.`;
    if (!Number.isInteger(n) || n < 0) throw new KvcError('position_out_of_range', position_out_of_range);
    handle.change({ position_out_of_range }, 'kvc_wasm_session_truncate', Math.min(n, 2 ** 32 - 1));
  }

  /** Always refused: see the message. (KVCache.evict is for caches whose keys do not know their position.) @param {number} first  @param {number} n */
  evict(first, n) {
    this.#idle().change({ unsupported: `Tokens ${first} to ${first + n - 1} cannot be taken out of the middle: GPT-2 learned a vector for each position, `
      + 'which is part of every cached key and value, so the tokens after them cannot move. Give the new text to sync().' },
    'kvc_wasm_session_evict', first, n);
  }

  /** Back to empty timelines, the cache zeroed. */
  reset() {
    const handle = this.#idle();
    handle.call('kvc_wasm_session_reset');
    handle.tell();
  }

  // ---- passes -----------------------------------------------------------------------------------

  /**
   * Appends tokens and computes the logits that follow the last one, to be asked for: logits, top(), logitsHash.
   * @param {ArrayLike<number>} ids
   */
  append(ids) {
    this.#append(ids);
  }

  /** @param {ArrayLike<number>} ids  @returns {number} the milliseconds of computing */
  #append(ids) {
    const handle = this.#idle();
    handle.begin(ids);
    return handle.finish();
  }

  /**
   * The same, with the logits as the answer.
   * @param {ArrayLike<number>} ids
   * @returns {Float32Array} [vocab_size], a copy
   */
  prefill(ids) {
    const ms = this.#append(ids);
    this.#handle.prefillStats = { tokens: ids.length, reused: 0, ms };
    return this.logits;
  }

  /** The same for one token. @param {number} id */
  decode(id) {
    this.#append([id]);
    return this.logits;
  }

  /**
   * Makes the timeline these very tokens. What the cache holds of the tokens that they have in common
   * with it, from the first on, is reused; the rest is computed, at least the last token unless its
   * logits are there. With the cache off nothing is reused.
   * @param {ArrayLike<number>} ids
   * @returns {{ reused: number, computed: number }}  in tokens
   */
  sync(ids) {
    const handle = this.#idle();
    const reused = handle.beginSync(ids);
    const ms = handle.finish();
    handle.prefillStats = { tokens: ids.length, reused, ms };
    return { reused, computed: ids.length - reused };
  }

  /**
   * One token more for each of several sequences, in one pass that reads the weights once.
   * @param {ArrayLike<number>} sequences  each at most once
   * @param {ArrayLike<number>} ids        as many
   * @returns {Float32Array[]} the logits of each, the same bits as from decode()
   */
  decodeBatch(sequences, ids) {
    const handle = this.#idle();
    if (!(sequences?.length > 0) || sequences.length !== ids?.length) {
      throw new KvcError('invalid_argument', 'decodeBatch takes a list of sequences, and a list of one token id for each.');
    }
    const all = Array.from(sequences, (sequence) => handle.refuseSequence(sequence));
    handle.refuseIds(ids, 1, all.length, 0);
    handle.beginBatch(all, Array.from(ids));
    handle.finish();
    const selected = handle.selected;
    const logits = all.map((sequence) => (handle.select(sequence), this.logits));
    handle.select(selected);
    return logits;
  }

  /**
   * Scores a text in one full-sequence pass, apart from the timeline: neither it nor the cache nor the
   * logits are touched.
   * @param {ArrayLike<number>} ids  at least 2, at most capacity + 1
   * @returns {Float32Array} ln p(ids[t + 1] | ids[0 .. t]) for each t: [ids.length - 1]
   */
  score(ids) {
    const handle = this.#idle();
    handle.beginScore(ids);
    handle.finish();
    return handle.floats(handle.call('kvc_wasm_session_scores'), ids.length - 1);
  }

  /** The logits after the last token: [vocab_size], a copy. */
  get logits() {
    const handle = this.#handle;
    const pointer = handle.call('kvc_wasm_session_logits') >>> 0;
    if (pointer === 0) throw new KvcError('not_ready', NO_LOGITS);
    return handle.floats(pointer, handle.model.config.vocabSize);
  }

  /** FNV-1a 64 over the bytes of the last logits, as 16 hex digits: equal hashes, equal bits. */
  get logitsHash() {
    if (this.#handle.call('kvc_wasm_session_logits') === 0) throw new KvcError('not_ready', NO_LOGITS);
    return BigInt.asUintN(64, this.#handle.call('kvc_wasm_session_logits_hash')).toString(16).padStart(16, '0');
  }

  /**
   * Continues a prompt. The timeline becomes the prompt, reusing what the cache holds of its beginning
   * as sync() does, and then grows: the session holds the prompt and every token given out, whether the
   * loop ran to its end, was left, or was aborted (within the prompt: what was reused of it).
   *
   * n: so many samples at once, which share the prompt's part of the cache; sample i is what a run of its
   * own with the seed `seed + i` gives. Tokens say which sample they belong to; the session then holds
   * sample 0. numBeams: beam search, see beams.js.
   *
   * Errors: "context_full" when the prompt does not fit, or, unless whenFull is "stop", when the capacity
   * is used up before a given maxTokens are there.
   * @param {string | ArrayLike<number>} prompt  text or token ids; '' starts from the beginning-of-text token
   * @param {GenerateOptions} [options]
   * @returns {AsyncGenerator<Token, FinishReason, void>}  returns how it ended; of several samples, how sample 0 did
   */
  generate(prompt, options = {}) {
    return generate(this.#handle, prompt, options);
  }

  // ---- several sequences ------------------------------------------------------------------------

  /** How many timelines this session has; generate() adds some when it needs them. */
  get sequences() {
    return this.#handle.sequences;
  }

  /** Which one position, logits, prefill and all the rest are about: 0 at first. */
  get selected() {
    return this.#handle.selected;
  }

  /** @param {number} sequence */
  select(sequence) {
    this.#idle().select(sequence);
  }

  /** Sequence `to` becomes a copy of `from` and shares its part of the cache. @param {number} from  @param {number} to */
  fork(from, to) {
    this.#idle().arrange('fork', from, to);
  }

  /** Sequence i becomes what from[i] was, all at once. @param {ArrayLike<number>} from  one for each sequence */
  reorder(from) {
    const handle = this.#idle();
    if (from?.length !== handle.sequences) throw new KvcError('invalid_argument', `reorder takes one sequence for each of the ${handle.sequences}.`);
    handle.reorder(Array.from(from, (sequence) => handle.refuseSequence(sequence)));
  }

  /** Empties a sequence. @param {number} sequence */
  drop(sequence) {
    this.#idle().arrange('drop', sequence);
  }

  /** Empties all sequences but this one. @param {number} sequence */
  keep(sequence) {
    this.#idle().arrange('keep', sequence);
  }

  // ---- as bytes ---------------------------------------------------------------------------------

  /** All sequences with their tokens, logits and cache, to go on from bit for bit with restore(). */
  save() {
    return this.#idle().save();
  }

  /**
   * Goes on from what save() gave, here or elsewhere: any session of the same model with room for its tokens
   * and the same element types; it grows where the state has more sequences. A state that cannot be taken
   * leaves the session as it was.
   * @param {Uint8Array | ArrayBuffer} state
   */
  restore(state) {
    const bytes = state instanceof ArrayBuffer ? new Uint8Array(state) : state;
    if (!(bytes instanceof Uint8Array)) throw new KvcError('invalid_argument', 'restore() takes the Uint8Array that save() gave, or its ArrayBuffer.');
    this.#idle().restore(bytes);
  }

  // ---- lifetime ---------------------------------------------------------------------------------

  /** Frees the session's memory. May be called again. */
  dispose() {
    this.#handle.dispose();
  }

  [disposeSymbol]() {
    this.dispose();
  }

  /** The handle, for what must not come between the tokens of a generate(). */
  #idle() {
    this.#handle.refuseWhileRunning();
    return this.#handle;
  }
}
