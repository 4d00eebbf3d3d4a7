// The names and numbers that JavaScript shares with C: what src/wasm/exports.txt exports, with the
// parameters of include/kvc.h, and its enums and structs. The type checker holds every call against
// these tables; the engine holds the module it is given against them before the first call.
import { PAGE } from './page.js';

/**
 * The exported functions: what each returns, and its parameters. A struct that C returns is written to the
 * address in `out`.
 */
export const FUNCTIONS = /** @type {const} */ ({
  kvc_wasm_allocate: ['pointer', 'bytes'],
  kvc_wasm_free: ['void', 'memory'],
  kvc_wasm_variant: ['uint32_t'],
  kvc_wasm_layout: ['pointer'],

  kvc_error_name: ['pointer', 'error'],

  kvc_model_bytes: ['kvc_error', 'config', 'bytes'],
  kvc_model_init: ['kvc_error', 'model', 'config', 'memory', 'bytes'],
  kvc_model_ignores: ['bool', 'model', 'name'],
  kvc_model_begin_tensor: ['kvc_error', 'model', 'name', 'dtype', 'shape', 'rank'],
  kvc_model_write_tensor: ['kvc_error', 'model', 'data', 'bytes'],
  kvc_model_cancel_tensor: ['void', 'model'],
  kvc_model_announced: ['kvc_error', 'model', 'name'],

  kvc_session_bytes: ['kvc_error', 'model', 'config', 'bytes'],
  kvc_session_init: ['kvc_error', 'session', 'model', 'config', 'memory', 'bytes'],
  kvc_session_begin: ['kvc_error', 'session', 'ids', 'T'],
  kvc_session_begin_sync: ['kvc_error', 'session', 'ids', 'T', 'reused'],
  kvc_session_begin_batch: ['kvc_error', 'session', 'sequences', 'ids', 'n'],
  kvc_session_begin_score: ['kvc_error', 'session', 'ids', 'T', 'log_probs'],
  kvc_session_begin_source: ['kvc_error', 'session', 'ids', 'n'],
  kvc_session_step: ['kvc_error', 'session'],
  kvc_session_cancel: ['void', 'session'],
  kvc_session_logits: ['pointer', 'session'],
  kvc_session_logits_hash: ['uint64_t', 'session'],
  kvc_sample: ['kvc_error', 'id', 'logits', 'V', 'sampling', 'rng', 'history', 'n_history', 'scratch'],
  kvc_session_sample: ['kvc_error', 'session', 'sampling', 'rng', 'n_ids', 'id'],
  kvc_session_top: ['kvc_error', 'session', 'n_ids', 'k', 'ids', 'log_probs'],
  kvc_session_position: ['size_t', 'session'],
  kvc_session_ids: ['pointer', 'session'],
  kvc_session_cached: ['size_t', 'session'],
  kvc_session_source_length: ['size_t', 'session'],
  kvc_session_source: ['pointer', 'session'],
  kvc_session_set_cache: ['kvc_error', 'session', 'use_cache'],
  kvc_session_set_cross_cache: ['kvc_error', 'session', 'use_cache'],
  kvc_session_truncate: ['kvc_error', 'session', 'n'],
  kvc_session_rewind: ['kvc_error', 'session', 'n'],
  kvc_session_evict: ['kvc_error', 'session', 'first', 'n'],
  kvc_session_held: ['kvc_error', 'session', 'tokens', 'places'],
  kvc_session_reset: ['void', 'session'],
  kvc_session_selected: ['size_t', 'session'],
  kvc_session_select: ['kvc_error', 'session', 'sequence'],
  kvc_session_fork: ['kvc_error', 'session', 'from', 'to'],
  kvc_session_reorder: ['kvc_error', 'session', 'from'],
  kvc_session_drop: ['kvc_error', 'session', 'sequence'],
  kvc_session_keep: ['kvc_error', 'session', 'sequence'],
  kvc_session_state_bytes: ['kvc_error', 'session', 'bytes'],
  kvc_session_save: ['kvc_error', 'session', 'state', 'bytes'],
  kvc_session_restore: ['kvc_error', 'session', 'state', 'bytes'],
  kvc_session_cache: ['pointer', 'session'],
  kvc_session_cross_cache: ['pointer', 'session'],
  kvc_session_attention: ['kvc_error', 'session', 'layer', 'head', 'weights'],
  kvc_session_cross_attention: ['kvc_error', 'session', 'layer', 'head', 'weights'],
  kvc_session_query: ['kvc_error', 'session', 'layer', 'head', 'query'],
  kvc_session_memory: ['void', 'out', 'session'],
  kvc_session_counts: ['void', 'out', 'session'],
  kvc_session_clear_counts: ['void', 'session'],

  kvc_cache_bytes: ['kvc_error', 'shape', 'bytes'],
  kvc_cache_init: ['kvc_error', 'cache', 'shape', 'memory', 'bytes'],
  kvc_cache_length: ['size_t', 'cache', 'b'],
  kvc_cache_append: ['kvc_error', 'cache', 'b', 'layer', 'T', 'k', 'v', 'stride'],
  kvc_cache_advance: ['kvc_error', 'cache', 'b', 'T'],
  kvc_cache_truncate: ['kvc_error', 'cache', 'b', 'n'],
  kvc_cache_evict: ['kvc_error', 'cache', 'b', 'first', 'n'],
  kvc_cache_make_room: ['kvc_error', 'cache', 'b', 'n', 'sinks', 'recent', 'unit'],
  kvc_cache_importance: ['kvc_error', 'cache', 'b', 'importance'],
  kvc_cache_fork: ['kvc_error', 'cache', 'from', 'to'],
  kvc_cache_reorder: ['kvc_error', 'cache', 'from'],
  kvc_cache_drop: ['kvc_error', 'cache', 'b'],
  kvc_cache_keep: ['kvc_error', 'cache', 'b'],
  kvc_cache_reset: ['void', 'cache'],
  kvc_cache_read: ['kvc_error', 'cache', 'b', 'layer', 'head', 'first', 'n', 'k', 'v'],
  kvc_cache_get_memory: ['void', 'out', 'cache'],
  kvc_cache_page: ['size_t', 'cache', 'b', 'slot'],
  kvc_cache_freed: ['size_t', 'cache', 'b'],
  kvc_cache_listen: ['void', 'cache', 'events', 'capacity'],
  kvc_cache_take_events: ['size_t', 'cache', 'lost'],
  kvc_cache_state_bytes: ['size_t', 'cache'],
  kvc_cache_save: ['kvc_error', 'cache', 'fingerprint', 'state', 'bytes'],
  kvc_cache_restore: ['kvc_error', 'cache', 'fingerprint', 'state', 'bytes'],

  kvc_attention_scratch: ['size_t', 'cache'],
  kvc_attention: ['kvc_error', 'y', 'q', 'T', 'n_head', 'cache', 'b', 'layer', 'scratch'],
  kvc_cross_attention: ['kvc_error', 'y', 'q', 'T', 'n_head', 'cache', 'b', 'layer', 'scratch'],
  kvc_mha_bytes: ['kvc_error', 'config', 'bytes'],
  kvc_mha_init: ['kvc_error', 'mha', 'config', 'memory', 'bytes'],
  kvc_mha_set_weight: ['kvc_error', 'mha', 'which', 'w', 'bias'],
  kvc_mha_forward: ['kvc_error', 'mha', 'y', 'x', 'b', 'T'],
  kvc_mha_full: ['kvc_error', 'mha', 'y', 'x', 'T'],
  kvc_mha_set_source: ['kvc_error', 'mha', 'b', 'source', 'n'],
  kvc_mha_projected: ['uint64_t', 'mha'],
  kvc_mha_cache: ['pointer', 'mha'],

  kvc_probe_read: ['uint32_t', 'memory', 'bytes', 'times'],
  kvc_probe_multiply_add: ['float', 'times', 'half'],
  kvc_probe_dot: ['uint32_t', 'times', 'zero'],
});

/**
 * @typedef {keyof typeof FUNCTIONS} FunctionName
 *
 * wasm32: pointers and size_t are numbers of 32 bits (Engine.call makes them unsigned), uint64_t is a BigInt.
 * @typedef {{ fingerprint: bigint, use_cache: boolean }} OtherTypes  of parameters that are not numbers
 * @typedef {{ void: void, uint64_t: bigint }} OtherResults
 */

/**
 * @template {readonly string[]} P
 * @typedef {{ [I in keyof P]: P[I] extends keyof OtherTypes ? OtherTypes[P[I]] : number }} ArgumentsOf
 */

/**
 * The functions as types.
 * @typedef {{ [K in FunctionName]:
 *   (typeof FUNCTIONS)[K] extends readonly [infer R, ...infer P extends string[]]
 *     ? (...args: ArgumentsOf<P>) => R extends keyof OtherResults ? OtherResults[R] : number
 *     : never }} Exports
 */

/**
 * Those that return a kvc_error.
 * @typedef {{ [K in FunctionName]:
 *   (typeof FUNCTIONS)[K][0] extends 'kvc_error' ? K : never }[FunctionName]} FallibleName
 */

// ---- enums and constants ------------------------------------------------------------------------

export const OK = 0;
export const PENDING = 1; // kvc_session_step has more to do

/** kvc_arch, by the model_type of config.json. */
export const ARCHITECTURES = Object.freeze({
  gpt2: 0, llama: 1, qwen2: 2, qwen3: 3, gpt_neox: 4, phi: 5, opt: 6, gpt_neo: 7,
  gemma3: 8, t5: 9, t5_gated: 10, marian: 11, bart: 12,
});

/** kvc_dtype */
export const DTYPES = Object.freeze({ f32: 0, f16: 1, bf16: 2, int8: 3, int4: 4, f8_e4m3: 5, f8_e5m2: 6 });

/** kvc_policy */
export const POLICIES = Object.freeze({ oldest: 0, attention: 1, keynorm: 2 });

/** kvc_event_type */
export const EVENT_TYPES = Object.freeze({ write: 1, read: 2, evict: 3, reuse: 4, share: 5, free: 6 });

/** A kvc_event's layer or page where there is none: UINT32_MAX. */
export const NONE = 2 ** 32 - 1;

/** kvc_when_full */
export const WHEN_FULL = Object.freeze({ stop: 0, evict: 1, slide: 2 });

/** kvc_mha_weight */
export const MHA_WEIGHTS = Object.freeze({ q: 0, k: 1, v: 2, o: 3 });

/** src/kernels/probe.h: the bytes of a block that is read, the sums in flight. */
export const PROBE = Object.freeze({ BLOCK: 128, CHAINS: 12 });

/** The build of a module, as kvc_wasm_variant() counts. */
export const VARIANTS = /** @type {const} */ (['scalar', 'simd', 'relaxed']);

/** Where a saved session has the number of its sequences: src/base/state.h, src/session/session_state.c. */
export const STATE_SEQUENCES = 24;

// ---- structs ------------------------------------------------------------------------------------

/** The fields in their order; size_t and enums are u32. */
export const STRUCTS = /** @type {const} */ ({
  kvc_config: {
    arch: 'u32', n_layer: 'u32', n_head: 'u32', n_kv_head: 'u32', head_dim: 'u32', n_embd: 'u32',
    n_inner: 'u32', n_positions: 'u32', vocab_size: 'u32', norm_epsilon: 'f32', weights: 'u32',
    own_head: 'u32', attention_bias: 'u32', mlp_bias: 'u32', rotary_dim: 'u32', rope_original: 'u32',
    rope_theta: 'f32', rope_factor: 'f32', rope_low: 'f32', rope_high: 'f32',
    score_scale: 'f32', window: 'u32', window_layers_0: 'u32', window_layers_1: 'u32',
    rope_yarn: 'u32', rope_attention: 'f32', rope_mscale: 'f32', rope_mscale_all: 'f32',
    parallel: 'u32', rope_local_theta: 'f32',
    n_encoder_layer: 'u32', relative_buckets: 'u32', relative_distance: 'u32', scaled_head: 'u32',
  },
  kvc_session_config: {
    capacity: 'u32', n_sequence: 'u32', key_type: 'u32', value_type: 'u32', source_capacity: 'u32',
    when_full: 'u32', sinks: 'u32', text_capacity: 'u32', policy: 'u32', recent: 'u32',
  },
  kvc_sampling: { temperature: 'f32', top_k: 'u32', top_p: 'f32', min_p: 'f32', repetition_penalty: 'f32' },
  kvc_memory: {
    total_bytes: 'u32', cache_bytes: 'u32', used_bytes: 'u32', bytes_per_token: 'u32', freed_bytes: 'u32',
    cross_bytes: 'u32', cross_used_bytes: 'u32', cross_bytes_per_token: 'u32',
  },
  kvc_counts: {
    projection_macs: 'u64', attention_macs: 'u64', head_macs: 'u64', weight_bytes: 'u64',
    cache_bytes_read: 'u64', cache_bytes_written: 'u64',
    encoder_macs: 'u64', cross_projection_macs: 'u64', cross_attention_macs: 'u64',
    cross_bytes_read: 'u64', cross_bytes_written: 'u64',
  },
  kvc_cache_shape: {
    batch: 'u32', n_layer: 'u32', n_kv_head: 'u32', capacity: 'u32', head_dim: 'u32',
    key_type: 'u32', value_type: 'u32', policy: 'u32',
  },
  kvc_cache_memory: {
    slot_bytes: 'u32', used_bytes: 'u32', shared_bytes: 'u32', bytes_per_token: 'u32', freed_bytes: 'u32',
  },
  kvc_event: { type: 'u32', sequence: 'u32', layer: 'u32', first: 'u32', count: 'u32', page: 'u32' },
  kvc_mha_config: {
    n_embd: 'u32', source_dim: 'u32', n_head: 'u32', n_kv_head: 'u32', head_dim: 'u32', batch: 'u32',
    capacity: 'u32', key_type: 'u32', value_type: 'u32', policy: 'u32',
  },
});

/** @typedef {keyof typeof STRUCTS} StructName */

/**
 * A struct as an object; its 64-bit counts as numbers, exact up to 2 ** 53.
 * @template {StructName} S
 * @typedef {{ [F in keyof (typeof STRUCTS)[S]]: number }} Struct
 */

const SIZES = { u32: 4, f32: 4, u64: 8 };

/**
 * Where the fields lie: each aligned to its own size, as C does it.
 * @typedef {{ name: string, type: keyof typeof SIZES, offset: number }} Field
 * @param {StructName} struct
 * @returns {{ bytes: number, fields: Field[] }}
 */
function layoutOf(struct) {
  const align = (/** @type {number} */ offset, /** @type {number} */ size) => Math.ceil(offset / size) * size;
  let end = 0;
  const fields = Object.entries(STRUCTS[struct]).map(([name, type]) => {
    const offset = align(end, SIZES[type]);
    end = offset + SIZES[type];
    return { name, type, offset };
  });
  return { bytes: align(end, Math.max(...fields.map(({ type }) => SIZES[type]))), fields };
}

const names = /** @type {StructName[]} */ (Object.keys(STRUCTS));

/** The layout of each struct. */
export const LAYOUTS = Object.freeze(/** @type {Record<StructName, ReturnType<typeof layoutOf>>} */ (
  Object.fromEntries(names.map((name) => [name, layoutOf(name)]))));

/** What kvc_wasm_layout() points to in a module that fits: 16-bit numbers. */
export const EXPECTED_LAYOUT = Object.freeze([
  OK, PENDING, PAGE,
  ...[ARCHITECTURES, DTYPES, POLICIES, EVENT_TYPES, WHEN_FULL, MHA_WEIGHTS, PROBE].flatMap(
    (numbers) => Object.values(numbers)),
  ...names.flatMap((name) => [LAYOUTS[name].bytes, ...LAYOUTS[name].fields.map(({ offset }) => offset)]),
  2 ** 16 - 1,
]);
