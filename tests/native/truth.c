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

/* Whether a sequence, made n tokens long in the cache, has what the next one sees. */
static bool reaches(const truth *t, const truth_line *line, size_t n)
{
    return n == 0 || line->freed == 0 || line->freed + t->c->config.window <= n + 1;
}

static void forget(truth_line *line)
{
    line->cached = line->freed = line->n_held = line->gone = line->least = 0;
}

/* ---- where slots move -------------------------------------------------------------- */

static bool moves(const truth *t)
{
    return t->c->when_full != KVC_STOP;
}

static bool slides(const truth *t)
{
    return t->c->when_full == KVC_SLIDE;
}

/* Takes the tokens of n slots out. */
static void evict(truth_line *line, size_t first, size_t n)
{
    line->n_held -= n;
    memmove(line->held + first, line->held + first + n,
            (line->n_held - first) * sizeof *line->held);
    line->gone += n;
    line->least = line->cached;
}

static void make_room(const truth *t, truth_line *line)
{
    if (slides(t) && line->n_held == case_slots(t->c))
        evict(line, (t->c->sinks + 15) / 16 * 16, 16);
}

/* The cache takes tokens up to n - 1, one by one. */
static void take(const truth *t, truth_line *line, size_t n)
{
    for (; line->cached < n; line->cached++) {
        const size_t token = line->cached;
        make_room(t, line);
        line->held[line->n_held++] = (uint32_t)token;
        line->n_seen[token] = (uint32_t)line->n_held;
        memcpy(line->seen[token], line->held, line->n_held * sizeof *line->held);
    }
}

/* The cache goes back to n tokens; to none where what they had is gone. */
static void go_back(const truth *t, truth_line *line, size_t n)
{
    if (n == 0 || n < line->least || !reaches(t, line, n)) {
        forget(line);
    } else if (n < line->cached) {
        line->n_held -= moves(t) ? line->cached - n : 0;
        line->cached = n;
    }
}

/* Room for n tokens, the first `kept` as they are. */
static bool has_room(const truth *t, const truth_line *line, size_t kept, size_t n)
{
    const size_t gone = t->use_cache && kept >= line->least ? line->gone : 0;
    return n <= case_text(t->c) && (slides(t) || n - gone <= t->c->capacity);
}

/* What evict() took can be computed no more. */
static kvc_error check_past(const truth *t, const truth_line *line)
{
    const bool behind = line->cached < line->n;
    return line->by_hand && (!t->use_cache || behind) ? KVC_ERR_WINDOW_PASSED : KVC_OK;
}

/* ---- passes ------------------------------------------------------------------------ */

/* What the last 17 tokens see of the cache is kept, in pages of 16. */
static void give_back(const truth *t, truth_line *line)
{
    const size_t W = t->c->config.window;
    while (W > 0 && line->freed + 16 + W + 16 <= line->cached)
        line->freed += 16;
}

/* The logits after the last token, as the cache has seen the text. */
static void moved_logits(const truth *t, truth_line *line, const kvc_dtype types[2])
{
    naive_seen seen[CASE_TEXT];
    const size_t last = line->n - 1;
    for (size_t i = 0; i < line->n; i++)
        seen[i] = (naive_seen){line->n_seen[i], line->seen[i]};
    naive_seen_logits(line->logits, t->model, line->ids, line->n, types, seen, &last, 1);
}

static void extend(truth *t, truth_line *line, const uint32_t *ids, size_t T)
{
    memcpy(line->ids + line->n, ids, T * sizeof *ids);
    line->n += T;
    if (slides(t) && !t->use_cache)
        forget(line);
    if (moves(t) && (slides(t) || t->use_cache))
        take(t, line, line->n);
    if (t->use_cache) {
        line->cached = line->n;
        give_back(t, line);
    }
    line->has_logits = true;
    static const kvc_dtype exact[] = {KVC_F32, KVC_F32};
    const kvc_dtype types[] = {t->c->key_type, t->c->value_type};
    if (moves(t) && (slides(t) || t->use_cache)) {
        moved_logits(t, line, types);
        return;
    }
    oracle_model model = *t->model;
    model.source = t->source;
    model.n_source = t->n_source;
    naive_source_logits(line->logits, &model, line->ids, line->n,
                        t->use_cache ? types : exact, t->no_cross ? exact : types);
}

static kvc_error prefill(truth *t, truth_line *line, const uint32_t *ids, size_t T)
{
    const bool room = has_room(t, line, line->n, line->n + T);
    kvc_error error = fits(t, ids, T, room ? T : 0);
    if (!error)
        error = check_past(t, line);
    if (!error)
        extend(t, line, ids, T);
    return error;
}

/* What n steps of a pass that is dropped then do to a cache that slides: a page that had
 * to go stays away, and what the cache took too much is taken back. */
static void drop_pass(const truth *t, truth_line *line, size_t steps, size_t T)
{
    const size_t end = line->n + T, L = t->c->config.n_layer;
    if (!slides(t))
        return;
    if (!t->use_cache)
        forget(line);
    while (steps > 0) {
        make_room(t, line);
        const size_t room = case_slots(t->c) - line->n_held, left = end - line->cached;
        const size_t rows = left < room ? left : room, needed = L * ((rows + 31) / 32);
        if (steps < needed || rows == left)
            break;
        take(t, line, line->cached + rows);
        steps -= needed;
    }
    if (line->cached > line->n)
        go_back(t, line, line->n);
}

/* After fewer steps a pass is not done: see kvc_session_begin. */
static kvc_error cancel(const truth *t, truth_line *line, const case_op *op)
{
    const size_t T = op->n - 1;
    const size_t least = t->c->config.n_layer * ((T - 1) / 32 + 1) + 1;
    const bool room = has_room(t, line, line->n, line->n + T);
    kvc_error error = fits(t, op->arg + 1, T, room ? T : 0);
    if (!error)
        error = check_past(t, line);
    if (!error)
        drop_pass(t, line, op->arg[0] % least, T);
    return error;
}

static void cut(const truth *t, truth_line *line, size_t n)
{
    line->has_logits = line->has_logits && n == line->n;
    line->n = n;
    go_back(t, line, line->cached < n ? line->cached : n);
    line->freed = line->cached > 0 ? line->freed : 0;
    line->by_hand = line->by_hand && n > 0;
}

static kvc_error rewind_by(const truth *t, truth_line *line, size_t n)
{
    if (n > line->n)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (line->n - n < line->cached && !reaches(t, line, line->n - n))
        return KVC_ERR_WINDOW_PASSED;
    const size_t left = line->n - n, back = left < line->cached ? left : line->cached;
    if (n > 0 && back > 0 && back < line->least)
        return KVC_ERR_WINDOW_PASSED;
    if (n > 0)
        cut(t, line, left);
    return KVC_OK;
}

static kvc_error evict_slots(const truth *t, truth_line *line, size_t first, size_t n)
{
    if (!moves(t))
        return KVC_ERR_UNSUPPORTED;
    if (line->cached < line->n)
        return KVC_ERR_NOT_READY;
    if (first > line->n_held || n > line->n_held - first)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (n > 0)
        evict(line, first, n);
    line->by_hand = line->by_hand || n > 0;
    return KVC_OK;
}

size_t truth_edited(const truth *t, const case_op *op,
                    uint32_t ids[CASE_TEXT + CASE_ARGS])
{
    const truth_line *line = &t->lines[t->selected];
    const size_t kept = op->arg[0] < line->n ? line->n - op->arg[0] : 0;
    memcpy(ids, line->ids, kept * sizeof *ids);
    memcpy(ids + kept, op->arg + 1, (op->n - 1) * sizeof *ids);
    return kept + op->n - 1;
}

/* The longest common prefix stays; what the cache has of it need not be computed, but for
 * the one row that logits come from, unless windows have passed where that begins. */
static kvc_error sync(truth *t, truth_line *line, const case_op *op)
{
    uint32_t ids[CASE_TEXT + CASE_ARGS];
    const size_t T = truth_edited(t, op, ids);
    size_t common = 0;
    if (T == 0)
        return KVC_ERR_INVALID_ARGUMENT;
    while (common < T && common < line->n && line->ids[common] == ids[common])
        common++;
    if (t->use_cache && common == T && line->n == T && line->has_logits) {
        t->reused = T;
        return KVC_OK;
    }
    const size_t kept = common < T ? common : T - 1; /* the last row gives logits */
    const kvc_error error = fits(t, ids, T, has_room(t, line, kept, T) ? T : 0);
    if (error)
        return error;
    if (common < line->cached && (!reaches(t, line, common) || common < line->least)) {
        forget(line);
        line->by_hand = false;
    }
    if (common < line->n)
        cut(t, line, common);
    if (t->use_cache && line->cached == T)
        go_back(t, line, T - 1);
    if (line->by_hand && (!t->use_cache || line->cached == 0)) {
        forget(line);
        line->by_hand = false;
    }
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
        const truth_line *line = &t->lines[op->arg[2 * i]];
        if (!has_room(t, line, line->n, line->n + 1))
            return KVC_ERR_CONTEXT_FULL;
    }
    if (t->c->config.n_encoder_layer > 0 && t->n_source == 0)
        return KVC_ERR_NO_SOURCE;
    for (size_t i = 0; i < n; i++)
        if (op->arg[2 * i + 1] >= t->c->config.vocab_size)
            return KVC_ERR_TOKEN_OUT_OF_RANGE;
    for (size_t i = 0; i < n; i++)
        if (check_past(t, &t->lines[op->arg[2 * i]]))
            return KVC_ERR_WINDOW_PASSED;
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
            cut(t, &t->lines[i], 0);
    return KVC_OK;
}

static void reset(truth *t)
{
    t->n_source = 0;
    for (size_t i = 0; i < t->c->n_sequence; i++)
        cut(t, &t->lines[i], 0);
}

/* Beyond the capacity a text slides through the memory of an empty sequence. */
static kvc_error score(const truth *t, const case_op *op)
{
    size_t room = case_slots(t->c) + 1;
    for (size_t i = 0; i < t->c->n_sequence && slides(t); i++)
        if (t->lines[i].n == 0 && t->lines[i].cached == 0)
            room = CASE_ARGS;
    return fits(t, op->arg, op->n, room);
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
    t->reused = 0;
    switch (op->kind) {
    case CASE_PREFILL: return prefill(t, line, op->arg, op->n);
    case CASE_CANCEL: return cancel(t, line, op);
    case CASE_REWIND: return rewind_by(t, line, op->arg[0]);
    case CASE_EDIT: return sync(t, line, op);
    case CASE_OFF:
    case CASE_ON: t->use_cache = op->kind == CASE_ON; return KVC_OK;
    case CASE_RESET: reset(t); return KVC_OK;
    case CASE_SCORE: return score(t, op);
    case CASE_EVICT: return evict_slots(t, line, op->arg[0], op->arg[1]);
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
