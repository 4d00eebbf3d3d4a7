/* session.c - one timeline: its tokens, its cache, and the passes that extend it.
 *
 * A pass computes rows first .. end-1 of the timeline, layer by layer, in blocks of
 * KVC_ROWS rows; kvc_session_step does one block of one layer, so a host can stop between
 * any two.
 *   cache on:  first = what the cache holds; K and V go to the cache's layer
 *   cache off: first = 0; K and V go to a cache of one layer, which the next overwrites
 *   scoring:   the same over a text of the caller's, and the timeline is left alone
 */
#include <string.h>

#include "gpt.h"

enum { SCORED_ROWS = 4 }; /* whose logits are there at once */

typedef struct pass {
    bool active;
    const uint32_t *ids; /* the timeline, or the text to score */
    float *log_probs;    /* [end] when scoring, else NULL */
    size_t first, end;   /* rows of ids */
    size_t layer, row;   /* what the next step does */
} pass;

struct kvc_session {
    const kvc_model *model;
    size_t capacity, total_bytes, position;
    bool use_cache, has_logits;
    pass pass;
    kvc_cache *cache;     /* L layers */
    kvc_cache *one_layer; /* K and V while the cache is off */
    kvc_workspace workspace;
    uint32_t *ids; /* [S] the timeline */
    float *x;      /* [S, C] the residual stream of the pass */
    float *logits; /* [V rounded up to 4] */
    float *scored; /* [SCORED_ROWS, V rounded up to 4] */
    void *sampler; /* kvc_sample's scratch */
};

/* ---- memory ------------------------------------------------------------------------ */

static kvc_session *layout(kvc_arena *arena, const kvc_model *model, size_t capacity)
{
    const kvc_config *config = &model->config;
    const size_t row_of_logits = kvc_round_up(config->vocab_size, 4) * sizeof(float);
    kvc_cache_shape shape = {1, config->n_layer, config->n_head, capacity,
                             config->n_embd / config->n_head};
    kvc_session *session = kvc_take(arena, 1, sizeof *session);
    kvc_session s = {.model = model, .capacity = capacity, .use_cache = true};
    s.cache = kvc_cache_layout(arena, &shape);
    shape.n_layer = 1;
    s.one_layer = kvc_cache_layout(arena, &shape);
    s.workspace = kvc_workspace_layout(arena, config, capacity);
    s.ids = kvc_take(arena, capacity, sizeof *s.ids);
    s.x = kvc_take(arena, capacity, config->n_embd * sizeof(float));
    s.logits = kvc_take(arena, 1, row_of_logits);
    s.scored = kvc_take(arena, SCORED_ROWS, row_of_logits);
    s.sampler = kvc_take(arena, 3, config->vocab_size * sizeof(float));
    s.total_bytes = arena->used;
    if (arena->base && !arena->overflow)
        *session = s;
    return session;
}

kvc_error kvc_session_bytes(const kvc_model *model, size_t capacity, size_t *bytes)
{
    if (!model || !bytes || capacity == 0 || capacity > model->config.n_positions)
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_arena arena = {0};
    layout(&arena, model, capacity);
    *bytes = arena.used;
    return arena.overflow ? KVC_ERR_OUT_OF_MEMORY : KVC_OK;
}

kvc_error kvc_session_init(kvc_session **session, kvc_model *model, size_t capacity,
                           void *memory, size_t bytes)
{
    size_t needed;
    const char *missing;
    kvc_error error = kvc_session_bytes(model, capacity, &needed);
    if (!error)
        error = kvc_model_complete(model, &missing);
    if (error)
        return error;
    if (!session || !kvc_is_aligned(memory))
        return KVC_ERR_INVALID_ARGUMENT;
    if (bytes < needed)
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_arena arena = {.base = memory};
    *session = layout(&arena, model, capacity);
    return KVC_OK;
}

kvc_memory kvc_session_memory(const kvc_session *s)
{
    const size_t bytes = kvc_cache_slot_bytes(s->cache), token = bytes / s->capacity;
    return (kvc_memory){.total_bytes = s->total_bytes,
                        .cache_bytes = bytes,
                        .used_bytes = token * kvc_cache_length(s->cache, 0),
                        .bytes_per_token = token};
}

/* ---- passes ------------------------------------------------------------------------ */

/* One block of one layer: n rows from row p->row of the pass on. */
static void layer_block(kvc_session *s, const pass *p, size_t n)
{
    const size_t position = p->first + p->row;
    const bool cached = s->use_cache && !p->log_probs;
    float *x = s->x + p->row * s->model->config.n_embd;
    if (p->layer == 0)
        kvc_gpt_embed(x, s->model, p->ids, position, n);
    size_t skip = 0;
    if (p->layer + 1 == s->model->config.n_layer && !p->log_probs) /* only the last row */
        skip = position + n == p->end ? n - 1 : n;
    kvc_gpt_layer(x, s->model, p->layer, cached ? s->cache : s->one_layer,
                  cached ? p->layer : 0, position, n, skip, &s->workspace);
}

/* The logits, and the end of the pass. */
static kvc_error finish(kvc_session *s)
{
    pass *p = &s->pass;
    const size_t last = p->end - p->first - 1;
    kvc_gpt_logits(s->logits, s->model, s->x + last * s->model->config.n_embd, 1,
                   &s->workspace);
    p->active = false;
    s->has_logits = kvc_all_finite(s->logits, s->model->config.vocab_size);
    if (!s->has_logits)
        return KVC_ERR_NOT_FINITE;
    s->position = p->end;
    return s->use_cache ? kvc_cache_advance(s->cache, 0, p->end - p->first) : KVC_OK;
}

/* The scores of the next rows; the pass ends with the last one. */
static kvc_error score_block(kvc_session *s)
{
    pass *p = &s->pass;
    const size_t V = s->model->config.vocab_size,
                 n = kvc_min(SCORED_ROWS, p->end - p->row);
    kvc_gpt_logits(s->scored, s->model, s->x + p->row * s->model->config.n_embd, n,
                   &s->workspace);
    for (size_t r = 0; r < n; r++, p->row++) {
        float *logits = s->scored + r * kvc_round_up(V, 4);
        if (!kvc_all_finite(logits, V)) {
            p->active = false;
            return KVC_ERR_NOT_FINITE;
        }
        p->log_probs[p->row] = kvc_log_softmax_at(logits, V, p->ids[p->row + 1]);
    }
    p->active = p->row < p->end;
    return p->active ? KVC_PENDING : KVC_OK;
}

static kvc_error check_ids(const kvc_session *s, const uint32_t *ids, size_t T)
{
    for (size_t t = 0; t < T; t++)
        if (ids[t] >= s->model->config.vocab_size)
            return KVC_ERR_TOKEN_OUT_OF_RANGE;
    return KVC_OK;
}

kvc_error kvc_session_begin(kvc_session *s, const uint32_t *ids, size_t T)
{
    if (!s || !ids || T == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (T > s->capacity - s->position)
        return KVC_ERR_CONTEXT_FULL;
    const kvc_error error = check_ids(s, ids, T);
    if (error)
        return error;
    memcpy(s->ids + s->position, ids, T * sizeof *ids);
    s->pass = (pass){.active = true,
                     .ids = s->ids,
                     .first = s->use_cache ? kvc_cache_length(s->cache, 0) : 0,
                     .end = s->position + T};
    return KVC_OK;
}

kvc_error kvc_session_begin_score(kvc_session *s, const uint32_t *ids, size_t T,
                                  float *log_probs)
{
    if (!s || !ids || !log_probs || T < 2)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (T - 1 > s->capacity)
        return KVC_ERR_CONTEXT_FULL;
    const kvc_error error = check_ids(s, ids, T);
    if (!error)
        s->pass =
            (pass){.active = true, .ids = ids, .log_probs = log_probs, .end = T - 1};
    return error;
}

kvc_error kvc_session_step(kvc_session *s)
{
    pass *p = &s->pass;
    if (!p->active)
        return KVC_ERR_NOT_READY;
    if (p->layer == s->model->config.n_layer)
        return p->log_probs ? score_block(s) : finish(s);
    const size_t rows = p->end - p->first, n = kvc_min(KVC_ROWS, rows - p->row);
    layer_block(s, p, n);
    p->row += n;
    if (p->row == rows) {
        p->row = 0;
        p->layer++;
    }
    return KVC_PENDING;
}

void kvc_session_cancel(kvc_session *s)
{
    s->pass.active = false;
}

static kvc_error run(kvc_session *s)
{
    kvc_error error;
    do
        error = kvc_session_step(s);
    while (error == KVC_PENDING);
    return error;
}

kvc_error kvc_session_prefill(kvc_session *s, const uint32_t *ids, size_t T)
{
    const kvc_error error = kvc_session_begin(s, ids, T);
    return error ? error : run(s);
}

kvc_error kvc_session_score(kvc_session *s, const uint32_t *ids, size_t T,
                            float *log_probs)
{
    const kvc_error error = kvc_session_begin_score(s, ids, T, log_probs);
    return error ? error : run(s);
}

kvc_error kvc_session_decode(kvc_session *s, uint32_t id)
{
    return kvc_session_prefill(s, &id, 1);
}

/* ---- the timeline ------------------------------------------------------------------ */

const float *kvc_session_logits(const kvc_session *s)
{
    return s->has_logits ? s->logits : NULL;
}

uint64_t kvc_session_logits_hash(const kvc_session *s)
{
    if (!s->has_logits)
        return 0;
    const unsigned char *bytes = (const unsigned char *)s->logits;
    const size_t n = s->model->config.vocab_size * sizeof(float);
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

size_t kvc_session_position(const kvc_session *s)
{
    return s->position;
}

size_t kvc_session_cached(const kvc_session *s)
{
    return kvc_cache_length(s->cache, 0);
}

size_t kvc_session_capacity(const kvc_session *s)
{
    return s->capacity;
}

kvc_error kvc_session_set_cache(kvc_session *s, bool use_cache)
{
    if (s->pass.active)
        return KVC_ERR_BUSY;
    s->use_cache = use_cache;
    return KVC_OK;
}

bool kvc_session_uses_cache(const kvc_session *s)
{
    return s->use_cache;
}

kvc_error kvc_session_truncate(kvc_session *s, size_t n)
{
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (n > s->position)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n == s->position)
        return KVC_OK;
    s->position = n;
    s->has_logits = false;
    return kvc_cache_truncate(s->cache, 0, kvc_min(n, kvc_cache_length(s->cache, 0)));
}

void kvc_session_reset(kvc_session *s)
{
    s->pass.active = false;
    s->position = 0;
    s->has_logits = false;
    kvc_cache_reset(s->cache);
}

const kvc_cache *kvc_session_cache(const kvc_session *s)
{
    return s->cache;
}

kvc_error kvc_session_sample(kvc_session *s, const kvc_sampling *sampling, uint64_t *rng,
                             size_t n_ids, uint32_t *id)
{
    if (!s || n_ids == 0 || n_ids > s->model->config.vocab_size)
        return KVC_ERR_INVALID_ARGUMENT;
    if (!s->has_logits)
        return KVC_ERR_NOT_READY;
    return kvc_sample(id, s->logits, n_ids, sampling, rng, s->ids, s->position,
                      s->sampler);
}
