#include "cache/pages.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

kvc_pages kvc_pages_layout(kvc_arena *arena, size_t n_sequence, size_t capacity,
                           size_t most)
{
    kvc_pages p = {.n_sequence = n_sequence, .per_sequence = kvc_pages_for(capacity)};
    if (n_sequence > UINT32_MAX / KVC_PAGE / p.per_sequence)
        arena->overflow = true; /* or slots and pages would not fit 32 bits */
    const size_t entries = n_sequence * p.per_sequence;
    p.total = n_sequence * kvc_min(most, p.per_sequence);
    p.held = kvc_take(arena, n_sequence, sizeof *p.held);
    p.freed = kvc_take(arena, n_sequence, sizeof *p.freed);
    p.next_freed = kvc_take(arena, n_sequence, sizeof *p.next_freed);
    p.table = kvc_take(arena, entries, sizeof *p.table);
    p.holders = kvc_take(arena, p.total, sizeof *p.holders);
    p.scratch = kvc_take(arena, entries, sizeof *p.scratch);
    p.filled = kvc_take(arena, p.total, sizeof *p.filled);
    return p;
}

void kvc_pages_clear(kvc_pages *p)
{
    memset(p->held, 0, p->n_sequence * sizeof *p->held);
    memset(p->freed, 0, p->n_sequence * sizeof *p->freed);
    memset(p->holders, 0, p->total * sizeof *p->holders);
}

static uint32_t take_free(kvc_pages *p)
{
    uint32_t page = 0;
    while (p->holders[page] != 0) {
        page++;
        assert(page < p->total); /* pages.h says why */
    }
    p->holders[page] = 1;
    return page;
}

void kvc_pages_add(kvc_pages *p, size_t b)
{
    assert(p->held[b] < p->per_sequence);
    kvc_pages_of(p, b)[p->held[b]++] = take_free(p);
}

uint32_t kvc_pages_replace(kvc_pages *p, size_t b, size_t i)
{
    uint32_t *entry = &kvc_pages_of(p, b)[i];
    const uint32_t old = *entry;
    *entry = take_free(p);
    kvc_pages_release(p, old);
    return old;
}

bool kvc_pages_release(kvc_pages *p, uint32_t page)
{
    assert(p->holders[page] > 0);
    return --p->holders[page] == 0;
}
