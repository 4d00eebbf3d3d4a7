/* Kernels over one vector: against the double-precision oracle with a stated bound,
 * and against plain scalar loops that spell out the order of each sum, to the bit. */
#include <float.h>
#include <math.h>

#include "base/number.h"
#include "base/simd.h"
#include "check.h"
#include "kernels/activation.h"
#include "kernels/exp.h"
#include "kernels/norm.h"
#include "kernels/softmax.h"
#include "kernels/vector.h"
#include "oracle.h"
#include "random_model.h"

enum { MAX = 70, ROWS = 5 };

/* The order of every sum over one vector, as simd.h promises it. */
static float strided_sum(const float *x, size_t n)
{
    float s[4] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 4] += x[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static void plain_layer_norm(float *y, const float *x, const float *weight,
                             const float *bias, size_t n, float eps)
{
    float *square = check_alloc(n, sizeof *square);
    const float mean = strided_sum(x, n) / (float)n;
    for (size_t i = 0; i < n; i++)
        square[i] = (x[i] - mean) * (x[i] - mean);
    const float scale = 1.0f / kvc_sqrt(strided_sum(square, n) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
    free(square);
}

static void layer_norm(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (size_t n = 4; n <= 140; n += 4) {
        const float eps = n % 8 ? 1e-5f : 1e-12f, size = n % 12 ? 1.0f : 300.0f;
        float *x = random_array(ROWS * n, &state), *y = check_alloc(ROWS * n, sizeof *y);
        float *weight = random_array(n, &state), *bias = random_array(n, &state);
        float *want = check_alloc(n, sizeof *want),
              *alone = check_alloc(n, sizeof *alone);
        double *exact = check_alloc(n, sizeof *exact);
        for (size_t i = 0; i < ROWS * n; i++)
            x[i] =
                x[i] * size + (i < n ? size : 0.0f); /* the first row is far off centre */
        kvc_layer_norm(y, x, weight, bias, ROWS, n, eps);
        double *wide = oracle_widen(x, ROWS * n);
        for (size_t r = 0; r < ROWS; r++) {
            oracle_layer_norm(exact, wide + r * n, weight, bias, n, (double)eps);
            check_close(y + r * n, exact, NULL, n, 4e-6);
            plain_layer_norm(want, x + r * n, weight, bias, n, eps);
            check_same(y + r * n, want, n);
            kvc_layer_norm(alone, x + r * n, weight, bias, 1, n, eps);
            check_same(alone, want, n);
        }
        void *const blocks[] = {x, y, weight, bias, want, alone, exact, wide};
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
            free(blocks[i]);
    }
}

static double ulps_off(float y, float x)
{
    const double exact = exp(fmin(fmax((double)x, -64.0), 64.0));
    return fabs((double)y - exact) / ldexp(1.0, ilogb(exact) - 23);
}

/* A sweep over every binade of both signs: about two million floats. */
static void exp_of_every_magnitude(void **unused)
{
    (void)unused;
    enum { N = 100 }; /* more than one block of the kernel, and no whole number of them */
    double worst = 0.0;
    for (uint32_t bits = 0; bits < 0x7f800000u - N * 1999;) {
        float x[N], y[N];
        for (size_t i = 0; i < N; i += 2, bits += 1999) {
            x[i] = kvc_float_from_bits(bits);
            x[i + 1] = -x[i];
        }
        memcpy(y, x, sizeof y);
        kvc_exp(y, N);
        for (size_t i = 0; i < N; i++)
            worst = fmax(worst, ulps_off(y[i], x[i]));
    }
    print_message("kvc_exp: at most %.3f ulp off\n", worst);
    assert_true(worst <= 1.0);
}

static void exp_at_the_edges(void **unused)
{
    (void)unused;
    float x[] = {0.0f,      -0.0f,    INFINITY, FLT_MAX, 64.0f,
                 -INFINITY, -FLT_MAX, -64.0f,   NAN,     5.0f};
    kvc_exp(x, 8);
    assert_true(x[0] == 1.0f && x[1] == 1.0f); /* the likeliest token has weight 1 */
    assert_true(x[2] == x[4] && x[3] == x[4] && x[4] < INFINITY);
    assert_true(x[5] == x[7] && x[6] == x[7]);
    assert_true(x[7] * 1e-9f >= FLT_MIN);    /* times a value it is not subnormal: slow */
    assert_true(1.0f + 1e6f * x[7] == 1.0f); /* a million of them: nothing, beside 1 */
    assert_true(isnan(x[8]) && x[9] == 5.0f); /* behind n */
    float more[4] = {NAN, 0.0f, 0.0f, 0.0f};
    kvc_exp(more, 4);
    assert_true(isnan(more[0]) && more[1] == 1.0f);
}

static void gelu_of_every_magnitude(void **unused)
{
    (void)unused;
    double worst = 0.0;
    for (uint32_t bits = 0; bits < 0x4b000000u; bits += 1999) /* up to 8 million */
        for (int sign = 0; sign < 2; sign++) {
            const float x = sign ? -kvc_float_from_bits(bits) : kvc_float_from_bits(bits);
            float y[4] = {x, 1.0f, -2.0f, x}; /* a lane doesn't see its neighbours */
            kvc_gelu(y, 4);
            check_same(y, y + 3, 1);
            const double exact = oracle_gelu((double)x),
                         error = fabs((double)y[0] - exact);
            worst = fmax(worst, error / fmax(fabs((double)x), FLT_MIN));
        }
    print_message("kvc_gelu: at most %.2e * |x| off\n", worst);
    assert_true(worst <= 2e-7);
}

/* 1 + erf to one ulp of numbers from 1 to 2: half of it to 2^-24, besides the rounding of
 * the product. In the tail, which no such ulp reaches, to a few digits still. */
static void exact_gelu_of_every_magnitude(void **unused)
{
    (void)unused;
    double worst = 0.0, tail = 0.0;
    for (uint32_t bits = 0; bits < 0x4b000000u; bits += 499)
        for (int sign = 0; sign < 2; sign++) {
            const float x = sign ? -kvc_float_from_bits(bits) : kvc_float_from_bits(bits);
            float y[4] = {x, 1.0f, -2.0f, x};
            kvc_exact_gelu(y, 4);
            check_same(y, y + 3, 1);
            const double exact = oracle_exact_gelu((double)x),
                         error = fabs((double)y[0] - exact), size = fabs((double)x);
            worst = fmax(worst, (error - 0x1p-24 * fabs(exact)) / fmax(size, 0x1p-100));
            if (x < -1.0f && x > -11.0f)
                tail = fmax(tail, error / fabs(exact));
        }
    print_message("kvc_exact_gelu: 1 + erf at most %.3f ulp off, the tail %.1e\n",
                  worst * 0x1p24, tail);
    assert_true(worst <= 0x1p-24 && tail <= 5e-6);
    float x[] = {-2.0f, -INFINITY, NAN, INFINITY},
          approximate[] = {-2.0f, 0.0f, 0.0f, 0.0f};
    kvc_exact_gelu(x, 4);
    kvc_gelu(approximate, 4);
    assert_true(fabsf(x[0] - approximate[0]) > 5e-5f);
    assert_true(!isfinite(x[1]) && isnan(x[2]) && x[3] == INFINITY);
}

static void relu_hides_no_nan(void **unused)
{
    (void)unused;
    const float want[] = {0.0f, 0.0f, 1e-45f, 7.0f, 0.0f, INFINITY, 0.0f, 0.0f};
    float x[] = {-1e-45f, 0.0f, 1e-45f, 7.0f, -7.0f, INFINITY, -INFINITY, NAN};
    kvc_relu(x, 8);
    check_same(x, want, 7);
    assert_true(isnan(x[7]));
}

/* exp((x - max) scale) within 2e-6 of the truth (the rounding of x - max and of the
 * product is part of it), the sum in strided order, the padding zero, nothing beyond
 * it touched. */
static void softmax_terms(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    for (size_t n = 1; n <= MAX; n++)
        for (int spread = 0; spread < 4; spread++) {
            const float scale = 0.25f,
                        size = (const float[]){0.0f, 1.0f, 30.0f, 1e6f}[spread];
            const size_t padded = kvc_round_up(n, 4);
            float *x = check_alloc(padded, sizeof *x);
            double *exact = check_alloc(n, sizeof *exact), max = -INFINITY, total = 0.0;
            for (size_t i = 0; i < n; i++) {
                x[i] = random_value(&state, 0.0, 1.0) * size;
                max = fmax(max, (double)x[i]);
            }
            for (size_t i = 0; i < n; i++)
                total += exact[i] = exp(((double)x[i] - max) * (double)scale);
            const float sum = kvc_softmax_terms(x, 0, n, scale),
                        again = strided_sum(x, n);
            check_close(x, exact, NULL, n, 2e-6);
            check_close(&sum, &total, &total, 1, 2e-6);
            check_same(&sum, &again, 1);
            for (size_t i = n; i < padded; i++)
                assert_true(x[i] == 0.0f);
            free(x);
            free(exact);
        }
}

/* ln(softmax(x)[target]) in float, from a sum of n terms in float; of two targets at
 * once, which may be the same. */
static void log_softmax_at(void **unused)
{
    (void)unused;
    uint64_t state = 6;
    for (size_t n = 1; n <= 3000; n = n < MAX ? n + 1 : 2 * n)
        for (int spread = 0; spread < 4; spread++) {
            float *x = check_alloc(kvc_round_up(n, 4), sizeof *x), got[2];
            double *exact = check_alloc(n, sizeof *exact), want[2], sizes[2];
            uint32_t targets[2];
            random_ids(targets, 2, n, &state);
            for (size_t i = 0; i < n; i++)
                exact[i] = x[i] =
                    random_value(&state, 3.0, (const double[]){0, 1, 9, 80}[spread]);
            double max = exact[0], sum = 0.0;
            for (size_t i = 0; i < n; i++)
                max = fmax(max, exact[i]);
            for (size_t i = 0; i < n; i++)
                sum += exp(exact[i] - max);
            for (int i = 0; i < 2; i++) {
                want[i] = exact[targets[i]] - max - log(sum);
                sizes[i] = 1.0 + fabs(want[i]);
            }
            kvc_log_softmax_at(got, targets, 2, x, n);
            check_close(got, want, sizes, 2, 1e-6);
            assert_true(got[0] <= 0.0f && got[1] <= 0.0f);
            free(x);
            free(exact);
        }
}

static void add_scale_sqrt(void **unused)
{
    (void)unused;
    uint64_t state = 5;
    for (size_t n = 0; n <= 140; n += 4) {
        float *x = random_array(n, &state), *y = random_array(n, &state);
        float *want = check_alloc(n, sizeof *want);
        for (size_t i = 0; i < n; i++)
            want[i] = y[i] + x[i];
        kvc_add(y, x, n);
        check_same(y, want, n);
        for (size_t i = 0; i < n; i++)
            want[i] = y[i] * 0.3f;
        kvc_scale(y, 0.3f, n);
        check_same(y, want, n);
        free(x);
        free(y);
        free(want);
    }
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 99991) {
        const float x = kvc_float_from_bits(bits), root = kvc_sqrt(x),
                    want = (float)sqrt((double)x);
        check_same(&root, &want, 1); /* a double's sqrt, rounded once more, is exact */
    }
}

static void all_finite(void **unused)
{
    (void)unused;
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY,
                         kvc_float_from_bits(0x7f800001u)};
    float x[9] = {0.0f, -0.0f, FLT_MAX, -FLT_MAX, FLT_MIN, 1e-45f, 1.0f, -1.0f, 3.0f};
    assert_true(kvc_all_finite(x, 9));
    for (size_t i = 0; i < 9; i++)
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
            const float kept = x[i];
            memcpy(&x[i], &bad[b], sizeof *bad);
            assert_false(kvc_all_finite(x, 9));
            assert_true(kvc_all_finite(x, i)); /* not beyond n */
            x[i] = kept;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_norm),
        cmocka_unit_test(exp_of_every_magnitude),
        cmocka_unit_test(exp_at_the_edges),
        cmocka_unit_test(gelu_of_every_magnitude),
        cmocka_unit_test(exact_gelu_of_every_magnitude),
        cmocka_unit_test(relu_hides_no_nan),
        cmocka_unit_test(softmax_terms),
        cmocka_unit_test(log_softmax_at),
        cmocka_unit_test(add_scale_sqrt),
        cmocka_unit_test(all_finite),
    };
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
