// Two rails: the text, which grows, and the cache, which does not; between them, which tokens lie where.
import { PAGE } from '../../engine/page.js';
import { kindOf, placeOf } from '../window.js';
import { set, svg } from './dom.js';

/**
 * @import { Span } from '../../worker/windowed.js'
 * @import { Story } from '../window.js'
 *
 * @typedef {object} RailWords
 * @property {(tokens: number) => string} textRail
 * @property {(places: number) => string} cacheRail
 */

const TEXT = { y: 22, height: 20 };
const CACHE = { y: 88, height: 30 };
const HEIGHT = 142;
const EDGE = 1;       // px for outlines
const NUMBERED = 30;  // px of a page, from which its first token has a number
const LEAST = 1;      // px of what is drawn

/** @param {RailWords} words */
export function windowDrawing(words) {
  const node = /** @type {SVGSVGElement} */ (svg('svg', { class: 'window-drawing', 'aria-hidden': 'true' }));
  let width = 1;
  let cell = 1;
  /** @param {Story} story  @param {number} total  tokens that the upper rail has room for
   * @param {number} room  in px  @param {number} [chosen]  page of the text */
  const show = (story, total, room, chosen) => {
    width = Math.max(1, room - 2 * EDGE);
    cell = PAGE * width / story.capacity;
    set(node, { width: room, height: HEIGHT, viewBox: `${-EDGE} 0 ${room} ${HEIGHT}` });
    const at = { text: width / Math.max(total, story.tokens), cache: width / story.capacity };
    node.replaceChildren(
      svg('text', { x: 0, y: TEXT.y - 8 }, words.textRail(story.tokens)),
      svg('text', { x: 0, y: HEIGHT - 6 }, words.cacheRail(story.capacity)),
      ...rail(story, at), ...cells(story, cell), ...choice(story, at, chosen));
  };
  /** The page of the text that lies in the cache there. @param {Story} story  @param {number} x */
  const pageAt = (story, x) => {
    const place = (x - EDGE) * story.capacity / width;
    const span = story.spans.find((each) => place >= each.place && place < each.place + each.count);
    return span && Math.floor((span.token + place - span.place) / PAGE);
  };
  return { node, show, pageAt };
}

/** What lies side by side in the text and in the cache. @param {readonly Span[]} spans */
function runsOf(spans) {
  /** @type {{ token: number, place: number, count: number }[]} */
  const runs = [];
  for (const { token, place, count } of spans) {
    const last = runs.at(-1);
    if (last && last.token + last.count === token) last.count += count;
    else runs.push({ token, place, count });
  }
  return runs;
}

/** @param {Story} story  @param {{ text: number, cache: number }} at  px of a token */
function rail({ spans, tokens, sinks }, at) {
  const shapes = [svg('rect', {
    class: 'window-gone', x: 0, y: TEXT.y, width: Math.max(LEAST, tokens * at.text), height: TEXT.height })];
  for (const { token, place, count } of runsOf(spans)) {
    const kind = token < sinks && count <= sinks ? 'sink' : 'held';
    const [left, right] = [token * at.text, (token + count) * at.text];
    const [to, end] = [place * at.cache, (place + count) * at.cache];
    shapes.push(
      svg('path', { class: `window-link ${kind}`,
        d: `M${left} ${TEXT.y + TEXT.height}L${to} ${CACHE.y}H${end}L${right} ${TEXT.y + TEXT.height}Z` }),
      svg('rect', { class: `window-${kind}`, x: left, y: TEXT.y, width: Math.max(LEAST, right - left),
        height: TEXT.height }));
  }
  return shapes;
}

/** The pages of the cache, with their first tokens. @param {Story} story  @param {number} cell  px of one */
function cells(story, cell) {
  const shapes = [];
  for (let i = 0; i < story.capacity / PAGE; i++) {
    const place = i * PAGE;
    const span = story.spans.find((each) => place >= each.place && place < each.place + each.count);
    const token = span && span.token + place - span.place;
    const kind = token === undefined ? 'free' : kindOf(story, token / PAGE);
    const shape = { x: i * cell, y: CACHE.y, width: cell, height: CACHE.height };
    shapes.push(svg('rect', { class: `window-${kind}`, ...shape }));
    if (token === undefined || cell < NUMBERED) continue;
    const middle = { x: (i + 0.5) * cell, y: CACHE.y + 20, 'text-anchor': 'middle', class: 'window-number' };
    shapes.push(svg('text', middle, String(token + 1)));
  }
  return shapes;
}

/** The page that is looked at. @param {Story} story  @param {{ text: number, cache: number }} at
 * @param {number} [chosen] */
function choice(story, at, chosen) {
  if (chosen === undefined || chosen >= story.pages.length) return [];
  const { token, last, place } = placeOf(story, chosen);
  const count = last - token + 1;
  /** @param {number} first  @param {number} each  px of a token  @param {typeof TEXT} rail */
  const box = (first, each, { y, height }) => svg('rect', {
    class: 'window-chosen', x: first * each, y, width: Math.max(2, count * each), height });
  const shapes = [box(token, at.text, TEXT)];
  if (place !== undefined) shapes.push(box(place, at.cache, CACHE));
  return shapes;
}
