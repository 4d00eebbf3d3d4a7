/* cache.h - inside the KV cache: pages.h says where a slot lies, vectors.h what is there.
 *
 * Each layer and head has P pages of its own for K and for V, so that pages with
 * successive numbers are contiguous: attention over a lone sequence streams through V.
 *
 * Layers with a window have pages of their own, fewer ones: windows.c gives back those
 * that no window will reach again. The tables of the other layers name the whole history,
 * even where there are no other layers. */
#ifndef KVC_CACHE_H
#define KVC_CACHE_H

#include "base/arena.h"
#include "base/state.h"
#include "cache/events.h"
#include "cache/pages.h"
#include "cache/vectors.h"
#include "kvc.h"

/* K or V of layers and their heads. A head has the index layer * H + head, of the layers
 * that are in the pool. */
typedef struct kvc_pool {
    kvc_format format;
    size_t n_heads, n_pages; /* layers * H, P */
    unsigned char *pages;    /* [n_heads, n_pages] pages of KVC_PAGE vectors */
} kvc_pool;

/* Where slots move: which token of the text one has, and the slot that this was when it
 * was written, by whose place its key is turned. */
typedef struct kvc_place {
    uint32_t text, written;
} kvc_place;

/* Layers whose pages come and go together. */
typedef struct kvc_store {
    kvc_pages pages;
    kvc_pool keys, values;
    kvc_place *places; /* [P, KVC_PAGE]; NULL where slots stay */
} kvc_store;

/* Layers whose queries see a window, as in kvc_config; window 0: none do. */
enum { KVC_WINDOW_LAYERS = 64 }; /* that can have one */
typedef struct kvc_windows {
    size_t window;
    uint32_t layers[2];
} kvc_windows;

enum { KVC_WHOLE = 0, KVC_WINDOWED, KVC_STORES };

/* Which tokens matter least, by the cache's policy.
 *
 * What attention looks at is counted in integers: each weight rounded down to a multiple
 * of 2^-24. So the sums do not depend on the order of additions, and hence not on how a
 * text is split into chunks. Weights of queries that are not history yet are kept apart:
 * a pass can be dropped. */
typedef struct kvc_looks {
    size_t slots;    /* of a sequence, in whole pages */
    size_t layers;   /* the first ones are counted: all, but in a session not the last */
    size_t rows;     /* of `fresh`: 1, or as many as layers, each attended to by itself */
    uint64_t *sums;  /* [B, slots] of queries that are history; NULL: not counted */
    uint64_t *fresh; /* [B, rows, slots] of the others, 0 where there are none */
    double *importance; /* [slots] while a token is chosen; NULL where age decides */
    float *key;         /* [D] */
} kvc_looks;

/* What a sequence whose slots move holds no longer. */
typedef struct kvc_past {
    size_t gone;  /* tokens of the text that were evicted */
    size_t least; /* tokens of the text when the last of them were */
} kvc_past;

struct kvc_cache {
    kvc_cache_shape shape;
    kvc_windows windows;
    kvc_store stores[KVC_STORES];
    size_t n_stores;            /* KVC_STORES if there are windows, else 1 */
    size_t *length;             /* [B] */
    size_t *next_length;        /* [B] while sequences change places */
    kvc_past *past, *next_past; /* [B] */
    kvc_looks looks;
    kvc_counts *counts;         /* where reads and writes are counted, or NULL */
    kvc_events *events; /* a pointer: attention, which only reads a cache, records too */
};

/* Lays a cache into an arena: NULL while asking. The shape has been checked. Where there
 * are windows, what is written before the next advance is written in chunks of at most
 * KVC_CACHE_CHUNK slots, with kvc_cache_leave between them.
 *   windows: NULL for none   moves: whether slots move; not where there are windows */
enum { KVC_CACHE_CHUNK = 32 };
kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape,
                            const kvc_windows *windows, bool moves);

/* Where a layer is: its store, and its place among the layers of that. */
static inline bool kvc_is_windowed(const kvc_windows *windows, size_t layer)
{
    return windows->window > 0 && layer < KVC_WINDOW_LAYERS &&
           (windows->layers[layer / 32] >> layer % 32 & 1) != 0;
}

/* The tables that name the whole history. */
static inline const kvc_pages *kvc_cache_history(const kvc_cache *cache)
{
    return &cache->stores[KVC_WHOLE].pages;
}
const kvc_store *kvc_cache_store(const kvc_cache *cache, size_t layer, size_t *place);

/* Those of the first n_layer layers that have a window. */
size_t kvc_count_windowed(const kvc_windows *windows, size_t n_layer);

/* kvc_cache_append at a position of the caller's choice, its arguments checked. Numbers
 * that are not finite are stored as NaN unless the type is F32. */
void kvc_cache_write(kvc_cache *cache, size_t b, size_t layer, size_t position, size_t T,
                     const float *k, const float *v, size_t stride);

/* kvc_cache_append, its other arguments checked, behind `ahead` tokens that were appended
 * before and are not history yet. Errors: CACHE_FULL, NOT_FINITE. */
kvc_error kvc_cache_append_behind(kvc_cache *cache, size_t b, size_t layer, size_t ahead,
                                  size_t T, const float *k, const float *v,
                                  size_t stride);

/* Makes slots first .. first + n - 1 writable by sequence b alone: missing pages are
 * added, shared ones copied. */
void kvc_cache_claim(kvc_cache *cache, size_t b, size_t first, size_t n);

/* Tokens that are not history yet: queries from `position` on are all that is left of
 * them, so pages of them that no window reaches from there are given back. */
void kvc_cache_leave(kvc_cache *cache, size_t b, size_t position);

/* Takes back what was written beyond the history into layers with a window, and what was
 * looked at from there. */
void kvc_cache_abandon(kvc_cache *cache, size_t b);

/* The pages that layers with a window have given back of n tokens. */
size_t kvc_pages_gone(const kvc_cache *cache, size_t n);

/* Gives back the pages of the history that are out of reach. */
void kvc_cache_trim(kvc_cache *cache, size_t b);

/* True if sequence b, made n tokens long, has all that the next query's windows see. */
bool kvc_cache_reaches(const kvc_cache *cache, size_t b, size_t n);

/* The tokens of the text that sequence b has taken: those that it holds, and those that
 * are gone. */
static inline size_t kvc_cache_taken(const kvc_cache *cache, size_t b)
{
    return cache->length[b] + cache->past[b].gone;
}

/* Back to the first n of them. WINDOW_PASSED where what they had is gone; to 0 always. */
kvc_error kvc_cache_go_back(kvc_cache *cache, size_t b, size_t n);

/* The same; to 0 where what n of them had is gone. */
void kvc_cache_rewind(kvc_cache *cache, size_t b, size_t n);

/* The place of a slot of sequence b, where slots move. */
static inline kvc_place *kvc_cache_place(const kvc_cache *cache, size_t b, size_t slot)
{
    const kvc_store *store = &cache->stores[KVC_WHOLE];
    const size_t page = kvc_pages_of(&store->pages, b)[slot / KVC_PAGE];
    return &store->places[page * KVC_PAGE + slot % KVC_PAGE];
}

/* Whether there are slots that can move, and whether tokens of any sequence are gone. */
bool kvc_cache_moved(const kvc_cache *cache);
static inline bool kvc_cache_moves(const kvc_cache *cache)
{
    return cache->stores[KVC_WHOLE].places != NULL;
}

/* pages.filled[page] = the slots of each page of a store that hold tokens of any
 * sequence; returns their sum. */
size_t kvc_cache_fill(const kvc_cache *cache, const kvc_store *store);

/* Bytes of one token's K and V in all layers and heads of a store. */
size_t kvc_store_token_bytes(const kvc_store *store);

/* Gives an entry of a table back: the page is free if no other names it. */
void kvc_store_release(kvc_store *store, size_t b, size_t entry);

static inline size_t kvc_page_bytes(const kvc_format *format)
{
    return KVC_PAGE * format->vector_bytes;
}

/* ---- importance.c ------------------------------------------------------------------ */

/* A session asks its last layer for what comes of the last token alone. */
kvc_looks kvc_looks_layout(kvc_arena *arena, const kvc_cache_shape *shape,
                           bool in_session);

/* Where the queries of a layer are counted; NULL where they are not. */
uint64_t *kvc_looks_of(const kvc_cache *cache, size_t b, size_t layer);

/* Counts what a query looked at, unless looks is NULL.
 *   scores: kvc_softmax_terms, whose sum is `sum` */
void kvc_looks_count(uint64_t *looks, const float *scores, float sum, size_t first,
                     size_t end);

/* Drops what is not history: of one row of `fresh`, or of all. */
void kvc_looks_forget_layer(const kvc_cache *cache, size_t b, size_t layer);
void kvc_looks_forget(const kvc_cache *cache, size_t b);

/* T tokens behind the history become part of it, and what they looked at. */
void kvc_looks_advance(const kvc_cache *cache, size_t b, size_t T);

/* Slots first .. first + n - 1 are gone; later ones have moved down. */
void kvc_looks_evict(const kvc_cache *cache, size_t b, size_t first, size_t n);

/* Notes down, in place of what is not history, what sequence `to` will be; and makes it
 * that. */
void kvc_looks_prepare(const kvc_cache *cache, size_t to, size_t from);
void kvc_looks_become(const kvc_cache *cache, size_t to);

/* Nothing was looked at by anybody. */
void kvc_looks_clear(const kvc_cache *cache);

/* Within a saved state (cache_state.h): of all sequences; of B that were checked, whose
 * lengths are in next_length; of B that were read. */
void kvc_looks_write(const kvc_cache *cache, kvc_writer *writer);
kvc_error kvc_looks_check(const kvc_cache *cache, kvc_reader *reader, uint32_t B);
void kvc_looks_read(const kvc_cache *cache, kvc_reader *reader, uint32_t B);

/* ---- places in memory -------------------------------------------------------------- */

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
