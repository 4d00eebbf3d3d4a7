// What one generate() is going to do, checked before anything is computed.
import { KvcError } from '../engine/errors.js';
import { beamOptions, checkCounts, samplingOf, seedOf } from './sampling.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Struct } from '../engine/abi.js'
 * @import { NativeSession } from './native-session.js'
 * @import { BeamOptions, GenerateOptions } from './sampling.js'
 *
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text       the characters it completes; never half of one, so '' at times
 * @property {number} position   in the timeline, counted from 0
 * @property {number} sequence   the sample it belongs to, 0 with one alone or with beams
 * @property {number} ms         to sample it and to compute the logits after it, without pauses; of n
 *                               samples, its share
 *
 * @typedef {'length' | 'eos' | 'context_full'} FinishReason  maxTokens reached, or the capacity if none were
 *   given; the end-of-text token drawn; the capacity reached in a session whose whenFull is "stop"
 *
 * @typedef {object} Plan
 * @property {ArrayLike<number>} ids     of the prompt
 * @property {number} n                  samples
 * @property {BeamOptions | undefined} beams
 * @property {number} maxTokens          may be more than fit: then the one too many throws "context_full"
 * @property {'length' | 'context_full'} ending  of a run that gives out all of these
 * @property {Struct<'kvc_sampling'>} sampling
 * @property {bigint} seed
 * @property {readonly number[]} ends    the end-of-text tokens
 * @property {AbortSignal | undefined} signal
 */

/**
 * @param {NativeSession} native  @param {string | ArrayLike<number>} prompt  @param {GenerateOptions} options
 * @returns {Plan}
 */
export function planOf({ model, capacity, whenFull }, prompt, options) {
  const { generation } = model;
  const beams = beamOptions(options);
  checkCounts(options);
  const sampling = samplingOf(options, generation);
  const ids = typeof prompt === 'string' ? promptIds(model, prompt) : prompt;
  const room = Math.max(0, capacity - ids.length);
  const wanted = options.maxTokens ?? generation.maxNewTokens ?? Infinity;
  const cut = wanted > room && (whenFull === 'stop' || options.maxTokens === undefined);
  return {
    ids, n: options.n ?? 1, beams, sampling, signal: options.signal,
    seed: seedOf(options.seed),
    maxTokens: cut ? room : wanted,
    ending: cut && whenFull === 'stop' ? 'context_full' : 'length',
    ends: generation.eosTokenIds,
  };
}

/**
 * The token ids of a prompt; of an empty one, the token that stands between two texts.
 * @param {{ encode: (text: string) => number[], config: Pick<Config, 'bosTokenId'> }} model
 * @param {string} prompt
 */
export function promptIds(model, prompt) {
  const ids = model.encode(prompt);
  if (ids.length > 0) return ids;
  const { bosTokenId } = model.config;
  if (bosTokenId !== null) return [bosTokenId];
  throw new KvcError('invalid_argument', 'The prompt is empty, and this model has no token to begin with.');
}
