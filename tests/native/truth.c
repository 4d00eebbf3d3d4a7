#include "truth.h"

#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "random_model.h"

truth truth_new(const random_case *c, const oracle_model *model)
{
    truth t = {.c = c, .model = model, .use_cache = true};
    for (size_t i = 0; i < c->n_sequence; i++)
        t.lines[i].logits = check_alloc(c->config.vocab_size, sizeof(float));
    return t;
}

void truth_free(truth *t)
{
    for (size_t i = 0; i < t->c->n_sequence; i++)
        free(t->lines[i].logits);
}

/* ---- passes ------------------------------------------------------------------------ */

/* Whether T tokens go into so much room. */
static kvc_error fits(const truth *t, const uint32_t *ids, size_t T, size_t room)
{
    if (T > room)
        return KVC_ERR_CONTEXT_FULL;
    if (t->c->config.n_encoder_layer > 0 && t->n_source == 0)
        return KVC_ERR_NO_SOURCE;
    for (size_t i = 0; i < T; i++)
        if (ids[i] >= t->c->config.vocab_size)
            return KVC_ERR_TOKEN_OUT_OF_RANGE;
    return KVC_OK;
}

static void extend(truth *t, truth_line *line, const uint32_t *ids, size_t T)
{
    memcpy(line->ids + line->n, ids, T * sizeof *ids);
    line->n += T;
    line->cached = t->use_cache ? line->n : line->cached;
    line->has_logits = true;
    static const kvc_dtype exact[] = {KVC_F32, KVC_F32};
    const kvc_dtype types[] = {t->c->key_type, t->c->value_type};
    oracle_model model = *t->model;
    model.source = t->source;
    model.n_source = t->n_source;
    naive_source_logits(line->logits, &model, line->ids, line->n,
                        t->use_cache ? types : exact, t->no_cross ? exact : types);
}

static kvc_error prefill(truth *t, truth_line *line, const uint32_t *ids, size_t T)
{
    const kvc_error error = fits(t, ids, T, t->c->capacity - line->n);
    if (!error)
        extend(t, line, ids, T);
    return error;
}

static void cut(truth_line *line, size_t n)
{
    line->has_logits = line->has_logits && n == line->n;
    line->n = n;
    line->cached = line->cached < n ? line->cached : n;
}

static kvc_error rewind_by(truth_line *line, size_t n)
{
    if (n > line->n)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    cut(line, line->n - n);
    return KVC_OK;
}

size_t truth_edited(const truth *t, const case_op *op,
                    uint32_t ids[CASE_CAPACITY + CASE_ARGS])
{
    const truth_line *line = &t->lines[t->selected];
    const size_t kept = op->arg[0] < line->n ? line->n - op->arg[0] : 0;
    memcpy(ids, line->ids, kept * sizeof *ids);
    memcpy(ids + kept, op->arg + 1, (op->n - 1) * sizeof *ids);
    return kept + op->n - 1;
}

/* The longest common prefix stays; what the cache has of it need not be computed, but for
 * the one row that logits come from. */
static kvc_error sync(truth *t, truth_line *line, const case_op *op)
{
    uint32_t ids[CASE_CAPACITY + CASE_ARGS];
    const size_t T = truth_edited(t, op, ids);
    size_t common = 0;
    if (T == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    const kvc_error error = fits(t, ids, T, t->c->capacity);
    if (error)
        return error;
    while (common < T && common < line->n && line->ids[common] == ids[common])
        common++;
    if (t->use_cache && common == T && line->n == T && line->has_logits) {
        t->reused = T;
        return KVC_OK;
    }
    cut(line, common);
    if (t->use_cache)
        t->reused = line->cached < T ? line->cached : T - 1;
    extend(t, line, ids + common, T - common);
    return KVC_OK;
}

static kvc_error batch(truth *t, const case_op *op)
{
    const size_t n = op->n / 2;
    for (size_t i = 0; i < n; i++) {
        if (op->arg[2 * i] >= t->c->n_sequence)
            return KVC_ERR_POSITION_OUT_OF_RANGE;
        for (size_t j = 0; j < i; j++)
            if (op->arg[2 * j] == op->arg[2 * i])
                return KVC_ERR_INVALID_ARGUMENT;
        if (t->lines[op->arg[2 * i]].n == t->c->capacity)
            return KVC_ERR_CONTEXT_FULL;
    }
    if (t->c->config.n_encoder_layer > 0 && t->n_source == 0)
        return KVC_ERR_NO_SOURCE;
    for (size_t i = 0; i < n; i++)
        if (op->arg[2 * i + 1] >= t->c->config.vocab_size)
            return KVC_ERR_TOKEN_OUT_OF_RANGE;
    for (size_t i = 0; i < n; i++)
        extend(t, &t->lines[op->arg[2 * i]], &op->arg[2 * i + 1], 1);
    return KVC_OK;
}

/* ---- sequences --------------------------------------------------------------------- */

static void copy(const truth *t, truth_line *to, const truth_line *from)
{
    float *logits = to->logits;
    if (to == from)
        return;
    memcpy(logits, from->logits, t->c->config.vocab_size * sizeof *logits);
    *to = *from;
    to->logits = logits;
}

static kvc_error reorder(truth *t, const case_op *op)
{
    if (op->n != t->c->n_sequence)
        return KVC_ERR_INVALID_ARGUMENT;
    for (size_t i = 0; i < op->n; i++)
        if (op->arg[i] >= t->c->n_sequence)
            return KVC_ERR_POSITION_OUT_OF_RANGE;
    truth old = truth_new(t->c, t->model);
    for (size_t i = 0; i < op->n; i++)
        copy(t, &old.lines[i], &t->lines[i]);
    for (size_t i = 0; i < op->n; i++)
        copy(t, &t->lines[i], &old.lines[op->arg[i]]);
    truth_free(&old);
    return KVC_OK;
}

/* What has one or two sequences for arguments. */
static kvc_error arrange(truth *t, const case_op *op)
{
    const size_t a = op->arg[0], b = op->n > 1 ? op->arg[1] : a;
    if (a >= t->c->n_sequence || b >= t->c->n_sequence)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (op->kind == CASE_SELECT)
        t->selected = a;
    if (op->kind == CASE_FORK)
        copy(t, &t->lines[b], &t->lines[a]);
    for (size_t i = 0; i < t->c->n_sequence; i++)
        if ((op->kind == CASE_DROP && i == a) || (op->kind == CASE_KEEP && i != a))
            cut(&t->lines[i], 0);
    return KVC_OK;
}

static void reset(truth *t)
{
    t->n_source = 0;
    for (size_t i = 0; i < t->c->n_sequence; i++)
        cut(&t->lines[i], 0);
}

/* Empties all sequences, whether it is read to the end or not. */
static kvc_error source(truth *t, const case_op *op)
{
    const size_t n = op->n - 1;
    if (n == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (t->c->config.n_encoder_layer == 0)
        return KVC_ERR_UNSUPPORTED;
    if (n > t->c->source_capacity)
        return KVC_ERR_SOURCE_TOO_LONG;
    for (size_t i = 0; i < n; i++)
        if (op->arg[1 + i] >= t->c->config.vocab_size)
            return KVC_ERR_TOKEN_OUT_OF_RANGE;
    reset(t);
    memcpy(t->source, op->arg + 1, n * sizeof *t->source);
    t->n_source = op->arg[0] == 0 ? n : 0;
    return KVC_OK;
}

/* With narrow numbers, what the cache has would depend on when it was off. */
static kvc_error switch_cross(truth *t, bool on)
{
    if (t->c->config.n_encoder_layer == 0)
        return KVC_ERR_UNSUPPORTED;
    t->no_cross = !on && t->c->key_type == KVC_F32 && t->c->value_type == KVC_F32;
    return KVC_OK;
}

kvc_error truth_apply(truth *t, const case_op *op)
{
    truth_line *line = &t->lines[t->selected];
    const size_t room = t->c->capacity - line->n;
    t->reused = 0;
    switch (op->kind) {
    case CASE_PREFILL: return prefill(t, line, op->arg, op->n);
    case CASE_CANCEL: return fits(t, op->arg + 1, op->n - 1, room);
    case CASE_REWIND: return rewind_by(line, op->arg[0]);
    case CASE_EDIT: return sync(t, line, op);
    case CASE_OFF:
    case CASE_ON: t->use_cache = op->kind == CASE_ON; return KVC_OK;
    case CASE_RESET: reset(t); return KVC_OK;
    case CASE_SCORE: return fits(t, op->arg, op->n, t->c->capacity + 1);
    case CASE_BATCH: return batch(t, op);
    case CASE_REORDER: return reorder(t, op);
    case CASE_SELECT:
    case CASE_FORK:
    case CASE_DROP:
    case CASE_KEEP: return arrange(t, op);
    case CASE_SAVE: return KVC_OK;
    case CASE_SOURCE: return source(t, op);
    case CASE_CROSS_OFF:
    case CASE_CROSS_ON: return switch_cross(t, op->kind == CASE_CROSS_ON);
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
    const size_t bytes = c->config.vocab_size * sizeof(float);
    uint64_t digest = nothing;
    oracle_model model = random_weights(&c->config, c->seed);
    truth t = truth_new(c, &model);
    for (size_t i = 0; i < c->n_ops; i++) {
        char text[96];
        const kvc_error error = truth_apply(&t, &c->op[i]);
        const truth_line *line = &t.lines[t.selected];
        const uint64_t hash = line->has_logits ? fnv(nothing, line->logits, bytes) : 0;
        const int n =
            snprintf(text, sizeof text, "%s %zu %zu %zu %016" PRIx64 "\n",
                     kvc_error_name(error), line->n, line->cached, t.reused, hash);
        digest = fnv(digest, text, (size_t)n);
        if (trace)
            fputs(text, trace);
    }
    truth_free(&t);
    random_weights_free(&model);
    return digest;
}
