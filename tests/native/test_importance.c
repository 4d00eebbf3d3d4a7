/* Which tokens matter least: what queries have looked at, counted alike in every split,
 * near a naive sum in double precision; and that room is made by dropping those. */
#include <math.h>

#include "check.h"
#include "oracle.h"
#include "random_model.h"

enum { L = 2, HEADS = 4, H = 2, D = 8, KV = H * D, Q = HEADS * D, S = 3 * KVC_PAGE };

static kvc_cache *new_cache(size_t B, kvc_policy policy, kvc_dtype type)
{
    const kvc_cache_shape shape = {B, L, H, S, D, type, KVC_F32, policy};
    size_t bytes;
    kvc_cache *cache;
    check_ok(kvc_cache_bytes(&shape, &bytes));
    check_ok(kvc_cache_init(&cache, &shape, check_alloc(1, bytes), bytes));
    return cache;
}

/* A text: what each layer gets of token t.   k: [L, T, KV]   q: [L, T, Q] */
typedef struct text {
    size_t T;
    float *k, *q;
} text;

static text new_text(size_t T, uint64_t *state)
{
    return (text){T, random_array(L * T * KV, state), random_array(L * T * Q, state)};
}

static void free_text(text x)
{
    free(x.k);
    free(x.q);
}

/* Tokens first .. first + n - 1 behind the history, with their queries; asked twice where
 * `again`, which counts once. */
static void write(kvc_cache *cache, size_t b, text x, size_t first, size_t n, bool again)
{
    float *scratch = check_alloc(kvc_attention_scratch(cache), sizeof *scratch);
    float *y = check_alloc(n * Q, sizeof *y);
    for (size_t layer = 0; layer < L; layer++) {
        const float *k = x.k + (layer * x.T + first) * KV,
                    *q = x.q + (layer * x.T + first) * Q;
        check_ok(kvc_cache_append(cache, b, layer, n, k, k, KV));
        for (int i = 0; i < (again ? 2 : 1); i++)
            check_ok(kvc_attention(y, q, n, HEADS, cache, b, layer, scratch));
    }
    free(scratch);
    free(y);
}

static void step(kvc_cache *cache, size_t b, text x, size_t first, size_t n)
{
    write(cache, b, x, first, n, false);
    check_ok(kvc_cache_advance(cache, b, n));
}

static float *importance(const kvc_cache *cache, size_t b)
{
    float *sums = check_alloc(kvc_cache_length(cache, b) + 1, sizeof *sums);
    check_ok(kvc_cache_importance(cache, b, sums));
    return sums;
}

/* Adds what the query of token t looks at, of n tokens, itself the last.   sums: [n] */
static void naive_looks(double *sums, text x, size_t t, const size_t *tokens, size_t n)
{
    double weights[S];
    for (size_t layer = 0; layer < L; layer++)
        for (size_t h = 0; h < HEADS; h++) {
            const float *q = x.q + (layer * x.T + t) * Q + h * D;
            double sum = 0;
            for (size_t j = 0; j < n; j++) {
                const float *k =
                    x.k + (layer * x.T + tokens[j]) * KV + h / (HEADS / H) * D;
                double score = 0;
                for (size_t d = 0; d < D; d++)
                    score += (double)q[d] * (double)k[d];
                sum += weights[j] = exp(score / sqrt(D));
            }
            for (size_t j = 0; j < n; j++)
                sums[j] += weights[j] / sum;
        }
}

/* The sum of the norms of token t's keys. */
static double naive_norms(text x, size_t t)
{
    double norms = 0;
    for (size_t layer = 0; layer < L; layer++)
        for (size_t h = 0; h < H; h++) {
            double sum = 0;
            for (size_t d = 0; d < D; d++) {
                const float k = x.k[(layer * x.T + t) * KV + h * D + d];
                sum += (double)k * (double)k;
            }
            norms += sqrt(sum);
        }
    return norms;
}

static void looks_are_counted_alike_in_every_split(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int round = 0; round < 20; round++) {
        const size_t n = 1 + random_below(&state, S);
        const text x = new_text(S, &state);
        kvc_cache *whole = new_cache(1, KVC_LEAST_SEEN, KVC_F32),
                  *parts = new_cache(2, KVC_LEAST_SEEN, KVC_F32);
        double want[S] = {0};
        size_t tokens[S];
        step(whole, 0, x, 0, n);
        for (size_t at = 0, some; at < n; at += some) {
            some = 1 + random_below(&state, n - at);
            write(parts, 1, x, at, some, true); /* written again below */
            write(parts, 1, x, at, some, random_below(&state, 2));
            check_ok(kvc_cache_advance(parts, 1, some));
            if (random_below(&state, 4) == 0)
                check_ok(kvc_cache_fork(parts, 1, 1));
        }
        float *a = importance(whole, 0), *b = importance(parts, 1);
        check_same(b, a, n);
        for (size_t t = 0; t < n; t++) {
            tokens[t] = t;
            naive_looks(want, x, t, tokens, t + 1);
        }
        const double sloppy = 1e-5 * (double)n;
        check_close(a, want, NULL, n, sloppy);
        free(a);
        free(b);
        free(whole);
        free(parts);
        free_text(x);
    }
}

/* The tokens that a cache holds, by their first number in layer 0. */
static void check_held(const kvc_cache *cache, size_t b, text x, const size_t *tokens,
                       size_t n)
{
    float k[S * D], v[S * D];
    assert_int_equal(kvc_cache_length(cache, b), n);
    check_ok(kvc_cache_read(cache, b, 1, 1, 0, n, k, v));
    for (size_t i = 0; i < n; i++)
        check_same(v + i * D, x.k + (x.T + tokens[i]) * KV + D, D);
}

/* Removes n of the tokens as the policy should.   tokens, matter: [length], changed */
static size_t naive_room(size_t *tokens, double *matter, size_t length, size_t n,
                         size_t sinks, size_t recent, size_t unit)
{
    for (size_t gone = 0; gone < n; gone += unit, length -= unit) {
        size_t least = sinks;
        double smallest = INFINITY;
        for (size_t at = sinks; at + unit + recent <= length; at += unit) {
            double sum = 0;
            for (size_t i = 0; i < unit; i++)
                sum += matter[at + i];
            if (sum < smallest) {
                smallest = sum;
                least = at;
            }
        }
        for (size_t i = least; i + unit < length; i++) {
            tokens[i] = tokens[i + unit];
            matter[i] = matter[i + unit];
        }
    }
    return length;
}

static void room_is_made_where_it_matters_least(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    for (int round = 0; round < 60; round++) {
        const kvc_policy policy = (kvc_policy)(round % 3);
        const size_t unit = round % 2 ? KVC_PAGE : 1;
        const text x = new_text(6 * S, &state);
        kvc_cache *cache = new_cache(2, policy, KVC_F32);
        size_t tokens[S], length = 0;
        double sums[S];
        for (size_t t = 0; t < x.T; t++) {
            const size_t sinks = random_below(&state, 2) * unit,
                         recent = random_below(&state, KVC_PAGE);
            if (length == S) {
                const size_t n = unit == 1 ? 1 + random_below(&state, 9) : KVC_PAGE;
                double matter[S];
                size_t old[S];
                memcpy(old, tokens, sizeof old);
                float *told = check_alloc(S, sizeof *told);
                if (policy != KVC_OLDEST)
                    check_ok(kvc_cache_importance(cache, 1, told));
                for (size_t i = 0; i < length; i++) {
                    matter[i] = policy == KVC_OLDEST ? (double)i : (double)told[i];
                    if (policy == KVC_LARGEST_KEY)
                        assert_true(fabs(matter[i] + naive_norms(x, tokens[i])) < 1e-4);
                    else if (policy == KVC_LEAST_SEEN)
                        assert_true(fabs(matter[i] - sums[i]) < 1e-3);
                }
                check_ok(kvc_cache_make_room(cache, 1, n, sinks, recent, unit));
                length = naive_room(tokens, matter, length, n, sinks, recent, unit);
                free(told);
                for (size_t i = 0, was = 0; i < length; i++, was++) {
                    while (old[was] != tokens[i])
                        was++;
                    sums[i] = sums[was];
                }
            }
            check_held(cache, 1, x, tokens, length);
            step(cache, 1, x, t, 1);
            sums[length] = 0;
            tokens[length++] = t;
            naive_looks(sums, x, t, tokens, length);
        }
        free(cache);
        free_text(x);
    }
}

static void looks_go_where_their_tokens_go(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    const text x = new_text(S, &state);
    kvc_cache *cache = new_cache(3, KVC_LEAST_SEEN, KVC_F16);
    step(cache, 0, x, 0, 40);
    step(cache, 1, x, 7, 20);
    float *first = importance(cache, 0), *second = importance(cache, 1), *now;
    const uint32_t order[] = {1, 0, 0};
    check_ok(kvc_cache_reorder(cache, order));
    for (size_t b = 0; b < 3; b++) {
        now = importance(cache, b);
        check_same(now, b == 0 ? second : first, b == 0 ? 20 : 40);
        free(now);
    }
    check_ok(kvc_cache_evict(cache, 1, 3, 5));
    now = importance(cache, 1);
    check_same(now, first, 3);
    check_same(now + 3, first + 8, 32);
    free(now);
    now = importance(cache, 2); /* shares its pages, and not its sums */
    check_same(now, first, 40);
    free(now);

    const size_t bytes = kvc_cache_state_bytes(cache);
    void *saved = check_alloc(1, bytes);
    check_ok(kvc_cache_save(cache, 1, saved, bytes));
    kvc_cache *other = new_cache(3, KVC_LEAST_SEEN, KVC_F16);
    check_ok(kvc_cache_restore(other, 1, saved, bytes));
    for (size_t b = 0; b < 3; b++) {
        float *was = importance(cache, b);
        now = importance(other, b);
        check_same(now, was, kvc_cache_length(cache, b));
        free(now);
        free(was);
    }
    for (size_t less = 1; less < 60; less++)
        check_error(kvc_cache_restore(other, 1, saved, bytes - less),
                    KVC_ERR_STATE_INVALID);
    kvc_cache *by_age = new_cache(3, KVC_OLDEST, KVC_F16);
    check_error(kvc_cache_restore(by_age, 1, saved, bytes), KVC_ERR_STATE_FOREIGN);
    kvc_cache_reset(cache);
    step(cache, 1, x, 0, 40);
    now = importance(cache, 1);
    check_same(now, first, 40);
    free(now);
    free(first);
    free(second);
    free(saved);
    free(other);
    free(by_age);
    free(cache);
    free_text(x);
}

/* NaN in a key: its weights count as none, and it goes first by its norm. */
static void what_is_not_a_number_matters_least(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    for (int policy = KVC_LEAST_SEEN; policy <= KVC_LARGEST_KEY; policy++) {
        const text x = new_text(S, &state);
        kvc_cache *cache = new_cache(1, (kvc_policy)policy, KVC_F32);
        x.k[5 * KV] = NAN;
        step(cache, 0, x, 0, 5);
        float *before = importance(cache, 0);
        step(cache, 0, x, 5, 4);
        float *after = importance(cache, 0);
        for (size_t i = 0; i < 9; i++)
            assert_true(isfinite(after[i]));
        for (size_t i = 0; i < 5; i++)
            assert_true(after[i] >= before[i]);
        check_ok(kvc_cache_make_room(cache, 0, 1, 0, 0, 1));
        if (policy == KVC_LARGEST_KEY)
            check_held(cache, 0, x, (const size_t[]){0, 1, 2, 3, 4, 6, 7, 8}, 8);
        free(before);
        free(after);
        free(cache);
        free_text(x);
    }
}

static void refusals(void **unused)
{
    (void)unused;
    uint64_t state = 5;
    float sums[S];
    const text x = new_text(S, &state);
    kvc_cache *cache = new_cache(1, KVC_LEAST_SEEN, KVC_F32),
              *by_age = new_cache(1, KVC_OLDEST, KVC_F32);
    step(cache, 0, x, 0, 20);
    check_error(kvc_cache_make_room(NULL, 0, 1, 0, 0, 1), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_make_room(cache, 0, 2, 0, 0, 2), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_make_room(cache, 0, 8, 0, 0, 16), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_make_room(cache, 0, 16, 8, 0, 16), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_make_room(cache, 1, 1, 0, 0, 1), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_make_room(cache, 0, 6, 10, 5, 1),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_make_room(cache, 0, 0, 21, 0, 1),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_make_room(cache, 0, 0, 10, 11, 1),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    assert_int_equal(kvc_cache_length(cache, 0), 20);
    check_ok(kvc_cache_make_room(cache, 0, 5, 10, 5, 1));
    check_error(kvc_cache_importance(cache, 1, sums), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_importance(cache, 0, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_importance(NULL, 0, sums), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_importance(by_age, 0, sums), KVC_ERR_UNSUPPORTED);
    const kvc_cache_shape unknown = {1, L, H, S, D, KVC_F32, KVC_F32, (kvc_policy)3};
    size_t bytes;
    check_error(kvc_cache_bytes(&unknown, &bytes), KVC_ERR_INVALID_ARGUMENT);
    free(cache);
    free(by_age);
    free_text(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_are_counted_alike_in_every_split),
        cmocka_unit_test(room_is_made_where_it_matters_least),
        cmocka_unit_test(looks_go_where_their_tokens_go),
        cmocka_unit_test(what_is_not_a_number_matters_least),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
