/* layout.c - a cache's memory. */
#include <string.h>

#include "base/number.h"
#include "cache/cache.h"

/* Zeroed; its pages are NULL while asking. */
static kvc_pool layout_pool(kvc_arena *arena, size_t n_heads, size_t n_pages,
                            kvc_format format)
{
    const size_t page_bytes = kvc_times(arena, KVC_PAGE, format.vector_bytes);
    const size_t bytes = kvc_times(arena, n_heads, page_bytes);
    const kvc_pool pool = {format, n_heads, n_pages, kvc_take(arena, n_pages, bytes)};
    if (pool.pages)
        memset(pool.pages, 0, n_pages * bytes);
    return pool;
}

static kvc_store layout_store(kvc_arena *arena, const kvc_cache_shape *s, size_t n_layer,
                              size_t most, bool moves)
{
    const size_t n_heads = kvc_times(arena, n_layer, s->n_kv_head), D = s->head_dim;
    kvc_store store = {.pages = kvc_pages_layout(arena, s->batch, s->capacity, most)};
    const size_t P = store.pages.total;
    store.keys = layout_pool(arena, n_heads, P, kvc_key_format(s->key_type, D));
    store.values = layout_pool(arena, n_heads, P, kvc_value_format(s->value_type, D));
    if (moves)
        store.places = kvc_take(arena, P, KVC_PAGE * sizeof *store.places);
    return store;
}

/* The pages that a table names at most: those kept of the history, and those kept of a
 * pass under way with its newest chunk. */
static size_t most_pages(size_t window)
{
    const size_t shift = KVC_PAGE - 1; /* n slots begin anywhere in a page */
    const size_t kept = window + KVC_PAGE;
    return kvc_pages_for(kept + shift) +
           kvc_pages_for(kept - 1 + KVC_CACHE_CHUNK + shift);
}

kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape,
                            const kvc_windows *windows, bool moves)
{
    if (shape->head_dim > SIZE_MAX / (2 * sizeof(float))) /* a vector fits size_t */
        arena->overflow = true;
    kvc_cache *cache = kvc_take(arena, 1, sizeof *cache);
    kvc_cache c = {.shape = *shape, .n_stores = 1};
    if (windows && windows->window > 0) {
        c.windows = *windows;
        c.n_stores = KVC_STORES;
    }
    const size_t windowed = kvc_count_windowed(&c.windows, shape->n_layer);
    c.stores[KVC_WHOLE] =
        layout_store(arena, shape, shape->n_layer - windowed, SIZE_MAX, moves);
    if (c.n_stores > 1)
        c.stores[KVC_WINDOWED] =
            layout_store(arena, shape, windowed, most_pages(windows->window), false);
    c.length = kvc_take(arena, shape->batch, sizeof *c.length);
    c.next_length = kvc_take(arena, shape->batch, sizeof *c.next_length);
    c.past = kvc_take(arena, shape->batch, sizeof *c.past);
    c.next_past = kvc_take(arena, shape->batch, sizeof *c.next_past);
    c.looks = kvc_looks_layout(arena, shape, moves);
    c.events = kvc_take(arena, 1, sizeof *c.events);
    if (arena->base && !arena->overflow) {
        *cache = c;
        for (size_t i = 0; i < c.n_stores; i++)
            kvc_pages_clear(&cache->stores[i].pages);
        *cache->events = (kvc_events){0};
        memset(cache->length, 0, shape->batch * sizeof *cache->length);
        memset(cache->past, 0, shape->batch * sizeof *cache->past);
        kvc_looks_clear(cache);
    }
    return cache;
}

static bool is_element_type(kvc_dtype type)
{
    return type == KVC_F32 || type == KVC_F16 || type == KVC_I8 || type == KVC_I4;
}

kvc_error kvc_cache_bytes(const kvc_cache_shape *shape, size_t *bytes)
{
    if (!shape || !bytes || !shape->batch || !shape->n_layer || !shape->n_kv_head ||
        !shape->capacity || !shape->head_dim || shape->head_dim % 4 != 0 ||
        !is_element_type(shape->key_type) || !is_element_type(shape->value_type) ||
        (unsigned)shape->policy > KVC_LARGEST_KEY)
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_arena arena = {0};
    kvc_cache_layout(&arena, shape, NULL, false);
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
    *cache = kvc_cache_layout(&arena, shape, NULL, false);
    return KVC_OK;
}
