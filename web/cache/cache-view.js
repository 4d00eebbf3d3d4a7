// A cache to look at: what KVCache and the kvCache of a session have in common. Nothing here changes it.
import { optionsOf } from '../engine/arguments.js';
import { cacheMap, cacheMemory, layerContents, lengths, snapshot } from './inspect.js';
import { rowIn } from './options.js';

/**
 * @import { CachePlace, Lengths, Range, Row } from './inspect.js'
 * @import { CacheShape } from './native-cache.js'
 */

export class CacheView {
  #placeOf;

  /** @param {() => CachePlace} placeOf  where it is now  @param {CacheShape} shape */
  constructor(placeOf, { batchSize, maxSeqLen, numLayers, numHeads, headDim, keyType, valueType }) {
    this.#placeOf = placeOf;
    this.batchSize = batchSize;
    this.maxSeqLen = maxSeqLen;
    this.numLayers = numLayers;
    this.numHeads = numHeads;
    this.headDim = headDim;
    this.keyType = keyType;
    this.valueType = valueType;
  }

  /** Tokens that each row holds. */
  get positions() {
    return lengths(this.#placeOf());
  }

  /** Tokens that the rows hold; where they differ, those of the longest. */
  get position() {
    return this.positions.reduce((most, n) => Math.max(most, n));
  }

  /**
   * The history of a layer as floats, whatever the cache keeps: a copy, O(B * H * T * D).
   * @param {number} layer
   * @param {Row} [options]  needed where rows have different lengths
   */
  get(layer, options) {
    return layerContents(this.#placeOf(), layer, rowIn('get()', options));
  }

  /**
   * What one layer and head of a row holds, as floats: [count, D] each, a copy; by default all of it.
   * @param {Range & Row} range
   */
  snapshot(range) {
    const { row = 0, ...slice } = optionsOf('snapshot()', range, ['layer', 'head', 'first', 'count', 'row']);
    return snapshot(this.#placeOf(), row, slice);
  }

  /** Where the tokens of each row lie: equal pages are shared. */
  cacheMap() {
    return cacheMap(this.#placeOf());
  }

  /**
   * As it is; or, given a length, as it will be once each row holds so many tokens, sharing none, or each of
   * `rows` of them.
   * @param {Lengths} [ahead]
   */
  memoryUsage(ahead) {
    return cacheMemory(this.#placeOf(), this.maxSeqLen, ahead);
  }
}
