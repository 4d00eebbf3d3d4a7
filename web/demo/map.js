// The cache map: which tokens the cache holds, in every layer and head, and what the newest step did with
// them; from the engine's own memory figures. A state costs O(1), however long the run is. Pure.
import { CACHE_TYPES, TYPE_NAMES, scaleBytes, vectorBytes } from '../cache/types.js';
import { PAGE } from '../engine/page.js';
import { freedIn } from './held.js';
import { engineOf } from './recorded.js';
import { gapAt, heldTo, slideOf } from './sliding.js';
import { stepsFrom } from './steps.js';

/**
 * @import { CacheType } from '../cache/types.js'
 * @import { Window } from '../config/window.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Seen } from '../worker/messages.js'
 * @import { Gap } from './sliding.js'
 * @import { State } from './state.js'
 */

/**
 * What the newest step did with the place of a token: its K and V were written; they were read; they lie
 * there and are not read, because the cache is off or they are before the layer's window; they are gone, as
 * no window reaches them any more; they are not kept, and each step computes them again; there is no such
 * token yet.
 * @typedef {'written' | 'read' | 'kept' | 'freed' | 'missing' | 'free'} Kind
 *
 * @typedef {object} Stretch  places that are alike, from first to end - 1
 * @property {Kind} kind
 * @property {number} first
 * @property {number} end
 *
 * @typedef {object} CacheMap
 * @property {number} layers
 * @property {number} heads      of keys and values
 * @property {number} headDim    numbers of a key, or of a value
 * @property {number} tokens     that the cache holds, from the first on
 * @property {number} freed      the first of them, which layers with a window have given back
 * @property {Gap} gap           those of them that all layers have let go of, past the context
 * @property {number} held       the others
 * @property {number} text       tokens of the text
 * @property {number} slots      places that are allocated
 * @property {number} columns    places that are drawn
 * @property {number} written    the first of those that the newest step wrote; `tokens`, if it wrote none
 * @property {boolean} reading   the newest step read what the cache holds
 * @property {Readonly<Window>} [window]  the layers whose queries see the last tokens alone
 * @property {MemoryUsage} [memory]  absent: nothing was loaded or recorded
 *
 * @typedef {object} Cell  all counted from 0
 * @property {number} layer
 * @property {number} head
 * @property {number} position
 */

const FIRST_COLUMNS = 3 * PAGE;

/** @param {State} state  @returns {CacheMap} */
export function mapOf(state) {
  const { memory, run: { prefill, tokens: { length } } } = state;
  const config = engineOf(state)?.config;
  const { nLayer: layers = 0, nKvHead: heads = 0, headDim = 0, window } = config ?? {};
  const text = prefill ? prefill.tokens + length : 0;
  const tokens = heldTo(state);
  const slots = memory?.slots ?? 0;
  const slide = slideOf(state);
  const gap = gapAt(tokens, slide);
  const newest = newestStep(state);
  return {
    layers, heads, headDim, tokens, freed: freedIn(memory, config), gap, held: tokens - (gap.end - gap.first),
    text, slots, memory, window, columns: columnsFor(Math.max(tokens, text), slide ? 0 : slots),
    written: Math.min(tokens, newest ?? tokens), reading: newest !== undefined,
  };
}

/**
 * The first token that the newest step computed for the cache; undefined with the cache off.
 * @param {State} state
 */
function newestStep({ run }) {
  if (!run.prefill) return undefined;
  const [{ mode, first }] = stepsFrom(run, run.tokens.length);
  return mode === 'on' ? first : undefined;
}

/**
 * How many places are drawn: as many as can be told apart, and more when those are full, so that the picture
 * zooms out, rarely, and never grows.
 * @param {number} tokens  @param {number} slots
 */
export function columnsFor(tokens, slots) {
  let columns = FIRST_COLUMNS;
  while (columns < tokens) columns *= 2;
  return slots > 0 ? Math.min(columns, Math.max(FIRST_COLUMNS, slots)) : columns;
}

/**
 * All places of a layer that are drawn, in order.
 * @param {CacheMap} map  @param {number} layer  @returns {Stretch[]}
 */
export function stretchesOf({ tokens, freed, gap, text, columns, written, reading, window }, layer) {
  const sees = window?.layers.includes(layer) ? window.size : Infinity;
  const gone = sees < Infinity ? freed : 0;
  if (gap.end > gap.first) return stretchesAround(gap, { tokens, text, columns, written, reading });
  const read = reading ? Math.min(written, Math.max(0, written + 1 - sees)) : written;
  /** @type {Stretch[]} */
  const all = [
    { kind: 'freed', first: 0, end: gone },
    { kind: 'kept', first: gone, end: read },
    { kind: 'read', first: Math.max(gone, read), end: written },
    { kind: 'written', first: Math.max(gone, written), end: tokens },
    { kind: 'missing', first: tokens, end: Math.max(tokens, text) },
    { kind: 'free', first: Math.max(tokens, text), end: columns },
  ];
  return all.filter(({ first, end }) => end > first);
}

/**
 * Of a text that has gone on past its context: the sinks, what has gone, and the rest.
 * @param {Gap} gap  @param {Pick<CacheMap, 'tokens' | 'text' | 'columns' | 'written' | 'reading'>} map
 * @returns {Stretch[]}
 */
function stretchesAround(gap, { tokens, text, columns, written, reading }) {
  const kind = reading ? 'read' : 'kept';
  /** @type {Stretch[]} */
  const all = [
    { kind, first: 0, end: Math.min(gap.first, written) },
    { kind: 'written', first: Math.min(gap.first, written), end: gap.first },
    { kind: 'freed', ...gap },
    { kind, first: gap.end, end: written },
    { kind: 'written', first: Math.max(gap.end, written), end: tokens },
    { kind: 'missing', first: tokens, end: Math.max(tokens, text) },
    { kind: 'free', first: Math.max(tokens, text), end: columns },
  ];
  return all.filter(({ first, end }) => end > first);
}

/** @param {CacheMap} map  @param {Omit<Cell, 'head'>} cell  @returns {Kind} */
export const kindAt = (map, { layer, position }) => (
  stretchesOf(map, layer).find(({ end }) => position < end)?.kind ?? 'free');

/**
 * The stretches of all layers, those that are alike once, with how many layers have them.
 * @param {CacheMap} map  @returns {(Stretch & { layers: number })[]}
 */
export function stretchesOfAll(map) {
  /** @type {Map<string, Stretch & { layers: number }>} */
  const all = new Map();
  for (let layer = 0; layer < map.layers; layer++) {
    for (const stretch of stretchesOf(map, layer)) {
      const key = Object.values(stretch).join();
      all.set(key, { ...stretch, layers: (all.get(key)?.layers ?? 0) + 1 });
    }
  }
  return [...all.values()].sort((a, b) => a.first - b.first || a.end - b.end);
}

/**
 * Tokens that the newest step did not read in the layers with a window, how many of them these have given
 * back, and how many of these there are.
 * @param {CacheMap} map
 */
export function unreadOf(map) {
  const layers = map.window?.layers ?? [];
  const stretches = layers.length > 0 ? stretchesOf(map, layers[0]) : [];
  const tokens = map.reading ? stretches.find(({ kind }) => kind === 'read' || kind === 'written')?.first : 0;
  return { layers: layers.length, tokens: tokens ?? 0, freed: map.freed };
}

/** Those of which a key and a value are there. @param {CacheMap} map */
export const cellsOf = ({ layers, heads, held, freed, window }) => (
  heads * (layers * held - freed * (window?.layers.length ?? 0)));

/** Pages that hold tokens, and places that are free in the last of them. @param {CacheMap} map */
export const pagesOf = ({ held }) => (
  { used: Math.ceil(held / PAGE), open: Math.ceil(held / PAGE) * PAGE - held });

/** Which page of the text it is that the cache holds as its i-th. @param {CacheMap} map  @param {number} i */
export const pageAt = ({ gap: { first, end } }, i) => (PAGE * i < first ? i : i + (end - first) / PAGE);

/** @param {CacheMap} map  @param {Cell} cell */
export const hasCell = ({ layers, heads }, { layer, head }) => layer < layers && head < heads;

/**
 * The cell that a key leads to.
 * @param {Cell} cell  @param {string} key  @param {CacheMap} map  @returns {Cell | undefined}
 */
export function movedBy({ layer, head, position }, key, { layers, heads, text, tokens }) {
  const last = Math.max(tokens, text) - 1;
  if (last < 0) return undefined;
  const row = layer * heads + head;
  const [nextRow, nextPosition] = {
    ArrowLeft: [row, position - 1], ArrowRight: [row, position + 1],
    ArrowUp: [row - 1, position], ArrowDown: [row + 1, position],
    PageUp: [row, position - PAGE], PageDown: [row, position + PAGE],
    Home: [row, 0], End: [row, last],
  }[key] ?? [];
  if (nextRow === undefined) return undefined;
  const within = Math.min(layers * heads - 1, Math.max(0, nextRow));
  return {
    layer: Math.floor(within / heads), head: within % heads,
    position: Math.min(last, Math.max(0, nextPosition)),
  };
}

// ---- bytes --------------------------------------------------------------------------------------

/**
 * What a cache of some type takes: 2 * layers * heads * (headDim * each + scale) * tokens.
 * @typedef {object} Bill
 * @property {CacheType} type
 * @property {number} each      bytes of a number
 * @property {number} scale     bytes besides, of a key or value
 * @property {number} perToken
 * @property {number} bytes     of the tokens that are there, but for what was given back
 * @property {number} full      of all places
 * @property {Cost} [cost]      absent: none
 *
 * Of the shipped model, as npm run cache-types measures it on 1,000 tokens (tests/bench/RESULTS.md).
 * @typedef {object} Cost
 * @property {number} error     greatest, of a logit
 * @property {number} same      share of tokens after which the likeliest next one is the same
 */

/** @type {Readonly<Partial<Record<CacheType, Cost>>>} */
const COSTS = { f16: { error: 0.16, same: 1 }, int8: { error: 1.2, same: 0.977 },
  int4: { error: 11, same: 0.762 } };

/** One for each type. @param {CacheMap} map  @returns {Bill[]} */
export function billsOf({ layers, heads, headDim, tokens, slots, memory }) {
  const { usedBytes, cacheBytes, bytesPerToken } = memory
    ?? { usedBytes: tokens, cacheBytes: slots, bytesPerToken: 1 };
  return TYPE_NAMES.map((type) => {
    const perToken = 2 * layers * heads * vectorBytes(type, headDim);
    return {
      type, each: CACHE_TYPES[type].each, scale: scaleBytes(type, headDim), cost: COSTS[type], perToken,
      bytes: perToken * usedBytes / bytesPerToken, full: perToken * cacheBytes / bytesPerToken,
    };
  });
}

/**
 * That of the cache that is there; undefined where keys and values have different types.
 * @param {CacheMap} map
 */
export const ownBill = (map) => billsOf(map).find(({ perToken }) => perToken === map.memory?.bytesPerToken);

// ---- what only the engine knows -----------------------------------------------------------------

/** The cell whose numbers were seen. @param {Seen} seen  @returns {Cell | undefined} */
export const cellSeen = ({ vectors }) => (
  vectors && { layer: vectors.layers[0], head: vectors.heads[0], position: vectors.first });

/**
 * What was seen of a cell, which may be another one by now.
 * @param {Seen} seen  @param {Cell} cell  @param {Pick<CacheMap, 'gap'>} map
 */
export function seenOf(seen, { layer, head, position }, { gap }) {
  const { cache, tokens, vectors } = seen;
  const own = cellSeen(seen);
  const isIt = own?.layer === layer && own.head === head && own.position === position;
  return {
    text: tokens?.find((token) => token.position === position)?.text,
    page: cache.pages[Math.floor((position < gap.end ? position : position - gap.end + gap.first)
      / cache.pageSlots)]?.page,
    vectors: isIt ? vectors : undefined,
  };
}
