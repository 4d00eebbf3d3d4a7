/* sequences.c - several sequences in one session: one becomes a copy of another and
 * shares its pages of the cache. */
#include <string.h>

#include "session/session.h"

static kvc_error check(const kvc_session *s, size_t sequence)
{
    if (s->pass.active)
        return KVC_ERR_BUSY;
    return sequence < s->config.n_sequence ? KVC_OK : KVC_ERR_POSITION_OUT_OF_RANGE;
}

static void copy(const kvc_session *s, kvc_sequence *to, const kvc_sequence *from)
{
    to->position = from->position;
    to->has_logits = from->has_logits;
    to->has_queries = from->has_queries;
    to->turned = from->turned;
    to->by_hand = from->by_hand;
    memcpy(to->ids, from->ids, from->position * sizeof *to->ids);
    if (from->has_logits)
        memcpy(to->logits, from->logits,
               s->model->config.vocab_size * sizeof *to->logits);
    if (from->has_queries)
        memcpy(to->queries, from->queries, kvc_queries_size(s) * sizeof *to->queries);
}

kvc_error kvc_session_select(kvc_session *s, size_t sequence)
{
    const kvc_error error = check(s, sequence);
    if (!error)
        s->selected = sequence;
    return error;
}

size_t kvc_session_selected(const kvc_session *s)
{
    return s->selected;
}

kvc_error kvc_session_fork(kvc_session *s, size_t from, size_t to)
{
    kvc_error error = check(s, from);
    if (!error)
        error = check(s, to);
    if (error || from == to)
        return error;
    copy(s, &s->sequences[to], &s->sequences[from]);
    return kvc_cache_fork(s->cache, from, to);
}

/* The first i with from[i] == sequence, n where there is none. */
static size_t taker(const uint32_t *from, size_t n, size_t sequence)
{
    size_t i = 0;
    while (i < n && from[i] != sequence)
        i++;
    return i;
}

/* The first to want an old sequence takes it over. Each further one gets a copy, in the
 * memory of an old sequence that nobody wants. */
kvc_error kvc_session_reorder(kvc_session *s, const uint32_t *from)
{
    const size_t n = s->config.n_sequence;
    if (!from)
        return KVC_ERR_INVALID_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        const kvc_error error = check(s, from[i]);
        if (error)
            return error;
    }
    kvc_sequence *old = s->sequences, *moved = s->moved;
    for (size_t i = 0, spare = 0; i < n; i++) {
        const size_t first = taker(from, n, from[i]);
        if (first == i) {
            moved[i] = old[from[i]];
            continue;
        }
        while (taker(from, n, spare) < n)
            spare++;
        moved[i] = old[spare++];
        copy(s, &moved[i], &moved[first]);
    }
    s->sequences = moved;
    s->moved = old;
    return kvc_cache_reorder(s->cache, from);
}

kvc_error kvc_session_drop(kvc_session *s, size_t sequence)
{
    const kvc_error error = check(s, sequence);
    if (error)
        return error;
    s->sequences[sequence].position = 0;
    s->sequences[sequence].has_logits = s->sequences[sequence].by_hand = false;
    return kvc_cache_drop(s->cache, sequence);
}

kvc_error kvc_session_keep(kvc_session *s, size_t sequence)
{
    kvc_error error = check(s, sequence);
    for (size_t i = 0; i < s->config.n_sequence && !error; i++)
        if (i != sequence)
            error = kvc_session_drop(s, i);
    return error;
}
