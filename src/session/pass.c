/* pass.c - what extends a timeline: rows first .. end-1 of a text go through the layers
 * in blocks of KVC_ROWS, and kvc_session_step does one block of one layer, so a host can
 * stop between any two.
 *   cache on:  first = what the cache holds; K and V go to the cache's layer
 *   cache off: first = 0; K and V go to a cache of one layer, which the next overwrites
 *   scoring:   the same over a text of the caller's, and the timelines are left alone
 * A batch has a span of rows for each of its sequences. Spans go through the layers in
 * groups: as many as fit into one block together, so that each weight is read once for
 * all of them, and a longer one alone. A timeline grows only when its pass is through. */
#include <string.h>

#include "kernels/vector.h"
#include "session/session.h"

static bool is_cached(const kvc_session *s)
{
    return s->use_cache && !s->pass.log_probs;
}

/* The next spans that share blocks; none when all are through. */
static void next_group(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    size_t rows = 0;
    p->group += p->n_group;
    p->n_group = p->layer = 0;
    for (size_t i = p->group; i < p->n_spans; i++, p->n_group++) {
        rows += s->spans[i].end - s->spans[i].first;
        if (i > p->group && (rows > KVC_ROWS || !is_cached(s)))
            break;
    }
}

void kvc_start_pass(kvc_session *s, size_t n_spans, float *log_probs)
{
    s->pass = (kvc_pass){.active = true, .n_spans = n_spans, .log_probs = log_probs};
    next_group(s);
}

/* The next rows of the group: a run of each of its spans, all of it unless it is longer
 * than a block.   runs: [KVC_ROWS] out */
static void find_runs(const kvc_session *s, kvc_run *runs)
{
    const kvc_pass *p = &s->pass;
    const bool cached = is_cached(s),
               last_layer = p->layer + 1 == s->model->config.n_layer;
    for (size_t i = 0; i < p->n_group; i++) {
        const kvc_span *span = &s->spans[p->group + i];
        const size_t position = span->first + p->row,
                     n = kvc_min(KVC_ROWS, span->end - position);
        const bool to_the_end = position + n == span->end;
        runs[i] = (kvc_run){cached ? span->sequence : 0, position, n, 0, NULL};
        if (last_layer && !p->log_probs) /* only the row that the logits need */
            runs[i].skip = to_the_end ? n - 1 : n;
        if (cached && to_the_end)
            runs[i].query = s->timelines[span->sequence].next_queries +
                            p->layer * kvc_query_width(&s->model->config);
    }
}

/* One block of one layer. */
static void step_block(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    const size_t C = s->model->config.n_embd;
    const kvc_span *spans = s->spans + p->group;
    float *block = s->x + p->row * C, *x = block;
    kvc_run runs[KVC_ROWS];
    find_runs(s, runs);
    for (size_t i = 0; i < p->n_group && p->layer == 0; x += runs[i++].n * C)
        kvc_gpt_embed(x, s->model, spans[i].ids, runs[i].position, runs[i].n);
    const size_t cache_layer = is_cached(s) ? p->layer : 0;
    kvc_gpt_layer(block, s->model, p->layer, is_cached(s) ? s->cache : s->one_layer,
                  cache_layer, runs, p->n_group, &s->workspace);
    p->row += runs[0].n;
    if (spans->first + p->row < spans->end)
        return;
    p->row = 0;
    if (++p->layer < s->model->config.n_layer)
        return;
    if (!p->log_probs) /* what was not skipped: a row of each span */
        memcpy(s->last + p->group * C, block, p->n_group * C * sizeof *block);
    next_group(s);
}

/* Every span's logits. Returns whether all are finite. */
static bool compute_logits(kvc_session *s)
{
    const size_t stride = kvc_logits_stride(s), C = s->model->config.n_embd;
    bool finite = true;
    for (size_t i = 0, n; i < s->pass.n_spans; i += n) {
        n = kvc_min(s->n_rows, s->pass.n_spans - i);
        float *rows = n == 1 ? s->timelines[s->spans[i].sequence].logits : s->rows;
        kvc_gpt_logits(rows, s->model, s->last + i * C, n, &s->workspace);
        for (size_t r = 0; r < n; r++) {
            float *logits = s->timelines[s->spans[i + r].sequence].logits;
            if (n > 1)
                memcpy(logits, rows + r * stride, stride * sizeof *logits);
            finite = kvc_all_finite(logits, s->model->config.vocab_size) && finite;
        }
    }
    return finite;
}

/* The logits, and the end of the pass: all its timelines grow, or none. */
static kvc_error finish(kvc_session *s)
{
    const bool finite = compute_logits(s);
    s->pass.active = false;
    for (const kvc_span *span = s->spans; span < s->spans + s->pass.n_spans; span++) {
        kvc_timeline *t = &s->timelines[span->sequence];
        t->has_logits = finite;
        if (!finite)
            continue;
        t->position = span->end;
        t->has_queries = s->use_cache;
        if (!s->use_cache)
            continue;
        float *queries = t->queries;
        t->queries = t->next_queries;
        t->next_queries = queries;
        kvc_cache_advance(s->cache, span->sequence, span->end - span->first);
    }
    return finite ? KVC_OK : KVC_ERR_NOT_FINITE;
}

kvc_error kvc_session_step(kvc_session *s)
{
    const kvc_pass *p = &s->pass;
    if (!p->active)
        return KVC_ERR_NOT_READY;
    if (p->n_group == 0)
        return p->log_probs ? kvc_score_rows(s) : finish(s);
    step_block(s);
    return KVC_PENDING;
}

void kvc_session_cancel(kvc_session *s)
{
    s->pass.active = false;
}

kvc_error kvc_run_pass(kvc_session *s)
{
    kvc_error error;
    do
        error = kvc_session_step(s);
    while (error == KVC_PENDING);
    return error;
}

/* ---- what starts a pass ------------------------------------------------------------ */

kvc_error kvc_check_ids(const kvc_session *s, const uint32_t *ids, size_t T)
{
    for (size_t t = 0; t < T; t++)
        if (ids[t] >= s->model->config.vocab_size)
            return KVC_ERR_TOKEN_OUT_OF_RANGE;
    return KVC_OK;
}

/* Puts T ids behind a timeline's last token, and makes the rows that then lack logits
 * number i of the spans. */
static void queue(kvc_session *s, size_t i, size_t sequence, const uint32_t *ids,
                  size_t T)
{
    const kvc_timeline *t = &s->timelines[sequence];
    const size_t first = s->use_cache ? kvc_cache_length(s->cache, sequence) : 0;
    memcpy(t->ids + t->position, ids, T * sizeof *ids);
    s->spans[i] = (kvc_span){sequence, t->ids, first, t->position + T};
}

kvc_error kvc_session_begin(kvc_session *s, const uint32_t *ids, size_t T)
{
    if (!s || !ids || T == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (T > s->config.capacity - kvc_selected(s)->position)
        return KVC_ERR_CONTEXT_FULL;
    const kvc_error error = kvc_check_ids(s, ids, T);
    if (error)
        return error;
    queue(s, 0, s->selected, ids, T);
    kvc_start_pass(s, 1, NULL);
    return KVC_OK;
}

/* The number of tokens, from the first on, that a timeline and ids share. */
static size_t common_prefix(const kvc_timeline *t, const uint32_t *ids, size_t T)
{
    const size_t most = kvc_min(T, t->position);
    size_t common = 0;
    while (common < most && ids[common] == t->ids[common])
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
    if (T > s->config.capacity)
        return KVC_ERR_CONTEXT_FULL;
    const kvc_error error = kvc_check_ids(s, ids, T);
    if (error)
        return error;
    const kvc_timeline *t = kvc_selected(s);
    const size_t common = common_prefix(t, ids, T);
    if (s->use_cache && common == T && t->position == T && t->has_logits) {
        *reused = T; /* all there */
        kvc_events_reuse(s->cache->events, s->selected, T);
        kvc_start_pass(s, 0, NULL);
        return KVC_OK;
    }
    kvc_session_truncate(s, common);
    const bool all_cached = s->use_cache && kvc_session_cached(s) == T;
    if (all_cached) /* logits need a row */
        kvc_cache_truncate(s->cache, s->selected, T - 1);
    queue(s, 0, s->selected, ids + common, T - common);
    *reused = s->spans[0].first;
    if (*reused > 0)
        kvc_events_reuse(s->cache->events, s->selected, *reused);
    kvc_start_pass(s, 1, NULL);
    return KVC_OK;
}

kvc_error kvc_session_begin_batch(kvc_session *s, const uint32_t *sequences,
                                  const uint32_t *ids, size_t n)
{
    if (!s || !sequences || !ids || n == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    for (size_t i = 0; i < n; i++) {
        if (sequences[i] >= s->config.n_sequence)
            return KVC_ERR_POSITION_OUT_OF_RANGE;
        for (size_t j = 0; j < i; j++)
            if (sequences[j] == sequences[i])
                return KVC_ERR_INVALID_ARGUMENT;
        if (s->timelines[sequences[i]].position == s->config.capacity)
            return KVC_ERR_CONTEXT_FULL;
    }
    const kvc_error error = kvc_check_ids(s, ids, n);
    if (error)
        return error;
    for (size_t i = 0; i < n; i++)
        queue(s, i, sequences[i], ids + i, 1);
    kvc_start_pass(s, n, NULL);
    return KVC_OK;
}

kvc_error kvc_session_prefill(kvc_session *s, const uint32_t *ids, size_t T)
{
    const kvc_error error = kvc_session_begin(s, ids, T);
    return error ? error : kvc_run_pass(s);
}

kvc_error kvc_session_decode(kvc_session *s, uint32_t id)
{
    return kvc_session_prefill(s, &id, 1);
}
