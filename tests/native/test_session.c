/* The sequence of a session: what each call does to position, cache and logits; passes
 * in slices that can be dropped at any moment; every refusal leaves the session as it
 * was. */
#include <math.h>

#include "check.h"
#include "random_model.h"

enum { N = 100, V = 50, L = 3, BLOCK = 32 };
static const kvc_config config = {GPT2_SIZES(L, 2, 16, 35, N, V)};
static random_model model;
static uint32_t ids[N + 1];
static float want[N][V]; /* the logits after ids[0 .. t], cache off */

static int set_up(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    model = random_model_new(&config, 1);
    random_ids(ids, N + 1, V, &state);
    kvc_session *s = random_model_session(&model, N);
    check_ok(kvc_session_set_cache(s, false));
    for (size_t t = 0; t < N; t++) {
        check_ok(kvc_session_decode(s, ids[t]));
        memcpy(want[t], kvc_session_logits(s), sizeof want[t]);
    }
    free(s);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    random_model_free(&model);
    return 0;
}

/* The session stands after the first n tokens of ids, with their logits or without
 * any. */
static void check_stands_at(kvc_session *s, size_t n, bool has_logits)
{
    assert_int_equal(kvc_session_position(s), n);
    assert_true(kvc_session_cached(s) <= n);
    if (has_logits)
        check_same(kvc_session_logits(s), want[n - 1], V);
    else
        assert_null(kvc_session_logits(s));
}

/* And what it holds of them is right: the rest of the tokens gives the right logits. */
static void check_goes_on_from(kvc_session *s, size_t n)
{
    check_ok(kvc_session_prefill(s, ids + n, N - n));
    check_stands_at(s, N, true);
}

/* ---- a pass in slices -------------------------------------------------------------- */

static size_t count_steps(kvc_session *s)
{
    size_t steps = 0;
    kvc_error error;
    while ((error = kvc_session_step(s)) == KVC_PENDING)
        steps++;
    check_ok(error);
    return steps;
}

/* One step per layer and block of 32 rows: that is how soon a host can stop. */
static void a_step_is_one_layer_of_32_rows(void **unused)
{
    (void)unused;
    kvc_session *s = random_model_session(&model, N);
    for (size_t n = 1; n <= N; n++)
        for (int use_cache = 0; use_cache < 2; use_cache++) {
            const size_t before = n / 3, rows = use_cache ? n - before : n;
            kvc_session_reset(s);
            check_ok(kvc_session_set_cache(s, use_cache));
            if (before > 0)
                check_ok(kvc_session_prefill(s, ids, before));
            check_ok(kvc_session_begin(s, ids + before, n - before));
            assert_int_equal(count_steps(s), L * ((rows + BLOCK - 1) / BLOCK));
            check_stands_at(s, n, true);
            check_error(kvc_session_step(s), KVC_ERR_NOT_READY);
        }
    free(s);
}

/* A pass of other tokens is dropped after each number of steps: nothing has happened. */
static void cancel_at_every_step(void **unused)
{
    (void)unused;
    uint32_t other[N];
    for (size_t t = 0; t < N; t++)
        other[t] = (ids[t] + 7) % V;
    kvc_session *s = random_model_session(&model, N);
    for (size_t before = 0; before < N; before += 9)
        for (int mode = 0; mode < 4; mode++) {
            const size_t T = N - before, most = L * ((N + BLOCK - 1) / BLOCK);
            kvc_session_reset(s);
            check_ok(kvc_session_set_cache(s, mode & 1));
            if (before > 0)
                check_ok(kvc_session_prefill(s, ids, before));
            if (mode & 2) /* behind or ahead of what the cache holds */
                check_ok(kvc_session_set_cache(s, !(mode & 1)));
            const size_t cached = kvc_session_cached(s);
            for (size_t steps = 0; steps <= most; steps++) {
                check_ok(kvc_session_begin(s, other, T));
                kvc_error error = KVC_PENDING;
                for (size_t i = 0; i < steps && error == KVC_PENDING; i++)
                    error = kvc_session_step(s);
                if (error == KVC_OK)
                    break; /* it was through: other tokens than ours */
                kvc_session_cancel(s);
                check_stands_at(s, before, before > 0);
                assert_int_equal(kvc_session_cached(s), cached);
            }
            check_ok(kvc_session_truncate(s, before));
            check_goes_on_from(s, before);
        }
    free(s);
}

static void busy_while_a_pass_is_under_way(void **unused)
{
    (void)unused;
    kvc_session *s = random_model_session(&model, N);
    check_ok(kvc_session_prefill(s, ids, 10));
    check_ok(kvc_session_begin(s, ids + 10, 40));
    check_error(kvc_session_step(s), KVC_PENDING);
    check_error(kvc_session_begin(s, ids, 1), KVC_ERR_BUSY);
    check_error(kvc_session_prefill(s, ids, 1), KVC_ERR_BUSY);
    check_error(kvc_session_decode(s, 0), KVC_ERR_BUSY);
    check_error(kvc_session_truncate(s, 0), KVC_ERR_BUSY);
    check_error(kvc_session_set_cache(s, false), KVC_ERR_BUSY);
    check_stands_at(s, 10, true); /* the old logits, until the new ones are there */
    assert_int_equal(count_steps(s), 2 * L - 1); /* the refusals cost the pass nothing */
    check_stands_at(s, 50, true);
    check_ok(kvc_session_begin(s, ids + 50, 10));
    kvc_session_reset(s); /* drops a pass */
    check_stands_at(s, 0, false);
    check_goes_on_from(s, 0);
    free(s);
}

/* ---- the sequence ------------------------------------------------------------------ */

static uint64_t fnv1a(const void *data, size_t n)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return hash;
}

static void logits_and_hash_come_and_go(void **unused)
{
    (void)unused;
    kvc_session *s = random_model_session(&model, N);
    assert_null(kvc_session_logits(s));
    assert_true(kvc_session_logits_hash(s) == 0);
    check_ok(kvc_session_prefill(s, ids, 20));
    assert_true(kvc_session_logits_hash(s) == fnv1a(want[19], sizeof want[19]));
    check_ok(kvc_session_truncate(s, 20)); /* to where it stands: nothing changes */
    check_stands_at(s, 20, true);
    check_ok(kvc_session_truncate(s, 19));
    check_stands_at(s, 19, false);
    assert_true(kvc_session_logits_hash(s) == 0);
    check_ok(kvc_session_truncate(s, 19));
    check_stands_at(s, 19, false);
    check_ok(kvc_session_truncate(s, 0));
    check_stands_at(s, 0, false);
    check_ok(kvc_session_prefill(s, ids, 20));
    kvc_session_reset(s);
    check_stands_at(s, 0, false);
    assert_true(kvc_session_logits_hash(s) == 0);
    check_goes_on_from(s, 0);
    assert_true(fnv1a("foobar", 6) ==
                0x85944171f73967e8u); /* the published test vector */
    free(s);
}

/* After a reset every slot is zero again, and the same run gives the same bits. */
static void reset_equals_new(void **unused)
{
    (void)unused;
    enum { C = 16 };
    kvc_session *s = random_model_session(&model, N),
                *fresh = random_model_session(&model, N);
    check_ok(kvc_session_prefill(s, ids + 1, N));
    kvc_session_reset(s);
    assert_int_equal(kvc_session_cached(s), 0);
    static float k[2][N * C], v[2][N * C];
    kvc_cache *cache = kvc_session_cache(s);
    check_ok(kvc_cache_advance(cache, 0, N));
    for (size_t layer = 0; layer < L; layer++) {
        check_read(cache, layer, N, k[0], v[0]);
        for (size_t i = 0; i < N * C; i++)
            assert_true(k[0][i] == 0.0f && v[0][i] == 0.0f);
    }
    kvc_session_reset(s);
    check_ok(kvc_session_prefill(s, ids, 60));
    check_ok(kvc_session_prefill(fresh, ids, 60));
    check_same(kvc_session_logits(s), kvc_session_logits(fresh), V);
    for (size_t layer = 0; layer < L; layer++) {
        check_read(kvc_session_cache(s), layer, 60, k[0], v[0]);
        check_read(kvc_session_cache(fresh), layer, 60, k[1], v[1]);
        check_same(k[0], k[1], 60 * C);
        check_same(v[0], v[1], 60 * C);
    }
    free(s);
    free(fresh);
}

static void refusals_change_nothing(void **unused)
{
    (void)unused;
    uint32_t bad[N + 1];
    for (size_t capacity = 1; capacity <= N; capacity += 11) {
        kvc_session *s = random_model_session(&model, capacity);
        const size_t n = capacity / 2, left = capacity - n;
        if (n > 0)
            check_ok(kvc_session_prefill(s, ids, n));
        check_error(kvc_session_prefill(s, ids, 0), KVC_ERR_INVALID_ARGUMENT);
        check_error(kvc_session_prefill(s, NULL, 1), KVC_ERR_INVALID_ARGUMENT);
        check_error(kvc_session_prefill(NULL, ids, 1), KVC_ERR_INVALID_ARGUMENT);
        check_error(kvc_session_prefill(s, ids, left + 1), KVC_ERR_CONTEXT_FULL);
        check_error(kvc_session_prefill(s, ids, SIZE_MAX), KVC_ERR_CONTEXT_FULL);
        for (size_t at = 0; at < left; at++) {
            memcpy(bad, ids, sizeof bad);
            bad[at] = at % 2 ? V : UINT32_MAX;
            check_error(kvc_session_prefill(s, bad, left), KVC_ERR_TOKEN_OUT_OF_RANGE);
        }
        check_error(kvc_session_decode(s, V), KVC_ERR_TOKEN_OUT_OF_RANGE);
        check_error(kvc_session_truncate(s, n + 1), KVC_ERR_POSITION_OUT_OF_RANGE);
        check_error(kvc_session_evict(s, 0, n), KVC_ERR_UNSUPPORTED); /* B14 */
        check_stands_at(s, n, n > 0);
        check_ok(kvc_session_prefill(s, ids + n, left)); /* to the last slot */
        check_stands_at(s, capacity, true);
        check_error(kvc_session_decode(s, 0), KVC_ERR_CONTEXT_FULL);
        check_stands_at(s, capacity, true);
        free(s);
    }
}

/* Weights that overflow at position 5 and nowhere else. */
static void logits_that_are_not_finite(void **unused)
{
    (void)unused;
    kvc_config huge = config;
    huge.n_positions = 6;
    random_model m = {.plain = random_weights(&huge, 1)};
    for (size_t i = 0; i < 16; i++)
        m.plain.tensors[1].data[5 * 16 + i] = 3e38f; /* wpe[5] */
    size_t bytes;
    check_ok(kvc_model_bytes(&huge, &bytes));
    check_ok(kvc_model_init(&m.packed, &huge, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < m.plain.n_tensors; i++)
        check_ok(random_model_set(m.packed, &m.plain.tensors[i]));
    for (int use_cache = 0; use_cache < 2; use_cache++) {
        const kvc_sampling greedy = {0.0f, 0, 1.0f, 0.0f, 1.0f};
        uint64_t rng = 0;
        uint32_t id;
        float before[V];
        kvc_session *s = random_model_session(&m, 6);
        check_ok(kvc_session_set_cache(s, use_cache));
        check_ok(kvc_session_prefill(s, ids, 5));
        memcpy(before, kvc_session_logits(s), sizeof before);
        check_error(kvc_session_decode(s, ids[5]), KVC_ERR_NOT_FINITE);
        assert_int_equal(kvc_session_position(s), 5);
        assert_int_equal(kvc_session_cached(s), use_cache ? 5 : 0);
        assert_null(kvc_session_logits(s));
        check_error(kvc_session_sample(s, &greedy, &rng, V, &id), KVC_ERR_NOT_READY);
        check_ok(kvc_session_truncate(s, 4));
        check_ok(kvc_session_decode(s, ids[4]));
        check_same(kvc_session_logits(s), before, V);
        free(s);
    }
    random_model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_one_layer_of_32_rows),
        cmocka_unit_test(cancel_at_every_step),
        cmocka_unit_test(busy_while_a_pass_is_under_way),
        cmocka_unit_test(logits_and_hash_come_and_go),
        cmocka_unit_test(reset_equals_new),
        cmocka_unit_test(refusals_change_nothing),
        cmocka_unit_test(logits_that_are_not_finite),
    };
    return cmocka_run_group_tests_name("session", tests, set_up, tear_down);
}
