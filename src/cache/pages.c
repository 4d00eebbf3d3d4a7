#include "cache/pages.h"

#include <assert.h>
#include <string.h>

kvc_pages kvc_pages_layout(kvc_arena *arena, size_t n_sequence, size_t capacity)
{
    kvc_pages p = {.n_sequence = n_sequence, .per_sequence = kvc_pages_for(capacity)};
    const size_t most = UINT32_MAX / KVC_PAGE; /* so that slots and pages fit 32 bits */
    if (n_sequence > most / p.per_sequence)
        arena->overflow = true;
    p.held = kvc_take(arena, n_sequence, sizeof *p.held);
    p.table = kvc_take(arena, kvc_pages_total(&p), sizeof *p.table);
    p.holders = kvc_take(arena, kvc_pages_total(&p), sizeof *p.holders);
    p.scratch = kvc_take(arena, kvc_pages_total(&p), sizeof *p.scratch);
    p.filled = kvc_take(arena, kvc_pages_total(&p), sizeof *p.filled);
    return p;
}

void kvc_pages_clear(kvc_pages *p)
{
    memset(p->held, 0, p->n_sequence * sizeof *p->held);
    memset(p->holders, 0, kvc_pages_total(p) * sizeof *p->holders);
}

static uint32_t take_free(kvc_pages *p)
{
    uint32_t page = 0;
    while (p->holders[page] != 0) {
        page++;
        assert(page < kvc_pages_total(p)); /* pages.h says why */
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
