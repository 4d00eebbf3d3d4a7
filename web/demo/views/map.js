/// <reference path="../css.d.ts" />
// The cache map: what the cache holds, by layer, head and position; one cell of it; and what it takes.
import { looker } from '../looks.js';
import { mapOf, movedBy, pagesOf } from '../map.js';
import { KINDS, MapDrawing, fills, followSize, pointAndKeys } from '../parts/cache-map.js';
import { element, note, put, say } from '../parts/dom.js';
import { cellPanel } from '../parts/map-cell.js';
import { memoryMeter } from '../parts/map-memory.js';
import { pagePool } from '../parts/map-pool.js';
import { MAP } from '../words/map.js';
import styles from './map.css' with { type: 'text' };

/**
 * @import { CacheMap, Cell } from '../map.js'
 * @import { Seen, Wish } from '../looks.js'
 * @import { View } from '../player.js'
 * @import { State } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {(typeof MAP)[string]} Words
 * @typedef {Wish & { run: number, cell: Cell }} Wished
 * @typedef {Wished & { seen?: Seen }} Look
 */

/** @type {View} */
export const map = {
  name: 'map',
  styles,
  mount(root, { actions, signal, words }) {
    /** The one that the reader has chosen; none: the newest. @type {Cell | undefined} */
    let chosen;
    /** @type {State | undefined} */
    let state;
    /** The newest look, and what it was for. @type {Look | undefined} */
    let look;
    /** @param {CacheMap} map  @returns {Cell} */
    const cellIn = ({ tokens, text }) => (
      chosen ?? { layer: 0, head: 0, position: Math.max(1, tokens || text) - 1 });
    /** @param {Partial<Cell> | undefined} change  undefined: the newest again */
    const choose = (change) => {
      if (!state) return;
      const now = mapOf(state);
      const { layer, head, position } = { ...cellIn(now), ...change };
      const last = Math.max(1, now.tokens, now.text) - 1;
      chosen = change && { layer, head, position: Math.min(last, position) };
      show(state);
    };
    const picture = pictureOf(MAP[words.lang], words, signal);
    root.append(picture.node);
    const panel = cellPanel(MAP[words.lang], words, choose, signal);
    const memory = memoryMeter(MAP[words.lang].memory, words.format);
    picture.node.append(panel.node, memory.node);
    pointAndKeys(picture.box, picture.drawing, choose, (key) => {
      const now = state && mapOf(state);
      return now && movedBy(cellIn(now), key, now);
    }, signal);
    /** @type {(wish: Wished) => void} */
    const want = looker((fields) => actions.inspect(fields), (wish, seen) => {
      look = { ...wish, seen };
      if (state) show(state);
    }, signal);

    /** @param {State} now */
    function show(now) {
      state = now;
      const all = mapOf(now);
      const wanted = cellIn(all);
      if (now.model && !now.recorded && now.run.number > 0) want(wishFor(now, all, wanted));
      if (look?.run !== now.run.number) look = undefined;
      const cell = chosen ?? look?.cell ?? wanted; // the newest that was seen
      picture.show(now, all, all.text > 0 ? cell : undefined, look?.seen);
      panel.show(now, all, cell, chosen === undefined, isSame(look?.cell, cell) ? look : undefined);
      memory.show(all);
      for (const { node } of [panel, memory]) node.classList.toggle('away', all.layers === 0);
    }
    return show;
  },
};

/**
 * The map, its legend, and what it means just now.
 * @param {Words} said  @param {Dictionary} words  @param {AbortSignal} signal
 */
function pictureOf(said, words, signal) {
  const recorded = note(words.recorded.tag);
  const filling = fills();
  const drawing = new MapDrawing(filling, said, words.format.counted);
  const attributes = { class: 'map-box', part: 'map', role: 'application', tabindex: 0 };
  const box = element('div', attributes, drawing.node);
  const legend = element('ul', { class: 'map-legend', part: 'map-legend' },
    ...KINDS.map((kind) => element('li', {}, filling.swatch(kind), said.legend[kind])));
  const sentence = element('p', { class: 'said', part: 'map-said' });
  const pool = pagePool(said);
  const node = element('figure', { class: 'map' },
    element('figcaption', {}, element('h2', {}, `${said.title} `, recorded),
      element('p', { class: 'means' }, said.means)),
    box, element('p', { class: 'map-axis note' }, said.axis), legend, sentence, pool.node);
  followSize(box, drawing, signal);
  /**
   * @param {State} state  @param {CacheMap} map  @param {Cell | undefined} cell
   * @param {Seen | undefined} seen
   */
  const show = (state, map, cell, seen) => {
    drawing.show({ map, pages: seen?.cache.pages ?? [], cell });
    const news = sentenceOf(said, map);
    say(sentence, news);
    put(box, 'aria-label', `${said.keys} ${news}`);
    recorded.hidden = !state.recorded;
    pool.show(map);
  };
  return { node, box, drawing, show };
}

/** @param {Cell | undefined} a  @param {Cell} b */
const isSame = (a, b) => a?.layer === b.layer && a.head === b.head && a.position === b.position;

/** @param {State} state  @param {CacheMap} map  @param {Cell} cell  @returns {Wished} */
function wishFor({ run: { number: run }, status }, { tokens, text }, cell) {
  const { layer, head, position } = cell;
  return {
    run, cell, key: [run, status, tokens, text, layer, head, position].join(),
    fields: {
      ...(position < text && { tokens: { first: position, count: 1 } }),
      ...(position < tokens && { vectors: { layers: [layer], heads: [head], first: position, count: 1 } }),
    },
  };
}

/** @param {Words} words  @param {CacheMap} map */
function sentenceOf(words, map) {
  const { tokens, text, layers, heads, reading, written } = map;
  if (text === 0) return tokens > 0 ? words.before(tokens) : words.empty;
  if (!reading) return tokens > 0 ? words.left(tokens, text) : words.off(text);
  const cells = tokens * layers * heads;
  const { used } = pagesOf(map);
  return tokens - written === 1 ? words.on(tokens, cells, used)
    : words.wrote(tokens, cells, used, tokens - written);
}
