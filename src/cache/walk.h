/* walk.h - one walk of a few queries over the pages of one head: scores, softmax,
 * weighted sums. */
#ifndef KVC_WALK_H
#define KVC_WALK_H

#include "cache/places.h"
#include "cache/view.h"

enum { KVC_QUERIES = 4 }; /* that share one walk over keys and values */

/* One head of one layer and sequence, what is seen of it, and room to work. */
typedef struct kvc_head {
    const kvc_cache *cache;
    const kvc_store *store; /* where the layer is */
    kvc_view view;
    const uint32_t *table; /* the sequence's pages */
    void *keys, *values;   /* kvc_pool_head */
    size_t D, width;       /* width: of a row of scores, in floats: whole pages */
    float *scores;         /* [KVC_QUERIES, width] */
    float *queries; /* [KVC_QUERIES, kvc_query_floats(D)] as narrow keys want them */
    float *turned;  /* [KVC_QUERIES, D] where slots move */
    const kvc_stretch *stretches; /* of all that is seen; NULL where slots stay */
    uint64_t *looks;              /* kvc_looks_of, or NULL */
} kvc_head;

/* Up to KVC_QUERIES queries of one head of keys: successive ones of one head, or those of
 * one token in successive heads. */
typedef struct kvc_queries {
    float *y;
    const float *q; /* [count, D], as y */
    size_t stride;  /* of rows of y and q, in floats */
    size_t count;
    size_t position; /* of the first */
    size_t n, step;  /* the first sees slots up to n - 1, each later one `step` more */
    bool together;   /* of one token, and so of one position */
} kvc_queries;

/* The first slot that a query sees whose own is end - 1. */
size_t kvc_first_seen(kvc_view view, size_t end);

/* scores[r,j] = q[r] . k[j] for slots first .. end - 1, of queries that are turned where
 * slots move; lanes beyond them, up to whole vectors, hold garbage. */
void kvc_head_score(const kvc_head *h, const kvc_queries *q, size_t first, size_t end);

/* What query r gains by distance is added to its scores, where anything is, for slots
 * first .. end - 1 and up to whole vectors. */
void kvc_head_add_bias(const kvc_head *h, const kvc_queries *q, size_t r, size_t first,
                       size_t end);

/* Attention of these queries: y. */
void kvc_attend_queries(const kvc_head *h, const kvc_queries *q);

#endif
