/* block.h - the blocks that layers are made of. A block takes a chunk of rows and adds
 * what it computes to their residual stream. Letters as in model.h. */
#ifndef KVC_BLOCK_H
#define KVC_BLOCK_H

#include "cache/cache.h"
#include "model/model.h"

enum { KVC_ROWS = 32 }; /* of a chunk, at most: a host can stop after each */

/* Scratch memory for one chunk. */
typedef struct kvc_workspace {
    float *h;      /* [KVC_ROWS, C] normed */
    float *q;      /* [KVC_ROWS, Q] */
    float *k, *v;  /* [KVC_ROWS, KV] */
    float *heads;  /* [KVC_ROWS, Q] the output of attention */
    float *inner;  /* [KVC_ROWS, F rounded up to 4] of the MLP */
    float *gate;   /* the same of a gated one; else NULL */
    float *y;      /* [KVC_ROWS, C] what a block adds to x */
    float *beside; /* the same of the MLP beside attention; else NULL */
    float *scores; /* kvc_attend_scratch */
    kvc_counts *counts;
} kvc_workspace;

kvc_workspace kvc_workspace_layout(kvc_arena *arena, const kvc_model *model,
                                   size_t capacity, bool moves);

/* Successive tokens of one sequence among the rows of a chunk. */
typedef struct kvc_run {
    size_t sequence, position, n; /* position: of the first of n, in the cache */
    size_t skip; /* rows at its beginning of which only K and V are wanted */
    float *query, *cross_query; /* [Q] out: of the last token; or NULL */
} kvc_run;

/* K and V of a source, as the queries of a chunk see them. */
typedef struct kvc_seen {
    kvc_cache *cache; /* of one sequence; NULL: there is no source */
    size_t layer, n;  /* of the cache; tokens */
} kvc_seen;

/* At most KVC_ROWS rows on their way through a layer, run after run. */
typedef struct kvc_chunk {
    float *x;     /* [n, C] the residual stream */
    float *turns; /* [n, rotary_dim] of their positions: rotary.h */
    size_t n;
    kvc_run *runs; /* [n_runs] */
    size_t n_runs;
    kvc_cache *cache; /* where K and V go, and which layer of it */
    size_t cache_layer;
    kvc_bias bias;       /* what scores gain by the distance of tokens of the same kind */
    const float *places; /* kvc_view.turns, where the cache's slots move; or NULL */
    kvc_seen source;
} kvc_chunk;

/* Where the norms of an architecture stand behind the sums, norm(x) is x in all of these,
 * and the sum is normed.
 *
 * x += o(attention(q(h), k(h), v(h))),  h = norm(x); the heads of q and k normed where
 * the model has norms for them, then turned where its positions are rotations: keys lie
 * in the cache as they are compared. (Where slots move, attention turns the queries.)
 * K and V of every row go into the cache; then the rows to skip leave the chunk. */
void kvc_self_attention(kvc_chunk *chunk, const kvc_model *model, const kvc_layer *layer,
                        kvc_workspace *w);

/* x += down(activation(up(norm(x)))) */
void kvc_mlp(kvc_chunk *chunk, const kvc_model *model, const kvc_layer *layer,
             kvc_workspace *w);

/* x += down(activation(gate(h)) * up(h)),  h = norm(x) */
void kvc_gated_mlp(kvc_chunk *chunk, const kvc_model *model, const kvc_layer *layer,
                   kvc_workspace *w);

/* x += (down(activation(up(norm(x)))) + o(attention(...))),  both of the x before */
void kvc_parallel(kvc_chunk *chunk, const kvc_model *model, const kvc_layer *layer,
                  kvc_workspace *w);

/* x += o(attention(q(h), ...)),  h = norm(x), over a whole source: its K and V are in the
 * cache; no query is masked. Its rows are those of a source, in the first run. */
void kvc_encoder_attention(kvc_chunk *chunk, const kvc_model *model,
                           const kvc_layer *layer, kvc_workspace *w);

/* The same over the source that the encoder has read, whose distances nobody knows. */
void kvc_cross_attention_block(kvc_chunk *chunk, const kvc_model *model,
                               const kvc_layer *layer, kvc_workspace *w);

/* K and V of a source's rows into chunk->cache: for the layer of an encoder, k and v of
 * norm(x); for cross-attention in one of the decoder, of x as it is. */
void kvc_encoder_keys(const kvc_chunk *chunk, const kvc_model *model,
                      const kvc_layer *layer, kvc_workspace *w);
void kvc_cross_keys(const kvc_chunk *chunk, const kvc_model *model,
                    const kvc_layer *layer, kvc_workspace *w);

/* y = norm(x), or x where there is none; y may be x    y, x: [rows, C] */
void kvc_apply_norm(float *y, const float *x, size_t rows, const kvc_model *model,
                    const kvc_norm *norm);

/* kvc_linear, counted: multiply-adds into *macs, bytes into counts. */
void kvc_counted_linear(float *restrict y, const float *restrict x, size_t rows,
                        const kvc_matrix *m, uint64_t *macs, kvc_counts *counts);

#endif
