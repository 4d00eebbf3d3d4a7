/* The cache as bytes: restored, it goes on bit for bit; what is not whole is refused and
 * changes nothing; bytes that lie with a right checksum cannot do harm. */
#include "base/number.h"
#include "plain_cache.h"
#include "random_model.h"

static const kvc_dtype types[] = {KVC_F32, KVC_F16, KVC_I8, KVC_I4};

typedef struct state {
    size_t bytes;
    unsigned char
        *at; /* exactly so many, so that AddressSanitizer sees each step beyond */
} state;

static state save(const kvc_cache *cache)
{
    state s = {.bytes = kvc_cache_state_bytes(cache)};
    s.at = check_alloc(1, s.bytes);
    check_ok(kvc_cache_save(cache, 7, s.at, s.bytes));
    return s;
}

static void check_saved(const kvc_cache *cache, const state *want)
{
    const state got = save(cache);
    assert_int_equal(got.bytes, want->bytes);
    assert_memory_equal(got.at, want->at, want->bytes);
    free(got.at);
}

/* Into a cache of another capacity, with more sequences, that held other things: the same
 * numbers, the same pages shared, the same bytes saved; and on from there. */
static void restored_and_on(void **unused)
{
    (void)unused;
    uint64_t rng = 1;
    for (int round = 0; round < 60; round++) {
        const size_t B = 1 + random_below(&rng, 4), L = 1 + random_below(&rng, 3);
        const size_t H = 1 + random_below(&rng, 3), S = 1 + random_below(&rng, 60);
        const size_t D = 4 + 4 * random_below(&rng, 3);
        const kvc_dtype K = types[round % 4], V = types[round / 4 % 4];
        kvc_cache *cache = check_cache_of(B, L, H, S, D, K, V);
        const size_t more = round % 2 ? 0 : 1 + random_below(&rng, 20);
        kvc_cache *other = check_cache_of(B + (more > 9), L, H, S + more, D, K, V);
        plain_cache m = plain_new(cache), rubbish = plain_new(other);
        for (int i = 0; i < 20; i++) {
            plain_operate(&m, cache, &rng);
            plain_operate(&rubbish, other, &rng);
        }
        const state s = save(cache);
        check_ok(kvc_cache_restore(other, 7, s.at, s.bytes));
        check_ok(kvc_cache_restore(cache, 7, s.at, s.bytes));
        plain_check(&m, cache);
        check_saved(cache, &s);
        for (size_t b = 0; b < kvc_cache_get_shape(other)->batch; b++) {
            assert_int_equal(kvc_cache_length(other, b), b < B ? m.length[b] : 0);
            for (size_t slot = 0; b < B && slot < m.length[b]; slot++)
                assert_int_equal(kvc_cache_page(other, b, slot),
                                 kvc_cache_page(cache, b, slot));
        }
        assert_int_equal(kvc_cache_get_memory(other).used_bytes,
                         kvc_cache_get_memory(cache).used_bytes);
        uint64_t same = rng;
        plain_cache copy = {.shape = rubbish.shape};
        for (int i = 0; i < 20; i++)
            plain_operate(&m, cache, &rng);
        plain_check(&m, cache);
        if (more == 0) {
            copy = plain_new(other); /* the operations again, on the restored one */
            check_ok(kvc_cache_restore(other, 7, s.at, s.bytes));
            for (size_t b = 0; b < B; b++)
                copy.length[b] = kvc_cache_length(other, b);
            for (int i = 0; i < 20; i++)
                plain_operate(&copy, other, &same);
            const state on = save(cache);
            check_saved(other, &on);
            free(on.at);
            plain_free(&copy);
        }
        plain_free(&m);
        plain_free(&rubbish);
        free(s.at);
        free(cache);
        free(other);
    }
}

/* What was written beyond the length, and into slots long free, is in no state. */
static void garbage_does_not_leak(void **unused)
{
    (void)unused;
    uint64_t rng = 2;
    for (size_t type = 0; type < sizeof types / sizeof *types; type++) {
        state s[2];
        for (int dirty = 0; dirty < 2; dirty++) {
            kvc_cache *cache = check_cache_of(2, 2, 2, 50, 8, types[type], types[type]);
            plain_cache m = plain_new(cache);
            for (int i = 0; i < 30 * dirty; i++)
                plain_operate(&m, cache, &rng);
            check_ok(kvc_cache_drop(cache, 0));
            check_ok(kvc_cache_drop(cache, 1));
            memset(m.length, 0, sizeof m.length);
            uint64_t same = 3;
            plain_append(&m, cache, 0, 21, &same);
            check_ok(kvc_cache_fork(cache, 0, 1));
            if (dirty) {
                float x[29 * 16];
                random_values(x, 29 * 16, &rng);
                check_ok(kvc_cache_append(cache, 0, 1, 29, x, x, 16));
                check_ok(kvc_cache_append(cache, 1, 0, 29, x, x, 16));
                check_ok(kvc_cache_truncate(cache, 1, 0));
                check_ok(kvc_cache_fork(cache, 0, 1));
            }
            s[dirty] = save(cache);
            plain_free(&m);
            free(cache);
        }
        assert_int_equal(s[0].bytes, s[1].bytes);
        assert_memory_equal(s[0].at, s[1].at, s[0].bytes);
        free(s[0].at);
        free(s[1].at);
    }
}

/* A small state with a shared page, for what follows. */
static kvc_cache *small_cache(void)
{
    uint64_t rng = 4;
    kvc_cache *cache = check_cache_of(3, 1, 1, 33, 4, KVC_F16, KVC_I8);
    plain_cache m = plain_new(cache);
    plain_append(&m, cache, 0, 17, &rng);
    check_ok(kvc_cache_fork(cache, 0, 2));
    check_ok(kvc_cache_truncate(cache, 2, 16));
    plain_free(&m);
    return cache;
}

static void every_truncation_and_every_flipped_byte(void **unused)
{
    (void)unused;
    kvc_cache *cache = small_cache();
    const state s = save(cache);
    kvc_cache_reset(cache);
    float one[4] = {1, 2, 3, 4};
    check_ok(kvc_cache_append(cache, 1, 0, 1, one, one, 4));
    check_ok(kvc_cache_advance(cache, 1, 1));
    const state before = save(cache);
    for (size_t n = 0; n < s.bytes; n++) {
        unsigned char *part = check_alloc(1, n + 1);
        memcpy(part + 1, s.at, n);
        check_error(kvc_cache_restore(cache, 7, part + 1, n), KVC_ERR_STATE_INVALID);
        free(part);
    }
    for (size_t i = 0; i < s.bytes; i++)
        for (int bit = 0; bit < 8; bit++) {
            s.at[i] ^= (unsigned char)(1 << bit);
            check_error(kvc_cache_restore(cache, 7, s.at, s.bytes),
                        KVC_ERR_STATE_INVALID);
            s.at[i] ^= (unsigned char)(1 << bit);
        }
    check_saved(cache, &before);
    check_ok(kvc_cache_restore(cache, 7, s.at, s.bytes));
    check_saved(cache, &s);
    free(before.at);
    free(s.at);
    free(cache);
}

/* Numbers of a state changed with a checksum that fits: an error that changes nothing, or
 * a cache that is as good as any other. */
static void lies_with_a_right_checksum(void **unused)
{
    (void)unused;
    uint64_t rng = 5;
    kvc_cache *source = small_cache();
    const state s = save(source);
    size_t taken = 0, refused = 0;
    for (int round = 0; round < 20000; round++) {
        state lie = {s.bytes, check_alloc(1, s.bytes)};
        memcpy(lie.at, s.at, s.bytes);
        for (size_t n = 1 + random_below(&rng, 3); n > 0; n--) { /* 24: the header */
            const uint32_t some[] = {0, 1, 2, 15, 16, 17, 33, 34, 1u << 28, UINT32_MAX};
            const size_t at =
                24 + 4 * random_below(&rng, round % 2 ? 16 : s.bytes / 4 - 8);
            memcpy(lie.at + at, &some[random_below(&rng, 10)], 4);
        }
        const uint64_t sum = kvc_fnv1a(KVC_FNV_START, lie.at, lie.bytes - 8);
        memcpy(lie.at + lie.bytes - 8, &sum, 8);
        kvc_cache *cache = small_cache();
        plain_cache m = plain_new(cache);
        if (kvc_cache_restore(cache, 7, lie.at, lie.bytes) == KVC_OK) {
            taken++;
            check_saved(cache, &lie);
            for (size_t b = 0; b < 3;
                 b++) /* the numbers are anything; the map is sound */
                m.length[b] = kvc_cache_length(cache, b);
            for (int i = 0; i < 4; i++)
                plain_operate(&m, cache, &rng);
        } else {
            refused++;
            check_saved(cache, &s);
        }
        plain_free(&m);
        free(lie.at);
        free(cache);
    }
    assert_true(taken > 1000 && refused > 1000);
    free(s.at);
    free(source);
}

static void foreign_and_too_large(void **unused)
{
    (void)unused;
    kvc_cache *cache = small_cache();
    const state s = save(cache);
    const struct {
        size_t B, L, H, S, D;
        kvc_dtype K, V;
        kvc_error want;
    } others[] = {
        {3, 1, 1, 17, 4, KVC_F16, KVC_I8, KVC_OK},
        {3, 2, 1, 33, 4, KVC_F16, KVC_I8, KVC_ERR_STATE_FOREIGN},
        {3, 1, 2, 33, 4, KVC_F16, KVC_I8, KVC_ERR_STATE_FOREIGN},
        {3, 1, 1, 33, 8, KVC_F16, KVC_I8, KVC_ERR_STATE_FOREIGN},
        {3, 1, 1, 33, 4, KVC_F32, KVC_I8, KVC_ERR_STATE_FOREIGN},
        {3, 1, 1, 33, 4, KVC_F16, KVC_F16, KVC_ERR_STATE_FOREIGN},
        {2, 1, 1, 33, 4, KVC_F16, KVC_I8, KVC_ERR_CACHE_FULL},
        {3, 1, 1, 16, 4, KVC_F16, KVC_I8, KVC_ERR_CACHE_FULL},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        kvc_cache *other =
            check_cache_of(others[i].B, others[i].L, others[i].H, others[i].S,
                           others[i].D, others[i].K, others[i].V);
        const state was = save(other);
        check_error(kvc_cache_restore(other, 7, s.at, s.bytes), others[i].want);
        check_saved(other, others[i].want ? &was : &s);
        free(was.at);
        free(other);
    }
    check_error(kvc_cache_restore(cache, 8, s.at, s.bytes), KVC_ERR_STATE_FOREIGN);
    check_error(kvc_cache_restore(cache, 7, NULL, 100), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_save(cache, 7, NULL, s.bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_save(NULL, 7, s.at, s.bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_restore(NULL, 7, s.at, s.bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_save(cache, 7, s.at, s.bytes - 1), KVC_ERR_OUT_OF_MEMORY);
    check_saved(cache, &s);
    s.at[4] ^= 1; /* another version, and sound */
    const uint64_t sum = kvc_fnv1a(KVC_FNV_START, s.at, s.bytes - 8);
    memcpy(s.at + s.bytes - 8, &sum, 8);
    check_error(kvc_cache_restore(cache, 7, s.at, s.bytes), KVC_ERR_STATE_FOREIGN);
    free(s.at);
    free(cache);
}

/* The capacity decides to the token, not to the page. */
static void what_is_longer_than_the_cache_is_refused(void **unused)
{
    (void)unused;
    uint64_t rng = 6;
    enum { MOST = 2 * KVC_PAGE + 3 };
    for (size_t n = 1; n <= MOST; n++) {
        kvc_cache *cache = check_cache(2, 1, 1, MOST, 4);
        plain_cache m = plain_new(cache);
        plain_append(&m, cache, 1, n, &rng);
        const state s = save(cache);
        for (size_t S = 1; S <= MOST; S++) {
            kvc_cache *other = check_cache(2, 1, 1, S, 4);
            const state was = save(other);
            check_error(kvc_cache_restore(other, 7, s.at, s.bytes),
                        n <= S ? KVC_OK : KVC_ERR_CACHE_FULL);
            check_saved(other, n <= S ? &s : &was);
            free(was.at);
            free(other);
        }
        plain_free(&m);
        free(s.at);
        free(cache);
    }
}

/* A sequence of full pages has its page `second` once more at its place `first`, and one
 * page less: everything else is as it should be. */
static state with_a_page_twice(const state *s, size_t n_pages, size_t first,
                               size_t second)
{
    enum { TABLE = 24 + 4 * (5 + 1 + 1) }; /* header; shape, sequences, length */
    const size_t data = TABLE + 4 * n_pages, page_bytes = (s->bytes - 8 - data) / n_pages;
    state lie = {s->bytes - page_bytes, check_alloc(1, s->bytes)};
    memcpy(lie.at, s->at, lie.bytes);
    for (uint32_t i = 0, n = 0; i < n_pages; i++) {
        const uint32_t page = i == second ? (uint32_t)first : n++;
        memcpy(lie.at + TABLE + 4 * i, &page, sizeof page);
    }
    const uint64_t bytes = lie.bytes;
    memcpy(lie.at + 8, &bytes, sizeof bytes);
    const uint64_t sum = kvc_fnv1a(KVC_FNV_START, lie.at, lie.bytes - 8);
    memcpy(lie.at + lie.bytes - 8, &sum, sizeof sum);
    return lie;
}

static void a_page_twice_in_a_sequence_is_refused(void **unused)
{
    (void)unused;
    uint64_t rng = 7;
    enum { PAGES = 5 };
    kvc_cache *cache = check_cache(1, 2, 1, PAGES * KVC_PAGE, 4);
    plain_cache m = plain_new(cache);
    plain_append(&m, cache, 0, PAGES * KVC_PAGE, &rng);
    const state s = save(cache);
    for (size_t second = 1; second < PAGES; second++)
        for (size_t first = 0; first < second; first++) {
            const state lie = with_a_page_twice(&s, PAGES, first, second);
            check_error(kvc_cache_restore(cache, 7, lie.at, lie.bytes),
                        KVC_ERR_STATE_INVALID);
            check_saved(cache, &s);
            free(lie.at);
        }
    plain_free(&m);
    free(s.at);
    free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_and_on),
        cmocka_unit_test(garbage_does_not_leak),
        cmocka_unit_test(every_truncation_and_every_flipped_byte),
        cmocka_unit_test(lies_with_a_right_checksum),
        cmocka_unit_test(foreign_and_too_large),
        cmocka_unit_test(what_is_longer_than_the_cache_is_refused),
        cmocka_unit_test(a_page_twice_in_a_sequence_is_refused),
    };
    return cmocka_run_group_tests_name("cache state", tests, NULL, NULL);
}
