// What a model is and what it takes, before any of its weights are fetched: config.json, and the headers of
// the files that they are in.
import { cacheBytes, layerBytes } from '../cache/sizes.js';
import { TYPE_NAMES } from '../cache/types.js';
import { parseConfig } from '../config/config.js';
import { checkCallback, checkChoice, checkSignal, optionsOf } from '../engine/arguments.js';
import { Engine, checkBuild } from '../engine/engine.js';
import { openDirectory } from '../files/files.js';
import { Keep } from '../files/keep.js';
import { PREFIX_BYTES } from '../files/safetensors-header.js';
import { openWeights } from '../files/shards.js';
import { withItsHead } from './model.js';
import { bytesAs } from './weights.js';

/**
 * @import { URL } from '../engine/platform.js'
 * @import { CacheType } from '../cache/options.js'
 * @import { Config } from '../config/config.js'
 * @import { Dropped } from '../files/dropped.js'
 * @import { Files } from '../files/given.js'
 * @import { LoadOptions } from './model.js'
 * @import { Weights } from './weights.js'
 *
 * @typedef {Pick<LoadOptions, 'variant' | 'wasm' | 'maxMemory' | 'signal' | 'headers' | 'credentials'
 *   | 'cache' | 'fetch' | 'keep'>} WeighOptions  as of loadModel(); keep: what is kept is read there, and
 *                                              nothing is added to it
 *
 * @typedef {object} Weighed
 * @property {Readonly<Config>} config
 * @property {number} fileBytes   of the files that the weights are in
 * @property {Record<Weights, number>} weightBytes  in memory, as they can be kept; Infinity: beyond 4 GB
 * @property {Record<CacheType, number>} tokenBytes  of a token in a cache, with keys and values of that type
 * @property {Record<CacheType, number>} cacheBytes  of the cache of the longest text, and of its source where
 *   there is an encoder
 * @property {number} memoryBytes  the most memory that there is for them, the caches and all else
 */

/** @type {readonly (keyof WeighOptions)[]} */
export const WEIGH_OPTIONS = [
  'variant', 'wasm', 'maxMemory', 'signal', 'headers', 'credentials', 'cache', 'fetch', 'keep',
];

/**
 * Refuses what loadModel() would refuse for the same reasons, as far as these few kilobytes tell them.
 * @param {string | URL | Files | Dropped} source  as of loadModel()
 * @param {WeighOptions} [given]  its options
 * @returns {Promise<Weighed>}
 */
export async function weighModel(source, given) {
  const options = optionsOf('weighModel()', given, WEIGH_OPTIONS);
  const { variant, wasm, maxMemory, signal, fetch, keep = false } = options;
  checkSignal(signal);
  checkCallback('fetch', fetch);
  checkChoice('keep', keep, [true, false]);
  checkBuild(options);
  const kept = keep ? new Keep(options, 'read') : undefined;
  const directory = await openDirectory(source, { ...options, keep: kept });
  try {
    const given = parseConfig(await directory.json('config.json'));
    const headers = await (await openWeights(directory)).headers();
    const config = withItsHead(given, headers);
    const sizes = headers.map(({ headerBytes, dataBytes }) => PREFIX_BYTES + headerBytes + dataBytes);
    const fileBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
    const engine = await Engine.create({ variant, wasm, maxMemory, signal });
    try {
      const weightBytes = { f32: bytesAs(engine, config, 'f32'), int8: bytesAs(engine, config, 'int8') };
      return { config, fileBytes, weightBytes, ...cacheOf(config), memoryBytes: engine.maxMemory };
    } finally {
      engine.dispose();
    }
  } finally {
    directory.close();
  }
}

/** What a cache takes, in each type. @param {Readonly<Config>} config */
function cacheOf(config) {
  const { nPositions: capacity, nLayer, encoder } = config;
  /** @param {(type: CacheType) => number} bytesOf  @returns {Record<CacheType, number>} */
  const each = (bytesOf) => /** @type {Record<CacheType, number>} */ (
    Object.fromEntries(TYPE_NAMES.map((type) => [type, bytesOf(type)])));
  return {
    tokenBytes: each((type) => nLayer * layerBytes(config, { keyType: type, valueType: type })),
    cacheBytes: each((type) => {
      const room = { capacity, sourceCapacity: encoder ? capacity : 0 };
      const bytes = cacheBytes(config, { keyType: type, valueType: type }, room);
      return bytes.cacheBytes + bytes.crossBytes;
    }),
  };
}
