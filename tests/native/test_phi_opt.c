/* Phi, whose attention and MLP share a norm, and whose head has a bias; OPT, whose table
 * of positions begins with two rows that nobody reads. */
#include <stdio.h>

#include "check.h"
#include "model/model.h"
#include "random_model.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { T = 40, V = 41 };

static const kvc_config phi = {PHI_SIZES(2, 4, 2, 12, 36, 29, 50, V), .rotary_dim = 4,
                               .rope_factor = 1.0f, .own_head = 1};
static const kvc_config opt = {OPT_SIZES(2, 3, 36, 29, 50, V)};

static kvc_model *empty_model(const kvc_config *config, const kvc_architecture *arch)
{
    kvc_arena asked = {0}, given = {0};
    kvc_model_layout(&asked, config, arch);
    given.base = check_alloc(1, asked.used);
    return kvc_model_layout(&given, config, arch);
}

static void set_all(kvc_model *model, const oracle_model *plain)
{
    for (size_t i = 0; i < plain->n_tensors; i++)
        check_ok(random_model_set(model, &plain->tensors[i]));
}

static oracle_tensor *find(oracle_model *plain, const char *name)
{
    for (size_t i = 0; i < plain->n_tensors; i++)
        if (strcmp(plain->tensors[i].name, name) == 0)
            return &plain->tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

/* The logits after every token.   logits: [T, V] out */
static void all_logits(float *logits, const random_model *m)
{
    uint32_t ids[T];
    uint64_t state = 9;
    random_ids(ids, T, V, &state);
    kvc_session *s = random_model_session(m, T);
    for (size_t t = 0; t < T; t++) {
        check_ok(kvc_session_decode(s, ids[t]));
        memcpy(logits + t * V, kvc_session_logits(s), V * sizeof *logits);
    }
    free(s);
}

static void check_same_logits(const random_model *a, const random_model *b)
{
    static float x[T * V], y[T * V];
    all_logits(x, a);
    all_logits(y, b);
    check_same(x, y, T * V);
}

/* ---- Phi --------------------------------------------------------------------------- */

/* A norm of its own for the MLP, with the numbers of attention's, changes nothing. */
static void attention_and_mlp_share_a_norm(void **unused)
{
    (void)unused;
    kvc_architecture apart = *kvc_architecture_of(KVC_PHI);
    kvc_tensor rows[20];
    const size_t n = apart.layer.n;
    memcpy(rows, apart.layer.row, n * sizeof *rows);
    rows[n] = rows[0]; /* the norm's weight and bias come first */
    rows[n].name = "norm_2.weight";
    rows[n].at = offsetof(kvc_layer, mlp_norm.weight);
    rows[n + 1] = rows[1];
    rows[n + 1].name = "norm_2.bias";
    rows[n + 1].at = offsetof(kvc_layer, mlp_norm.bias);
    apart.layer.row = rows;
    apart.layer.n = n + 2;
    for (int type = 0; type < 2; type++) {
        kvc_config config = phi;
        config.weights = type ? KVC_I8 : KVC_F32;
        random_model m = random_model_new(&config, 1);
        random_model other = {m.plain, empty_model(&config, &apart)};
        set_all(other.packed, &m.plain);
        for (size_t i = 0; i < 4; i++) {
            char name[64];
            const char *const end = i % 2 ? "bias" : "weight";
            snprintf(name, sizeof name, "layers.%zu.input_layernorm.%s", i / 2, end);
            oracle_tensor t = *find(&m.plain, name);
            snprintf(t.name, sizeof t.name, "layers.%zu.norm_2.%s", i / 2, end);
            check_ok(random_model_set(other.packed, &t));
        }
        check_same_logits(&m, &other);
        free(other.packed);
        random_model_free(&m);
    }
}

/* Where the head's weights are zero, its bias is all there is. */
static void the_head_has_a_bias(void **unused)
{
    (void)unused;
    for (int type = 0; type < 2; type++) {
        kvc_config config = phi;
        config.weights = type ? KVC_I8 : KVC_F32;
        random_model m = {random_weights(&config, 2),
                          empty_model(&config, kvc_architecture_of(KVC_PHI))};
        oracle_tensor *head = find(&m.plain, "lm_head.weight");
        memset(head->data, 0, oracle_tensor_elements(head) * sizeof *head->data);
        set_all(m.packed, &m.plain);
        static float logits[T * V];
        all_logits(logits, &m);
        for (size_t t = 0; t < T; t++)
            check_same(logits + t * V, find(&m.plain, "lm_head.bias")->data, V);
        random_model_free(&m);
    }
}

/* ---- OPT --------------------------------------------------------------------------- */

/* Position 0 reads row 2: whatever is in the rows before. And a table without them, in a
 * model that begins at its row 0, is the same. */
static void two_rows_belong_to_no_position(void **unused)
{
    (void)unused;
    kvc_architecture from_0 = *kvc_architecture_of(KVC_OPT);
    from_0.first_position = 0;
    const size_t C = opt.n_embd, P = opt.n_positions;
    random_model m = random_model_new(&opt, 3);
    random_model junk = {m.plain, empty_model(&opt, kvc_architecture_of(KVC_OPT))};
    random_model shifted = {m.plain, empty_model(&opt, &from_0)};
    float *table = find(&m.plain, "embed_positions.weight")->data;
    for (size_t i = 0; i < 2 * C; i++)
        table[i] = 1e30f;
    set_all(junk.packed, &m.plain);
    memmove(table, table + 2 * C, P * C * sizeof *table);
    set_all(shifted.packed, &m.plain);
    check_same_logits(&m, &junk);
    check_same_logits(&m, &shifted);
    free(junk.packed);
    free(shifted.packed);
    random_model_free(&m);
}

static void prefixes_are_left_out(void **unused)
{
    (void)unused;
    static const char *const taken[] = {"embed_tokens.weight",
                                        "decoder.embed_tokens.weight",
                                        "model.decoder.embed_tokens.weight"};
    static const char *const unknown[] = {
        "model.embed_tokens.weight", "coder.embed_tokens.weight",
        "model.decoder.decoder.embed_tokens.weight", "decoder.", "model.decoder"};
    const uint64_t shape[] = {V, 36};
    random_model m = random_model_new(&opt, 4);
    for (size_t i = 0; i < COUNT(taken); i++)
        check_error(kvc_model_begin_tensor(m.packed, taken[i], KVC_F32, shape, 2),
                    KVC_ERR_TENSOR_DUPLICATE);
    for (size_t i = 0; i < COUNT(unknown); i++)
        check_error(kvc_model_begin_tensor(m.packed, unknown[i], KVC_F32, shape, 2),
                    KVC_ERR_TENSOR_UNKNOWN);
    assert_true(kvc_model_ignores(m.packed, "lm_head.weight"));
    random_model_free(&m);
}

static void configs_are_refused(void **unused)
{
    (void)unused;
    kvc_config c = phi;
    check_ok(kvc_config_check(&phi));
    check_ok(kvc_config_check(&opt));
    c.parallel = 1; /* it always is */
    check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);
    c = phi;
    c.rotary_dim = 0;
    check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);
    c = opt;
    c.rotary_dim = 4;
    check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);
    c = opt;
    c.attention_bias = 1; /* they are no question */
    check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_and_mlp_share_a_norm),
        cmocka_unit_test(the_head_has_a_bias),
        cmocka_unit_test(two_rows_belong_to_no_position),
        cmocka_unit_test(prefixes_are_left_out),
        cmocka_unit_test(configs_are_refused),
    };
    return cmocka_run_group_tests_name("phi_opt", tests, NULL, NULL);
}
