/* qwen.c - Qwen2, which 2.5 is as well, and Qwen3 (Yang et al. 2024, 2025): Llamas but
 * for what is added to q and k. Qwen2 has biases for q, k and v, and for nothing else;
 * Qwen3 a norm for each head of q and k, and biases only where the config says so. */
#include "model/arch/table.h"

static const kvc_tensor of_model[] = {
    {"embed_tokens.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    {"norm.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"lm_head.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
};

static const kvc_tensor of_layer_2[] = {
    {"input_layernorm.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"self_attn.q_proj.weight", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
    {"self_attn.k_proj.weight", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"self_attn.v_proj.weight", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    {"self_attn.q_proj.bias", KVC_BIAS, LAYER(q), .out = {KVC_Q}},
    {"self_attn.k_proj.bias", KVC_BIAS, LAYER(k), .out = {KVC_KV}},
    {"self_attn.v_proj.bias", KVC_BIAS, LAYER(v), .out = {KVC_KV}},
    {"self_attn.o_proj.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"post_attention_layernorm.weight", KVC_VECTOR, LAYER(mlp_norm.weight),
     .out = {KVC_C}},
    {"mlp.gate_proj.weight", KVC_LINEAR, LAYER(gate), KVC_C, .out = {KVC_F}},
    {"mlp.up_proj.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.down_proj.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
};

#define BIAS(name, member, size)                                                         \
    {                                                                                    \
        name, KVC_BIAS, LAYER(member), .out = {size}, ONLY(attention_bias)               \
    }

static const kvc_tensor of_layer_3[] = {
    {"input_layernorm.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"self_attn.q_proj.weight", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
    {"self_attn.k_proj.weight", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"self_attn.v_proj.weight", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    BIAS("self_attn.q_proj.bias", q, KVC_Q),
    BIAS("self_attn.k_proj.bias", k, KVC_KV),
    BIAS("self_attn.v_proj.bias", v, KVC_KV),
    {"self_attn.q_norm.weight", KVC_VECTOR, LAYER(q_norm.weight), .out = {KVC_D}},
    {"self_attn.k_norm.weight", KVC_VECTOR, LAYER(k_norm.weight), .out = {KVC_D}},
    {"self_attn.o_proj.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    BIAS("self_attn.o_proj.bias", o, KVC_C),
    {"post_attention_layernorm.weight", KVC_VECTOR, LAYER(mlp_norm.weight),
     .out = {KVC_C}},
    {"mlp.gate_proj.weight", KVC_LINEAR, LAYER(gate), KVC_C, .out = {KVC_F}},
    {"mlp.up_proj.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.down_proj.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
};

static const char *const ignored_of_model[] = {"lm_head.weight", NULL}; /* where tied */

const kvc_architecture kvc_qwen2 = {
    .prefix = "model.",
    .layer_prefix = "layers.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer_2), of_layer_2, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_GATED_MLP},
    .rotary = true,
    .norm = kvc_rms_norm,
    .activation = kvc_silu,
};

const kvc_architecture kvc_qwen3 = {
    .prefix = "model.",
    .layer_prefix = "layers.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer_3), of_layer_3, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_GATED_MLP},
    .rotary = true,
    .norm = kvc_rms_norm,
    .activation = kvc_silu,
};
