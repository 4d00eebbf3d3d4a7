#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool oracle_is_gpt(const kvc_config *c)
{
    return c->arch == KVC_GPT2 || c->arch == KVC_GPT_NEO;
}

const float *oracle_find(const oracle_model *model, int layer, const char *leaf)
{
    char name[80];
    if (layer < 0)
        snprintf(name, sizeof name, "%s", leaf);
    else
        snprintf(name, sizeof name, "%s.%d.%s",
                 oracle_is_gpt(&model->config) ? "h" : "layers", layer, leaf);
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

const float *oracle_embedding(const oracle_model *m)
{
    return oracle_weights(
        m, -1, oracle_is_gpt(&m->config) ? "wte.weight" : "embed_tokens.weight");
}

const float *oracle_head(const oracle_model *m)
{
    return m->config.own_head ? oracle_weights(m, -1, "lm_head.weight")
                              : oracle_embedding(m);
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

/* Exponent, power and reciprocal are floats, as in transformers; so is the angle. */
float oracle_angle(const kvc_config *c, size_t i, size_t position)
{
    const float exponent = (float)(2 * i) / (float)c->rotary_dim;
    float frequency = 1.0f / (float)pow((double)c->rope_theta, (double)exponent);
    const float original = (float)c->rope_original;
    const float wave = (float)(2.0 * 3.14159265358979323846) / frequency;
    if (c->rope_original == 0 || wave > original / c->rope_low) {
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

/* The names of norms and matrices, without .weight and .bias. */
typedef struct oracle_names {
    const char *norm, *attention_norm, *o, *mlp_norm, *up, *down;
} oracle_names;

static oracle_names names_of(const oracle_model *m)
{
    if (m->config.arch == KVC_GPT_NEO)
        return (oracle_names){"ln_f", "ln_1",     "attn.attention.out_proj",
                              "ln_2", "mlp.c_fc", "mlp.c_proj"};
    if (m->config.arch == KVC_GPT2)
        return (oracle_names){"ln_f", "ln_1",     "attn.c_proj",
                              "ln_2", "mlp.c_fc", "mlp.c_proj"};
    return (oracle_names){
        "norm",        "input_layernorm", "self_attn.o_proj", "post_attention_layernorm",
        "mlp.up_proj", "mlp.down_proj"};
}

static const float *part(const oracle_model *m, int layer, const char *name,
                         const char *end)
{
    char leaf[48];
    snprintf(leaf, sizeof leaf, "%s.%s", name, end);
    return oracle_find(m, layer, leaf);
}

static void norm(double *y, const double *x, const oracle_model *m, int layer,
                 const char *name, size_t T)
{
    const size_t C = m->config.n_embd;
    const float *weight = part(m, layer, name, "weight"),
                *bias = part(m, layer, name, "bias");
    const double eps = (double)m->config.norm_epsilon;
    for (size_t t = 0; t < T; t++, y += C, x += C)
        if (bias)
            oracle_layer_norm(y, x, weight, bias, C, eps);
        else
            oracle_rms_norm(y, x, weight, C, eps);
}

/* A matrix of the file, with its bias if it has one; y's rows are `stride` apart. */
static void linear(double *y, size_t stride, const double *x, const oracle_model *m,
                   int layer, const char *name, size_t T, size_t n_in, size_t n_out)
{
    const bool conv1d = m->config.arch == KVC_GPT2;
    const float *w = part(m, layer, name, "weight"), *bias = part(m, layer, name, "bias");
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
    const float *weight = part(m, layer, name, "weight");
    for (size_t i = 0; weight && i < T * heads; i++) {
        double *head = x + i / heads * stride + i % heads * D;
        oracle_rms_norm(head, head, weight, D, (double)m->config.norm_epsilon);
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
            a[0] = first * cos(angle) - second * sin(angle);
            a[half] = second * cos(angle) + first * sin(angle);
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

/* Of each token: the queries [H, D], the keys and the values [Hkv, D], a new array. */
static double *queries_keys_values(const double *x, const oracle_model *m, int layer,
                                   size_t T)
{
    const size_t C = m->config.n_embd, Q = query_width(m), KV = key_width(m);
    const size_t all = Q + 2 * KV;
    double *h = new_array(T, C), *qkv = new_array(T, all);
    norm(h, x, m, layer, names_of(m).attention_norm, T);
    if (m->config.arch == KVC_GPT2) {
        linear(qkv, all, h, m, layer, "attn.c_attn", T, C, all);
    } else if (m->config.arch == KVC_GPT_NEO) {
        linear(qkv, all, h, m, layer, "attn.attention.q_proj", T, C, Q);
        linear(qkv + Q, all, h, m, layer, "attn.attention.k_proj", T, C, KV);
        linear(qkv + Q + KV, all, h, m, layer, "attn.attention.v_proj", T, C, KV);
    } else {
        linear(qkv, all, h, m, layer, "self_attn.q_proj", T, C, Q);
        linear(qkv + Q, all, h, m, layer, "self_attn.k_proj", T, C, KV);
        linear(qkv + Q + KV, all, h, m, layer, "self_attn.v_proj", T, C, KV);
        norm_heads(qkv, all, m, layer, "self_attn.q_norm", m->config.n_head, T);
        norm_heads(qkv + Q, all, m, layer, "self_attn.k_norm", m->config.n_kv_head, T);
        rotate(qkv, all, &m->config, m->config.n_head, T);
        rotate(qkv + Q, all, &m->config, m->config.n_kv_head, T);
    }
    free(h);
    return qkv;
}

/* The head of K and V that a head of queries looks at. */
static size_t kv_head(const oracle_model *m, size_t head)
{
    return head / (m->config.n_head / m->config.n_kv_head);
}

/* x += o(attention(norm(x))), each token seeing itself and those before it, as far as the
 * layer's window goes. */
static void add_attention(double *x, const oracle_model *m, int layer, size_t T)
{
    const size_t C = m->config.n_embd, H = m->config.n_head, D = m->config.head_dim;
    const size_t Q = query_width(m), KV = key_width(m), QKV = Q + 2 * KV;
    double *h = new_array(T, C), *y = new_array(T, Q);
    double *qkv = queries_keys_values(x, m, layer, T);
    for (size_t t = 0; t < T; t++)
        for (size_t head = 0; head < H; head++) {
            const size_t first = oracle_first_seen(&m->config, layer, t);
            const double *q = qkv + t * QKV + head * D;
            const double *k = qkv + first * QKV + Q + kv_head(m, head) * D, *v = k + KV;
            oracle_attend(y + t * Q + head * D, q, k, v, t + 1 - first, D, QKV,
                          oracle_scale(&m->config));
        }
    linear(h, C, y, m, layer, names_of(m).o, T, Q, C);
    for (size_t i = 0; i < T * C; i++)
        x[i] += h[i];
    free(h);
    free(qkv);
    free(y);
}

/* x += down(gelu(up(norm(x)))), or x += down(silu(gate(norm(x))) * up(norm(x))) */
static void add_mlp(double *x, const oracle_model *m, int layer, size_t T)
{
    const size_t C = m->config.n_embd, F = m->config.n_inner;
    const oracle_names names = names_of(m);
    double *h = new_array(T, C), *inner = new_array(T, F), *gate = new_array(T, F);
    norm(h, x, m, layer, names.mlp_norm, T);
    linear(inner, F, h, m, layer, names.up, T, C, F);
    if (!oracle_is_gpt(&m->config))
        linear(gate, F, h, m, layer, "mlp.gate_proj", T, C, F);
    for (size_t i = 0; i < T * F; i++)
        inner[i] = !oracle_is_gpt(&m->config) ? inner[i] * oracle_silu(gate[i])
                                              : oracle_gelu(inner[i]);
    linear(h, C, inner, m, layer, names.down, T, F, C);
    for (size_t i = 0; i < T * C; i++)
        x[i] += h[i];
    free(h);
    free(inner);
    free(gate);
}

/* The residual stream after the first n layers: a new array [T, C]. */
static double *run_layers(const oracle_model *m, const uint32_t *ids, size_t T, int n)
{
    const size_t C = m->config.n_embd;
    const float *wte = oracle_embedding(m);
    const float *wpe = oracle_find(m, -1, "wpe.weight"); /* [n_positions, C] */
    double *x = new_array(T, C);
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < C; c++)
            x[t * C + c] =
                (double)wte[ids[t] * C + c] + (wpe ? (double)wpe[t * C + c] : 0.0);
    for (int layer = 0; layer < n; layer++) {
        add_attention(x, m, layer, T);
        add_mlp(x, m, layer, T);
    }
    return x;
}

void oracle_logits(double *logits, const oracle_model *m, const uint32_t *ids, size_t T)
{
    const size_t C = m->config.n_embd, V = m->config.vocab_size;
    const float *head = oracle_head(m); /* logits[id] = h . head[id] */
    double *x = run_layers(m, ids, T, (int)m->config.n_layer), *h = new_array(T, C);
    norm(h, x, m, -1, names_of(m).norm, T);
    for (size_t t = 0; t < T; t++)
        for (size_t id = 0; id < V; id++) {
            double sum = 0.0;
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
        weights[j] = 0.0;
        for (size_t d = 0; d < D && j >= first; d++)
            weights[j] += q[d] * k[j * QKV + d] * oracle_scale(&m->config);
    }
    oracle_softmax(weights + first, T - first);
    free(x);
    free(qkv);
}
