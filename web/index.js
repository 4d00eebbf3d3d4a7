// kvcache-wasm: what `import ... from 'kvcache-wasm'` gives.
export { loadModel } from './model.js';
export { KvcError, ERROR_CODES } from './errors.js';
export { analyzeMemory, analyzeSpeedup } from './analysis.js';
export { benchmarkComparison } from './benchmark.js';
export { init } from './blocks.js';
export { KVCache } from './kv-cache.js';
export { CachedAttention } from './cached-attention.js';
export { enableKVCache, disableKVCache } from './enable-cache.js';
