/* softmax.h - exp(x_i) / sum_j exp(x_j), in the parts that its users need. */
#ifndef KVC_SOFTMAX_H
#define KVC_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

/* x = exp((x - max x) * scale), in place, at least exp(-64); returns the sum of the first
 * n. scale > 0.
 *   x: [n rounded up to 4], the padding is overwritten with zeros */
float kvc_softmax_terms(float *x, size_t n, float scale);

/* log_probs[i] = ln(softmax(x)[targets[i]])
 *   log_probs: [k] out   targets: [k]   x: [n rounded up to 4], overwritten */
void kvc_log_softmax_at(float *log_probs, const uint32_t *targets, size_t k, float *x,
                        size_t n);

#endif
