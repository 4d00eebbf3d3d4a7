/* A session as bytes: what is restored goes on bit for bit, whatever it had been through;
 * what is cut, altered, foreign or too large is refused and changes nothing. */
#include "mirror.h"

typedef struct state {
    unsigned char *data;
    size_t bytes;
} state;

static state save(kvc_session *s)
{
    state saved;
    check_ok(kvc_session_state_bytes(s, &saved.bytes));
    saved.data = check_alloc(1, saved.bytes);
    check_ok(kvc_session_save(s, saved.data, saved.bytes));
    return saved;
}

/* A session that has seen something else of the same model. */
static kvc_session *used_session(const mirror *m, size_t capacity, size_t n_sequence)
{
    const kvc_session_config sizes = {
        .capacity = capacity, n_sequence, m->sizes.key_type, m->sizes.value_type};
    kvc_session *s = random_model_sequences(&m->model, &sizes);
    const uint32_t zeros[7] = {0};
    for (size_t i = 0; i < n_sequence; i++) {
        check_ok(kvc_session_select(s, i));
        check_ok(kvc_session_prefill(s, zeros, capacity < 7 ? capacity : 7));
    }
    check_ok(kvc_session_fork(s, 0, n_sequence - 1));
    check_ok(kvc_session_select(s, 0));
    return s;
}

/* A history of prefills, batches, forks, rewinds, with the cache on and off. */
static mirror *random_history(uint64_t seed, size_t n, kvc_dtype type)
{
    mirror *m = mirror_new(seed, n, type, type);
    for (int step = 0; step < 12; step++) {
        const size_t i = random_below(&m->state, n), j = random_below(&m->state, n);
        check_ok(kvc_session_set_cache(m->session, random_below(&m->state, 4) > 0));
        if (m->length[i] < MIRROR_S / 2)
            mirror_prefill(m, i, 1 + random_below(&m->state, MIRROR_S / 3));
        else if (step % 3 == 0)
            mirror_truncate(m, i, random_below(&m->state, m->length[i]));
        if (step % 4 == 1)
            mirror_fork(m, i, j);
        if (step % 5 == 2 && m->length[i] + 12 < MIRROR_S && m->length[j] + 12 < MIRROR_S)
            mirror_batch(m, n);
    }
    return m;
}

/* ---- right ------------------------------------------------------------------------- */

/* Into a session of the same size, of more sequences, of more capacity. */
static void restored_sessions_go_on(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        const kvc_dtype type = seed % 5 == 3 ? KVC_F16 : seed % 5 == 4 ? KVC_I8 : KVC_F32;
        const size_t n = 1 + seed % 4;
        mirror *m = random_history(seed, n, type);
        const state saved = save(m->session);
        mirror_check(m); /* saving changes nothing */
        kvc_session *first = m->session;
        for (size_t more = 0; more < 3; more++) {
            mirror r = *m;
            r.session = used_session(m, MIRROR_S, n + more);
            check_ok(kvc_session_restore(r.session, saved.data, saved.bytes));
            mirror_check(&r);
            assert_int_equal(kvc_session_memory(r.session).used_bytes,
                             kvc_session_memory(first).used_bytes); /* still shared */
            for (size_t i = 0; i < n; i++) {
                check_ok(kvc_session_select(r.session, i));
                check_ok(kvc_session_select(first, i));
                assert_int_equal(kvc_session_cached(r.session),
                                 kvc_session_cached(first));
            }
            for (size_t i = n; i < n + more; i++) {
                check_ok(kvc_session_select(r.session, i));
                assert_int_equal(kvc_session_position(r.session), 0);
                assert_int_equal(kvc_session_cached(r.session), 0);
                assert_null(kvc_session_logits(r.session));
            }
            for (size_t i = 0; i < n; i++)
                if (r.length[i] < MIRROR_S)
                    mirror_prefill(&r, i, 1);
            mirror_check(&r);
            free(r.session);
        }
        free(saved.data);
        mirror_free(m);
    }
}

/* As many slots as the longest sequence has tokens are enough, and one less is not. */
static void a_state_needs_room_for_its_tokens(void **unused)
{
    (void)unused;
    for (size_t length = 2; length < MIRROR_S; length += 13) {
        mirror *m = mirror_new(length, 2, KVC_F32, KVC_F32);
        mirror_prefill(m, 1, length);
        const state saved = save(m->session);
        for (size_t capacity = length - 1; capacity <= length + 1; capacity++)
            for (size_t n = 1; n <= 3; n++) {
                kvc_session *s = used_session(m, capacity, n);
                const state before = save(s);
                const bool fits = capacity >= length && n >= 2;
                check_error(kvc_session_restore(s, saved.data, saved.bytes),
                            fits ? KVC_OK : KVC_ERR_CONTEXT_FULL);
                const state after = save(s);
                if (!fits) {
                    assert_int_equal(after.bytes, before.bytes);
                    assert_memory_equal(after.data, before.data, after.bytes);
                }
                free(after.data);
                free(before.data);
                free(s);
            }
        free(saved.data);
        mirror_free(m);
    }
}

/* A text that was read without the cache needs its room all the same. */
static void tokens_that_are_not_cached_need_room(void **unused)
{
    (void)unused;
    mirror *m = mirror_new(6, 1, KVC_F32, KVC_F32);
    check_ok(kvc_session_set_cache(m->session, false));
    mirror_prefill(m, 0, 20);
    const state saved = save(m->session);
    kvc_session *s = used_session(m, 19, 1);
    check_error(kvc_session_restore(s, saved.data, saved.bytes), KVC_ERR_CONTEXT_FULL);
    assert_int_equal(kvc_session_position(s), 7);
    free(s);
    free(saved.data);
    mirror_free(m);
}

/* ---- refused ----------------------------------------------------------------------- */

/* The session refuses these bytes, and still saves as it did before. */
static void check_refused(kvc_session *s, const state *before, const unsigned char *data,
                          size_t bytes, kvc_error want)
{
    check_error(kvc_session_restore(s, data, bytes), want);
    size_t now;
    check_ok(kvc_session_state_bytes(s, &now));
    assert_int_equal(now, before->bytes);
    unsigned char *after = check_alloc(1, now);
    check_ok(kvc_session_save(s, after, now));
    assert_memory_equal(after, before->data, now);
    free(after);
}

/* Every truncation, every byte altered, bytes too many. */
static void not_one_byte_may_be_wrong(void **unused)
{
    (void)unused;
    mirror *m = mirror_new(8, 2, KVC_F32, KVC_F32);
    mirror_prefill(m, 0, 3);
    mirror_prefill(m, 1, 2);
    const state saved = save(m->session);
    kvc_session *s = used_session(m, MIRROR_S, 2);
    const state before = save(s);
    for (size_t n = 0; n < saved.bytes; n++) {
        unsigned char *cut = check_alloc(1, n + 1); /* exactly n, for AddressSanitizer */
        memcpy(cut + 1, saved.data, n);
        check_refused(s, &before, cut + 1, n, KVC_ERR_STATE_INVALID);
        free(cut);
    }
    unsigned char *altered = check_alloc(1, saved.bytes + 1);
    memcpy(altered, saved.data, saved.bytes);
    for (size_t i = 0; i < saved.bytes; i++) {
        altered[i] = saved.data[i] ^ (unsigned char)(1u << i % 8);
        const kvc_error error = kvc_session_restore(s, altered, saved.bytes);
        if (error != KVC_ERR_STATE_FOREIGN) /* another version, soundly told */
            check_refused(s, &before, altered, saved.bytes, KVC_ERR_STATE_INVALID);
        altered[i] = saved.data[i];
    }
    altered[saved.bytes] = 0;
    check_refused(s, &before, altered, saved.bytes + 1, KVC_ERR_STATE_INVALID);
    check_refused(s, &before, NULL, 0, KVC_ERR_INVALID_ARGUMENT);
    check_ok(kvc_session_restore(s, altered, saved.bytes));
    free(altered);
    free(before.data);
    free(saved.data);
    free(s);
    mirror_free(m);
}

/* Other weights, another head count, other elements: sound, and of no use here. */
static void of_another_model_or_shape(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(2, 2, 16, 20, 40, 30)};
    kvc_config fewer_heads = config;
    fewer_heads.n_head = fewer_heads.n_kv_head = 1;
    fewer_heads.head_dim = 16;
    random_model here = random_model_new(&config, 1);
    const struct {
        random_model model;
        kvc_session_config sizes;
    } others[] = {
        {random_model_new(&config, 2), {.capacity = 40, 1, KVC_F32, KVC_F32}},
        {random_model_new(&fewer_heads, 1), {.capacity = 40, 1, KVC_F32, KVC_F32}},
        {random_model_new(&config, 1), {.capacity = 40, 1, KVC_F16, KVC_F32}},
        {random_model_new(&config, 1), {.capacity = 40, 1, KVC_F32, KVC_I8}}};
    kvc_session *s = random_model_session(&here, 40);
    check_ok(kvc_session_decode(s, 1));
    const state before = save(s);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        kvc_session *other = random_model_sequences(&others[i].model, &others[i].sizes);
        check_ok(kvc_session_prefill(other, (const uint32_t[]){1, 2, 3}, 3));
        const state saved = save(other);
        check_refused(s, &before, saved.data, saved.bytes, KVC_ERR_STATE_FOREIGN);
        free(saved.data);
        free(other);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        random_model model = others[i].model;
        random_model_free(&model);
    }
    free(before.data);
    free(s);
    random_model_free(&here);
}

static void refusals(void **unused)
{
    (void)unused;
    mirror *m = mirror_new(9, 2, KVC_F32, KVC_F32);
    kvc_session *s = m->session;
    mirror_prefill(m, 1, 5);
    const state saved = save(s);
    size_t bytes;
    check_error(kvc_session_state_bytes(NULL, &bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_state_bytes(s, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_save(NULL, saved.data, saved.bytes),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_save(s, NULL, saved.bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_save(s, saved.data, saved.bytes - 1), KVC_ERR_OUT_OF_MEMORY);
    check_error(kvc_session_restore(NULL, saved.data, saved.bytes),
                KVC_ERR_INVALID_ARGUMENT);
    check_ok(kvc_session_begin(s, (const uint32_t[]){0, 0}, 2));
    check_error(kvc_session_save(s, saved.data, saved.bytes), KVC_ERR_BUSY);
    check_error(kvc_session_restore(s, saved.data, saved.bytes), KVC_ERR_BUSY);
    kvc_session_cancel(s);
    mirror_check(m);
    check_ok(kvc_session_restore(s, saved.data, saved.bytes)); /* into itself */
    mirror_check(m);
    free(saved.data);
    mirror_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_sessions_go_on),
        cmocka_unit_test(a_state_needs_room_for_its_tokens),
        cmocka_unit_test(tokens_that_are_not_cached_need_room),
        cmocka_unit_test(not_one_byte_may_be_wrong),
        cmocka_unit_test(of_another_model_or_shape),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
