// The options of generate(), checked before anything is computed.
import { SAMPLING_RANGES } from '../config/ranges.js';
import { checkChoice, invalid, isCount, shown } from '../engine/arguments.js';
import { checkSequences } from './options.js';

/**
 * @import { GenerationConfig } from '../config/generation.js'
 * @import { SamplingName } from '../config/ranges.js'
 * @import { Struct } from '../engine/abi.js'
 * @import { AbortSignal } from '../engine/platform.js'
 * @import { ChatOptions } from './chat.js'
 *
 * @typedef {object} GenerateOptions   what is not given comes from the model's generation_config.json
 * @property {number} [maxTokens]      the most new tokens; by default the makers' maxNewTokens, or up to the
 *                                     capacity
 * @property {number} [n]              samples, 1 by default; sample i has the seed "seed + i"
 * @property {number} [numBeams]       beam search (beams.js) with this many beams; nothing is drawn then
 * @property {number} [lengthPenalty]  of beam search: above 0 favours longer texts, 1 by default
 * @property {boolean | 'never'} [earlyStopping]  of beam search, false by default
 * @property {boolean} [useCache]      for this run; session.useCache by default
 * @property {boolean} [useCrossCache]  the same of session.useCrossCache, of a model with an encoder
 * @property {ArrayLike<number>} [target]  of such a model: the ids that its text begins with; its start
 *                                     token by default
 * @property {number} [temperature]    0: greedy
 * @property {number} [topK]           0: off
 * @property {number} [topP]           1: off
 * @property {number} [minP]           0: off
 * @property {number} [repetitionPenalty]  1: off; beam search applies it to log-probabilities
 * @property {number} [frequencyPenalty]   taken off the logit of an id for every time that it is in the text
 * @property {number} [presencePenalty]    once for all; 0: off, both
 * @property {number} [noRepeatNgramSize]  so many tokens never come twice in the same order; 0: off
 * @property {LogitBias} [logitBias]       added to the logits of these ids; -Infinity rules one out
 * @property {OnLogits} [onLogits]         may edit the logits before temperature and filters
 * @property {string | readonly string[]} [stop]  ends before any of these strings
 * @property {ArrayLike<number>} [stopTokens]     ends before any of these tokens, as before end-of-text
 * @property {number} [minTokens]      nothing of this ends a text before it has so many new tokens; 0: off
 * @property {number | false} [forcedEosTokenId]  the last of maxTokens is this token, whatever is likely
 * @property {number} [logprobs]       tokens come with their logProb, and with so many of the likeliest
 * @property {number | bigint} [seed]  the same seed gives the same text everywhere; 0 by default
 * @property {ChatOptions} [chat]      of a prompt that is a conversation; an answer begins by default
 * @property {AbortSignal} [signal]    stops within one token or 8 ms; rejects with code "aborted"
 *
 * @typedef {ReadonlyMap<number, number> | Readonly<Record<number, number>>} LogitBias
 *
 * @callback OnLogits
 * @param {Float32Array} logits        of the ids that can be drawn: a copy, to be edited
 * @param {readonly number[]} ids      of the text so far, the prompt included
 * @returns {void}
 *
 * @typedef {{ numBeams: number, lengthPenalty: number, earlyStopping: boolean | 'never' }} BeamOptions
 */

/** @type {readonly (keyof GenerateOptions)[]} */
export const GENERATE_OPTIONS = [
  'maxTokens', 'temperature', 'topK', 'topP', 'minP', 'repetitionPenalty', 'frequencyPenalty',
  'presencePenalty', 'noRepeatNgramSize', 'logitBias', 'onLogits', 'stop', 'stopTokens', 'minTokens',
  'forcedEosTokenId', 'logprobs', 'seed', 'n', 'numBeams', 'lengthPenalty', 'earlyStopping', 'useCache',
  'useCrossCache', 'target', 'chat', 'signal',
];

/** What only drawing needs. @type {readonly (keyof GenerateOptions)[]} */
const DRAWING = ['temperature', 'topK', 'topP', 'minP', 'seed'];

/** @param {GenerateOptions} options */
export function checkCounts({ maxTokens, n }) {
  if (maxTokens !== undefined && maxTokens !== null && !isCount(maxTokens)) {
    throw invalid(`maxTokens is ${shown(maxTokens)}; it must be a whole number from 0 on.`);
  }
  checkSequences(n ?? 1);
}

/**
 * What the sampler takes.
 * @param {GenerateOptions} options
 * @param {Readonly<GenerationConfig>} preset  for what is not given
 * @returns {Struct<'kvc_sampling'>}
 */
export function samplingOf(options, preset) {
  const value = (/** @type {SamplingName} */ name) => {
    const given = options[name] ?? preset[name];
    const { holds, range } = SAMPLING_RANGES[name];
    if (typeof given === 'number' && holds(given)) return given;
    throw invalid(`${name} is ${shown(given)}; it must be ${range}.`);
  };
  return {
    temperature: value('temperature'),
    top_k: value('topK'),
    top_p: value('topP'),
    min_p: value('minP'),
    repetition_penalty: value('repetitionPenalty'),
  };
}

/**
 * What beam search needs; undefined without numBeams.
 * @param {GenerateOptions} options
 * @returns {BeamOptions | undefined}
 */
export function beamOptions(options) {
  const { numBeams, lengthPenalty = 1, earlyStopping = false } = options;
  const given = (/** @type {readonly (keyof GenerateOptions)[]} */ names) => (
    names.find((name) => options[name] !== undefined));
  if (numBeams === undefined) {
    const stray = given(['lengthPenalty', 'earlyStopping']);
    if (!stray) return undefined;
    throw invalid(`${stray} is for beam search: give numBeams too, or leave it out.`);
  }
  checkSequences(numBeams);
  const stray = given(DRAWING);
  if (stray) throw invalid(`Beam search draws nothing: leave out ${stray}, or numBeams.`);
  if (given(['logprobs'])) {
    throw invalid('Beam search gives out tokens when their logits are long gone: leave out logprobs, or '
      + 'numBeams. score() gives the log-probabilities of a text.');
  }
  if ((options.n ?? 1) !== 1) throw invalid('Beam search gives one text: leave out n, or numBeams.');
  if (!Number.isFinite(lengthPenalty)) {
    throw invalid(`lengthPenalty is ${shown(lengthPenalty)}; it must be a number.`);
  }
  checkChoice('earlyStopping', earlyStopping, [true, false, 'never']);
  return { numBeams, lengthPenalty, earlyStopping };
}

/** The sampler's 64-bit state. @param {number | bigint} [seed] */
export function seedOf(seed) {
  const given = seed ?? 0;
  if (typeof given === 'bigint' || Number.isSafeInteger(given)) return BigInt.asUintN(64, BigInt(given));
  throw invalid(`The seed is ${shown(given)}; it must be a whole number or a BigInt.`);
}
