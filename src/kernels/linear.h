/* linear.h - matrix times rows, whatever the type of its weights.
 *
 *     y[r,o] = bias[o] + sum_i x[r,i] * w[i,o]
 */
#ifndef KVC_LINEAR_H
#define KVC_LINEAR_H

#include "kernels/matrix.h"

/* y: [rows, n_out rounded up to 4] out
 * x: [rows, n_in], row stride n_in rounded up to 4 */
void kvc_linear(float *restrict y, const float *restrict x, size_t rows,
                const kvc_matrix *m);

#endif
