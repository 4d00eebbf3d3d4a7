// How the tokens of a run are drawn, wherever in it they are: a run stops and goes on behind any of its
// tokens, and what was asked for it counts from its beginning.
import { StopText } from '../session/stop-text.js';

/**
 * @import { Model } from '../session/model.js'
 * @import { GenerateOptions } from '../session/sampling.js'
 * @import { Sampling } from './messages.js'
 */

const STEP = 0x9e3779b97f4a7c15n;  // of the sampler's generator, SplitMix64, from one draw to the next

/**
 * The seed with which a run goes on after some tokens, each of which took one draw.
 * @param {number | bigint} seed  @param {number} tokens
 */
export const seedAfter = (seed, tokens) => BigInt.asUintN(64, BigInt(seed) + BigInt(tokens) * STEP);

/** @param {Pick<Model, 'generation'>} model  @param {Sampling} sampling */
const minTokensOf = ({ generation }, { minTokens }) => minTokens ?? generation.minTokens ?? 0;

/**
 * The options for going on behind so many tokens. Stop strings are not among them: textBehind() finds those,
 * which may have begun in what is there.
 * @param {Model} model  @param {Sampling} sampling  @param {number} written
 * @param {number} [maxTokens]  more tokens
 * @returns {GenerateOptions}
 */
export function goingOn(model, sampling, written, maxTokens) {
  const least = Math.max(0, minTokensOf(model, sampling) - written);
  return {
    ...sampling, stop: [], maxTokens, minTokens: Math.min(least, maxTokens ?? least),
    seed: seedAfter(sampling.seed ?? 0, written),
    forcedEosTokenId: false, // these may not be the last
  };
}

/**
 * The text of a run behind its prompt, up to a stop string.
 * @param {Model} model  @param {Sampling} sampling
 * @param {readonly number[]} ids  @param {number} prompt  so many of them
 */
export function textBehind(model, sampling, ids, prompt) {
  const stops = [sampling.stop ?? model.generation.stop ?? []].flat();
  const behind = model.textStream({ after: ids.slice(0, prompt) });
  const stream = new StopText(behind, stops, minTokensOf(model, sampling));
  return { stream, texts: ids.slice(prompt).map((id) => stream.push(id)) };
}
