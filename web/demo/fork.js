// A fork of the story, by its pages: which are held by both, which was copied, which are of one alone. Pure.
import { PAGE } from '../engine/page.js';

/**
 * @import { SeenFork } from '../worker/seen.js'
 *
 * both: one page that both hold; copied: the fork's copy of a page that both held, before it wrote there
 * @typedef {'both' | 'copied' | 'own'} Held
 *
 * @typedef {object} Column  page i of each, as the engine numbers them; absent: it has none there
 * @property {number} [story]
 * @property {number} [fork]
 * @property {Held} held  of the fork's page, or of the story's where the fork has none
 */

const WINDOW = 6; // columns that are shown one by one

/** @param {SeenFork} fork  @returns {Column[]} */
export function columnsOf({ position, story, fork }) {
  const begun = Math.ceil(position / PAGE); // that the fork had when it began
  return Array.from({ length: Math.max(story.length, fork.length) }, (_, i) => ({
    story: story[i], fork: fork[i],
    held: story[i] === fork[i] ? 'both' : i < begun && i < fork.length ? 'copied' : 'own',
  }));
}

/**
 * The columns around the place where the two part, and how many are left out before and after them.
 * @param {readonly Column[]} columns
 */
export function windowOf(columns) {
  const parting = columns.findIndex(({ held }) => held !== 'both');
  const start = Math.min((parting < 0 ? columns.length : parting) - 2, columns.length - WINDOW);
  const first = start < 2 ? 0 : start; // one alone takes no more room than its number
  const shown = columns.slice(first, Math.max(start, 0) + WINDOW);
  return { before: first, shown, after: columns.length - first - shown.length };
}

/** How many pages each kind has. @param {readonly Column[]} columns */
export const countsOf = (columns) => ({
  both: columns.filter(({ held }) => held === 'both').length,
  copied: columns.filter(({ held }) => held === 'copied').length,
  own: columns.filter(({ held, fork }) => held === 'own' && fork !== undefined).length,
});
