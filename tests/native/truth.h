/* truth.h - what a session must be after each operation of a random case: lists of tokens,
 * and the logits that naive.h computes from them. */
#ifndef TRUTH_H
#define TRUTH_H

#include "oracle.h"
#include "random_case.h"

typedef struct timeline {
    uint32_t ids[CASE_CAPACITY];
    size_t n, cached;
    bool has_logits;
    float *logits; /* [V] */
} timeline;

typedef struct truth {
    const random_case *c;
    const oracle_model *model;
    bool use_cache;
    timeline now;
} truth;

truth truth_new(const random_case *c, const oracle_model *model);
void truth_free(truth *t);

/* Does an operation; returns the error that the engine must return. */
kvc_error truth_apply(truth *t, const case_op *op);

/* Of the names of the errors, positions, cached tokens and logits hashes after each
 * operation; and the lines that it hashes, where trace is not NULL. */
uint64_t truth_digest(const random_case *c, FILE *trace);

#endif
