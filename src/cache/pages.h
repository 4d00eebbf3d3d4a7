/* pages.h - which page holds which slots of which sequence.
 *
 * The pages are one pool of P = B * M. A sequence has a table: its slots 16i .. 16i+15
 * lie in page table[i], in every layer and head. A page may stand in the tables of
 * several sequences. Copy on write: a shared page is copied before it is written. A page
 * that no layer will read again can be given back; its entry then names none.
 *
 * A free page is always there when one is needed. A table never names more than M pages:
 * all tables together name at most P. Before an entry is added, at most P - 1 pages are
 * in use; before a shared page is replaced, P entries name at most P - 1 different
 * pages. */
#ifndef KVC_PAGES_H
#define KVC_PAGES_H

#include "base/arena.h"
#include "kvc.h"

#define KVC_NO_PAGE UINT32_MAX

typedef struct kvc_pages {
    size_t n_sequence, per_sequence; /* B, ceil(S / KVC_PAGE) */
    size_t total;                    /* P */
    size_t *held;                    /* [B] entries of each table */
    size_t *freed;                   /* [B] the first of them, given back */
    size_t *next_freed;              /* [B] while sequences change places */
    uint32_t *table;                 /* [B, per_sequence] */
    uint32_t *holders;               /* [P] entries that name the page; 0: it is free */
    uint32_t *scratch, *filled;      /* [B, per_sequence], [P]: for walks over all */
} kvc_pages;

/* most: M, pages that a table names at the same time */
kvc_pages kvc_pages_layout(kvc_arena *arena, size_t n_sequence, size_t capacity,
                           size_t most);

/* Every table empty, every page free. */
void kvc_pages_clear(kvc_pages *pages);

/* Adds the lowest free page to the table of sequence b, so that the pages of a lone
 * sequence are in a row. */
void kvc_pages_add(kvc_pages *pages, size_t b);

/* Puts the lowest free page in the place of entry i; returns the page that was there. */
uint32_t kvc_pages_replace(kvc_pages *pages, size_t b, size_t i);

/* Takes back one entry that names the page: true when it was the last. */
bool kvc_pages_release(kvc_pages *pages, uint32_t page);

/* The table of sequence b. */
static inline uint32_t *kvc_pages_of(const kvc_pages *pages, size_t b)
{
    return pages->table + b * pages->per_sequence;
}

/* Pages that n slots take. */
static inline size_t kvc_pages_for(size_t n)
{
    return n / KVC_PAGE + (n % KVC_PAGE != 0);
}

#endif
