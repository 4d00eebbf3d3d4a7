#include "cache/products.h"

#include <string.h>

#include "base/number.h"
#include "base/simd.h"
#include "kernels/narrow.h"

/* ---- halves ------------------------------------------------------------------------ */

/* kvc_accumulate_halves takes what halves are multiplied by 2^112 times as large, and
 * does not know NaN, of which a vector has as many as numbers, or none. Such pages, and
 * queries that would become too large, are rare: they are computed one by one. */
static const float HALVES_UP = 0x1p112f;
static const float HALVES_LIMIT = 32768.0f;

/* True if any slot holds NaN.   stride: words from one that has numbers of a slot to one
 * of the next, n of them */
static bool has_nan(const uint32_t *words, size_t stride, size_t n)
{
    uint32_t found = 0;
    for (size_t i = 0; i < n; i++, words += stride)
        found |= (*words & 0x7fff7fff) + 0x04000400;
    return (found & 0x80008000) != 0;
}

static void query_of_halves(float *room, const float *q, size_t D)
{
    const bool small = kvc_largest_bits(q, D) < kvc_float_bits(HALVES_LIMIT);
    room[0] = small ? HALVES_UP : 1.0f;
    for (size_t d = 0; d < D; d++)
        room[4 + d] = q[d] * room[0];
}

static void score_halves(const kvc_format *f, float *restrict scores, const float *query,
                         const uint32_t *page)
{
    const size_t D = f->head_dim;
    const float *q = query + 4;
    memset(scores, 0, KVC_PAGE * sizeof *scores);
    if (query[0] == HALVES_UP && !has_nan(page, 1, KVC_PAGE)) {
        kvc_accumulate_halves(scores, q, page, KVC_PAGE, D, KVC_PAGE);
        return;
    }
    for (size_t slot = 0; slot < KVC_PAGE; slot++)
        for (size_t d = 0; d < D; d++)
            scores[slot] +=
                kvc_vector_number(f, page, slot, d) * (q[d] * (1.0f / query[0]));
}

static void mix_halves(const kvc_format *f, float *restrict y, const float *weights,
                       const uint32_t *page)
{
    const size_t D = f->head_dim;
    float up[KVC_PAGE];
    if (has_nan(page, D, KVC_PAGE / KVC_HALVES)) {
        for (size_t slot = 0; slot < KVC_PAGE; slot++)
            for (size_t d = 0; d < D && weights[slot] != 0.0f; d++)
                y[d] += kvc_vector_number(f, page, slot, d) * weights[slot];
        return;
    }
    for (size_t j = 0; j < KVC_PAGE; j += 4)
        wasm_v128_store(up + j, wasm_f32x4_mul(wasm_v128_load(weights + j),
                                               wasm_f32x4_splat(HALVES_UP)));
    kvc_accumulate_halves(y, up, page, D, KVC_PAGE, D);
}

/* ---- integers ---------------------------------------------------------------------- */

/* The scales of a block of channels, 16 slots.   out: [KVC_PAGE], for halves */
static const float *scales_of(const kvc_format *f, float *out, const void *page,
                              size_t block)
{
    const void *scales = kvc_page_scales(f, page);
    if (f->type == KVC_I8)
        return (const float *)scales + block * KVC_PAGE;
    const uint16_t *halves = (const uint16_t *)scales + block * KVC_PAGE;
    const v128_t places = wasm_i32x4_splat((int32_t)0x8fffe000);
    const v128_t up = wasm_f32x4_splat(HALVES_UP);
    for (size_t i = 0; i < KVC_PAGE; i += 4) { /* kvc_float_from_half */
        const v128_t moved = wasm_i32x4_shl(wasm_i32x4_load16x4(halves + i), 13);
        const v128_t value = wasm_f32x4_mul(wasm_v128_and(moved, places), up);
        const v128_t high = wasm_f32x4_mul(value, up);
        const v128_t nothing = wasm_f32x4_sub(high, high);
        wasm_v128_store(out + i, wasm_f32x4_sub(value, nothing));
    }
    return out;
}

/* Of channels that are multiplied together: a block, or what is exact of it. */
static size_t exact_terms(const kvc_format *f)
{
    return kvc_min(f->block, KVC_EXACT_TERMS);
}

/* The scale, then the sum of each exact part, then the integers. */
static void query_of_integers(const kvc_format *f, float *room, const float *q)
{
    const size_t D = f->head_dim, step = exact_terms(f), parts = (D + step - 1) / step;
    int16_t *integers = (int16_t *)(room + kvc_round_up(1 + parts, 4));
    room[0] = kvc_scale_integers(integers, q, D).scale;
    memset(integers + D, 0, (f->channels - D) * sizeof *integers);
    for (size_t i = 0; i < parts; i++) {
        int32_t sum = 0;
        for (size_t d = i * step; d < kvc_min(D, (i + 1) * step); d++)
            sum += integers[d];
        memcpy(room + 1 + i, &sum, sizeof sum);
    }
}

static void score_integers(const kvc_format *f, float *restrict scores,
                           const float *query, const uint32_t *page)
{
    const size_t D = f->head_dim, step = exact_terms(f), parts = (D + step - 1) / step;
    const int16_t *integers = (const int16_t *)(query + kvc_round_up(1 + parts, 4));
    const v128_t unit = wasm_f32x4_splat(query[0]);
    memset(scores, 0, KVC_PAGE * sizeof *scores);
    for (size_t i = 0, first = 0; i < parts; i++, first += step) {
        float wide[KVC_PAGE], factor[KVC_PAGE];
        const float *scales = scales_of(f, wide, page, first / f->block);
        for (size_t j = 0; j < KVC_PAGE; j += 4)
            wasm_v128_store(factor + j, wasm_f32x4_mul(wasm_v128_load(scales + j), unit));
        int32_t sum;
        memcpy(&sum, query + 1 + i, sizeof sum);
        kvc_accumulate_integers(scores, integers + first, sum, factor, 0,
                                page + first / f->per_word * KVC_PAGE, KVC_PAGE,
                                f->per_word, kvc_min(step, D - first), KVC_PAGE);
    }
}

static void mix_integers(const kvc_format *f, float *restrict y, const float *weights,
                         const uint32_t *page)
{
    for (size_t b = 0; b < f->blocks; b++) {
        const size_t channel = b * f->block;
        const size_t n = kvc_min(f->block, f->head_dim - channel);
        float wide[KVC_PAGE], scaled[KVC_PAGE];
        int16_t integers[KVC_PAGE];
        const float *scales = scales_of(f, wide, page, b);
        for (size_t j = 0; j < KVC_PAGE; j += 4) {
            const v128_t w = wasm_v128_load(weights + j);
            const v128_t all = wasm_f32x4_mul(w, wasm_v128_load(scales + j));
            const v128_t seen = wasm_f32x4_ne(w, wasm_f32x4_splat(0.0f));
            wasm_v128_store(scaled + j, wasm_v128_and(all, seen));
        }
        const kvc_scaled s = kvc_scale_integers(integers, scaled, KVC_PAGE);
        kvc_accumulate_integers(y + channel, integers, s.sum, &s.scale, 1, page + channel,
                                f->head_dim, f->per_word, KVC_PAGE, n);
    }
}

/* ---- either ------------------------------------------------------------------------ */

size_t kvc_query_floats(size_t head_dim)
{
    return kvc_round_up(head_dim, 32) + 32;
}

void kvc_query_prepare(const kvc_format *keys, float *room, const float *q)
{
    if (keys->type == KVC_F16)
        query_of_halves(room, q, keys->head_dim);
    else if (keys->blocks > 0)
        query_of_integers(keys, room, q);
}

void kvc_page_score(const kvc_format *keys, float *restrict scores, const float *query,
                    const void *page)
{
    if (keys->type == KVC_F16)
        score_halves(keys, scores, query, page);
    else
        score_integers(keys, scores, query, page);
}

/* True if no weight reaches 2^-30. */
static bool next_to_nothing(const float *weights)
{
    v128_t small = wasm_i32x4_splat(-1);
    for (size_t j = 0; j < KVC_PAGE; j += 4)
        small = wasm_v128_and(small, wasm_f32x4_lt(wasm_v128_load(weights + j),
                                                   wasm_f32x4_splat(0x1p-30f)));
    return wasm_i32x4_all_true(small);
}

bool kvc_page_mix(const kvc_format *values, float *restrict y, const float *weights,
                  const void *page)
{
    if (next_to_nothing(weights))
        return false;
    if (values->type == KVC_F16)
        mix_halves(values, y, weights, page);
    else
        mix_integers(values, y, weights, page);
    return true;
}
