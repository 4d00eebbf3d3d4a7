// The options of createSession(), checked.
import { checkTypes } from '../cache/options.js';
import { KvcError } from '../engine/errors.js';

const MOST_SEQUENCES = 1024;

/**
 * @import { CacheType } from '../cache/options.js'
 *
 * @typedef {object} SessionOptions
 * @property {number} [capacity]     the most tokens of a sequence, at most and by default n_positions
 * @property {boolean} [useCache]    as session.useCache, true by default
 * @property {CacheType} [keyType]   of keys: "f32" (default), bit for bit as without a cache, "f16" or "int8"
 * @property {CacheType} [valueType] of values, the same
 * @property {number} [sequences]    timelines that share the cache, 1 by default; generate() adds some
 * @property {'error' | 'stop'} [whenFull]  what generate() does when the capacity is used up before maxTokens
 *   are there: throw "context_full", or end with the finish reason "context_full"
 */

/**
 * The options, complete and checked.
 * @param {SessionOptions} options
 * @param {number} positions  that the model has
 * @returns {Required<SessionOptions>}
 */
export function sessionOptions(options, positions) {
  const { capacity = positions, useCache = true, keyType = 'f32', valueType = 'f32', sequences = 1,
    whenFull = 'error' } = options;
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > positions) {
    throw new KvcError('invalid_argument',
      `A session's capacity goes from 1 to the model's ${positions} positions; ${capacity} is not possible.`);
  }
  checkTypes(keyType, valueType);
  checkSequences(sequences);
  if (/** @type {string} */ (whenFull) === 'slide') {
    throw new KvcError('unsupported', 'GPT-2 learned a vector for each position, and every cached key and '
      + 'value holds its part of it: a token cannot move to another position, so the oldest ones cannot be '
      + 'dropped. Choose "stop" or "error", and when the session is full, give the part of the text that '
      + 'matters to sync() or generate().');
  }
  if (!['error', 'stop'].includes(whenFull)) {
    throw new KvcError('invalid_argument', `whenFull is "${whenFull}"; it must be "error" or "stop".`);
  }
  return { capacity, useCache: Boolean(useCache), keyType, valueType, sequences, whenFull };
}

/** @param {number} sequences */
export function checkSequences(sequences) {
  if (Number.isInteger(sequences) && sequences >= 1 && sequences <= MOST_SEQUENCES) return;
  throw new KvcError('invalid_argument',
    `A session has 1 to ${MOST_SEQUENCES} sequences; ${sequences} is not possible.`);
}
