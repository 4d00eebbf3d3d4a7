// Draws work triangles: what runs have computed as cells, and what the other way would compute as an outline.
// One drawing in units of cells, so that zooming out changes nothing but its view box.
import { put, set, svg } from './dom.js';
import { MODES } from '../curves.js';
import { lengthOf, outline } from '../work.js';

/** @import { Band, Triangle } from '../work.js' */

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
  return { node, show };
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
