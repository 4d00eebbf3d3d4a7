/* int8.h - matrices of weights in 7 bits, times activations in 8, each with a scale for
 * every block b of 32 inputs i:
 *
 *     w[i,o] = ws[b,o] * wq[i,o]   wq in -63 .. 63, stored + 64
 *     x[r,i] = xs[r,b] * xq[r,i]   xq in -127 .. 127
 *     y[r,o] += (sum_(i in b) wq[i,o] * xq[r,i]) * (xs[r,b] * ws[b,o])   b ascending */
#ifndef KVC_INT8_H
#define KVC_INT8_H

#include "kernels/matrix.h"

/* Quantises and packs the weights from inputs 32 block .. 32 block + n - 1 to output o.
 *   x: n <= KVC_BLOCK floats, one every stride */
void kvc_int8_set_block(const kvc_matrix *m, size_t block, size_t o, const float *x,
                        size_t stride, size_t n);

/* The same of n whole blocks, whose inputs lie side by side.   x: [n, KVC_BLOCK] */
void kvc_int8_set_blocks(const kvc_matrix *m, size_t block, size_t o, const float *x,
                         size_t n);

/* y[r,o] += sum_i x[r,i] * w[i,o], as above
 *   y: [rows, n_out rounded up to 4] in/out   x: [rows, n_in], row stride n_in rounded up
 *   to 4 */
void kvc_int8_accumulate(float *restrict y, const float *restrict x, size_t rows,
                         const kvc_matrix *m);

#endif
