/* random_mha.h - attention layers of random weights, and what they must give. */
#ifndef RANDOM_MHA_H
#define RANDOM_MHA_H

#include "kvc.h"

/* An attention and its weights, plain for the oracle. */
typedef struct random_mha {
    kvc_mha_config config;
    float *w[4], *bias[4];
    kvc_mha *mha;
} random_mha;

/* C = 20, batch 1, capacity S; the cross-attention over a source of 12 channels. */
kvc_mha_config self_config(size_t n_head, size_t n_kv_head, size_t D, size_t S);
kvc_mha_config cross_config(size_t n_head, size_t n_kv_head, size_t D, size_t S);

/* In memory full of NaN. */
random_mha random_mha_new(kvc_mha_config config, uint64_t seed);
void random_mha_free(random_mha *m);

/* y = attention(x Wq + bq, s Wk + bk, s Wv + bv) Wo + bo in double: a new array [T, C].
 *   x: [T, C]   s: [n, source_dim], or NULL for self-attention */
double *oracle_mha(const random_mha *m, const float *x, size_t T, const float *s,
                   size_t n);

#endif
