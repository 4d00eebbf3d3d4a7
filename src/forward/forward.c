#include "forward/forward.h"

#include "base/simd.h"
#include "kernels/rotary.h"
#include "kernels/vector.h"

void kvc_forward_embed(float *restrict x, float *restrict turns,
                       float *restrict local_turns, const kvc_model *model,
                       const uint32_t *ids, size_t position, size_t n)
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
        if (!model->positions)
            continue;
        const size_t row = model->arch->first_position + position + r;
        const float *place = model->positions + row * C;
        kvc_add(x, place, C);
    }
}

void kvc_forward_layer(kvc_chunk *chunk, const kvc_model *model, size_t index,
                       kvc_workspace *w)
{
    static void (*const run[KVC_BLOCK_KINDS])(kvc_chunk *, const kvc_model *,
                                              const kvc_layer *, kvc_workspace *) = {
        [KVC_SELF_ATTENTION] = kvc_self_attention,
        [KVC_MLP] = kvc_mlp,
        [KVC_GATED_MLP] = kvc_gated_mlp,
        [KVC_PARALLEL] = kvc_parallel,
    };
    const kvc_layer *layer = &model->layers[index];
    const kvc_block_kind *block = kvc_blocks_of(model->arch, &model->config);
    for (; *block; block++)
        run[*block](chunk, model, layer, w);
}

void kvc_forward_logits(float *restrict logits, const kvc_model *model, const float *x,
                        size_t n, kvc_workspace *w)
{
    kvc_apply_norm(w->h, x, n, model, &model->norm);
    kvc_counted_linear(logits, w->h, n, model->head, &w->counts->head_macs, w->counts);
}
