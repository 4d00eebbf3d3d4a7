/* What sets the kin of Llama and of GPT-2 apart from them, by identities that need no
 * reference: where the difference is nothing they are the same, to the bit; where it is
 * something, it is what its equation says. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "model/model.h"
#include "random_model.h"

enum { T = 40, V = 23 };

#define SIZES KIN_SIZES(2, 4, 2, 8, 12, 9, T, V), .rope_factor = 1.0f

/* An engine's model of these weights, each seen first by `change`, which may drop it. */
static random_model changed(const kvc_config *config, const oracle_model *plain,
                            bool (*change)(oracle_tensor *))
{
    size_t bytes;
    random_model m = {.plain = {.config = *config}};
    check_ok(kvc_model_bytes(config, &bytes));
    check_ok(kvc_model_init(&m.packed, config, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < plain->n_tensors; i++) {
        oracle_tensor t = plain->tensors[i];
        const size_t n = oracle_tensor_elements(&t);
        t.data = check_alloc(n, sizeof *t.data);
        memcpy(t.data, plain->tensors[i].data, n * sizeof *t.data);
        if (change(&t))
            check_ok(random_model_set(m.packed, &t));
        free(t.data);
    }
    const char *missing;
    check_ok(kvc_model_complete(m.packed, &missing));
    return m;
}

static bool ends(const oracle_tensor *t, const char *end)
{
    const size_t n = strlen(t->name), k = strlen(end);
    return n >= k && strcmp(t->name + n - k, end) == 0;
}

static void logits_of(float logits[V], random_model *m)
{
    uint64_t state = 6;
    uint32_t ids[T];
    random_ids(ids, T, V, &state);
    random_model_logits(logits, m, ids, T);
}

static bool no_change(oracle_tensor *t)
{
    (void)t;
    return true;
}

/* ---- Qwen2 ------------------------------------------------------------------------- */

static bool zero_biases(oracle_tensor *t)
{
    if (ends(t, "_proj.bias"))
        memset(t->data, 0, oracle_tensor_elements(t) * sizeof *t->data);
    return true;
}

static bool no_biases(oracle_tensor *t)
{
    return !ends(t, "_proj.bias");
}

static bool zero_q_bias(oracle_tensor *t)
{
    return ends(t, "q_proj.bias") ? zero_biases(t) : true;
}

static void without_biases_it_is_a_llama(void **unused)
{
    (void)unused;
    const kvc_config qwen = {.arch = KVC_QWEN2, SIZES},
                     llama = {.arch = KVC_LLAMA, SIZES};
    oracle_model plain = random_weights(&qwen, 1);
    random_model zero = changed(&qwen, &plain, zero_biases);
    random_model none = changed(&llama, &plain, no_biases);
    random_model as_drawn = changed(&qwen, &plain, no_change);
    random_model some = changed(&qwen, &plain, zero_q_bias);
    float a[V], b[V], c[V], d[V];
    logits_of(a, &zero);
    logits_of(b, &none);
    logits_of(c, &as_drawn);
    logits_of(d, &some);
    for (size_t i = 0; i < V; i++)
        assert_true(a[i] == b[i]); /* as numbers: -0 may have become 0 */
    assert_memory_not_equal(a, c, sizeof a);
    assert_memory_not_equal(c, d, sizeof a);
    random_weights_free(&plain);
    free(zero.packed);
    free(none.packed);
    free(as_drawn.packed);
    free(some.packed);
}

/* Its biases are part of it, and those of other matrices are not. */
static void its_biases_are_not_optional(void **unused)
{
    (void)unused;
    kvc_config config = {.arch = KVC_QWEN2, SIZES};
    size_t bytes;
    kvc_model *model;
    const char *missing;
    check_ok(kvc_model_bytes(&config, &bytes));
    check_ok(kvc_model_init(&model, &config, check_alloc(1, bytes), bytes));
    oracle_model plain = random_weights(&config, 1);
    for (size_t i = 0; i < plain.n_tensors; i++)
        if (!ends(&plain.tensors[i], "layers.1.self_attn.k_proj.bias"))
            check_ok(random_model_set(model, &plain.tensors[i]));
    check_error(kvc_model_complete(model, &missing), KVC_ERR_TENSOR_MISSING);
    assert_string_equal(missing, "layers.1.self_attn.k_proj.bias");
    const uint64_t shape[] = {12};
    static const char *const none[] = {"layers.0.self_attn.o_proj.bias",
                                       "layers.0.mlp.up_proj.bias",
                                       "layers.0.self_attn.q_norm.weight"};
    for (size_t i = 0; i < 3; i++)
        check_error(kvc_model_begin_tensor(model, none[i], KVC_F32, shape, 1),
                    KVC_ERR_TENSOR_UNKNOWN);
    config.attention_bias = 1; /* it would mean nothing */
    check_error(kvc_config_check(&config), KVC_ERR_CONFIG_INVALID);
    random_weights_free(&plain);
    free(model);
}

/* ---- Qwen3 ------------------------------------------------------------------------- */

/* A power of two, which no rounding sees, larger for some heads than for others. */
static bool heads_apart(oracle_tensor *t)
{
    const size_t head = 8 * t->shape[1];
    if (ends(t, "q_proj.weight") || ends(t, "k_proj.weight"))
        for (size_t i = 0; i < oracle_tensor_elements(t); i++)
            t->data[i] *= i / head % 2 ? 1024.0f : 64.0f;
    return true;
}

static bool larger(oracle_tensor *t)
{
    if (ends(t, "q_proj.weight") || ends(t, "k_proj.weight"))
        for (size_t i = 0; i < oracle_tensor_elements(t); i++)
            t->data[i] *= 64.0f;
    return true;
}

static bool without_norm(oracle_tensor *t)
{
    return !ends(t, "q_norm.weight") && !ends(t, "k_norm.weight");
}

/* Twice the weight of q's norm and half of k's: the scores are what they were. */
static bool doubled_and_halved(oracle_tensor *t)
{
    const float factor = ends(t, "q_norm.weight")   ? 2.0f
                         : ends(t, "k_norm.weight") ? 0.5f
                                                    : 1.0f;
    for (size_t i = 0; i < oracle_tensor_elements(t); i++)
        t->data[i] *= factor;
    return true;
}

/* As good as no epsilon: what a norm makes of its input does not depend on its size. */
static void each_head_is_normed(void **unused)
{
    (void)unused;
    kvc_config config = {.arch = KVC_QWEN3, SIZES}, bare = {.arch = KVC_LLAMA, SIZES};
    config.norm_epsilon = bare.norm_epsilon = 1e-30f;
    oracle_model plain = random_weights(&config, 2);
    random_model all = changed(&config, &plain, larger);
    random_model apart = changed(&config, &plain, heads_apart);
    random_model as_drawn = changed(&config, &plain, no_change);
    random_model scaled = changed(&config, &plain, doubled_and_halved);
    random_model llama = changed(&bare, &plain, without_norm);
    float a[V], b[V];
    logits_of(a, &as_drawn);
    logits_of(b, &all);
    check_same(b, a, V);
    logits_of(b, &apart);
    check_same(b, a, V);
    logits_of(b, &scaled);
    check_same(b, a, V);
    logits_of(b, &llama);
    assert_memory_not_equal(b, a, sizeof a);
    random_weights_free(&plain);
    free(all.packed);
    free(apart.packed);
    free(as_drawn.packed);
    free(scaled.packed);
    free(llama.packed);
}

/* ---- heads ------------------------------------------------------------------------- */

/* A head of its own that is a copy of the embedding is as good as none. */
static void a_copy_of_the_embedding_is_its_head(void **unused)
{
    (void)unused;
    const kvc_config configs[] = {{GPT2_SIZES(2, 2, 8, 9, T, V)},
                                  {.arch = KVC_LLAMA, SIZES},
                                  {.arch = KVC_QWEN2, SIZES},
                                  {.arch = KVC_QWEN3, SIZES}};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        kvc_config own = configs[i];
        own.own_head = 1;
        oracle_model plain = random_weights(&own, i);
        random_model drawn = changed(&own, &plain, no_change);
        random_model tied = changed(&configs[i], &plain, no_change); /* ignores it */
        oracle_tensor *head = &plain.tensors[plain.n_tensors - 1];
        assert_string_equal(head->name, "lm_head.weight");
        memcpy(head->data, oracle_embedding(&plain),
               oracle_tensor_elements(head) * sizeof *head->data);
        random_model copied = changed(&own, &plain, no_change);
        float a[V], b[V], c[V];
        logits_of(a, &tied);
        logits_of(b, &copied);
        logits_of(c, &drawn);
        check_same(b, a, V);
        assert_memory_not_equal(c, a, sizeof a);
        random_weights_free(&plain);
        free(drawn.packed);
        free(tied.packed);
        free(copied.packed);
    }
}

/* ---- GPT-Neo ----------------------------------------------------------------------- */

/* The weights of a GPT-2 that computes what this GPT-Neo does: matrices transposed, q
 * times `root` = sqrt(D), which the scale of its scores takes back. A power of two, so
 * that no rounding sees it. */
static void set_gpt2(kvc_model *model, const oracle_model *neo, float root)
{
    const size_t C = neo->config.n_embd, F = neo->config.n_inner;
    const uint64_t fused[] = {C, 3 * C}, square[] = {C, C}, up[] = {C, F},
                   down[] = {F, C};
    const struct {
        const char *from, *to;
        const uint64_t *shape;
        size_t first; /* of the columns that it becomes */
        float factor;
    } turned[] = {
        {"attn.attention.q_proj.weight", "attn.c_attn.weight", fused, 0, root},
        {"attn.attention.k_proj.weight", "attn.c_attn.weight", fused, C, 1.0f},
        {"attn.attention.v_proj.weight", "attn.c_attn.weight", fused, 2 * C, 1.0f},
        {"attn.attention.out_proj.weight", "attn.c_proj.weight", square, 0, 1.0f},
        {"mlp.c_fc.weight", "mlp.c_fc.weight", up, 0, 1.0f},
        {"mlp.c_proj.weight", "mlp.c_proj.weight", down, 0, 1.0f}};
    for (int layer = 0; layer < (int)neo->config.n_layer; layer++) {
        float *w = check_alloc(3 * C * (C + F), sizeof *w), zero[64 * 3] = {0};
        char name[64];
        for (size_t i = 0; i < 6; i++) {
            const float *from = oracle_weights(neo, layer, turned[i].from);
            const size_t n_in = turned[i].shape[0], all = turned[i].shape[1];
            const size_t n_out = i < 3 ? C : all;
            for (size_t k = 0; k < n_in * n_out; k++)
                w[k % n_in * all + turned[i].first + k / n_in] =
                    from[k] * turned[i].factor;
            snprintf(name, sizeof name, "h.%d.%s", layer, turned[i].to);
            if (i >= 2)
                check_ok(kvc_model_set_tensor(model, name, KVC_F32, turned[i].shape, 2, w,
                                              n_in * all * sizeof *w));
        }
        snprintf(name, sizeof name, "h.%d.attn.c_attn.bias", layer);
        check_ok(kvc_model_set_tensor(model, name, KVC_F32, &fused[1], 1, zero,
                                      3 * C * sizeof *zero));
        snprintf(name, sizeof name, "h.%d.attn.c_proj.bias", layer);
        check_ok(kvc_model_set_tensor(
            model, name, KVC_F32, square, 1,
            oracle_weights(neo, layer, "attn.attention.out_proj.bias"), C * sizeof *w));
        free(w);
    }
    for (size_t i = 0; i < neo->n_tensors; i++)
        if (neo->tensors[i].rank == 1 && !strstr(neo->tensors[i].name, "out_proj"))
            check_ok(random_model_set(model, &neo->tensors[i]));
        else if (neo->tensors[i].name[0] == 'w') /* wte, wpe */
            check_ok(random_model_set(model, &neo->tensors[i]));
}

static void all_global_it_is_a_gpt2(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t D;
        float root;
    } heads[] = {{4, 2.0f}, {16, 4.0f}, {64, 8.0f}};
    for (size_t i = 0; i < 3; i++) {
        const uint32_t H = 64 / heads[i].D;
        kvc_config neo = {NEO_SIZES(2, H, 64, 90, T, V, 0, 0)};
        const kvc_config gpt2 = {GPT2_SIZES(2, H, 64, 90, T, V)};
        random_model a = random_model_new(&neo, i), b = {.plain = {.config = gpt2}};
        size_t bytes;
        check_ok(kvc_model_bytes(&gpt2, &bytes));
        check_ok(kvc_model_init(&b.packed, &gpt2, check_alloc(1, bytes), bytes));
        set_gpt2(b.packed, &a.plain, heads[i].root);
        float got[V], want[V];
        logits_of(got, &a);
        logits_of(want, &b);
        for (size_t id = 0; id < V; id++)
            assert_true(got[id] == want[id]); /* as numbers: -0 may have become 0 */
        free(b.packed);
        neo.score_scale = 0.0f; /* as a GPT-2's scores are scaled: another text */
        random_model scaled = random_model_new(&neo, i);
        logits_of(want, &scaled);
        assert_memory_not_equal(got, want, sizeof got);
        random_model_free(&scaled);
        random_model_free(&a);
    }
}

/* ---- Gemma 3 ----------------------------------------------------------------------- */

#define GEMMA                                                                            \
    .arch = KVC_GEMMA3, SIZES, .window = 7, .window_layers = {1},                        \
    .rope_local_theta = 50.0f

static bool is_norm(const oracle_tensor *t)
{
    return ends(t, "norm.weight");
}

static bool norms_with_1(oracle_tensor *t)
{
    for (size_t i = 0; is_norm(t) && i < oracle_tensor_elements(t); i++)
        t->data[i] = 1.0f + t->data[i];
    return true;
}

/* Weights with 1 folded in as they are loaded = files that have it already. */
static void its_norms_lack_1(void **unused)
{
    (void)unused;
    const kvc_config config = {GEMMA};
    kvc_architecture whole = *kvc_architecture_of(KVC_GEMMA3);
    whole.norms_lack_1 = false;
    oracle_model plain = random_weights(&config, 3);
    random_model folded = changed(&config, &plain, no_change);
    random_model wrong = changed(&config, &plain, norms_with_1);
    kvc_arena arena = {0};
    kvc_model_layout(&arena, &config, &whole);
    const size_t bytes = arena.used;
    arena = (kvc_arena){.base = check_alloc(1, bytes)};
    random_model before = {.packed = kvc_model_layout(&arena, &config, &whole)};
    for (size_t i = 0; i < plain.n_tensors; i++) {
        norms_with_1(&plain.tensors[i]);
        check_ok(random_model_set(before.packed, &plain.tensors[i]));
    }
    float a[V], b[V];
    before.plain.config = folded.plain.config = wrong.plain.config = config;
    logits_of(a, &folded);
    logits_of(b, &before);
    check_same(b, a, V);
    logits_of(b, &wrong);
    assert_memory_not_equal(b, a, sizeof a);
    random_weights_free(&plain);
    free(folded.packed);
    free(wrong.packed);
    free(arena.base);
}

static void logits_with(float logits[V], kvc_config config)
{
    random_model m = random_model_new(&config, 4);
    logits_of(logits, &m);
    random_model_free(&m);
}

/* Layers with a window turn by rope_local_theta, the others by rope_theta, divided; where
 * both are the same there might be one of them. */
static void its_layers_have_their_own_angles(void **unused)
{
    (void)unused;
    kvc_config both = {GEMMA};
    float a[V], b[V];
    logits_with(a, both);
    both.rope_factor = 2.0f; /* of the layer that sees everything alone */
    logits_with(b, both);
    assert_memory_not_equal(b, a, sizeof a);
    both.window_layers[0] = 3; /* now no layer is left that it could divide */
    logits_with(a, both);
    both.rope_factor = 1.0f;
    both.rope_theta = 1e6f;
    logits_with(b, both);
    check_same(b, a, V);
    both.rope_local_theta = 60.0f;
    logits_with(b, both);
    assert_memory_not_equal(b, a, sizeof a);
    both.window_layers[0] = 1;
    both.rope_theta = 60.0f;
    logits_with(a, both);
    both.rope_local_theta = 0.0f;
    logits_with(b, both);
    check_same(b, a, V);
    static const float wrong[] = {0.5f, -1.0f, INFINITY, NAN};
    for (size_t i = 0; i < 4; i++) {
        both.rope_local_theta = wrong[i];
        check_error(kvc_config_check(&both), KVC_ERR_CONFIG_INVALID);
    }
    kvc_config gpt2 = {GPT2_SIZES(1, 1, 4, 4, T, V), .rope_local_theta = 10.0f};
    check_error(kvc_config_check(&gpt2), KVC_ERR_CONFIG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_biases_it_is_a_llama),
        cmocka_unit_test(its_biases_are_not_optional),
        cmocka_unit_test(each_head_is_normed),
        cmocka_unit_test(a_copy_of_the_embedding_is_its_head),
        cmocka_unit_test(all_global_it_is_a_gpt2),
        cmocka_unit_test(its_norms_lack_1),
        cmocka_unit_test(its_layers_have_their_own_angles),
    };
    return cmocka_run_group_tests_name("kin", tests, NULL, NULL);
}
