// Beam search: the likeliest text instead of a drawn one, by following several in parallel. As in Hugging
// Face's generate, whose defaults these are:
//
//   Each beam is continued by its likeliest tokens; of all continuations the numBeams with the greatest sum
//   of log-probabilities are the next beams. One that ends the text, among the first numBeams, is finished:
//   the numBeams best finished ones are kept, by sum / length ** lengthPenalty, the ending token counted,
//   and a forced first one.
//   earlyStopping: false (default): ends once no beam, at its present length, beats the worst of them;
//   true: as soon as there are numBeams; "never": once no beam could beat it at any length.
//   At maxTokens the beams count as finished too. The best one is the result.
//
// A token is given out as soon as all beams, running and finished, agree on it and on the one after it (so
// that the last token of a text is known to be it): nothing can change it then. Nothing is drawn: the same
// everywhere, with the cache on or off; numBeams 1 is greedy. A repetition penalty multiplies the
// log-probabilities of the ids that are in the text already, as there. The session's other sequences are
// empty afterwards.
import { throwIfAborted } from '../engine/errors.js';
import { logits, top } from './inspect.js';
import { beginSync, contextFull, extend, finishInSlices } from './passes.js';
import { allowed } from './rules.js';

/**
 * @import { Pauses } from '../engine/pauses.js'
 * @import { NativeSession } from './native-session.js'
 * @import { FinishReason, Plan, Token } from './plan.js'
 * @import { Rule } from './rules.js'
 * @import { Likely } from './sampler.js'
 * @import { BeamOptions } from './sampling.js'
 *
 * Beam i lies in sequence i.
 * @typedef {{ ids: number[], sum: number }} Beam  what follows the prompt, and its log-probability
 * @typedef {{ ids: number[], score: number, by: number | null }} Hypothesis  by: the token that ended it
 */

class Search {
  /** @type {Beam[]} */
  beams = [{ ids: [], sum: 0 }];
  /** @type {Hypothesis[]} the best first */
  finished = [];
  #options;
  #ends;
  #maxTokens;
  #forcedFirst;

  /** @param {Plan} plan  @param {number} maxTokens */
  constructor({ beams, ends, forcedFirst }, maxTokens) {
    this.#options = /** @type {BeamOptions} */ (beams);
    this.#ends = ends;
    this.#maxTokens = maxTokens;
    this.#forcedFirst = forcedFirst;
  }

  /** Continuations of each beam: numBeams of them remain, whatever ends. */
  get width() {
    return (1 + Math.max(1, this.#ends.length)) * this.#options.numBeams;
  }

  /**
   * The beams of the next step, and which of the present ones each continues.
   * @param {{ id: number, logProb: number }[][]} tops  of each beam
   * @returns {(Beam & { from: number })[]}
   */
  next(tops) {
    const { numBeams } = this.#options;
    const continued = (/** @type {Beam} */ { sum }, /** @type {number} */ from) => (
      tops[from].map(({ id, logProb }) => ({ from, id, sum: sum + logProb })));
    const candidates = this.beams.flatMap(continued)
      .sort((a, b) => b.sum - a.sum) // stable: among equals the lower beam comes first, then the lower id
      .slice(0, this.width);
    const next = [];
    for (const [rank, { from, id, sum }] of candidates.entries()) {
      const ids = [...this.beams[from].ids, id];
      const ends = this.#ends.includes(id);
      if (ends && rank < numBeams) this.finish({ ids, sum }, id);
      if (!ends && next.length < numBeams) next.push({ from, ids, sum });
    }
    return next;
  }

  /** @param {Beam} beam  @param {number | null} by  its last token, if that is no part of the text */
  finish({ ids, sum }, by) {
    const score = this.#score(sum, ids.length);
    this.finished.push({ ids: by === null ? ids : ids.slice(0, -1), score, by });
    this.finished.sort((a, b) => b.score - a.score).splice(this.#options.numBeams);
  }

  /**
   * Powers may differ by a rounding from engine to engine; floats of 32 bits take that away.
   * @param {number} sum  @param {number} length
   */
  #score(sum, length) {
    return sum / Math.fround((this.#forcedFirst + length) ** this.#options.lengthPenalty);
  }

  /** Whether these beams can add nothing any more. @param {Beam[]} beams */
  isOver(beams) {
    const { numBeams, earlyStopping, lengthPenalty } = this.#options;
    if (beams.length === 0) return true;
    if (this.finished.length < numBeams) return false;
    const farthest = earlyStopping === 'never' && lengthPenalty > 0 ? this.#maxTokens : beams[0].ids.length;
    return earlyStopping === true || this.#score(beams[0].sum, farthest) <= this.finished[numBeams - 1].score;
  }

  /** The number of tokens that all have in common. */
  get settled() {
    const [{ ids }, ...others] = [...this.beams, ...this.finished];
    return others.reduce((n, other) => commonLength(ids, other.ids, n), ids.length);
  }
}

/** @param {ArrayLike<number>} a  @param {ArrayLike<number>} b  @param {number} [most] */
function commonLength(a, b, most = Infinity) {
  const end = Math.min(a.length, b.length, most);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return end;
}

/**
 * @param {NativeSession} native  with the prompt in the selected sequence, and numBeams sequences
 * @param {Plan} plan
 * @param {Pauses} pauses
 * @returns {AsyncGenerator<Token, FinishReason, void>}
 */
export async function* searchBeams(native, plan, pauses) {
  const { ids: prompt } = plan;
  const room = Math.min(plan.maxTokens, plan.room);
  const search = new Search(plan, room);
  const text = native.model.textStream({ after: prompt });
  let given = 0;
  let ms = 0; // of computing since the last token was given out
  /** Those of these tokens that were not given out yet. @param {number[]} ids  @param {boolean} [last] */
  const rest = (ids, last = false) => {
    const share = ms / (ids.length - given);
    if (given < ids.length) ms = 0;
    return ids.slice(given).map((id, i) => {
      const position = given + i;
      const piece = text.push(id) + (last && position === ids.length - 1 ? text.flush() : '');
      return { id, text: piece, position: prompt.length + position, sequence: 0, ms: share };
    });
  };
  native.spread(1);
  try {
    for (let t = 1; t <= room; t++) {
      const start = performance.now();
      const next = search.next(search.beams.map(({ ids }, i) => (
        likeliest(native, plan, i, search.width, ids))));
      ms += performance.now() - start;
      if (search.isOver(next)) break;
      native.reorder(Array.from({ length: native.sequences }, (_, i) => next[i]?.from ?? i));
      const computed = await extend(native, next.map((_, i) => i), next.map(({ ids }) => ids[t - 1]), pauses);
      ms += computed.ms;
      search.beams = next;
      if (t === room) for (const beam of next) search.finish(beam, null);
      for (const token of rest(next[0].ids.slice(0, Math.max(0, search.settled - 1)))) {
        given++;
        yield token;
        throwIfAborted(plan.signal);
      }
      computed.told();
    }
    const best = search.finished[0] ?? { ids: [], by: null };
    const shared = search.beams.map(({ ids }) => commonLength(ids, best.ids));
    native.adopt(shared.indexOf(Math.max(...shared)));
    const start = beginSync(native, [...prompt, ...best.ids]); // of which its beam holds all or most
    const computed = await finishInSlices(native, start, pauses);
    ms += computed.ms;
    for (const token of rest(best.ids, true)) {
      given++;
      yield token;
      throwIfAborted(plan.signal);
    }
    computed.told();
    if (best.by !== null) {
      native.finishedBy = best.by;
      return plan.eos.includes(best.by) ? 'eos' : 'stop';
    }
    if (plan.maxTokens > room) throw contextFull(native, 1);
    return plan.ending;
  } finally {
    if (native.usable) native.adopt(0, prompt.length + given);
  }
}

/**
 * The k likeliest next tokens of a beam, after the penalty or the rules.
 * @param {NativeSession} native  @param {Plan} plan  @param {number} sequence  @param {number} k
 * @param {readonly number[]} ids  that follow the prompt
 */
function likeliest(native, plan, sequence, k, ids) {
  const { forced, maxTokens } = plan;
  if (forced !== undefined && ids.length + 1 === maxTokens) return [{ id: forced, logProb: 0 }];
  native.select(sequence);
  const all = native.model.sampledIds;
  if (plan.rules.length > 0) {
    return likeliestAfter(plan.rules, possible(native, all), [...plan.ids, ...ids], k);
  }
  const penalty = plan.sampling.repetition_penalty;
  if (penalty === 1) return possible(native, Math.min(k, all));
  const seen = new Set([...plan.ids, ...ids]);
  // With a penalty above 1 only ids of the text fall: the first k come from the first k + seen.size.
  const reach = penalty > 1 ? Math.min(k + seen.size, all) : all;
  return possible(native, reach)
    .map(({ id, logProb }) => ({ id, logProb: seen.has(id) ? logProb * penalty : logProb }))
    .sort(likelier)
    .slice(0, k);
}

/**
 * top(); where no text has the last ids, a Marian's padding, the others share their probability, as there.
 * @param {NativeSession} native  @param {number} k
 */
function possible(native, k) {
  const likely = top(native, k);
  const { sampledIds, vocabSize } = native.model.config;
  if (sampledIds === undefined || sampledIds === vocabSize) return likely;
  const all = logits(native);
  const [{ id, logProb }] = likely;
  const lost = all.subarray(sampledIds).reduce((sum, x) => sum + Math.exp(x - all[id] + logProb), 0);
  const rest = Math.fround(Math.log1p(-Math.min(lost, 1 - 1e-12)));
  return likely.map(({ id, logProb }) => ({ id, logProb: logProb - rest }));
}

/**
 * @param {readonly Rule[]} rules  @param {Likely[]} everything  @param {number[]} text  @param {number} k
 * @returns {Likely[]}  fewer where the rest is ruled out
 */
function likeliestAfter(rules, everything, text, k) {
  const scores = new Float32Array(everything.length);
  for (const { id, logProb } of everything) scores[id] = logProb;
  for (const rule of rules) rule(scores, text);
  return Array.from(allowed(scores), (id) => ({ id, logProb: scores[id] })).sort(likelier).slice(0, k);
}

/** @param {Likely} a  @param {Likely} b */
const likelier = (a, b) => b.logProb - a.logProb || a.id - b.id;
