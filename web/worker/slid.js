// Runs that go on past their context: which tokens a session's cache has let go of, and where the others lie.
import { PAGE } from '../engine/page.js';

/**
 * @import { Session } from '../session/session.js'
 *
 * @typedef {{ first: number, end: number }} Gap  tokens from `first` to `end` - 1; those behind it lie so
 *   many slots further down
 */

/** Whether a session goes on when it is full. @param {Pick<Session, 'whenFull'>} session */
export const slides = ({ whenFull }) => whenFull === 'slide';

/**
 * What the cache has let go of, of the first tokens of a text.
 * @param {Pick<Session, 'whenFull' | 'capacity' | 'sinks'>} session  @param {number} tokens
 * @returns {Gap}
 */
export function gapIn(session, tokens) {
  const { capacity, sinks } = session;
  const pages = slides(session) ? Math.max(0, Math.ceil((tokens - capacity) / PAGE)) : 0;
  return pages > 0 ? { first: sinks, end: sinks + PAGE * pages } : { first: 0, end: 0 };
}

/**
 * The parts of a range of tokens that are there, and the slots they begin at.
 * @param {Gap} gap  @param {number} first  @param {number} end
 * @returns {{ first: number, end: number, slot: number }[]}
 */
export const partsOf = (gap, first, end) => [
  { first, end: Math.min(end, gap.first), slot: first },
  { first: Math.max(first, gap.end), end, slot: Math.max(first, gap.end) - gap.end + gap.first },
].filter((part) => part.end > part.first);
