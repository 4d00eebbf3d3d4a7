/* session.c - a session's memory, and its selected sequence: what it holds, how it is
 * rewound, what is drawn from it. What computes it is in extend.c. */
#include "session/session.h"

#include "base/number.h"

/* ---- memory ------------------------------------------------------------------------ */

static void take_sequences(kvc_arena *arena, kvc_session *s)
{
    const size_t n = s->config.n_sequence, S = s->config.capacity;
    const size_t stride = kvc_logits_stride(s), queries_size = kvc_queries_size(s);
    s->sequences = kvc_take(arena, n, sizeof *s->sequences);
    s->moved = kvc_take(arena, n, sizeof *s->moved);
    uint32_t *ids = kvc_take(arena, n, S * sizeof *ids);
    float *logits = kvc_take_floats(arena, n, stride);
    float *queries = kvc_take_floats(arena, 2 * n, queries_size);
    for (size_t i = 0; i < n && arena->base && !arena->overflow; i++)
        s->sequences[i] =
            (kvc_sequence){.ids = ids + i * S,
                           .logits = logits + i * stride,
                           .queries = queries + 2 * i * queries_size,
                           .next_queries = queries + (2 * i + 1) * queries_size};
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
    const size_t S = sizes->capacity, C = config->n_embd;
    kvc_session *session = kvc_take(arena, 1, sizeof *session);
    kvc_session s = {.model = model, .config = *sizes, .use_cache = true};
    kvc_cache_shape shape = shape_of(model, sizes);
    s.cache = kvc_cache_layout(arena, &shape);
    shape.batch = shape.n_layer = 1;
    shape.key_type = shape.value_type = KVC_F32; /* without a cache nothing is rounded */
    s.one_layer = kvc_cache_layout(arena, &shape);
    s.source = kvc_source_layout(arena, model, sizes);
    s.bias = kvc_bias_layout(arena, config, S);
    s.workspace = kvc_workspace_layout(
        arena, model, S > sizes->source_capacity ? S : sizes->source_capacity);
    take_sequences(arena, &s);
    s.spans = kvc_take(arena, sizes->n_sequence, sizeof *s.spans);
    s.x = kvc_take_floats(arena, S > KVC_ROWS ? S : KVC_ROWS, C);
    s.turns = kvc_take_floats(arena, S > KVC_ROWS ? S : KVC_ROWS, config->rotary_dim);
    if (config->rope_local_theta > 0.0f)
        s.local_turns =
            kvc_take_floats(arena, S > KVC_ROWS ? S : KVC_ROWS, config->rotary_dim);
    s.last = kvc_take_floats(arena, sizes->n_sequence, C);
    s.n_rows = kvc_min(KVC_ROWS, sizes->n_sequence);
    s.n_rows = s.n_rows > KVC_SCORED_ROWS ? s.n_rows : KVC_SCORED_ROWS;
    s.rows = kvc_take_floats(arena, s.n_rows, kvc_logits_stride(&s));
    s.sampler = kvc_take_floats(arena, 3, config->vocab_size);
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
    if ((config->source_capacity > 0) != (model->encoder.n_layer > 0) ||
        config->source_capacity > model->config.n_positions)
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
    kvc_bias_fill(s->bias, model, &model->decoder, config->capacity);
    kvc_source_init(s);
    return KVC_OK;
}

/* ---- the selected sequence --------------------------------------------------------- */

size_t kvc_session_capacity(const kvc_session *s)
{
    return s->config.capacity;
}

size_t kvc_session_position(const kvc_session *s)
{
    return kvc_selected(s)->position;
}

const uint32_t *kvc_session_ids(const kvc_session *s)
{
    return kvc_selected(s)->ids;
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
    kvc_sequence *seq = kvc_selected(s);
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (n > seq->position)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n == seq->position)
        return KVC_OK;
    seq->position = n;
    seq->has_logits = false;
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
        s->sequences[i].position = 0;
        s->sequences[i].has_logits = false;
    }
    kvc_cache_reset(s->cache);
    kvc_source_forget(s);
}

/* ---- what may come next ------------------------------------------------------------ */

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
    const kvc_sequence *seq = kvc_selected(s);
    if (!seq->has_logits)
        return KVC_ERR_NOT_READY;
    return kvc_sample(id, seq->logits, n_ids, sampling, rng, seq->ids, seq->position,
                      s->sampler);
}
