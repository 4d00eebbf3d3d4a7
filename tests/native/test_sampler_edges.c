/* The sampler at its edges: ties, filters that leave one candidate, the repetition
 * penalty, and every way to be refused. */
#include <float.h>
#include <math.h>

#include "draw.h"
#include "random_model.h"

static void ties_go_to_the_lowest_id(void **unused)
{
    (void)unused;
    float logits[40] = {0};
    uint64_t rng = 2;
    assert_int_equal(draw_id(logits, 40, &draw_greedy, &rng), 0);
    for (uint32_t i = 10; i < 40; i += 7)
        logits[i] = 2.0f;
    assert_int_equal(draw_id(logits, 40, &draw_greedy, &rng), 10);
    for (uint32_t k = 1; k <= 7; k++) { /* the five of them, then ids 0 and 1 */
        kvc_sampling s = draw_plain;
        s.top_k = k;
        uint64_t seen = 0, want = 0;
        for (uint32_t i = 0; i < k; i++)
            want |= (uint64_t)1 << (i < 5 ? 10 + 7 * i : i - 5);
        for (int i = 0; i < 2000; i++)
            seen |= (uint64_t)1 << draw_id(logits, 40, &s, &rng);
        assert_true(seen == want);
    }
}

/* top_k = 1, a vanishing temperature, top_p or a full min_p are the argmax. */
static void narrow_filters_are_greedy(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (int round = 0; round < 500; round++) {
        const size_t V = 1 + random_below(&state, 90);
        float *logits = random_array(V, &state);
        const uint32_t best = draw_id(logits, V, &draw_greedy, &state);
        const kvc_sampling narrow[] = {{1.0f, 1, 1.0f, 0.0f, 1.0f},
                                       {1e-30f, 0, 1.0f, 0.0f, 1.0f},
                                       {1.0f, 0, 1e-6f, 0.0f, 1.0f},
                                       {1.0f, 0, 1.0f, 1.0f, 1.0f}};
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(draw_id(logits, V, &narrow[i], &state), best);
        free(logits);
    }
    const float extremes[] = {-FLT_MAX, FLT_MAX, -0.0f, 1e-45f};
    const kvc_sampling hot = {1e6f, 0, 1.0f, 0.0f, 1.0f};
    assert_int_equal(draw_id(extremes, 4, &draw_greedy, &state), 1);
    assert_int_equal(draw_id(extremes, 4, &draw_plain, &state), 1);
    assert_int_equal(draw_id(extremes, 4, &hot, &state), 1);
    const kvc_sampling all[] = {
        draw_plain, draw_greedy, hot, {0.5f, 1, 0.1f, 1.0f, 9.0f}};
    for (size_t i = 0; i < 4; i++) /* a vocabulary of one */
        assert_int_equal(draw_id(extremes, 1, &all[i], &state), 0);
}

/* Hugging Face's rule: positive scores are divided, the others multiplied, repeats
 * count once. */
static void repetition_penalty(void **unused)
{
    (void)unused;
    kvc_sampling s = draw_greedy;
    s.repetition_penalty = 2.0f;
    const float positive[] = {1.5f, 2.0f, 3.9f}, negative[] = {-3.0f, -2.0f, -1.1f};
    const uint32_t history[] = {2, 2, 2,
                                7, 3, UINT32_MAX}; /* 2 once; the others are no ids */
    uint64_t rng = 4;
    uint32_t id;
    check_ok(draw_try(&id, positive, 3, &s, &rng, history, 6));
    assert_int_equal(id, 1); /* 3.9 -> 1.95, not 0.975 */
    check_ok(draw_try(&id, positive, 3, &s, &rng, history, 0));
    assert_int_equal(id, 2);
    check_ok(draw_try(&id, negative, 3, &s, &rng, history, 6));
    assert_int_equal(id, 1); /* -1.1 -> -2.2, not -8.8 */
    const float near[] = {-2.3f, -3.0f, -1.1f}, zero[] = {-1.0f, -1.0f, 0.0f};
    check_ok(draw_try(&id, near, 3, &s, &rng, history, 6));
    assert_int_equal(id, 2);
    check_ok(draw_try(&id, zero, 3, &s, &rng, history, 6));
    assert_int_equal(id, 2);
    s.repetition_penalty = 0.5f; /* below 1 it encourages */
    check_ok(draw_try(&id, positive, 3, &s, &rng, (const uint32_t[]){1}, 1));
    assert_int_equal(id, 1);
}

/* ---- through a session ------------------------------------------------------------- */

/* kvc_session_sample is kvc_sample over the session's logits, with its tokens as the
 * history. */
static void a_session_samples_with_its_history(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(2, 2, 8, 9, 50, 20)};
    const kvc_sampling s = {0.9f, 12, 0.95f, 0.02f, 1.4f};
    random_model m = random_model_new(&config, 8);
    kvc_session *session = random_model_session(&m, 50);
    uint64_t rng = 8, same = 8;
    uint32_t id, want, history[50];
    check_error(kvc_session_sample(session, &s, &rng, 20, &id), KVC_ERR_NOT_READY);
    for (size_t n = 0; n < 50; n++) {
        history[n] = (uint32_t)(n * n % 20);
        check_ok(kvc_session_decode(session, history[n]));
        const size_t n_ids =
            1 + n % 20; /* a tokenizer may know fewer ids than the model */
        check_ok(kvc_session_sample(session, &s, &rng, n_ids, &id));
        check_ok(draw_try(&want, kvc_session_logits(session), n_ids, &s, &same, history,
                          n + 1));
        assert_true(id == want && rng == same && id < n_ids);
    }
    check_error(kvc_session_sample(NULL, &s, &rng, 20, &id), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_sample(session, NULL, &rng, 20, &id),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_sample(session, &s, NULL, 20, &id), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_sample(session, &s, &rng, 20, NULL),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_sample(session, &s, &rng, 0, &id), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_sample(session, &s, &rng, 21, &id), KVC_ERR_INVALID_ARGUMENT);
    free(session);
    random_model_free(&m);
}

/* ---- refusals ---------------------------------------------------------------------- */

static void parameters_out_of_range(void **unused)
{
    (void)unused;
    const kvc_sampling bad[] = {
        {-0.1f, 0, 1.0f, 0.0f, 1.0f},    {NAN, 0, 1.0f, 0.0f, 1.0f},
        {INFINITY, 0, 1.0f, 0.0f, 1.0f}, {1.0f, 0, 0.0f, 0.0f, 1.0f},
        {1.0f, 0, -0.5f, 0.0f, 1.0f},    {1.0f, 0, 1.1f, 0.0f, 1.0f},
        {1.0f, 0, NAN, 0.0f, 1.0f},      {1.0f, 0, 1.0f, -0.1f, 1.0f},
        {1.0f, 0, 1.0f, 1.1f, 1.0f},     {1.0f, 0, 1.0f, NAN, 1.0f},
        {1.0f, 0, 1.0f, 0.0f, 0.0f},     {1.0f, 0, 1.0f, 0.0f, -1.0f},
        {1.0f, 0, 1.0f, 0.0f, NAN},      {1.0f, 0, 1.0f, 0.0f, INFINITY},
        {0.0f, 0, NAN, 0.0f, 1.0f}};
    const float logits[3] = {1.0f, 2.0f, 3.0f};
    const uint32_t history[1] = {0};
    const kvc_error invalid = KVC_ERR_INVALID_ARGUMENT;
    float scratch[9];
    uint64_t rng = 6;
    uint32_t id = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_error(kvc_sample(&id, logits, 3, &bad[i], &rng, NULL, 0, scratch), invalid);
    check_error(kvc_sample(NULL, logits, 3, &draw_plain, &rng, NULL, 0, scratch),
                invalid);
    check_error(kvc_sample(&id, NULL, 3, &draw_plain, &rng, NULL, 0, scratch), invalid);
    check_error(kvc_sample(&id, logits, 0, &draw_plain, &rng, NULL, 0, scratch), invalid);
    check_error(kvc_sample(&id, logits, 3, NULL, &rng, NULL, 0, scratch), invalid);
    check_error(kvc_sample(&id, logits, 3, &draw_plain, NULL, NULL, 0, scratch), invalid);
    check_error(kvc_sample(&id, logits, 3, &draw_plain, &rng, NULL, 1, scratch), invalid);
    check_error(kvc_sample(&id, logits, 3, &draw_plain, &rng, history, 1, NULL), invalid);
    assert_true(id == 77 && rng == 6);
}

static void logits_that_are_not_finite(void **unused)
{
    (void)unused;
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    const kvc_sampling *const ways[] = {&draw_plain, &draw_greedy};
    uint64_t rng = 7;
    uint32_t id = 77;
    for (size_t at = 0; at < 9; at++)
        for (size_t i = 0; i < 8; i++) {
            float logits[9] = {0};
            logits[at] = bad[i % 4];
            check_error(draw_try(&id, logits, 9, ways[i / 4], &rng, NULL, 0),
                        KVC_ERR_NOT_FINITE);
        }
    const kvc_sampling overflowing = {0.0f, 0, 1.0f, 0.0f, 1000.0f};
    const float large[] = {0.0f, -1e38f};
    check_error(draw_try(&id, large, 2, &overflowing, &rng, (const uint32_t[]){1}, 1),
                KVC_ERR_NOT_FINITE);
    assert_true(id == 77 && rng == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_go_to_the_lowest_id),
        cmocka_unit_test(narrow_filters_are_greedy),
        cmocka_unit_test(repetition_penalty),
        cmocka_unit_test(a_session_samples_with_its_history),
        cmocka_unit_test(parameters_out_of_range),
        cmocka_unit_test(logits_that_are_not_finite),
    };
    return cmocka_run_group_tests_name("sampler edges", tests, NULL, NULL);
}
