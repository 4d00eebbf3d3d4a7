#include "cache/attention.h"

#include <string.h>

#include "base/number.h"
#include "base/simd.h"
#include "cache/places.h"
#include "kernels/accumulate.h"
#include "kernels/softmax.h"
#include "kernels/vector.h"

enum { QUERIES = 2 }; /* queries that share one walk over keys and values */

/* One head of one layer and sequence, what is seen of it, and room to work. */
typedef struct head {
    const kvc_cache *cache;
    const kvc_store *store; /* where the layer is */
    kvc_view view;
    const uint32_t *table;        /* the sequence's pages */
    void *keys, *values;          /* kvc_pool_head */
    size_t D, width;              /* width: of a row of scores, in floats: whole pages */
    float *scores;                /* [QUERIES, width] */
    float *widened;               /* [KVC_PAGE * D] a page of F16 or I8 as floats */
    float *turned;                /* [QUERIES, D] where slots move */
    const kvc_stretch *stretches; /* of all that is seen; NULL where slots stay */
} head;

size_t kvc_attend_scratch(size_t capacity, size_t head_dim, bool moves)
{
    const size_t width = kvc_round_up(capacity, KVC_PAGE);
    const size_t moving = moves ? QUERIES * head_dim + kvc_stretch_floats(width) : 0;
    return QUERIES * width + KVC_PAGE * head_dim + moving;
}

size_t kvc_attention_scratch(const kvc_cache *cache)
{
    return kvc_attend_scratch(cache->shape.capacity, cache->shape.head_dim,
                              kvc_cache_moves(cache));
}

static head head_of(const kvc_cache *cache, size_t b, size_t layer, size_t kv_head,
                    kvc_view view, const kvc_stretch *stretches, float *scratch)
{
    size_t place;
    const kvc_store *store = kvc_cache_store(cache, layer, &place);
    const size_t index = place * cache->shape.n_kv_head + kv_head;
    const size_t width = kvc_round_up(cache->shape.capacity, KVC_PAGE);
    return (head){.cache = cache,
                  .store = store,
                  .view = view,
                  .table = kvc_pages_of(&store->pages, b),
                  .keys = kvc_pool_head(&store->keys, index),
                  .values = kvc_pool_head(&store->values, index),
                  .D = cache->shape.head_dim,
                  .width = width,
                  .scores = scratch,
                  .widened = scratch + QUERIES * width,
                  .turned = scratch + QUERIES * width + KVC_PAGE * cache->shape.head_dim,
                  .stretches = stretches};
}

/* The page that has a slot, as floats: F32 in place, widened otherwise.
 *   pages: keys or values */
static const float *page_of(const head *h, const kvc_format *format, void *pages,
                            size_t slot)
{
    const void *stored = kvc_page_at(format, pages, h->table[slot / KVC_PAGE]);
    if (format->type == KVC_F32)
        return stored;
    kvc_page_widen(format, h->widened, stored);
    return h->widened;
}

/* The first slot that a query sees whose own is end - 1. */
static size_t first_seen(kvc_view view, size_t end)
{
    return view.window > 0 && end > view.window ? end - view.window : 0;
}

/* scores[r,j] = q[r] . k[j] for slots first .. end - 1; lanes beyond them, up to whole
 * vectors, hold garbage.
 *   q: [rows, D], row stride `stride` */
static void score(const head *h, const float *restrict q, size_t stride, size_t rows,
                  size_t first, size_t end)
{
    const size_t begin = first / 4 * 4, all = kvc_round_up(end, 4) - begin;
    for (size_t r = 0; r < rows; r++)
        memset(h->scores + r * h->width + begin, 0, all * sizeof *h->scores);
    for (size_t slot = begin, next; slot < end; slot = next) {
        const float *keys = page_of(h, &h->store->keys.format, h->keys, slot);
        next = kvc_min(end, kvc_round_up(slot + 1, KVC_PAGE));
        kvc_accumulate(h->scores + slot, h->width, q, stride, keys + slot % KVC_PAGE,
                       KVC_PAGE, rows, h->D, kvc_round_up(next - slot, 4));
    }
}

/* The same for queries from a position on, turned where slots move: then first is 0. */
static void score_placed(const head *h, const float *restrict q, size_t stride,
                         size_t rows, size_t position, size_t first, size_t end)
{
    const kvc_stretch *s = h->view.turns ? h->stretches : NULL;
    float kept[QUERIES][3]; /* lanes of a first vector that are another stretch's */
    if (!s)
        score(h, q, stride, rows, first, end);
    for (; s && first < end; first = s++->end) {
        const size_t n = first % 4;
        float *before = h->scores + first - n;
        const size_t place = position + s->moved;
        kvc_turn(h->turned, q, stride, rows, h->D, h->view.turns + place * h->view.turned,
                 h->view.turned);
        for (size_t r = 0; r < rows; r++)
            memcpy(kept[r], before + r * h->width, n * sizeof *q);
        score(h, h->turned, h->D, rows, first, kvc_min(s->end, end));
        for (size_t r = 0; r < rows; r++)
            memcpy(before + r * h->width, kept[r], n * sizeof *q);
    }
}

/* scores[j] += what the query of a position gains, for slots first .. end - 1, and the
 * lanes that score() wrote.   scores: of one row */
static void add_bias(const head *h, float *scores, size_t position, size_t first,
                     size_t end)
{
    const size_t begin = first / 4 * 4;
    const float *bias = h->view.bias.at + ((ptrdiff_t)begin - (ptrdiff_t)position);
    kvc_add(scores + begin, bias, kvc_round_up(end, 4) - begin);
}

/* The number of slots from `slot` on, at most `most`, whose values are contiguous. */
static size_t run_length(const head *h, size_t slot, size_t most)
{
    size_t i = slot / KVC_PAGE, n = KVC_PAGE - slot % KVC_PAGE;
    if (h->store->values.format.type == KVC_F32)
        for (; n < most && h->table[i + 1] == h->table[i] + 1; i++)
            n += KVC_PAGE;
    return kvc_min(n, most);
}

/* y[r] += sum_j scores[r,j] v[j] over n slots from first on, j ascending.
 *   y: [rows, D], row stride `stride`   scores: those of the first row */
static void mix(const head *h, float *restrict y, size_t stride, const float *scores,
                size_t rows, size_t first, size_t n)
{
    for (size_t slot = first, run; slot < first + n; slot += run) {
        run = run_length(h, slot, first + n - slot);
        const float *values = page_of(h, &h->store->values.format, h->values, slot);
        kvc_accumulate(y, stride, scores + slot, h->width,
                       values + slot % KVC_PAGE * h->D, h->D, rows, run, h->D);
    }
}

/* Counts two multiply-adds of D for each slot that each query sees, and one walk over the
 * slots that any of them sees. */
static void count(const head *h, size_t rows, size_t n, size_t step)
{
    kvc_counts *counts = h->cache->counts;
    if (!counts)
        return;
    for (size_t r = 0, end = n; r < rows; r++, end += step)
        counts->attention_macs += 2 * (end - first_seen(h->view, end)) * h->D;
    counts->cache_bytes_read +=
        (n + (rows - 1) * step - first_seen(h->view, n)) *
        (h->store->keys.format.vector_bytes + h->store->values.format.vector_bytes);
}

/* Attention of up to QUERIES successive queries from a position on: the first sees slots
 * up to n - 1, each later one `step` more. */
static void attend_head(const head *h, float *restrict y, const float *restrict q,
                        size_t stride, size_t rows, size_t position, size_t n,
                        size_t step)
{
    const size_t last = n + (rows - 1) * step, shared = first_seen(h->view, last);
    float sum[QUERIES];
    count(h, rows, n, step);
    score_placed(h, q, stride, rows, position, first_seen(h->view, n), last);
    for (size_t r = 0; r < rows; r++) {
        const size_t end = n + r * step;
        const size_t first = first_seen(h->view, end);
        float *scores = h->scores + r * h->width;
        if (h->view.bias.at)
            add_bias(h, scores, position + r, first, end);
        sum[r] = kvc_softmax_terms(scores, first, end, h->view.scale);
        memset(y + r * stride, 0, h->D * sizeof *y);
        mix(h, y + r * stride, stride, scores, 1, first, shared - first);
    }
    mix(h, y, stride, h->scores, rows, shared, n - shared); /* what all of them see */
    for (size_t r = 1; r < rows; r++)                       /* and only later ones */
        mix(h, y + r * stride, stride, h->scores + r * h->width, 1, n, r * step);
    for (size_t r = 0; r < rows; r++)
        kvc_scale(y + r * stride, 1.0f / sum[r], h->D);
}

static kvc_view view_of_head(kvc_view view, size_t i)
{
    if (view.bias.at)
        view.bias.at += i * view.bias.stride;
    return view;
}

/* Query t, of position + t, sees slots up to n + t * step - 1. */
static void attend(float *restrict y, const float *restrict q, size_t T, size_t n_head,
                   const kvc_cache *cache, size_t b, size_t layer, kvc_view view,
                   size_t position, size_t n, size_t step, float *restrict scratch)
{
    const size_t D = cache->shape.head_dim, stride = n_head * D;
    const size_t group = n_head / cache->shape.n_kv_head;
    float *room = scratch + kvc_attention_scratch(cache);
    const kvc_stretch *all =
        T > 0 ? kvc_find_stretches(cache, b, n + (T - 1) * step, room) : NULL;
    for (size_t i = 0; i < n_head; i++) {
        const size_t kv_head = i / group;
        const kvc_view own = view_of_head(view, i);
        const head h = head_of(cache, b, layer, kv_head, own, all, scratch);
        for (size_t t = 0; t < T; t += QUERIES)
            attend_head(&h, y + t * stride + i * D, q + t * stride + i * D, stride,
                        kvc_min(QUERIES, T - t), position + t, n + t * step, step);
    }
    if (T > 0)
        kvc_events_record(cache->events, KVC_EVENT_READ, b, layer, first_seen(view, n),
                          n + (T - 1) * step - first_seen(view, n), SIZE_MAX);
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
    const head h = head_of(cache, b, layer, kv_head, own, all, scratch);
    const size_t first = first_seen(view, n);
    score_placed(&h, q, h.D, 1, n - 1, first, n);
    if (own.bias.at)
        add_bias(&h, h.scores, n - 1, first, n);
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
