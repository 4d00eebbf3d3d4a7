// The text as a picture of its own: each token where it stands, with its line below it.
import { svg } from './dom.js';

/**
 * @import { Deed } from '../text.js'
 * @import { TokenText } from './token-text.js'
 *
 * @typedef {{ left: number, right: number, top: number, bottom: number }} Box
 */

const EDGE = 4; // px below the last line

/** @param {Box} box */
const below = ({ left, right, bottom }) => `M${left} ${bottom}H${right}`;

/** What is drawn for a token, by deed. @type {Record<Deed, (box: Box) => string>} */
const LINES = {
  new: ({ left, right, top, bottom }) => `M${left} ${top}H${right}V${bottom}H${left}z`,
  read: below,
  kept: (box) => `${below(box)}${below({ ...box, bottom: box.bottom + 4 })}`,
  again: below,
  past: () => '',
};

/** @param {TokenText} text  that is laid out */
export function pictureOfTokens(text) {
  const frame = text.story.getBoundingClientRect();
  const { mode } = text.story.dataset;
  const size = parseFloat(getComputedStyle(text.story).fontSize);
  /** @param {DOMRect} rect  @returns {Box} */
  const within = ({ left, right, top, bottom }) => ({
    left: left - frame.left, right: right - frame.left, top: top - frame.top, bottom: bottom - frame.top });
  const shapes = [...text.places()].flatMap(({ node, deed }) => {
    const boxes = [...node.getClientRects()].filter(({ width }) => width > 0).map(within);
    const lines = deed === '' ? [] : boxes.map((box) => (
      svg('path', { class: `line ${deed} ${mode}`, d: LINES[deed](box) })));
    const words = piecesOf(node).map(({ piece, rect }) => {
      const { left: x, bottom } = within(rect);
      return svg('text', { class: `${node.className} ${deed}`, x, y: bottom - size / 4, 'font-size': size },
        piece);
    });
    return [...lines, ...words];
  });
  const shape = { width: frame.width, height: frame.height + EDGE, class: 'tokens-picture' };
  return /** @type {SVGSVGElement} */ (svg('svg', shape, ...shapes));
}

/** Word by word, because a line may end within. @param {HTMLElement} node */
function piecesOf(node) {
  const [written] = node.childNodes;
  const range = document.createRange();
  return [...(node.textContent ?? '').matchAll(/\S+/g)].map(({ 0: piece, index }) => {
    range.setStart(written, index);
    range.setEnd(written, index + piece.length);
    return { piece, rect: range.getBoundingClientRect() };
  });
}
