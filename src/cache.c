#include "cache.h"

#include <string.h>

/* Where channel d of the key in a slot lies, within the head. */
static size_t key_offset(const kvc_cache *cache, size_t slot, size_t d)
{
    const size_t first = slot / KVC_KEY_PANEL * KVC_KEY_PANEL;
    return first * cache->shape.head_dim + d * kvc_key_panel_width(cache, first) +
           (slot - first);
}

/* The number of K and V slots of one channel: B * L * H * 2 * S; sets overflow in the
 * arena. */
static size_t slot_rows(kvc_arena *arena, const kvc_cache_shape *s)
{
    const size_t factors[] = {s->batch, s->n_layer, s->n_kv_head, s->capacity};
    size_t rows = 2;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        if (factors[i] > SIZE_MAX / rows) {
            arena->overflow = true;
            return 0;
        }
        rows *= factors[i];
    }
    return rows;
}

kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape)
{
    kvc_cache *cache = kvc_take(arena, 1, sizeof *cache);
    size_t *length = kvc_take(arena, shape->batch, sizeof *length);
    const size_t rows = slot_rows(arena, shape);
    float *slots = NULL;
    if (shape->head_dim > SIZE_MAX / sizeof *slots)
        arena->overflow = true;
    else
        slots = kvc_take(arena, rows, shape->head_dim * sizeof *slots);
    if (arena->base && !arena->overflow) {
        *cache = (kvc_cache){*shape, length, slots};
        memset(length, 0, shape->batch * sizeof *length);
        memset(slots, 0, rows * shape->head_dim * sizeof *slots);
    }
    return cache;
}

kvc_error kvc_cache_bytes(const kvc_cache_shape *shape, size_t *bytes)
{
    if (!shape || !bytes || !shape->batch || !shape->n_layer || !shape->n_kv_head ||
        !shape->capacity || !shape->head_dim || shape->head_dim % 4 != 0)
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_arena arena = {0};
    kvc_cache_layout(&arena, shape);
    *bytes = arena.used;
    return arena.overflow ? KVC_ERR_OUT_OF_MEMORY : KVC_OK;
}

kvc_error kvc_cache_init(kvc_cache **cache, const kvc_cache_shape *shape, void *memory,
                         size_t bytes)
{
    size_t needed;
    const kvc_error error = kvc_cache_bytes(shape, &needed);
    if (error)
        return error;
    if (!cache || !kvc_is_aligned(memory))
        return KVC_ERR_INVALID_ARGUMENT;
    if (bytes < needed)
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_arena arena = {.base = memory};
    *cache = kvc_cache_layout(&arena, shape);
    return KVC_OK;
}

const kvc_cache_shape *kvc_cache_get_shape(const kvc_cache *cache)
{
    return &cache->shape;
}

size_t kvc_cache_length(const kvc_cache *cache, size_t b)
{
    return b < cache->shape.batch ? cache->length[b] : 0;
}

size_t kvc_cache_slot_bytes(const kvc_cache *cache)
{
    const kvc_cache_shape *s = &cache->shape;
    return 2 * s->batch * s->n_layer * s->n_kv_head * s->capacity * s->head_dim *
           sizeof(float);
}

float *kvc_cache_head(const kvc_cache *cache, size_t b, size_t layer, size_t head)
{
    const kvc_cache_shape *s = &cache->shape;
    const size_t index = (layer * s->batch + b) * s->n_kv_head + head;
    return cache->slots + index * 2 * s->capacity * s->head_dim;
}

void kvc_cache_write(kvc_cache *cache, size_t b, size_t layer, size_t position, size_t T,
                     const float *k, const float *v, size_t stride)
{
    const size_t D = cache->shape.head_dim;
    for (size_t h = 0; h < cache->shape.n_kv_head; h++) {
        float *keys = kvc_cache_head(cache, b, layer, h);
        float *values = keys + cache->shape.capacity * D;
        for (size_t t = 0; t < T; t++) {
            for (size_t d = 0; d < D; d++)
                keys[key_offset(cache, position + t, d)] = k[t * stride + h * D + d];
            memcpy(values + (position + t) * D, v + t * stride + h * D, D * sizeof *v);
        }
    }
}

kvc_error kvc_cache_append(kvc_cache *cache, size_t b, size_t layer, size_t T,
                           const float *k, const float *v, size_t stride)
{
    const kvc_cache_shape *s = &cache->shape;
    if (b >= s->batch || layer >= s->n_layer)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (!k || !v || stride < s->n_kv_head * s->head_dim)
        return KVC_ERR_INVALID_ARGUMENT;
    if (T > s->capacity - cache->length[b])
        return KVC_ERR_CACHE_FULL;
    kvc_cache_write(cache, b, layer, cache->length[b], T, k, v, stride);
    return KVC_OK;
}

kvc_error kvc_cache_advance(kvc_cache *cache, size_t b, size_t T)
{
    if (b >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (T > cache->shape.capacity - cache->length[b])
        return KVC_ERR_CACHE_FULL;
    cache->length[b] += T;
    return KVC_OK;
}

kvc_error kvc_cache_truncate(kvc_cache *cache, size_t b, size_t n)
{
    if (b >= cache->shape.batch || n > cache->length[b])
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    cache->length[b] = n;
    return KVC_OK;
}

void kvc_cache_reset(kvc_cache *cache)
{
    memset(cache->length, 0, cache->shape.batch * sizeof *cache->length);
    memset(cache->slots, 0, kvc_cache_slot_bytes(cache));
}

kvc_error kvc_cache_read(const kvc_cache *cache, size_t layer, size_t T, float *k,
                         float *v)
{
    const kvc_cache_shape *s = &cache->shape;
    if (layer >= s->n_layer)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    for (size_t b = 0; b < s->batch; b++)
        if (T > cache->length[b])
            return KVC_ERR_POSITION_OUT_OF_RANGE;
    for (size_t b = 0; b < s->batch && T > 0; b++)
        for (size_t h = 0; h < s->n_kv_head; h++) {
            const float *keys = kvc_cache_head(cache, b, layer, h);
            memcpy(v, keys + s->capacity * s->head_dim, T * s->head_dim * sizeof *v);
            v += T * s->head_dim;
            for (size_t t = 0; t < T; t++)
                for (size_t d = 0; d < s->head_dim; d++)
                    *k++ = keys[key_offset(cache, t, d)];
        }
    return KVC_OK;
}
