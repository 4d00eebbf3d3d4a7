// Does the cache change anything? The logits after the same tokens, computed with it and without it,
// and their hashes.
import { Pauses } from '../engine/pauses.js';
import { writing } from './sourced.js';

/**
 * @import { Session } from '../session/session.js'
 * @import { Proof } from './messages.js'
 * @import { Sourced } from './sourced.js'
 */

/**
 * With the cache: the prompt in one go, then token by token. Without it: everything in one go. The cache of a
 * source is on and off at the same times.
 * @param {Session} session  starts anew
 * @param {Sourced} run  whose tokens they are
 * @param {number[]} ids
 * @param {number} prompt  how many of the ids are the prompt
 * @param {AbortSignal} signal
 * @returns {Promise<Proof>}
 */
export async function computeTwice(session, run, ids, prompt, signal) {
  await readThrough(session, run, ids.slice(0, prompt), true, signal);
  const pauses = new Pauses(signal); // in which a stop can be heard
  for (const id of ids.slice(prompt)) {
    session.decode(id);
    if (pauses.due) await pauses.take();
  }
  const on = session.logitsHash;
  await readThrough(session, run, ids, false, signal);
  const off = session.logitsHash;
  return { tokens: ids.length, on, off, equal: on === off };
}

/**
 * A prefill in slices, which a stop can interrupt.
 * @param {Session} session  @param {Sourced} run  @param {number[]} ids  @param {boolean} useCache
 * @param {AbortSignal} signal
 */
async function readThrough(session, run, ids, useCache, signal) {
  session.reset(); // nothing may be reused
  if (run.source) session.useCrossCache = useCache;
  await writing(session, run, ids, { maxTokens: 0, useCache, signal }).next();
}
