#include "cache/cache.h"

#include <string.h>

#include "base/number.h"
#include "kernels/vector.h"

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
    const kvc_pages *pages = kvc_cache_history(cache);
    if (b >= cache->shape.batch || i >= pages->held[b])
        return SIZE_MAX;
    return kvc_pages_of(pages, b)[i];
}

size_t kvc_cache_freed(const kvc_cache *cache, size_t b)
{
    if (b >= cache->shape.batch || cache->n_stores == 1)
        return 0;
    return cache->stores[KVC_WINDOWED].pages.freed[b] * KVC_PAGE;
}

size_t kvc_count_windowed(const kvc_windows *windows, size_t n_layer)
{
    const size_t first = windows->window > 0 ? kvc_min(n_layer, KVC_WINDOW_LAYERS) : 0;
    size_t n = 0;
    for (size_t layer = 0; layer < first; layer++)
        n += kvc_is_windowed(windows, layer);
    return n;
}

const kvc_store *kvc_cache_store(const kvc_cache *cache, size_t layer, size_t *place)
{
    const bool windowed = kvc_is_windowed(&cache->windows, layer);
    const size_t before = kvc_count_windowed(&cache->windows, layer);
    *place = windowed ? before : layer - before;
    return &cache->stores[windowed ? KVC_WINDOWED : KVC_WHOLE];
}

static size_t token_bytes(const kvc_store *store, size_t n_heads)
{
    return n_heads *
           (store->keys.format.vector_bytes + store->values.format.vector_bytes);
}

size_t kvc_store_token_bytes(const kvc_store *store)
{
    return token_bytes(store, store->keys.n_heads);
}

size_t kvc_cache_fill(const kvc_cache *cache, const kvc_store *store)
{
    const kvc_pages *pages = &store->pages;
    size_t sum = 0;
    memset(pages->filled, 0, pages->total * sizeof *pages->filled);
    for (size_t b = 0; b < pages->n_sequence; b++)
        for (size_t first = pages->freed[b] * KVC_PAGE; first < cache->length[b];
             first += KVC_PAGE) {
            uint32_t *filled = &pages->filled[kvc_pages_of(pages, b)[first / KVC_PAGE]];
            const size_t here = kvc_min(KVC_PAGE, cache->length[b] - first);
            sum += here > *filled ? here - *filled : 0;
            *filled = here > *filled ? (uint32_t)here : *filled;
        }
    return sum;
}

kvc_cache_memory kvc_cache_get_memory(const kvc_cache *cache)
{
    const size_t whole = kvc_cache_fill(cache, &cache->stores[KVC_WHOLE]);
    kvc_cache_memory memory = {0};
    for (size_t i = 0; i < cache->n_stores; i++) {
        const kvc_store *store = &cache->stores[i];
        const size_t token = kvc_store_token_bytes(store);
        const size_t distinct = kvc_cache_fill(cache, store);
        size_t all = 0;
        for (size_t b = 0; b < cache->shape.batch; b++)
            all += cache->length[b] - store->pages.freed[b] * KVC_PAGE;
        memory.slot_bytes += token * store->pages.total * KVC_PAGE;
        memory.used_bytes += token * distinct;
        memory.shared_bytes += token * (all - distinct);
        memory.freed_bytes += token * (whole - distinct);
        memory.bytes_per_token += token;
    }
    return memory;
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
    size_t place;
    const kvc_store *store = kvc_cache_store(cache, layer, &place);
    if (n > 0 && first < store->pages.freed[b] * KVC_PAGE)
        return KVC_ERR_WINDOW_PASSED;
    const uint32_t *table = kvc_pages_of(&store->pages, b);
    const size_t index = place * s->n_kv_head + head;
    read_head(k, &store->keys, index, table, first, n);
    read_head(v, &store->values, index, table, first, n);
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

static void claim(kvc_store *store, size_t b, size_t first, size_t n)
{
    kvc_pages *pages = &store->pages;
    const uint32_t *table = kvc_pages_of(pages, b);
    const size_t end = n > 0 ? kvc_pages_for(first + n) : 0;
    while (pages->held[b] < end)
        kvc_pages_add(pages, b);
    for (size_t i = first / KVC_PAGE; i < end; i++) {
        if (table[i] != KVC_NO_PAGE && pages->holders[table[i]] > 1) {
            const uint32_t shared = kvc_pages_replace(pages, b, i);
            copy_page(&store->keys, table[i], shared);
            copy_page(&store->values, table[i], shared);
            if (store->places != NULL)
                memcpy(store->places + table[i] * KVC_PAGE,
                       store->places + shared * KVC_PAGE,
                       KVC_PAGE * sizeof *store->places);
        }
    }
}

void kvc_cache_claim(kvc_cache *cache, size_t b, size_t first, size_t n)
{
    for (size_t i = 0; i < cache->n_stores; i++)
        claim(&cache->stores[i], b, first, n);
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
    size_t place;
    const kvc_store *store = kvc_cache_store(cache, layer, &place);
    if (cache->counts)
        cache->counts->cache_bytes_written += T * token_bytes(store, H);
    const uint32_t *table = kvc_pages_of(&store->pages, b);
    for (size_t at = position; at < position + T && store->places; at++)
        *kvc_cache_place(cache, b, at) =
            (kvc_place){(uint32_t)(cache->past[b].gone + at), (uint32_t)at};
    for (size_t h = 0; h < H; h++) {
        const size_t index = place * H + h;
        write_head(&store->keys, index, table, position, T, k + h * D, stride);
        write_head(&store->values, index, table, position, T, v + h * D, stride);
    }
    kvc_events_write(cache->events, kvc_cache_history(cache), b, layer, position, T);
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

kvc_error kvc_cache_append_behind(kvc_cache *cache, size_t b, size_t layer, size_t ahead,
                                  size_t T, const float *k, const float *v, size_t stride)
{
    const kvc_cache_shape *s = &cache->shape;
    const size_t H = s->n_kv_head;
    if (ahead + T > s->capacity - cache->length[b])
        return KVC_ERR_CACHE_FULL;
    const kvc_store *store = &cache->stores[KVC_WHOLE];
    if (!can_keep(&store->keys.format, k, T, H, stride) ||
        !can_keep(&store->values.format, v, T, H, stride))
        return KVC_ERR_NOT_FINITE;
    if (ahead == 0)
        kvc_looks_forget_layer(cache, b, layer);
    kvc_cache_write(cache, b, layer, cache->length[b] + ahead, T, k, v, stride);
    return KVC_OK;
}

kvc_error kvc_cache_append(kvc_cache *cache, size_t b, size_t layer, size_t T,
                           const float *k, const float *v, size_t stride)
{
    const kvc_cache_shape *s = &cache->shape;
    if (b >= s->batch || layer >= s->n_layer)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (!k || !v || stride < s->n_kv_head * s->head_dim)
        return KVC_ERR_INVALID_ARGUMENT;
    return kvc_cache_append_behind(cache, b, layer, 0, T, k, v, stride);
}

kvc_error kvc_cache_advance(kvc_cache *cache, size_t b, size_t T)
{
    if (b >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    const size_t room = cache->shape.capacity - cache->length[b];
    if (T > room)
        return KVC_ERR_CACHE_FULL;
    kvc_cache_claim(cache, b, cache->length[b], T); /* if nothing was appended */
    kvc_events_write(cache->events, kvc_cache_history(cache), b, SIZE_MAX,
                     cache->length[b], T);
    kvc_looks_advance(cache, b, T);
    cache->length[b] += T;
    kvc_cache_trim(cache, b);
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
