/* attention.h - cached attention at a position of the caller's choice. */
#ifndef KVC_ATTENTION_H
#define KVC_ATTENTION_H

#include "base/simd.h"
#include "kvc.h"

/* What scores gain by distance, before they are scaled, in head h: at[h * stride + j - i]
 * for the key of slot j and the query of position i. Whole vectors are read: j goes on to
 * a multiple of 4. */
typedef struct kvc_bias {
    float *at; /* of distance 0 in head 0; NULL: nothing */
    size_t stride;
} kvc_bias;

/* What queries see. Slots before the window are neither read nor weighed: the bits are
 * the same whether they still hold K and V or not. */
typedef struct kvc_view {
    size_t window; /* slots, that of the query itself the last; 0: all */
    float scale;   /* of q . k */
    kvc_bias bias;
    const float
        *turns;    /* [2S, turned] by place, of queries that are not turned yet: those
                           of a cache whose slots move; else not looked at */
    size_t turned; /* numbers of a head that turn */
} kvc_view;

/* 1 / sqrt(D) */
static inline float kvc_usual_scale(size_t head_dim)
{
    return 1.0f / kvc_sqrt((float)head_dim);
}

/* kvc_attention with the first query at a given position, its arguments checked. */
void kvc_attend(float *restrict y, const float *restrict q, size_t T, size_t n_head,
                const kvc_cache *cache, size_t b, size_t layer, kvc_view view,
                size_t position, float *restrict scratch);

/* The same without a mask: every query sees n slots of sequence 0. */
void kvc_attend_all(float *restrict y, const float *restrict q, size_t T, size_t n_head,
                    const kvc_cache *cache, size_t layer, kvc_view view, size_t position,
                    size_t n, float *restrict scratch);

/* The weights that a query gives the first n slots, n > 0: the softmax of kvc_attend, to
 * the bit; 0 before the window.
 *   weights: [n] out   q: [D] of one of n_head */
void kvc_attend_weights(float *restrict weights, const float *restrict q, size_t n,
                        size_t head, size_t n_head, const kvc_cache *cache, size_t b,
                        size_t layer, kvc_view view, float *restrict scratch);

/* kvc_attention_scratch before there is a cache, in floats.   moves: its slots do */
size_t kvc_attend_scratch(size_t capacity, size_t head_dim, bool moves);

#endif
