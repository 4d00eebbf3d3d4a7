#include "random_model.h"

#include <stdio.h>

#include "check.h"

uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(random_next(state) >> 32) % n;
}

float random_value(uint64_t *state, double mean, double scale)
{
    const int32_t m = (int32_t)(random_next(state) >> 40) - (1 << 23);
    return (float)(mean + m * 0x1p-23 * scale);
}

void random_values(float *x, size_t n, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_value(state, 0.0, 1.0);
}

float *random_array(size_t n, uint64_t *state)
{
    float *x = check_alloc(n, sizeof *x);
    random_values(x, n, state);
    return x;
}

void random_ids(uint32_t *ids, size_t n, size_t V, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        ids[i] = (uint32_t)random_below(state, V);
}

kvc_config random_config(uint64_t *state, size_t n_positions)
{
    const size_t D = 4 * (1 + random_below(state, 10)), most = 64 / D < 5 ? 64 / D : 5;
    const size_t H = 1 + random_below(state, most);
    size_t shared = 1 + random_below(state, H);
    while (H % shared != 0)
        shared--;
    const size_t C = random_below(state, 2) ? H * D : 4 * (1 + random_below(state, 16));
    return (kvc_config){.n_layer = (uint32_t)(1 + random_below(state, 4)),
                        .n_head = (uint32_t)H,
                        .n_kv_head = (uint32_t)(H / shared),
                        .head_dim = (uint32_t)D,
                        .n_embd = (uint32_t)C,
                        .n_inner = (uint32_t)(1 + random_below(state, 90)),
                        .n_positions = (uint32_t)n_positions,
                        .vocab_size = (uint32_t)(1 + random_below(state, 90)),
                        .norm_epsilon = 1e-5f};
}

/* Angles that are scaled at all are YaRN's one time in three. */
static void random_yarn(kvc_config *c, uint64_t *state)
{
    static const float attentions[] = {0.0f, 1.25f}, mscales[] = {1.0f, 0.5f};
    if (c->rope_original == 0 || random_below(state, 3) != 0)
        return;
    c->rope_yarn = 1 + (uint32_t)random_below(state, 2);
    c->rope_high = (float)(2 + 30 * random_below(state, 2));
    c->rope_attention = attentions[random_below(state, 2)];
    c->rope_mscale = mscales[random_below(state, 2)];
    c->rope_mscale_all = (float)random_below(state, 2);
}

/* Half of them stay Llamas. */
static void random_kin(kvc_config *c, uint64_t *state)
{
    static const kvc_arch kin[] = {KVC_LLAMA, KVC_LLAMA, KVC_QWEN2, KVC_QWEN3,
                                   KVC_GEMMA3};
    c->arch = kin[random_below(state, 5)];
    if (c->arch == KVC_GEMMA3)
        c->rope_local_theta = random_below(state, 3) ? 300.0f : 0.0f;
    if (c->arch != KVC_LLAMA)
        c->mlp_bias = 0;
    if (c->arch == KVC_QWEN2)
        c->attention_bias = 0;
}

void random_llama(kvc_config *c, uint64_t *state)
{
    static const float thetas[] = {1e4f, 1e5f, 5e5f, 90.0f};
    static const float factors[] = {1.0f, 4.0f, 8.0f};
    c->rotary_dim = c->head_dim;
    if (random_below(state, 4) == 0) /* a part of each head */
        c->rotary_dim = 2 * (uint32_t)(1 + random_below(state, c->head_dim / 2));
    c->rope_theta = thetas[random_below(state, 4)];
    c->rope_factor = factors[random_below(state, 3)];
    c->rope_original = (uint32_t)(random_below(state, 2) * 24);
    c->rope_low = 1.0f;
    c->rope_high = 4.0f;
    c->own_head = (uint32_t)random_below(state, 2);
    c->attention_bias = random_below(state, 4) == 0;
    c->mlp_bias = random_below(state, 4) == 0;
    random_kin(c, state);
    random_yarn(c, state);
}

void random_windows(kvc_config *c, uint64_t *state)
{
    static const size_t most[] = {4, 20, 50};
    static const float scales[] = {0.4f, 0.1f};
    if (random_below(state, 3) == 0)
        c->score_scale = scales[random_below(state, 2)];
    if (random_below(state, 2))
        return;
    c->window = (uint32_t)(1 + random_below(state, most[random_below(state, 3)]));
    c->window_layers[0] = (uint32_t)(1 + random_below(state, (1u << c->n_layer) - 1));
}

void random_layers(kvc_config *c, uint32_t n_layer)
{
    c->n_layer = n_layer;
    c->window_layers[0] &= (1u << n_layer) - 1;
    c->window = c->window_layers[0] ? c->window : 0;
}

void random_gpt_neox(kvc_config *c, uint64_t *state)
{
    random_llama(c, state);
    c->arch = KVC_GPT_NEOX;
    c->n_kv_head = c->n_head;
    c->rotary_dim = 2 * (uint32_t)(1 + random_below(state, c->head_dim / 2));
    c->attention_bias = random_below(state, 4) > 0;
    c->mlp_bias = 0;
    c->parallel = random_below(state, 3) > 0;
}

void random_phi(kvc_config *c, uint64_t *state)
{
    random_llama(c, state);
    c->arch = KVC_PHI;
    c->rotary_dim = 2 * (uint32_t)(1 + random_below(state, c->head_dim / 2));
    c->attention_bias = c->mlp_bias = 0;
}

void random_opt(kvc_config *c, uint64_t *state)
{
    c->arch = KVC_OPT;
    c->own_head = random_below(state, 4) == 0;
}

void random_seq2seq(kvc_config *c, uint64_t *state)
{
    static const kvc_arch archs[] = {KVC_T5, KVC_T5_GATED, KVC_MARIAN, KVC_BART};
    static const uint32_t buckets[] = {32, 8, 4}, distances[] = {128, 20, 5};
    c->arch = archs[random_below(state, 4)];
    c->n_encoder_layer = 1 + (uint32_t)random_below(state, 3);
    c->score_scale = 0.0f;
    if (c->arch != KVC_T5 && c->arch != KVC_T5_GATED)
        return;
    const size_t kind = random_below(state, 3);
    c->relative_buckets = buckets[kind];
    c->relative_distance = distances[kind];
    c->score_scale = 1.0f;
    c->own_head = (uint32_t)random_below(state, 2);
    c->scaled_head = (uint32_t)random_below(state, 2);
}

void random_architecture(kvc_config *c, uint64_t *state)
{
    switch (random_below(state, 8)) {
    case 0:
    case 1: random_llama(c, state); break;
    case 2: random_gpt_neox(c, state); break;
    case 3: random_phi(c, state); break;
    case 4: random_opt(c, state); break;
    case 5: c->arch = KVC_GPT_NEO; break;
    default: break;
    }
}

kvc_config random_any_config(uint64_t *state, size_t n_positions)
{
    kvc_config config = random_config(state, n_positions);
    random_architecture(&config, state);
    random_windows(&config, state);
    return config;
}

size_t oracle_tensor_elements(const oracle_tensor *tensor)
{
    return (size_t)(tensor->shape[0] * (tensor->rank == 2 ? tensor->shape[1] : 1));
}

/* 2^(shift - e), e the largest with 4^e <= n */
static double scale_for(size_t n, int shift)
{
    double scale = shift == 2 ? 4.0 : 2.0;
    for (; n >= 4; n /= 4)
        scale /= 2.0;
    return scale;
}

static void draw(oracle_model *m, uint64_t *state, int layer, const char *leaf,
                 size_t rank, size_t rows, size_t columns, double mean, double scale)
{
    oracle_tensor *t = &m->tensors[m->n_tensors++];
    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s", leaf);
    else if (layer >= ORACLE_ENCODER)
        snprintf(t->name, sizeof t->name, "en%s.%d.%s", oracle_layers(&m->config) + 2,
                 layer - ORACLE_ENCODER, leaf);
    else
        snprintf(t->name, sizeof t->name, "%s.%d.%s", oracle_layers(&m->config), layer,
                 leaf);
    t->rank = rank;
    t->shape[0] = rows;
    t->shape[1] = columns;
    const size_t n = oracle_tensor_elements(t);
    t->data = check_alloc(n, sizeof *t->data);
    for (size_t i = 0; i < n; i++)
        t->data[i] = random_value(state, mean, scale);
}

static void draw_norm(oracle_model *m, uint64_t *state, int layer, const char *name)
{
    const char *const leaves[] = {"weight", "bias"};
    for (int i = 0; i < 2; i++) {
        char leaf[48];
        snprintf(leaf, sizeof leaf, "%s.%s", name, leaves[i]);
        draw(m, state, layer, leaf, 1, m->config.n_embd, 1, i == 0, 0.25);
    }
}

static void draw_conv1d(oracle_model *m, uint64_t *state, int layer, const char *name,
                        size_t n_in, size_t n_out)
{
    char leaf[32];
    snprintf(leaf, sizeof leaf, "%s.weight", name);
    draw(m, state, layer, leaf, 2, n_in, n_out, 0.0, scale_for(n_in, 1));
    snprintf(leaf, sizeof leaf, "%s.bias", name);
    draw(m, state, layer, leaf, 1, n_out, 1, 0.0, 0.25);
}

static void draw_linear(oracle_model *m, uint64_t *state, int layer, const char *name,
                        size_t n_in, size_t n_out, bool bias)
{
    char leaf[64];
    snprintf(leaf, sizeof leaf, "%s.weight", name);
    draw(m, state, layer, leaf, 2, n_out, n_in, 0.0, scale_for(n_in, 1));
    snprintf(leaf, sizeof leaf, "%s.bias", name);
    if (bias)
        draw(m, state, layer, leaf, 1, n_out, 1, 0.0, 0.25);
}

static void draw_llama(oracle_model *m, uint64_t *state)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, F = c->n_inner, V = c->vocab_size, D = c->head_dim;
    const bool gemma = c->arch == KVC_GEMMA3;
    const double mean = gemma ? 0.0 : 1.0; /* of norms */
    const bool qkv_bias = c->attention_bias || c->arch == KVC_QWEN2;
    const size_t Q = (size_t)c->n_head * c->head_dim,
                 KV = (size_t)c->n_kv_head * c->head_dim;
    draw(m, state, -1, "embed_tokens.weight", 2, V, C, 0.0, scale_for(C, 2));
    for (int i = 0; i < (int)c->n_layer; i++) {
        draw(m, state, i, "input_layernorm.weight", 1, C, 1, mean, 0.25);
        draw_linear(m, state, i, "self_attn.q_proj", C, Q, qkv_bias);
        draw_linear(m, state, i, "self_attn.k_proj", C, KV, qkv_bias);
        draw_linear(m, state, i, "self_attn.v_proj", C, KV, qkv_bias);
        draw_linear(m, state, i, "self_attn.o_proj", Q, C, c->attention_bias);
        if (c->arch == KVC_QWEN3 || gemma) {
            draw(m, state, i, "self_attn.q_norm.weight", 1, D, 1, mean, 0.25);
            draw(m, state, i, "self_attn.k_norm.weight", 1, D, 1, mean, 0.25);
        }
        draw(m, state, i, "post_attention_layernorm.weight", 1, C, 1, mean, 0.25);
        if (gemma) {
            draw(m, state, i, "pre_feedforward_layernorm.weight", 1, C, 1, mean, 0.25);
            draw(m, state, i, "post_feedforward_layernorm.weight", 1, C, 1, mean, 0.25);
        }
        draw_linear(m, state, i, "mlp.gate_proj", C, F, c->mlp_bias);
        draw_linear(m, state, i, "mlp.up_proj", C, F, c->mlp_bias);
        draw_linear(m, state, i, "mlp.down_proj", F, C, c->mlp_bias);
    }
    draw(m, state, -1, "norm.weight", 1, C, 1, mean, 0.25);
    if (c->own_head)
        draw(m, state, -1, "lm_head.weight", 2, V, C, 0.0, scale_for(C, 2));
}

static void draw_gpt_neox(oracle_model *m, uint64_t *state)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, F = c->n_inner, V = c->vocab_size;
    const size_t Q = (size_t)c->n_head * c->head_dim;
    draw(m, state, -1, "embed_in.weight", 2, V, C, 0.0, scale_for(C, 2));
    for (int i = 0; i < (int)c->n_layer; i++) {
        draw_norm(m, state, i, "input_layernorm");
        draw_linear(m, state, i, "attention.query_key_value", C, 3 * Q,
                    c->attention_bias);
        draw_linear(m, state, i, "attention.dense", Q, C, c->attention_bias);
        draw_norm(m, state, i, "post_attention_layernorm");
        draw_linear(m, state, i, "mlp.dense_h_to_4h", C, F, true);
        draw_linear(m, state, i, "mlp.dense_4h_to_h", F, C, true);
    }
    draw_norm(m, state, -1, "final_layer_norm");
    if (c->own_head)
        draw(m, state, -1, "embed_out.weight", 2, V, C, 0.0, scale_for(C, 2));
}

static void draw_phi(oracle_model *m, uint64_t *state)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, F = c->n_inner, V = c->vocab_size;
    const size_t Q = (size_t)c->n_head * c->head_dim,
                 KV = (size_t)c->n_kv_head * c->head_dim;
    draw(m, state, -1, "embed_tokens.weight", 2, V, C, 0.0, scale_for(C, 2));
    for (int i = 0; i < (int)c->n_layer; i++) {
        draw_norm(m, state, i, "input_layernorm");
        draw_linear(m, state, i, "self_attn.q_proj", C, Q, true);
        draw_linear(m, state, i, "self_attn.k_proj", C, KV, true);
        draw_linear(m, state, i, "self_attn.v_proj", C, KV, true);
        draw_linear(m, state, i, "self_attn.dense", Q, C, true);
        draw_linear(m, state, i, "mlp.fc1", C, F, true);
        draw_linear(m, state, i, "mlp.fc2", F, C, true);
    }
    draw_norm(m, state, -1, "final_layernorm");
    if (!c->own_head)
        return;
    draw(m, state, -1, "lm_head.weight", 2, V, C, 0.0, scale_for(C, 2));
    draw(m, state, -1, "lm_head.bias", 1, V, 1, 0.0, 0.25);
}

static void draw_opt(oracle_model *m, uint64_t *state)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, F = c->n_inner, V = c->vocab_size;
    const size_t Q = (size_t)c->n_head * c->head_dim,
                 KV = (size_t)c->n_kv_head * c->head_dim;
    draw(m, state, -1, "embed_tokens.weight", 2, V, C, 0.0, scale_for(C, 2));
    draw(m, state, -1, "embed_positions.weight", 2, c->n_positions + 2, C, 0.0,
         scale_for(C, 2));
    for (int i = 0; i < (int)c->n_layer; i++) {
        draw_norm(m, state, i, "self_attn_layer_norm");
        draw_linear(m, state, i, "self_attn.q_proj", C, Q, true);
        draw_linear(m, state, i, "self_attn.k_proj", C, KV, true);
        draw_linear(m, state, i, "self_attn.v_proj", C, KV, true);
        draw_linear(m, state, i, "self_attn.out_proj", Q, C, true);
        draw_norm(m, state, i, "final_layer_norm");
        draw_linear(m, state, i, "fc1", C, F, true);
        draw_linear(m, state, i, "fc2", F, C, true);
    }
    draw_norm(m, state, -1, "final_layer_norm");
    if (c->own_head)
        draw(m, state, -1, "lm_head.weight", 2, V, C, 0.0, scale_for(C, 2));
}

static void draw_t5_attention(oracle_model *m, uint64_t *state, int layer,
                              const char *name)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, Q = (size_t)c->n_head * c->head_dim,
                 KV = (size_t)c->n_kv_head * c->head_dim;
    const char *const parts[] = {"q", "k", "v", "o"};
    for (int i = 0; i < 4; i++) {
        char leaf[48];
        snprintf(leaf, sizeof leaf, "%s.%s", name, parts[i]);
        draw_linear(m, state, layer, leaf, i < 3 ? C : Q,
                    i == 0  ? Q
                    : i < 3 ? KV
                            : C,
                    false);
    }
}

static void draw_t5_layer(oracle_model *m, uint64_t *state, int layer)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, F = c->n_inner;
    const bool encoder = layer >= ORACLE_ENCODER;
    draw(m, state, layer, "layer.0.layer_norm.weight", 1, C, 1, 1.0, 0.25);
    draw_t5_attention(m, state, layer, "layer.0.SelfAttention");
    if (!encoder) {
        draw(m, state, layer, "layer.1.layer_norm.weight", 1, C, 1, 1.0, 0.25);
        draw_t5_attention(m, state, layer, "layer.1.EncDecAttention");
    }
    const char *const leaves[] = {"layer_norm.weight", "DenseReluDense.wi",
                                  "DenseReluDense.wi_0", "DenseReluDense.wi_1",
                                  "DenseReluDense.wo"};
    for (int i = 0; i < 5; i++) {
        char leaf[48];
        snprintf(leaf, sizeof leaf, "layer.%d.%s", encoder ? 1 : 2, leaves[i]);
        if (i == 0)
            draw(m, state, layer, leaf, 1, C, 1, 1.0, 0.25);
        else if (i == 4)
            draw_linear(m, state, layer, leaf, F, C, false);
        else if ((i == 1) == (c->arch == KVC_T5))
            draw_linear(m, state, layer, leaf, C, F, false);
    }
}

static void draw_t5(oracle_model *m, uint64_t *state)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, V = c->vocab_size;
    draw(m, state, -1, "shared.weight", 2, V, C, 0.0, scale_for(C, 2));
    for (int stack = 0; stack < 2; stack++) {
        char leaf[80];
        const char *name = stack == 0 ? "encoder" : "decoder";
        const int n = (int)(stack == 0 ? c->n_encoder_layer : c->n_layer);
        snprintf(leaf, sizeof leaf,
                 "%s.block.0.layer.0.SelfAttention.relative_attention_bias.weight", name);
        draw(m, state, -1, leaf, 2, c->relative_buckets, c->n_head, 0.0, 1.0);
        for (int i = 0; i < n; i++)
            draw_t5_layer(m, state, stack == 0 ? ORACLE_ENCODER + i : i);
        snprintf(leaf, sizeof leaf, "%s.final_layer_norm.weight", name);
        draw(m, state, -1, leaf, 1, C, 1, 1.0, 0.25);
    }
    if (c->own_head)
        draw(m, state, -1, "lm_head.weight", 2, V, C, 0.0, scale_for(C, 2));
}

static void draw_bart_layer(oracle_model *m, uint64_t *state, int layer)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, F = c->n_inner, Q = (size_t)c->n_head * c->head_dim,
                 KV = (size_t)c->n_kv_head * c->head_dim;
    draw_linear(m, state, layer, "self_attn.q_proj", C, Q, true);
    draw_linear(m, state, layer, "self_attn.k_proj", C, KV, true);
    draw_linear(m, state, layer, "self_attn.v_proj", C, KV, true);
    draw_linear(m, state, layer, "self_attn.out_proj", Q, C, true);
    draw_norm(m, state, layer, "self_attn_layer_norm");
    if (layer < ORACLE_ENCODER) {
        draw_linear(m, state, layer, "encoder_attn.q_proj", C, Q, true);
        draw_linear(m, state, layer, "encoder_attn.k_proj", C, KV, true);
        draw_linear(m, state, layer, "encoder_attn.v_proj", C, KV, true);
        draw_linear(m, state, layer, "encoder_attn.out_proj", Q, C, true);
        draw_norm(m, state, layer, "encoder_attn_layer_norm");
    }
    draw_linear(m, state, layer, "fc1", C, F, true);
    draw_linear(m, state, layer, "fc2", F, C, true);
    draw_norm(m, state, layer, "final_layer_norm");
}

static void draw_bart(oracle_model *m, uint64_t *state)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, V = c->vocab_size;
    draw(m, state, -1, "shared.weight", 2, V, C, 0.0, scale_for(C, 2));
    for (int stack = 0; stack < 2; stack++) {
        const bool encoder = stack == 0;
        const int n = (int)(encoder ? c->n_encoder_layer : c->n_layer);
        if (c->arch == KVC_BART) {
            draw(m, state, -1,
                 encoder ? "encoder.embed_positions.weight"
                         : "decoder.embed_positions.weight",
                 2, c->n_positions + 2, C, 0.0, scale_for(C, 2));
            draw_norm(m, state, -1,
                      encoder ? "encoder.layernorm_embedding"
                              : "decoder.layernorm_embedding");
        }
        for (int i = 0; i < n; i++)
            draw_bart_layer(m, state, encoder ? ORACLE_ENCODER + i : i);
    }
    draw(m, state, -1, "final_logits_bias", 2, 1, V, 0.0, 0.25);
}

static void draw_gpt_neo(oracle_model *m, uint64_t *state)
{
    const kvc_config *c = &m->config;
    const size_t C = c->n_embd, F = c->n_inner;
    const size_t Q = (size_t)c->n_head * c->head_dim,
                 KV = (size_t)c->n_kv_head * c->head_dim;
    draw(m, state, -1, "wte.weight", 2, c->vocab_size, C, 0.0, scale_for(C, 2));
    draw(m, state, -1, "wpe.weight", 2, c->n_positions, C, 0.0, scale_for(C, 2));
    for (int i = 0; i < (int)c->n_layer; i++) {
        draw_norm(m, state, i, "ln_1");
        draw_linear(m, state, i, "attn.attention.q_proj", C, Q, false);
        draw_linear(m, state, i, "attn.attention.k_proj", C, KV, false);
        draw_linear(m, state, i, "attn.attention.v_proj", C, KV, false);
        draw_linear(m, state, i, "attn.attention.out_proj", Q, C, true);
        draw_norm(m, state, i, "ln_2");
        draw_linear(m, state, i, "mlp.c_fc", C, F, true);
        draw_linear(m, state, i, "mlp.c_proj", F, C, true);
    }
    draw_norm(m, state, -1, "ln_f");
}

oracle_model random_weights(const kvc_config *config, uint64_t seed)
{
    const size_t C = config->n_embd, F = config->n_inner;
    const size_t Q = (size_t)config->n_head * config->head_dim,
                 KV = (size_t)config->n_kv_head * config->head_dim;
    oracle_model m = {.config = *config};
    m.tensors = check_alloc(9 + 26 * (config->n_layer + config->n_encoder_layer),
                            sizeof *m.tensors);
    uint64_t *state = &seed;
    static void (*const drawn[KVC_ARCH_COUNT])(oracle_model *, uint64_t *) = {
        [KVC_LLAMA] = draw_llama,     [KVC_QWEN2] = draw_llama,
        [KVC_QWEN3] = draw_llama,     [KVC_GPT_NEOX] = draw_gpt_neox,
        [KVC_PHI] = draw_phi,         [KVC_OPT] = draw_opt,
        [KVC_GPT_NEO] = draw_gpt_neo, [KVC_GEMMA3] = draw_llama,
        [KVC_T5] = draw_t5,           [KVC_T5_GATED] = draw_t5,
        [KVC_MARIAN] = draw_bart,     [KVC_BART] = draw_bart,
    };
    if (drawn[config->arch]) {
        drawn[config->arch](&m, state);
        return m;
    }
    draw(&m, state, -1, "wte.weight", 2, config->vocab_size, C, 0.0, scale_for(C, 2));
    draw(&m, state, -1, "wpe.weight", 2, config->n_positions, C, 0.0, scale_for(C, 2));
    for (int layer = 0; layer < (int)config->n_layer; layer++) {
        draw_norm(&m, state, layer, "ln_1");
        draw_conv1d(&m, state, layer, "attn.c_attn", C, Q + 2 * KV);
        draw_conv1d(&m, state, layer, "attn.c_proj", Q, C);
        draw_norm(&m, state, layer, "ln_2");
        draw_conv1d(&m, state, layer, "mlp.c_fc", C, F);
        draw_conv1d(&m, state, layer, "mlp.c_proj", F, C);
    }
    draw_norm(&m, state, -1, "ln_f");
    if (config->own_head)
        draw(&m, state, -1, "lm_head.weight", 2, config->vocab_size, C, 0.0,
             scale_for(C, 2));
    return m;
}

void random_weights_free(oracle_model *plain)
{
    for (size_t i = 0; i < plain->n_tensors; i++)
        free(plain->tensors[i].data);
    free(plain->tensors);
}

kvc_error random_model_set(kvc_model *model, const oracle_tensor *tensor)
{
    return kvc_model_set_tensor(model, tensor->name, KVC_F32, tensor->shape, tensor->rank,
                                tensor->data,
                                oracle_tensor_elements(tensor) * sizeof *tensor->data);
}

random_model random_model_new(const kvc_config *config, uint64_t seed)
{
    random_model m = {.plain = random_weights(config, seed)};
    size_t bytes;
    check_ok(kvc_model_bytes(config, &bytes));
    check_ok(kvc_model_init(&m.packed, config, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < m.plain.n_tensors; i++)
        check_ok(random_model_set(m.packed, &m.plain.tensors[i]));
    return m;
}

void random_model_free(random_model *model)
{
    random_weights_free(&model->plain);
    free(model->packed); /* the block's first byte */
}

kvc_session_config random_sizes(size_t capacity)
{
    return (kvc_session_config){.capacity = capacity, 1, KVC_F32, KVC_F32};
}

kvc_session *random_model_sequences(const random_model *model,
                                    const kvc_session_config *sizes)
{
    size_t bytes;
    kvc_session *session;
    check_ok(kvc_session_bytes(model->packed, sizes, &bytes));
    check_ok(
        kvc_session_init(&session, model->packed, sizes, check_alloc(1, bytes), bytes));
    return session;
}

kvc_session *random_model_session(const random_model *model, size_t capacity)
{
    const kvc_session_config sizes = random_sizes(capacity);
    return random_model_sequences(model, &sizes);
}

void random_model_logits(float *logits, const random_model *model, const uint32_t *ids,
                         size_t T)
{
    kvc_session *s = random_model_session(model, T);
    check_ok(kvc_session_set_cache(s, false));
    check_ok(kvc_session_prefill(s, ids, T));
    memcpy(logits, kvc_session_logits(s),
           model->plain.config.vocab_size * sizeof *logits);
    free(s);
}
