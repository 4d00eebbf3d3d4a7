/* Several sequences in one session: whatever happens to the others, each has the bits
 * that a session of its own would have. */
#include "mirror.h"

static size_t longest(const mirror *m)
{
    size_t most = 0;
    for (size_t i = 0; i < m->n; i++)
        most = m->length[i] > most ? m->length[i] : most;
    return most;
}

static void random_reorder(mirror *m)
{
    uint32_t from[MIRROR_MOST];
    random_ids(from, m->n, m->n, &m->state);
    mirror_reorder(m, from);
}

static void random_operation(mirror *m)
{
    const size_t i = random_below(&m->state, m->n), j = random_below(&m->state, m->n);
    const size_t room = MIRROR_S - m->length[i];
    switch (random_below(&m->state, 12)) {
    case 0:
    case 1:
        if (room > 0)
            mirror_prefill(m, i, 1 + random_below(&m->state, room));
        break;
    case 2: mirror_fork(m, i, j); break;
    case 3: random_reorder(m); break;
    case 4: mirror_drop(m, i); break;
    case 5:
        if (random_below(&m->state, 4) == 0)
            mirror_keep(m, i);
        break;
    case 6: mirror_truncate(m, i, random_below(&m->state, m->length[i] + 1)); break;
    case 7:
        check_ok(kvc_session_set_cache(m->session, random_below(&m->state, 4) > 0));
        break;
    default:
        if (longest(m) < MIRROR_S)
            mirror_batch(m, 1 + random_below(&m->state, m->n));
    }
}

/* ---- right ------------------------------------------------------------------------- */

static void run_random(kvc_dtype key, kvc_dtype value, int rounds)
{
    for (int seed = 0; seed < rounds; seed++) {
        uint64_t state = (uint64_t)seed;
        const size_t n = 1 + random_below(&state, seed % 8 == 0 ? MIRROR_MOST : 5);
        mirror *m = mirror_new(random_next(&state), n, key, value);
        for (int step = 0; step < 24; step++) {
            random_operation(m);
            mirror_check(m);
        }
        mirror_free(m);
    }
}

static void random_operations(void **unused)
{
    (void)unused;
    run_random(KVC_F32, KVC_F32, 80);
}

/* Narrow elements change the numbers, and change them for all alike. */
static void random_operations_with_narrow_elements(void **unused)
{
    (void)unused;
    run_random(KVC_F16, KVC_F16, 16);
    run_random(KVC_I8, KVC_I8, 16);
    run_random(KVC_I8, KVC_F32, 8);
    run_random(KVC_I4, KVC_I4, 8);
}

/* A common beginning is stored once, and a page more for each way on. */
static void forks_share_memory(void **unused)
{
    (void)unused;
    mirror *m = mirror_new(5, 4, KVC_F32, KVC_F32);
    mirror_prefill(m, 0, 40);
    const kvc_memory before = kvc_session_memory(m->session);
    assert_int_equal(before.used_bytes + before.freed_bytes, 40 * before.bytes_per_token);
    for (size_t i = 1; i < 4; i++)
        mirror_fork(m, 0, i);
    mirror_check(m);
    assert_int_equal(kvc_session_memory(m->session).used_bytes, before.used_bytes);
    mirror_batch(m, 4);
    mirror_check(m);
    const kvc_memory after = kvc_session_memory(m->session);
    assert_int_equal(after.used_bytes + after.freed_bytes,
                     (32 + 4 * 9) * before.bytes_per_token);
    mirror_free(m);
}

/* ---- refused
 * ------------------------------------------------------------------------ */

static void refusals_change_nothing(void **unused)
{
    (void)unused;
    mirror *m = mirror_new(4, 3, KVC_F32, KVC_F32);
    kvc_session *s = m->session;
    mirror_prefill(m, 0, 10);
    mirror_prefill(m, 1, MIRROR_S);
    const uint32_t V = (uint32_t)m->V, out[] = {0, 3, 1}, two[] = {0, 2, 0};
    const uint32_t ids[] = {0, 0, 0}, bad[] = {0, V}, all[] = {0, 1, 2};
    check_error(kvc_session_begin_batch(NULL, all, ids, 1), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_batch(s, NULL, ids, 1), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_batch(s, all, NULL, 1), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_batch(s, all, ids, 0), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_batch(s, two, ids, 3), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_batch(s, out, ids, 2), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_begin_batch(s, all, ids, 2), KVC_ERR_CONTEXT_FULL);
    check_error(kvc_session_begin_batch(s, two, bad, 2), KVC_ERR_TOKEN_OUT_OF_RANGE);
    check_error(kvc_session_select(s, 3), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_fork(s, 3, 0), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_fork(s, 0, 3), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_reorder(s, out), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_reorder(s, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_drop(s, 3), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_keep(s, SIZE_MAX), KVC_ERR_POSITION_OUT_OF_RANGE);
    mirror_check(m);
    check_ok(kvc_session_select(s, 2));
    check_ok(kvc_session_begin_batch(s, two, ids, 2));
    check_error(kvc_session_begin_batch(s, two, ids, 2), KVC_ERR_BUSY);
    check_error(kvc_session_select(s, 0), KVC_ERR_BUSY);
    check_error(kvc_session_fork(s, 0, 1), KVC_ERR_BUSY);
    check_error(kvc_session_reorder(s, all), KVC_ERR_BUSY);
    check_error(kvc_session_drop(s, 0), KVC_ERR_BUSY);
    check_error(kvc_session_keep(s, 0), KVC_ERR_BUSY);
    assert_int_equal(kvc_session_selected(s), 2);
    kvc_session_cancel(s);
    mirror_check(m);
    kvc_session_reset(s);
    memset(m->length, 0, sizeof m->length);
    memset(m->has_logits, 0, sizeof m->has_logits);
    mirror_check(m);
    mirror_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(random_operations_with_narrow_elements),
        cmocka_unit_test(forks_share_memory),
        cmocka_unit_test(refusals_change_nothing),
    };
    return cmocka_run_group_tests_name("sequences", tests, NULL, NULL);
}
