/* Kernels against the double-precision oracle (is it right?), against plain scalar loops (are the
 * bits those of the contract in kernels.h?) and against themselves (a row alone = among others). */
#include <float.h>
#include <math.h>

#include "arena.h"
#include "check.h"
#include "kernels.h"
#include "oracle.h"
#include "random_model.h"

enum { MAX = 70, ROWS = 5 };
static const double HALF_ULP = 0x1p-24;

static double *widen(const float *x, size_t n)
{
    double *wide = check_alloc(n + 1, sizeof *wide);
    for (size_t i = 0; i < n; i++)
        wide[i] = x[i];
    return wide;
}

static float *new_values(size_t n, uint64_t *state)
{
    float *x = check_alloc(n, sizeof *x);
    random_values(x, n, state);
    return x;
}

/* ---- matrix times rows -------------------------------------------------------------------- */

/* Every lane count, row count and length, strides wider than the rows, pointers that are aligned
 * to a float only. What lies between the rows stays untouched. */
static void accumulate_is_the_plain_loop(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t lanes = 4; lanes <= 72; lanes += 4)
        for (size_t rows = 0; rows <= ROWS; rows++) {
            const size_t n = random_below(&state, MAX + 1), shift = random_below(&state, 4);
            const size_t xs = n + random_below(&state, 3), ys = lanes + random_below(&state, 5);
            const size_t ws = lanes + random_below(&state, 5);
            float *y = new_values(rows * ys + shift, &state);
            float *x = new_values(rows * xs + shift, &state);
            float *w = new_values(n * ws + shift, &state);
            float *want = check_alloc(rows * ys + shift, sizeof *want);
            memcpy(want, y, (rows * ys + shift) * sizeof *y);
            for (size_t r = 0; r < rows; r++)
                for (size_t c = 0; c < lanes; c++)
                    for (size_t k = 0; k < n; k++)
                        want[shift + r * ys + c] +=
                            w[shift + k * ws + c] * x[shift + r * xs + k];
            kvc_accumulate(y + shift, ys, x + shift, xs, w + shift, ws, rows, n, lanes);
            check_same(y, want, rows * ys + shift);
            free(y);
            free(x);
            free(w);
            free(want);
        }
}

/* A matrix packed by hand from a plain one; the padding lanes are zero. */
static kvc_matrix pack(const float *w, const float *bias, size_t n_in, size_t n_out)
{
    const size_t lanes = kvc_round_up(n_out, 4);
    kvc_matrix m = {n_in, n_out, calloc(lanes * n_in, sizeof(float)), NULL};
    for (size_t i = 0; i < n_in; i++)
        for (size_t o = 0; o < n_out; o++) {
            float *place = kvc_matrix_at(&m, i, o);
            assert_in_range(place - m.w, 0, lanes * n_in - 1);
            assert_true(*place == 0.0f); /* two weights never share a place */
            *place = w[i * n_out + o];
        }
    if (bias) {
        m.bias = calloc(lanes, sizeof(float));
        memcpy(m.bias, bias, n_out * sizeof(float));
    }
    return m;
}

/* sizes[r,o] = |bias[o]| + sum_i |x[r,i] w[i,o]|: what the rounding errors are relative to. */
static void linear_sizes(double *sizes, const float *x, const float *w, const float *bias,
                         size_t n_in, size_t n_out)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t o = 0; o < n_out; o++) {
            double *sum = &sizes[r * n_out + o];
            *sum = bias ? fabs((double)bias[o]) : 0.0;
            for (size_t i = 0; i < n_in; i++)
                *sum += fabs((double)x[r * n_in + i] * (double)w[i * n_out + o]);
        }
}

/* One matrix: ROWS rows at once = every smaller number of rows = the plain loop; and near the
 * oracle by the textbook bound of a sum, (n + 1) half ulps of the sizes of its terms. */
static void check_linear(size_t n_in, size_t n_out, uint64_t *state)
{
    const size_t lanes = kvc_round_up(n_out, 4), x_stride = kvc_round_up(n_in, 4);
    float *x = new_values(ROWS * n_in, state), *w = new_values(n_in * n_out, state);
    float *bias = random_below(state, 4) ? new_values(n_out, state) : NULL;
    float *padded = check_alloc(ROWS * x_stride, sizeof *padded); /* NaN where padded */
    float *y = check_alloc(ROWS * lanes, sizeof *y), *want = check_alloc(ROWS, n_out * 4);
    double *exact = check_alloc(ROWS * n_out, sizeof *exact);
    double *sizes = check_alloc(ROWS * n_out, sizeof *sizes), *wide = widen(x, ROWS * n_in);
    kvc_matrix m = pack(w, bias, n_in, n_out);
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(padded + r * x_stride, x + r * n_in, n_in * sizeof *x);
        for (size_t o = 0; o < n_out; o++) {
            float acc = bias ? bias[o] : 0.0f;
            for (size_t i = 0; i < n_in; i++)
                acc += w[i * n_out + o] * x[r * n_in + i];
            want[r * n_out + o] = acc;
        }
    }
    oracle_linear(exact, wide, w, bias, ROWS, n_in, n_out);
    linear_sizes(sizes, x, w, bias, n_in, n_out);
    for (size_t rows = 1; rows <= ROWS; rows++)
        for (size_t first = 0; first + rows <= ROWS; first += rows) {
            memset(y, 0xff, ROWS * lanes * sizeof *y);
            kvc_linear(y, padded + first * x_stride, rows, &m);
            for (size_t r = 0; r < rows; r++) {
                const size_t at = (first + r) * n_out;
                check_same(y + r * lanes, want + at, n_out);
                check_close(y + r * lanes, exact + at, sizes + at, n_out,
                            (double)(n_in + 1) * HALF_ULP);
                for (size_t o = n_out; o < lanes; o++)
                    assert_true(y[r * lanes + o] == 0.0f);
            }
        }
    void *const blocks[] = {x, w, bias, padded, y, want, exact, sizes, wide, m.w, m.bias};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
}

static void linear_of_every_size(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    for (size_t n = 1; n <= MAX; n++) {
        for (size_t n_out = 1; n_out <= MAX; n_out += 23)
            check_linear(n, n_out, &state);
        for (size_t n_in = 1; n_in <= MAX; n_in += 23)
            check_linear(n_in, n, &state);
    }
    check_linear(3, 500, &state);
    check_linear(500, 3, &state);
}

/* ---- vectors ------------------------------------------------------------------------------ */

/* The order of every sum over one vector, as kernels.h promises it. */
static float strided_sum(const float *x, size_t n)
{
    float s[4] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 4] += x[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static void plain_layer_norm(float *y, const float *x, const float *weight, const float *bias,
                             size_t n, float eps)
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
        float *x = new_values(ROWS * n, &state), *y = check_alloc(ROWS * n, sizeof *y);
        float *weight = new_values(n, &state), *bias = new_values(n, &state);
        float *want = check_alloc(n, sizeof *want), *alone = check_alloc(n, sizeof *alone);
        double *exact = check_alloc(n, sizeof *exact);
        for (size_t i = 0; i < ROWS * n; i++)
            x[i] = x[i] * size + (i < n ? size : 0.0f); /* the first row is far off centre */
        kvc_layer_norm(y, x, weight, bias, ROWS, n, eps);
        double *wide = widen(x, ROWS * n);
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

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A sweep over every binade of both signs: about two million floats. */
static void exp_of_every_magnitude(void **unused)
{
    (void)unused;
    double worst = 0.0;
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 1999)
        for (int sign = 0; sign < 2; sign++) {
            const float x = sign ? -from_bits(bits) : from_bits(bits);
            const double inside = fmin(fmax((double)x, -87.0), 88.0), exact = exp(inside);
            float y;
            kvc_exp(&y, &x, 1);
            const double ulp = ldexp(1.0, ilogb(exact) - 23);
            worst = fmax(worst, fabs((double)y - exact) / ulp);
        }
    print_message("kvc_exp: at most %.3f ulp off\n", worst);
    assert_true(worst <= 1.0);
}

static void exp_at_the_edges(void **unused)
{
    (void)unused;
    const float x[] = {0.0f, -0.0f, INFINITY, FLT_MAX, 88.0f, -INFINITY, -FLT_MAX, -87.0f, NAN};
    float y[10];
    y[9] = 5.0f;
    kvc_exp(y, x, 9);
    assert_true(y[0] == 1.0f && y[1] == 1.0f); /* exact: the likeliest token has weight 1 */
    assert_true(y[2] == y[4] && y[3] == y[4] && y[4] < INFINITY);
    assert_true(y[5] == y[7] && y[6] == y[7] && y[7] >= FLT_MIN);
    assert_true(isnan(y[8]));
    assert_true(y[9] == 5.0f);
    float in_place[7];
    memcpy(in_place, x, sizeof in_place);
    kvc_exp(in_place, in_place, 7);
    check_same(in_place, y, 7);
}

static void gelu_of_every_magnitude(void **unused)
{
    (void)unused;
    double worst = 0.0;
    for (uint32_t bits = 0; bits < 0x4b000000u; bits += 1999) /* up to 8 million */
        for (int sign = 0; sign < 2; sign++) {
            const float x = sign ? -from_bits(bits) : from_bits(bits);
            float y[4] = {x, 1.0f, -2.0f, x}; /* a lane doesn't see its neighbours */
            kvc_gelu(y, 4);
            check_same(y, y + 3, 1);
            const double exact = oracle_gelu((double)x), error = fabs((double)y[0] - exact);
            worst = fmax(worst, error / fmax(fabs((double)x), FLT_MIN));
        }
    print_message("kvc_gelu: at most %.2e * |x| off\n", worst);
    assert_true(worst <= 2e-7);
}

/* exp((x - max) scale) within 2e-6 of the truth (the rounding of x - max and of the product is
 * part of it), the sum in strided order, the padding zero, nothing beyond it touched. */
static void softmax_terms(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    for (size_t n = 1; n <= MAX; n++)
        for (int spread = 0; spread < 4; spread++) {
            const float scale = 0.25f, size = (const float[]){0.0f, 1.0f, 30.0f, 1e6f}[spread];
            const size_t padded = kvc_round_up(n, 4);
            float *x = check_alloc(padded, sizeof *x);
            double *exact = check_alloc(n, sizeof *exact), max = -INFINITY, total = 0.0;
            for (size_t i = 0; i < n; i++) {
                x[i] = random_value(&state, 0.0, 1.0) * size;
                max = fmax(max, (double)x[i]);
            }
            for (size_t i = 0; i < n; i++)
                total += exact[i] = exp(((double)x[i] - max) * (double)scale);
            const float sum = kvc_softmax_terms(x, n, scale), again = strided_sum(x, n);
            check_close(x, exact, NULL, n, 2e-6);
            check_close(&sum, &total, &total, 1, 2e-6);
            check_same(&sum, &again, 1);
            for (size_t i = n; i < padded; i++)
                assert_true(x[i] == 0.0f);
            free(x);
            free(exact);
        }
}

static void add_scale_sqrt(void **unused)
{
    (void)unused;
    uint64_t state = 5;
    for (size_t n = 0; n <= 140; n += 4) {
        float *x = new_values(n, &state), *y = new_values(n, &state);
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
        const float x = from_bits(bits), root = kvc_sqrt(x), want = (float)sqrt((double)x);
        check_same(&root, &want, 1); /* double is wide enough for the one rounding to be right */
    }
}

static void all_finite(void **unused)
{
    (void)unused;
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, from_bits(0x7f800001u)};
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
        cmocka_unit_test(accumulate_is_the_plain_loop),
        cmocka_unit_test(linear_of_every_size),
        cmocka_unit_test(layer_norm),
        cmocka_unit_test(exp_of_every_magnitude),
        cmocka_unit_test(exp_at_the_edges),
        cmocka_unit_test(gelu_of_every_magnitude),
        cmocka_unit_test(softmax_terms),
        cmocka_unit_test(add_scale_sqrt),
        cmocka_unit_test(all_finite),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
