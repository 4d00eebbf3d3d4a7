// Two prompts as a drawing, for a file: their tokens where they stand.
import { element, svg } from './dom.js';

/** @param {HTMLElement} node  as parts/edit-places.js makes it */
export function placesPicture(node) {
  const sheet = element('div', { class: 'edit-sheet' }, ...node.cloneNode(true).childNodes);
  node.append(sheet); // a copy, of a width that does not hang on the window
  const { left, top, width, height } = sheet.getBoundingClientRect();
  const drawn = [...sheet.querySelectorAll('.edit-token')].flatMap((token) => {
    const { x, y, bottom, width: wide } = token.getBoundingClientRect();
    const [from, below] = [x - left, bottom - top];
    const text = svg('text', { x: from, y: below - 0.3 * (bottom - y), 'xml:space': 'preserve' },
      token.textContent ?? '');
    const isOld = token.classList.contains('old'); // then the line goes through it
    const line = svg('path', { d: `M${from} ${below - (isOld ? 0.4 * (bottom - y) : 1.5)}h${wide}` });
    return svg('g', { class: token.className }, text, line);
  });
  sheet.remove();
  return /** @type {SVGSVGElement} */ (svg('svg', {
    class: 'edit-picture', width, height, viewBox: `0 0 ${width} ${height}` }, ...drawn));
}
