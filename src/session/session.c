/* session.c - a session's memory, and its selected timeline: what it holds, how it is
 * rewound, what is drawn from it. What computes it is in pass.c. */
#include "session/session.h"

#include "base/number.h"

/* ---- memory ------------------------------------------------------------------------ */

static void take_timelines(kvc_arena *arena, kvc_session *s)
{
    const size_t n = s->config.n_sequence, S = s->config.capacity,
                 n_queries =
                     s->model->config.n_layer * kvc_query_width(&s->model->config),
                 stride = kvc_logits_stride(s);
    s->timelines = kvc_take(arena, n, sizeof *s->timelines);
    s->moved = kvc_take(arena, n, sizeof *s->moved);
    uint32_t *ids = kvc_take(arena, n, S * sizeof *ids);
    float *logits = kvc_take(arena, n, stride * sizeof *logits);
    float *queries = kvc_take(arena, n, 2 * n_queries * sizeof *queries);
    for (size_t i = 0; i < n && arena->base && !arena->overflow; i++)
        s->timelines[i] =
            (kvc_timeline){.ids = ids + i * S,
                           .logits = logits + i * stride,
                           .queries = queries + 2 * i * n_queries,
                           .next_queries = queries + (2 * i + 1) * n_queries};
}

static kvc_cache_shape shape_of(const kvc_model *model, const kvc_session_config *sizes)
{
    return (kvc_cache_shape){.batch = sizes->n_sequence,
                             .n_layer = model->config.n_layer,
                             .n_kv_head = model->config.n_kv_head,
                             .capacity = sizes->capacity,
                             .head_dim = model->config.head_dim,
                             .key_type = sizes->key_type,
                             .value_type = sizes->value_type};
}

static kvc_session *layout(kvc_arena *arena, kvc_model *model,
                           const kvc_session_config *sizes)
{
    const kvc_config *config = &model->config;
    const size_t S = sizes->capacity, row = config->n_embd * sizeof(float);
    kvc_session *session = kvc_take(arena, 1, sizeof *session);
    kvc_session s = {.model = model, .config = *sizes, .use_cache = true};
    kvc_cache_shape shape = shape_of(model, sizes);
    s.cache = kvc_cache_layout(arena, &shape);
    shape.batch = shape.n_layer = 1;
    shape.key_type = shape.value_type = KVC_F32; /* without a cache nothing is rounded */
    s.one_layer = kvc_cache_layout(arena, &shape);
    s.workspace = kvc_workspace_layout(arena, config, S);
    take_timelines(arena, &s);
    s.spans = kvc_take(arena, sizes->n_sequence, sizeof *s.spans);
    s.x = kvc_take(arena, S > KVC_ROWS ? S : KVC_ROWS, row);
    s.last = kvc_take(arena, sizes->n_sequence, row);
    s.n_rows = kvc_min(KVC_ROWS, sizes->n_sequence);
    s.n_rows = s.n_rows > KVC_SCORED_ROWS ? s.n_rows : KVC_SCORED_ROWS;
    s.rows = kvc_take(arena, s.n_rows, kvc_logits_stride(&s) * sizeof *s.rows);
    s.sampler = kvc_take(arena, 3, config->vocab_size * sizeof(float));
    s.total_bytes = arena->used;
    if (arena->base && !arena->overflow)
        *session = s;
    return session;
}

kvc_error kvc_session_bytes(const kvc_model *model, const kvc_session_config *config,
                            size_t *bytes)
{
    if (!model || !config || !bytes || config->capacity > model->config.n_positions)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_cache_shape shape = shape_of(model, config);
    const kvc_error error = kvc_cache_bytes(&shape, bytes);
    if (error)
        return error;
    kvc_arena arena = {0};
    layout(&arena, (kvc_model *)model, config); /* asks for the sizes alone */
    *bytes = arena.used;
    return arena.overflow ? KVC_ERR_OUT_OF_MEMORY : KVC_OK;
}

kvc_error kvc_session_init(kvc_session **session, kvc_model *model,
                           const kvc_session_config *config, void *memory, size_t bytes)
{
    size_t needed;
    const char *missing;
    kvc_error error = kvc_session_bytes(model, config, &needed);
    if (!error)
        error = kvc_model_complete(model, &missing);
    if (error)
        return error;
    if (!session || !kvc_is_aligned(memory))
        return KVC_ERR_INVALID_ARGUMENT;
    if (bytes < needed)
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_arena arena = {.base = memory};
    kvc_session *s = *session = layout(&arena, model, config);
    s->cache->counts = s->one_layer->counts = s->workspace.counts = &s->counts;
    return KVC_OK;
}

/* ---- the selected timeline --------------------------------------------------------- */

size_t kvc_session_capacity(const kvc_session *s)
{
    return s->config.capacity;
}

size_t kvc_session_position(const kvc_session *s)
{
    return kvc_selected(s)->position;
}

size_t kvc_session_cached(const kvc_session *s)
{
    return kvc_cache_length(s->cache, s->selected);
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
    kvc_timeline *t = kvc_selected(s);
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (n > t->position)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n == t->position)
        return KVC_OK;
    t->position = n;
    t->has_logits = false;
    return kvc_cache_truncate(s->cache, s->selected, kvc_min(n, kvc_session_cached(s)));
}

kvc_error kvc_session_evict(kvc_session *s, size_t first, size_t n)
{
    (void)s;
    (void)first;
    (void)n;
    return KVC_ERR_UNSUPPORTED;
}

void kvc_session_reset(kvc_session *s)
{
    s->pass.active = false;
    for (size_t i = 0; i < s->config.n_sequence; i++) {
        s->timelines[i].position = 0;
        s->timelines[i].has_logits = false;
    }
    kvc_cache_reset(s->cache);
}

/* ---- what follows ------------------------------------------------------------------ */

const float *kvc_session_logits(const kvc_session *s)
{
    return kvc_selected(s)->has_logits ? kvc_selected(s)->logits : NULL;
}

uint64_t kvc_session_logits_hash(const kvc_session *s)
{
    if (!kvc_selected(s)->has_logits)
        return 0;
    return kvc_fnv1a(KVC_FNV_START, kvc_selected(s)->logits,
                     s->model->config.vocab_size * sizeof(float));
}

kvc_error kvc_session_sample(kvc_session *s, const kvc_sampling *sampling, uint64_t *rng,
                             size_t n_ids, uint32_t *id)
{
    if (!s || n_ids == 0 || n_ids > s->model->config.vocab_size)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_timeline *t = kvc_selected(s);
    if (!t->has_logits)
        return KVC_ERR_NOT_READY;
    return kvc_sample(id, t->logits, n_ids, sampling, rng, t->ids, t->position,
                      s->sampler);
}
