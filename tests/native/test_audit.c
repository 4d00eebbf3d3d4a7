/* The nine tests that the audit of the course module's KV cache asks for, in its order
 * and with its wrong numbers put right; what it found wrong there is named at each. */
#include "check.h"
#include "oracle.h"
#include "random_model.h"

static const kvc_config tiny = {GPT2_SIZES(3, 2, 24, 40, 200, 60)};

static void release(void *memory, void *another)
{
    free(memory);
    free(another);
}

/* T random tokens into every layer of sequence b.   k, v: [L, T, H * D] out, new */
static void extend(kvc_cache *cache, size_t b, size_t T, float **k, float **v,
                   uint64_t *state)
{
    const kvc_cache_shape *s = kvc_cache_get_shape(cache);
    const size_t C = s->n_kv_head * s->head_dim;
    *k = random_array(s->n_layer * T * C, state);
    *v = random_array(s->n_layer * T * C, state);
    for (size_t layer = 0; layer < s->n_layer; layer++)
        check_ok(kvc_cache_append(cache, b, layer, T, *k + layer * T * C,
                                  *v + layer * T * C, C));
    check_ok(kvc_cache_advance(cache, b, T));
}

/* Over 160 tokens: ten pages of the cache and five blocks of rows; the module was tried
 * for a few tokens, and each of its steps ran at position 0, so that nothing showed. */
static void audit_1_cached_generation_equals_uncached(void **unused)
{
    (void)unused;
    enum { PROMPT = 7, NEW = 160 };
    static const kvc_sampling greedy = {0.0f, 0, 1.0f, 0.0f, 1.0f};
    uint32_t prompt[PROMPT], id[2];
    uint64_t state = 1, rng = 0;
    random_model model = random_model_new(&tiny, 1);
    kvc_session *cached = random_model_session(&model, PROMPT + NEW);
    kvc_session *uncached = random_model_session(&model, PROMPT + NEW);
    check_ok(kvc_session_set_cache(uncached, false));
    random_ids(prompt, PROMPT, tiny.vocab_size, &state);
    check_ok(kvc_session_prefill(cached, prompt, PROMPT));
    check_ok(kvc_session_prefill(uncached, prompt, PROMPT));
    for (size_t n = PROMPT; n < PROMPT + NEW; n++) {
        check_same(kvc_session_logits(cached), kvc_session_logits(uncached), 60);
        check_ok(kvc_session_sample(cached, &greedy, &rng, 60, &id[0]));
        check_ok(kvc_session_sample(uncached, &greedy, &rng, 60, &id[1]));
        assert_int_equal(id[0], id[1]);
        check_ok(kvc_session_decode(cached, id[0]));
        check_ok(kvc_session_decode(uncached, id[1]));
        assert_int_equal(kvc_session_cached(cached), n + 1);
        assert_int_equal(kvc_session_cached(uncached), 0);
    }
    release(cached, uncached);
    random_model_free(&model);
}

/* The module's layers all ran with the last one's weights. */
static void audit_2_layers_do_not_leak_into_each_other(void **unused)
{
    (void)unused;
    enum { L = 4, H = 2, S = 40, D = 8, C = H * D };
    uint64_t state = 2;
    kvc_cache *cache = check_cache(1, L, H, S, D);
    float *k, *v, got_k[H * S * D], got_v[H * S * D];
    extend(cache, 0, S, &k, &v, &state);
    check_ok(kvc_cache_truncate(cache, 0, S - 3)); /* a layer of its own moves on */
    float *new_k = random_array(3 * C, &state), *new_v = random_array(3 * C, &state);
    check_ok(kvc_cache_append(cache, 0, 2, 3, new_k, new_v, C));
    for (size_t layer = 0; layer < L; layer++) {
        check_read(cache, layer, S - 3, got_k, got_v);
        for (size_t h = 0; h < H; h++)
            for (size_t t = 0; t < S - 3; t++) {
                const size_t to = (h * (S - 3) + t) * D;
                const size_t from = (layer * S + t) * C + h * D;
                check_same(got_k + to, k + from, D);
                check_same(got_v + to, v + from, D);
            }
    }
    release(new_k, new_v);
    release(k, v);
    free(cache);
}

/* Scoring is the full-sequence forward of training. */
static void audit_3_full_sequence_forward_leaves_the_cache_unused(void **unused)
{
    (void)unused;
    enum { T = 50, C = 24 };
    uint32_t ids[T];
    uint64_t state = 3;
    float log_probs[T - 1], k[2][T * C], v[2][T * C];
    random_model model = random_model_new(&tiny, 3);
    kvc_session *session = random_model_session(&model, T);
    random_ids(ids, T, tiny.vocab_size, &state);
    check_ok(
        kvc_session_score(session, ids, T, log_probs)); /* an empty cache: it stays so */
    assert_int_equal(kvc_session_cached(session), 0);
    assert_int_equal(kvc_session_memory(session).used_bytes, 0);
    check_ok(kvc_session_prefill(session, ids + T / 2, T / 2));
    const uint64_t hash = kvc_session_logits_hash(session);
    for (size_t layer = 0; layer < tiny.n_layer; layer++)
        for (size_t i = 0; i < 2; i++) { /* before and after */
            check_read(kvc_session_cache(session), layer, T / 2, k[i], v[i]);
            check_ok(kvc_session_score(session, ids, T, log_probs));
            check_same(k[i], k[0], T / 2 * C);
            check_same(v[i], v[0], T / 2 * C);
        }
    assert_int_equal(kvc_session_cached(session), T / 2);
    assert_true(kvc_session_logits_hash(session) == hash);
    free(session);
    random_model_free(&model);
}

/* 2 * B * L * H * S * D * bytes. The audit expects 0.1, 2.0 and 12.0 MB of its models;
 * right are 0.0625, 0.5 and 3.0 MiB. GPT-2's "37 MB" are 72 MiB: K and V. */
static void audit_4_memory_is_what_the_formula_says(void **unused)
{
    (void)unused;
    static const size_t models[][5] = {/* L, H, S, D, KiB */
                                       {2, 4, 64, 16, 64},
                                       {4, 4, 128, 32, 512},
                                       {6, 8, 256, 32, 3072},
                                       {12, 12, 1024, 64, 73728}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const size_t L = models[i][0], H = models[i][1], S = models[i][2],
                     D = models[i][3];
        kvc_cache *cache = check_cache(1, L, H, S, D);
        const kvc_cache_memory memory = kvc_cache_get_memory(cache);
        assert_int_equal(memory.slot_bytes, 2 * L * H * S * D * sizeof(float));
        assert_int_equal(memory.slot_bytes, models[i][4] * 1024);
        assert_int_equal(memory.bytes_per_token * S, memory.slot_bytes);
        assert_int_equal(memory.used_bytes, 0);
        free(cache);
    }
}

/* Sequences of different lengths in one batch, each as if it were alone. */
static void audit_5_batch_rows_are_independent(void **unused)
{
    (void)unused;
    enum { B = 4, S = 60, STEPS = 20 };
    static const size_t lengths[B] = {1, 17, 40, 32};
    const kvc_session_config sizes = {.capacity = S, B, KVC_F32, KVC_F32};
    uint32_t ids[S], sequences[B] = {2, 0, 3, 1}, next[B];
    uint64_t state = 5;
    random_model model = random_model_new(&tiny, 5);
    kvc_session *batch = random_model_sequences(&model, &sizes), *alone[B];
    for (size_t b = 0; b < B; b++) {
        alone[b] = random_model_session(&model, S);
        random_ids(ids, lengths[b], tiny.vocab_size, &state);
        check_ok(kvc_session_prefill(alone[b], ids, lengths[b]));
        check_ok(kvc_session_select(batch, b));
        check_ok(kvc_session_prefill(batch, ids, lengths[b]));
    }
    for (size_t step = 0; step < STEPS; step++) {
        random_ids(next, B, tiny.vocab_size, &state);
        check_ok(kvc_session_begin_batch(batch, sequences, next, B));
        while (kvc_session_step(batch) == KVC_PENDING)
            ;
        for (size_t i = 0; i < B; i++) {
            check_ok(kvc_session_decode(alone[sequences[i]], next[i]));
            check_ok(kvc_session_select(batch, sequences[i]));
            check_same(kvc_session_logits(batch), kvc_session_logits(alone[sequences[i]]),
                       60);
        }
    }
    for (size_t b = 0; b < B; b++)
        free(alone[b]);
    free(batch);
    random_model_free(&model);
}

/* The module's advance() went past max_seq_len without a word. */
static void audit_6_one_token_too_many_is_an_error(void **unused)
{
    (void)unused;
    enum { S = 21, D = 4 };
    uint64_t state = 6;
    float *k, *v, row[D] = {0};
    kvc_cache *cache = check_cache(1, 1, 1, S, D);
    extend(cache, 0, S, &k, &v, &state);
    check_error(kvc_cache_append(cache, 0, 0, 1, row, row, D), KVC_ERR_CACHE_FULL);
    check_error(kvc_cache_advance(cache, 0, 1), KVC_ERR_CACHE_FULL);
    assert_int_equal(kvc_cache_length(cache, 0), S);
    free(cache);
    release(k, v);
    random_model model = random_model_new(&tiny, 6);
    kvc_session *session = random_model_session(&model, S);
    for (uint32_t id = 0; id < S; id++)
        check_ok(kvc_session_decode(session, id));
    const uint64_t hash = kvc_session_logits_hash(session);
    check_error(kvc_session_decode(session, 1), KVC_ERR_CONTEXT_FULL);
    assert_int_equal(kvc_session_position(session), S);
    assert_true(kvc_session_logits_hash(session) == hash);
    free(session);
    random_model_free(&model);
}

/* Not just the counter: the slots are zero again, and a second run is a first run. */
static void audit_7_reset_clears_the_contents(void **unused)
{
    (void)unused;
    enum { B = 2, L = 3, H = 2, S = 37, D = 4, N = B * H * S * D };
    static const float zeros[N];
    uint64_t state = 7;
    float k[N], v[N];
    kvc_cache *cache = check_cache(B, L, H, S, D);
    for (size_t b = 0; b < B; b++) {
        float *new_k, *new_v;
        extend(cache, b, S - b, &new_k, &new_v, &state);
        release(new_k, new_v);
    }
    kvc_cache_reset(cache);
    for (size_t b = 0; b < B; b++) {
        assert_int_equal(kvc_cache_length(cache, b), 0);
        check_ok(kvc_cache_advance(cache, b, S)); /* without a write */
    }
    for (size_t layer = 0; layer < L; layer++) {
        check_read(cache, layer, S, k, v);
        check_same(k, zeros, N);
        check_same(v, zeros, N);
    }
    free(cache);
}

/* A session is the module's enable_kv_cache(): it takes every size from the model. */
static void audit_8_the_cache_has_the_models_configuration(void **unused)
{
    (void)unused;
    random_model model = random_model_new(&tiny, 8);
    const kvc_config *config = kvc_model_config(model.packed);
    kvc_session *session = random_model_session(&model, config->n_positions);
    const kvc_cache_shape *shape = kvc_cache_get_shape(kvc_session_cache(session));
    assert_true(kvc_session_uses_cache(session));
    assert_int_equal(shape->batch, 1);
    assert_int_equal(shape->n_layer, config->n_layer);
    assert_int_equal(shape->n_kv_head, config->n_kv_head);
    assert_int_equal(shape->head_dim, config->head_dim);
    assert_int_equal(shape->capacity, config->n_positions);
    for (size_t n = 1; n <= 3; n++) { /* disabled and enabled again: it goes on */
        check_ok(kvc_session_set_cache(session, n != 2));
        check_ok(kvc_session_decode(session, 1));
        assert_int_equal(kvc_session_cached(session), n == 2 ? 1 : n);
    }
    free(session);
    random_model_free(&model);
}

/* (B, H, 1, D) x (B, H, D, S) -> (B, H, 1, S), and times (B, H, S, D): what the cache
 * gives back is what attention takes. The module hid the current token from its own
 * query. */
static void audit_9_shapes_fit_attention(void **unused)
{
    (void)unused;
    enum { B = 2, H = 3, S = 33, D = 8, C = H * D };
    uint64_t state = 9;
    kvc_cache *cache = check_cache(B, 1, H, S, D);
    float k[S * D], v[S * D], y[C];
    double want[D];
    float *scratch = check_alloc(kvc_attention_scratch(cache), sizeof *scratch);
    for (size_t b = 0; b < B; b++) {
        float *new_k, *new_v, *q = random_array(C, &state);
        extend(cache, b, S - 1 - b, &new_k, &new_v, &state);
        release(new_k, new_v);
        new_k = random_array(C, &state);
        new_v = random_array(C, &state);
        check_ok(kvc_cache_append(cache, b, 0, 1, new_k, new_v, C));
        check_ok(kvc_attention(y, q, 1, H, cache, b, 0, scratch));
        check_ok(kvc_cache_advance(cache, b, 1));
        for (size_t h = 0; h < H; h++) {
            check_ok(kvc_cache_read(cache, b, 0, h, 0, S - b, k, v));
            double *wide[] = {oracle_widen(q + h * D, D), oracle_widen(k, (S - b) * D),
                              oracle_widen(v, (S - b) * D)};
            oracle_attention(want, wide[0], wide[1], wide[2], S - b, D, D);
            check_close(y + h * D, want, NULL, D, 1e-6);
            release(wide[0], wide[1]);
            free(wide[2]);
        }
        release(new_k, new_v);
        free(q);
    }
    release(cache, scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audit_1_cached_generation_equals_uncached),
        cmocka_unit_test(audit_2_layers_do_not_leak_into_each_other),
        cmocka_unit_test(audit_3_full_sequence_forward_leaves_the_cache_unused),
        cmocka_unit_test(audit_4_memory_is_what_the_formula_says),
        cmocka_unit_test(audit_5_batch_rows_are_independent),
        cmocka_unit_test(audit_6_one_token_too_many_is_an_error),
        cmocka_unit_test(audit_7_reset_clears_the_contents),
        cmocka_unit_test(audit_8_the_cache_has_the_models_configuration),
        cmocka_unit_test(audit_9_shapes_fit_attention),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
