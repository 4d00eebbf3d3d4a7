/* A session's operations in any order, over models whose slots move, or that have an
 * encoder: after each of them errors, tokens, slots, memory and every bit of the logits
 * are those of truth.h. What fails is printed as a line for test_random. */
#include <stdio.h>

#include "duel.h"
#include "fuzz.h"
#include "random_model.h"

enum { POSITIONS = 64, V = 7, MOST_IDS = 50, MOST_SOURCE = 40 };

#define ROTARY(NAME, L, H, K, D, ...)                                                    \
    {                                                                                    \
        .arch = NAME, KIN_SIZES(L, H, K, D, 8, 5, POSITIONS, V), .rope_factor = 1.0f,    \
        __VA_ARGS__                                                                      \
    }
static const kvc_config configs[] = {
    ROTARY(KVC_LLAMA, 2, 2, 1, 4, .weights = KVC_F32),
    ROTARY(KVC_QWEN3, 1, 1, 1, 8, .weights = KVC_I8),
    {PHI_SIZES(1, 2, 2, 8, 16, 5, POSITIONS, V), .own_head = 1, .rotary_dim = 4,
     .rope_factor = 1.0f},
    {.arch = KVC_T5, T5_SIZES(1, 2, 2, 4, 8, 5, POSITIONS, V)},
    {.arch = KVC_T5_GATED, T5_SIZES(2, 1, 1, 8, 4, 5, POSITIONS, V), .own_head = 1},
    {.arch = KVC_MARIAN, BART_SIZES(2, 1, 2, 4, 5, POSITIONS, V)},
};

/* Sizes that such a session can have. */
static void draw_sizes(fuzz_bytes *in, random_case *c)
{
    static const kvc_dtype types[][2] = {
        {KVC_F32, KVC_F32}, {KVC_F32, KVC_F32}, {KVC_I8, KVC_F16}, {KVC_I4, KVC_F32}};
    const kvc_dtype *pair = types[fuzz_below(in, 4)];
    c->key_type = pair[0];
    c->value_type = pair[1];
    c->n_sequence = 1 + fuzz_below(in, 3);
    if (c->config.n_encoder_layer > 0) {
        c->capacity = 1 + fuzz_below(in, POSITIONS);
        c->source_capacity = 1 + fuzz_below(in, MOST_SOURCE);
        return;
    }
    const size_t pages = 1 + fuzz_below(in, 3);
    c->when_full = fuzz_below(in, 4) ? KVC_SLIDE : KVC_EVICT;
    c->capacity = KVC_PAGE * pages + fuzz_below(in, KVC_PAGE);
    if (c->when_full == KVC_SLIDE)
        c->sinks = fuzz_below(in, KVC_PAGE * (pages - 1) + 1);
    c->text = c->capacity + fuzz_below(in, CASE_TEXT - POSITIONS);
}

static void draw(fuzz_bytes *in, case_op *op, size_t times, size_t below)
{
    for (; times > 0; times--)
        op->arg[op->n++] = (uint32_t)fuzz_below(in, below);
}

/* Many of them out of two bytes. */
static void draw_ids(fuzz_bytes *in, case_op *op)
{
    uint64_t state = fuzz_byte(in);
    for (size_t n = fuzz_below(in, MOST_IDS); n > 0; n--)
        op->arg[op->n++] = (uint32_t)random_below(&state, V);
}

static case_op draw_op(fuzz_bytes *in, const random_case *c)
{
    const size_t N = c->n_sequence;
    case_op op = {.kind = (case_kind)fuzz_below(in, CASE_KINDS)};
    switch (op.kind) {
    case CASE_CANCEL:
    case CASE_EDIT:
    case CASE_SOURCE: draw(in, &op, 1, MOST_IDS); /* fall through */
    case CASE_PREFILL:
    case CASE_SCORE: draw_ids(in, &op); break;
    case CASE_REWIND: draw(in, &op, 1, CASE_TEXT); break;
    case CASE_EVICT: draw(in, &op, 2, MOST_IDS); break;
    case CASE_SELECT:
    case CASE_DROP:
    case CASE_KEEP: draw(in, &op, 1, N + 1); break;
    case CASE_FORK: draw(in, &op, 2, N + 1); break;
    case CASE_REORDER: draw(in, &op, N, N + 1); break;
    case CASE_BATCH: draw(in, &op, 2 * (1 + fuzz_below(in, N)), V); break;
    default: break;
    }
    while (op.n < case_least_args(op.kind))
        op.arg[op.n++] = 0;
    return op;
}

static void session(fuzz_bytes in)
{
    const size_t which = fuzz_below(&in, sizeof configs / sizeof *configs);
    random_case c = {.config = configs[which], .seed = which + 1};
    draw_sizes(&in, &c);
    while (in.left > 0 && c.n_ops < CASE_OPS)
        c.op[c.n_ops++] = draw_op(&in, &c);
    const bool as_it_must = duel(&c, true);
    if (!as_it_must)
        case_print(stderr, &c);
    fuzz_check(as_it_must);
}

FUZZ_TARGET(session)
