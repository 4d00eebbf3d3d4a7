// The strips as a drawing, for a file: every part where it stands.
import { set, svg } from './dom.js';

const DESCENT = 4; // px below a line of text

/** @param {HTMLElement} grid  in a document */
export function stripsPicture(grid) {
  const frame = grid.getBoundingClientRect();
  const placeOf = (/** @type {Element} */ node) => {
    const { left, top, width, height } = node.getBoundingClientRect();
    return { x: left - frame.left, y: top - frame.top, width, height };
  };
  /** @param {string} selector  @param {(node: Element) => SVGElement} draw */
  const each = (selector, draw) => [...grid.querySelectorAll(selector)].map(draw);
  const box = (/** @type {string} */ selector, /** @type {string} */ name) => (
    each(selector, (node) => svg('rect', { class: `drawn ${name}`, ...placeOf(node) })));
  return /** @type {SVGSVGElement} */ (svg('svg', {
    width: frame.width, height: frame.height, viewBox: `0 0 ${frame.width} ${frame.height}`,
    'data-mode': grid.dataset.mode ?? '',
  },
  ...each('canvas', (node) => svg('image', {
    ...placeOf(node), href: /** @type {HTMLCanvasElement} */ (node).toDataURL(), preserveAspectRatio: 'none',
    'image-rendering': 'pixelated',
  })),
  ...box('.solid .strip-old', 'old'), ...box('.solid .strip-frame', 'frame'),
  ...box('.dotted .strip-frame', 'dots'), ...box('.solid .strip-fresh, .strips-bars.work', 'work'),
  ...box('.strips-bars.row', 'frame'), ...box('.dotted .strip-chosen', 'chosen'),
  ...box('.strips-rest', 'paper'),
  ...each('.strips-bars', (node) => {
    const bars = /** @type {SVGElement} */ (node.cloneNode(true));
    set(bars, placeOf(node));
    return bars;
  }),
  ...each('p', (node) => {
    const lines = linesIn(node).map(({ text, left, bottom }) => (
      svg('text', { x: left - frame.left, y: bottom - frame.top - DESCENT }, text)));
    return svg('g', { class: node.className }, ...lines);
  })));
}

/** Its words, line by line, as the browser has broken them. @param {Element} node */
function linesIn(node) {
  /** @type {{ text: string, left: number, bottom: number }[]} */
  const lines = [];
  const [content] = node.childNodes;
  const range = new Range();
  for (const { 0: word, index } of content?.textContent?.matchAll(/\S+\s*/g) ?? []) {
    range.setStart(content, index);
    range.setEnd(content, index + word.trimEnd().length);
    const { left, bottom } = range.getBoundingClientRect();
    const line = lines.at(-1);
    if (line && Math.abs(line.bottom - bottom) < 2) line.text += word;
    else lines.push({ text: word, left, bottom });
  }
  return lines;
}
