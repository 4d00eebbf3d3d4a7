// What changes the scores of the next token before temperature and filters, in the order of Hugging Face's
// generate:
//
//   logitBias           is added
//   repetitionPenalty   divides, or multiplies below 0, for every id in the text
//   frequencyPenalty    is taken off once for every time that the id is in the text, and presencePenalty
//                       once: there they are no settings
//   noRepeatNgramSize   rules out what would complete n tokens that are in the text already
//   minTokens           rules out what ends a text
//   onLogits            has the last word
//
// The text is the prompt and what follows it: a run that goes on from any place goes on as it would have.
// Scores are 32-bit floats and are changed as such, the same everywhere. Ruled out is -Infinity.
import { invalid, shown } from '../engine/arguments.js';

/**
 * @import { OnLogits } from './sampling.js'
 *
 * @typedef {(scores: Float32Array, ids: readonly number[]) => void} Rule  ids: of the text
 *
 * @typedef {object} Settings
 * @property {ReadonlyMap<number, number>} logitBias
 * @property {number} repetitionPenalty   1: off
 * @property {number} frequencyPenalty    0: off
 * @property {number} presencePenalty     0: off
 * @property {number} noRepeatNgramSize   0: off
 * @property {number} minTokens           0: off
 * @property {OnLogits | undefined} onLogits
 */

/**
 * The rules that these settings ask for; none if the sampler needs nothing but its own.
 * @param {Settings} settings  @param {readonly number[]} ends  @param {number} prompt  its tokens
 * @returns {readonly Rule[]}
 */
export function rulesOf(settings, ends, prompt) {
  const { logitBias, frequencyPenalty, presencePenalty, noRepeatNgramSize, minTokens, onLogits } = settings;
  const rules = [
    logitBias.size > 0 && bias(logitBias),
    (frequencyPenalty !== 0 || presencePenalty !== 0) && counted(frequencyPenalty, presencePenalty),
    noRepeatNgramSize > 0 && noRepeat(noRepeatNgramSize),
    minTokens > 0 && ends.length > 0 && notBefore(prompt + minTokens, ends),
    onLogits && hooked(onLogits),
  ].filter((rule) => typeof rule === 'function');
  const { repetitionPenalty } = settings;
  if (rules.length > 0 && repetitionPenalty !== 1) {
    rules.splice(logitBias.size > 0 ? 1 : 0, 0, repeated(repetitionPenalty));
  }
  return rules;
}

/** @param {ReadonlyMap<number, number>} logitBias  @returns {Rule} */
const bias = (logitBias) => (scores) => {
  for (const [id, added] of logitBias) scores[id] += added;
};

/** @param {number} given  @returns {Rule} */
const repeated = (given) => (scores, ids) => {
  const penalty = Math.fround(given);
  for (const id of new Set(ids)) scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty;
};

/** @param {number} frequency  @param {number} presence  @returns {Rule} */
const counted = (frequency, presence) => (scores, ids) => {
  /** @type {Map<number, number>} */
  const times = new Map();
  for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
  for (const [id, n] of times) scores[id] -= n * frequency + presence;
};

/** @param {number} n  @returns {Rule} */
const noRepeat = (n) => (scores, ids) => {
  const last = ids.length - n + 1; // where the n - 1 last tokens begin
  for (let i = 0; i < last; i++) {
    let same = 0;
    while (same < n - 1 && ids[i + same] === ids[last + same]) same++;
    if (same === n - 1) scores[ids[i + same]] = -Infinity;
  }
};

/** @param {number} least  tokens of a text  @param {readonly number[]} ends  @returns {Rule} */
const notBefore = (least, ends) => (scores, ids) => {
  if (ids.length < least) for (const id of ends) scores[id] = -Infinity;
};

/** @param {OnLogits} onLogits  @returns {Rule} */
const hooked = (onLogits) => (scores, ids) => {
  const { length } = scores;
  const answer = /** @type {unknown} */ (onLogits(scores, ids));
  if (answer !== undefined) {
    throw invalid(`onLogits() returned ${shown(answer)}; it edits the array that it is given, at once, and `
      + 'returns nothing.');
  }
  if (scores.length !== length) throw invalid('onLogits() has given its array away.');
  const stray = scores.findIndex((score) => !(score < Infinity));
  if (stray >= 0) {
    throw invalid(`onLogits() left ${scores[stray]} for token ${stray}; a logit is a number, or -Infinity `
      + 'for a token that is ruled out.');
  }
};

/**
 * The ids that are not ruled out.
 * @param {Float32Array} scores
 */
export function allowed(scores) {
  const ids = new Uint32Array(scores.length);
  let n = 0;
  for (let id = 0; id < scores.length; id++) if (scores[id] !== -Infinity) ids[n++] = id;
  if (n > 0) return ids.subarray(0, n);
  throw invalid('Every token is ruled out, by logitBias, noRepeatNgramSize, minTokens or onLogits: none is '
    + 'left to go on with.');
}
