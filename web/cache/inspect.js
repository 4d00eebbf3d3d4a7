// Looking into a cache, a session's or one of its own: what it holds, where, and in how many bytes.
import { PAGE } from '../engine/page.js';
import { areCounts, invalid, isCount, optionsOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { heldBytes } from './sizes.js';

/**
 * @import { Window } from '../config/window.js'
 * @import { Engine } from '../engine/engine.js'
 * @import { CacheType } from './options.js'
 *
 * @typedef {object} CachePlace  a cache to look into
 * @property {Engine} engine
 * @property {number} pointer    the kvc_cache; throws "disposed" once it is gone
 * @property {number} batchSize  its rows, which are a session's sequences
 * @property {number} numLayers
 * @property {number} numHeads   of keys and values
 * @property {number} headDim
 * @property {CacheType} keyType
 * @property {CacheType} valueType
 * @property {Readonly<Window>} [window]  of some layers
 * @property {number} bytes      of the block that it lies in
 *
 * @typedef {{ layer: number, head: number, first?: number, count?: number }} Range  by default all tokens
 *
 * @typedef {{ row?: number }} Row
 *
 * @typedef {{ length: number, rows?: number }} Lengths  tokens in each of so many rows; rows: all if absent
 *
 * @typedef {object} SequenceMap
 * @property {number} length   tokens
 * @property {number} freed    the first of them, which layers with a window have given back; 0 without any
 * @property {number[]} pages  of each 16 of them; equal pages are shared
 *
 * @typedef {object} CacheMemory
 * @property {number} totalBytes      of all slots: 2 * B * L * H * S * D * bytes, S rounded up to pages of
 *   16; layers with a window have fewer of them
 * @property {number} totalMB         the same in MiB
 * @property {number} perLayerMB
 * @property {number} cacheTensors    2 * L
 * @property {number} totalElements   2 * B * L * H * S * D, S rounded up as above
 * @property {number} usedBytes       of the slots that hold tokens, shared ones counted once
 * @property {number} sharedBytes     what more it would be if no two rows shared any
 * @property {number} freedBytes      what more it would be if layers with a window gave nothing back
 * @property {number} bytesPerToken   L * H * (a key and a value: cache/types.js)
 * @property {number} allocatedBytes  the block that all of it lies in, tables included
 */

const MIB = 2 ** 20;

/** The tokens that a row holds. @param {CachePlace} place  @param {number} row */
export const lengthOf = (place, row) => place.engine.call('kvc_cache_length', place.pointer, row);

/**
 * The first of them, which layers with a window have given back.
 * @param {CachePlace} place  @param {number} row
 */
const freedOf = (place, row) => place.engine.call('kvc_cache_freed', place.pointer, row);

/** The tokens that each row holds. @param {CachePlace} place */
export const lengths = (place) => rowsOf(place, undefined).map((row) => lengthOf(place, row));

/** The row, or all of them. @param {CachePlace} place  @param {number | undefined} row */
export function rowsOf(place, row) {
  const { batchSize, pointer: _ } = place; // throws if there is no cache any more
  if (row === undefined) return Array.from({ length: batchSize }, (_row, b) => b);
  checkRow(place, row);
  return [row];
}

/** @param {{ batchSize: number }} place  @param {number} row */
export function checkRow({ batchSize }, row) {
  if (areCounts(row) && row < batchSize) return;
  throw new KvcError('position_out_of_range',
    `There is no row ${shown(row)}: this cache has ${batchSize}, counted from 0.`);
}

/** @param {CachePlace} place  @param {number} layer */
export function checkLayer({ numLayers }, layer) {
  if (areCounts(layer) && layer < numLayers) return;
  throw new KvcError('position_out_of_range',
    `There is no layer ${shown(layer)}: this cache has ${numLayers}, counted from 0.`);
}

/**
 * What one layer and head of a row holds, as floats: [count, D] each, a copy.
 * @param {CachePlace} place  @param {number} row  @param {Partial<Range>} range
 * @returns {{ keys: Float32Array, values: Float32Array }}
 */
export function snapshot(place, row, { layer, head, first = 0, count }) {
  const { engine, pointer, headDim } = place;
  const length = areCounts(row) ? lengthOf(place, row) : 0;
  const n = count ?? (areCounts(first) ? Math.max(0, length - first) : 0);
  const position_out_of_range = `The cache does not hold ${shown(n)} tokens from ${shown(first)} on of layer `
    + `${shown(layer)}, head ${shown(head)}, sequence ${shown(row)}: it has ${length} tokens of that. `
    + 'All of these count from 0.';
  if (!areCounts(row, first, n) || !isCount(layer) || !isCount(head) || first + n > length) {
    throw new KvcError('position_out_of_range', position_out_of_range);
  }
  const size = n * headDim;
  return engine.lend(8 * size, (k) => {
    const v = k + 4 * size;
    const window_passed = `Layer ${layer} has a window and has given back what lies before it: of sequence `
      + `${row} it has the tokens from ${freedOf(place, row)} on. Ask for those, as { first }.`;
    const messages = { position_out_of_range, window_passed };
    engine.check(messages, 'kvc_cache_read', pointer, row, layer, head, first, n, k, v);
    return { keys: engine.memory.floats(k, size), values: engine.memory.floats(v, size) };
  });
}

/**
 * The history of a layer as floats: a copy, O(B * H * T * D).
 * @param {CachePlace} place  @param {number} layer
 * @param {number} [row]  needed where rows have different lengths
 * @returns {{ key: Float32Array, value: Float32Array, shape: number[] }}  (B, H, T, D); of one row (H, T, D)
 */
export function layerContents(place, layer, row) {
  checkLayer(place, layer);
  const rows = rowsOf(place, row);
  const [T, ...others] = rows.map((b) => lengthOf(place, b));
  if (others.some((length) => length !== T)) {
    throw new KvcError('invalid_argument', `The rows hold ${[T, ...others].join(', ')} tokens, which is no `
      + '(B, H, T, D): ask for one of them, { row }.');
  }
  const { numHeads, headDim } = place;
  const size = T * headDim;
  const key = new Float32Array(rows.length * numHeads * size);
  const value = new Float32Array(key.length);
  rows.forEach((b, i) => {
    for (let head = 0; head < numHeads; head++) {
      const { keys, values } = snapshot(place, b, { layer, head });
      key.set(keys, (i * numHeads + head) * size);
      value.set(values, (i * numHeads + head) * size);
    }
  });
  const shape = [numHeads, T, headDim];
  return { key, value, shape: row === undefined ? [rows.length, ...shape] : shape };
}

/** Where the tokens of each row lie. @param {CachePlace} place  @returns {SequenceMap[]} */
export function cacheMap(place) {
  const { engine, pointer } = place;
  return lengths(place).map((length, row) => {
    const pages = Array.from({ length: Math.ceil(length / PAGE) }, (_, i) => (
      engine.call('kvc_cache_page', pointer, row, PAGE * i)));
    return { length, freed: freedOf(place, row), pages };
  });
}

/**
 * As it is, or as it will be once rows hold so many tokens, and share none.
 * @param {CachePlace} place  @param {number} capacity  tokens of a row  @param {Lengths} [ahead]
 * @returns {CacheMemory}
 */
export function cacheMemory(place, capacity, ahead) {
  const { batchSize } = place;
  const now = cacheMemoryNow(place);
  if (ahead === undefined) return now;
  const { length, rows = batchSize } = optionsOf('memoryUsage()', ahead, ['length', 'rows']);
  checkAhead(length, capacity, 'length', 'tokens');
  checkAhead(rows, batchSize, 'rows', 'rows');
  return { ...now, ...textsOf(place, Number(length), rows) };
}

/**
 * What texts of one length take that share nothing.
 * @param {CachePlace} place  @param {number} length  @param {number} texts
 */
export function textsOf({ numLayers, numHeads, headDim, keyType, valueType, window }, length, texts) {
  const sizes = { nLayer: numLayers, nKvHead: numHeads, headDim, window };
  const { usedBytes, freedBytes } = heldBytes(sizes, { keyType, valueType }, length);
  return { usedBytes: texts * usedBytes, freedBytes: texts * freedBytes, sharedBytes: 0 };
}

/** @param {unknown} n  @param {number} most  @param {string} name  @param {string} what */
export function checkAhead(n, most, name, what) {
  if (isCount(n) && n <= most) return;
  throw invalid(`memoryUsage(): ${name} is ${shown(n)}; there is room for 0 to ${most} ${what}.`);
}

/** @param {CachePlace} place  @returns {CacheMemory} */
function cacheMemoryNow({ engine, pointer, numLayers, numHeads, headDim, bytes }) {
  engine.call('kvc_cache_get_memory', engine.result, pointer);
  const memory = engine.memory.read('kvc_cache_memory', engine.result);
  const { slot_bytes: totalBytes, bytes_per_token: bytesPerToken } = memory;
  return {
    totalBytes,
    totalMB: totalBytes / MIB,
    perLayerMB: totalBytes / MIB / numLayers,
    cacheTensors: 2 * numLayers,
    totalElements: (2 * totalBytes * numLayers * numHeads * headDim) / bytesPerToken,
    usedBytes: memory.used_bytes,
    sharedBytes: memory.shared_bytes,
    freedBytes: memory.freed_bytes,
    bytesPerToken,
    allocatedBytes: bytes,
  };
}
