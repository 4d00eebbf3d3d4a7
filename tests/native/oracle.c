#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a T5's encoder or decoder. */
static const oracle_names *t5_names(const oracle_model *m, bool encoder)
{
#define T5(stack, mlp, ...)                                                              \
    {                                                                                    \
        .embedding = "shared", .head = "lm_head", .norm = stack ".final_layer_norm",     \
        .attention_norm = "layer.0.layer_norm", .q = "layer.0.SelfAttention.q",          \
        .k = "layer.0.SelfAttention.k", .v = "layer.0.SelfAttention.v",                  \
        .o = "layer.0.SelfAttention.o", .cross_norm = "layer.1.layer_norm",              \
        .cross_q = "layer.1.EncDecAttention.q", .cross_k = "layer.1.EncDecAttention.k",  \
        .cross_v = "layer.1.EncDecAttention.v", .cross_o = "layer.1.EncDecAttention.o",  \
        .mlp_norm = mlp ".layer_norm", .down = mlp ".DenseReluDense.wo",                 \
        .buckets = stack ".block.0.layer.0.SelfAttention.relative_attention_bias",       \
        __VA_ARGS__                                                                      \
    }
    static const oracle_names names[2][2] = {
        {T5("decoder", "layer.2", .up = "layer.2.DenseReluDense.wi"),
         T5("encoder", "layer.1", .up = "layer.1.DenseReluDense.wi")},
        {T5("decoder", "layer.2", .gate = "layer.2.DenseReluDense.wi_0",
            .up = "layer.2.DenseReluDense.wi_1"),
         T5("encoder", "layer.1", .gate = "layer.1.DenseReluDense.wi_0",
            .up = "layer.1.DenseReluDense.wi_1")}};
    return &names[m->config.arch == KVC_T5_GATED][encoder];
}

/* Of a BART's or Marian's; a Marian has no tensors for what stands before its layers. */
static const oracle_names *bart_names(const oracle_model *m, bool encoder)
{
#define BART(...)                                                                        \
    {                                                                                    \
        .embedding = "shared", .post_norm = true,                                        \
        .attention_norm = "self_attn_layer_norm", .q = "self_attn.q_proj",               \
        .k = "self_attn.k_proj", .v = "self_attn.v_proj", .o = "self_attn.out_proj",     \
        .cross_norm = "encoder_attn_layer_norm", .cross_q = "encoder_attn.q_proj",       \
        .cross_k = "encoder_attn.k_proj", .cross_v = "encoder_attn.v_proj",              \
        .cross_o = "encoder_attn.out_proj", .mlp_norm = "final_layer_norm", .up = "fc1", \
        .down = "fc2", __VA_ARGS__                                                       \
    }
    static const oracle_names marian = BART(.head = NULL);
    static const oracle_names bart[2] = {
        BART(.positions = "decoder.embed_positions", .first_position = 2,
             .embedding_norm = "decoder.layernorm_embedding"),
        BART(.positions = "encoder.embed_positions", .first_position = 2,
             .embedding_norm = "encoder.layernorm_embedding")};
    return m->config.arch == KVC_MARIAN ? &marian : &bart[encoder];
}

const oracle_names *oracle_names_of(const oracle_model *model)
{
    static const oracle_names gpt2 = {
        .embedding = "wte",
        .positions = "wpe",
        .norm = "ln_f",
        .attention_norm = "ln_1",
        .qkv = "attn.c_attn",
        .o = "attn.c_proj",
        .mlp_norm = "ln_2",
        .up = "mlp.c_fc",
        .down = "mlp.c_proj",
    };
    static const oracle_names gpt_neo = {
        .embedding = "wte",
        .positions = "wpe",
        .norm = "ln_f",
        .attention_norm = "ln_1",
        .q = "attn.attention.q_proj",
        .k = "attn.attention.k_proj",
        .v = "attn.attention.v_proj",
        .o = "attn.attention.out_proj",
        .mlp_norm = "ln_2",
        .up = "mlp.c_fc",
        .down = "mlp.c_proj",
    };
    static const oracle_names llama = {
        .embedding = "embed_tokens",
        .head = "lm_head",
        .norm = "norm",
        .attention_norm = "input_layernorm",
        .q = "self_attn.q_proj",
        .k = "self_attn.k_proj",
        .v = "self_attn.v_proj",
        .o = "self_attn.o_proj",
        .mlp_norm = "post_attention_layernorm",
        .gate = "mlp.gate_proj",
        .up = "mlp.up_proj",
        .down = "mlp.down_proj",
    };
    static const oracle_names gemma3 = {
        .embedding = "embed_tokens",
        .head = "lm_head",
        .norm = "norm",
        .attention_norm = "input_layernorm",
        .q = "self_attn.q_proj",
        .k = "self_attn.k_proj",
        .v = "self_attn.v_proj",
        .o = "self_attn.o_proj",
        .attention_out_norm = "post_attention_layernorm",
        .mlp_norm = "pre_feedforward_layernorm",
        .gate = "mlp.gate_proj",
        .up = "mlp.up_proj",
        .down = "mlp.down_proj",
        .mlp_out_norm = "post_feedforward_layernorm",
    };
    static const oracle_names gpt_neox = {
        .embedding = "embed_in",
        .head = "embed_out",
        .norm = "final_layer_norm",
        .attention_norm = "input_layernorm",
        .qkv_by_head = "attention.query_key_value",
        .o = "attention.dense",
        .mlp_norm = "post_attention_layernorm",
        .up = "mlp.dense_h_to_4h",
        .down = "mlp.dense_4h_to_h",
    };
    static const oracle_names phi = {
        .embedding = "embed_tokens",
        .head = "lm_head",
        .norm = "final_layernorm",
        .attention_norm = "input_layernorm",
        .q = "self_attn.q_proj",
        .k = "self_attn.k_proj",
        .v = "self_attn.v_proj",
        .o = "self_attn.dense",
        .up = "mlp.fc1",
        .down = "mlp.fc2",
    };
    static const oracle_names opt = {
        .embedding = "embed_tokens",
        .positions = "embed_positions",
        .first_position = 2,
        .head = "lm_head",
        .norm = "final_layer_norm",
        .attention_norm = "self_attn_layer_norm",
        .q = "self_attn.q_proj",
        .k = "self_attn.k_proj",
        .v = "self_attn.v_proj",
        .o = "self_attn.out_proj",
        .mlp_norm = "final_layer_norm",
        .up = "fc1",
        .down = "fc2",
    };
    switch (model->config.arch) {
    case KVC_T5:
    case KVC_T5_GATED: return t5_names(model, false);
    case KVC_MARIAN:
    case KVC_BART: return bart_names(model, false);
    case KVC_PHI: return &phi;
    case KVC_OPT: return &opt;
    case KVC_GPT2: return &gpt2;
    case KVC_GPT_NEO: return &gpt_neo;
    case KVC_GEMMA3: return &gemma3;
    case KVC_GPT_NEOX: return &gpt_neox;
    default: return &llama;
    }
}

const oracle_names *oracle_names_at(const oracle_model *model, int layer)
{
    if (layer < ORACLE_ENCODER)
        return oracle_names_of(model);
    const bool t5 = model->config.relative_buckets > 0;
    return t5 ? t5_names(model, true) : bart_names(model, true);
}

const char *oracle_layers(const kvc_config *c)
{
    if (c->arch == KVC_T5 || c->arch == KVC_T5_GATED)
        return "decoder.block";
    if (c->arch == KVC_MARIAN || c->arch == KVC_BART)
        return "decoder.layers";
    return c->arch == KVC_GPT2 || c->arch == KVC_GPT_NEO ? "h" : "layers";
}

const float *oracle_find(const oracle_model *model, int layer, const char *leaf)
{
    char name[96];
    if (layer < 0)
        snprintf(name, sizeof name, "%s", leaf);
    else if (layer >= ORACLE_ENCODER)
        snprintf(name, sizeof name, "en%s.%d.%s", oracle_layers(&model->config) + 2,
                 layer - ORACLE_ENCODER, leaf);
    else
        snprintf(name, sizeof name, "%s.%d.%s", oracle_layers(&model->config), layer,
                 leaf);
    for (size_t i = 0; i < model->n_tensors; i++)
        if (strcmp(model->tensors[i].name, name) == 0)
            return model->tensors[i].data;
    return NULL;
}

const float *oracle_weights(const oracle_model *model, int layer, const char *leaf)
{
    const float *data = oracle_find(model, layer, leaf);
    if (data)
        return data;
    fprintf(stderr, "oracle: no tensor %s of layer %d\n", leaf, layer);
    abort();
}

const float *oracle_part(const oracle_model *m, int layer, const char *name,
                         const char *end)
{
    char leaf[80];
    if (!name)
        return NULL;
    snprintf(leaf, sizeof leaf, "%s.%s", name, end);
    return oracle_find(m, layer, leaf);
}

const float *oracle_embedding(const oracle_model *m)
{
    return oracle_part(m, -1, oracle_names_of(m)->embedding, "weight");
}

const float *oracle_head(const oracle_model *m)
{
    return m->config.own_head ? oracle_part(m, -1, oracle_names_of(m)->head, "weight")
                              : oracle_embedding(m);
}

/* Logarithms, as the paper has it; a billionth more, where a border is a whole number. */
static size_t bucket_of(size_t distance, size_t n, double farthest)
{
    const size_t alone = n / 2;
    if (distance < alone)
        return distance;
    const double octaves =
        log((double)distance / (double)alone) / log(farthest / (double)alone);
    const size_t further = (size_t)(octaves * (double)(n - alone) + 1e-9);
    return alone + further < n ? alone + further : n - 1;
}

float oracle_bias(const oracle_model *m, int layer, size_t head, size_t i, size_t j)
{
    const kvc_config *c = &m->config;
    const float *table = oracle_part(m, -1, oracle_names_at(m, layer)->buckets, "weight");
    if (!table)
        return 0.0f;
    const bool encoder = layer >= ORACLE_ENCODER;
    const size_t n = c->relative_buckets / (encoder ? 2 : 1);
    const size_t bucket = bucket_of(i > j ? i - j : j - i, n, c->relative_distance);
    return table[(bucket + (encoder && j > i ? n : 0)) * c->n_head + head];
}

void oracle_sinusoids(double *row, size_t position, size_t C)
{
    for (size_t i = 0; i < C / 2; i++) {
        const double angle = (double)position / pow(10000.0, 2.0 * (double)i / (double)C);
        row[i] = sin(angle);
        row[C / 2 + i] = cos(angle);
    }
}

const float *oracle_head_bias(const oracle_model *m)
{
    const float *bias = oracle_part(m, -1, oracle_names_of(m)->head, "bias");
    return bias ? bias : oracle_find(m, -1, "final_logits_bias");
}

double *oracle_widen(const float *x, size_t n)
{
    double *wide = malloc((n + 1) * sizeof *wide);
    for (size_t i = 0; i < n; i++)
        wide[i] = x[i];
    return wide;
}

void oracle_linear(double *y, const double *x, const float *w, const float *bias,
                   size_t rows, size_t n_in, size_t n_out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < n_out; o++) {
            double sum = bias ? bias[o] : 0.0;
            for (size_t i = 0; i < n_in; i++)
                sum += x[r * n_in + i] * (double)w[i * n_out + o];
            y[r * n_out + o] = sum;
        }
}

void oracle_layer_norm(double *y, const double *x, const float *weight, const float *bias,
                       size_t n, double eps)
{
    double mean = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) / sqrt(variance + eps) * (double)weight[i] + (double)bias[i];
}

double oracle_gelu(double x)
{
    const double pi = 3.14159265358979323846;
    return 0.5 * x * (1.0 + tanh(sqrt(2.0 / pi) * (x + 0.044715 * x * x * x)));
}

double oracle_exact_gelu(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2.0));
}

double oracle_silu(double x)
{
    return x / (1.0 + exp(-x));
}

void oracle_softmax(double *x, size_t n)
{
    double max = x[0], sum = 0.0;
    for (size_t i = 1; i < n; i++)
        max = fmax(max, x[i]);
    for (size_t i = 0; i < n; i++) {
        x[i] = exp(x[i] - max);
        sum += x[i];
    }
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

void oracle_attend(double *y, const double *q, const double *k, const double *v, size_t n,
                   size_t D, size_t stride, double scale)
{
    double *p = malloc(n * sizeof *p);
    for (size_t j = 0; j < n; j++) {
        p[j] = 0.0;
        for (size_t d = 0; d < D; d++)
            p[j] += q[d] * k[j * stride + d] * scale;
    }
    oracle_softmax(p, n);
    for (size_t d = 0; d < D; d++) {
        y[d] = 0.0;
        for (size_t j = 0; j < n; j++)
            y[d] += p[j] * v[j * stride + d];
    }
    free(p);
}

void oracle_attention(double *y, const double *q, const double *k, const double *v,
                      size_t n, size_t D, size_t stride)
{
    oracle_attend(y, q, k, v, n, D, stride, 1.0 / sqrt((double)D));
}

size_t oracle_first_seen(const kvc_config *c, int layer, size_t t)
{
    const bool has_window = layer < 64 && c->window_layers[layer / 32] >> layer % 32 & 1;
    return has_window && t + 1 > c->window ? t + 1 - c->window : 0;
}

double oracle_scale(const kvc_config *c)
{
    return c->score_scale > 0.0f ? (double)c->score_scale
                                 : 1.0 / sqrt((double)c->head_dim);
}

void oracle_rms_norm(double *y, const double *x, const float *weight, size_t n,
                     double eps)
{
    double mean = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] * x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] / sqrt(mean + eps) * (double)weight[i];
}

/* The pair that makes so many turns in the positions of the training. */
static double pair_of(double turns, const kvc_config *c)
{
    const double tau = 2.0 * 3.14159265358979323846;
    return c->rotary_dim * log(c->rope_original / (turns * tau)) /
           (2.0 * log((double)c->rope_theta));
}

static float yarn_frequency(float power, size_t i, const kvc_config *c)
{
    double low = pair_of((double)c->rope_high, c), high = pair_of((double)c->rope_low, c);
    if (c->rope_yarn == 1) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0.0);
    high = fmin(high, c->rotary_dim - 1.0);
    if (low == high)
        high += 0.001;
    const float ramp = ((float)i - (float)low) / (float)(high - low);
    const float kept = 1.0f - fminf(fmaxf(ramp, 0.0f), 1.0f);
    return 1.0f / (c->rope_factor * power) * (1.0f - kept) + 1.0f / power * kept;
}

float oracle_amplitude(const kvc_config *c)
{
    const double length = log((double)c->rope_factor);
    if (c->rope_yarn == 0 || c->rope_attention > 0.0f)
        return c->rope_yarn == 0 ? 1.0f : c->rope_attention;
    return (float)((0.1 * (double)c->rope_mscale * length + 1.0) /
                   (0.1 * (double)c->rope_mscale_all * length + 1.0));
}

kvc_config oracle_angles(const kvc_config *config, int layer)
{
    const bool has_window =
        layer < 64 && config->window_layers[layer / 32] >> layer % 32 & 1;
    kvc_config c = *config;
    if (has_window && c.rope_local_theta > 0.0f) {
        c.rope_theta = c.rope_local_theta;
        c.rope_factor = 1.0f;
        c.rope_original = c.rope_yarn = 0;
    }
    return c;
}

float oracle_norm_weight(const oracle_model *m, float in_file)
{
    return m->config.arch == KVC_GEMMA3 ? 1.0f + in_file : in_file;
}

/* Exponent, power and reciprocal are floats, as in transformers; so is the angle. */
float oracle_angle(const kvc_config *c, size_t i, size_t position)
{
    const float exponent = (float)(2 * i) / (float)c->rotary_dim;
    const float power = (float)pow((double)c->rope_theta, (double)exponent);
    float frequency = 1.0f / power;
    const float original = (float)c->rope_original;
    const float wave = (float)(2.0 * 3.14159265358979323846) / frequency;
    if (c->rope_yarn) {
        frequency = yarn_frequency(power, i, c);
    } else if (c->rope_original == 0 || wave > original / c->rope_low) {
        frequency /= c->rope_factor;
    } else if (wave >= original / c->rope_high) {
        const float t = (original / wave - c->rope_low) / (c->rope_high - c->rope_low);
        frequency = (1.0f - t) * frequency / c->rope_factor + t * frequency;
    }
    return (float)position * frequency;
}

/* ---- everything is [T, something], every position at once -------------------------- */

static double *new_array(size_t T, size_t columns)
{
    return calloc(T * columns, sizeof(double));
}

static void rms_norm(double *y, const double *x, const oracle_model *m,
                     const float *in_file, size_t n)
{
    float *weight = malloc(n * sizeof *weight);
    for (size_t i = 0; i < n; i++)
        weight[i] = oracle_norm_weight(m, in_file[i]);
    oracle_rms_norm(y, x, weight, n, (double)m->config.norm_epsilon);
    free(weight);
}

static void norm(double *y, const double *x, const oracle_model *m, int layer,
                 const char *name, size_t T)
{
    const size_t C = m->config.n_embd;
    const float *weight = oracle_part(m, layer, name, "weight"),
                *bias = oracle_part(m, layer, name, "bias");
    const double eps = (double)m->config.norm_epsilon;
    for (size_t t = 0; t < T; t++, y += C, x += C)
        if (bias)
            oracle_layer_norm(y, x, weight, bias, C, eps);
        else
            rms_norm(y, x, m, weight, C);
}

/* A matrix of the file, with its bias if it has one; y's rows are `stride` apart. */
static void linear(double *y, size_t stride, const double *x, const oracle_model *m,
                   int layer, const char *name, size_t T, size_t n_in, size_t n_out)
{
    const bool conv1d = m->config.arch == KVC_GPT2;
    const float *w = oracle_part(m, layer, name, "weight"),
                *bias = oracle_part(m, layer, name, "bias");
    for (size_t t = 0; t < T; t++)
        for (size_t o = 0; o < n_out; o++) {
            double sum = bias ? bias[o] : 0.0;
            for (size_t i = 0; i < n_in; i++)
                sum += x[t * n_in + i] * (double)w[conv1d ? i * n_out + o : o * n_in + i];
            y[t * stride + o] = sum;
        }
}

/* Norms each head of queries or keys, where the model does that.   x: [T, stride] */
static void norm_heads(double *x, size_t stride, const oracle_model *m, int layer,
                       const char *name, size_t heads, size_t T)
{
    const size_t D = m->config.head_dim;
    const float *weight = oracle_part(m, layer, name, "weight");
    for (size_t i = 0; weight && i < T * heads; i++) {
        double *head = x + i / heads * stride + i % heads * D;
        rms_norm(head, head, m, weight, D);
    }
}

/* Turns heads of queries or keys.   x: [T, stride], the first is the first head's */
static void rotate(double *x, size_t stride, const kvc_config *c, size_t heads, size_t T)
{
    const size_t half = c->rotary_dim / 2;
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < heads * half; i++) {
            double *a = x + t * stride + i / half * c->head_dim + i % half;
            const double angle = (double)oracle_angle(c, i % half, t);
            const double first = a[0], second = a[half];
            const double longer = (double)oracle_amplitude(c);
            a[0] = (first * cos(angle) - second * sin(angle)) * longer;
            a[half] = (second * cos(angle) + first * sin(angle)) * longer;
        }
}

static size_t query_width(const oracle_model *m)
{
    return (size_t)m->config.n_head * m->config.head_dim;
}

static size_t key_width(const oracle_model *m)
{
    return (size_t)m->config.n_kv_head * m->config.head_dim;
}

/* q, k and v of each token from those of its heads in turn.   y, x: [T, 3 Q] */
static void part_by_part(double *y, const double *x, const oracle_model *m, size_t T)
{
    const size_t D = m->config.head_dim, Q = query_width(m);
    for (size_t i = 0; i < T * 3 * Q; i++) {
        const size_t row = i % (3 * Q), head = row / (3 * D), which = row / D % 3;
        y[i / (3 * Q) * 3 * Q + which * Q + head * D + row % D] = x[i];
    }
}

/* What a block computes with: x normed, or as it is where norms stand behind. */
static void enter(double *h, const double *x, const oracle_model *m, int layer,
                  const char *name, size_t T)
{
    if (oracle_names_at(m, layer)->post_norm)
        memcpy(h, x, T * m->config.n_embd * sizeof *h);
    else
        norm(h, x, m, layer, name, T);
}

/* Of each token: the queries [H, D], the keys and the values [Hkv, D], a new array. */
static double *queries_keys_values(const double *x, const oracle_model *m, int layer,
                                   size_t T)
{
    const size_t C = m->config.n_embd, Q = query_width(m), KV = key_width(m);
    const size_t all = Q + 2 * KV;
    const oracle_names *names = oracle_names_at(m, layer);
    double *h = new_array(T, C), *qkv = new_array(T, all), *fused = new_array(T, all);
    enter(h, x, m, layer, names->attention_norm, T);
    if (names->qkv) {
        linear(qkv, all, h, m, layer, names->qkv, T, C, all);
    } else if (names->qkv_by_head) {
        linear(fused, all, h, m, layer, names->qkv_by_head, T, C, all);
        part_by_part(qkv, fused, m, T);
    } else {
        linear(qkv, all, h, m, layer, names->q, T, C, Q);
        linear(qkv + Q, all, h, m, layer, names->k, T, C, KV);
        linear(qkv + Q + KV, all, h, m, layer, names->v, T, C, KV);
        norm_heads(qkv, all, m, layer, "self_attn.q_norm", m->config.n_head, T);
        norm_heads(qkv + Q, all, m, layer, "self_attn.k_norm", m->config.n_kv_head, T);
    }
    const kvc_config angles = oracle_angles(&m->config, layer);
    rotate(qkv, all, &angles, m->config.n_head, T);
    rotate(qkv + Q, all, &angles, m->config.n_kv_head, T);
    free(h);
    free(fused);
    return qkv;
}

/* The head of K and V that a head of queries looks at. */
static size_t kv_head(const oracle_model *m, size_t head)
{
    return head / (m->config.n_head / m->config.n_kv_head);
}

/* y = sum_j softmax_j(score(i, j)) v[j], the scores of a query at i with what they gain
 *   y, q: [D]   k, v: those of keys first .. end - 1, `stride` apart */
static void attend_biased(double *y, const double *q, const double *k, const double *v,
                          size_t stride, const oracle_model *m, int layer, size_t head,
                          size_t i, size_t first, size_t end)
{
    const size_t D = m->config.head_dim, n = end - first;
    double *p = new_array(n, 1);
    for (size_t j = 0; j < n; j++) {
        for (size_t d = 0; d < D; d++)
            p[j] += q[d] * k[j * stride + d];
        p[j] = oracle_scale(&m->config) *
               (p[j] + (double)oracle_bias(m, layer, head, i, first + j));
    }
    oracle_softmax(p, n);
    for (size_t d = 0; d < D; d++)
        for (size_t j = 0; j < n; j++)
            y[d] += p[j] * v[j * stride + d];
    free(p);
}

/* o(attention(norm(x))), each token seeing itself and those before it, as far as the
 * layer's window goes, or all in an encoder: a new array. */
static double *attention_of(const double *x, const oracle_model *m, int layer, size_t T)
{
    const size_t C = m->config.n_embd, H = m->config.n_head, D = m->config.head_dim;
    const size_t Q = query_width(m), KV = key_width(m), QKV = Q + 2 * KV;
    double *h = new_array(T, C), *y = new_array(T, Q);
    double *qkv = queries_keys_values(x, m, layer, T);
    for (size_t t = 0; t < T; t++)
        for (size_t head = 0; head < H; head++) {
            const size_t first = oracle_first_seen(&m->config, layer, t);
            const size_t end = layer >= ORACLE_ENCODER ? T : t + 1;
            const double *q = qkv + t * QKV + head * D;
            const double *k = qkv + first * QKV + Q + kv_head(m, head) * D, *v = k + KV;
            attend_biased(y + t * Q + head * D, q, k, v, QKV, m, layer, head, t, first,
                          end);
        }
    linear(h, C, y, m, layer, oracle_names_at(m, layer)->o, T, Q, C);
    if (oracle_names_of(m)->attention_out_norm)
        norm(h, h, m, layer, oracle_names_of(m)->attention_out_norm, T);
    free(qkv);
    free(y);
    return h;
}

static double activation(const oracle_model *m, double x)
{
    switch (m->config.arch) {
    case KVC_GPT2:
    case KVC_GPT_NEO:
    case KVC_GEMMA3:
    case KVC_PHI:
    case KVC_T5_GATED: return oracle_gelu(x);
    case KVC_T5:
    case KVC_OPT: return fmax(x, 0.0);
    case KVC_BART:
    case KVC_GPT_NEOX: return oracle_exact_gelu(x);
    default: return oracle_silu(x);
    }
}

/* down(activation(up(norm(x)))), or down(activation(gate(norm(x))) * up(norm(x))): a new
 * array. */
static double *mlp_of(const double *x, const oracle_model *m, int layer, size_t T)
{
    const size_t C = m->config.n_embd, F = m->config.n_inner;
    const oracle_names *names = oracle_names_at(m, layer);
    double *h = new_array(T, C), *inner = new_array(T, F), *gate = new_array(T, F);
    enter(h, x, m, layer, names->mlp_norm ? names->mlp_norm : names->attention_norm, T);
    linear(inner, F, h, m, layer, names->up, T, C, F);
    if (names->gate)
        linear(gate, F, h, m, layer, names->gate, T, C, F);
    for (size_t i = 0; i < T * F; i++)
        inner[i] =
            names->gate ? inner[i] * activation(m, gate[i]) : activation(m, inner[i]);
    linear(h, C, inner, m, layer, names->down, T, F, C);
    if (names->mlp_out_norm)
        norm(h, h, m, layer, names->mlp_out_norm, T);
    free(inner);
    free(gate);
    return h;
}

/* x += y, which is freed */
static void add(double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
    free(y);
}

/* The same, and x normed where norms stand behind. */
static void add_block(double *x, double *y, const oracle_model *m, int layer,
                      const char *name, size_t T)
{
    add(x, y, T * m->config.n_embd);
    if (oracle_names_at(m, layer)->post_norm)
        norm(x, x, m, layer, name, T);
}

/* o(attention(norm(x))) over a source, each token seeing all of it, and weights where
 * they are wanted: a new array.   source: [n, C]   weights: [n], of the last token */
static double *cross_of(const double *x, const oracle_model *m, int layer, size_t T,
                        const double *source, size_t wanted, double *weights)
{
    const oracle_names *names = oracle_names_of(m);
    const size_t C = m->config.n_embd, D = m->config.head_dim, n = m->n_source;
    const size_t Q = query_width(m), KV = key_width(m);
    double *h = new_array(T, C), *q = new_array(T, Q), *y = new_array(T, Q);
    double *k = new_array(n, KV), *v = new_array(n, KV), *p = new_array(n, 1);
    enter(h, x, m, layer, names->cross_norm, T);
    linear(q, Q, h, m, layer, names->cross_q, T, C, Q);
    linear(k, KV, source, m, layer, names->cross_k, n, C, KV);
    linear(v, KV, source, m, layer, names->cross_v, n, C, KV);
    for (size_t i = 0; i < T * m->config.n_head; i++) {
        const size_t head = i % m->config.n_head, column = kv_head(m, head) * D;
        for (size_t j = 0; j < n; j++) {
            p[j] = 0.0;
            for (size_t d = 0; d < D; d++)
                p[j] += oracle_scale(&m->config) * q[i * D + d] * k[j * KV + column + d];
        }
        oracle_softmax(p, n);
        for (size_t j = 0; j < n; j++)
            for (size_t d = 0; d < D; d++)
                y[i * D + d] += p[j] * v[j * KV + column + d];
        if (weights && i == (T - 1) * m->config.n_head + wanted)
            memcpy(weights, p, n * sizeof *p);
    }
    linear(h, C, y, m, layer, names->cross_o, T, Q, C);
    free(q), free(y), free(k), free(v), free(p);
    return h;
}

static void run_layer(double *x, const oracle_model *m, int layer, size_t T,
                      const double *source)
{
    const oracle_names *names = oracle_names_at(m, layer);
    double *attended = attention_of(x, m, layer, T), *beside = NULL;
    if (m->config.parallel || !names->mlp_norm)
        beside = mlp_of(x, m, layer, T);
    add_block(x, attended, m, layer, names->attention_norm, T);
    if (source && layer < ORACLE_ENCODER)
        add_block(x, cross_of(x, m, layer, T, source, 0, NULL), m, layer,
                  names->cross_norm, T);
    add_block(x, beside ? beside : mlp_of(x, m, layer, T), m, layer, names->mlp_norm, T);
}

/* Tokens as rows of the stack that a layer is in: a new array [T, C]. */
static double *embed(const oracle_model *m, int layer, const uint32_t *ids, size_t T)
{
    const size_t C = m->config.n_embd;
    const oracle_names *names = oracle_names_at(m, layer);
    const float *wte = oracle_embedding(m);
    const float *wpe = oracle_part(m, -1, names->positions, "weight");
    const kvc_arch arch = m->config.arch;
    const double scale = arch == KVC_GEMMA3 || arch == KVC_MARIAN ? sqrt((double)C) : 1.0;
    double *x = new_array(T, C), *waves = new_array(1, C);
    for (size_t t = 0; t < T; t++) {
        if (arch == KVC_MARIAN)
            oracle_sinusoids(waves, t, C);
        for (size_t c = 0; c < C; c++)
            x[t * C + c] = scale * (double)wte[ids[t] * C + c] + waves[c] +
                           (wpe ? (double)wpe[(names->first_position + t) * C + c] : 0.0);
    }
    if (names->embedding_norm)
        norm(x, x, m, -1, names->embedding_norm, T);
    free(waves);
    return x;
}

/* What the encoder makes of the source: a new array [n_source, C], or NULL. */
static double *encode(const oracle_model *m)
{
    if (m->config.n_encoder_layer == 0)
        return NULL;
    const size_t n = m->n_source;
    double *x = embed(m, ORACLE_ENCODER, m->source, n);
    for (int i = 0; i < (int)m->config.n_encoder_layer; i++)
        run_layer(x, m, ORACLE_ENCODER + i, n, NULL);
    if (oracle_names_at(m, ORACLE_ENCODER)->norm)
        norm(x, x, m, -1, oracle_names_at(m, ORACLE_ENCODER)->norm, n);
    return x;
}

/* The residual stream after the first n layers: a new array [T, C]. */
static double *run_layers(const oracle_model *m, const uint32_t *ids, size_t T, int n)
{
    double *x = embed(m, 0, ids, T), *source = encode(m);
    for (int layer = 0; layer < n; layer++)
        run_layer(x, m, layer, T, source);
    free(source);
    return x;
}

void oracle_logits(double *logits, const oracle_model *m, const uint32_t *ids, size_t T)
{
    const size_t C = m->config.n_embd, V = m->config.vocab_size;
    const float *head = oracle_head(m); /* logits[id] = bias[id] + h . head[id] */
    const float *bias = oracle_head_bias(m);
    double *x = run_layers(m, ids, T, (int)m->config.n_layer), *h = new_array(T, C);
    if (oracle_names_of(m)->norm)
        norm(h, x, m, -1, oracle_names_of(m)->norm, T);
    else
        memcpy(h, x, T * C * sizeof *h);
    for (size_t i = 0; i < T * C && m->config.scaled_head; i++)
        h[i] /= sqrt((double)C);
    for (size_t t = 0; t < T; t++)
        for (size_t id = 0; id < V; id++) {
            double sum = bias ? (double)bias[id] : 0.0;
            for (size_t c = 0; c < C; c++)
                sum += h[t * C + c] * (double)head[id * C + c];
            logits[t * V + id] = sum;
        }
    free(x);
    free(h);
}

void oracle_attention_weights(double *weights, double *query, const oracle_model *m,
                              const uint32_t *ids, size_t T, int layer, size_t head)
{
    const size_t D = m->config.head_dim, Q = query_width(m), QKV = Q + 2 * key_width(m);
    double *x = run_layers(m, ids, T, layer);
    double *qkv = queries_keys_values(x, m, layer, T);
    const double *q = qkv + (T - 1) * QKV + head * D;
    const double *k = qkv + Q + kv_head(m, head) * D;
    memcpy(query, q, D * sizeof *q);
    const size_t first = oracle_first_seen(&m->config, layer, T - 1);
    for (size_t j = 0; j < T; j++) {
        weights[j] = j < first ? 0.0
                               : (double)oracle_bias(m, layer, head, T - 1, j) *
                                     oracle_scale(&m->config);
        for (size_t d = 0; d < D && j >= first; d++)
            weights[j] += q[d] * k[j * QKV + d] * oracle_scale(&m->config);
    }
    oracle_softmax(weights + first, T - first);
    free(x);
    free(qkv);
}

void oracle_cross_weights(double *weights, const oracle_model *m, const uint32_t *ids,
                          size_t T, int layer, size_t head)
{
    double *x = run_layers(m, ids, T, layer), *source = encode(m);
    add_block(x, attention_of(x, m, layer, T), m, layer,
              oracle_names_of(m)->attention_norm, T);
    free(cross_of(x, m, layer, T, source, head, weights));
    free(x);
    free(source);
}
