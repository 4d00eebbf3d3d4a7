/* The KV cache as a data structure: what is written is read back to the bit, wherever
 * it lies; nothing leaks into another layer, head or sequence; positions are counted
 * and guarded. */
#include "check.h"
#include "random_model.h"

/* ---- what a cache should hold: a plain array [L][B][S][H * D] for K, one for V ----- */

typedef struct mirror {
    kvc_cache_shape shape;
    float *k, *v;
    size_t length[4];
} mirror;

static size_t mirror_at(const mirror *m, size_t layer, size_t b, size_t slot)
{
    const kvc_cache_shape *s = &m->shape;
    return ((layer * s->batch + b) * s->capacity + slot) * s->n_kv_head * s->head_dim;
}

static mirror new_mirror(const kvc_cache *cache)
{
    mirror m = {.shape = *kvc_cache_get_shape(cache)};
    const size_t n = mirror_at(&m, m.shape.n_layer, 0, 0);
    m.k = calloc(n, sizeof *m.k);
    m.v = calloc(n, sizeof *m.v);
    return m;
}

static void free_mirror(mirror *m)
{
    free(m->k);
    free(m->v);
}

/* Appends T random tokens to every layer of sequence b, rows `stride` floats apart. */
static void append(kvc_cache *cache, mirror *m, size_t b, size_t T, uint64_t *state)
{
    const size_t width = m->shape.n_kv_head * m->shape.head_dim;
    const size_t stride = width + random_below(state, 4);
    float *k = check_alloc(T * stride, sizeof *k),
          *v = check_alloc(T * stride, sizeof *v);
    for (size_t layer = 0; layer < m->shape.n_layer; layer++) {
        random_values(k, T * stride, state);
        random_values(v, T * stride, state);
        check_ok(kvc_cache_append(cache, b, layer, T, k, v, stride));
        for (size_t t = 0; t < T; t++) {
            const size_t at = mirror_at(m, layer, b, m->length[b] + t);
            memcpy(m->k + at, k + t * stride, width * sizeof *k);
            memcpy(m->v + at, v + t * stride, width * sizeof *v);
        }
    }
    assert_int_equal(kvc_cache_length(cache, b),
                     m->length[b]); /* append doesn't advance */
    check_ok(kvc_cache_advance(cache, b, T));
    m->length[b] += T;
    assert_int_equal(kvc_cache_length(cache, b), m->length[b]);
    free(k);
    free(v);
}

/* The first T tokens, read as (B, H, T, D), equal the mirror. */
static void check_mirror(const kvc_cache *cache, const mirror *m, size_t T)
{
    const kvc_cache_shape *s = &m->shape;
    const size_t D = s->head_dim, n = s->batch * s->n_kv_head * T * D;
    float *k = check_alloc(n, sizeof *k), *v = check_alloc(n, sizeof *v);
    for (size_t layer = 0; layer < s->n_layer; layer++) {
        check_read(cache, layer, T, k, v);
        for (size_t b = 0; b < s->batch; b++)
            for (size_t h = 0; h < s->n_kv_head; h++)
                for (size_t t = 0; t < T; t++) {
                    const size_t from = ((b * s->n_kv_head + h) * T + t) * D;
                    const size_t at = mirror_at(m, layer, b, t) + h * D;
                    check_same(k + from, m->k + at, D);
                    check_same(v + from, m->v + at, D);
                }
    }
    free(k);
    free(v);
}

static size_t shortest(const mirror *m)
{
    size_t n = m->length[0];
    for (size_t b = 1; b < m->shape.batch; b++)
        n = m->length[b] < n ? m->length[b] : n;
    return n;
}

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
            mirror m = new_mirror(cache);
            check_mirror(cache, &m, 0); /* an empty prefix of an empty cache */
            while (shortest(&m) < S) {
                const size_t b = random_below(&state, B), left = S - m.length[b];
                append(cache, &m, b, random_below(&state, left + 1), &state);
                check_mirror(cache, &m, shortest(&m));
            }
            free_mirror(&m);
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
    mirror m = new_mirror(cache);
    for (int round = 0; round < 400; round++) {
        const size_t b = random_below(&state, 2);
        if (random_below(&state, 2)) {
            append(cache, &m, b, random_below(&state, 37 - m.length[b] + 1), &state);
        } else {
            const size_t n = random_below(&state, m.length[b] + 1);
            check_ok(kvc_cache_truncate(cache, b, n));
            m.length[b] = n;
            assert_int_equal(kvc_cache_length(cache, b), n);
            assert_int_equal(kvc_cache_length(cache, 1 - b), m.length[1 - b]);
        }
        check_mirror(cache, &m, shortest(&m));
    }
    free_mirror(&m);
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
    const kvc_cache_shape shape = {2, 2, 3, 19, 8, KVC_F32, KVC_F32};
    size_t bytes;
    kvc_cache *used, *fresh;
    check_ok(kvc_cache_bytes(&shape, &bytes));
    check_ok(kvc_cache_init(&used, &shape, check_alloc(1, bytes), bytes));
    check_ok(kvc_cache_init(&fresh, &shape, check_alloc(1, bytes), bytes));
    uint64_t first = 3, second = 4;
    mirror m = new_mirror(used);
    append(used, &m, 0, 19, &first);
    append(used, &m, 1, 7, &first);
    kvc_cache_reset(used);
    free_mirror(&m);
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
        m = new_mirror(cache);
        append(cache, &m, 0, 11, &second);
        append(cache, &m, 1, 13, &second);
        check_mirror(cache, &m, 11);
        free_mirror(&m);
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
