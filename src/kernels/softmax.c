#include "kernels/softmax.h"

#include <assert.h>
#include <string.h>

#include "base/simd.h"
#include "kernels/exp.h"

/* max x; NaN only if x[0] is.   x: [n] */
static float largest(const float *x, size_t n)
{
    v128_t most = wasm_f32x4_splat(x[0]);
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        most = wasm_f32x4_pmax(most, wasm_v128_load(x + i));
    most = wasm_f32x4_pmax(most, wasm_i32x4_shuffle(most, most, 2, 3, 0, 1));
    most = wasm_f32x4_pmax(most, wasm_i32x4_shuffle(most, most, 1, 0, 3, 2));
    float max = wasm_f32x4_extract_lane(most, 0);
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

float kvc_softmax_terms(float *x, size_t first, size_t n, float scale)
{
    assert(first < n && scale > 0.0f);
    const size_t begin = first / 4 * 4;
    const size_t padded = begin + kvc_round_up(n - begin, 4);
    for (size_t i = begin; i < first; i++)
        x[i] = x[first]; /* not more than the largest */
    const v128_t m = wasm_f32x4_splat(largest(x + begin, n - begin)),
                 s = wasm_f32x4_splat(scale);
    v128_t sum = wasm_f32x4_splat(0.0f);
    for (size_t i = begin, end; i < padded; i = end) {
        end = kvc_min(padded, i + KVC_EXP_BLOCK);
        for (size_t j = i; j < end; j += 4)
            wasm_v128_store(x + j,
                            wasm_f32x4_mul(wasm_f32x4_sub(wasm_v128_load(x + j), m), s));
        kvc_exp(x + i, end - i);
        if (i == begin)
            memset(x + begin, 0, (first - begin) * sizeof *x);
        if (end == padded)
            memset(x + n, 0, (padded - n) * sizeof *x);
        for (size_t j = i; j < end; j += 4)
            sum = wasm_f32x4_add(sum, wasm_v128_load(x + j));
    }
    return kvc_sum_lanes(sum);
}

/* ln(x) for finite x > 0: x = 2^e m with m near 1, and the series of
 * ln m = 2 artanh((m - 1) / (m + 1)). */
static double log_positive(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    double e = (double)((int)(bits >> 52) - 1023);
    bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e += 1.0;
    }
    const double s = (m - 1.0) / (m + 1.0), squared = s * s; /* |s| < 0.172 */
    double series = 0.0;
    for (int k = 21; k >= 1; k -= 2)
        series = series * squared + 1.0 / k;
    return e * 0.6931471805599453 + 2.0 * s * series;
}

void kvc_log_softmax_at(float *log_probs, const uint32_t *targets, size_t k, float *x,
                        size_t n)
{
    for (size_t i = 0; i < k; i++)
        log_probs[i] = x[targets[i]];
    const float max = largest(x, n);
    const double log_sum = log_positive((double)kvc_softmax_terms(x, 0, n, 1.0f));
    for (size_t i = 0; i < k; i++)
        log_probs[i] = (float)((double)log_probs[i] - (double)max - log_sum);
}
