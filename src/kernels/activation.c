#include "kernels/activation.h"

#include <assert.h>

#include "base/simd.h"
#include "kernels/exp.h"

/* x /= 1 + exp(e)    x, e: [n] */
static void divide(float *x, float *e, size_t n)
{
    const v128_t one = wasm_f32x4_splat(1.0f);
    kvc_exp(e, n);
    for (size_t i = 0; i < n; i += 4)
        wasm_v128_store(x + i,
                        wasm_f32x4_div(wasm_v128_load(x + i),
                                       wasm_f32x4_add(one, wasm_v128_load(e + i))));
}

/* 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)) */
void kvc_gelu(float *x, size_t n)
{
    assert(n % 4 == 0);
    const v128_t a = wasm_f32x4_splat(-1.5957691216f); /* -2 sqrt(2/pi) */
    const v128_t b = wasm_f32x4_splat(0.044715f);
    for (size_t m; n > 0; n -= m, x += m) {
        float e[KVC_EXP_BLOCK];
        m = kvc_min(KVC_EXP_BLOCK, n);
        for (size_t i = 0; i < m; i += 4) {
            const v128_t v = wasm_v128_load(x + i);
            const v128_t cube = wasm_f32x4_mul(wasm_f32x4_mul(v, v), v);
            const v128_t u = wasm_f32x4_add(v, wasm_f32x4_mul(b, cube));
            wasm_v128_store(e + i, wasm_f32x4_mul(a, u));
        }
        divide(x, e, m);
    }
}

void kvc_silu(float *x, size_t n)
{
    assert(n % 4 == 0);
    for (size_t m; n > 0; n -= m, x += m) {
        float e[KVC_EXP_BLOCK];
        m = kvc_min(KVC_EXP_BLOCK, n);
        for (size_t i = 0; i < m; i += 4)
            wasm_v128_store(e + i, wasm_f32x4_neg(wasm_v128_load(x + i)));
        divide(x, e, m);
    }
}
