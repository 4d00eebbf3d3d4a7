/* session.c - a session's memory, and its selected sequence: what it holds, how it is
 * rewound, what is drawn from it. What computes it is in extend.c. */
#include "session/session.h"

#include "base/number.h"
#include "kernels/rotary.h"

/* ---- memory ------------------------------------------------------------------------ */

static void take_sequences(kvc_arena *arena, kvc_session *s)
{
    const size_t n = s->config.n_sequence, S = s->config.text_capacity;
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
                             .value_type = sizes->value_type,
                             .policy = sizes->policy};
}

/* In whole pages where a session slides. */
static kvc_session_config whole_pages(const kvc_session_config *given)
{
    kvc_session_config sizes = *given;
    if (sizes.when_full == KVC_SLIDE) {
        sizes.capacity -= sizes.capacity % KVC_PAGE;
        sizes.sinks = kvc_round_up(sizes.sinks, KVC_PAGE);
    }
    if (sizes.text_capacity == 0)
        sizes.text_capacity = sizes.capacity;
    return sizes;
}

static kvc_session *layout(kvc_arena *arena, kvc_model *model,
                           const kvc_session_config *given)
{
    const kvc_config *config = &model->config;
    const kvc_session_config whole = whole_pages(given), *sizes = &whole;
    const bool moves = sizes->when_full != KVC_STOP;
    const size_t S = sizes->capacity, C = config->n_embd;
    kvc_session *session = kvc_take(arena, 1, sizeof *session);
    kvc_session s = {.model = model, .config = *sizes, .use_cache = true};
    kvc_cache_shape shape = shape_of(model, sizes);
    const kvc_windows windows = {config->window,
                                 {config->window_layers[0], config->window_layers[1]}};
    s.cache = kvc_cache_layout(arena, &shape, &windows, moves);
    shape.batch = shape.n_layer = 1;
    shape.policy = KVC_OLDEST;
    shape.key_type = shape.value_type = KVC_F32; /* without a cache nothing is rounded */
    s.one_layer = kvc_cache_layout(arena, &shape, NULL, false);
    s.source = kvc_source_layout(arena, model, sizes);
    s.bias = kvc_bias_layout(arena, config, S);
    s.workspace = kvc_workspace_layout(
        arena, model, S > sizes->source_capacity ? S : sizes->source_capacity, moves);
    take_sequences(arena, &s);
    s.spans = kvc_take(arena, sizes->n_sequence, sizeof *s.spans);
    s.x = kvc_take_floats(arena, S > KVC_ROWS ? S : KVC_ROWS, C);
    s.turns = kvc_take_floats(arena, S > KVC_ROWS ? S : KVC_ROWS, config->rotary_dim);
    if (config->rope_local_theta > 0.0f)
        s.local_turns =
            kvc_take_floats(arena, S > KVC_ROWS ? S : KVC_ROWS, config->rotary_dim);
    if (moves)
        s.places = kvc_take_floats(arena, kvc_times(arena, 2, S), config->rotary_dim);
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

/* What happens when the cache is full. */
static kvc_error check_full(const kvc_model *model, const kvc_session_config *given)
{
    const kvc_session_config sizes = whole_pages(given);
    const bool slides = sizes.when_full == KVC_SLIDE;
    if (sizes.policy == KVC_OLDEST ? sizes.recent > 0 : !slides)
        return KVC_ERR_INVALID_ARGUMENT;
    if (sizes.when_full == KVC_STOP)
        return given->sinks > 0 || given->text_capacity > 0 ? KVC_ERR_INVALID_ARGUMENT
                                                            : KVC_OK;
    if ((!slides && (sizes.when_full != KVC_EVICT || sizes.sinks > 0)) ||
        sizes.sinks < given->sinks || sizes.text_capacity < sizes.capacity ||
        sizes.text_capacity > UINT32_MAX / 8 ||
        (slides &&
         (sizes.capacity < KVC_PAGE || sizes.sinks > sizes.capacity - KVC_PAGE ||
          sizes.recent > sizes.capacity - KVC_PAGE - sizes.sinks)))
        return KVC_ERR_INVALID_ARGUMENT;
    return model->config.rotary_dim > 0 && model->config.window == 0
               ? KVC_OK
               : KVC_ERR_UNSUPPORTED;
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
    kvc_error error = kvc_cache_bytes(&shape, bytes);
    if (!error)
        error = check_full(model, config);
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
    if (s->places)
        kvc_rotary_turns(s->places, model->frequencies, model->amplitude,
                         model->config.rotary_dim, 0, 2 * s->config.capacity);
    kvc_source_init(s);
    return KVC_OK;
}

/* ---- the selected sequence --------------------------------------------------------- */

size_t kvc_session_capacity(const kvc_session *s)
{
    return s->config.capacity;
}

size_t kvc_session_sinks(const kvc_session *s)
{
    return s->config.sinks;
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
    return kvc_cache_taken(s->cache, s->selected);
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
    const kvc_error error =
        kvc_cache_go_back(s->cache, s->selected, kvc_min(n, kvc_session_cached(s)));
    if (error)
        return error;
    seq->position = n;
    seq->has_logits = false;
    seq->by_hand = seq->by_hand && n > 0;
    return KVC_OK;
}

kvc_error kvc_session_rewind(kvc_session *s, size_t n)
{
    kvc_error error = kvc_session_truncate(s, n);
    if (error == KVC_ERR_WINDOW_PASSED) {
        kvc_cache_go_back(s->cache, s->selected, 0);
        kvc_selected(s)->by_hand = false;
        error = kvc_session_truncate(s, n);
    }
    return error;
}

kvc_error kvc_session_evict(kvc_session *s, size_t first, size_t n)
{
    kvc_sequence *seq = kvc_selected(s);
    if (!kvc_cache_moves(s->cache))
        return KVC_ERR_UNSUPPORTED;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (kvc_session_cached(s) < seq->position)
        return KVC_ERR_NOT_READY;
    const kvc_error error = kvc_cache_evict(s->cache, s->selected, first, n);
    if (!error && n > 0) {
        seq->by_hand = true;
        seq->has_queries = false;
    }
    return error;
}

kvc_error kvc_session_held(const kvc_session *s, uint32_t *tokens, uint32_t *places)
{
    if (!s || !tokens || !places)
        return KVC_ERR_INVALID_ARGUMENT;
    for (size_t slot = 0; slot < kvc_cache_length(s->cache, s->selected); slot++) {
        kvc_place place = {(uint32_t)slot, (uint32_t)slot};
        if (kvc_cache_moves(s->cache))
            place = *kvc_cache_place(s->cache, s->selected, slot);
        tokens[slot] = place.text;
        places[slot] = place.written;
    }
    return KVC_OK;
}

void kvc_session_reset(kvc_session *s)
{
    s->pass.active = false;
    for (size_t i = 0; i < s->config.n_sequence; i++) {
        s->sequences[i].position = 0;
        s->sequences[i].has_logits = s->sequences[i].by_hand = false;
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
