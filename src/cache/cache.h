/* cache.h - inside the KV cache: pages.h says where a slot lies, vectors.h what is there.
 *
 * Each layer and head has its own pool of P pages for K and one for V, so that pages with
 * successive numbers are contiguous: attention over a lone sequence streams through V. */
#ifndef KVC_CACHE_H
#define KVC_CACHE_H

#include "base/arena.h"
#include "cache/events.h"
#include "cache/pages.h"
#include "cache/vectors.h"
#include "kvc.h"

struct kvc_cache {
    kvc_cache_shape shape;
    kvc_pages pages;
    kvc_format key_format, value_format;
    size_t *length;               /* [B] */
    size_t *next_length;          /* [B] while sequences change places */
    unsigned char *keys, *values; /* [L, H, P] pages of 16 vectors */
    kvc_counts *counts;           /* where reads and writes are counted, or NULL */
    kvc_events *events;           /* one; attention, which only reads, records as well */
};

/* Lays a cache into an arena: NULL while asking. The shape is checked already. */
kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape);

/* kvc_cache_append at a position of the caller's choice; arguments are checked
 * already. What is not finite is stored as NaN. */
void kvc_cache_write(kvc_cache *cache, size_t b, size_t layer, size_t position, size_t T,
                     const float *k, const float *v, size_t stride);

/* Makes slots first .. first + n - 1 of sequence b its own, to be written: missing pages
 * are added, shared ones copied. */
void kvc_cache_claim(kvc_cache *cache, size_t b, size_t first, size_t n);

/* pages.filled[page] = the slots of each page that hold tokens of some sequence; returns
 * their sum. */
size_t kvc_cache_fill(const kvc_cache *cache);

/* K and V of one token in all layers and heads. */
size_t kvc_cache_token_bytes(const kvc_cache *cache);

/* Of all pages of one layer and head, the first. */
static inline void *kvc_cache_keys(const kvc_cache *cache, size_t layer, size_t head)
{
    const size_t pool = layer * cache->shape.n_kv_head + head;
    return cache->keys + pool * kvc_pages_total(&cache->pages) * KVC_PAGE *
                             cache->key_format.vector_bytes;
}

static inline void *kvc_cache_values(const kvc_cache *cache, size_t layer, size_t head)
{
    const size_t pool = layer * cache->shape.n_kv_head + head;
    return cache->values + pool * kvc_pages_total(&cache->pages) * KVC_PAGE *
                               cache->value_format.vector_bytes;
}

/* One page of a pool. */
static inline void *kvc_cache_page_at(const kvc_format *format, void *pool, size_t page)
{
    return (unsigned char *)pool + page * KVC_PAGE * format->vector_bytes;
}

#endif
