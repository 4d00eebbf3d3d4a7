// The text and the cache as two lines over the same positions, and a slider to move in them: cut back, both
// are shorter, and what was there is outlined.
import { element, put, say, set, svg, uniqueId } from './dom.js';

/**
 * @import { Gap } from '../sliding.js'
 * @import { Places } from '../step.js'
 */

/**
 * @typedef {object} Said
 * @property {string} slider
 * @property {{ text: string, cache: string }} rows
 * @property {(position: number, end: number) => string} at
 * @property {(position: number, end: number, held: number) => string} picture
 */

const PAGE = 16; // slots of a page of the cache
const WIDTH = 640; // px of a picture of its own
const NAMES = 72; // px of it for the names of the lines

/** @param {Said} said */
export function cutLine(said) {
  const id = uniqueId('position');
  const slider = element('input', { id, type: 'range', class: 'scrub', part: 'step-slider', step: 1 });
  const at = element('span', { class: 'note', part: 'step-at' });
  const text = svg('path', { class: 'cut-text' });
  const prompt = svg('path', { class: 'cut-begun' });
  const gone = svg('path', { class: 'cut-gone' });
  const forks = svg('path', { class: 'cut-forks' });
  const held = svg('path', { class: 'cut-held' });
  const dropped = svg('path', { class: 'cut-dropped' });
  const missing = svg('path', { class: 'cut-missing' });
  const pages = svg('path', { class: 'cut-pages' });
  const drawing = svg('svg', { class: 'cut', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    gone, text, prompt, forks, missing, dropped, held, pages);
  const rows = element('div', { class: 'cut-rows', 'aria-hidden': 'true' },
    element('span', {}, said.rows.text), element('span', {}, said.rows.cache));
  const box = element('div', { class: 'cut-picture', part: 'step-picture', role: 'img' }, drawing);
  const place = element('div', { class: 'cut-slider' }, slider);
  const line = element('div', { class: 'cut-line' },
    element('p', { class: 'cut-head' }, element('label', { for: id }, said.slider), at),
    rows, box, place);
  /** @type {Record<string, number>} */
  const reaches = {};
  /** Where the slider begins and ends. @param {'--start' | '--end'} name  @param {number} share */
  const reach = (name, share) => {
    if (reaches[name] !== share) place.style.setProperty(name, String(share));
    reaches[name] = share;
  };
  /** @param {Places} places  @param {boolean} isOurs  the slider is where the state says */
  const show = (places, isOurs) => {
    const { position, end, side } = places;
    put(drawing, 'viewBox', `0 0 ${side} 40`);
    put(gone, 'd', bar(position, end, 2, 16));
    put(text, 'd', bar(places.prompt, position, 2, 16));
    put(prompt, 'd', bar(0, places.prompt, 2, 16));
    put(forks, 'd', places.forks.map((fork) => `M${fork} 0V18`).join(''));
    put(held, 'd', bars(places.spans));
    put(missing, 'd', bar(places.taken, position, 24, 38));
    put(dropped, 'd', bars(places.dropped));
    put(pages, 'd', pageEdges(places.spans));
    put(box, 'aria-label', said.picture(position, end, places.held));
    reach('--start', places.prompt / side);
    reach('--end', end / side);
    put(slider, 'min', String(places.prompt));
    put(slider, 'max', String(end));
    if (isOurs && slider.value !== String(position)) slider.value = String(position);
    const words = said.at(isOurs ? position : Number(slider.value), end);
    say(at, words);
    put(slider, 'aria-valuetext', words);
  };
  /** Of its own, with the words beside it. @returns {SVGSVGElement} */
  const picture = () => pictureOf(drawing, said.rows, at.textContent ?? '');
  return { node: line, slider, show, picture };
}

/** @param {SVGElement} drawing  @param {Said['rows']} rows  @param {string} at */
function pictureOf(drawing, rows, at) {
  const lines = /** @type {SVGElement} */ (drawing.cloneNode(true));
  set(lines, { x: NAMES, y: 20, width: WIDTH - NAMES, height: 40 });
  const word = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ words) => (
    svg('text', { x, y, class: 'cut-word', 'text-anchor': x > 0 ? 'end' : 'start' }, words));
  return /** @type {SVGSVGElement} */ (svg('svg', { width: WIDTH, height: 64 },
    lines, word(WIDTH, 14, at), word(0, 34, rows.text), word(0, 56, rows.cache)));
}

/** @param {number} from  @param {number} to  @param {number} top  @param {number} bottom */
const bar = (from, to, top, bottom) => (to > from ? `M${from} ${top}H${to}V${bottom}H${from}z` : '');

/** In the line of the cache. @param {readonly Gap[]} spans */
const bars = (spans) => spans.map(({ first, end }) => bar(first, end, 24, 38)).join('');

/** Each span begins with a page. @param {readonly Gap[]} spans */
const pageEdges = (spans) => spans.flatMap(({ first, end }) => (
  Array.from({ length: Math.floor((end - first - 1) / PAGE) },
    (_, i) => `M${first + PAGE * (i + 1)} 24V38`))).join('');
