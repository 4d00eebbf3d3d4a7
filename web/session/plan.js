// What one generate() is going to do, checked before anything is computed.
import { forcedOf } from '../config/generation.js';
import { checkChoice, checkSignal, invalid, optionsOf } from '../engine/arguments.js';
import { tokenIds } from './passes.js';
import { rulesOf } from './rules.js';
import { GENERATE_OPTIONS, beamOptions, checkCounts, samplingOf, seedOf } from './sampling.js';
import { settingsOf } from './settings.js';
import { mostTokens } from './sliding.js';
import { checkEncoder, sourceIds } from './source.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Struct } from '../engine/abi.js'
 * @import { Halt } from '../engine/errors.js'
 * @import { Message } from './chat.js'
 * @import { NativeSession, SessionModel } from './native-session.js'
 * @import { Rule } from './rules.js'
 * @import { Likely } from './sampler.js'
 * @import { BeamOptions, GenerateOptions } from './sampling.js'
 *
 * @typedef {string | ArrayLike<number> | readonly Message[]} Prompt  messages: a conversation to be answered;
 *   to a model with an encoder it is the source
 *
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text       the characters it completes; never half of one, so '' at times
 * @property {number} position   in the timeline, counted from 0
 * @property {number} sequence   the sample it belongs to, 0 with one alone or with beams
 * @property {number} ms         to sample it and to compute the logits after it, without pauses; of n
 *                               samples, its share
 * @property {number} [logProb]  with the option logprobs: the natural logarithm of the probability that the
 *   model itself gives it, whatever the other options make of that
 * @property {readonly Likely[]} [top]  with it: the likeliest tokens in its place, likeliest first
 *
 * @typedef {'length' | 'eos' | 'stop' | 'context_full' | 'stopped'} FinishReason  maxTokens reached; an
 *   end-of-text token drawn; a stop string complete, or a stop token drawn; the capacity reached; ended by
 *   stop(), by leaving the loop, by an abort, or by another run
 *
 * @typedef {object} Limits  known once the prompt was read: it may bring back what has left the cache
 * @property {number} room               tokens that fit
 * @property {number} maxTokens          may be more than fit: then the one too many throws "context_full"
 * @property {'length' | 'context_full'} ending  of a run that gives out all of these
 * @property {number | undefined} forced  the last of maxTokens
 *
 * @typedef {object} Planned
 * @property {readonly number[] | undefined} source  to be read first, of a model with an encoder
 * @property {readonly number[]} ids     of the prompt
 * @property {number} n                  samples
 * @property {BeamOptions | undefined} beams
 * @property {number} forcedFirst        of the ids, those that count as new: the forced first one of a BART
 * @property {() => Limits} limits
 * @property {Struct<'kvc_sampling'>} sampling
 * @property {bigint} seed
 * @property {readonly Rule[]} rules     that change its logits before; the repetition penalty is one of them
 * @property {readonly string[]} stops   strings
 * @property {number} minTokens          no text ends before
 * @property {readonly number[]} eos     the end-of-text tokens
 * @property {readonly number[]} ends    these and the stop tokens
 * @property {number | undefined} logprobs
 * @property {boolean | undefined} useCache
 * @property {boolean | undefined} useCrossCache
 * @property {Halt | undefined} signal
 *
 * @typedef {Planned & Limits} Plan
 */

/**
 * @param {NativeSession} native  @param {string | ArrayLike<number>} prompt
 * @param {GenerateOptions | undefined} given
 * @returns {Planned}
 */
export function planOf(native, prompt, given) {
  const { model, whenFull } = native;
  const { generation } = model;
  const options = optionsOf('generate()', given, GENERATE_OPTIONS);
  checkSignal(options.signal);
  const useCache = chosen('useCache', options.useCache);
  const useCrossCache = chosen('useCrossCache', options.useCrossCache);
  const beams = beamOptions(options);
  checkCounts(options);
  const { sampling, settings, rules, eos, ends } = drawing(options, model);
  const seed = seedOf(options.seed);
  const { source, ids, forcedFirst } = promptOf(native, prompt, options);
  const asked = options.maxTokens ?? undefined;
  const wanted = asked ?? generation.maxNewTokens ?? Infinity;
  const limits = () => {
    const room = mostTokens(native) - ids.length;
    const cut = wanted > room && (whenFull !== 'error' || asked === undefined);
    const { forced } = settings;
    return cut ? { room, maxTokens: room, ending: /** @type {const} */ ('context_full'), forced: undefined }
      : { room, maxTokens: wanted, ending: /** @type {const} */ ('length'), forced };
  };
  return {
    source, ids, n: options.n ?? 1, beams, forcedFirst, limits, sampling, seed, useCache, useCrossCache,
    rules: rules(ids.length),
    stops: settings.stops,
    minTokens: settings.minTokens,
    eos, ends,
    logprobs: settings.logprobs,
    signal: options.signal ?? undefined,
  };
}

/** @param {string} name  @param {boolean | null | undefined} given */
function chosen(name, given) {
  if (given !== undefined && given !== null) checkChoice(name, given, [true, false]);
  return given ?? undefined;
}

/**
 * What is read before a token is drawn. With an encoder the prompt is the source, and the text begins anew.
 * @param {NativeSession} native  @param {string | ArrayLike<number>} prompt  @param {GenerateOptions} options
 */
function promptOf(native, prompt, { target, useCrossCache }) {
  const { model } = native;
  const most = mostTokens(native);
  if (!model.config.encoder) {
    if (target !== undefined) checkEncoder(model, 'target');
    if (useCrossCache !== undefined) checkEncoder(model, 'useCrossCache');
    const prompted = typeof prompt === 'string' ? promptIds(model, prompt) : prompt;
    const ids = tokenIds(native, prompted, 1, most, 0);
    return { source: undefined, ids, forcedFirst: 0 };
  }
  const source = sourceIds(native, prompt);
  const { startTokenIds = [] } = model.generation;
  if (target === undefined && startTokenIds.length === 0) {
    throw invalid('This model has no decoder_start_token_id, so a text needs target: the ids that it begins '
      + 'with.');
  }
  const forcedFirst = target === undefined ? forcedOf(startTokenIds) : 0;
  return { source, ids: tokenIds(native, target ?? startTokenIds, 1, most, 0), forcedFirst };
}

/**
 * How the options say that tokens are drawn.
 * @param {GenerateOptions} options  @param {SessionModel} model
 */
export function drawing(options, model) {
  const sampling = samplingOf(options, model.generation);
  const settings = settingsOf(options, model);
  const eos = model.generation.eosTokenIds;
  const ends = [...new Set([...eos, ...settings.stopTokens])];
  const all = { ...settings, repetitionPenalty: sampling.repetition_penalty };
  const rules = (/** @type {number} */ prompt) => rulesOf(all, ends, prompt);
  return { sampling, settings, eos, ends, rules };
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
  throw invalid('The prompt is empty, and this model has no token to begin with.');
}
