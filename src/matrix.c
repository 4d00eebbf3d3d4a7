/* matrix.c - matrix times rows: the one inner loop in floats, and where weights lie. */
#include <assert.h>
#include <string.h>

#include "arena.h"
#include "kernels.h"
#include "simd.h"

/* kvc_accumulate for exactly ROWS rows and VECS vectors of 4 lanes; with constant
 * arguments the accumulators live in registers. */
KVC_INLINE void tile(const size_t ROWS, const size_t VECS, float *restrict y,
                     size_t y_stride, const float *restrict x, size_t x_stride,
                     const float *restrict w, size_t w_stride, size_t n)
{
    v128_t acc[2][8];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < VECS; c++)
            acc[r][c] = wasm_v128_load(y + r * y_stride + 4 * c);
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < VECS; c++) {
            const v128_t wk = wasm_v128_load(w + k * w_stride + 4 * c);
            for (size_t r = 0; r < ROWS; r++) {
                const v128_t xk = wasm_v128_load32_splat(x + r * x_stride + k);
                acc[r][c] = wasm_f32x4_add(acc[r][c], wasm_f32x4_mul(wk, xk));
            }
        }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < VECS; c++)
            wasm_v128_store(y + r * y_stride + 4 * c, acc[r][c]);
}

void kvc_accumulate(float *restrict y, size_t y_stride, const float *restrict x,
                    size_t x_stride, const float *restrict w, size_t w_stride,
                    size_t rows, size_t n, size_t lanes)
{
    assert(lanes % 4 == 0);
    for (; rows >= 2; rows -= 2, y += 2 * y_stride, x += 2 * x_stride) {
        size_t c = 0;
        for (; c + 16 <= lanes; c += 16)
            tile(2, 4, y + c, y_stride, x, x_stride, w + c, w_stride, n);
        for (; c < lanes; c += 4)
            tile(2, 1, y + c, y_stride, x, x_stride, w + c, w_stride, n);
    }
    if (rows == 0)
        return;
    size_t c = 0;
    for (; c + 32 <= lanes; c += 32)
        tile(1, 8, y + c, y_stride, x, x_stride, w + c, w_stride, n);
    for (; c + 16 <= lanes; c += 16)
        tile(1, 4, y + c, y_stride, x, x_stride, w + c, w_stride, n);
    for (; c < lanes; c += 4)
        tile(1, 1, y + c, y_stride, x, x_stride, w + c, w_stride, n);
}

float *kvc_matrix_at(const kvc_matrix *m, size_t i, size_t o)
{
    const size_t panel = m->q ? KVC_INT8_PANEL : KVC_PANEL, first = o / panel * panel;
    const size_t width = kvc_min(panel, kvc_round_up(m->n_out, 4) - first);
    return m->w + first * (m->q ? kvc_blocks(m->n_in) : m->n_in) + i * width + o - first;
}

size_t kvc_matrix_bytes(const kvc_matrix *m)
{
    const size_t lanes = kvc_round_up(m->n_out, 4), blocks = kvc_blocks(m->n_in);
    return m->q ? lanes * blocks * (sizeof *m->w + KVC_BLOCK)
                : lanes * m->n_in * sizeof *m->w;
}

void kvc_matrix_column(float *restrict x, const kvc_matrix *m, size_t o)
{
    if (m->q) {
        kvc_int8_column(x, m, o);
        return;
    }
    const float *w = kvc_matrix_at(m, 0, o);
    const ptrdiff_t next = kvc_matrix_at(m, 1, o) - w;
    for (size_t i = 0; i < m->n_in; i++, w += next)
        x[i] = *w;
}

void kvc_linear(float *restrict y, const float *restrict x, size_t rows,
                const kvc_matrix *m)
{
    const size_t lanes = kvc_round_up(m->n_out, 4), x_stride = kvc_round_up(m->n_in, 4);
    for (size_t r = 0; r < rows; r++) {
        if (m->bias)
            memcpy(y + r * lanes, m->bias, lanes * sizeof *y);
        else
            memset(y + r * lanes, 0, lanes * sizeof *y);
    }
    if (m->q) {
        kvc_int8_accumulate(y, x, rows, m);
        return;
    }
    for (size_t o = 0; o < lanes; o += KVC_PANEL) {
        const size_t width = kvc_min(KVC_PANEL, lanes - o);
        kvc_accumulate(y + o, lanes, x, x_stride, m->w + o * m->n_in, width, rows,
                       m->n_in, width);
    }
}
