/* norm.h - normalising the rows of a matrix, elsewhere or in place: y may be x. */
#ifndef KVC_NORM_H
#define KVC_NORM_H

#include <stddef.h>

/* y = (x - mean) / sqrt(variance + eps) * weight + bias, per row; population variance
 *   y, x: [rows, n]   weight, bias: [n]   n: a multiple of 4   (Ba et al. 2016) */
void kvc_layer_norm(float *y, const float *x, const float *weight, const float *bias,
                    size_t rows, size_t n, float eps);

/* y = x / sqrt(mean of x^2 + eps) * weight, per row; bias: not read
 *   y, x: [rows, n]   weight: [n]   n: a multiple of 4   (Zhang & Sennrich 2019) */
void kvc_rms_norm(float *y, const float *x, const float *weight, const float *bias,
                  size_t rows, size_t n, float eps);

#endif
