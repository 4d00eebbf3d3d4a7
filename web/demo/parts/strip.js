// A strip of K or V: a row for each token, growing downward until it is full, then everything gets
// smaller. A row that is there is not drawn again. And the rows' weights, beside it.
import { lengthOf, roomFor } from '../strips.js';
import { element, set } from './dom.js';

/** @import { Rows } from '../strips.js' */

/** A strip of numbers: the larger, the darker; in the upper half of their row if positive. */
export function strip() {
  const canvas = element('canvas', { class: 'strip-numbers' });
  /** @type {Rows | undefined} */
  let shown;
  let drawn = 0;
  let room = 0;
  let gone = 0;
  let ink = '';
  /** @param {Rows} rows  @param {string} color */
  const show = (rows, color) => {
    if (rows !== shown || roomFor(rows.length) !== room || ink !== color || rows.gone.end !== gone) {
      [shown, room, ink, drawn, gone] = [rows, roomFor(rows.length), color, 0, rows.gone.end];
      set(canvas, { width: rows.width, height: 2 * room }); // this clears it
    }
    if (drawn === rows.length) return;
    const pen = penOf(canvas);
    pen.putImageData(imageOf(rows, drawn), 0, 2 * drawn);
    pen.globalCompositeOperation = 'source-atop'; // where there is something already
    pen.fillStyle = color;
    pen.fillRect(0, 2 * drawn, rows.width, 2 * (rows.length - drawn));
    drawn = rows.length;
  };
  return { canvas, show };
}

/** Two lines of pixels a row, black still. @param {Rows} rows  @param {number} first */
function imageOf(rows, first) {
  const image = new ImageData(rows.width, 2 * (rows.length - first));
  for (let row = first; row < rows.length; row++) {
    for (const [i, value] of rows.at(row).entries()) {
      const line = 2 * (row - first) + (value > 0 ? 0 : 1);
      const opacity = 4 * (line * rows.width + i) + 3;
      image.data[opacity] = Math.round(255 * Math.abs(lengthOf(value, rows.reach)));
    }
  }
  return image;
}

/** One bar a row: as long as its weight's root, so that one percent is seen as well. */
export function weightsStrip() {
  const WIDTH = 64;
  const canvas = element('canvas', { class: 'strip-numbers' });
  /** @param {Float32Array} weights  @param {string} color */
  const show = (weights, color) => {
    set(canvas, { width: WIDTH, height: roomFor(weights.length) }); // this clears it
    const pen = penOf(canvas);
    pen.fillStyle = color;
    pen.beginPath();
    for (const [row, weight] of weights.entries()) pen.rect(0, row, WIDTH * Math.sqrt(weight), 1);
    pen.fill();
  };
  return { canvas, show };
}

/** @param {HTMLCanvasElement} canvas */
const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
