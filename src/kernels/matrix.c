#include "kernels/matrix.h"

#include <string.h>

#include "base/number.h"

kvc_matrix kvc_matrix_take(kvc_arena *arena, size_t n_in, size_t n_out, float *bias,
                           kvc_dtype type)
{
    const bool int8 = type == KVC_I8;
    const size_t lanes = kvc_round_up(n_out, 4), last = n_out / KVC_PANEL * KVC_PANEL;
    const size_t n = int8 ? kvc_times(arena, kvc_blocks(n_in), KVC_BLOCK_WORDS) : n_in;
    kvc_matrix m = {n_in, n_out, kvc_take_floats(arena, lanes, n), bias, int8};
    if (m.w && lanes != n_out) { /* zeros where panels are padded */
        memset(m.w + last * n, 0, (lanes - last) * n * sizeof *m.w);
        if (bias)
            memset(bias + n_out, 0, (lanes - n_out) * sizeof *bias);
    }
    return m;
}

size_t kvc_matrix_bytes(const kvc_matrix *m)
{
    const size_t n = m->int8 ? kvc_blocks(m->n_in) * KVC_BLOCK_WORDS : m->n_in;
    return kvc_round_up(m->n_out, 4) * n * sizeof *m->w;
}

static void int8_column(float *restrict x, const kvc_matrix *m, size_t o)
{
    for (size_t i = 0; i < m->n_in; i++)
        x[i] = *kvc_matrix_at(m, i / KVC_BLOCK, o) *
               (float)(kvc_matrix_four_at(m, i / 4, o)[i % 4] - KVC_ZERO);
}

void kvc_matrix_column(float *restrict x, const kvc_matrix *m, size_t o)
{
    if (m->int8) {
        int8_column(x, m, o);
        return;
    }
    const float *w = kvc_matrix_at(m, 0, o);
    const ptrdiff_t next = kvc_matrix_at(m, 1, o) - w;
    for (size_t i = 0; i < m->n_in; i++, w += next)
        x[i] = *w;
}
