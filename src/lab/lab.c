/* lab.c - which bug is planted, and what each is called; empty outside the lab build. */
#include "lab/lab.h"

#include <string.h>

#ifdef KVC_LAB
#include "session/session.h"

kvc_bug kvc_lab_planted = KVC_NO_BUG;

static const struct {
    const char *id, *name, *text;
} bugs[KVC_BUG_COUNT] = {
#define BUG_ENTRY(id, name, text) [KVC_BUG_##id] = {#id, name, text},
    KVC_BUGS(BUG_ENTRY)
#undef BUG_ENTRY
};

void kvc_lab_set(kvc_bug bug)
{
    kvc_lab_planted = bug;
}

const char *kvc_lab_bug_id(kvc_bug bug)
{
    return (unsigned)bug < KVC_BUG_COUNT ? bugs[bug].id : NULL;
}

const char *kvc_lab_bug_name(kvc_bug bug)
{
    return (unsigned)bug < KVC_BUG_COUNT ? bugs[bug].name : NULL;
}

const char *kvc_lab_bug_text(kvc_bug bug)
{
    return (unsigned)bug < KVC_BUG_COUNT ? bugs[bug].text : NULL;
}

kvc_error kvc_lab_slide(kvc_session *s, size_t first, size_t n)
{
    kvc_timeline *t = kvc_selected(s);
    const kvc_error error = kvc_cache_evict(s->cache, s->selected, first, n);
    if (error)
        return error;
    t->position -= n;
    memmove(t->ids + first, t->ids + first + n, (t->position - first) * sizeof *t->ids);
    return KVC_OK;
}
#endif
