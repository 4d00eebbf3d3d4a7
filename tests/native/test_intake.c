/* Tensors on their way in: every float of 8 and 16 bits there is, orientation and
 * packing of every weight, tensors in pieces, and what a bad tensor does to the model
 * (nothing). */
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "check.h"
#include "kernels/matrix.h"
#include "model/model.h"
#include "random_model.h"

static const kvc_config tiny = {GPT2_SIZES(2, 1, 4, 7, 5, 6)};

static const kvc_config tiny_int8 = {GPT2_SIZES(2, 1, 36, 7, 5, 6), .weights = KVC_I8};

static kvc_model *new_model(const kvc_config *config)
{
    size_t bytes;
    kvc_model *model;
    check_ok(kvc_model_bytes(config, &bytes));
    check_ok(kvc_model_init(&model, config, check_alloc(1, bytes), bytes));
    return model;
}

/* ---- number formats ---------------------------------------------------------------- */

/* A sign, exponent and fraction. Of the patterns with the largest exponent one is
 * infinite, unless only the last is no number. */
typedef struct {
    kvc_dtype dtype;
    int exponent_bits, fraction_bits;
    bool has_infinity;
} short_float;

/* What a pattern means, from the definition of the format. */
static double meaning(const short_float *f, uint32_t bits)
{
    const int exponent_bits = f->exponent_bits, fraction_bits = f->fraction_bits;
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = (int)(bits >> fraction_bits & ((1u << exponent_bits) - 1));
    const int fraction = (int)(bits & ((1u << fraction_bits) - 1));
    const double sign = bits >> (exponent_bits + fraction_bits) ? -1.0 : 1.0;
    if (exponent == 2 * bias + 1 && f->has_infinity)
        return fraction ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 2 * bias + 1 && fraction == (1 << fraction_bits) - 1)
        return (double)NAN;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - bias - fraction_bits);
    return sign * ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
}

/* Pattern i of an array of them, little-endian. */
static void put_pattern(unsigned char *data, size_t i, uint32_t bits, size_t size)
{
    for (size_t byte = 0; byte < size; byte++)
        data[size * i + byte] = (unsigned char)(bits >> 8 * byte);
}

/* All patterns through wpe: the finite ones arrive exactly, each of the others is refused
 * wherever it stands. The data begins at an odd address. */
static void check_every_pattern(const short_float *f)
{
    const size_t size = (size_t)(1 + f->exponent_bits + f->fraction_bits) / 8;
    const uint32_t patterns = 1u << 8 * size;
    unsigned char *data = check_alloc(1 + patterns, size);
    float *want = check_alloc(patterns, sizeof *want);
    size_t n = 0, refused = 0;
    kvc_model *small = new_model(&tiny);
    const uint64_t small_shape[] = {tiny.n_positions, 4};
    for (uint32_t bits = 0; bits < patterns; bits++) {
        const double value = meaning(f, bits);
        if (isfinite(value)) {
            want[n] = (float)value;
            put_pattern(data + 1, n++, bits, size);
            continue;
        }
        unsigned char bad[40] = {0};
        put_pattern(bad, refused++ % 20, bits, size);
        check_error(kvc_model_set_tensor(small, "wpe.weight", f->dtype, small_shape, 2,
                                         bad, 20 * size),
                    KVC_ERR_NOT_FINITE);
    }
    assert_int_equal(refused, f->has_infinity ? 2u << f->fraction_bits : 2u);
    for (; n % 4 > 0; n++) { /* to the end of a row */
        put_pattern(data + 1, n, 0, size);
        want[n] = 0.0f;
    }
    kvc_config config = tiny;
    config.n_positions = (uint32_t)(n / 4);
    kvc_model *model = new_model(&config);
    const uint64_t shape[] = {n / 4, 4};
    check_ok(kvc_model_set_tensor(model, "wpe.weight", f->dtype, shape, 2, data + 1,
                                  size * n));
    check_same(model->decoder.positions, want, n);
    free(data);
    free(want);
    free(small);
    free(model);
}

static void every_half(void **unused)
{
    (void)unused;
    check_every_pattern(&(short_float){KVC_F16, 5, 10, true});
}

static void every_bfloat16(void **unused)
{
    (void)unused;
    check_every_pattern(&(short_float){KVC_BF16, 8, 7, true});
}

static void every_float_of_a_byte(void **unused)
{
    (void)unused;
    check_every_pattern(&(short_float){KVC_F8_E4M3, 4, 3, false});
    check_every_pattern(&(short_float){KVC_F8_E5M2, 5, 2, true});
}

static void singles_keep_their_bits(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    const uint64_t shape[] = {tiny.n_positions, 4};
    for (int round = 0; round < 5000; round++) {
        unsigned char data[1 + 80];
        float values[20];
        bool finite = true;
        for (size_t i = 0; i < 20; i++) {
            uint32_t bits = (uint32_t)random_next(&state);
            bits |= round % 2 && i == 7 ? 0x7f800000u
                                        : 0; /* every second has NaN or infinity */
            memcpy(&values[i], &bits, sizeof bits);
            finite = finite && isfinite(values[i]);
            for (size_t byte = 0; byte < 4; byte++)
                data[1 + 4 * i + byte] = (unsigned char)(bits >> 8 * byte);
        }
        kvc_model *model = new_model(&tiny);
        check_error(
            kvc_model_set_tensor(model, "wpe.weight", KVC_F32, shape, 2, data + 1, 80),
            finite ? KVC_OK : KVC_ERR_NOT_FINITE);
        if (finite)
            check_same(model->decoder.positions, values, 20);
        free(model);
    }
}

/* ---- packing ----------------------------------------------------------------------- */

/* An int8 matrix gives back scale * i: within half a step, a 126th of the largest of its
 * block, and the largest itself as it was (but for a rounding). */
static void check_quantized(const kvc_matrix *m, const float *w, size_t row_stride,
                            size_t column_stride)
{
    float *column = check_alloc(m->n_in, sizeof *column);
    for (size_t o = 0; o < m->n_out; o++) {
        kvc_matrix_column(column, m, o);
        for (size_t first = 0; first < m->n_in; first += KVC_BLOCK) {
            const float *from = w + first * row_stride + o * column_stride;
            const size_t n = kvc_min(KVC_BLOCK, m->n_in - first);
            double max = 0.0;
            for (size_t i = 0; i < n; i++)
                max = fmax(max, fabs((double)from[i * row_stride]));
            for (size_t i = 0; i < n; i++) {
                const double want = (double)from[i * row_stride],
                             off = fabs((double)column[first + i] - want);
                assert_true(off <= max / 126 * 1.0001);
                assert_true(fabs(want) < max || off <= 1e-6 * max);
            }
        }
    }
    free(column);
}

static void check_matrix(const kvc_matrix *m, const float *w, size_t row_stride,
                         size_t column_stride, const float *bias)
{
    if (m->int8)
        check_quantized(m, w, row_stride, column_stride);
    for (size_t i = 0; i < m->n_in && !m->int8; i++)
        for (size_t o = 0; o < m->n_out; o++)
            check_same(kvc_matrix_at(m, i, o), w + i * row_stride + o * column_stride, 1);
    if (bias)
        check_same(m->bias, bias, m->n_out);
    for (size_t o = m->n_out; o < kvc_round_up(m->n_out, 4); o++) {
        assert_true(!m->bias || m->bias[o] == 0.0f);
        for (size_t i = 0; i < (m->int8 ? kvc_blocks(m->n_in) : m->n_in); i++)
            assert_true(*kvc_matrix_at(m, i, o) == 0.0f); /* the weight, or its scale */
    }
}

static void check_layer(const kvc_layer *l, const oracle_model *plain, int i)
{
    const size_t C = plain->config.n_embd, F = plain->config.n_inner;
    const size_t Q = kvc_query_width(&plain->config), KV = kvc_kv_width(&plain->config);
    const size_t all = Q + 2 * KV;
    const float *attn = oracle_weights(plain, i, "attn.c_attn.weight"); /* [C, all] */
    const float *bias = oracle_weights(plain, i, "attn.c_attn.bias");
    check_matrix(&l->q, attn, all, 1, bias);
    check_matrix(&l->k, attn + Q, all, 1, bias + Q);
    check_matrix(&l->v, attn + Q + KV, all, 1, bias + Q + KV);
    check_matrix(&l->o, oracle_weights(plain, i, "attn.c_proj.weight"), C, 1,
                 oracle_weights(plain, i, "attn.c_proj.bias"));
    check_matrix(&l->up, oracle_weights(plain, i, "mlp.c_fc.weight"), F, 1,
                 oracle_weights(plain, i, "mlp.c_fc.bias"));
    check_matrix(&l->down, oracle_weights(plain, i, "mlp.c_proj.weight"), C, 1,
                 oracle_weights(plain, i, "mlp.c_proj.bias"));
    check_same(l->attention_norm.weight, oracle_weights(plain, i, "ln_1.weight"), C);
    check_same(l->attention_norm.bias, oracle_weights(plain, i, "ln_1.bias"), C);
    check_same(l->mlp_norm.weight, oracle_weights(plain, i, "ln_2.weight"), C);
    check_same(l->mlp_norm.bias, oracle_weights(plain, i, "ln_2.bias"), C);
}

static void check_packed(const kvc_model *model, const oracle_model *plain)
{
    const size_t C = plain->config.n_embd;
    check_matrix(&model->embedding, oracle_weights(plain, -1, "wte.weight"), 1, C, NULL);
    check_same(model->decoder.positions, oracle_weights(plain, -1, "wpe.weight"),
               plain->config.n_positions * C);
    check_same(model->decoder.norm.weight, oracle_weights(plain, -1, "ln_f.weight"), C);
    check_same(model->decoder.norm.bias, oracle_weights(plain, -1, "ln_f.bias"), C);
    for (int i = 0; i < (int)plain->config.n_layer; i++)
        check_layer(&model->decoder.layers[i], plain, i);
}

static void every_weight_finds_its_place(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    for (int round = 0; round < 40; round++) {
        kvc_config config = random_config(&state, 1 + random_below(&state, 40));
        config.weights = round % 2 ? KVC_I8 : KVC_F32;
        random_model m = random_model_new(&config, random_next(&state));
        check_packed(m.packed, &m.plain);
        random_model_free(&m);
    }
}

/* Any order, with and without the prefix, and completeness is known at every moment. */
static void any_order_with_or_without_prefix(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (int round = 0; round < 20; round++) {
        kvc_config config = random_config(&state, 1 + random_below(&state, 40));
        config.weights = round % 2 ? KVC_I8 : KVC_F32;
        oracle_model plain = random_weights(&config, random_next(&state));
        kvc_model *model = new_model(&config);
        const char *missing = NULL;
        for (size_t left = plain.n_tensors; left > 0; left--) {
            check_error(kvc_model_complete(model, &missing), KVC_ERR_TENSOR_MISSING);
            const size_t pick = random_below(&state, left);
            oracle_tensor t = plain.tensors[pick];
            plain.tensors[pick] = plain.tensors[left - 1];
            plain.tensors[left - 1] = t;
            if (random_below(&state, 2))
                snprintf(t.name, sizeof t.name, "transformer.%.50s",
                         plain.tensors[left - 1].name);
            check_ok(random_model_set(model, &t));
        }
        check_ok(kvc_model_complete(model, &missing));
        check_packed(model, &plain);
        random_weights_free(&plain);
        free(model);
    }
}

/* ---- in pieces --------------------------------------------------------------------- */

static void check_pieces(const kvc_config *config, size_t most)
{
    for (size_t piece = 1; piece <= most; piece += 1 + piece / 100) {
        oracle_model plain = random_weights(config, piece);
        kvc_model *model = new_model(config);
        for (size_t i = 0; i < plain.n_tensors; i++) {
            const oracle_tensor *t = &plain.tensors[i];
            const size_t n = oracle_tensor_elements(t);
            check_ok(kvc_model_begin_tensor(model, t->name, KVC_F32, t->shape, t->rank));
            check_ok(
                kvc_model_write_tensor(model, NULL, 0)); /* an empty piece is a piece */
            for (size_t at = 0; at < n; at += piece)
                check_ok(kvc_model_write_tensor(model, t->data + at,
                                                4 * kvc_min(piece, n - at)));
        }
        const char *missing;
        check_ok(kvc_model_complete(model, &missing));
        check_packed(model, &plain);
        random_weights_free(&plain);
        free(model);
    }
}

static void pieces_of_every_size_equal_the_whole(void **unused)
{
    (void)unused;
    check_pieces(&tiny, 90);        /* the longest tensor has 48 elements, */
    check_pieces(&tiny_int8, 5000); /* and here 36 * 108 */
}

/* A tensor that fails or is cancelled half-way counts as not there and can come again. */
static void check_failures(const kvc_config *config)
{
    const float bad = NAN;
    oracle_model plain = random_weights(config, 7);
    kvc_model *model = new_model(config);
    const char *missing;
    for (size_t i = 0; i < plain.n_tensors; i++) {
        const oracle_tensor *t = &plain.tensors[i];
        const size_t n = oracle_tensor_elements(t);
        for (int how = 0; how < 5; how++) {
            check_ok(kvc_model_begin_tensor(model, t->name, KVC_F32, t->shape, t->rank));
            check_ok(kvc_model_write_tensor(model, t->data, 4 * (n / 2)));
            switch (how) {
            case 0: kvc_model_cancel_tensor(model); break;
            case 1:
                check_error(kvc_model_write_tensor(model, &bad, 4), KVC_ERR_NOT_FINITE);
                break;
            case 2: /* half an element */
                check_error(kvc_model_write_tensor(model, t->data, 2),
                            KVC_ERR_TENSOR_BYTES);
                break;
            case 3: /* one element too many */
                check_error(kvc_model_write_tensor(model, t->data, 4 * (n - n / 2 + 1)),
                            KVC_ERR_TENSOR_BYTES);
                break;
            default:
                check_ok(kvc_model_write_tensor(model, t->data + n / 2, 4 * (n - n / 2)));
            }
            check_error(kvc_model_write_tensor(model, t->data, 4),
                        KVC_ERR_INVALID_ARGUMENT);
        }
        check_error(random_model_set(model, t), KVC_ERR_TENSOR_DUPLICATE);
    }
    check_ok(kvc_model_complete(model, &missing));
    check_packed(model, &plain);
    random_weights_free(&plain);
    free(model);
}

static void failed_and_cancelled_pieces_come_again(void **unused)
{
    (void)unused;
    check_failures(&tiny);
    check_failures(&tiny_int8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half),
        cmocka_unit_test(every_bfloat16),
        cmocka_unit_test(every_float_of_a_byte),
        cmocka_unit_test(singles_keep_their_bits),
        cmocka_unit_test(every_weight_finds_its_place),
        cmocka_unit_test(any_order_with_or_without_prefix),
        cmocka_unit_test(pieces_of_every_size_equal_the_whole),
        cmocka_unit_test(failed_and_cancelled_pieces_come_again),
    };
    return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
