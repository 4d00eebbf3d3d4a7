/* The cache's sequences: copies that share pages until one writes, evictions, and random
 * operations held against plain arrays. */
#include <math.h>

#include "plain_cache.h"
#include "random_model.h"

static const kvc_dtype types[] = {KVC_F32, KVC_F16, KVC_I8, KVC_I4};

/* Each operation is compared with the same on plain arrays: every number of every
 * sequence, what is counted, in every pair of types. */
static void random_operations(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int round = 0; round < 60; round++) {
        const size_t B = 1 + random_below(&state, PLAIN_B),
                     L = 1 + random_below(&state, 3);
        const size_t H = 1 + random_below(&state, 3), S = 1 + random_below(&state, 70);
        kvc_cache *cache = check_cache_of(B, L, H, S, 4 + 4 * random_below(&state, 3),
                                          types[round % 4], types[round / 4 % 4]);
        plain_cache m = plain_new(cache);
        for (int i = 0; i < 100; i++) {
            plain_operate(&m, cache, &state);
            plain_check(&m, cache);
        }
        plain_free(&m);
        free(cache);
    }
}

/* Fork shares every page and counts it once; the first write copies the last page, once;
 * the other side keeps its page and its bytes. */
static void a_copy_shares_until_one_writes(void **unused)
{
    (void)unused;
    enum { N = 2 * KVC_PAGE + 5 };
    uint64_t state = 2;
    for (int writer = 0; writer < 2; writer++) {
        kvc_cache *cache = check_cache(2, 2, 2, 4 * KVC_PAGE, 8);
        plain_cache m = plain_new(cache);
        plain_append(&m, cache, 0, N, &state);
        const size_t one = kvc_cache_get_memory(cache).used_bytes;
        check_ok(kvc_cache_fork(cache, 0, 1));
        kvc_cache_memory memory = kvc_cache_get_memory(cache);
        assert_int_equal(memory.used_bytes, one);
        assert_int_equal(memory.shared_bytes, one);
        for (size_t slot = 0; slot < 3 * KVC_PAGE; slot++)
            assert_int_equal(kvc_cache_page(cache, 0, slot), slot / KVC_PAGE);
        kvc_cache_drop(cache, 1);
        assert_int_equal(kvc_cache_get_memory(cache).shared_bytes, 0);
        check_ok(kvc_cache_fork(cache, 0, 1));
        for (size_t layer = 0; layer < 2; layer++)
            memcpy(m.k + (layer * 2 + 1) * 4 * KVC_PAGE * 16,
                   m.k + layer * 2 * 4 * KVC_PAGE * 16, N * 16 * sizeof *m.k),
                memcpy(m.v + (layer * 2 + 1) * 4 * KVC_PAGE * 16,
                       m.v + layer * 2 * 4 * KVC_PAGE * 16, N * 16 * sizeof *m.v);
        m.length[1] = N;
        plain_check(&m, cache);
        plain_append(&m, cache, (size_t)writer, 1, &state); /* copies page 2 */
        assert_int_equal(kvc_cache_page(cache, (size_t)writer, N), 3);
        assert_int_equal(kvc_cache_page(cache, (size_t)!writer, N), 2);
        plain_append(&m, cache, (size_t)!writer, 1, &state); /* owns it: no copy */
        assert_int_equal(kvc_cache_page(cache, (size_t)!writer, N), 2);
        for (size_t slot = 0; slot < 2 * KVC_PAGE; slot++)
            assert_int_equal(kvc_cache_page(cache, 0, slot),
                             kvc_cache_page(cache, 1, slot));
        plain_check(&m, cache);
        memory = kvc_cache_get_memory(cache);
        assert_int_equal(memory.shared_bytes, 2 * KVC_PAGE * memory.bytes_per_token);
        plain_free(&m);
        free(cache);
    }
}

/* Every sequence full and every page shared at its turn: there is always one to copy
 * into. */
static void a_full_pool_still_copies(void **unused)
{
    (void)unused;
    enum { B = 4, S = 3 * KVC_PAGE };
    uint64_t state = 3;
    kvc_cache *cache = check_cache(B, 1, 1, S, 4);
    float k[S * 4], v[S * 4], got[S * 4];
    random_values(k, S * 4, &state);
    check_ok(kvc_cache_append(cache, 0, 0, S, k, k, 4));
    check_ok(kvc_cache_advance(cache, 0, S));
    for (size_t b = 1; b < B; b++)
        check_ok(kvc_cache_fork(cache, 0, b));
    for (size_t b = 0; b < B; b++) { /* each writes all of its slots anew */
        check_ok(kvc_cache_fork(cache, b, b));
        check_ok(kvc_cache_truncate(cache, b, 0));
        random_values(v, S * 4, &state);
        check_ok(kvc_cache_append(cache, b, 0, S, v, v, 4));
        check_ok(kvc_cache_advance(cache, b, S));
        for (size_t other = b + 1; other < B; other++) {
            check_ok(kvc_cache_read(cache, other, 0, 0, 0, S, got, got));
            check_same(got, k, S * 4);
        }
    }
    bool seen[B * 3] = {false};
    for (size_t b = 0; b < B; b++)
        for (size_t slot = 0; slot < S; slot += KVC_PAGE)
            seen[kvc_cache_page(cache, b, slot)] = true;
    for (size_t page = 0; page < B * 3; page++)
        assert_true(seen[page]);
    free(cache);
}

/* Whole pages go without a copy: the later ones stay where they are. */
static void whole_pages_are_evicted_in_place(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    kvc_cache *cache = check_cache(2, 2, 1, 6 * KVC_PAGE, 4);
    plain_cache m = plain_new(cache);
    plain_append(&m, cache, 0, 5 * KVC_PAGE + 3, &state);
    check_ok(kvc_cache_fork(cache, 0, 1));
    check_ok(kvc_cache_evict(cache, 0, KVC_PAGE, 2 * KVC_PAGE));
    assert_int_equal(kvc_cache_length(cache, 0), 3 * KVC_PAGE + 3);
    const size_t pages[] = {0, 3, 4, 5};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(kvc_cache_page(cache, 0, i * KVC_PAGE), pages[i]);
    assert_int_equal(kvc_cache_page(cache, 0, 4 * KVC_PAGE), SIZE_MAX);
    assert_int_equal(kvc_cache_length(cache, 1), 5 * KVC_PAGE + 3);
    float k[4], v[4];
    for (size_t slot = 0; slot < 3 * KVC_PAGE + 3; slot++)
        for (size_t layer = 0; layer < 2; layer++) {
            const size_t was = slot < KVC_PAGE ? slot : slot + 2 * KVC_PAGE;
            check_ok(kvc_cache_read(cache, 0, layer, 0, slot, 1, k, v));
            check_same(k, m.k + (layer * 2 * 6 * KVC_PAGE + was) * 4, 4);
            check_same(v, m.v + (layer * 2 * 6 * KVC_PAGE + was) * 4, 4);
        }
    plain_free(&m);
    free(cache);
}

/* In builds with KVC_POISON, slots that hold nothing any more are NaN, in every type;
 * elsewhere the old numbers are still there. Reset makes zeros of both. */
static void freed_slots_are_poisoned(void **unused)
{
    (void)unused;
    enum { S = 2 * KVC_PAGE, D = 8 };
    uint64_t state = 5;
    for (size_t type = 0; type < sizeof types / sizeof *types; type++)
        for (int way = 0; way < 4; way++) {
            kvc_cache *cache = check_cache_of(1, 1, 1, S, D, types[type], types[type]);
            float x[S * D], k[S * D], v[S * D];
            const size_t n = random_below(&state, S);
            random_values(x, S * D, &state);
            check_ok(kvc_cache_append(cache, 0, 0, S, x, x, D));
            check_ok(kvc_cache_advance(cache, 0, S));
            if (way == 0)
                check_ok(kvc_cache_truncate(cache, 0, n));
            else if (way == 1)
                check_ok(kvc_cache_evict(cache, 0, random_below(&state, n + 1), S - n));
            else if (way == 2)
                check_ok(kvc_cache_drop(cache, 0));
            else
                kvc_cache_reset(cache);
            const size_t length = kvc_cache_length(cache, 0);
            assert_int_equal(length, way < 2 ? n : 0);
            check_ok(kvc_cache_advance(cache, 0, S - length)); /* nobody wrote these */
            check_ok(kvc_cache_read(cache, 0, 0, 0, 0, S, k, v));
            for (size_t i = 0; i < S * D; i++) {
                bool poisoned = i >= length * D && way < 3;
#ifndef KVC_POISON
                poisoned = false;
#endif
                assert_true(!isnan(k[i]) == !poisoned && !isnan(v[i]) == !poisoned);
                assert_true(way < 3 || (k[i] == 0.0f && v[i] == 0.0f));
            }
            free(cache);
        }
}

static void refusals_change_nothing(void **unused)
{
    (void)unused;
    const kvc_error range = KVC_ERR_POSITION_OUT_OF_RANGE;
    uint64_t state = 6;
    kvc_cache *cache = check_cache(3, 1, 1, 40, 4);
    plain_cache m = plain_new(cache);
    for (size_t b = 0; b < 3; b++)
        plain_append(&m, cache, b, 10 + b, &state);
    const uint32_t from[] = {1, 0, 3};
    check_error(kvc_cache_fork(cache, 3, 0), range);
    check_error(kvc_cache_fork(cache, 0, 3), range);
    check_error(kvc_cache_fork(cache, SIZE_MAX, 0), range);
    check_error(kvc_cache_reorder(cache, from), range);
    check_error(kvc_cache_reorder(cache, NULL), range);
    check_error(kvc_cache_drop(cache, 3), range);
    check_error(kvc_cache_keep(cache, 3), range);
    check_error(kvc_cache_evict(cache, 3, 0, 1), range);
    check_error(kvc_cache_evict(cache, 0, 0, 11), range);
    check_error(kvc_cache_evict(cache, 0, 10, 1), range);
    check_error(kvc_cache_evict(cache, 0, 11, 0), range);
    check_error(kvc_cache_evict(cache, 0, 1, SIZE_MAX), range);
    check_error(kvc_cache_evict(cache, 0, SIZE_MAX, 1), range);
    assert_int_equal(kvc_cache_page(cache, 3, 0), SIZE_MAX);
    assert_int_equal(kvc_cache_page(cache, 0, 16), SIZE_MAX);
    assert_int_equal(kvc_cache_page(cache, 0, SIZE_MAX), SIZE_MAX);
    plain_check(&m, cache);
    plain_free(&m);
    free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(a_copy_shares_until_one_writes),
        cmocka_unit_test(a_full_pool_still_copies),
        cmocka_unit_test(whole_pages_are_evicted_in_place),
        cmocka_unit_test(freed_slots_are_poisoned),
        cmocka_unit_test(refusals_change_nothing),
    };
    return cmocka_run_group_tests_name("cache sequences", tests, NULL, NULL);
}
