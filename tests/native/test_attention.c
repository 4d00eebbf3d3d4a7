/* Cached attention against the oracle and against itself: every grouping of heads,
 * every length around the edges of the key panels, every way to cut the tokens into
 * chunks. */
#include <math.h>

#include "cache/attention.h"
#include "check.h"
#include "oracle.h"
#include "random_model.h"

enum { PANEL = 16 }; /* of keys; the lengths below go over four of them */

/* T tokens of random q [T, n_head, D], k and v [T, n_kv_head, D]. */
typedef struct tokens {
    size_t T, n_head, n_kv_head, D;
    float *q, *k, *v;
} tokens;

static tokens new_tokens(size_t T, size_t n_head, size_t n_kv_head, size_t D,
                         uint64_t *state)
{
    tokens x = {T,
                n_head,
                n_kv_head,
                D,
                random_array(T * n_head * D, state),
                random_array(T * n_kv_head * D, state),
                random_array(T * n_kv_head * D, state)};
    for (size_t i = 0; i < T * n_head * D; i++)
        x.q[i] *= 4.0f; /* scores far enough apart for attention to choose */
    return x;
}

static void free_tokens(tokens *x)
{
    free(x->q);
    free(x->k);
    free(x->v);
}

/* Tokens from .. to-1 in one chunk of one layer: append, attend.   y: [T, n_head, D] */
static void run_layer(float *y, const tokens *x, kvc_cache *cache, size_t b, size_t layer,
                      size_t from, size_t to)
{
    const size_t kv_width = x->n_kv_head * x->D, q_width = x->n_head * x->D;
    float *scratch = check_alloc(kvc_attention_scratch(cache), sizeof *scratch);
    check_ok(kvc_cache_append(cache, b, layer, to - from, x->k + from * kv_width,
                              x->v + from * kv_width, kv_width));
    check_ok(kvc_attention(y + from * q_width, x->q + from * q_width, to - from,
                           x->n_head, cache, b, layer, scratch));
    free(scratch);
}

/* The same in a cache of one layer and sequence, and advance. */
static void run_chunk(float *y, const tokens *x, kvc_cache *cache, size_t from, size_t to)
{
    run_layer(y, x, cache, 0, 0, from, to);
    check_ok(kvc_cache_advance(cache, 0, to - from));
}

/* All tokens in one chunk of a fresh cache: a new array [T, n_head, D]. */
static float *run_whole(const tokens *x, size_t S)
{
    kvc_cache *cache = check_cache(1, 1, x->n_kv_head, S, x->D);
    float *y = check_alloc(x->T * x->n_head * x->D, sizeof *y);
    run_chunk(y, x, cache, 0, x->T);
    free(cache);
    return y;
}

static void check_oracle(const float *y, const tokens *x, double bound)
{
    const size_t D = x->D, q_width = x->n_head * D, kv_width = x->n_kv_head * D;
    double *q = oracle_widen(x->q, x->T * q_width), *exact = oracle_widen(x->q, D);
    double *k = oracle_widen(x->k, x->T * kv_width),
           *v = oracle_widen(x->v, x->T * kv_width);
    for (size_t t = 0; t < x->T; t++)
        for (size_t h = 0; h < x->n_head; h++) {
            const size_t group = h / (x->n_head / x->n_kv_head);
            oracle_attention(exact, q + t * q_width + h * D, k + group * D, v + group * D,
                             t + 1, D, kv_width);
            check_close(y + t * q_width + h * D, exact, NULL, D, bound);
        }
    free(q);
    free(exact);
    free(k);
    free(v);
}

/* ---- right ------------------------------------------------------------------------- */

static void near_the_oracle_for_every_grouping(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t n_kv_head = 1; n_kv_head <= 4; n_kv_head++) /* 1: multi-query */
        for (size_t group = 1; group <= 3; group++)         /* 1: multi-head */
            for (size_t D = 4; D <= 40; D += 12) {
                tokens x = new_tokens(70, group * n_kv_head, n_kv_head, D, &state);
                float *y = run_whole(&x, 70 + random_below(&state, 9));
                check_oracle(y, &x, 4e-6);
                free(y);
                free_tokens(&x);
            }
}

/* Every length and every capacity around every panel edge, up to four panels. */
static void every_length_around_the_panel_edges(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    for (size_t edge = PANEL; edge <= 4 * PANEL; edge += PANEL)
        for (size_t T = edge - 1; T <= edge + 1; T++)
            for (size_t spare = 0; spare <= 5; spare++) {
                tokens x = new_tokens(T, 2, 2, 8, &state);
                float *y = run_whole(&x, T + spare);
                check_oracle(y, &x, 4e-6);
                free(y);
                free_tokens(&x);
            }
}

/* softmax over one score is exactly 1, so the first token's output is its own value. */
static void the_first_token_gets_its_own_value(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (size_t S = 1; S <= 20; S++) {
        tokens x = new_tokens(1, 3, 3, 12, &state);
        float *y = run_whole(&x, S);
        check_same(y, x.v, 3 * 12);
        free(y);
        free_tokens(&x);
    }
}

/* ---- causal ------------------------------------------------------------------------ */

static void later_tokens_change_nothing_earlier(void **unused)
{
    (void)unused;
    enum { T = 4 * PANEL + 3, WIDTH = 2 * 8 };
    uint64_t state = 4;
    tokens x = new_tokens(T, 2, 2, 8, &state);
    float *before = run_whole(&x, T);
    for (size_t changed = 0; changed < T; changed++) {
        float kept[2][WIDTH];
        memcpy(kept[0], x.k + changed * WIDTH, sizeof kept[0]);
        memcpy(kept[1], x.v + changed * WIDTH, sizeof kept[1]);
        random_values(x.k + changed * WIDTH, WIDTH, &state);
        random_values(x.v + changed * WIDTH, WIDTH, &state);
        float *after = run_whole(&x, T);
        check_same(after, before, changed * WIDTH);
        for (size_t t = changed; t < T; t++) /* and everybody from there on sees it */
            assert_memory_not_equal(after + t * WIDTH, before + t * WIDTH,
                                    WIDTH * sizeof(float));
        memcpy(x.k + changed * WIDTH, kept[0], sizeof kept[0]);
        memcpy(x.v + changed * WIDTH, kept[1], sizeof kept[1]);
        free(after);
    }
    free(before);
    free_tokens(&x);
}

/* ---- the same bits however it is cut ----------------------------------------------- */

static void chunks_of_every_size(void **unused)
{
    (void)unused;
    enum { T = 4 * PANEL + 5 };
    uint64_t state = 5;
    tokens x = new_tokens(T, 4, 2, 12, &state);
    float *whole = run_whole(&x, T), *y = check_alloc(T * 4 * 12, sizeof *y);
    for (size_t chunk = 1; chunk < T; chunk++) {
        kvc_cache *cache = check_cache(1, 1, 2, T + chunk % 4, 12);
        for (size_t from = 0; from < T; from += chunk)
            run_chunk(y, &x, cache, from, from + chunk < T ? from + chunk : T);
        check_same(y, whole, T * 4 * 12);
        free(cache);
    }
    free(y);
    free(whole);
    free_tokens(&x);
}

/* Random cuts, with a capacity that makes the last panel narrow. */
static void random_chunks(void **unused)
{
    (void)unused;
    uint64_t state = 6;
    for (int round = 0; round < 150; round++) {
        const size_t T = 1 + random_below(&state, 6 * PANEL),
                     D = 4 + 4 * random_below(&state, 10);
        const size_t n_kv_head = 1 + random_below(&state, 3);
        const size_t n_head = n_kv_head * (1 + random_below(&state, 3));
        tokens x = new_tokens(T, n_head, n_kv_head, D, &state);
        float *whole = run_whole(&x, T), *y = check_alloc(T * n_head * D, sizeof *y);
        kvc_cache *cache = check_cache(1, 1, n_kv_head, T + random_below(&state, 20), D);
        for (size_t from = 0, to; from < T; from = to) {
            to = from + 1 + random_below(&state, T - from);
            run_chunk(y, &x, cache, from, to);
        }
        check_same(y, whole, T * n_head * D);
        free(cache);
        free(y);
        free(whole);
        free_tokens(&x);
    }
}

/* Three sequences of different lengths in two layers, in random turns: each equals
 * itself alone. */
static void rows_of_a_batch_are_independent(void **unused)
{
    (void)unused;
    enum { B = 3, L = 2, S = 4 * PANEL + 1, H = 2, D = 8 };
    uint64_t state = 7;
    tokens x[B * L];
    float *y[B * L];
    size_t done[B] = {0};
    kvc_cache *cache = check_cache(B, L, H, S, D);
    for (size_t i = 0; i < B * L; i++) {
        x[i] = new_tokens(S - 9 * (i % B), H, H, D, &state);
        y[i] = check_alloc(x[i].T * H * D, sizeof *y[i]);
    }
    for (size_t left = B; left > 0;) {
        const size_t b = random_below(&state, B);
        if (done[b] == x[b].T)
            continue;
        const size_t to = done[b] + 1 + random_below(&state, x[b].T - done[b]);
        for (size_t layer = 0; layer < L; layer++)
            run_layer(y[layer * B + b], &x[layer * B + b], cache, b, layer, done[b], to);
        check_ok(kvc_cache_advance(cache, b, to - done[b]));
        done[b] = to;
        left -= to == x[b].T;
    }
    for (size_t i = 0; i < B * L; i++) {
        float *alone = run_whole(&x[i], x[i].T);
        check_same(y[i], alone, x[i].T * H * D);
        free(alone);
        free(y[i]);
        free_tokens(&x[i]);
    }
    free(cache);
}

/* Every slot beyond the length is poisoned with NaN before each chunk: nobody reads
 * them. */
static void stale_slots_do_not_matter(void **unused)
{
    (void)unused;
    uint64_t state = 8;
    for (size_t S = 4 * PANEL - 3; S <= 4 * PANEL + 3; S++) {
        tokens x = new_tokens(S, 3, 3, 4, &state);
        float *want = run_whole(&x, S), *y = check_alloc(S * 3 * 4, sizeof *y);
        float *nans = check_alloc(S * 3 * 4, sizeof *nans);
        kvc_cache *cache = check_cache(1, 1, 3, S, 4);
        for (size_t from = 0, to; from < S; from = to) {
            to = from + 1 + random_below(&state, S - from < 7 ? S - from : 7);
            check_ok(kvc_cache_append(cache, 0, 0, S - from, nans, nans, 3 * 4));
            run_chunk(y, &x, cache, from, to);
        }
        check_same(y, want, S * 3 * 4);
        free(cache);
        free(nans);
        free(y);
        free(want);
        free_tokens(&x);
    }
}

/* ---- errors ------------------------------------------------------------------------ */

static void refusals(void **unused)
{
    (void)unused;
    enum { H = 2, D = 4, S = 8 };
    kvc_cache *cache = check_cache(2, 2, H, S, D);
    float x[S * 6 * D] = {0}, y[S * 6 * D], scratch[4 * (16 + 32 + 32)];
    assert_int_equal(kvc_attention_scratch(cache), sizeof scratch / sizeof *scratch);
    const kvc_error invalid = KVC_ERR_INVALID_ARGUMENT,
                    range = KVC_ERR_POSITION_OUT_OF_RANGE;
    check_ok(kvc_cache_append(cache, 0, 0, S, x, x, H * D));
    check_ok(kvc_cache_advance(cache, 0, 3));
    check_ok(kvc_attention(y, x, 5, H, cache, 0, 0, scratch));
    check_error(kvc_attention(y, x, 6, H, cache, 0, 0, scratch), KVC_ERR_CACHE_FULL);
    check_error(kvc_attention(y, x, SIZE_MAX, H, cache, 0, 0, scratch),
                KVC_ERR_CACHE_FULL);
    check_error(kvc_attention(y, x, 0, H, cache, 0, 0, scratch), invalid);
    check_error(kvc_attention(y, x, 1, 0, cache, 0, 0, scratch), invalid);
    check_error(kvc_attention(y, x, 1, 1, cache, 0, 0, scratch), invalid);
    check_error(kvc_attention(y, x, 1, 3, cache, 0, 0, scratch), invalid);
    check_error(kvc_attention(NULL, x, 1, H, cache, 0, 0, scratch), invalid);
    check_error(kvc_attention(y, NULL, 1, H, cache, 0, 0, scratch), invalid);
    check_error(kvc_attention(y, x, 1, H, cache, 0, 0, NULL), invalid);
    check_error(kvc_attention(y, x, 1, H, cache, 2, 0, scratch), range);
    check_error(kvc_attention(y, x, 1, H, cache, 0, 2, scratch), range);
    check_error(kvc_attention(y, x, 1, H, cache, SIZE_MAX, 0, scratch), range);
    check_error(kvc_attention(y, x, 1, H, cache, 1, 0, scratch), range); /* no K, no V */
    free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_the_oracle_for_every_grouping),
        cmocka_unit_test(every_length_around_the_panel_edges),
        cmocka_unit_test(the_first_token_gets_its_own_value),
        cmocka_unit_test(later_tokens_change_nothing_earlier),
        cmocka_unit_test(chunks_of_every_size),
        cmocka_unit_test(random_chunks),
        cmocka_unit_test(rows_of_a_batch_are_independent),
        cmocka_unit_test(stale_slots_do_not_matter),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
