#include "cache/attention.h"

#include <string.h>

#include "base/number.h"
#include "base/simd.h"
#include "cache/products.h"
#include "cache/walk.h"
#include "kernels/softmax.h"

size_t kvc_attend_scratch(size_t capacity, size_t head_dim, bool moves)
{
    const size_t width = kvc_round_up(capacity, KVC_PAGE);
    const size_t moving = moves ? KVC_QUERIES * head_dim + kvc_stretch_floats(width) : 0;
    return KVC_QUERIES * (width + kvc_query_floats(head_dim)) + moving;
}

size_t kvc_attention_scratch(const kvc_cache *cache)
{
    return kvc_attend_scratch(cache->shape.capacity, cache->shape.head_dim,
                              kvc_cache_moves(cache));
}

float kvc_usual_scale(size_t head_dim)
{
    return 1.0f / kvc_sqrt((float)head_dim);
}

static kvc_head head_of(const kvc_cache *cache, size_t b, size_t layer, size_t kv_head,
                        kvc_view view, const kvc_stretch *stretches, float *scratch)
{
    size_t place;
    const kvc_store *store = kvc_cache_store(cache, layer, &place);
    const size_t index = place * cache->shape.n_kv_head + kv_head;
    const size_t width = kvc_round_up(cache->shape.capacity, KVC_PAGE);
    float *queries = scratch + KVC_QUERIES * width;
    const size_t D = cache->shape.head_dim;
    return (kvc_head){.cache = cache,
                      .store = store,
                      .view = view,
                      .table = kvc_pages_of(&store->pages, b),
                      .keys = kvc_pool_head(&store->keys, index),
                      .values = kvc_pool_head(&store->values, index),
                      .D = D,
                      .width = width,
                      .scores = scratch,
                      .queries = queries,
                      .turned = queries + KVC_QUERIES * kvc_query_floats(D),
                      .stretches = stretches};
}

/* What one head of queries sees. */
static kvc_view view_of_head(kvc_view view, size_t i)
{
    if (view.bias.at)
        view.bias.at += i * view.bias.stride;
    return view;
}

/* The queries of one token in all heads that share one of keys. */
static void attend_heads(float *restrict y, const float *restrict q, size_t group,
                         const kvc_head *h, size_t position, size_t n)
{
    for (size_t i = 0; i < group; i += KVC_QUERIES) {
        kvc_head own = *h;
        own.view = view_of_head(h->view, i);
        kvc_attend_queries(&own, &(kvc_queries){.y = y + i * h->D,
                                                .q = q + i * h->D,
                                                .stride = h->D,
                                                .count = kvc_min(KVC_QUERIES, group - i),
                                                .position = position,
                                                .n = n,
                                                .together = true});
    }
}

enum { PAIR = 2 }; /* successive queries that share a walk */

/* T queries of one head: those of position + t see slots up to n + t * step - 1. */
static void attend_head(float *restrict y, const float *restrict q, size_t stride,
                        size_t T, const kvc_head *h, size_t position, size_t n,
                        size_t step)
{
    for (size_t t = 0; t < T; t += PAIR)
        kvc_attend_queries(h, &(kvc_queries){.y = y + t * stride,
                                             .q = q + t * stride,
                                             .stride = stride,
                                             .count = kvc_min(PAIR, T - t),
                                             .position = position + t,
                                             .n = n + t * step,
                                             .step = step});
}

/* Query t, of position + t, sees slots up to n + t * step - 1. */
static void attend(float *restrict y, const float *restrict q, size_t T, size_t n_head,
                   const kvc_cache *cache, size_t b, size_t layer, kvc_view view,
                   size_t position, size_t n, size_t step, float *restrict scratch)
{
    const size_t D = cache->shape.head_dim, stride = n_head * D;
    const size_t group = n_head / cache->shape.n_kv_head, together = T == 1 ? group : 1;
    float *room = scratch + kvc_attention_scratch(cache);
    const kvc_stretch *all =
        T > 0 ? kvc_find_stretches(cache, b, n + (T - 1) * step, room) : NULL;
    for (size_t i = 0; i < n_head; i += together) {
        const size_t kv_head = i / group;
        const kvc_view own = view_of_head(view, i);
        kvc_head h = head_of(cache, b, layer, kv_head, own, all, scratch);
        h.looks = step > 0 ? kvc_looks_of(cache, b, layer) : NULL;
        if (T == 1)
            attend_heads(y + i * D, q + i * D, group, &h, position, n);
        else
            attend_head(y + i * D, q + i * D, stride, T, &h, position, n, step);
    }
    if (T > 0)
        kvc_events_record(cache->events, KVC_EVENT_READ, b, layer,
                          kvc_first_seen(view, n),
                          n + (T - 1) * step - kvc_first_seen(view, n), SIZE_MAX);
}

void kvc_attend(float *restrict y, const float *restrict q, size_t T, size_t n_head,
                const kvc_cache *cache, size_t b, size_t layer, kvc_view view,
                size_t position, float *restrict scratch)
{
    const size_t n = position + 1; /* each query sees itself last */
    attend(y, q, T, n_head, cache, b, layer, view, position, n, 1, scratch);
}

void kvc_attend_all(float *restrict y, const float *restrict q, size_t T, size_t n_head,
                    const kvc_cache *cache, size_t layer, kvc_view view, size_t position,
                    size_t n, float *restrict scratch)
{
    attend(y, q, T, n_head, cache, 0, layer, view, position, n, 0, scratch);
}

void kvc_attend_weights(float *restrict weights, const float *restrict q, size_t n,
                        size_t head_index, size_t n_head, const kvc_cache *cache,
                        size_t b, size_t layer, kvc_view view, float *restrict scratch)
{
    const size_t kv_head = head_index / (n_head / cache->shape.n_kv_head);
    const kvc_view own = view_of_head(view, head_index);
    float *room = scratch + kvc_attention_scratch(cache);
    const kvc_stretch *all = kvc_find_stretches(cache, b, n, room);
    const kvc_head h = head_of(cache, b, layer, kv_head, own, all, scratch);
    const kvc_queries one = {.q = q, .stride = h.D, .count = 1, .position = n - 1};
    const size_t first = kvc_first_seen(view, n);
    kvc_head_score(&h, &one, first, n);
    kvc_head_add_bias(&h, &one, 0, first, n);
    const float sum = kvc_softmax_terms(h.scores, first, n, view.scale);
    memset(weights, 0, first * sizeof *weights);
    for (size_t j = first; j < n; j++)
        weights[j] = h.scores[j] * (1.0f / sum);
}

/* Everything, in the usual scale: what the public functions have queries see. */
static kvc_view whole(const kvc_cache *cache)
{
    return (kvc_view){.scale = kvc_usual_scale(cache->shape.head_dim)};
}

static kvc_error check(const float *y, const float *q, size_t T, size_t n_head,
                       const kvc_cache *cache, size_t b, size_t layer,
                       const float *scratch)
{
    const kvc_cache_shape *s = &cache->shape;
    if (!y || !q || !scratch || T == 0 || n_head == 0 || n_head % s->n_kv_head != 0)
        return KVC_ERR_INVALID_ARGUMENT;
    return b < s->batch && layer < s->n_layer ? KVC_OK : KVC_ERR_POSITION_OUT_OF_RANGE;
}

kvc_error kvc_attention(float *y, const float *q, size_t T, size_t n_head,
                        const kvc_cache *cache, size_t b, size_t layer, float *scratch)
{
    const kvc_error error = check(y, q, T, n_head, cache, b, layer, scratch);
    if (error)
        return error;
    const size_t length = cache->length[b];
    if (T > cache->shape.capacity - length)
        return KVC_ERR_CACHE_FULL;
    if (kvc_cache_history(cache)->held[b] < kvc_pages_for(length + T)) /* none appended */
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    kvc_looks_forget_layer(cache, b, layer);
    kvc_attend(y, q, T, n_head, cache, b, layer, whole(cache), length, scratch);
    return KVC_OK;
}

kvc_error kvc_cross_attention(float *y, const float *q, size_t T, size_t n_head,
                              const kvc_cache *cache, size_t b, size_t layer,
                              float *scratch)
{
    const kvc_error error = check(y, q, T, n_head, cache, b, layer, scratch);
    if (error)
        return error;
    if (cache->length[b] == 0)
        return KVC_ERR_NOT_READY;
    const size_t length = cache->length[b];
    attend(y, q, T, n_head, cache, b, layer, whole(cache), 0, length, 0, scratch);
    return KVC_OK;
}
