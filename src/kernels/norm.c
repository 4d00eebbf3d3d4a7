#include "kernels/norm.h"

#include <assert.h>

#include "base/simd.h"

void kvc_layer_norm(float *y, const float *x, const float *weight, const float *bias,
                    size_t rows, size_t n, float eps)
{
    assert(n % 4 == 0);
    for (; rows > 0; rows--, y += n, x += n) {
        v128_t sum = wasm_f32x4_splat(0.0f), squares = sum;
        for (size_t i = 0; i < n; i += 4)
            sum = wasm_f32x4_add(sum, wasm_v128_load(x + i));
        const v128_t mean = wasm_f32x4_splat(kvc_sum_lanes(sum) / (float)n);
        for (size_t i = 0; i < n; i += 4) {
            const v128_t d = wasm_f32x4_sub(wasm_v128_load(x + i), mean);
            squares = wasm_f32x4_add(squares, wasm_f32x4_mul(d, d));
        }
        const v128_t scale =
            wasm_f32x4_splat(1.0f / kvc_sqrt(kvc_sum_lanes(squares) / (float)n + eps));
        for (size_t i = 0; i < n; i += 4) {
            const v128_t d = wasm_f32x4_sub(wasm_v128_load(x + i), mean);
            const v128_t t =
                wasm_f32x4_mul(wasm_f32x4_mul(d, scale), wasm_v128_load(weight + i));
            wasm_v128_store(y + i, wasm_f32x4_add(t, wasm_v128_load(bias + i)));
        }
    }
}

void kvc_rms_norm(float *y, const float *x, const float *weight, const float *bias,
                  size_t rows, size_t n, float eps)
{
    assert(n % 4 == 0);
    (void)bias;
    for (; rows > 0; rows--, y += n, x += n) {
        v128_t squares = wasm_f32x4_splat(0.0f);
        for (size_t i = 0; i < n; i += 4) {
            const v128_t v = wasm_v128_load(x + i);
            squares = wasm_f32x4_add(squares, wasm_f32x4_mul(v, v));
        }
        const float mean = kvc_sum_lanes(squares) / (float)n;
        const float root = kvc_sqrt(mean + eps);
        const v128_t scale = wasm_f32x4_splat(1.0f / root);
        for (size_t i = 0; i < n; i += 4)
            wasm_v128_store(y + i,
                            wasm_f32x4_mul(wasm_f32x4_mul(wasm_v128_load(x + i), scale),
                                           wasm_v128_load(weight + i)));
    }
}
