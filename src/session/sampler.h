/* sampler.h - the sampler's order without a draw: the likeliest ids. */
#ifndef KVC_SAMPLER_H
#define KVC_SAMPLER_H

#include "kvc.h"

/* The k ids of the largest logits, largest first, the lowest id first among equals.
 *   ids: [k] out, k <= n   logits: [n]   heap: [n] scratch */
void kvc_top(uint32_t *ids, size_t k, const float *logits, size_t n, uint32_t *heap);

#endif
