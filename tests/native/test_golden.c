/* The same bits everywhere: tests/fixtures/golden.txt lists models by seed, and what they
 * compute; native builds, Node and Chromium must all reproduce it. To write it anew,
 * after a change that is meant to change the numbers:
 *
 *     build/gcc-O2/test_golden print > tests/fixtures/golden.txt
 *     build/gcc-O2/test_golden print source > tests/fixtures/golden-source.txt
 *     build/gcc-O2/test_golden print slide > tests/fixtures/golden-slide.txt
 *
 * The second file has models with an encoder, the third sessions that slide. A model is a
 * block of lines, all words separated by one space:
 *
 *     model N_LAYER N_HEAD N_EMBD N_INNER N_POSITIONS VOCAB_SIZE SEED [int8]
 *                        weights: random_model.h, floats unless int8 is said;
 *                        GPT2_SIZES of them, norm_epsilon is 1e-5
 *     llama N_LAYER N_HEAD N_KV_HEAD HEAD_DIM N_EMBD N_INNER N_POSITIONS VOCAB_SIZE SEED
 *           OWN_HEAD ATTENTION_BIAS MLP_BIAS THETA FACTOR ORIGINAL LOW HIGH [int8]
 *                        in place of it: LLAMA_SIZES and the fields of kvc_config
 *     qwen2 ..., qwen3 ...
 *                        the same of another architecture
 *     gpt_neox ... HIGH ROTARY_DIM PARALLEL [int8], and so phi and opt
 *     ... yarn ROPE_YARN ATTENTION MSCALE MSCALE_ALL [int8]
 *                        of any of these, behind HIGH
 *     mistral ...        a Llama whose layers all have a window: WINDOW behind HIGH
 *     gemma3_text ...    WINDOW LAYERS SCORE_SCALE ROPE_LOCAL_THETA behind HIGH
 *     gpt_neo N_LAYER N_HEAD N_EMBD N_INNER N_POSITIONS VOCAB_SIZE SEED WINDOW LAYERS
 *           [int8]
 *                        the window is in the layers whose bits are set, scores are not
 *                        scaled
 *     t5 N_LAYER N_ENCODER_LAYER N_HEAD HEAD_DIM N_EMBD N_INNER N_POSITIONS VOCAB_SIZE
 *        SEED OWN_HEAD SCALED_HEAD BUCKETS DISTANCE [int8]
 *     t5_gated ..., marian ..., bart ...
 *     source ID ...      behind the first line of these
 *     slides CAPACITY SINKS POLICY RECENT
 *                        behind the first line: of the session
 *     prompt ID ...
 *     hash N HEX         the logits hash after the first N ids of the prompt
 *     greedy ID ...      32 times after the prompt: the likeliest id, then decoded
 *     hash N HEX         the logits hash after all of these
 *     sampled TEMPERATURE TOP_K TOP_P MIN_P REPETITION_PENALTY SEED ID ...
 *                        the same from the prompt on, ids drawn with these settings
 *     hash N HEX
 *     evict FIRST N      where it slides, slots at the end; the cache is on from here on
 *     greedy ID ...      from there on, and the hash after it
 *
 * Other lines: empty, or a comment that starts with '#'. */
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "random_model.h"

enum { N_NEW = 32, MOST = 200 };

typedef struct golden {
    kvc_config config;
    uint64_t seed; /* of the weights, the prompt, the source and the draws */
    size_t n_prompt;
    kvc_sampling sampling;
} golden;

#define SIZES(L, H, C, F, P, V)                                                          \
    {                                                                                    \
        GPT2_SIZES(L, H, C, F, P, V)                                                     \
    }
#define INT8(L, H, C, F, P, V)                                                           \
    {                                                                                    \
        GPT2_SIZES(L, H, C, F, P, V), .weights = KVC_I8                                  \
    }

#define LLAMA(L, H, K, D, C, F, P, V, ...)                                               \
    {                                                                                    \
        LLAMA_SIZES(L, H, K, D, C, F, P, V), __VA_ARGS__                                 \
    }
#define QWEN(N, L, H, K, D, C, F, P, V, ...)                                             \
    {                                                                                    \
        .arch = KVC_QWEN##N, KIN_SIZES(L, H, K, D, C, F, P, V), __VA_ARGS__              \
    }
#define GPT_NEOX(L, H, D, R, F, P, V, ...)                                               \
    {                                                                                    \
        GPT_NEOX_SIZES(L, H, D, (H) * (D), F, P, V), .rotary_dim = (R), __VA_ARGS__      \
    }
#define PHI(L, H, K, D, R, F, P, V, ...)                                                 \
    {                                                                                    \
        PHI_SIZES(L, H, K, D, (H) * (D), F, P, V), .own_head = 1, .rotary_dim = (R),     \
                                                   __VA_ARGS__                           \
    }
#define OPT(L, H, D, F, P, V, W)                                                         \
    {                                                                                    \
        OPT_SIZES(L, H, (H) * (D), F, P, V), .weights = (W)                              \
    }
#define NEO(L, H, C, F, P, V, W, LAYERS, WEIGHTS)                                        \
    {                                                                                    \
        NEO_SIZES(L, H, C, F, P, V, W, LAYERS), .weights = (WEIGHTS)                     \
    }
#define MISTRAL(L, H, K, D, C, F, P, V, W, LAYERS, ...)                                  \
    {                                                                                    \
        LLAMA_SIZES(L, H, K, D, C, F, P, V), PLAIN,                                      \
            .window = (W), .window_layers = {LAYERS}, __VA_ARGS__                        \
    }
#define GEMMA3(L, H, K, D, C, F, P, V, W, LAYERS, ...)                                   \
    {                                                                                    \
        .arch = KVC_GEMMA3, KIN_SIZES(L, H, K, D, C, F, P, V), .score_scale = 0.25f,     \
        .window = (W), .window_layers = {LAYERS}, .rope_local_theta = 300.0f,            \
        __VA_ARGS__                                                                      \
    }
#define PLAIN .rope_factor = 1.0f
/* Llama 3.1's angles, for a model of few positions. */
#define LLAMA_3                                                                          \
    .rope_factor = 8.0f, .rope_original = 24, .rope_low = 1.0f, .rope_high = 4.0f

#define YARN(N)                                                                          \
    .rope_factor = 4.0f, .rope_original = 24, .rope_low = 1.0f, .rope_high = 32.0f,      \
    .rope_yarn = N

static const golden models[] = {
    {SIZES(1, 1, 4, 1, 33, 2), 1, 1, {1.0f, 0, 1.0f, 0.0f, 1.0f}},
    {SIZES(2, 2, 8, 32, 64, 37), 2, 31, {0.8f, 0, 1.0f, 0.0f, 1.0f}},
    {SIZES(3, 3, 24, 40, 66, 67), 3, 32, {1.0f, 5, 1.0f, 0.0f, 1.0f}},
    {SIZES(1, 5, 20, 81, 75, 41), 4, 33, {1.0f, 0, 0.9f, 0.0f, 1.0f}},
    {SIZES(2, 1, 40, 160, 100, 131), 5, 65, {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {SIZES(4, 4, 64, 256, 200, 257), 6, 140, {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {SIZES(4, 1, 12, 7, 97, 33), 7, 15, {2.5f, 12, 1.0f, 0.0f, 1.1f}},
    {SIZES(2, 2, 128, 512, 96, 500), 8, 64, {0.5f, 50, 0.8f, 0.0f, 1.05f}},
    {SIZES(6, 3, 48, 192, 80, 300), 9, 48, {1.0f, 0, 0.5f, 0.0f, 1.3f}},
    {SIZES(1, 2, 72, 33, 180, 99), 10, 128, {1.5f, 0, 1.0f, 0.1f, 0.9f}},
    {SIZES(3, 8, 32, 128, 162, 64), 11, 130, {1.0f, 64, 1.0f, 0.0f, 1.0f}},
    {SIZES(2, 4, 112, 449, 90, 1009), 12, 17, {0.9f, 100, 0.99f, 0.001f, 1.15f}},
    {INT8(1, 1, 4, 1, 34, 3), 13, 2, {1.0f, 0, 1.0f, 0.0f, 1.0f}},
    {INT8(2, 2, 24, 33, 120, 67), 14, 70, {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {INT8(4, 4, 64, 256, 130, 257), 15, 98, {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {INT8(2, 3, 132, 531, 70, 500), 16, 37, {1.0f, 100, 1.0f, 0.0f, 1.0f}},
    {INT8(1, 2, 272, 1090, 70, 1009), 17, 33, {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {LLAMA(2, 4, 2, 8, 24, 33, 90, 67, PLAIN, .own_head = 1),
     18,
     50,
     {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {LLAMA(3, 3, 1, 64, 96, 256, 170, 257, LLAMA_3),
     19,
     130,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {LLAMA(2, 6, 2, 44, 100, 90, 80, 131, .rope_factor = 4.0f, .attention_bias = 1,
           .mlp_bias = 1),
     20,
     33,
     {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {LLAMA(2, 4, 4, 32, 128, 172, 80, 500, PLAIN, .weights = KVC_I8),
     21,
     37,
     {1.0f, 100, 1.0f, 0.0f, 1.0f}},
    {LLAMA(2, 2, 1, 12, 36, 70, 70, 99, LLAMA_3, .own_head = 1, .weights = KVC_I8),
     22,
     31,
     {0.8f, 0, 1.0f, 0.0f, 1.0f}},
    {QWEN(2, 2, 4, 2, 12, 44, 70, 90, 131, PLAIN), 23, 40, {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {QWEN(2, 2, 6, 2, 64, 128, 172, 70, 300, PLAIN, .own_head = 1, .weights = KVC_I8),
     24,
     33,
     {1.0f, 100, 1.0f, 0.0f, 1.0f}},
    {QWEN(3, 3, 4, 2, 32, 64, 90, 150, 257, PLAIN),
     25,
     110,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {QWEN(3, 2, 3, 1, 12, 48, 70, 80, 131, PLAIN, .own_head = 1, .attention_bias = 1),
     26,
     33,
     {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {QWEN(3, 2, 4, 4, 44, 36, 100, 70, 99, PLAIN, .weights = KVC_I8),
     27,
     31,
     {0.8f, 0, 1.0f, 0.0f, 1.0f}},
    {LLAMA(2, 4, 2, 32, 48, 70, 110, 131, YARN(1), .rope_mscale = 1.0f),
     28,
     70,
     {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {QWEN(3, 2, 4, 1, 64, 36, 100, 90, 99, YARN(2), .rope_attention = 1.25f),
     29,
     50,
     {0.8f, 0, 1.0f, 0.0f, 1.0f}},
    {GPT_NEOX(3, 4, 8, 2, 33, 140, 67, PLAIN, .own_head = 1, .attention_bias = 1,
              .parallel = 1),
     28,
     100,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {GPT_NEOX(2, 3, 32, 8, 384, 80, 257, .rope_factor = 4.0f, .own_head = 1,
              .attention_bias = 1),
     29,
     33,
     {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {GPT_NEOX(2, 2, 48, 12, 130, 70, 300, PLAIN, .attention_bias = 1, .parallel = 1,
              .weights = KVC_I8),
     30,
     31,
     {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {GPT_NEOX(1, 5, 12, 12, 70, 70, 99, LLAMA_3, .own_head = 1, .weights = KVC_I8),
     31,
     37,
     {1.0f, 100, 1.0f, 0.0f, 1.0f}},
    {PHI(3, 4, 2, 12, 4, 70, 140, 131, PLAIN), 32, 100, {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {PHI(2, 3, 3, 32, 16, 390, 80, 257, .rope_factor = 4.0f, .weights = KVC_I8),
     33,
     37,
     {1.0f, 100, 1.0f, 0.0f, 1.0f}},
    {OPT(3, 3, 20, 241, 140, 131, KVC_F32), 34, 100, {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {OPT(2, 4, 32, 512, 80, 300, KVC_I8), 35, 33, {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {NEO(3, 4, 32, 70, 170, 257, 12, 6, KVC_F32),
     40,
     120,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {NEO(2, 16, 64, 256, 90, 131, 256, 2, KVC_F32), 41, 33, {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {NEO(2, 2, 40, 160, 90, 99, 20, 1, KVC_I8), 42, 50, {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {MISTRAL(3, 4, 2, 32, 96, 172, 150, 257, 17, 7, .own_head = 0),
     43,
     110,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {MISTRAL(2, 6, 3, 12, 44, 90, 90, 300, 40, 3, .own_head = 1, .weights = KVC_I8),
     44,
     50,
     {1.0f, 100, 1.0f, 0.0f, 1.0f}},
    {GEMMA3(3, 4, 2, 12, 44, 70, 150, 257, 17, 5, PLAIN),
     45,
     110,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {GEMMA3(2, 2, 1, 64, 36, 90, 90, 300, 20, 1, .rope_factor = 4.0f, .weights = KVC_I8),
     46,
     50,
     {1.0f, 100, 1.0f, 0.0f, 1.0f}},
};

#define T5(ARCH, L, E, H, D, C, F, P, V, ...)                                            \
    {                                                                                    \
        .arch = ARCH, T5_SIZES(L, E, H, D, C, F, P, V), __VA_ARGS__                      \
    }
#define BART(ARCH, L, E, H, D, F, P, V, WEIGHTS)                                         \
    {                                                                                    \
        .arch = ARCH, BART_SIZES(L, E, H, D, F, P, V), .weights = WEIGHTS                \
    }

static const golden with_encoder[] = {
    {T5(KVC_T5, 3, 2, 3, 8, 16, 28, 200, 61, .scaled_head = 1),
     50,
     140,
     {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {T5(KVC_T5, 2, 2, 2, 64, 96, 172, 90, 257, .own_head = 1, .weights = KVC_I8),
     51,
     33,
     {1.0f, 100, 1.0f, 0.0f, 1.0f}},
    {T5(KVC_T5_GATED, 2, 4, 4, 12, 36, 70, 150, 131, .own_head = 1),
     52,
     40,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {T5(KVC_T5_GATED, 1, 1, 6, 64, 512, 1024, 70, 99, .scaled_head = 1,
        .weights = KVC_I8),
     53,
     17,
     {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {BART(KVC_MARIAN, 3, 3, 4, 12, 90, 170, 131, KVC_F32),
     54,
     100,
     {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {BART(KVC_MARIAN, 2, 1, 2, 64, 512, 90, 300, KVC_I8),
     55,
     33,
     {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {BART(KVC_BART, 2, 3, 5, 8, 70, 120, 99, KVC_F32),
     56,
     50,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {BART(KVC_BART, 3, 2, 3, 32, 384, 90, 257, KVC_I8),
     57,
     31,
     {0.8f, 0, 1.0f, 0.0f, 1.0f}},
};

static const size_t source_lengths[] = {150, 64, 129, 1, 120, 32, 33, 50};

static const golden rotary[] = {
    {LLAMA(2, 4, 2, 8, 24, 33, 32, 67, PLAIN), 60, 77, {0.8f, 0, 0.9f, 0.0f, 1.1f}},
    {LLAMA(2, 2, 1, 32, 48, 70, 64, 131, YARN(1), .rope_mscale = 1.0f, .weights = KVC_I8),
     61,
     100,
     {1.0f, 0, 1.0f, 0.05f, 1.0f}},
    {GPT_NEOX(2, 2, 16, 4, 70, 48, 99, PLAIN, .attention_bias = 1, .parallel = 1),
     62,
     50,
     {0.7f, 40, 0.95f, 0.02f, 1.2f}},
    {QWEN(3, 1, 3, 1, 12, 44, 70, 70, 131, PLAIN), 63, 64, {1.0f, 0, 1.0f, 0.0f, 1.0f}},
};

/* How their sessions slide, and which slots are evicted at last. */
typedef struct sliding_by {
    size_t capacity, sinks;
    kvc_policy policy;
    size_t recent, first, n;
} sliding_by;
static const sliding_by slides[] = {{32, 16, KVC_OLDEST, 0, 3, 9},
                                    {64, 16, KVC_LEAST_SEEN, 20, 0, 1},
                                    {48, 0, KVC_LARGEST_KEY, 16, 16, 16},
                                    {64, 0, KVC_OLDEST, 0, 10, 31}};
static const char *const policies[] = {"oldest", "attention", "keynorm"};

/* Which models, how many, where what they compute is; of how many tokens their sources
 * are, and how their sessions slide. */
typedef struct list {
    const golden *models;
    size_t n;
    const char *path;
    const size_t *n_source;   /* [n], or NULL */
    const sliding_by *slides; /* the same */
} list;
static const list plain = {models, sizeof models / sizeof *models,
                           "tests/fixtures/golden.txt", NULL, NULL},
                  sources = {with_encoder, sizeof with_encoder / sizeof *with_encoder,
                             "tests/fixtures/golden-source.txt", source_lengths, NULL},
                  sliding = {rotary, sizeof rotary / sizeof *rotary,
                             "tests/fixtures/golden-slide.txt", NULL, slides};

/* The prompt in pieces, a hash after each. */
static void print_prompt(FILE *out, const golden *g, kvc_session *s, const uint32_t *ids)
{
    const size_t stops[] = {1, 2, g->n_prompt / 2, g->n_prompt};
    size_t n = 0;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        if (stops[i] <= n || stops[i] > g->n_prompt)
            continue;
        check_ok(kvc_session_prefill(s, ids + n, stops[i] - n));
        n = stops[i];
        fprintf(out, "hash %zu %016" PRIx64 "\n", n, kvc_session_logits_hash(s));
    }
}

/* Ends a line with N_NEW ids, each decoded, and adds the hash of the last logits. */
static void print_new(FILE *out, const golden *g, kvc_session *s,
                      const kvc_sampling *sampling)
{
    uint64_t rng = g->seed;
    for (int i = 0; i < N_NEW; i++) {
        uint32_t id;
        check_ok(kvc_session_sample(s, sampling, &rng, g->config.vocab_size, &id));
        check_ok(kvc_session_decode(s, id));
        fprintf(out, " %" PRIu32, id);
    }
    fprintf(out, "\nhash %zu %016" PRIx64 "\n", kvc_session_position(s),
            kvc_session_logits_hash(s));
}

static void print_sizes(FILE *out, const kvc_config *c, uint64_t seed)
{
    if (c->arch == KVC_GPT2 || c->arch == KVC_GPT_NEO) {
        fprintf(out, "\n%s %u %u %u %u %u %u %" PRIu64,
                c->arch == KVC_GPT2 ? "model" : "gpt_neo", c->n_layer, c->n_head,
                c->n_embd, c->n_inner, c->n_positions, c->vocab_size, seed);
        if (c->arch == KVC_GPT_NEO)
            fprintf(out, " %u %u", c->window, c->window_layers[0]);
        return;
    }
    static const char *const encoders[KVC_ARCH_COUNT] = {[KVC_T5] = "t5",
                                                         [KVC_T5_GATED] = "t5_gated",
                                                         [KVC_MARIAN] = "marian",
                                                         [KVC_BART] = "bart"};
    if (encoders[c->arch]) {
        fprintf(out, "\n%s %u %u %u %u %u %u %u %u %" PRIu64 " %u %u %u %u",
                encoders[c->arch], c->n_layer, c->n_encoder_layer, c->n_head, c->head_dim,
                c->n_embd, c->n_inner, c->n_positions, c->vocab_size, seed, c->own_head,
                c->scaled_head, c->relative_buckets, c->relative_distance);
        return;
    }
    const bool is_mistral = c->arch == KVC_LLAMA && c->window > 0;
    static const char *const names[] = {
        [KVC_LLAMA] = "llama",       [KVC_QWEN2] = "qwen2", [KVC_QWEN3] = "qwen3",
        [KVC_GPT_NEOX] = "gpt_neox", [KVC_PHI] = "phi",     [KVC_OPT] = "opt",
        [KVC_GEMMA3] = "gemma3_text"};
    fprintf(out, "\n%s %u %u %u %u %u %u %u %u %" PRIu64,
            is_mistral ? "mistral" : names[c->arch], c->n_layer, c->n_head, c->n_kv_head,
            c->head_dim, c->n_embd, c->n_inner, c->n_positions, c->vocab_size, seed);
    fprintf(out, " %u %u %u %g %g %u %g %g", c->own_head, c->attention_bias, c->mlp_bias,
            (double)c->rope_theta, (double)c->rope_factor, c->rope_original,
            (double)c->rope_low, (double)c->rope_high);
    if (is_mistral)
        fprintf(out, " %u", c->window);
    if (c->arch == KVC_GEMMA3)
        fprintf(out, " %u %u %g %g", c->window, c->window_layers[0],
                (double)c->score_scale, (double)c->rope_local_theta);
    if (c->arch == KVC_GPT_NEOX || c->arch == KVC_PHI || c->arch == KVC_OPT)
        fprintf(out, " %u %u", c->rotary_dim, c->parallel);
    if (c->rope_yarn)
        fprintf(out, " yarn %u %g %g %g", c->rope_yarn, (double)c->rope_attention,
                (double)c->rope_mscale, (double)c->rope_mscale_all);
}

static void print_ids(FILE *out, const char *word, const uint32_t *ids, size_t n)
{
    fprintf(out, "%s", word);
    for (size_t i = 0; i < n; i++)
        fprintf(out, " %" PRIu32, ids[i]);
    fprintf(out, "\n");
}

static kvc_session *session_for(const random_model *model, const golden *g,
                                size_t n_source, const sliding_by *slide)
{
    const size_t n = g->n_prompt + N_NEW;
    kvc_session_config sizes = {n, 1, KVC_F32, KVC_F32, .source_capacity = n_source};
    if (slide) {
        sizes.capacity = slide->capacity;
        sizes.when_full = KVC_SLIDE;
        sizes.sinks = slide->sinks;
        sizes.text_capacity = n + N_NEW;
        sizes.policy = slide->policy;
        sizes.recent = slide->recent;
    }
    return random_model_sequences(model, &sizes);
}

/* What stands between the first line of a block and its prompt. */
static void print_beginning(FILE *out, kvc_session *s, const uint32_t *source,
                            size_t n_source, const sliding_by *slide, bool use_cache)
{
    if (n_source > 0) {
        check_ok(kvc_session_set_cross_cache(s, use_cache));
        check_ok(kvc_session_set_source(s, source, n_source));
        print_ids(out, "source", source, n_source);
    }
    if (slide)
        fprintf(out, "slides %zu %zu %s %zu\n", slide->capacity, slide->sinks,
                policies[slide->policy], slide->recent);
}

static void print_model(FILE *out, const list *l, size_t i, bool use_cache)
{
    static const kvc_sampling greedy = {0.0f, 0, 1.0f, 0.0f, 1.0f};
    const golden *g = &l->models[i];
    const kvc_config *c = &g->config;
    const kvc_sampling *s = &g->sampling;
    const sliding_by *slide = l->slides ? &l->slides[i] : NULL;
    const size_t n_source = l->n_source ? l->n_source[i] : 0;
    uint32_t ids[MOST], source[MOST];
    uint64_t state = g->seed;
    random_ids(ids, g->n_prompt, c->vocab_size, &state);
    random_ids(source, n_source, c->vocab_size, &state);
    random_model model = random_model_new(c, g->seed);
    kvc_session *session = session_for(&model, g, n_source, slide);
    check_ok(kvc_session_set_cache(session, use_cache));
    print_sizes(out, c, g->seed);
    fprintf(out, "%s\n", c->weights == KVC_I8 ? " int8" : "");
    print_beginning(out, session, source, n_source, slide, use_cache);
    print_ids(out, "prompt", ids, g->n_prompt);
    print_prompt(out, g, session, ids);
    fprintf(out, "greedy");
    print_new(out, g, session, &greedy);
    check_ok(kvc_session_truncate(session, 0));
    check_ok(kvc_session_prefill(session, ids, g->n_prompt));
    fprintf(out, "sampled %g %u %g %g %g %" PRIu64, (double)s->temperature, s->top_k,
            (double)s->top_p, (double)s->min_p, (double)s->repetition_penalty, g->seed);
    print_new(out, g, session, s);
    if (slide) {
        check_ok(kvc_session_set_cache(session, true));
        check_ok(kvc_session_evict(session, slide->first, slide->n));
        fprintf(out, "evict %zu %zu\ngreedy", slide->first, slide->n);
        print_new(out, g, session, &greedy);
    }
    free(session);
    random_model_free(&model);
}

/* Without the cache, which takes long, only what is this build's share. */
static void print_all(FILE *out, const list *l, bool use_cache)
{
    fprintf(out,
            "# What random models compute, to the bit. How to read and remake this file: "
            "tests/native/test_golden.c\n");
    for (size_t i = 0; i < l->n; i++)
        print_model(out, l, i, use_cache || !check_share(i));
}

/* Line by line, so that a failure names what differs. */
static void check_against_file(const list *l, bool use_cache)
{
    static char got[4096], want[4096];
    FILE *computed = tmpfile(), *file = fopen(l->path, "r");
    assert_non_null(computed);
    if (!file)
        fail_msg("%s is not there; run from the repository's root", l->path);
    print_all(computed, l, use_cache);
    rewind(computed);
    for (size_t line = 1;; line++) {
        const bool more = fgets(got, sizeof got, computed) != NULL;
        assert_true((fgets(want, sizeof want, file) != NULL) == more); /* as many lines */
        if (!more)
            break;
        if (strcmp(got, want) != 0)
            fail_msg("%s:%zu\n  here: %s  file: %s", l->path, line, got, want);
    }
    fclose(computed);
    fclose(file);
}

static void golden_with_the_cache_on(void **unused)
{
    (void)unused;
    check_against_file(&plain, true);
    check_against_file(&sources, true);
    check_against_file(&sliding, true);
}

static void golden_with_the_cache_off(void **unused)
{
    (void)unused;
    check_against_file(&plain, false);
    check_against_file(&sources, false);
    check_against_file(&sliding, false);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_with_the_cache_on),
        cmocka_unit_test(golden_with_the_cache_off),
    };
    if (argc >= 2 && strcmp(argv[1], "print") == 0) {
        const char *what = argc == 3 ? argv[2] : "";
        print_all(stdout,
                  strcmp(what, "source") == 0  ? &sources
                  : strcmp(what, "slide") == 0 ? &sliding
                                               : &plain,
                  true);
        return 0;
    }
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
