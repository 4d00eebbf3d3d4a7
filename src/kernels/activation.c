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

/* c[0] x^(n-1) + ... + c[n-1] */
KVC_INLINE v128_t polynomial(const float *c, size_t n, v128_t x)
{
    v128_t y = wasm_v128_load32_splat(c);
    for (size_t i = 1; i < n; i++)
        y = wasm_f32x4_add(wasm_f32x4_mul(y, x), wasm_v128_load32_splat(c + i));
    return y;
}

/* (1 + erf(x / sqrt(2))) / 2: where |x| < 5/4,
 *     1/2 + x/2 + x p(x^2)
 * and elsewhere, with r = 1 / (|x| + 2),
 *     q = exp(-x^2 / 2) r p(r)  of a negative x,  1 - q  of a positive one
 * p: two minimax polynomials fitted for this project   e: exp(-x^2 / 2)
 * What the first sum loses is added to the second. */
KVC_INLINE v128_t normal(v128_t x, v128_t e)
{
    enum { NEAR = 7, FAR = 6 };
    static const float constants[NEAR + FAR] = {
        3.85511669e-07f, -8.60413365e-06f, 0.000114158167f, -0.00118630601f,
        0.00997314323f,  -0.0664903075f,   -0.101057723f,   7.32829237f,
        -9.34839153f,    2.41568637f,      1.00981915f,     0.808909595f,
        0.398682386f};
    const float *c = kvc_hidden(constants);
    const v128_t half = wasm_f32x4_splat(0.5f), one = wasm_f32x4_splat(1.0f);
    const v128_t half_x = wasm_f32x4_mul(x, half), sum = wasm_f32x4_add(half, half_x);
    const v128_t lost = wasm_f32x4_sub(half_x, wasm_f32x4_sub(sum, half));
    const v128_t t = wasm_f32x4_mul(x, polynomial(c, NEAR, wasm_f32x4_mul(x, x)));
    const v128_t near = wasm_f32x4_add(sum, wasm_f32x4_add(t, lost));
    const v128_t size = wasm_f32x4_abs(x);
    const v128_t from_2 = wasm_f32x4_add(size, wasm_f32x4_splat(2.0f));
    const v128_t p = polynomial(c + NEAR, FAR, wasm_f32x4_div(one, from_2));
    const v128_t q = wasm_f32x4_mul(wasm_f32x4_div(e, from_2), p);
    const v128_t far = wasm_v128_bitselect(q, wasm_f32x4_sub(one, q),
                                           wasm_f32x4_lt(x, wasm_f32x4_splat(0.0f)));
    return wasm_v128_bitselect(near, far, wasm_f32x4_lt(size, wasm_f32x4_splat(1.25f)));
}

void kvc_exact_gelu(float *x, size_t n)
{
    assert(n % 4 == 0);
    const v128_t minus_half = wasm_f32x4_splat(-0.5f);
    for (size_t m; n > 0; n -= m, x += m) {
        float e[KVC_EXP_BLOCK];
        m = kvc_min(KVC_EXP_BLOCK, n);
        for (size_t i = 0; i < m; i += 4) {
            const v128_t v = wasm_v128_load(x + i);
            wasm_v128_store(e + i, wasm_f32x4_mul(wasm_f32x4_mul(v, v), minus_half));
        }
        kvc_exp(e, m);
        for (size_t i = 0; i < m; i += 4) {
            const v128_t v = wasm_v128_load(x + i);
            wasm_v128_store(x + i, wasm_f32x4_mul(v, normal(v, wasm_v128_load(e + i))));
        }
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

void kvc_relu(float *x, size_t n)
{
    assert(n % 4 == 0);
    const v128_t zero = wasm_f32x4_splat(0.0f);
    for (size_t i = 0; i < n; i += 4) {
        const v128_t v = wasm_v128_load(x + i);
        wasm_v128_store(x + i, wasm_v128_andnot(v, wasm_f32x4_lt(v, zero)));
    }
}
