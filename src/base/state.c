#include "base/state.h"

#include <string.h>

#include "base/number.h"

enum { HEADER = 24, LENGTH_AT = 8, CHECKSUM = 8 };

static void store_u32(unsigned char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(value >> 8 * i);
}

static uint32_t load_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static uint64_t load_u64(const unsigned char *p)
{
    return load_u32(p) | (uint64_t)load_u32(p + 4) << 32;
}

/* ---- writing ----------------------------------------------------------------------- */

unsigned char *kvc_write_space(kvc_writer *w, size_t n)
{
    unsigned char *p = w->bytes ? w->bytes + w->used : NULL;
    w->used += n;
    return p;
}

void kvc_write_words(kvc_writer *w, const void *words, size_t n)
{
    unsigned char *p = kvc_write_space(w, 4 * n);
    const unsigned char *from = words;
    for (size_t i = 0; i < n && p; i++) {
        uint32_t word;
        memcpy(&word, from + 4 * i, sizeof word);
        store_u32(p + 4 * i, word);
    }
}

void kvc_write_u32(kvc_writer *w, uint32_t value)
{
    kvc_write_words(w, &value, 1);
}

void kvc_write_u64(kvc_writer *w, uint64_t value)
{
    kvc_write_u32(w, (uint32_t)value);
    kvc_write_u32(w, (uint32_t)(value >> 32));
}

void kvc_write_begin(kvc_writer *w, const char *letters, uint64_t fingerprint)
{
    unsigned char *p = kvc_write_space(w, 4);
    if (p)
        memcpy(p, letters, 4);
    kvc_write_u32(w, KVC_STATE_VERSION);
    kvc_write_u64(w, 0); /* the length: kvc_write_end fills it in */
    kvc_write_u64(w, fingerprint);
}

void kvc_write_end(kvc_writer *w)
{
    kvc_writer length = {.bytes = w->bytes, .used = LENGTH_AT};
    kvc_write_u64(&length, w->used + CHECKSUM);
    kvc_write_u64(w, w->bytes ? kvc_fnv1a(KVC_FNV_START, w->bytes, w->used) : 0);
}

/* ---- reading ----------------------------------------------------------------------- */

const unsigned char *kvc_read_space(kvc_reader *r, size_t n)
{
    r->failed = r->failed || n > r->left;
    if (r->failed)
        return NULL;
    const unsigned char *p = r->bytes;
    r->bytes += n;
    r->left -= n;
    return p;
}

void kvc_read_words(kvc_reader *r, void *words, size_t n)
{
    if (n > r->left / 4)
        r->failed = true;
    const unsigned char *p = r->failed ? NULL : kvc_read_space(r, 4 * n);
    unsigned char *to = words;
    for (size_t i = 0; i < n && p; i++) {
        const uint32_t word = load_u32(p + 4 * i);
        memcpy(to + 4 * i, &word, sizeof word);
    }
}

uint32_t kvc_read_u32(kvc_reader *r)
{
    uint32_t value = 0;
    kvc_read_words(r, &value, 1);
    return value;
}

uint64_t kvc_read_u64(kvc_reader *r)
{
    const uint64_t low = kvc_read_u32(r);
    return low | (uint64_t)kvc_read_u32(r) << 32;
}

kvc_error kvc_read_begin(kvc_reader *r, const char *letters, uint64_t fingerprint,
                         const void *state, size_t bytes)
{
    const unsigned char *p = state;
    if (bytes < HEADER + CHECKSUM || memcmp(p, letters, 4) != 0 ||
        load_u64(p + LENGTH_AT) != bytes ||
        load_u64(p + bytes - CHECKSUM) != kvc_fnv1a(KVC_FNV_START, p, bytes - CHECKSUM))
        return KVC_ERR_STATE_INVALID;
    *r = (kvc_reader){p + 4, bytes - 4 - CHECKSUM, false};
    if (kvc_read_u32(r) != KVC_STATE_VERSION)
        return KVC_ERR_STATE_FOREIGN;
    kvc_read_u64(r); /* the length, checked above */
    return kvc_read_u64(r) == fingerprint ? KVC_OK : KVC_ERR_STATE_FOREIGN;
}
