// A cache with a budget of bytes: when it is used up, all that it holds is narrowed, from f32 to f16 to int8,
// and the same bytes hold more tokens. What that costs is said, against the model without a cache.
//
//   node adaptive.js [BYTES]
import { KvcError, enableKVCache, init } from 'kvcache-wasm';
import { GPT } from 'kvcache-wasm/examples/js-gpt.js';

/** @import { CacheType, GPTLike, KVCache } from 'kvcache-wasm' */

/** @type {readonly CacheType[]} */
const TYPES = ['f32', 'f16', 'int8'];
const budget = Number(process.argv[2] ?? 16 * 2048);

await init();
const model = new GPT({ vocabSize: 60, embedDim: 64, numLayers: 4, numHeads: 4, maxSeqLen: 256 });

/** As many tokens as the budget holds, in whole pages of 16. @param {CacheType} type */
function enable(type) {
  const types = { keyType: type, valueType: type };
  const { bytesPerToken } = enableKVCache(model, { ...types, maxSeqLen: 1 }).memoryUsage();
  return enableKVCache(model, { ...types, maxSeqLen: 16 * Math.floor(budget / bytesPerToken / 16) });
}

/** The same tokens in narrower numbers. @param {KVCache} from  @param {CacheType} type */
function narrow(from, type) {
  const layers = Array.from({ length: from.numLayers }, (_, layer) => from.get(layer)); // as floats: copies
  const tokens = from.position;
  const to = enable(type);
  for (const [layer, { key, value }] of layers.entries()) to.update(layer, key, value);
  to.advance(tokens);
  return to;
}

const ids = [7];
let at = 0;
let cache = enable(TYPES[at]);

/** The logits after a token, in a cache that may have to become another one. @param {number} id */
function next(id) {
  try {
    return model.forward([id]);
  } catch (error) {
    if (!(error instanceof KvcError) || error.code !== 'cache_full' || at === TYPES.length - 1) throw error;
    cache = narrow(cache, TYPES[++at]);
    return model.forward([id]);
  }
}

/** Any GPT; forward() takes options while its cache is enabled. @type {GPTLike} */
const gpt = model;

/**
 * How far the logits are from those of all tokens at once, as a share of the largest.
 * @param {Float32Array} logits
 */
function errorOf(logits) {
  /** @type {Float32Array} */
  const exact = gpt.forward(ids, { cache: false }).slice(-model.vocabSize);
  const most = exact.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return logits.reduce((max, x, i) => Math.max(max, Math.abs(x - exact[i])), 0) / most;
}

for (let type = ''; ;) {
  const logits = next(ids[ids.length - 1]);
  const { keyType, maxSeqLen } = cache;
  if (keyType !== type || cache.position === maxSeqLen) {
    const { totalBytes } = cache.memoryUsage();
    console.log(`${cache.position} tokens in ${keyType}: ${totalBytes} of ${budget} bytes, room for `
      + `${maxSeqLen}, error ${errorOf(logits).toExponential(1)} of the largest logit`);
  }
  type = keyType;
  if (keyType === 'int8' && cache.position === maxSeqLen) break;
  ids.push(logits.indexOf(logits.reduce((max, x) => Math.max(max, x))));
}
