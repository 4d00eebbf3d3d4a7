/* A model's fingerprint: the same for the same weights, another one for any other. */
#include "check.h"
#include "random_model.h"

static const kvc_config config = {GPT2_SIZES(2, 2, 8, 10, 9, 11)};

static uint64_t fingerprint_of(const oracle_model *plain)
{
    size_t bytes;
    kvc_model *model;
    check_ok(kvc_model_bytes(&plain->config, &bytes));
    check_ok(kvc_model_init(&model, &plain->config, check_alloc(1, bytes), bytes));
    for (size_t i = 0; i < plain->n_tensors; i++) {
        assert_true(kvc_model_fingerprint(model) == 0); /* not complete */
        check_ok(random_model_set(model, &plain->tensors[i]));
    }
    const uint64_t fingerprint = kvc_model_fingerprint(model);
    assert_true(fingerprint != 0);
    assert_true(kvc_model_fingerprint(model) == fingerprint);
    free(model);
    return fingerprint;
}

/* One bit of one weight, wherever it is. */
static void every_weight_counts(void **unused)
{
    (void)unused;
    oracle_model plain = random_weights(&config, 1);
    const uint64_t same = fingerprint_of(&plain);
    assert_true(fingerprint_of(&plain) == same);
    for (size_t i = 0; i < plain.n_tensors; i++)
        for (size_t j = 0; j < oracle_tensor_elements(&plain.tensors[i]); j++) {
            uint32_t bits, flipped;
            memcpy(&bits, &plain.tensors[i].data[j], sizeof bits);
            flipped = bits ^ 1u << (j % 23);
            memcpy(&plain.tensors[i].data[j], &flipped, sizeof flipped);
            assert_true(fingerprint_of(&plain) != same);
            memcpy(&plain.tensors[i].data[j], &bits, sizeof bits);
        }
    assert_true(fingerprint_of(&plain) == same);
    random_weights_free(&plain);
}

/* What changes no weight's place changes the fingerprint all the same. */
static void every_size_counts(void **unused)
{
    (void)unused;
    oracle_model plain = random_weights(&config, 1);
    const uint64_t same = fingerprint_of(&plain);
    plain.config.n_head = plain.config.n_kv_head = 1;
    plain.config.head_dim = 8;
    assert_true(fingerprint_of(&plain) != same);
    plain.config.n_head = plain.config.n_kv_head = 2;
    plain.config.head_dim = 4;
    plain.config.norm_epsilon = 2e-5f;
    assert_true(fingerprint_of(&plain) != same);
    plain.config.norm_epsilon = 1e-5f;
    plain.config.weights = KVC_I8; /* then it is the packed weights that count */
    const uint64_t int8 = fingerprint_of(&plain);
    assert_true(int8 != same);
    for (size_t i = 0; i < plain.n_tensors; i++) {
        const float kept = plain.tensors[i].data[0];
        plain.tensors[i].data[0] = kept + 1.0f;
        assert_true(fingerprint_of(&plain) != int8);
        plain.tensors[i].data[0] = kept;
    }
    random_weights_free(&plain);
    assert_true(kvc_model_fingerprint(NULL) == 0);
}

/* A state that was saved before weights lay as they do now is still taken. */
static void int8_keeps_its_fingerprint(void **unused)
{
    (void)unused;
    kvc_config wide = config;
    wide.n_embd = 40, wide.head_dim = 20, wide.n_inner = 70, wide.weights = KVC_I8;
    oracle_model plain = random_weights(&wide, 1);
    assert_true(fingerprint_of(&plain) == 0xf5f24251b579390d);
    random_weights_free(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_weight_counts),
        cmocka_unit_test(every_size_counts),
        cmocka_unit_test(int8_keeps_its_fingerprint),
    };
    return cmocka_run_group_tests_name("fingerprint", tests, NULL, NULL);
}
