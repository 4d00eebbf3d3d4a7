// The bytes of a cache, from the sizes of its model alone: what there is room for, what a text of any length
// takes of it, and how long a text fits into so many bytes. src/cache does the same sums.
import { PAGE } from '../engine/page.js';
import { invalid, shown } from '../engine/arguments.js';
import { vectorBytes } from './types.js';

/**
 * @import { Window } from '../config/window.js'
 * @import { CacheType } from './types.js'
 *
 * @typedef {object} CacheSizes  as in model.config
 * @property {number} nLayer
 * @property {number} nKvHead
 * @property {number} headDim
 * @property {Readonly<Window>} [window]
 *
 * @typedef {object} CacheTypes  "f32" where there is none
 * @property {CacheType} [keyType]
 * @property {CacheType} [valueType]
 *
 * @typedef {object} CacheRoom  of a cache, and of that of a source
 * @property {number} capacity          tokens of a sequence
 * @property {number} [sequences]       1 if absent
 * @property {number} [sourceCapacity]  0 if absent
 *
 * @typedef {object} Budget
 * @property {number} cacheBytes        for all slots of all sequences, and for those of a source
 * @property {number} most              tokens, of a sequence and of a source
 * @property {number} [sequences]       1 if absent
 * @property {number} [sourceCapacity]  0 if absent
 * @property {boolean} [hasSource]      of as many tokens as a sequence, where sourceCapacity is absent
 */

/**
 * Of a token's keys and values in one layer.
 * @param {CacheSizes} sizes  @param {CacheTypes} [types]
 */
export const layerBytes = ({ nKvHead, headDim }, { keyType = 'f32', valueType = 'f32' } = {}) => (
  nKvHead * (vectorBytes(keyType, headDim) + vectorBytes(valueType, headDim)));

/** The slots of so many tokens, in whole pages. @param {number} tokens */
export const wholePages = (tokens) => PAGE * Math.ceil(tokens / PAGE);

/**
 * Layers that have room for equally many tokens of a sequence: those that see the whole text, and those with
 * a window, which have two windows and a little, unless all is less.
 * @param {Pick<CacheSizes, 'nLayer' | 'window'>} sizes  @param {number} capacity
 * @returns {{ layers: number, slots: number }[]}  one or two
 */
export function roomOf({ nLayer, window }, capacity) {
  const slots = wholePages(capacity);
  const { size = 0, layers: { length: within } = [] } = window ?? {};
  const least = Math.min(slots, wholePages(size + 31) + wholePages(size + 62));
  return [{ layers: nLayer - within, slots }, { layers: within, slots: least }]
    .filter(({ layers }) => layers > 0);
}

/**
 * What all slots take: of the sequences, and of the source.
 * @param {CacheSizes} sizes  @param {CacheTypes} types  @param {CacheRoom} room
 */
export function cacheBytes(sizes, types, { capacity, sequences = 1, sourceCapacity = 0 }) {
  const each = layerBytes(sizes, types);
  const slots = roomOf(sizes, capacity).reduce((sum, part) => sum + part.layers * part.slots, 0);
  return {
    cacheBytes: sequences * slots * each, crossBytes: sizes.nLayer * wholePages(sourceCapacity) * each,
  };
}

/**
 * What a text takes of it: pages that no window reaches any more are given back.
 * @param {CacheSizes} sizes  @param {CacheTypes} types  @param {number} length  tokens
 */
export function heldBytes(sizes, types, length) {
  const { size = 0, layers: { length: within } = [] } = sizes.window ?? {};
  const freed = PAGE * Math.floor(Math.max(0, length - size - PAGE) / PAGE);
  const each = layerBytes(sizes, types);
  const freedBytes = within * freed * each;
  return { usedBytes: sizes.nLayer * length * each - freedBytes, freedBytes };
}

/**
 * The most tokens of a sequence, in whole pages, whose cache takes no more than the budget.
 * @param {string} what  asks  @param {CacheSizes} sizes  @param {CacheTypes} types  @param {Budget} budget
 */
export function capacityWithin(what, sizes, types, budget) {
  const { cacheBytes: bytes, most, sequences, hasSource, sourceCapacity = 0 } = budget;
  /** @param {number} pages */
  const taken = (pages) => {
    const capacity = Math.min(most, PAGE * pages);
    const source = hasSource && sourceCapacity === 0 ? capacity : sourceCapacity;
    const all = cacheBytes(sizes, types, { capacity, sequences, sourceCapacity: source });
    return all.cacheBytes + all.crossBytes;
  };
  if (typeof bytes !== 'number' || !(bytes >= taken(1))) {
    throw invalid(`${what}: cacheBytes is ${shown(bytes)}; the least that works here is ${taken(1)}, for `
      + `${PAGE} tokens of each sequence${hasSource ? ' and of the source' : ''}.`);
  }
  let [fits, fails] = [1, Math.ceil(most / PAGE) + 1];
  while (fits + 1 < fails) {
    const middle = Math.floor((fits + fails) / 2);
    if (taken(middle) <= bytes) fits = middle;
    else fails = middle;
  }
  return Math.min(most, PAGE * fits);
}
