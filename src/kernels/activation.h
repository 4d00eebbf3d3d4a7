/* activation.h - the nonlinear functions of an MLP, in place. */
#ifndef KVC_ACTIVATION_H
#define KVC_ACTIVATION_H

#include <stddef.h>

/* x = 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))   (Hendrycks & Gimpel 2016)
 *   x: [n]   n: a multiple of 4 */
void kvc_gelu(float *x, size_t n);

/* x = 0.5 x (1 + erf(x / sqrt(2))), which that is near; 1 + erf to one ulp of a number
 * between 1 and 2
 *   x: [n]   n: a multiple of 4 */
void kvc_exact_gelu(float *x, size_t n);

/* x = x / (1 + exp(-x))
 *   x: [n]   n: a multiple of 4   (Elfwing et al. 2017) */
void kvc_silu(float *x, size_t n);

/* x = x < 0 ? 0 : x; NaN stays so
 *   x: [n]   n: a multiple of 4 */
void kvc_relu(float *x, size_t n);

#endif
