/* phi.c - Phi 1, 1.5 and 2 (Gunasekar et al. 2023): one layer norm for attention and MLP
 * side by side, rotations of a part of each head, a head with a bias. */
#include "model/arch/table.h"

static const kvc_tensor of_model[] = {
    {"embed_tokens.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    {"final_layernorm.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"final_layernorm.bias", KVC_VECTOR, MODEL(decoder.norm.bias), .out = {KVC_C}},
    {"lm_head.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
    {"lm_head.bias", KVC_BIAS, MODEL(own_head), .out = {KVC_V}, ONLY(own_head)},
};

static const kvc_tensor of_layer[] = {
    {"input_layernorm.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"input_layernorm.bias", KVC_VECTOR, LAYER(attention_norm.bias), .out = {KVC_C}},
    {"self_attn.q_proj.weight", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
    {"self_attn.q_proj.bias", KVC_BIAS, LAYER(q), .out = {KVC_Q}},
    {"self_attn.k_proj.weight", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"self_attn.k_proj.bias", KVC_BIAS, LAYER(k), .out = {KVC_KV}},
    {"self_attn.v_proj.weight", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    {"self_attn.v_proj.bias", KVC_BIAS, LAYER(v), .out = {KVC_KV}},
    {"self_attn.dense.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"self_attn.dense.bias", KVC_BIAS, LAYER(o), .out = {KVC_C}},
    {"mlp.fc1.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.fc1.bias", KVC_BIAS, LAYER(up), .out = {KVC_F}},
    {"mlp.fc2.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    {"mlp.fc2.bias", KVC_BIAS, LAYER(down), .out = {KVC_C}},
};

const kvc_architecture kvc_phi = {
    .prefix = "model.",
    .layer_prefix = "layers.",
    .model = {COUNT(of_model), of_model, NULL},
    .layer = {COUNT(of_layer), of_layer, NULL},
    .blocks = {KVC_PARALLEL},
    .rotary = true,
    .norm = kvc_layer_norm,
    .activation = kvc_gelu,
};
