/* simd.h - the one vocabulary of the kernels: wasm's 128-bit intrinsics. In wasm with
 * -msimd128 they are instructions; everywhere else SIMDe provides them (SSE, NEON, or
 * plain C in the scalar builds). The same operations in the same order: the same bits. */
#ifndef KVC_SIMD_H
#define KVC_SIMD_H

#ifdef KVC_SHARED
#error "an object of several builds cannot have vectors in it: OWN, in build.mk"
#endif

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
#endif

#include "base/number.h"

#define KVC_INLINE static inline __attribute__((always_inline))

/* The same address, with its contents hidden from the compiler. V8 rebuilds a known
 * vector at each use, in three instructions; a loaded one stays in a register. */
KVC_INLINE const void *kvc_hidden(const void *constants)
{
    __asm__("" : "+r"(constants));
    return constants;
}

/* KVC_ROLLED, before a loop whose body fills the registers: unrolling it would spill
 * them. KVC_IN_ORDER, after a load: later loads stay behind it. Clang likes to gather the
 * loads of a loop in front of their uses, where they take the registers of the sums. */
#ifdef __clang__
#define KVC_ROLLED _Pragma("clang loop unroll(disable)")
#define KVC_IN_ORDER __asm__ volatile("" ::: "memory")
#else
#define KVC_ROLLED
#define KVC_IN_ORDER
#endif

/* Asks memory for a line before its turn: in wasm by a load that nobody waits for. */
KVC_INLINE void kvc_fetch(const void *line)
{
#ifdef __wasm__
    (void)*(const volatile uint32_t *)line;
#else
    __builtin_prefetch(line);
#endif
}

/* ---- across lanes ------------------------------------------------------------------ */

/* The last step of every sum over one vector, whose lanes are four strided partial sums:
 * (s0 + s1) + (s2 + s3). */
KVC_INLINE float kvc_sum_lanes(v128_t s)
{
    return (wasm_f32x4_extract_lane(s, 0) + wasm_f32x4_extract_lane(s, 1)) +
           (wasm_f32x4_extract_lane(s, 2) + wasm_f32x4_extract_lane(s, 3));
}

/* The same of integers, modulo 2^32. */
KVC_INLINE uint32_t kvc_sum_integer_lanes(v128_t s)
{
    return (uint32_t)wasm_i32x4_extract_lane(s, 0) +
           (uint32_t)wasm_i32x4_extract_lane(s, 1) +
           (uint32_t)wasm_i32x4_extract_lane(s, 2) +
           (uint32_t)wasm_i32x4_extract_lane(s, 3);
}

/* The bits of the largest |x|: those of infinity or NaN if any x is.   x: [n] */
KVC_INLINE uint32_t kvc_largest_bits(const float *x, size_t n)
{
    v128_t most = wasm_i32x4_splat(0);
    for (size_t i = 0; i + 4 <= n; i += 4)
        most = wasm_i32x4_max(most, wasm_v128_and(wasm_v128_load(x + i),
                                                  wasm_i32x4_splat(KVC_MAGNITUDE_BITS)));
    most = wasm_i32x4_max(most, wasm_i32x4_shuffle(most, most, 2, 3, 0, 1));
    most = wasm_i32x4_max(most, wasm_i32x4_shuffle(most, most, 1, 0, 3, 2));
    uint32_t largest = (uint32_t)wasm_i32x4_extract_lane(most, 0);
    for (size_t left = n % 4; left > 0; left--) {
        const uint32_t bits = kvc_float_bits(x[n - left]) & KVC_MAGNITUDE_BITS;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

/* sqrt(x), exact as IEEE 754 wants it */
KVC_INLINE float kvc_sqrt(float x)
{
    return wasm_f32x4_extract_lane(wasm_f32x4_sqrt(wasm_f32x4_splat(x)), 0);
}

#endif
