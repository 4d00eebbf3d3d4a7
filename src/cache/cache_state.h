/* cache_state.h - the cache within a saved state, in words of 32 bits but for the numbers:
 *
 *     n_layer, n_kv_head, head_dim, key_type, value_type, B
 *     each sequence: length, then the pages of its tokens, numbered as they first come up
 *     each page in the order of its number: per layer and head K, then V of the slots that
 *     hold tokens of some sequence, each vector as it is stored
 *
 * Two caches that hold and share the same have the same bytes, whatever their capacity and
 * whatever else happened in them. */
#ifndef KVC_CACHE_STATE_H
#define KVC_CACHE_STATE_H

#include "base/state.h"
#include "cache/cache.h"

void kvc_cache_write_state(const kvc_cache *cache, kvc_writer *writer);

/* Checks the cache that comes next, all of it, and leaves the reader behind it; the cache
 * stays as it is. Errors: STATE_INVALID, STATE_FOREIGN (layers, heads, head_dim, types),
 * CACHE_FULL (more sequences or tokens than the cache has room for). */
kvc_error kvc_cache_check_state(const kvc_cache *cache, kvc_reader *reader);

/* Takes over a state that has been checked, from where the check began. */
void kvc_cache_read_state(kvc_cache *cache, kvc_reader *reader);

#endif
