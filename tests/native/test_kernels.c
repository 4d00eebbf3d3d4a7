/* Matrix times rows: against the double-precision oracle (is it right?), against plain
 * scalar loops (are the bits those that accumulate.h promises?), and a row alone against
 * the same row among others. */
#include <math.h>

#include "base/number.h"
#include "check.h"
#include "kernels/accumulate.h"
#include "kernels/linear.h"
#include "kernels/matrix.h"
#include "oracle.h"
#include "random_model.h"

enum { MAX = 70, ROWS = 5 };
static const double HALF_ULP = 0x1p-24;

/* Every lane count and row count, random lengths, strides wider than the rows,
 * pointers that are aligned to a float only. What lies between the rows stays
 * untouched. */
static void accumulate_is_the_plain_loop(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t lanes = 4; lanes <= 72; lanes += 4)
        for (size_t round = 0; round < 60; round++) {
            const size_t rows = round % (ROWS + 1);
            const size_t n = random_below(&state, MAX + 1),
                         shift = random_below(&state, 4);
            const size_t xs = n + random_below(&state, 3),
                         ys = lanes + random_below(&state, 5);
            const size_t ws = lanes + (round % 5 > 0 ? round % 7 : 128);
            float *y = random_array(rows * ys + shift, &state);
            float *x = random_array(rows * xs + shift, &state);
            float *w = random_array(n * ws + shift, &state);
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
    kvc_matrix m = {n_in, n_out, calloc(lanes * n_in, sizeof(float)), NULL, false};
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

/* sizes[r,o] = |bias[o]| + sum_i |x[r,i] w[i,o]|: what the rounding errors are
 * relative to. */
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

/* One matrix: ROWS rows at once = every smaller number of rows = the plain loop; and
 * near the oracle by the textbook bound of a sum, (n + 1) half ulps of the sizes of
 * its terms. */
static void check_linear(size_t n_in, size_t n_out, uint64_t *state)
{
    const size_t lanes = kvc_round_up(n_out, 4), x_stride = kvc_round_up(n_in, 4);
    float *x = random_array(ROWS * n_in, state), *w = random_array(n_in * n_out, state);
    float *bias = random_below(state, 4) ? random_array(n_out, state) : NULL;
    float *padded = check_alloc(ROWS * x_stride, sizeof *padded); /* NaN where padded */
    float *y = check_alloc(ROWS * lanes, sizeof *y), *want = check_alloc(ROWS, n_out * 4);
    double *exact = check_alloc(ROWS * n_out, sizeof *exact);
    double *sizes = check_alloc(ROWS * n_out, sizeof *sizes),
           *wide = oracle_widen(x, ROWS * n_in);
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

/* Asked for and given are the same bytes; only the padding is written, as zeros. */
static void matrices_are_laid_out(void **unused)
{
    (void)unused;
    for (size_t n_in = 1; n_in <= MAX; n_in += 3)
        for (size_t n_out = 1; n_out <= MAX; n_out++)
            for (int type = 0; type < 4; type++) {
                const kvc_dtype dtype = type % 2 ? KVC_I8 : KVC_F32;
                const size_t lanes = kvc_round_up(n_out, 4);
                kvc_arena ask = {0};
                float *bias = type / 2 ? check_alloc(lanes, sizeof *bias) : NULL;
                kvc_matrix m = kvc_matrix_take(&ask, n_in, n_out, bias, dtype);
                assert_null(m.w);
                assert_false(ask.overflow);
                void *block = check_alloc(1, ask.used);
                kvc_arena give = {.base = block};
                m = kvc_matrix_take(&give, n_in, n_out, bias, dtype);
                assert_int_equal(give.used, ask.used);
                assert_true(ask.used >= kvc_matrix_bytes(&m));
                assert_true(ask.used < kvc_matrix_bytes(&m) + 2 * KVC_ALIGN);
                const size_t rows = m.int8 ? kvc_blocks(n_in) : n_in;
                for (size_t o = 0; o < lanes; o++) {
                    for (size_t i = 0; i < rows && o >= n_out; i++)
                        assert_true(*kvc_matrix_at(&m, i, o) == 0.0f);
                    if (bias)
                        assert_int_equal(isnan(bias[o]), o < n_out);
                }
                free(block);
                free(bias);
            }
    kvc_arena full = {0};
    kvc_matrix_take(&full, SIZE_MAX / 8, 4, NULL, KVC_F32);
    assert_true(full.overflow);
    full = (kvc_arena){0};
    kvc_matrix_take(&full, SIZE_MAX - 3, 4, NULL, KVC_I8);
    assert_true(full.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accumulate_is_the_plain_loop),
        cmocka_unit_test(linear_of_every_size),
        cmocka_unit_test(matrices_are_laid_out),
    };
    return cmocka_run_group_tests_name("matrices", tests, NULL, NULL);
}
