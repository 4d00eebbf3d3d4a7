/* mha.c - a multi-head attention with its projections and its own one-layer cache.
 *
 * Tokens come in chunks of ROWS rows: project, append, attend, project. Self-attention
 * appends its input; cross-attention appends its source once and then only reads.
 * kvc_mha_full is self-attention through a second cache, always F32, that starts empty.
 */
#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "cache/attention.h"
#include "cache/cache.h"
#include "kernels/linear.h"
#include "kernels/matrix.h"
#include "kernels/vector.h"

enum { ROWS = 32, WEIGHTS = 4 };

struct kvc_mha {
    kvc_mha_config config;
    kvc_matrix weights[WEIGHTS];
    kvc_cache *cache; /* B sequences of tokens, or of source tokens */
    kvc_cache *whole; /* one sequence: kvc_mha_full's; NULL for cross-attention */
    float *q;         /* [ROWS, n_head * D] */
    float *k, *v;     /* [ROWS, n_kv_head * D]; the whole source for cross-attention */
    float *heads;     /* [ROWS, n_head * D] the output of attention */
    float *scores;    /* kvc_attention_scratch */
    uint64_t projected;
};

/* ---- memory ------------------------------------------------------------------------ */

/* A matrix of zeros; n_in and n_out are multiples of 4. */
static kvc_matrix take_matrix(kvc_arena *arena, size_t n_in, size_t n_out)
{
    float *bias = kvc_take_floats(arena, 1, n_out);
    const kvc_matrix m = kvc_matrix_take(arena, n_in, n_out, bias, KVC_F32);
    if (m.w) {
        memset(m.w, 0, kvc_matrix_bytes(&m));
        memset(bias, 0, n_out * sizeof *bias);
    }
    return m;
}

static kvc_cache_shape shape_of(const kvc_mha_config *c)
{
    return (kvc_cache_shape){.batch = c->batch,
                             .n_layer = 1,
                             .n_kv_head = c->n_kv_head,
                             .capacity = c->capacity,
                             .head_dim = c->head_dim,
                             .key_type = c->key_type,
                             .value_type = c->value_type,
                             .policy = c->policy};
}

static kvc_mha *layout(kvc_arena *arena, const kvc_mha_config *c)
{
    const size_t C = c->n_embd, source = c->source_dim ? c->source_dim : C;
    const size_t width = kvc_times(arena, c->n_head, c->head_dim);
    const size_t kv_width = kvc_times(arena, c->n_kv_head, c->head_dim);
    const size_t kv_rows = c->source_dim ? c->capacity : ROWS;
    kvc_cache_shape shape = shape_of(c);
    kvc_mha *mha = kvc_take(arena, 1, sizeof *mha);
    kvc_mha m = {.config = *c};
    m.weights[KVC_MHA_Q] = take_matrix(arena, C, width);
    m.weights[KVC_MHA_K] = take_matrix(arena, source, kv_width);
    m.weights[KVC_MHA_V] = take_matrix(arena, source, kv_width);
    m.weights[KVC_MHA_O] = take_matrix(arena, width, C);
    m.cache = kvc_cache_layout(arena, &shape, NULL, false);
    if (!c->source_dim) {
        shape.batch = 1;
        shape.key_type = shape.value_type = KVC_F32;
        shape.policy = KVC_OLDEST;
        m.whole = kvc_cache_layout(arena, &shape, NULL, false);
    }
    m.q = kvc_take_floats(arena, ROWS, width);
    m.k = kvc_take_floats(arena, kv_rows, kv_width);
    m.v = kvc_take_floats(arena, kv_rows, kv_width);
    m.heads = kvc_take_floats(arena, ROWS, width);
    m.scores =
        kvc_take_floats(arena, 1, kvc_attend_scratch(c->capacity, c->head_dim, false));
    if (arena->base && !arena->overflow)
        *mha = m;
    return mha;
}

static bool is_valid(const kvc_mha_config *c)
{
    const kvc_cache_shape shape = shape_of(c);
    size_t bytes;
    return c->n_embd > 0 && c->n_embd % 4 == 0 && c->source_dim % 4 == 0 &&
           c->n_head > 0 && c->n_kv_head > 0 && c->n_head % c->n_kv_head == 0 &&
           kvc_cache_bytes(&shape, &bytes) != KVC_ERR_INVALID_ARGUMENT;
}

kvc_error kvc_mha_bytes(const kvc_mha_config *config, size_t *bytes)
{
    if (!config || !bytes || !is_valid(config))
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_arena arena = {0};
    layout(&arena, config);
    *bytes = arena.used;
    return arena.overflow ? KVC_ERR_OUT_OF_MEMORY : KVC_OK;
}

kvc_error kvc_mha_init(kvc_mha **mha, const kvc_mha_config *config, void *memory,
                       size_t bytes)
{
    size_t needed;
    const kvc_error error = kvc_mha_bytes(config, &needed);
    if (error)
        return error;
    if (!mha || !kvc_is_aligned(memory))
        return KVC_ERR_INVALID_ARGUMENT;
    if (bytes < needed)
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_arena arena = {.base = memory};
    *mha = layout(&arena, config);
    return KVC_OK;
}

kvc_error kvc_mha_set_weight(kvc_mha *mha, kvc_mha_weight which, const float *w,
                             const float *bias)
{
    if (!mha || (unsigned)which >= WEIGHTS || !w)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_matrix *m = &mha->weights[which];
    if (!kvc_all_finite(w, m->n_in * m->n_out) ||
        (bias && !kvc_all_finite(bias, m->n_out)))
        return KVC_ERR_NOT_FINITE;
    for (size_t i = 0; i < m->n_in; i++)
        for (size_t o = 0; o < m->n_out; o++)
            *kvc_matrix_at(m, i, o) = w[i * m->n_out + o];
    if (bias)
        memcpy(m->bias, bias, m->n_out * sizeof *bias);
    else
        memset(m->bias, 0, m->n_out * sizeof *bias);
    return KVC_OK;
}

/* ---- passes ------------------------------------------------------------------------ */

/* k, v = s Wk + bk, s Wv + bv   s: [n, C or source_dim] */
static void project(kvc_mha *mha, const float *s, size_t n)
{
    kvc_linear(mha->k, s, n, &mha->weights[KVC_MHA_K]);
    kvc_linear(mha->v, s, n, &mha->weights[KVC_MHA_V]);
    mha->projected += n;
}

/* One chunk of n <= ROWS tokens of sequence b, behind `ahead` others that are not history
 * yet.   y, x: [n, C] */
static kvc_error run_chunk(kvc_mha *mha, kvc_cache *cache, float *y, const float *x,
                           size_t b, size_t ahead, size_t n)
{
    const kvc_mha_config *c = &mha->config;
    const bool cross = c->source_dim > 0;
    const kvc_view whole = {.scale = kvc_usual_scale(c->head_dim)};
    kvc_error error = KVC_OK;
    if (!cross) {
        project(mha, x, n);
        error = kvc_cache_append_behind(cache, b, 0, ahead, n, mha->k, mha->v,
                                        c->n_kv_head * c->head_dim);
    }
    if (error)
        return error;
    kvc_linear(mha->q, x, n, &mha->weights[KVC_MHA_Q]);
    if (cross)
        error = kvc_cross_attention(mha->heads, mha->q, n, c->n_head, cache, b, 0,
                                    mha->scores);
    else
        kvc_attend(mha->heads, mha->q, n, c->n_head, cache, b, 0, whole,
                   kvc_cache_length(cache, b) + ahead, mha->scores);
    if (!error)
        kvc_linear(y, mha->heads, n, &mha->weights[KVC_MHA_O]);
    return error;
}

/* T tokens chunk by chunk. They become history, and what they looked at counts, once none
 * was refused: until then they can be dropped. */
static kvc_error run(kvc_mha *mha, kvc_cache *cache, float *y, const float *x, size_t b,
                     size_t T)
{
    const size_t C = mha->config.n_embd;
    kvc_error error = KVC_OK;
    for (size_t t = 0; t < T && !error; t += ROWS)
        error = run_chunk(mha, cache, y + t * C, x + t * C, b, t, kvc_min(ROWS, T - t));
    if (error)
        kvc_cache_truncate(cache, b, kvc_cache_length(cache, b));
    else if (!mha->config.source_dim)
        error = kvc_cache_advance(cache, b, T);
    return error;
}

kvc_error kvc_mha_forward(kvc_mha *mha, float *y, const float *x, size_t b, size_t T)
{
    if (!mha || !y || !x || T == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (b >= mha->config.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (!mha->config.source_dim &&
        T > mha->config.capacity - kvc_cache_length(mha->cache, b))
        return KVC_ERR_CACHE_FULL;
    return run(mha, mha->cache, y, x, b, T);
}

kvc_error kvc_mha_full(kvc_mha *mha, float *y, const float *x, size_t T)
{
    if (!mha || !y || !x || T == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (mha->config.source_dim)
        return KVC_ERR_UNSUPPORTED;
    if (T > mha->config.capacity)
        return KVC_ERR_CACHE_FULL;
    const kvc_error error = kvc_cache_truncate(mha->whole, 0, 0);
    return error ? error : run(mha, mha->whole, y, x, 0, T);
}

/* The old source goes only once the new one is projected: an error leaves it there. */
kvc_error kvc_mha_set_source(kvc_mha *mha, size_t b, const float *source, size_t n)
{
    if (!mha || !source || n == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_mha_config *c = &mha->config;
    if (!c->source_dim)
        return KVC_ERR_UNSUPPORTED;
    if (b >= c->batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n > c->capacity)
        return KVC_ERR_CACHE_FULL;
    const size_t width = c->n_kv_head * c->head_dim;
    project(mha, source, n);
    if (!kvc_all_finite(mha->k, n * width) || !kvc_all_finite(mha->v, n * width))
        return KVC_ERR_NOT_FINITE;
    kvc_error error = kvc_cache_truncate(mha->cache, b, 0);
    if (!error)
        error = kvc_cache_append(mha->cache, b, 0, n, mha->k, mha->v, width);
    return error ? error : kvc_cache_advance(mha->cache, b, n);
}

uint64_t kvc_mha_projected(const kvc_mha *mha)
{
    return mha->projected;
}

kvc_cache *kvc_mha_cache(kvc_mha *mha)
{
    return mha->cache;
}
