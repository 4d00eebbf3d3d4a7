#include "random_mha.h"

#include <math.h>

#include "check.h"
#include "oracle.h"
#include "random_model.h"

static size_t n_in(const kvc_mha_config *c, int which)
{
    const size_t source = c->source_dim ? c->source_dim : c->n_embd;
    const size_t in[] = {c->n_embd, source, source, c->n_head * c->head_dim};
    return in[which];
}

static size_t n_out(const kvc_mha_config *c, int which)
{
    const size_t kv = c->n_kv_head * c->head_dim;
    const size_t out[] = {c->n_head * c->head_dim, kv, kv, c->n_embd};
    return out[which];
}

random_mha random_mha_new(kvc_mha_config config, uint64_t seed)
{
    random_mha m = {.config = config};
    size_t bytes;
    check_ok(kvc_mha_bytes(&config, &bytes));
    check_ok(kvc_mha_init(&m.mha, &config, check_alloc(1, bytes), bytes));
    for (int i = 0; i < 4; i++) {
        const size_t n = n_in(&config, i) * n_out(&config, i);
        m.w[i] = random_array(n, &seed);
        m.bias[i] = random_array(n_out(&config, i), &seed);
        for (size_t j = 0; j < n; j++)
            m.w[i][j] *= 2.0f / sqrtf((float)n_in(&config, i));
        check_ok(kvc_mha_set_weight(m.mha, (kvc_mha_weight)i, m.w[i], m.bias[i]));
    }
    return m;
}

void random_mha_free(random_mha *m)
{
    for (int i = 0; i < 4; i++) {
        free(m->w[i]);
        free(m->bias[i]);
    }
    free(m->mha);
}

kvc_mha_config self_config(size_t n_head, size_t n_kv_head, size_t D, size_t S)
{
    return (kvc_mha_config){.n_embd = 20,
                            .n_head = n_head,
                            .n_kv_head = n_kv_head,
                            .head_dim = D,
                            .batch = 1,
                            .capacity = S};
}

kvc_mha_config cross_config(size_t n_head, size_t n_kv_head, size_t D, size_t S)
{
    kvc_mha_config config = self_config(n_head, n_kv_head, D, S);
    config.source_dim = 12;
    return config;
}

double *oracle_mha(const random_mha *m, const float *x, size_t T, const float *s,
                   size_t n)
{
    const kvc_mha_config *c = &m->config;
    const size_t D = c->head_dim, width = n_out(c, 0), kv = n_out(c, 1);
    const size_t n_source = s ? n : T, group = c->n_head / c->n_kv_head;
    double *wide = oracle_widen(x, T * c->n_embd);
    double *source =
        s ? oracle_widen(s, n * n_in(c, 1)) : oracle_widen(x, T * n_in(c, 1));
    double *q = calloc(T * width, sizeof *q), *heads = calloc(T * width, sizeof *q);
    double *k = calloc(n_source * kv, sizeof *k), *v = calloc(n_source * kv, sizeof *v);
    double *y = calloc(T * c->n_embd, sizeof *y);
    oracle_linear(q, wide, m->w[0], m->bias[0], T, c->n_embd, width);
    oracle_linear(k, source, m->w[1], m->bias[1], n_source, n_in(c, 1), kv);
    oracle_linear(v, source, m->w[2], m->bias[2], n_source, n_in(c, 1), kv);
    for (size_t t = 0; t < T; t++)
        for (size_t h = 0; h < c->n_head; h++)
            oracle_attention(heads + t * width + h * D, q + t * width + h * D,
                             k + h / group * D, v + h / group * D, s ? n : t + 1, D, kv);
    oracle_linear(y, heads, m->w[3], m->bias[3], T, width, c->n_embd);
    free(wide);
    free(source);
    free(q);
    free(heads);
    free(k);
    free(v);
    return y;
}
