#include "forward/forward.h"

#include "base/number.h"
#include "base/simd.h"
#include "kernels/bucket.h"
#include "kernels/rotary.h"
#include "kernels/vector.h"

void kvc_forward_embed(float *restrict x, float *restrict turns,
                       float *restrict local_turns, const kvc_model *model,
                       const kvc_stack *stack, const uint32_t *ids, size_t position,
                       size_t n)
{
    const size_t C = model->config.n_embd, turned = model->config.rotary_dim;
    kvc_rotary_turns(turns, model->frequencies, model->amplitude, turned, position, n);
    if (local_turns)
        kvc_rotary_turns(local_turns, model->local_frequencies, 1.0f, turned, position,
                         n);
    for (size_t r = 0; r < n; r++, x += C) {
        kvc_matrix_column(x, &model->embedding, ids[position + r]);
        if (model->arch->scaled_embedding)
            kvc_scale(x, kvc_sqrt((float)C), C);
        const size_t row = model->arch->first_position + position + r;
        if (stack->positions)
            kvc_add(x, stack->positions + row * C, C);
        kvc_apply_norm(x, x, 1, model, &stack->embedding_norm);
    }
}

/* ---- distances --------------------------------------------------------------------- */

enum { VECTOR = 4 }; /* what attention may read beyond the last distance */

kvc_bias kvc_bias_layout(kvc_arena *arena, const kvc_config *config, size_t n)
{
    if (config->relative_buckets == 0)
        return (kvc_bias){0};
    const size_t stride = kvc_times(arena, 2, n) + VECTOR;
    float *all = kvc_take_floats(arena, config->n_head, stride);
    return (kvc_bias){.at = all ? all + n : NULL, .stride = stride};
}

void kvc_bias_fill(kvc_bias bias, const kvc_model *model, const kvc_stack *stack,
                   size_t n)
{
    const kvc_config *c = &model->config;
    const bool both_ways = stack == &model->encoder;
    const size_t buckets = c->relative_buckets / (both_ways ? 2 : 1);
    const float *weights = stack->buckets;
    for (size_t h = 0; h < c->n_head && bias.at; h++) {
        float *at = bias.at + h * bias.stride;
        for (size_t d = 0; d <= n; d++) {
            const size_t bucket = kvc_bucket(d, buckets, c->relative_distance);
            const size_t later = both_ways && d > 0 ? buckets + bucket : bucket;
            at[-(ptrdiff_t)d] = weights[bucket * c->n_head + h];
            at[d] = weights[later * c->n_head + h];
        }
    }
}

/* ---- layers ------------------------------------------------------------------------ */

void kvc_forward_layer(kvc_chunk *chunk, const kvc_model *model, const kvc_stack *stack,
                       size_t index, kvc_workspace *w)
{
    static void (*const run[KVC_BLOCK_KINDS])(kvc_chunk *, const kvc_model *,
                                              const kvc_layer *, kvc_workspace *) = {
        [KVC_SELF_ATTENTION] = kvc_self_attention,
        [KVC_MLP] = kvc_mlp,
        [KVC_GATED_MLP] = kvc_gated_mlp,
        [KVC_PARALLEL] = kvc_parallel,
        [KVC_ENCODER_ATTENTION] = kvc_encoder_attention,
        [KVC_CROSS_ATTENTION] = kvc_cross_attention_block,
    };
    const kvc_layer *layer = &stack->layers[index];
    for (const kvc_block_kind *block = stack->blocks; *block; block++)
        run[*block](chunk, model, layer, w);
}

void kvc_forward_logits(float *restrict logits, const kvc_model *model, const float *x,
                        size_t n, kvc_workspace *w)
{
    const size_t C = model->config.n_embd;
    kvc_apply_norm(w->h, x, n, model, &model->decoder.norm);
    if (model->config.scaled_head)
        kvc_scale(w->h, kvc_usual_scale(C), n * C);
    kvc_counted_linear(logits, w->h, n, model->head, &w->counts->head_macs, w->counts);
}
