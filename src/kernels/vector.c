#include "kernels/vector.h"

#include <assert.h>

#include "base/simd.h"

void kvc_add(float *restrict y, const float *restrict x, size_t n)
{
    assert(n % 4 == 0);
    for (size_t i = 0; i < n; i += 4)
        wasm_v128_store(y + i,
                        wasm_f32x4_add(wasm_v128_load(y + i), wasm_v128_load(x + i)));
}

void kvc_multiply(float *restrict y, const float *restrict x, size_t n)
{
    assert(n % 4 == 0);
    for (size_t i = 0; i < n; i += 4)
        wasm_v128_store(y + i,
                        wasm_f32x4_mul(wasm_v128_load(y + i), wasm_v128_load(x + i)));
}

void kvc_scale(float *y, float s, size_t n)
{
    assert(n % 4 == 0);
    const v128_t factor = wasm_f32x4_splat(s);
    for (size_t i = 0; i < n; i += 4)
        wasm_v128_store(y + i, wasm_f32x4_mul(wasm_v128_load(y + i), factor));
}

bool kvc_all_finite(const float *x, size_t n)
{
    return kvc_largest_bits(x, n) < KVC_INFINITY_BITS;
}
