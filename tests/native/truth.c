#include "truth.h"

#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "random_model.h"

truth truth_new(const random_case *c, const oracle_model *model)
{
    truth t = {.c = c, .model = model, .use_cache = true};
    t.now.logits = check_alloc(c->config.vocab_size, sizeof *t.now.logits);
    return t;
}

void truth_free(truth *t)
{
    free(t->now.logits);
}

/* Whether T tokens go into so much room. */
static kvc_error fits(const truth *t, const uint32_t *ids, size_t T, size_t room)
{
    if (T > room)
        return KVC_ERR_CONTEXT_FULL;
    for (size_t i = 0; i < T; i++)
        if (ids[i] >= t->c->config.vocab_size)
            return KVC_ERR_TOKEN_OUT_OF_RANGE;
    return KVC_OK;
}

static kvc_error prefill(truth *t, timeline *now, const uint32_t *ids, size_t T)
{
    const kvc_error error = fits(t, ids, T, t->c->capacity - now->n);
    if (error)
        return error;
    memcpy(now->ids + now->n, ids, T * sizeof *ids);
    now->n += T;
    now->cached = t->use_cache ? now->n : now->cached;
    now->has_logits = true;
    naive_logits(now->logits, t->model, now->ids, now->n);
    return KVC_OK;
}

static kvc_error rewind_by(timeline *now, size_t n)
{
    if (n > now->n)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n == 0)
        return KVC_OK;
    now->n -= n;
    now->cached = now->cached < now->n ? now->cached : now->n;
    now->has_logits = false;
    return KVC_OK;
}

kvc_error truth_apply(truth *t, const case_op *op)
{
    timeline *now = &t->now;
    switch (op->kind) {
    case CASE_PREFILL: return prefill(t, now, op->arg, op->n);
    case CASE_CANCEL: return fits(t, op->arg + 1, op->n - 1, t->c->capacity - now->n);
    case CASE_REWIND: return rewind_by(now, op->arg[0]);
    case CASE_OFF:
    case CASE_ON: t->use_cache = op->kind == CASE_ON; return KVC_OK;
    case CASE_RESET: now->n = now->cached = now->has_logits = 0; return KVC_OK;
    case CASE_SCORE: return fits(t, op->arg, op->n, t->c->capacity + 1);
    case CASE_KINDS: break;
    }
    abort();
}

/* ---- the fixture ------------------------------------------------------------------- */

/* FNV-1a 64 */
static uint64_t fnv(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

uint64_t truth_digest(const random_case *c, FILE *trace)
{
    const uint64_t nothing = 0xcbf29ce484222325u;
    uint64_t digest = nothing;
    oracle_model model = random_weights(&c->config, c->seed);
    truth t = truth_new(c, &model);
    for (size_t i = 0; i < c->n_ops; i++) {
        char line[80];
        const kvc_error error = truth_apply(&t, &c->op[i]);
        const timeline *now = &t.now;
        const size_t bytes = c->config.vocab_size * sizeof *now->logits;
        const uint64_t hash = now->has_logits ? fnv(nothing, now->logits, bytes) : 0;
        const int n = snprintf(line, sizeof line, "%s %zu %zu %016" PRIx64 "\n",
                               kvc_error_name(error), now->n, now->cached, hash);
        digest = fnv(digest, line, (size_t)n);
        if (trace)
            fputs(line, trace);
    }
    truth_free(&t);
    random_weights_free(&model);
    return digest;
}
