/* wasm_cache.c - the flat ABI: looking into a cache, a session's or one of its own. */
#include "wasm.h"

size_t EXPORT(kvc_wasm_cache_length)(const kvc_cache *cache, size_t b)
{
    return kvc_cache_length(cache, b);
}

size_t EXPORT(kvc_wasm_cache_page)(const kvc_cache *cache, size_t b, size_t slot)
{
    return kvc_cache_page(cache, b, slot);
}

kvc_error EXPORT(kvc_wasm_cache_read)(const kvc_cache *cache, size_t b, size_t layer,
                                      size_t head, size_t first, size_t n, float *k,
                                      float *v)
{
    return kvc_cache_read(cache, b, layer, head, first, n, k, v);
}
