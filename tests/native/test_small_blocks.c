/* Memory that runs out: every block smaller than what was asked for is refused, without
 * one write into it. (All other tests run in blocks of exactly that size, with
 * AddressSanitizer around them.) */
#include "check.h"
#include "random_model.h"

static const kvc_config config = {GPT2_SIZES(2, 2, 8, 9, 40, 21)};
static const kvc_session_config sizes = {.capacity = 33, 3, KVC_F16, KVC_I8};
static random_model model;

/* An object's init into so many bytes. */
typedef kvc_error initializer(void **object, void *memory, size_t bytes);

static kvc_error init_model(void **object, void *memory, size_t bytes)
{
    return kvc_model_init((kvc_model **)object, &config, memory, bytes);
}

static kvc_error init_session(void **object, void *memory, size_t bytes)
{
    return kvc_session_init((kvc_session **)object, model.packed, &sizes, memory, bytes);
}

static const kvc_cache_shape shape = {2, 2, 2, 21, 4, KVC_I8, KVC_F32, KVC_LEAST_SEEN};

static kvc_error init_cache(void **object, void *memory, size_t bytes)
{
    return kvc_cache_init((kvc_cache **)object, &shape, memory, bytes);
}

static const kvc_mha_config attention = {.n_embd = 8,
                                         .n_head = 2,
                                         .n_kv_head = 1,
                                         .head_dim = 4,
                                         .batch = 2,
                                         .capacity = 18,
                                         .value_type = KVC_F16};

static kvc_error init_mha(void **object, void *memory, size_t bytes)
{
    return kvc_mha_init((kvc_mha **)object, &attention, memory, bytes);
}

static void check_every_size(initializer *init, size_t needed)
{
    unsigned char *memory = check_alloc(1, needed);
    void *object = &object;
    for (size_t bytes = 0; bytes < needed; bytes++)
        check_error(init(&object, memory, bytes), KVC_ERR_OUT_OF_MEMORY);
    assert_ptr_equal(object, &object);
    for (size_t i = 0; i < needed; i++)
        assert_int_equal(memory[i], 0xff);
    free(memory);
}

static void no_smaller_block_is_taken_or_touched(void **unused)
{
    (void)unused;
    size_t needed;
    check_ok(kvc_model_bytes(&config, &needed));
    check_every_size(init_model, needed);
    check_ok(kvc_session_bytes(model.packed, &sizes, &needed));
    check_every_size(init_session, needed);
    check_ok(kvc_cache_bytes(&shape, &needed));
    check_every_size(init_cache, needed);
    check_ok(kvc_mha_bytes(&attention, &needed));
    check_every_size(init_mha, needed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_smaller_block_is_taken_or_touched),
    };
    model = random_model_new(&config, 1);
    const int failed = cmocka_run_group_tests_name("small blocks", tests, NULL, NULL);
    random_model_free(&model);
    return failed;
}
