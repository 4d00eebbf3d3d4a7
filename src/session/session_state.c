/* session_state.c - a session as bytes, in words of 32 bits, within the header and
 * checksum of state.h:
 *
 *     n_sequence
 *     each sequence: position; flags (1: logits, 2: queries, 4: evict() took some of its
 *     tokens); ids [position];
 *     logits [V] and queries [L, Q] where the flags say so
 *     the cache, as in cache_state.h
 *     with an encoder: the source's length n, its ids [n], what the encoder makes of them
 *     [n, C], and the cross cache, of none or all of them
 *     where tokens are gone, or beyond the capacity: this, or 0 where the session does
 *     not slide; its sinks; and, unless age decides, the policy and the recent tokens. It
 *     goes on in sessions for which all are the same
 *
 * Queries lie as they are compared, unless tokens of any sequence are gone: then as they
 * are before they are turned, or flag 8 is set.
 *
 * restore reads it twice: first to check all of it, then to take it over. */
#include <string.h>

#include "cache/cache_state.h"
#include "kernels/rotary.h"
#include "session/session.h"

enum { HAS_LOGITS = 1, HAS_QUERIES = 2, BY_HAND = 4, TURNED = 8, ALL_FLAGS = 15 };

/* ---- save -------------------------------------------------------------------------- */

/* Turned, unless tokens are gone: then it is the state of any session. */
static void write_queries(kvc_writer *w, const kvc_session *s, const kvc_sequence *seq)
{
    const kvc_config *config = &s->model->config;
    const size_t Q = kvc_query_width(config), r = config->rotary_dim;
    if (seq->turned || kvc_cache_moved(s->cache)) {
        kvc_write_words(w, seq->queries, kvc_queries_size(s));
        return;
    }
    for (size_t layer = 0; layer < config->n_layer; layer++) {
        memcpy(s->workspace.q, seq->queries + layer * Q, Q * sizeof(float));
        kvc_rotate(s->workspace.q, s->places + (seq->position - 1) * r, 1, config->n_head,
                   config->head_dim, r);
        kvc_write_words(w, s->workspace.q, Q);
    }
}

static void write_sequence(kvc_writer *w, const kvc_session *s, const kvc_sequence *seq)
{
    const bool turned = seq->turned && kvc_cache_moved(s->cache);
    const bool queries = seq->has_logits && seq->has_queries;
    kvc_write_u32(w, (uint32_t)seq->position);
    kvc_write_u32(w, (seq->has_logits ? HAS_LOGITS : 0) | (queries ? HAS_QUERIES : 0) |
                         (seq->by_hand ? BY_HAND : 0) | (queries && turned ? TURNED : 0));
    kvc_write_words(w, seq->ids, seq->position);
    if (seq->has_logits)
        kvc_write_words(w, seq->logits, s->model->config.vocab_size);
    if (queries)
        write_queries(w, s, seq);
}

static void write_source(kvc_writer *w, const kvc_session *s)
{
    kvc_write_u32(w, (uint32_t)s->source.n);
    kvc_write_words(w, s->source.ids, s->source.n);
    kvc_write_words(w, s->source.rows, s->source.n * s->model->config.n_embd);
    kvc_cache_write_state(s->source.cross, w);
}

/* Whether what comes next depends on when tokens go. */
static bool depends_on_sizes(const kvc_session *s)
{
    bool depends = false;
    for (size_t i = 0; i < s->config.n_sequence; i++)
        depends = depends || s->cache->past[i].gone > 0 ||
                  s->sequences[i].position > s->config.capacity;
    return depends;
}

static uint32_t slid_by(const kvc_session *s)
{
    return kvc_slides(s) ? (uint32_t)s->config.capacity : 0;
}

/* Runs twice, as state.h explains. */
static void write_session(kvc_writer *w, const kvc_session *s)
{
    kvc_write_begin(w, "KVCS", kvc_model_fingerprint(s->model));
    kvc_write_u32(w, (uint32_t)s->config.n_sequence);
    for (size_t i = 0; i < s->config.n_sequence; i++)
        write_sequence(w, s, &s->sequences[i]);
    kvc_cache_write_state(s->cache, w);
    if (s->source.cross)
        write_source(w, s);
    if (depends_on_sizes(s)) {
        kvc_write_u32(w, slid_by(s));
        kvc_write_u32(w, (uint32_t)s->config.sinks);
        if (s->config.policy != KVC_OLDEST) {
            kvc_write_u32(w, (uint32_t)s->config.policy);
            kvc_write_u32(w, (uint32_t)s->config.recent);
        }
    }
    kvc_write_end(w);
}

kvc_error kvc_session_state_bytes(const kvc_session *s, size_t *bytes)
{
    if (!s || !bytes)
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_writer w = {0};
    write_session(&w, s);
    *bytes = w.used;
    return KVC_OK;
}

kvc_error kvc_session_save(kvc_session *s, void *state, size_t bytes)
{
    size_t needed;
    if (!state)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_error error = kvc_session_state_bytes(s, &needed);
    if (error)
        return error;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (bytes < needed)
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_writer w = {.bytes = state};
    write_session(&w, s);
    return KVC_OK;
}

/* ---- restore ----------------------------------------------------------------------- */

/* bits: of a float */
static bool is_finite(uint32_t bits)
{
    const uint32_t exponent = 0x7f800000;
    return (bits & exponent) != exponent;
}

/* most: out, the position where that is more */
static kvc_error check_sequence(const kvc_session *s, kvc_reader *r, size_t *most)
{
    const size_t position = kvc_read_u32(r), V = s->model->config.vocab_size;
    const uint32_t flags = kvc_read_u32(r);
    if (position > r->left / sizeof(uint32_t) || flags > (position > 0 ? ALL_FLAGS : 0))
        return KVC_ERR_STATE_INVALID;
    if (flags > (HAS_LOGITS | HAS_QUERIES) && !kvc_cache_moves(s->cache))
        return KVC_ERR_UNSUPPORTED;
    if (position > s->config.text_capacity)
        return KVC_ERR_CONTEXT_FULL;
    *most = position > *most ? position : *most;
    for (size_t i = 0; i < position; i++)
        if (kvc_read_u32(r) >= V)
            return KVC_ERR_STATE_INVALID;
    for (size_t i = 0; i < V && flags & HAS_LOGITS; i++)
        if (!is_finite(kvc_read_u32(r))) /* no pass leaves such logits */
            return KVC_ERR_STATE_INVALID;
    kvc_read_space(r, flags & HAS_QUERIES ? kvc_queries_size(s) * sizeof(float) : 0);
    return r->failed ? KVC_ERR_STATE_INVALID : KVC_OK;
}

static kvc_error check_source(const kvc_session *s, kvc_reader *r)
{
    const size_t n = kvc_read_u32(r), V = s->model->config.vocab_size;
    if (n > r->left / sizeof(uint32_t))
        return KVC_ERR_STATE_INVALID;
    if (n > s->config.source_capacity)
        return KVC_ERR_SOURCE_TOO_LONG;
    for (size_t i = 0; i < n; i++)
        if (kvc_read_u32(r) >= V)
            return KVC_ERR_STATE_INVALID;
    for (size_t i = 0; i < n * s->model->config.n_embd; i++)
        if (!is_finite(kvc_read_u32(r)))
            return KVC_ERR_STATE_INVALID;
    const kvc_error error = kvc_cache_check_state(s->source.cross, r);
    return error == KVC_ERR_CACHE_FULL ? KVC_ERR_STATE_INVALID : error;
}

/* most: tokens of the longest sequence */
static kvc_error check_sizes(const kvc_session *s, kvc_reader *r, size_t most)
{
    if (r->left == 0)
        return most > s->config.capacity ? KVC_ERR_CONTEXT_FULL : KVC_OK;
    const uint32_t slid = kvc_read_u32(r), sinks = kvc_read_u32(r);
    const bool by_age = r->left == 0;
    const uint32_t policy = by_age ? KVC_OLDEST : kvc_read_u32(r),
                   recent = by_age ? 0 : kvc_read_u32(r);
    if (!kvc_read_end(r))
        return KVC_ERR_STATE_INVALID;
    return slid == slid_by(s) && sinks == s->config.sinks &&
                   policy == (uint32_t)s->config.policy && recent == s->config.recent
               ? KVC_OK
               : KVC_ERR_STATE_FOREIGN;
}

static kvc_error check_session(const kvc_session *s, kvc_reader *r)
{
    const size_t n = kvc_read_u32(r);
    size_t most = 0;
    kvc_error error = n > s->config.n_sequence ? KVC_ERR_CONTEXT_FULL : KVC_OK;
    for (size_t i = 0; i < n && !error; i++)
        error = check_sequence(s, r, &most);
    if (!error)
        error = kvc_cache_check_state(s->cache, r);
    if (!error && s->source.cross)
        error = check_source(s, r);
    if (!error)
        error = check_sizes(s, r, most);
    return error == KVC_ERR_CACHE_FULL ? KVC_ERR_CONTEXT_FULL : error;
}

static void read_sequence(const kvc_session *s, kvc_reader *r, kvc_sequence *seq)
{
    seq->position = kvc_read_u32(r);
    const uint32_t flags = kvc_read_u32(r);
    seq->has_logits = flags & HAS_LOGITS;
    seq->has_queries = flags & HAS_QUERIES;
    seq->by_hand = flags & BY_HAND;
    seq->turned = flags & TURNED;
    kvc_read_words(r, seq->ids, seq->position);
    if (seq->has_logits)
        kvc_read_words(r, seq->logits, s->model->config.vocab_size);
    if (seq->has_queries)
        kvc_read_words(r, seq->queries, kvc_queries_size(s));
}

/* A cross cache of anything but the whole source is emptied: the next pass fills it. */
static void read_source(kvc_session *s, kvc_reader *r)
{
    s->source.n = kvc_read_u32(r);
    kvc_read_words(r, s->source.ids, s->source.n);
    kvc_read_words(r, s->source.rows, s->source.n * s->model->config.n_embd);
    kvc_cache_read_state(s->source.cross, r);
    if (kvc_cache_length(s->source.cross, 0) != s->source.n)
        kvc_cache_truncate(s->source.cross, 0, 0);
}

/* True if the cache has all that the queries of a sequence's last token see. */
static bool can_look_back(const kvc_session *s, size_t i)
{
    const size_t position = s->sequences[i].position;
    return kvc_cache_taken(s->cache, i) == position &&
           kvc_cache_reaches(s->cache, i, position > 0 ? position - 1 : 0);
}

/* Takes over what has been checked. A checksum stops no forger: what the cache holds
 * beyond a sequence is cut off, and queries are dropped where it holds less. */
static void read_session(kvc_session *s, kvc_reader *r)
{
    const size_t n = kvc_read_u32(r);
    for (size_t i = 0; i < s->config.n_sequence; i++) {
        s->sequences[i].position = 0;
        s->sequences[i].has_logits = s->sequences[i].by_hand = false;
        if (i < n)
            read_sequence(s, r, &s->sequences[i]);
    }
    kvc_cache_read_state(s->cache, r);
    if (s->source.cross)
        read_source(s, r);
    for (size_t i = 0; i < s->config.n_sequence; i++) {
        kvc_sequence *seq = &s->sequences[i];
        const size_t cached = kvc_cache_taken(s->cache, i);
        if (cached > seq->position)
            kvc_cache_rewind(s->cache, i, seq->position);
        seq->has_queries = seq->has_queries && can_look_back(s, i);
        seq->turned = seq->turned || !kvc_cache_moved(s->cache);
    }
}

kvc_error kvc_session_restore(kvc_session *s, const void *state, size_t bytes)
{
    kvc_reader reader;
    if (!s || !state)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    kvc_error error =
        kvc_read_begin(&reader, "KVCS", kvc_model_fingerprint(s->model), state, bytes);
    kvc_reader checked = reader;
    if (!error)
        error = check_session(s, &checked);
    if (!error)
        read_session(s, &reader);
    return error;
}
