/* gpt_neox.c - GPT-NeoX (Black et al. 2022), which Pythia is: layer norms, rotations of a
 * part of each head, attention and MLP side by side or one after the other. q, k and v
 * are one Linear weight, head by head. */
#include "model/arch/table.h"

static const kvc_tensor of_model[] = {
    {"embed_in.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    {"final_layer_norm.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"final_layer_norm.bias", KVC_VECTOR, MODEL(decoder.norm.bias), .out = {KVC_C}},
    {"embed_out.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
};

static const kvc_tensor of_layer[] = {
    {"input_layernorm.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"input_layernorm.bias", KVC_VECTOR, LAYER(attention_norm.bias), .out = {KVC_C}},
    {"attention.query_key_value.weight", KVC_HEADS, LAYER(q), KVC_C,
     .out = {KVC_Q, KVC_KV, KVC_KV}},
    {"attention.query_key_value.bias", KVC_HEADS_BIAS, LAYER(q),
     .out = {KVC_Q, KVC_KV, KVC_KV}, ONLY(attention_bias)},
    {"attention.dense.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"attention.dense.bias", KVC_BIAS, LAYER(o), .out = {KVC_C}, ONLY(attention_bias)},
    {"post_attention_layernorm.weight", KVC_VECTOR, LAYER(mlp_norm.weight),
     .out = {KVC_C}},
    {"post_attention_layernorm.bias", KVC_VECTOR, LAYER(mlp_norm.bias), .out = {KVC_C}},
    {"mlp.dense_h_to_4h.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.dense_h_to_4h.bias", KVC_BIAS, LAYER(up), .out = {KVC_F}},
    {"mlp.dense_4h_to_h.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    {"mlp.dense_4h_to_h.bias", KVC_BIAS, LAYER(down), .out = {KVC_C}},
};

static const char *const ignored_of_model[] = {"embed_out.weight", NULL}; /* where tied */

const kvc_architecture kvc_gpt_neox = {
    .prefix = "gpt_neox.",
    .layer_prefix = "layers.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer), of_layer, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_MLP},
    .parallel_blocks = {KVC_PARALLEL},
    .rotary = true,
    .norm = kvc_layer_norm,
    .activation = kvc_exact_gelu,
};
