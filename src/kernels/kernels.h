/* kernels.h - the arithmetic, each kernel with its equation.
 *
 * The numerics contract: every output has ONE accumulator that walks the reduction
 * index in ascending order, so SIMD lanes are outputs and never slices of a sum; sums
 * over one vector use four strided partial sums and one fixed tree; no fused
 * multiply-add, no libm. */
#ifndef KVC_KERNELS_H
#define KVC_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KVC_PANEL = 32, KVC_INT8_PANEL = 16 }; /* outputs that lie side by side */

/* y[r,c] += sum_k x[r,k] * w[k,c], k ascending. The one inner loop of the engine:
 * projections (w = a weight panel), attention scores (w = keys) and attention output (w =
 * values).
 *   y: [rows, lanes] in/out, row stride y_stride     lanes: a multiple of 4
 *   x: [rows, n], row stride x_stride    w: [n, lanes], row stride w_stride */
void kvc_accumulate(float *restrict y, size_t y_stride, const float *restrict x,
                    size_t x_stride, const float *restrict w, size_t w_stride,
                    size_t rows, size_t n, size_t lanes);

/* A weight matrix packed into panels of KVC_PANEL outputs, the last one narrower (a
 * multiple of 4, padded with zeros).
 *   floats: w: [n_out/32][n_in][32], q: NULL
 *   int8:   in panels of KVC_INT8_PANEL; q: [n_out/16][n_in/4][16][4], the weight 0 stored
 *           as 64, n_in rounded up to whole blocks; w: the scales of the blocks,
 *           [n_out/16][n_in/KVC_BLOCK][16]   (int8.c)
 *   bias: [n_out rounded up to 4] or NULL */
typedef struct kvc_matrix {
    size_t n_in, n_out;
    float *w, *bias;
    unsigned char *q;
} kvc_matrix;

enum { KVC_BLOCK = 32 }; /* inputs of an int8 matrix that share a scale */
static inline size_t kvc_blocks(size_t n_in)
{
    return (n_in + KVC_BLOCK - 1) / KVC_BLOCK;
}

/* Where the weight from input i to output o lies; in an int8 matrix, the scale of the
 * weights from input block i to output o. */
float *kvc_matrix_at(const kvc_matrix *m, size_t i, size_t o);

/* Bytes of its panels: what kvc_linear reads of them, however many rows. */
size_t kvc_matrix_bytes(const kvc_matrix *m);

/* x[i] = w[i,o] for every input i   x: [n_in] out */
void kvc_matrix_column(float *restrict x, const kvc_matrix *m, size_t o);

/* y[r,o] = bias[o] + sum_i x[r,i] * w[i,o]
 *   y: [rows, n_out rounded up to 4] out
 *   x: [rows, n_in], row stride n_in rounded up to 4 */
void kvc_linear(float *restrict y, const float *restrict x, size_t rows,
                const kvc_matrix *m);

/* The parts of an int8 matrix. set_block packs the weights from inputs 32 block .. + n - 1
 * to output o; accumulate is kvc_linear, the bias being
 * in y.
 *   x: [n] floats, one every stride, n <= KVC_BLOCK */
void kvc_int8_set_block(const kvc_matrix *m, size_t block, size_t o, const float *x,
                        size_t stride, size_t n);
void kvc_int8_column(float *restrict x, const kvc_matrix *m, size_t o);
void kvc_int8_accumulate(float *restrict y, const float *restrict x, size_t rows,
                         const kvc_matrix *m);

/* y = (x - mean) / sqrt(var + eps) * weight + bias, per row; population variance.
 *   y, x: [rows, n]   weight, bias: [n]   n: a multiple of 4   (Ba et al. 2016) */
void kvc_layer_norm(float *restrict y, const float *restrict x, const float *weight,
                    const float *bias, size_t rows, size_t n, float eps);

/* x = 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), in place (Hendrycks & Gimpel 2016)
 *   x: [n]   n: a multiple of 4 */
void kvc_gelu(float *x, size_t n);

/* x = exp((x - max x) * scale), in place, at least exp(-64); returns the sum of the first
 * n. scale > 0.
 *   x: [n rounded up to 4], the padding is overwritten with zeros */
float kvc_softmax_terms(float *x, size_t n, float scale);

/* log_probs[i] = ln(softmax(x)[targets[i]])
 *   log_probs: [k] out   targets: [k]   x: [n rounded up to 4], overwritten */
void kvc_log_softmax_at(float *log_probs, const uint32_t *targets, size_t k, float *x,
                        size_t n);

/* x = exp(x), in place, to about one ulp on [-64, 64] and clamped outside
 *   x: [n]   n: a multiple of 4 */
void kvc_exp(float *x, size_t n);

/* y += x    y, x: [n]   n: a multiple of 4 */
void kvc_add(float *restrict y, const float *restrict x, size_t n);

/* y *= s    y: [n]   n: a multiple of 4 */
void kvc_scale(float *y, float s, size_t n);

/* sqrt(x), exact as IEEE 754 wants it */
float kvc_sqrt(float x);

/* True where no element is NaN or infinite. */
bool kvc_all_finite(const float *x, size_t n);

#endif
