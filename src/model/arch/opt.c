/* opt.c - OPT (Zhang et al. 2022): pre-norm, ReLU, a tied head, learned positions in a
 * table whose first two rows belong to none. */
#include "model/arch/table.h"

static const kvc_tensor of_model[] = {
    {"embed_tokens.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    {"embed_positions.weight", KVC_TABLE, MODEL(decoder.positions), KVC_P,
     .out = {KVC_C}},
    {"final_layer_norm.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"final_layer_norm.bias", KVC_VECTOR, MODEL(decoder.norm.bias), .out = {KVC_C}},
    {"lm_head.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
};

static const kvc_tensor of_layer[] = {
    {"self_attn_layer_norm.weight", KVC_VECTOR, LAYER(attention_norm.weight),
     .out = {KVC_C}},
    {"self_attn_layer_norm.bias", KVC_VECTOR, LAYER(attention_norm.bias), .out = {KVC_C}},
    {"self_attn.q_proj.weight", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
    {"self_attn.q_proj.bias", KVC_BIAS, LAYER(q), .out = {KVC_Q}},
    {"self_attn.k_proj.weight", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"self_attn.k_proj.bias", KVC_BIAS, LAYER(k), .out = {KVC_KV}},
    {"self_attn.v_proj.weight", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    {"self_attn.v_proj.bias", KVC_BIAS, LAYER(v), .out = {KVC_KV}},
    {"self_attn.out_proj.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"self_attn.out_proj.bias", KVC_BIAS, LAYER(o), .out = {KVC_C}},
    {"final_layer_norm.weight", KVC_VECTOR, LAYER(mlp_norm.weight), .out = {KVC_C}},
    {"final_layer_norm.bias", KVC_VECTOR, LAYER(mlp_norm.bias), .out = {KVC_C}},
    {"fc1.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"fc1.bias", KVC_BIAS, LAYER(up), .out = {KVC_F}},
    {"fc2.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    {"fc2.bias", KVC_BIAS, LAYER(down), .out = {KVC_C}},
};

static const char *const ignored_of_model[] = {"lm_head.weight", NULL}; /* where tied */

const kvc_architecture kvc_opt = {
    .prefix = "model.decoder.",
    .layer_prefix = "layers.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer), of_layer, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_MLP},
    .first_position = 2,
    .norm = kvc_layer_norm,
    .activation = kvc_relu,
};
