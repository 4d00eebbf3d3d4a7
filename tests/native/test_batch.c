/* One token more for each of several sequences in one pass: the bits of each alone, and
 * all or none. */
#include "mirror.h"

/* Batches of every size around a block of 32 rows, ragged, the cache at times behind, so
 * that some spans are long and others share a block. */
static void batches_of_every_size(void **unused)
{
    (void)unused;
    for (size_t n = 1; n <= MIRROR_MOST; n += n < 30 ? 5 : 1) {
        mirror *m = mirror_new(n, n, KVC_F32, KVC_F32);
        for (size_t i = 0; i < n; i++)
            if (i % 7 != 3) /* some begin with the batch */
                mirror_prefill(m, i, 1 + random_below(&m->state, 50));
        for (int round = 0; round < 8; round++) {
            check_ok(kvc_session_set_cache(m->session, round % 4 != 1));
            mirror_batch(m, round == 0 ? n : 1 + random_below(&m->state, n));
        }
        mirror_check(m);
        mirror_free(m);
    }
}

static void cancel_at_every_step_of_a_batch(void **unused)
{
    (void)unused;
    mirror *m = mirror_new(3, 35, KVC_F32, KVC_F32);
    for (size_t i = 0; i < m->n; i++)
        mirror_prefill(m, i, 1 + i);
    check_ok(kvc_session_set_cache(m->session, false));
    mirror_prefill(m, 7, 50); /* the cache is behind: a span of its own */
    check_ok(kvc_session_set_cache(m->session, true));
    uint32_t sequences[35], ids[35];
    for (uint32_t i = 0; i < 35; i++) {
        sequences[i] = i;
        ids[i] = (uint32_t)random_below(&m->state, m->V);
    }
    for (size_t stop = 0;; stop++) {
        kvc_error error = KVC_PENDING;
        check_ok(kvc_session_begin_batch(m->session, sequences, ids, 35));
        for (size_t i = 0; i < stop && error == KVC_PENDING; i++)
            error = kvc_session_step(m->session);
        if (error == KVC_OK)
            break;
        kvc_session_cancel(m->session);
        mirror_check(m);
    }
    for (size_t i = 0; i < 35; i++)
        mirror_note(m, i, ids[i]);
    mirror_check(m);
    mirror_free(m);
}

/* Weights that overflow at position 5: one sequence that gets there takes the whole batch
 * with it, logits included, and all can go on. */
static void nothing_is_added_when_one_is_not_finite(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(2, 2, 16, 35, 6, 50)};
    const kvc_session_config sizes = {.capacity = 6, 3, KVC_F32, KVC_F32};
    random_model m = {.plain = random_weights(&config, 1)};
    for (size_t i = 0; i < 16; i++)
        m.plain.tensors[1].data[5 * 16 + i] = 3e38f; /* wpe[5] */
    size_t bytes;
    check_ok(kvc_model_bytes(&config, &bytes));
    check_ok(kvc_model_init(&m.packed, &config, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < m.plain.n_tensors; i++)
        check_ok(random_model_set(m.packed, &m.plain.tensors[i]));
    kvc_session *s = random_model_sequences(&m, &sizes);
    const uint32_t ids[] = {1, 2, 3, 4, 5}, sequences[] = {2, 1, 0};
    for (size_t i = 0; i < 3; i++) {
        check_ok(kvc_session_select(s, i));
        check_ok(kvc_session_prefill(s, ids, 3 + i));
    }
    check_ok(kvc_session_begin_batch(s, sequences, ids, 3));
    kvc_error error;
    while ((error = kvc_session_step(s)) == KVC_PENDING)
        ;
    check_error(error, KVC_ERR_NOT_FINITE);
    for (size_t i = 0; i < 3; i++) {
        check_ok(kvc_session_select(s, i));
        assert_int_equal(kvc_session_position(s), 3 + i);
        assert_int_equal(kvc_session_cached(s), 3 + i);
        assert_null(kvc_session_logits(s));
    }
    float want[50];
    check_ok(kvc_session_begin_batch(s, sequences + 1, ids + 3, 1)); /* 1: its fifth */
    while ((error = kvc_session_step(s)) == KVC_PENDING)
        ;
    check_ok(error);
    check_ok(kvc_session_select(s, 1));
    random_model_logits(want, &m, (const uint32_t[]){1, 2, 3, 4, 4}, 5);
    check_same(kvc_session_logits(s), want, 50);
    free(s);
    random_model_free(&m);
}

/* Wherever the two stand. */
static void a_sequence_twice_is_refused(void **unused)
{
    (void)unused;
    enum { N = 35 };
    mirror *m = mirror_new(2, N, KVC_F32, KVC_F32);
    uint32_t sequences[N], ids[N] = {0};
    for (uint32_t i = 0; i < N; i++)
        sequences[i] = N - 1 - i;
    for (size_t second = 1; second < N; second++)
        for (size_t first = 0; first < second; first++) {
            const uint32_t own = sequences[second];
            sequences[second] = sequences[first];
            check_error(kvc_session_begin_batch(m->session, sequences, ids, N),
                        KVC_ERR_INVALID_ARGUMENT);
            check_error(kvc_session_step(m->session), KVC_ERR_NOT_READY);
            sequences[second] = own;
        }
    mirror_check(m);
    mirror_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_every_size),
        cmocka_unit_test(cancel_at_every_step_of_a_batch),
        cmocka_unit_test(nothing_is_added_when_one_is_not_finite),
        cmocka_unit_test(a_sequence_twice_is_refused),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
