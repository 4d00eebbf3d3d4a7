// The pages of the cache map: all that are allocated, those in use filled.
import { element, put, say, svg } from './dom.js';
import { PAGE } from '../../engine/page.js';
import { pagesOf } from '../map.js';

/**
 * @import { CacheMap } from '../map.js'
 * @import { MAP } from '../words/map.js'
 */

/** @param {(typeof MAP)[string]} words */
export function pagePool(words) {
  const [free, used] = [svg('path', { class: 'map-place' }), svg('path', { class: 'map-read' })];
  const picture = svg('svg', { class: 'map-pool', 'aria-hidden': 'true' }, used, free);
  const sentence = element('p', { part: 'map-pages' });
  const node = element('div', { class: 'map-pages' }, sentence, picture);
  let drawn = '';
  /** @param {CacheMap} map */
  const show = (map) => {
    const { held, slots, layers, window } = map;
    node.hidden = window?.layers.length === layers; // none of them keeps a page for all tokens
    const now = `${held},${slots}`;
    if (now === drawn || slots === 0) return;
    drawn = now;
    const all = slots / PAGE;
    const columns = Math.max(32, 2 ** Math.ceil(Math.log2(Math.sqrt(8 * all))));
    put(picture, 'viewBox', `-0.05 -0.05 ${columns + 0.1} ${Math.ceil(all / columns) + 0.1}`);
    const at = (/** @type {number} */ page) => [page % columns + 0.1, Math.floor(page / columns) + 0.1];
    const pages = Array.from({ length: all }, (_, page) => (
      { at: at(page), part: (held - PAGE * page) / PAGE }));
    put(free, 'd', pages.map(({ at: [x, y] }) => `M${x} ${y}h0.8v0.8h-0.8z`).join(''));
    put(used, 'd', pages.filter(({ part }) => part > 0).map(({ at: [x, y], part }) => (
      `M${x} ${y + 0.8}h0.8v${-0.8 * Math.min(1, part)}h-0.8z`)).join(''));
    say(sentence, words.pages(PAGE, all, pagesOf(map).used, window !== undefined));
  };
  return { node, show };
}
