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

enum { ROWS = 32, MOST = 1024, QUADS = KVC_BLOCK / 4 };

/* ---- four products and their sum --------------------------------------------------- */

/* quad        four inputs as they are stored
 * spread      the same four inputs for each of four outputs
 * quads_set   stores 16 inputs, signed bytes
 * dot         acc[o] += 2^FRACTION_BITS sum_j w[o,j] x[j], exactly
 *             o, j: 0 .. 3   w: [4][4] bytes, 0 .. 127 */
#ifdef __wasm_relaxed_simd__

enum { FRACTION_BITS = 0 };
typedef struct quad {
    signed char x[4];
} quad;
typedef v128_t spread;

KVC_INLINE void quads_set(quad *to, v128_t x)
{
    wasm_v128_store(to, x);
}

KVC_INLINE spread quad_spread(const quad *from)
{
    return wasm_v128_load32_splat(from);
}

KVC_INLINE v128_t dot(v128_t w, spread x, v128_t acc)
{
    return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, w, acc);
}

#else /* two weights stay together in 16 bits, which saves an operation:
         w0 (256 x0 - x1) + (w0 + 256 w1) x1 = 256 (w0 x0 + w1 x1) */

enum { FRACTION_BITS = 8 };
typedef struct quad {
    short mixed[2], odd[2]; /* 256 x[0] - x[1], 256 x[2] - x[3];  x[1], x[3] */
} quad;
typedef struct spread {
    v128_t mixed, odd;
} spread;

KVC_INLINE void quads_set(quad *to, v128_t x)
{
    const v128_t odd = wasm_i16x8_shr(x, 8);
    const v128_t mixed = wasm_i16x8_sub(wasm_i16x8_shl(x, 8), odd);
    wasm_v128_store(to, wasm_i32x4_shuffle(mixed, odd, 0, 4, 1, 5));
    wasm_v128_store(to + 2, wasm_i32x4_shuffle(mixed, odd, 2, 6, 3, 7));
}

KVC_INLINE spread quad_spread(const quad *from)
{
    return (spread){wasm_v128_load32_splat(from->mixed),
                    wasm_v128_load32_splat(from->odd)};
}

KVC_INLINE v128_t dot(v128_t w, spread x, v128_t acc)
{
    const v128_t even = wasm_v128_and(w, wasm_i16x8_splat(255));
    return wasm_i32x4_add(acc, wasm_i32x4_add(wasm_i32x4_dot_i16x8(even, x.mixed),
                                              wasm_i32x4_dot_i16x8(w, x.odd)));
}

#endif

/* Some rows over some blocks of the input, quantised: 40 or 72 KB of stack. A single row
 * takes all of its blocks, so that the weights are read from the first to the last. */
typedef struct activations {
    _Alignas(64) quad x[MOST * QUADS];
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
                quads_set(a->x + at * QUADS + i / 4, sixteen);
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
                     const unsigned char *w, size_t width)
{
    const size_t stride = a->blocks;
    const quad *x = a->x + row * stride * QUADS;
    const float *x_scale = a->scale + row * stride;
    const int *offset = a->offset + row * stride;
    v128_t total[2][4], acc[2][4];
    for (size_t r = 0; r < N; r++)
        for (size_t c = 0; c < VECS; c++)
            total[r][c] = wasm_v128_load(y + r * y_stride + 4 * c);
    for (size_t b = 0; b < stride; b++, x_scale++, offset++) {
        const unsigned char *scale = w;
        w += 4 * width;
        for (size_t r = 0; r < N; r++)
            for (size_t c = 0; c < VECS; c++)
                acc[r][c] = wasm_i32x4_splat(offset[r * stride] * (1 << FRACTION_BITS));
        KVC_ROLLED
        for (size_t i = 0; i < QUADS; i++, x++, w += 4 * width) {
            spread spreads[2];
            for (size_t r = 0; r < N; r++)
                spreads[r] = quad_spread(x + r * stride * QUADS);
            for (size_t c = 0; c < VECS; c++) {
                const v128_t wc = wasm_v128_load(w + 16 * c);
                for (size_t r = 0; r < N; r++)
                    acc[r][c] = dot(wc, spreads[r], acc[r][c]);
            }
        }
        for (size_t r = 0; r < N; r++)
            for (size_t c = 0; c < VECS; c++) {
                const v128_t s = wasm_f32x4_mul(wasm_f32x4_splat(x_scale[r * stride]),
                                                wasm_v128_load(scale + 16 * c));
                const v128_t sum =
                    wasm_f32x4_convert_i32x4(wasm_i32x4_shr(acc[r][c], FRACTION_BITS));
                total[r][c] = wasm_f32x4_add(total[r][c], wasm_f32x4_mul(sum, s));
            }
    }
    for (size_t r = 0; r < N; r++)
        for (size_t c = 0; c < VECS; c++)
            wasm_v128_store(y + r * y_stride + 4 * c, total[r][c]);
}

/* All blocks into all rows of one panel, rows in pairs. */
static void panel(float *restrict y, size_t y_stride, const activations *a, size_t rows,
                  const unsigned char *w, size_t width)
{
    for (size_t r = 0; r < rows; r += 2) {
        float *at = y + r * y_stride;
        if (r + 2 > rows) {
            if (width == 16)
                tile(1, 4, at, y_stride, a, r, w, 16);
            else
                for (size_t c = 0; c < width; c += 4)
                    tile(1, 1, at + c, y_stride, a, r, w + 4 * c, width);
        } else if (width == 16)
            tile(2, 4, at, y_stride, a, r, w, 16);
        else
            for (size_t c = 0; c < width; c += 4)
                tile(2, 1, at + c, y_stride, a, r, w + 4 * c, width);
    }
}

void kvc_int8_accumulate(float *restrict y, const float *restrict x, size_t rows,
                         const kvc_matrix *m)
{
    const size_t lanes = kvc_round_up(m->n_out, 4), x_stride = kvc_round_up(m->n_in, 4);
    const size_t blocks = kvc_blocks(m->n_in);
    activations a;
    for (size_t r = 0; r < rows; r += ROWS) {
        const size_t n = kvc_min(ROWS, rows - r);
        for (size_t first = 0; first < blocks; first += a.blocks) {
            a.blocks = kvc_min(MOST / n, blocks - first);
            quantize_rows(&a, x + r * x_stride, x_stride, n, m->n_in, first);
            for (size_t o = 0; o < lanes; o += KVC_INT8_PANEL)
                panel(y + r * lanes + o, lanes, &a, n,
                      (const unsigned char *)kvc_matrix_at(m, first, o),
                      kvc_matrix_width(m, o));
        }
    }
}
