/* events.h - the events of a cache. Off until kvc_cache_listen: nothing is recorded while
 * off, at the cost of testing a pointer. */
#ifndef KVC_EVENTS_H
#define KVC_EVENTS_H

#include "cache/pages.h"
#include "kvc.h"

typedef struct kvc_events {
    kvc_event *list; /* [capacity], the listener's; NULL: off */
    size_t capacity, count, lost;
} kvc_events;

/* Records one event; layer and page are SIZE_MAX where there is none. */
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
void kvc_events_reuse(kvc_events *events, size_t b, size_t count);

/* Slots first .. first + n - 1 of sequence b: one WRITE for each of its pages. */
void kvc_events_write(kvc_events *events, const kvc_pages *pages, size_t b, size_t layer,
                      size_t first, size_t n);

#endif
