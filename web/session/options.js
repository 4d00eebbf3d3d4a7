// The options of createSession(), checked.
import { checkTypes } from '../cache/options.js';
import { capacityWithin } from '../cache/sizes.js';
import { checkChoice, invalid, isCount, optionsOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { slidingOptions } from './sliding.js';

const MOST_SEQUENCES = 1024;

/**
 * @import { CacheType, Policy } from '../cache/options.js'
 * @import { Config } from '../config/config.js'
 *
 * @typedef {object} SessionOptions
 * @property {number | 'grow'} [capacity]  the most tokens of a sequence, at most and by default n_positions;
 *   "grow": as many as that, in memory for those that there are: it at least doubles when it is used up
 * @property {number} [cacheBytes]  in place of a number as the capacity: as many tokens, in whole pages of
 *   16, as have a cache of no more bytes, of all sequences and the source together; with "grow" the most
 * @property {boolean} [useCache]    as session.useCache, true by default
 * @property {number} [sourceCapacity]  of a model with an encoder: the most tokens of a source, the same
 * @property {boolean} [useCrossCache]  of such a model: as session.useCrossCache, true by default
 * @property {CacheType} [keyType]   of keys: "f32" (default), bit for bit as uncached, "f16", "int8", "int4"
 * @property {CacheType} [valueType] of values, the same
 * @property {number} [sequences]    timelines that share the cache, 1 by default; generate() adds some
 * @property {'stop' | 'error' | 'slide'} [whenFull]  what generate() does when the capacity is used up before
 *   maxTokens are there: end with the finish reason "context_full" (default), or throw "context_full" after
 *   the last token that fits; or go on without the oldest 16 tokens of the cache behind the sinks, again and
 *   again (models whose positions are rotations)
 * @property {number} [sinks]        with "slide": the first tokens, which stay; 4 by default, in pages of 16
 * @property {Policy} [evict]        with "slide": which page between the sinks and the recent tokens goes:
 *   "oldest" (default), or the one whose tokens were looked at least by all so far, in all layers but the
 *   last ("attention"), or whose keys are longest ("keynorm")
 * @property {number} [recent]       with the latter two: how many of the last tokens stay; by default three
 *   quarters of the room beside the sinks
 */

/** @type {readonly (keyof SessionOptions)[]} */
export const SESSION_OPTIONS = [
  'capacity', 'cacheBytes', 'useCache', 'keyType', 'valueType', 'sequences', 'whenFull', 'sinks', 'evict',
  'recent', 'sourceCapacity', 'useCrossCache',
];

const GROWS_FROM = 64; // tokens
export const SINKS = 4; // as in StreamingLLM

/**
 * The options, complete and checked; `capacity` is what a session begins with, `most` what it can grow to.
 * @param {SessionOptions | undefined} options
 * @param {Readonly<Config>} config  of the model
 * @returns {Required<Omit<SessionOptions, 'capacity' | 'cacheBytes' | 'evict'>>
 *   & { capacity: number, most: number, policy: Policy }}  sourceCapacity: 0 where there is no encoder
 */
export function sessionOptions(options, config) {
  const { nPositions: positions } = config;
  const given = optionsOf('createSession()', options, SESSION_OPTIONS);
  const { capacity: asked = positions, useCache = true, keyType = 'f32', valueType = 'f32', sequences = 1,
    whenFull = 'stop' } = given;
  const grows = asked === 'grow';
  if (!grows && (!isCount(asked) || asked < 1 || asked > positions)) {
    throw invalid(`A session's capacity goes from 1 to the model's ${positions} positions, or is "grow"; `
      + `${shown(asked)} is not possible.`);
  }
  checkChoice('useCache', useCache, [true, false]);
  checkTypes(keyType, valueType);
  checkSequences(sequences);
  checkChoice('whenFull', whenFull, ['stop', 'error', 'slide']);
  const stray = /** @type {const} */ (['sinks', 'evict', 'recent']).find((name) => given[name] !== undefined);
  if (whenFull !== 'slide' && stray) {
    throw invalid(`${stray} is for a session that slides: with whenFull "slide".`);
  }
  const source = sourceOptions(given, config);
  const most = grows ? positions : asked;
  const room = withinBudget(given, config, { keyType, valueType, sequences, most, ...source });
  const capacity = grows ? Math.min(GROWS_FROM, room.most) : room.most;
  const sliding = whenFull === 'slide'
    && slidingOptions({ sinks: SINKS, evict: 'oldest', ...given, capacity, grows }, config);
  return {
    capacity, sinks: 0, policy: /** @type {Policy} */ ('oldest'), recent: 0, useCache, keyType, valueType,
    sequences, whenFull, ...source, ...room, ...sliding,
  };
}

/**
 * The tokens that there is room for, where bytes are given in place of them.
 * @param {SessionOptions} given  @param {Readonly<Config>} config
 * @param {Required<Pick<SessionOptions, 'keyType' | 'valueType' | 'sequences' | 'sourceCapacity'>>
 *   & { most: number }} chosen
 */
function withinBudget({ cacheBytes, capacity, sourceCapacity: given }, config, chosen) {
  const { keyType, valueType, sequences, sourceCapacity, most } = chosen;
  if (cacheBytes === undefined) return { most, sourceCapacity };
  if (typeof capacity === 'number') {
    throw invalid('capacity and cacheBytes both say how long a text may get: give one of them.');
  }
  const hasSource = config.encoder !== undefined;
  const budget = { cacheBytes, most, sequences, hasSource, sourceCapacity: given };
  const room = capacityWithin('createSession()', config, { keyType, valueType }, budget);
  return { most: room, sourceCapacity: hasSource && given === undefined ? room : sourceCapacity };
}

/** @param {SessionOptions} options  @param {Readonly<Config>} config */
function sourceOptions({ sourceCapacity, useCrossCache }, { nPositions, encoder }) {
  if (!encoder) {
    const stray = sourceCapacity !== undefined ? 'sourceCapacity' : 'useCrossCache';
    if (sourceCapacity === undefined && useCrossCache === undefined) {
      return { sourceCapacity: 0, useCrossCache: false };
    }
    throw new KvcError('unsupported', `${stray} is for a model with an encoder; this one reads no source.`);
  }
  if (sourceCapacity !== undefined
    && (!isCount(sourceCapacity) || sourceCapacity < 1 || sourceCapacity > nPositions)) {
    throw invalid(`A session's sourceCapacity goes from 1 to the model's ${nPositions} positions; `
      + `${shown(sourceCapacity)} is not possible.`);
  }
  checkChoice('useCrossCache', useCrossCache ?? true, [true, false]);
  return { sourceCapacity: sourceCapacity ?? nPositions, useCrossCache: useCrossCache ?? true };
}

/** @param {unknown} sequences */
export function checkSequences(sequences) {
  if (isCount(sequences) && sequences >= 1 && sequences <= MOST_SEQUENCES) return;
  throw invalid(`A session has 1 to ${MOST_SEQUENCES} sequences; ${shown(sequences)} is not possible.`);
}
