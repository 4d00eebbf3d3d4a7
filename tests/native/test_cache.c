/* The KV cache as a data structure: what is written is read back to the bit, wherever
 * it lies; nothing leaks into another layer, head or sequence; positions are counted
 * and guarded. */
#include "plain_cache.h"
#include "random_model.h"

/* ---- write, read, rewind ----------------------------------------------------------- */

/* Every capacity around the edges of the key panels, filled in random steps; sequences
 * grow one by one, so their lengths are ragged all the time. */
static void reads_what_was_written(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t S = 1; S <= 40; S++)
        for (size_t B = 1; B <= 3; B++) {
            const size_t H = 1 + S % 3, D = 4 * (1 + S % 5);
            kvc_cache *cache = check_cache(B, 3, H, S, D);
            plain_cache m = plain_new(cache);
            plain_check(&m, cache); /* an empty prefix of an empty cache */
            for (size_t missing = B * S, T; missing > 0; missing -= T) {
                const size_t b = random_below(&state, B), left = S - m.length[b];
                T = random_below(&state, left + 1);
                plain_append(&m, cache, b, T, &state);
                plain_check(&m, cache);
            }
            plain_free(&m);
            free(cache);
        }
}

/* Truncate keeps the prefix, and what is appended afterwards replaces what was cut
 * off. */
static void truncate_then_append(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    kvc_cache *cache = check_cache(2, 2, 2, 37, 8);
    plain_cache m = plain_new(cache);
    for (int round = 0; round < 400; round++) {
        const size_t b = random_below(&state, 2);
        if (random_below(&state, 2)) {
            plain_append(&m, cache, b, random_below(&state, 37 - m.length[b] + 1),
                         &state);
        } else {
            const size_t n = random_below(&state, m.length[b] + 1);
            check_ok(kvc_cache_truncate(cache, b, n));
            m.length[b] = n;
            assert_int_equal(kvc_cache_length(cache, b), n);
            assert_int_equal(kvc_cache_length(cache, 1 - b), m.length[1 - b]);
        }
        plain_check(&m, cache);
    }
    plain_free(&m);
    free(cache);
}

/* Writing one layer of one sequence leaves every other slot of the cache zero. */
static void layers_and_sequences_do_not_leak(void **unused)
{
    (void)unused;
    enum { B = 2, L = 3, H = 2, S = 21, D = 4 };
    float ones[S * H * D], k[B * H * S * D], v[B * H * S * D];
    for (size_t i = 0; i < S * H * D; i++)
        ones[i] = 1.0f;
    for (size_t b = 0; b < B; b++)
        for (size_t layer = 0; layer < L; layer++) {
            kvc_cache *cache = check_cache(B, L, H, S, D);
            check_ok(kvc_cache_append(cache, b, layer, S, ones, ones, H * D));
            check_ok(kvc_cache_advance(cache, 0, S));
            check_ok(kvc_cache_advance(cache, 1, S));
            for (size_t other = 0; other < L; other++) {
                check_read(cache, other, S, k, v);
                for (size_t i = 0; i < B * H * S * D; i++) {
                    const bool here = other == layer && i / (H * S * D) == b;
                    assert_true(k[i] == (here ? 1.0f : 0.0f) && v[i] == k[i]);
                }
            }
            free(cache);
        }
}

/* One slot of one head at a time, K and V told apart by sign. */
static void heads_and_slots_do_not_leak(void **unused)
{
    (void)unused;
    enum { H = 3, D = 4 };
    for (size_t S = 15; S <= 18; S++) {
        float k[H * 18 * D], v[H * 18 * D], row[H * D], minus[H * D];
        for (size_t slot = 0; slot < S; slot++) {
            kvc_cache *cache = check_cache(1, 1, H, S, D);
            check_ok(kvc_cache_advance(cache, 0, slot));
            for (size_t i = 0; i < H * D; i++) {
                row[i] = (float)(i + 1);
                minus[i] = -row[i];
            }
            check_ok(kvc_cache_append(cache, 0, 0, 1, row, minus, H * D));
            check_ok(kvc_cache_advance(cache, 0, S - slot));
            check_read(cache, 0, S, k, v);
            for (size_t i = 0; i < H * S * D; i++) {
                const size_t h = i / (S * D), t = i / D % S, d = i % D;
                assert_true(k[i] == (t == slot ? row[h * D + d] : 0.0f));
                assert_true(v[i] == -k[i]);
            }
            free(cache);
        }
    }
}

/* After reset: length 0, every slot zero, and the same run again gives the same bytes. */
static void reset_equals_new(void **unused)
{
    (void)unused;
    const kvc_cache_shape shape = {2, 2, 3, 19, 8, KVC_F32, KVC_F32, KVC_OLDEST};
    size_t bytes;
    kvc_cache *used, *fresh;
    check_ok(kvc_cache_bytes(&shape, &bytes));
    check_ok(kvc_cache_init(&used, &shape, check_alloc(1, bytes), bytes));
    check_ok(kvc_cache_init(&fresh, &shape, check_alloc(1, bytes), bytes));
    uint64_t first = 3, second = 4;
    plain_cache m = plain_new(used);
    plain_append(&m, used, 0, 19, &first);
    plain_append(&m, used, 1, 7, &first);
    kvc_cache_reset(used);
    plain_free(&m);
    for (int i = 0; i < 2; i++) {
        kvc_cache *cache = i ? fresh : used;
        float zeros[2 * 3 * 19 * 8], k[2 * 3 * 19 * 8], v[2 * 3 * 19 * 8];
        memset(zeros, 0, sizeof zeros);
        for (size_t b = 0; b < 2; b++) {
            assert_int_equal(kvc_cache_length(cache, b), 0);
            check_ok(kvc_cache_advance(cache, b, 19));
        }
        for (size_t layer = 0; layer < 2; layer++) {
            check_read(cache, layer, 19, k, v);
            check_same(k, zeros, 2 * 3 * 19 * 8);
            check_same(v, zeros, 2 * 3 * 19 * 8);
        }
        kvc_cache_reset(cache);
        second = 4;
        m = plain_new(cache);
        plain_append(&m, cache, 0, 11, &second);
        plain_append(&m, cache, 1, 13, &second);
        plain_check(&m, cache);
        plain_free(&m);
    }
    free(used);
    free(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(truncate_then_append),
        cmocka_unit_test(layers_and_sequences_do_not_leak),
        cmocka_unit_test(heads_and_slots_do_not_leak),
        cmocka_unit_test(reset_equals_new),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
