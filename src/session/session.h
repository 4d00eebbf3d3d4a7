/* session.h - what a session is made of, for the files that work on it. */
#ifndef KVC_SESSION_H
#define KVC_SESSION_H

#include "base/number.h"
#include "forward/gpt.h"

enum { KVC_SCORED_ROWS = 4 }; /* whose logits one step of scoring computes */

/* One sequence of tokens. */
typedef struct kvc_timeline {
    size_t position;
    bool has_logits, has_queries;
    uint32_t *ids;       /* [S] */
    float *logits;       /* [V rounded up to 4] that follow the last token */
    float *queries;      /* [L, Q] of the last token, for kvc_session_attention */
    float *next_queries; /* [L, Q] of a pass under way */
} kvc_timeline;

/* Rows first .. end-1 of a text. */
typedef struct kvc_span {
    size_t sequence;
    const uint32_t *ids;
    size_t first, end;
} kvc_span;

/* Work under way: see pass.c. */
typedef struct kvc_pass {
    bool active;
    float *log_probs;      /* [end] when scoring, else NULL */
    size_t n_spans;        /* of session->spans */
    size_t group, n_group; /* the spans that go through the layers now */
    size_t layer, row;     /* what the next step does of them */
} kvc_pass;

struct kvc_session {
    kvc_model *model;
    kvc_session_config config;
    size_t total_bytes, selected;
    bool use_cache;
    kvc_pass pass;
    kvc_cache *cache;     /* L layers, a sequence for each timeline */
    kvc_cache *one_layer; /* K and V of one sequence while the cache is off */
    kvc_workspace workspace;
    kvc_counts counts;
    kvc_timeline *timelines; /* [n_sequence] */
    kvc_timeline *moved;     /* [n_sequence] while they change places */
    kvc_span *spans;         /* [n_sequence] of the pass */
    float *x;                /* [max(S, KVC_ROWS), C] the residual stream of a group */
    float *last;             /* [n_sequence, C] of it, the last row of each span */
    size_t n_rows;           /* of logits that are computed at once */
    float *rows;             /* [n_rows, V rounded up to 4] */
    void *sampler;           /* kvc_sample's scratch */
};

static inline kvc_timeline *kvc_selected(const kvc_session *s)
{
    return &s->timelines[s->selected];
}

/* Floats from one row of logits to the next. */
static inline size_t kvc_logits_stride(const kvc_session *s)
{
    return kvc_round_up(s->model->config.vocab_size, 4);
}

/* TOKEN_OUT_OF_RANGE where one of T ids is not in the vocabulary. */
kvc_error kvc_check_ids(const kvc_session *session, const uint32_t *ids, size_t T);

/* Starts a pass over the first n_spans of session->spans. log_probs: NULL, or [end] to
 * score the one span. */
void kvc_start_pass(kvc_session *session, size_t n_spans, float *log_probs);

/* Steps to the end. */
kvc_error kvc_run_pass(kvc_session *session);

/* The scores of the next rows of x; the pass ends with the last one. */
kvc_error kvc_score_rows(kvc_session *session);

#endif
