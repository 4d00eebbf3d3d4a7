/* matrix.h - where the weights w[i,o] of a matrix lie: in panels of outputs side by side,
 * the last one narrower (a multiple of 4, padded with zeros).
 *
 *     floats   w: [n_out/32][n_in][32]
 *     int8     w: [n_out/16][blocks][9][16][4 bytes]: of each block of 32 inputs the
 *              scales, floats, then its weights in fours, q + 64; int8.h says what they
 *              mean. All that a row of inputs meets is one stream of memory. */
#ifndef KVC_MATRIX_H
#define KVC_MATRIX_H

#include "base/arena.h"
#include "base/number.h"
#include "kvc.h"

enum {
    KVC_PANEL = 32,      /* outputs side by side, in floats */
    KVC_INT8_PANEL = 16, /* and in int8 */
    KVC_BLOCK = 32,      /* inputs of an int8 matrix that share a scale */
    KVC_ZERO = 64,       /* the byte of the int8 weight 0 */
    KVC_BLOCK_WORDS = 1 + KVC_BLOCK / 4 /* of a block: its scale and its weights */
};

typedef struct kvc_matrix {
    size_t n_in, n_out;
    float *w, *bias; /* bias: [n_out rounded up to 4] or NULL */
    bool int8;
} kvc_matrix;

static inline size_t kvc_blocks(size_t n_in)
{
    return n_in / KVC_BLOCK + (n_in % KVC_BLOCK != 0);
}

/* Lays the weights of a matrix into an arena: nothing but the padding, the bias's as
 * well, is written, as zeros.
 *   type: F32 or I8   n_out rounded up to 4 must fit size_t */
kvc_matrix kvc_matrix_take(kvc_arena *arena, size_t n_in, size_t n_out, float *bias,
                           kvc_dtype type);

/* Bytes of the panels: what kvc_linear reads of them for any number of rows. */
size_t kvc_matrix_bytes(const kvc_matrix *m);

/* The first output of the panel that output o is in. */
static inline size_t kvc_matrix_first(const kvc_matrix *m, size_t o)
{
    const size_t panel = m->int8 ? KVC_INT8_PANEL : KVC_PANEL;
    return o / panel * panel;
}

/* Outputs side by side in the panel of output o. */
static inline size_t kvc_matrix_width(const kvc_matrix *m, size_t o)
{
    const size_t panel = m->int8 ? KVC_INT8_PANEL : KVC_PANEL;
    return kvc_min(panel, kvc_round_up(m->n_out, 4) - kvc_matrix_first(m, o));
}

/* Where w[i,o] lies; in int8, the scale of the weights from input block i to output o. */
static inline float *kvc_matrix_at(const kvc_matrix *m, size_t i, size_t o)
{
    const size_t first = kvc_matrix_first(m, o);
    const size_t rows = m->int8 ? kvc_blocks(m->n_in) * KVC_BLOCK_WORDS : m->n_in;
    const size_t row = m->int8 ? i * KVC_BLOCK_WORDS : i;
    return m->w + first * rows + row * kvc_matrix_width(m, o) + o - first;
}

/* Int8: where the four weights lie from inputs 4 i .. 4 i + 3 to output o. */
static inline unsigned char *kvc_matrix_four_at(const kvc_matrix *m, size_t i, size_t o)
{
    float *scale = kvc_matrix_at(m, i / (KVC_BLOCK / 4), o);
    return (unsigned char *)(scale + (1 + i % (KVC_BLOCK / 4)) * kvc_matrix_width(m, o));
}

/* x[i] = w[i,o] for every input i   x: [n_in] out */
void kvc_matrix_column(float *restrict x, const kvc_matrix *m, size_t o);

#endif
