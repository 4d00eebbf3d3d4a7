/* attention.h - cached attention at a position of the caller's choice. */
#ifndef KVC_ATTENTION_H
#define KVC_ATTENTION_H

#include "cache/view.h"
#include "kvc.h"

/* 1 / sqrt(D) */
float kvc_usual_scale(size_t head_dim);

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
