/* cache_save.c - a cache alone as bytes, within the header and checksum of state.h. */
#include "cache/cache_state.h"

static void write_all(const kvc_cache *cache, uint64_t fingerprint, kvc_writer *writer)
{
    kvc_write_begin(writer, "KVCC", fingerprint);
    kvc_cache_write_state(cache, writer);
    kvc_write_end(writer);
}

size_t kvc_cache_state_bytes(const kvc_cache *cache)
{
    kvc_writer writer = {0};
    write_all(cache, 0, &writer);
    return writer.used;
}

kvc_error kvc_cache_save(const kvc_cache *cache, uint64_t fingerprint, void *state,
                         size_t bytes)
{
    if (!cache || !state)
        return KVC_ERR_INVALID_ARGUMENT;
    if (bytes < kvc_cache_state_bytes(cache))
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_writer writer = {.bytes = state};
    write_all(cache, fingerprint, &writer);
    return KVC_OK;
}

kvc_error kvc_cache_restore(kvc_cache *cache, uint64_t fingerprint, const void *state,
                            size_t bytes)
{
    kvc_reader reader;
    if (!cache || !state)
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_error error = kvc_read_begin(&reader, "KVCC", fingerprint, state, bytes);
    if (error)
        return error;
    kvc_reader checked = reader;
    error = kvc_cache_check_state(cache, &checked);
    if (!error && !kvc_read_end(&checked))
        error = KVC_ERR_STATE_INVALID;
    if (!error)
        kvc_cache_read_state(cache, &reader);
    return error;
}
