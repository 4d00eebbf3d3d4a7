/* kvc_mha: what it refuses, what it costs, and caches of fewer bits. */
#include <math.h>

#include "check.h"
#include "oracle.h"
#include "random_mha.h"
#include "random_model.h"

enum { S = 2 * KVC_PAGE + 3 };

static const kvc_error invalid = KVC_ERR_INVALID_ARGUMENT,
                       range = KVC_ERR_POSITION_OUT_OF_RANGE;

/* ---- refused ----------------------------------------------------------------------- */

static void impossible_sizes(void **unused)
{
    (void)unused;
    const kvc_mha_config good = cross_config(4, 2, 8, S);
    kvc_mha_config bad[14];
    for (size_t i = 0; i < 14; i++)
        bad[i] = good;
    bad[0].n_embd = 0;
    bad[1].n_embd = 18;
    bad[2].source_dim = 13;
    bad[3].n_head = 0;
    bad[4].n_kv_head = 0;
    bad[5].n_kv_head = 3;
    bad[6].n_kv_head = 8;
    bad[7].head_dim = 0;
    bad[8].head_dim = 6;
    bad[9].batch = 0;
    bad[10].capacity = 0;
    bad[11].key_type = KVC_BF16;
    bad[12].value_type = KVC_BF16;
    bad[13].value_type = (kvc_dtype)9;
    size_t bytes;
    check_ok(kvc_mha_bytes(&good, &bytes));
    for (size_t i = 0; i < 14; i++)
        check_error(kvc_mha_bytes(&bad[i], &bytes), invalid);
    check_error(kvc_mha_bytes(NULL, &bytes), invalid);
    check_error(kvc_mha_bytes(&good, NULL), invalid);

    const size_t huge = SIZE_MAX / 16 * 4; /* a multiple of 4 */
    kvc_mha_config large[7];
    for (size_t i = 0; i < 7; i++)
        large[i] = good;
    large[0].n_embd = huge;
    large[1].source_dim = huge;
    large[2].n_head = huge;
    large[3].head_dim = huge;
    large[4].batch = huge;
    large[5].capacity = huge;
    large[6].n_head = large[6].n_kv_head = large[6].head_dim = huge;
    for (size_t i = 0; i < 7; i++)
        check_error(kvc_mha_bytes(&large[i], &bytes), KVC_ERR_OUT_OF_MEMORY);
}

static void memory_is_asked_for_and_given(void **unused)
{
    (void)unused;
    for (int cross = 0; cross <= 1; cross++) {
        const kvc_mha_config config = (cross ? cross_config : self_config)(4, 2, 8, S);
        size_t bytes;
        kvc_mha *mha = NULL;
        check_ok(kvc_mha_bytes(&config, &bytes));
        char *memory = check_alloc(1, bytes + 16);
        check_error(kvc_mha_init(&mha, &config, memory, bytes - 1),
                    KVC_ERR_OUT_OF_MEMORY);
        check_error(kvc_mha_init(&mha, &config, memory, 0), KVC_ERR_OUT_OF_MEMORY);
        check_error(kvc_mha_init(&mha, &config, NULL, bytes), invalid);
        check_error(kvc_mha_init(NULL, &config, memory, bytes), invalid);
        check_error(kvc_mha_init(&mha, NULL, memory, bytes), invalid);
        for (size_t shift = 1; shift < 16; shift++)
            check_error(kvc_mha_init(&mha, &config, memory + shift, bytes), invalid);
        assert_null(mha);
        check_ok(kvc_mha_init(&mha, &config, memory, bytes));
        free(memory);
    }
}

/* A refused call changes nothing: the next token is what it would have been. */
static void refusals_of_self_attention(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    kvc_mha_config config = self_config(2, 2, 4, S);
    config.batch = 2;
    random_mha l = random_mha_new(config, 2);
    float *x = random_array((S + 1) * 20, &state), y[S * 20], want[S * 20];
    check_ok(kvc_mha_full(l.mha, want, x, S));
    for (size_t t = 0; t < S; t++) {
        check_error(kvc_mha_forward(NULL, y, x, 0, 1), invalid);
        check_error(kvc_mha_forward(l.mha, NULL, x, 0, 1), invalid);
        check_error(kvc_mha_forward(l.mha, y, NULL, 0, 1), invalid);
        check_error(kvc_mha_forward(l.mha, y, x, 0, 0), invalid);
        check_error(kvc_mha_forward(l.mha, y, x, 2, 1), range);
        check_error(kvc_mha_forward(l.mha, y, x, SIZE_MAX, 1), range);
        check_error(kvc_mha_forward(l.mha, y, x, 0, S - t + 1), KVC_ERR_CACHE_FULL);
        check_error(kvc_mha_forward(l.mha, y, x, 0, SIZE_MAX), KVC_ERR_CACHE_FULL);
        check_error(kvc_mha_full(NULL, y, x, 1), invalid);
        check_error(kvc_mha_full(l.mha, NULL, x, 1), invalid);
        check_error(kvc_mha_full(l.mha, y, NULL, 1), invalid);
        check_error(kvc_mha_full(l.mha, y, x, 0), invalid);
        check_error(kvc_mha_full(l.mha, y, x, S + 1), KVC_ERR_CACHE_FULL);
        check_error(kvc_mha_set_source(l.mha, 0, x, 1), KVC_ERR_UNSUPPORTED);
        assert_int_equal(kvc_cache_length(kvc_mha_cache(l.mha), 0), t);
        check_ok(kvc_mha_forward(l.mha, y, x + t * 20, 0, 1));
        check_same(y, want + t * 20, 20);
    }
    check_error(kvc_mha_forward(l.mha, y, x, 0, 1), KVC_ERR_CACHE_FULL);
    check_ok(kvc_mha_forward(l.mha, y, x, 1, S)); /* the other sequence has room */
    check_same(y, want, S * 20);
    free(x);
    random_mha_free(&l);
}

static void refusals_of_cross_attention(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    kvc_mha_config config = cross_config(2, 2, 4, S);
    config.batch = 2;
    random_mha l = random_mha_new(config, 4);
    float *x = random_array(20, &state), *source = random_array(S * 12, &state);
    float *worse = random_array(S * 12, &state), y[20], want[20];
    worse[S * 12 - 1] = NAN;
    check_error(kvc_mha_forward(l.mha, y, x, 0, 1), KVC_ERR_NOT_READY);
    check_ok(kvc_mha_set_source(l.mha, 0, source, S));
    check_ok(kvc_mha_forward(l.mha, want, x, 0, 1));
    check_error(kvc_mha_forward(l.mha, y, x, 1, 1), KVC_ERR_NOT_READY);
    check_error(kvc_mha_full(l.mha, y, x, 1), KVC_ERR_UNSUPPORTED);
    check_error(kvc_mha_set_source(NULL, 0, source, 1), invalid);
    check_error(kvc_mha_set_source(l.mha, 0, NULL, 1), invalid);
    check_error(kvc_mha_set_source(l.mha, 0, source, 0), invalid);
    check_error(kvc_mha_set_source(l.mha, 2, source, 1), range);
    check_error(kvc_mha_set_source(l.mha, 0, source, S + 1), KVC_ERR_CACHE_FULL);
    check_error(kvc_mha_set_source(l.mha, 0, source, SIZE_MAX), KVC_ERR_CACHE_FULL);
    check_error(kvc_mha_set_source(l.mha, 0, worse, S), KVC_ERR_NOT_FINITE);
    check_ok(kvc_mha_forward(l.mha, y, x, 0, 1)); /* the source is still there */
    check_same(y, want, 20);
    free(x);
    free(source);
    free(worse);
    random_mha_free(&l);
}

/* ---- weights ----------------------------------------------------------------------- */

static void weights_are_taken_whole_or_not_at_all(void **unused)
{
    (void)unused;
    uint64_t state = 5;
    random_mha l = random_mha_new(self_config(3, 1, 4, S), 6);
    float *x = random_array(20, &state), y[20], want[20];
    check_ok(kvc_mha_full(l.mha, want, x, 1));
    check_error(kvc_mha_set_weight(NULL, KVC_MHA_Q, l.w[0], NULL), invalid);
    check_error(kvc_mha_set_weight(l.mha, (kvc_mha_weight)4, l.w[0], NULL), invalid);
    check_error(kvc_mha_set_weight(l.mha, (kvc_mha_weight)-1, l.w[0], NULL), invalid);
    for (int i = 0; i < 4; i++) {
        const kvc_mha_weight which = (kvc_mha_weight)i;
        check_error(kvc_mha_set_weight(l.mha, which, NULL, NULL), invalid);
        float *w = random_array(20 * 12, &state), bias[20] = {0};
        bias[3] = INFINITY;
        check_error(kvc_mha_set_weight(l.mha, which, w, bias), KVC_ERR_NOT_FINITE);
        w[20 * (i == 1 || i == 2 ? 4 : 12) - 1] = NAN; /* the last one of the matrix */
        check_error(kvc_mha_set_weight(l.mha, which, w, NULL), KVC_ERR_NOT_FINITE);
        free(w);
    }
    check_ok(kvc_mha_full(l.mha, y, x, 1));
    check_same(y, want, 20);
    free(x);
    random_mha_free(&l);
}

static void no_bias_is_a_bias_of_zeros(void **unused)
{
    (void)unused;
    uint64_t state = 7;
    const float zeros[20] = {0};
    random_mha none = random_mha_new(self_config(3, 1, 4, S), 8);
    random_mha zero = random_mha_new(self_config(3, 1, 4, S), 8);
    float *x = random_array(S * 20, &state), y[S * 20], want[S * 20];
    check_ok(kvc_mha_full(zero.mha, y, x, S));
    for (int i = 0; i < 4; i++) {
        check_ok(kvc_mha_set_weight(none.mha, (kvc_mha_weight)i, none.w[i], NULL));
        check_ok(kvc_mha_set_weight(zero.mha, (kvc_mha_weight)i, zero.w[i], zeros));
    }
    check_ok(kvc_mha_full(zero.mha, want, x, S));
    assert_memory_not_equal(y, want, sizeof y);
    check_ok(kvc_mha_full(none.mha, y, x, S));
    check_same(y, want, S * 20);
    free(x);
    random_mha_free(&none);
    random_mha_free(&zero);
}

/* Before any weight arrives everything is zero, not whatever the memory held. */
static void without_weights_everything_is_zero(void **unused)
{
    (void)unused;
    const kvc_mha_config config = self_config(2, 1, 4, S);
    size_t bytes;
    kvc_mha *mha;
    check_ok(kvc_mha_bytes(&config, &bytes));
    check_ok(kvc_mha_init(&mha, &config, check_alloc(1, bytes), bytes));
    const float x[3 * 20] = {1.0f}, zeros[3 * 20] = {0};
    float y[3 * 20];
    check_ok(kvc_mha_forward(mha, y, x, 0, 3));
    check_same(y, zeros, 3 * 20);
    free(mha);
}

/* ---- fewer bits -------------------------------------------------------------------- */

/* K and V in f16 or int8: near f32, and still the same bits for every split. */
static void smaller_elements(void **unused)
{
    (void)unused;
    const struct {
        kvc_dtype key, value;
        double bound;
    } types[] = {{KVC_F16, KVC_F16, 2e-3},
                 {KVC_I8, KVC_I8, 5e-2},
                 {KVC_F32, KVC_I8, 5e-2},
                 {KVC_F16, KVC_F32, 2e-3},
                 {KVC_F32, KVC_F32, 1e-30}};
    uint64_t state = 9;
    float *x = random_array(S * 20, &state), full[S * 20], whole[S * 20], y[S * 20];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        kvc_mha_config config = self_config(4, 2, 8, S);
        config.key_type = types[i].key;
        config.value_type = types[i].value;
        random_mha l = random_mha_new(config, 10);
        check_ok(kvc_mha_full(l.mha, full, x, S));
        check_ok(kvc_mha_forward(l.mha, whole, x, 0, S));
        double *want = oracle_widen(full, S * 20);
        const double error = check_distance(whole, want, S * 20);
        assert_true(error <= types[i].bound);
        assert_true((error > 0.0) == (types[i].bound > 1e-30)); /* they do round */
        for (size_t first = 1; first < S; first++) {
            check_ok(kvc_cache_truncate(kvc_mha_cache(l.mha), 0, 0));
            check_ok(kvc_mha_forward(l.mha, y, x, 0, first));
            check_ok(
                kvc_mha_forward(l.mha, y + first * 20, x + first * 20, 0, S - first));
            check_same(y, whole, S * 20);
        }
        free(want);
        random_mha_free(&l);
    }
    free(x);
}

/* A NaN that f16 or int8 cannot hold comes with the last token: none of them is kept. */
static void a_pass_that_fails_halfway_leaves_no_trace(void **unused)
{
    (void)unused;
    uint64_t state = 11;
    kvc_mha_config config = self_config(2, 2, 4, S + 5);
    config.key_type = KVC_F16;
    random_mha l = random_mha_new(config, 12);
    float *x = random_array((S + 5) * 20, &state), y[(S + 5) * 20], want[(S + 5) * 20];
    check_ok(kvc_mha_forward(l.mha, want, x, 0, S + 5));
    kvc_cache_reset(kvc_mha_cache(l.mha));
    check_ok(kvc_mha_forward(l.mha, y, x, 0, 5));
    const float good = x[(S + 5) * 20 - 1];
    x[(S + 5) * 20 - 1] = NAN;
    check_error(kvc_mha_forward(l.mha, y + 5 * 20, x + 5 * 20, 0, S), KVC_ERR_NOT_FINITE);
    assert_int_equal(kvc_cache_length(kvc_mha_cache(l.mha), 0), 5);
    x[(S + 5) * 20 - 1] = good;
    check_ok(kvc_mha_forward(l.mha, y + 5 * 20, x + 5 * 20, 0, S));
    check_same(y, want, (S + 5) * 20);
    free(x);
    random_mha_free(&l);
}

/* Nor of what its first chunks looked at, which decides about the tokens before. */
static void a_pass_that_fails_halfway_has_counted_nothing(void **unused)
{
    (void)unused;
    enum { BEFORE = 16, T = 64 };
    uint64_t state = 13;
    kvc_mha_config config = self_config(2, 1, 4, BEFORE + T);
    config.key_type = config.value_type = KVC_I8;
    config.policy = KVC_LEAST_SEEN;
    random_mha l = random_mha_new(config, 14);
    kvc_cache *cache = kvc_mha_cache(l.mha);
    float *x = random_array(T * 20, &state), y[T * 20];
    for (size_t bad = 0; bad < T; bad += 7) {
        kvc_cache_reset(cache);
        check_ok(kvc_mha_forward(l.mha, y, x, 0, BEFORE));
        const size_t bytes = kvc_cache_state_bytes(cache);
        unsigned char *want = check_alloc(1, bytes), *got = check_alloc(1, bytes);
        check_ok(kvc_cache_save(cache, 0, want, bytes));
        const float good = x[bad * 20];
        x[bad * 20] = NAN;
        check_error(kvc_mha_forward(l.mha, y, x, 0, T), KVC_ERR_NOT_FINITE);
        x[bad * 20] = good;
        assert_int_equal(kvc_cache_state_bytes(cache), bytes);
        check_ok(kvc_cache_save(cache, 0, got, bytes));
        assert_memory_equal(got, want, bytes);
        check_ok(kvc_mha_forward(l.mha, y, x, 0, T)); /* nor counts it later */
        float sums[BEFORE + T], all = 0.0f;
        check_ok(kvc_cache_importance(cache, 0, sums));
        for (size_t i = 0; i < BEFORE + T; i++)
            all += sums[i];
        const float whole = 2.0f * (BEFORE + T); /* 1 of each head and query */
        assert_true(fabsf(all - whole) < 0.01f);
        free(want);
        free(got);
    }
    free(x);
    random_mha_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_sizes),
        cmocka_unit_test(memory_is_asked_for_and_given),
        cmocka_unit_test(refusals_of_self_attention),
        cmocka_unit_test(refusals_of_cross_attention),
        cmocka_unit_test(weights_are_taken_whole_or_not_at_all),
        cmocka_unit_test(no_bias_is_a_bias_of_zeros),
        cmocka_unit_test(without_weights_everything_is_zero),
        cmocka_unit_test(smaller_elements),
        cmocka_unit_test(a_pass_that_fails_halfway_leaves_no_trace),
        cmocka_unit_test(a_pass_that_fails_halfway_has_counted_nothing),
    };
    return cmocka_run_group_tests_name("mha edges", tests, NULL, NULL);
}
