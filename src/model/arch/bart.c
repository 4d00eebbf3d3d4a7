/* bart.c - BART (Lewis et al. 2020) and Marian (Junczys-Dowmunt et al. 2018), which
 * OPUS-MT's translators are: an encoder and a decoder with biases, norms behind their
 * sums, one embedding for all, and a bias for logits. A BART's positions are learned, in
 * a table whose first two rows belong to none, and what enters a stack is normed; a
 * Marian's are sines and cosines, which files have or not. */
#include "model/arch/table.h"

#define EMBEDDING                                                                        \
    {"shared.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},              \
    {                                                                                    \
        "final_logits_bias", KVC_BIAS_ROW, MODEL(embedding), .out = { KVC_V }            \
    }
#define BEGINNING(stack)                                                                 \
    {#stack ".embed_positions.weight", KVC_TABLE, MODEL(stack.positions), KVC_P,         \
     .out = {KVC_C}},                                                                    \
        {#stack ".layernorm_embedding.weight", KVC_VECTOR,                               \
         MODEL(stack.embedding_norm.weight), .out = {KVC_C}},                            \
    {                                                                                    \
#stack ".layernorm_embedding.bias", KVC_VECTOR,                                  \
            MODEL(stack.embedding_norm.bias),                                            \
            .out = {                                                                     \
                KVC_C }                                                                  \
    }

static const kvc_tensor of_marian[] = {EMBEDDING};
static const kvc_tensor of_bart[] = {EMBEDDING, BEGINNING(encoder), BEGINNING(decoder)};

#define NORM(name, member)                                                               \
    {name ".weight", KVC_VECTOR, LAYER(member.weight), .out = {KVC_C}},                  \
    {                                                                                    \
        name ".bias", KVC_VECTOR, LAYER(member.bias), .out = { KVC_C }                   \
    }
#define LINEAR(name, member, size_in, size_out)                                          \
    {name ".weight", KVC_LINEAR, LAYER(member), size_in, .out = {size_out}},             \
    {                                                                                    \
        name ".bias", KVC_BIAS, LAYER(member), .out = { size_out }                       \
    }
#define SELF_ATTENTION                                                                   \
    LINEAR("self_attn.q_proj", q, KVC_C, KVC_Q),                                         \
        LINEAR("self_attn.k_proj", k, KVC_C, KVC_KV),                                    \
        LINEAR("self_attn.v_proj", v, KVC_C, KVC_KV),                                    \
        LINEAR("self_attn.out_proj", o, KVC_Q, KVC_C),                                   \
        NORM("self_attn_layer_norm", attention_norm)
#define CROSS_ATTENTION                                                                  \
    LINEAR("encoder_attn.q_proj", cross_q, KVC_C, KVC_Q),                                \
        LINEAR("encoder_attn.k_proj", cross_k, KVC_C, KVC_KV),                           \
        LINEAR("encoder_attn.v_proj", cross_v, KVC_C, KVC_KV),                           \
        LINEAR("encoder_attn.out_proj", cross_o, KVC_Q, KVC_C),                          \
        NORM("encoder_attn_layer_norm", cross_norm)
#define MLP                                                                              \
    LINEAR("fc1", up, KVC_C, KVC_F), LINEAR("fc2", down, KVC_F, KVC_C),                  \
        NORM("final_layer_norm", mlp_norm)

static const kvc_tensor of_encoder[] = {SELF_ATTENTION, MLP};
static const kvc_tensor of_decoder[] = {SELF_ATTENTION, MLP, CROSS_ATTENTION};

static const char *const ignored_of_marian[] = {"encoder.embed_tokens.weight",
                                                "decoder.embed_tokens.weight",
                                                "encoder.embed_positions.weight",
                                                "decoder.embed_positions.weight",
                                                "lm_head.weight",
                                                NULL};
static const char *const ignored_of_bart[] = {
    "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight", NULL};

const kvc_architecture kvc_marian = {
    .prefix = "model.",
    .layer_prefix = "decoder.layers.",
    .encoder_prefix = "encoder.layers.",
    .model = {COUNT(of_marian), of_marian, ignored_of_marian},
    .layer = {COUNT(of_decoder), of_decoder, NULL},
    .encoder = {COUNT(of_encoder), of_encoder, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_CROSS_ATTENTION, KVC_MLP},
    .encoder_blocks = {KVC_ENCODER_ATTENTION, KVC_MLP},
    .scaled_embedding = true,
    .sinusoidal = true,
    .post_norm = true,
    .norm = kvc_layer_norm,
    .activation = kvc_silu,
};

const kvc_architecture kvc_bart = {
    .prefix = "model.",
    .layer_prefix = "decoder.layers.",
    .encoder_prefix = "encoder.layers.",
    .model = {COUNT(of_bart), of_bart, ignored_of_bart},
    .layer = {COUNT(of_decoder), of_decoder, NULL},
    .encoder = {COUNT(of_encoder), of_encoder, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_CROSS_ATTENTION, KVC_MLP},
    .encoder_blocks = {KVC_ENCODER_ATTENTION, KVC_MLP},
    .first_position = 2,
    .post_norm = true,
    .norm = kvc_layer_norm,
    .activation = kvc_exact_gelu,
};
