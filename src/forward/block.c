#include "forward/block.h"

#include <string.h>

#include "base/number.h"
#include "cache/attention.h"
#include "kernels/linear.h"
#include "kernels/rotary.h"
#include "kernels/vector.h"

kvc_workspace kvc_workspace_layout(kvc_arena *arena, const kvc_model *model,
                                   size_t capacity, bool moves)
{
    const kvc_config *config = &model->config;
    const size_t C = config->n_embd, F = kvc_round_up(config->n_inner, 4);
    const size_t Q = kvc_query_width(config), KV = kvc_kv_width(config);
    kvc_workspace w = {0};
    w.h = kvc_take_floats(arena, KVC_ROWS, C);
    w.q = kvc_take_floats(arena, KVC_ROWS, Q);
    w.k = kvc_take_floats(arena, KVC_ROWS, KV);
    w.v = kvc_take_floats(arena, KVC_ROWS, KV);
    w.heads = kvc_take_floats(arena, KVC_ROWS, Q);
    w.inner = kvc_take_floats(arena, KVC_ROWS, F);
    w.y = kvc_take_floats(arena, KVC_ROWS, C);
    const kvc_block_kind *block = kvc_blocks_of(model->arch, config);
    for (; *block; block++) {
        if (*block == KVC_GATED_MLP)
            w.gate = kvc_take_floats(arena, KVC_ROWS, F);
        if (*block == KVC_PARALLEL)
            w.beside = kvc_take_floats(arena, KVC_ROWS, C);
    }
    w.scores =
        kvc_take_floats(arena, 1, kvc_attend_scratch(capacity, config->head_dim, moves));
    return w;
}

void kvc_apply_norm(float *y, const float *x, size_t rows, const kvc_model *model,
                    const kvc_norm *norm)
{
    const size_t C = model->config.n_embd;
    if (norm->weight != NULL)
        model->arch->norm(y, x, norm->weight, norm->bias, rows, C,
                          model->config.norm_epsilon);
    else if (y != x)
        memcpy(y, x, rows * C * sizeof *y);
}

/* h = norm(x), where norms stand before blocks. */
static void enter(const kvc_chunk *c, const kvc_model *model, const kvc_norm *norm,
                  kvc_workspace *w)
{
    static const kvc_norm none;
    kvc_apply_norm(w->h, c->x, c->n, model, model->arch->post_norm ? &none : norm);
}

/* x += y, normed first where the model has a norm for it; then x = norm(x), where norms
 * stand behind blocks. */
static void leave(kvc_chunk *c, const kvc_model *model, const kvc_norm *out_norm,
                  const kvc_norm *norm, kvc_workspace *w)
{
    if (out_norm->weight != NULL)
        kvc_apply_norm(w->y, w->y, c->n, model, out_norm);
    kvc_add(c->x, w->y, c->n * model->config.n_embd);
    if (model->arch->post_norm)
        kvc_apply_norm(c->x, c->x, c->n, model, norm);
}

void kvc_counted_linear(float *restrict y, const float *restrict x, size_t rows,
                        const kvc_matrix *m, uint64_t *macs, kvc_counts *counts)
{
    if (rows == 0)
        return;
    kvc_linear(y, x, rows, m);
    *macs += (uint64_t)rows * m->n_in * m->n_out;
    counts->weight_bytes += kvc_matrix_bytes(m);
}

static void project(float *restrict y, const float *restrict x, size_t rows,
                    const kvc_matrix *m, kvc_workspace *w)
{
    kvc_counted_linear(y, x, rows, m, &w->counts->projection_macs, w->counts);
}

/* ---- self-attention ---------------------------------------------------------------- */

/* Writes K and V of every row into the cache.    k, v: [n, KV] */
static void write_runs(const kvc_chunk *c, const float *k, const float *v, size_t KV)
{
    for (const kvc_run *run = c->runs; run < c->runs + c->n_runs; run++) {
        kvc_cache_write(c->cache, run->sequence, c->cache_layer, run->position, run->n, k,
                        v, KV);
        k += run->n * KV;
        v += run->n * KV;
    }
}

/* Moves the rows that are not skipped together.   x: [n, C] */
static void keep_rows(float *x, const kvc_chunk *c, size_t C)
{
    const float *row = x;
    for (const kvc_run *run = c->runs; run < c->runs + c->n_runs; run++) {
        const size_t kept = (run->n - run->skip) * C;
        if (row + run->skip * C != x)
            memmove(x, row + run->skip * C, kept * sizeof *x);
        row += run->n * C;
        x += kept;
    }
}

/* The rows to skip leave the chunk, and h.   h: [n, C] */
static void skip_rows(kvc_chunk *c, float *h, const kvc_config *config)
{
    keep_rows(h, c, config->n_embd);
    keep_rows(c->x, c, config->n_embd);
    keep_rows(c->turns, c, config->rotary_dim);
    for (kvc_run *run = c->runs; run < c->runs + c->n_runs; run++) {
        c->n -= run->skip;
        run->n -= run->skip;
        run->position += run->skip;
        run->skip = 0;
    }
}

/* Each head by itself; nothing where the model has no such norm.   x: [n, heads, D] */
static void norm_heads(const kvc_chunk *c, float *x, size_t heads, const kvc_model *model,
                       const kvc_norm *norm)
{
    const size_t rows = c->n * heads;
    const size_t D = model->config.head_dim;
    if (norm->weight)
        model->arch->norm(x, x, norm->weight, norm->bias, rows, D,
                          model->config.norm_epsilon);
}

/* Nothing where no number of a head turns.   x: [n, heads, head_dim] */
static void rotate(const kvc_chunk *c, float *x, size_t heads, const kvc_config *config)
{
    kvc_rotate(x, c->turns, c->n, heads, config->head_dim, config->rotary_dim);
}

/* heads = attention(q), and copies of the queries that are wanted.
 *   heads, q: [n, Q] */
static void attend_runs(const kvc_chunk *c, float *restrict heads,
                        const float *restrict q, const kvc_config *config, kvc_view view,
                        float *scores)
{
    const size_t Q = kvc_query_width(config);
    for (const kvc_run *run = c->runs; run < c->runs + c->n_runs; run++) {
        const size_t position = run->position;
        kvc_attend(heads, q, run->n, config->n_head, c->cache, run->sequence,
                   c->cache_layer, view, position, scores);
        if (run->query)
            memcpy(run->query, q + (run->n - 1) * Q, Q * sizeof *q);
        heads += run->n * Q;
        q += run->n * Q;
    }
}

/* What the queries of a layer see of tokens of their own kind. */
static kvc_view view_of(const kvc_chunk *c, const kvc_layer *layer)
{
    kvc_view view = layer->view;
    view.bias = c->bias;
    view.turns = c->places;
    return view;
}

/* y = o(attention(...)); the rows to skip leave the chunk, and h. */
static void attend(kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
                   kvc_workspace *w)
{
    const kvc_config *config = &model->config;
    enter(c, model, &layer->attention_norm, w);
    project(w->k, w->h, c->n, &layer->k, w);
    project(w->v, w->h, c->n, &layer->v, w);
    norm_heads(c, w->k, config->n_kv_head, model, &layer->k_norm);
    rotate(c, w->k, config->n_kv_head, config);
    write_runs(c, w->k, w->v, kvc_kv_width(config));
    skip_rows(c, w->h, config);
    project(w->q, w->h, c->n, &layer->q, w);
    norm_heads(c, w->q, config->n_head, model, &layer->q_norm);
    if (!c->places)
        rotate(c, w->q, config->n_head, config);
    attend_runs(c, w->heads, w->q, config, view_of(c, layer), w->scores);
    project(w->y, w->heads, c->n, &layer->o, w);
}

void kvc_self_attention(kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
                        kvc_workspace *w)
{
    attend(c, model, layer, w);
    leave(c, model, &layer->attention_out_norm, &layer->attention_norm, w);
}

/* ---- attention to a source --------------------------------------------------------- */

/* y = o(attention(q)) for queries from a position on.   q, o: matrices of a layer */
static void attend_source(const kvc_chunk *c, const kvc_config *config,
                          const kvc_matrix *q, const kvc_matrix *o, kvc_view view,
                          kvc_workspace *w)
{
    const size_t H = config->n_head, first = c->runs[0].position;
    project(w->q, w->h, c->n, q, w);
    kvc_attend_all(w->heads, w->q, c->n, H, c->source.cache, c->source.layer, view, first,
                   c->source.n, w->scores);
    project(w->y, w->heads, c->n, o, w);
}

void kvc_encoder_attention(kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
                           kvc_workspace *w)
{
    enter(c, model, &layer->attention_norm, w);
    attend_source(c, &model->config, &layer->q, &layer->o, view_of(c, layer), w);
    leave(c, model, &layer->attention_out_norm, &layer->attention_norm, w);
}

void kvc_cross_attention_block(kvc_chunk *c, const kvc_model *model,
                               const kvc_layer *layer, kvc_workspace *w)
{
    const kvc_view view = {.scale = layer->view.scale};
    const size_t Q = kvc_query_width(&model->config);
    static const kvc_norm none;
    enter(c, model, &layer->cross_norm, w);
    attend_source(c, &model->config, &layer->cross_q, &layer->cross_o, view, w);
    leave(c, model, &none, &layer->cross_norm, w);
    const float *q = w->q;
    for (const kvc_run *run = c->runs; run < c->runs + c->n_runs; q += run++->n * Q)
        if (run->cross_query)
            memcpy(run->cross_query, q + (run->n - 1) * Q, Q * sizeof *q);
}

/* K and V of the chunk's rows into its cache.   h: [n, C] */
static void write_keys(const kvc_chunk *c, const float *h, const kvc_config *config,
                       const kvc_matrix *k, const kvc_matrix *v, kvc_workspace *w)
{
    project(w->k, h, c->n, k, w);
    project(w->v, h, c->n, v, w);
    write_runs(c, w->k, w->v, kvc_kv_width(config));
}

void kvc_encoder_keys(const kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
                      kvc_workspace *w)
{
    enter(c, model, &layer->attention_norm, w);
    write_keys(c, w->h, &model->config, &layer->k, &layer->v, w);
}

void kvc_cross_keys(const kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
                    kvc_workspace *w)
{
    write_keys(c, c->x, &model->config, &layer->cross_k, &layer->cross_v, w);
}

/* ---- the MLP ----------------------------------------------------------------------- */

/* y = down(activation(up(norm(x)))) */
static void mlp(float *restrict y, const kvc_chunk *c, const kvc_model *model,
                const kvc_layer *layer, kvc_workspace *w)
{
    const size_t F = kvc_round_up(model->config.n_inner, 4);
    if (layer->mlp_norm.weight) /* else h is still that of attention */
        enter(c, model, &layer->mlp_norm, w);
    project(w->inner, w->h, c->n, &layer->up, w);
    model->arch->activation(w->inner, c->n * F);
    project(y, w->inner, c->n, &layer->down, w);
}

void kvc_mlp(kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
             kvc_workspace *w)
{
    mlp(w->y, c, model, layer, w);
    leave(c, model, &layer->mlp_out_norm, &layer->mlp_norm, w);
}

void kvc_gated_mlp(kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
                   kvc_workspace *w)
{
    const size_t F = kvc_round_up(model->config.n_inner, 4);
    enter(c, model, &layer->mlp_norm, w);
    project(w->gate, w->h, c->n, &layer->gate, w);
    model->arch->activation(w->gate, c->n * F);
    project(w->inner, w->h, c->n, &layer->up, w);
    kvc_multiply(w->inner, w->gate, c->n * F);
    project(w->y, w->inner, c->n, &layer->down, w);
    leave(c, model, &layer->mlp_out_norm, &layer->mlp_norm, w);
}

/* ---- both -------------------------------------------------------------------------- */

void kvc_parallel(kvc_chunk *c, const kvc_model *model, const kvc_layer *layer,
                  kvc_workspace *w)
{
    attend(c, model, layer, w);
    mlp(w->beside, c, model, layer, w);
    kvc_add(w->beside, w->y, c->n * model->config.n_embd);
    kvc_add(c->x, w->beside, c->n * model->config.n_embd);
}
