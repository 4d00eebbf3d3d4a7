/* What a pass costs, against closed forms: with the cache a row is computed once and
 * only its attention grows with the position; without it every row of the prefix is
 * computed again. */
#include "base/number.h"
#include "check.h"
#include "random_model.h"

enum { N = 80, L = 3, H = 2, C = 24, F = 36, V = 52, BLOCK = 32 };
static const kvc_config config = {GPT2_SIZES(L, H, C, F, N, V)};
static random_model model;
static uint32_t ids[N];
static kvc_session *s;

static int set_up(void **unused)
{
    (void)unused;
    const kvc_session_config sizes = {.capacity = N, 40, KVC_F32, KVC_F32};
    uint64_t state = 1;
    model = random_model_new(&config, 1);
    random_ids(ids, N, V, &state);
    s = random_model_sequences(&model, &sizes);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    free(s);
    random_model_free(&model);
    return 0;
}

/* ---- closed forms ------------------------------------------------------------------ */

/* Multiply-adds of one row in one layer: k and v; q, proj, fc and mlp_proj. */
enum { KV_MACS = 2 * C * C, REST_MACS = 2 * C * C + 2 * C * F };
enum { F32_BYTES = 2 * C * sizeof(float) }; /* K and V of a token in one layer */
static size_t token_bytes = F32_BYTES;

/* sum of 2 C (t + 1) for t in first .. end-1: each query against all up to itself */
static uint64_t triangle(uint64_t first, uint64_t end)
{
    return C * (end * (end + 1) - first * (first + 1));
}

/* Tokens read by queries first .. end-1, two at a time as far as the later one sees. */
static uint64_t walked(size_t first, size_t end)
{
    uint64_t tokens = 0;
    for (size_t t = first; t < end; t += 2)
        tokens += t + 2 <= end ? t + 2 : t + 1;
    return tokens;
}

/* Rows first .. end-1 of a text, of which the last layer finishes only the last one:
 * multiply-adds do not care for blocks, bytes of weights do. */
static kvc_counts span_counts(size_t first, size_t end)
{
    const uint64_t rows = end - first, blocks = (rows + BLOCK - 1) / BLOCK;
    kvc_counts c = {0};
    c.projection_macs = L * rows * KV_MACS + ((L - 1) * rows + 1) * (uint64_t)REST_MACS;
    c.attention_macs = (L - 1) * triangle(first, end) + triangle(end - 1, end);
    c.head_macs = C * V;
    c.weight_bytes = sizeof(float) *
                     (L * blocks * KV_MACS + ((L - 1) * blocks + 1) * REST_MACS + C * V);
    for (size_t block = first; block < end; block += BLOCK)
        c.cache_bytes_read +=
            (L - 1) * token_bytes * walked(block, kvc_min(block + BLOCK, end));
    c.cache_bytes_read += token_bytes * end;
    c.cache_bytes_written = L * token_bytes * rows;
    return c;
}

static void add(kvc_counts *sum, const kvc_counts *c)
{
    sum->projection_macs += c->projection_macs;
    sum->attention_macs += c->attention_macs;
    sum->head_macs += c->head_macs;
    sum->weight_bytes += c->weight_bytes;
    sum->cache_bytes_read += c->cache_bytes_read;
    sum->cache_bytes_written += c->cache_bytes_written;
}

static void check_counts(kvc_counts want)
{
    const kvc_counts got = kvc_session_counts(s);
    assert_int_equal(got.projection_macs, want.projection_macs);
    assert_int_equal(got.attention_macs, want.attention_macs);
    assert_int_equal(got.head_macs, want.head_macs);
    assert_int_equal(got.weight_bytes, want.weight_bytes);
    assert_int_equal(got.cache_bytes_read, want.cache_bytes_read);
    assert_int_equal(got.cache_bytes_written, want.cache_bytes_written);
    kvc_session_clear_counts(s);
}

static void restart(bool use_cache)
{
    kvc_session_reset(s);
    check_ok(kvc_session_set_cache(s, use_cache));
    kvc_session_clear_counts(s);
    check_counts((kvc_counts){0});
}

/* ---- passes ------------------------------------------------------------------------ */

/* Every split in two; decode is a prefill of one. */
static void prefill_and_decode(void **unused)
{
    (void)unused;
    for (size_t split = 1; split < N; split++) {
        restart(true);
        check_ok(kvc_session_prefill(s, ids, split));
        check_counts(span_counts(0, split));
        check_ok(kvc_session_prefill(s, ids + split, N - split));
        check_counts(span_counts(split, N));
    }
    restart(true);
    for (size_t t = 0; t < N; t++) {
        check_ok(kvc_session_decode(s, ids[t]));
        kvc_counts want = span_counts(t, t + 1);
        assert_int_equal(want.projection_macs, L * (KV_MACS + REST_MACS)); /* O(1) */
        assert_int_equal(want.attention_macs, L * 2 * C * (t + 1));        /* O(t) */
        check_counts(want);
    }
}

/* Without the cache each step is a pass over the prefix: n (n + 1) / 2 rows for n
 * tokens, less those that the last layer skips. */
static void without_the_cache(void **unused)
{
    (void)unused;
    kvc_counts on = {0}, off = {0};
    restart(false);
    for (size_t t = 0; t < N; t++) {
        check_ok(kvc_session_decode(s, ids[t]));
        const kvc_counts want = span_counts(0, t + 1), cached = span_counts(t, t + 1);
        check_counts(want);
        add(&off, &want);
        add(&on, &cached);
    }
    const uint64_t rows = N * (N + 1) / 2;
    assert_int_equal(on.projection_macs, (uint64_t)N * L * (KV_MACS + REST_MACS));
    assert_int_equal(off.projection_macs,
                     L * rows * KV_MACS + ((L - 1) * rows + N) * REST_MACS);
    assert_int_equal(on.cache_bytes_written, (uint64_t)N * L * token_bytes);
    assert_int_equal(off.cache_bytes_written, rows * L * token_bytes);
    check_ok(kvc_session_set_cache(s, true)); /* and then it has to catch up, once */
    check_ok(kvc_session_truncate(s, N - 1));
    check_ok(kvc_session_decode(s, 0));
    check_counts(span_counts(0, N));
}

/* Scoring finishes every row and computes all logits, four rows at a time. */
static void scoring(void **unused)
{
    (void)unused;
    float log_probs[N];
    restart(true);
    for (size_t T = 2; T <= N; T += 13) {
        const uint64_t rows = T - 1, blocks = (rows + BLOCK - 1) / BLOCK;
        kvc_counts want = {.projection_macs = L * rows * (KV_MACS + REST_MACS),
                           .attention_macs = L * triangle(0, rows),
                           .head_macs = rows * C * V,
                           .cache_bytes_written = L * token_bytes * rows};
        want.weight_bytes =
            sizeof(float) * (L * blocks * (KV_MACS + REST_MACS) + (rows + 3) / 4 * C * V);
        for (size_t block = 0; block < rows; block += BLOCK)
            want.cache_bytes_read +=
                L * token_bytes * walked(block, kvc_min(block + BLOCK, rows));
        check_ok(kvc_session_score(s, ids, T, log_probs));
        check_counts(want);
    }
}

/* A batch does the work of its rows and reads each weight once for every 32 of them. */
static void batches(void **unused)
{
    (void)unused;
    uint32_t sequences[40], next[40];
    restart(true);
    for (uint32_t b = 0; b < 40; b++) {
        check_ok(kvc_session_select(s, b));
        check_ok(kvc_session_prefill(s, ids, 1 + b));
        sequences[b] = b;
        next[b] = ids[1 + b];
    }
    for (size_t n = 1; n <= 40; n += n < 30 || n > 34 ? 3 : 1) {
        kvc_session_clear_counts(s);
        kvc_counts want = {0};
        for (size_t b = 0; b < n; b++) {
            check_ok(kvc_session_select(s, b));
            const size_t position = kvc_session_position(s);
            const kvc_counts row = span_counts(position, position + 1);
            add(&want, &row);
        }
        want.weight_bytes = (n + BLOCK - 1) / BLOCK * span_counts(0, 1).weight_bytes;
        check_ok(kvc_session_begin_batch(s, sequences, next, n));
        while (kvc_session_step(s) == KVC_PENDING)
            ;
        check_counts(want);
    }
    check_ok(kvc_session_select(s, 0));
}

/* Keys and values of different types count for what each takes. */
static void narrow_and_mixed(void **unused)
{
    (void)unused;
    static const kvc_dtype types[] = {KVC_F32, KVC_F16, KVC_I8, KVC_I4};
    /* heads of 12: 16 nibbles and a scale */
    static const size_t bytes[] = {4 * C, 2 * C, C + H * sizeof(float), H * (16 / 2 + 2)};
    kvc_session *wide = s;
    for (size_t key = 0; key < 4; key++)
        for (size_t value = 0; value < 4; value++) {
            const kvc_session_config sizes = {.capacity = N, 2, types[key], types[value]};
            s = random_model_sequences(&model, &sizes);
            token_bytes = bytes[key] + bytes[value];
            prefill_and_decode(NULL);
            const kvc_memory memory = kvc_session_memory(s);
            const size_t slots = kvc_round_up(N, KVC_PAGE) * sizes.n_sequence;
            assert_int_equal(memory.bytes_per_token, L * token_bytes);
            assert_int_equal(memory.used_bytes, N * L * token_bytes);
            assert_int_equal(memory.cache_bytes, slots * L * token_bytes);
            free(s);
        }
    s = wide;
    token_bytes = F32_BYTES;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefill_and_decode),
        cmocka_unit_test(without_the_cache),
        cmocka_unit_test(scoring),
        cmocka_unit_test(batches),
        cmocka_unit_test(narrow_and_mixed),
    };
    return cmocka_run_group_tests_name("counts", tests, set_up, tear_down);
}
