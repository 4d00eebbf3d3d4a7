/* timelines.c - several timelines in one session. */
#include "session.h"

static kvc_error check(const kvc_session *s, size_t sequence)
{
    if (s->pass.active)
        return KVC_ERR_BUSY;
    return sequence < s->config.n_sequence ? KVC_OK : KVC_ERR_POSITION_OUT_OF_RANGE;
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

kvc_error kvc_session_drop(kvc_session *s, size_t sequence)
{
    const kvc_error error = check(s, sequence);
    if (error)
        return error;
    s->timelines[sequence].position = 0;
    s->timelines[sequence].has_logits = false;
    return kvc_cache_truncate(s->cache, sequence, 0);
}

kvc_error kvc_session_keep(kvc_session *s, size_t sequence)
{
    kvc_error error = check(s, sequence);
    for (size_t i = 0; i < s->config.n_sequence && !error; i++)
        if (i != sequence)
            error = kvc_session_drop(s, i);
    return error;
}
