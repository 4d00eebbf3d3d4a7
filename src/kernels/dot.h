/* dot.h - products of small integers, the fastest way that a build has: weights of 7
 * bits, 0 .. 127, and inputs of 8, -127 .. 127. All ways give the same integers. */
#ifndef KVC_DOT_H
#define KVC_DOT_H

#include <stdbool.h>

#include "base/simd.h"

/* kvc_quad       four inputs as they are stored
 * kvc_spread     the same four inputs for each of four outputs
 * kvc_quads_set  stores 16 inputs, signed bytes
 * kvc_dot        acc[o] += 2^KVC_DOT_FRACTION sum_j w[o,j] x[j], exactly
 *                o, j: 0 .. 3   w: [4][4] bytes   in_pairs: what kvc_dot_is_pairs() says,
 *                or false   ones: kvc_dot_ones() */
#if defined __wasm_relaxed_simd__ ||                                                     \
    (defined SIMDE_X86_AVX512VNNI_NATIVE && defined SIMDE_X86_AVX512VL_NATIVE)

#define KVC_DOT_FRACTION 0
typedef struct kvc_quad {
    signed char x[4];
} kvc_quad;
typedef v128_t kvc_spread;

KVC_INLINE void kvc_quads_set(kvc_quad *to, v128_t x)
{
    wasm_v128_store(to, x);
}

KVC_INLINE kvc_spread kvc_quad_spread(const kvc_quad *from)
{
    return wasm_v128_load32_splat(from);
}

#ifdef __wasm_relaxed_simd__

/* Whether the dot of four is made of two of pairs, as on x86 before VNNI: only that
 * saturates at 16 bits where the weights are no weights. */
KVC_INLINE bool kvc_dot_is_pairs(void)
{
    static const signed char inputs[4] = {127, 127, 127, 127}, none[4] = {-1, -1, -1, -1};
    const v128_t four = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(
        wasm_v128_load32_splat(kvc_hidden(inputs)),
        wasm_v128_load32_splat(kvc_hidden(none)), wasm_i32x4_splat(0));
    return wasm_i32x4_extract_lane(four, 0) == 2 * INT16_MAX;
}

KVC_INLINE v128_t kvc_dot(v128_t w, kvc_spread x, v128_t acc, bool in_pairs, v128_t ones)
{
    if (!in_pairs)
        return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, w, acc);
    const v128_t pairs = wasm_i16x8_relaxed_dot_i8x16_i7x16(x, w);
    return wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(pairs, ones));
}

#else

KVC_INLINE v128_t kvc_dot(v128_t w, kvc_spread x, v128_t acc, bool in_pairs, v128_t ones)
{
    (void)in_pairs, (void)ones;
    return (v128_t)_mm_dpbusd_epi32((__m128i)acc, (__m128i)w, (__m128i)x);
}

#endif
#else /* two weights stay together in 16 bits, which saves an operation:
         w0 (256 x0 - x1) + (w0 + 256 w1) x1 = 256 (w0 x0 + w1 x1) */

#define KVC_DOT_FRACTION 8
typedef struct kvc_quad {
    short mixed[2], odd[2]; /* 256 x[0] - x[1], 256 x[2] - x[3];  x[1], x[3] */
} kvc_quad;
typedef struct kvc_spread {
    v128_t mixed, odd;
} kvc_spread;

KVC_INLINE void kvc_quads_set(kvc_quad *to, v128_t x)
{
    const v128_t odd = wasm_i16x8_shr(x, 8);
    const v128_t mixed = wasm_i16x8_sub(wasm_i16x8_shl(x, 8), odd);
    wasm_v128_store(to, wasm_i32x4_shuffle(mixed, odd, 0, 4, 1, 5));
    wasm_v128_store(to + 2, wasm_i32x4_shuffle(mixed, odd, 2, 6, 3, 7));
}

KVC_INLINE kvc_spread kvc_quad_spread(const kvc_quad *from)
{
    return (kvc_spread){wasm_v128_load32_splat(from->mixed),
                        wasm_v128_load32_splat(from->odd)};
}

KVC_INLINE v128_t kvc_dot(v128_t w, kvc_spread x, v128_t acc, bool in_pairs, v128_t ones)
{
    (void)in_pairs, (void)ones;
    const v128_t even = wasm_v128_and(w, wasm_i16x8_splat(255));
    return wasm_i32x4_add(acc, wasm_i32x4_add(wasm_i32x4_dot_i16x8(even, x.mixed),
                                              wasm_i32x4_dot_i16x8(w, x.odd)));
}

#endif

#ifndef __wasm_relaxed_simd__
KVC_INLINE bool kvc_dot_is_pairs(void)
{
    return false;
}
#endif

KVC_INLINE v128_t kvc_dot_ones(void)
{
    static const short ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    return wasm_v128_load(kvc_hidden(ones));
}

#endif
