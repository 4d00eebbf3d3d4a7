#include "cache/vectors.h"

#include <float.h>
#include <string.h>

#include "base/number.h"
#include "base/simd.h"
#include "kernels/narrow.h"

enum { BLOCK = 32 }; /* channels of I4 that share a scale */

static size_t scale_bytes(const kvc_format *f)
{
    return f->type == KVC_I4 ? sizeof(uint16_t) : sizeof(float);
}

static kvc_format format_of(kvc_dtype type, size_t D, bool keys)
{
    kvc_format f = {.type = type, .head_dim = D, .keys = keys};
    f.log_per_word = type == KVC_F16 ? 1 : type == KVC_I8 ? 2 : type == KVC_I4 ? 3 : 0;
    f.per_word = (size_t)1 << f.log_per_word;
    f.channels = kvc_round_up(D, f.per_word);
    f.block = type == KVC_I4 ? BLOCK : D;
    f.blocks = f.per_word < KVC_BYTES ? 0 : D / f.block + (D % f.block != 0);
    f.vector_bytes = f.channels * 4 / f.per_word + f.blocks * scale_bytes(&f);
    return f;
}

kvc_format kvc_key_format(kvc_dtype type, size_t head_dim)
{
    return format_of(type, head_dim, true);
}

kvc_format kvc_value_format(kvc_dtype type, size_t head_dim)
{
    return format_of(type, head_dim, false);
}

/* ---- bits -------------------------------------------------------------------------- */

/* All bits of one number. */
static uint32_t bits_of(const kvc_format *f)
{
    return UINT32_MAX >> (32 - (32 >> f->log_per_word));
}

/* The integer that stands for 0. */
static uint32_t zero_of(const kvc_format *f)
{
    return bits_of(f) / 2 + 1;
}

/* Where number i of a word begins. */
static uint32_t shift_of(const kvc_format *f, size_t i)
{
    return (uint32_t)(i % 2 * 16 + i / 2 * (32u >> f->log_per_word));
}

/* The word that a number is in, and which number of it that is. */
static size_t word_of(const kvc_format *f, size_t slot, size_t d, size_t *i)
{
    const size_t k = f->keys ? d : slot, lane = f->keys ? slot : d;
    *i = k & (f->per_word - 1);
    return (k >> f->log_per_word) * kvc_page_lanes(f) + lane;
}

static uint32_t get(const kvc_format *f, const void *page, size_t slot, size_t d)
{
    size_t i;
    const size_t at = word_of(f, slot, d, &i);
    return ((const uint32_t *)page)[at] >> shift_of(f, i) & bits_of(f);
}

static void set(const kvc_format *f, void *page, size_t slot, size_t d, uint32_t bits)
{
    size_t i;
    uint32_t *word = (uint32_t *)page + word_of(f, slot, d, &i);
    *word = (*word & ~(bits_of(f) << shift_of(f, i))) | bits << shift_of(f, i);
}

/* The scale of a block of channels. */
static unsigned char *scale_at(const kvc_format *f, const void *page, size_t slot,
                               size_t block)
{
    return (unsigned char *)kvc_page_scales(f, page) +
           (block * KVC_PAGE + slot) * scale_bytes(f);
}

static float get_scale(const kvc_format *f, const void *page, size_t slot, size_t block)
{
    const void *at = scale_at(f, page, slot, block);
    return f->type == KVC_I4 ? kvc_float_from_half(*(const uint16_t *)at)
                             : *(const float *)at;
}

static void set_scale(const kvc_format *f, void *page, size_t slot, size_t block,
                      float scale)
{
    const uint16_t half = kvc_half_from_float(scale);
    memcpy(scale_at(f, page, slot, block),
           f->type == KVC_I4 ? (const void *)&half : &scale, scale_bytes(f));
}

/* ---- numbers ----------------------------------------------------------------------- */

/* What numbers of a block are divided by: I8 makes the largest 127; 0 where that would be
 * subnormal, and such vectors become zeros. I4 makes it -8, of whatever sign it is, and
 * its scale is a half. NaN if any is not finite.   x: [n] */
static float scale_of(const kvc_format *f, const float *x, size_t n)
{
    const uint32_t bits = kvc_largest_bits(x, n);
    const float most =
        kvc_float_from_bits(bits < KVC_INFINITY_BITS ? bits : KVC_MAGNITUDE_BITS);
    size_t i = 0;
    if (f->type == KVC_I8)
        return most / 127.0f < FLT_MIN ? 0.0f : most / 127.0f;
    while (i + 1 < n && (kvc_float_bits(x[i]) & KVC_MAGNITUDE_BITS) != bits)
        i++;
    return kvc_float_from_half(
        kvc_half_from_float(x[i] < 0.0f ? most / 8.0f : most / -8.0f));
}

/* Numbers as integers: x / scale, ties to even, within the limits, and zero added; all
 * zero if the scale is 0 or NaN.   n: a multiple of 4 */
static void integers_of(uint32_t *bits, const float *x, size_t n, float scale,
                        uint32_t zero)
{
    const bool some = kvc_is_finite(scale) && scale != 0.0f;
    const v128_t divisor = wasm_f32x4_splat(scale);
    const v128_t first = wasm_i32x4_splat((int32_t)(KVC_ROUNDER_BITS - zero));
    const v128_t least = wasm_f32x4_splat(-(float)zero);
    const v128_t most = wasm_f32x4_splat((float)(zero - 1));
    for (size_t i = 0; i < n; i += 4) {
        const v128_t ratio = wasm_f32x4_div(wasm_v128_load(x + i), divisor);
        const v128_t within = wasm_f32x4_pmin(wasm_f32x4_pmax(ratio, least), most);
        const v128_t rounded = wasm_f32x4_add(within, wasm_f32x4_splat(KVC_ROUNDER));
        const v128_t four = wasm_i32x4_sub(rounded, first);
        wasm_v128_store(bits + i, some ? four : wasm_i32x4_splat((int32_t)zero));
    }
}

/* kvc_half_from_float, four at a time, of finite numbers; else NaN. */
static void halves_of(uint32_t *bits, const float *x, size_t n, bool finite)
{
    for (size_t i = 0; i < n; i += 4) {
        const v128_t all = wasm_v128_load(x + i), half = wasm_f32x4_splat(0.5f);
        const v128_t a =
            wasm_i32x4_min(wasm_v128_and(all, wasm_i32x4_splat(KVC_MAGNITUDE_BITS)),
                           wasm_f32x4_splat(65504.0f));
        const v128_t odd = wasm_v128_and(wasm_u32x4_shr(a, 13), wasm_i32x4_splat(1));
        const v128_t rest = wasm_i32x4_splat(0xfff - (112 << 23));
        const v128_t normal =
            wasm_u32x4_shr(wasm_i32x4_add(a, wasm_i32x4_add(odd, rest)), 13);
        const v128_t subnormal = wasm_i32x4_sub(wasm_f32x4_add(a, half), half);
        const v128_t up = wasm_i32x4_lt(a, wasm_f32x4_splat(0x1p-14f));
        const v128_t sign =
            wasm_v128_and(wasm_u32x4_shr(all, 16), wasm_i32x4_splat(0x8000));
        const v128_t number =
            wasm_v128_or(sign, wasm_v128_bitselect(subnormal, normal, up));
        wasm_v128_store(bits + i, finite ? number : wasm_i32x4_splat(0x7fff));
    }
}

/* Stores channels first .. first + n - 1 of a slot.   first: a multiple of 32 */
static void put(const kvc_format *f, void *page, size_t slot, size_t first, size_t n,
                const uint32_t *bits)
{
    size_t i;
    uint32_t *word = (uint32_t *)page + word_of(f, slot, first, &i);
    const v128_t all = wasm_i32x4_splat((int32_t)(bits_of(f) << shift_of(f, i)));
    for (size_t d = 0; d < n && !f->keys; d += 4) {
        const v128_t four = wasm_i32x4_shl(wasm_v128_load(bits + d), shift_of(f, i));
        wasm_v128_store(word + d,
                        wasm_v128_bitselect(four, wasm_v128_load(word + d), all));
    }
    for (size_t d = 0; d < n && f->keys; word += KVC_PAGE) {
        *word = 0;
        for (i = 0; i < f->per_word && d < n; i++, d++)
            *word |= bits[d] << shift_of(f, i);
    }
}

static void store_floats(const kvc_format *f, float *page, size_t slot, const float *x)
{
    float *to = f->keys ? page + slot : page + slot * f->head_dim;
    const size_t step = f->keys ? KVC_PAGE : 1;
    for (size_t d = 0; d < f->head_dim; d++)
        to[d * step] = x[d];
}

void kvc_vector_store(const kvc_format *f, void *page, size_t slot, const float *x)
{
    if (f->type == KVC_F32) {
        store_floats(f, page, slot, x);
        return;
    }
    const bool finite = kvc_largest_bits(x, f->head_dim) < KVC_INFINITY_BITS;
    float scale = 0.0f;
    for (size_t first = 0; first < f->head_dim; first += BLOCK, x += BLOCK) {
        const size_t n = kvc_min(BLOCK, f->head_dim - first);
        uint32_t bits[BLOCK];
        if (f->blocks > 0 && first % f->block == 0) {
            scale = scale_of(f, x, kvc_min(f->block, f->head_dim - first));
            set_scale(f, page, slot, first / f->block, scale);
        }
        if (f->type == KVC_F16)
            halves_of(bits, x, n, finite);
        else
            integers_of(bits, x, n, scale, zero_of(f));
        put(f, page, slot, first, n, bits);
    }
}

float kvc_vector_number(const kvc_format *f, const void *page, size_t slot, size_t d)
{
    const uint32_t bits = get(f, page, slot, d);
    return f->type == KVC_F32   ? kvc_float_from_bits(bits)
           : f->type == KVC_F16 ? kvc_float_from_half((uint16_t)bits)
                                : (float)((int32_t)bits - (int32_t)zero_of(f));
}

void kvc_vector_load(const kvc_format *f, const void *page, size_t slot, float *x)
{
    for (size_t d = 0; d < f->head_dim; d++) {
        x[d] = kvc_vector_number(f, page, slot, d);
        if (f->blocks > 0)
            x[d] = x[d] * get_scale(f, page, slot, d / f->block) + 0.0f; /* never -0 */
    }
}

/* Numbers of I8 are signed in what is packed. */
static uint32_t sign_of(const kvc_format *f)
{
    return f->type == KVC_I8 ? zero_of(f) : 0;
}

void kvc_vector_pack(const kvc_format *f, const void *page, size_t slot,
                     unsigned char *bytes)
{
    const size_t width = 32u >> f->log_per_word;
    memset(bytes, 0, f->vector_bytes);
    for (size_t d = 0; d < f->head_dim; d++) {
        const uint32_t bits = (get(f, page, slot, d) ^ sign_of(f)) << d * width % 8;
        for (size_t i = 0; i < (width + 7) / 8; i++)
            bytes[d * width / 8 + i] |= (unsigned char)(bits >> 8 * i);
    }
    bytes += f->channels * width / 8;
    for (size_t b = 0; b < f->blocks; b++, bytes += scale_bytes(f))
        memcpy(bytes, scale_at(f, page, slot, b), scale_bytes(f));
}

void kvc_vector_unpack(const kvc_format *f, void *page, size_t slot,
                       const unsigned char *bytes)
{
    const size_t width = 32u >> f->log_per_word;
    for (size_t d = 0; d < f->head_dim; d++) {
        uint32_t bits = 0;
        for (size_t i = 0; i < (width + 7) / 8; i++)
            bits |= (uint32_t)bytes[d * width / 8 + i] << 8 * i;
        set(f, page, slot, d, (bits >> d * width % 8 ^ sign_of(f)) & bits_of(f));
    }
    bytes += f->channels * width / 8;
    for (size_t b = 0; b < f->blocks; b++, bytes += scale_bytes(f))
        memcpy(scale_at(f, page, slot, b), bytes, scale_bytes(f));
}

void kvc_vector_move(const kvc_format *f, void *to, size_t to_slot, const void *from,
                     size_t from_slot)
{
    for (size_t d = 0; d < f->head_dim; d++)
        set(f, to, to_slot, d, get(f, from, from_slot, d));
    for (size_t b = 0; b < f->blocks; b++)
        memcpy(scale_at(f, to, to_slot, b), scale_at(f, from, from_slot, b),
               scale_bytes(f));
}

void kvc_vector_poison(const kvc_format *f, void *page, size_t slot)
{
    for (size_t d = 0; d < f->head_dim; d++)
        set(f, page, slot, d, bits_of(f));
    for (size_t b = 0; b < f->blocks; b++)
        memset(scale_at(f, page, slot, b), 0xff, scale_bytes(f));
}
