/* model.c - checks the sizes and lays the weights out. */
#include "model/model.h"

#include <string.h>

#include "base/number.h"

kvc_error kvc_config_check(const kvc_config *c)
{
    if (!c)
        return KVC_ERR_INVALID_ARGUMENT;
    enum { MOST = 1 << 24 }; /* far above any model: sums never overflow */
    const uint32_t sizes[] = {c->n_layer, c->n_head,  c->n_kv_head,   c->head_dim,
                              c->n_embd,  c->n_inner, c->n_positions, c->vocab_size};
    if ((unsigned)c->arch >= KVC_ARCH_COUNT)
        return KVC_ERR_CONFIG_INVALID;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] == 0 || sizes[i] > MOST)
            return KVC_ERR_CONFIG_INVALID;
    if (c->n_layer > 1u << 12) /* each costs time here, before any memory is asked for */
        return KVC_ERR_CONFIG_INVALID;
    if (c->head_dim % 4 != 0 || c->n_embd % 4 != 0 || c->n_head % c->n_kv_head != 0 ||
        c->head_dim > MOST / c->n_head)
        return KVC_ERR_CONFIG_INVALID;
    if (!(c->norm_epsilon > 0.0f && c->norm_epsilon < 1.0f))
        return KVC_ERR_CONFIG_INVALID;
    if (c->weights != KVC_F32 && c->weights != KVC_I8)
        return KVC_ERR_CONFIG_INVALID;
    return KVC_OK;
}

static float *take_floats(kvc_arena *arena, size_t rows, size_t columns)
{
    return kvc_take(arena, rows, columns * sizeof(float));
}

static kvc_layer take_layer(kvc_arena *arena, const kvc_config *config)
{
    const size_t C = config->n_embd, F = config->n_inner;
    const size_t Q = kvc_query_width(config), KV = kvc_kv_width(config);
    const kvc_dtype type = config->weights;
    kvc_layer l;
    l.ln_1_weight = take_floats(arena, 1, C);
    l.ln_1_bias = take_floats(arena, 1, C);
    float *bias = take_floats(arena, 1, Q + 2 * KV);
    l.q = kvc_matrix_take(arena, C, Q, bias, type);
    l.k = kvc_matrix_take(arena, C, KV, bias ? bias + Q : NULL, type);
    l.v = kvc_matrix_take(arena, C, KV, bias ? bias + Q + KV : NULL, type);
    l.proj = kvc_matrix_take(arena, Q, C, take_floats(arena, 1, C), type);
    l.ln_2_weight = take_floats(arena, 1, C);
    l.ln_2_bias = take_floats(arena, 1, C);
    l.fc = kvc_matrix_take(arena, C, F, take_floats(arena, 1, kvc_round_up(F, 4)), type);
    l.mlp_proj = kvc_matrix_take(arena, F, C, take_floats(arena, 1, C), type);
    return l;
}

/* Of the Conv1D tensors: c_attn, c_fc and the two c_proj. */
static size_t widest_row(const kvc_config *config)
{
    const size_t attn = kvc_query_width(config) + 2 * kvc_kv_width(config);
    const size_t widest = attn > config->n_inner ? attn : config->n_inner;
    return widest > config->n_embd ? widest : config->n_embd;
}

static kvc_model *layout(kvc_arena *arena, const kvc_config *config)
{
    const size_t C = config->n_embd, L = config->n_layer;
    const size_t n_tensors = KVC_GLOBAL_TENSORS + L * KVC_LAYER_TENSORS;
    kvc_model scratch, *model = kvc_take(arena, 1, sizeof *model);
    kvc_model *m = arena->base ? model : &scratch;
    memset(m, 0, sizeof *m);
    m->config = *config;
    m->layers = kvc_take(arena, L, sizeof *m->layers);
    m->present = kvc_take(arena, n_tensors, sizeof *m->present);
    m->wte = kvc_matrix_take(arena, C, config->vocab_size, NULL, config->weights);
    if (config->weights == KVC_I8)
        m->rows = take_floats(arena, KVC_BLOCK, widest_row(config));
    m->wpe = take_floats(arena, config->n_positions, C);
    m->ln_f_weight = take_floats(arena, 1, C);
    m->ln_f_bias = take_floats(arena, 1, C);
    for (size_t i = 0; i < L && !arena->overflow; i++) {
        const kvc_layer layer = take_layer(arena, config);
        if (arena->base)
            m->layers[i] = layer;
    }
    if (arena->base)
        memset(m->present, 0, n_tensors * sizeof *m->present);
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
    layout(&arena, config);
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
    *model = layout(&arena, config);
    return KVC_OK;
}

const kvc_config *kvc_model_config(const kvc_model *model)
{
    return &model->config;
}

kvc_error kvc_model_complete(kvc_model *model, const char **name)
{
    if (!model || !name)
        return KVC_ERR_INVALID_ARGUMENT;
    for (size_t i = 0; i < kvc_tensor_count(model); i++)
        if (!model->present[i]) {
            kvc_tensor_name(i, model->name);
            *name = model->name;
            return KVC_ERR_TENSOR_MISSING;
        }
    return KVC_OK;
}

/* ---- the fingerprint --------------------------------------------------------------- */

static uint64_t hash_tensor(uint64_t hash, const kvc_place *place)
{
    if (place->plain)
        return kvc_fnv1a_words(hash, place->plain,
                               place->shape[0] *
                                   (place->rank == 2 ? place->shape[1] : 1));
    for (size_t part = 0; part < place->parts; part++) {
        const kvc_matrix *m = &place->matrix[part];
        const size_t words = kvc_matrix_bytes(m) / sizeof(uint32_t);
        const size_t scales = m->q ? words / (1 + KVC_BLOCK / sizeof(uint32_t)) : words;
        hash = kvc_fnv1a_words(hash, m->w, scales);
        if (m->q)
            hash = kvc_fnv1a_words(hash, m->q, words - scales);
    }
    return hash;
}

uint64_t kvc_model_fingerprint(kvc_model *model)
{
    const char *missing;
    if (kvc_model_complete(model, &missing) != KVC_OK)
        return 0;
    if (model->fingerprint == 0) {
        uint64_t hash = kvc_fnv1a_words(KVC_FNV_START, &model->config,
                                        sizeof model->config / sizeof(uint32_t));
        for (size_t i = 0; i < kvc_tensor_count(model); i++) {
            const kvc_place place = kvc_tensor_place(model, i);
            hash = hash_tensor(hash, &place);
        }
        model->fingerprint = hash ? hash : 1;
    }
    return model->fingerprint;
}
