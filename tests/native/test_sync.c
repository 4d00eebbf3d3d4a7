/* A sequence made into another text: whatever was edited, what is kept is the longest
 * common prefix by token id, as far as the cache holds it, and the logits are those of
 * the new text, bit for bit. */
#include "check.h"
#include "random_model.h"

enum { N = 70, V = 50, L = 3, BLOCK = 32 };
static const kvc_config config = {GPT2_SIZES(L, 2, 16, 35, N, V)};
static random_model model;
static uint32_t ids[N];
static kvc_session *s;

static int set_up(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    model = random_model_new(&config, 1);
    random_ids(ids, N, V, &state);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    random_model_free(&model);
    return 0;
}

static int new_session(void **unused)
{
    (void)unused;
    s = random_model_session(&model, N);
    return 0;
}

static int free_session(void **unused)
{
    (void)unused;
    free(s);
    return 0;
}

static void restart(size_t T)
{
    kvc_session_reset(s);
    check_ok(kvc_session_set_cache(s, true));
    if (T > 0)
        check_ok(kvc_session_prefill(s, ids, T));
}

/* The sequence is text[0 .. T-1], and its logits follow it. */
static void check_text(const uint32_t *text, size_t T)
{
    float want[V];
    random_model_logits(want, &model, text, T);
    assert_int_equal(kvc_session_position(s), T);
    check_same(kvc_session_logits(s), want, V);
}

/* What a listener hears of the reuse: one event, none where nothing is reused. */
static void check_reuse_heard(const kvc_event *events, size_t want)
{
    size_t heard = 0;
    for (size_t n = kvc_cache_take_events(kvc_session_cache(s), NULL); n > 0; n--) {
        const kvc_event *e = &events[n - 1];
        if (e->type != KVC_EVENT_REUSE)
            continue;
        assert_int_equal(e->sequence, kvc_session_selected(s));
        assert_int_equal(e->first, 0);
        assert_int_equal(e->count, want);
        heard++;
    }
    assert_int_equal(heard, want > 0);
}

/* Syncs, expecting this much reuse and the steps of the rest. */
static void check_sync(const uint32_t *text, size_t T, size_t want_reused)
{
    size_t reused = SIZE_MAX, steps = 0;
    kvc_error error;
    kvc_event events[8];
    kvc_cache_listen(kvc_session_cache(s), events, 8);
    check_ok(kvc_session_begin_sync(s, text, T, &reused));
    assert_int_equal(reused, want_reused);
    check_reuse_heard(events, want_reused);
    kvc_cache_listen(kvc_session_cache(s), NULL, 0);
    while ((error = kvc_session_step(s)) == KVC_PENDING)
        steps++;
    check_ok(error);
    assert_int_equal(steps, L * ((T - reused + BLOCK - 1) / BLOCK));
    check_text(text, T);
    if (kvc_session_uses_cache(s) && reused < T)
        assert_int_equal(kvc_session_cached(s), T);
}

/* ---- every kind of edit ------------------------------------------------------------ */

static void an_edit_at_token_i_reuses_exactly_i(void **unused)
{
    (void)unused;
    uint32_t edited[N];
    for (size_t T = 1; T <= N; T += 23)
        for (size_t i = 0; i < T; i++) {
            memcpy(edited, ids, sizeof edited);
            edited[i] = (edited[i] + 1) % V;
            restart(T);
            check_sync(edited, T, i);
        }
}

/* The same where another sequence shares the pages, which keeps its own text. */
static void an_edit_of_shared_pages_reuses_exactly_i(void **unused)
{
    (void)unused;
    enum { T = 50 };
    const kvc_session_config sizes = {.capacity = N, 2, KVC_F32, KVC_F32};
    uint32_t edited[N];
    free(s);
    s = random_model_sequences(&model, &sizes);
    for (size_t i = 0; i < T; i++)
        for (size_t edits = 0; edits < 2; edits++) {
            memcpy(edited, ids, sizeof edited);
            edited[i] = (edited[i] + 1) % V;
            check_ok(kvc_session_select(s, 0));
            restart(T);
            check_ok(kvc_session_fork(s, 0, 1));
            check_ok(kvc_session_select(s, edits));
            check_sync(edited, T, i);
            check_ok(kvc_session_select(s, 1 - edits));
            check_text(ids, T);
            check_sync(ids, T, T);
        }
}

/* Every length to every length: what is longer is continued, what is shorter needs its
 * last row again, what is equal needs nothing at all. */
static void lengths(void **unused)
{
    (void)unused;
    for (size_t from = 0; from <= N; from += 5)
        for (size_t to = 1; to <= N; to += 3) {
            restart(from);
            check_sync(ids, to, from < to ? from : from == to ? to : to - 1);
        }
}

static void the_same_text_needs_no_pass(void **unused)
{
    (void)unused;
    restart(40);
    const kvc_counts before = kvc_session_counts(s);
    for (int again = 0; again < 3; again++)
        check_sync(ids, 40, 40);
    const kvc_counts after = kvc_session_counts(s);
    assert_memory_equal(&after, &before, sizeof after);
    check_ok(kvc_session_truncate(s, 39)); /* to draw the last token anew: one row */
    check_sync(ids, 40, 39);
    check_ok(kvc_session_decode(s, 3)); /* as far as it goes, without logits of its own */
    check_ok(kvc_session_truncate(s, 40));
    check_sync(ids, 40, 39);
}

/* "ab" may be one token or two: the text is the same, K and V are not. */
static void by_id_and_not_by_text(void **unused)
{
    (void)unused;
    enum { A = 1, B = 2, AB = 3 };
    const uint32_t two[] = {7, A, B, 8, 9}, one[] = {7, AB, 8, 9};
    restart(0);
    check_sync(two, 5, 0);
    check_sync(one, 4, 1);
    check_sync(two, 5, 1);
}

/* ---- the cache off, and behind ----------------------------------------------------- */

static void without_the_cache_nothing_is_reused(void **unused)
{
    (void)unused;
    restart(30);
    check_ok(kvc_session_set_cache(s, false));
    check_sync(ids, 30, 0);
    check_sync(ids, 50, 0);
    check_sync(ids, 20, 0);
    assert_int_equal(kvc_session_cached(s), 20); /* what it held of the common prefix */
    check_sync(ids, 60, 0);
    assert_int_equal(kvc_session_cached(s), 20);
    check_ok(kvc_session_set_cache(s, true));
    check_sync(ids, 60, 60); /* logits are there */
    check_sync(ids, 40, 20); /* of 40 common tokens the cache holds 20 */
}

static void random_edits(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    uint32_t text[N];
    size_t length = 0, held = 0;
    for (int round = 0; round < 300; round++) {
        const bool use_cache = random_below(&state, 4) > 0;
        const bool again = length > 0 && random_below(&state, 6) == 0;
        const size_t T = again ? length : 1 + random_below(&state, N);
        size_t common = again ? T : random_below(&state, T + 1);
        if (common > length)
            common = length;
        if (common < T && common < length) { /* differs at once */
            const uint32_t other = text[common];
            random_ids(text + common, T - common, V, &state);
            if (text[common] == other)
                text[common] = (other + 1) % V;
        } else if (common < T) {
            random_ids(text + common, T - common, V, &state);
        }
        held = held < common ? held : common;
        const size_t want = !use_cache                   ? 0
                            : common == T && length == T ? T
                            : held < T                   ? held
                                                         : T - 1;
        check_ok(kvc_session_set_cache(s, use_cache));
        check_sync(text, T, want);
        length = T;
        held = kvc_session_cached(s);
    }
}

/* ---- dropped, refused -------------------------------------------------------------- */

/* Dropped after any number of steps, the common prefix is left, and right. */
static void cancel_leaves_the_common_prefix(void **unused)
{
    (void)unused;
    for (size_t i = 0; i <= 60; i += 6)
        for (size_t stop = 0; stop <= L * ((60 - i + BLOCK - 1) / BLOCK); stop++) {
            uint32_t edited[N];
            size_t reused;
            memcpy(edited, ids, sizeof edited);
            edited[i] = (edited[i] + 1) % V;
            restart(i == 60 ? 60 : 65);
            check_ok(kvc_session_begin_sync(s, edited, 60, &reused));
            for (size_t step = 0; step < stop; step++)
                check_error(kvc_session_step(s), KVC_PENDING);
            kvc_session_cancel(s);
            assert_int_equal(kvc_session_position(s), i);
            assert_int_equal(kvc_session_cached(s), i);
            if (i == 60) /* the text itself: nothing to do, nothing to drop */
                check_text(ids, 60);
            else
                assert_null(kvc_session_logits(s));
            check_ok(kvc_session_prefill(s, ids + i, N - i));
            check_text(ids, N);
        }
    restart(60); /* a shorter text is wholly the common prefix, but for its logits */
    size_t reused;
    check_ok(kvc_session_begin_sync(s, ids, 40, &reused));
    check_error(kvc_session_step(s), KVC_PENDING);
    kvc_session_cancel(s);
    assert_int_equal(kvc_session_position(s), 40);
    assert_null(kvc_session_logits(s));
    check_sync(ids, 40, 39);
}

static void refusals_change_nothing(void **unused)
{
    (void)unused;
    uint32_t bad[N + 1];
    size_t reused = 77;
    restart(20);
    for (size_t at = 0; at <= 30; at++) {
        memcpy(bad, ids, sizeof ids);
        bad[at] = at % 2 ? V : UINT32_MAX;
        check_error(kvc_session_begin_sync(s, bad, 31, &reused),
                    KVC_ERR_TOKEN_OUT_OF_RANGE);
    }
    check_error(kvc_session_begin_sync(s, ids, N + 1, &reused), KVC_ERR_CONTEXT_FULL);
    check_error(kvc_session_begin_sync(s, ids, SIZE_MAX, &reused), KVC_ERR_CONTEXT_FULL);
    check_error(kvc_session_begin_sync(s, ids, 0, &reused), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_sync(s, NULL, 1, &reused), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_sync(s, ids, 1, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_begin_sync(NULL, ids, 1, &reused), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_step(s), KVC_ERR_NOT_READY);
    check_ok(kvc_session_begin(s, ids + 20, 1));
    check_error(kvc_session_begin_sync(s, ids, 1, &reused), KVC_ERR_BUSY);
    kvc_session_cancel(s);
    assert_int_equal(reused, 77);
    check_text(ids, 20);
    check_ok(kvc_session_begin_sync(s, ids, 20, &reused)); /* a hit keeps busy as well */
    check_error(kvc_session_begin_sync(s, ids, 20, &reused), KVC_ERR_BUSY);
    check_error(kvc_session_decode(s, 1), KVC_ERR_BUSY);
    check_ok(kvc_session_step(s));
    check_sync(ids, N, 20); /* to the last slot */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_session, free_session)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edit_at_token_i_reuses_exactly_i),
        TEST(an_edit_of_shared_pages_reuses_exactly_i),
        TEST(lengths),
        TEST(the_same_text_needs_no_pass),
        TEST(by_id_and_not_by_text),
        TEST(without_the_cache_nothing_is_reused),
        TEST(random_edits),
        TEST(cancel_leaves_the_common_prefix),
        TEST(refusals_change_nothing),
    };
    return cmocka_run_group_tests_name("sync", tests, set_up, tear_down);
}
