/* events.h - what happens in a cache, for who listens. Nobody listening costs one test of
 * a pointer. */
#ifndef KVC_EVENTS_H
#define KVC_EVENTS_H

#include "kvc.h"

typedef struct kvc_events {
    kvc_event *list; /* [capacity] of the listener; NULL: nobody listens */
    size_t capacity, count, lost;
} kvc_events;

void kvc_events_add(kvc_events *events, kvc_event_type type, size_t sequence,
                    size_t layer, size_t first, size_t count, size_t page);

static inline void kvc_events_record(kvc_events *events, kvc_event_type type,
                                     size_t sequence, size_t layer, size_t first,
                                     size_t count, size_t page)
{
    if (events->list)
        kvc_events_add(events, type, sequence, layer, first, count, page);
}

/* A new prompt begins with `count` tokens that sequence b holds. */
void kvc_events_reuse(const kvc_cache *cache, size_t b, size_t count);

/* n slots from `first` on: one WRITE for each page. */
void kvc_events_write(const kvc_cache *cache, size_t b, size_t layer, size_t first,
                      size_t n);

#endif
