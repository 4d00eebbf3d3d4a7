#include "kernels/narrow.h"

#include <assert.h>

#include "base/number.h"
#include "base/simd.h"

/* ---- halves ------------------------------------------------------------------------ */

/* The bits of a half, moved to their places in a float, are the number times 2^-112:
 * exactly, even where it is subnormal. */
KVC_INLINE void halves_tile(const size_t VECS, float *restrict y, const float *restrict x,
                            const uint32_t *restrict w, size_t stride, size_t n)
{
    /* Places of sign, exponent and fraction; what moves the first of two up by 13 bits,
     * with its sign in all the bits above, and drops the second. */
    static const uint32_t bits[] = {0x8fffe000, 1 << 13};
    const uint32_t *b = kvc_hidden(bits);
    const v128_t places = wasm_v128_load32_splat(b), up = wasm_v128_load32_splat(b + 1);
    v128_t acc[4];
    for (size_t c = 0; c < VECS; c++)
        acc[c] = wasm_v128_load(y + 4 * c);
    KVC_ROLLED
    for (; n > 0; n -= 2, x += 2, w += stride) {
        const v128_t x0 = wasm_v128_load32_splat(x), x1 = wasm_v128_load32_splat(x + 1);
        for (size_t c = 0; c < VECS; c++) {
            const v128_t two = wasm_v128_load(w + 4 * c);
            KVC_IN_ORDER;
            const v128_t first = wasm_v128_and(wasm_i32x4_dot_i16x8(two, up), places);
            const v128_t second = wasm_v128_and(wasm_i32x4_shr(two, 3), places);
            acc[c] = wasm_f32x4_add(acc[c], wasm_f32x4_mul(first, x0));
            acc[c] = wasm_f32x4_add(acc[c], wasm_f32x4_mul(second, x1));
        }
    }
    for (size_t c = 0; c < VECS; c++)
        wasm_v128_store(y + 4 * c, acc[c]);
}

void kvc_accumulate_halves(float *restrict y, const float *restrict x,
                           const uint32_t *restrict w, size_t stride, size_t n,
                           size_t lanes)
{
    assert(lanes % 4 == 0 && n % 2 == 0);
    size_t c = 0;
    for (; c + 16 <= lanes; c += 16)
        halves_tile(4, y + c, x, w + c, stride, n);
    if (c + 12 == lanes)
        halves_tile(3, y + c, x, w + c, stride, n);
    else if (c + 8 == lanes)
        halves_tile(2, y + c, x, w + c, stride, n);
    else if (c + 4 == lanes)
        halves_tile(1, y + c, x, w + c, stride, n);
}

/* ---- integers ---------------------------------------------------------------------- */

/* acc[c] += the products of one word for each of VECS vectors of lanes with the numbers
 * that belong to it. Pairs of them lie in the two halves of a word. */
KVC_INLINE void word(const size_t VECS, const size_t G, v128_t *acc, const int16_t *x,
                     const uint32_t *w, v128_t mask)
{
    v128_t pair[KVC_NIBBLES / 2];
    for (size_t i = 0; i < G / 2; i++)
        pair[i] = wasm_v128_load32_splat(x + 2 * i);
    for (size_t c = 0; c < VECS; c++) {
        const v128_t all = wasm_v128_load(w + 4 * c);
        KVC_IN_ORDER;
        v128_t sum = acc[c];
        for (size_t i = 0; i < G / 2; i++) {
            v128_t two = i == 0 ? all : wasm_u16x8_shr(all, (uint32_t)(i * (32 / G)));
            if (i + 1 < G / 2)
                two = wasm_v128_and(two, mask);
            sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(two, pair[i]));
        }
        acc[c] = sum;
    }
}

KVC_INLINE void integers_tile(const size_t VECS, const size_t G, float *restrict y,
                              const int16_t *restrict x, int32_t start,
                              const float *factor, int one_factor,
                              const uint32_t *restrict w, size_t stride, size_t n)
{
    static const uint32_t bits[] = {0x00ff00ff, 0x000f000f};
    const v128_t mask = wasm_v128_load32_splat(kvc_hidden(bits + (G == KVC_NIBBLES)));
    v128_t acc[4];
    for (size_t c = 0; c < VECS; c++)
        acc[c] = wasm_i32x4_splat(start);
    KVC_ROLLED
    for (size_t k = 0; k < n; k += G, x += G, w += stride)
        word(VECS, G, acc, x, w, mask);
    for (size_t c = 0; c < VECS; c++) {
        const v128_t f =
            one_factor ? wasm_v128_load32_splat(factor) : wasm_v128_load(factor + 4 * c);
        const v128_t sum = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(acc[c]), f);
        wasm_v128_store(y + 4 * c, wasm_f32x4_add(wasm_v128_load(y + 4 * c), sum));
    }
}

KVC_INLINE void integers(const size_t G, float *restrict y, const int16_t *restrict x,
                         int32_t start, const float *factor, int one_factor,
                         const uint32_t *restrict w, size_t stride, size_t n,
                         size_t lanes)
{
#define TILE(VECS) integers_tile(VECS, G, y, x, start, factor, one_factor, w, stride, n);
    for (; lanes >= 16; lanes -= 16, y += 16, w += 16, factor += one_factor ? 0 : 16)
        TILE(4)
    switch (lanes) {
    case 12: TILE(3) break;
    case 8: TILE(2) break;
    case 4: TILE(1) break;
    }
#undef TILE
}

void kvc_accumulate_integers(float *restrict y, const int16_t *restrict x, int32_t sum,
                             const float *restrict factor, int one_factor,
                             const uint32_t *restrict w, size_t stride, size_t per_word,
                             size_t n, size_t lanes)
{
    assert(lanes % 4 == 0 && n <= KVC_EXACT_TERMS);
    const uint32_t zero = per_word == KVC_BYTES ? 128 : 8;
    const int32_t start = (int32_t)(0 - zero * (uint32_t)sum);
    if (per_word == KVC_BYTES)
        integers(KVC_BYTES, y, x, start, factor, one_factor, w, stride, n, lanes);
    else
        integers(KVC_NIBBLES, y, x, start, factor, one_factor, w, stride, n, lanes);
}
