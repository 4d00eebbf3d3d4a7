/* packing.h - memory for weights, out of an arena: NULL while asking. */
#ifndef KVC_PACKING_H
#define KVC_PACKING_H

#include "base/arena.h"
#include "kernels/kernels.h"
#include "kvc.h"

float *kvc_take_floats(kvc_arena *arena, size_t rows, size_t columns);

/* [n_out rounded up to 4], the padding zero. */
float *kvc_take_bias(kvc_arena *arena, size_t n_out);

/* A matrix without a bias, zero in the lanes that pad n_out to a multiple of 4.
 *   type: F32 or I8 */
kvc_matrix kvc_take_matrix(kvc_arena *arena, size_t n_in, size_t n_out, kvc_dtype type);

#endif
