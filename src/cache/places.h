/* places.h - sequences whose slots move: how queries see keys that have moved. */
#ifndef KVC_PLACES_H
#define KVC_PLACES_H

#include "cache/cache.h"

/* Slots up to end - 1, from where the one before ends, that were all written so many
 * places further up. */
typedef struct kvc_stretch {
    uint32_t end, moved;
} kvc_stretch;

/* Room for those of n slots. */
static inline size_t kvc_stretch_floats(size_t n)
{
    return n * sizeof(kvc_stretch) / sizeof(float);
}

/* Those of the first n slots of sequence b, in the room before `end`; NULL where slots
 * stay. */
kvc_stretch *kvc_find_stretches(const kvc_cache *cache, size_t b, size_t n, float *end);

/* Queries, turned: each by its own row of turns, or all by the first.
 *   turned: [rows, D] out   q: [rows, D], row stride `stride`   turns: [rows, r] */
void kvc_turn(float *restrict turned, const float *restrict q, size_t stride, size_t rows,
              size_t D, const float *restrict turns, size_t r, bool same);

#endif
