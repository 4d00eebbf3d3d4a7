/// <reference path="../css.d.ts" />
// The cache map: what the cache holds, by layer, head and position; one cell of it; and what it takes.
import { isMeasuring } from '../benchmark.js';
import { Looks } from '../looks.js';
import {
  cellSeen, cellsOf, hasCell, kindAt, mapOf, movedBy, pagesOf, stretchesOfAll, unreadOf,
} from '../map.js';
import { KINDS, MapDrawing, followSize, pointAndKeys, swatch } from '../parts/cache-map.js';
import { element, note } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { cellPanel } from '../parts/map-cell.js';
import { forkPanel } from '../parts/map-fork.js';
import { memoryMeter } from '../parts/map-memory.js';
import { pagePool } from '../parts/map-pool.js';
import { isComparing } from '../state.js';
import { MAP } from '../words/map.js';
import styles from './map.css' with { type: 'text' };

/**
 * @import { CacheMap, Cell } from '../map.js'
 * @import { Wanted } from '../looks.js'
 * @import { Seen } from '../../worker/messages.js'
 * @import { Context, View } from '../view.js'
 * @import { State } from '../state.js'
 *
 * @typedef {(typeof MAP)[string]} Words
 */

/** @type {View} */
export const map = {
  name: 'map',
  styles: framedStyles(styles),
  mount(root, context) {
    const { actions, signal, words } = context;
    /** The one that the reader has chosen; none: the newest. @type {Cell | undefined} */
    let chosen;
    /** @type {State | undefined} */
    let state;
    /** The newest look inside this run; null: there is nothing to be seen. @type {Seen | null | undefined} */
    let seen;
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
    const picture = pictureOf(MAP[words.lang], context, () => state && mapOf(state));
    const panel = cellPanel(MAP[words.lang], words, choose, signal);
    const fork = forkPanel(MAP[words.lang], actions, signal);
    const memory = memoryMeter(MAP[words.lang], words.format, actions, signal);
    root.append(element('div', { class: 'map-view' }, picture.node, panel.node, fork.node, memory.node));
    pointAndKeys(picture.box, picture.drawing, choose, (key) => {
      const now = state && mapOf(state);
      return now && movedBy(cellIn(now), key, now);
    }, signal);
    /** @param {Seen | null} news */
    const take = (news) => {
      seen = news;
      if (state) show(state);
    };
    const looks = new Looks(actions, signal, take, () => take(null));

    /** @param {State} now */
    function show(now) {
      if (now.run.number !== state?.run.number) {
        looks.forget();
        seen = undefined;
      }
      state = now;
      const all = mapOf(now);
      if (chosen && !hasCell(all, chosen)) chosen = undefined; // of another model
      const newest = cellIn(all);
      const wanted = wantedOf(now, all, newest);
      looks.want(wanted);
      const cell = chosen ?? (seen && cellSeen(seen)) ?? newest;
      picture.show(now, all, all.text > 0 ? cell : undefined, seen ?? undefined);
      panel.show(now, all, cell, chosen === undefined, seen, wanted !== undefined);
      fork.show(now, all.text, cell.position);
      memory.show(now, all);
      for (const { node } of [panel, fork, memory]) node.classList.toggle('away', all.layers === 0);
    }
    return show;
  },
};

/**
 * The map, its legend, and what it means just now.
 * @param {Words} said  @param {Context} context  @param {() => CacheMap | undefined} current
 */
function pictureOf(said, context, current) {
  const { words: { format: { counted } }, signal } = context;
  const drawing = new MapDrawing(said, counted);
  const attributes = { class: 'map-box', part: 'map-cells', role: 'application', tabindex: 0 };
  const box = element('div', { ...attributes, 'aria-label': said.keys }, drawing.node);
  const entries = KINDS.map((kind) => ({ kind, node: element('li', {}, swatch(kind), said.legend[kind]) }));
  const legend = element('ul', { class: 'map-legend', part: 'map-legend' },
    ...entries.map(({ node }) => node));
  const pool = pagePool(said);
  const { caption, kind: state, positions, cells } = said.table;
  const frame = framed(context, {
    name: 'map', title: said.title, means: said.means, interactive: true, picture: () => drawing.node,
    drawing: element('div', {}, box, element('p', { class: 'map-axis note' }, said.axis), legend, pool.node),
    table: { caption, heads: [state, positions, cells], rows: () => tableRows(said, current(), counted) },
  });
  followSize(box, drawing, signal);
  const raced = note(said.raced);
  frame.sentence.after(raced);
  /**
   * @param {State} state  @param {CacheMap} map  @param {Cell | undefined} cell
   * @param {Seen | undefined} seen
   */
  const show = (state, map, cell, seen) => {
    drawing.show({ map, pages: seen?.cache.pages ?? [], cell });
    const isWhole = map.freed === 0 && map.held === map.tokens;
    for (const { kind, node } of entries) node.hidden = kind === 'freed' && isWhole;
    pool.show(map);
    raced.hidden = !state.race?.lanes;
    frame.show(sentenceOf(said, map), state);
  };
  return { node: frame.node, box, drawing, show };
}

/** @param {Words} words  @param {CacheMap | undefined} map  @param {(value: number) => string} counted */
function tableRows({ legend, table }, map, counted) {
  if (!map || map.layers === 0) return [];
  return stretchesOfAll(map).map(({ kind, first, end, layers }) => [
    legend[kind], table.range(first + 1, end), counted((end - first) * layers * map.heads)]);
}

/**
 * Nothing of a recorded run, and nothing while every step is measured against another.
 * @param {State} state  @param {CacheMap} map  @param {Cell} cell  @returns {Wanted | undefined}
 */
function wantedOf(state, map, { layer, head, position }) {
  const { tokens, text } = map;
  const { model, recorded, run, status, benchmark } = state;
  if (!model || recorded || run.number === 0) return undefined;
  if (isComparing(state) || isMeasuring(benchmark)) return undefined;
  const isThere = position < tokens && kindAt(map, { layer, position }) !== 'freed';
  return {
    key: [run.number, status, tokens, text, layer, head, position].join(),
    look: {
      ...(position < text && { tokens: { first: position, count: 1 } }),
      ...(isThere && { vectors: { layers: [layer], heads: [head], first: position, count: 1 } }),
    },
  };
}

/** @param {Words} words  @param {CacheMap} map */
function sentenceOf(words, map) {
  const { tokens, held, text, reading, written } = map;
  if (text === 0) return tokens > 0 ? words.before(tokens) : words.empty;
  if (!reading) return tokens > 0 ? words.left(tokens, text) : words.off(text);
  const cells = cellsOf(map);
  const { used } = pagesOf(map);
  return tokens - written === 1 ? words.on(held, cells, used, unreadOf(map))
    : words.wrote(held, cells, used, tokens - written);
}
