/* narrow.h - the inner loops over narrow numbers, which stay as they are stored: halves
 * become floats in registers, bytes and nibbles are multiplied as integers.
 *
 * Numbers lie in words of 32 bits, G to a word: w[k / G][c] has numbers k of lane c,
 * number i of the G in the bits from i % 2 * 16 + i / 2 * (32 / G) on. Lanes are outputs,
 * as everywhere.
 *
 *     halves    G = 2
 *     bytes     G = 4, 0 .. 255, of which 128 is taken off
 *     nibbles   G = 8, 0 .. 15, of which 8 is taken off */
#ifndef KVC_NARROW_H
#define KVC_NARROW_H

#include "base/simd.h"

/* Numbers of a word. */
enum { KVC_HALVES = 2, KVC_BYTES = 4, KVC_NIBBLES = 8 };

/* y[c] += sum_k x[k] * w[k,c], k ascending, as kvc_accumulate does: each half counts as
 * the bits say, 2^16 and more where others have infinity or NaN.
 *   y: [lanes] in/out   x: [n], each 2^112 times as large   n: even   lanes: a multiple
 *   of 4   stride: words from w[k] to w[k + 1] */
void kvc_accumulate_halves(float *restrict y, const float *restrict x,
                           const uint32_t *restrict w, size_t stride, size_t n,
                           size_t lanes);

/* y[c] += factor[c] * sum_k x[k] (w[k,c] - zero), the sum exact: at most
 * KVC_EXACT_TERMS of them.
 *   per_word: KVC_BYTES or KVC_NIBBLES   factor: [lanes], or one for all of them
 *   x: [n rounded up to whole words], zeros behind n   sum: of x */
enum { KVC_EXACT_TERMS = 512 };
void kvc_accumulate_integers(float *restrict y, const int16_t *restrict x, int32_t sum,
                             const float *restrict factor, int one_factor,
                             const uint32_t *restrict w, size_t stride, size_t per_word,
                             size_t n, size_t lanes);

/* Floats as integers of 16 bits, half to even: x is about scale * q. The scale is a power
 * of two that leaves the largest 15 or 16 bits; 0 if all are below 2^-100, and then they
 * are zeros, NaN if any is not finite. */
typedef struct kvc_scaled {
    float scale;
    int32_t sum; /* of q */
} kvc_scaled;

/* q: [n] out   x: [n]   n: a multiple of 4 */
KVC_INLINE kvc_scaled kvc_scale_integers(int16_t *restrict q, const float *restrict x,
                                         size_t n)
{
    const uint32_t exponent = kvc_largest_bits(x, n) >> 23;
    const bool finite = exponent < 255, some = finite && exponent >= 27;
    const v128_t factor = wasm_i32x4_splat(some ? (int32_t)((268 - exponent) << 23) : 0);
    const v128_t numbers = wasm_i32x4_splat(some ? -1 : 0);
    v128_t sum = wasm_i32x4_splat(0);
    for (size_t i = 0; i < n; i += 4) {
        const v128_t rounded = wasm_f32x4_add(
            wasm_f32x4_mul(wasm_v128_load(x + i), factor), wasm_f32x4_splat(KVC_ROUNDER));
        const v128_t four = wasm_v128_and(
            wasm_i32x4_sub(rounded, wasm_i32x4_splat(KVC_ROUNDER_BITS)), numbers);
        const v128_t narrow = wasm_i16x8_narrow_i32x4(four, four); /* 2^15 - 1 at most */
        wasm_v128_store64_lane(q + i, narrow, 0);
        sum = wasm_i32x4_add(sum, wasm_i32x4_extend_low_i16x8(narrow));
    }
    const uint32_t nan = 0x7fc00000, unit = some ? (exponent - 14) << 23 : 0;
    return (kvc_scaled){kvc_float_from_bits(finite ? unit : nan),
                        (int32_t)kvc_sum_integer_lanes(sum)};
}

#endif
