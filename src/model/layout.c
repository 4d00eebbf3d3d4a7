/* layout.c - lays the weights out by the table of the architecture, and says whether all
 * of them are there. */
#include <string.h>

#include "base/number.h"
#include "kernels/rotary.h"
#include "model/tensors.h"

enum { MASKED_LAYERS = 64 }; /* an encoder's are numbered from there: without windows */

/* What the queries of a layer see. */
static kvc_view view_of(const kvc_config *config, size_t layer)
{
    const uint32_t word = layer < MASKED_LAYERS ? config->window_layers[layer / 32] : 0;
    const size_t window = word >> layer % 32 & 1 ? config->window : 0;
    const float own = config->score_scale;
    return (kvc_view){.window = window,
                      .turned = config->rotary_dim,
                      .scale = own > 0.0f ? own : kvc_usual_scale(config->head_dim)};
}

/* ---- memory ------------------------------------------------------------------------ */

/* The matrices of a tensor, without biases. */
static void take_matrices(kvc_arena *arena, const kvc_config *config, const kvc_tensor *t,
                          kvc_matrix *m)
{
    const size_t in = kvc_size_of(config, t->in);
    for (size_t part = 0; part < KVC_PARTS && t->out[part] != KVC_NO_SIZE; part++)
        m[part] = kvc_matrix_take(arena, in, kvc_size_of(config, t->out[part]), NULL,
                                  config->weights);
}

/* Their biases, side by side: all parts but the last are multiples of 4. */
static void take_biases(kvc_arena *arena, const kvc_config *config, const kvc_tensor *t,
                        kvc_matrix *m)
{
    const size_t out = kvc_tensor_out(t, config), lanes = kvc_round_up(out, 4);
    float *bias = kvc_take_floats(arena, 1, lanes);
    if (bias)
        memset(bias + out, 0, (lanes - out) * sizeof *bias);
    for (size_t part = 0; part < KVC_PARTS && t->out[part] != KVC_NO_SIZE; part++) {
        m[part].bias = bias;
        if (bias)
            bias += m[part].n_out;
    }
}

/* owner: a kvc_model or a kvc_layer */
static void take_tensors(kvc_arena *arena, const kvc_config *config,
                         const kvc_tensors *tensors, void *owner)
{
    for (const kvc_tensor *t = tensors->row; t < tensors->row + tensors->n; t++) {
        if (!kvc_tensor_exists(t, config))
            continue;
        const size_t rows = t->form == KVC_TABLE ? kvc_size_of(config, t->in) : 1;
        if (t->form == KVC_VECTOR || t->form == KVC_TABLE)
            *kvc_tensor_floats(t, owner) =
                kvc_take_floats(arena, rows, kvc_tensor_out(t, config));
        else if (kvc_is_bias(t))
            take_biases(arena, config, t, kvc_tensor_matrix(t, owner));
        else
            take_matrices(arena, config, t, kvc_tensor_matrix(t, owner));
    }
}

/* Of the tensors whose rows are inputs, the outputs of the widest; at least so many. */
static size_t widest_row(const kvc_config *config, const kvc_tensors *tensors,
                         size_t widest)
{
    for (const kvc_tensor *t = tensors->row; t < tensors->row + tensors->n; t++) {
        const size_t out = t->form == KVC_CONV1D ? kvc_tensor_out(t, config) : 0;
        widest = out > widest ? out : widest;
    }
    return widest;
}

static kvc_stack take_stack(kvc_arena *arena, size_t n_layer,
                            const kvc_block_kind *blocks)
{
    kvc_stack stack = {.blocks = blocks, .n_layer = n_layer};
    stack.layers = kvc_take(arena, n_layer, sizeof *stack.layers);
    return stack;
}

/* first: what view_of calls the first of them */
static void take_layers(kvc_arena *arena, const kvc_config *config,
                        const kvc_tensors *tensors, kvc_stack *stack, size_t first)
{
    for (size_t i = 0; i < stack->n_layer && !arena->overflow; i++) {
        kvc_layer layer = {.view = view_of(config, first + i)};
        take_tensors(arena, config, tensors, &layer);
        if (arena->base)
            stack->layers[i] = layer;
    }
}

static float *take_sinusoids(kvc_arena *arena, const kvc_config *config)
{
    float *table = kvc_take_floats(arena, config->n_positions, config->n_embd);
    if (table)
        kvc_sinusoids(table, config->n_positions, config->n_embd);
    return table;
}

kvc_model *kvc_model_layout(kvc_arena *arena, const kvc_config *config,
                            const kvc_architecture *arch)
{
    kvc_model asked, *model = kvc_take(arena, 1, sizeof *model);
    kvc_model *m = arena->base ? model : &asked;
    memset(m, 0, sizeof *m);
    m->config = *config;
    m->arch = arch;
    m->decoder = take_stack(arena, config->n_layer, kvc_blocks_of(arch, config));
    m->encoder = take_stack(arena, config->n_encoder_layer, arch->encoder_blocks);
    const size_t n_tensors = kvc_tensor_count(m);
    m->begun = kvc_take(arena, n_tensors, sizeof *m->begun);
    m->present = kvc_take(arena, n_tensors, sizeof *m->present);
    take_tensors(arena, config, &arch->model, m);
    m->head = config->own_head ? &m->own_head : &m->embedding;
    if (config->rotary_dim > 0)
        m->frequencies = kvc_take_floats(arena, 1, config->rotary_dim / 2);
    if (m->frequencies)
        kvc_rotary_frequencies(m->frequencies, config);
    m->amplitude = kvc_rotary_amplitude(config);
    const kvc_config local = {.rotary_dim = config->rotary_dim,
                              .rope_theta = config->rope_local_theta,
                              .rope_factor = 1.0f};
    if (config->rope_local_theta > 0.0f)
        m->local_frequencies = kvc_take_floats(arena, 1, config->rotary_dim / 2);
    if (m->local_frequencies)
        kvc_rotary_frequencies(m->local_frequencies, &local);
    const size_t widest =
        widest_row(config, &arch->layer, widest_row(config, &arch->model, 1));
    if (config->weights == KVC_I8)
        m->rows = kvc_take_floats(arena, KVC_BLOCK, widest);
    if (arch->sinusoidal)
        m->decoder.positions = m->encoder.positions = take_sinusoids(arena, config);
    take_layers(arena, config, &arch->layer, &m->decoder, 0);
    take_layers(arena, config, &arch->encoder, &m->encoder, MASKED_LAYERS);
    if (arena->base) {
        memset(m->begun, 0, n_tensors * sizeof *m->begun);
        memset(m->present, 0, n_tensors * sizeof *m->present);
    }
    return model;
}

kvc_error kvc_model_bytes(const kvc_config *config, size_t *bytes)
{
    const kvc_error error = kvc_config_check(config);
    if (error)
        return error;
    if (!bytes)
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_arena arena = {0};
    kvc_model_layout(&arena, config, kvc_architecture_of(config->arch));
    *bytes = arena.used;
    return arena.overflow ? KVC_ERR_OUT_OF_MEMORY : KVC_OK;
}

kvc_error kvc_model_init(kvc_model **model, const kvc_config *config, void *memory,
                         size_t bytes)
{
    size_t needed;
    const kvc_error error = kvc_model_bytes(config, &needed);
    if (error)
        return error;
    if (!model || !kvc_is_aligned(memory))
        return KVC_ERR_INVALID_ARGUMENT;
    if (bytes < needed)
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_arena arena = {.base = memory};
    *model = kvc_model_layout(&arena, config, kvc_architecture_of(config->arch));
    return KVC_OK;
}

/* ---- what is there ----------------------------------------------------------------- */

const kvc_config *kvc_model_config(const kvc_model *model)
{
    return &model->config;
}

/* Whether all tensors are among these; else *name is the first that is not. */
static kvc_error are_all(kvc_model *model, const bool *these, const char **name)
{
    for (size_t i = 0; i < kvc_tensor_count(model); i++)
        if (kvc_tensor_exists_at(model, i) && !these[i]) {
            kvc_tensor_name(model, i, model->name);
            *name = model->name;
            return KVC_ERR_TENSOR_MISSING;
        }
    return KVC_OK;
}

kvc_error kvc_model_announced(kvc_model *model, const char **name)
{
    if (!model || !name)
        return KVC_ERR_INVALID_ARGUMENT;
    return are_all(model, model->begun, name);
}

kvc_error kvc_model_complete(kvc_model *model, const char **name)
{
    if (!model || !name)
        return KVC_ERR_INVALID_ARGUMENT;
    return are_all(model, model->present, name);
}
