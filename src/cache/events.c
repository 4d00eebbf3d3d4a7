#include "cache/events.h"

#include "base/number.h"

void kvc_events_add(kvc_events *events, kvc_event_type type, size_t sequence,
                    size_t layer, size_t first, size_t count, size_t page)
{
    if (events->count == events->capacity) {
        events->lost++;
        return;
    }
    events->list[events->count++] = (kvc_event){
        .type = type,
        .sequence = (uint32_t)sequence,
        .layer = (uint32_t)layer, /* SIZE_MAX becomes UINT32_MAX, here and in page */
        .first = (uint32_t)first,
        .count = (uint32_t)count,
        .page = (uint32_t)page};
}

void kvc_events_reuse(kvc_events *events, size_t b, size_t count)
{
    kvc_events_record(events, KVC_EVENT_REUSE, b, SIZE_MAX, 0, count, SIZE_MAX);
}

void kvc_events_write(kvc_events *events, const kvc_pages *pages, size_t b, size_t layer,
                      size_t first, size_t n)
{
    if (!events->list)
        return;
    const uint32_t *table = kvc_pages_of(pages, b);
    for (size_t here; n > 0; first += here, n -= here) {
        here = kvc_min(n, KVC_PAGE - first % KVC_PAGE);
        kvc_events_add(events, KVC_EVENT_WRITE, b, layer, first, here,
                       table[first / KVC_PAGE]);
    }
}
