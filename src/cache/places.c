/* places.c - sequences whose slots move: what they hold of the text, and what is gone.
 *
 * A key is turned once, for the place at which it is written, and its bits stay. When
 * slots before it are evicted, it moves down by n, and whoever asks turns the query for n
 * places more instead: only the difference counts. So places are always below the
 * capacity, and no key is rounded again, however often it moves. */
#include "cache/places.h"

#include <string.h>

#include "base/number.h"

/* ---- the past ---------------------------------------------------------------------- */

kvc_error kvc_cache_go_back(kvc_cache *cache, size_t b, size_t n)
{
    kvc_past *past = &cache->past[b];
    const bool counted = cache->looks.sums && n < kvc_cache_taken(cache, b);
    /* Where looks are counted, what was counted stays. */
    if (n > 0 && (n < past->least || counted))
        return KVC_ERR_WINDOW_PASSED;
    const kvc_error error = kvc_cache_truncate(cache, b, n > 0 ? n - past->gone : 0);
    if (!error && n == 0)
        *past = (kvc_past){0};
    return error;
}

void kvc_cache_rewind(kvc_cache *cache, size_t b, size_t n)
{
    if (kvc_cache_go_back(cache, b, n))
        kvc_cache_go_back(cache, b, 0);
}

bool kvc_cache_moved(const kvc_cache *cache)
{
    for (size_t b = 0; b < cache->shape.batch; b++)
        if (cache->past[b].gone > 0)
            return true;
    return false;
}

/* ---- attention --------------------------------------------------------------------- */

kvc_stretch *kvc_find_stretches(const kvc_cache *cache, size_t b, size_t n, float *end)
{
    const size_t width = kvc_round_up(cache->shape.capacity, KVC_PAGE);
    if (!kvc_cache_moves(cache))
        return NULL;
    kvc_stretch *all = (kvc_stretch *)(end - kvc_stretch_floats(width)), *last = NULL;
    for (uint32_t slot = 0; slot < n; slot++) {
        const uint32_t moved = kvc_cache_place(cache, b, slot)->written - slot;
        if (!last || last->moved != moved)
            last = last ? last + 1 : all;
        *last = (kvc_stretch){slot + 1, moved};
    }
    return all;
}

void kvc_turn(float *restrict turned, const float *restrict q, size_t stride, size_t rows,
              size_t D, const float *restrict turns, size_t r, bool same)
{
    const size_t half = r / 2;
    for (size_t t = 0; t < rows; t++, turned += D, q += stride, turns += same ? 0 : r) {
        for (size_t i = 0; i < half; i++) { /* kvc_rotate, from one place into another */
            turned[i] = q[i] * turns[i] - q[half + i] * turns[half + i];
            turned[half + i] = q[half + i] * turns[i] + q[i] * turns[half + i];
        }
        memcpy(turned + r, q + r, (D - r) * sizeof *q);
    }
}
