/* t5.c - T5 (Raffel et al. 2020): an encoder and a decoder of RMS norms without biases.
 * Positions are distances, whose weights the first layer of each stack has for all of
 * them. 1.0 has a ReLU, 1.1, flan and mT5 have a gate. */
#include "model/arch/table.h"

#define DISTANCES(stack)                                                                 \
    {                                                                                    \
#stack ".block.0.layer.0.SelfAttention.relative_attention_bias.weight",          \
            KVC_TABLE, MODEL(stack.buckets), KVC_BUCKETS,                                \
            .out = {                                                                     \
                KVC_N_HEAD }                                                             \
    }

static const kvc_tensor of_model[] = {
    {"shared.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    DISTANCES(encoder),
    {"encoder.final_layer_norm.weight", KVC_VECTOR, MODEL(encoder.norm.weight),
     .out = {KVC_C}},
    DISTANCES(decoder),
    {"decoder.final_layer_norm.weight", KVC_VECTOR, MODEL(decoder.norm.weight),
     .out = {KVC_C}},
    {"lm_head.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
};

#define ROW(n, name, member, size_in, size_out)                                          \
    {                                                                                    \
        "layer." #n "." name ".weight", KVC_LINEAR, LAYER(member), size_in, .out = {     \
            size_out                                                                     \
        }                                                                                \
    }
#define NORM(n, member)                                                                  \
    {                                                                                    \
        "layer." #n ".layer_norm.weight", KVC_VECTOR, LAYER(member.weight), .out = {     \
            KVC_C                                                                        \
        }                                                                                \
    }
#define SELF_ATTENTION                                                                   \
    NORM(0, attention_norm), ROW(0, "SelfAttention.q", q, KVC_C, KVC_Q),                 \
        ROW(0, "SelfAttention.k", k, KVC_C, KVC_KV),                                     \
        ROW(0, "SelfAttention.v", v, KVC_C, KVC_KV),                                     \
        ROW(0, "SelfAttention.o", o, KVC_Q, KVC_C)
#define CROSS_ATTENTION                                                                  \
    NORM(1, cross_norm), ROW(1, "EncDecAttention.q", cross_q, KVC_C, KVC_Q),             \
        ROW(1, "EncDecAttention.k", cross_k, KVC_C, KVC_KV),                             \
        ROW(1, "EncDecAttention.v", cross_v, KVC_C, KVC_KV),                             \
        ROW(1, "EncDecAttention.o", cross_o, KVC_Q, KVC_C)
#define GATE(n)                                                                          \
    ROW(n, "DenseReluDense.wi_0", gate, KVC_C, KVC_F),                                   \
        ROW(n, "DenseReluDense.wi_1", up, KVC_C, KVC_F)
#define MLP(n)                                                                           \
    NORM(n, mlp_norm), ROW(n, "DenseReluDense.wo", down, KVC_F, KVC_C),                  \
        ROW(n, "DenseReluDense.wi", up, KVC_C, KVC_F)

/* With a gate: all but the last. Without: all but the first two. */
static const kvc_tensor of_encoder[] = {GATE(1), SELF_ATTENTION, MLP(1)};
static const kvc_tensor of_decoder[] = {GATE(2), SELF_ATTENTION, CROSS_ATTENTION, MLP(2)};
enum { GATE_ROWS = 2 };
#define PLAIN(rows) COUNT(rows) - GATE_ROWS, rows + GATE_ROWS
#define GATED(rows) COUNT(rows) - 1, rows

/* Copies of the embedding, and the head where it is tied. */
static const char *const ignored_of_model[] = {
    "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight", NULL};
/* Old files have weights for distances to the source, which nothing uses. */
static const char *const ignored_of_decoder[] = {
    "layer.1.EncDecAttention.relative_attention_bias.weight", NULL};

const kvc_architecture kvc_t5 = {
    .prefix = "",
    .layer_prefix = "decoder.block.",
    .encoder_prefix = "encoder.block.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {PLAIN(of_decoder), ignored_of_decoder},
    .encoder = {PLAIN(of_encoder), NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_CROSS_ATTENTION, KVC_MLP},
    .encoder_blocks = {KVC_ENCODER_ATTENTION, KVC_MLP},
    .relative = true,
    .norm = kvc_rms_norm,
    .activation = kvc_relu,
};

const kvc_architecture kvc_t5_gated = {
    .prefix = "",
    .layer_prefix = "decoder.block.",
    .encoder_prefix = "encoder.block.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {GATED(of_decoder), ignored_of_decoder},
    .encoder = {GATED(of_encoder), NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_CROSS_ATTENTION, KVC_GATED_MLP},
    .encoder_blocks = {KVC_ENCODER_ATTENTION, KVC_GATED_MLP},
    .relative = true,
    .norm = kvc_rms_norm,
    .activation = kvc_gelu,
};
