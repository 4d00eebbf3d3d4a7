#include "random_case.h"

#include <inttypes.h>
#include <string.h>

#include "random_model.h"

/* Name, fewest arguments, and how many of all operations it is. */
static const struct {
    const char *name;
    size_t least, share;
} kinds[CASE_KINDS] = {
    [CASE_PREFILL] = {"prefill", 1, 10},
    [CASE_CANCEL] = {"cancel", 2, 2},
    [CASE_REWIND] = {"rewind", 1, 4},
    [CASE_EDIT] = {"edit", 1, 4},
    [CASE_OFF] = {"off", 0, 1},
    [CASE_ON] = {"on", 0, 2},
    [CASE_RESET] = {"reset", 0, 1},
    [CASE_SCORE] = {"score", 2, 1},
    [CASE_SELECT] = {"select", 1, 3},
    [CASE_BATCH] = {"batch", 2, 3},
    [CASE_FORK] = {"fork", 2, 3},
    [CASE_REORDER] = {"reorder", 1, 1},
    [CASE_DROP] = {"drop", 1, 1},
    [CASE_KEEP] = {"keep", 1, 1},
    [CASE_SAVE] = {"save", 0, 2},
    [CASE_SOURCE] = {"source", 1, 0},
    [CASE_CROSS_OFF] = {"cross_off", 0, 0},
    [CASE_CROSS_ON] = {"cross_on", 0, 0},
    [CASE_EVICT] = {"evict", 2, 0},
};

static const struct {
    kvc_dtype type;
    const char *name;
} types[] = {{KVC_F32, "f32"}, {KVC_F16, "f16"}, {KVC_I8, "int8"}, {KVC_I4, "int4"}};

static const char *const archs[KVC_ARCH_COUNT] = {
    [KVC_LLAMA] = "llama",       [KVC_QWEN2] = "qwen2",   [KVC_QWEN3] = "qwen3",
    [KVC_GPT_NEOX] = "gpt_neox", [KVC_PHI] = "phi",       [KVC_OPT] = "opt",
    [KVC_GPT_NEO] = "gpt_neo",   [KVC_GEMMA3] = "gemma3", [KVC_T5] = "t5",
    [KVC_T5_GATED] = "t5_gated", [KVC_MARIAN] = "marian", [KVC_BART] = "bart"};

kvc_session_config case_sizes(const random_case *c)
{
    return (kvc_session_config){.capacity = c->capacity,
                                .n_sequence = c->n_sequence,
                                .key_type = c->key_type,
                                .value_type = c->value_type,
                                .source_capacity = c->source_capacity,
                                .when_full = c->when_full,
                                .sinks = c->sinks,
                                .text_capacity = c->text};
}

size_t case_slots(const random_case *c)
{
    return c->when_full == KVC_SLIDE ? c->capacity / 16 * 16 : c->capacity;
}

size_t case_text(const random_case *c)
{
    return c->when_full == KVC_STOP ? c->capacity : c->text;
}

size_t case_least_args(case_kind kind)
{
    return kinds[kind].least;
}

/* ---- from a seed ------------------------------------------------------------------- */

/* least or more ids, mostly few */
static void draw_ids(case_op *op, size_t least, size_t V, uint64_t *state)
{
    static const size_t more[] = {1, 1, 6, 40};
    size_t n = least + random_below(state, more[random_below(state, 4)]);
    for (; n > 0; n--)
        op->arg[op->n++] = (uint32_t)random_below(state, V);
}

static case_kind draw_kind(uint64_t *state)
{
    size_t shares = 0;
    for (size_t i = 0; i < CASE_KINDS; i++)
        shares += kinds[i].share;
    size_t drawn = random_below(state, shares);
    case_kind kind = 0;
    for (; drawn >= kinds[kind].share; kind++)
        drawn -= kinds[kind].share;
    return kind;
}

static void draw_below(case_op *op, size_t n, uint64_t *state)
{
    op->arg[op->n++] = (uint32_t)random_below(state, n);
}

/* Different sequences, but for one in eight times. */
static void draw_batch(case_op *op, size_t N, size_t V, uint64_t *state)
{
    const size_t n = 1 + random_below(state, N), first = random_below(state, N);
    const size_t stride = random_below(state, 8) ? 1 : 0;
    for (size_t i = 0; i < n; i++) {
        op->arg[op->n++] = (uint32_t)((first + i * stride) % N);
        draw_below(op, V, state);
    }
}

static case_op draw_op(const random_case *c, case_kind kind, uint64_t *state)
{
    const size_t V = c->config.vocab_size, N = c->n_sequence;
    case_op op = {.kind = kind};
    if (kind == CASE_CANCEL)
        draw_below(&op, 8, state);
    if (kind == CASE_REWIND || kind == CASE_EDIT)
        draw_below(&op, random_below(state, 3) ? 6 : 40, state);
    if (kind == CASE_PREFILL || kind == CASE_CANCEL)
        draw_ids(&op, 1, V, state);
    if (kind == CASE_EDIT)
        draw_ids(&op, 0, V, state);
    if (kind == CASE_SCORE)
        draw_ids(&op, 2, V, state);
    if (kind == CASE_SELECT)
        draw_below(&op, N + !random_below(state, 8), state);
    if (kind == CASE_BATCH)
        draw_batch(&op, N, V, state);
    const size_t sequences = kind == CASE_REORDER                     ? N
                             : kind == CASE_FORK                      ? 2
                             : kind == CASE_DROP || kind == CASE_KEEP ? 1
                                                                      : 0;
    for (size_t i = 0; i < sequences; i++)
        draw_below(&op, N, state);
    return op;
}

/* From a stream of its own: the rest of the case is as it would be without. One in twelve
 * has heads of a size that people ship. */
static void free_heads(kvc_config *m, uint64_t seed)
{
    uint64_t state = seed + ((uint64_t)2 << 32);
    m->n_head *= (uint32_t)(1 + random_below(&state, 3));
    m->n_embd = 4 * (uint32_t)(1 + random_below(&state, 9));
    static const uint32_t shipped[] = {32, 44, 64, 128};
    if (random_below(&state, 12) == 0)
        m->head_dim = shipped[random_below(&state, 4)];
}

/* From a third stream. */
static void other_architecture(kvc_config *m, uint64_t seed)
{
    uint64_t state = seed + ((uint64_t)3 << 32);
    random_architecture(m, &state);
}

/* From a fourth: every other one has layers with a window. */
static void windows(kvc_config *m, uint64_t seed)
{
    uint64_t state = seed + ((uint64_t)4 << 32);
    random_windows(m, &state);
}

/* From a fifth: every sixth is a model with an encoder. */
static bool encoder(kvc_config *m, uint64_t seed)
{
    uint64_t state = seed + ((uint64_t)5 << 32);
    if (random_below(&state, 6) > 0)
        return false;
    random_seq2seq(m, &state);
    return true;
}

/* Its program begins with a source; others, empty, too long or dropped ones too, come in
 * the place of operations, and so does the cross cache, off and on. */
static void add_sources(random_case *c)
{
    uint64_t state = c->seed + ((uint64_t)6 << 32);
    const size_t V = c->config.vocab_size, P = c->config.n_positions;
    c->source_capacity = 1 + random_below(&state, P < 40 ? P : 40);
    c->op[1] = c->op[0];
    for (size_t i = 0; i < c->n_ops; i++) {
        const size_t kind = i == 0 ? 0 : i == 1 ? 9 : random_below(&state, 10);
        if (kind == 1 || kind == 2)
            c->op[i] = (case_op){.kind = kind == 1 ? CASE_CROSS_OFF : CASE_CROSS_ON};
        if (kind != 0)
            continue;
        case_op *op = &c->op[i];
        *op = (case_op){.kind = CASE_SOURCE, .n = 1};
        op->arg[0] = i > 0 && random_below(&state, 3) == 0
                         ? 1 + (uint32_t)random_below(&state, 40)
                         : 0;
        size_t n = c->source_capacity + (i > 0 ? 2 : 0);
        for (n = (i == 0) + random_below(&state, n); n > 0; n--)
            draw_below(op, V, &state);
    }
}

/* From a seventh: most sessions that can move their slots, over models without windows;
 * few slots, and prompts that fill them. */
static void move_slots(random_case *c)
{
    uint64_t state = c->seed + ((uint64_t)7 << 32);
    if (c->config.rotary_dim == 0 || c->config.rope_local_theta > 0.0f ||
        c->config.n_encoder_layer > 0 || random_below(&state, 4) == 0)
        return;
    const size_t pages = 1 + random_below(&state, 3);
    c->config.window = c->config.window_layers[0] = 0;
    c->when_full = random_below(&state, 4) == 0 ? KVC_EVICT : KVC_SLIDE;
    c->capacity = 16 * pages + random_below(&state, 16);
    if (c->when_full == KVC_SLIDE)
        c->sinks = random_below(&state, 16 * (pages - 1) + 1);
    c->text = c->capacity + 40 + random_below(&state, CASE_TEXT - 39 - c->capacity);
    c->config.n_positions = (uint32_t)(c->capacity + random_below(&state, 4));
    for (size_t i = 1; i < c->n_ops; i++) {
        const size_t kind = random_below(&state, 8);
        case_op *op = &c->op[i];
        if (kind == 0) {
            const size_t page = random_below(&state, 2) ? 16 : 1;
            *op = (case_op){.kind = CASE_EVICT, .n = 2};
            op->arg[0] = (uint32_t)(random_below(&state, c->capacity) / page * page);
            op->arg[1] =
                (uint32_t)(random_below(&state, page == 1 ? 9 : 33) / page * page);
        } else if (kind <= 2) {
            *op = (case_op){.kind = CASE_PREFILL};
            for (size_t n = 1 + random_below(&state, 40); n > 0; n--)
                draw_below(op, c->config.vocab_size, &state);
        }
    }
}

/* Some narrow caches are narrower still. */
static void nibbles(random_case *c)
{
    uint64_t state = c->seed + ((uint64_t)8 << 32);
    if (random_below(&state, 6) == 0)
        c->key_type = KVC_I4;
    if (random_below(&state, 6) == 0)
        c->value_type = KVC_I4;
}

random_case random_case_new(uint64_t seed)
{
    uint64_t state = seed + ((uint64_t)1 << 32);
    random_case c = {.seed = seed};
    const size_t L = 1 + random_below(&state, 3), H = 1 + random_below(&state, 3);
    const size_t D = 4 * (1 + random_below(&state, 3)), F = 1 + random_below(&state, 40);
    const size_t V = 2 + random_below(&state, 40);
    static const size_t capacities[] = {12, 40, CASE_CAPACITY, CASE_CAPACITY};
    c.capacity = 1 + random_below(&state, capacities[random_below(&state, 4)]);
    const size_t P = c.capacity + random_below(&state, 4);
    static const size_t sequences[] = {1, 2, CASE_SEQUENCES};
    c.n_sequence = 1 + random_below(&state, sequences[random_below(&state, 3)]);
    if (random_below(&state, 3) == 0) { /* else both f32 */
        c.key_type = types[random_below(&state, 3)].type;
        c.value_type = types[random_below(&state, 3)].type;
    }
    c.config = (kvc_config){.n_layer = (uint32_t)L,
                            .n_head = (uint32_t)H,
                            .n_kv_head = (uint32_t)H,
                            .head_dim = (uint32_t)D,
                            .n_embd = (uint32_t)(H * D),
                            .n_inner = (uint32_t)F,
                            .n_positions = (uint32_t)P,
                            .vocab_size = (uint32_t)V,
                            .norm_epsilon = 1e-5f,
                            .weights = random_below(&state, 4) ? KVC_F32 : KVC_I8};
    if (seed > CASE_GPT2) {
        nibbles(&c);
        free_heads(&c.config, seed);
        windows(&c.config, seed);
        if (!encoder(&c.config, seed))
            other_architecture(&c.config, seed);
    }
    c.n_ops = 4 + random_below(&state, CASE_OPS - 3);
    for (size_t i = 0; i < c.n_ops; i++)
        c.op[i] = draw_op(&c, i == 0 ? CASE_PREFILL : draw_kind(&state), &state);
    if (c.config.n_encoder_layer > 0)
        add_sources(&c);
    if (seed > CASE_GPT2)
        move_slots(&c);
    return c;
}

/* ---- as text ----------------------------------------------------------------------- */

static const char *name_of(kvc_dtype type)
{
    size_t i = 0;
    while (types[i].type != type)
        i++;
    return types[i].name;
}

static bool parse_type(kvc_dtype *type, const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return true;
        }
    return false;
}

void case_print(FILE *out, const random_case *c)
{
    const kvc_config *m = &c->config;
    fprintf(out, "model %u %u %u %u %u %u %u %u %s %" PRIu64, m->n_layer, m->n_head,
            m->n_kv_head, m->head_dim, m->n_embd, m->n_inner, m->n_positions,
            m->vocab_size, name_of(m->weights), c->seed);
    if (archs[m->arch])
        fprintf(out, " %s %u %u %u %u %u %g %g %g %g %u", archs[m->arch], m->own_head,
                m->attention_bias, m->mlp_bias, m->rotary_dim, m->rope_original,
                (double)m->rope_theta, (double)m->rope_factor, (double)m->rope_low,
                (double)m->rope_high, m->parallel);
    if (m->rope_yarn)
        fprintf(out, " yarn %u %g %g %g", m->rope_yarn, (double)m->rope_attention,
                (double)m->rope_mscale, (double)m->rope_mscale_all);
    if (m->window > 0 || m->score_scale > 0.0f || m->rope_local_theta > 0.0f)
        fprintf(out, " window %u %u %g %g", m->window, m->window_layers[0],
                (double)m->score_scale, (double)m->rope_local_theta);
    if (m->n_encoder_layer)
        fprintf(out, " encoder %u %u %u %u %zu", m->n_encoder_layer, m->relative_buckets,
                m->relative_distance, m->scaled_head, c->source_capacity);
    fprintf(out, " session %zu %zu %s %s", c->capacity, c->n_sequence,
            name_of(c->key_type), name_of(c->value_type));
    if (c->when_full != KVC_STOP)
        fprintf(out, " %s %zu %zu", c->when_full == KVC_SLIDE ? "slide" : "evict",
                c->sinks, c->text);
    fprintf(out, " ops");
    for (size_t i = 0; i < c->n_ops; i++) {
        fprintf(out, " %s", kinds[c->op[i].kind].name);
        for (size_t j = 0; j < c->op[i].n; j++)
            fprintf(out, "%c%" PRIu32, j == 0 ? ':' : ',', c->op[i].arg[j]);
    }
    fprintf(out, "\n");
}

/* One word of a program; returns what follows it, NULL if it is none. */
static const char *parse_op(case_op *op, const char *text)
{
    const size_t length = strcspn(text, ": \n");
    *op = (case_op){0};
    while (op->kind < CASE_KINDS && (strncmp(kinds[op->kind].name, text, length) != 0 ||
                                     kinds[op->kind].name[length] != '\0'))
        op->kind++;
    text += length;
    for (char before = ':'; *text == before && op->n < CASE_ARGS; before = ',') {
        int read = 0;
        if (sscanf(text + 1, "%" SCNu32 "%n", &op->arg[op->n++], &read) != 1)
            return NULL;
        text += 1 + read;
    }
    const bool whole = *text == '\0' || *text == ' ' || *text == '\n';
    return op->kind < CASE_KINDS && op->n >= kinds[op->kind].least && whole ? text : NULL;
}

/* Of any but a GPT-2, what follows the seed; returns the letters read. */
static int parse_arch(kvc_config *m, const char *text)
{
    char name[9];
    int read = 0;
    sscanf(text, " %8s %u %u %u %u %u %f %f %f %f %u%n", name, &m->own_head,
           &m->attention_bias, &m->mlp_bias, &m->rotary_dim, &m->rope_original,
           &m->rope_theta, &m->rope_factor, &m->rope_low, &m->rope_high, &m->parallel,
           &read);
    m->arch = KVC_GPT2;
    for (int i = 0; read > 0 && i < KVC_ARCH_COUNT; i++)
        if (archs[i] && strcmp(archs[i], name) == 0)
            m->arch = (kvc_arch)i;
    return m->arch == KVC_GPT2 ? 0 : read;
}

static int parse_yarn(kvc_config *m, const char *text)
{
    int read = 0;
    sscanf(text, " yarn %u %f %f %f%n", &m->rope_yarn, &m->rope_attention,
           &m->rope_mscale, &m->rope_mscale_all, &read);
    return read;
}

bool case_parse(random_case *c, const char *text)
{
    int read = 0;
    char weights[5], key[5], value[5];
    *c = (random_case){.config = {.norm_epsilon = 1e-5f}};
    kvc_config *m = &c->config;
    sscanf(text, "model %u %u %u %u %u %u %u %u %4s %" SCNu64 "%n", &m->n_layer,
           &m->n_head, &m->n_kv_head, &m->head_dim, &m->n_embd, &m->n_inner,
           &m->n_positions, &m->vocab_size, weights, &c->seed, &read);
    if (read == 0 || !parse_type(&m->weights, weights))
        return false;
    text += read;
    text += parse_arch(m, text);
    text += parse_yarn(m, text);
    read = 0;
    sscanf(text, " window %u %u %f %f%n", &m->window, &m->window_layers[0],
           &m->score_scale, &m->rope_local_theta, &read);
    text += read;
    read = 0;
    sscanf(text, " encoder %u %u %u %u %zu%n", &m->n_encoder_layer, &m->relative_buckets,
           &m->relative_distance, &m->scaled_head, &c->source_capacity, &read);
    text += read;
    read = 0;
    sscanf(text, " session %zu %zu %4s %4s%n", &c->capacity, &c->n_sequence, key, value,
           &read);
    if (read == 0 || !parse_type(&c->key_type, key) || !parse_type(&c->value_type, value))
        return false;
    text += read;
    read = 0;
    if (sscanf(text, " slide %zu %zu%n", &c->sinks, &c->text, &read) == 2)
        c->when_full = KVC_SLIDE;
    else if (sscanf(text, " evict %zu %zu%n", &c->sinks, &c->text, &read) == 2)
        c->when_full = KVC_EVICT;
    text += read;
    if (c->n_sequence > CASE_SEQUENCES || c->capacity > CASE_CAPACITY ||
        c->text > CASE_TEXT || strncmp(text, " ops", 4) != 0)
        return false;
    for (text += 4; *(text += strspn(text, " \n")) != '\0'; c->n_ops++)
        if (c->n_ops == CASE_OPS || !(text = parse_op(&c->op[c->n_ops], text)))
            return false;
    return true;
}
