/* plain_cache.h - what a cache should hold, as plain arrays without pages, and random
 * operations that are done to both. */
#ifndef PLAIN_CACHE_H
#define PLAIN_CACHE_H

#include "check.h"

enum { PLAIN_B = 6 }; /* sequences at most */

typedef struct plain_cache {
    kvc_cache_shape shape;
    float *k, *v; /* [L, B, S, H * D], as they come back from F32, F16 or I8 */
    size_t length[PLAIN_B];
} plain_cache;

plain_cache plain_new(const kvc_cache *cache);
void plain_free(plain_cache *m);

/* x as a cache of this type gives it back, the naive way.   out, x: [D] */
void plain_round(float *out, const float *x, size_t D, kvc_dtype type);

/* T random tokens for every layer of sequence b. */
void plain_append(plain_cache *m, kvc_cache *cache, size_t b, size_t T, uint64_t *state);

/* One random operation: append, abandon (append without advance), truncate, evict, fork,
 * reorder, drop, keep, reset. */
void plain_operate(plain_cache *m, kvc_cache *cache, uint64_t *state);

/* Every length and every number is as it should be, bit for bit, and the slots that hold
 * tokens are counted right, shared ones once. */
void plain_check(const plain_cache *m, const kvc_cache *cache);

#endif
