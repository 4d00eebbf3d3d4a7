/* cache.h - inside the KV cache.
 *
 * Per layer, sequence and KV head lie S * D floats of K, then S * D floats of V:
 *   V is [S, D]: the weighted sum reads a slot's channels side by side.
 *   K is in panels of 16 slots, [S/16][D][16], the last one narrower: scores read one
 *   channel of many slots side by side, so that vector lanes are slots and no sum is ever
 *   reassociated. */
#ifndef KVC_CACHE_H
#define KVC_CACHE_H

#include "arena.h"
#include "kvc.h"

enum { KVC_KEY_PANEL = 16 };

struct kvc_cache {
    kvc_cache_shape shape;
    size_t *length; /* [B] */
    float *slots;   /* [L, B, H, 2, S * D] */
};

/* Lays a cache into an arena: NULL while asking. The shape is checked already. */
kvc_cache *kvc_cache_layout(kvc_arena *arena, const kvc_cache_shape *shape);

/* K (then V, S * D floats on) of one head. */
float *kvc_cache_head(const kvc_cache *cache, size_t b, size_t layer, size_t head);

/* kvc_cache_append at a position of the caller's choice; arguments are checked
 * already. */
void kvc_cache_write(kvc_cache *cache, size_t b, size_t layer, size_t position, size_t T,
                     const float *k, const float *v, size_t stride);

/* Slots side by side in the key panel that starts at slot first. */
static inline size_t kvc_key_panel_width(const kvc_cache *cache, size_t first)
{
    return kvc_min(KVC_KEY_PANEL, cache->shape.capacity - first);
}

#endif
