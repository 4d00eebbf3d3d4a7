/* cache_state.h - the cache within a saved state, in 32-bit words apart from the vectors:
 *
 *     n_layer, n_kv_head, head_dim, key_type, value_type, B
 *     for each sequence: its length, then its pages, numbered in order of appearance
 *     for each page by number, layer and head: K, then V of the slots that hold tokens of
 *     any sequence, as they are stored
 *
 * Where there are windows, the highest bit of n_layer is set; the window and two words of
 * its layers come before B; these pages are those of the other layers; and those of the
 * layers with a window follow in the same way, with the number of pages that a sequence
 * gave back in the place of its length.
 *
 * Where slots have moved, the next bit of n_layer is set; each length is followed by what
 * is gone of the text and how long the text was then; and each page begins with the
 * places of its slots, text and written.
 *
 * Where looks are counted (kvc_looks), the highest bit of value_type is set, and the
 * sums of all slots that hold tokens come last, 64 bits each, sequence by sequence.
 *
 * Two caches that hold and share the same have the same bytes, whatever their capacity
 * and whatever else happened in them. */
#ifndef KVC_CACHE_STATE_H
#define KVC_CACHE_STATE_H

#include "base/state.h"
#include "cache/cache.h"

void kvc_cache_write_state(const kvc_cache *cache, kvc_writer *writer);

/* Checks the whole cache that comes next and leaves the reader behind it; the cache does
 * not change. Errors: STATE_INVALID, STATE_FOREIGN (other layers, heads, head_dim or
 * types), CACHE_FULL (more sequences or tokens than the cache has room for, or a token
 * written for a place that it does not have). */
kvc_error kvc_cache_check_state(const kvc_cache *cache, kvc_reader *reader);

/* Takes over a state that has been checked; the reader is where the check began. */
void kvc_cache_read_state(kvc_cache *cache, kvc_reader *reader);

#endif
