// What of a run was given out. The session may be ahead of that; and until the prompt of a run was read, it
// holds the text of the run before.

import { holdsSource } from './sourced.js';

/**
 * @import { Context } from './context.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Session } from '../session/session.js'
 */

/** The tokens of the run that are in the session. @param {Context} context */
export function givenOut({ session, run, run: { ids } }) {
  if (session && !holdsSource(session, run)) return 0;
  const held = session?.tokens ?? [];
  const other = ids.findIndex((id, i) => id !== held[i]);
  return other < 0 ? ids.length : other;
}

/**
 * What the session takes, as if it held so many tokens and none ahead.
 * @param {Session} session  @param {number} tokens
 * @returns {MemoryUsage}
 */
export function memoryFor(session, tokens) {
  return session.memoryUsage({ length: Math.min(tokens, session.cachedTokens) });
}
