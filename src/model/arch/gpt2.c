/* gpt2.c - GPT-2 (Radford et al. 2019): pre-norm, learned positions. All its matrices but
 * the embedding, and a head of its own, are Conv1D weights. */
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
    {"attn.c_attn.weight", KVC_CONV1D, LAYER(q), KVC_C, .out = {KVC_Q, KVC_KV, KVC_KV}},
    {"attn.c_attn.bias", KVC_BIAS, LAYER(q), .out = {KVC_Q, KVC_KV, KVC_KV}},
    {"attn.c_proj.weight", KVC_CONV1D, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"attn.c_proj.bias", KVC_BIAS, LAYER(o), .out = {KVC_C}},
    {"ln_2.weight", KVC_VECTOR, LAYER(mlp_norm.weight), .out = {KVC_C}},
    {"ln_2.bias", KVC_VECTOR, LAYER(mlp_norm.bias), .out = {KVC_C}},
    {"mlp.c_fc.weight", KVC_CONV1D, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.c_fc.bias", KVC_BIAS, LAYER(up), .out = {KVC_F}},
    {"mlp.c_proj.weight", KVC_CONV1D, LAYER(down), KVC_F, .out = {KVC_C}},
    {"mlp.c_proj.bias", KVC_BIAS, LAYER(down), .out = {KVC_C}},
};

static const char *const ignored_of_model[] = {"lm_head.weight", NULL}; /* where tied */

const kvc_architecture kvc_gpt2 = {
    .prefix = "transformer.",
    .layer_prefix = "h.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer), of_layer, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_MLP},
    .norm = kvc_layer_norm,
    .activation = kvc_gelu,
};
