/* model.h - the packed weights, as the forward pass reads them. C = n_embd, F = n_inner,
 * Q = n_head * head_dim, KV = n_kv_head * head_dim, V = vocab_size. */
#ifndef KVC_MODEL_H
#define KVC_MODEL_H

#include "base/arena.h"
#include "cache/attention.h"
#include "model/arch.h"

typedef struct kvc_norm {
    float *weight, *bias; /* [C], of heads [D]; an RMS norm has no bias */
} kvc_norm;

/* A table names only the first matrix of a fused tensor; the others follow it here. */
typedef struct kvc_layer {
    kvc_norm attention_norm;
    kvc_matrix q;            /* C -> Q */
    kvc_matrix k, v;         /* C -> KV; the last layer needs them for more rows than q */
    kvc_matrix o;            /* Q -> C */
    kvc_norm q_norm, k_norm; /* of each head of q and k, or none */
    kvc_norm attention_out_norm, mlp_out_norm; /* of what a block adds, or none */
    kvc_norm cross_norm;
    kvc_matrix cross_q;          /* C -> Q, of a block of cross-attention; or none */
    kvc_matrix cross_k, cross_v; /* C -> KV, of the source's rows */
    kvc_matrix cross_o;          /* Q -> C */
    kvc_norm mlp_norm;
    kvc_matrix gate; /* C -> F, of a gated MLP */
    kvc_matrix up;   /* C -> F */
    kvc_matrix down; /* F -> C */
    kvc_view view;   /* what its queries see */
} kvc_layer;

/* Layers, and what stands before and behind them; what a model lacks is NULL. */
typedef struct kvc_stack {
    const kvc_block_kind *blocks; /* of each layer */
    size_t n_layer;
    kvc_layer *layers;       /* [n_layer] */
    float *positions;        /* [P, C] learned, or sinusoids */
    kvc_norm embedding_norm; /* of tokens as rows */
    float *buckets; /* [relative_buckets, H] what scores gain by distance: bucket.h */
    kvc_norm norm;  /* of the last layer's rows */
} kvc_stack;

/* A tensor on its way in. */
typedef struct kvc_intake {
    bool active;
    size_t index; /* as in tensors.h */
    kvc_dtype dtype;
    size_t written, elements;
} kvc_intake;

struct kvc_model {
    kvc_config config;
    const kvc_architecture *arch;
    kvc_matrix embedding;     /* C -> V: a token's row is the column of its id */
    kvc_matrix own_head;      /* C -> V, or none */
    const kvc_matrix *head;   /* C -> V, one of these: the logits */
    float *frequencies;       /* [rotary_dim/2] of rotations, or NULL: rotary.h */
    float amplitude;          /* of their cosines and sines */
    float *local_frequencies; /* the same of layers with a window; NULL: these */
    kvc_stack decoder;        /* what a model without an encoder has */
    kvc_stack encoder;        /* no layers where there is none */
    bool *begun, *present;    /* [kvc_tensor_count] */
    float *rows; /* int8: the last KVC_BLOCK inputs of a tensor on its way in */
    kvc_intake intake;
    uint64_t fingerprint; /* 0: not asked for yet */
    char name[80];        /* of the last tensor asked for */
};

/* Lays a model out by any table, NULL while asking. The config is checked already. */
kvc_model *kvc_model_layout(kvc_arena *arena, const kvc_config *config,
                            const kvc_architecture *arch);

/* Whether models of this config have a tensor of the table. */
static inline bool kvc_tensor_exists(const kvc_tensor *tensor, const kvc_config *config)
{
    const void *flag = (const char *)config + tensor->only;
    return tensor->only == 0 || *(const uint32_t *)flag != 0;
}

/* Q and KV. */
static inline size_t kvc_query_width(const kvc_config *config)
{
    return (size_t)config->n_head * config->head_dim;
}

static inline size_t kvc_kv_width(const kvc_config *config)
{
    return (size_t)config->n_kv_head * config->head_dim;
}

#endif
