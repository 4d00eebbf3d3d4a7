/* int8.c - matrix times rows in integers.
 *
 * The sum of a block is exact in integers, in any order, so one float accumulator for
 * each output that takes the blocks in ascending order gives the same bits in every
 * build. With weights of 7 bits a pair of products stays within 16 bits, where the
 * instruction behind the relaxed dot saturates on some machines. */
#include "kernels/int8.h"

#include <string.h>

#include "base/number.h"
#include "base/simd.h"
#include "kernels/dot.h"

enum { ROWS = 32, MOST = 1024, QUADS = KVC_BLOCK / 4 };

/* Some rows over some blocks of the input, quantised: 40 or 72 KB of stack. A single row
 * takes all of its blocks, so that the weights are read from the first to the last. */
typedef struct activations {
    _Alignas(64) kvc_quad x[MOST * QUADS];
    size_t blocks; /* of each row; rows * blocks <= MOST */
    float scale[MOST];
    int offset[MOST]; /* -64 * the block's sum: undoes the weights' + 64 */
} activations;

/* ---- quantising -------------------------------------------------------------------- */

/* q = zero + x * (limit / max |x|), ties to even; returns the scale: scale * (q - zero)
 * is about x. A block whose max |x| is below 1e-30 counts as zeros; the scale of one with
 * NaN or infinity is not finite either, which shows in every output.
 *   q: [KVC_BLOCK] out   x: [KVC_BLOCK]   zero: even */
static float quantize(signed char *restrict q, const float *restrict x, float limit,
                      float zero)
{
    const float max = kvc_float_from_bits(kvc_largest_bits(x, KVC_BLOCK));
    const v128_t factor = wasm_f32x4_splat(max < 1e-30f ? 0.0f : limit / max);
    const v128_t rounder = wasm_f32x4_splat(KVC_ROUNDER + zero);
    v128_t n[8];
    for (size_t i = 0; i < 8; i++)
        n[i] = wasm_i32x4_sub(
            wasm_f32x4_add(wasm_f32x4_mul(wasm_v128_load(x + 4 * i), factor), rounder),
            wasm_i32x4_splat(KVC_ROUNDER_BITS));
    for (size_t i = 0; i < 8; i += 4)
        wasm_v128_store(q + 4 * i, wasm_i8x16_narrow_i16x8(
                                       wasm_i16x8_narrow_i32x4(n[i], n[i + 1]),
                                       wasm_i16x8_narrow_i32x4(n[i + 2], n[i + 3])));
    return max < 1e-30f ? 0.0f : max / limit;
}

/* The blocks of some rows from `first` on.   x: [rows, n_in], row stride x_stride */
static void quantize_rows(activations *a, const float *x, size_t x_stride, size_t rows,
                          size_t n_in, size_t first)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < a->blocks; b++) {
            const float *from = x + r * x_stride + (first + b) * KVC_BLOCK;
            const size_t at = r * a->blocks + b;
            signed char q[KVC_BLOCK];
            float padded[KVC_BLOCK] = {0};
            if ((first + b + 1) * KVC_BLOCK > n_in)
                from = memcpy(padded, from,
                              (n_in - (first + b) * KVC_BLOCK) * sizeof *padded);
            a->scale[at] = quantize(q, from, 127.0f, 0.0f);
            v128_t pairs = wasm_i16x8_splat(0);
            for (size_t i = 0; i < KVC_BLOCK; i += 16) {
                const v128_t sixteen = wasm_v128_load(q + i);
                kvc_quads_set(a->x + at * QUADS + i / 4, sixteen);
                pairs = wasm_i16x8_add(pairs, wasm_i16x8_extadd_pairwise_i8x16(sixteen));
            }
            const v128_t sum = wasm_i32x4_dot_i16x8(pairs, wasm_i16x8_splat(-KVC_ZERO));
            a->offset[at] = (int)kvc_sum_integer_lanes(sum);
        }
}

void kvc_int8_set_blocks(const kvc_matrix *m, size_t block, size_t o, const float *x,
                         size_t n)
{
    float *at = kvc_matrix_at(m, block, o);
    const size_t width = kvc_matrix_width(m, o);
    for (; n > 0; n--, x += KVC_BLOCK) {
        signed char q[KVC_BLOCK];
        *at = quantize(q, x, 63.0f, KVC_ZERO);
        at += width;
        for (size_t i = 0; i < KVC_BLOCK; i += 4, at += width)
            memcpy(at, q + i, 4);
    }
}

void kvc_int8_set_block(const kvc_matrix *m, size_t block, size_t o, const float *x,
                        size_t stride, size_t n)
{
    float values[KVC_BLOCK] = {0};
    for (size_t i = 0; i < n; i++)
        values[i] = x[i * stride];
    kvc_int8_set_blocks(m, block, o, values, 1);
}

/* ---- matrix times rows ------------------------------------------------------------- */

/* All blocks into N rows and VECS vectors of 4 outputs, with the sums in registers.
 *   w: [blocks][KVC_BLOCK_WORDS][width][4 bytes] */
KVC_INLINE void tile(const size_t N, const size_t VECS, float *restrict y,
                     size_t y_stride, const activations *a, size_t row,
                     const unsigned char *w, size_t width, const bool in_pairs)
{
    const size_t stride = a->blocks;
    const kvc_quad *x = a->x + row * stride * QUADS;
    const float *x_scale = a->scale + row * stride;
    const int *offset = a->offset + row * stride;
    const v128_t ones = kvc_dot_ones();
    v128_t total[2][4], acc[2][4];
    for (size_t r = 0; r < N; r++)
        for (size_t c = 0; c < VECS; c++)
            total[r][c] = wasm_v128_load(y + r * y_stride + 4 * c);
    for (size_t b = 0; b < stride; b++, x_scale++, offset++) {
        const unsigned char *scale = w;
        w += 4 * width;
        for (size_t r = 0; r < N; r++)
            for (size_t c = 0; c < VECS; c++)
                acc[r][c] =
                    wasm_i32x4_splat(offset[r * stride] * (1 << KVC_DOT_FRACTION));
        KVC_ROLLED
        for (size_t i = 0; i < QUADS; i++, x++, w += 4 * width) {
            kvc_spread spreads[2];
            for (size_t r = 0; r < N; r++)
                spreads[r] = kvc_quad_spread(x + r * stride * QUADS);
            for (size_t c = 0; c < VECS; c++) {
                const v128_t wc = wasm_v128_load(w + 16 * c);
                for (size_t r = 0; r < N; r++)
                    acc[r][c] = kvc_dot(wc, spreads[r], acc[r][c], in_pairs, ones);
            }
        }
        for (size_t r = 0; r < N; r++)
            for (size_t c = 0; c < VECS; c++) {
                const v128_t s = wasm_f32x4_mul(wasm_f32x4_splat(x_scale[r * stride]),
                                                wasm_v128_load(scale + 16 * c));
                const v128_t sum =
                    wasm_f32x4_convert_i32x4(wasm_i32x4_shr(acc[r][c], KVC_DOT_FRACTION));
                total[r][c] = wasm_f32x4_add(total[r][c], wasm_f32x4_mul(sum, s));
            }
    }
    for (size_t r = 0; r < N; r++)
        for (size_t c = 0; c < VECS; c++)
            wasm_v128_store(y + r * y_stride + 4 * c, total[r][c]);
}

/* All blocks into all rows of one panel of 16 outputs, rows in pairs. */
KVC_INLINE void panel(float *restrict y, size_t y_stride, const activations *a,
                      size_t rows, const unsigned char *w, const bool in_pairs)
{
    size_t r = 0;
    for (; r + 2 <= rows; r += 2)
        tile(2, 4, y + r * y_stride, y_stride, a, r, w, 16, in_pairs);
    if (r < rows)
        tile(1, 4, y + r * y_stride, y_stride, a, r, w, 16, in_pairs);
}

/* The same of the last one, which is narrower. */
static void narrow(float *restrict y, size_t y_stride, const activations *a, size_t rows,
                   const unsigned char *w, size_t width)
{
    for (size_t c = 0; c < width; c += 4) {
        size_t r = 0;
        for (; r + 2 <= rows; r += 2)
            tile(2, 1, y + r * y_stride + c, y_stride, a, r, w + 4 * c, width, false);
        if (r < rows)
            tile(1, 1, y + r * y_stride + c, y_stride, a, r, w + 4 * c, width, false);
    }
}

void kvc_int8_accumulate(float *restrict y, const float *restrict x, size_t rows,
                         const kvc_matrix *m)
{
    const size_t lanes = kvc_round_up(m->n_out, 4), x_stride = kvc_round_up(m->n_in, 4);
    const size_t blocks = kvc_blocks(m->n_in);
    const bool in_pairs = kvc_dot_is_pairs();
    activations a;
    for (size_t r = 0; r < rows; r += ROWS) {
        const size_t n = kvc_min(ROWS, rows - r);
        for (size_t first = 0; first < blocks; first += a.blocks) {
            a.blocks = kvc_min(MOST / n, blocks - first);
            quantize_rows(&a, x + r * x_stride, x_stride, n, m->n_in, first);
            for (size_t o = 0; o < lanes; o += KVC_INT8_PANEL) {
                const unsigned char *w = (unsigned char *)kvc_matrix_at(m, first, o);
                const size_t width = kvc_matrix_width(m, o);
                if (width < KVC_INT8_PANEL)
                    narrow(y + r * lanes + o, lanes, &a, n, w, width);
                else if (in_pairs)
                    panel(y + r * lanes + o, lanes, &a, n, w, true);
                else
                    panel(y + r * lanes + o, lanes, &a, n, w, false);
            }
        }
    }
}
