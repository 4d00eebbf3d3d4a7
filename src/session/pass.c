/* pass.c - takes the spans of a pass through the layers, a chunk through a layer at each
 * step. What comes after the layers is up to the pass: extend.c, score.c. */
#include "session/pass.h"

#include <string.h>

/* The next spans that share chunks; none when all are through. */
static void next_group(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    size_t rows = 0;
    p->group += p->n_group;
    p->n_group = p->layer = 0;
    for (size_t i = p->group; i < p->n_spans; i++, p->n_group++) {
        rows += s->spans[i].end - s->spans[i].first;
        if (i > p->group && (rows > KVC_ROWS || !p->cached))
            break;
    }
}

void kvc_pass_start(kvc_session *s, kvc_pass pass)
{
    s->pass = pass;
    s->pass.active = true;
    next_group(s);
}

/* What one span of the group has in the next chunk: all of it, unless it is longer. */
static kvc_run next_run(const kvc_session *s, const kvc_span *span)
{
    const kvc_pass *p = &s->pass;
    const kvc_config *config = &s->model->config;
    const size_t position = span->first + p->row;
    kvc_run run = {.position = position, .n = kvc_min(KVC_ROWS, span->end - position)};
    const bool to_the_end = position + run.n == span->end;
    if (p->cached)
        run.sequence = span->sequence;
    if (p->cached && to_the_end)
        run.query = s->sequences[span->sequence].next_queries +
                    p->layer * kvc_query_width(config);
    if (run.query && s->source.cross)
        run.cross_query = run.query + kvc_self_queries_size(s);
    if (p->layer + 1 == config->n_layer && !p->all_rows)
        run.skip = to_the_end ? run.n - 1 : run.n;
    return run;
}

/* The next chunk of the group.   runs: [KVC_ROWS] out */
static kvc_chunk next_chunk(const kvc_session *s, kvc_run *runs)
{
    const kvc_pass *p = &s->pass;
    const size_t cache_layer = p->cached ? p->layer : 0;
    const bool local =
        s->local_turns && s->model->decoder.layers[p->layer].view.window > 0;
    float *turns = local ? s->local_turns : s->turns;
    kvc_chunk chunk = {.x = s->x + p->row * s->model->config.n_embd,
                       .turns = turns + p->row * s->model->config.rotary_dim,
                       .runs = runs,
                       .n_runs = p->n_group,
                       .cache = p->cached ? s->cache : s->one_layer,
                       .cache_layer = cache_layer,
                       .bias = s->bias};
    for (size_t i = 0; i < p->n_group; i++) {
        runs[i] = next_run(s, &s->spans[p->group + i]);
        chunk.n += runs[i].n;
    }
    return chunk;
}

static void embed(const kvc_session *s, const kvc_chunk *chunk)
{
    const kvc_span *span = &s->spans[s->pass.group];
    const size_t row = (size_t)(chunk->x - s->x) / s->model->config.n_embd,
                 r = s->model->config.rotary_dim;
    float *x = chunk->x, *turns = s->turns + row * r;
    float *local = s->local_turns ? s->local_turns + row * r : NULL;
    for (const kvc_run *run = chunk->runs; run < chunk->runs + chunk->n_runs; run++) {
        kvc_forward_embed(x, turns, local, s->model, &s->model->decoder, span++->ids,
                          run->position, run->n);
        x += run->n * s->model->config.n_embd;
        turns += run->n * r;
        local = local ? local + run->n * r : NULL;
    }
}

/* One chunk through one layer. */
static void step_chunk(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    const size_t C = s->model->config.n_embd;
    const kvc_span *span = &s->spans[p->group];
    kvc_run runs[KVC_ROWS];
    kvc_chunk chunk = next_chunk(s, runs);
    p->row += runs[0].n;
    chunk.source = kvc_source_seen(s, p->layer);
    if (p->layer == 0)
        embed(s, &chunk);
    kvc_forward_layer(&chunk, s->model, &s->model->decoder, p->layer, &s->workspace);
    if (span->first + p->row < span->end)
        return;
    p->row = 0;
    if (++p->layer < s->model->config.n_layer)
        return;
    if (!p->all_rows) /* what was not skipped: a row of each span */
        memcpy(s->last + p->group * C, chunk.x, p->n_group * C * sizeof *chunk.x);
    next_group(s);
}

kvc_error kvc_session_step(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    if (!p->active)
        return KVC_ERR_NOT_READY;
    if (p->n_group > 0) {
        if (!kvc_source_prepare(s, p->layer))
            step_chunk(s);
        return KVC_PENDING;
    }
    const kvc_error error = p->end(s);
    p->active = error == KVC_PENDING;
    return error;
}

void kvc_session_cancel(kvc_session *s)
{
    s->pass.active = false;
}

kvc_error kvc_pass_run(kvc_session *s)
{
    kvc_error error;
    do
        error = kvc_session_step(s);
    while (error == KVC_PENDING);
    return error;
}

bool kvc_ids_exist(const kvc_session *s, const uint32_t *ids, size_t T)
{
    for (size_t t = 0; t < T; t++)
        if (ids[t] >= s->model->config.vocab_size)
            return false;
    return true;
}

kvc_error kvc_check_ids(const kvc_session *s, const uint32_t *ids, size_t T)
{
    if (s->source.cross && s->source.n == 0)
        return KVC_ERR_NO_SOURCE;
    return kvc_ids_exist(s, ids, T) ? KVC_OK : KVC_ERR_TOKEN_OUT_OF_RANGE;
}
