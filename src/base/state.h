/* state.h - saved states: a header, little-endian numbers, a checksum.
 *
 *     bytes  4  what it is, in letters
 *            4  version
 *            8  length of all this, in bytes
 *            8  fingerprint of the model
 *            .  what the one who saves writes
 *            8  checksum: FNV-1a 64 of everything before it
 *
 * "Ask, then give": what writes a state runs twice, first without memory to learn its
 * length. */
#ifndef KVC_STATE_H
#define KVC_STATE_H

#include "kvc.h"

enum { KVC_STATE_VERSION = 1 };

/* FNV-1a 64 of n bytes, going on from hash; KVC_FNV_START at first. */
#define KVC_FNV_START 0xcbf29ce484222325u
uint64_t kvc_fnv1a(uint64_t hash, const void *data, size_t n);

typedef struct kvc_writer {
    unsigned char *bytes; /* NULL while asking */
    size_t used;
} kvc_writer;

void kvc_write_u32(kvc_writer *writer, uint32_t value);
void kvc_write_u64(kvc_writer *writer, uint64_t value);
/* words: [n] floats or 32-bit integers */
void kvc_write_words(kvc_writer *writer, const void *words, size_t n);
/* n bytes for somebody else to fill; NULL while asking. */
unsigned char *kvc_write_space(kvc_writer *writer, size_t n);

/* The header and the checksum around a state; end: once everything is written.
 *   letters: [4] */
void kvc_write_begin(kvc_writer *writer, const char *letters, uint64_t fingerprint);
void kvc_write_end(kvc_writer *writer);

/* Reads what is there; beyond the end come zeros, and failed stays set. */
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
/* words: [n] out, not touched where fewer are there */
void kvc_read_words(kvc_reader *reader, void *words, size_t n);
/* The next n bytes, NULL where fewer are there. */
const unsigned char *kvc_read_space(kvc_reader *reader, size_t n);

/* True where everything was there and nothing is left. */
static inline bool kvc_read_end(const kvc_reader *reader)
{
    return !reader->failed && reader->left == 0;
}

#endif
