/* inspect.c - a session from inside: memory, counts, attention, the likeliest tokens. */
#include <string.h>

#include "cache/attention.h"
#include "kernels/rotary.h"
#include "kernels/softmax.h"
#include "session/sampler.h"
#include "session/session.h"

kvc_cache *kvc_session_cache(const kvc_session *s)
{
    return s->cache;
}

kvc_memory kvc_session_memory(const kvc_session *s)
{
    const kvc_cache_memory cache = kvc_cache_get_memory(s->cache);
    kvc_cache_memory cross = {0};
    if (s->source.cross)
        cross = kvc_cache_get_memory(s->source.cross);
    return (kvc_memory){.total_bytes = s->total_bytes,
                        .cache_bytes = cache.slot_bytes,
                        .used_bytes = cache.used_bytes,
                        .bytes_per_token = cache.bytes_per_token,
                        .freed_bytes = cache.freed_bytes,
                        .cross_bytes = cross.slot_bytes,
                        .cross_used_bytes = cross.used_bytes,
                        .cross_bytes_per_token = cross.bytes_per_token};
}

kvc_counts kvc_session_counts(const kvc_session *s)
{
    const kvc_counts *e = &s->source.encoder_counts, *x = &s->source.cross_counts;
    kvc_counts counts = s->counts;
    counts.weight_bytes += e->weight_bytes + x->weight_bytes;
    counts.encoder_macs = e->projection_macs + e->attention_macs;
    counts.cross_projection_macs = x->projection_macs;
    counts.cross_attention_macs = x->attention_macs;
    counts.cross_bytes_read = x->cache_bytes_read;
    counts.cross_bytes_written = x->cache_bytes_written;
    return counts;
}

void kvc_session_clear_counts(kvc_session *s)
{
    s->counts = s->source.encoder_counts = s->source.cross_counts = (kvc_counts){0};
}

/* The query of the last token in a layer and head.   query: out, [D] */
static kvc_error find_query(const kvc_session *s, size_t layer, size_t head,
                            const float **query)
{
    const kvc_config *config = &s->model->config;
    const kvc_sequence *seq = kvc_selected(s);
    if (layer >= config->n_layer || head >= config->n_head)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (!seq->has_logits || !seq->has_queries)
        return KVC_ERR_NOT_READY;
    *query = seq->queries + layer * kvc_query_width(config) + head * config->head_dim;
    return KVC_OK;
}

kvc_error kvc_session_query(const kvc_session *s, size_t layer, size_t head, float *query)
{
    const float *found;
    if (!s || !query)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_config *config = &s->model->config;
    const kvc_error error = find_query(s, layer, head, &found);
    if (error)
        return error;
    memcpy(query, found, config->head_dim * sizeof *query);
    if (!kvc_selected(s)->turned)
        kvc_rotate(query,
                   s->places +
                       (kvc_cache_length(s->cache, s->selected) - 1) * config->rotary_dim,
                   1, 1, config->head_dim, config->rotary_dim);
    return KVC_OK;
}

kvc_error kvc_session_attention(const kvc_session *s, size_t layer, size_t head,
                                float *weights)
{
    const float *query;
    if (!s || !weights)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_error error = find_query(s, layer, head, &query);
    if (error)
        return error;
    kvc_view view = s->model->decoder.layers[layer].view;
    view.bias = s->bias;
    view.turns = kvc_selected(s)->turned ? NULL : s->places;
    kvc_attend_weights(weights, query, kvc_cache_length(s->cache, s->selected), head,
                       s->model->config.n_head, s->cache, s->selected, layer, view,
                       s->workspace.scores);
    return KVC_OK;
}

kvc_error kvc_session_cross_attention(const kvc_session *s, size_t layer, size_t head,
                                      float *weights)
{
    const float *query;
    if (!s || !weights)
        return KVC_ERR_INVALID_ARGUMENT;
    if (!s->source.cross)
        return KVC_ERR_UNSUPPORTED;
    const kvc_error error = find_query(s, layer, head, &query);
    if (error)
        return error;
    if (kvc_cache_length(s->source.cross, 0) == 0)
        return KVC_ERR_NOT_READY;
    kvc_attend_weights(weights, query + kvc_self_queries_size(s), s->source.n, head,
                       s->model->config.n_head, s->source.cross, 0, layer,
                       (kvc_view){.scale = s->model->decoder.layers[layer].view.scale},
                       s->workspace.scores);
    return KVC_OK;
}

kvc_error kvc_session_top(kvc_session *s, size_t n_ids, size_t k, uint32_t *ids,
                          float *log_probs)
{
    if (!s || !ids || !log_probs || k == 0 || k > n_ids)
        return KVC_ERR_INVALID_ARGUMENT;
    const size_t V = s->model->config.vocab_size;
    const kvc_sequence *seq = kvc_selected(s);
    if (n_ids > V)
        return KVC_ERR_INVALID_ARGUMENT;
    if (!seq->has_logits)
        return KVC_ERR_NOT_READY;
    kvc_top(ids, k, seq->logits, n_ids, s->sampler);
    memcpy(s->rows, seq->logits, V * sizeof *s->rows);
    kvc_log_softmax_at(log_probs, ids, k, s->rows, V);
    return KVC_OK;
}
