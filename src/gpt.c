/* gpt.c - the one forward pass behind prefill, decode, cache on and cache off. x +=
 * proj(attention(ln_1(x)));  x += mlp_proj(gelu(fc(ln_2(x))));  logits = ln_f(x) .
 * wte^T Source: Radford et al. 2019, the layout of its released code. */
#include "gpt.h"

#include "attention.h"

kvc_workspace kvc_workspace_layout(kvc_arena *arena, const kvc_config *config,
                                   size_t capacity)
{
    const size_t row = config->n_embd * sizeof(float);
    kvc_workspace w;
    w.h = kvc_take(arena, KVC_ROWS, row);
    w.q = kvc_take(arena, KVC_ROWS, row);
    w.k = kvc_take(arena, KVC_ROWS, row);
    w.v = kvc_take(arena, KVC_ROWS, row);
    w.mlp = kvc_take(arena, KVC_ROWS, kvc_round_up(config->n_inner, 4) * sizeof(float));
    w.scores = kvc_take(arena, kvc_attention_scratch(capacity), sizeof(float));
    return w;
}

void kvc_gpt_embed(float *restrict x, const kvc_model *model, const uint32_t *ids,
                   size_t position, size_t n)
{
    const size_t C = model->config.n_embd;
    for (size_t r = 0; r < n; r++, x += C) {
        const float *token = kvc_matrix_at(&model->wte, 0, ids[position + r]);
        const size_t stride =
            (size_t)(kvc_matrix_at(&model->wte, 1, ids[position + r]) - token);
        for (size_t i = 0; i < C; i++)
            x[i] = token[i * stride] + model->wpe[(position + r) * C + i];
    }
}

void kvc_gpt_layer(float *restrict x, const kvc_model *model, size_t index,
                   kvc_cache *cache, size_t cache_layer, size_t position, size_t n,
                   size_t skip, kvc_workspace *w)
{
    const size_t C = model->config.n_embd, F = kvc_round_up(model->config.n_inner, 4);
    const float eps = model->config.layer_norm_epsilon;
    const kvc_layer *layer = &model->layers[index];
    kvc_layer_norm(w->h, x, layer->ln_1_weight, layer->ln_1_bias, n, C, eps);
    kvc_linear(w->k, w->h, n, &layer->k);
    kvc_linear(w->v, w->h, n, &layer->v);
    kvc_cache_write(cache, 0, cache_layer, position, n, w->k, w->v, C);

    x += skip * C;
    position += skip;
    n -= skip;
    kvc_linear(w->q, w->h + skip * C, n, &layer->q);
    kvc_attend(w->h, w->q, n, model->config.n_head, cache, 0, cache_layer, position,
               w->scores);
    kvc_linear(w->q, w->h, n, &layer->proj);
    kvc_add(x, w->q, n * C);

    kvc_layer_norm(w->h, x, layer->ln_2_weight, layer->ln_2_bias, n, C, eps);
    kvc_linear(w->mlp, w->h, n, &layer->fc);
    kvc_gelu(w->mlp, n * F);
    kvc_linear(w->q, w->mlp, n, &layer->mlp_proj);
    kvc_add(x, w->q, n * C);
}

void kvc_gpt_logits(float *restrict logits, const kvc_model *model, const float *x,
                    size_t n, kvc_workspace *w)
{
    kvc_layer_norm(w->h, x, model->ln_f_weight, model->ln_f_bias, n, model->config.n_embd,
                   model->config.layer_norm_epsilon);
    kvc_linear(logits, w->h, n, &model->wte);
}
