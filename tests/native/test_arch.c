/* An architecture is a table: files with other names, other orientations, tensors apart
 * or fused, no biases and no positions make the models that GPT-2's table makes of the
 * same weights; to the bit, in floats and in int8. */
#include <stdio.h>

#include "check.h"
#include "kernels/activation.h"
#include "kernels/norm.h"
#include "model/model.h"
#include "random_model.h"

#define MODEL(member) offsetof(kvc_model, member)
#define LAYER(member) offsetof(kvc_layer, member)
#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { T = 45 };

/* ---- two other tables -------------------------------------------------------------- */

static const kvc_tensor of_model[] = {
    {"norm.weight", KVC_VECTOR, MODEL(decoder.norm.weight), .out = {KVC_C}},
    {"norm.bias", KVC_VECTOR, MODEL(decoder.norm.bias), .out = {KVC_C}},
    {"embed.weight", KVC_LINEAR, MODEL(embedding), KVC_C, .out = {KVC_V}},
};

/* Everything [out, in], q, k and v apart, no biases and no positions. */
static const kvc_tensor apart[] = {
    {"norm_1.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"norm_1.bias", KVC_VECTOR, LAYER(attention_norm.bias), .out = {KVC_C}},
    {"norm_2.weight", KVC_VECTOR, LAYER(mlp_norm.weight), .out = {KVC_C}},
    {"norm_2.bias", KVC_VECTOR, LAYER(mlp_norm.bias), .out = {KVC_C}},
    {"up", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"down", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    {"o", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"v", KVC_LINEAR, LAYER(v), KVC_C, .out = {KVC_KV}},
    {"k", KVC_LINEAR, LAYER(k), KVC_C, .out = {KVC_KV}},
    {"q", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q}},
};

/* The same, with q, k and v fused along out. */
static const kvc_tensor fused[] = {
    {"norm_1.weight", KVC_VECTOR, LAYER(attention_norm.weight), .out = {KVC_C}},
    {"norm_1.bias", KVC_VECTOR, LAYER(attention_norm.bias), .out = {KVC_C}},
    {"norm_2.weight", KVC_VECTOR, LAYER(mlp_norm.weight), .out = {KVC_C}},
    {"norm_2.bias", KVC_VECTOR, LAYER(mlp_norm.bias), .out = {KVC_C}},
    {"up", KVC_LINEAR, LAYER(up), KVC_C, .out = {KVC_F}},
    {"down", KVC_LINEAR, LAYER(down), KVC_F, .out = {KVC_C}},
    {"o", KVC_LINEAR, LAYER(o), KVC_Q, .out = {KVC_C}},
    {"qkv", KVC_LINEAR, LAYER(q), KVC_C, .out = {KVC_Q, KVC_KV, KVC_KV}},
};

static const char *const buffers[] = {"buffer", NULL};

static kvc_architecture table(const kvc_tensor *layer, size_t n)
{
    return (kvc_architecture){.prefix = "model.",
                              .layer_prefix = "layers.",
                              .model = {COUNT(of_model), of_model, buffers},
                              .layer = {n, layer, buffers},
                              .blocks = {KVC_SELF_ATTENTION, KVC_MLP},
                              .norm = kvc_layer_norm,
                              .activation = kvc_gelu};
}

/* ---- the same weights through them ------------------------------------------------- */

static void set(kvc_model *model, int layer, const char *leaf, const float *data,
                size_t rank, size_t rows, size_t columns)
{
    const uint64_t shape[] = {rows, columns};
    char name[64];
    if (layer < 0)
        snprintf(name, sizeof name, "%s", leaf);
    else
        snprintf(name, sizeof name, "model.layers.%d.%s", layer, leaf);
    check_ok(kvc_model_set_tensor(model, name, KVC_F32, shape, rank, data,
                                  4 * rows * columns));
}

static void set_norm(kvc_model *model, const oracle_model *plain, int layer,
                     const char *from, const char *to)
{
    static const char *const parts[] = {"weight", "bias"};
    for (size_t i = 0; i < 2; i++) {
        char source[32], leaf[32];
        snprintf(source, sizeof source, "%s.%s", from, parts[i]);
        snprintf(leaf, sizeof leaf, "%s.%s", to, parts[i]);
        set(model, layer, leaf, oracle_weights(plain, layer, source), 1,
            plain->config.n_embd, 1);
    }
}

/* Columns first .. first + n - 1 of w [n_in, stride], as [n, n_in]. */
static void set_turned(kvc_model *model, int layer, const char *leaf, const float *w,
                       size_t n_in, size_t stride, size_t first, size_t n)
{
    float *turned = check_alloc(n * n_in, sizeof *turned);
    for (size_t o = 0; o < n; o++)
        for (size_t i = 0; i < n_in; i++)
            turned[o * n_in + i] = w[i * stride + first + o];
    set(model, layer, leaf, turned, 2, n, n_in);
    free(turned);
}

static void set_layer(kvc_model *model, const oracle_model *plain, int i, bool is_apart)
{
    const size_t C = plain->config.n_embd, F = plain->config.n_inner;
    const size_t Q = kvc_query_width(&plain->config), KV = kvc_kv_width(&plain->config);
    const size_t all = Q + 2 * KV;
    const float *attn = oracle_weights(plain, i, "attn.c_attn.weight");
    set_norm(model, plain, i, "ln_1", "norm_1");
    set_norm(model, plain, i, "ln_2", "norm_2");
    set_turned(model, i, "o", oracle_weights(plain, i, "attn.c_proj.weight"), Q, C, 0, C);
    set_turned(model, i, "up", oracle_weights(plain, i, "mlp.c_fc.weight"), C, F, 0, F);
    set_turned(model, i, "down", oracle_weights(plain, i, "mlp.c_proj.weight"), F, C, 0,
               C);
    if (!is_apart) {
        set_turned(model, i, "qkv", attn, C, all, 0, all);
        return;
    }
    set_turned(model, i, "q", attn, C, all, 0, Q);
    set_turned(model, i, "k", attn, C, all, Q, KV);
    set_turned(model, i, "v", attn, C, all, Q + KV, KV);
}

static kvc_model *other_model(const oracle_model *plain, const kvc_architecture *arch,
                              bool is_apart)
{
    kvc_arena asked = {0}, given = {0};
    kvc_model_layout(&asked, &plain->config, arch);
    given.base = check_alloc(1, asked.used);
    kvc_model *model = kvc_model_layout(&given, &plain->config, arch);
    assert_int_equal(given.used, asked.used);
    set(model, -1, "embed.weight", oracle_weights(plain, -1, "wte.weight"), 2,
        plain->config.vocab_size, plain->config.n_embd);
    set_norm(model, plain, -1, "ln_f", "norm");
    for (int i = 0; i < (int)plain->config.n_layer; i++)
        set_layer(model, plain, i, is_apart);
    const char *missing;
    check_ok(kvc_model_complete(model, &missing));
    return model;
}

/* Zeros in the tensors whose names end in one of these. */
static void clear(oracle_model *plain, const char *const *endings, size_t n)
{
    for (size_t i = 0; i < plain->n_tensors; i++) {
        oracle_tensor *t = &plain->tensors[i];
        for (size_t j = 0; j < n; j++) {
            const size_t name = strlen(t->name), ending = strlen(endings[j]);
            if (name >= ending && strcmp(t->name + name - ending, endings[j]) == 0)
                memset(t->data, 0, oracle_tensor_elements(t) * sizeof *t->data);
        }
    }
}

static random_model gpt2_without(const kvc_config *config, uint64_t seed,
                                 const char *const *endings, size_t n)
{
    size_t bytes;
    random_model m = {.plain = random_weights(config, seed)};
    clear(&m.plain, endings, n);
    check_ok(kvc_model_bytes(config, &bytes));
    check_ok(kvc_model_init(&m.packed, config, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < m.plain.n_tensors; i++)
        check_ok(random_model_set(m.packed, &m.plain.tensors[i]));
    return m;
}

/* Both compute the same logits, with the cache and without. */
static void check_equal(const random_model *a, const random_model *b, uint64_t *state)
{
    const size_t V = a->plain.config.vocab_size;
    uint32_t ids[T];
    random_ids(ids, T, V, state);
    kvc_session *sa = random_model_session(a, T), *sb = random_model_session(b, T);
    for (size_t t = 0, n; t < T; t += n) {
        n = 1 + random_below(state, T - t);
        check_ok(kvc_session_set_cache(sb, random_below(state, 2)));
        check_ok(kvc_session_prefill(sa, ids + t, n));
        check_ok(kvc_session_prefill(sb, ids + t, n));
        check_same(kvc_session_logits(sb), kvc_session_logits(sa), V);
    }
    free(sa);
    free(sb);
}

/* ---- the tests --------------------------------------------------------------------- */

static const char *const absent[] = {"wpe.weight", "c_attn.bias", "c_proj.bias",
                                     "c_fc.bias"};

static void other_tables_make_the_same_models(void **unused)
{
    (void)unused;
    const kvc_architecture tables[] = {table(apart, COUNT(apart)),
                                       table(fused, COUNT(fused))};
    uint64_t state = 1;
    for (size_t round = 0; round < 80; round++) {
        const size_t which = round % 2;
        kvc_config config = random_config(&state, T);
        config.weights = round / 2 % 2 ? KVC_I8 : KVC_F32;
        random_model gpt2 =
            gpt2_without(&config, random_next(&state), absent, COUNT(absent));
        random_model other = {.plain = gpt2.plain};
        other.packed = other_model(&gpt2.plain, &tables[which], which == 0);
        check_equal(&gpt2, &other, &state);
        free(other.packed);
        random_model_free(&gpt2);
    }
}

/* A layer without an MLP is one whose MLP adds nothing. */
static void a_layer_is_a_list_of_blocks(void **unused)
{
    (void)unused;
    static const char *const nothing[] = {"wpe.weight", "c_attn.bias", "c_proj.bias",
                                          "c_fc.bias", "mlp.c_proj.weight"};
    kvc_architecture arch = table(apart, COUNT(apart));
    arch.blocks[1] = KVC_NO_BLOCK;
    uint64_t state = 2;
    for (size_t round = 0; round < 20; round++) {
        const kvc_config config = random_config(&state, T);
        random_model gpt2 =
            gpt2_without(&config, random_next(&state), nothing, COUNT(nothing));
        random_model other = {.plain = gpt2.plain};
        other.packed = other_model(&gpt2.plain, &arch, true);
        check_equal(&gpt2, &other, &state);
        free(other.packed);
        random_model_free(&gpt2);
    }
}

/* With the prefix or without, and only under the names of the table. */
static void names_are_the_tables(void **unused)
{
    (void)unused;
    const kvc_config config = {GPT2_SIZES(12, 1, 4, 4, T, 9)};
    const kvc_architecture arch = table(apart, COUNT(apart));
    oracle_model plain = random_weights(&config, 1);
    kvc_model *model = other_model(&plain, &arch, true);
    const uint64_t shape[] = {4};
    static const char *const taken[] = {"norm.bias", "model.norm.bias",
                                        "layers.11.norm_1.bias",
                                        "model.layers.0.norm_1.bias"};
    static const char *const unknown[] = {"wte.weight",         "transformer.norm.bias",
                                          "h.0.norm_1.bias",    "layers.12.norm_1.bias",
                                          "layers.0.norm.bias", "norm_1.bias"};
    static const char *const ignored[] = {"buffer", "model.layers.3.buffer"};
    for (size_t i = 0; i < COUNT(taken); i++)
        check_error(kvc_model_begin_tensor(model, taken[i], KVC_F32, shape, 1),
                    KVC_ERR_TENSOR_DUPLICATE);
    for (size_t i = 0; i < COUNT(unknown); i++)
        check_error(kvc_model_begin_tensor(model, unknown[i], KVC_F32, shape, 1),
                    KVC_ERR_TENSOR_UNKNOWN);
    for (size_t i = 0; i < COUNT(ignored); i++)
        assert_true(kvc_model_ignores(model, ignored[i]));
    assert_false(kvc_model_ignores(model, "lm_head.weight"));
    random_weights_free(&plain);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_tables_make_the_same_models),
        cmocka_unit_test(a_layer_is_a_list_of_blocks),
        cmocka_unit_test(names_are_the_tables),
    };
    return cmocka_run_group_tests_name("arch", tests, NULL, NULL);
}
