#include "plain_cache.h"

#include <math.h>

#include "random_model.h"

/* Floats of one token. */
static size_t width(const plain_cache *m)
{
    return m->shape.n_kv_head * m->shape.head_dim;
}

static size_t at(const plain_cache *m, size_t layer, size_t b, size_t slot)
{
    const kvc_cache_shape *s = &m->shape;
    return ((layer * s->batch + b) * s->capacity + slot) * width(m);
}

plain_cache plain_new(const kvc_cache *cache)
{
    plain_cache m = {.shape = *kvc_cache_get_shape(cache)};
    assert_true(m.shape.batch <= PLAIN_B);
    const size_t n = at(&m, m.shape.n_layer, 0, 0);
    m.k = calloc(n, sizeof *m.k);
    m.v = calloc(n, sizeof *m.v);
    assert_true(m.k && m.v);
    return m;
}

void plain_free(plain_cache *m)
{
    free(m->k);
    free(m->v);
}

/* ---- numbers ----------------------------------------------------------------------- */

static double round_half(double x)
{
    int exponent;
    frexp(x, &exponent); /* |x| < 2^exponent */
    const double unit = ldexp(1.0, (exponent > -13 ? exponent : -13) - 11);
    const double rounded = nearbyint(x / unit) * unit;
    return fabs(rounded) > 65504.0 ? copysign(65504.0, x) : rounded;
}

/* The least and the largest integer that a type has. */
static float within(float x, float least, float most)
{
    return fminf(fmaxf(nearbyintf(x), least), most) + 0.0f;
}

/* Numbers that share a scale.   x: [n] */
static void round_block(float *out, const float *x, size_t n, kvc_dtype type)
{
    float most = 0.0f;
    for (size_t d = 0; d < n; d++)
        most = fabsf(x[d]) > fabsf(most) ? x[d] : most;
    const float eighth = (float)round_half((double)(most / -8.0f));
    const float scale = type == KVC_I4 ? eighth : fabsf(most) / 127.0f;
    for (size_t d = 0; d < n; d++)
        out[d] = scale == 0.0f    ? 0.0f
                 : type == KVC_I4 ? scale * within(x[d] / scale, -8.0f, 7.0f) + 0.0f
                                  : scale * within(x[d] / scale, -127.0f, 127.0f);
}

void plain_round(float *out, const float *x, size_t D, kvc_dtype type)
{
    const size_t block = type == KVC_I4 ? 32 : D;
    for (size_t d = 0; d < D; d++)
        out[d] = type == KVC_F32 ? x[d] : (float)round_half((double)x[d]);
    for (size_t d = 0; d < D && type != KVC_F32 && type != KVC_F16; d += block)
        round_block(out + d, x + d, D - d < block ? D - d : block, type);
}

static void store(plain_cache *m, size_t from, const float *k, const float *v)
{
    const size_t D = m->shape.head_dim;
    for (size_t i = 0; i < width(m); i += D) {
        plain_round(m->k + from + i, k + i, D, m->shape.key_type);
        plain_round(m->v + from + i, v + i, D, m->shape.value_type);
    }
}

/* ---- the same to both -------------------------------------------------------------- */

static void move(plain_cache *m, size_t to_b, size_t to, size_t from_b, size_t from,
                 size_t n)
{
    const size_t bytes = n * width(m) * sizeof(float);
    for (size_t layer = 0; layer < m->shape.n_layer; layer++) {
        const size_t target = at(m, layer, to_b, to), source = at(m, layer, from_b, from);
        memmove(m->k + target, m->k + source, bytes);
        memmove(m->v + target, m->v + source, bytes);
    }
}

/* Random rows of an odd stride into some layers, kept as plain arrays or not. */
static void write(plain_cache *m, kvc_cache *cache, size_t b, size_t T, size_t n_layer,
                  bool keep, uint64_t *state)
{
    const size_t stride = width(m) + random_below(state, 4);
    float *k = check_alloc(T * stride + 1, sizeof *k),
          *v = check_alloc(T * stride + 1, sizeof *v);
    for (size_t layer = 0; layer < n_layer; layer++) {
        random_values(k, T * stride, state);
        random_values(v, T * stride, state);
        check_ok(kvc_cache_append(cache, b, layer, T, k, v, stride));
        for (size_t t = 0; t < T && keep; t++)
            store(m, at(m, layer, b, m->length[b] + t), k + t * stride, v + t * stride);
    }
    free(k);
    free(v);
}

void plain_append(plain_cache *m, kvc_cache *cache, size_t b, size_t T, uint64_t *state)
{
    write(m, cache, b, T, m->shape.n_layer, true, state);
    assert_int_equal(kvc_cache_length(cache, b), m->length[b]); /* not yet */
    check_ok(kvc_cache_advance(cache, b, T));
    m->length[b] += T;
}

static void fork(plain_cache *m, kvc_cache *cache, size_t from, size_t to)
{
    check_ok(kvc_cache_fork(cache, from, to));
    move(m, to, 0, from, 0, m->length[from]);
    m->length[to] = m->length[from];
}

static void reorder(plain_cache *m, kvc_cache *cache, uint64_t *state)
{
    const size_t B = m->shape.batch;
    uint32_t from[PLAIN_B];
    plain_cache was = plain_new(cache);
    const size_t n = at(m, m->shape.n_layer, 0, 0);
    memcpy(was.k, m->k, n * sizeof *m->k);
    memcpy(was.v, m->v, n * sizeof *m->v);
    memcpy(was.length, m->length, sizeof was.length);
    for (size_t b = 0; b < B; b++)
        from[b] = (uint32_t)random_below(state, B);
    check_ok(kvc_cache_reorder(cache, from));
    for (size_t b = 0; b < B; b++) {
        m->length[b] = was.length[from[b]];
        for (size_t layer = 0; layer < m->shape.n_layer; layer++) {
            const size_t to = at(m, layer, b, 0), source = at(m, layer, from[b], 0);
            const size_t bytes = m->length[b] * width(m) * sizeof(float);
            memcpy(m->k + to, was.k + source, bytes);
            memcpy(m->v + to, was.v + source, bytes);
        }
    }
    plain_free(&was);
}

static void evict(plain_cache *m, kvc_cache *cache, size_t b, uint64_t *state)
{
    const bool pages = random_below(state, 2) != 0; /* whole ones */
    size_t first = random_below(state, m->length[b] + 1);
    size_t n = random_below(state, m->length[b] - first + 1);
    if (pages) {
        first = first / KVC_PAGE * KVC_PAGE;
        n = n / KVC_PAGE * KVC_PAGE;
    }
    check_ok(kvc_cache_evict(cache, b, first, n));
    move(m, b, first, b, first + n, m->length[b] - first - n);
    m->length[b] -= n;
}

void plain_operate(plain_cache *m, kvc_cache *cache, uint64_t *state)
{
    const size_t B = m->shape.batch, b = random_below(state, B);
    const size_t left = m->shape.capacity - m->length[b];
    const size_t some = random_below(state, left + 1),
                 operation = random_below(state, 32);
    if (operation < 14) {
        plain_append(m, cache, b, some < 21 ? some : 21, state);
    } else if (operation < 16) { /* a pass that is cancelled */
        write(m, cache, b, some, random_below(state, m->shape.n_layer + 1), false, state);
    } else if (operation < 19) {
        const size_t n = random_below(state, m->length[b] + 1);
        check_ok(kvc_cache_truncate(cache, b, n));
        m->length[b] = n;
    } else if (operation < 23) {
        evict(m, cache, b, state);
    } else if (operation < 27) {
        fork(m, cache, b, random_below(state, B));
    } else if (operation < 29) {
        reorder(m, cache, state);
    } else if (operation < 30) {
        check_ok(kvc_cache_drop(cache, b));
        m->length[b] = 0;
    } else if (operation < 31) {
        check_ok(kvc_cache_keep(cache, b));
        for (size_t other = 0; other < B; other++)
            m->length[other] = other == b ? m->length[b] : 0;
    } else {
        kvc_cache_reset(cache);
        memset(m->length, 0, sizeof m->length);
    }
}

/* ---- comparing --------------------------------------------------------------------- */

static void check_numbers(const plain_cache *m, const kvc_cache *cache, size_t b)
{
    const kvc_cache_shape *s = &m->shape;
    const size_t D = s->head_dim, n = m->length[b];
    float *k = check_alloc(n * D + 1, sizeof *k), *v = check_alloc(n * D + 1, sizeof *v);
    for (size_t layer = 0; layer < s->n_layer; layer++)
        for (size_t h = 0; h < s->n_kv_head; h++) {
            check_ok(kvc_cache_read(cache, b, layer, h, 0, n, k, v));
            for (size_t t = 0; t < n; t++) {
                const size_t from = at(m, layer, b, t) + h * D;
                check_same(k + t * D, m->k + from, D);
                check_same(v + t * D, m->v + from, D);
            }
        }
    free(k);
    free(v);
}

/* Slots that hold tokens, those of one page and place counted once. */
static size_t distinct_slots(const plain_cache *m, const kvc_cache *cache)
{
    const size_t pages = m->shape.batch * ((m->shape.capacity + KVC_PAGE - 1) / KVC_PAGE);
    bool *seen = calloc(pages * KVC_PAGE, sizeof *seen);
    size_t n = 0;
    for (size_t b = 0; b < m->shape.batch; b++)
        for (size_t slot = 0; slot < m->length[b]; slot++) {
            const size_t page = kvc_cache_page(cache, b, slot);
            assert_in_range(page, 0, pages - 1);
            n += !seen[page * KVC_PAGE + slot % KVC_PAGE];
            seen[page * KVC_PAGE + slot % KVC_PAGE] = true;
        }
    free(seen);
    return n;
}

void plain_check(const plain_cache *m, const kvc_cache *cache)
{
    size_t all = 0;
    for (size_t b = 0; b < m->shape.batch; b++) {
        assert_int_equal(kvc_cache_length(cache, b), m->length[b]);
        check_numbers(m, cache, b);
        all += m->length[b];
    }
    const kvc_cache_memory memory = kvc_cache_get_memory(cache);
    const size_t distinct = distinct_slots(m, cache);
    assert_int_equal(memory.used_bytes, distinct * memory.bytes_per_token);
    assert_int_equal(memory.shared_bytes, (all - distinct) * memory.bytes_per_token);
}
