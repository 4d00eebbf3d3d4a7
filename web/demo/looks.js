// Looks into the engine for a view: one at a time, ten a second at most, and none while nothing has changed.

/**
 * @import { Fields } from '../worker/messages.js'
 * @import { Player } from './player.js'
 *
 * @typedef {Awaited<ReturnType<Player['inspect']>>} Seen
 *
 * @typedef {object} Wish
 * @property {string} key  what is seen depends on
 * @property {Fields<'inspect'>} fields
 */

const REST_MS = 100; // between two looks

/**
 * @template {Wish} W
 * @param {(fields: Fields<'inspect'>) => Promise<Seen>} inspect
 * @param {(wish: W, seen: Seen | undefined) => void} onSeen  undefined: there is nothing to be seen now
 * @param {AbortSignal} signal  ends it
 * @returns {(wish: W) => void}  wants a look; none is taken twice in a row for one key
 */
export function looker(inspect, onSeen, signal) {
  /** @type {W | undefined} */
  let wanted;
  let taken = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  let looking = false;
  const look = async () => {
    resting = undefined;
    const wish = wanted;
    if (signal.aborted || !wish || wish.key === taken) return;
    taken = wish.key;
    looking = true;
    // Refused where another figure has the engine, a benchmark is under way, or the text has become shorter
    // meanwhile: that is told by what is shown, and the next change asks again.
    const seen = await inspect(wish.fields).catch(() => undefined);
    looking = false;
    if (signal.aborted) return;
    resting = setTimeout(look, REST_MS);
    onSeen(wish, seen);
  };
  signal.addEventListener('abort', () => clearTimeout(resting));
  return (wish) => {
    wanted = wish;
    if (!looking && resting === undefined) look();
  };
}
