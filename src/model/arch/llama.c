/* llama.c - Llama (Touvron et al. 2023) and its kin: RMS norms, rotations for positions,
 * heads that share K and V, a gated MLP. All its matrices are Linear weights; biases and
 * a head of its own are up to the config. */
#include "model/arch/table.h"

static const kvc_tensor of_model[] = {
    {"embed_tokens.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    {"norm.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"lm_head.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
};

#define BIAS(name, member, size, flag)                                                   \
    {                                                                                    \
        name, KVC_BIAS, LAYER(member), .out = {size}, ONLY(flag)                         \
    }

static const kvc_tensor of_layer[] = {
    {"input_layernorm.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"self_attn.q_proj.weight", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
    {"self_attn.k_proj.weight", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"self_attn.v_proj.weight", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    {"self_attn.o_proj.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"post_attention_layernorm.weight", KVC_VECTOR, LAYER(mlp_norm.weight),
     .out = {KVC_C}},
    {"mlp.gate_proj.weight", KVC_LINEAR, LAYER(gate), KVC_C, .out = {KVC_F}},
    {"mlp.up_proj.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.down_proj.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    BIAS("self_attn.q_proj.bias", q, KVC_Q, attention_bias),
    BIAS("self_attn.k_proj.bias", k, KVC_KV, attention_bias),
    BIAS("self_attn.v_proj.bias", v, KVC_KV, attention_bias),
    BIAS("self_attn.o_proj.bias", o, KVC_C, attention_bias),
    BIAS("mlp.gate_proj.bias", gate, KVC_F, mlp_bias),
    BIAS("mlp.up_proj.bias", up, KVC_F, mlp_bias),
    BIAS("mlp.down_proj.bias", down, KVC_C, mlp_bias),
};

static const char *const ignored_of_model[] = {"lm_head.weight", NULL}; /* where tied */

const kvc_architecture kvc_llama = {
    .prefix = "model.",
    .layer_prefix = "layers.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer), of_layer, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_GATED_MLP},
    .rotary = true,
    .norm = kvc_rms_norm,
    .activation = kvc_silu,
};
