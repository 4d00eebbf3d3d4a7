/* state.h - saved states: a header, little-endian numbers, a checksum.
 *
 *     bytes  4  letters that say what it is
 *            4  version
 *            8  length of the whole state, in bytes
 *            8  fingerprint of the model
 *            .  the body
 *            8  checksum: FNV-1a 64 of everything before it
 *
 * "Ask, then give": the function that writes a state runs twice, first without memory to
 * learn its length. */
#ifndef KVC_STATE_H
#define KVC_STATE_H

#include "kvc.h"

enum { KVC_STATE_VERSION = 1 };

typedef struct kvc_writer {
    unsigned char *bytes; /* NULL while asking */
    size_t used;
} kvc_writer;

void kvc_write_u32(kvc_writer *writer, uint32_t value);
void kvc_write_u64(kvc_writer *writer, uint64_t value);
/* words: [n] floats or 32-bit integers */
void kvc_write_words(kvc_writer *writer, const void *words, size_t n);
/* Room for n bytes, which the caller fills; NULL while asking. */
unsigned char *kvc_write_space(kvc_writer *writer, size_t n);

/* The header; and, after the body, the length and the checksum.   letters: [4] */
void kvc_write_begin(kvc_writer *writer, const char *letters, uint64_t fingerprint);
void kvc_write_end(kvc_writer *writer);

/* Reads zeros beyond the end; failed stays set from then on. */
typedef struct kvc_reader {
    const unsigned char *bytes;
    size_t left;
    bool failed;
} kvc_reader;

/* Checks header and checksum and leaves the reader between them. Errors: STATE_INVALID,
 * STATE_FOREIGN (another version or fingerprint). */
kvc_error kvc_read_begin(kvc_reader *reader, const char *letters, uint64_t fingerprint,
                         const void *state, size_t bytes);
uint32_t kvc_read_u32(kvc_reader *reader);
uint64_t kvc_read_u64(kvc_reader *reader);
/* words: [n] out, left alone if fewer remain */
void kvc_read_words(kvc_reader *reader, void *words, size_t n);
/* The next n bytes; NULL if fewer remain. */
const unsigned char *kvc_read_space(kvc_reader *reader, size_t n);

/* True if every read succeeded and nothing is left. */
static inline bool kvc_read_end(const kvc_reader *reader)
{
    return !reader->failed && reader->left == 0;
}

#endif
