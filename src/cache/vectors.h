/* vectors.h - the K or V vectors of one page of one head: KVC_PAGE of D numbers.
 *
 *   keys     [D][16]: scores read one channel of many slots side by side, so that vector
 *            lanes are slots and no sum is ever reassociated
 *   values   [16][D]: the weighted sum reads a slot's channels side by side
 *
 * Numbers are F32, F16 or I8; an I8 page ends with the scales of its slots, [16] floats.
 * In F16 a number that is not finite becomes NaN, in I8 its whole vector does. */
#ifndef KVC_VECTORS_H
#define KVC_VECTORS_H

#include "kvc.h"

typedef struct kvc_format {
    kvc_dtype type;
    size_t head_dim;                /* D, a multiple of 4 */
    size_t slot_step, channel_step; /* numbers from slot to slot, channel to channel */
    size_t vector_bytes;            /* of one slot, its scale included */
} kvc_format;

kvc_format kvc_key_format(kvc_dtype type, size_t head_dim);
kvc_format kvc_value_format(kvc_dtype type, size_t head_dim);

/* One slot from and to floats.   x: [D]   slot: 0 .. KVC_PAGE - 1 */
void kvc_vector_store(const kvc_format *format, void *page, size_t slot, const float *x);
void kvc_vector_load(const kvc_format *format, const void *page, size_t slot, float *x);

/* The stored bits of one slot: numbers, then scale.   bytes: [vector_bytes] */
void kvc_vector_pack(const kvc_format *format, const void *page, size_t slot,
                     unsigned char *bytes);
void kvc_vector_unpack(const kvc_format *format, void *page, size_t slot,
                       const unsigned char *bytes);

/* Copies the stored bits of one slot into another, of the same page or not. */
void kvc_vector_move(const kvc_format *format, void *to, size_t to_slot, const void *from,
                     size_t from_slot);

/* Fills a slot with NaN. */
void kvc_vector_poison(const kvc_format *format, void *page, size_t slot);

/* A page of F16 or I8 as floats in the same order.   out: [16 * D] */
void kvc_page_widen(const kvc_format *format, float *restrict out, const void *page);

#endif
