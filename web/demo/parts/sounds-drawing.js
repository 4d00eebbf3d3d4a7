// Letters and sounds as a drawing: the letters stand above, with what the cross cache holds of them; each
// sound is a row, with what the self cache holds of the one before it, and with its look at the letters.
import { put, set, svg } from './dom.js';

/**
 * @typedef {object} Row  a step
 * @property {string} input  that was read: the sound before
 * @property {string} sound  that came of it
 * @property {string} name   in ARPAbet; '' of the end
 * @property {readonly number[]} looks  a share for each letter
 * @property {string} time
 * @property {number} length  of the time, as a share of the longest
 *
 * @typedef {object} Picture
 * @property {readonly string[]} letters
 * @property {readonly Row[]} rows  all of them
 * @property {number} shown    how many of them are there
 * @property {boolean} isRead  the encoder has read the letters
 * @property {{ self: boolean, cross: boolean }} way
 * @property {number} projected  times that K and V of the letters were computed
 * @property {readonly number[]} written  times that those of each input were
 * @property {number} current  the row that is looked at; -1: none
 * @property {readonly number[]} light  how much that looks at each letter
 *
 * @typedef {{ left: number, cell: number, bars: number, width: number, height: number }} Layout
 */

const ROW = 32;
const TOP = 74;      // above the rows
const BOX = { y: 40, height: 18 }; // of the cross cache
const INPUT = 66;    // a box of the self cache
const NAMES = 72;    // of sounds
const BARS = 124;    // times; where there is room
const BAR = 44;      // of them the longest
const [LEAST, MOST] = [14, 52]; // px of a letter
const ROOMY = 460;   // px, from which times are drawn
const NUMBERED = 24; // px of a letter, from which its box has a number
const SEEN = 0.004;  // of a look
const EDGE = 2;      // px on the right and below, for outlines

/** @param {number} letters  @param {number} rows  @param {number} room  in px  @returns {Layout} */
export function layoutOf(letters, rows, room) {
  const bars = room >= ROOMY ? BARS : 0;
  const left = INPUT + NAMES;
  const cell = Math.min(MOST, Math.max(LEAST, Math.floor((room - left - bars - EDGE) / letters)));
  return { left, cell, bars, width: left + cell * letters + bars + EDGE, height: TOP + ROW * rows + EDGE };
}

/** @param {{ crossLabel: string, selfLabel: string }} words */
export function soundsDrawing(words) {
  const node = /** @type {SVGSVGElement} */ (svg('svg', { class: 'sounds-drawing', 'aria-hidden': 'true' }));
  /** @type {Layout} */
  let layout = layoutOf(1, 0, ROOMY);
  /** @param {Picture} picture  @param {number} room  in px */
  const show = (picture, room) => {
    layout = layoutOf(picture.letters.length, picture.rows.length, room);
    const { width, height } = layout;
    set(node, { width, height, viewBox: `0 0 ${width} ${height}` });
    put(node, 'class', `sounds-drawing ${wordFor(picture.way.cross)}`);
    node.replaceChildren(
      label(words.crossLabel, layout.left - 8, BOX.y + 13, 'end'),
      label(words.selfLabel, 0, TOP - 6),
      ...picture.letters.flatMap((letter, i) => letterOf(letter, i, picture, layout)),
      gridOf(picture, layout),
      ...picture.rows.slice(0, picture.shown).flatMap((row, i) => rowOf(row, i, picture, layout)),
      ...currentOf(picture, layout),
    );
  };
  /** The row at a height. @param {number} y  in px, from the top of the drawing */
  const rowAt = (y) => Math.floor((y - TOP) / ROW);
  return { node, show, rowAt };
}

/** @param {boolean} on */
const wordFor = (on) => (on ? 'on' : 'off');

/** @param {string} text  @param {number} x  @param {number} y  @param {string} [anchor] */
const label = (text, x, y, anchor = 'start') => (
  svg('text', { class: 'sounds-label', x, y, 'text-anchor': anchor }, text));

/**
 * A letter, lit as it is looked at, and its box of the cross cache.
 * @param {string} letter  @param {number} i  @param {Picture} picture  @param {Layout} layout
 */
function letterOf(letter, i, { light, way, isRead, projected, current }, { left, cell }) {
  const x = left + i * cell;
  const lit = light[i] ?? 0;
  const isTop = lit > 0 && lit === Math.max(...light);
  const kind = !way.cross ? 'again' : current >= 0 ? 'reading' : 'kept';
  const box = isRead && projected > 0 ? kind : 'free';
  const inMiddle = { x: x + cell / 2, 'text-anchor': 'middle' };
  return [
    svg('rect', { class: 'sounds-light', x: x + 1, y: 2, width: cell - 2, height: 32, ...shade(lit) }),
    svg('text', { class: `sounds-letter ${isTop ? 'top' : ''}`, y: 25, ...inMiddle }, letter),
    svg('rect', { class: `sounds-box ${box}`, x: x + 2, y: BOX.y, width: cell - 4, height: BOX.height }),
    ...(box !== 'free' && cell >= NUMBERED ? [
      svg('text', { class: `sounds-count ${box}`, y: BOX.y + 13, ...inMiddle }, `${projected}×`)] : []),
  ];
}

/** @param {Picture} picture  @param {Layout} layout */
function gridOf({ letters, rows }, { left, cell }) {
  const [width, height] = [letters.length * cell, rows.length * ROW];
  const across = Array.from({ length: rows.length + 1 }, (_, i) => `M${left} ${TOP + i * ROW}h${width}`);
  const down = Array.from({ length: letters.length + 1 }, (_, i) => `M${left + i * cell} ${TOP}v${height}`);
  return svg('path', { class: 'sounds-grid', d: [...across, ...down].join('') });
}

/** @param {Row} row  @param {number} i  @param {Picture} picture  @param {Layout} layout */
function rowOf({ input, sound, name, looks, time, length }, i, { way, written, current, letters }, layout) {
  const { left, cell, bars } = layout;
  const y = TOP + i * ROW;
  const isAgain = !way.self && written[i] > 1;
  const kept = i === current ? 'written' : i < current ? 'reading' : 'kept';
  const kind = way.self ? kept : 'again';
  const count = isAgain ? ` ${written[i]}×` : '';
  const end = left + letters.length * cell + 10;
  return [
    svg('rect', { class: `sounds-box ${kind}`, x: 1, y: y + 5, width: INPUT - 6, height: ROW - 10 }),
    svg('text', { class: `sounds-count ${kind}`, x: INPUT / 2 - 2, y: y + 20, 'text-anchor': 'middle' },
      `${input}${count}`),
    svg('text', { class: name ? 'sounds-ipa' : 'sounds-label', x: INPUT + 6, y: y + 22 }, sound),
    label(name, left - 8, y + 21, 'end'),
    ...looks.flatMap((share, letter) => (share < SEEN ? [] : [svg('rect', {
      class: 'sounds-look', x: left + letter * cell + 1, y: y + 1, width: cell - 2, height: ROW - 2,
      ...shade(share),
    })])),
    ...(bars ? [
      svg('rect', { class: `sounds-bar ${wordFor(way.self && way.cross)}`, x: end, y: y + 11,
        width: Math.max(2, BAR * length), height: ROW - 22 }),
      label(time, end + BAR + 6, y + 21)] : []),
  ];
}

/** @param {Picture} picture  @param {Layout} layout */
function currentOf({ current, letters }, { left, cell }) {
  if (current < 0) return [];
  const at = { x: left, y: TOP + current * ROW, width: letters.length * cell, height: ROW };
  return [svg('rect', { class: 'sounds-current', ...at })];
}

/** As full as a token of the lens: the root. @param {number} share */
const shade = (share) => ({ 'fill-opacity': Math.sqrt(share).toFixed(3) });
