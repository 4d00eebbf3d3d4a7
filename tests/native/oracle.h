/* oracle.h - the slow, obvious truth: every architecture in double precision, without a
 * cache, without SIMD, straight from the weights as they lie in a file. Every fast
 * thing in src/ is held against it. */
#ifndef ORACLE_H
#define ORACLE_H

#include "kvc.h"

/* One tensor of a checkpoint: Hugging Face name and orientation (GPT-2's Conv1D weights
 * are [in, out], all others [out, in]). */
typedef struct oracle_tensor {
    char name[80];
    size_t rank;
    uint64_t shape[2];
    float *data; /* row-major */
} oracle_tensor;

typedef struct oracle_model {
    kvc_config config;
    size_t n_tensors;
    oracle_tensor *tensors;
    const uint32_t *source; /* [n_source] what an encoder reads */
    size_t n_source;
} oracle_model;

/* Layers from here on are the encoder's. */
enum { ORACLE_ENCODER = 1000 };

/* What tensors are called, without .weight and .bias; NULL: there is none. */
typedef struct oracle_names {
    const char *embedding, *positions, *head, *norm;
    const char *attention_norm, *q, *k, *v, *o;
    const char *qkv;         /* in place of q, k and v: one after the other, */
    const char *qkv_by_head; /* or those of the first head, those of the second ... */
    const char *mlp_norm;    /* NULL: side by side, attention's */
    const char *attention_out_norm, *mlp_out_norm; /* of what they add, or NULL */
    const char *gate, *up, *down;
    size_t first_position;      /* the row of position 0 */
    const char *embedding_norm; /* of tokens as rows, or NULL */
    const char *cross_norm, *cross_q, *cross_k, *cross_v, *cross_o; /* or NULL */
    const char *buckets; /* what scores gain by distance, or NULL */
    bool post_norm;      /* norms stand behind sums */
} oracle_names;
const oracle_names *oracle_names_of(const oracle_model *model);
/* The same of the stack that a layer is in. */
const oracle_names *oracle_names_at(const oracle_model *model, int layer);

/* What the score of a query at i for a key at j gains in a head; 0 where the model has
 * nothing for that. */
float oracle_bias(const oracle_model *model, int layer, size_t head, size_t i, size_t j);

/* A position as sines and cosines.   row: [C] out */
void oracle_sinusoids(double *row, size_t position, size_t C);

/* The data of "h.<layer>.<leaf>" in a GPT-2, of "layers.<layer>.<leaf>" in others, or of
 * "<leaf>" for layer < 0. */
const float *oracle_weights(const oracle_model *model, int layer, const char *leaf);
/* The same; NULL where there is no such tensor. */
const float *oracle_find(const oracle_model *model, int layer, const char *leaf);

/* What stands before a layer's number. */
const char *oracle_layers(const kvc_config *config);

/* "<name>.<end>" of a layer, or of the model; NULL where there is none. */
const float *oracle_part(const oracle_model *model, int layer, const char *name,
                         const char *end);

/* The embedding, and the matrix that makes the logits    [V, C] */
const float *oracle_embedding(const oracle_model *model);
const float *oracle_head(const oracle_model *model);
/* What logits gain: [V], or NULL */
const float *oracle_head_bias(const oracle_model *model);

/* By how much pair i of a head turns at a position, rounded where the engine promises
 * to. */
float oracle_angle(const kvc_config *config, size_t i, size_t position);

/* What the angles of a layer follow from. */
kvc_config oracle_angles(const kvc_config *config, int layer);

/* The weight of a norm, of which some files have 1 less. */
float oracle_norm_weight(const oracle_model *model, float in_file);

/* By how much turned heads become longer. */
float oracle_amplitude(const kvc_config *config);

/* Floats as doubles: a new array [n]. */
double *oracle_widen(const float *x, size_t n);

/* y[r,o] = bias[o] + sum_i x[r,i] w[i,o]
 *   y: [rows, n_out]   x: [rows, n_in]   w: [n_in, n_out]   bias: [n_out] or NULL */
void oracle_linear(double *y, const double *x, const float *w, const float *bias,
                   size_t rows, size_t n_in, size_t n_out);

/* y = (x - mean) / sqrt(variance + eps) * weight + bias    y, x, weight, bias: [n] */
void oracle_layer_norm(double *y, const double *x, const float *weight, const float *bias,
                       size_t n, double eps);

/* y = x / sqrt(mean of x^2 + eps) * weight    y, x, weight: [n]; y may be x */
void oracle_rms_norm(double *y, const double *x, const float *weight, size_t n,
                     double eps);

/* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
double oracle_gelu(double x);

/* 0.5 x (1 + erf(x / sqrt(2))) */
double oracle_exact_gelu(double x);

/* x / (1 + exp(-x)) */
double oracle_silu(double x);

/* x = exp(x) / sum exp(x), in place    x: [n] */
void oracle_softmax(double *x, size_t n);

/* One query against n keys: y = sum_j softmax_j(q . k[j] * scale) v[j]; and with the
 * scale 1 / sqrt(D)
 *   y, q: [D]   k, v: [n, D], floats from row to row: stride */
void oracle_attend(double *y, const double *q, const double *k, const double *v, size_t n,
                   size_t D, size_t stride, double scale);
void oracle_attention(double *y, const double *q, const double *k, const double *v,
                      size_t n, size_t D, size_t stride);

/* The first token that the query of token t sees in a layer; how its scores are
 * scaled. */
size_t oracle_first_seen(const kvc_config *config, int layer, size_t t);
double oracle_scale(const kvc_config *config);

/* The logits that follow every token.    logits: [T, V]   ids: [T] */
void oracle_logits(double *logits, const oracle_model *model, const uint32_t *ids,
                   size_t T);

/* The last token's query of one layer and head, and the weights that it gives to every
 * token.   weights: [T]   query: [D]   ids: [T] */
void oracle_attention_weights(double *weights, double *query, const oracle_model *model,
                              const uint32_t *ids, size_t T, int layer, size_t head);

/* Those that it gives to every token of the source.   weights: [n_source] */
void oracle_cross_weights(double *weights, const oracle_model *model, const uint32_t *ids,
                          size_t T, int layer, size_t head);

#endif
