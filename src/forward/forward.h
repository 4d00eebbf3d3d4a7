/* forward.h - the one forward pass behind prefill, decode, cache on and cache off, in its
 * pieces: tokens become rows, rows go through the layers, rows become logits. */
#ifndef KVC_FORWARD_H
#define KVC_FORWARD_H

#include "forward/block.h"

/* x[r] = embedding[ids[position + r]] + positions[first_position + position + r]
 * where positions are a table of the stack, normed where it has a norm for that; where
 * they are rotations, turns[r] = those of position + r (local_turns: of layers with a
 * window, where they differ; else NULL)
 *   x: [n, C] out   turns: [n, rotary_dim] out   ids: the whole text */
void kvc_forward_embed(float *restrict x, float *restrict turns,
                       float *restrict local_turns, const kvc_model *model,
                       const kvc_stack *stack, const uint32_t *ids, size_t position,
                       size_t n);

/* What scores gain by the distances of up to n tokens, where a stack has weights for
 * them; else both are empty. layout asks, or takes memory; fill writes what is there. */
kvc_bias kvc_bias_layout(kvc_arena *arena, const kvc_config *config, size_t n);
void kvc_bias_fill(kvc_bias bias, const kvc_model *model, const kvc_stack *stack,
                   size_t n);

/* One layer of a chunk, block after block; afterwards the rows to skip are gone. */
void kvc_forward_layer(kvc_chunk *chunk, const kvc_model *model, const kvc_stack *stack,
                       size_t index, kvc_workspace *w);

/* logits = head(norm(x)), or of norm(x) / sqrt(C)
 *   logits: [n, V rounded up to 4] out   x: [n, C], n <= KVC_ROWS */
void kvc_forward_logits(float *restrict logits, const kvc_model *model, const float *x,
                        size_t n, kvc_workspace *w);

#endif
