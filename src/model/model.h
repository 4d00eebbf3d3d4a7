/* model.h - the packed weights, as the forward pass reads them. C = n_embd, F = n_inner,
 * Q = n_head * head_dim, KV = n_kv_head * head_dim. */
#ifndef KVC_MODEL_H
#define KVC_MODEL_H

#include "base/arena.h"
#include "kernels/matrix.h"
#include "kvc.h"

typedef struct kvc_layer {
    float *ln_1_weight, *ln_1_bias; /* [C] */
    kvc_matrix q;    /* C -> Q: c_attn in three, so that K and V can go alone */
    kvc_matrix k, v; /* C -> KV */
    kvc_matrix proj; /* Q -> C */
    float *ln_2_weight, *ln_2_bias; /* [C] */
    kvc_matrix fc;                  /* C -> F */
    kvc_matrix mlp_proj;            /* F -> C */
} kvc_layer;

/* A tensor on its way in. */
typedef struct kvc_intake {
    bool active;
    size_t index; /* in the order of tensors.c */
    kvc_dtype dtype;
    size_t written, elements;
} kvc_intake;

struct kvc_model {
    kvc_config config;
    kvc_matrix wte; /* C -> V: the head; row id of the embedding is output id */
    float *rows;    /* int8: the last KVC_BLOCK inputs of a tensor on its way in */
    float *wpe;     /* [n_positions, C] */
    float *ln_f_weight, *ln_f_bias; /* [C] */
    kvc_layer *layers;              /* [L] */
    bool *present;                  /* [KVC_GLOBAL_TENSORS + KVC_LAYER_TENSORS * L] */
    kvc_intake intake;
    uint64_t fingerprint; /* 0: not asked for yet */
    char name[64];        /* of the last tensor asked for */
};

enum { KVC_GLOBAL_TENSORS = 4, KVC_LAYER_TENSORS = 12 };

/* A tensor of the file and its place in the model: a plain array, or one matrix (three
 * for c_attn) whose transposition the file's orientation decides. */
typedef struct kvc_place {
    size_t rank, shape[2];
    float *plain;       /* or */
    kvc_matrix *matrix; /* [parts], side by side along the last axis */
    size_t parts;
    bool out_major; /* the file has [out, in] (wte) rather than [in, out] (Conv1D) */
} kvc_place;

/* Q and KV: what a token's queries, and its keys or values, take in floats. */
static inline size_t kvc_query_width(const kvc_config *config)
{
    return (size_t)config->n_head * config->head_dim;
}

static inline size_t kvc_kv_width(const kvc_config *config)
{
    return (size_t)config->n_kv_head * config->head_dim;
}

/* tensors.c: names <-> indices <-> places. */
size_t kvc_tensor_count(const kvc_model *model);
bool kvc_tensor_find(const kvc_model *model, const char *name, size_t *index);
void kvc_tensor_name(size_t index, char name[64]);
kvc_place kvc_tensor_place(kvc_model *model, size_t index);

#endif
