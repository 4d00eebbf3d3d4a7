// Draws the cache map: layers and heads as rows, positions as columns, pages as outlines. All rows of the
// cache fill alike, so what is alike is one path, whatever the length of the run.
import { put, set, svg } from './dom.js';
import { pageAt, stretchesOf } from '../map.js';
import { PAGE } from '../../engine/page.js';

/**
 * @import { CacheMap, Cell, Kind, Stretch } from '../map.js'
 * @import { MAP } from '../words/map.js'
 * @import { Numbers } from '../../measure/numbers.js'
 *
 * @typedef {object} Size  in CSS pixels
 * @property {number} width
 * @property {number} height
 * @property {number} em  of the text in it
 *
 * @typedef {object} Place  of the cells in the picture
 * @property {number} left
 * @property {number} top
 * @property {number} column  width of a column
 * @property {number} row     height of a row
 * @property {number} gap     between two layers
 *
 * @typedef {{ x: number, y: number, width: number, height: number }} Box
 *
 * @typedef {object} Shown
 * @property {CacheMap} map
 * @property {Cell} [cell]     that is chosen
 * @property {readonly { page: number, shared: boolean }[]} pages  as the engine numbers them; none: not known
 */

/** @type {readonly Kind[]} */
export const KINDS = ['written', 'read', 'kept', 'freed', 'missing', 'free'];
const FINE = 4;       // px from which columns and pages are set apart
const LEAST_PAGE = 10; // px from which shared pages have outlines
const TICK = 4.6;     // em from one number of the axis to the next
const LINE = 1.2;     // em from one name of a layer to the next
const GAPS = 0.2;     // of the height, between the layers at most
const HATCH = 6;      // px from one line to the next
const MARK = 9;       // px that the mark of a cell has at least

/** A round number of at least so much. @param {number} least */
const stepOf = (least) => [1, 2, 5, 10, 20, 50].find((step) => step >= least) ?? 100;

/** A swatch of a kind, for a legend. @param {Kind} kind */
export const swatch = (kind) => svg('svg',
  { class: 'map-swatch', viewBox: '0 0 18 18', 'aria-hidden': 'true' },
  svg('path', { class: 'map-frame', d: boxOf({ x: 1, y: 1, width: 16, height: 16 }) }),
  svg('path', { class: `map-${kind}`, d: filled(kind, { x: 1, y: 1, width: 16, height: 16 }, 16) }));

export class MapDrawing {
  #words;
  #counted;
  /** @type {Size} */
  #size = { width: 0, height: 0, em: 0 };
  /** @type {Shown | undefined} */
  #shown;
  /** What the scales, and the numbers of the pages, were drawn for. */
  #scaled = '';
  #numbered = '';
  #scales = svg('g', { class: 'map-scales' });
  #numbers = svg('g', { class: 'map-scales' });
  #grid = svg('path', { class: 'map-grid' });
  #free = svg('path', { class: 'map-page free' });
  #used = svg('path', { class: 'map-page' });
  #shared = svg('path', { class: 'map-page shared' });
  #mark = svg('path', { class: 'map-mark' });
  #halo = svg('path', { class: 'map-halo' });
  /** @type {Map<Kind, SVGElement>} */
  #kinds;

  /** @param {(typeof MAP)[string]} words  @param {Numbers['counted']} counted */
  constructor(words, counted) {
    this.#words = words;
    this.#counted = counted;
    this.#kinds = new Map(KINDS.map((kind) => [kind, svg('path', { class: `map-${kind}` })]));
    this.node = /** @type {SVGSVGElement} */ (svg('svg', { 'aria-hidden': 'true' },
      this.#scales, this.#numbers, ...this.#kinds.values(), this.#grid, this.#free, this.#used,
      this.#shared, this.#halo, this.#mark));
  }

  /** @param {Size} size */
  resize(size) {
    this.#size = size;
    set(this.node, { viewBox: `0 0 ${size.width} ${size.height}` });
    if (this.#shown) this.show(this.#shown);
  }

  /** @param {Shown} shown */
  show(shown) {
    this.#shown = shown;
    if (this.#size.width === 0 || shown.map.layers === 0) return;
    const place = this.#place(shown.map);
    this.#scale(shown, place);
    const layers = Array.from({ length: shown.map.layers }, (_, layer) => stretchesOf(shown.map, layer));
    for (const [kind, node] of this.#kinds) {
      const own = layers.flatMap((stretches, layer) => (
        stretches.filter((stretch) => stretch.kind === kind).map((stretch) => (
          rowsOf(place, shown.map, layer, stretch)))));
      put(node, 'd', own.join(''));
    }
    this.#outline(shown, place);
    const mark = shown.cell ? this.#around(place, shown) : '';
    put(this.#mark, 'd', mark);
    put(this.#halo, 'd', mark);
  }

  /**
   * The cell at a place of the picture, given in shares of its sides.
   * @param {number} x  @param {number} y  @returns {Cell | undefined}
   */
  cellAt(x, y) {
    const map = this.#shown?.map;
    if (!map || map.layers === 0 || this.#size.width === 0) return undefined;
    const { left, top, column, row, gap } = this.#place(map);
    const within = (/** @type {number} */ value, /** @type {number} */ most) => (
      Math.min(most - 1, Math.max(0, Math.floor(value))));
    const down = y * this.#size.height - top;
    const layer = within(down / (map.heads * row + gap), map.layers);
    return {
      layer, head: within((down - layer * (map.heads * row + gap)) / row, map.heads),
      position: within((x * this.#size.width - left) / column, map.columns),
    };
  }

  /** @param {CacheMap} map  @returns {Place} */
  #place({ layers, heads, columns }) {
    const { width, height, em } = this.#size;
    const [left, top] = [5.6 * em, 1.7 * em];
    const gap = Math.min(0.5 * em, GAPS * height / layers);
    return {
      left, top, gap, column: (width - left - 2) / columns,
      row: (height - top - 1.9 * em - gap * (layers - 1)) / (layers * heads),
    };
  }

  /**
   * What changes with the zoom only, and the numbers of the pages.
   * @param {Shown} shown  @param {Place} place
   */
  #scale({ map, pages }, place) {
    const { em, height, width } = this.#size;
    const { left, top, column, row, gap } = place;
    const { layers, heads, columns } = map;
    const now = [width, height, em, layers, heads, columns].join();
    const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ anchor,
      /** @type {string} */ words) => svg('text', { x, y, 'text-anchor': anchor }, words);
    if (now !== this.#scaled) {
      this.#scaled = now;
      const named = stepOf(LINE * em / (heads * row + gap)); // not for each layer, where they are many
      const names = Array.from({ length: Math.ceil(layers / named) }, (_, i) => text(left - 0.6 * em,
        top + i * named * (heads * row + gap) + heads * row / 2 + 0.35 * em, 'end',
        this.#words.layer(i * named + 1)));
      const every = Math.max(PAGE, 2 ** Math.ceil(Math.log2(TICK * em / column)));
      const ticks = Array.from({ length: Math.floor(columns / every) }, (_, i) => text(
        left + (i + 1) * every * column, height - 0.4 * em, i + 2 > columns / every ? 'end' : 'middle',
        this.#counted((i + 1) * every)));
      this.#scales.replaceChildren(...names, ...ticks, text(left, height - 0.4 * em, 'start', '1'));
      set(this.#grid, { d: grid(place, map) });
    }
    const numbers = PAGE * column > 4.4 * em ? pages.map(({ page }) => this.#words.page(page + 1)) : [];
    const said = `${now},${map.gap.end},${numbers}`;
    if (said === this.#numbered) return;
    this.#numbered = said;
    this.#numbers.replaceChildren(...numbers.map((words, i) => (
      text(left + (pageAt(map, i) + 0.5) * PAGE * column, 1.1 * em, 'middle', words))));
  }

  /** @param {Shown} shown  @param {Place} place */
  #outline({ map, pages }, place) {
    const { left, top, column, row, gap } = place;
    const height = map.layers * map.heads * row + gap * (map.layers - 1) + 4;
    const width = PAGE * column;
    const around = (/** @type {number} */ page) => (
      `M${px(left + page * width)} ${px(top - 2)}h${px(width)}v${px(height)}h${px(-width)}z`);
    const used = Math.ceil(map.tokens / PAGE);
    const { first, end } = map.gap; // whole pages
    const outlines = Array.from({ length: Math.ceil(map.columns / PAGE) }, (_, page) => (
      PAGE * page >= first && PAGE * page < end ? '' : around(page)));
    const shared = width >= LEAST_PAGE ? pages.map((page, i) => page.shared && pageAt(map, i)) : [];
    const isFine = column >= FINE; // else they would hide columns
    put(this.#free, 'd', isFine ? outlines.slice(used).join('') : '');
    put(this.#used, 'd', isFine ? outlines.slice(0, used).join('') : '');
    put(this.#shared, 'd', outlines.filter((_, page) => shared.includes(page)).join(''));
  }

  /** @param {Place} place  @param {Shown} shown */
  #around({ left, top, column, row, gap }, { map, cell }) {
    const { layer, head, position } = /** @type {Cell} */ (cell);
    if (position >= map.columns) return '';
    const [width, height] = [Math.max(MARK, column), Math.max(MARK, row)];
    const middle = left + (position + 0.5) * column;
    const x = Math.min(this.#size.width - 2 - width, middle - width / 2);
    const y = top + (layer * map.heads + head + 0.5) * row + layer * gap - height / 2;
    return `M${px(x)} ${px(y)}h${px(width)}v${px(height)}h${px(-width)}z`;
  }
}

const px = (/** @type {number} */ value) => value.toFixed(1);

/**
 * All rows of a layer, where it has any that are alike.
 * @param {Place} place  @param {CacheMap} map  @param {number} layer  @param {Stretch} [stretch]
 */
function rowsOf({ left, top, column, row, gap }, { heads }, layer, stretch) {
  if (!stretch) return '';
  const { kind, first, end } = stretch;
  const width = Math.max(1.5, (end - first) * column); // a lone column is to be seen, however narrow
  const [x, height] = [left + end * column - width, heads * row];
  return filled(kind, { x, y: top + layer * (height + gap), width, height }, row);
}

/**
 * Full, hatched or ruled, so that colour is not all.
 * @param {Kind} kind  @param {Box} box  @param {number} row  height of one
 */
function filled(kind, box, row) {
  if (kind === 'kept') return hatched(box);
  return kind === 'missing' ? ruled(box, row) : boxOf(box);
}

/** @param {Box} box */
const boxOf = ({ x, y, width, height }) => (
  `M${px(x)} ${px(y)}h${px(width)}v${px(height)}h${px(-width)}z`);

/** Lines from left to right, the same in each row. @param {Box} box  @param {number} row */
function ruled({ x, y, width, height }, row) {
  const apart = row / Math.max(1, Math.round(row / HATCH));
  return Array.from({ length: Math.round(height / apart) }, (_, i) => (
    `M${px(x)} ${px(y + (i + 0.5) * apart)}h${px(width)}`)).join('');
}

/** Lines up to the right. @param {Box} box */
const hatched = ({ x, y, width, height }) => (
  Array.from({ length: Math.floor((width + height) / HATCH) }, (_, i) => {
    const along = (i + 0.5) * HATCH; // from the upper left corner, right or down
    const [right, down] = [Math.min(along, width), Math.min(along, height)];
    return `M${px(x + right)} ${px(y + along - right)}L${px(x + along - down)} ${px(y + down)}`;
  }).join(''));

/**
 * Lines between heads, and between columns where there is room.
 * @param {Place} place  @param {CacheMap} map
 */
function grid({ left, top, column, row, gap }, { layers, heads, columns }) {
  const [width, height] = [px(columns * column), px(heads * row)];
  let path = '';
  for (let layer = 0; layer < layers; layer++) {
    const y = top + layer * (heads * row + gap);
    for (let head = 1; head < heads; head++) path += `M${px(left)} ${px(y + head * row)}h${width}`;
    for (let i = 1; i < columns && column >= FINE; i++) {
      path += `M${px(left + i * column)} ${px(y)}v${height}`;
    }
  }
  return path;
}

// ---- the box that it stands in ------------------------------------------------------------------

/**
 * Cells are chosen by pointing at them, and by the arrow keys.
 * @param {HTMLElement} box  @param {MapDrawing} drawing
 * @param {(cell: Cell) => void} choose  @param {(key: string) => Cell | undefined} moved
 * @param {AbortSignal} signal
 */
export function pointAndKeys(box, drawing, choose, moved, signal) {
  const point = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    const { left, top, width, height } = box.getBoundingClientRect();
    const cell = drawing.cellAt((clientX - left) / width, (clientY - top) / height);
    if (cell) choose(cell);
  };
  box.addEventListener('pointerdown', point, { signal });
  box.addEventListener('pointermove', (event) => { if (event.buttons & 1) point(event); }, { signal });
  box.addEventListener('keydown', (event) => {
    const { key, altKey, ctrlKey, metaKey } = event;
    const cell = altKey || ctrlKey || metaKey ? undefined : moved(key);
    if (!cell) return;
    event.preventDefault();
    choose(cell);
  }, { signal });
}

/**
 * Draws for the size that the box has.
 * @param {HTMLElement} box  @param {MapDrawing} drawing  @param {AbortSignal} signal
 */
export function followSize(box, drawing, signal) {
  const resized = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = box;
    if (width === 0 || height === 0) return; // as in closed details
    drawing.resize({ width, height, em: parseFloat(getComputedStyle(drawing.node).fontSize) });
  });
  resized.observe(box);
  signal.addEventListener('abort', () => resized.disconnect());
}
