/* wasm_blocks.c - the flat ABI of the building blocks: a cache of one's own and cached
 * attention. Arrays lie in memory that the caller allocated; looking into a cache is in
 * wasm_cache.c. */
#include "wasm/wasm.h"

/* ---- cache ------------------------------------------------------------------------- */

/* mailbox.words: the cache, the bytes of its block, the block (for kvc_wasm_free) */
kvc_error EXPORT(kvc_wasm_cache_new)(size_t batch, size_t n_layer, size_t n_kv_head,
                                     size_t capacity, size_t head_dim, kvc_dtype key_type,
                                     kvc_dtype value_type)
{
    const kvc_cache_shape shape = {batch,    n_layer,  n_kv_head, capacity,
                                   head_dim, key_type, value_type};
    size_t bytes;
    kvc_error error = kvc_cache_bytes(&shape, &bytes);
    if (error)
        return error;
    kvc_cache *cache;
    void *memory = kvc_wasm_allocate(bytes);
    if (!memory)
        return KVC_ERR_OUT_OF_MEMORY;
    error = kvc_cache_init(&cache, &shape, memory, bytes);
    if (error) {
        free(memory);
        return error;
    }
    const uint32_t words[] = {(uint32_t)cache, bytes, (uint32_t)memory};
    memcpy(mailbox.words, words, sizeof words);
    return KVC_OK;
}

/* k, v: [T, H, D] */
kvc_error EXPORT(kvc_wasm_cache_append)(kvc_cache *cache, size_t b, size_t layer,
                                        size_t T, const float *k, const float *v)
{
    const kvc_cache_shape *shape = kvc_cache_get_shape(cache);
    return kvc_cache_append(cache, b, layer, T, k, v, shape->n_kv_head * shape->head_dim);
}

kvc_error EXPORT(kvc_wasm_cache_advance)(kvc_cache *cache, size_t b, size_t T)
{
    return kvc_cache_advance(cache, b, T);
}

kvc_error EXPORT(kvc_wasm_cache_truncate)(kvc_cache *cache, size_t b, size_t n)
{
    return kvc_cache_truncate(cache, b, n);
}

kvc_error EXPORT(kvc_wasm_cache_evict)(kvc_cache *cache, size_t b, size_t first, size_t n)
{
    return kvc_cache_evict(cache, b, first, n);
}

kvc_error EXPORT(kvc_wasm_cache_fork)(kvc_cache *cache, size_t from, size_t to)
{
    return kvc_cache_fork(cache, from, to);
}

/* from: [B] */
kvc_error EXPORT(kvc_wasm_cache_reorder)(kvc_cache *cache, const uint32_t *from)
{
    return kvc_cache_reorder(cache, from);
}

kvc_error EXPORT(kvc_wasm_cache_drop)(kvc_cache *cache, size_t b)
{
    return kvc_cache_drop(cache, b);
}

kvc_error EXPORT(kvc_wasm_cache_keep)(kvc_cache *cache, size_t b)
{
    return kvc_cache_keep(cache, b);
}

kvc_error EXPORT(kvc_wasm_cache_reset)(kvc_cache *cache)
{
    kvc_cache_reset(cache);
    return KVC_OK;
}

/* mailbox.words: bytes of all slots, of those in use, saved by sharing, of one token */
void EXPORT(kvc_wasm_cache_memory)(const kvc_cache *cache)
{
    const kvc_cache_memory m = kvc_cache_get_memory(cache);
    const uint32_t words[] = {m.slot_bytes, m.used_bytes, m.shared_bytes,
                              m.bytes_per_token};
    memcpy(mailbox.words, words, sizeof words);
}

/* Floats */
size_t EXPORT(kvc_wasm_cache_scratch)(const kvc_cache *cache)
{
    return kvc_attention_scratch(cache);
}

/* y, q: [T, n_head, D]   scratch: kvc_wasm_cache_scratch floats, 16-byte aligned */
kvc_error EXPORT(kvc_wasm_cache_attend)(const kvc_cache *cache, size_t b, size_t layer,
                                        size_t T, size_t n_head, float *y, const float *q,
                                        float *scratch, bool causal)
{
    return causal ? kvc_attention(y, q, T, n_head, cache, b, layer, scratch)
                  : kvc_cross_attention(y, q, T, n_head, cache, b, layer, scratch);
}

size_t EXPORT(kvc_wasm_cache_state_bytes)(const kvc_cache *cache)
{
    return kvc_cache_state_bytes(cache);
}

kvc_error EXPORT(kvc_wasm_cache_save)(const kvc_cache *cache, uint64_t fingerprint,
                                      void *state, size_t bytes)
{
    return kvc_cache_save(cache, fingerprint, state, bytes);
}

kvc_error EXPORT(kvc_wasm_cache_restore)(kvc_cache *cache, uint64_t fingerprint,
                                         const void *state, size_t bytes)
{
    return kvc_cache_restore(cache, fingerprint, state, bytes);
}

/* ---- cached attention -------------------------------------------------------------- */

/* mailbox.words: the attention, the bytes of its block, the block, its cache */
kvc_error EXPORT(kvc_wasm_mha_new)(size_t n_embd, size_t source_dim, size_t n_head,
                                   size_t n_kv_head, size_t head_dim, size_t batch,
                                   size_t capacity, kvc_dtype key_type,
                                   kvc_dtype value_type)
{
    const kvc_mha_config config = {n_embd, source_dim, n_head,   n_kv_head, head_dim,
                                   batch,  capacity,   key_type, value_type};
    size_t bytes;
    kvc_error error = kvc_mha_bytes(&config, &bytes);
    if (error)
        return error;
    kvc_mha *mha;
    void *memory = kvc_wasm_allocate(bytes);
    if (!memory)
        return KVC_ERR_OUT_OF_MEMORY;
    error = kvc_mha_init(&mha, &config, memory, bytes);
    if (error) {
        free(memory);
        return error;
    }
    const uint32_t words[] = {(uint32_t)mha, bytes, (uint32_t)memory,
                              (uint32_t)kvc_mha_cache(mha)};
    memcpy(mailbox.words, words, sizeof words);
    return KVC_OK;
}

/* w: [in, out]   bias: [out] or NULL */
kvc_error EXPORT(kvc_wasm_mha_set_weight)(kvc_mha *mha, kvc_mha_weight which,
                                          const float *w, const float *bias)
{
    return kvc_mha_set_weight(mha, which, w, bias);
}

/* y, x: [T, C] */
kvc_error EXPORT(kvc_wasm_mha_forward)(kvc_mha *mha, float *y, const float *x, size_t b,
                                       size_t T)
{
    return kvc_mha_forward(mha, y, x, b, T);
}

/* y, x: [T, C] */
kvc_error EXPORT(kvc_wasm_mha_full)(kvc_mha *mha, float *y, const float *x, size_t T)
{
    return kvc_mha_full(mha, y, x, T);
}

/* source: [n, source_dim] */
kvc_error EXPORT(kvc_wasm_mha_set_source)(kvc_mha *mha, size_t b, const float *source,
                                          size_t n)
{
    return kvc_mha_set_source(mha, b, source, n);
}

/* mailbox.longs[0]: rows of K and V projected so far */
void EXPORT(kvc_wasm_mha_projected)(const kvc_mha *mha)
{
    mailbox.longs[0] = kvc_mha_projected(mha);
}
