// The next token as the sampler sees it, before it draws: the probability of each id after penalty,
// temperature and filters. The same steps as in C (src/session/sampler.c), which draws and keeps no list.

/**
 * @import { Struct } from '../engine/abi.js'
 *
 * @typedef {{ id: number, probability: number }} Candidate  probability: 0 where a filter leaves it out
 */

/**
 * All ids, likeliest first, the lowest id first among equals.
 * @param {Float32Array} logits  of the ids that may be drawn  @param {readonly number[]} history
 * @param {Struct<'kvc_sampling'>} sampling
 * @returns {Candidate[]}
 */
export function candidatesOf(logits, history, sampling) {
  const scores = penalised(logits, history, Math.fround(sampling.repetition_penalty));
  const ids = Array.from(scores, (_, id) => id).sort((a, b) => scores[b] - scores[a] || a - b);
  if (sampling.temperature === 0) return ids.map((id, i) => ({ id, probability: i === 0 ? 1 : 0 }));
  const temperature = Math.fround(sampling.temperature);
  const weights = ids.map((id) => (
    Math.exp(Math.fround(Math.fround(scores[id] - scores[ids[0]]) / temperature))));
  const kept = filtered(weights, sampling);
  const all = kept.reduce((sum, weight) => sum + weight, 0);
  return ids.map((id, i) => ({ id, probability: i < kept.length ? kept[i] / all : 0 }));
}

/** @param {Float32Array} logits  @param {readonly number[]} history  @param {number} penalty */
function penalised(logits, history, penalty) {
  const scores = logits.slice();
  for (const id of history) {
    if (id < logits.length) scores[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
  }
  return scores;
}

/**
 * Those that may be drawn.
 * @param {number[]} weights  descending; the first is 1  @param {Struct<'kvc_sampling'>} sampling
 */
function filtered(weights, { top_k, top_p, min_p }) {
  const best = top_k > 0 ? weights.slice(0, top_k) : weights;
  const least = Math.fround(min_p);
  return (top_p < 1 ? nucleus(best, Math.fround(top_p)) : best).filter((weight) => weight >= least);
}

/** The fewest that have this share of all. @param {number[]} weights  @param {number} share */
function nucleus(weights, share) {
  const mass = share * weights.reduce((sum, weight) => sum + weight, 0);
  let [n, sum] = [0, 0];
  while (n < weights.length && (n === 0 || sum < mass)) sum += weights[n++];
  return weights.slice(0, n);
}
