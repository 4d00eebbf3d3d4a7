// A drawing as a file of its own: what the style sheet says of it is written into it, and below it stands
// what it shows and where that comes from.
import { linesOf } from '../caption.js';
import { element, set, svg } from './dom.js';

/**
 * @typedef {object} Caption
 * @property {string} title
 * @property {string} sentence  what is seen
 * @property {string} source
 *
 * @typedef {{ text: string, size: number, weight: number, color: string }} Paragraph
 */

const EDGE = 16;        // px around everything
const LEAST_WIDTH = 480; // of the lines below
const SCALE = 2;        // of a PNG
/** What the look of a shape may hang on, and what holds where nothing is said; all of it are attributes. */
const INHERITED = {
  fill: 'rgb(0, 0, 0)', 'fill-opacity': '1', 'fill-rule': 'nonzero', 'font-family': '', 'font-size': '',
  'font-style': 'normal', 'font-weight': '400', 'letter-spacing': 'normal', 'paint-order': 'normal',
  stroke: 'none', 'stroke-dasharray': 'none', 'stroke-linecap': 'butt', 'stroke-linejoin': 'miter',
  'stroke-opacity': '1', 'stroke-width': '1px', 'text-anchor': 'start', visibility: 'visible',
};
const OWN = { 'dominant-baseline': 'auto', opacity: '1', 'vector-effect': 'none' };

/**
 * @param {SVGSVGElement} drawing  in a document
 * @param {Caption} caption
 * @param {Element} figure  whose colours and type are meant
 * @returns {SVGSVGElement}  that needs no style sheet
 */
export function pictureOf(drawing, { title, sentence, source }, figure) {
  const { width, height } = drawing.getBoundingClientRect();
  const { backgroundColor } = getComputedStyle(figure.closest('.demo') ?? figure);
  const { color, fontFamily } = getComputedStyle(figure);
  const whole = Math.max(LEAST_WIDTH, Math.ceil(width) + 2 * EDGE);
  const inner = standalone(drawing, INHERITED);
  set(inner, { x: EDGE, y: EDGE, width, height });
  /** @type {Paragraph[]} */
  const paragraphs = [
    { text: title, size: 16, weight: 600, color },
    { text: sentence, size: 14, weight: 400, color },
    { text: source, size: 12, weight: 400, color: mutedIn(figure) },
  ];
  const lines = svg('g', { 'font-family': fontFamily });
  let y = EDGE + Math.ceil(height) + EDGE;
  for (const paragraph of paragraphs) y = write(lines, paragraph, y, whole - 2 * EDGE, fontFamily);
  y += EDGE;
  const size = { width: whole, height: y };
  const picture = svg('svg', { ...size, viewBox: `0 0 ${whole} ${y}` },
    svg('title', {}, title), svg('desc', {}, `${sentence} ${source}`),
    svg('rect', { ...size, fill: backgroundColor }), inner, lines);
  return /** @type {SVGSVGElement} */ (picture);
}

/** @param {SVGSVGElement} picture */
const textOf = (picture) => `${new XMLSerializer().serializeToString(picture)}\n`;

/** @param {SVGSVGElement} picture */
export const svgOf = (picture) => new Blob([textOf(picture)], { type: 'image/svg+xml' });

/**
 * @param {SVGSVGElement} picture
 * @throws  where the page's policy allows no images from data
 */
export async function pngOf(picture) {
  const { width: { baseVal: { value: width } }, height: { baseVal: { value: height } } } = picture;
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(textOf(picture))}`;
  await image.decode();
  const canvas = element('canvas', { width: SCALE * width, height: SCALE * height });
  contextOf(canvas).drawImage(image, 0, 0, canvas.width, canvas.height);
  return /** @type {Promise<Blob>} */ (new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('There is no room for it.'))));
  }));
}

/**
 * A copy without classes; what is not seen is left out.
 * @param {Element} drawing  @param {Record<string, string>} around  what holds there already
 */
function standalone(drawing, around) {
  const style = getComputedStyle(drawing);
  const styles = { ...around };
  const usual = { ...around, ...OWN };
  const copy = svg(drawing.localName);
  for (const { name, value } of drawing.attributes) {
    if (!/^(class|part|aria-.*)$/.test(name) && !(name in usual)) copy.setAttribute(name, value);
  }
  for (const [name, known] of Object.entries(usual)) {
    const value = style.getPropertyValue(name);
    if (value !== known) copy.setAttribute(name, value);
    if (name in around) styles[name] = value;
  }
  for (const child of drawing.childNodes) {
    if (!(child instanceof Element)) copy.append(child.cloneNode());
    else if (getComputedStyle(child).display !== 'none') copy.append(standalone(child, styles));
  }
  return copy;
}

/** @param {Element} figure */
function mutedIn(figure) {
  const sample = element('span', { class: 'note', hidden: true });
  figure.append(sample);
  const { color } = getComputedStyle(sample);
  sample.remove();
  return color;
}

/**
 * @param {SVGElement} group  @param {Paragraph} paragraph
 * @param {number} top  @param {number} width  @param {string} family
 * @returns {number}  where the next one begins
 */
function write(group, { text, size, weight, color }, top, width, family) {
  const pen = contextOf(element('canvas'));
  pen.font = `${weight} ${size}px ${family}`;
  const lines = linesOf(text, (line) => pen.measureText(line).width <= width);
  const height = Math.round(1.4 * size);
  for (const [i, line] of lines.entries()) {
    const at = { x: EDGE, y: top + size + i * height };
    group.append(svg('text', { ...at, 'font-size': size, 'font-weight': weight, fill: color }, line));
  }
  return top + lines.length * height + size / 2;
}

/** @param {HTMLCanvasElement} canvas */
const contextOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
