#include "base/number.h"

static const uint64_t FNV_PRIME = 0x100000001b3u;

uint64_t kvc_fnv1a(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * FNV_PRIME;
    return hash;
}

uint64_t kvc_fnv1a_words(uint64_t hash, const void *words, size_t n)
{
    const unsigned char *p = words;
    for (size_t i = 0; i < n; i++) {
        uint32_t word;
        memcpy(&word, p + i * sizeof word, sizeof word);
        hash = (hash ^ word) * FNV_PRIME;
    }
    return kvc_fnv1a_fold(hash);
}
