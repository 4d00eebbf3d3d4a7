/* number.h - numbers and their bits: sizes, floats, half floats, hashes. */
#ifndef KVC_NUMBER_H
#define KVC_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t kvc_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t kvc_round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* ---- floats ------------------------------------------------------------------------ */

/* Without their sign, floats are in the order of their bits: first all finite ones, then
 * infinity, then NaN. */
enum { KVC_MAGNITUDE_BITS = 0x7fffffff, KVC_INFINITY_BITS = 0x7f800000 };

/* Adding KVC_ROUNDER, 1.5 * 2^23, to x in -2^22 .. 2^22 rounds it to an integer, ties to
 * even, and leaves that integer in the low bits of the sum. Subtracting KVC_ROUNDER gives
 * it as a float, subtracting KVC_ROUNDER_BITS from the bits as an integer. */
#define KVC_ROUNDER 0x1.8p23f
enum { KVC_ROUNDER_BITS = 0x4b400000 };

static inline uint32_t kvc_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float kvc_float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline bool kvc_is_finite(float x)
{
    return (kvc_float_bits(x) & KVC_MAGNITUDE_BITS) < KVC_INFINITY_BITS;
}

/* ---- floats of a byte -------------------------------------------------------------- */

/* E4M3, exact. The bits, moved to a float's place, are the number times 2^-120; those of
 * the largest magnitude are NaN. */
static inline float kvc_float_from_e4m3(uint8_t byte)
{
    const uint32_t sign = byte & 0x80u, magnitude = byte & 0x7fu;
    const float value = kvc_float_from_bits(sign << 24 | magnitude << 20) * 0x1p120f;
    return magnitude == 0x7f ? kvc_float_from_bits(KVC_MAGNITUDE_BITS) : value;
}

/* ---- half floats (IEEE 754 binary16), in which nothing is infinite ----------------- */

/* The nearest half, ties to even; +-65504 beyond that; NaN where x is not finite. */
static inline uint16_t kvc_half_from_float(float x)
{
    const uint32_t sign = kvc_float_bits(x) >> 16 & 0x8000;
    const uint32_t a = kvc_float_bits(x) & KVC_MAGNITUDE_BITS;
    uint32_t half;
    if (a >= KVC_INFINITY_BITS)
        half = 0x7fff;
    else if (a >= kvc_float_bits(65504.0f))
        half = 0x7bff;
    else if (a >= kvc_float_bits(0x1p-14f)) /* re-bias the exponent, drop 13 bits */
        half = (a - (112u << 23) + 0xfff + (a >> 13 & 1)) >> 13;
    else /* subnormal: the ulp of 0.5 is the unit, 2^-24 */
        half = kvc_float_bits(kvc_float_from_bits(a) + 0.5f) - kvc_float_bits(0.5f);
    return (uint16_t)(sign | half);
}

/* Exact; infinity becomes NaN. The bits of a half, moved to a float's place, are the
 * number times 2^-112. From 65536 on, where no number is, 2^112 times that is infinite,
 * and infinity less itself is NaN. */
static inline float kvc_float_from_half(uint16_t half)
{
    const uint32_t sign = half & 0x8000u, magnitude = half & 0x7fffu;
    const float value = kvc_float_from_bits(sign << 16 | magnitude << 13) * 0x1p112f;
    const float high = value * 0x1p112f;
    return value - (high - high);
}

/* ---- hashes ------------------------------------------------------------------------ */

/* FNV-1a 64 (Fowler, Noll & Vo 1991) of n bytes, continuing from hash: KVC_FNV_START at
 * first. */
#define KVC_FNV_START 0xcbf29ce484222325u
uint64_t kvc_fnv1a(uint64_t hash, const void *data, size_t n);

/* The same in steps of 32 bits, the high half of the hash folded into the low one at the
 * end. Each step is a bijection of the hash, so no single change goes unseen.
 *   words: [n] floats or 32-bit integers */
uint64_t kvc_fnv1a_words(uint64_t hash, const void *words, size_t n);

/* Folds the high half into the low one, or undoes that: words that lie in pieces have one
 * hash if it is undone between them. */
static inline uint64_t kvc_fnv1a_fold(uint64_t hash)
{
    return hash ^ hash >> 32;
}

#endif
