#include "cache/cache.h"

#include <string.h>

#include "kernels/kernels.h"

/* ---- memory ------------------------------------------------------------------------ */

/* K or V of all layers and heads, zeroed: NULL while asking. */
static unsigned char *layout_pool(kvc_arena *arena, const kvc_cache_shape *s,
                                  const kvc_pages *pages, const kvc_format *format)
{
    const size_t factors[] = {s->n_layer, s->n_kv_head, KVC_PAGE, format->vector_bytes};
    size_t bytes = 1;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        if (factors[i] > SIZE_MAX / bytes) {
            arena->overflow = true;
            return NULL;
        }
        bytes *= factors[i];
    }
    unsigned char *pool = kvc_take(arena, kvc_pages_total(pages), bytes);
    if (pool)
        memset(pool, 0, kvc_pages_total(pages) * bytes);
    return pool;
}

kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape)
{
    if (shape->head_dim > SIZE_MAX / (2 * sizeof(float))) /* a vector fits size_t */
        arena->overflow = true;
    kvc_cache *cache = kvc_take(arena, 1, sizeof *cache);
    kvc_cache c = {.shape = *shape,
                   .pages = kvc_pages_layout(arena, shape->batch, shape->capacity),
                   .key_format = kvc_key_format(shape->key_type, shape->head_dim),
                   .value_format = kvc_value_format(shape->value_type, shape->head_dim)};
    c.length = kvc_take(arena, shape->batch, sizeof *c.length);
    c.next_length = kvc_take(arena, shape->batch, sizeof *c.next_length);
    c.events = kvc_take(arena, 1, sizeof *c.events);
    c.keys = layout_pool(arena, shape, &c.pages, &c.key_format);
    c.values = layout_pool(arena, shape, &c.pages, &c.value_format);
    if (arena->base && !arena->overflow) {
        *cache = c;
        kvc_pages_clear(&cache->pages);
        *cache->events = (kvc_events){0};
        memset(cache->length, 0, shape->batch * sizeof *cache->length);
    }
    return cache;
}

static bool is_element_type(kvc_dtype type)
{
    return type == KVC_F32 || type == KVC_F16 || type == KVC_I8;
}

kvc_error kvc_cache_bytes(const kvc_cache_shape *shape, size_t *bytes)
{
    if (!shape || !bytes || !shape->batch || !shape->n_layer || !shape->n_kv_head ||
        !shape->capacity || !shape->head_dim || shape->head_dim % 4 != 0 ||
        !is_element_type(shape->key_type) || !is_element_type(shape->value_type))
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

/* ---- what is there ----------------------------------------------------------------- */

const kvc_cache_shape *kvc_cache_get_shape(const kvc_cache *cache)
{
    return &cache->shape;
}

size_t kvc_cache_length(const kvc_cache *cache, size_t b)
{
    return b < cache->shape.batch ? cache->length[b] : 0;
}

size_t kvc_cache_page(const kvc_cache *cache, size_t b, size_t slot)
{
    const size_t i = slot / KVC_PAGE;
    if (b >= cache->shape.batch || i >= cache->pages.held[b])
        return SIZE_MAX;
    return kvc_pages_of(&cache->pages, b)[i];
}

size_t kvc_cache_token_bytes(const kvc_cache *cache)
{
    return cache->shape.n_layer * cache->shape.n_kv_head *
           (cache->key_format.vector_bytes + cache->value_format.vector_bytes);
}

size_t kvc_cache_fill(const kvc_cache *cache)
{
    const kvc_pages *pages = &cache->pages;
    size_t sum = 0;
    memset(pages->filled, 0, kvc_pages_total(pages) * sizeof *pages->filled);
    for (size_t b = 0; b < pages->n_sequence; b++)
        for (size_t first = 0; first < cache->length[b]; first += KVC_PAGE) {
            uint32_t *filled = &pages->filled[kvc_pages_of(pages, b)[first / KVC_PAGE]];
            const size_t here = kvc_min(KVC_PAGE, cache->length[b] - first);
            sum += here > *filled ? here - *filled : 0;
            *filled = here > *filled ? (uint32_t)here : *filled;
        }
    return sum;
}

kvc_cache_memory kvc_cache_get_memory(const kvc_cache *cache)
{
    const size_t token = kvc_cache_token_bytes(cache), distinct = kvc_cache_fill(cache);
    size_t all = 0;
    for (size_t b = 0; b < cache->shape.batch; b++)
        all += cache->length[b];
    return (kvc_cache_memory){.slot_bytes =
                                  token * kvc_pages_total(&cache->pages) * KVC_PAGE,
                              .used_bytes = token * distinct,
                              .shared_bytes = token * (all - distinct),
                              .bytes_per_token = token};
}

kvc_error kvc_cache_read(const kvc_cache *cache, size_t b, size_t layer, size_t head,
                         size_t first, size_t n, float *k, float *v)
{
    const kvc_cache_shape *s = &cache->shape;
    const size_t D = s->head_dim;
    if (b >= s->batch || layer >= s->n_layer || head >= s->n_kv_head ||
        first > cache->length[b] || n > cache->length[b] - first)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    void *keys = kvc_cache_keys(cache, layer, head);
    void *values = kvc_cache_values(cache, layer, head);
    const uint32_t *table = kvc_pages_of(&cache->pages, b);
    for (size_t slot = first; slot < first + n; slot++, k += D, v += D) {
        const size_t page = table[slot / KVC_PAGE];
        const kvc_format *K = &cache->key_format, *V = &cache->value_format;
        kvc_vector_load(K, kvc_cache_page_at(K, keys, page), slot % KVC_PAGE, k);
        kvc_vector_load(V, kvc_cache_page_at(V, values, page), slot % KVC_PAGE, v);
    }
    return KVC_OK;
}

/* ---- growing ----------------------------------------------------------------------- */

static void copy_page(kvc_cache *cache, size_t to, size_t from)
{
    const kvc_format *K = &cache->key_format, *V = &cache->value_format;
    for (size_t layer = 0; layer < cache->shape.n_layer; layer++)
        for (size_t h = 0; h < cache->shape.n_kv_head; h++) {
            void *keys = kvc_cache_keys(cache, layer, h);
            void *values = kvc_cache_values(cache, layer, h);
            memcpy(kvc_cache_page_at(K, keys, to), kvc_cache_page_at(K, keys, from),
                   KVC_PAGE * K->vector_bytes);
            memcpy(kvc_cache_page_at(V, values, to), kvc_cache_page_at(V, values, from),
                   KVC_PAGE * V->vector_bytes);
        }
}

void kvc_cache_claim(kvc_cache *cache, size_t b, size_t first, size_t n)
{
    kvc_pages *pages = &cache->pages;
    const uint32_t *table = kvc_pages_of(pages, b);
    const size_t end = n > 0 ? kvc_pages_for(first + n) : 0;
    while (pages->held[b] < end)
        kvc_pages_add(pages, b);
    for (size_t i = first / KVC_PAGE; i < end; i++) {
        if (pages->holders[table[i]] > 1) {
            const uint32_t shared = kvc_pages_replace(pages, b, i);
            copy_page(cache, table[i], shared);
        }
    }
}

void kvc_cache_write(kvc_cache *cache, size_t b, size_t layer, size_t position, size_t T,
                     const float *k, const float *v, size_t stride)
{
    const kvc_format *K = &cache->key_format, *V = &cache->value_format;
    const size_t D = cache->shape.head_dim;
    kvc_cache_claim(cache, b, position, T);
    if (cache->counts)
        cache->counts->cache_bytes_written +=
            T * cache->shape.n_kv_head * (K->vector_bytes + V->vector_bytes);
    const uint32_t *table = kvc_pages_of(&cache->pages, b);
    for (size_t h = 0; h < cache->shape.n_kv_head; h++) {
        void *keys = kvc_cache_keys(cache, layer, h);
        void *values = kvc_cache_values(cache, layer, h);
        for (size_t t = 0; t < T; t++) {
            const size_t at = position + t;
            const size_t page = table[at / KVC_PAGE];
            const size_t slot = at % KVC_PAGE, from = t * stride + h * D;
            kvc_vector_store(K, kvc_cache_page_at(K, keys, page), slot, k + from);
            kvc_vector_store(V, kvc_cache_page_at(V, values, page), slot, v + from);
        }
    }
    kvc_events_write(cache, b, layer, position, T);
}

/* F32 keeps NaN and infinity, the others cannot.   x: [T, H, D] with a row stride */
static bool can_keep(const kvc_cache *cache, const kvc_format *format, const float *x,
                     size_t T, size_t stride)
{
    bool can = true;
    for (size_t t = 0; t < T && can && format->type != KVC_F32; t++)
        can = kvc_all_finite(x + t * stride, cache->shape.n_kv_head * format->head_dim);
    return can;
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
    if (!can_keep(cache, &cache->key_format, k, T, stride) ||
        !can_keep(cache, &cache->value_format, v, T, stride))
        return KVC_ERR_NOT_FINITE;
    kvc_cache_write(cache, b, layer, cache->length[b], T, k, v, stride);
    return KVC_OK;
}

kvc_error kvc_cache_advance(kvc_cache *cache, size_t b, size_t T)
{
    if (b >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    const size_t room = cache->shape.capacity - cache->length[b];
    if (T > room)
        return KVC_ERR_CACHE_FULL;
    kvc_cache_claim(cache, b, cache->length[b], T); /* for who has not appended */
    kvc_events_write(cache, b, SIZE_MAX, cache->length[b], T);
    cache->length[b] += T;
    return KVC_OK;
}
