/* source.c - an encoder reads the source, layer after layer; the decoder's layers keep K
 * and V of what comes out. An encoder masks nothing: all rows have their K and V in a
 * layer before the first one attends, so that each layer is walked through twice. */
#include <string.h>

#include "kernels/vector.h"
#include "session/pass.h"

/* ---- memory ------------------------------------------------------------------------ */

kvc_source kvc_source_layout(kvc_arena *arena, const kvc_model *model,
                             const kvc_session_config *sizes)
{
    const size_t S = sizes->source_capacity;
    kvc_source s = {.use_cross = true};
    if (S == 0)
        return s;
    kvc_cache_shape shape = {.batch = 1,
                             .n_layer = model->config.n_layer,
                             .n_kv_head = model->config.n_kv_head,
                             .capacity = S,
                             .head_dim = model->config.head_dim,
                             .key_type = sizes->key_type,
                             .value_type = sizes->value_type};
    s.cross = kvc_cache_layout(arena, &shape, NULL, false);
    shape.n_layer = 1;
    shape.key_type = shape.value_type = KVC_F32;
    s.one_layer = kvc_cache_layout(arena, &shape, NULL, false);
    s.ids = kvc_take(arena, S, sizeof *s.ids);
    s.rows = kvc_take_floats(arena, S, model->config.n_embd);
    s.bias = kvc_bias_layout(arena, &model->config, S);
    return s;
}

void kvc_source_init(kvc_session *s)
{
    kvc_bias_fill(s->source.bias, s->model, &s->model->encoder,
                  s->config.source_capacity);
    if (s->source.cross)
        s->source.cross->counts = &s->source.cross_counts;
}

void kvc_source_forget(kvc_session *s)
{
    s->source.n = 0;
    if (s->source.cross)
        kvc_cache_reset(s->source.cross);
}

/* ---- rows of the source in a chunk ------------------------------------------------- */

/* The next rows of n, and where their K and V go.   run: out */
static kvc_chunk chunk_of(const kvc_session *s, kvc_run *run, size_t row, size_t n,
                          kvc_cache *cache, size_t layer)
{
    *run = (kvc_run){.position = row, .n = kvc_min(KVC_ROWS, n - row)};
    return (kvc_chunk){.x = s->source.rows + row * s->model->config.n_embd,
                       .n = run->n,
                       .runs = run,
                       .n_runs = 1,
                       .cache = cache,
                       .cache_layer = layer,
                       .bias = s->source.bias,
                       .source = {cache, layer, n}};
}

/* K and V of the next rows for one of the decoder's layers; returns how many. */
static size_t project(kvc_session *s, size_t row, size_t n, size_t layer,
                      kvc_cache *cache, size_t cache_layer)
{
    kvc_run run;
    const kvc_chunk chunk = chunk_of(s, &run, row, n, cache, cache_layer);
    cache->counts = s->workspace.counts = &s->source.cross_counts;
    kvc_cross_keys(&chunk, s->model, &s->model->decoder.layers[layer], &s->workspace);
    s->workspace.counts = &s->counts;
    return run.n;
}

/* ---- the cross cache --------------------------------------------------------------- */

/* The next rows into it. PENDING until all are there. */
static kvc_error fill(kvc_session *s, size_t n)
{
    const size_t layer = s->pass.filled / n, row = s->pass.filled % n;
    s->pass.filled += project(s, row, n, layer, s->source.cross, layer);
    if (s->pass.filled < s->model->config.n_layer * n)
        return KVC_PENDING;
    return kvc_cache_advance(s->source.cross, 0, n);
}

/* The next rows into the scratch memory of a layer, unless all are there. */
static bool project_again(kvc_session *s, size_t layer, size_t n)
{
    const size_t begin = layer * n, end = begin + n;
    if (s->pass.projected == end)
        return false;
    if (s->pass.projected < begin || s->pass.projected > end) /* another layer's */
        s->pass.projected = begin;
    s->pass.projected +=
        project(s, s->pass.projected - begin, n, layer, s->source.one_layer, 0);
    return true;
}

bool kvc_source_prepare(kvc_session *s, size_t layer)
{
    const size_t rows = s->source.n;
    if (rows == 0 || (s->pass.cross && kvc_cache_length(s->source.cross, 0) == rows))
        return false;
    if (!s->pass.cross)
        return project_again(s, layer, rows);
    fill(s, rows);
    return true;
}

kvc_seen kvc_source_seen(const kvc_session *s, size_t layer)
{
    const size_t n = s->source.n;
    return s->pass.cross ? (kvc_seen){s->source.cross, layer, n}
                         : (kvc_seen){s->source.one_layer, 0, n};
}

/* ---- the encoder ------------------------------------------------------------------- */

/* One chunk through one half of one layer: half 2i gives all rows of layer i K and V,
 * half 2i + 1 all the rest. */
static void encode_chunk(kvc_session *s, size_t half, size_t row, size_t n)
{
    const kvc_stack *stack = &s->model->encoder;
    kvc_run run;
    kvc_chunk chunk = chunk_of(s, &run, row, n, s->source.one_layer, 0);
    if (half == 0)
        kvc_forward_embed(chunk.x, s->turns, NULL, s->model, stack, s->source.ids, row,
                          run.n);
    s->source.one_layer->counts = s->workspace.counts = &s->source.encoder_counts;
    if (half % 2 == 0)
        kvc_encoder_keys(&chunk, s->model, &stack->layers[half / 2], &s->workspace);
    else
        kvc_forward_layer(&chunk, s->model, stack, half / 2, &s->workspace);
    s->workspace.counts = &s->counts;
}

/* The pass of a source, chunk by chunk: the encoder, its last norm, the cross cache. */
static kvc_error read_source(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    const size_t n = p->n_source, C = s->model->config.n_embd;
    const size_t halves = 2 * s->model->encoder.n_layer;
    float *x = s->source.rows + p->row * C;
    const size_t rows = kvc_min(KVC_ROWS, n - p->row);
    if (p->layer < halves) {
        encode_chunk(s, p->layer, p->row, n);
    } else if (p->layer == halves) {
        kvc_apply_norm(x, x, rows, s->model, &s->model->encoder.norm);
        if (!kvc_all_finite(x, rows * C))
            return KVC_ERR_NOT_FINITE;
    } else if (s->source.use_cross && fill(s, n) == KVC_PENDING) {
        return KVC_PENDING;
    } else {
        s->source.n = n;
        return KVC_OK;
    }
    p->row += rows;
    if (p->row == n) {
        p->row = 0;
        p->layer++;
    }
    return KVC_PENDING;
}

kvc_error kvc_session_begin_source(kvc_session *s, const uint32_t *ids, size_t n)
{
    if (!s || !ids || n == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (!s->source.cross)
        return KVC_ERR_UNSUPPORTED;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (n > s->config.source_capacity)
        return KVC_ERR_SOURCE_TOO_LONG;
    if (!kvc_ids_exist(s, ids, n))
        return KVC_ERR_TOKEN_OUT_OF_RANGE;
    kvc_session_reset(s);
    memcpy(s->source.ids, ids, n * sizeof *ids);
    kvc_pass_start(s, (kvc_pass){.end = read_source, .n_source = n});
    return KVC_OK;
}

kvc_error kvc_session_set_source(kvc_session *s, const uint32_t *ids, size_t n)
{
    const kvc_error error = kvc_session_begin_source(s, ids, n);
    return error ? error : kvc_pass_run(s);
}

/* ---- what is there ----------------------------------------------------------------- */

size_t kvc_session_source_length(const kvc_session *s)
{
    return s->source.n;
}

const uint32_t *kvc_session_source(const kvc_session *s)
{
    return s->source.ids;
}

kvc_error kvc_session_set_cross_cache(kvc_session *s, bool use_cache)
{
    if (!s->source.cross)
        return KVC_ERR_UNSUPPORTED;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    s->source.use_cross = use_cache;
    return KVC_OK;
}

bool kvc_session_uses_cross_cache(const kvc_session *s)
{
    return s->source.cross && s->source.use_cross;
}

kvc_cache *kvc_session_cross_cache(const kvc_session *s)
{
    return s->source.cross;
}
