#include "attention.h"

#include <string.h>

#include "cache.h"
#include "kernels.h"

enum { QUERIES = 2 }; /* that share one walk over keys and values */

size_t kvc_attention_scratch(size_t capacity)
{
    return QUERIES * kvc_round_up(capacity, 4);
}

/* scores[r,j] = q[r] . k[j] for the first n slots; lanes beyond n hold garbage.
 *   scores: [rows, stride]   q: [rows, D], row stride q_stride */
static void score(float *restrict scores, size_t stride, const float *restrict q,
                  size_t q_stride, size_t rows, const kvc_cache *cache, const float *keys,
                  size_t n)
{
    const size_t D = cache->shape.head_dim;
    for (size_t r = 0; r < rows; r++)
        memset(scores + r * stride, 0, kvc_round_up(n, 4) * sizeof *scores);
    for (size_t first = 0; first < n; first += KVC_KEY_PANEL)
        kvc_accumulate(scores + first, stride, q, q_stride, keys + first * D,
                       kvc_key_panel_width(cache, first), rows, D,
                       kvc_round_up(kvc_min(KVC_KEY_PANEL, n - first), 4));
}

/* Attention of up to QUERIES successive queries of one head, the first of which sees n
 * slots. */
static void attend_head(float *restrict y, const float *restrict q, size_t stride,
                        size_t rows, const kvc_cache *cache, const float *keys, size_t n,
                        float *restrict scores)
{
    const size_t D = cache->shape.head_dim;
    const size_t width = kvc_round_up(cache->shape.capacity, 4);
    const float *values = keys + cache->shape.capacity * D;
    const float scale = 1.0f / kvc_sqrt((float)D);
    float sum[QUERIES];
    score(scores, width, q, stride, rows, cache, keys, n + rows - 1);
    for (size_t r = 0; r < rows; r++) {
        sum[r] = kvc_softmax_terms(scores + r * width, n + r, scale);
        memset(y + r * stride, 0, D * sizeof *y);
    }
    kvc_accumulate(y, stride, scores, width, values, D, rows, n,
                   D);                /* what all of them see */
    for (size_t r = 1; r < rows; r++) /* what only later ones do */
        kvc_accumulate(y + r * stride, stride, scores + r * width + n, width,
                       values + n * D, D, 1, r, D);
    for (size_t r = 0; r < rows; r++)
        kvc_scale(y + r * stride, 1.0f / sum[r], D);
}

void kvc_attend(float *restrict y, const float *restrict q, size_t T, size_t n_head,
                const kvc_cache *cache, size_t b, size_t layer, size_t position,
                float *restrict scratch)
{
    const size_t D = cache->shape.head_dim, stride = n_head * D;
    const size_t group = n_head / cache->shape.n_kv_head;
    for (size_t h = 0; h < n_head; h++) {
        const float *keys = kvc_cache_head(cache, b, layer, h / group);
        for (size_t t = 0; t < T; t += QUERIES)
            attend_head(y + t * stride + h * D, q + t * stride + h * D, stride,
                        kvc_min(QUERIES, T - t), cache, keys, position + t + 1, scratch);
    }
}

kvc_error kvc_attention(float *y, const float *q, size_t T, size_t n_head,
                        const kvc_cache *cache, size_t b, size_t layer, float *scratch)
{
    const kvc_cache_shape *s = &cache->shape;
    if (!y || !q || !scratch || T == 0 || n_head == 0 || n_head % s->n_kv_head != 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (b >= s->batch || layer >= s->n_layer)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (T > s->capacity - cache->length[b])
        return KVC_ERR_CACHE_FULL;
    kvc_attend(y, q, T, n_head, cache, b, layer, cache->length[b], scratch);
    return KVC_OK;
}
