/* gpt.c - the one forward pass behind prefill, decode, cache on and cache off. x +=
 * proj(attention(ln_1(x)));  x += mlp_proj(gelu(fc(ln_2(x))));  logits = ln_f(x) .
 * wte^T Source: Radford et al. 2019, the layout of its released code. */
#include "forward/gpt.h"

#include <string.h>

#include "base/number.h"
#include "cache/attention.h"
#include "kernels/activation.h"
#include "kernels/linear.h"
#include "kernels/matrix.h"
#include "kernels/norm.h"
#include "kernels/vector.h"

kvc_workspace kvc_workspace_layout(kvc_arena *arena, const kvc_config *config,
                                   size_t capacity)
{
    const size_t C = config->n_embd, Q = kvc_query_width(config);
    const size_t row = (C > Q ? C : Q) * sizeof(float);
    const size_t kv_row = kvc_kv_width(config) * sizeof(float);
    kvc_workspace w = {0};
    w.h = kvc_take(arena, KVC_ROWS, row);
    w.q = kvc_take(arena, KVC_ROWS, row);
    w.k = kvc_take(arena, KVC_ROWS, kv_row);
    w.v = kvc_take(arena, KVC_ROWS, kv_row);
    w.mlp = kvc_take(arena, KVC_ROWS, kvc_round_up(config->n_inner, 4) * sizeof(float));
    w.scores =
        kvc_take(arena, kvc_attend_scratch(capacity, config->head_dim), sizeof(float));
    return w;
}

void kvc_gpt_embed(float *restrict x, const kvc_model *model, const uint32_t *ids,
                   size_t position, size_t n)
{
    const size_t C = model->config.n_embd;
    for (size_t r = 0; r < n; r++, x += C) {
        const float *place = model->wpe + (position + r) * C;
        kvc_matrix_column(x, &model->wte, ids[position + r]);
        kvc_add(x, place, C);
    }
}

/* kvc_linear, counted. */
static void linear(float *restrict y, const float *restrict x, size_t rows,
                   const kvc_matrix *m, uint64_t *macs, kvc_counts *counts)
{
    if (rows == 0)
        return;
    kvc_linear(y, x, rows, m);
    *macs += (uint64_t)rows * m->n_in * m->n_out;
    counts->weight_bytes += kvc_matrix_bytes(m);
}

/* K and V of every row into the cache.    k, v: [rows, KV] */
static void write_runs(kvc_cache *cache, size_t layer, const kvc_run *runs, size_t n_runs,
                       const float *k, const float *v, size_t KV)
{
    for (const kvc_run *run = runs; run < runs + n_runs; run++) {
        kvc_cache_write(cache, run->sequence, layer, run->position, run->n, k, v, KV);
        k += run->n * KV;
        v += run->n * KV;
    }
}

/* Moves the rows that are not skipped together and returns their number.   x: [rows, C] */
static size_t keep_rows(float *x, const kvc_run *runs, size_t n_runs, size_t C)
{
    size_t row = 0, kept = 0;
    for (const kvc_run *run = runs; run < runs + n_runs; run++) {
        const size_t n = run->n - run->skip, from = row + run->skip;
        if (from != kept)
            memmove(x + kept * C, x + from * C, n * C * sizeof *x);
        row += run->n;
        kept += n;
    }
    return kept;
}

/* Attention of the rows that are not skipped, and the queries that are asked for.
 *   y, q: [rows, Q] */
static void attend_runs(float *restrict y, const float *restrict q, size_t n_head,
                        const kvc_cache *cache, size_t layer, const kvc_run *runs,
                        size_t n_runs, size_t Q, float *scores)
{
    for (const kvc_run *run = runs; run < runs + n_runs; run++) {
        const size_t n = run->n - run->skip;
        const size_t position = run->position + run->skip;
        kvc_attend(y, q, n, n_head, cache, run->sequence, layer, position, scores);
        if (run->query)
            memcpy(run->query, q + (n - 1) * Q, Q * sizeof *q);
        y += n * Q;
        q += n * Q;
    }
}

void kvc_gpt_layer(float *restrict x, const kvc_model *model, size_t index,
                   kvc_cache *cache, size_t cache_layer, const kvc_run *runs,
                   size_t n_runs, kvc_workspace *w)
{
    const size_t C = model->config.n_embd, F = kvc_round_up(model->config.n_inner, 4);
    const size_t Q = kvc_query_width(&model->config), KV = kvc_kv_width(&model->config);
    const float eps = model->config.norm_epsilon;
    const kvc_layer *layer = &model->layers[index];
    uint64_t *macs = &w->counts->projection_macs;
    size_t n = 0;
    for (size_t i = 0; i < n_runs; i++)
        n += runs[i].n;
    kvc_layer_norm(w->h, x, layer->ln_1_weight, layer->ln_1_bias, n, C, eps);
    linear(w->k, w->h, n, &layer->k, macs, w->counts);
    linear(w->v, w->h, n, &layer->v, macs, w->counts);
    write_runs(cache, cache_layer, runs, n_runs, w->k, w->v, KV);

    keep_rows(w->h, runs, n_runs, C);
    n = keep_rows(x, runs, n_runs, C);
    linear(w->q, w->h, n, &layer->q, macs, w->counts);
    attend_runs(w->h, w->q, model->config.n_head, cache, cache_layer, runs, n_runs, Q,
                w->scores);
    linear(w->q, w->h, n, &layer->proj, macs, w->counts);
    kvc_add(x, w->q, n * C);

    kvc_layer_norm(w->h, x, layer->ln_2_weight, layer->ln_2_bias, n, C, eps);
    linear(w->mlp, w->h, n, &layer->fc, macs, w->counts);
    kvc_gelu(w->mlp, n * F);
    linear(w->q, w->mlp, n, &layer->mlp_proj, macs, w->counts);
    kvc_add(x, w->q, n * C);
}

void kvc_gpt_logits(float *restrict logits, const kvc_model *model, const float *x,
                    size_t n, kvc_workspace *w)
{
    kvc_layer_norm(w->h, x, model->ln_f_weight, model->ln_f_bias, n, model->config.n_embd,
                   model->config.norm_epsilon);
    linear(logits, w->h, n, &model->wte, &w->counts->head_macs, w->counts);
}
