/* exp.h - exp without libm, whose bits differ from system to system. */
#ifndef KVC_EXP_H
#define KVC_EXP_H

#include <stddef.h>

/* x = exp(x), in place, to about one ulp on [-64, 64] and clamped outside
 *   x: [n]   n: a multiple of 4 */
void kvc_exp(float *x, size_t n);

/* Floats that kvc_exp takes through its two halves together: callers that do so as well
 * find their numbers still in the cache. */
enum { KVC_EXP_BLOCK = 64 };

#endif
