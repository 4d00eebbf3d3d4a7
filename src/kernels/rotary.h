/* rotary.h - positions as rotations (RoPE, Su et al. 2021): the numbers (c, c + r/2) of a
 * head's first r are a point, which turns by an angle that grows with the position.
 *
 * The tables are made with + - * / alone, so that they are the same bits everywhere; no
 * libm's pow, sin or cos is. */
#ifndef KVC_ROTARY_H
#define KVC_ROTARY_H

#include <stddef.h>

#include "kvc.h"

/* The angle from one position to the next, for each pair: theta^(-2i/r), scaled as the
 * config says; each step rounded to a float where transformers rounds it.
 *   frequencies: [r/2] out, r = rotary_dim */
void kvc_rotary_frequencies(float *frequencies, const kvc_config *config);

/* By how much turned heads become longer: 1, or what the config says for YaRN (Peng et
 * al. 2023). */
float kvc_rotary_amplitude(const kvc_config *config);

/* turns[t] = amplitude * (cos(a_0), ... cos(a_(r/2-1)), sin(a_0), ...), a_i = the float
 * nearest to (position + t) * frequencies[i]
 *   turns: [n, r] out   frequencies: [r/2]   position + n < 2^24 */
void kvc_rotary_turns(float *restrict turns, const float *restrict frequencies,
                      float amplitude, size_t r, size_t position, size_t n);

/* Positions without rotations (Vaswani et al. 2017), half of the channels sines:
 * table[p] = (sin(a_0), ... sin(a_(C/2-1)), cos(a_0), ...), a_i = p / 10000^(2i/C)
 *   table: [n, C] out   n < 2^24 */
void kvc_sinusoids(float *table, size_t n, size_t C);

/* (a, b) = (a cos - b sin, b cos + a sin) for the pairs of every head, in place
 *   x: [rows, heads, D]   turns: [rows, r], r <= D */
void kvc_rotate(float *restrict x, const float *restrict turns, size_t rows, size_t heads,
                size_t D, size_t r);

#endif
