#include "model/packing.h"

#include <string.h>

float *kvc_take_floats(kvc_arena *arena, size_t rows, size_t columns)
{
    if (columns > SIZE_MAX / sizeof(float))
        arena->overflow = true;
    return kvc_take(arena, rows, columns * sizeof(float));
}

float *kvc_take_bias(kvc_arena *arena, size_t n_out)
{
    const size_t lanes = kvc_round_up(n_out, 4);
    float *bias = kvc_take_floats(arena, 1, lanes);
    if (bias)
        memset(bias + n_out, 0, (lanes - n_out) * sizeof *bias);
    return bias;
}

kvc_matrix kvc_take_matrix(kvc_arena *arena, size_t n_in, size_t n_out, kvc_dtype type)
{
    const size_t lanes = kvc_round_up(n_out, 4), last = n_out / KVC_PANEL * KVC_PANEL;
    const size_t blocks = kvc_blocks(n_in), n = type == KVC_I8 ? blocks : n_in;
    kvc_matrix m = {.n_in = n_in, .n_out = n_out, .w = kvc_take_floats(arena, lanes, n)};
    if (type == KVC_I8)
        m.q = kvc_take(arena, lanes, blocks * KVC_BLOCK);
    if (!arena->base || arena->overflow || lanes == n_out)
        return m;
    memset(m.w + last * n, 0, (lanes - last) * n * sizeof *m.w);
    if (m.q) /* any weight: their scales are zero */
        memset(m.q + last * n * KVC_BLOCK, 0, (lanes - last) * n * KVC_BLOCK);
    return m;
}
