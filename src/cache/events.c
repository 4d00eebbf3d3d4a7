#include "cache/events.h"

#include "base/number.h"
#include "cache/cache.h"

void kvc_cache_listen(kvc_cache *cache, kvc_event *events, size_t capacity)
{
    *cache->events = (kvc_events){.list = events, .capacity = capacity};
}

size_t kvc_cache_take_events(kvc_cache *cache, size_t *lost)
{
    kvc_events *events = cache->events;
    const size_t count = events->count;
    if (lost)
        *lost = events->lost;
    events->count = events->lost = 0;
    return count;
}

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

void kvc_events_reuse(const kvc_cache *cache, size_t b, size_t count)
{
    kvc_events_record(cache->events, KVC_EVENT_REUSE, b, SIZE_MAX, 0, count, SIZE_MAX);
}

void kvc_events_write(const kvc_cache *cache, size_t b, size_t layer, size_t first,
                      size_t n)
{
    if (!cache->events->list)
        return;
    const uint32_t *table = kvc_pages_of(&cache->pages, b);
    for (size_t here; n > 0; first += here, n -= here) {
        here = kvc_min(n, KVC_PAGE - first % KVC_PAGE);
        kvc_events_add(cache->events, KVC_EVENT_WRITE, b, layer, first, here,
                       table[first / KVC_PAGE]);
    }
}
