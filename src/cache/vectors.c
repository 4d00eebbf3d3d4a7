#include "cache/vectors.h"

#include <float.h>
#include <string.h>

#include "base/number.h"
#include "base/simd.h"

static size_t number_bytes(kvc_dtype type)
{
    return type == KVC_F32 ? sizeof(float) : type == KVC_F16 ? sizeof(uint16_t) : 1;
}

static kvc_format format_of(kvc_dtype type, size_t D, size_t slot_step,
                            size_t channel_step)
{
    const size_t scale = type == KVC_I8 ? sizeof(float) : 0;
    return (kvc_format){type, D, slot_step, channel_step, D * number_bytes(type) + scale};
}

kvc_format kvc_key_format(kvc_dtype type, size_t head_dim)
{
    return format_of(type, head_dim, 1, KVC_PAGE);
}

kvc_format kvc_value_format(kvc_dtype type, size_t head_dim)
{
    return format_of(type, head_dim, head_dim, 1);
}

/* ---- one number -------------------------------------------------------------------- */

/* The constants of widen_halves. */
typedef struct halves {
    v128_t places, up; /* of sign, exponent and fraction in a float; 2^112 */
} halves;

KVC_INLINE halves halves_init(void)
{
    static const uint32_t bits[] = {0x8fffe000, 0x77800000};
    const uint32_t *b = kvc_hidden(bits);
    return (halves){wasm_v128_load32_splat(b), wasm_v128_load32_splat(b + 1)};
}

/* kvc_float_from_half, four at a time. */
KVC_INLINE v128_t widen_halves(const uint16_t *x, halves h)
{
    const v128_t moved = wasm_i32x4_shl(wasm_i32x4_load16x4(x), 13);
    const v128_t value = wasm_f32x4_mul(wasm_v128_and(moved, h.places), h.up);
    const v128_t high = wasm_f32x4_mul(value, h.up);
    return wasm_f32x4_sub(value, wasm_f32x4_sub(high, high));
}

KVC_INLINE v128_t widen_bytes(const int8_t *x)
{
    const v128_t i = wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(x));
    return wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(i));
}

/* max |x| / 127, or NaN; 0 where that would be subnormal, and such vectors become zeros.
 *   x: [D] */
static float scale_of(const float *x, size_t D)
{
    const uint32_t most = kvc_largest_bits(x, D);
    const float scale =
        kvc_float_from_bits(most < KVC_INFINITY_BITS ? most : KVC_MAGNITUDE_BITS) /
        127.0f;
    return scale < FLT_MIN ? 0.0f : scale;
}

/* x / scale to the nearest integer, ties to even; 0 if the scale is 0 or NaN. */
static int8_t to_byte(float x, float scale)
{
    if (!(scale > 0.0f))
        return 0;
    return (int8_t)((int32_t)kvc_float_bits(x / scale + KVC_ROUNDER) - KVC_ROUNDER_BITS);
}

/* ---- one vector -------------------------------------------------------------------- */

static size_t offset(const kvc_format *f, size_t slot)
{
    return slot * f->slot_step * number_bytes(f->type);
}

static size_t scale_offset(const kvc_format *f, size_t slot)
{
    return KVC_PAGE * f->head_dim + slot * sizeof(float);
}

void kvc_vector_store(const kvc_format *f, void *page, size_t slot, const float *x)
{
    const size_t D = f->head_dim, step = f->channel_step;
    void *at = (unsigned char *)page + offset(f, slot);
    if (f->type == KVC_F32) {
        for (size_t d = 0; d < D; d++)
            ((float *)at)[d * step] = x[d];
    } else if (f->type == KVC_F16) {
        for (size_t d = 0; d < D; d++)
            ((uint16_t *)at)[d * step] = kvc_half_from_float(x[d]);
    } else {
        const float scale = scale_of(x, D);
        memcpy((unsigned char *)page + scale_offset(f, slot), &scale, sizeof scale);
        for (size_t d = 0; d < D; d++)
            ((int8_t *)at)[d * step] = to_byte(x[d], scale);
    }
}

void kvc_vector_load(const kvc_format *f, const void *page, size_t slot, float *x)
{
    const size_t D = f->head_dim, step = f->channel_step;
    const void *at = (const unsigned char *)page + offset(f, slot);
    float scale = 1.0f;
    if (f->type == KVC_I8)
        memcpy(&scale, (const unsigned char *)page + scale_offset(f, slot), sizeof scale);
    for (size_t d = 0; d < D; d++) {
        if (f->type == KVC_F32) {
            x[d] = ((const float *)at)[d * step];
        } else if (f->type == KVC_F16) {
            x[d] = kvc_float_from_half(((const uint16_t *)at)[d * step]);
        } else {
            x[d] = scale * (float)((const int8_t *)at)[d * step];
        }
    }
}

/* Copies D numbers of `size` bytes; steps count numbers. */
static void copy_numbers(size_t D, size_t size, unsigned char *to, size_t to_step,
                         const unsigned char *from, size_t from_step)
{
    for (size_t d = 0; d < D; d++)
        memcpy(to + d * to_step * size, from + d * from_step * size, size);
}

void kvc_vector_pack(const kvc_format *f, const void *page, size_t slot,
                     unsigned char *bytes)
{
    const unsigned char *from = page;
    const size_t size = number_bytes(f->type), D = f->head_dim;
    copy_numbers(D, size, bytes, 1, from + offset(f, slot), f->channel_step);
    if (f->type == KVC_I8)
        memcpy(bytes + D, from + scale_offset(f, slot), sizeof(float));
}

void kvc_vector_unpack(const kvc_format *f, void *page, size_t slot,
                       const unsigned char *bytes)
{
    unsigned char *to = page;
    const size_t size = number_bytes(f->type), D = f->head_dim;
    copy_numbers(D, size, to + offset(f, slot), f->channel_step, bytes, 1);
    if (f->type == KVC_I8)
        memcpy(to + scale_offset(f, slot), bytes + D, sizeof(float));
}

void kvc_vector_move(const kvc_format *f, void *to, size_t to_slot, const void *from,
                     size_t from_slot)
{
    const unsigned char *source = from;
    unsigned char *target = to;
    const size_t size = number_bytes(f->type), step = f->channel_step;
    copy_numbers(f->head_dim, size, target + offset(f, to_slot), step,
                 source + offset(f, from_slot), step);
    if (f->type == KVC_I8)
        memcpy(target + scale_offset(f, to_slot), source + scale_offset(f, from_slot),
               sizeof(float));
}

void kvc_vector_poison(const kvc_format *f, void *page, size_t slot)
{
    const size_t size = number_bytes(f->type);
    unsigned char *at = (unsigned char *)page + offset(f, slot);
    for (size_t d = 0; d < f->head_dim; d++)
        memset(at + d * f->channel_step * size, 0xff, size);
    if (f->type == KVC_I8)
        memset((unsigned char *)page + scale_offset(f, slot), 0xff, sizeof(float));
}

/* ---- a whole page ------------------------------------------------------------------ */

static void widen_page_of_halves(float *restrict out, const uint16_t *x, size_t n)
{
    const halves h = halves_init();
    for (size_t i = 0; i < n; i += 4)
        wasm_v128_store(out + i, widen_halves(x + i, h));
}

/* A scale belongs to a lane where slots lie side by side (keys), to D successive numbers
 * where channels do (values). */
static void widen_page_of_bytes(float *restrict out, const int8_t *x, const float *scales,
                                size_t D, bool slots_side_by_side)
{
    if (slots_side_by_side) {
        v128_t s[4];
        for (size_t c = 0; c < 4; c++)
            s[c] = wasm_v128_load(scales + 4 * c);
        for (size_t d = 0; d < D; d++, x += KVC_PAGE, out += KVC_PAGE)
            for (size_t c = 0; c < 4; c++)
                wasm_v128_store(out + 4 * c,
                                wasm_f32x4_mul(s[c], widen_bytes(x + 4 * c)));
    } else
        for (size_t slot = 0; slot < KVC_PAGE; slot++) {
            const v128_t scale = wasm_v128_load32_splat(scales + slot);
            for (size_t i = 0; i < D; i += 4, x += 4, out += 4)
                wasm_v128_store(out, wasm_f32x4_mul(scale, widen_bytes(x)));
        }
}

void kvc_page_widen(const kvc_format *f, float *restrict out, const void *page)
{
    const size_t n = KVC_PAGE * f->head_dim;
    if (f->type == KVC_F16)
        widen_page_of_halves(out, page, n);
    else
        widen_page_of_bytes(out, page, (const void *)((const int8_t *)page + n),
                            f->head_dim, f->slot_step == 1);
}
