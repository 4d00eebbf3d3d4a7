/* windows.c - layers with a window: pages that no window will reach again are given back.
 *
 * What is kept of a history of n tokens is slot n - W - KVC_PAGE and all after it: what
 * the windows of the last tokens reach; KVC_PAGE + 1 of them can always be taken back.
 * During a pass the history is kept as it was, so that
 * the pass can be dropped; of the pass's own pages only those stay that its next chunk
 * reaches. */
#include "cache/cache.h"

size_t kvc_pages_gone(const kvc_cache *cache, size_t n)
{
    const size_t kept = cache->windows.window + KVC_PAGE;
    return n > kept ? (n - kept) / KVC_PAGE : 0;
}

void kvc_cache_leave(kvc_cache *cache, size_t b, size_t position)
{
    if (cache->n_stores == 1)
        return;
    kvc_store *store = &cache->stores[KVC_WINDOWED];
    const uint32_t *table = kvc_pages_of(&store->pages, b);
    const size_t history = kvc_pages_for(cache->length[b]);
    size_t i = kvc_pages_gone(cache, position + 1);
    for (; i > history && table[i - 1] != KVC_NO_PAGE; i--)
        kvc_store_release(store, b, i - 1);
}

void kvc_cache_abandon(kvc_cache *cache, size_t b)
{
    kvc_looks_forget(cache, b);
    if (cache->n_stores == 1)
        return;
    kvc_store *store = &cache->stores[KVC_WINDOWED];
    while (store->pages.held[b] > kvc_pages_for(cache->length[b]))
        kvc_store_release(store, b, --store->pages.held[b]);
}

void kvc_cache_trim(kvc_cache *cache, size_t b)
{
    if (cache->n_stores == 1)
        return;
    kvc_store *store = &cache->stores[KVC_WINDOWED];
    size_t *freed = &store->pages.freed[b];
    const size_t first = *freed, end = kvc_pages_gone(cache, cache->length[b]);
    for (; *freed < end; ++*freed)
        kvc_store_release(store, b, *freed);
    if (end > first)
        kvc_events_record(cache->events, KVC_EVENT_FREE, b, SIZE_MAX, first * KVC_PAGE,
                          (end - first) * KVC_PAGE, SIZE_MAX);
}

bool kvc_cache_reaches(const kvc_cache *cache, size_t b, size_t n)
{
    return n == 0 || cache->n_stores == 1 ||
           cache->stores[KVC_WINDOWED].pages.freed[b] <=
               kvc_pages_gone(cache, n + 1 + KVC_PAGE);
}
