/* "Ask, then give": what a model and a session cost, that one byte less is refused. */
#include "base/arena.h"
#include "base/number.h"
#include "check.h"
#include "random_model.h"

static const kvc_config config = {GPT2_SIZES(3, 2, 16, 35, 70, 50)};

/* ---- what it costs ----------------------------------------------------------------- */

static void session_memory_is_what_was_given(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int round = 0; round < 30; round++) {
        const kvc_config random = random_config(&state, 40);
        const size_t S = 1 + random_below(&state, 40);
        const size_t token = (size_t)2 * random.n_layer * random.n_kv_head *
                             random.head_dim * sizeof(float);
        random_model m = random_model_new(&random, 1);
        kvc_session *s = random_model_session(&m, S);
        size_t asked;
        const kvc_session_config sizes = random_sizes(S);
        check_ok(kvc_session_bytes(m.packed, &sizes, &asked));
        assert_int_equal(kvc_session_capacity(s), S);
        for (size_t n = 0; n <= S; n++) {
            const kvc_memory memory = kvc_session_memory(s);
            assert_int_equal(memory.total_bytes, asked);
            assert_int_equal(memory.cache_bytes, token * ((S + 15) / 16 * 16));
            assert_int_equal(memory.bytes_per_token, token);
            assert_int_equal(memory.used_bytes, token * n);
            const kvc_cache_memory cache = kvc_cache_get_memory(kvc_session_cache(s));
            assert_int_equal(cache.slot_bytes, memory.cache_bytes);
            if (n < S)
                check_ok(kvc_session_decode(s, 0));
        }
        free(s);
        random_model_free(&m);
    }
}

/* Every weight once, and little else. */
static void model_memory_is_the_weights(void **unused)
{
    (void)unused;
    const kvc_config gpt2 = {GPT2_SIZES(12, 12, 768, 3072, 1024, 50257)};
    const size_t C = 768, F = 3072, V = 50257;
    const size_t weights =
        V * C + 1024 * C + 12 * (4 * C * C + 2 * C * F + 9 * C + F) + 2 * C;
    assert_int_equal(weights, 124439808); /* GPT-2 "124M" */
    size_t bytes;
    check_ok(kvc_model_bytes(&gpt2, &bytes));
    assert_in_range(bytes, 4 * weights, 4 * weights + 4 * weights / 1000);

    kvc_config int8 = gpt2;
    int8.weights = KVC_I8; /* a byte each, 4 for every 32, and 32 rows of the widest */
    const size_t matrices = V * C + 12 * (4 * C * C + 2 * C * F);
    const size_t packed = matrices + matrices / 8 + 4 * (weights - matrices);
    check_ok(kvc_model_bytes(&int8, &bytes));
    assert_in_range(bytes, packed, packed + 4 * 32 * F + packed / 1000);
}

static void one_byte_less_is_refused(void **unused)
{
    (void)unused;
    size_t bytes;
    kvc_model *model = NULL;
    kvc_session *session = NULL;
    check_ok(kvc_model_bytes(&config, &bytes));
    char *memory = check_alloc(1, bytes + 16);
    check_error(kvc_model_init(&model, &config, memory, bytes - 1),
                KVC_ERR_OUT_OF_MEMORY);
    check_error(kvc_model_init(&model, &config, memory, 0), KVC_ERR_OUT_OF_MEMORY);
    check_error(kvc_model_init(&model, &config, NULL, bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_model_init(NULL, &config, memory, bytes), KVC_ERR_INVALID_ARGUMENT);
    for (size_t shift = 1; shift < 16; shift++)
        check_error(kvc_model_init(&model, &config, memory + shift, bytes),
                    KVC_ERR_INVALID_ARGUMENT);
    assert_null(model);
    free(memory);

    random_model m = random_model_new(&config, 1);
    const kvc_session_config seven = random_sizes(7);
    check_ok(kvc_session_bytes(m.packed, &seven, &bytes));
    memory = check_alloc(1, bytes + 16);
    check_error(kvc_session_init(&session, m.packed, &seven, memory, bytes - 1),
                KVC_ERR_OUT_OF_MEMORY);
    check_error(kvc_session_init(&session, m.packed, &seven, NULL, bytes),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_init(NULL, m.packed, &seven, memory, bytes),
                KVC_ERR_INVALID_ARGUMENT);
    for (size_t shift = 1; shift < 16; shift++)
        check_error(kvc_session_init(&session, m.packed, &seven, memory + shift, bytes),
                    KVC_ERR_INVALID_ARGUMENT);
    assert_null(session);
    free(memory);
    random_model_free(&m);
}

static void sizes_out_of_range(void **unused)
{
    (void)unused;
    random_model m = random_model_new(&config, 1);
    const kvc_session_config fine[] = {{.capacity = 1, 1, KVC_F32, KVC_F32},
                                       {.capacity = 70, 9, KVC_F16, KVC_I8}};
    const kvc_session_config bad[] = {{.capacity = 0, 1, KVC_F32, KVC_F32},
                                      {.capacity = 71, 1, KVC_F32, KVC_F32},
                                      {.capacity = SIZE_MAX, 1, KVC_F32, KVC_F32},
                                      {.capacity = 70, 0, KVC_F32, KVC_F32},
                                      {.capacity = 70, 1, KVC_BF16, KVC_F32},
                                      {.capacity = 70, 1, KVC_F32, KVC_BF16},
                                      {.capacity = 70, 1, (kvc_dtype)99, KVC_F32},
                                      {.capacity = 70, 1, KVC_F32, (kvc_dtype)-1}};
    size_t bytes;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        check_ok(kvc_session_bytes(m.packed, &fine[i], &bytes));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_error(kvc_session_bytes(m.packed, &bad[i], &bytes),
                    KVC_ERR_INVALID_ARGUMENT);
    for (size_t n = SIZE_MAX; n > SIZE_MAX / 1000; n /= 2) {
        const kvc_session_config many = {.capacity = 70, n, KVC_F32, KVC_F32};
        check_error(kvc_session_bytes(m.packed, &many, &bytes), KVC_ERR_OUT_OF_MEMORY);
    }
    check_error(kvc_session_bytes(NULL, fine, &bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_bytes(m.packed, NULL, &bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_session_bytes(m.packed, fine, NULL), KVC_ERR_INVALID_ARGUMENT);
    random_model_free(&m);
}

/* ---- sums that don't fit a size_t -------------------------------------------------- */

/* From every fill level near the end of the address space: a piece that fits is given,
 * one that doesn't sets overflow, for good. */
static void arena_near_the_end_of_size_t(void **unused)
{
    (void)unused;
    const size_t end = SIZE_MAX - 15; /* the last multiple of 16 */
    for (size_t used = end; used >= end - 64; used -= 16)
        for (size_t piece = 0; piece <= 100; piece++)
            for (size_t size = 1; size <= 4; size++) {
                kvc_arena arena = {.used = used};
                kvc_take(&arena, piece, size);
                const bool fits = piece * size <= end - used;
                assert_true(arena.overflow == !fits);
                if (fits)
                    assert_int_equal(arena.used, used + kvc_round_up(piece * size, 16));
                kvc_take(&arena, SIZE_MAX / size, size);
                assert_true(arena.overflow);
                kvc_take(&arena, 1, 1);
                assert_true(arena.overflow);
            }
    kvc_arena whole = {0}, longer = {0}; /* the longest array that there can be */
    kvc_take(&whole, PTRDIFF_MAX, 1);
    kvc_take(&whole, PTRDIFF_MAX / 4, 2);
    assert_false(whole.overflow);
    kvc_take(&longer, (size_t)PTRDIFF_MAX / 2 + 1, 2);
    assert_true(longer.overflow);
}

static void a_model_too_large_for_size_t(void **unused)
{
    (void)unused;
    const uint32_t most = 1u << 24;
    const kvc_config huge = {GPT2_SIZES(1u << 12, 1, most, most, most, most)};
    size_t bytes;
    check_error(kvc_model_bytes(&huge, &bytes), KVC_ERR_OUT_OF_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_memory_is_what_was_given),
        cmocka_unit_test(model_memory_is_the_weights),
        cmocka_unit_test(one_byte_less_is_refused),
        cmocka_unit_test(sizes_out_of_range),
        cmocka_unit_test(arena_near_the_end_of_size_t),
        cmocka_unit_test(a_model_too_large_for_size_t),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
