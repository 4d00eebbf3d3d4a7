#include "cache/walk.h"

#include <string.h>

#include "base/number.h"
#include "base/simd.h"
#include "cache/products.h"
#include "kernels/accumulate.h"
#include "kernels/softmax.h"
#include "kernels/vector.h"

size_t kvc_first_seen(kvc_view view, size_t end)
{
    return view.window > 0 && end > view.window ? end - view.window : 0;
}

/* The page that has a slot.   pages: keys or values */
static void *page_of(const kvc_head *h, const kvc_format *format, void *pages,
                     size_t slot)
{
    return kvc_page_at(format, pages, h->table[slot / KVC_PAGE]);
}

/* Asks for what lies two pages on: the prefetchers of a processor stop where pages of its
 * memory end, every 4 KB, as ours do for each 64 floats of a head. Elsewhere it costs. */
static void fetch_ahead(const kvc_head *h, const kvc_format *format, void *pages,
                        size_t slot, size_t end)
{
    if (format->head_dim % 64 == 0)
        kvc_fetch(page_of(h, format, pages, kvc_min(slot + 2 * KVC_PAGE, end - 1)));
}

/* Added to what is there: zeros. */
static void score_floats(const kvc_head *h, const float *restrict q, size_t stride,
                         size_t rows, size_t first, size_t end)
{
    const size_t begin = first / 4 * 4;
    for (size_t slot = begin, next; slot < end; slot = next) {
        const float *keys = page_of(h, &h->store->keys.format, h->keys, slot);
        next = kvc_min(end, kvc_round_up(slot + 1, KVC_PAGE));
        fetch_ahead(h, &h->store->keys.format, h->keys, slot, end);
        kvc_accumulate(h->scores + slot, h->width, q, stride, keys + slot % KVC_PAGE,
                       KVC_PAGE, rows, h->D, kvc_round_up(next - slot, 4));
    }
}

static void score_narrow(const kvc_head *h, const float *restrict q, size_t stride,
                         size_t rows, size_t first, size_t end)
{
    const kvc_format *format = &h->store->keys.format;
    const size_t floats = kvc_query_floats(h->D);
    for (size_t r = 0; r < rows; r++)
        kvc_query_prepare(format, h->queries + r * floats, q + r * stride);
    for (size_t slot = first / KVC_PAGE * KVC_PAGE; slot < end; slot += KVC_PAGE) {
        const void *keys = page_of(h, format, h->keys, slot);
        const size_t from = first > slot ? first - slot : 0;
        const size_t to = kvc_min(end - slot, KVC_PAGE);
        for (size_t r = 0; r < rows; r++) {
            float page[KVC_PAGE];
            kvc_page_score(format, page, h->queries + r * floats, keys);
            memcpy(h->scores + r * h->width + slot + from, page + from,
                   (to - from) * sizeof *page);
        }
    }
}

static void score(const kvc_head *h, const float *restrict q, size_t stride, size_t rows,
                  size_t first, size_t end)
{
    if (h->store->keys.format.type == KVC_F32)
        score_floats(h, q, stride, rows, first, end);
    else
        score_narrow(h, q, stride, rows, first, end);
}

/* scores[r] = 0 for slots first .. end - 1 and up to whole vectors. */
static void clear(const kvc_head *h, size_t rows, size_t first, size_t end)
{
    const size_t begin = first / 4 * 4, all = kvc_round_up(end, 4) - begin;
    for (size_t r = 0; r < rows; r++)
        memset(h->scores + r * h->width + begin, 0, all * sizeof *h->scores);
}

/* One stretch, which may begin within a vector: the lanes before it are another's. */
static void score_stretch(const kvc_head *h, size_t rows, size_t first, size_t end)
{
    const size_t n = first % 4;
    float kept[KVC_QUERIES][3], *before = h->scores + first - n;
    for (size_t r = 0; r < rows && n > 0; r++)
        memcpy(kept[r], before + r * h->width, n * sizeof *before);
    if (n > 0)
        clear(h, rows, first, first + 1);
    score(h, h->turned, h->D, rows, first, end);
    for (size_t r = 0; r < rows && n > 0; r++)
        memcpy(before + r * h->width, kept[r], n * sizeof *before);
}

void kvc_head_score(const kvc_head *h, const kvc_queries *q, size_t first, size_t end)
{
    const kvc_stretch *s = h->view.turns ? h->stretches : NULL;
    clear(h, q->count, first, end);
    if (!s)
        score(h, q->q, q->stride, q->count, first, end);
    for (; s && first < end; first = s++->end) {
        const size_t place = q->position + s->moved;
        const float *turns = h->view.turns + place * h->view.turned;
        kvc_turn(h->turned, q->q, q->stride, q->count, h->D, turns, h->view.turned,
                 q->together);
        score_stretch(h, q->count, first, kvc_min(s->end, end));
    }
}

void kvc_head_add_bias(const kvc_head *h, const kvc_queries *q, size_t r, size_t first,
                       size_t end)
{
    const size_t begin = first / 4 * 4, position = q->position + (q->together ? 0 : r);
    const kvc_bias bias = h->view.bias;
    if (bias.at)
        kvc_add(h->scores + r * h->width + begin,
                bias.at + (q->together ? r * bias.stride : 0) +
                    ((ptrdiff_t)begin - (ptrdiff_t)position),
                kvc_round_up(end, 4) - begin);
}

/* The slots from `slot` on, at most `most`, to be read at once: to the end of a page, and
 * on where the next one follows it in memory and sums stay in registers meanwhile. */
static size_t run_length(const kvc_head *h, size_t slot, size_t most)
{
    size_t i = slot / KVC_PAGE, n = KVC_PAGE - slot % KVC_PAGE;
    const bool on = h->D <= KVC_IN_REGISTERS;
    for (; on && n < most && h->table[i + 1] == h->table[i] + 1; i++)
        n += KVC_PAGE;
    return kvc_min(n, most);
}

/* y[r] += sum_j scores[r,j] v[j] over slots first .. end - 1, j ascending.
 *   y: [rows, D], row stride `stride`   scores: those of the first row */
static void mix(const kvc_head *h, float *restrict y, size_t stride, const float *scores,
                size_t rows, size_t first, size_t end)
{
    const kvc_format *format = &h->store->values.format;
    for (size_t slot = first, run; slot < end; slot += run) {
        const float *values = page_of(h, format, h->values, slot);
        run = run_length(h, slot, end - slot);
        fetch_ahead(h, format, h->values, slot, end);
        kvc_accumulate(y, stride, scores + slot, h->width,
                       values + slot % KVC_PAGE * h->D, h->D, rows, run, h->D);
    }
}

/* The slots that query r sees: first_of .. end_of - 1. */
static size_t end_of(const kvc_queries *q, size_t r)
{
    return q->n + r * q->step;
}

static size_t first_of(const kvc_head *h, const kvc_queries *q, size_t r)
{
    return kvc_first_seen(h->view, end_of(q, r));
}

static void mix_floats(const kvc_head *h, const kvc_queries *q)
{
    const size_t last = q->count - 1, shared = first_of(h, q, last);
    for (size_t r = 0; r < last; r++) /* what only earlier ones see */
        mix(h, q->y + r * q->stride, q->stride, h->scores + r * h->width, 1,
            first_of(h, q, r), kvc_min(shared, q->n));
    if (shared < q->n) /* all of them */
        mix(h, q->y, q->stride, h->scores, q->count, shared, q->n);
    for (size_t r = 0; r < q->count; r++) /* and what they see beyond */
        mix(h, q->y + r * q->stride, q->stride, h->scores + r * h->width, 1,
            q->n > first_of(h, q, r) ? q->n : first_of(h, q, r), end_of(q, r));
}

/* One page for one query, which sees slots first .. end - 1: true if it was read. */
static bool mix_page(const kvc_format *format, float *restrict y, const float *scores,
                     size_t first, size_t end, size_t slot, const void *values)
{
    float seen[KVC_PAGE] = {0.0f};
    const size_t from = first > slot ? first - slot : 0;
    const size_t to = end > slot ? kvc_min(end - slot, KVC_PAGE) : 0;
    if (from == 0 && to == KVC_PAGE)
        return kvc_page_mix(format, y, scores + slot, values);
    for (size_t j = from; j < to; j++)
        seen[j] = scores[slot + j];
    return kvc_page_mix(format, y, seen, values);
}

/* What is not read is not counted. */
static void mix_narrow(const kvc_head *h, const kvc_queries *q)
{
    const kvc_format *format = &h->store->values.format;
    const size_t begin = first_of(h, q, 0), last = end_of(q, q->count - 1);
    for (size_t slot = begin / KVC_PAGE * KVC_PAGE; slot < last; slot += KVC_PAGE) {
        const void *values = page_of(h, format, h->values, slot);
        bool read = false;
        for (size_t r = 0; r < q->count; r++)
            read |= mix_page(format, q->y + r * q->stride, h->scores + r * h->width,
                             first_of(h, q, r), end_of(q, r), slot, values);
        if (!read && h->cache->counts)
            h->cache->counts->cache_bytes_read -=
                (kvc_min(last, slot + KVC_PAGE) - (slot > begin ? slot : begin)) *
                format->vector_bytes;
    }
}

/* Counts two multiply-adds of D for each slot that each query sees, and one walk over the
 * slots that any of them sees. */
static void count(const kvc_head *h, const kvc_queries *q)
{
    kvc_counts *counts = h->cache->counts;
    if (!counts)
        return;
    for (size_t r = 0; r < q->count; r++)
        counts->attention_macs += 2 * (end_of(q, r) - first_of(h, q, r)) * h->D;
    counts->cache_bytes_read +=
        (end_of(q, q->count - 1) - first_of(h, q, 0)) *
        (h->store->keys.format.vector_bytes + h->store->values.format.vector_bytes);
}

void kvc_attend_queries(const kvc_head *h, const kvc_queries *q)
{
    float sum[KVC_QUERIES];
    count(h, q);
    kvc_head_score(h, q, first_of(h, q, 0), end_of(q, q->count - 1));
    for (size_t r = 0; r < q->count; r++) {
        const size_t end = end_of(q, r);
        const size_t first = first_of(h, q, r);
        kvc_head_add_bias(h, q, r, first, end);
        sum[r] = kvc_softmax_terms(h->scores + r * h->width, first, end, h->view.scale);
        kvc_looks_count(h->looks, h->scores + r * h->width, sum[r], first, end);
        memset(q->y + r * q->stride, 0, h->D * sizeof *q->y);
    }
    if (h->store->values.format.type == KVC_F32)
        mix_floats(h, q);
    else
        mix_narrow(h, q);
    for (size_t r = 0; r < q->count; r++)
        kvc_scale(q->y + r * q->stride, 1.0f / sum[r], h->D);
}
