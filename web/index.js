/// <reference lib="esnext.disposable" preserve="true" />
// kvcache-wasm: what `import ... from 'kvcache-wasm'` gives.
export { loadModel } from './session/model.js';
export { weighModel } from './session/weigh.js';
export { modelFiles } from './files/dropped.js';
export { keptModels, removeKept } from './files/kept-models.js';
export { KvcError, ERROR_CODES } from './engine/errors.js';
export { analyzeMemory, analyzeSpeedup } from './measure/tables.js';
export { benchmarkComparison } from './measure/benchmark.js';
export { benchmarkSources } from './measure/sources.js';
export { init } from './engine/init.js';
export { bestVariant } from './engine/variants.js';
export { KVCache } from './cache/kv-cache.js';
export { CachedAttention } from './blocks/cached-attention.js';
export { enableKVCache, disableKVCache } from './blocks/enable-cache.js';

/**
 * The types behind them.
 * @typedef {import('./session/model.js').Model} Model
 * @typedef {import('./session/model.js').LoadOptions} LoadOptions
 * @typedef {import('./session/weights.js').Weights} Weights
 * @typedef {import('./session/weigh.js').WeighOptions} WeighOptions
 * @typedef {import('./session/weigh.js').Weighed} Weighed
 * @typedef {import('./session/session.js').Session} Session
 * @typedef {import('./session/session-cache.js').SessionCache} SessionCache
 * @typedef {import('./session/options.js').SessionOptions} SessionOptions
 * @typedef {import('./session/rewind.js').RewindOptions} RewindOptions
 * @typedef {import('./session/chat.js').ChatOptions} ChatOptions
 * @typedef {import('./session/chat.js').Message} Message
 * @typedef {import('./session/sampling.js').GenerateOptions} GenerateOptions
 * @typedef {import('./session/source.js').SourceOptions} SourceOptions
 * @typedef {import('./session/sampling.js').LogitBias} LogitBias
 * @typedef {import('./session/sampling.js').OnLogits} OnLogits
 * @typedef {import('./session/plan.js').Token} Token
 * @typedef {import('./session/sampler.js').Likely} Likely
 * @typedef {import('./session/plan.js').FinishReason} FinishReason
 * @typedef {import('./session/plan.js').Prompt} Prompt
 * @typedef {import('./session/inspect.js').MemoryUsage} MemoryUsage
 * @typedef {import('./session/inspect.js').Ahead} Ahead
 * @typedef {import('./session/inspect.js').Counts} Counts
 * @typedef {import('./config/config.js').Config} Config
 * @typedef {import('./config/config.js').Encoder} Encoder
 * @typedef {import('./config/generation.js').GenerationConfig} GenerationConfig
 * @typedef {import('./config/rotary.js').Rotary} Rotary
 * @typedef {import('./config/rotary.js').Yarn} Yarn
 * @typedef {import('./config/window.js').Window} Window
 * @typedef {import('./files/given.js').Files} Files
 * @typedef {import('./files/dropped.js').Dropped} Dropped
 * @typedef {import('./files/dropped.js').DroppedItem} DroppedItem
 * @typedef {import('./files/kept-models.js').KeptModel} KeptModel
 * @typedef {import('./files/keep.js').NotKept} NotKept
 * @typedef {import('./files/stream.js').ProgressEvent} ProgressEvent
 * @typedef {import('./files/stream.js').OnProgress} OnProgress
 * @typedef {import('./files/tokenizer.js').DecodeOptions} DecodeOptions
 * @typedef {import('./files/tokenizer.js').EncodeOptions} EncodeOptions
 * @typedef {import('./files/tokenizer.js').Tokenizer} Tokenizer
 * @typedef {import('./files/tokenizer.js').TextStream} TextStream
 * @typedef {import('./cache/events.js').CacheEvent} CacheEvent
 * @typedef {import('./cache/events.js').WriteEvent} WriteEvent
 * @typedef {import('./cache/events.js').ReadEvent} ReadEvent
 * @typedef {import('./cache/events.js').EvictEvent} EvictEvent
 * @typedef {import('./cache/events.js').ReuseEvent} ReuseEvent
 * @typedef {import('./cache/events.js').ShareEvent} ShareEvent
 * @typedef {import('./cache/events.js').FreeEvent} FreeEvent
 * @typedef {import('./cache/events.js').RestoreEvent} RestoreEvent
 * @typedef {import('./cache/events.js').OnEvent} OnEvent
 * @typedef {import('./cache/inspect.js').SequenceMap} SequenceMap
 * @typedef {import('./cache/inspect.js').CacheMemory} CacheMemory
 * @typedef {import('./cache/inspect.js').Range} Range
 * @typedef {import('./cache/inspect.js').Row} Row
 * @typedef {import('./cache/options.js').KVCacheOptions} KVCacheOptions
 * @typedef {import('./cache/options.js').CacheType} CacheType
 * @typedef {import('./cache/options.js').Policy} Policy
 * @typedef {import('./blocks/attention-options.js').CachedAttentionOptions} CachedAttentionOptions
 * @typedef {import('./blocks/attention-options.js').AttentionWeights} AttentionWeights
 * @typedef {import('./blocks/enable-cache.js').EnableOptions} EnableOptions
 * @typedef {import('./blocks/gpt-like.js').GPTLike} GPTLike
 * @typedef {import('./blocks/gpt-like.js').AttentionLayer} AttentionLayer
 * @typedef {import('./blocks/gpt-like.js').Layer} Layer
 * @typedef {import('./engine/errors.js').ErrorCode} ErrorCode
 * @typedef {import('./engine/init.js').InitOptions} InitOptions
 * @typedef {import('./engine/platform.js').WasmSource} WasmSource
 * @typedef {import('./engine/variants.js').Variant} Variant
 * @typedef {import('./measure/analysis.js').Shape} Shape
 * @typedef {import('./measure/tables.js').MemoryOptions} MemoryOptions
 * @typedef {import('./measure/tables.js').MemoryRow} MemoryRow
 * @typedef {import('./measure/tables.js').SpeedupOptions} SpeedupOptions
 * @typedef {import('./measure/tables.js').SpeedupRow} SpeedupRow
 * @typedef {import('./measure/benchmark.js').ComparisonOptions} ComparisonOptions
 * @typedef {import('./measure/benchmark.js').ComparisonRow} ComparisonRow
 * @typedef {import('./measure/benchmark.js').Measured} Measured
 * @typedef {import('./measure/sources.js').SourceBenchmark} SourceBenchmark
 * @typedef {import('./measure/sources.js').SourceRow} SourceRow
 * @typedef {import('./measure/sources.js').Way} Way
 */
