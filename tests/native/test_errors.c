/* One test per error code, at least; what can fail leaves its object as it was. Errors
 * of the cache, of attention, of the sampler and of sessions stand beside what they
 * guard, in their own files. */
#include <ctype.h>
#include <math.h>

#include "check.h"
#include "random_model.h"

static const kvc_config config = {GPT2_SIZES(2, 2, 8, 9, 10, 11)};

static kvc_model *new_model(void)
{
    size_t bytes;
    kvc_model *model;
    check_ok(kvc_model_bytes(&config, &bytes));
    check_ok(kvc_model_init(&model, &config, check_alloc(1, bytes), bytes));
    return model;
}

/* ---- names ------------------------------------------------------------------------- */

/* The JavaScript codes are these names: unique, lower case, [a-z_]+. */
static void names(void **unused)
{
    (void)unused;
    for (int i = 0; i < KVC_ERROR_COUNT; i++) {
        const char *name = kvc_error_name((kvc_error)i);
        assert_non_null(name);
        assert_string_not_equal(name, "unknown");
        for (const char *p = name; *p; p++)
            assert_true(islower((unsigned char)*p) || *p == '_');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, kvc_error_name((kvc_error)j));
    }
    assert_int_equal(KVC_OK, 0);
    assert_string_equal(kvc_error_name(KVC_OK), "ok");
    assert_string_equal(kvc_error_name(KVC_ERR_CONTEXT_FULL), "context_full");
    assert_string_equal(kvc_error_name(KVC_ERR_BUSY), "busy");
    assert_string_equal(kvc_error_name(KVC_ERROR_COUNT), "unknown");
    assert_string_equal(kvc_error_name((kvc_error)-1), "unknown");
}

/* ---- config_invalid ---------------------------------------------------------------- */

static void config_invalid(void **unused)
{
    (void)unused;
    const uint32_t bad_sizes[] = {0, (1u << 24) + 1, UINT32_MAX};
    size_t bytes;
    check_ok(kvc_config_check(&config));
    check_error(kvc_config_check(NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_bytes(NULL, &bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_bytes(&config, NULL), KVC_ERR_INVALID_ARGUMENT);
    for (size_t field = 0; field < 8; field++)
        for (size_t i = 0; i < sizeof bad_sizes / sizeof *bad_sizes; i++) {
            kvc_config c = config;
            uint32_t *const fields[] = {&c.n_layer,     &c.n_head,    &c.n_kv_head,
                                        &c.head_dim,    &c.n_embd,    &c.n_inner,
                                        &c.n_positions, &c.vocab_size};
            *fields[field] = bad_sizes[i];
            check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);
            check_error(kvc_model_bytes(&c, &bytes), KVC_ERR_CONFIG_INVALID);
        }
    const float bad_epsilons[] = {0.0f, -1e-5f, 1.0f, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof bad_epsilons / sizeof *bad_epsilons; i++) {
        kvc_config c = config;
        c.norm_epsilon = bad_epsilons[i];
        check_error(kvc_config_check(&c), KVC_ERR_CONFIG_INVALID);
    }
    for (int type = -1; type <= KVC_I8 + 1; type++) {
        kvc_config c = config;
        c.weights = (kvc_dtype)type;
        check_error(kvc_config_check(&c),
                    type == KVC_F32 || type == KVC_I8 ? KVC_OK : KVC_ERR_CONFIG_INVALID);
    }
}

static void arch_is_known(void **unused)
{
    (void)unused;
    for (int arch = -1; arch <= KVC_ARCH_COUNT; arch++) {
        kvc_config c = config;
        c.arch = (kvc_arch)arch;
        const bool turns = arch != KVC_GPT2 && arch != KVC_OPT && arch != KVC_GPT_NEO &&
                           arch != KVC_T5 && arch != KVC_T5_GATED && arch != KVC_MARIAN &&
                           arch != KVC_BART;
        c.rotary_dim = turns ? c.head_dim : 0;
        c.rope_theta = c.rope_factor = 1.0f;
        const bool t5 = arch == KVC_T5 || arch == KVC_T5_GATED;
        c.n_encoder_layer = t5 || arch == KVC_MARIAN || arch == KVC_BART;
        c.relative_buckets = t5 ? 32 : 0;
        c.relative_distance = t5 ? 128 : 0;
        c.score_scale = t5 ? 1.0f : 0.0f;
        check_error(kvc_config_check(&c),
                    arch >= 0 && arch < KVC_ARCH_COUNT ? KVC_OK : KVC_ERR_CONFIG_INVALID);
    }
}

/* head_dim and n_embd are multiples of 4, and need not fit each other. */
static void widths_are_multiples_of_4(void **unused)
{
    (void)unused;
    for (uint32_t n_embd = 1; n_embd <= 50; n_embd++)
        for (uint32_t head_dim = 1; head_dim <= 30; head_dim++) {
            kvc_config c = config;
            c.n_embd = n_embd;
            c.head_dim = head_dim;
            check_error(kvc_config_check(&c), n_embd % 4 == 0 && head_dim % 4 == 0
                                                  ? KVC_OK
                                                  : KVC_ERR_CONFIG_INVALID);
        }
}

/* As many heads of queries for each head of K and V; and all of them no wider than any
 * model is. */
static void heads_share_evenly(void **unused)
{
    (void)unused;
    for (uint32_t n_head = 1; n_head <= 30; n_head++)
        for (uint32_t n_kv_head = 1; n_kv_head <= 40; n_kv_head++) {
            kvc_config c = config;
            c.n_head = n_head;
            c.n_kv_head = n_kv_head;
            check_error(kvc_config_check(&c),
                        n_head % n_kv_head == 0 ? KVC_OK : KVC_ERR_CONFIG_INVALID);
        }
    kvc_config wide = config;
    wide.n_head = 1u << 10;
    wide.head_dim = 1u << 14;
    check_ok(kvc_config_check(&wide));
    wide.head_dim += 4;
    check_error(kvc_config_check(&wide), KVC_ERR_CONFIG_INVALID);
}

/* ---- tensor_* ---------------------------------------------------------------------- */

static void tensor_unknown(void **unused)
{
    (void)unused;
    const char *const strangers[] = {"",
                                     "wte",
                                     "wte.weight ",
                                     "WTE.weight",
                                     "xwte.weight",
                                     "transformer.",
                                     "h.",
                                     "h..ln_1.bias",
                                     "h.0",
                                     "h.0.",
                                     "h.0.ln_1",
                                     "h.0.ln_3.bias",
                                     "h.2.ln_1.bias",
                                     "h.00.ln_1.bias",
                                     "h.01.ln_1.bias",
                                     "h.-1.ln_1.bias",
                                     "h.+1.ln_1.bias",
                                     "h. 1.ln_1.bias",
                                     "h.1 .ln_1.bias",
                                     "h.18446744073709551616.ln_1.bias",
                                     "h.4294967296.ln_1.bias",
                                     "h.0ln_1.bias",
                                     "h.0.attn.c_attn.weight.x",
                                     "transformer.transformer.wte.weight",
                                     "model.wte.weight",
                                     "h.0.attn.q.weight",
                                     "score.weight",
                                     "h.0.attn.bias.x",
                                     "h.0.c_attn.bias",
                                     "h.0.attn.unmasked_bias",
                                     "lm_head.bias"};
    const uint64_t shape[] = {8, 8};
    const float data[64] = {0};
    kvc_model *model = new_model();
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        assert_false(kvc_model_ignores(model, strangers[i]));
        check_error(
            kvc_model_set_tensor(model, strangers[i], KVC_F32, shape, 1, data, 32),
            KVC_ERR_TENSOR_UNKNOWN);
        check_error(kvc_model_begin_tensor(model, strangers[i], KVC_F32, shape, 1),
                    KVC_ERR_TENSOR_UNKNOWN);
    }
    free(model);
}

/* What old files carry and no pass needs: taken by set_tensor, unknown to
 * begin_tensor. */
static void ignored_tensors(void **unused)
{
    (void)unused;
    const char *const buffers[] = {"h.0.attn.bias",
                                   "h.1.attn.masked_bias",
                                   "lm_head.weight",
                                   "transformer.h.0.attn.bias",
                                   "transformer.lm_head.weight",
                                   "attn.masked_bias",
                                   "h.0.attn.attention.bias",
                                   "layers.3.self_attn.rotary_emb.inv_freq"};
    const uint64_t shape[] = {1, 1, 3, 3};
    const char data[9] = {1};
    kvc_model *model = new_model();
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        assert_true(kvc_model_ignores(model, buffers[i]));
        for (int twice = 0; twice < 2; twice++)
            check_ok(
                kvc_model_set_tensor(model, buffers[i], (kvc_dtype)9, shape, 4, data, 9));
        check_error(kvc_model_begin_tensor(model, buffers[i], KVC_F32, shape, 4),
                    KVC_ERR_TENSOR_UNKNOWN);
    }
    oracle_model plain = random_weights(&config, 1);
    for (size_t i = 0; i < plain.n_tensors; i++)
        assert_false(kvc_model_ignores(model, plain.tensors[i].name));
    random_weights_free(&plain);
    free(model);
}

/* For every tensor: each wrong dtype, rank, shape and byte count, then the right one,
 * then again; until then it is the one that is missing. */
static void every_way_to_misstate_a_tensor(void **unused)
{
    (void)unused;
    oracle_model plain = random_weights(&config, 1);
    kvc_model *model = new_model();
    const char *missing;
    for (size_t i = 0; i < plain.n_tensors; i++) {
        const oracle_tensor *t = &plain.tensors[i];
        const size_t bytes = 4 * oracle_tensor_elements(t);
        static const kvc_dtype none[] = {KVC_I8, KVC_I4, (kvc_dtype)7, (kvc_dtype)-1};
        for (size_t j = 0; j < sizeof none / sizeof *none; j++)
            check_error(kvc_model_set_tensor(model, t->name, none[j], t->shape, t->rank,
                                             t->data, bytes),
                        KVC_ERR_TENSOR_DTYPE);
        for (size_t rank = 0; rank <= 4; rank++) {
            const uint64_t shape[] = {t->shape[0], t->shape[1], 1, 1};
            if (rank != t->rank)
                check_error(kvc_model_set_tensor(model, t->name, KVC_F32, shape, rank,
                                                 t->data, bytes),
                            KVC_ERR_TENSOR_SHAPE);
        }
        for (size_t axis = 0; axis < t->rank; axis++) {
            const uint64_t wrong[] = {0, t->shape[axis] - 1, t->shape[axis] + 1,
                                      UINT64_MAX, t->shape[axis] + ((uint64_t)1 << 32)};
            for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++) {
                uint64_t shape[] = {t->shape[0], t->shape[1]};
                shape[axis] = wrong[j];
                check_error(kvc_model_set_tensor(model, t->name, KVC_F32, shape, t->rank,
                                                 t->data, bytes),
                            KVC_ERR_TENSOR_SHAPE);
            }
        }
        for (size_t wrong = 0; wrong < bytes; wrong += wrong % 4 == 3 ? 5 : 1)
            check_error(kvc_model_set_tensor(model, t->name, KVC_F32, t->shape, t->rank,
                                             t->data, wrong),
                        KVC_ERR_TENSOR_BYTES);
        check_error(kvc_model_set_tensor(model, t->name, KVC_F16, t->shape, t->rank,
                                         t->data, bytes),
                    KVC_ERR_TENSOR_BYTES);
        float *longer = random_array(bytes / 4 + 1, &(uint64_t){1});
        check_error(kvc_model_set_tensor(model, t->name, KVC_F32, t->shape, t->rank,
                                         longer, bytes + 4),
                    KVC_ERR_TENSOR_BYTES);
        free(longer);
        check_error(kvc_model_complete(model, &missing), KVC_ERR_TENSOR_MISSING);
        check_ok(random_model_set(model, t));
        check_error(random_model_set(model, t), KVC_ERR_TENSOR_DUPLICATE);
    }
    check_ok(kvc_model_complete(model, &missing));
    random_weights_free(&plain);
    free(model);
}

/* Without any one of its tensors a model is incomplete, names it, and makes no
 * session. */
static void tensor_missing(void **unused)
{
    (void)unused;
    const kvc_session_config five = random_sizes(5);
    oracle_model plain = random_weights(&config, 1);
    for (size_t left_out = 0; left_out < plain.n_tensors; left_out++) {
        kvc_model *model = new_model();
        for (size_t i = 0; i < plain.n_tensors; i++)
            if (i != left_out)
                check_ok(random_model_set(model, &plain.tensors[i]));
        const char *missing = NULL;
        check_error(kvc_model_complete(model, &missing), KVC_ERR_TENSOR_MISSING);
        assert_string_equal(missing, plain.tensors[left_out].name);
        size_t bytes;
        kvc_session *session = NULL;
        check_ok(kvc_session_bytes(model, &five, &bytes));
        void *memory = check_alloc(1, bytes);
        check_error(kvc_session_init(&session, model, &five, memory, bytes),
                    KVC_ERR_TENSOR_MISSING);
        check_ok(random_model_set(model, &plain.tensors[left_out]));
        check_ok(kvc_session_init(&session, model, &five, memory, bytes));
        free(memory);
        free(model);
    }
    random_weights_free(&plain);
}

/* What was begun is known to come, whether it came or not; what was refused is not. */
static void tensors_are_announced(void **unused)
{
    (void)unused;
    oracle_model plain = random_weights(&config, 1);
    kvc_model *model = new_model();
    const char *missing = NULL;
    for (size_t i = 0; i < plain.n_tensors; i++) {
        const oracle_tensor *t = &plain.tensors[i];
        const uint64_t wrong[] = {t->shape[0] + 1, t->shape[1]};
        check_error(kvc_model_begin_tensor(model, t->name, KVC_F32, wrong, t->rank),
                    KVC_ERR_TENSOR_SHAPE);
        check_error(kvc_model_announced(model, &missing), KVC_ERR_TENSOR_MISSING);
        if (i == plain.n_tensors - 1)
            assert_string_equal(missing, t->name);
        check_ok(kvc_model_begin_tensor(model, t->name, KVC_F32, t->shape, t->rank));
        kvc_model_cancel_tensor(model);
    }
    check_ok(kvc_model_announced(model, &missing));
    check_error(kvc_model_complete(model, &missing), KVC_ERR_TENSOR_MISSING);
    assert_string_equal(missing, plain.tensors[0].name);
    random_weights_free(&plain);
    free(model);
}

/* From layer 0 to 112: each that is missing is named in its turn. */
static void the_first_one_missing_is_named(void **unused)
{
    (void)unused;
    const kvc_config deep = {GPT2_SIZES(113, 1, 4, 1, 1, 1)};
    oracle_model plain = random_weights(&deep, 1);
    size_t bytes, n = 0;
    kvc_model *model;
    const char *missing;
    check_ok(kvc_model_bytes(&deep, &bytes));
    check_ok(kvc_model_init(&model, &deep, check_alloc(1, bytes), bytes));
    for (; kvc_model_complete(model, &missing) == KVC_ERR_TENSOR_MISSING; n++) {
        size_t i = 0;
        while (strcmp(plain.tensors[i].name, missing) != 0)
            assert_true(++i < plain.n_tensors);
        check_ok(random_model_set(model, &plain.tensors[i]));
    }
    assert_int_equal(n, plain.n_tensors);
    random_weights_free(&plain);
    free(model);
}

/* While one tensor comes in pieces, no other may start; refusals don't disturb it. */
static void busy(void **unused)
{
    (void)unused;
    oracle_model plain = random_weights(&config, 1);
    const oracle_tensor *t = &plain.tensors[0], *other = &plain.tensors[1];
    kvc_model *model = new_model();
    check_error(kvc_model_write_tensor(model, t->data, 4), KVC_ERR_INVALID_ARGUMENT);
    check_ok(kvc_model_begin_tensor(model, t->name, KVC_F32, t->shape, 2));
    check_ok(kvc_model_write_tensor(model, t->data, 4));
    check_error(kvc_model_begin_tensor(model, other->name, KVC_F32, other->shape, 2),
                KVC_ERR_BUSY);
    check_error(kvc_model_begin_tensor(model, t->name, KVC_F32, t->shape, 2),
                KVC_ERR_BUSY);
    check_error(random_model_set(model, other), KVC_ERR_BUSY);
    check_ok(
        kvc_model_write_tensor(model, t->data + 1, 4 * (oracle_tensor_elements(t) - 1)));
    check_error(random_model_set(model, t), KVC_ERR_TENSOR_DUPLICATE);
    check_ok(random_model_set(model, other));
    random_weights_free(&plain);
    free(model);
}

static void invalid_argument(void **unused)
{
    (void)unused;
    oracle_model plain = random_weights(&config, 1);
    const oracle_tensor *t = &plain.tensors[0];
    const char *name;
    kvc_model *model = new_model();
    check_error(kvc_model_begin_tensor(NULL, t->name, KVC_F32, t->shape, 2),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_begin_tensor(model, NULL, KVC_F32, t->shape, 2),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_begin_tensor(model, t->name, KVC_F32, NULL, 2),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_set_tensor(model, NULL, KVC_F32, t->shape, 2, t->data, 4),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_set_tensor(model, t->name, KVC_F32, t->shape, 2, NULL, 4),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_set_tensor(model, t->name, KVC_F32, t->shape, 2, NULL, 0),
                KVC_ERR_TENSOR_BYTES);
    check_error(kvc_model_complete(NULL, &name), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_complete(model, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_announced(NULL, &name), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_announced(model, NULL), KVC_ERR_INVALID_ARGUMENT);
    assert_memory_equal(kvc_model_config(model), &config, sizeof config);
    check_ok(random_model_set(model, t)); /* none of it got stuck */
    random_weights_free(&plain);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(config_invalid),
        cmocka_unit_test(arch_is_known),
        cmocka_unit_test(widths_are_multiples_of_4),
        cmocka_unit_test(heads_share_evenly),
        cmocka_unit_test(tensor_unknown),
        cmocka_unit_test(ignored_tensors),
        cmocka_unit_test(every_way_to_misstate_a_tensor),
        cmocka_unit_test(tensor_missing),
        cmocka_unit_test(tensors_are_announced),
        cmocka_unit_test(the_first_one_missing_is_named),
        cmocka_unit_test(busy),
        cmocka_unit_test(invalid_argument),
    };
    return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
