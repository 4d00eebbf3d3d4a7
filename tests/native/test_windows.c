/* Windows: layers whose queries see the last W tokens alone. Where a window ends, that
 * nothing before it can matter, and that the bits are those of the plain loop, with and
 * without the cache, in every split. */
#include <math.h>

#include "base/number.h"
#include "cache/attention.h"
#include "check.h"
#include "naive.h"
#include "random_model.h"

enum { T = 70, V = 29 };

/* Of two layers, the window is in those of the mask. */
static kvc_config windowed(kvc_arch arch, uint32_t W, uint32_t layers)
{
    kvc_config gpt2 = {GPT2_SIZES(2, 2, 16, 18, T, V)};
    kvc_config llama = {LLAMA_SIZES(2, 4, 2, 8, 12, 18, T, V), .rope_factor = 1.0f};
    kvc_config c = arch == KVC_LLAMA ? llama : gpt2;
    c.window = W;
    c.window_layers[0] = layers;
    return c;
}

/* Logits after each of n tokens, one by one.   logits: [n, V] */
static void decode_all(float *logits, const random_model *m, const uint32_t *ids,
                       size_t n, bool use_cache)
{
    kvc_session *s = random_model_session(m, n);
    check_ok(kvc_session_set_cache(s, use_cache));
    for (size_t t = 0; t < n; t++) {
        check_ok(kvc_session_decode(s, ids[t]));
        memcpy(logits + t * V, kvc_session_logits(s), V * sizeof *logits);
    }
    free(s);
}

/* One layer, W = 3: the query of token q changes with tokens q - 2 .. q, and with no
 * other. */
static void the_last_three_tokens(void **unused)
{
    (void)unused;
    enum { N = 12, W = 3 };
    static const kvc_arch archs[] = {KVC_GPT2, KVC_LLAMA};
    static float before[N * V], after[N * V];
    uint64_t state = 1;
    for (size_t i = 0; i < 4; i++) {
        kvc_config c = windowed(archs[i / 2], W, 1);
        c.n_layer = 1;
        random_model m = random_model_new(&c, i);
        uint32_t ids[N];
        random_ids(ids, N, V, &state);
        decode_all(before, &m, ids, N, i % 2);
        for (size_t changed = 0; changed < N; changed++) {
            ids[changed] = (ids[changed] + 1) % V;
            decode_all(after, &m, ids, N, i % 2);
            ids[changed] = (ids[changed] + V - 1) % V;
            for (size_t q = 0; q < N; q++) {
                const bool sees = changed <= q && q < changed + W;
                const bool same =
                    memcmp(before + q * V, after + q * V, V * sizeof *before) == 0;
                assert_int_equal(same, !sees);
            }
        }
        random_model_free(&m);
    }
}

/* A text in two pieces, the cache on; and the bits of the plain loop. */
static void check_splits(const random_model *m, const uint32_t *ids, size_t step)
{
    float want[V];
    naive_logits(want, &m->plain, ids, T, KVC_F32, KVC_F32);
    kvc_session *s = random_model_session(m, T);
    check_ok(kvc_session_set_cache(s, false));
    check_ok(kvc_session_prefill(s, ids, T));
    check_same(kvc_session_logits(s), want, V);
    check_ok(kvc_session_set_cache(s, true));
    for (size_t split = 1; split < T; split += step) {
        kvc_session_reset(s);
        check_ok(kvc_session_prefill(s, ids, split));
        check_ok(kvc_session_prefill(s, ids + split, T - split));
        check_same(kvc_session_logits(s), want, V);
    }
    free(s);
}

/* Windows around the edges of vectors, pages, chunks and the text; in the first, the
 * second and both layers. */
static void every_split(void **unused)
{
    (void)unused;
    static const uint32_t windows[] = {1,  2,  3,  4,  5,  7,     8, 15,
                                       16, 17, 31, 32, 33, T - 1, T, T + 1};
    uint64_t state = 2;
    for (size_t i = 0; i < 3 * sizeof windows / sizeof *windows; i++)
        for (uint32_t layers = 1; layers <= 3; layers++) {
            const kvc_arch arch = i % 3 == 0 ? KVC_GPT2 : KVC_LLAMA;
            kvc_config c = windowed(arch, windows[i / 3], layers);
            c.score_scale = i % 3 == 2 ? 0.7f : 0.0f;
            random_model m = random_model_new(&c, i);
            uint32_t ids[T];
            random_ids(ids, T, V, &state);
            check_splits(&m, ids, i % 3 == 0 ? 1 : 11);
            random_model_free(&m);
        }
}

/* A window as wide as the text is none, to the bit; but it is another model. */
static void as_wide_as_the_text(void **unused)
{
    (void)unused;
    static float none[T * V], wide[T * V];
    uint64_t state = 3;
    uint32_t ids[T];
    random_ids(ids, T, V, &state);
    const kvc_config plain = windowed(KVC_LLAMA, 0, 0), all = windowed(KVC_LLAMA, T, 3);
    random_model a = random_model_new(&plain, 1), b = random_model_new(&all, 1);
    decode_all(none, &a, ids, T, true);
    decode_all(wide, &b, ids, T, true);
    check_same(wide, none, sizeof none / sizeof *none);
    assert_true(kvc_model_fingerprint(a.packed) != kvc_model_fingerprint(b.packed));
    random_model_free(&a);
    random_model_free(&b);
}

/* Slots before the window may hold anything: NaN, or what they held. */
static void what_lies_before_it(void **unused)
{
    (void)unused;
    enum { D = 8, N = 50 };
    uint64_t state = 4;
    float *q = random_array(N * D, &state), *k = random_array(N * D, &state),
          *v = random_array(N * D, &state), got[3 * D], want[3 * D], weights[N];
    for (size_t W = 1; W < N; W++)
        for (size_t first = W; first + 3 <= N; first += 1 + W % 5) {
            kvc_cache *full = check_cache(1, 1, 1, N, D),
                      *cut = check_cache(1, 1, 1, N, D);
            float *scratch = check_alloc(kvc_attention_scratch(full), sizeof *scratch);
            const kvc_view view = {.window = W, .scale = 0.5f};
            float *nan = check_alloc(N * D, sizeof *nan); /* up to the window */
            check_ok(kvc_cache_append(full, 0, 0, N, k, v, D));
            check_ok(kvc_cache_append(cut, 0, 0, N, k, v, D));
            check_ok(kvc_cache_append(cut, 0, 0, first + 1 - W, nan, nan, D));
            kvc_attend(want, q, 3, 1, full, 0, 0, view, first, scratch);
            kvc_attend(got, q, 3, 1, cut, 0, 0, view, first, scratch);
            check_same(got, want, 3 * D);
            kvc_attend_weights(weights, q, first + 1, 0, 1, cut, 0, 0, view, scratch);
            float sum = 0.0f;
            for (size_t j = 0; j <= first; j++) {
                assert_int_equal(weights[j] > 0.0f, j + W > first);
                sum += weights[j];
            }
            assert_true(fabsf(sum - 1.0f) < 1e-5f);
            free(full);
            free(cut);
            free(scratch);
            free(nan);
        }
    free(q);
    free(k);
    free(v);
}

/* What each layer of a pass sees is what it counts, and what a listener hears. */
static void counted_as_seen(void **unused)
{
    (void)unused;
    enum { W = 10, Q = 32, KV = 16 };
    const kvc_config c = windowed(KVC_LLAMA, W, 2);
    random_model m = random_model_new(&c, 5);
    uint64_t state = 5;
    uint32_t ids[T];
    static kvc_event events[4 * T];
    random_ids(ids, T, V, &state);
    kvc_session *s = random_model_session(&m, T);
    kvc_cache_listen(kvc_session_cache(s), events, 4 * T);
    for (size_t t = 0; t < T; t++) {
        const size_t seen[] = {t + 1, kvc_min(t + 1, W)};
        kvc_session_clear_counts(s);
        check_ok(kvc_session_decode(s, ids[t]));
        const kvc_counts counts = kvc_session_counts(s);
        assert_int_equal(counts.attention_macs, 2 * Q * (seen[0] + seen[1]));
        /* two heads of queries share a walk over a head of K and V */
        assert_int_equal(counts.cache_bytes_read,
                         2 * KV * sizeof(float) * (seen[0] + seen[1]));
        const size_t n = kvc_cache_take_events(kvc_session_cache(s), NULL);
        for (size_t i = 0; i < n; i++)
            if (events[i].type == KVC_EVENT_READ) {
                assert_int_equal(events[i].first, t + 1 - seen[events[i].layer]);
                assert_int_equal(events[i].count, seen[events[i].layer]);
            }
    }
    free(s);
    random_model_free(&m);
}

/* A prefill of n rows: two queries share a walk over what either sees, and so do the two
 * heads of queries of a row alone. */
static void counted_in_chunks(void **unused)
{
    (void)unused;
    enum { W = 10, Q = 32, KV = 16, CHUNK = 32 };
    kvc_config c = windowed(KVC_LLAMA, W, 1);
    random_model m = random_model_new(&c, 6);
    uint32_t ids[T] = {0};
    for (size_t n = 1; n <= T; n++) {
        kvc_session *s = random_model_session(&m, T);
        check_ok(kvc_session_prefill(s, ids, n));
        size_t seen = n, walked = n; /* by the last row of the other layer: alone */
        for (size_t t = 0; t < n; t++)
            seen += kvc_min(t + 1, W);
        for (size_t t = 0; t < n; t += 2) { /* chunks begin at even rows */
            const size_t last = kvc_min(t + 1, n - 1);
            const size_t heads = n % CHUNK == 1 && last == t ? 1 : 2;
            walked += heads * (last + 1 - (t + 1 > W ? t + 1 - W : 0));
        }
        const kvc_counts counts = kvc_session_counts(s);
        assert_int_equal(counts.attention_macs, 2 * Q * seen);
        assert_int_equal(counts.cache_bytes_read, 2 * KV * sizeof(float) * walked);
        free(s);
    }
    random_model_free(&m);
}

static void what_a_config_may_say(void **unused)
{
    (void)unused;
    const struct {
        uint32_t L, W, low, high;
        float scale;
        kvc_error want;
    } cases[] = {
        {2, 0, 0, 0, 0.0f, KVC_OK},
        {2, 1, 1, 0, 0.0f, KVC_OK},
        {2, 1 << 24, 3, 0, 1.0f, KVC_OK},
        {64, 5, 0, 1u << 31, 0.0f, KVC_OK},
        {99, 5, 1, 1u << 31, 0.0f, KVC_OK},
        {2, 1, 0, 0, 0.0f, KVC_ERR_CONFIG_INVALID},
        {2, 0, 1, 0, 0.0f, KVC_ERR_CONFIG_INVALID},
        {2, 0, 0, 1, 0.0f, KVC_ERR_CONFIG_INVALID},
        {2, 4, 4, 0, 0.0f, KVC_ERR_CONFIG_INVALID},
        {32, 4, 1, 1, 0.0f, KVC_ERR_CONFIG_INVALID},
        {2, (1 << 24) + 1, 1, 0, 0.0f, KVC_ERR_CONFIG_INVALID},
        {2, 0, 0, 0, -1.0f, KVC_ERR_CONFIG_INVALID},
        {2, 0, 0, 0, NAN, KVC_ERR_CONFIG_INVALID},
        {2, 0, 0, 0, INFINITY, KVC_ERR_CONFIG_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvc_config c = windowed(KVC_GPT2, cases[i].W, cases[i].low);
        c.n_layer = cases[i].L;
        c.window_layers[1] = cases[i].high;
        c.score_scale = cases[i].scale;
        check_error(kvc_config_check(&c), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_three_tokens), cmocka_unit_test(every_split),
        cmocka_unit_test(as_wide_as_the_text),   cmocka_unit_test(what_lies_before_it),
        cmocka_unit_test(counted_as_seen),       cmocka_unit_test(counted_in_chunks),
        cmocka_unit_test(what_a_config_may_say),
    };
    return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
