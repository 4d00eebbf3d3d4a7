// Room for more tokens in a full cache: which ones go, and what decides about it.

import { KvcError } from '../engine/errors.js';

/** @import { NativeCache } from './native-cache.js' */

/**
 * The error when T tokens do not fit.
 * @param {Pick<NativeCache, 'maxSeqLen' | 'whenFull'>} cache
 * @param {number} row  @param {number} length  @param {number} T
 */
export const cacheFull = ({ maxSeqLen, whenFull }, row, length, T) => new KvcError('cache_full',
  `The cache holds maxSeqLen = ${maxSeqLen} tokens, row ${row} has ${length} of them, and ${T} more do not `
  + `fit. ${whenFull === 'slide' ? 'Give them to update(), which makes room for them'
    : 'truncate() or reset() it, make one with a larger maxSeqLen, or choose another whenFull'}.`);

/**
 * Whether T tokens more fit every row, now.
 * @param {NativeCache} native  @param {number[]} rows  @param {number} T
 * @param {() => void} check  before the first token is dropped
 */
export function makeRoom(native, rows, T, check) {
  const { maxSeqLen, whenFull, sinks, recent } = native;
  const tight = rows.filter((row) => native.length(row) + T > maxSeqLen);
  if (tight.length === 0) return true;
  if (whenFull === 'stop') return false;
  if (whenFull === 'error') throw native.full(tight[0], T);
  const most = maxSeqLen - sinks - recent;
  if (T > most) {
    throw new KvcError('cache_full', `${T} new tokens do not fit, whichever tokens of row ${tight[0]} go: `
      + `at most maxSeqLen - sinks - recent = ${most} tokens can come at once.`);
  }
  check();
  for (const row of tight) {
    const n = native.length(row) + T - maxSeqLen;
    native.change([row], 'kvc_cache_make_room', row, n, sinks, recent, 1);
  }
  return true;
}

/** What decides about each token of a row: [length]. @param {NativeCache} native  @param {number} row */
export function importanceOf(native, row) {
  const { engine, pointer } = native;
  const n = native.length(row);
  const unsupported = 'Of this cache the oldest tokens go: choose evict: "attention" or "keynorm".';
  return engine.lend(4 * n, (importance) => {
    engine.check({ unsupported }, 'kvc_cache_importance', pointer, row, importance);
    return engine.memory.floats(importance, n);
  });
}
