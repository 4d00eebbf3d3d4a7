/* Looks inside a session: the likeliest next tokens, what the last one attended to. */
#include <math.h>

#include "check.h"
#include "oracle.h"
#include "random_model.h"

enum { N = 40, MOST_D = 40 };

/* ---- the likeliest ----------------------------------------------------------------- */

/* Naive: the best of those not taken yet, again and again. */
static uint32_t next_best(const float *logits, size_t n_ids, bool *taken)
{
    size_t best = SIZE_MAX;
    for (size_t id = 0; id < n_ids; id++)
        if (!taken[id] && (best == SIZE_MAX || logits[id] > logits[best]))
            best = id;
    taken[best] = true;
    return (uint32_t)best;
}

static void check_top(kvc_session *s, size_t n_ids, size_t k, const float *logits)
{
    uint32_t *ids = check_alloc(k, sizeof *ids);
    float *log_probs = check_alloc(k, sizeof *log_probs);
    bool *taken = calloc(n_ids, sizeof *taken);
    check_ok(kvc_session_top(s, n_ids, k, ids, log_probs));
    for (size_t i = 0; i < k; i++) {
        assert_int_equal(ids[i], next_best(logits, n_ids, taken));
        assert_true(log_probs[i] <= (i > 0 ? log_probs[i - 1] : 0.0f));
    }
    free(taken);
    free(log_probs);
    free(ids);
}

static void top_of_random_models(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int round = 0; round < 60; round++) {
        const kvc_config config = random_any_config(&state, N);
        const size_t V = config.vocab_size;
        random_model model = random_model_new(&config, random_next(&state));
        kvc_session *s = random_model_session(&model, N);
        uint32_t ids[10];
        random_ids(ids, 10, V, &state);
        check_ok(kvc_session_prefill(s, ids, 10));
        const uint64_t hash = kvc_session_logits_hash(s);
        for (size_t k = 1; k <= V; k += 1 + k / 4)
            for (size_t n_ids = k; n_ids <= V; n_ids += 1 + n_ids / 3)
                check_top(s, n_ids, k, kvc_session_logits(s));
        assert_true(kvc_session_logits_hash(s) == hash);
        free(s);
        random_model_free(&model);
    }
}

/* Of equal logits the lowest id comes first: rows of wte that are the same. */
static void equals_come_by_id(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(1, 1, 8, 8, N, 40)};
    random_model m = {.plain = random_weights(&config, 1)};
    for (size_t id = 0; id < 40; id++)
        memcpy(m.plain.tensors[0].data + id * 8, m.plain.tensors[0].data + id % 3 * 8,
               8 * sizeof(float));
    size_t bytes;
    check_ok(kvc_model_bytes(&config, &bytes));
    check_ok(kvc_model_init(&m.packed, &config, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < m.plain.n_tensors; i++)
        check_ok(random_model_set(m.packed, &m.plain.tensors[i]));
    kvc_session *s = random_model_session(&m, N);
    check_ok(kvc_session_decode(s, 5));
    for (size_t k = 1; k <= 40; k++)
        check_top(s, 40, k, kvc_session_logits(s));
    free(s);
    random_model_free(&m);
}

/* The log-probability of each id is the one that scoring the text with it gives. */
static void top_and_score_agree(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(2, 2, 16, 20, N, 30)};
    random_model model = random_model_new(&config, 1);
    kvc_session *s = random_model_session(&model, N);
    uint32_t text[N], ids[25];
    float top[25], scores[N];
    uint64_t state = 3;
    random_ids(text, N, 30, &state);
    for (size_t T = 1; T < N; T++) {
        check_ok(kvc_session_decode(s, text[T - 1]));
        check_ok(kvc_session_top(s, 28, 25, ids, top));
        for (size_t i = 0; i < 25; i += 6) {
            const uint32_t next = text[T];
            text[T] = ids[i];
            check_ok(kvc_session_score(s, text, T + 1, scores));
            check_same(&top[i], &scores[T - 1], 1);
            text[T] = next;
        }
    }
    free(s);
    random_model_free(&model);
}

static void top_refusals(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(1, 1, 4, 4, N, 10)};
    random_model model = random_model_new(&config, 1);
    kvc_session *s = random_model_session(&model, N);
    uint32_t ids[10];
    float p[10];
    check_error(kvc_session_top(s, 10, 3, ids, p), KVC_ERR_NOT_READY);
    check_ok(kvc_session_decode(s, 1));
    check_error(kvc_session_top(NULL, 10, 3, ids, p), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_top(s, 10, 3, NULL, p), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_top(s, 10, 3, ids, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_top(s, 10, 0, ids, p), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_top(s, 0, 0, ids, p), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_top(s, 5, 6, ids, p), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_top(s, 11, 3, ids, p), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_top(s, SIZE_MAX, SIZE_MAX, ids, p), KVC_ERR_INVALID_ARGUMENT);
    check_ok(kvc_session_top(s, 10, 10, ids, p));
    free(s);
    random_model_free(&model);
}

/* ---- attention --------------------------------------------------------------------- */

/* Queries and weights of every layer and head: near the oracle, the weights 1 in all. */
static double check_weights(const random_model *model, const kvc_session *s,
                            const uint32_t *ids, size_t T)
{
    const kvc_config *config = &model->plain.config;
    const size_t D = config->head_dim;
    double farthest = 0.0, exact[N], exact_query[MOST_D];
    float weights[N + 1], query[MOST_D + 1];
    assert_true(D <= MOST_D);
    for (size_t layer = 0; layer < config->n_layer; layer++)
        for (size_t head = 0; head < config->n_head; head++) {
            weights[T] = query[D] = 77.0f;
            check_ok(kvc_session_attention(s, layer, head, weights));
            check_ok(kvc_session_query(s, layer, head, query));
            assert_true(weights[T] == 77.0f); /* [position], and not one more */
            assert_true(query[D] == 77.0f);
            oracle_attention_weights(exact, exact_query, &model->plain, ids, T,
                                     (int)layer, head);
            farthest = fmax(farthest, check_distance(weights, exact, T));
            farthest = fmax(farthest, check_distance(query, exact_query, D));
            double sum = 0.0;
            for (size_t j = 0; j < T; j++)
                sum += (double)weights[j];
            assert_true(fabs(sum - 1.0) < 1e-5);
        }
    return farthest;
}

static void attention_is_near_the_oracle(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    double farthest = 0.0;
    for (int round = 0; round < 40; round++) {
        const kvc_config config = random_any_config(&state, N);
        random_model model = random_model_new(&config, random_next(&state));
        kvc_session *s = random_model_session(&model, N);
        uint32_t ids[N];
        random_ids(ids, N, config.vocab_size, &state);
        for (size_t T = 0, n; T < N; T += n) {
            n = 1 + random_below(&state, N - T);
            check_ok(kvc_session_prefill(s, ids + T, n));
            farthest = fmax(farthest, check_weights(&model, s, ids, T + n));
        }
        free(s);
        random_model_free(&model);
    }
    print_message("weights and queries at most %.1e from the oracle\n", farthest);
    assert_true(farthest <= 1e-4);
}

/* A pass that was dropped leaves those of the last token; without logits, or after a pass
 * without the cache, there are none. */
static void attention_comes_and_goes(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(2, 2, 16, 20, N, 30)};
    const uint32_t ids[N] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    random_model model = random_model_new(&config, 1);
    kvc_session *s = random_model_session(&model, N);
    float before[N], after[N];
    check_error(kvc_session_attention(s, 0, 0, before), KVC_ERR_NOT_READY);
    check_error(kvc_session_query(s, 0, 0, before), KVC_ERR_NOT_READY);
    check_ok(kvc_session_prefill(s, ids, 10));
    check_ok(kvc_session_attention(s, 1, 1, before));
    for (size_t steps = 0; steps <= 2; steps++) { /* of two layers */
        check_ok(kvc_session_begin(s, ids, 5));
        for (size_t i = 0; i < steps; i++)
            check_error(kvc_session_step(s), KVC_PENDING);
        check_ok(kvc_session_attention(s, 1, 1, after));
        check_same(after, before, 10);
        kvc_session_cancel(s);
        check_ok(kvc_session_attention(s, 1, 1, after));
        check_same(after, before, 10);
    }
    check_ok(kvc_session_prefill(s, ids, 5));
    check_ok(kvc_session_truncate(s, 12));
    check_error(kvc_session_attention(s, 0, 0, after), KVC_ERR_NOT_READY);
    check_ok(kvc_session_set_cache(s, false));
    check_ok(kvc_session_decode(s, 1));
    check_error(kvc_session_attention(s, 0, 0, after), KVC_ERR_NOT_READY);
    check_ok(kvc_session_set_cache(s, true));
    check_ok(kvc_session_decode(s, 1));
    check_ok(kvc_session_attention(s, 1, 1, after));
    check_ok(kvc_session_set_cache(s, false)); /* the pass had it */
    check_ok(kvc_session_attention(s, 1, 1, before));
    check_same(after, before, 14);
    check_error(kvc_session_attention(s, 2, 0, after), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_attention(s, 0, 2, after), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_attention(s, 0, 0, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_attention(NULL, 0, 0, after), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_query(s, 2, 0, after), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_query(s, 0, 2, after), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_query(s, 0, 0, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_query(NULL, 0, 0, after), KVC_ERR_INVALID_ARGUMENT);
    free(s);
    random_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_of_random_models),
        cmocka_unit_test(equals_come_by_id),
        cmocka_unit_test(top_and_score_agree),
        cmocka_unit_test(top_refusals),
        cmocka_unit_test(attention_is_near_the_oracle),
        cmocka_unit_test(attention_comes_and_goes),
    };
    return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
