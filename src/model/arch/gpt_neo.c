/* gpt_neo.c - GPT-Neo (Black et al. 2021), and with it TinyStories: a GPT-2 whose
 * matrices are Linear weights, q, k and v apart and without biases. Its scores are not
 * scaled and every other layer has a window: that is up to the config. */
#include "model/arch/table.h"

static const kvc_tensor of_model[] = {
    {"wte.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    {"wpe.weight", KVC_TABLE, MODEL(decoder.positions), KVC_P, .out = {KVC_C}},
    {"ln_f.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"ln_f.bias", KVC_VECTOR, MODEL(decoder.norm.bias), .out = {KVC_C}},
    {"lm_head.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
};

static const kvc_tensor of_layer[] = {
    {"ln_1.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"ln_1.bias", KVC_VECTOR, LAYER(attention_norm.bias), .out = {KVC_C}},
    {"attn.attention.q_proj.weight", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
    {"attn.attention.k_proj.weight", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"attn.attention.v_proj.weight", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    {"attn.attention.out_proj.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"attn.attention.out_proj.bias", KVC_BIAS, LAYER(o), .out = {KVC_C}},
    {"ln_2.weight", KVC_VECTOR, LAYER(mlp_norm.weight), .out = {KVC_C}},
    {"ln_2.bias", KVC_VECTOR, LAYER(mlp_norm.bias), .out = {KVC_C}},
    {"mlp.c_fc.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.c_fc.bias", KVC_BIAS, LAYER(up), .out = {KVC_F}},
    {"mlp.c_proj.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    {"mlp.c_proj.bias", KVC_BIAS, LAYER(down), .out = {KVC_C}},
};

static const char *const ignored_of_model[] = {"lm_head.weight", NULL}; /* where tied */

const kvc_architecture kvc_gpt_neo = {
    .prefix = "transformer.",
    .layer_prefix = "h.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer), of_layer, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_MLP},
    .norm = kvc_layer_norm,
    .activation = kvc_gelu,
};
