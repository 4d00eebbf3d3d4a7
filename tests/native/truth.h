/* truth.h - what a session must be after each operation of a random case: lists of
 * tokens, and the logits that naive.h computes from them. */
#ifndef TRUTH_H
#define TRUTH_H

#include "oracle.h"
#include "random_case.h"

typedef struct truth_line {
    uint32_t ids[CASE_TEXT];
    size_t n, cached; /* cached: taken by the cache, which may have dropped some */
    size_t n_held, gone, least; /* where slots move; least: n when the last one went */
    bool by_hand;
    uint32_t held[CASE_CAPACITY];                               /* tokens, slot by slot */
    uint32_t n_seen[CASE_TEXT], seen[CASE_TEXT][CASE_CAPACITY]; /* by each token */
    size_t freed; /* slots that layers with a window gave back */
    bool has_logits;
    float *logits; /* [V] */
} truth_line;

typedef struct truth {
    const random_case *c;
    const oracle_model *model;
    bool use_cache, no_cross;
    uint32_t source[CASE_ARGS];
    size_t n_source;
    size_t selected;
    size_t reused; /* by the last operation */
    truth_line lines[CASE_SEQUENCES];
} truth;

truth truth_new(const random_case *c, const oracle_model *model);
void truth_free(truth *t);

/* Does an operation; returns the error that the engine must return. */
kvc_error truth_apply(truth *t, const case_op *op);

/* The text that CASE_EDIT makes of the selected sequence: returns T.   ids: out */
size_t truth_edited(const truth *t, const case_op *op,
                    uint32_t ids[CASE_TEXT + CASE_ARGS]);

/* FNV-1a 64 of a line for each operation: error, position, cached and reused tokens, and
 * the logits' hash. The lines go to trace, where it is not NULL. */
uint64_t truth_digest(const random_case *c, FILE *trace);

#endif
