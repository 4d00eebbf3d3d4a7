/* session.h - what a session is made of, for the files that work on it.
 *
 * The words, from large to small:
 *   sequence  tokens in a row, their slots in the cache, the logits after the last one
 *   pass      makes sequences longer, or scores a text
 *   step      a part of a pass; a host can stop between any two
 *   span      the rows of one sequence that a pass has to compute
 *   group     spans that go through the layers together: as many as fit into one chunk,
 *             so that each weight is read once for all of them, or a single longer one
 *   chunk     up to KVC_ROWS rows of a group; a step takes it through one layer
 *   run       the rows of one span in a chunk */
#ifndef KVC_SESSION_H
#define KVC_SESSION_H

#include "base/number.h"
#include "forward/forward.h"

typedef struct kvc_sequence {
    size_t position; /* tokens */
    bool has_logits, has_queries;
    bool turned;         /* the queries are, though slots can move: none has since */
    bool by_hand;        /* evict() took some of them: no pass over all can do the same */
    uint32_t *ids;       /* [text_capacity] */
    float *logits;       /* [V rounded up to 4] that follow the last token */
    float *queries;      /* [L, Q] of the last token, for inspect.c; then, where there is
                            an encoder, as many of cross-attention */
    float *next_queries; /* the same of a pass under way */
} kvc_sequence;

/* The source of a model with an encoder: read once, attended to by all sequences. Empty
 * without one, and what works on it does nothing. */
typedef struct kvc_source {
    size_t n;         /* tokens; 0: no source */
    bool use_cross;   /* the cross cache, rather than projecting at every pass */
    uint32_t *ids;    /* [source_capacity] */
    float *rows;      /* [source_capacity, C] what the encoder makes of them */
    kvc_cache *cross; /* K and V of these rows in the decoder's layers; or NULL */
    kvc_cache
        *one_layer; /* F32: of an encoder's layer, or of one while cross is unused */
    kvc_bias bias;  /* of the source's tokens among themselves */
    kvc_counts encoder_counts, cross_counts;
} kvc_source;

/* What a pass does after the layers. */
typedef kvc_error kvc_pass_end(kvc_session *session);

/* Rows first .. end-1 of a text, of which those before `stop` go through the layers
 * before the cache has to make room for more. */
typedef struct kvc_span {
    size_t sequence;
    const uint32_t *ids; /* [end] */
    size_t first, end, stop;
} kvc_span;

/* A pass under way: what it is for, and how far it is. */
typedef struct kvc_pass {
    bool cached;       /* K and V go to the cache; else to one_layer */
    bool cross;        /* those of the source come from the cross cache */
    bool all_rows;     /* of the last layer are wanted; else the last one of each span */
    size_t n_spans;    /* of session->spans */
    float *log_probs;  /* [end] out, of scoring */
    size_t n_source;   /* tokens, of the pass that reads a source */
    kvc_pass_end *end; /* takes the steps after the layers: PENDING until the last one */

    bool active;
    bool through;      /* the group is, and its rows are scored */
    size_t group;      /* the first span of the group in the layers */
    size_t n_group;    /* how many spans it has; 0: all are through */
    size_t layer, row; /* where its next chunk is; row: also how far scoring is */
    size_t filled;     /* rows of the source in the cross cache, layer after layer */
    size_t
        projected; /* the same in source.one_layer, which has those of the last layer */
} kvc_pass;

struct kvc_session {
    kvc_model *model;
    kvc_session_config config;
    size_t total_bytes, selected;
    bool use_cache;
    kvc_pass pass;
    kvc_cache *cache;     /* L layers, of all sequences */
    kvc_cache *one_layer; /* while the cache is off: each layer overwrites it */
    kvc_source source;
    kvc_bias bias; /* of tokens among themselves */
    kvc_workspace workspace;
    kvc_counts counts;
    kvc_sequence *sequences; /* [n_sequence] */
    kvc_sequence *moved;     /* [n_sequence] where they change places */
    kvc_span *spans;         /* [n_sequence] of the pass */
    float *x;                /* [max(S, KVC_ROWS), C] the residual stream of a group */
    float *turns;            /* [max(S, KVC_ROWS), rotary_dim] of their positions */
    float *local_turns;      /* the same of layers with a window, or NULL */
    float *places;           /* [2S, rotary_dim] where slots move: kvc_view.turns */
    float *last;             /* [n_sequence, C] of it, the last row of each span */
    size_t n_rows;           /* of logits, computed together */
    float *rows;             /* [n_rows, V rounded up to 4] */
    void *sampler;           /* kvc_sample's scratch */
};

/* ---- source.c ---------------------------------------------------------------------- */

kvc_source kvc_source_layout(kvc_arena *arena, const kvc_model *model,
                             const kvc_session_config *sizes);
void kvc_source_init(kvc_session *session);
void kvc_source_forget(kvc_session *session);

/* Before a layer of the pass under way sees the source: the next rows into the cross
 * cache, where the pass reads it and it is empty, or projected once more, where it does
 * not. False where nothing is left to do. */
bool kvc_source_prepare(kvc_session *session, size_t layer);

/* What the queries of the layer then see. */
kvc_seen kvc_source_seen(const kvc_session *session, size_t layer);

/* ---- sizes ------------------------------------------------------------------------- */

static inline bool kvc_slides(const kvc_session *s)
{
    return s->config.when_full == KVC_SLIDE;
}

enum { KVC_SCORED_ROWS = 4 }; /* one step of scoring computes their logits */

static inline kvc_sequence *kvc_selected(const kvc_session *s)
{
    return &s->sequences[s->selected];
}

/* Floats from one row of logits to the next. */
static inline size_t kvc_logits_stride(const kvc_session *s)
{
    return kvc_round_up(s->model->config.vocab_size, 4);
}

/* Floats of a sequence's queries, of self-attention alone; and of all. */
static inline size_t kvc_self_queries_size(const kvc_session *s)
{
    return s->model->config.n_layer * kvc_query_width(&s->model->config);
}

static inline size_t kvc_queries_size(const kvc_session *s)
{
    return kvc_self_queries_size(s) * (s->model->encoder.n_layer > 0 ? 2 : 1);
}

#endif
