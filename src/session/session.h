/* session.h - what a session is made of, for the files that work on it.
 *
 * The words, from large to small. A SEQUENCE is tokens in a row, with their place in the
 * cache and the logits that follow the last one. A PASS makes sequences longer, or scores a
 * text; it is done in STEPS, each of which a host can wait before. A pass has a SPAN for each
 * sequence: the rows of its text that have to be computed. Spans go through the layers in
 * GROUPS: as many as fit into one chunk together, or a longer one alone. A CHUNK is up to
 * KVC_ROWS rows of a group, and takes one step through one layer. A RUN is what one span has
 * in a chunk. */
#ifndef KVC_SESSION_H
#define KVC_SESSION_H

#include "forward/forward.h"

typedef struct kvc_sequence {
    size_t position; /* tokens */
    bool has_logits, has_queries;
    uint32_t *ids;       /* [S] */
    float *logits;       /* [V rounded up to 4] that follow the last token */
    float *queries;      /* [L, Q] of the last token, for kvc_session_attention */
    float *next_queries; /* [L, Q] of a pass under way */
} kvc_sequence;

/* Rows first .. end-1 of a text. */
typedef struct kvc_span {
    size_t sequence;
    const uint32_t *ids; /* [end] */
    size_t first, end;
} kvc_span;

/* Work under way: pass.h. */
typedef struct kvc_pass {
    bool active;
    bool
        cached; /* K and V go to the cache; else to one_layer, which the next overwrites */
    bool all_rows; /* of the last layer are wanted; else the last one of each span */
    kvc_error (*end)(
        kvc_session *session); /* each step behind the layers, while PENDING */
    float *log_probs;          /* [end] out, of scoring */
    size_t n_spans;            /* of session->spans */
    size_t group,
        n_group;       /* the spans in the layers: the first, how many; 0: all through */
    size_t layer, row; /* what the next step does of them */
} kvc_pass;

struct kvc_session {
    kvc_model *model;
    kvc_session_config config;
    size_t total_bytes, selected;
    bool use_cache;
    kvc_pass pass;
    kvc_cache *cache;     /* L layers, of all sequences */
    kvc_cache *one_layer; /* K and V of one sequence while the cache is off */
    kvc_workspace workspace;
    kvc_counts counts;
    kvc_sequence *sequences; /* [n_sequence] */
    kvc_sequence *moved;     /* [n_sequence] while they change places */
    kvc_span *spans;         /* [n_sequence] of the pass */
    float *x;                /* [max(S, KVC_ROWS), C] the residual stream of a group */
    float *last;             /* [n_sequence, C] of it, the last row of each span */
    size_t n_rows;           /* of logits that are computed together */
    float *rows;             /* [n_rows, V rounded up to 4] */
    void *sampler;           /* kvc_sample's scratch */
};

enum { KVC_SCORED_ROWS = 4 }; /* whose logits one step of scoring computes */

static inline kvc_sequence *kvc_selected(const kvc_session *s)
{
    return &s->sequences[s->selected];
}

/* Floats from one row of logits to the next. */
static inline size_t kvc_logits_stride(const kvc_session *s)
{
    return kvc_round_up(s->model->config.vocab_size, 4);
}

/* Floats of a sequence's queries. */
static inline size_t kvc_queries_size(const kvc_session *s)
{
    return s->model->config.n_layer * kvc_query_width(&s->model->config);
}

#endif
