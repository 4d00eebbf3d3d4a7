/* sequences.c - what makes the cache's sequences shorter, empty, or copies of others. */
#include <assert.h>
#include <string.h>

#include "cache.h"
#include "lab.h"

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
    while (pages->held[b] > kvc_pages_for(n) && !KVC_BUG(B21))
        release(cache, table[--pages->held[b]]);
    if (n % KVC_PAGE != 0 && pages->holders[table[n / KVC_PAGE]] == 1)
        poison(cache, table[n / KVC_PAGE], n % KVC_PAGE);
    cache->length[b] = n;
}

kvc_error kvc_cache_truncate(kvc_cache *cache, size_t b, size_t n)
{
    if (b >= cache->shape.batch || n > cache->length[b])
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (KVC_BUG(B20a))
        n = 0;
    cut(cache, b, n);
    return KVC_OK;
}

void kvc_cache_reset(kvc_cache *cache)
{
    const size_t slots = cache->shape.n_layer * cache->shape.n_kv_head *
                         kvc_pages_total(&cache->pages) * KVC_PAGE;
    kvc_pages_clear(&cache->pages);
    memset(cache->length, 0, cache->shape.batch * sizeof *cache->length);
    memset(cache->keys, 0, slots * cache->key_format.vector_bytes);
    memset(cache->values, 0, slots * cache->value_format.vector_bytes);
}
