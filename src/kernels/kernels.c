#include "kernels/kernels.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/simd.h"

/* The fixed tree of every horizontal sum: (s0 + s1) + (s2 + s3). */
KVC_INLINE float sum_lanes(v128_t s)
{
    return (wasm_f32x4_extract_lane(s, 0) + wasm_f32x4_extract_lane(s, 1)) +
           (wasm_f32x4_extract_lane(s, 2) + wasm_f32x4_extract_lane(s, 3));
}

void kvc_layer_norm(float *restrict y, const float *restrict x, const float *weight,
                    const float *bias, size_t rows, size_t n, float eps)
{
    assert(n % 4 == 0);
    for (; rows > 0; rows--, y += n, x += n) {
        v128_t sum = wasm_f32x4_splat(0.0f), squares = sum;
        for (size_t i = 0; i < n; i += 4)
            sum = wasm_f32x4_add(sum, wasm_v128_load(x + i));
        const v128_t mean = wasm_f32x4_splat(sum_lanes(sum) / (float)n);
        for (size_t i = 0; i < n; i += 4) {
            const v128_t d = wasm_f32x4_sub(wasm_v128_load(x + i), mean);
            squares = wasm_f32x4_add(squares, wasm_f32x4_mul(d, d));
        }
        const v128_t scale =
            wasm_f32x4_splat(1.0f / kvc_sqrt(sum_lanes(squares) / (float)n + eps));
        for (size_t i = 0; i < n; i += 4) {
            const v128_t d = wasm_f32x4_sub(wasm_v128_load(x + i), mean);
            const v128_t t =
                wasm_f32x4_mul(wasm_f32x4_mul(d, scale), wasm_v128_load(weight + i));
            wasm_v128_store(y + i, wasm_f32x4_add(t, wasm_v128_load(bias + i)));
        }
    }
}

/* ---- exp --------------------------------------------------------------------------- */

/* exp(x) to about one ulp on [-64, 64], clamped outside: exp(x) = 2^n exp(r), n =
 * round(x / ln 2), exp(r) = 1 + r + r^2 q(r) with q a minimax polynomial fitted for
 * this project. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
 * Beyond 64 nothing changes in a float sum that has a 1 in it; but products of still
 * smaller weights would be subnormal, which processors take many times as long for.
 *
 * A block goes through one half and then through the other: the constants of a half fit
 * the registers, and more of a short calculation are in flight at once than of a long. */
enum { BLOCK = 64 };

/* From x to r; t: n in its low bits. */
static void exp_reduce(v128_t *t, float *x, size_t n)
{
    static const float constants[] = {-64.0f,      64.0f,        1.44269504f,
                                      12582912.0f, 0.693359375f, -2.1219444e-4f};
    const float *c = kvc_hidden(constants);
    const v128_t least = wasm_v128_load32_splat(c), most = wasm_v128_load32_splat(c + 1);
    const v128_t log2_e = wasm_v128_load32_splat(c + 2);
    const v128_t shifter = wasm_v128_load32_splat(c + 3);
    const v128_t ln_2 = wasm_v128_load32_splat(c + 4),
                 rest = wasm_v128_load32_splat(c + 5);
    for (; n > 0; n -= 4, x += 4, t++) {
        const v128_t v = wasm_f32x4_pmin(wasm_f32x4_pmax(wasm_v128_load(x), least), most);
        *t = wasm_f32x4_add(wasm_f32x4_mul(v, log2_e), shifter);
        const v128_t power = wasm_f32x4_sub(*t, shifter);
        const v128_t r = wasm_f32x4_sub(v, wasm_f32x4_mul(power, ln_2));
        wasm_v128_store(x, wasm_f32x4_sub(r, wasm_f32x4_mul(power, rest)));
    }
}

/* From r to exp(x). */
static void exp_finish(float *x, const v128_t *t, size_t n)
{
    static const float constants[] = {0.001381454f, 0.008368745f, 0.04166839f,
                                      0.16666521f,  0.49999994f,  1.0f,
                                      12582912.0f};
    const float *c = kvc_hidden(constants);
    const v128_t c3 = wasm_v128_load32_splat(c), c2 = wasm_v128_load32_splat(c + 1);
    const v128_t c1 = wasm_v128_load32_splat(c + 2), c0 = wasm_v128_load32_splat(c + 3);
    const v128_t half = wasm_v128_load32_splat(c + 4),
                 one = wasm_v128_load32_splat(c + 5);
    const v128_t shifter = wasm_v128_load32_splat(c + 6);
    for (; n > 0; n -= 4, x += 4, t++) {
        const v128_t r = wasm_v128_load(x);
        v128_t q = wasm_f32x4_add(wasm_f32x4_mul(c3, r), c2);
        q = wasm_f32x4_add(wasm_f32x4_mul(q, r), c1);
        q = wasm_f32x4_add(wasm_f32x4_mul(q, r), c0);
        q = wasm_f32x4_add(wasm_f32x4_mul(q, r), half);
        q = wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_mul(r, r), q), r);
        const v128_t exponent = wasm_i32x4_shl(wasm_i32x4_sub(*t, shifter), 23);
        wasm_v128_store(x, wasm_i32x4_add(wasm_f32x4_add(q, one), exponent));
    }
}

void kvc_exp(float *x, size_t n)
{
    assert(n % 4 == 0);
    for (size_t m; n > 0; n -= m, x += m) {
        v128_t t[BLOCK / 4];
        m = kvc_min(BLOCK, n);
        exp_reduce(t, x, m);
        exp_finish(x, t, m);
    }
}

/* 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)) */
void kvc_gelu(float *x, size_t n)
{
    assert(n % 4 == 0);
    const v128_t one = wasm_f32x4_splat(1.0f);
    const v128_t a = wasm_f32x4_splat(-1.5957691216f); /* -2 sqrt(2/pi) */
    const v128_t b = wasm_f32x4_splat(0.044715f);
    for (size_t m; n > 0; n -= m, x += m) {
        float e[BLOCK];
        m = kvc_min(BLOCK, n);
        for (size_t i = 0; i < m; i += 4) {
            const v128_t v = wasm_v128_load(x + i);
            const v128_t cube = wasm_f32x4_mul(wasm_f32x4_mul(v, v), v);
            const v128_t u = wasm_f32x4_add(v, wasm_f32x4_mul(b, cube));
            wasm_v128_store(e + i, wasm_f32x4_mul(a, u));
        }
        kvc_exp(e, m);
        for (size_t i = 0; i < m; i += 4)
            wasm_v128_store(x + i,
                            wasm_f32x4_div(wasm_v128_load(x + i),
                                           wasm_f32x4_add(one, wasm_v128_load(e + i))));
    }
}

/* The largest of x; NaN only where x[0] is.   x: [n] */
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

float kvc_softmax_terms(float *x, size_t n, float scale)
{
    assert(n > 0 && scale > 0.0f);
    const v128_t m = wasm_f32x4_splat(largest(x, n)), s = wasm_f32x4_splat(scale);
    const size_t padded = kvc_round_up(n, 4);
    v128_t sum = wasm_f32x4_splat(0.0f);
    for (size_t i = 0, end; i < padded; i = end) {
        end = kvc_min(padded, i + BLOCK);
        for (size_t j = i; j < end; j += 4)
            wasm_v128_store(x + j,
                            wasm_f32x4_mul(wasm_f32x4_sub(wasm_v128_load(x + j), m), s));
        kvc_exp(x + i, end - i);
        if (end == padded)
            memset(x + n, 0, (padded - n) * sizeof *x);
        for (size_t j = i; j < end; j += 4)
            sum = wasm_f32x4_add(sum, wasm_v128_load(x + j));
    }
    return sum_lanes(sum);
}

/* ln(x) for finite x > 0: x = 2^e m, m near 1, ln m = 2 artanh((m - 1) / (m + 1)) as a
 * series. */
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
    const double log_sum = log_positive((double)kvc_softmax_terms(x, n, 1.0f));
    for (size_t i = 0; i < k; i++)
        log_probs[i] = (float)((double)log_probs[i] - (double)max - log_sum);
}

void kvc_add(float *restrict y, const float *restrict x, size_t n)
{
    assert(n % 4 == 0);
    for (size_t i = 0; i < n; i += 4)
        wasm_v128_store(y + i,
                        wasm_f32x4_add(wasm_v128_load(y + i), wasm_v128_load(x + i)));
}

void kvc_scale(float *y, float s, size_t n)
{
    assert(n % 4 == 0);
    const v128_t factor = wasm_f32x4_splat(s);
    for (size_t i = 0; i < n; i += 4)
        wasm_v128_store(y + i, wasm_f32x4_mul(wasm_v128_load(y + i), factor));
}

float kvc_sqrt(float x)
{
    return wasm_f32x4_extract_lane(wasm_f32x4_sqrt(wasm_f32x4_splat(x)), 0);
}

bool kvc_all_finite(const float *x, size_t n)
{
    uint32_t top = 0; /* the largest exponent field */
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7f800000u;
        top = bits > top ? bits : top;
    }
    return top < 0x7f800000u;
}
