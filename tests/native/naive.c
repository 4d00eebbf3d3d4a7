#include "naive.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 32 }; /* inputs that share a scale in int8 */

/* Sums over one vector have four strided partial sums and one fixed tree. */
static float sum_of(const float *x, size_t n)
{
    float s[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t i = 0; i < n; i++)
        s[i % 4] += x[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* exp(x) = 2^n exp(r), n = round(x / ln 2), ln 2 in two parts; adding 1.5 * 2^23
 * rounds. */
static float exp_of(float x)
{
    x = fminf(fmaxf(x, -64.0f), 64.0f);
    const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float r = (x - n * 0.693359375f) - n * -2.1219444e-4f;
    float q = 0.001381454f;
    q = q * r + 0.008368745f;
    q = q * r + 0.04166839f;
    q = q * r + 0.16666521f;
    q = q * r + 0.49999994f;
    return ldexpf(((r * r) * q + r) + 1.0f, (int)n);
}

static float *new_array(size_t rows, size_t columns)
{
    float *x = calloc(rows * columns, sizeof *x);
    if (!x)
        abort();
    return x;
}

/* x is about scale * q, half to even; returns the scale.   q: [n] out   x: n floats, one
 * every stride */
static float quantize(int *q, const float *x, size_t stride, size_t n, float limit)
{
    float most = 0.0f;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(x[i * stride]));
    const float factor = most < 1e-30f ? 0.0f : limit / most;
    for (size_t i = 0; i < n; i++)
        q[i] = (int)nearbyintf(x[i * stride] * factor);
    return most < 1e-30f ? 0.0f : most / limit;
}

/* sum + w . x, ascending; in int8, both sides quantised, block by block.
 *   x: [n]   w: n floats, one every stride */
static float add_dot(float sum, const oracle_model *m, const float *x, const float *w,
                     size_t stride, size_t n)
{
    if (m->config.weights == KVC_F32) {
        for (size_t i = 0; i < n; i++)
            sum += w[i * stride] * x[i];
        return sum;
    }
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t here = n - first < BLOCK ? n - first : BLOCK;
        int xq[BLOCK], wq[BLOCK], exact = 0;
        const float xs = quantize(xq, x + first, 1, here, 127.0f);
        const float ws = quantize(wq, w + first * stride, stride, here, 63.0f);
        for (size_t i = 0; i < here; i++)
            exact += wq[i] * xq[i];
        sum += (float)exact * (xs * ws);
    }
    return sum;
}

/* x = token + position; in int8, the token as it reads back
 *   x, token, position: [C], or no position */
static void embed(float *x, const oracle_model *m, const float *token,
                  const float *position)
{
    for (size_t first = 0, C = m->config.n_embd; first < C; first += BLOCK) {
        const size_t here = C - first < BLOCK ? C - first : BLOCK;
        int q[BLOCK];
        const float scale = quantize(q, token + first, 1, here, 63.0f);
        for (size_t i = first; i < first + here; i++) {
            x[i] = m->config.weights == KVC_F32 ? token[i] : scale * (float)q[i - first];
            if (m->config.arch == KVC_GEMMA3 || m->config.arch == KVC_MARIAN)
                x[i] *= sqrtf((float)C);
            if (position)
                x[i] += position[i];
        }
    }
}

/* y[t,o] = bias[o] + sum_i x[t,i] w[i,o], or w[o,i]; rows of y: `stride` apart */
static void linear(float *y, size_t stride, const float *x, const oracle_model *m,
                   int layer, const char *name, size_t T, size_t n_in, size_t n_out)
{
    const bool conv1d = m->config.arch == KVC_GPT2;
    const float *w = oracle_part(m, layer, name, "weight"),
                *b = oracle_part(m, layer, name, "bias");
    for (size_t t = 0; t < T; t++)
        for (size_t o = 0; o < n_out; o++)
            y[t * stride + o] =
                add_dot(b ? b[o] : 0.0f, m, x + t * n_in, conv1d ? w + o : w + o * n_in,
                        conv1d ? n_out : 1, n_in);
}

/* y = (x - mean) / sqrt(variance + eps) * weight + bias, for each token; without a bias,
 * y = x / sqrt(mean of x^2 + eps) * weight    y, x: [T, C] */
static void norm(float *y, const float *x, const oracle_model *m, int layer,
                 const char *name, size_t T)
{
    const size_t C = m->config.n_embd;
    const float *w = oracle_part(m, layer, name, "weight"),
                *b = oracle_part(m, layer, name, "bias");
    float *square = new_array(1, C);
    for (size_t t = 0; t < T; t++, y += C, x += C) {
        const float mean = b ? sum_of(x, C) / (float)C : 0.0f;
        for (size_t i = 0; i < C; i++)
            square[i] = (x[i] - mean) * (x[i] - mean);
        const float variance = sum_of(square, C) / (float)C;
        const float scale = 1.0f / sqrtf(variance + m->config.norm_epsilon);
        for (size_t i = 0; i < C; i++)
            y[i] = b ? (x[i] - mean) * scale * w[i] + b[i]
                     : x[i] * scale * oracle_norm_weight(m, w[i]);
    }
    free(square);
}

/* What a block computes with: x normed, or as it is where norms stand behind. */
static void enter(float *h, const float *x, const oracle_model *m, int layer,
                  const char *name, size_t T)
{
    if (oracle_names_at(m, layer)->post_norm)
        memcpy(h, x, T * m->config.n_embd * sizeof *h);
    else
        norm(h, x, m, layer, name, T);
}

/* x = x / sqrt(mean of x^2 + eps) * weight for each head of queries or keys, where the
 * model has such weights.   x: [T, stride], the first is the first head's */
static void norm_heads(float *x, size_t stride, const oracle_model *m, int layer,
                       const char *name, size_t heads, size_t T)
{
    const size_t D = m->config.head_dim;
    const float *w = oracle_part(m, layer, name, "weight");
    float *square = new_array(1, D);
    for (size_t i = 0; w && i < T * heads; i++) {
        float *head = x + i / heads * stride + i % heads * D;
        for (size_t d = 0; d < D; d++)
            square[d] = head[d] * head[d];
        const float scale =
            1.0f / sqrtf(sum_of(square, D) / (float)D + m->config.norm_epsilon);
        for (size_t d = 0; d < D; d++)
            head[d] = head[d] * scale * oracle_norm_weight(m, w[d]);
    }
    free(square);
}

/* Turns one head for a place.   x: [D] */
static void turn(float *x, const kvc_config *c, size_t place)
{
    const size_t half = c->rotary_dim / 2;
    for (size_t i = 0; i < half; i++) {
        const double angle = (double)oracle_angle(c, i, place);
        const float longer = oracle_amplitude(c);
        const float cosine = (float)cos(angle) * longer,
                    sine = (float)sin(angle) * longer;
        const float first = x[i], second = x[half + i];
        x[i] = first * cosine - second * sine;
        x[half + i] = second * cosine + first * sine;
    }
}

/* Turns heads of queries or keys for the positions of their tokens, or for the places
 * that these have first.   x: [T, stride], the first is the first head's   seen: or NULL
 *  */
static void rotate(float *x, size_t stride, const kvc_config *c, size_t heads, size_t T,
                   const naive_seen *seen)
{
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < heads; i++)
            turn(x + t * stride + i * c->head_dim, c, seen ? seen[t].n - 1 : t);
}

/* K or V of all tokens and heads as a cache keeps them: floats, or integers and a scale
 * for each block of them. */
typedef struct kept {
    const float *x; /* of slot 0; floats from slot to slot: stride */
    size_t stride;
    const float *scale; /* [blocks] of slot 0; from slot to slot: blocks * heads */
    size_t scale_stride;
    kvc_dtype type;
    const uint32_t *token; /* that is in each slot; NULL: the slot's own */
} kept;

static size_t token_in(const kept *x, size_t slot)
{
    return x->token ? x->token[slot] : slot;
}

/* Channels that share a scale. */
static size_t block_of(kvc_dtype type, size_t D)
{
    return type == KVC_I8 ? D : 32;
}

static size_t blocks_of(kvc_dtype type, size_t D)
{
    return (D + block_of(type, D) - 1) / block_of(type, D);
}

static bool is_integer(kvc_dtype type)
{
    return type == KVC_I8 || type == KVC_I4;
}

/* x is about scale * q, of 16 bits, half to even; returns the scale, a power of two. */
static float quantize_finely(int *q, const float *x, size_t n)
{
    float most = 0.0f;
    int e;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(x[i]));
    frexpf(most, &e); /* 2^(e-1) <= most < 2^e */
    for (size_t i = 0; i < n; i++)
        q[i] =
            most < 0x1p-100f ? 0 : (int)fminf(nearbyintf(ldexpf(x[i], 15 - e)), 32767.0f);
    return most < 0x1p-100f ? 0.0f : ldexpf(1.0f, e - 15);
}

/* q . k[j] */
static float score_of(const float *q, const kept *k, size_t j, size_t D)
{
    const float *x = k->x + j * k->stride;
    float sum = 0.0f;
    if (!is_integer(k->type)) {
        for (size_t d = 0; d < D; d++)
            sum += x[d] * q[d];
        return sum;
    }
    int *fine = malloc(D * sizeof *fine);
    if (!fine)
        abort();
    const float unit = quantize_finely(fine, q, D);
    const size_t block = block_of(k->type, D);
    for (size_t b = 0; b < blocks_of(k->type, D); b++) {
        int exact = 0;
        for (size_t d = b * block; d < D && d < (b + 1) * block; d++)
            exact += (int)x[d] * fine[d];
        sum += (float)exact * (k->scale[j * k->scale_stride + b] * unit);
    }
    free(fine);
    return sum;
}

/* sum_j p[j] v[j,d], first <= j < n: narrow ones page by page, without those in which
 * hardly anything is looked at */
static float mix_of(const float *p, const kept *v, size_t first, size_t n, size_t D,
                    size_t d)
{
    float sum = 0.0f;
    for (size_t j = first; j < n && v->type == KVC_F32; j++)
        sum += v->x[token_in(v, j) * v->stride + d] * p[j];
    for (size_t page = first / KVC_PAGE * KVC_PAGE; page < n && v->type != KVC_F32;
         page += KVC_PAGE) {
        float scaled[KVC_PAGE] = {0.0f}, most = 0.0f;
        int fine[KVC_PAGE], exact = 0;
        for (size_t j = page; j < n && j < page + KVC_PAGE; j++)
            most = j >= first ? fmaxf(most, p[j]) : most;
        if (most < 0x1p-30f)
            continue;
        for (size_t j = page; j < n && j < page + KVC_PAGE && v->type == KVC_F16; j++)
            sum += j >= first ? v->x[token_in(v, j) * v->stride + d] * p[j] : 0.0f;
        if (v->type == KVC_F16)
            continue;
        for (size_t j = page; j < n && j < page + KVC_PAGE; j++)
            if (j >= first)
                scaled[j - page] =
                    p[j] *
                    v->scale[token_in(v, j) * v->scale_stride + d / block_of(v->type, D)];
        const float unit = quantize_finely(fine, scaled, KVC_PAGE);
        for (size_t j = page; j < n && j < page + KVC_PAGE; j++)
            exact += fine[j - page] * (int)v->x[token_in(v, j) * v->stride + d];
        sum += (float)exact * unit;
    }
    return sum;
}

/* y = sum_j softmax_j(p[j] * scale) v[j], first <= j < n, divided at the end
 *   y: [D]   p: [n], 0 before first; scratch then */
static void weigh(float *y, float *p, const kept *v, size_t first, size_t n, size_t D,
                  float scale)
{
    float max = -INFINITY;
    for (size_t j = first; j < n; j++)
        max = fmaxf(max, p[j]);
    for (size_t j = first; j < n; j++)
        p[j] = exp_of((p[j] - max) * scale);
    for (size_t d = 0; d < D; d++)
        y[d] = mix_of(p, v, first, n, D, d) * (1.0f / sum_of(p, n));
}

/* y = sum_j softmax_j((q . k[j] + bias[j]) * scale) v[j], first <= j < n
 *   y, q: [D]   bias: [n] */
static void attention(float *y, const float *q, const kept *k, const kept *v,
                      const float *bias, size_t first, size_t n, size_t D, float scale)
{
    float *p = new_array(1, n);
    for (size_t j = first; j < n; j++)
        p[j] = score_of(q, k, j, D) + bias[j];
    weigh(y, p, v, first, n, D, scale);
    free(p);
}

/* The same of a query that is not turned yet, over the tokens that it sees.
 *   seen: [T] of all tokens, t the query's   k, v: of all tokens */
static void seen_attention(float *y, const float *q, const kept *k, const kept *v,
                           const naive_seen *seen, size_t t, const kvc_config *c,
                           float scale)
{
    const size_t n = seen[t].n, D = c->head_dim;
    float *p = new_array(1, n), *turned = new_array(1, D);
    kept values = *v;
    values.token = seen[t].tokens;
    for (size_t place = 0, done = SIZE_MAX; place < n; place++) {
        const size_t token = seen[t].tokens[place];
        const size_t now = n - 1 + (seen[token].n - 1) - place;
        if (now != done) {
            memcpy(turned, q, D * sizeof *q);
            turn(turned, c, now);
        }
        done = now;
        p[place] = score_of(turned, k, token, D);
    }
    weigh(y, p, &values, 0, n, D, scale);
    free(p);
    free(turned);
}

/* The nearest half, the even one of two: a step is 2^-10 of the power of two below, or
 * 2^-24. */
static float half_of(float x)
{
    x = fminf(fmaxf(x, -65504.0f), 65504.0f);
    const int e = x == 0.0f ? 0 : ilogbf(x);
    const float step = ldexpf(1.0f, (e < -14 ? -14 : e) - 10);
    return nearbyintf(x / step) * step;
}

/* One head's K or V in a cache: floats, or integers.   x: [D]   scale: [blocks] */
static void keep(float *x, float *scale, size_t D, kvc_dtype type)
{
    for (size_t d = 0; d < D && type == KVC_F16; d++)
        x[d] = half_of(x[d]);
    const size_t block = block_of(type, D);
    for (size_t first = 0; first < D && is_integer(type); first += block, scale++) {
        const size_t end = first + block < D ? first + block : D;
        float most = 0.0f; /* with its sign: the first of the largest */
        for (size_t d = first; d < end; d++)
            most = fabsf(x[d]) > fabsf(most) ? x[d] : most;
        *scale = type == KVC_I4 ? half_of(most / -8.0f) : fabsf(most) / 127.0f;
        if (type == KVC_I8 && *scale < FLT_MIN)
            *scale = 0.0f;
        const float low = type == KVC_I4 ? -8.0f : -127.0f,
                    high = type == KVC_I4 ? 7.0f : 127.0f;
        for (size_t d = first; d < end; d++)
            x[d] = *scale != 0.0f ? fminf(fmaxf(nearbyintf(x[d] / *scale), low), high)
                                  : 0.0f;
    }
}

/* The same of n rows of heads of K or V, `stride` floats from row to row.
 *   scale: [n, heads, blocks] out, new */
static float *keep_all(float *x, size_t n, size_t heads, size_t D, size_t stride,
                       kvc_dtype type)
{
    float *scale = new_array(n * heads, blocks_of(type, D));
    for (size_t i = 0; i < n * heads; i++)
        keep(x + i / heads * stride + i % heads * D, scale + i * blocks_of(type, D), D,
             type);
    return scale;
}

/* One head of them. */
static kept head_of(const float *x, const float *scale, size_t head, size_t heads,
                    size_t D, size_t stride, kvc_dtype type)
{
    const size_t blocks = blocks_of(type, D);
    return (kept){x + head * D,   stride, scale + head * blocks,
                  heads * blocks, type,   NULL};
}

/* q, k and v of each token from those of its heads in turn.   x: [T, H, 3, D] */
static void part_by_part(float *x, size_t H, size_t D, size_t T)
{
    float *row = new_array(3 * H, D);
    for (size_t t = 0; t < T; t++, x += 3 * H * D) {
        memcpy(row, x, 3 * H * D * sizeof *row);
        for (size_t head = 0; head < H; head++)
            for (size_t part = 0; part < 3; part++)
                memcpy(x + (part * H + head) * D, row + (head * 3 + part) * D,
                       D * sizeof *x);
    }
    free(row);
}

/* Of each token: the queries [H, D], the keys and the values [Hkv, D]    h: [T, C] */
static void queries_keys_values(float *qkv, const float *h, const oracle_model *m,
                                int layer, size_t T, const naive_seen *seen)
{
    const kvc_config *c = &m->config;
    const oracle_names *names = oracle_names_at(m, layer);
    const size_t C = c->n_embd, Q = (size_t)c->n_head * c->head_dim,
                 KV = (size_t)c->n_kv_head * c->head_dim, all = Q + 2 * KV;
    if (names->qkv) {
        linear(qkv, all, h, m, layer, names->qkv, T, C, all);
    } else if (names->qkv_by_head) {
        linear(qkv, all, h, m, layer, names->qkv_by_head, T, C, all);
        part_by_part(qkv, c->n_head, c->head_dim, T);
    } else {
        linear(qkv, all, h, m, layer, names->q, T, C, Q);
        linear(qkv + Q, all, h, m, layer, names->k, T, C, KV);
        linear(qkv + Q + KV, all, h, m, layer, names->v, T, C, KV);
    }
    norm_heads(qkv, all, m, layer, "self_attn.q_norm", c->n_head, T);
    norm_heads(qkv + Q, all, m, layer, "self_attn.k_norm", c->n_kv_head, T);
    const kvc_config angles = oracle_angles(c, layer);
    rotate(qkv, all, &angles, seen ? 0 : c->n_head, T, NULL);
    rotate(qkv + Q, all, &angles, c->n_kv_head, T, seen);
}

static float scale_of(const kvc_config *c)
{
    const float usual = 1.0f / sqrtf((float)c->head_dim);
    return c->score_scale > 0.0f ? c->score_scale : usual;
}

/* o(attention(norm(x))), each token seeing itself and those before, as far as the layer's
 * window goes, or all in an encoder: a new array */
static float *attention_of(const float *x, const oracle_model *m, int layer, size_t T,
                           const kvc_dtype types[2], const naive_seen *seen)
{
    const oracle_names *names = oracle_names_at(m, layer);
    const size_t C = m->config.n_embd, H = m->config.n_head, D = m->config.head_dim;
    const size_t G = m->config.n_kv_head, Q = H * D, KV = G * D, QKV = Q + 2 * KV;
    float *h = new_array(T, C), *qkv = new_array(T, QKV), *y = new_array(T, Q);
    float *bias = new_array(1, T);
    enter(h, x, m, layer, names->attention_norm, T);
    queries_keys_values(qkv, h, m, layer, T, seen);
    float *ks = keep_all(qkv + Q, T, G, D, QKV, types[0]);
    float *vs = keep_all(qkv + Q + KV, T, G, D, QKV, types[1]);
    for (size_t t = 0; t < T; t++)
        for (size_t head = 0; head < H; head++) {
            const size_t g = head / (H / G);
            const kept k = head_of(qkv + Q, ks, g, G, D, QKV, types[0]),
                       v = head_of(qkv + Q + KV, vs, g, G, D, QKV, types[1]);
            if (seen) {
                seen_attention(y + t * Q + head * D, qkv + t * QKV + head * D, &k, &v,
                               seen, t, &m->config, scale_of(&m->config));
                continue;
            }
            for (size_t j = 0; j < T; j++)
                bias[j] = oracle_bias(m, layer, head, t, j);
            attention(y + t * Q + head * D, qkv + t * QKV + head * D, &k, &v, bias,
                      oracle_first_seen(&m->config, layer, t),
                      layer >= ORACLE_ENCODER ? T : t + 1, D, scale_of(&m->config));
        }
    free(ks);
    free(vs);
    linear(h, C, y, m, layer, names->o, T, Q, C);
    if (names->attention_out_norm)
        norm(h, h, m, layer, names->attention_out_norm, T);
    free(qkv);
    free(y);
    free(bias);
    return h;
}

/* o(attention(norm(x))) over all of a source: a new array   source: [n_source, C] */
static float *cross_of(const float *x, const oracle_model *m, int layer, size_t T,
                       const float *source, const kvc_dtype types[2])
{
    const oracle_names *names = oracle_names_of(m);
    const size_t C = m->config.n_embd, H = m->config.n_head, D = m->config.head_dim;
    const size_t G = m->config.n_kv_head, Q = H * D, KV = G * D, n = m->n_source;
    float *h = new_array(T, C), *q = new_array(T, Q), *y = new_array(T, Q);
    float *k = new_array(n, KV), *v = new_array(n, KV), *nothing = new_array(1, n);
    enter(h, x, m, layer, names->cross_norm, T);
    linear(q, Q, h, m, layer, names->cross_q, T, C, Q);
    linear(k, KV, source, m, layer, names->cross_k, n, C, KV);
    linear(v, KV, source, m, layer, names->cross_v, n, C, KV);
    float *ks = keep_all(k, n, G, D, KV, types[0]),
          *vs = keep_all(v, n, G, D, KV, types[1]);
    for (size_t i = 0; i < T * H; i++) {
        const size_t g = i % H / (H / G);
        const kept keys = head_of(k, ks, g, G, D, KV, types[0]),
                   values = head_of(v, vs, g, G, D, KV, types[1]);
        attention(y + i * D, q + i * D, &keys, &values, nothing, 0, n, D,
                  scale_of(&m->config));
    }
    linear(h, C, y, m, layer, names->cross_o, T, Q, C);
    free(q), free(y), free(k), free(v), free(ks), free(vs), free(nothing);
    return h;
}

/* 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3) */
static float gelu(float x)
{
    const float u = x + 0.044715f * ((x * x) * x);
    return x / (1.0f + exp_of(-1.5957691216f * u));
}

static float silu(float x)
{
    return x / (1.0f + exp_of(-x));
}

/* c[0] x^(n-1) + ... + c[n-1] */
static float polynomial(const float *c, size_t n, float x)
{
    float y = c[0];
    for (size_t i = 1; i < n; i++)
        y = y * x + c[i];
    return y;
}

/* x (1 + erf(x / sqrt(2))) / 2, in two ranges */
static float exact_gelu(float x)
{
    static const float near[] = {3.85511669e-07f, -8.60413365e-06f, 0.000114158167f,
                                 -0.00118630601f, 0.00997314323f,   -0.0664903075f,
                                 -0.101057723f},
                       far[] = {7.32829237f, -9.34839153f, 2.41568637f,
                                1.00981915f, 0.808909595f, 0.398682386f};
    if (fabsf(x) < 1.25f) {
        const float sum = 0.5f + x * 0.5f, lost = x * 0.5f - (sum - 0.5f);
        return x * (sum + (x * polynomial(near, 7, x * x) + lost));
    }
    const float from_2 = fabsf(x) + 2.0f, p = polynomial(far, 6, 1.0f / from_2);
    const float q = exp_of(x * x * -0.5f) / from_2 * p;
    return x * (x < 0.0f ? q : 1.0f - q);
}

static float activation(const oracle_model *m, float x)
{
    switch (m->config.arch) {
    case KVC_GPT2:
    case KVC_GPT_NEO:
    case KVC_GEMMA3:
    case KVC_T5_GATED:
    case KVC_PHI: return gelu(x);
    case KVC_T5:
    case KVC_OPT: return x < 0.0f ? 0.0f : x;
    case KVC_BART:
    case KVC_GPT_NEOX: return exact_gelu(x);
    default: return silu(x);
    }
}

/* down(activation(up(norm(x)))), or down(activation(gate(norm(x))) * up(norm(x))): a new
 * array */
static float *mlp_of(const float *x, const oracle_model *m, int layer, size_t T)
{
    const size_t C = m->config.n_embd, F = m->config.n_inner;
    const oracle_names *names = oracle_names_at(m, layer);
    float *h = new_array(T, C), *up = new_array(T, F), *gate = new_array(T, F);
    enter(h, x, m, layer, names->mlp_norm ? names->mlp_norm : names->attention_norm, T);
    linear(up, F, h, m, layer, names->up, T, C, F);
    if (names->gate)
        linear(gate, F, h, m, layer, names->gate, T, C, F);
    for (size_t i = 0; i < T * F; i++)
        up[i] = names->gate ? up[i] * activation(m, gate[i]) : activation(m, up[i]);
    linear(h, C, up, m, layer, names->down, T, F, C);
    if (names->mlp_out_norm)
        norm(h, h, m, layer, names->mlp_out_norm, T);
    free(up);
    free(gate);
    return h;
}

/* y += x, which is freed */
static void add(float *y, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
    free(x);
}

/* The same, and y normed where norms stand behind. */
static void add_block(float *y, float *x, const oracle_model *m, int layer,
                      const char *name, size_t T)
{
    add(y, x, T * m->config.n_embd);
    if (oracle_names_at(m, layer)->post_norm)
        norm(y, y, m, layer, name, T);
}

/* Side by side: MLP and attention first, then their sum and x.   source, cross: of one in
 * a decoder with an encoder, else NULL   seen: NULL where it is all before */
static void run_layer(float *x, const oracle_model *m, int layer, size_t T,
                      const kvc_dtype types[2], const float *source,
                      const kvc_dtype cross[2], const naive_seen *seen)
{
    const oracle_names *names = oracle_names_at(m, layer);
    const size_t n = T * m->config.n_embd;
    float *attended = attention_of(x, m, layer, T, types, seen);
    if (m->config.parallel || !names->mlp_norm) {
        add(attended, mlp_of(x, m, layer, T), n);
        add(x, attended, n);
        return;
    }
    add_block(x, attended, m, layer, names->attention_norm, T);
    if (source)
        add_block(x, cross_of(x, m, layer, T, source, cross), m, layer, names->cross_norm,
                  T);
    add_block(x, mlp_of(x, m, layer, T), m, layer, names->mlp_norm, T);
}

/* Tokens as rows of the stack that a layer is in: a new array [T, C] */
static float *rows_of(const oracle_model *m, int layer, const uint32_t *ids, size_t T)
{
    const oracle_names *names = oracle_names_at(m, layer);
    const size_t C = m->config.n_embd;
    const float *wte = oracle_embedding(m); /* [V, C] */
    const float *wpe = oracle_part(m, -1, names->positions, "weight");
    float *x = new_array(T, C), *wave = new_array(1, C);
    double *exact = calloc(C, sizeof *exact);
    for (size_t t = 0; t < T; t++) {
        const float *place = wpe ? wpe + (names->first_position + t) * C : NULL;
        if (m->config.arch == KVC_MARIAN) {
            oracle_sinusoids(exact, t, C);
            for (size_t i = 0; i < C; i++)
                wave[i] = (float)exact[i];
            place = wave;
        }
        embed(x + t * C, m, wte + ids[t] * C, place);
    }
    if (names->embedding_norm)
        norm(x, x, m, -1, names->embedding_norm, T);
    free(wave);
    free(exact);
    return x;
}

/* What an encoder makes of the source: a new array, NULL where there is none */
static float *encode(const oracle_model *m)
{
    static const kvc_dtype types[2] = {KVC_F32, KVC_F32};
    const oracle_names *names = oracle_names_at(m, ORACLE_ENCODER);
    if (m->config.n_encoder_layer == 0)
        return NULL;
    float *x = rows_of(m, ORACLE_ENCODER, m->source, m->n_source);
    for (int i = 0; i < (int)m->config.n_encoder_layer; i++)
        run_layer(x, m, ORACLE_ENCODER + i, m->n_source, types, NULL, NULL, NULL);
    if (names->norm)
        norm(x, x, m, -1, names->norm, m->n_source);
    return x;
}

void naive_logits(float *logits, const oracle_model *m, const uint32_t *ids, size_t T,
                  kvc_dtype key_type, kvc_dtype value_type)
{
    const kvc_dtype types[] = {key_type, value_type};
    naive_source_logits(logits, m, ids, T, types, types);
}

/* Those of one row.   logits: [V]   x: [C] */
static void logits_of(float *logits, const oracle_model *m, const float *x)
{
    const oracle_names *names = oracle_names_of(m);
    const size_t C = m->config.n_embd, V = m->config.vocab_size;
    const float *head = oracle_head(m), *bias = oracle_head_bias(m);
    float *h = new_array(1, C);
    if (names->norm)
        norm(h, x, m, -1, names->norm, 1);
    else
        memcpy(h, x, C * sizeof *h);
    for (size_t i = 0; i < C && m->config.scaled_head; i++)
        h[i] *= 1.0f / sqrtf((float)C);
    for (size_t id = 0; id < V; id++) /* logits[id] = h . head[id] */
        logits[id] = add_dot(bias ? bias[id] : 0.0f, m, h, head + id * C, 1, C);
    free(h);
}

void naive_source_logits(float *logits, const oracle_model *m, const uint32_t *ids,
                         size_t T, const kvc_dtype types[2], const kvc_dtype cross[2])
{
    float *x = rows_of(m, 0, ids, T), *source = encode(m);
    for (int layer = 0; layer < (int)m->config.n_layer; layer++)
        run_layer(x, m, layer, T, types, source, cross, NULL);
    logits_of(logits, m, x + (T - 1) * m->config.n_embd);
    free(x);
    free(source);
}

void naive_seen_logits(float *logits, const oracle_model *m, const uint32_t *ids,
                       size_t T, const kvc_dtype types[2], const naive_seen *seen,
                       const size_t *after, size_t n)
{
    float *x = rows_of(m, 0, ids, T);
    for (int layer = 0; layer < (int)m->config.n_layer; layer++)
        run_layer(x, m, layer, T, types, NULL, NULL, seen);
    for (size_t i = 0; i < n; i++)
        logits_of(logits + i * m->config.vocab_size, m, x + after[i] * m->config.n_embd);
    free(x);
}
