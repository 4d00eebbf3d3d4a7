// kvcache-wasm: what `import ... from 'kvcache-wasm'` gives.
export { loadModel } from './session/model.js';
export { KvcError, ERROR_CODES } from './engine/errors.js';
export { analyzeMemory, analyzeSpeedup } from './measure/analysis.js';
export { benchmarkComparison } from './measure/benchmark.js';
export { init } from './engine/init.js';
export { KVCache } from './cache/kv-cache.js';
export { CachedAttention } from './blocks/cached-attention.js';
export { enableKVCache, disableKVCache } from './blocks/enable-cache.js';
