// Looking into a cache: what it holds, and where. For those of sessions and those of one's own.
import { KvcError } from '../engine/errors.js';

/** @typedef {import('../engine/engine.js').Engine} Engine */
/** @typedef {{ length: number, pages: number[] }} SequenceMap  tokens, and the page of each 16 of them; equal pages are shared */

const PAGE = 16; // KVC_PAGE

/**
 * What a cache holds of one layer and head, as floats: [count, headDim] each, a copy; by default all of it.
 * @param {Engine} engine  @param {number} cache  the kvc_cache  @param {number} headDim
 * @param {{ sequence: number, layer: number, head: number, first?: number, count?: number }} range
 * @returns {{ keys: Float32Array, values: Float32Array }}
 */
export function snapshot(engine, cache, headDim, { sequence, layer, head, first = 0, count }) {
  const length = areCounts(sequence) ? engine.call('kvc_wasm_cache_length', cache, sequence) : 0;
  const n = count ?? Math.max(0, length - first);
  const position_out_of_range = `Layer ${layer}, head ${head}, ${n} tokens from ${first} on of sequence ${sequence}: the cache does not hold that. `
    + `It has ${length} tokens of this sequence; all of these are counted from 0.`;
  if (!areCounts(sequence, layer, head, first, n, first + n)) throw new KvcError('position_out_of_range', position_out_of_range);
  const bytes = 4 * n * headDim;
  return engine.lend(2 * bytes, (pointer) => {
    engine.check({ position_out_of_range }, 'kvc_wasm_cache_read', cache, sequence, layer, head, first, n, pointer, pointer + bytes);
    const floats = (/** @type {number} */ at) => new Float32Array(engine.bytes(at, bytes).slice().buffer);
    return { keys: floats(pointer), values: floats(pointer + bytes) };
  });
}

/**
 * Where the tokens of each sequence lie.
 * @param {Engine} engine  @param {number} cache  @param {number} sequences
 * @returns {SequenceMap[]}
 */
export function cacheMap(engine, cache, sequences) {
  return Array.from({ length: sequences }, (_, sequence) => {
    const length = engine.call('kvc_wasm_cache_length', cache, sequence);
    const pages = Array.from({ length: Math.ceil(length / PAGE) }, (_page, i) => engine.call('kvc_wasm_cache_page', cache, sequence, PAGE * i));
    return { length, pages };
  });
}

/** What C takes as a size_t. @param {...number} numbers */
export const areCounts = (...numbers) => numbers.every((x) => Number.isInteger(x) && x >= 0 && x < 2 ** 31);
