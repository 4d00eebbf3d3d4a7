#include "cache/cache.h"

#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "kernels/vector.h"

/* ---- memory ------------------------------------------------------------------------ */

/* Zeroed; its pages are NULL while asking. */
static kvc_pool layout_pool(kvc_arena *arena, const kvc_cache_shape *s, size_t n_pages,
                            kvc_format format)
{
    const size_t n_heads = kvc_times(arena, s->n_layer, s->n_kv_head);
    const size_t page_bytes = kvc_times(arena, KVC_PAGE, format.vector_bytes);
    const size_t bytes = kvc_times(arena, n_heads, page_bytes);
    const kvc_pool pool = {format, n_heads, n_pages, kvc_take(arena, n_pages, bytes)};
    if (pool.pages)
        memset(pool.pages, 0, n_pages * bytes);
    return pool;
}

kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape)
{
    if (shape->head_dim > SIZE_MAX / (2 * sizeof(float))) /* a vector fits size_t */
        arena->overflow = true;
    kvc_cache *cache = kvc_take(arena, 1, sizeof *cache);
    kvc_cache c = {.shape = *shape,
                   .pages = kvc_pages_layout(arena, shape->batch, shape->capacity)};
    c.length = kvc_take(arena, shape->batch, sizeof *c.length);
    c.next_length = kvc_take(arena, shape->batch, sizeof *c.next_length);
    c.events = kvc_take(arena, 1, sizeof *c.events);
    const size_t P = kvc_pages_total(&c.pages), D = shape->head_dim;
    c.keys = layout_pool(arena, shape, P, kvc_key_format(shape->key_type, D));
    c.values = layout_pool(arena, shape, P, kvc_value_format(shape->value_type, D));
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

static size_t token_bytes(const kvc_cache *cache, size_t n_heads)
{
    return n_heads *
           (cache->keys.format.vector_bytes + cache->values.format.vector_bytes);
}

size_t kvc_cache_token_bytes(const kvc_cache *cache)
{
    return token_bytes(cache, cache->keys.n_heads);
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

/* x: [n, D] out */
static void read_head(float *x, const kvc_pool *pool, size_t index, const uint32_t *table,
                      size_t first, size_t n)
{
    const kvc_format *format = &pool->format;
    for (size_t i = first; i < first + n; i++, x += format->head_dim)
        kvc_vector_load(format, kvc_pool_page(pool, index, table[i / KVC_PAGE]),
                        i % KVC_PAGE, x);
}

kvc_error kvc_cache_read(const kvc_cache *cache, size_t b, size_t layer, size_t head,
                         size_t first, size_t n, float *k, float *v)
{
    const kvc_cache_shape *s = &cache->shape;
    if (b >= s->batch || layer >= s->n_layer || head >= s->n_kv_head ||
        first > cache->length[b] || n > cache->length[b] - first)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    const uint32_t *table = kvc_pages_of(&cache->pages, b);
    const size_t index = layer * s->n_kv_head + head;
    read_head(k, &cache->keys, index, table, first, n);
    read_head(v, &cache->values, index, table, first, n);
    return KVC_OK;
}

/* ---- growing ----------------------------------------------------------------------- */

/* One page of all heads. */
static void copy_page(const kvc_pool *pool, size_t to, size_t from)
{
    for (size_t i = 0; i < pool->n_heads; i++)
        memcpy(kvc_pool_page(pool, i, to), kvc_pool_page(pool, i, from),
               kvc_page_bytes(&pool->format));
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
            copy_page(&cache->keys, table[i], shared);
            copy_page(&cache->values, table[i], shared);
        }
    }
}

/* x: [T, D], row stride `stride` */
static void write_head(const kvc_pool *pool, size_t index, const uint32_t *table,
                       size_t position, size_t T, const float *x, size_t stride)
{
    const kvc_format *format = &pool->format;
    void *head = kvc_pool_head(pool, index);
    for (size_t t = 0; t < T; t++, x += stride) {
        const size_t at = position + t;
        kvc_vector_store(format, kvc_page_at(format, head, table[at / KVC_PAGE]),
                         at % KVC_PAGE, x);
    }
}

void kvc_cache_write(kvc_cache *cache, size_t b, size_t layer, size_t position, size_t T,
                     const float *k, const float *v, size_t stride)
{
    const size_t H = cache->shape.n_kv_head, D = cache->shape.head_dim;
    kvc_cache_claim(cache, b, position, T);
    if (cache->counts)
        cache->counts->cache_bytes_written += T * token_bytes(cache, H);
    const uint32_t *table = kvc_pages_of(&cache->pages, b);
    for (size_t h = 0; h < H; h++) {
        const size_t index = layer * H + h;
        write_head(&cache->keys, index, table, position, T, k + h * D, stride);
        write_head(&cache->values, index, table, position, T, v + h * D, stride);
    }
    kvc_events_write(cache->events, &cache->pages, b, layer, position, T);
}

/* Only F32 can keep NaN and infinity.   x: [T, H, D], row stride `stride` */
static bool can_keep(const kvc_format *format, const float *x, size_t T, size_t H,
                     size_t stride)
{
    bool can = true;
    for (size_t t = 0; t < T && can && format->type != KVC_F32; t++)
        can = kvc_all_finite(x + t * stride, H * format->head_dim);
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
    if (!can_keep(&cache->keys.format, k, T, s->n_kv_head, stride) ||
        !can_keep(&cache->values.format, v, T, s->n_kv_head, stride))
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
    kvc_cache_claim(cache, b, cache->length[b], T); /* if nothing was appended */
    kvc_events_write(cache->events, &cache->pages, b, SIZE_MAX, cache->length[b], T);
    cache->length[b] += T;
    return KVC_OK;
}

/* ---- listening --------------------------------------------------------------------- */

void kvc_cache_listen(kvc_cache *cache, kvc_event *events, size_t capacity)
{
    *cache->events = (kvc_events){.list = events, .capacity = capacity};
}

size_t kvc_cache_take_events(kvc_cache *cache, size_t *lost)
{
    kvc_events *events = cache->events;
    const size_t count = events->count;
    if (lost)
        *lost = events->lost;
    events->count = events->lost = 0;
    return count;
}
