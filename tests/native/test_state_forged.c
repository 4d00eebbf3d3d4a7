/* States that somebody forged, checksum and all: they are refused and change nothing, or
 * they are a session that can be used without harm. */
#include "base/number.h"
#include "base/state.h"
#include "cache/cache.h"
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
static size_t most = S; /* tokens of a text */

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

static int save_state(void)
{
    check_ok(kvc_session_state_bytes(s, &bytes));
    state = check_alloc(1, bytes);
    check_ok(kvc_session_save(s, state, bytes));
    return 0;
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
    return save_state();
}

/* Sessions whose slots move, and have moved: of one sequence, three tokens that were
 * evicted, or whole pages that slid out; the other had all of those before. */
enum { SLOTS = 32, TEXT = 80 };

static kvc_session *new_moving_session(kvc_when_full when_full, size_t capacity)
{
    const kvc_session_config sizes = {.capacity = capacity,
                                      .n_sequence = 2,
                                      .when_full = when_full,
                                      .text_capacity = TEXT};
    return random_model_sequences(&model, &sizes);
}

static int set_up_moving(kvc_when_full when_full, size_t n)
{
    const kvc_config config = {LLAMA_SIZES(L, 2, H, 4, C, C, TEXT, V),
                               .rope_factor = 1.0f};
    uint32_t ids[TEXT];
    uint64_t seed = 2;
    random_ids(ids, TEXT, V, &seed);
    model = random_model_new(&config, 1);
    most = TEXT;
    s = new_moving_session(when_full, SLOTS);
    check_ok(kvc_session_prefill(s, ids, n));
    check_ok(kvc_session_fork(s, 0, 1));
    if (when_full == KVC_EVICT)
        check_ok(kvc_session_evict(s, 3, 3));
    else
        check_ok(kvc_session_prefill(s, ids, 5));
    return save_state();
}

static int set_up_evicting(void **unused)
{
    (void)unused;
    return set_up_moving(KVC_EVICT, 20);
}

static int set_up_sliding(void **unused)
{
    (void)unused;
    return set_up_moving(KVC_SLIDE, 30);
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

/* Queries turn one way: no key was written for a place before the slot that it is in. */
static void check_places(const kvc_session *session)
{
    const kvc_cache *cache = kvc_session_cache(session);
    for (size_t b = 0; b < cache->shape.batch && kvc_cache_moves(cache); b++)
        for (size_t slot = 0; slot < cache->length[b]; slot++) {
            const size_t written = kvc_cache_place(cache, b, slot)->written;
            assert_true(written >= slot && written < cache->shape.capacity);
        }
}

/* Whatever it holds, nothing steps out of line, and it can be saved and restored. */
static void use(void)
{
    float weights[TEXT];
    check_places(s);
    for (size_t i = 0; i < 2; i++) {
        check_ok(kvc_session_select(s, i));
        const size_t position = kvc_session_position(s);
        assert_true(position <= most && kvc_session_cached(s) <= position);
        for (size_t layer = 0; layer < L; layer++) {
            const kvc_error error = kvc_session_attention(s, layer, 0, weights);
            assert_true(error == KVC_OK || error == KVC_ERR_NOT_READY);
        }
        if (position < most) {
            const kvc_error error = kvc_session_decode(s, 1);
            const bool refused =
                error == KVC_ERR_CONTEXT_FULL || error == KVC_ERR_WINDOW_PASSED;
            assert_true(error == KVC_OK || error == KVC_ERR_NOT_FINITE ||
                        (refused && kvc_cache_moves(kvc_session_cache(s))));
        }
    }
    check_ok(kvc_session_fork(s, 0, 1));
    size_t n;
    check_ok(kvc_session_state_bytes(s, &n));
    unsigned char *own = check_alloc(1, n);
    check_ok(kvc_session_save(s, own, n));
    check_ok(restore(s, own, n));
    free(own);
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
                                  UINT32_MAX, was + 1, was - 1, was ^ 4u, V, 1u << 31,
                                  UINT32_MAX - KVC_PAGE};
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

/* ---- slots that move --------------------------------------------------------------- */

/* Where these words are in a state. */
static size_t find_words(const unsigned char *data, size_t n, const uint32_t *words,
                         size_t count)
{
    size_t found = 0;
    for (size_t at = BODY_AT; at + 4 * count <= n; at += 4) {
        size_t same = 0;
        while (same < count && word_at(data, at + 4 * same) == words[same])
            same++;
        found = same == count && found == 0 ? at : found;
    }
    assert_true(found > 0);
    return found;
}

/* The first page of one sequence is the second of the other, where all is said to be
 * where it was written: one of them has it elsewhere. */
static void pages_that_change_places(void **unused)
{
    (void)unused;
    kvc_session *one = new_moving_session(KVC_EVICT, SLOTS + KVC_PAGE);
    size_t n;
    check_ok(kvc_session_prefill(one, (const uint32_t[SLOTS]){1, 2, 3, 4}, SLOTS));
    check_ok(kvc_session_fork(one, 0, 1));
    check_ok(kvc_session_state_bytes(one, &n));
    unsigned char *forged = check_alloc(1, n);
    check_ok(kvc_session_save(one, forged, n));
    const uint32_t tables[] = {2, SLOTS, 0, 1, SLOTS, 0, 1};
    const size_t at = find_words(forged, n, tables, 7);
    set_word(forged, at + 20, 1);
    set_word(forged, at + 24, 0);
    seal(forged, n);
    check_ok(restore(one, forged, n));
    check_places(one);
    check_ok(kvc_session_decode(one, 1));
    free(forged);
    free(one);
}

/* Where all is where it was written, a page forgets what moved there before. */
static void pages_of_slots_that_had_moved(void **unused)
{
    (void)unused;
    kvc_session *one = new_moving_session(KVC_EVICT, SLOTS + KVC_PAGE);
    size_t n;
    check_ok(kvc_session_prefill(one, (const uint32_t[SLOTS]){1, 2, 3, 4}, SLOTS));
    check_ok(kvc_session_state_bytes(one, &n));
    unsigned char *sound = check_alloc(1, n);
    check_ok(kvc_session_save(one, sound, n));
    check_ok(kvc_session_prefill(one, (const uint32_t[KVC_PAGE]){0}, KVC_PAGE));
    check_ok(kvc_session_evict(one, 0, KVC_PAGE)); /* its page is that of the next ones */
    check_ok(kvc_session_prefill(one, (const uint32_t[KVC_PAGE]){0}, KVC_PAGE));
    check_ok(restore(one, sound, n));
    for (size_t slot = 0; slot < SLOTS; slot++) {
        const kvc_place *place = kvc_cache_place(kvc_session_cache(one), 0, slot);
        assert_int_equal(place->written, slot);
        assert_int_equal(place->text, slot);
    }
    free(sound);
    free(one);
}

/* A key was written for a place that a smaller cache does not have: a larger one does. */
static void places_beyond_the_capacity(void **unused)
{
    (void)unused;
    kvc_session *large = new_moving_session(KVC_EVICT, SLOTS + KVC_PAGE);
    kvc_session *small = new_moving_session(KVC_EVICT, SLOTS);
    size_t n;
    check_ok(kvc_session_prefill(large, (const uint32_t[SLOTS + 1]){1, 2}, SLOTS + 1));
    check_ok(kvc_session_evict(large, 0, SLOTS));
    check_ok(kvc_session_state_bytes(large, &n));
    unsigned char *sound = check_alloc(1, n);
    check_ok(kvc_session_save(large, sound, n));
    check_error(restore(small, sound, n), KVC_ERR_CONTEXT_FULL);
    check_ok(restore(large, sound, n));
    free(sound);
    free(small);
    free(large);
}

/* So many tokens gone that with those held they are more than a word can say. */
static void tokens_beyond_number_gone(void **unused)
{
    (void)unused;
    const size_t length = kvc_cache_length(kvc_session_cache(s), 0);
    const uint32_t past[] = {(uint32_t)length, 3, 20};
    const size_t at = find_words(state, bytes, past, 3);
    for (uint32_t more = 0; more < 2; more++) {
        unsigned char *forged = check_alloc(1, bytes);
        memcpy(forged, state, bytes);
        set_word(forged, at + 4, UINT32_MAX - (uint32_t)length + more);
        set_word(forged, at + 8, UINT32_MAX - (uint32_t)length + more);
        seal(forged, bytes);
        check_ok(kvc_session_restore(s, state, bytes));
        check_error(restore(s, forged, bytes), more ? KVC_ERR_STATE_INVALID : KVC_OK);
        if (!more)
            use();
        free(forged);
    }
    check_ok(kvc_session_restore(s, state, bytes));
}

int main(void)
{
    const struct CMUnitTest evicting[] = {
        cmocka_unit_test(every_word),
        cmocka_unit_test(pages_that_change_places),
        cmocka_unit_test(pages_of_slots_that_had_moved),
        cmocka_unit_test(places_beyond_the_capacity),
        cmocka_unit_test(tokens_beyond_number_gone),
    };
    const struct CMUnitTest sliding[] = {cmocka_unit_test(every_word)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word),
        cmocka_unit_test(headers),
        cmocka_unit_test(sequences),
        cmocka_unit_test(something_left_over),
        cmocka_unit_test(a_cache_of_another_length),
        cmocka_unit_test(logits_of_nothing),
    };
    return cmocka_run_group_tests_name("state_forged", tests, set_up, tear_down) +
           cmocka_run_group_tests_name("state_forged, evicting", evicting,
                                       set_up_evicting, tear_down) +
           cmocka_run_group_tests_name("state_forged, sliding", sliding, set_up_sliding,
                                       tear_down);
}
