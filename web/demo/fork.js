// A fork of the story, by its pages: which are held by both, which was copied, which are of one alone. Pure.
import { PAGE } from '../engine/page.js';

/**
 * @import { SeenFork } from '../worker/seen.js'
 *
 * both: one page that both hold; copied: the fork's copy of a page that both held, before it wrote there
 * @typedef {'both' | 'copied' | 'own'} Held
 *
 * @typedef {object} Column  a page of the text in each, as the engine numbers it; absent: it has none there
 * @property {number} [story]
 * @property {number} [fork]
 * @property {Held} held  of the fork's page, or of the story's where the fork has none
 */

const WINDOW = 6; // columns that are shown one by one

/**
 * Those of pages that have left both caches are left out.
 * @param {SeenFork} fork  @returns {Column[]}
 */
export function columnsOf({ position, story, fork, gone = { first: 0, story: 0, fork: 0 } }) {
  const begun = Math.ceil(position / PAGE); // that the fork had when it began
  const pageOf = (/** @type {'story' | 'fork'} */ whose, /** @type {number} */ i) => {
    const pages = { story, fork }[whose];
    if (i < gone.first) return pages[i];
    return i < gone.first + gone[whose] ? undefined : pages[i - gone[whose]];
  };
  const length = Math.max(story.length + gone.story, fork.length + gone.fork);
  return Array.from({ length }, (_, i) => {
    const [ofStory, ofFork] = [pageOf('story', i), pageOf('fork', i)];
    const isCopy = i < begun && ofStory !== undefined && ofFork !== undefined;
    /** @type {Held} */
    const held = ofStory === ofFork ? 'both' : isCopy ? 'copied' : 'own';
    return { story: ofStory, fork: ofFork, held };
  }).filter((column) => column.story !== undefined || column.fork !== undefined);
}

/**
 * The columns around the place where the two part, and how many are left out before and after them.
 * @param {readonly Column[]} columns
 * @returns {{ before: number, lone: number, isForks: boolean, shown: readonly Column[], after: number }}
 *   lone: before them as well, pages of one that the other has let go of; isForks: the fork's
 */
export function windowOf(columns) {
  const parting = columns.map(({ held }) => held).lastIndexOf('both') + 1;
  const start = Math.min(parting - 2, columns.length - WINDOW);
  const first = start < 2 ? 0 : start; // one alone takes no more room than its number
  const alone = columns.slice(0, first).filter(({ held }) => held !== 'both');
  const room = WINDOW - (alone.length > 0 ? 1 : 0); // they take the room of one
  const shown = columns.slice(first, Math.max(start, 0) + room);
  return {
    before: first - alone.length, lone: alone.length, isForks: alone[0]?.story === undefined, shown,
    after: columns.length - first - shown.length,
  };
}

/** How many pages each kind has. @param {readonly Column[]} columns */
export const countsOf = (columns) => ({
  both: columns.filter(({ held }) => held === 'both').length,
  copied: columns.filter(({ held }) => held === 'copied').length,
  own: columns.filter(({ held, fork }) => held === 'own' && fork !== undefined).length,
});
