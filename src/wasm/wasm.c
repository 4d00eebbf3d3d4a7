/* wasm.c - what JavaScript needs of a module beside the functions of kvc.h: memory, the
 * build, and the numbers that web/engine/abi.js has as well. Functions are exported under
 * their own names, from the list in exports.txt. */
#include "kernels/probe.h"
#include "kvc.h"

#include <stdlib.h>

enum { ALIGN = 16 }; /* of the blocks that kvc.h asks for */

/* The allocator adds its own few bytes without a look at where 32 bits end; and a memory
 * has less than 4 GB in any case: engine/memory.js. */
#define MOST_BYTES (SIZE_MAX - 0x1ffff)

void *kvc_wasm_allocate(size_t bytes);
void kvc_wasm_free(void *memory);
uint32_t kvc_wasm_variant(void);
const uint16_t *kvc_wasm_layout(void);

/* NULL where there is no room. */
void *kvc_wasm_allocate(size_t bytes)
{
    return bytes > MOST_BYTES ? NULL
                              : aligned_alloc(ALIGN, (bytes + ALIGN - 1) / ALIGN * ALIGN);
}

void kvc_wasm_free(void *memory)
{
    free(memory);
}

/* What the kernels were compiled for: 0 scalar, 1 SIMD128, 2 relaxed SIMD. */
uint32_t kvc_wasm_variant(void)
{
#if defined(__wasm_relaxed_simd__)
    return 2;
#elif defined(__wasm_simd128__)
    return 1;
#else
    return 0;
#endif
}

/* The enums and structs that web/engine/abi.js counts on, in its order: an engine refuses
 * a module whose numbers differ from its own. */
#define AT(name, field) offsetof(kvc_##name, field)
static const uint16_t layout[] = {
    KVC_OK,
    KVC_PENDING,
    KVC_PAGE,
    KVC_GPT2,
    KVC_LLAMA,
    KVC_QWEN2,
    KVC_QWEN3,
    KVC_GPT_NEOX,
    KVC_PHI,
    KVC_OPT,
    KVC_GPT_NEO,
    KVC_GEMMA3,
    KVC_T5,
    KVC_T5_GATED,
    KVC_MARIAN,
    KVC_BART,
    KVC_F32,
    KVC_F16,
    KVC_BF16,
    KVC_I8,
    KVC_I4,
    KVC_F8_E4M3,
    KVC_F8_E5M2,
    KVC_OLDEST,
    KVC_LEAST_SEEN,
    KVC_LARGEST_KEY,
    KVC_EVENT_WRITE,
    KVC_EVENT_READ,
    KVC_EVENT_EVICT,
    KVC_EVENT_REUSE,
    KVC_EVENT_SHARE,
    KVC_EVENT_FREE,
    KVC_STOP,
    KVC_EVICT,
    KVC_SLIDE,
    KVC_MHA_Q,
    KVC_MHA_K,
    KVC_MHA_V,
    KVC_MHA_O,
    KVC_PROBE_BLOCK,
    KVC_PROBE_CHAINS,
    sizeof(kvc_config),
    AT(config, arch),
    AT(config, n_layer),
    AT(config, n_head),
    AT(config, n_kv_head),
    AT(config, head_dim),
    AT(config, n_embd),
    AT(config, n_inner),
    AT(config, n_positions),
    AT(config, vocab_size),
    AT(config, norm_epsilon),
    AT(config, weights),
    AT(config, own_head),
    AT(config, attention_bias),
    AT(config, mlp_bias),
    AT(config, rotary_dim),
    AT(config, rope_original),
    AT(config, rope_theta),
    AT(config, rope_factor),
    AT(config, rope_low),
    AT(config, rope_high),
    AT(config, score_scale),
    AT(config, window),
    AT(config, window_layers[0]),
    AT(config, window_layers[1]),
    AT(config, rope_yarn),
    AT(config, rope_attention),
    AT(config, rope_mscale),
    AT(config, rope_mscale_all),
    AT(config, parallel),
    AT(config, rope_local_theta),
    AT(config, n_encoder_layer),
    AT(config, relative_buckets),
    AT(config, relative_distance),
    AT(config, scaled_head),
    sizeof(kvc_session_config),
    AT(session_config, capacity),
    AT(session_config, n_sequence),
    AT(session_config, key_type),
    AT(session_config, value_type),
    AT(session_config, source_capacity),
    AT(session_config, when_full),
    AT(session_config, sinks),
    AT(session_config, text_capacity),
    AT(session_config, policy),
    AT(session_config, recent),
    sizeof(kvc_sampling),
    AT(sampling, temperature),
    AT(sampling, top_k),
    AT(sampling, top_p),
    AT(sampling, min_p),
    AT(sampling, repetition_penalty),
    sizeof(kvc_memory),
    AT(memory, total_bytes),
    AT(memory, cache_bytes),
    AT(memory, used_bytes),
    AT(memory, bytes_per_token),
    AT(memory, freed_bytes),
    AT(memory, cross_bytes),
    AT(memory, cross_used_bytes),
    AT(memory, cross_bytes_per_token),
    sizeof(kvc_counts),
    AT(counts, projection_macs),
    AT(counts, attention_macs),
    AT(counts, head_macs),
    AT(counts, weight_bytes),
    AT(counts, cache_bytes_read),
    AT(counts, cache_bytes_written),
    AT(counts, encoder_macs),
    AT(counts, cross_projection_macs),
    AT(counts, cross_attention_macs),
    AT(counts, cross_bytes_read),
    AT(counts, cross_bytes_written),
    sizeof(kvc_cache_shape),
    AT(cache_shape, batch),
    AT(cache_shape, n_layer),
    AT(cache_shape, n_kv_head),
    AT(cache_shape, capacity),
    AT(cache_shape, head_dim),
    AT(cache_shape, key_type),
    AT(cache_shape, value_type),
    AT(cache_shape, policy),
    sizeof(kvc_cache_memory),
    AT(cache_memory, slot_bytes),
    AT(cache_memory, used_bytes),
    AT(cache_memory, shared_bytes),
    AT(cache_memory, bytes_per_token),
    AT(cache_memory, freed_bytes),
    sizeof(kvc_event),
    AT(event, type),
    AT(event, sequence),
    AT(event, layer),
    AT(event, first),
    AT(event, count),
    AT(event, page),
    sizeof(kvc_mha_config),
    AT(mha_config, n_embd),
    AT(mha_config, source_dim),
    AT(mha_config, n_head),
    AT(mha_config, n_kv_head),
    AT(mha_config, head_dim),
    AT(mha_config, batch),
    AT(mha_config, capacity),
    AT(mha_config, key_type),
    AT(mha_config, value_type),
    AT(mha_config, policy),
    UINT16_MAX /* the end */
};

const uint16_t *kvc_wasm_layout(void)
{
    return layout;
}
