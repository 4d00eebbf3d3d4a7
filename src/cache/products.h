/* products.h - what attention computes with a page of narrow numbers: scores from keys,
 * weighted sums from values. (Pages of floats are panels as kvc_accumulate takes them.)
 *
 * Halves are widened in registers: the bits are those of a cache of floats that holds
 * the same numbers. Integers are multiplied by integers. A query is scaled to 16 bits
 * for each head, so that an element is off by at most 2^-15 of the largest; weights times
 * the scales of their values for each page and block of channels, by at most 2^-15 of the
 * largest there. Either is little beside the half step of 1/127 or 1/7 that the numbers
 * themselves are off. The scales are powers of two, and sums of products exact. */
#ifndef KVC_PRODUCTS_H
#define KVC_PRODUCTS_H

#include "cache/vectors.h"

/* Floats that a query takes as the keys of a format want it. */
size_t kvc_query_floats(size_t head_dim);

/* q as keys want it, which is q itself where they are floats: a pointer to it, for
 * kvc_page_score.   room: [kvc_query_floats(D)]   q: [D] */
void kvc_query_prepare(const kvc_format *keys, float *room, const float *q);

/* scores[j] = q . k[j] for all slots of a page; of those that hold nothing, garbage.
 *   scores: [KVC_PAGE]   query: prepared */
void kvc_page_score(const kvc_format *keys, float *restrict scores, const float *query,
                    const void *page);

/* y += sum_j weights[j] v[j] over the slots of a page. Weights are those of a softmax,
 * the largest of which is 1: a page in which none reaches 2^-30 is not read, and the
 * answer false.   y: [D]   weights: [KVC_PAGE], zeros for slots that are not seen */
bool kvc_page_mix(const kvc_format *values, float *restrict y, const float *weights,
                  const void *page);

#endif
