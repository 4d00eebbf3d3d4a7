/* pages.h - which page holds which slots of which sequence.
 *
 * The cache is one pool of P = B * ceil(S / KVC_PAGE) pages. A sequence has a table: its
 * slots 16i .. 16i+15 lie in page table[i], in every layer and head. A page may stand in
 * the tables of several sequences; who writes into such a page first takes a copy.
 *
 * There is always a free page when one is needed. A table has at most ceil(S / KVC_PAGE)
 * entries, so all tables together at most P. To add an entry, at most P - 1 are in use; to
 * replace a shared page, P entries name at most P - 1 different pages. */
#ifndef KVC_PAGES_H
#define KVC_PAGES_H

#include "base/arena.h"
#include "kvc.h"

typedef struct kvc_pages {
    size_t n_sequence, per_sequence; /* B, ceil(S / KVC_PAGE) */
    size_t *held;                    /* [B] entries of each table */
    uint32_t *table;                 /* [B, per_sequence] */
    uint32_t *holders;               /* [P] entries that name the page; 0: it is free */
    uint32_t *scratch, *filled;      /* [P] for who has to look at all pages at once */
} kvc_pages;

kvc_pages kvc_pages_layout(kvc_arena *arena, size_t n_sequence, size_t capacity);

/* Every table empty, every page free. */
void kvc_pages_clear(kvc_pages *pages);

/* Adds the lowest free page to the table of sequence b: a lone sequence has its pages in
 * a row. */
void kvc_pages_add(kvc_pages *pages, size_t b);

/* Puts the lowest free page in the place of entry i, and returns the page that was
 * there. */
uint32_t kvc_pages_replace(kvc_pages *pages, size_t b, size_t i);

/* One entry less names the page: true when it was the last. */
bool kvc_pages_release(kvc_pages *pages, uint32_t page);

static inline uint32_t *kvc_pages_of(const kvc_pages *pages, size_t b)
{
    return pages->table + b * pages->per_sequence;
}

static inline size_t kvc_pages_total(const kvc_pages *pages)
{
    return pages->n_sequence * pages->per_sequence;
}

/* Pages that n slots take. */
static inline size_t kvc_pages_for(size_t n)
{
    return n / KVC_PAGE + (n % KVC_PAGE != 0);
}

#endif
