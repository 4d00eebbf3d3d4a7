// A session: one timeline of tokens over a model, with its own KV cache and logits.
//
//   prefill(ids) / decode(id)   at once, for programs that own their thread
//   generate(prompt)            token by token; lets other work in, so that a page stays alive and a
//                               stop is heard, within a token too
import { KvcError, throwIfAborted } from './errors.js';
import { Pauses } from './pauses.js';
import { samplingArguments, seedOf } from './sampling.js';

export const disposeSymbol = Symbol.dispose ?? Symbol.for('Symbol.dispose');

/**
 * @typedef {import('./sampling.js').GenerateOptions} GenerateOptions
 *
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text       the characters it completes; never half of one, so '' at times
 * @property {number} position   in the timeline, counted from 0
 * @property {number} ms         time to sample it and to compute the logits after it, pauses left out
 *
 * @typedef {object} MemoryUsage  in bytes
 * @property {number} totalBytes     all that this session has allocated: cache, scratch, logits
 * @property {number} cacheBytes     of it the KV cache: 2 * n_layer * n_embd * capacity * 4
 * @property {number} usedBytes      of the cache the part that holds tokens
 * @property {number} bytesPerToken  2 * n_layer * n_embd * 4
 *
 * @typedef {'length' | 'eos'} FinishReason  maxTokens or the capacity reached, or the end-of-text token drawn
 */

/** Frees what a session that nobody disposed of has left behind; a net, not a plan. */
const abandoned = new FinalizationRegistry((/** @type {() => void} */ free) => free());

/** Made out here, so that it holds on to nothing else. @param {import('./engine.js').Engine} engine  @param {number} handle */
const freeing = (engine, handle) => () => {
  if (engine.usable) engine.call('kvc_wasm_session_free', handle);
};

export class Session {
  #model;
  #engine;
  #handle;
  #useCache;
  #running = false;  // a generate() is under way
  #disposed = false;
  /** Of the last prefill: tokens read, and the milliseconds that took. */
  prefillStats = { tokens: 0, ms: 0 };

  /**
   * Use model.createSession().
   * @param {import('./model.js').Model} model
   * @param {import('./engine.js').Engine} engine
   * @param {number} modelHandle
   * @param {{ capacity?: number, useCache?: boolean }} [options]
   */
  constructor(model, engine, modelHandle, { capacity = model.config.nPositions, useCache = true } = {}) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > model.config.nPositions) {
      throw new KvcError('invalid_argument', `A session's capacity goes from 1 to the model's ${model.config.nPositions} positions; `
        + `${capacity} is not possible.`);
    }
    engine.check({
      out_of_memory: `There is not enough memory for a session of ${capacity} tokens. Dispose of others, or choose a smaller capacity.`,
    }, 'kvc_wasm_session_new', modelHandle, capacity);
    this.#model = model;
    this.#engine = engine;
    this.#handle = engine.word(0);
    this.#useCache = Boolean(useCache);
    /** The most tokens the timeline can hold. */
    this.capacity = capacity;
    abandoned.register(this, freeing(engine, this.#handle), this);
  }

  // ---- the timeline -----------------------------------------------------------------------------

  /** Tokens in the timeline. */
  get position() {
    return this.#call('kvc_wasm_session_position');
  }

  /** How many of them the cache holds: all, unless it is or was off. */
  get cachedTokens() {
    return this.#call('kvc_wasm_session_cached');
  }

  /**
   * Whether the next token is computed with the KV cache. Changes the speed, never the logits; may be
   * set at any time, between two tokens of a generate() too. Switched on again, the next token first
   * computes the entries that are missing.
   */
  get useCache() {
    return this.#useCache;
  }

  set useCache(on) {
    this.#useCache = Boolean(on);
  }

  /** Rewinds to the first n tokens. There are no logits then until the next token. @param {number} n */
  truncate(n) {
    this.#refuseWhileRunning();
    const position_out_of_range = `The timeline has ${this.position} tokens; it cannot be cut to ${n}.`;
    if (!Number.isInteger(n) || n < 0) throw new KvcError('position_out_of_range', position_out_of_range);
    this.#check({ position_out_of_range }, 'kvc_wasm_session_truncate', Math.min(n, 2 ** 32 - 1));
  }

  /** Back to an empty timeline, the cache zeroed. */
  reset() {
    this.#refuseWhileRunning();
    this.#call('kvc_wasm_session_reset');
  }

  // ---- passes -----------------------------------------------------------------------------------

  /**
   * Appends tokens and computes the logits that follow the last one.
   * @param {ArrayLike<number>} ids
   * @returns {Float32Array} [vocab_size], a copy
   */
  prefill(ids) {
    this.#refuseWhileRunning();
    const start = performance.now();
    this.#begin(ids);
    while (this.#step());
    this.prefillStats = { tokens: ids.length, ms: performance.now() - start };
    return this.logits;
  }

  /** The same for one token. @param {number} id */
  decode(id) {
    this.#refuseWhileRunning();
    this.#begin([id]);
    while (this.#step());
    return this.logits;
  }

  /**
   * Scores a text in one full-sequence pass, apart from the timeline: neither it nor the cache nor the
   * logits are touched.
   * @param {ArrayLike<number>} ids  at least 2, at most capacity + 1
   * @returns {Float32Array} ln p(ids[t + 1] | ids[0 .. t]) for each t: [ids.length - 1]
   */
  score(ids) {
    this.#refuseWhileRunning();
    this.#refuseIds(ids, 2, this.capacity + 1);
    this.#send(ids);
    this.#check({}, 'kvc_wasm_session_begin_score', ids.length);
    while (this.#step());
    const length = 4 * (ids.length - 1);
    return new Float32Array(this.#engine.bytes(this.#call('kvc_wasm_session_scores'), length).slice().buffer);
  }

  /** The logits after the last token: [vocab_size], a copy. */
  get logits() {
    const pointer = this.#call('kvc_wasm_session_logits') >>> 0;
    if (pointer === 0) throw noLogits();
    return new Float32Array(this.#engine.bytes(pointer, 4 * this.#model.config.vocabSize).slice().buffer);
  }

  /** FNV-1a 64 over the bytes of the last logits, as 16 hex digits: equal hashes, equal bits. */
  get logitsHash() {
    if (this.#call('kvc_wasm_session_logits') === 0) throw noLogits();
    return BigInt.asUintN(64, this.#call('kvc_wasm_session_logits_hash')).toString(16).padStart(16, '0');
  }

  /** @returns {MemoryUsage} */
  memoryUsage() {
    this.#call('kvc_wasm_session_memory');
    const [totalBytes, cacheBytes, usedBytes, bytesPerToken] = [0, 1, 2, 3].map((i) => this.#engine.word(i));
    return { totalBytes, cacheBytes, usedBytes, bytesPerToken };
  }

  // ---- generation -------------------------------------------------------------------------------

  /**
   * Starts the timeline anew with the prompt and continues it. The session then holds the prompt and
   * every token given out, whether the loop ran to its end, was left, or was aborted.
   * Errors: "context_full" when the capacity is used up before a given maxTokens are there.
   * @param {string | ArrayLike<number>} prompt  text or token ids; '' starts from the beginning-of-text token
   * @param {GenerateOptions} [options]
   * @returns {AsyncGenerator<Token, FinishReason, void>}
   */
  async *generate(prompt, options = {}) {
    this.#refuseWhileRunning();
    const { signal } = options;
    const sampling = samplingArguments(options, this.#model.generation);
    const seed = seedOf(options.seed);
    const ids = this.#promptIds(prompt);
    const room = Math.max(0, this.capacity - ids.length);
    const maxTokens = options.maxTokens ?? Math.min(room, this.#model.generation.maxNewTokens ?? room);
    const ends = this.#model.generation.eosTokenIds;
    const text = this.#model.textStream();
    this.#running = true;
    try {
      throwIfAborted(signal);
      if (options.useCache !== undefined) this.useCache = options.useCache;
      this.#call('kvc_wasm_session_reset');
      this.#call('kvc_wasm_session_seed', seed);
      const pauses = new Pauses(signal);
      this.prefillStats = { tokens: ids.length, ms: await this.#pass(ids, pauses) };
      for (let n = 1; n <= maxTokens; n++) {
        const start = performance.now();
        const id = this.#sample(sampling);
        if (ends.includes(id)) return 'eos';
        const sampled = performance.now() - start;
        const ms = sampled + await this.#pass([id], pauses);
        const piece = text.push(id) + (n === maxTokens ? text.flush() : '');
        yield { id, text: piece, position: this.position - 1, ms };
        throwIfAborted(signal);
      }
      return 'length';
    } finally {
      this.#running = false;
      if (!this.#disposed && this.#engine.usable) this.#call('kvc_wasm_session_cancel');
    }
  }

  /** One forward pass in slices; returns the milliseconds of computing. @param {ArrayLike<number>} ids  @param {Pauses} pauses */
  async #pass(ids, pauses) {
    const start = performance.now();
    const paused = pauses.ms;
    this.#begin(ids);
    while (this.#step()) if (pauses.due) await pauses.take();
    const ms = performance.now() - start - (pauses.ms - paused);
    if (pauses.due) await pauses.take();
    return ms;
  }

  /** @param {ArrayLike<number>} ids */
  #begin(ids) {
    this.#refuseIds(ids, 1, this.capacity - this.position);
    this.#check({}, 'kvc_wasm_session_set_cache', this.#useCache);
    this.#send(ids);
    this.#check({}, 'kvc_wasm_session_begin', ids.length);
  }

  /** @param {ArrayLike<number>} ids */
  #send(ids) {
    const input = this.#engine.bytes(this.#call('kvc_wasm_session_input'), 4 * ids.length);
    input.set(new Uint8Array(Uint32Array.from(ids).buffer));
  }

  /** True while there is more to do. */
  #step() {
    return this.#check({
      not_finite: 'The logits hold NaN or an infinity: the weights of this model are broken. The token was not added.',
    }, 'kvc_wasm_session_step');
  }

  /** @param {ArrayLike<number>} ids  @param {number} least  @param {number} most */
  #refuseIds(ids, least, most) {
    const { vocabSize } = this.#model.config;
    if (!(ids?.length >= least)) throw new KvcError('invalid_argument', `At least ${least === 1 ? 'one token id is' : 'two token ids are'} needed.`);
    if (ids.length > most) {
      throw new KvcError('context_full', `${ids.length} tokens do not fit: there is room for ${most} here, in a session of capacity `
        + `${this.capacity} with ${this.position} taken. Rewind with truncate(), or use fewer.`);
    }
    for (let i = 0; i < ids.length; i++) {
      if (Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabSize) continue;
      throw new KvcError('token_out_of_range', `${ids[i]}, at index ${i}, is not a token id; this model has ids 0 to ${vocabSize - 1}.`);
    }
  }

  /** @param {string | ArrayLike<number>} prompt */
  #promptIds(prompt) {
    if (typeof prompt !== 'string') return prompt;
    const ids = this.#model.encode(prompt);
    if (ids.length > 0) return ids;
    const { bosTokenId } = this.#model.config;
    if (bosTokenId === null) throw new KvcError('invalid_argument', 'The prompt is empty, and this model has no token to begin with.');
    return [bosTokenId];
  }

  /** @param {number[]} sampling */
  #sample(sampling) {
    this.#check({}, 'kvc_wasm_session_sample', ...sampling, this.#model.sampledIds);
    return this.#engine.word(0);
  }

  // ---- lifetime ---------------------------------------------------------------------------------

  /** Frees the session's memory. May be called again. */
  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    abandoned.unregister(this);
    freeing(this.#engine, this.#handle)();
  }

  [disposeSymbol]() {
    this.dispose();
  }

  #refuseWhileRunning() {
    if (this.#running) throw new KvcError('busy', 'This session is generating. Wait for it, stop it, or use another session.');
  }

  /** @param {string} name  @param {...(number | bigint | boolean)} args */
  #call(name, ...args) {
    if (this.#disposed) throw new KvcError('disposed', 'The session was disposed of; create another one.');
    return this.#engine.call(name, this.#handle, ...args);
  }

  /** @param {Parameters<import('./engine.js').Engine['check']>[0]} messages  @param {string} name  @param {...(number | boolean)} args */
  #check(messages, name, ...args) {
    if (this.#disposed) throw new KvcError('disposed', 'The session was disposed of; create another one.');
    return this.#engine.check(messages, name, this.#handle, ...args);
  }
}

const noLogits = () => new KvcError('not_ready', 'There are no logits yet: prefill or decode first.');
