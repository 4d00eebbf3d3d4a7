/* exp.c
 *
 *     exp(x) = 2^n exp(r)              n = round(x / ln 2), r = x - n ln 2
 *     exp(r) = 1 + r + r^2 q(r)        q: a minimax polynomial fitted for this project
 *
 * ln 2 is in two parts: n times the first is exact. Clamping at -64 changes no float sum
 * that has a 1 in it, and keeps products with still smaller weights from being subnormal,
 * which processors take many times as long for.
 *
 * A block goes through one half of the calculation, then through the other: the constants
 * of a half fit the registers, and more short calculations are in flight than long. */
#include "kernels/exp.h"

#include <assert.h>

#include "base/simd.h"

/* From x to r; t keeps n in its low bits. */
static void exp_reduce(v128_t *t, float *x, size_t n)
{
    static const float constants[] = {-64.0f,      64.0f,        1.44269504f,
                                      KVC_ROUNDER, 0.693359375f, -2.1219444e-4f};
    const float *c = kvc_hidden(constants);
    const v128_t least = wasm_v128_load32_splat(c), most = wasm_v128_load32_splat(c + 1);
    const v128_t log2_e = wasm_v128_load32_splat(c + 2);
    const v128_t rounder = wasm_v128_load32_splat(c + 3);
    const v128_t ln_2 = wasm_v128_load32_splat(c + 4),
                 rest = wasm_v128_load32_splat(c + 5);
    for (; n > 0; n -= 4, x += 4, t++) {
        const v128_t v = wasm_f32x4_pmin(wasm_f32x4_pmax(wasm_v128_load(x), least), most);
        *t = wasm_f32x4_add(wasm_f32x4_mul(v, log2_e), rounder);
        const v128_t power = wasm_f32x4_sub(*t, rounder);
        const v128_t r = wasm_f32x4_sub(v, wasm_f32x4_mul(power, ln_2));
        wasm_v128_store(x, wasm_f32x4_sub(r, wasm_f32x4_mul(power, rest)));
    }
}

/* From r to exp(x). */
static void exp_finish(float *x, const v128_t *t, size_t n)
{
    static const float constants[] = {0.001381454f, 0.008368745f, 0.04166839f,
                                      0.16666521f,  0.49999994f,  1.0f,
                                      KVC_ROUNDER};
    const float *c = kvc_hidden(constants);
    const v128_t c3 = wasm_v128_load32_splat(c), c2 = wasm_v128_load32_splat(c + 1);
    const v128_t c1 = wasm_v128_load32_splat(c + 2), c0 = wasm_v128_load32_splat(c + 3);
    const v128_t half = wasm_v128_load32_splat(c + 4),
                 one = wasm_v128_load32_splat(c + 5);
    const v128_t rounder = wasm_v128_load32_splat(c + 6);
    for (; n > 0; n -= 4, x += 4, t++) {
        const v128_t r = wasm_v128_load(x);
        v128_t q = wasm_f32x4_add(wasm_f32x4_mul(c3, r), c2);
        q = wasm_f32x4_add(wasm_f32x4_mul(q, r), c1);
        q = wasm_f32x4_add(wasm_f32x4_mul(q, r), c0);
        q = wasm_f32x4_add(wasm_f32x4_mul(q, r), half);
        q = wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_mul(r, r), q), r);
        const v128_t exponent = wasm_i32x4_shl(wasm_i32x4_sub(*t, rounder), 23);
        wasm_v128_store(x, wasm_i32x4_add(wasm_f32x4_add(q, one), exponent));
    }
}

void kvc_exp(float *x, size_t n)
{
    assert(n % 4 == 0);
    for (size_t m; n > 0; n -= m, x += m) {
        v128_t t[KVC_EXP_BLOCK / 4];
        m = kvc_min(KVC_EXP_BLOCK, n);
        exp_reduce(t, x, m);
        exp_finish(x, t, m);
    }
}
