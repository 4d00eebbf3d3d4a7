/* sequences.c - what makes the cache's sequences shorter, empty, or copies of others. */
#include <string.h>

#include "cache/cache.h"

/* In test builds, slots that hold nothing any more are NaN: who reads them, shows. */
static void poison(kvc_cache *cache, size_t page, size_t first_slot)
{
#ifdef KVC_POISON
    const kvc_format *K = &cache->key_format, *V = &cache->value_format;
    for (size_t layer = 0; layer < cache->shape.n_layer; layer++)
        for (size_t h = 0; h < cache->shape.n_kv_head; h++) {
            void *keys = kvc_cache_keys(cache, layer, h);
            void *values = kvc_cache_values(cache, layer, h);
            for (size_t slot = first_slot; slot < KVC_PAGE; slot++) {
                kvc_vector_poison(K, kvc_cache_page_at(K, keys, page), slot);
                kvc_vector_poison(V, kvc_cache_page_at(V, values, page), slot);
            }
        }
#else
    (void)cache, (void)page, (void)first_slot;
#endif
}

static void release(kvc_cache *cache, uint32_t page)
{
    if (kvc_pages_release(&cache->pages, page))
        poison(cache, page, 0);
}

/* Sequence b has n tokens, and no page beyond them. */
static void cut(kvc_cache *cache, size_t b, size_t n)
{
    kvc_pages *pages = &cache->pages;
    const uint32_t *table = kvc_pages_of(pages, b);
    while (pages->held[b] > kvc_pages_for(n))
        release(cache, table[--pages->held[b]]);
    if (n % KVC_PAGE != 0 && pages->holders[table[n / KVC_PAGE]] == 1)
        poison(cache, table[n / KVC_PAGE], n % KVC_PAGE);
    cache->length[b] = n;
}

/* EVICT, unless it changes nothing. */
static void record_evict(const kvc_cache *cache, size_t b, size_t first, size_t n)
{
    if (n > 0 || cache->pages.held[b] > kvc_pages_for(first))
        kvc_events_record(cache->events, KVC_EVENT_EVICT, b, SIZE_MAX, first, n,
                          SIZE_MAX);
}

/* ---- shorter ----------------------------------------------------------------------- */

kvc_error kvc_cache_truncate(kvc_cache *cache, size_t b, size_t n)
{
    if (b >= cache->shape.batch || n > cache->length[b])
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    record_evict(cache, b, n, cache->length[b] - n);
    cut(cache, b, n);
    return KVC_OK;
}

/* Slots from first + n up to `end` move down by n, in pages that are the sequence's own. */
static void move_down(kvc_cache *cache, size_t b, size_t first, size_t n, size_t end)
{
    const kvc_format *K = &cache->key_format, *V = &cache->value_format;
    kvc_cache_claim(cache, b, first, end - n - first);
    const uint32_t *table = kvc_pages_of(&cache->pages, b);
    for (size_t layer = 0; layer < cache->shape.n_layer; layer++)
        for (size_t h = 0; h < cache->shape.n_kv_head; h++) {
            void *keys = kvc_cache_keys(cache, layer, h);
            void *values = kvc_cache_values(cache, layer, h);
            for (size_t from = first + n, to = first; from < end; from++, to++) {
                const size_t old = table[from / KVC_PAGE], new = table[to / KVC_PAGE];
                kvc_vector_move(K, kvc_cache_page_at(K, keys, new), to % KVC_PAGE,
                                kvc_cache_page_at(K, keys, old), from % KVC_PAGE);
                kvc_vector_move(V, kvc_cache_page_at(V, values, new), to % KVC_PAGE,
                                kvc_cache_page_at(V, values, old), from % KVC_PAGE);
            }
        }
}

kvc_error kvc_cache_evict(kvc_cache *cache, size_t b, size_t first, size_t n)
{
    if (b >= cache->shape.batch || first > cache->length[b] ||
        n > cache->length[b] - first)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n == 0)
        return KVC_OK;
    const size_t end = cache->length[b];
    const bool whole_pages = first % KVC_PAGE == 0 && n % KVC_PAGE == 0;
    record_evict(cache, b, first, n);
    if (whole_pages) {
        uint32_t *table = kvc_pages_of(&cache->pages, b);
        size_t *held = &cache->pages.held[b], gone = n / KVC_PAGE;
        for (size_t i = first / KVC_PAGE; i < *held; i++) {
            if (i < first / KVC_PAGE + gone)
                release(cache, table[i]);
            if (i + gone < *held)
                table[i] = table[i + gone];
        }
        *held -= gone;
    } else {
        move_down(cache, b, first, n, end);
    }
    cut(cache, b, end - n);
    if (!whole_pages)
        kvc_events_write(cache, b, SIZE_MAX, first, end - n - first);
    return KVC_OK;
}

/* ---- copies ------------------------------------------------------------------------ */

/* Writes down what sequence `to` is going to be, and holds those pages. */
static void prepare(kvc_cache *cache, size_t to, size_t from, size_t more)
{
    kvc_pages *pages = &cache->pages;
    const uint32_t *source = kvc_pages_of(pages, from);
    uint32_t *next = pages->scratch + to * pages->per_sequence;
    for (size_t i = 0; i < kvc_pages_for(cache->length[from]); i++) {
        next[i] = source[i];
        pages->holders[source[i]]++;
    }
    cache->next_length[to] = cache->length[from];
    kvc_events_record(cache->events, KVC_EVENT_SHARE, to, more, 0, cache->length[from],
                      from);
}

/* Sequence `to` gives its pages up and becomes what is written down. */
static void become(kvc_cache *cache, size_t to)
{
    kvc_pages *pages = &cache->pages;
    uint32_t *table = kvc_pages_of(pages, to);
    for (size_t i = 0; i < pages->held[to]; i++)
        release(cache, table[i]);
    pages->held[to] = kvc_pages_for(cache->next_length[to]);
    memcpy(table, pages->scratch + to * pages->per_sequence,
           pages->held[to] * sizeof *table);
    cache->length[to] = cache->next_length[to];
}

kvc_error kvc_cache_fork(kvc_cache *cache, size_t from, size_t to)
{
    if (from >= cache->shape.batch || to >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    prepare(cache, to, from, 0);
    become(cache, to);
    return KVC_OK;
}

kvc_error kvc_cache_reorder(kvc_cache *cache, const uint32_t *from)
{
    const size_t B = cache->shape.batch;
    for (size_t b = 0; b < B; b++)
        if (!from || from[b] >= B)
            return KVC_ERR_POSITION_OUT_OF_RANGE;
    for (size_t b = 0; b < B; b++)
        prepare(cache, b, from[b], B - 1 - b);
    for (size_t b = 0; b < B; b++)
        become(cache, b);
    return KVC_OK;
}

/* ---- empty ------------------------------------------------------------------------- */

kvc_error kvc_cache_drop(kvc_cache *cache, size_t b)
{
    return kvc_cache_truncate(cache, b, 0);
}

kvc_error kvc_cache_keep(kvc_cache *cache, size_t b)
{
    if (b >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    for (size_t other = 0; other < cache->shape.batch; other++)
        if (other != b)
            kvc_cache_drop(cache, other);
    return KVC_OK;
}

void kvc_cache_reset(kvc_cache *cache)
{
    const size_t slots = cache->shape.n_layer * cache->shape.n_kv_head *
                         kvc_pages_total(&cache->pages) * KVC_PAGE;
    for (size_t b = 0; b < cache->shape.batch; b++)
        record_evict(cache, b, 0, cache->length[b]);
    kvc_pages_clear(&cache->pages);
    memset(cache->length, 0, cache->shape.batch * sizeof *cache->length);
    memset(cache->keys, 0, slots * cache->key_format.vector_bytes);
    memset(cache->values, 0, slots * cache->value_format.vector_bytes);
}
