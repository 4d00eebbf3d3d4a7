/* vectors.h - the K or V vectors of one page of one head: KVC_PAGE of D numbers.
 *
 * Numbers lie in words of 32 bits, G to a word (kernels/narrow.h), [n / G][lanes] words:
 *
 *     keys     a word has G channels of a slot, slots are lanes: scores read one channel
 *              of many slots side by side, so that no sum is ever reassociated
 *     values   a word has a channel of G slots, channels are lanes: the weighted sum
 *              reads a slot's channels side by side
 *
 * Numbers are F32, F16, I8 or I4. Behind the numbers of I8 there is the scale of each
 * slot, [16] floats; behind those of I4 one for each 32 channels of it, [D/32][16]
 * halves. A number that is not finite makes its whole vector NaN, except in F32. */
#ifndef KVC_VECTORS_H
#define KVC_VECTORS_H

#include "kvc.h"

typedef struct kvc_format {
    kvc_dtype type;
    size_t head_dim; /* D, a multiple of 4 */
    bool keys;       /* or values */
    uint32_t log_per_word;
    size_t per_word;     /* G */
    size_t channels;     /* D rounded up to whole words */
    size_t block;        /* channels that share a scale */
    size_t blocks;       /* of a slot; 0: no scales */
    size_t vector_bytes; /* of one slot, its scales included */
} kvc_format;

kvc_format kvc_key_format(kvc_dtype type, size_t head_dim);
kvc_format kvc_value_format(kvc_dtype type, size_t head_dim);

/* One slot from and to floats.   x: [D]   slot: 0 .. KVC_PAGE - 1 */
void kvc_vector_store(const kvc_format *format, void *page, size_t slot, const float *x);
void kvc_vector_load(const kvc_format *format, const void *page, size_t slot, float *x);

/* One number of it, without a scale. */
float kvc_vector_number(const kvc_format *format, const void *page, size_t slot,
                        size_t channel);

/* The stored bits of one slot: numbers, then scales.   bytes: [vector_bytes] */
void kvc_vector_pack(const kvc_format *format, const void *page, size_t slot,
                     unsigned char *bytes);
void kvc_vector_unpack(const kvc_format *format, void *page, size_t slot,
                       const unsigned char *bytes);

/* Copies the stored bits of one slot into another, of the same page or not. */
void kvc_vector_move(const kvc_format *format, void *to, size_t to_slot, const void *from,
                     size_t from_slot);

/* Fills a slot with NaN. */
void kvc_vector_poison(const kvc_format *format, void *page, size_t slot);

/* Words of a row of a page. */
static inline size_t kvc_page_lanes(const kvc_format *f)
{
    return f->keys ? KVC_PAGE : f->head_dim;
}

/* Where the scales of a page begin. */
static inline const void *kvc_page_scales(const kvc_format *f, const void *page)
{
    return (const unsigned char *)page + KVC_PAGE * f->channels * 4 / f->per_word;
}

#endif
