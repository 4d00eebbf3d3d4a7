/* probe.c - loops that do one thing as fast as the machine can. Every lane starts from
 * its own number and is part of the result: compilers drop work that is repeated or
 * unused. */
#include "kernels/probe.h"

#include "base/simd.h"
#include "kernels/dot.h"

enum { STREAM = KVC_PROBE_BLOCK / sizeof(v128_t), CHAINS = KVC_PROBE_CHAINS };

uint32_t kvc_probe_read(const void *memory, size_t bytes, uint32_t times)
{
    v128_t sum[STREAM];
    for (size_t i = 0; i < STREAM; i++)
        sum[i] = wasm_i32x4_splat(0);
    for (; times > 0; times--)
        for (const v128_t *p = memory, *end = p + bytes / sizeof *p; p < end; p += STREAM)
            for (size_t i = 0; i < STREAM; i++)
                sum[i] = wasm_i32x4_add(sum[i], wasm_v128_load(p + i));
    for (size_t i = 1; i < STREAM; i++)
        sum[0] = wasm_i32x4_add(sum[0], sum[i]);
    return kvc_sum_integer_lanes(sum[0]);
}

float kvc_probe_multiply_add(uint32_t times, float half)
{
    const v128_t h = wasm_f32x4_splat(half);
    v128_t x[CHAINS];
    for (size_t i = 0; i < CHAINS; i++)
        x[i] =
            wasm_f32x4_add(wasm_f32x4_splat((float)(4 * i)), wasm_f32x4_make(1, 2, 3, 4));
    for (; times > 0; times--)
        for (size_t i = 0; i < CHAINS; i++)
            x[i] = wasm_f32x4_add(wasm_f32x4_mul(x[i], h), h);
    for (size_t i = 1; i < CHAINS; i++)
        x[0] = wasm_f32x4_add(x[0], x[i]);
    return kvc_sum_lanes(x[0]);
}

/* 16 products, four into each lane of sum, which is a factor as well: a compiler could
 * otherwise compute the products once for all rounds. */
KVC_INLINE v128_t dot(v128_t sum, v128_t x, const bool in_pairs, v128_t ones)
{
#if KVC_DOT_FRACTION
    (void)in_pairs, (void)ones;
    sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(sum, x));
    return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(sum, x));
#else
    return kvc_dot(x, sum, sum, in_pairs, ones);
#endif
}

KVC_INLINE uint32_t dots(uint32_t times, int32_t zero, const bool in_pairs)
{
    const v128_t x = wasm_i32x4_splat(zero), ones = kvc_dot_ones();
    v128_t sum[CHAINS];
    for (size_t i = 0; i < CHAINS; i++)
        sum[i] = wasm_i32x4_add(wasm_i32x4_splat((int32_t)(4 * i)),
                                wasm_i32x4_make(1, 2, 3, 4));
    for (; times > 0; times--)
        for (size_t i = 0; i < CHAINS; i++)
            sum[i] = dot(sum[i], x, in_pairs, ones);
    for (size_t i = 1; i < CHAINS; i++)
        sum[0] = wasm_i32x4_add(sum[0], sum[i]);
    return kvc_sum_integer_lanes(sum[0]);
}

uint32_t kvc_probe_dot(uint32_t times, int32_t zero)
{
    return kvc_dot_is_pairs() ? dots(times, zero, true) : dots(times, zero, false);
}
