/* Attention wherever the pages lie: scattered by other sequences, shared, evicted; and
 * without a mask. */
#include "check.h"
#include "oracle.h"
#include "random_model.h"

enum { H = 2, D = 8, WIDTH = H * D };

/* Appends the tokens from .. to-1 of x: [_, WIDTH] as keys and as values. */
static void append(kvc_cache *cache, size_t b, const float *x, size_t from, size_t to)
{
    check_ok(kvc_cache_append(cache, b, 0, to - from, x + from * WIDTH, x + from * WIDTH,
                              WIDTH));
    check_ok(kvc_cache_advance(cache, b, to - from));
}

/* One query against all of sequence b. */
static void ask(float *y, const float *q, const kvc_cache *cache, size_t b)
{
    float *scratch = check_alloc(kvc_attention_scratch(cache), sizeof *scratch);
    check_ok(kvc_cross_attention(y, q, 1, H, cache, b, 0, scratch));
    free(scratch);
}

/* Sequences that grow in turns have their pages between each other's, and some share
 * their beginning; each answers as it would alone. */
static void scattered_pages_change_no_bit(void **unused)
{
    (void)unused;
    enum { B = 4, S = 7 * KVC_PAGE };
    uint64_t state = 1;
    const kvc_dtype types[] = {KVC_F32, KVC_F16, KVC_I8, KVC_I4};
    for (int round = 0; round < 30; round++) {
        const kvc_dtype K = types[round % 4], V = types[round / 4 % 4];
        kvc_cache *cache = check_cache_of(B, 1, H, S, D, K, V);
        float *x[B], q[WIDTH], y[WIDTH], want[WIDTH];
        const size_t common = random_below(&state, 3 * KVC_PAGE);
        for (size_t b = 0; b < B; b++) {
            x[b] = random_array(S * WIDTH, &state);
            memcpy(x[b], x[0], common * WIDTH * sizeof **x);
        }
        append(cache, 0, x[0], 0, common);
        for (size_t b = 1; b < B; b++)
            check_ok(kvc_cache_fork(cache, 0, b));
        for (int turn = 0; turn < 30; turn++) {
            const size_t b = random_below(&state, B), n = kvc_cache_length(cache, b);
            const size_t most = S - n < 20 ? S - n : 20;
            append(cache, b, x[b], n, n + random_below(&state, most + 1));
        }
        for (size_t b = 0; b < B; b++) {
            const size_t n = kvc_cache_length(cache, b);
            kvc_cache *alone = check_cache_of(1, 1, H, S, D, K, V);
            append(alone, 0, x[b], 0, n);
            random_values(q, WIDTH, &state);
            if (n > 0) {
                ask(y, q, cache, b);
                ask(want, q, alone, 0);
                check_same(y, want, WIDTH);
            }
            free(alone);
        }
        for (size_t b = 0; b < B; b++)
            free(x[b]);
        free(cache);
    }
}

/* What is left after an eviction answers as if the rest had never been there. */
static void evicted_tokens_are_gone(void **unused)
{
    (void)unused;
    enum { S = 5 * KVC_PAGE };
    uint64_t state = 2;
    float *x = random_array(S * WIDTH, &state), q[WIDTH], y[WIDTH], want[WIDTH];
    for (int round = 0; round < 300; round++) {
        const size_t unit = round % 2 ? KVC_PAGE : 1;
        const size_t first = random_below(&state, S / unit) * unit;
        const size_t n = (1 + random_below(&state, (S - first) / unit)) * unit;
        kvc_cache *cache = check_cache(1, 1, H, S, D), *rest = check_cache(1, 1, H, S, D);
        append(cache, 0, x, 0, S);
        check_ok(kvc_cache_evict(cache, 0, first, n));
        append(rest, 0, x, 0, first);
        append(rest, 0, x, first + n, S);
        random_values(q, WIDTH, &state);
        if (n < S) {
            ask(y, q, cache, 0);
            ask(want, q, rest, 0);
            check_same(y, want, WIDTH);
        }
        free(cache);
        free(rest);
    }
    free(x);
}

/* Without a mask every query sees everything, and is answered as if it were the only
 * one. */
static void cross_attention_is_not_masked(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (size_t n = 1; n <= 40; n++) {
        const size_t T = 1 + n % 7;
        float *x = random_array(n * WIDTH, &state), *q = random_array(T * WIDTH, &state);
        float *y = check_alloc(T * WIDTH, sizeof *y), alone[WIDTH];
        kvc_cache *cache = check_cache(1, 1, H, n, D);
        append(cache, 0, x, 0, n);
        float *scratch = check_alloc(kvc_attention_scratch(cache), sizeof *scratch);
        check_ok(kvc_cross_attention(y, q, T, H, cache, 0, 0, scratch));
        double *wide_q = oracle_widen(q, T * WIDTH), *wide = oracle_widen(x, n * WIDTH);
        for (size_t t = 0; t < T; t++) {
            ask(alone, q + t * WIDTH, cache, 0);
            check_same(y + t * WIDTH, alone, WIDTH);
            for (size_t h = 0; h < H; h++) {
                double exact[D];
                oracle_attention(exact, wide_q + t * WIDTH + h * D, wide + h * D,
                                 wide + h * D, n, D, WIDTH);
                check_close(y + t * WIDTH + h * D, exact, NULL, D, 2e-6);
            }
        }
        free(wide_q);
        free(wide);
        free(scratch);
        free(cache);
        free(x);
        free(q);
        free(y);
    }
}

static void refusals(void **unused)
{
    (void)unused;
    kvc_cache *cache = check_cache(2, 1, H, 8, D);
    float x[8 * WIDTH] = {0}, y[WIDTH];
    float *scratch = check_alloc(kvc_attention_scratch(cache), sizeof *scratch);
    const kvc_error invalid = KVC_ERR_INVALID_ARGUMENT,
                    range = KVC_ERR_POSITION_OUT_OF_RANGE;
    append(cache, 0, x, 0, 8); /* full, which is no matter here */
    check_ok(kvc_cross_attention(y, x, 1, H, cache, 0, 0, scratch));
    check_error(kvc_cross_attention(y, x, 1, H, cache, 1, 0, scratch), KVC_ERR_NOT_READY);
    check_error(kvc_cross_attention(y, x, 1, H, cache, 2, 0, scratch), range);
    check_error(kvc_cross_attention(y, x, 1, H, cache, 0, 1, scratch), range);
    check_error(kvc_cross_attention(y, x, 0, H, cache, 0, 0, scratch), invalid);
    check_error(kvc_cross_attention(y, x, 1, 3, cache, 0, 0, scratch), invalid);
    check_error(kvc_cross_attention(y, x, 1, 0, cache, 0, 0, scratch), invalid);
    check_error(kvc_cross_attention(NULL, x, 1, H, cache, 0, 0, scratch), invalid);
    check_error(kvc_cross_attention(y, NULL, 1, H, cache, 0, 0, scratch), invalid);
    check_error(kvc_cross_attention(y, x, 1, H, cache, 0, 0, NULL), invalid);
    free(scratch);
    free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scattered_pages_change_no_bit),
        cmocka_unit_test(evicted_tokens_are_gone),
        cmocka_unit_test(cross_attention_is_not_masked),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("attention over pages", tests, NULL, NULL);
}
