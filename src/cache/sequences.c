/* sequences.c - making the cache's sequences shorter, empty, or copies of others. */
#include <string.h>

#include "cache/cache.h"

/* ---- pages that fall free ---------------------------------------------------------- */

/* In test builds freed slots become NaN, so a stray read shows up in the output. */
#ifdef KVC_POISON
enum { POISON = true };
#else
enum { POISON = false };
#endif

static void poison_pool(const kvc_pool *pool, size_t page, size_t first_slot)
{
    for (size_t i = 0; POISON && i < pool->n_heads; i++)
        for (size_t slot = first_slot; slot < KVC_PAGE; slot++)
            kvc_vector_poison(&pool->format, kvc_pool_page(pool, i, page), slot);
}

static void poison(const kvc_store *store, size_t page, size_t first_slot)
{
    poison_pool(&store->keys, page, first_slot);
    poison_pool(&store->values, page, first_slot);
}

void kvc_store_release(kvc_store *store, size_t b, size_t entry)
{
    uint32_t *page = &kvc_pages_of(&store->pages, b)[entry];
    if (*page != KVC_NO_PAGE && kvc_pages_release(&store->pages, *page))
        poison(store, *page, 0);
    *page = KVC_NO_PAGE;
}

/* Leaves sequence b no page beyond n tokens. */
static void cut_pages(kvc_store *store, size_t b, size_t n)
{
    kvc_pages *pages = &store->pages;
    const uint32_t *table = kvc_pages_of(pages, b);
    while (pages->held[b] > kvc_pages_for(n))
        kvc_store_release(store, b, --pages->held[b]);
    if (n % KVC_PAGE != 0 && pages->holders[table[n / KVC_PAGE]] == 1)
        poison(store, table[n / KVC_PAGE], n % KVC_PAGE);
    if (n == 0)
        pages->freed[b] = 0;
}

/* Leaves sequence b n tokens. */
static void cut(kvc_cache *cache, size_t b, size_t n)
{
    for (size_t i = 0; i < cache->n_stores; i++)
        cut_pages(&cache->stores[i], b, n);
    cache->length[b] = n;
    kvc_looks_forget(cache, b);
}

/* EVICT, unless nothing changes. */
static void record_evict(const kvc_cache *cache, size_t b, size_t first, size_t n)
{
    if (n > 0 || kvc_cache_history(cache)->held[b] > kvc_pages_for(first))
        kvc_events_record(cache->events, KVC_EVENT_EVICT, b, SIZE_MAX, first, n,
                          SIZE_MAX);
}

/* ---- shorter ----------------------------------------------------------------------- */

kvc_error kvc_cache_truncate(kvc_cache *cache, size_t b, size_t n)
{
    if (b >= cache->shape.batch || n > cache->length[b])
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (!kvc_cache_reaches(cache, b, n))
        return KVC_ERR_WINDOW_PASSED;
    record_evict(cache, b, n, cache->length[b] - n);
    cut(cache, b, n);
    return KVC_OK;
}

/* Slots first + n .. end - 1 move down by n, in all heads. */
static void move_down(const kvc_pool *pool, const uint32_t *table, size_t first, size_t n,
                      size_t end)
{
    for (size_t i = 0; i < pool->n_heads; i++)
        for (size_t to = first, from = first + n; from < end; to++, from++)
            kvc_vector_move(&pool->format, kvc_pool_page(pool, i, table[to / KVC_PAGE]),
                            to % KVC_PAGE, kvc_pool_page(pool, i, table[from / KVC_PAGE]),
                            from % KVC_PAGE);
}

/* Whole pages leave the table of sequence b: n, first % KVC_PAGE == 0. */
static void evict_pages(kvc_cache *cache, size_t b, size_t first, size_t n)
{
    kvc_store *store = &cache->stores[KVC_WHOLE];
    uint32_t *table = kvc_pages_of(&store->pages, b);
    const size_t begin = first / KVC_PAGE, gone = n / KVC_PAGE;
    size_t *held = &store->pages.held[b];
    for (size_t i = begin; i < *held; i++) {
        if (i < begin + gone)
            kvc_store_release(store, b, i);
        if (i + gone < *held)
            table[i] = table[i + gone];
    }
    *held -= gone;
}

/* What follows the evicted slots moves down, into pages that b does not share. */
static void evict_slots(kvc_cache *cache, size_t b, size_t first, size_t n)
{
    const size_t end = cache->length[b];
    kvc_cache_claim(cache, b, first, end - n - first);
    const kvc_store *store = &cache->stores[KVC_WHOLE];
    const uint32_t *table = kvc_pages_of(&store->pages, b);
    move_down(&store->keys, table, first, n, end);
    move_down(&store->values, table, first, n, end);
    for (size_t to = first; to + n < end && store->places; to++)
        *kvc_cache_place(cache, b, to) = *kvc_cache_place(cache, b, to + n);
}

kvc_error kvc_cache_evict(kvc_cache *cache, size_t b, size_t first, size_t n)
{
    if (b >= cache->shape.batch || first > cache->length[b] ||
        n > cache->length[b] - first)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n == 0)
        return KVC_OK;
    if (cache->n_stores > 1) /* their keys depend on their positions */
        return KVC_ERR_UNSUPPORTED;
    const size_t length = cache->length[b] - n;
    const bool whole_pages = first % KVC_PAGE == 0 && n % KVC_PAGE == 0;
    record_evict(cache, b, first, n);
    (whole_pages ? evict_pages : evict_slots)(cache, b, first, n);
    kvc_looks_evict(cache, b, first, n);
    if (kvc_cache_moves(cache)) {
        cache->past[b].least = kvc_cache_taken(cache, b);
        cache->past[b].gone += n;
    }
    cut(cache, b, length);
    if (!whole_pages)
        kvc_events_write(cache->events, kvc_cache_history(cache), b, SIZE_MAX, first,
                         length - first);
    return KVC_OK;
}

/* ---- copies ------------------------------------------------------------------------ */

/* Notes down the pages that sequence `to` will have, and holds them. */
static void prepare_pages(kvc_pages *pages, size_t to, size_t from, size_t length)
{
    const uint32_t *source = kvc_pages_of(pages, from);
    uint32_t *next = pages->scratch + to * pages->per_sequence;
    for (size_t i = 0; i < kvc_pages_for(length); i++) {
        next[i] = source[i];
        if (source[i] != KVC_NO_PAGE)
            pages->holders[source[i]]++;
    }
    pages->next_freed[to] = pages->freed[from];
}

/* Notes down what sequence `to` will be.
 *   more: SHARE events that follow for the same call */
static void prepare(kvc_cache *cache, size_t to, size_t from, size_t more)
{
    for (size_t i = 0; i < cache->n_stores; i++)
        prepare_pages(&cache->stores[i].pages, to, from, cache->length[from]);
    cache->next_length[to] = cache->length[from];
    kvc_looks_prepare(cache, to, from);
    cache->next_past[to] = cache->past[from];
    kvc_events_record(cache->events, KVC_EVENT_SHARE, to, more, 0, cache->length[from],
                      from);
}

static void become_pages(kvc_store *store, size_t to, size_t length)
{
    kvc_pages *pages = &store->pages;
    uint32_t *table = kvc_pages_of(pages, to);
    for (size_t i = 0; i < pages->held[to]; i++)
        kvc_store_release(store, to, i);
    pages->held[to] = kvc_pages_for(length);
    pages->freed[to] = pages->next_freed[to];
    memcpy(table, pages->scratch + to * pages->per_sequence,
           pages->held[to] * sizeof *table);
}

/* Sequence `to` gives up its pages and becomes what was noted down. */
static void become(kvc_cache *cache, size_t to)
{
    for (size_t i = 0; i < cache->n_stores; i++)
        become_pages(&cache->stores[i], to, cache->next_length[to]);
    cache->length[to] = cache->next_length[to];
    kvc_looks_become(cache, to);
    cache->past[to] = cache->next_past[to];
}

kvc_error kvc_cache_fork(kvc_cache *cache, size_t from, size_t to)
{
    if (from >= cache->shape.batch || to >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    kvc_looks_forget(cache, from);
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
    if (b >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    return kvc_cache_go_back(cache, b, 0);
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

static void clear_pool(const kvc_pool *pool)
{
    memset(pool->pages, 0, pool->n_heads * pool->n_pages * kvc_page_bytes(&pool->format));
}

void kvc_cache_reset(kvc_cache *cache)
{
    for (size_t b = 0; b < cache->shape.batch; b++)
        record_evict(cache, b, 0, cache->length[b]);
    memset(cache->length, 0, cache->shape.batch * sizeof *cache->length);
    kvc_looks_clear(cache);
    memset(cache->past, 0, cache->shape.batch * sizeof *cache->past);
    for (size_t i = 0; i < cache->n_stores; i++) {
        kvc_pages_clear(&cache->stores[i].pages);
        clear_pool(&cache->stores[i].keys);
        clear_pool(&cache->stores[i].values);
    }
}
