/* Positions as rotations: the tables against libm in double precision, which they are
 * made without; the rotation against its equation, to the bit; and what a Llama's config
 * and files may be. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "kernels/rotary.h"
#include "random_model.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const kvc_config llama = {LLAMA_SIZES(2, 4, 2, 8, 12, 9, 40, 23),
                                 .rope_factor = 1.0f};

/* The float next to x at most: two roundings may differ where libm's power does. */
static void check_next(float x, double exact)
{
    const float want = (float)exact;
    if (x != want && x != nextafterf(want, INFINITY) && x != nextafterf(want, -INFINITY))
        fail_msg("%.9g, not %.9g", (double)x, exact);
}

static void frequencies_are_powers(void **unused)
{
    (void)unused;
    static const float thetas[] = {1.0f, 90.0f, 1e4f, 1e5f, 5e5f, 1e6f, 1e7f, 3e38f};
    size_t different = 0, all = 0;
    for (size_t i = 0; i < COUNT(thetas); i++)
        for (uint32_t r = 2; r <= 256; r += 2) {
            kvc_config c = llama;
            c.rope_theta = thetas[i];
            c.rotary_dim = r;
            float f[128];
            kvc_rotary_frequencies(f, &c);
            for (size_t j = 0; j < r / 2; j++, all++) {
                check_next(f[j], (double)oracle_angle(&c, j, 1));
                different += f[j] != oracle_angle(&c, j, 1);
            }
        }
    print_message("%zu of %zu frequencies differ from libm's\n", different, all);
    assert_int_equal(different, 0);
}

/* Llama 3.1's own numbers: fast angles as they are, slow ones an eighth. */
static void slow_angles_are_divided(void **unused)
{
    (void)unused;
    kvc_config plain = llama, scaled;
    float f[64], g[64];
    plain.rope_theta = 5e5f;
    plain.rotary_dim = 128;
    scaled = plain;
    scaled.rope_factor = 8.0f;
    scaled.rope_original = 8192;
    scaled.rope_low = 1.0f;
    scaled.rope_high = 4.0f;
    kvc_rotary_frequencies(f, &plain);
    kvc_rotary_frequencies(g, &scaled);
    size_t kept = 0, divided = 0;
    for (size_t i = 0; i < 64; i++) {
        const double turns = 8192.0 * (double)f[i] / (2.0 * 3.14159265358979323846);
        kept += turns > 4.0;
        divided += turns < 1.0;
        if (turns > 4.0)
            assert_true(g[i] == f[i]);
        else if (turns < 1.0)
            assert_true(g[i] == f[i] / 8.0f);
        else
            assert_true(g[i] < f[i] && g[i] > f[i] / 8.0f);
    }
    assert_int_equal(kept, 29);
    assert_int_equal(divided, 29);
    scaled.rope_original = 0; /* linear: all of them */
    kvc_rotary_frequencies(g, &scaled);
    for (size_t i = 0; i < 64; i++)
        assert_true(g[i] == f[i] / 8.0f);
}

/* The next word of a line, a float by its bits. */
static bool next_float(const char **text, float *x)
{
    uint32_t bits;
    int read = 0;
    sscanf(*text, "%8" SCNx32 "%n", &bits, &read);
    *text += read;
    memcpy(x, &bits, sizeof *x);
    return read > 0;
}

/* Of every kind of scaling, to the bit: tests/fixtures/angles.txt */
static void angles_are_those_of_transformers(void **unused)
{
    (void)unused;
    static char line[4096];
    size_t tables = 0;
    FILE *file = fopen("tests/fixtures/angles.txt", "r");
    assert_non_null(file); /* run from the repository's root */
    while (fgets(line, sizeof line, file)) {
        kvc_config c = llama;
        int read = 0;
        sscanf(line, "%u %f %f %u %f %f %u %f %f %f = %n", &c.rotary_dim, &c.rope_theta,
               &c.rope_factor, &c.rope_original, &c.rope_low, &c.rope_high, &c.rope_yarn,
               &c.rope_attention, &c.rope_mscale, &c.rope_mscale_all, &read);
        if (read == 0)
            continue; /* a comment */
        if (c.rope_yarn == 0)
            c.rope_mscale = c.rope_mscale_all = 0.0f;
        float f[64], want;
        const char *words = line + read;
        c.head_dim = c.rotary_dim;
        check_ok(kvc_config_check(&c));
        kvc_rotary_frequencies(f, &c);
        assert_true(next_float(&words, &want));
        assert_true(kvc_rotary_amplitude(&c) == want);
        for (size_t i = 0; i < c.rotary_dim / 2; i++) {
            assert_true(next_float(&words, &want));
            if (f[i] != want)
                fail_msg("table %zu, pair %zu: %.9g, not %.9g", tables, i, (double)f[i],
                         (double)want);
        }
        assert_false(next_float(&words, &want));
        tables++;
    }
    assert_int_equal(tables, 15);
    fclose(file);
}

/* Every quarter turn, near and far, up to the last position there can be. */
static void turns_are_cosines_and_sines(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    double worst = 0.0;
    for (size_t round = 0; round < 40000; round++) {
        const size_t bits = 1 + random_below(&state, 24);
        const size_t position = random_below(&state, (size_t)1 << bits);
        const float f[] = {1.0f, random_value(&state, 0.5, 0.5), 1e-4f};
        float turns[12];
        kvc_rotary_turns(turns, f, 1.0f, 6, position, 2);
        for (size_t t = 0; t < 2; t++)
            for (size_t i = 0; i < 3; i++) {
                const double angle = (double)((float)(position + t) * f[i]);
                const float *at = turns + 6 * t + i;
                worst = fmax(worst, fabs((double)at[0] - cos(angle)));
                worst = fmax(worst, fabs((double)at[3] - sin(angle)));
                assert_true(at[0] == (float)cos(angle) && at[3] == (float)sin(angle));
            }
    }
    print_message("cosines and sines at most %.1e off\n", worst);
}

static void heads_turn(void **unused)
{
    (void)unused;
    enum { ROWS = 3, HEADS = 2 };
    uint64_t state = 2;
    for (size_t D = 4; D <= 68; D += 4)
        for (size_t r = 0; r <= D; r += 2) {
            const size_t n = ROWS * HEADS * D;
            float *x = random_array(n, &state), *want = check_alloc(n, sizeof *want);
            float *turns = random_array(ROWS * r + 1, &state);
            memcpy(want, x, n * sizeof *x);
            for (size_t i = 0; i < ROWS * HEADS * r / 2; i++) {
                const size_t pair = i % (r / 2), head = i / (r / 2);
                float *a = want + head * D + pair, *b = a + r / 2;
                const float c = turns[head / HEADS * r + pair],
                            s = turns[head / HEADS * r + r / 2 + pair], first = *a;
                *a = first * c - *b * s;
                *b = *b * c + first * s;
            }
            kvc_rotate(x, turns, ROWS, HEADS, D, r);
            check_same(x, want, n);
            free(x);
            free(want);
            free(turns);
        }
}

/* Scores depend on the distance alone: a text that begins at another position has them,
 * near enough. */
static void scores_depend_on_the_distance(void **unused)
{
    (void)unused;
    enum { D = 64 };
    uint64_t state = 3;
    float f[D / 2], turns[2 * D];
    kvc_config c = llama;
    c.rotary_dim = D;
    kvc_rotary_frequencies(f, &c);
    double score[2] = {0.0, 0.0};
    float *q = random_array(D, &state), *k = random_array(D, &state), a[D], b[D];
    for (size_t shift = 0; shift < 2; shift++) {
        memcpy(a, q, sizeof a);
        memcpy(b, k, sizeof b);
        kvc_rotary_turns(turns, f, 1.0f, D, 5 + 300 * shift, 1);
        kvc_rotate(a, turns, 1, 1, D, D);
        kvc_rotary_turns(turns, f, 1.0f, D, 2 + 300 * shift, 1);
        kvc_rotate(b, turns, 1, 1, D, D);
        for (size_t i = 0; i < D; i++)
            score[shift] += (double)a[i] * (double)b[i];
    }
    assert_true(fabs(score[0] - score[1]) < 1e-4);
    free(q);
    free(k);
}

/* ---- config and files -------------------------------------------------------------- */

static kvc_config changed(size_t member, float number, uint32_t count)
{
    kvc_config c = llama;
    c.rope_original = 24;
    c.rope_low = 1.0f;
    c.rope_high = 4.0f;
    if (number != 0.0f)
        memcpy((char *)&c + member, &number, sizeof number);
    else
        memcpy((char *)&c + member, &count, sizeof count);
    return c;
}

static void configs_are_refused(void **unused)
{
    (void)unused;
#define WRONG(member, number, count) changed(offsetof(kvc_config, member), number, count)
    const kvc_config wrong[] = {WRONG(own_head, 0.0f, 2),
                                WRONG(attention_bias, 0.0f, 2),
                                WRONG(mlp_bias, 0.0f, 1u << 31),
                                WRONG(rotary_dim, 0.0f, 0),
                                WRONG(rotary_dim, 0.0f, 7),
                                WRONG(rotary_dim, 0.0f, 10),
                                WRONG(rope_theta, 0.5f, 0),
                                WRONG(rope_theta, NAN, 0),
                                WRONG(rope_theta, INFINITY, 0),
                                WRONG(rope_factor, 0.9f, 0),
                                WRONG(rope_factor, INFINITY, 0),
                                WRONG(rope_low, 0.0f, 0),
                                WRONG(rope_low, 4.0f, 0),
                                WRONG(rope_low, NAN, 0),
                                WRONG(rope_high, INFINITY, 0),
                                WRONG(rope_high, NAN, 0),
                                WRONG(rope_original, 0.0f, 1u << 25),
                                WRONG(rope_attention, 1.0f, 0),
                                WRONG(rope_mscale, 1.0f, 0),
                                WRONG(rope_mscale_all, 1.0f, 0),
                                WRONG(arch, 0.0f, KVC_GPT2)};
    check_ok(kvc_config_check(&llama));
    for (size_t i = 0; i < COUNT(wrong); i++)
        check_error(kvc_config_check(&wrong[i]), KVC_ERR_CONFIG_INVALID);
    kvc_config yarn = changed(offsetof(kvc_config, rope_yarn), 0.0f, 1);
    yarn.rope_mscale = 1.0f;
    check_ok(kvc_config_check(&yarn));
    kvc_config wrong_yarn[7];
    for (size_t i = 0; i < COUNT(wrong_yarn); i++)
        wrong_yarn[i] = yarn;
    wrong_yarn[0].rope_yarn = 3;
    wrong_yarn[1].rope_original = 0;
    wrong_yarn[2].rope_theta = 1.0f;
    wrong_yarn[3].rope_attention = -1.0f;
    wrong_yarn[4].rope_attention = INFINITY;
    wrong_yarn[5].rope_mscale = NAN;
    wrong_yarn[6].rope_mscale_all = -0.5f;
    for (size_t i = 0; i < COUNT(wrong_yarn); i++)
        check_error(kvc_config_check(&wrong_yarn[i]), KVC_ERR_CONFIG_INVALID);
    kvc_config gpt2 = {GPT2_SIZES(1, 1, 4, 4, 4, 4)};
    check_ok(kvc_config_check(&gpt2));
    gpt2.attention_bias = 1; /* a GPT-2 has no tensors for it */
    check_error(kvc_config_check(&gpt2), KVC_ERR_CONFIG_INVALID);
}

static kvc_model *empty_model(const kvc_config *config)
{
    size_t bytes;
    kvc_model *model;
    check_ok(kvc_model_bytes(config, &bytes));
    check_ok(kvc_model_init(&model, config, check_alloc(1, bytes), bytes));
    return model;
}

/* What the config does not ask for is unknown or, where files have it all the same,
 * ignored; what it asks for is neither. */
static void tensors_depend_on_the_config(void **unused)
{
    (void)unused;
    static const char *const optional[] = {"lm_head.weight",
                                           "layers.1.self_attn.q_proj.bias",
                                           "model.layers.0.mlp.down_proj.bias"};
    static const uint64_t shapes[][2] = {{23, 12}, {32, 0}, {12, 0}};
    static const size_t ranks[] = {2, 1, 1};
    static const char *const buffers[] = {"rotary_emb.inv_freq",
                                          "model.rotary_emb.inv_freq",
                                          "layers.1.self_attn.rotary_emb.inv_freq"};
    kvc_config full = llama;
    full.own_head = full.attention_bias = full.mlp_bias = 1;
    kvc_model *bare = empty_model(&llama), *whole = empty_model(&full);
    for (size_t i = 0; i < COUNT(optional); i++) {
        assert_true(kvc_model_ignores(bare, optional[i]) == (i == 0));
        assert_false(kvc_model_ignores(whole, optional[i]));
        check_error(
            kvc_model_begin_tensor(bare, optional[i], KVC_F32, shapes[i], ranks[i]),
            KVC_ERR_TENSOR_UNKNOWN);
        check_ok(
            kvc_model_begin_tensor(whole, optional[i], KVC_F32, shapes[i], ranks[i]));
        kvc_model_cancel_tensor(whole);
    }
    for (size_t i = 0; i < COUNT(buffers); i++)
        assert_true(kvc_model_ignores(bare, buffers[i]));
    free(bare);
    free(whole);
}

/* Two models of the same weights whose angles differ are not the same. */
static void angles_are_in_the_fingerprint(void **unused)
{
    (void)unused;
    kvc_config other = llama;
    other.rope_factor = 2.0f;
    random_model a = random_model_new(&llama, 1), b = random_model_new(&other, 1);
    random_model c = random_model_new(&llama, 1);
    assert_true(kvc_model_fingerprint(a.packed) == kvc_model_fingerprint(c.packed));
    assert_true(kvc_model_fingerprint(a.packed) != kvc_model_fingerprint(b.packed));
    random_model_free(&a);
    random_model_free(&b);
    random_model_free(&c);
}

/* Heads of keys that are copied for every head of queries make the same model. */
static void copied_heads_change_no_bit(void **unused)
{
    (void)unused;
    enum { T = 40 };
    kvc_config wide = llama;
    wide.n_kv_head = wide.n_head;
    random_model shared = random_model_new(&llama, 5), copied = {.plain = shared.plain};
    copied.packed = empty_model(&wide);
    for (size_t i = 0; i < shared.plain.n_tensors; i++) {
        oracle_tensor t = shared.plain.tensors[i];
        const bool keys = strstr(t.name, "k_proj") || strstr(t.name, "v_proj");
        const size_t head = llama.head_dim * t.shape[1], group = 2;
        float *data = check_alloc(group * oracle_tensor_elements(&t), sizeof *data);
        memcpy(data, t.data, oracle_tensor_elements(&t) * sizeof *data);
        for (size_t h = 0; keys && h < wide.n_head; h++)
            memcpy(data + h * head, t.data + h / group * head, head * sizeof *data);
        t.shape[0] *= keys ? group : 1;
        t.data = data;
        check_ok(random_model_set(copied.packed, &t));
        free(data);
    }
    uint64_t state = 6;
    uint32_t ids[T];
    random_ids(ids, T, llama.vocab_size, &state);
    float a[23], b[23];
    random_model_logits(a, &shared, ids, T);
    copied.plain.config = wide;
    random_model_logits(b, &copied, ids, T);
    check_same(a, b, 23);
    free(copied.packed);
    random_model_free(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frequencies_are_powers),
        cmocka_unit_test(slow_angles_are_divided),
        cmocka_unit_test(angles_are_those_of_transformers),
        cmocka_unit_test(turns_are_cosines_and_sines),
        cmocka_unit_test(heads_turn),
        cmocka_unit_test(scores_depend_on_the_distance),
        cmocka_unit_test(configs_are_refused),
        cmocka_unit_test(tensors_depend_on_the_config),
        cmocka_unit_test(angles_are_in_the_fingerprint),
        cmocka_unit_test(copied_heads_change_no_bit),
    };
    return cmocka_run_group_tests_name("rotary", tests, NULL, NULL);
}
