/* Scoring, the full-sequence pass of training: the same bits that prefill and decode
 * would have had, and not a trace of it in the session. */
#include <math.h>

#include "check.h"
#include "kernels/softmax.h"
#include "random_model.h"

enum { N = 100, V = 50, L = 3, C = 16, BLOCK = 32, SCORED = 4 };
static const kvc_config config = {GPT2_SIZES(L, 2, C, 35, N, V)};
static random_model model;
static uint32_t ids[N + 1];
static float want[N];   /* ln p(ids[t+1] | ids[0 .. t]), from the logits of a decode */
static double exact[N]; /* the same from the oracle */

static int set_up(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    model = random_model_new(&config, 1);
    random_ids(ids, N + 1, V, &state);
    kvc_session *s = random_model_session(&model, N);
    double *logits = check_alloc(N * V, sizeof *logits);
    oracle_logits(logits, &model.plain, ids, N);
    for (size_t t = 0; t < N; t++) {
        float row[(V + 3) / 4 * 4];
        check_ok(kvc_session_decode(s, ids[t]));
        memcpy(row, kvc_session_logits(s), V * sizeof *row);
        kvc_log_softmax_at(&want[t], &ids[t + 1], 1, row, V);
        oracle_softmax(logits + t * V, V);
        exact[t] = log(logits[t * V + ids[t + 1]]);
    }
    free(logits);
    free(s);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    random_model_free(&model);
    return 0;
}

/* Everything that a session shows. */
typedef struct snapshot {
    size_t position, cached;
    bool use_cache, has_logits;
    float logits[V], k[L][N * C], v[L][N * C];
} snapshot;

static void take_snapshot(snapshot *shot, const kvc_session *s)
{
    const float *logits = kvc_session_logits(s);
    memset(shot, 0, sizeof *shot);
    shot->position = kvc_session_position(s);
    shot->cached = kvc_session_cached(s);
    shot->use_cache = kvc_session_uses_cache(s);
    shot->has_logits = logits != NULL;
    if (logits)
        memcpy(shot->logits, logits, sizeof shot->logits);
    for (size_t layer = 0; layer < L; layer++)
        check_read(kvc_session_cache(s), layer, shot->cached, shot->k[layer],
                   shot->v[layer]);
}

static void check_untouched(const kvc_session *s, const snapshot *before)
{
    snapshot now;
    take_snapshot(&now, s);
    assert_memory_equal(&now, before, sizeof now);
}

/* ---- right ------------------------------------------------------------------------- */

/* Every length up to one more than the capacity; writes T - 1 numbers and not one
 * more. */
static void scores_of_every_length(void **unused)
{
    (void)unused;
    kvc_session *s = random_model_session(&model, N);
    for (size_t T = 2; T <= N + 1; T++) {
        float *log_probs = check_alloc(T - 1, sizeof *log_probs);
        check_ok(kvc_session_score(s, ids, T, log_probs));
        check_same(log_probs, want, T - 1);
        check_close(log_probs, exact, NULL, T - 1, 1e-5);
        free(log_probs);
    }
    free(s);
}

/* At every moment of a sequence, with the cache on, off, or behind. */
static void the_session_is_left_alone(void **unused)
{
    (void)unused;
    float log_probs[N];
    snapshot before;
    kvc_session *s = random_model_session(&model, N);
    for (size_t n = 0; n <= N; n++) {
        if (n > 0)
            check_ok(kvc_session_decode(s, (ids[n] + 5) % V));
        if (n == 50) { /* a moment without logits */
            check_ok(kvc_session_truncate(s, 49));
            take_snapshot(&before, s);
            check_ok(kvc_session_score(s, ids, N + 1, log_probs));
            check_untouched(s, &before);
            check_ok(kvc_session_decode(s, 3));
        }
        check_ok(kvc_session_set_cache(s, n % 30 < 20));
        take_snapshot(&before, s);
        check_ok(kvc_session_score(s, ids, N + 1, log_probs));
        check_same(log_probs, want, N);
        check_untouched(s, &before);
    }
    kvc_session *other = random_model_session(&model, N); /* never scored */
    kvc_session_reset(s);
    check_ok(kvc_session_prefill(s, ids, 40));
    check_ok(kvc_session_prefill(other, ids, 40));
    check_same(kvc_session_logits(s), kvc_session_logits(other), V);
    free(other);
    free(s);
}

/* ---- in slices --------------------------------------------------------------------- */

static void cancel_at_every_slice(void **unused)
{
    (void)unused;
    kvc_session *s = random_model_session(&model, N);
    check_ok(kvc_session_prefill(s, ids, 30));
    snapshot before;
    take_snapshot(&before, s);
    const size_t slices = L * ((N + BLOCK - 1) / BLOCK) + (N + SCORED - 1) / SCORED;
    for (size_t stop = 0; stop <= slices; stop++) {
        float log_probs[N];
        check_ok(kvc_session_begin_score(s, ids, N + 1, log_probs));
        for (size_t i = 1; i <= stop; i++)
            check_error(kvc_session_step(s), i < slices ? KVC_PENDING : KVC_OK);
        if (stop < slices)
            check_error(kvc_session_decode(s, 0), KVC_ERR_BUSY);
        kvc_session_cancel(s);
        check_error(kvc_session_step(s), KVC_ERR_NOT_READY);
        check_untouched(s, &before);
    }
    free(s);
}

/* ---- refusals ---------------------------------------------------------------------- */

static void refusals(void **unused)
{
    (void)unused;
    float log_probs[N];
    uint32_t bad[12];
    kvc_session *s = random_model_session(&model, 10);
    check_ok(kvc_session_prefill(s, ids, 10)); /* a full sequence is no obstacle */
    snapshot before;
    take_snapshot(&before, s);
    check_error(kvc_session_score(NULL, ids, 5, log_probs), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_score(s, NULL, 5, log_probs), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_score(s, ids, 5, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_score(s, ids, 0, log_probs), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_score(s, ids, 1, log_probs), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_score(s, ids, 12, log_probs), KVC_ERR_CONTEXT_FULL);
    check_error(kvc_session_score(s, ids, SIZE_MAX, log_probs), KVC_ERR_CONTEXT_FULL);
    for (size_t at = 0; at < 11;
         at++) { /* the last id is only a target, and counts as well */
        memcpy(bad, ids, sizeof bad);
        bad[at] = V;
        check_error(kvc_session_score(s, bad, 11, log_probs), KVC_ERR_TOKEN_OUT_OF_RANGE);
    }
    check_untouched(s, &before);
    check_ok(kvc_session_begin_score(s, ids, 11, log_probs));
    check_error(kvc_session_score(s, ids, 11, log_probs), KVC_ERR_BUSY);
    check_error(kvc_session_begin(s, ids, 1), KVC_ERR_BUSY);
    kvc_session_cancel(s);
    check_ok(kvc_session_truncate(s, 0));
    check_ok(kvc_session_begin(s, ids, 1));
    check_error(kvc_session_score(s, ids, 11, log_probs), KVC_ERR_BUSY);
    free(s);
}

/* Weights that overflow at position 5: the score fails there, what the session has
 * stays. */
static void scores_that_are_not_finite(void **unused)
{
    (void)unused;
    oracle_tensor *wpe = &model.plain.tensors[1];
    random_model broken = {.plain = model.plain};
    size_t bytes;
    float row[C], log_probs[N];
    memcpy(row, wpe->data + 5 * C, sizeof row);
    for (size_t i = 0; i < C; i++)
        wpe->data[5 * C + i] = 3e38f;
    check_ok(kvc_model_bytes(&config, &bytes));
    check_ok(kvc_model_init(&broken.packed, &config, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < model.plain.n_tensors; i++)
        check_ok(random_model_set(broken.packed, &model.plain.tensors[i]));
    memcpy(wpe->data + 5 * C, row, sizeof row);
    kvc_session *s = random_model_session(&broken, 20);
    check_ok(kvc_session_prefill(s, ids, 5));
    snapshot before;
    take_snapshot(&before, s);
    check_ok(kvc_session_score(s, ids, 6, log_probs));
    check_same(log_probs, want, 5);
    check_error(kvc_session_score(s, ids, 7, log_probs), KVC_ERR_NOT_FINITE);
    check_error(kvc_session_step(s), KVC_ERR_NOT_READY); /* the pass is over */
    check_untouched(s, &before);
    free(s);
    free(broken.packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_of_every_length),
        cmocka_unit_test(the_session_is_left_alone),
        cmocka_unit_test(cancel_at_every_slice),
        cmocka_unit_test(refusals),
        cmocka_unit_test(scores_that_are_not_finite),
    };
    return cmocka_run_group_tests_name("score", tests, set_up, tear_down);
}
