// kvcache-wasm: what `import ... from 'kvcache-wasm'` gives.
export { loadModel } from './model.js';
export { KvcError, ERROR_CODES } from './errors.js';
export { analyzeMemory, analyzeSpeedup } from './analysis.js';
export { benchmarkComparison } from './benchmark.js';
