#include "duel.h"

#include "check.h"
#include "random_model.h"
#include "truth.h"

typedef struct engine {
    const random_case *c;
    kvc_session *now, *other; /* a saved state moves from one to the other */
    size_t reused;            /* by the last operation */
} engine;

static kvc_error finish(kvc_session *s)
{
    kvc_error error;
    do
        error = kvc_session_step(s);
    while (error == KVC_PENDING);
    return error;
}

/* After fewer a pass over T tokens is not done: see kvc_session_begin. */
static uint32_t least_steps(const random_case *c, size_t T)
{
    return c->config.n_layer * ((uint32_t)(T - 1) / 32 + 1) + 1;
}

static kvc_error cancelled(const engine *e, const case_op *op)
{
    const kvc_error error = kvc_session_begin(e->now, op->arg + 1, op->n - 1);
    for (uint32_t i = op->arg[0] % least_steps(e->c, op->n - 1); i > 0 && !error; i--)
        if (kvc_session_step(e->now) != KVC_PENDING)
            return KVC_ERROR_COUNT;
    if (!error)
        kvc_session_cancel(e->now);
    return error;
}

static kvc_error edit(engine *e, const truth *before, const case_op *op)
{
    uint32_t ids[CASE_TEXT + CASE_ARGS];
    const size_t T = truth_edited(before, op, ids);
    const kvc_error error = kvc_session_begin_sync(e->now, ids, T, &e->reused);
    return error ? error : finish(e->now);
}

static kvc_error batch(const engine *e, const case_op *op)
{
    uint32_t sequences[CASE_ARGS], ids[CASE_ARGS];
    const size_t n = op->n / 2;
    for (size_t i = 0; i < n; i++) {
        sequences[i] = op->arg[2 * i];
        ids[i] = op->arg[2 * i + 1];
    }
    const kvc_error error = kvc_session_begin_batch(e->now, sequences, ids, n);
    return error ? error : finish(e->now);
}

static kvc_error score(const engine *e, const case_op *op)
{
    float log_probs[CASE_ARGS];
    return kvc_session_score(e->now, op->arg, op->n, log_probs);
}

/* After fewer a source is not read. */
static uint32_t least_source_steps(const engine *e, size_t n)
{
    const uint32_t chunks = (uint32_t)(n - 1) / 32 + 1;
    const uint32_t filled = e->c->config.n_layer * chunks;
    return (2 * e->c->config.n_encoder_layer + 1) * chunks +
           (kvc_session_uses_cross_cache(e->now) ? filled : 1);
}

static kvc_error source(const engine *e, const case_op *op)
{
    const kvc_error error = kvc_session_begin_source(e->now, op->arg + 1, op->n - 1);
    if (error || op->arg[0] == 0)
        return error ? error : finish(e->now);
    for (uint32_t i = (op->arg[0] - 1) % least_source_steps(e, op->n - 1); i > 0; i--)
        if (kvc_session_step(e->now) != KVC_PENDING)
            return KVC_ERROR_COUNT;
    kvc_session_cancel(e->now);
    return KVC_OK;
}

static kvc_error switch_cross(const engine *e, bool on)
{
    const bool narrow = e->c->key_type != KVC_F32 || e->c->value_type != KVC_F32;
    return kvc_session_set_cross_cache(e->now, on || narrow);
}

/* From one session into the other, whatever that held before. */
static kvc_error save_and_restore(engine *e)
{
    kvc_session *from = e->now, *to = e->other;
    size_t bytes;
    check_ok(kvc_session_state_bytes(from, &bytes));
    void *state = check_alloc(1, bytes);
    check_ok(kvc_session_save(from, state, bytes));
    const kvc_error error = kvc_session_restore(to, state, bytes);
    free(state);
    if (error)
        return error;
    check_ok(kvc_session_select(to, kvc_session_selected(from)));
    check_ok(kvc_session_set_cache(to, kvc_session_uses_cache(from)));
    if (e->c->source_capacity > 0)
        check_ok(kvc_session_set_cross_cache(to, kvc_session_uses_cross_cache(from)));
    e->now = to;
    e->other = from;
    return KVC_OK;
}

static kvc_error apply(engine *e, const truth *before, const case_op *op)
{
    kvc_session *s = e->now;
    const uint32_t *arg = op->arg;
    e->reused = 0;
    switch (op->kind) {
    case CASE_PREFILL:
        return op->n == 1 ? kvc_session_decode(s, arg[0])
                          : kvc_session_prefill(s, arg, op->n);
    case CASE_CANCEL: return cancelled(e, op);
    case CASE_REWIND: return kvc_session_truncate(s, kvc_session_position(s) - arg[0]);
    case CASE_EDIT: return edit(e, before, op);
    case CASE_OFF: return kvc_session_set_cache(s, false);
    case CASE_ON: return kvc_session_set_cache(s, true);
    case CASE_RESET: kvc_session_reset(s); return KVC_OK;
    case CASE_SCORE: return score(e, op);
    case CASE_SELECT: return kvc_session_select(s, arg[0]);
    case CASE_BATCH: return batch(e, op);
    case CASE_FORK: return kvc_session_fork(s, arg[0], arg[1]);
    case CASE_REORDER:
        return op->n == e->c->n_sequence ? kvc_session_reorder(s, arg)
                                         : KVC_ERR_INVALID_ARGUMENT;
    case CASE_DROP: return kvc_session_drop(s, arg[0]);
    case CASE_KEEP: return kvc_session_keep(s, arg[0]);
    case CASE_SAVE: return save_and_restore(e);
    case CASE_SOURCE: return source(e, op);
    case CASE_CROSS_OFF:
    case CASE_CROSS_ON: return switch_cross(e, op->kind == CASE_CROSS_ON);
    case CASE_EVICT: return kvc_session_evict(s, arg[0], arg[1]);
    case CASE_KINDS: break;
    }
    abort();
}

/* What is wrong with the selected sequence, NULL if nothing. */
static const char *wrong_line(const engine *e, const truth_line *line)
{
    const float *logits = kvc_session_logits(e->now);
    const size_t bytes = e->c->config.vocab_size * sizeof *logits;
    if (kvc_session_position(e->now) != line->n)
        return "position";
    if (kvc_session_cached(e->now) != line->cached)
        return "number of cached tokens";
    if ((logits != NULL) != line->has_logits)
        return "presence of logits";
    if (logits && memcmp(logits, line->logits, bytes) != 0)
        return "logits";
    return NULL;
}

/* Slots of a sequence that hold tokens, or did. */
static size_t slots_of(const engine *e, const truth_line *line)
{
    return e->c->when_full == KVC_STOP ? line->cached : line->n_held;
}

/* What is wrong with what the slots of the selected sequence hold. */
static const char *wrong_slots(const engine *e, const truth_line *line, size_t i)
{
    uint32_t tokens[CASE_CAPACITY], places[CASE_CAPACITY];
    const size_t n = kvc_cache_length(kvc_session_cache(e->now), i);
    if (n != slots_of(e, line))
        return "number of slots";
    check_ok(kvc_session_held(e->now, tokens, places));
    for (size_t j = 0; j < n; j++) {
        const bool moves = e->c->when_full != KVC_STOP;
        const uint32_t token = moves ? line->held[j] : (uint32_t)j;
        if (tokens[j] != token)
            return "token of a slot";
        if (places[j] != (moves ? line->n_seen[token] - 1 : j))
            return "place of a key";
    }
    return NULL;
}

/* Whether slot j of sequence i lies in the same place as one of a sequence before, from
 * the first that is not given back (windowed) or from 0. */
static bool is_shared(const engine *e, const truth *t, size_t i, size_t j, bool windowed)
{
    const kvc_cache *cache = kvc_session_cache(e->now);
    const size_t page = kvc_cache_page(cache, i, j);
    for (size_t k = 0; k < i; k++) {
        const truth_line *line = &t->lines[k];
        for (size_t slot = j % 16; slot < slots_of(e, line); slot += 16)
            if ((!windowed || slot >= line->freed) &&
                kvc_cache_page(cache, k, slot) == page)
                return true;
    }
    return false;
}

/* Slots of all sequences that hold tokens, shared ones once. */
static size_t count_slots(const engine *e, const truth *t, bool windowed)
{
    size_t n = 0;
    for (size_t i = 0; i < e->c->n_sequence; i++)
        for (size_t j = windowed ? t->lines[i].freed : 0; j < slots_of(e, &t->lines[i]);
             j++)
            n += !is_shared(e, t, i, j, windowed);
    return n;
}

/* Pages of a sequence in layers with a window: for those of the last 17 tokens, and for
 * those of a chunk of 32 and the 17 before, wherever in a page they begin; or all. */
static size_t windowed_pages(const random_case *c)
{
    const size_t W = c->config.window, all = (case_slots(c) + 15) / 16;
    const size_t two = (W + 16 + 30) / 16 + (W + 16 + 31 + 30) / 16;
    return two < all ? two : all;
}

/* What is wrong with the figures of memory. */
static const char *wrong_memory(const engine *e, const truth *t)
{
    const kvc_memory memory = kvc_session_memory(e->now);
    const kvc_config *config = &e->c->config;
    size_t windowed = 0;
    for (size_t layer = 0; layer < config->n_layer; layer++)
        windowed += config->window_layers[0] >> layer & 1;
    const size_t layer_bytes = memory.bytes_per_token / config->n_layer;
    const size_t others = (config->n_layer - windowed) * layer_bytes;
    const size_t n = count_slots(e, t, false), kept = count_slots(e, t, true);
    if (memory.used_bytes != others * n + windowed * layer_bytes * kept)
        return "number of bytes in use";
    if (memory.freed_bytes != windowed * layer_bytes * (n - kept))
        return "number of bytes given back";
    if (memory.cache_bytes != 16 * e->c->n_sequence *
                                  (others * ((case_slots(e->c) + 15) / 16) +
                                   windowed * layer_bytes * windowed_pages(e->c)))
        return "number of bytes of the cache";
    return NULL;
}

/* What is wrong with any sequence. */
static const char *wrong_anywhere(const engine *e, const truth *t)
{
    const char *wrong = NULL;
    if (kvc_session_selected(e->now) != t->selected)
        return "selection";
    if (kvc_session_source_length(e->now) != t->n_source)
        return "source";
    if (e->reused != t->reused)
        return "number of reused tokens";
    for (size_t i = 0; i < e->c->n_sequence && !wrong; i++) {
        check_ok(kvc_session_select(e->now, i));
        wrong = wrong_line(e, &t->lines[i]);
        if (!wrong)
            wrong = wrong_slots(e, &t->lines[i], i);
        if (!wrong && kvc_cache_freed(kvc_session_cache(e->now), i) != t->lines[i].freed)
            wrong = "number of slots given back";
    }
    if (!wrong)
        wrong = wrong_memory(e, t);
    check_ok(kvc_session_select(e->now, t->selected));
    return wrong;
}

bool duel(const random_case *c, bool speak)
{
    const char *wrong = NULL;
    const kvc_session_config sizes = case_sizes(c);
    random_model model = random_model_new(&c->config, c->seed);
    engine e = {.c = c};
    e.now = random_model_sequences(&model, &sizes);
    e.other = random_model_sequences(&model, &sizes);
    truth t = truth_new(c, &model.plain);
    for (size_t i = 0; i < c->n_ops && !wrong; i++) {
        const kvc_error got = apply(&e, &t, &c->op[i]);
        const kvc_error want = truth_apply(&t, &c->op[i]);
        wrong = got == want ? wrong_anywhere(&e, &t) : "error";
        if (wrong && speak)
            print_error("after operation %zu: wrong %s (%s; right is %s)\n", i + 1, wrong,
                        kvc_error_name(got), kvc_error_name(want));
    }
    truth_free(&t);
    free(e.now);
    free(e.other);
    random_model_free(&model);
    return !wrong;
}
