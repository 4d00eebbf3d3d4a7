/* vector.h - element by element. */
#ifndef KVC_VECTOR_H
#define KVC_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* y += x    y, x: [n]   n: a multiple of 4 */
void kvc_add(float *restrict y, const float *restrict x, size_t n);

/* y *= x    y, x: [n]   n: a multiple of 4 */
void kvc_multiply(float *restrict y, const float *restrict x, size_t n);

/* y *= s    y: [n]   n: a multiple of 4 */
void kvc_scale(float *y, float s, size_t n);

/* True if no element is NaN or infinite.   x: [n] */
bool kvc_all_finite(const float *x, size_t n);

#endif
