/* naive.h - the second oracle: every architecture in floats, with plain loops and
 * without a cache, each sum in the order that src/kernels promises. oracle.h says what
 * is right; this says which bits are: the engine's logits are these, whatever way it came
 * to them. */
#ifndef NAIVE_H
#define NAIVE_H

#include "oracle.h"

/* The logits that follow the last token: weights in the type of the model's config, K
 * and V rounded as a cache of these types does.
 *   logits: [V]   ids: [T] */
void naive_logits(float *logits, const oracle_model *model, const uint32_t *ids, size_t T,
                  kvc_dtype key_type, kvc_dtype value_type);

/* The same of a model with an encoder, whose source's K and V a cache of these types
 * keeps as well, where cross says so. */
void naive_source_logits(float *logits, const oracle_model *model, const uint32_t *ids,
                         size_t T, const kvc_dtype types[2], const kvc_dtype cross[2]);

/* What a token's queries see: n tokens of the text, the last of them itself, which they
 * see at places 0 .. n - 1. */
typedef struct naive_seen {
    size_t n;
    const uint32_t *tokens;
} naive_seen;

/* The same of a model whose positions are rotations, where tokens see what seen says. A
 * key is turned once, by the place at which its own token saw it; a query is turned for
 * each key, so that their difference is that of their places now.
 *   logits: [n, V] that follow tokens after[0 .. n - 1]   seen: [T] */
void naive_seen_logits(float *logits, const oracle_model *model, const uint32_t *ids,
                       size_t T, const kvc_dtype types[2], const naive_seen *seen,
                       const size_t *after, size_t n);

#endif
