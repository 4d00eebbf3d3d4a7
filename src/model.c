#include "model.h"

#include <string.h>

/* ---- sizes and layout -------------------------------------------------------------- */

kvc_error kvc_config_check(const kvc_config *c)
{
    if (!c)
        return KVC_ERR_INVALID_ARGUMENT;
    const uint32_t sizes[] = {c->n_layer, c->n_head,      c->n_embd,
                              c->n_inner, c->n_positions, c->vocab_size};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] == 0 ||
            sizes[i] > 1u << 24) /* far above any model: sums never overflow */
            return KVC_ERR_CONFIG_INVALID;
    if (c->n_layer > 1u << 12) /* each costs time here, before any memory is asked for */
        return KVC_ERR_CONFIG_INVALID;
    if (c->n_embd % c->n_head != 0 || c->n_embd / c->n_head % 4 != 0)
        return KVC_ERR_CONFIG_INVALID;
    if (!(c->layer_norm_epsilon > 0.0f && c->layer_norm_epsilon < 1.0f))
        return KVC_ERR_CONFIG_INVALID;
    return KVC_OK;
}

static float *take_floats(kvc_arena *arena, size_t rows, size_t columns)
{
    return kvc_take(arena, rows, columns * sizeof(float));
}

/* A matrix with zeros in the lanes that pad n_out to a multiple of 4. */
static kvc_matrix take_matrix(kvc_arena *arena, size_t n_in, size_t n_out, float *bias)
{
    const size_t lanes = kvc_round_up(n_out, 4), last = n_out / KVC_PANEL * KVC_PANEL;
    const kvc_matrix m = {n_in, n_out, take_floats(arena, lanes, n_in), bias};
    if (arena->base && lanes != n_out) {
        memset(m.w + last * n_in, 0, (lanes - last) * n_in * sizeof(float));
        if (bias)
            memset(bias + n_out, 0, (lanes - n_out) * sizeof(float));
    }
    return m;
}

static kvc_layer take_layer(kvc_arena *arena, size_t C, size_t F)
{
    kvc_layer l;
    l.ln_1_weight = take_floats(arena, 1, C);
    l.ln_1_bias = take_floats(arena, 1, C);
    float *bias = take_floats(arena, 3, C);
    l.q = take_matrix(arena, C, C, bias);
    l.k = take_matrix(arena, C, C, bias ? bias + C : NULL);
    l.v = take_matrix(arena, C, C, bias ? bias + 2 * C : NULL);
    l.proj = take_matrix(arena, C, C, take_floats(arena, 1, C));
    l.ln_2_weight = take_floats(arena, 1, C);
    l.ln_2_bias = take_floats(arena, 1, C);
    l.fc = take_matrix(arena, C, F, take_floats(arena, 1, kvc_round_up(F, 4)));
    l.mlp_proj = take_matrix(arena, F, C, take_floats(arena, 1, C));
    return l;
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
    m->wte = take_matrix(arena, C, config->vocab_size, NULL);
    m->wpe = take_floats(arena, config->n_positions, C);
    m->ln_f_weight = take_floats(arena, 1, C);
    m->ln_f_bias = take_floats(arena, 1, C);
    for (size_t i = 0; i < L && !arena->overflow; i++) {
        const kvc_layer layer = take_layer(arena, C, config->n_inner);
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

/* ---- intake: bytes of a file -> packed floats -------------------------------------- */

static size_t dtype_size(kvc_dtype dtype)
{
    return dtype == KVC_F32 ? 4 : 2;
}

/* IEEE 754 half to single, exact: subnormals, infinities and NaN included. */
static uint32_t widen_half(uint32_t h)
{
    const uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31,
                   fraction = h & 0x3ffu;
    if (exponent == 31)
        return sign | 0x7f800000u | fraction << 13;
    if (exponent != 0)
        return sign | (exponent + 112) << 23 | fraction << 13;
    const float magnitude = (float)fraction * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    return sign | bits;
}

static float load_element(const unsigned char *p, kvc_dtype dtype)
{
    uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    if (dtype == KVC_F32)
        bits |= (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    else
        bits = dtype == KVC_BF16 ? bits << 16 : widen_half(bits);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Where element number i of the file's tensor goes. */
static float *destination(const kvc_place *place, size_t i)
{
    if (place->plain)
        return place->plain + i;
    const size_t row = i / place->shape[1], column = i % place->shape[1];
    if (place->out_major)
        return kvc_matrix_at(place->matrix, column, row);
    const size_t n_out = place->matrix->n_out;
    return kvc_matrix_at(place->matrix + column / n_out, row, column % n_out);
}

kvc_error kvc_model_begin_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                                 const uint64_t *shape, size_t rank)
{
    if (!model || !name || (rank > 0 && !shape))
        return KVC_ERR_INVALID_ARGUMENT;
    if (model->intake.active)
        return KVC_ERR_BUSY;
    size_t index;
    if (!kvc_tensor_find(model, name, &index))
        return KVC_ERR_TENSOR_UNKNOWN;
    if (dtype != KVC_F32 && dtype != KVC_F16 && dtype != KVC_BF16)
        return KVC_ERR_TENSOR_DTYPE;
    if (model->present[index])
        return KVC_ERR_TENSOR_DUPLICATE;
    const kvc_place place = kvc_tensor_place(model, index);
    size_t elements = 1;
    for (size_t i = 0; i < place.rank; i++) {
        if (rank != place.rank || shape[i] != place.shape[i])
            return KVC_ERR_TENSOR_SHAPE;
        elements *= place.shape[i];
    }
    model->intake = (kvc_intake){
        .active = true, .index = index, .dtype = dtype, .elements = elements};
    return KVC_OK;
}

kvc_error kvc_model_write_tensor(kvc_model *model, const void *data, size_t bytes)
{
    kvc_intake *in = &model->intake;
    if (!in->active || (!data && bytes > 0))
        return KVC_ERR_INVALID_ARGUMENT;
    const size_t size = dtype_size(in->dtype);
    if (bytes % size != 0 || bytes / size > in->elements - in->written) {
        kvc_model_cancel_tensor(model);
        return KVC_ERR_TENSOR_BYTES;
    }
    const kvc_place place = kvc_tensor_place(model, in->index);
    const unsigned char *p = data;
    for (size_t left = bytes / size; left > 0; left--, p += size) {
        const float value = load_element(p, in->dtype);
        if (!kvc_all_finite(&value, 1)) {
            kvc_model_cancel_tensor(model);
            return KVC_ERR_NOT_FINITE;
        }
        *destination(&place, in->written++) = value;
    }
    if (in->written == in->elements) {
        model->present[in->index] = true;
        in->active = false;
    }
    return KVC_OK;
}

void kvc_model_cancel_tensor(kvc_model *model)
{
    model->intake.active = false;
}

kvc_error kvc_model_set_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                               const uint64_t *shape, size_t rank, const void *data,
                               size_t bytes)
{
    if (name && kvc_model_ignores(name))
        return KVC_OK;
    kvc_error error = kvc_model_begin_tensor(model, name, dtype, shape, rank);
    if (error)
        return error;
    error = kvc_model_write_tensor(model, data, bytes);
    if (!error && model->intake.active)
        error = KVC_ERR_TENSOR_BYTES; /* too few */
    kvc_model_cancel_tensor(model);
    return error;
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

/* FNV-1a over words of 32 bits: each step is a bijection of the hash, so that no single
 * change goes unseen.   words: [n], floats as a rule */
static uint64_t hash_words(uint64_t hash, const void *words, size_t n)
{
    const unsigned char *p = words;
    for (size_t i = 0; i < n; i++) {
        uint32_t word;
        memcpy(&word, p + i * sizeof word, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

static uint64_t hash_tensor(uint64_t hash, const kvc_place *place)
{
    if (place->plain)
        return hash_words(hash, place->plain,
                          place->shape[0] * (place->rank == 2 ? place->shape[1] : 1));
    for (size_t part = 0; part < place->parts; part++) {
        const kvc_matrix *m = &place->matrix[part];
        hash = hash_words(hash, m->w, kvc_matrix_bytes(m) / sizeof(uint32_t));
    }
    return hash;
}

uint64_t kvc_model_fingerprint(kvc_model *model)
{
    const char *missing;
    if (kvc_model_complete(model, &missing) != KVC_OK)
        return 0;
    if (model->fingerprint == 0) {
        uint64_t hash = hash_words(0xcbf29ce484222325u, &model->config,
                                   sizeof model->config / sizeof(uint32_t));
        for (size_t i = 0; i < kvc_tensor_count(model); i++) {
            const kvc_place place = kvc_tensor_place(model, i);
            hash = hash_tensor(hash, &place);
        }
        model->fingerprint = hash ? hash : 1;
    }
    return model->fingerprint;
}
