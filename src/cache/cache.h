/* cache.h - inside the KV cache: pages.h says where a slot lies, vectors.h what is there.
 *
 * Each layer and head has P pages of its own for K and for V, so that pages with
 * successive numbers are contiguous: attention over a lone sequence streams through V. */
#ifndef KVC_CACHE_H
#define KVC_CACHE_H

#include "base/arena.h"
#include "cache/events.h"
#include "cache/pages.h"
#include "cache/vectors.h"
#include "kvc.h"

/* K or V of all layers and heads. A head of a layer has the index layer * H + head. */
typedef struct kvc_pool {
    kvc_format format;
    size_t n_heads, n_pages; /* L * H, P */
    unsigned char *pages;    /* [n_heads, n_pages] pages of KVC_PAGE vectors */
} kvc_pool;

struct kvc_cache {
    kvc_cache_shape shape;
    kvc_pages pages;
    kvc_pool keys, values;
    size_t *length;      /* [B] */
    size_t *next_length; /* [B] while sequences change places */
    kvc_counts *counts;  /* where reads and writes are counted, or NULL */
    kvc_events *events;  /* a pointer: attention, which only reads a cache, records too */
};

/* Lays a cache into an arena: NULL while asking. The shape has been checked. */
kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape);

/* kvc_cache_append at a position of the caller's choice, its arguments checked. Numbers
 * that are not finite are stored as NaN unless the type is F32. */
void kvc_cache_write(kvc_cache *cache, size_t b, size_t layer, size_t position, size_t T,
                     const float *k, const float *v, size_t stride);

/* Makes slots first .. first + n - 1 writable by sequence b alone: missing pages are
 * added, shared ones copied. */
void kvc_cache_claim(kvc_cache *cache, size_t b, size_t first, size_t n);

/* pages.filled[page] = the slots of each page that hold tokens of any sequence; returns
 * their sum. */
size_t kvc_cache_fill(const kvc_cache *cache);

/* Bytes of one token's K and V in all layers and heads. */
size_t kvc_cache_token_bytes(const kvc_cache *cache);

static inline size_t kvc_page_bytes(const kvc_format *format)
{
    return KVC_PAGE * format->vector_bytes;
}

/* The pages of one head, and one of them. */
static inline void *kvc_pool_head(const kvc_pool *pool, size_t index)
{
    return pool->pages + index * pool->n_pages * kvc_page_bytes(&pool->format);
}

static inline void *kvc_page_at(const kvc_format *format, void *head, size_t page)
{
    return (unsigned char *)head + page * kvc_page_bytes(format);
}

static inline void *kvc_pool_page(const kvc_pool *pool, size_t index, size_t page)
{
    return kvc_page_at(&pool->format, kvc_pool_head(pool, index), page);
}

#endif
