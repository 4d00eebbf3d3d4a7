/* Models with an encoder: near the oracle; the source read once, in any steps, shared by
 * all sequences; nothing of an old one is left. What many operations make of it, to the
 * bit, is in test_random. */
#include <math.h>

#include "base/number.h"
#include "check.h"
#include "kernels/bucket.h"
#include "kernels/rotary.h"
#include "random_model.h"

enum { S = 60, N = 150 }; /* of a text; of a source, beyond the last bucket of a T5 */

typedef struct fixture {
    random_model model;
    kvc_session *session;
    uint32_t ids[S], source[N];
    size_t V, n_ids, n_source;
} fixture;

static kvc_config random_encoder(uint64_t *state)
{
    kvc_config config = random_config(state, N);
    random_seq2seq(&config, state);
    return config;
}

static kvc_session *new_session(const fixture *f, size_t n_sequence, kvc_dtype type)
{
    const kvc_session_config sizes = {S, n_sequence, type, type, .source_capacity = N};
    return random_model_sequences(&f->model, &sizes);
}

/* A session of three sequences, and texts. */
static fixture fixture_of(const kvc_config *config, uint64_t seed)
{
    fixture f = {.model = random_model_new(config, seed), .V = config->vocab_size};
    f.n_ids = 1 + random_below(&seed, S);
    f.n_source = 1 + random_below(&seed, N);
    random_ids(f.ids, S, f.V, &seed);
    random_ids(f.source, N, f.V, &seed);
    f.session = new_session(&f, 3, KVC_F32);
    return f;
}

static void fixture_free(fixture *f)
{
    free(f->session);
    random_model_free(&f->model);
}

static fixture some_fixture(void)
{
    const kvc_config config = {.arch = KVC_T5_GATED, T5_SIZES(2, 3, 2, 8, 24, 28, N, 41)};
    return fixture_of(&config, 1);
}

static void read_source(kvc_session *s, const fixture *f, size_t n)
{
    check_ok(kvc_session_set_source(s, f->source, n));
    assert_int_equal(kvc_session_source_length(s), n);
    assert_memory_equal(kvc_session_source(s), f->source, n * sizeof *f->source);
}

/* ---- positions --------------------------------------------------------------------- */

/* Of all T5s. */
static void buckets_begin_where_they_do(void **unused)
{
    (void)unused;
    const size_t decoder[] = {16, 19, 21, 24, 27, 31, 35, 40,
                              46, 52, 59, 67, 77, 87, 99, 113};
    const size_t encoder[] = {8, 12, 16, 23, 32, 46, 64, 91};
    for (size_t d = 0; d < 300; d++) {
        size_t own = d, half = d;
        for (size_t i = 0; i < 16 && d >= decoder[i]; i++)
            own = 16 + i;
        for (size_t i = 0; i < 8 && d >= encoder[i]; i++)
            half = 8 + i;
        assert_int_equal(kvc_bucket(d, 32, 128), own);
        assert_int_equal(kvc_bucket(d, 16, 128), half);
    }
}

static void sinusoids_are_the_nearest_floats(void **unused)
{
    (void)unused;
    enum { C = 20, P = 512 };
    float *table = check_alloc(P * C, sizeof *table);
    double exact[C];
    kvc_sinusoids(table, P, C);
    for (size_t p = 0; p < P; p++) {
        oracle_sinusoids(exact, p, C);
        check_close(table + p * C, exact, NULL, C, 3.1e-8); /* half a unit of 1/2 .. 1 */
    }
    free(table);
}

/* ---- what is right ----------------------------------------------------------------- */

static void near_the_oracle(void **unused)
{
    (void)unused;
    enum { ROUNDS = 60 };
    uint64_t state = 1;
    double farthest = 0.0, sum = 0.0;
    for (int round = 0; round < ROUNDS; round++) {
        const kvc_config config = random_encoder(&state);
        fixture f = fixture_of(&config, random_next(&state));
        double *exact = check_alloc(f.n_ids * f.V, sizeof *exact);
        f.model.plain.source = f.source;
        f.model.plain.n_source = f.n_source;
        oracle_logits(exact, &f.model.plain, f.ids, f.n_ids);
        read_source(f.session, &f, f.n_source);
        for (size_t t = 0; t < f.n_ids; t++) {
            check_ok(kvc_session_decode(f.session, f.ids[t]));
            const double distance =
                check_distance(kvc_session_logits(f.session), exact + t * f.V, f.V);
            farthest = fmax(farthest, distance);
            sum += distance / (double)(f.n_ids * ROUNDS);
        }
        free(exact);
        fixture_free(&f);
    }
    print_message("%d models: logits at most %.1e from the oracle, on average %.1e\n",
                  ROUNDS, farthest, sum);
    assert_true(farthest <= 2e-2 && sum <= 1e-4); /* logits reach 15 */
}

static void attention_is_near_the_oracle(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    for (size_t round = 0; round < 12; round++) {
        const kvc_config config = random_encoder(&state);
        const uint64_t seed = random_next(&state);
        if (!check_share(round))
            continue;
        fixture f = fixture_of(&config, seed);
        float weights[N];
        double exact[N], *query = check_alloc(config.head_dim, sizeof *query);
        f.model.plain.source = f.source;
        f.model.plain.n_source = f.n_source;
        read_source(f.session, &f, f.n_source);
        check_ok(kvc_session_prefill(f.session, f.ids, f.n_ids));
        for (size_t layer = 0; layer < config.n_layer; layer++)
            for (size_t head = 0; head < config.n_head; head++) {
                oracle_attention_weights(exact, query, &f.model.plain, f.ids, f.n_ids,
                                         (int)layer, head);
                check_ok(kvc_session_attention(f.session, layer, head, weights));
                check_close(weights, exact, NULL, f.n_ids, 1e-4);
                oracle_cross_weights(exact, &f.model.plain, f.ids, f.n_ids, (int)layer,
                                     head);
                check_ok(kvc_session_cross_attention(f.session, layer, head, weights));
                check_close(weights, exact, NULL, f.n_source, 1e-4);
            }
        free(query);
        fixture_free(&f);
    }
}

/* Scoring projects the source for itself: the bits of decoding, and the cross cache is
 * left alone. */
static void scores_are_those_of_decoding(void **unused)
{
    (void)unused;
    uint64_t state = 4;
    for (int round = 0; round < 12; round++) {
        const kvc_config config = random_encoder(&state);
        fixture f = fixture_of(&config, random_next(&state));
        float scores[S], *log_probs = check_alloc(f.V, sizeof *log_probs);
        uint32_t *ids = check_alloc(f.V, sizeof *ids);
        check_ok(kvc_session_set_cross_cache(f.session, false));
        read_source(f.session, &f, f.n_source);
        check_ok(kvc_session_set_cross_cache(f.session, true));
        check_ok(kvc_session_score(f.session, f.ids, S, scores));
        assert_int_equal(kvc_cache_length(kvc_session_cross_cache(f.session), 0), 0);
        for (size_t t = 0; t + 1 < S; t++) {
            check_ok(kvc_session_decode(f.session, f.ids[t]));
            check_ok(kvc_session_top(f.session, f.V, f.V, ids, log_probs));
            for (size_t i = 0; i < f.V; i++)
                if (ids[i] == f.ids[t + 1])
                    check_same(&scores[t], &log_probs[i], 1);
        }
        free(ids);
        free(log_probs);
        fixture_free(&f);
    }
}

/* ---- in steps ---------------------------------------------------------------------- */

/* Dropped after each number of steps, it leaves no source and no text; read once more, it
 * is as if nothing had been. */
static void dropped_at_every_step(void **unused)
{
    (void)unused;
    fixture f = some_fixture();
    kvc_session *s = f.session;
    read_source(s, &f, 70);
    check_ok(kvc_session_prefill(s, f.ids, 20));
    const uint64_t right = kvc_session_logits_hash(s);
    for (size_t steps = 0, done = 0; !done; steps++) {
        check_ok(kvc_session_begin_source(s, f.source + 1, 70));
        assert_int_equal(kvc_session_position(s), 0);
        assert_int_equal(kvc_session_source_length(s), 0);
        check_error(kvc_session_begin(s, f.ids, 1), KVC_ERR_BUSY);
        check_error(kvc_session_begin_source(s, f.source, 1), KVC_ERR_BUSY);
        check_error(kvc_session_set_cross_cache(s, false), KVC_ERR_BUSY);
        for (size_t i = 0; i < steps && !done; i++)
            done = kvc_session_step(s) == KVC_OK;
        if (done)
            break;
        kvc_session_cancel(s);
        assert_int_equal(kvc_session_source_length(s), 0);
        check_error(kvc_session_prefill(s, f.ids, 1), KVC_ERR_NO_SOURCE);
        read_source(s, &f, 70);
        check_ok(kvc_session_prefill(s, f.ids, 20));
        assert_true(kvc_session_logits_hash(s) == right);
    }
    fixture_free(&f);
}

/* With the cross cache turned on behind a source, the next pass fills it; dropped at any
 * step of that, it loses nothing. */
static void filled_by_the_next_pass(void **unused)
{
    (void)unused;
    fixture f = some_fixture();
    kvc_session *s = f.session;
    kvc_cache *cross = kvc_session_cross_cache(s);
    read_source(s, &f, 70);
    check_ok(kvc_session_prefill(s, f.ids, 20));
    const uint64_t right = kvc_session_logits_hash(s);
    check_ok(kvc_session_set_cross_cache(s, false));
    assert_false(kvc_session_uses_cross_cache(s));
    read_source(s, &f, 70);
    assert_int_equal(kvc_cache_length(cross, 0), 0);
    check_ok(kvc_session_prefill(s, f.ids, 20));
    assert_true(kvc_session_logits_hash(s) == right);
    float weights[N];
    check_error(kvc_session_cross_attention(s, 0, 0, weights), KVC_ERR_NOT_READY);
    check_ok(kvc_session_set_cross_cache(s, true));
    check_ok(kvc_session_truncate(s, 0));
    for (size_t steps = 0; steps < 5; steps++) {
        check_ok(kvc_session_begin(s, f.ids, 20));
        for (size_t i = 0; i < steps; i++)
            check_error(kvc_session_step(s), KVC_PENDING);
        kvc_session_cancel(s);
        assert_int_equal(kvc_cache_length(cross, 0), 0);
    }
    check_ok(kvc_session_prefill(s, f.ids, 20));
    assert_true(kvc_session_logits_hash(s) == right);
    assert_int_equal(kvc_cache_length(cross, 0), 70);
    check_ok(kvc_session_cross_attention(s, 1, 1, weights));
    fixture_free(&f);
}

/* A session that had other sources, longer and shorter, texts of them and forks. */
static void nothing_is_stale(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (int round = 0; round < 20; round++) {
        const kvc_config config = random_encoder(&state);
        fixture f = fixture_of(&config, random_next(&state));
        kvc_session *fresh = new_session(&f, 1, KVC_F32), *s = f.session;
        read_source(fresh, &f, f.n_source);
        check_ok(kvc_session_prefill(fresh, f.ids, f.n_ids));
        for (int other = 0; other < 4; other++) {
            const size_t n = 1 + random_below(&state, N / 2);
            check_ok(
                kvc_session_set_source(s, f.source + random_below(&state, N / 2), n));
            check_ok(kvc_session_prefill(s, f.ids, 1 + random_below(&state, S)));
            check_ok(kvc_session_fork(s, 0, 2));
        }
        read_source(s, &f, f.n_source);
        for (size_t i = 0; i < 3; i++) {
            check_ok(kvc_session_select(s, i));
            assert_int_equal(kvc_session_position(s), 0);
            assert_null(kvc_session_logits(s));
            check_ok(kvc_session_prefill(s, f.ids, f.n_ids));
            check_same(kvc_session_logits(s), kvc_session_logits(fresh), f.V);
        }
        check_ok(kvc_session_drop(s, 1)); /* keeps the source */
        assert_int_equal(kvc_session_source_length(s), f.n_source);
        kvc_session_reset(s);
        assert_int_equal(kvc_session_source_length(s), 0);
        assert_int_equal(kvc_cache_length(kvc_session_cross_cache(s), 0), 0);
        free(fresh);
        fixture_free(&f);
    }
}

/* ---- what it costs ----------------------------------------------------------------- */

/* One row of the encoder in one layer; K and V of one row for one layer of the decoder:
 * the sizes of some_fixture. */
enum { C = 24, Q = 16, F = 28, L = 2, E = 3, ENCODER_MACS = 4 * C * Q + 3 * C * F };

static void counted_apart(void **unused)
{
    (void)unused;
    fixture f = some_fixture();
    kvc_session *s = f.session;
    const uint64_t n = 70, pairs = n * n, slot = 2 * Q * sizeof(float);
    read_source(s, &f, n);
    kvc_counts c = kvc_session_counts(s);
    assert_int_equal(c.encoder_macs, E * (n * ENCODER_MACS + 2 * Q * pairs));
    assert_int_equal(c.cross_projection_macs, L * n * 2 * C * Q);
    assert_int_equal(c.cross_bytes_written, L * n * slot);
    assert_int_equal(c.projection_macs + c.attention_macs + c.cross_attention_macs, 0);
    const uint64_t read = c.weight_bytes;
    kvc_session_clear_counts(s);
    check_ok(kvc_session_decode(s, 1));
    c = kvc_session_counts(s);
    assert_int_equal(c.encoder_macs + c.cross_projection_macs, 0);
    assert_int_equal(c.cross_attention_macs, L * 2 * Q * n);
    assert_int_equal(c.cross_bytes_read, L * slot * n);
    assert_int_equal(c.cross_bytes_written, 0);
    assert_int_equal(c.projection_macs, L * (6 * C * Q + 3 * C * F));
    assert_int_equal(c.attention_macs, L * 2 * Q);
    const uint64_t step = c.weight_bytes;
    kvc_session_clear_counts(s);
    check_ok(kvc_session_set_cross_cache(s, false));
    check_ok(kvc_session_decode(s, 2));
    c = kvc_session_counts(s);
    assert_int_equal(c.cross_projection_macs, L * n * 2 * C * Q); /* again */
    assert_int_equal(c.cross_bytes_written, L * n * slot);
    assert_int_equal(c.cross_attention_macs, L * 2 * Q * n);
    assert_int_equal(c.weight_bytes, step + L * 3 * 2 * C * Q * sizeof(float));
    kvc_session_clear_counts(s);
    read_source(s, &f, n);
    c = kvc_session_counts(s);
    assert_int_equal(c.cross_projection_macs, 0);
    assert_int_equal(read - c.weight_bytes, L * 3 * 2 * C * Q * sizeof(float));
    kvc_session_clear_counts(s);
    c = kvc_session_counts(s);
    const kvc_counts none = {0};
    assert_memory_equal(&c, &none, sizeof c);
    fixture_free(&f);
}

static void memory_apart(void **unused)
{
    (void)unused;
    fixture f = some_fixture();
    kvc_session *narrow = new_session(&f, 2, KVC_I8);
    read_source(f.session, &f, 33);
    kvc_memory m = kvc_session_memory(f.session);
    assert_int_equal(m.cross_bytes_per_token, L * 2 * Q * sizeof(float));
    assert_int_equal(m.cross_used_bytes, 33 * m.cross_bytes_per_token);
    assert_int_equal(m.cross_bytes, 160 * m.cross_bytes_per_token); /* whole pages */
    assert_int_equal(m.used_bytes, 0);
    assert_true(m.cross_bytes + m.cache_bytes < m.total_bytes);
    m = kvc_session_memory(narrow);
    assert_int_equal(m.cross_bytes_per_token, L * 2 * (Q + 2 * sizeof(float)));
    assert_int_equal(m.cross_used_bytes, 0);
    free(narrow);
    fixture_free(&f);
}

/* ---- errors ------------------------------------------------------------------------ */

static void refused(void **unused)
{
    (void)unused;
    fixture f = some_fixture();
    kvc_session *s = f.session;
    uint32_t sequence = 0, id = 1;
    size_t reused, bytes;
    float log_probs[1], weights[N];
    check_error(kvc_session_begin(s, f.ids, 2), KVC_ERR_NO_SOURCE);
    check_error(kvc_session_begin_sync(s, f.ids, 2, &reused), KVC_ERR_NO_SOURCE);
    check_error(kvc_session_begin_batch(s, &sequence, &id, 1), KVC_ERR_NO_SOURCE);
    check_error(kvc_session_score(s, f.ids, 2, log_probs), KVC_ERR_NO_SOURCE);
    read_source(s, &f, 9);
    check_error(kvc_session_cross_attention(s, 0, 0, weights), KVC_ERR_NOT_READY);
    check_ok(kvc_session_decode(s, 1));
    const uint64_t hash = kvc_session_logits_hash(s);
    uint32_t many[N + 1] = {0};
    const uint32_t wrong[] = {1, (uint32_t)f.V};
    check_error(kvc_session_set_source(s, f.source, 0), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_set_source(s, NULL, 1), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_set_source(NULL, f.source, 1), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_set_source(s, many, N + 1), KVC_ERR_SOURCE_TOO_LONG);
    check_error(kvc_session_set_source(s, wrong, 2), KVC_ERR_TOKEN_OUT_OF_RANGE);
    assert_true(kvc_session_logits_hash(s) == hash); /* all as it was */
    assert_int_equal(kvc_session_source_length(s), 9);
    check_error(kvc_session_cross_attention(s, 2, 0, weights),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_cross_attention(s, 0, 2, weights),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_session_cross_attention(s, 0, 0, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_ok(kvc_session_set_source(s, many, N));
    const kvc_session_config sizes[] = {
        {.capacity = S, 1, KVC_F32, KVC_F32},
        {S, 1, KVC_F32, KVC_F32, .source_capacity = N + 1},
        {S, 1, KVC_F32, KVC_F32, .source_capacity = SIZE_MAX}};
    for (size_t i = 0; i < 3; i++)
        check_error(kvc_session_bytes(f.model.packed, &sizes[i], &bytes),
                    KVC_ERR_INVALID_ARGUMENT);
    fixture_free(&f);
}

/* A model with one stack has none of it. */
static void without_an_encoder(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(1, 1, 4, 4, 8, 9)};
    random_model m = random_model_new(&config, 1);
    const kvc_session_config sizes = {8, 1, KVC_F32, KVC_F32, .source_capacity = 1};
    kvc_session *s = random_model_session(&m, 8);
    const uint32_t id = 1;
    size_t bytes;
    float weight;
    check_error(kvc_session_bytes(m.packed, &sizes, &bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_set_source(s, &id, 1), KVC_ERR_UNSUPPORTED);
    check_error(kvc_session_set_cross_cache(s, true), KVC_ERR_UNSUPPORTED);
    check_error(kvc_session_cross_attention(s, 0, 0, &weight), KVC_ERR_UNSUPPORTED);
    assert_false(kvc_session_uses_cross_cache(s));
    assert_null(kvc_session_cross_cache(s));
    assert_int_equal(kvc_session_source_length(s), 0);
    check_ok(kvc_session_decode(s, 1));
    free(s);
    random_model_free(&m);
}

static void configs_are_checked(void **unused)
{
    (void)unused;
    const kvc_config t5 = {.arch = KVC_T5, T5_SIZES(2, 2, 2, 4, 8, 8, 16, 9)};
    const kvc_config marian = {.arch = KVC_MARIAN, BART_SIZES(2, 2, 2, 4, 8, 16, 9)};
    const kvc_config gpt2 = {GPT2_SIZES(2, 2, 8, 8, 16, 9)};
    check_ok(kvc_config_check(&t5));
    check_ok(kvc_config_check(&marian));
#define WRONG(from, change)                                                              \
    do {                                                                                 \
        kvc_config c = from;                                                             \
        c.change;                                                                        \
        check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);                       \
    } while (0)
    WRONG(t5, n_encoder_layer = 0);
    WRONG(t5, n_encoder_layer = 1 << 20);
    WRONG(t5, relative_buckets = 0);
    WRONG(t5, relative_buckets = 30);
    WRONG(t5, relative_buckets = 132);
    WRONG(t5, relative_distance = 16);
    WRONG(t5, relative_distance = 4097);
    WRONG(t5, score_scale = 0.0f);
    WRONG(t5, scaled_head = 2);
    WRONG(t5, attention_bias = 1);
    WRONG(marian, n_encoder_layer = 0);
    WRONG(marian, scaled_head = 1);
    WRONG(marian, relative_buckets = 32);
    WRONG(marian, relative_distance = 128);
    WRONG(marian, own_head = 1);
    WRONG(gpt2, n_encoder_layer = 1);
    WRONG(gpt2, scaled_head = 1);
}

/* Copies of the embedding, sinusoids and old weights that files may have. */
static void names_that_are_ignored(void **unused)
{
    (void)unused;
    static const struct {
        kvc_arch arch;
        const char *name;
        bool ignored;
    } names[] = {
        {KVC_T5, "encoder.embed_tokens.weight", true},
        {KVC_T5, "lm_head.weight", true},
        {KVC_T5, "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
         true},
        {KVC_T5, "encoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
         false},
        {KVC_T5, "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
         false},
        {KVC_T5, "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
         false},
        {KVC_MARIAN, "model.decoder.embed_positions.weight", true},
        {KVC_MARIAN, "encoder.embed_positions.weight", true},
        {KVC_BART, "model.encoder.embed_positions.weight", false},
        {KVC_BART, "model.decoder.embed_tokens.weight", true},
        {KVC_BART, "lm_head.weight", true},
        {KVC_BART, "final_logits_bias", false},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kvc_config t5 = {.arch = KVC_T5, T5_SIZES(1, 1, 1, 4, 8, 8, 16, 9)};
        const kvc_config bart = {.arch = names[i].arch, BART_SIZES(1, 1, 2, 4, 8, 16, 9)};
        random_model m = random_model_new(names[i].arch == KVC_T5 ? &t5 : &bart, 1);
        assert_true(kvc_model_ignores(m.packed, names[i].name) == names[i].ignored);
        random_model_free(&m);
    }
}

/* ---- as bytes ---------------------------------------------------------------------- */

static void *saved(kvc_session *s, size_t *bytes)
{
    check_ok(kvc_session_state_bytes(s, bytes));
    void *state = check_alloc(1, *bytes);
    check_ok(kvc_session_save(s, state, *bytes));
    return state;
}

/* Into less room; cut anywhere; of a session that has no cross cache, or no source. */
static void restored(void **unused)
{
    (void)unused;
    fixture f = some_fixture();
    const kvc_session_config small = {S, 3, KVC_F32, KVC_F32, .source_capacity = 39};
    kvc_session *s = f.session, *other = new_session(&f, 3, KVC_F32);
    kvc_session *smaller = random_model_sequences(&f.model, &small);
    size_t bytes;
    for (int cross = 0; cross < 2; cross++) {
        check_ok(kvc_session_set_cross_cache(s, cross));
        read_source(s, &f, 40);
        check_ok(kvc_session_prefill(s, f.ids, 5));
        void *state = saved(s, &bytes);
        check_error(kvc_session_restore(smaller, state, bytes), KVC_ERR_SOURCE_TOO_LONG);
        check_error(kvc_session_prefill(smaller, f.ids, 1), KVC_ERR_NO_SOURCE);
        check_ok(kvc_session_set_source(other, f.source + 9, 100));
        for (size_t n = 0; n < bytes; n += 1 + n / 9)
            check_error(kvc_session_restore(other, state, n), KVC_ERR_STATE_INVALID);
        assert_int_equal(kvc_session_source_length(other), 100);
        check_ok(kvc_session_restore(other, state, bytes));
        assert_int_equal(kvc_session_source_length(other), 40);
        assert_memory_equal(kvc_session_source(other), f.source, 40 * sizeof *f.source);
        assert_int_equal(kvc_cache_length(kvc_session_cross_cache(other), 0),
                         cross ? 40 : 0);
        kvc_session_clear_counts(other);
        check_ok(kvc_session_prefill(s, f.ids + 5, 9));
        check_ok(kvc_session_prefill(other, f.ids + 5, 9));
        check_same(kvc_session_logits(other), kvc_session_logits(s), f.V);
        assert_int_equal(kvc_session_counts(other).encoder_macs, 0);
        free(state);
    }
    kvc_session_reset(s);
    void *state = saved(s, &bytes);
    check_ok(kvc_session_restore(other, state, bytes));
    check_error(kvc_session_prefill(other, f.ids, 1), KVC_ERR_NO_SOURCE);
    free(state);
    free(other);
    free(smaller);
    fixture_free(&f);
}

static void seal(unsigned char *state, size_t n)
{
    const uint64_t sum = kvc_fnv1a(KVC_FNV_START, state, n - 8);
    for (size_t i = 0; i < 8; i++)
        state[n - 8 + i] = (unsigned char)(sum >> 8 * i);
}

/* Whatever it holds, nothing steps out of line. */
static void use(kvc_session *s)
{
    float weights[N];
    const size_t position = kvc_session_position(s);
    assert_true(position <= 6 && kvc_session_source_length(s) <= 20);
    kvc_session_cross_attention(s, 0, 0, weights);
    for (int cross = 1; cross >= 0 && kvc_session_position(s) < 6; cross--) {
        check_ok(kvc_session_set_cross_cache(s, cross));
        const kvc_error error = kvc_session_decode(s, 1);
        const bool has_source = kvc_session_source_length(s) > 0;
        assert_true(has_source ? error == KVC_OK || error == KVC_ERR_NOT_FINITE
                               : error == KVC_ERR_NO_SOURCE);
    }
    check_ok(kvc_session_set_cross_cache(s, true));
}

/* Any word forged, with a right checksum: refused without a trace, or harmless. */
static void forged_words(void **unused)
{
    (void)unused;
    const kvc_config config = {.arch = KVC_T5, T5_SIZES(1, 1, 1, 4, 4, 4, 20, 5)};
    const kvc_session_config sizes = {6, 1, KVC_F32, KVC_F32, .source_capacity = 20};
    random_model m = random_model_new(&config, 1);
    kvc_session *s = random_model_sequences(&m, &sizes);
    const uint32_t ids[18] = {1, 2, 3, 4};
    size_t bytes, n, taken = 0, refused = 0;
    check_ok(kvc_session_set_source(s, ids, 18));
    check_ok(kvc_session_prefill(s, ids, 3));
    unsigned char *state = saved(s, &bytes), *forged = check_alloc(1, bytes);
    for (size_t at = 24; at + 4 <= bytes - 8; at += 4) {
        uint32_t was;
        memcpy(&was, state + at, sizeof was);
        const uint32_t words[] = {0,  1,          2,       17,      20,
                                  21, UINT32_MAX, was + 1, was - 1, was ^ 4};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            memcpy(forged, state, bytes);
            memcpy(forged + at, &words[i], sizeof *words);
            seal(forged, bytes);
            check_ok(kvc_session_restore(s, state, bytes));
            if (kvc_session_restore(s, forged, bytes) == KVC_OK) {
                use(s);
                taken++;
                continue;
            }
            unsigned char *now = saved(s, &n);
            assert_memory_equal(now, state, bytes);
            free(now);
            refused++;
        }
    }
    assert_true(taken > 100 && refused > 100);
    free(forged);
    free(state);
    free(s);
    random_model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_begin_where_they_do),
        cmocka_unit_test(sinusoids_are_the_nearest_floats),
        cmocka_unit_test(near_the_oracle),
        cmocka_unit_test(attention_is_near_the_oracle),
        cmocka_unit_test(scores_are_those_of_decoding),
        cmocka_unit_test(dropped_at_every_step),
        cmocka_unit_test(filled_by_the_next_pass),
        cmocka_unit_test(nothing_is_stale),
        cmocka_unit_test(counted_apart),
        cmocka_unit_test(memory_apart),
        cmocka_unit_test(refused),
        cmocka_unit_test(without_an_encoder),
        cmocka_unit_test(configs_are_checked),
        cmocka_unit_test(names_that_are_ignored),
        cmocka_unit_test(restored),
        cmocka_unit_test(forged_words),
    };
    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
