// Draws work triangles: what runs have computed as cells, and what the other way would compute as an outline.
// One drawing in units of cells, so that zooming out changes nothing but its view box.
import { put, set, svg } from './dom.js';
import { MODES } from '../curves.js';
import { lengthOf, outline } from '../work.js';

/**
 * @import { Mode } from '../curves.js'
 * @import { Band, Triangle } from '../work.js'
 *
 * @typedef {{ mode: Mode, name: string, count: string }} Label
 */

const SIDE = 480; // px of a picture of its own
const FINE = 64; // up to this length, cells can be told from each other

export function triangleDrawing() {
  const layers = [layer(), layer()];
  const outlines = { on: svg('path', { class: 'would on' }), off: svg('path', { class: 'would off' }) };
  const grid = svg('path', { class: 'grid' });
  const node = svg('svg', { 'aria-hidden': 'true' },
    ...layers.map((each) => each.node), grid, outlines.off, outlines.on);
  let drawn = 0;
  /** @param {readonly Triangle[]} triangles  of one run, or of both lanes of a race */
  const show = (triangles) => {
    const length = Math.max(...triangles.map(lengthOf));
    if (length !== drawn) set(node, { viewBox: `0 0 ${length} ${length}` });
    if (length !== drawn) set(grid, { d: length <= FINE ? gridOf(length) : '' });
    drawn = length;
    for (const [i, each] of layers.entries()) each.show(triangles[i]);
    const modes = triangles.map(({ mode }) => mode);
    for (const mode of MODES) {
      put(outlines[mode], 'd', modes.includes(mode) ? '' : outline(triangles[0], mode));
    }
  };
  /**
   * With the words that stand on and below it.
   * @param {readonly Label[]} labels  @param {string} axis  @param {(value: number) => string} counted
   */
  const picture = (labels, axis, counted) => pictureOf(node, labels, ['0', axis, counted(drawn)]);
  return { node, show, picture };
}

/**
 * @param {SVGElement} drawing  @param {readonly Label[]} labels  @param {string[]} below
 * @returns {SVGSVGElement}
 */
function pictureOf(drawing, labels, below) {
  const cells = /** @type {SVGElement} */ (drawing.cloneNode(true));
  set(cells, { width: SIDE, height: SIDE });
  const anchors = ['start', 'middle', 'end'];
  const words = [
    ...labels.flatMap(({ mode, name, count }) => {
      const [x, y, anchor] = mode === 'on' ? [SIDE - 8, 24, 'end'] : [16, SIDE - 36, 'start'];
      const at = { x, 'text-anchor': anchor };
      return [svg('text', { ...at, y, class: `word name ${mode}` }, name),
        svg('text', { ...at, y: y + 20, class: `word ${mode}` }, count)];
    }),
    ...below.map((said, i) => (
      svg('text', { x: SIDE * i / 2, y: SIDE + 20, 'text-anchor': anchors[i], class: 'word' }, said))),
  ];
  return /** @type {SVGSVGElement} */ (svg('svg', { width: SIDE, height: SIDE + 24 }, cells, ...words));
}

/** The cells of one run; those that are there are never touched again, but for the newest band. */
function layer() {
  const node = svg('g');
  /** @type {object | undefined} */
  let shown;
  /** @param {Triangle | undefined} triangle */
  const show = (triangle) => {
    if (triangle?.origin !== shown) node.replaceChildren();
    shown = triangle?.origin;
    if (!triangle?.open) return;
    const { bands, open } = triangle;
    const from = Math.max(0, node.childElementCount - 1); // the one that was open may have grown
    for (const [i, band] of [...bands.from(from), open].entries()) {
      const at = node.children[from + i];
      if (at) put(at, 'd', band.path);
      else node.append(bandOf(band));
    }
  };
  return { node, show };
}

/** @param {Band} band */
const bandOf = ({ mode, path }) => svg('path', { class: `cells ${mode}`, d: path });

/** @param {number} length */
const gridOf = (length) => Array.from({ length }, (_, i) => `M0 ${i}H${length}M${i} 0V${length}`).join('');
