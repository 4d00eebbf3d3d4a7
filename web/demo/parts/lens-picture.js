// The lens as a drawing, for a file: the text that is in view, where it stands.
import { svg } from './dom.js';

/**
 * @import { LensText } from './lens-text.js'
 */

const EDGE = 2;       // px of a fill's upper edge
const BASELINE = 0.77; // of a token's height, about

/**
 * @param {ReturnType<LensText['places']>} places
 * @param {{ width: number, height: number }} size
 */
export function lensPicture(places, { width, height }) {
  const drawn = places.map((place) => tokenOf(place));
  return /** @type {SVGSVGElement} */ (svg('svg', {
    class: 'lens-picture', width, height, viewBox: `0 0 ${width} ${height}` }, ...drawn));
}

/** @param {ReturnType<LensText['places']>[number]} place */
function tokenOf({ token, text, x, y, width, height }) {
  const is = (/** @type {string} */ name) => token.classList.contains(name);
  const share = token.getAttribute('data-share');
  const group = svg('g', { class: token.className });
  if (is('reads') || is('skims')) {
    const fill = height * Number(token.style.getPropertyValue('--read'));
    const at = { x, y: y + height - fill, width };
    group.append(svg('rect', { class: 'lens-fill', ...at, height: fill }));
    if (is('reads')) group.append(svg('rect', { class: 'lens-edge', ...at, height: EDGE }));
  }
  if (is('asks')) group.append(svg('rect', { class: 'lens-asks', x, y, width, height }));
  const at = { x, y: y + BASELINE * height, 'xml:space': 'preserve' };
  group.append(svg('text', at, text));
  if (share) group.append(svg('text', { class: 'lens-share', x: x + width / 2, y: y - 1 }, share));
  return group;
}
