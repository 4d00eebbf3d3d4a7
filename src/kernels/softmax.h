/* softmax.h - exp(x_i) / sum_j exp(x_j), in the parts that its users need. */
#ifndef KVC_SOFTMAX_H
#define KVC_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

/* x[i] = exp((x[i] - max x) * scale), first <= i < n, in place, at least exp(-64);
 * returns their sum, whose order depends on i alone: with zeros in front of them it would
 * be the same. scale > 0, first < n.
 *   x: [n rounded up to 4], zeros after n and in the lanes beside `first` out */
float kvc_softmax_terms(float *x, size_t first, size_t n, float scale);

/* log_probs[i] = ln(softmax(x)[targets[i]])
 *   log_probs: [k] out   targets: [k]   x: [n rounded up to 4], overwritten */
void kvc_log_softmax_at(float *log_probs, const uint32_t *targets, size_t k, float *x,
                        size_t n);

#endif
