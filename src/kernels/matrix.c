#include "kernels/matrix.h"

#include <string.h>

#include "base/number.h"

kvc_matrix kvc_matrix_take(kvc_arena *arena, size_t n_in, size_t n_out, float *bias,
                           kvc_dtype type)
{
    const size_t lanes = kvc_round_up(n_out, 4), last = n_out / KVC_PANEL * KVC_PANEL;
    const size_t blocks = kvc_blocks(n_in), n = type == KVC_I8 ? blocks : n_in;
    kvc_matrix m = {n_in, n_out, kvc_take_floats(arena, lanes, n), bias, NULL};
    if (type == KVC_I8)
        m.q = kvc_take(arena, lanes, kvc_times(arena, blocks, KVC_BLOCK));
    if (m.w && lanes != n_out) { /* zeros where panels are padded */
        memset(m.w + last * n, 0, (lanes - last) * n * sizeof *m.w);
        if (m.q) /* any weight would do: their scales are zero */
            memset(m.q + last * n * KVC_BLOCK, 0, (lanes - last) * n * KVC_BLOCK);
        if (bias)
            memset(bias + n_out, 0, (lanes - n_out) * sizeof *bias);
    }
    return m;
}

size_t kvc_matrix_bytes(const kvc_matrix *m)
{
    const size_t lanes = kvc_round_up(m->n_out, 4), blocks = kvc_blocks(m->n_in);
    return m->q ? lanes * blocks * (sizeof *m->w + KVC_BLOCK)
                : lanes * m->n_in * sizeof *m->w;
}

static void int8_column(float *restrict x, const kvc_matrix *m, size_t o)
{
    const unsigned char *four = kvc_matrix_four_at(m, 0, o);
    const ptrdiff_t next = kvc_matrix_four_at(m, 1, o) - four;
    for (size_t i = 0; i < m->n_in; i++)
        x[i] = *kvc_matrix_at(m, i / KVC_BLOCK, o) *
               (float)(four[(ptrdiff_t)(i / 4) * next + (ptrdiff_t)(i % 4)] - KVC_ZERO);
}

void kvc_matrix_column(float *restrict x, const kvc_matrix *m, size_t o)
{
    if (m->q) {
        int8_column(x, m, o);
        return;
    }
    const float *w = kvc_matrix_at(m, 0, o);
    const ptrdiff_t next = kvc_matrix_at(m, 1, o) - w;
    for (size_t i = 0; i < m->n_in; i++, w += next)
        x[i] = *w;
}
