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

#endif
