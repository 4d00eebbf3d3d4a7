/* gpt.h - the forward pass in its pieces; pass.c puts them in order. */
#ifndef KVC_GPT_H
#define KVC_GPT_H

#include "cache/cache.h"
#include "model/model.h"

enum { KVC_ROWS = 32 }; /* of a block: what is between two looks at the clock */

/* What one block of rows needs on its way through a layer. */
typedef struct kvc_workspace {
    float *h, *q;  /* [KVC_ROWS, max(C, Q)] */
    float *k, *v;  /* [KVC_ROWS, KV] */
    float *mlp;    /* [KVC_ROWS, F rounded up to 4] */
    float *scores; /* kvc_attend_scratch(S, D) */
    kvc_counts *counts;
} kvc_workspace;

/* n successive tokens of one sequence among the rows of a block. */
typedef struct kvc_run {
    size_t sequence, position, n; /* position: of the first */
    size_t skip;  /* of the first ones only K and V are wanted: the last layer */
    float *query; /* [Q] out: that of the last one; or NULL */
} kvc_run;

kvc_workspace kvc_workspace_layout(kvc_arena *arena, const kvc_config *config,
                                   size_t capacity);

/* x[r] = wte[ids[position + r]] + wpe[position + r]
 *   x: [n, C] out   ids: the whole text */
void kvc_gpt_embed(float *restrict x, const kvc_model *model, const uint32_t *ids,
                   size_t position, size_t n);

/* One layer of a block of at most KVC_ROWS rows, run after run; K and V go into
 * cache_layer of the cache. Rows that are not skipped come out, moved together.
 *   x: [rows, C] in, [rows - skipped, C] out */
void kvc_gpt_layer(float *restrict x, const kvc_model *model, size_t index,
                   kvc_cache *cache, size_t cache_layer, const kvc_run *runs,
                   size_t n_runs, kvc_workspace *w);

/* logits = ln_f(x) . wte^T   logits: [n, V rounded up to 4] out   x: [n, C] */
void kvc_gpt_logits(float *restrict logits, const kvc_model *model, const float *x,
                    size_t n, kvc_workspace *w);

#endif
