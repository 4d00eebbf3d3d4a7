/* GPT-NeoX: one tensor of q, k and v, cut head by head; blocks side by side or one after
 * the other; what its config and its files may be. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "model/model.h"
#include "random_model.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { T = 40 };

static const kvc_config neox = {GPT_NEOX_SIZES(2, 3, 12, 36, 29, 50, 41),
                                .rotary_dim = 4,
                                .rope_factor = 1.0f,
                                .attention_bias = 1,
                                .own_head = 1,
                                .parallel = 1};

static kvc_model *empty_model(const kvc_config *config, const kvc_architecture *arch)
{
    kvc_arena asked = {0}, given = {0};
    kvc_model_layout(&asked, config, arch);
    given.base = check_alloc(1, asked.used);
    return kvc_model_layout(&given, config, arch);
}

static void check_same_logits(const random_model *a, const random_model *b, bool same)
{
    const size_t V = a->plain.config.vocab_size;
    uint32_t ids[T];
    float x[64], y[64];
    uint64_t state = 9;
    random_ids(ids, T, V, &state);
    random_model_logits(x, a, ids, T);
    random_model_logits(y, b, ids, T);
    assert_true((memcmp(x, y, V * sizeof *x) == 0) == same);
}

/* ---- the fused tensor -------------------------------------------------------------- */

static const char *const wholes[3][2] = {{"attention.q.weight", "attention.q.bias"},
                                         {"attention.k.weight", "attention.k.bias"},
                                         {"attention.v.weight", "attention.v.bias"}};

/* The same table with q, k and v apart.   rows: [20] out */
static kvc_architecture table_apart(kvc_tensor *rows)
{
    static const size_t at[] = {offsetof(kvc_layer, q), offsetof(kvc_layer, k),
                                offsetof(kvc_layer, v)};
    kvc_architecture arch = *kvc_architecture_of(KVC_GPT_NEOX);
    size_t n = 0;
    for (size_t i = 0; i < arch.layer.n; i++) {
        const kvc_tensor *row = &arch.layer.row[i];
        const bool is_bias = row->form == KVC_HEADS_BIAS;
        if (row->form != KVC_HEADS && !is_bias) {
            rows[n++] = *row;
            continue;
        }
        for (size_t part = 0; part < 3; part++, n++)
            rows[n] = (kvc_tensor){.name = wholes[part][is_bias],
                                   .form = is_bias ? KVC_BIAS : KVC_LINEAR,
                                   .at = (uint16_t)at[part],
                                   .in = row->in,
                                   .out = {KVC_Q},
                                   .only = row->only};
    }
    arch.layer.n = n;
    arch.layer.row = rows;
    return arch;
}

/* Every head's part of a fused tensor, cut out row by row. */
static void set_part(kvc_model *model, const oracle_tensor *fused, size_t part)
{
    const size_t D = model->config.head_dim, H = model->config.n_head,
                 C = fused->rank == 2 ? fused->shape[1] : 1;
    float *cut = check_alloc(H * D * C, sizeof *cut);
    for (size_t h = 0; h < H; h++)
        for (size_t d = 0; d < D; d++)
            memcpy(cut + (h * D + d) * C, fused->data + (h * 3 * D + part * D + d) * C,
                   C * sizeof *cut);
    oracle_tensor t = {
        .rank = fused->rank, .shape = {H * D, fused->shape[1]}, .data = cut};
    const char layer[] = {fused->name[7], '\0'}; /* layers.N.attention... */
    snprintf(t.name, sizeof t.name, "layers.%s.%s", layer,
             wholes[part][fused->rank == 1]);
    check_ok(random_model_set(model, &t));
    free(cut);
}

static void heads_are_cut_apart(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t round = 0; round < 60; round++) {
        kvc_config config = random_config(&state, T);
        random_gpt_neox(&config, &state);
        config.weights = round % 2 ? KVC_I8 : KVC_F32;
        config.vocab_size = 1 + config.vocab_size % 64;
        kvc_tensor rows[20];
        const kvc_architecture apart = table_apart(rows);
        random_model fused = random_model_new(&config, random_next(&state));
        random_model other = {fused.plain, empty_model(&config, &apart)};
        for (size_t i = 0; i < fused.plain.n_tensors; i++) {
            const oracle_tensor *t = &fused.plain.tensors[i];
            for (size_t part = 0; part < 3; part++)
                if (strstr(t->name, "query_key_value"))
                    set_part(other.packed, t, part);
            if (!strstr(t->name, "query_key_value"))
                check_ok(random_model_set(other.packed, t));
        }
        check_same_logits(&fused, &other, true);
        free(other.packed);
        random_model_free(&fused);
    }
}

/* ---- the blocks -------------------------------------------------------------------- */

/* Zeros in every tensor with this in its name. */
static random_model model_without(const kvc_config *config, const char *part)
{
    random_model m = {random_weights(config, 5),
                      empty_model(config, kvc_architecture_of(config->arch))};
    for (size_t i = 0; i < m.plain.n_tensors; i++) {
        const oracle_tensor *t = &m.plain.tensors[i];
        if (strstr(t->name, part))
            memset(t->data, 0, oracle_tensor_elements(t) * sizeof *t->data);
        check_ok(random_model_set(m.packed, t));
    }
    return m;
}

/* Side by side and one after the other differ, unless one of the two adds nothing. */
static void blocks_stand_side_by_side(void **unused)
{
    (void)unused;
    static const char *const without[] = {"no such tensor", "attention.dense",
                                          "dense_4h_to_h"};
    kvc_config sequential = neox;
    sequential.parallel = 0;
    for (size_t i = 0; i < COUNT(without); i++) {
        random_model a = model_without(&neox, without[i]),
                     b = model_without(&sequential, without[i]);
        check_same_logits(&a, &b, i > 0);
        assert_true(kvc_model_fingerprint(a.packed) != kvc_model_fingerprint(b.packed));
        random_model_free(&a);
        random_model_free(&b);
    }
}

/* ---- config and files -------------------------------------------------------------- */

static void configs_are_refused(void **unused)
{
    (void)unused;
    check_ok(kvc_config_check(&neox));
#define WITH(field, value)                                                               \
    {                                                                                    \
        kvc_config c = neox;                                                             \
        c.field = value;                                                                 \
        check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);                       \
    }
    WITH(n_kv_head, 1)
    WITH(parallel, 2)
    WITH(mlp_bias, 1)
    WITH(rotary_dim, 0)
    WITH(rotary_dim, 14)
    WITH(arch, KVC_LLAMA) /* whose blocks never stand side by side */
    WITH(arch, KVC_GPT2)
}

static void tensors_depend_on_the_config(void **unused)
{
    (void)unused;
    static const char *const optional[] = {
        "embed_out.weight", "gpt_neox.layers.1.attention.query_key_value.bias",
        "layers.0.attention.dense.bias"};
    static const char *const ignored[] = {
        "gpt_neox.layers.1.attention.bias", "layers.0.attention.masked_bias",
        "gpt_neox.layers.0.attention.rotary_emb.inv_freq",
        "gpt_neox.rotary_emb.inv_freq"};
    kvc_config bare = neox;
    bare.own_head = bare.attention_bias = 0;
    const kvc_architecture *arch = kvc_architecture_of(KVC_GPT_NEOX);
    kvc_model *without = empty_model(&bare, arch), *with = empty_model(&neox, arch);
    static const uint64_t shapes[][2] = {{41, 36}, {108, 0}, {36, 0}};
    for (size_t i = 0; i < COUNT(optional); i++) {
        const size_t rank = i == 0 ? 2 : 1;
        assert_true(kvc_model_ignores(without, optional[i]) == (i == 0));
        check_error(
            kvc_model_begin_tensor(without, optional[i], KVC_F32, shapes[i], rank),
            KVC_ERR_TENSOR_UNKNOWN);
        check_ok(kvc_model_begin_tensor(with, optional[i], KVC_F32, shapes[i], rank));
        kvc_model_cancel_tensor(with);
    }
    for (size_t i = 0; i < COUNT(ignored); i++)
        assert_true(kvc_model_ignores(with, ignored[i]));
    free(without);
    free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_cut_apart),
        cmocka_unit_test(blocks_stand_side_by_side),
        cmocka_unit_test(configs_are_refused),
        cmocka_unit_test(tensors_depend_on_the_config),
    };
    return cmocka_run_group_tests_name("gpt_neox", tests, NULL, NULL);
}
