#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const float *oracle_weights(const oracle_model *model, int layer, const char *leaf)
{
    char name[64];
    if (layer < 0)
        snprintf(name, sizeof name, "%s", leaf);
    else
        snprintf(name, sizeof name, "h.%d.%s", layer, leaf);
    for (size_t i = 0; i < model->n_tensors; i++)
        if (strcmp(model->tensors[i].name, name) == 0)
            return model->tensors[i].data;
    fprintf(stderr, "oracle: no tensor %s\n", name);
    abort();
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

void oracle_attention(double *y, const double *q, const double *k, const double *v,
                      size_t n, size_t D, size_t stride)
{
    double *p = malloc(n * sizeof *p);
    for (size_t j = 0; j < n; j++) {
        p[j] = 0.0;
        for (size_t d = 0; d < D; d++)
            p[j] += q[d] * k[j * stride + d] / sqrt((double)D);
    }
    oracle_softmax(p, n);
    for (size_t d = 0; d < D; d++) {
        y[d] = 0.0;
        for (size_t j = 0; j < n; j++)
            y[d] += p[j] * v[j * stride + d];
    }
    free(p);
}

/* ---- GPT-2: everything is [T, something], every position at once ------------------- */

static double *new_array(size_t T, size_t columns)
{
    return calloc(T * columns, sizeof(double));
}

static void norm(double *y, const double *x, const oracle_model *m, int layer,
                 const char *weight, const char *bias, size_t T)
{
    const size_t C = m->config.n_embd;
    for (size_t t = 0; t < T; t++)
        oracle_layer_norm(y + t * C, x + t * C, oracle_weights(m, layer, weight),
                          oracle_weights(m, layer, bias), C,
                          (double)m->config.norm_epsilon);
}

/* The head of K and V that a head of queries looks at. */
static size_t kv_head(const oracle_model *m, size_t head)
{
    return head / (m->config.n_head / m->config.n_kv_head);
}

/* x += c_proj(attention(c_attn(ln_1(x)))), each token seeing itself and those before
 * it. A row of c_attn: the queries [H, D], the keys and the values [Hkv, D]. */
static void add_attention(double *x, const oracle_model *m, int layer, size_t T)
{
    const size_t C = m->config.n_embd, H = m->config.n_head, D = m->config.head_dim;
    const size_t Q = H * D, KV = m->config.n_kv_head * D, QKV = Q + 2 * KV;
    double *h = new_array(T, C), *qkv = new_array(T, QKV), *y = new_array(T, Q);
    norm(h, x, m, layer, "ln_1.weight", "ln_1.bias", T);
    oracle_linear(qkv, h, oracle_weights(m, layer, "attn.c_attn.weight"),
                  oracle_weights(m, layer, "attn.c_attn.bias"), T, C, QKV);
    for (size_t t = 0; t < T; t++)
        for (size_t head = 0; head < H; head++) {
            const double *q = qkv + t * QKV + head * D;
            const double *k = qkv + Q + kv_head(m, head) * D, *v = k + KV;
            oracle_attention(y + t * Q + head * D, q, k, v, t + 1, D, QKV);
        }
    oracle_linear(h, y, oracle_weights(m, layer, "attn.c_proj.weight"),
                  oracle_weights(m, layer, "attn.c_proj.bias"), T, Q, C);
    for (size_t i = 0; i < T * C; i++)
        x[i] += h[i];
    free(h);
    free(qkv);
    free(y);
}

/* x += c_proj(gelu(c_fc(ln_2(x)))) */
static void add_mlp(double *x, const oracle_model *m, int layer, size_t T)
{
    const size_t C = m->config.n_embd, F = m->config.n_inner;
    double *h = new_array(T, C), *inner = new_array(T, F);
    norm(h, x, m, layer, "ln_2.weight", "ln_2.bias", T);
    oracle_linear(inner, h, oracle_weights(m, layer, "mlp.c_fc.weight"),
                  oracle_weights(m, layer, "mlp.c_fc.bias"), T, C, F);
    for (size_t i = 0; i < T * F; i++)
        inner[i] = oracle_gelu(inner[i]);
    oracle_linear(h, inner, oracle_weights(m, layer, "mlp.c_proj.weight"),
                  oracle_weights(m, layer, "mlp.c_proj.bias"), T, F, C);
    for (size_t i = 0; i < T * C; i++)
        x[i] += h[i];
    free(h);
    free(inner);
}

/* The residual stream after the first n layers: a new array [T, C]. */
static double *run_layers(const oracle_model *m, const uint32_t *ids, size_t T, int n)
{
    const size_t C = m->config.n_embd;
    const float *wte = oracle_weights(m, -1, "wte.weight"); /* [V, C] */
    const float *wpe = oracle_weights(m, -1, "wpe.weight"); /* [n_positions, C] */
    double *x = new_array(T, C);
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < C; c++)
            x[t * C + c] = (double)wte[ids[t] * C + c] + (double)wpe[t * C + c];
    for (int layer = 0; layer < n; layer++) {
        add_attention(x, m, layer, T);
        add_mlp(x, m, layer, T);
    }
    return x;
}

void oracle_logits(double *logits, const oracle_model *m, const uint32_t *ids, size_t T)
{
    const size_t C = m->config.n_embd, V = m->config.vocab_size;
    const float *wte = oracle_weights(m, -1, "wte.weight"); /* [V, C] */
    double *x = run_layers(m, ids, T, (int)m->config.n_layer), *h = new_array(T, C);
    norm(h, x, m, -1, "ln_f.weight", "ln_f.bias", T);
    for (size_t t = 0; t < T; t++) /* the head is tied: logits[id] = h . wte[id] */
        for (size_t id = 0; id < V; id++) {
            double sum = 0.0;
            for (size_t c = 0; c < C; c++)
                sum += h[t * C + c] * (double)wte[id * C + c];
            logits[t * V + id] = sum;
        }
    free(x);
    free(h);
}

void oracle_attention_weights(double *weights, double *query, const oracle_model *m,
                              const uint32_t *ids, size_t T, int layer, size_t head)
{
    const size_t C = m->config.n_embd, D = m->config.head_dim, Q = m->config.n_head * D;
    const size_t QKV = Q + 2 * m->config.n_kv_head * D;
    double *x = run_layers(m, ids, T, layer), *h = new_array(T, C);
    double *qkv = new_array(T, QKV);
    norm(h, x, m, layer, "ln_1.weight", "ln_1.bias", T);
    oracle_linear(qkv, h, oracle_weights(m, layer, "attn.c_attn.weight"),
                  oracle_weights(m, layer, "attn.c_attn.bias"), T, C, QKV);
    const double *q = qkv + (T - 1) * QKV + head * D;
    const double *k = qkv + Q + kv_head(m, head) * D;
    memcpy(query, q, D * sizeof *q);
    for (size_t j = 0; j < T; j++) {
        weights[j] = 0.0;
        for (size_t d = 0; d < D; d++)
            weights[j] += q[d] * k[j * QKV + d] / sqrt((double)D);
    }
    oracle_softmax(weights, T);
    free(x);
    free(h);
    free(qkv);
}
