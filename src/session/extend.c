/* extend.c - the passes that make sequences longer: prefill, decode, sync, batch.
 *   cache on:  a span begins at the first token that the cache lacks
 *   cache off: a span begins at row 0
 * A sequence grows only once its pass is through. */
#include <string.h>

#include "kernels/vector.h"
#include "session/pass.h"

/* ---- the end: logits, and longer sequences ----------------------------------------- */

/* Every span's logits. Returns whether all are finite. */
static bool compute_logits(kvc_session *s)
{
    const size_t stride = kvc_logits_stride(s), C = s->model->config.n_embd;
    bool finite = true;
    for (size_t i = 0, n; i < s->pass.n_spans; i += n) {
        n = kvc_min(s->n_rows, s->pass.n_spans - i);
        float *rows = n == 1 ? s->sequences[s->spans[i].sequence].logits : s->rows;
        kvc_forward_logits(rows, s->model, s->last + i * C, n, &s->workspace);
        for (size_t r = 0; r < n; r++) {
            float *logits = s->sequences[s->spans[i + r].sequence].logits;
            if (n > 1)
                memcpy(logits, rows + r * stride, stride * sizeof *logits);
            finite = kvc_all_finite(logits, s->model->config.vocab_size) && finite;
        }
    }
    return finite;
}

/* A sequence takes over what the pass has computed. */
static void grow(kvc_session *s, const kvc_span *span)
{
    kvc_sequence *seq = &s->sequences[span->sequence];
    seq->position = span->end;
    seq->has_queries = s->pass.cached;
    seq->turned = s->places == NULL;
    if (!s->pass.cached)
        return;
    float *queries = seq->queries;
    seq->queries = seq->next_queries;
    seq->next_queries = queries;
    kvc_cache_advance(s->cache, span->sequence, span->end - span->first);
}

/* All sequences of the pass grow, or none. */
static kvc_error extend(kvc_session *s)
{
    const bool finite = compute_logits(s);
    for (const kvc_span *span = s->spans; span < s->spans + s->pass.n_spans; span++) {
        s->sequences[span->sequence].has_logits = finite;
        if (finite)
            grow(s, span);
    }
    if (!finite)
        kvc_pass_take_back(s);
    return finite ? KVC_OK : KVC_ERR_NOT_FINITE;
}

static void start(kvc_session *s, size_t n_spans)
{
    const bool cross = kvc_session_uses_cross_cache(s);
    kvc_pass_start(s, (kvc_pass){.cached = s->use_cache || kvc_slides(s),
                                 .cross = cross,
                                 .end = extend,
                                 .n_spans = n_spans});
}

/* ---- the beginning: what has to be computed ---------------------------------------- */

/* Puts T ids behind a sequence's last token. Span i becomes the rows to compute. A cache
 * that slides is scratch memory while it is off: there is no other for a whole text. */
static void queue(kvc_session *s, size_t i, size_t sequence, const uint32_t *ids,
                  size_t T)
{
    kvc_sequence *seq = &s->sequences[sequence];
    if (!s->use_cache && kvc_slides(s)) {
        kvc_cache_go_back(s->cache, sequence, 0);
        seq->has_queries = false;
    }
    const size_t first = s->use_cache ? kvc_cache_taken(s->cache, sequence) : 0;
    memcpy(seq->ids + seq->position, ids, T * sizeof *ids);
    s->spans[i] = (kvc_span){
        .sequence = sequence, .ids = seq->ids, .first = first, .end = seq->position + T};
}

/* Whether a sequence has room for n tokens, the first `kept` of them as they are. */
static kvc_error check_room(const kvc_session *s, size_t sequence, size_t kept, size_t n)
{
    const kvc_past *past = &s->cache->past[sequence];
    const size_t gone = s->use_cache && kept >= past->least ? past->gone : 0;
    const bool fits =
        n <= s->config.text_capacity && (kvc_slides(s) || n - gone <= s->config.capacity);
    return fits ? KVC_OK : KVC_ERR_CONTEXT_FULL;
}

/* Whether what a sequence holds can be computed: not again where evict() took some. */
static kvc_error check_past(const kvc_session *s, size_t sequence)
{
    const kvc_sequence *seq = &s->sequences[sequence];
    const bool behind = kvc_cache_taken(s->cache, sequence) < seq->position;
    return seq->by_hand && (!s->use_cache || behind) ? KVC_ERR_WINDOW_PASSED : KVC_OK;
}

kvc_error kvc_session_begin(kvc_session *s, const uint32_t *ids, size_t T)
{
    if (!s || !ids || T == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    const size_t position = kvc_selected(s)->position;
    kvc_error error = T > s->config.text_capacity
                          ? KVC_ERR_CONTEXT_FULL
                          : check_room(s, s->selected, position, position + T);
    if (!error)
        error = kvc_check_ids(s, ids, T);
    if (!error)
        error = check_past(s, s->selected);
    if (error)
        return error;
    queue(s, 0, s->selected, ids, T);
    start(s, 1);
    return KVC_OK;
}

/* The number of tokens, from the first on, that a sequence and ids share. */
static size_t common_prefix(const kvc_sequence *seq, const uint32_t *ids, size_t T)
{
    const size_t most = kvc_min(T, seq->position);
    size_t common = 0;
    while (common < most && ids[common] == seq->ids[common])
        common++;
    return common;
}

kvc_error kvc_session_begin_sync(kvc_session *s, const uint32_t *ids, size_t T,
                                 size_t *reused)
{
    if (!s || !ids || T == 0 || !reused)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    kvc_sequence *seq = kvc_selected(s);
    const size_t common = common_prefix(seq, ids, T);
    if (s->use_cache && common == T && seq->position == T && seq->has_logits) {
        *reused = T; /* all there */
        kvc_events_reuse(s->cache->events, s->selected, T);
        start(s, 0);
        return KVC_OK;
    }
    kvc_error error = check_room(s, s->selected, kvc_min(common, T - 1), T);
    if (!error)
        error = kvc_check_ids(s, ids, T);
    if (error)
        return error;
    kvc_session_rewind(s, common);
    const bool all_cached = s->use_cache && kvc_session_cached(s) == T;
    if (all_cached) /* logits need a row */
        kvc_cache_rewind(s->cache, s->selected, T - 1);
    if (seq->by_hand && (!s->use_cache || kvc_session_cached(s) == 0)) {
        seq->by_hand = false; /* all of it is computed, with what evict() took */
        kvc_cache_go_back(s->cache, s->selected, 0);
    }
    queue(s, 0, s->selected, ids + common, T - common);
    *reused = s->spans[0].first;
    if (*reused > 0)
        kvc_events_reuse(s->cache->events, s->selected, *reused);
    start(s, 1);
    return KVC_OK;
}

/* Each sequence of a batch exists, comes once, and has room. */
static kvc_error check_sequence(const kvc_session *s, const uint32_t *sequences, size_t i)
{
    if (sequences[i] >= s->config.n_sequence)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    for (size_t j = 0; j < i; j++)
        if (sequences[j] == sequences[i])
            return KVC_ERR_INVALID_ARGUMENT;
    const size_t position = s->sequences[sequences[i]].position;
    return check_room(s, sequences[i], position, position + 1);
}

kvc_error kvc_session_begin_batch(kvc_session *s, const uint32_t *sequences,
                                  const uint32_t *ids, size_t n)
{
    if (!s || !sequences || !ids || n == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    kvc_error error = KVC_OK;
    for (size_t i = 0; i < n && !error; i++)
        error = check_sequence(s, sequences, i);
    if (!error)
        error = kvc_check_ids(s, ids, n);
    for (size_t i = 0; i < n && !error; i++)
        error = check_past(s, sequences[i]);
    if (error)
        return error;
    for (size_t i = 0; i < n; i++)
        queue(s, i, sequences[i], ids + i, 1);
    start(s, n);
    return KVC_OK;
}

kvc_error kvc_session_prefill(kvc_session *s, const uint32_t *ids, size_t T)
{
    const kvc_error error = kvc_session_begin(s, ids, T);
    return error ? error : kvc_pass_run(s);
}

kvc_error kvc_session_decode(kvc_session *s, uint32_t id)
{
    return kvc_session_prefill(s, &id, 1);
}
