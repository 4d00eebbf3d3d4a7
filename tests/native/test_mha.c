/* kvc_mha against the double-precision oracle and against itself: self- and
 * cross-attention, every grouping of heads, every way to cut a sequence. */
#include "check.h"
#include "random_mha.h"
#include "random_model.h"

enum { S = 4 * KVC_PAGE + 7 };

/* ---- right ------------------------------------------------------------------------- */

static void near_the_oracle_for_every_grouping(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t n_kv_head = 1; n_kv_head <= 3; n_kv_head++) /* 1: multi-query */
        for (size_t group = 1; group <= 3; group++)         /* 1: multi-head */
            for (size_t D = 4; D <= 20; D += 8)
                for (int cross = 0; cross <= 1; cross++) {
                    const size_t n_head = group * n_kv_head,
                                 n = 1 + random_below(&state, S);
                    random_mha l = random_mha_new(
                        (cross ? cross_config : self_config)(n_head, n_kv_head, D, S),
                        random_next(&state));
                    float *x = random_array(S * 20, &state), y[S * 20];
                    float *source = random_array(n * 12, &state);
                    if (cross)
                        check_ok(kvc_mha_set_source(l.mha, 0, source, n));
                    check_ok(kvc_mha_forward(l.mha, y, x, 0, S));
                    double *want = oracle_mha(&l, x, S, cross ? source : NULL, n);
                    check_close(y, want, NULL, S * 20, 2e-5);
                    free(want);
                    free(source);
                    free(x);
                    random_mha_free(&l);
                }
}

/* ---- one result, however it is cut
 * -------------------------------------------------- */

/* Tokens 0 .. S-1 in pieces of at most `most`, drawn.   y, x: [S, C] */
static void run_pieces(random_mha *l, float *y, const float *x, size_t b, size_t most,
                       uint64_t *state)
{
    const size_t C = l->config.n_embd;
    for (size_t from = 0, n; from < S; from += n) {
        n = 1 + random_below(state, most < S - from ? most : S - from);
        check_ok(kvc_mha_forward(l->mha, y + from * C, x + from * C, b, n));
    }
}

static void every_split_gives_the_bits_of_the_whole(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    random_mha l = random_mha_new(self_config(4, 2, 8, S), 3);
    float *x = random_array(S * 20, &state), whole[S * 20], y[S * 20];
    check_ok(kvc_mha_full(l.mha, whole, x, S));
    for (size_t first = 1; first < S; first++) {
        check_ok(kvc_mha_forward(l.mha, y, x, 0, first));
        check_ok(kvc_mha_forward(l.mha, y + first * 20, x + first * 20, 0, S - first));
        check_same(y, whole, S * 20);
        check_ok(kvc_cache_truncate(kvc_mha_cache(l.mha), 0, 0));
    }
    for (size_t most = 1; most <= S; most++) { /* 1: token by token */
        run_pieces(&l, y, x, 0, most, &state);
        check_same(y, whole, S * 20);
        kvc_cache_reset(kvc_mha_cache(l.mha));
    }
    free(x);
    random_mha_free(&l);
}

/* Training and scoring look at whole sequences and must not disturb a generation. */
static void full_neither_reads_nor_writes_the_cache(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    random_mha l = random_mha_new(self_config(3, 3, 4, S), 5);
    float *x = random_array(S * 20, &state), *other = random_array(S * 20, &state);
    float whole[S * 20], full[S * 20], y[S * 20];
    check_ok(kvc_mha_full(l.mha, whole, x, S));
    for (size_t t = 0; t < S; t++) {
        check_ok(kvc_mha_full(l.mha, y, other, 1 + t));
        assert_int_equal(kvc_cache_length(kvc_mha_cache(l.mha), 0), t);
        check_ok(kvc_mha_forward(l.mha, full + t * 20, x + t * 20, 0, 1));
    }
    check_same(full, whole, S * 20);
    free(x);
    free(other);
    random_mha_free(&l);
}

static void rewound_and_replayed_is_the_same(void **unused)
{
    (void)unused;
    uint64_t state = 6;
    random_mha l = random_mha_new(self_config(2, 1, 8, S), 7);
    float *x = random_array(S * 20, &state), *other = random_array(S * 20, &state);
    float whole[S * 20], y[S * 20];
    check_ok(kvc_mha_forward(l.mha, whole, x, 0, S));
    for (size_t n = S; n-- > 0;) {
        check_ok(kvc_cache_truncate(kvc_mha_cache(l.mha), 0, n));
        check_ok(kvc_mha_forward(l.mha, y, other, 0, S - n)); /* another end ... */
        check_ok(kvc_cache_truncate(kvc_mha_cache(l.mha), 0, n));
        check_ok(
            kvc_mha_forward(l.mha, y, x + n * 20, 0, S - n)); /* ... leaves nothing */
        check_same(y, whole + n * 20, (S - n) * 20);
    }
    free(x);
    free(other);
    random_mha_free(&l);
}

/* Three sequences in random turns: each equals itself alone. */
static void rows_of_a_ragged_batch_are_independent(void **unused)
{
    (void)unused;
    enum { B = 3 };
    uint64_t state = 8;
    for (int cross = 0; cross <= 1; cross++) {
        kvc_mha_config config = (cross ? cross_config : self_config)(4, 2, 8, S);
        random_mha alone = random_mha_new(config, 9);
        config.batch = B;
        random_mha l = random_mha_new(config, 9);
        float *x[B], *source[B], y[B][S * 20], want[S * 20];
        size_t done[B] = {0};
        for (size_t b = 0; b < B; b++) {
            x[b] = random_array(S * 20, &state);
            source[b] = random_array(S * 12, &state);
            if (cross)
                check_ok(kvc_mha_set_source(l.mha, b, source[b], S - 20 * b));
        }
        for (size_t left = B * S; left > 0; left--) {
            size_t b = random_below(&state, B);
            while (done[b] == S)
                b = (b + 1) % B;
            check_ok(
                kvc_mha_forward(l.mha, y[b] + done[b] * 20, x[b] + done[b] * 20, b, 1));
            done[b]++;
        }
        for (size_t b = 0; b < B; b++) {
            if (cross)
                check_ok(kvc_mha_set_source(alone.mha, 0, source[b], S - 20 * b));
            else
                kvc_cache_reset(kvc_mha_cache(alone.mha));
            check_ok(kvc_mha_forward(alone.mha, want, x[b], 0, S));
            check_same(y[b], want, S * 20);
            free(x[b]);
            free(source[b]);
        }
        random_mha_free(&l);
        random_mha_free(&alone);
    }
}

/* ---- cross-attention --------------------------------------------------------------- */

/* K and V of the source are made once, whatever the number of decode steps. */
static void a_source_is_projected_once(void **unused)
{
    (void)unused;
    enum { N = 37 };
    uint64_t state = 10;
    random_mha l = random_mha_new(cross_config(2, 2, 4, S), 11);
    float *x = random_array(20, &state), *source = random_array(N * 12, &state), y[20];
    assert_int_equal(kvc_mha_projected(l.mha), 0);
    check_ok(kvc_mha_set_source(l.mha, 0, source, N));
    for (int step = 0; step < 500; step++)
        check_ok(kvc_mha_forward(l.mha, y, x, 0, 1));
    assert_int_equal(kvc_mha_projected(l.mha), N);
    assert_int_equal(kvc_cache_length(kvc_mha_cache(l.mha), 0), N);
    check_ok(kvc_mha_set_source(l.mha, 0, source, 5));
    assert_int_equal(kvc_mha_projected(l.mha), N + 5);
    assert_int_equal(kvc_cache_length(kvc_mha_cache(l.mha), 0), 5);
    free(x);
    free(source);
    random_mha_free(&l);

    random_mha self =
        random_mha_new(self_config(2, 2, 4, S), 12); /* and a token of our own, too */
    x = random_array(S * 20, &state);
    for (size_t t = 0; t < S; t++) {
        check_ok(kvc_mha_forward(self.mha, y, x + t * 20, 0, 1));
        assert_int_equal(kvc_mha_projected(self.mha), t + 1);
    }
    free(x);
    random_mha_free(&self);
}

/* Every query sees every row of the source: changing any one changes the first output. */
static void a_source_is_never_masked(void **unused)
{
    (void)unused;
    uint64_t state = 13;
    random_mha l = random_mha_new(cross_config(2, 1, 4, S), 14);
    float *x = random_array(2 * 20, &state), *source = random_array(S * 12, &state);
    float y[2 * 20], before[2 * 20];
    for (size_t n = 1; n <= S; n++)
        for (size_t row = n == S ? 0 : n - 1; row < n; row++) {
            check_ok(kvc_mha_set_source(l.mha, 0, source, n));
            check_ok(kvc_mha_forward(l.mha, before, x, 0, 2));
            source[row * 12] += 1.0f;
            check_ok(kvc_mha_set_source(l.mha, 0, source, n));
            check_ok(kvc_mha_forward(l.mha, y, x, 0, 2));
            assert_memory_not_equal(y, before, 20 * sizeof *y);
            assert_memory_not_equal(y + 20, before + 20, 20 * sizeof *y);
        }
    free(x);
    free(source);
    random_mha_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_the_oracle_for_every_grouping),
        cmocka_unit_test(every_split_gives_the_bits_of_the_whole),
        cmocka_unit_test(full_neither_reads_nor_writes_the_cache),
        cmocka_unit_test(rewound_and_replayed_is_the_same),
        cmocka_unit_test(rows_of_a_ragged_batch_are_independent),
        cmocka_unit_test(a_source_is_projected_once),
        cmocka_unit_test(a_source_is_never_masked),
    };
    return cmocka_run_group_tests_name("mha", tests, NULL, NULL);
}
