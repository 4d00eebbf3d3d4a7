// Draws the tokens of a run from the session's logits: as C does it alone, or from a copy that rules have
// changed; and says how likely the model itself finds them.
import { logits, top } from './inspect.js';
import { allowed } from './rules.js';

/**
 * @import { NativeSession } from './native-session.js'
 * @import { Plan } from './plan.js'
 *
 * @typedef {{ id: number, logProb: number }} Likely
 * @typedef {{ logProb?: number, top?: readonly Likely[] }} LogProbs  if they are asked for: of the token, and
 *   the likeliest ones in its place
 */

export class Sampler {
  #native;
  #rules;
  #logprobs;

  /**
   * @param {NativeSession} native  @param {Plan} plan
   * @param {number} first  of the plan.n sequences to be drawn from
   */
  constructor(native, plan, first) {
    this.#native = native;
    this.#rules = plan.rules;
    this.#logprobs = plan.logprobs;
    const { engine: { memory }, samplingPlace: { sampling, rngs } } = native;
    // Rules that there are have the penalty among them.
    const own = plan.rules.length > 0 ? { repetition_penalty: 1 } : {};
    memory.write('kvc_sampling', sampling, { ...plan.sampling, ...own });
    const seeds = Array.from({ length: plan.n }, (_, i) => plan.seed + BigInt(i));
    memory.put(rngs + 8 * first, BigUint64Array.from(seeds));
  }

  /**
   * The next token of a sequence, which is the selected one then.
   * @param {number} sequence  @param {number} [forced]  that it is
   * @returns {{ id: number } & LogProbs}
   */
  draw(sequence, forced) {
    this.#native.select(sequence);
    const id = forced
      ?? (this.#rules.length > 0 ? this.#drawChanged(sequence) : this.#drawPlain(sequence));
    return this.#logprobs === undefined ? { id } : { id, ...this.#likelihood(id, this.#logprobs) };
  }

  /** @param {number} sequence */
  #drawPlain(sequence) {
    const { engine, model, pointer, samplingPlace: { sampling, rngs } } = this.#native;
    engine.check({}, 'kvc_session_sample',
      pointer, sampling, rngs + 8 * sequence, model.sampledIds, engine.result);
    return engine.resultWord;
  }

  /** What is ruled out is not there for C: a filter cannot let it in again. @param {number} sequence */
  #drawChanged(sequence) {
    const { engine, model, tokens, samplingPlace: { sampling, rngs } } = this.#native;
    const scores = logits(this.#native).slice(0, model.sampledIds);
    for (const rule of this.#rules) rule(scores, tokens);
    const ids = allowed(scores);
    const n = ids.length;
    return engine.lend(16 * n, (place) => {
      engine.memory.put(place, n < scores.length ? Float32Array.from(ids, (id) => scores[id]) : scores);
      engine.check({}, 'kvc_sample',
        engine.result, place, n, sampling, rngs + 8 * sequence, 0, 0, place + 4 * n);
      return ids[engine.resultWord];
    });
  }

  /** @param {number} id  @param {number} k  @returns {LogProbs} */
  #likelihood(id, k) {
    const likely = top(this.#native, Math.max(k, 1));
    const [best] = likely;
    const all = logits(this.#native);
    const logProb = likely.find((other) => other.id === id)?.logProb
      ?? Math.fround(best.logProb + (all[id] - all[best.id]));
    return { logProb, top: likely.slice(0, k) };
  }
}
