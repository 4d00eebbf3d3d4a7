/* wasm_cache.c - the flat ABI: looking into a cache, a session's or one of its own. */
#include "wasm/wasm.h"

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

void EXPORT(kvc_wasm_cache_listen)(kvc_cache *cache, kvc_event *events, size_t capacity)
{
    kvc_cache_listen(cache, events, capacity);
}

/* Returns how many; mailbox.words[0]: how many more were lost */
size_t EXPORT(kvc_wasm_cache_take_events)(kvc_cache *cache)
{
    size_t lost;
    const size_t taken = kvc_cache_take_events(cache, &lost);
    mailbox.words[0] = (uint32_t)lost;
    return taken;
}
