/* States that somebody forged, checksum and all: they are refused and change nothing, or
 * they are a session that can be used without harm. */
#include "base/number.h"
#include "base/state.h"
#include "check.h"
#include "random_model.h"

enum { S = 20, V = 5, L = 2, H = 1, C = 4 };
enum {
    LENGTH_AT = 8,
    BODY_AT = 24
}; /* the number of sequences, and then the first one */

static random_model model;
static unsigned char *state; /* of two sequences: [bytes], and room for more */
static size_t bytes;
static kvc_session *s;

static kvc_session *new_session(size_t capacity, size_t n_sequence)
{
    const kvc_session_config sizes = {.capacity = capacity, n_sequence, KVC_F32, KVC_F32};
    return random_model_sequences(&model, &sizes);
}

static void seal(unsigned char *forged, size_t n)
{
    const uint64_t sum = kvc_fnv1a(KVC_FNV_START, forged, n - 8);
    for (size_t i = 0; i < 8; i++)
        forged[n - 8 + i] = (unsigned char)(sum >> 8 * i);
}

static int set_up(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(L, H, C, 4, S, V)};
    model = random_model_new(&config, 1);
    s = new_session(S, 2);
    check_ok(kvc_session_prefill(s, (const uint32_t[]){1, 2, 3, 4}, 4));
    check_ok(kvc_session_fork(s, 0, 1));
    check_ok(kvc_session_select(s, 1));
    check_ok(kvc_session_truncate(s, 3));
    check_ok(kvc_session_state_bytes(s, &bytes));
    state = check_alloc(1, bytes);
    check_ok(kvc_session_save(s, state, bytes));
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    free(s);
    free(state);
    random_model_free(&model);
    return 0;
}

static uint32_t word_at(const unsigned char *data, size_t at)
{
    return (uint32_t)data[at] | (uint32_t)data[at + 1] << 8 |
           (uint32_t)data[at + 2] << 16 | (uint32_t)data[at + 3] << 24;
}

static void set_word(unsigned char *data, size_t at, uint32_t word)
{
    for (size_t i = 0; i < 4; i++)
        data[at + i] = (unsigned char)(word >> 8 * i);
}

/* Restores a copy of exactly n bytes, so that AddressSanitizer sees a step beyond. */
static kvc_error restore(kvc_session *into, const unsigned char *forged, size_t n)
{
    unsigned char *exact = check_alloc(1, n);
    memcpy(exact, forged, n);
    const kvc_error error = kvc_session_restore(into, exact, n);
    free(exact);
    return error;
}

/* The session still saves what it was. */
static void check_untouched(const unsigned char *want)
{
    unsigned char *now = check_alloc(1, bytes);
    check_ok(kvc_session_save(s, now, bytes));
    assert_memory_equal(now, want, bytes);
    free(now);
}

/* Whatever it holds, nothing steps out of line. */
static void use(void)
{
    float weights[S];
    for (size_t i = 0; i < 2; i++) {
        check_ok(kvc_session_select(s, i));
        const size_t position = kvc_session_position(s);
        assert_true(position <= S && kvc_session_cached(s) <= position);
        for (size_t layer = 0; layer < L; layer++) {
            const kvc_error error = kvc_session_attention(s, layer, 0, weights);
            assert_true(error == KVC_OK || error == KVC_ERR_NOT_READY);
        }
        if (position < S) {
            const kvc_error error = kvc_session_decode(s, 1);
            assert_true(error == KVC_OK || error == KVC_ERR_NOT_FINITE);
        }
    }
    check_ok(kvc_session_fork(s, 0, 1));
    check_ok(kvc_session_drop(s, 0));
}

/* ---- any word ---------------------------------------------------------------------- */

static void every_word(void **unused)
{
    (void)unused;
    unsigned char *forged = check_alloc(1, bytes);
    size_t taken = 0, refused = 0;
    for (size_t at = 0; at + 4 <= bytes - 8; at += 4) {
        const uint32_t was = word_at(state, at);
        const uint32_t words[] = {0,          1,       2,       3,        S, S + 1,
                                  UINT32_MAX, was + 1, was - 1, was ^ 4u, V, 1u << 31};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            memcpy(forged, state, bytes);
            set_word(forged, at, words[i]);
            seal(forged, bytes);
            check_ok(kvc_session_restore(s, state, bytes));
            const kvc_error error = restore(s, forged, bytes);
            if (error) {
                assert_true(error == KVC_ERR_STATE_INVALID ||
                            error == KVC_ERR_STATE_FOREIGN ||
                            error == KVC_ERR_UNSUPPORTED ||
                            error == KVC_ERR_CONTEXT_FULL);
                check_untouched(state);
                refused++;
            } else {
                use();
                taken++;
            }
        }
    }
    assert_true(taken > 100 && refused > 100);
    free(forged);
}

/* ---- what must be refused ---------------------------------------------------------- */

static void check_word(size_t at, uint32_t word, kvc_error want)
{
    unsigned char *forged = check_alloc(1, bytes);
    memcpy(forged, state, bytes);
    set_word(forged, at, word);
    seal(forged, bytes);
    check_ok(kvc_session_restore(s, state, bytes));
    check_error(restore(s, forged, bytes), want);
    if (want != KVC_OK)
        check_untouched(state);
    free(forged);
}

static void headers(void **unused)
{
    (void)unused;
    check_word(0, word_at(state, 0) ^ 1u, KVC_ERR_STATE_INVALID); /* the letters */
    check_word(4, KVC_STATE_VERSION + 1, KVC_ERR_STATE_FOREIGN);
    check_word(LENGTH_AT, (uint32_t)bytes - 4, KVC_ERR_STATE_INVALID);
    check_word(LENGTH_AT + 4, 1, KVC_ERR_STATE_INVALID);
    check_word(16, word_at(state, 16) + 1, KVC_ERR_STATE_FOREIGN); /* the fingerprint */
    check_word(20, word_at(state, 20) + 1, KVC_ERR_STATE_FOREIGN);
    check_word(BODY_AT, 3, KVC_ERR_CONTEXT_FULL);
    size_t cache_bytes = kvc_cache_state_bytes(kvc_session_cache(s));
    unsigned char *cache = check_alloc(1, cache_bytes); /* sound, but not a session's */
    check_ok(kvc_cache_save(kvc_session_cache(s), kvc_model_fingerprint(model.packed),
                            cache, cache_bytes));
    check_error(restore(s, cache, cache_bytes), KVC_ERR_STATE_INVALID);
    free(cache);
}

static void sequences(void **unused)
{
    (void)unused;
    const size_t position = BODY_AT + 4, flags = position + 4, ids = flags + 4;
    assert_int_equal(word_at(state, position), 4);
    assert_int_equal(word_at(state, flags), 3); /* logits and queries */
    assert_int_equal(word_at(state, ids + 12), 4);
    check_word(ids + 12, V, KVC_ERR_STATE_INVALID);
    check_word(ids + 12, V - 1, KVC_OK);
    check_word(flags, 7, KVC_ERR_UNSUPPORTED); /* evict() took some: none can go here */
    check_word(flags, 16, KVC_ERR_STATE_INVALID);
    check_word(position, S + 1, KVC_ERR_CONTEXT_FULL);
    check_word(position, UINT32_MAX, KVC_ERR_STATE_INVALID);
}

/* Words behind the last one, in the length as well. */
static void something_left_over(void **unused)
{
    (void)unused;
    unsigned char *forged = check_alloc(1, bytes + 4);
    memcpy(forged, state, bytes);
    set_word(forged, LENGTH_AT, (uint32_t)bytes + 4);
    seal(forged, bytes + 4);
    check_ok(kvc_session_restore(s, state, bytes));
    check_error(restore(s, forged, bytes + 4), KVC_ERR_STATE_INVALID);
    check_untouched(state);
    free(forged);
}

/* ---- sequences and cache that don't go together ------------------------------------ */

/* The sequence of a session that has read n tokens of text, with the cache of one that
 * has read m: a new array of *length bytes. */
static unsigned char *splice(const uint32_t *text, size_t n, size_t m, size_t *length)
{
    unsigned char *saved[2];
    size_t total[2], cache[2];
    for (size_t i = 0; i < 2; i++) {
        kvc_session *one = new_session(S, 1);
        check_ok(kvc_session_prefill(one, text, i == 0 ? n : m));
        check_ok(kvc_session_state_bytes(one, &total[i]));
        saved[i] = check_alloc(1, total[i]);
        check_ok(kvc_session_save(one, saved[i], total[i]));
        cache[i] = kvc_cache_state_bytes(kvc_session_cache(one)) - BODY_AT - 8;
        free(one);
    }
    const size_t front = total[0] - 8 - cache[0];
    *length = front + cache[1] + 8;
    unsigned char *forged = check_alloc(1, *length);
    memcpy(forged, saved[0], front);
    memcpy(forged + front, saved[1] + total[1] - 8 - cache[1], cache[1]);
    set_word(forged, LENGTH_AT, (uint32_t)*length);
    seal(forged, *length);
    free(saved[0]);
    free(saved[1]);
    return forged;
}

/* What the cache holds beyond the sequence is cut off; what it lacks is computed, and
 * until then there is no attention to show. */
static void a_cache_of_another_length(void **unused)
{
    (void)unused;
    const uint32_t text[] = {1, 2, 3, 4, 0, 1, 2};
    float want[V], weights[S];
    for (size_t n = 1; n < 7; n++)
        for (size_t m = 1; m <= 7; m++) {
            size_t length;
            unsigned char *forged = splice(text, n, m, &length);
            kvc_session *one = new_session(S, 1);
            check_ok(restore(one, forged, length));
            assert_int_equal(kvc_session_position(one), n);
            assert_int_equal(kvc_session_cached(one), m < n ? m : n);
            check_error(kvc_session_attention(one, 0, 0, weights),
                        m < n ? KVC_ERR_NOT_READY : KVC_OK);
            random_model_logits(want, &model, text, n + 1);
            check_ok(kvc_session_decode(one, text[n]));
            check_same(kvc_session_logits(one), want, V);
            free(one);
            free(forged);
        }
}

/* Logits and queries of no token at all. */
static void logits_of_nothing(void **unused)
{
    (void)unused;
    const size_t position = BODY_AT + 4, ids = position + 8;
    size_t n;
    unsigned char *forged = splice((const uint32_t[]){1}, 1, 1, &n);
    set_word(forged, position, 0);
    memmove(forged + ids, forged + ids + 4, n - ids - 4);
    set_word(forged, LENGTH_AT, (uint32_t)n - 4);
    seal(forged, n - 4);
    kvc_session *one = new_session(S, 1);
    check_error(restore(one, forged, n - 4), KVC_ERR_STATE_INVALID);
    free(one);
    free(forged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word),
        cmocka_unit_test(headers),
        cmocka_unit_test(sequences),
        cmocka_unit_test(something_left_over),
        cmocka_unit_test(a_cache_of_another_length),
        cmocka_unit_test(logits_of_nothing),
    };
    return cmocka_run_group_tests_name("state_forged", tests, set_up, tear_down);
}
