/* pass.c - takes the spans of a pass through the layers, a chunk through a layer at each
 * step. What comes after the layers is up to the pass: extend.c, score.c.
 *
 * The chunks of a long span go side by side, a layer at a time, whose weights then stay
 * near. Where layers have windows in a cache they go one after the other, each through
 * all layers: what no window reaches from the next one on is given back before it. Where
 * a cache slides, so many of them go side by side as it has room for; they become part of
 * its history before a page goes and the next ones come. */
#include "session/pass.h"

#include <string.h>

/* The row of a span before which a page has to go, or its end. */
static size_t stop_of(const kvc_session *s, const kvc_span *span)
{
    if (!s->pass.cached || !kvc_slides(s))
        return span->end;
    const size_t room = s->config.capacity - kvc_cache_length(s->cache, span->sequence);
    return kvc_min(span->end, span->first + (room > 0 ? room : KVC_PAGE));
}

/* The next spans that share chunks; none when all are through. */
static void next_group(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    size_t rows = 0;
    bool alone = !p->cached;
    p->group += p->n_group;
    p->n_group = p->layer = p->row = 0;
    p->through = false;
    for (size_t i = p->group; i < p->n_spans; i++, p->n_group++) {
        kvc_span *span = &s->spans[i];
        span->stop = stop_of(s, span);
        rows += span->stop - span->first;
        alone = alone || span->stop < span->end;
        if (i > p->group && (rows > KVC_ROWS || alone))
            break;
    }
}

void kvc_pass_go_on(kvc_session *s)
{
    kvc_span *span = &s->spans[s->pass.group];
    if (span->stop < span->end) {
        kvc_cache_advance(s->cache, span->sequence, span->stop - span->first);
        span->first = span->stop;
        s->pass.n_group = 0;
    }
    next_group(s);
}

void kvc_pass_start(kvc_session *s, kvc_pass pass)
{
    s->pass = pass;
    s->pass.active = true;
    next_group(s);
}

/* Tokens before a span that the cache of a pass has no longer. */
static size_t gone(const kvc_session *s, const kvc_span *span)
{
    return s->pass.cached ? s->cache->past[span->sequence].gone : 0;
}

/* What one span of the group has in the next chunk: all of it, unless it is longer. */
static kvc_run next_run(const kvc_session *s, const kvc_span *span)
{
    const kvc_pass *p = &s->pass;
    const kvc_config *config = &s->model->config;
    const size_t row = span->first + p->row;
    kvc_run run = {.position = row - gone(s, span),
                   .n = kvc_min(KVC_ROWS, span->stop - row)};
    const bool to_the_end = row + run.n == span->end;
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
                       .bias = s->bias,
                       .places = p->cached ? s->places : NULL};
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
        kvc_forward_embed(x, turns, local, s->model, &s->model->decoder,
                          span->ids + gone(s, span), run->position, run->n);
        span++;
        x += run->n * s->model->config.n_embd;
        turns += run->n * r;
        local = local ? local + run->n * r : NULL;
    }
}

_Static_assert((size_t)KVC_ROWS == (size_t)KVC_CACHE_CHUNK, "windows.c counts on it");

/* What comes before the first layer. */
static void begin_chunk(const kvc_session *s, const kvc_chunk *chunk)
{
    for (size_t i = 0; s->pass.cached && i < chunk->n_runs; i++)
        kvc_cache_leave(s->cache, chunk->runs[i].sequence, chunk->runs[i].position);
    embed(s, chunk);
}

/* A page goes where a sequence of the group is full. */
static void make_room(const kvc_session *s)
{
    const kvc_span *span = &s->spans[s->pass.group];
    for (size_t i = 0; i < s->pass.n_group && s->pass.cached && kvc_slides(s); i++) {
        const size_t b = span[i].sequence;
        if (kvc_cache_length(s->cache, b) < s->config.capacity)
            continue;
        kvc_cache_make_room(s->cache, b, KVC_PAGE, s->config.sinks, s->config.recent,
                            KVC_PAGE);
        s->sequences[b].has_queries = false;
    }
}

/* Moves on by a chunk of n rows: true once the group is through. */
static bool move_on(kvc_session *s, size_t n)
{
    kvc_pass *p = &s->pass;
    const kvc_span *span = &s->spans[p->group];
    const bool last_rows = span->first + p->row + n == span->stop;
    const bool last_layer = p->layer + 1 == s->model->config.n_layer;
    const bool one_by_one = p->cached && s->model->config.window > 0;
    const bool next_layer = one_by_one ? !last_layer : last_rows;
    p->layer = next_layer ? p->layer + 1 : one_by_one ? 0 : p->layer;
    p->row = !next_layer ? p->row + n : one_by_one ? p->row : 0;
    return last_rows && last_layer;
}

/* One chunk through one layer. */
static void step_chunk(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    const size_t C = s->model->config.n_embd;
    kvc_run runs[KVC_ROWS];
    if (p->layer == 0 && p->row == 0)
        make_room(s);
    kvc_chunk chunk = next_chunk(s, runs);
    const size_t n = runs[0].n;
    chunk.source = kvc_source_seen(s, p->layer);
    if (p->layer == 0)
        begin_chunk(s, &chunk);
    kvc_forward_layer(&chunk, s->model, &s->model->decoder, p->layer, &s->workspace);
    if (!move_on(s, n))
        return;
    p->row = 0;
    p->through = p->all_rows;
    if (p->through)
        return;
    if (chunk.n > 0) /* what was not skipped: a row of each span */
        memcpy(s->last + p->group * C, chunk.x, p->n_group * C * sizeof *chunk.x);
    kvc_pass_go_on(s);
}

kvc_error kvc_session_step(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    if (!p->active)
        return KVC_ERR_NOT_READY;
    if (p->n_group > 0 && !p->through) {
        if (!kvc_source_prepare(s, p->layer))
            step_chunk(s);
        return KVC_PENDING;
    }
    const kvc_error error = p->end(s);
    p->active = error == KVC_PENDING;
    return error;
}

void kvc_pass_take_back(kvc_session *s)
{
    for (size_t i = 0; s->pass.cached && i < s->pass.n_spans; i++) {
        const size_t b = s->spans[i].sequence, position = s->sequences[b].position;
        kvc_cache_abandon(s->cache, b);
        if (kvc_cache_taken(s->cache, b) > position)
            kvc_cache_rewind(s->cache, b, position);
    }
}

void kvc_session_cancel(kvc_session *s)
{
    if (s->pass.active)
        kvc_pass_take_back(s);
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
