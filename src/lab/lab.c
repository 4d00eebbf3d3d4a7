/* lab.c - which bug is switched on, and what wrong lines call. Part of the lab build
 * only. */
#include "lab/lab.h"

#include <string.h>

#include "base/number.h"
#include "session/session.h"

int kvc_lab_bug;

void kvc_lab_set(int bug)
{
    kvc_lab_bug = bug;
}

size_t kvc_lab_seam(const kvc_session *s, size_t common, size_t T)
{
    const size_t page =
        common > 0 ? kvc_cache_page(s->cache, s->selected, common - 1) : SIZE_MAX;
    const bool at_edge = common % KVC_PAGE == 0 && page != SIZE_MAX &&
                         kvc_cache_history(s->cache)->holders[page] > 1;
    const bool goes_on = common < kvc_min(T, kvc_selected(s)->position);
    return at_edge && goes_on ? common + 1 : common;
}

kvc_error kvc_lab_slide(kvc_session *s, size_t first, size_t n)
{
    kvc_sequence *seq = kvc_selected(s);
    const kvc_error error = kvc_cache_evict(s->cache, s->selected, first, n);
    if (error)
        return error;
    seq->position -= n;
    memmove(seq->ids + first, seq->ids + first + n,
            (seq->position - first) * sizeof *seq->ids);
    return KVC_OK;
}
