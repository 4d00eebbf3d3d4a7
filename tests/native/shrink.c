#include "shrink.h"

#include <string.h>

typedef bool (*predicate)(const random_case *c);

/* Takes the smaller case if it is one and fails too. */
static bool take(random_case *c, const random_case *smaller, predicate fails)
{
    const bool taken = kvc_config_check(&smaller->config) == KVC_OK && fails(smaller);
    if (taken)
        memcpy(c, smaller, sizeof *c);
    return taken;
}

/* Operations, several at once first; the last ones first, being the likeliest to go. */
static bool drop_operations(random_case *c, predicate fails)
{
    bool taken = false;
    for (size_t n = c->n_ops / 2 + 1; n >= 1; n /= 2)
        for (size_t end = c->n_ops; end >= n && end <= c->n_ops; end--) {
            random_case smaller = *c;
            memmove(smaller.op + end - n, c->op + end, (c->n_ops - end) * sizeof *c->op);
            smaller.n_ops -= n;
            taken |= take(c, &smaller, fails);
        }
    return taken;
}

static bool drop_arguments(random_case *c, size_t i, predicate fails)
{
    bool taken = false;
    for (size_t n = c->op[i].n / 2 + 1; n >= 1; n /= 2)
        for (size_t end = c->op[i].n; end >= n && end <= c->op[i].n; end--) {
            random_case smaller = *c;
            case_op *op = &smaller.op[i];
            if (op->n - n < case_least_args(op->kind))
                continue;
            memmove(op->arg + end - n, op->arg + end, (op->n - end) * sizeof *op->arg);
            op->n -= n;
            taken |= take(c, &smaller, fails);
        }
    return taken;
}

/* *number is part of *c; 0 (or least), its half, one less. */
static bool lessen(random_case *c, uint32_t *number, uint32_t least, predicate fails)
{
    const uint32_t was = *number, tries[] = {least, was / 2, was - 1};
    for (size_t i = 0; i < sizeof tries / sizeof *tries && was > least; i++) {
        if (tries[i] < least)
            continue;
        *number = tries[i];
        if (fails(c))
            return true;
    }
    *number = was;
    return false;
}

static bool shrink_program(random_case *c, predicate fails)
{
    bool taken = drop_operations(c, fails);
    for (size_t i = 0; i < c->n_ops; i++) {
        taken |= drop_arguments(c, i, fails);
        for (size_t j = 0; j < c->op[i].n; j++)
            while (lessen(c, &c->op[i].arg[j], 0, fails))
                taken = true;
    }
    return taken;
}

/* One change of the model or the session, if that fails too. */
#define TRY(change)                                                                      \
    do {                                                                                 \
        random_case smaller;                                                             \
        memcpy(&smaller, c, sizeof smaller);                                             \
        change;                                                                          \
        if (memcmp(&smaller, c, sizeof smaller) != 0)                                    \
            taken |= take(c, &smaller, fails);                                           \
    } while (0)

static bool shrink_model(random_case *c, predicate fails)
{
    kvc_config *m = &c->config;
    uint32_t *const sizes[] = {&m->n_layer, &m->n_inner, &m->vocab_size};
    bool taken = false;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        while (lessen(c, sizes[i], 1, fails))
            taken = true;
    TRY(smaller.config.n_head = smaller.config.n_kv_head);
    TRY(smaller.config.n_head = smaller.config.n_kv_head = 1);
    TRY(smaller.config.head_dim = 4);
    TRY(smaller.config.n_embd = 4);
    TRY(smaller.config.weights = KVC_F32);
    TRY(smaller.config.window = smaller.config.window_layers[0] = 0);
    TRY(smaller.config.score_scale = 0.0f);
    TRY(smaller.config.n_encoder_layer = 1);
    TRY(smaller.key_type = smaller.value_type = KVC_F32);
    TRY(smaller.n_sequence = 1);
    TRY(smaller.sinks = 0);
    TRY(smaller.seed = 1);
    return taken;
}

void shrink(random_case *c, predicate fails)
{
    bool taken = true;
    while (taken) {
        taken = shrink_model(c, fails);
        taken |= shrink_program(c, fails);
    }
}
