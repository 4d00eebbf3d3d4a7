/* gemma3.c - Gemma 3, text only (Gemma Team 2025): a Llama with norms for each head of q
 * and k, norms before and after attention and MLP, whose weights lack 1 in files, and a
 * GELU for its gate. Embeddings are scaled; layers with a window turn by angles of their
 * own. */
#include "model/arch/table.h"

static const kvc_tensor of_model[] = {
    {"embed_tokens.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
    {"norm.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"lm_head.weight", KVC_LINEAR, MODEL(own_head), KVC_C, .out = {KVC_V},
     ONLY(own_head)},
};

#define NORM(name, member, size)                                                         \
    {                                                                                    \
        name ".weight", KVC_VECTOR, LAYER(member.weight), .out = { size }                \
    }
#define BIAS(name, member, size)                                                         \
    {                                                                                    \
        name, KVC_BIAS, LAYER(member), .out = {size}, ONLY(attention_bias)               \
    }

/* What a Llama calls post_attention_layernorm stands before the MLP, this one behind
 * attention. */
static const kvc_tensor of_layer[] = {
    NORM("input_layernorm", attention_norm, KVC_C),
    {"self_attn.q_proj.weight", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
    {"self_attn.k_proj.weight", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"self_attn.v_proj.weight", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    BIAS("self_attn.q_proj.bias", q, KVC_Q),
    BIAS("self_attn.k_proj.bias", k, KVC_KV),
    BIAS("self_attn.v_proj.bias", v, KVC_KV),
    NORM("self_attn.q_norm", q_norm, KVC_D),
    NORM("self_attn.k_norm", k_norm, KVC_D),
    {"self_attn.o_proj.weight", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    BIAS("self_attn.o_proj.bias", o, KVC_C),
    NORM("post_attention_layernorm", attention_out_norm, KVC_C),
    NORM("pre_feedforward_layernorm", mlp_norm, KVC_C),
    {"mlp.gate_proj.weight", KVC_LINEAR, LAYER(gate), KVC_C, .out = {KVC_F}},
    {"mlp.up_proj.weight", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"mlp.down_proj.weight", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    NORM("post_feedforward_layernorm", mlp_out_norm, KVC_C),
};

static const char *const ignored_of_model[] = {"lm_head.weight", NULL}; /* where tied */

const kvc_architecture kvc_gemma3 = {
    .prefix = "model.",
    .layer_prefix = "layers.",
    .model = {COUNT(of_model), of_model, ignored_of_model},
    .layer = {COUNT(of_layer), of_layer, NULL},
    .blocks = {KVC_SELF_ATTENTION, KVC_GATED_MLP},
    .rotary = true,
    .norms_lack_1 = true,
    .scaled_embedding = true,
    .norm = kvc_rms_norm,
    .activation = kvc_gelu,
};
