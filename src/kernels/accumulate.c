#include "kernels/accumulate.h"

#include <assert.h>
#include <stdbool.h>

#include "base/number.h"
#include "base/simd.h"

/* Vectors of sums that fit the registers beside their operands, of which there is a tile,
 * or else USUAL ones at a time; without vectors there are no registers for more. */
#if defined(__wasm__) && !defined(__wasm_simd128__)
#define KVC_FEW_REGISTERS
enum { MOST = 4, USUAL = 4, STRIP_ROWS = 1, WIDE = 4 };
#define IS_TILE(vecs) ((vecs) <= 4)
#else
enum { MOST = 12, USUAL = 8, STRIP_ROWS = 2, WIDE = 16 };
#define IS_TILE(vecs) ((vecs) <= 8 || (vecs) == 11 || (vecs) == 12)
#endif

/* acc[c] += w[c] * x, with each weight used as soon as it is loaded. */
KVC_INLINE void step(const size_t VECS, v128_t *acc, const float *w, v128_t x)
{
    for (size_t c = 0; c < VECS; c++) {
        const v128_t wc = wasm_v128_load(w + 4 * c);
        KVC_IN_ORDER;
        acc[c] = wasm_f32x4_add(acc[c], wasm_f32x4_mul(wc, x));
    }
}

/* kvc_accumulate for one row and exactly VECS vectors of 4 lanes: a constant, so that the
 * sums live in registers. Four inputs are loaded together, then spread. Where there are 4
 * vectors, as in a page of keys, inputs go two by two: V8 makes several rounds one where
 * they are short, and with four inputs would put half of the weights on the stack. */
KVC_INLINE void one_row(const size_t VECS, float *restrict y, const float *restrict x,
                        const float *restrict w, size_t w_stride, size_t n)
{
    v128_t acc[MOST];
    size_t k = 0;
    for (size_t c = 0; c < VECS; c++)
        acc[c] = wasm_v128_load(y + 4 * c);
    for (; VECS == 4 && n >= 2; n -= 2, x += 2, w += 2 * w_stride) {
        step(VECS, acc, w, wasm_v128_load32_splat(x));
        step(VECS, acc, w + w_stride, wasm_v128_load32_splat(x + 1));
    }
    for (; VECS != 4 && k + 4 <= n; k += 4) {
        const v128_t four = wasm_v128_load(x + k);
        const float *at = w + k * w_stride;
        step(VECS, acc, at, wasm_i32x4_shuffle(four, four, 0, 0, 0, 0));
        at += w_stride;
        step(VECS, acc, at, wasm_i32x4_shuffle(four, four, 1, 1, 1, 1));
        at += w_stride;
        step(VECS, acc, at, wasm_i32x4_shuffle(four, four, 2, 2, 2, 2));
        at += w_stride;
        step(VECS, acc, at, wasm_i32x4_shuffle(four, four, 3, 3, 3, 3));
    }
    for (; k < n; k++)
        step(VECS, acc, w + k * w_stride, wasm_v128_load32_splat(x + k));
    for (size_t c = 0; c < VECS; c++)
        wasm_v128_store(y + 4 * c, acc[c]);
}

/* The same for two rows, which share the loads of weights. */
KVC_INLINE void two_rows(const size_t VECS, float *restrict y, size_t y_stride,
                         const float *restrict x, size_t x_stride,
                         const float *restrict w, size_t w_stride, size_t n)
{
    v128_t acc[2][4];
    for (size_t c = 0; c < VECS; c++) {
        acc[0][c] = wasm_v128_load(y + 4 * c);
        acc[1][c] = wasm_v128_load(y + y_stride + 4 * c);
    }
    for (size_t k = 0; k < n; k++) {
        const v128_t x0 = wasm_v128_load32_splat(x + k);
        const v128_t x1 = wasm_v128_load32_splat(x + x_stride + k);
        const float *at = w + k * w_stride;
        for (size_t c = 0; c < VECS; c++) {
            const v128_t wc = wasm_v128_load(at + 4 * c);
            KVC_IN_ORDER;
            acc[0][c] = wasm_f32x4_add(acc[0][c], wasm_f32x4_mul(wc, x0));
            acc[1][c] = wasm_f32x4_add(acc[1][c], wasm_f32x4_mul(wc, x1));
        }
    }
    for (size_t c = 0; c < VECS; c++) {
        wasm_v128_store(y + 4 * c, acc[0][c]);
        wasm_v128_store(y + y_stride + 4 * c, acc[1][c]);
    }
}

/* LANES sums of each of ROWS rows, which stay in y: K rows of w are added. */
KVC_INLINE void part(const size_t ROWS, const size_t K, const size_t LANES,
                     float *restrict y, size_t y_stride, v128_t in[2][2],
                     const float *restrict w, size_t w_stride)
{
    for (size_t c = 0; c < LANES; c += 4) {
        v128_t acc[2];
        for (size_t r = 0; r < ROWS; r++)
            acc[r] = wasm_v128_load(y + r * y_stride + c);
        for (size_t k = 0; k < K; k++) {
            const v128_t wk = wasm_v128_load(w + k * w_stride + c);
            KVC_IN_ORDER;
            for (size_t r = 0; r < ROWS; r++)
                acc[r] = wasm_f32x4_add(acc[r], wasm_f32x4_mul(wk, in[r][k]));
        }
        for (size_t r = 0; r < ROWS; r++)
            wasm_v128_store(y + r * y_stride + c, acc[r]);
    }
}

/* K rows of w, side by side, from their first number to their last, LANES to a round. */
KVC_INLINE void strip(const size_t ROWS, const size_t K, const size_t LANES,
                      float *restrict y, size_t y_stride, const float *restrict x,
                      size_t x_stride, const float *restrict w, size_t w_stride,
                      size_t lanes)
{
    v128_t in[2][2];
    for (size_t k = 0; k < K; k++)
        for (size_t r = 0; r < ROWS; r++)
            in[r][k] = wasm_v128_load32_splat(x + r * x_stride + k);
    size_t c = 0;
    KVC_ROLLED
    for (; LANES > 4 && c + LANES <= lanes; c += LANES)
        part(ROWS, K, LANES, y + c, y_stride, in, w + c, w_stride);
    KVC_ROLLED
    for (; c < lanes; c += 4)
        part(ROWS, K, 4, y + c, y_stride, in, w + c, w_stride);
}

/* Prefetchers lose streams that are so many floats apart: such rows of w are read one
 * after the other. */
enum { FAR = 128 };

/* For more outputs than the registers hold. Two rows of w at a time halve what is loaded
 * and stored of y; more of them, and memory is read less straight. */
KVC_INLINE void in_strips(const size_t ROWS, float *restrict y, size_t y_stride,
                          const float *restrict x, size_t x_stride,
                          const float *restrict w, size_t w_stride, size_t n,
                          size_t lanes)
{
    for (; n >= 2 && w_stride < FAR; n -= 2, x += 2, w += 2 * w_stride)
        strip(ROWS, 2, WIDE / ROWS, y, y_stride, x, x_stride, w, w_stride, lanes);
    for (; n > 0; n--, x++, w += w_stride)
        strip(ROWS, 1, ROWS == 1 ? WIDE : 4, y, y_stride, x, x_stride, w, w_stride,
              lanes);
}

#define ONE_ROW(VECS)                                                                    \
    case VECS:                                                                           \
        one_row(VECS, y, x, w, w_stride, n);                                             \
        break
#define TWO_ROWS(VECS)                                                                   \
    case VECS: two_rows(VECS, y, y_stride, x, x_stride, w, w_stride, n); break

static void accumulate_one(float *restrict y, const float *restrict x,
                           const float *restrict w, size_t w_stride, size_t n,
                           size_t vecs)
{
    switch (vecs) {
        ONE_ROW(1);
        ONE_ROW(2);
        ONE_ROW(3);
        ONE_ROW(4);
#ifndef KVC_FEW_REGISTERS
        ONE_ROW(5);
        ONE_ROW(6);
        ONE_ROW(7);
        ONE_ROW(8);
        ONE_ROW(11);
        ONE_ROW(12);
#endif
    }
}

static void accumulate_two(float *restrict y, size_t y_stride, const float *restrict x,
                           size_t x_stride, const float *restrict w, size_t w_stride,
                           size_t n, size_t vecs)
{
    switch (vecs) {
        TWO_ROWS(1);
        TWO_ROWS(2);
        TWO_ROWS(3);
        TWO_ROWS(4);
    }
}

void kvc_accumulate(float *restrict y, size_t y_stride, const float *restrict x,
                    size_t x_stride, const float *restrict w, size_t w_stride,
                    size_t rows, size_t n, size_t lanes)
{
    assert(lanes % 4 == 0);
    size_t vecs;
    const bool pairs = STRIP_ROWS == 2 && lanes > KVC_IN_REGISTERS && w_stride < FAR;
    for (; pairs && rows >= 2; rows -= 2, y += 2 * y_stride, x += 2 * x_stride)
        in_strips(2, y, y_stride, x, x_stride, w, w_stride, n, lanes);
    for (; rows >= 2; rows -= 2, y += 2 * y_stride, x += 2 * x_stride)
        for (size_t c = 0; c < lanes; c += 4 * vecs) {
            vecs = kvc_min(4, (lanes - c) / 4);
            accumulate_two(y + c, y_stride, x, x_stride, w + c, w_stride, n, vecs);
        }
    if (rows == 0)
        return;
    if (lanes > KVC_IN_REGISTERS) {
        in_strips(1, y, y_stride, x, x_stride, w, w_stride, n, lanes);
        return;
    }
    for (size_t c = 0; c < lanes; c += 4 * vecs) {
        vecs = (lanes - c) / 4;
        if (!IS_TILE(vecs))
            vecs = USUAL;
        accumulate_one(y + c, x, w + c, w_stride, n, vecs);
    }
}
