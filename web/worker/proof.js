// Does the cache change anything? The logits after the same tokens, computed in both ways, and their hashes.
import { Pauses } from '../engine/pauses.js';

/** @typedef {import('../session/session.js').Session} Session */
/** @typedef {{ tokens: number, on: string, off: string, equal: boolean }} Proof  hashes with the cache on and off */

/**
 * With the cache: the prompt at once, then token by token. Without it: all in one go.
 * @param {Session} session  starts anew
 * @param {number[]} ids
 * @param {number} prompt  so many of the ids
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

/** A prefill in slices, which a stop can interrupt. @param {Session} session  @param {number[]} ids  @param {boolean} useCache  @param {AbortSignal} signal */
async function readThrough(session, ids, useCache, signal) {
  session.reset(); // nothing may be reused
  await session.generate(ids, { maxTokens: 0, useCache, signal }).next();
}
