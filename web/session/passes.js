// The passes of a session, at once or in slices, and what can be asked of them. Under session.js; generate.js
// and beams.js drive it.
import { KvcError } from '../engine/errors.js';
import { Handle, NO_LOGITS } from './handle.js';

/** @typedef {import('../engine/pauses.js').Pauses} Pauses */

export class Passes extends Handle {
  /** Of the last prefill. */
  prefillStats = { tokens: 0, reused: 0, ms: 0 };

  /** @param {ArrayLike<number>} ids */
  begin(ids) {
    this.refuseIds(ids, 1, this.capacity - this.position);
    this.#set(ids);
    this.check({}, 'kvc_wasm_session_begin', ids.length);
  }

  /** Returns how many of the tokens need no computing. @param {ArrayLike<number>} ids  @returns {number} */
  beginSync(ids) {
    this.refuseIds(ids, 1, this.capacity, 0);
    this.#set(ids);
    this.check({}, 'kvc_wasm_session_begin_sync', ids.length);
    return this.engine.word(0);
  }

  /** @param {ArrayLike<number>} ids */
  beginScore(ids) {
    this.refuseIds(ids, 2, this.capacity + 1, 0);
    this.#set(ids);
    this.check({}, 'kvc_wasm_session_begin_score', ids.length);
  }

  /** One token more for each of several sequences. @param {number[]} sequences  @param {number[]} ids */
  beginBatch(sequences, ids) {
    this.#set([...ids, ...sequences]);
    const context_full = `A sequence is full: a session of capacity ${this.capacity} takes no further token. Rewind with truncate().`;
    this.check({ context_full, invalid_argument: 'decodeBatch takes each sequence at most once.' }, 'kvc_wasm_session_begin_batch', ids.length);
  }

  /** @param {ArrayLike<number>} words */
  #set(words) {
    this.check({}, 'kvc_wasm_session_set_cache', this.useCache);
    this.send(words);
  }

  /** True while there is more to do. */
  step() {
    const pending = this.check({
      not_finite: 'The logits hold NaN or an infinity: the weights of this model are broken. The token was not added.',
    }, 'kvc_wasm_session_step');
    this.watcher?.collect();
    return pending;
  }

  /** The whole pass at once; returns its milliseconds. */
  finish() {
    const start = performance.now();
    while (this.step());
    const ms = performance.now() - start;
    this.watcher?.tell();
    return ms;
  }

  /**
   * The whole pass in slices; returns the milliseconds of computing. Others have their turn before it and within it, and
   * not after it: an abort that is heard there finds nothing computed that nobody has been given.
   * @param {Pauses} pauses
   */
  async slices(pauses) {
    if (pauses.due) await pauses.take();
    const start = performance.now();
    const paused = pauses.ms;
    while (this.step()) if (pauses.due) await pauses.take();
    const ms = performance.now() - start - (pauses.ms - paused);
    this.watcher?.tell();
    return ms;
  }

  /**
   * One token more for each of these sequences; returns the milliseconds of computing.
   * @param {number[]} sequences  @param {number[]} ids  @param {Pauses} pauses
   */
  extend(sequences, ids, pauses) {
    if (sequences.length > 1) this.beginBatch(sequences, ids);
    else {
      this.select(sequences[0]);
      this.begin(ids);
    }
    return this.slices(pauses);
  }

  /** @param {ArrayLike<number>} ids  @param {number} least  @param {number} most  @param {number} [taken] */
  refuseIds(ids, least, most, taken = this.position) {
    const { vocabSize } = this.model.config;
    if (!(ids?.length >= least)) throw new KvcError('invalid_argument', `At least ${least === 1 ? 'one token id is' : 'two token ids are'} needed.`);
    if (ids.length > most) throw this.full(ids.length, most, taken);
    for (let i = 0; i < ids.length; i++) {
      if (Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabSize) continue;
      throw new KvcError('token_out_of_range', `${ids[i]}, at index ${i}, is not a token id; this model has ids 0 to ${vocabSize - 1}.`);
    }
  }

  /** The error when n tokens do not fit. @param {number} n  @param {number} [most]  @param {number} [taken] */
  full(n, most = 0, taken = this.position) {
    return new KvcError('context_full', `${n} token${n === 1 ? ' does' : 's do'} not fit: there is room for ${most} here, in a session of capacity `
      + `${this.capacity}${taken > 0 ? ` with ${taken} taken. Rewind with truncate(), or use` : '. Use'} fewer.`);
  }

  // ---- what comes out ---------------------------------------------------------------------------

  /** Draws the next token of the selected sequence. @param {number[]} sampling */
  sample(sampling) {
    this.check({}, 'kvc_wasm_session_sample', ...sampling, this.model.sampledIds);
    return this.engine.word(0);
  }

  /** @param {number} k  @returns {{ id: number, logProb: number }[]} */
  top(k) {
    const most = this.model.sampledIds;
    if (!Number.isInteger(k) || k < 1 || k > most) throw new KvcError('invalid_argument', `top() gives 1 to ${most} tokens; ${k} is not possible.`);
    return this.engine.lend(8 * k, (pointer) => {
      this.check({ not_ready: NO_LOGITS }, 'kvc_wasm_session_top', most, k, pointer, pointer + 4 * k);
      const ids = new Uint32Array(this.engine.bytes(pointer, 4 * k).slice().buffer);
      const logProbs = this.floats(pointer + 4 * k, k);
      return Array.from(ids, (id, i) => ({ id, logProb: logProbs[i] }));
    });
  }
}
