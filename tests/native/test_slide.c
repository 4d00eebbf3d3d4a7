/* Sessions that slide: which tokens each query sees and at which places, straight from
 * the formulas of kvc.h; and how far that goes on. Random programs over such sessions are
 * in test_random. */
#include "base/number.h"
#include "check.h"
#include "naive.h"
#include "random_model.h"

enum { V = 19 };

/* Pages that are gone when token t is computed. */
static size_t pages_gone(size_t t, size_t C)
{
    return t < C ? 0 : (t - C) / KVC_PAGE + 1;
}

/* What tokens 0 .. T - 1 see of a text. End it with free(seen[0].tokens) and free(). */
static naive_seen *seen_of(size_t T, size_t C, size_t sinks)
{
    naive_seen *seen = check_alloc(T, sizeof *seen);
    uint32_t *all = check_alloc(T * C, sizeof *all);
    for (size_t t = 0; t < T; t++, all += C) {
        const size_t gone = pages_gone(t, C) * KVC_PAGE;
        seen[t] = (naive_seen){t + 1 - gone, all};
        for (uint32_t place = 0; place < t + 1 - gone; place++)
            all[place] = place < sinks ? place : place + (uint32_t)gone;
    }
    return seen;
}

static void free_seen(naive_seen *seen)
{
    free((void *)seen[0].tokens);
    free(seen);
}

static kvc_config rotary(uint64_t seed)
{
    static const kvc_arch archs[] = {KVC_LLAMA, KVC_QWEN3, KVC_GPT_NEOX, KVC_PHI};
    uint64_t state = seed;
    kvc_config c;
    do {
        c = random_any_config(&state, 64);
        c.window = c.window_layers[0] = 0;
        c.n_positions = 64;
    } while (c.arch != archs[seed % 4] || kvc_config_check(&c));
    c.vocab_size = V;
    return c;
}

static kvc_session *sliding(const random_model *m, size_t C, size_t sinks, size_t text,
                            size_t n_sequence)
{
    const kvc_session_config sizes = {.capacity = C,
                                      .n_sequence = n_sequence,
                                      .when_full = KVC_SLIDE,
                                      .sinks = sinks,
                                      .text_capacity = text};
    return random_model_sequences(m, &sizes);
}

static void check_held(const kvc_session *s, const naive_seen *seen, size_t t)
{
    uint32_t tokens[64], places[64];
    assert_int_equal(kvc_cache_length(kvc_session_cache(s), 0), seen[t].n);
    check_ok(kvc_session_held(s, tokens, places));
    for (size_t i = 0; i < seen[t].n; i++) {
        assert_int_equal(tokens[i], seen[t].tokens[i]);
        assert_int_equal(places[i], seen[tokens[i]].n - 1);
    }
}

/* Every length, in pieces of every size. */
static void sees_what_the_formulas_say(void **unused)
{
    (void)unused;
    enum { T = 131 };
    static const size_t sizes[][2] = {{16, 0}, {32, 0}, {32, 16}, {48, 16}, {64, 48}};
    uint64_t state = 1;
    for (size_t i = 0; i < 12; i++) {
        const size_t C = sizes[i % 5][0], sinks = sizes[i % 5][1];
        const kvc_config config = rotary(i + 1);
        random_model m = random_model_new(&config, i);
        naive_seen *seen = seen_of(T, C, sinks);
        static const kvc_dtype types[] = {KVC_F32, KVC_F32};
        static float want[T][V];
        uint32_t ids[T];
        size_t after[T];
        random_ids(ids, T, V, &state);
        for (size_t t = 0; t < T; t++)
            after[t] = t;
        naive_seen_logits(want[0], &m.plain, ids, T, types, seen, after, T);
        kvc_session *s = sliding(&m, C, sinks, T, 1);
        for (size_t most = 1; most <= 70; most = most * 2 + i) {
            kvc_session_reset(s);
            for (size_t t = 0, n; t < T; t += n) {
                n = kvc_min(T - t, 1 + random_below(&state, most));
                check_ok(kvc_session_set_cache(s, random_below(&state, 8) > 0));
                check_ok(kvc_session_prefill(s, ids + t, n));
                check_same(kvc_session_logits(s), want[t + n - 1], V);
                check_held(s, seen, t + n - 1);
            }
        }
        free(s);
        free_seen(seen);
        random_model_free(&m);
    }
}

/* A million places later, as it were: 100,000 tokens, of which 50 are held against the
 * whole text; every page of them costs the same, and nothing takes more memory. */
static void a_hundred_thousand_tokens(void **unused)
{
    (void)unused;
    enum { T = 100000, C = 48, SINKS = 16, POINTS = 50 };
    const kvc_config config = {.arch = KVC_LLAMA,
                               .n_layer = 2,
                               .n_head = 2,
                               .n_kv_head = 1,
                               .head_dim = 4,
                               .n_embd = 8,
                               .n_inner = 8,
                               .n_positions = C,
                               .vocab_size = V,
                               .norm_epsilon = 1e-5f,
                               .rotary_dim = 4,
                               .rope_theta = 10000.0f,
                               .rope_factor = 1.0f};
    random_model m = random_model_new(&config, 9);
    kvc_session *s = sliding(&m, C, SINKS, T, 1);
    uint32_t *ids = check_alloc(T, sizeof *ids);
    uint64_t state = 9;
    static float got[POINTS][V], want[POINTS][V];
    size_t after[POINTS];
    random_ids(ids, T, V, &state);
    const kvc_memory memory = kvc_session_memory(s);
    kvc_counts page = {0}; /* of the tokens that come where the cache is full once */
    for (size_t t = 0, i = 0; t < T; t++) {
        if (t % KVC_PAGE == 0) {
            const kvc_counts now = kvc_session_counts(s);
            if (t == C + 2 * KVC_PAGE)
                page = now;
            if (t > C + 2 * KVC_PAGE)
                assert_memory_equal(&now, &page, sizeof now);
            kvc_session_clear_counts(s);
        }
        check_ok(kvc_session_decode(s, ids[t]));
        if ((t + 1) % (T / POINTS) == 0) {
            memcpy(got[i], kvc_session_logits(s), sizeof *got);
            after[i++] = t;
        }
    }
    const kvc_memory now = kvc_session_memory(s);
    assert_int_equal(now.total_bytes, memory.total_bytes);
    assert_int_equal(now.cache_bytes, memory.cache_bytes);
    assert_int_equal(now.used_bytes,
                     (T - pages_gone(T - 1, C) * KVC_PAGE) * memory.bytes_per_token);
    naive_seen *seen = seen_of(T, C, SINKS);
    static const kvc_dtype types[] = {KVC_F32, KVC_F32};
    naive_seen_logits(want[0], &m.plain, ids, T, types, seen, after, POINTS);
    check_same(got[0], want[0], POINTS * V);
    free_seen(seen);
    free(ids);
    free(s);
    random_model_free(&m);
}

/* A text longer than the cache has the probabilities of decoding, and leaves no trace. */
static void scored_as_decoded(void **unused)
{
    (void)unused;
    enum { T = 120 };
    uint64_t state = 4;
    for (size_t i = 0; i < 4; i++) {
        const kvc_config config = rotary(i + 20);
        random_model m = random_model_new(&config, i);
        kvc_session *s = sliding(&m, 32, 16, T, 2);
        uint32_t ids[T], tops[V];
        float scores[T - 1], logs[V], again[T - 1];
        random_ids(ids, T, V, &state);
        check_ok(kvc_session_score(s, ids, T, scores));
        for (size_t t = 0; t + 1 < T; t++) {
            check_ok(kvc_session_decode(s, ids[t]));
            check_ok(kvc_session_top(s, V, V, tops, logs));
            for (size_t k = 0; k < V; k++)
                if (tops[k] == ids[t + 1])
                    check_same(&logs[k], &scores[t], 1);
        }
        const uint64_t hash = kvc_session_logits_hash(s);
        const kvc_memory before = kvc_session_memory(s);
        check_ok(kvc_session_begin_score(s, ids, T, again));
        for (size_t steps = 1 + random_below(&state, 40); steps > 0; steps--)
            check_error(kvc_session_step(s), KVC_PENDING);
        kvc_session_cancel(s);
        check_ok(kvc_session_score(s, ids, T, again));
        check_same(again, scores, T - 1);
        const kvc_memory behind = kvc_session_memory(s);
        assert_memory_equal(&before, &behind, sizeof before);
        assert_true(kvc_session_logits_hash(s) == hash);
        check_ok(kvc_session_fork(s, 0, 1));
        check_error(kvc_session_score(s, ids, T, again), KVC_ERR_CONTEXT_FULL);
        check_ok(kvc_session_score(s, ids, 33, again));
        check_same(again, scores, 32);
        free(s);
        random_model_free(&m);
    }
}

/* The weights of the last token, of what it saw: the same whoever computed them; its
 * query and the keys of the newest slots give their scores. */
static void attention_of_what_is_left(void **unused)
{
    (void)unused;
    enum { T = 75 };
    const kvc_config config = rotary(4);
    random_model m = random_model_new(&config, 4);
    uint64_t state = 7;
    uint32_t ids[T];
    random_ids(ids, T, V, &state);
    kvc_session *on = sliding(&m, 32, 16, T, 1), *off = sliding(&m, 32, 16, T, 1);
    check_ok(kvc_session_set_cache(off, false));
    check_ok(kvc_session_prefill(off, ids, T));
    for (size_t t = 0; t < T; t++)
        check_ok(kvc_session_decode(on, ids[t]));
    const size_t n = kvc_cache_length(kvc_session_cache(on), 0);
    for (size_t layer = 0; layer < config.n_layer; layer++)
        for (size_t head = 0; head < config.n_head; head++) {
            float a[32], b[32], sum = 0.0f;
            check_ok(kvc_session_attention(on, layer, head, a));
            check_ok(kvc_session_attention(off, layer, head, b));
            check_same(a, b, n);
            for (size_t i = 0; i < n; i++)
                sum += a[i];
            assert_true(sum > 0.9999f && sum < 1.0001f);
        }
    check_ok(kvc_session_evict(on, 0, 1));
    float weights[32];
    check_error(kvc_session_attention(on, 0, 0, weights), KVC_ERR_NOT_READY);
    free(on);
    free(off);
    random_model_free(&m);
}

/* As long as nothing is gone a state is any session's; then it is of its own kind's. */
static void states_know_when_it_matters(void **unused)
{
    (void)unused;
    enum { T = 60 };
    const kvc_config config = rotary(5);
    random_model m = random_model_new(&config, 5);
    uint64_t state = 3;
    uint32_t ids[T];
    random_ids(ids, T, V, &state);
    kvc_session *slides = sliding(&m, 32, 16, T, 1),
                *stops = random_model_session(&m, 32);
    for (size_t t = 0; t < T; t++) {
        size_t bytes[2] = {0};
        check_ok(kvc_session_decode(slides, ids[t]));
        check_ok(kvc_session_state_bytes(slides, &bytes[0]));
        unsigned char *a = check_alloc(1, bytes[0]), *b = NULL;
        check_ok(kvc_session_save(slides, a, bytes[0]));
        if (t < 32) {
            check_ok(kvc_session_decode(stops, ids[t]));
            check_ok(kvc_session_state_bytes(stops, &bytes[1]));
            assert_int_equal(bytes[0], bytes[1]);
            b = check_alloc(1, bytes[1]);
            check_ok(kvc_session_save(stops, b, bytes[1]));
            assert_memory_equal(a, b, bytes[0]);
        }
        const size_t others[][2] = {{48, 16}, {32, 0}, {48, 32}};
        for (size_t i = 0; i < 3; i++) {
            kvc_session *other = sliding(&m, others[i][0], others[i][1], T, 1);
            check_error(kvc_session_restore(other, a, bytes[0]),
                        t < 32 ? KVC_OK : KVC_ERR_STATE_FOREIGN);
            free(other);
        }
        free(a);
        free(b);
    }
    free(slides);
    free(stops);
    random_model_free(&m);
}

static void what_is_refused(void **unused)
{
    (void)unused;
    const kvc_config llama = rotary(4);
    uint64_t state = 1;
    kvc_config windowed = llama, gpt2 = random_config(&state, 64);
    gpt2.n_positions = 64;
    windowed.window = 5;
    windowed.window_layers[0] = 1;
    const struct {
        kvc_when_full when_full;
        size_t capacity, sinks, text;
        kvc_error want;
    } cases[] = {
        {KVC_SLIDE, 64, 48, 0, KVC_OK},
        {KVC_SLIDE, 31, 0, 40, KVC_OK},
        {KVC_SLIDE, 64, 49, 0, KVC_ERR_INVALID_ARGUMENT},
        {KVC_SLIDE, 15, 0, 0, KVC_ERR_INVALID_ARGUMENT},
        {KVC_SLIDE, 64, SIZE_MAX, 0, KVC_ERR_INVALID_ARGUMENT},
        {KVC_SLIDE, 64, 0, 63, KVC_ERR_INVALID_ARGUMENT},
        {KVC_SLIDE, 64, 0, SIZE_MAX, KVC_ERR_INVALID_ARGUMENT},
        {KVC_SLIDE, 65, 0, 0, KVC_ERR_INVALID_ARGUMENT},
        {KVC_EVICT, 3, 0, 100, KVC_OK},
        {KVC_EVICT, 64, 1, 0, KVC_ERR_INVALID_ARGUMENT},
        {KVC_STOP, 64, 1, 0, KVC_ERR_INVALID_ARGUMENT},
        {KVC_STOP, 64, 0, 64, KVC_ERR_INVALID_ARGUMENT},
        {(kvc_when_full)3, 64, 0, 0, KVC_ERR_INVALID_ARGUMENT},
    };
    random_model m = random_model_new(&llama, 1), w = random_model_new(&windowed, 1),
                 g = random_model_new(&gpt2, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kvc_session_config sizes = {.capacity = cases[i].capacity,
                                          .n_sequence = 1,
                                          .when_full = cases[i].when_full,
                                          .sinks = cases[i].sinks,
                                          .text_capacity = cases[i].text};
        size_t bytes;
        check_error(kvc_session_bytes(m.packed, &sizes, &bytes), cases[i].want);
        if (cases[i].want)
            continue;
        check_error(kvc_session_bytes(w.packed, &sizes, &bytes), KVC_ERR_UNSUPPORTED);
        check_error(kvc_session_bytes(g.packed, &sizes, &bytes), KVC_ERR_UNSUPPORTED);
    }
    random_model_free(&m);
    random_model_free(&w);
    random_model_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sees_what_the_formulas_say),
        cmocka_unit_test(a_hundred_thousand_tokens),
        cmocka_unit_test(scored_as_decoded),
        cmocka_unit_test(attention_of_what_is_left),
        cmocka_unit_test(states_know_when_it_matters),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests_name("slide", tests, NULL, NULL);
}
