/* accumulate.h - the one inner loop of the engine:
 *
 *     y[r,c] += sum_k x[r,k] * w[k,c]    k ascending
 *
 * for projections (w: a panel of weights), attention scores (keys) and attention output
 * (values).
 *
 * Every output has ONE accumulator, and lanes are outputs, never slices of a sum: the
 * order of additions depends neither on the number of rows nor on the width of the
 * vectors. */
#ifndef KVC_ACCUMULATE_H
#define KVC_ACCUMULATE_H

#include <stddef.h>

/* Rows of at most so many lanes are summed in registers; sums of wider ones stay in y. */
enum { KVC_IN_REGISTERS = 48 };

/* y: [rows, lanes] in/out, row stride y_stride   lanes: a multiple of 4
 * x: [rows, n], row stride x_stride   w: [n, lanes], row stride w_stride */
void kvc_accumulate(float *restrict y, size_t y_stride, const float *restrict x,
                    size_t x_stride, const float *restrict w, size_t w_stride,
                    size_t rows, size_t n, size_t lanes);

#endif
