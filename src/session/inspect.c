/* inspect.c - a session from inside: memory, counts, attention, the likeliest tokens. */
#include <string.h>

#include "cache/attention.h"
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
    return (kvc_memory){.total_bytes = s->total_bytes,
                        .cache_bytes = cache.slot_bytes,
                        .used_bytes = cache.used_bytes,
                        .bytes_per_token = cache.bytes_per_token,
                        .freed_bytes = cache.freed_bytes};
}

kvc_counts kvc_session_counts(const kvc_session *s)
{
    return s->counts;
}

void kvc_session_clear_counts(kvc_session *s)
{
    s->counts = (kvc_counts){0};
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
    const kvc_error error = find_query(s, layer, head, &found);
    if (!error)
        memcpy(query, found, s->model->config.head_dim * sizeof *query);
    return error;
}

kvc_error kvc_session_attention(const kvc_session *s, size_t layer, size_t head,
                                float *weights)
{
    const float *query;
    if (!s || !weights)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_config *config = &s->model->config;
    const kvc_error error = find_query(s, layer, head, &query);
    if (!error)
        kvc_attend_weights(weights, query, kvc_selected(s)->position, s->cache,
                           s->selected, layer,
                           head / (config->n_head / config->n_kv_head),
                           s->model->layers[layer].view, s->workspace.scores);
    return error;
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
