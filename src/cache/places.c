/* places.c - sequences whose slots move: what they hold of the text, and what is gone.
 *
 * A key is turned once, for the place at which it is written, and its bits stay. When
 * slots before it are evicted, it moves down by n, and whoever asks turns the query for n
 * places more instead: only the difference counts. So places are always below the
 * capacity, and no key is rounded again, however often it moves. */
#include "cache/places.h"

#include <string.h>

#include "base/number.h"
#include "kernels/rotary.h"

/* ---- the past ---------------------------------------------------------------------- */

kvc_error kvc_cache_go_back(kvc_cache *cache, size_t b, size_t n)
{
    kvc_past *past = &cache->past[b];
    if (n > 0 && n < past->least)
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

/* ---- attention --------------------------------------------------------------------- */

kvc_stretch *kvc_find_stretches(const kvc_cache *cache, size_t b, size_t n, kvc_view view,
                                float *scratch)
{
    if (!kvc_cache_moves(cache) || !view.turns)
        return NULL;
    const size_t width = kvc_round_up(cache->shape.capacity, KVC_PAGE);
    void *all = scratch + kvc_attention_scratch(cache) - kvc_stretch_floats(width);
    kvc_stretch *last = NULL;
    for (uint32_t slot = 0; slot < n; slot++) {
        const uint32_t moved = kvc_cache_place(cache, b, slot)->written - slot;
        if (!last || last->moved != moved)
            last = last ? last + 1 : all;
        *last = (kvc_stretch){slot + 1, moved};
    }
    return all;
}

void kvc_turn(float *restrict turned, const float *restrict q, size_t stride, size_t rows,
              size_t D, kvc_view view, size_t place, bool same)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(turned + r * D, q + r * stride, D * sizeof *q);
    kvc_rotate(turned, view.turns + place * view.turned, same ? 1 : rows, same ? rows : 1,
               D, view.turned);
}
