/* Matrices in int8: the weights and activations that include/kvc.h promises, the bits of
 * the plain integer loop for every size and number of rows, and how far from the exact
 * product they may be. */
#include <float.h>
#include <math.h>

#include "base/number.h"
#include "check.h"
#include "kernels/int8.h"
#include "kernels/linear.h"
#include "kernels/matrix.h"
#include "kernels/vector.h"
#include "oracle.h"
#include "random_model.h"

enum { BLOCK = 32 };

/* A plain matrix, what quantising makes of it, and the engine's packed one. */
typedef struct fixture {
    size_t n_in, n_out, blocks, lanes;
    float *w, *bias;   /* [n_in, n_out], [n_out] or NULL */
    int *q;            /* [n_in, n_out] */
    float *scale;      /* [blocks, n_out] */
    kvc_matrix packed; /* in memory of exactly the size it needs */
} fixture;

/* The rule, said plainly: n values, one every stride. */
static float plain_quantize(int *q, const float *x, size_t stride, size_t n, float limit)
{
    float max = 0.0f;
    for (size_t i = 0; i < n; i++)
        max = fmaxf(max, fabsf(x[i * stride]));
    const float factor = max < 1e-30f ? 0.0f : limit / max;
    for (size_t i = 0; i < n; i++)
        q[i * stride] = (int)nearbyintf(x[i * stride] * factor); /* half to even */
    return max < 1e-30f ? 0.0f : max / limit;
}

static fixture new_fixture(float *w, size_t n_in, size_t n_out, uint64_t *state)
{
    fixture f = {n_in, n_out, (n_in + BLOCK - 1) / BLOCK, (n_out + 3) / 4 * 4, .w = w};
    f.bias = random_below(state, 4) ? random_array(f.lanes, state) : NULL;
    for (size_t o = n_out; f.bias && o < f.lanes; o++)
        f.bias[o] = 0.0f;
    f.q = check_alloc(n_in * n_out, sizeof *f.q);
    f.scale = check_alloc(f.blocks * n_out, sizeof *f.scale);
    float *panels = check_alloc(f.lanes * f.blocks, sizeof(float) + BLOCK);
    f.packed = (kvc_matrix){n_in, n_out, panels, f.bias, true};
    for (size_t o = 0; o < f.lanes; o++)
        for (size_t b = 0; b < f.blocks; b++) {
            const size_t first = b * BLOCK, n = kvc_min(BLOCK, n_in - first);
            const float *from = w + first * n_out + o;
            if (o >= n_out) {
                kvc_int8_set_block(&f.packed, b, o, (const float[BLOCK]){0}, 1, BLOCK);
                continue;
            }
            f.scale[b * n_out + o] =
                plain_quantize(f.q + first * n_out + o, from, n_out, n, 63.0f);
            kvc_int8_set_block(&f.packed, b, o, from, n_out, n);
        }
    return f;
}

static void free_fixture(fixture *f)
{
    void *const blocks[] = {f->w, f->bias, f->q, f->scale, f->packed.w};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
}

/* Every weight reads back as scale * q, and lies at most half a step from what it was. */
static void check_weights(const fixture *f)
{
    float *column = check_alloc(f->n_in, sizeof *column);
    for (size_t o = 0; o < f->n_out; o++) {
        kvc_matrix_column(column, &f->packed, o);
        for (size_t i = 0; i < f->n_in; i++) {
            const float scale = f->scale[i / BLOCK * f->n_out + o];
            const int q = f->q[i * f->n_out + o];
            const float want = scale * (float)q;
            assert_in_range(q + 63, 0, 126);
            check_same(&column[i], &want, 1);
            assert_true(fabs((double)want - (double)f->w[i * f->n_out + o]) <=
                        0.5001 * (double)scale + 1e-30);
        }
    }
    free(column);
}

/* y[r,o] by integers, one block after the other.   x: [n_in] of one row */
static void plain_row(float *y, const fixture *f, const float *x)
{
    int *q = check_alloc(f->n_in, sizeof *q);
    for (size_t o = 0; o < f->n_out; o++)
        y[o] = f->bias ? f->bias[o] : 0.0f;
    for (size_t b = 0; b < f->blocks; b++) {
        const size_t first = b * BLOCK, n = kvc_min(BLOCK, f->n_in - first);
        const float scale = plain_quantize(q + first, x + first, 1, n, 127.0f);
        for (size_t o = 0; o < f->n_out; o++) {
            int sum = 0;
            for (size_t i = first; i < first + n; i++)
                sum += q[i] * f->q[i * f->n_out + o];
            y[o] += (float)sum * (scale * f->scale[b * f->n_out + o]);
        }
    }
    free(q);
}

/* What quantising may cost: each factor moves by half a step of its block. */
static void check_near_exact(const fixture *f, const float *y, const float *x)
{
    double *wide = oracle_widen(x, f->n_in),
           *exact = check_alloc(f->n_out, sizeof *exact);
    oracle_linear(exact, wide, f->w, f->bias, 1, f->n_in, f->n_out);
    for (size_t o = 0; o < f->n_out; o++) {
        double bound = 1e-6 * (f->bias ? fabs((double)f->bias[o]) : 0.0);
        for (size_t i = 0; i < f->n_in; i++) {
            const size_t first = i / BLOCK * BLOCK;
            double max = 0.0;
            for (size_t j = first; j < kvc_min(first + BLOCK, f->n_in); j++)
                max = fmax(max, fabs(wide[j]));
            const double dw = (double)f->scale[i / BLOCK * f->n_out + o] / 2,
                         dx = max / 254, w = fabs((double)f->w[i * f->n_out + o]);
            bound += 1.001 * (w * dx + fabs(wide[i]) * dw + dw * dx) + 1e-6 * w * max;
        }
        assert_true(fabs((double)y[o] - exact[o]) <= bound);
    }
    free(wide);
    free(exact);
}

/* All rows at once, and every smaller number of them, give the bits of the plain loop. */
static void check_linear(size_t n_in, size_t n_out, size_t rows, uint64_t *state)
{
    fixture f = new_fixture(random_array(n_in * n_out, state), n_in, n_out, state);
    const size_t x_stride = (n_in + 3) / 4 * 4;
    float *x = check_alloc(rows * x_stride, sizeof *x); /* NaN where padded */
    float *y = check_alloc(rows * f.lanes, sizeof *y);
    float *want = check_alloc(rows * n_out, sizeof *want);
    for (size_t r = 0; r < rows; r++) {
        random_values(x + r * x_stride, n_in, state);
        x[r * x_stride + random_below(state, n_in)] *= 30.0f;
        plain_row(want + r * n_out, &f, x + r * x_stride);
        check_near_exact(&f, want + r * n_out, x + r * x_stride);
    }
    for (size_t n = 1; n <= rows; n++) {
        const size_t first = random_below(state, rows - n + 1);
        memset(y, 0xff, rows * f.lanes * sizeof *y);
        kvc_linear(y, x + first * x_stride, n, &f.packed);
        for (size_t r = 0; r < n; r++) {
            check_same(y + r * f.lanes, want + (first + r) * n_out, n_out);
            for (size_t o = n_out; o < f.lanes; o++)
                assert_true(y[r * f.lanes + o] == 0.0f);
        }
    }
    check_weights(&f);
    free_fixture(&f);
    free(x);
    free(y);
    free(want);
}

static void linear_of_every_size(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t n = 1; n <= 100; n++) {
        for (size_t n_out = 1; n_out <= 70; n_out += 23)
            check_linear(n, n_out, 7, &state);
        for (size_t n_in = 1; n_in <= 70; n_in += 23)
            check_linear(n_in, n, 7, &state);
    }
}

/* Beyond what is quantised at once: 32 rows of 1,024 inputs, fewer rows of more. */
static void linear_of_many_rows_and_long_ones(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    check_linear(40, 36, 70, &state);
    for (size_t n_in = 1023; n_in <= 1025; n_in++)
        check_linear(n_in, 33, 3, &state);
    check_linear(3000, 5, 34, &state);
    check_linear(64, 700, 5, &state);
    for (size_t n_in = 32767; n_in <= 32769; n_in++)
        check_linear(n_in, 2, 1, &state);
}

/* What a block of inputs needs lies together, and blocks follow each other, panel by
 * panel: a matrix is read from its first byte to its last. */
static void weights_are_one_stream(void **unused)
{
    (void)unused;
    uint64_t state = 6;
    fixture f = new_fixture(random_array(70 * 37, &state), 70, 37, &state);
    const char *at = (const char *)f.packed.w;
    for (size_t o = 0; o < f.lanes; o += KVC_INT8_PANEL)
        for (size_t b = 0; b < f.blocks; b++) {
            const size_t width = kvc_min(KVC_INT8_PANEL, f.lanes - o);
            assert_ptr_equal(kvc_matrix_at(&f.packed, b, o), at);
            assert_ptr_equal(kvc_matrix_four_at(&f.packed, 8 * b, o), at + 4 * width);
            assert_ptr_equal(kvc_matrix_four_at(&f.packed, 8 * b + 7, o + 3),
                             at + 32 * width + 12);
            at += 36 * width;
        }
    assert_int_equal(kvc_matrix_bytes(&f.packed), at - (const char *)f.packed.w);
    free_fixture(&f);
}

/* The largest sums there are: every weight 63, every activation 127, both signs. */
static void no_sum_saturates(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (int signs = 0; signs < 4; signs++) {
        float *w = check_alloc(64 * 36, sizeof *w), x[64], y[36], want[36];
        for (size_t i = 0; i < 64 * 36; i++)
            w[i] = signs & 1 ? -1.0f : 1.0f;
        for (size_t i = 0; i < 64; i++)
            x[i] = signs & 2 ? -1.0f : 1.0f;
        fixture f = new_fixture(w, 64, 36, &state);
        plain_row(want, &f, x);
        kvc_linear(y, x, 1, &f.packed);
        check_same(y, want, 36);
        assert_int_equal(abs(f.q[0]), 63);
        free_fixture(&f);
    }
}

/* Ties to even, the largest becomes the limit, tiny blocks are zeros, huge ones fit. */
static void edges_of_quantising(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    const float sizes[] = {0.0f, 1e-45f, 0.9e-30f, 1.1e-30f, 1.0f, 1e30f, FLT_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        float *w = check_alloc(128, sizeof *w);
        for (size_t i = 0; i < 128; i++) /* with 63 as largest: every half */
            w[i] = sizes[s] / 63.0f * ((float)i / 2.0f) * (i % 3 ? 1.0f : -1.0f);
        w[126] = w[63] = sizes[s];
        w[127] = 0.0f;
        fixture f = new_fixture(w, 128, 1, &state);
        check_weights(&f);
        assert_int_equal(f.q[126], sizes[s] < 1e-30f ? 0 : 63);
        free_fixture(&f);
    }
    float *w = check_alloc(32, sizeof *w);
    for (size_t i = 0; i < 32; i++)
        w[i] = i == 31 ? 63.0f : (float)i + 0.5f;
    fixture f = new_fixture(w, 32, 1, &state);
    for (int i = 0; i < 31; i++)
        assert_int_equal(f.q[i], (i + 1) / 2 * 2); /* 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, ... */
    check_weights(&f);
    free_fixture(&f);
}

/* An activation that is NaN or infinite never gives a finite output, and leaves the other
 * rows alone. */
static void not_finite_stays_not_finite(void **unused)
{
    (void)unused;
    uint64_t state = 5;
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    fixture f = new_fixture(random_array(70 * 40, &state), 70, 40, &state);
    float x[3 * 72], y[3 * 40], want[40];
    for (size_t i = 0; i < 70; i++)
        for (size_t b = 0; b < 4; b++) {
            random_values(x, 3 * 72, &state);
            x[72 + i] = bad[b];
            kvc_linear(y, x, 3, &f.packed);
            for (size_t o = 0; o < 40; o++)
                assert_false(kvc_all_finite(y + 40 + o, 1));
            for (size_t r = 0; r < 3; r += 2) {
                plain_row(want, &f, x + r * 72);
                check_same(y + r * 40, want, 40);
            }
        }
    free_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_of_every_size),
        cmocka_unit_test(linear_of_many_rows_and_long_ones),
        cmocka_unit_test(weights_are_one_stream),
        cmocka_unit_test(no_sum_saturates),
        cmocka_unit_test(edges_of_quantising),
        cmocka_unit_test(not_finite_stays_not_finite),
    };
    return cmocka_run_group_tests_name("int8", tests, NULL, NULL);
}
