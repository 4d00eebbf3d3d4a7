// Does the cache change anything? The logits after the same tokens, computed with it and without it,
// and their hashes.
import { Pauses } from '../engine/pauses.js';

/**
 * @import { Session } from '../session/session.js'
 * @import { Proof } from './messages.js'
 */

/**
 * With the cache: the prompt in one go, then token by token. Without it: everything in one go.
 * @param {Session} session  starts anew
 * @param {number[]} ids
 * @param {number} prompt  how many of the ids are the prompt
 * @param {AbortSignal} signal
 * @returns {Promise<Proof>}
 */
export async function computeTwice(session, ids, prompt, signal) {
  await readThrough(session, ids.slice(0, prompt), true, signal);
  const pauses = new Pauses(signal); // in which a stop can be heard
  for (const id of ids.slice(prompt)) {
    session.decode(id);
    if (pauses.due) await pauses.take();
  }
  const on = session.logitsHash;
  await readThrough(session, ids, false, signal);
  const off = session.logitsHash;
  return { tokens: ids.length, on, off, equal: on === off };
}

/**
 * A prefill in slices, which a stop can interrupt.
 * @param {Session} session  @param {number[]} ids  @param {boolean} useCache  @param {AbortSignal} signal
 */
async function readThrough(session, ids, useCache, signal) {
  session.reset(); // nothing may be reused
  await session.generate(ids, { maxTokens: 0, useCache, signal }).next();
}
