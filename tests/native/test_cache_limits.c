/* The KV cache at its limits: what it costs, and every way to be refused. */
#include "check.h"
#include "random_model.h"

/* ---- memory ------------------------------------------------------------------------ */

/* The numbers that readers bring, put right: 2 * B * L * H * S * D * 4 bytes, in whole
 * pages. Beyond them go the tables: what a sequence and a page cost. */
static void slot_bytes_follow_the_formula(void **unused)
{
    (void)unused;
    const struct {
        size_t B, L, H, S, D;
        double mib;
    } cases[] = {
        {1, 2, 4, 64, 16, 0.0625},
        {1, 4, 4, 128, 32, 0.5},
        {2, 6, 8, 128, 32, 3.0},
        {1, 12, 12, 1024, 64, 72.0}, /* GPT-2 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvc_cache *cache =
            check_cache(cases[i].B, cases[i].L, cases[i].H, cases[i].S, cases[i].D);
        const kvc_cache_memory memory = kvc_cache_get_memory(cache);
        assert_true((double)memory.slot_bytes / 1048576.0 == cases[i].mib);
        free(cache);
    }
    uint64_t state = 5;
    for (int round = 0; round < 200; round++) {
        const size_t B = 1 + random_below(&state, 4), L = 1 + random_below(&state, 6);
        const size_t H = 1 + random_below(&state, 6), S = 1 + random_below(&state, 80);
        const size_t D = 4 * (1 + random_below(&state, 16));
        const kvc_cache_shape shape = {B, L, H, S, D, KVC_F32, KVC_F32, KVC_OLDEST};
        kvc_cache *cache = check_cache(B, L, H, S, D);
        size_t bytes;
        check_ok(kvc_cache_bytes(&shape, &bytes));
        const size_t pages = B * ((S + 15) / 16), slots = 2 * L * H * pages * 16 * D * 4;
        const kvc_cache_memory memory = kvc_cache_get_memory(cache);
        assert_int_equal(memory.slot_bytes, slots);
        assert_int_equal(memory.bytes_per_token, 2 * L * H * D * 4);
        assert_in_range(bytes - slots, 9 * B * sizeof(size_t) + 4 * pages * 4,
                        9 * B * sizeof(size_t) + 4 * pages * 4 + 1024);
        free(cache);
    }
}

/* ---- errors ------------------------------------------------------------------------ */

static void impossible_shapes(void **unused)
{
    (void)unused;
    const kvc_cache_shape good = {2, 3, 4, 5, 8, KVC_F32, KVC_F32, KVC_OLDEST};
    size_t bytes;
    check_ok(kvc_cache_bytes(&good, &bytes));
    for (size_t field = 0; field < 5; field++) {
        kvc_cache_shape shape = good;
        size_t *const fields[] = {&shape.batch, &shape.n_layer, &shape.n_kv_head,
                                  &shape.capacity, &shape.head_dim};
        *fields[field] = 0;
        check_error(kvc_cache_bytes(&shape, &bytes), KVC_ERR_INVALID_ARGUMENT);
        *fields[field] = SIZE_MAX / 4 * 4;
        check_error(kvc_cache_bytes(&shape, &bytes), KVC_ERR_OUT_OF_MEMORY);
        *fields[field] =
            SIZE_MAX / 512 / 4 * 4; /* each factor fits, the product doesn't */
        check_error(kvc_cache_bytes(&shape, &bytes), KVC_ERR_OUT_OF_MEMORY);
    }
    for (size_t D = 1; D <= 40; D++) {
        const kvc_cache_shape shape = {1, 1, 1, 1, D, KVC_F32, KVC_F32, KVC_OLDEST};
        check_error(kvc_cache_bytes(&shape, &bytes),
                    D % 4 ? KVC_ERR_INVALID_ARGUMENT : KVC_OK);
    }
    const size_t half = (size_t)1 << (sizeof half * 4); /* half * half is 0 in a size_t */
    const kvc_cache_shape wrapping = {half, half, 1, 1, 4, KVC_F32, KVC_F32, KVC_OLDEST};
    check_error(kvc_cache_bytes(&wrapping, &bytes), KVC_ERR_OUT_OF_MEMORY);
}

static void bad_memory(void **unused)
{
    (void)unused;
    const kvc_cache_shape shape = {1, 2, 3, 4, 8, KVC_F32, KVC_F32, KVC_OLDEST};
    size_t bytes;
    kvc_cache *cache = NULL;
    check_error(kvc_cache_bytes(NULL, &bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_bytes(&shape, NULL), KVC_ERR_INVALID_ARGUMENT);
    check_ok(kvc_cache_bytes(&shape, &bytes));
    char *memory = check_alloc(1, bytes + 16);
    check_error(kvc_cache_init(&cache, &shape, memory, bytes - 1), KVC_ERR_OUT_OF_MEMORY);
    check_error(kvc_cache_init(&cache, &shape, NULL, bytes), KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_init(NULL, &shape, memory, bytes), KVC_ERR_INVALID_ARGUMENT);
    for (size_t shift = 1; shift < 16; shift++)
        check_error(kvc_cache_init(&cache, &shape, memory + shift, bytes),
                    KVC_ERR_INVALID_ARGUMENT);
    assert_null(cache);
    check_ok(kvc_cache_init(&cache, &shape, memory, bytes));
    free(memory);
}

/* Each refusal leaves lengths and contents as they were. */
static void positions_out_of_range(void **unused)
{
    (void)unused;
    enum { B = 2, L = 2, H = 2, S = 10, D = 4 };
    kvc_cache *cache = check_cache(B, L, H, S, D);
    uint64_t state = 6;
    float row[S * H * D], k[B * H * S * D], v[B * H * S * D], k_was[B * H * S * D];
    random_values(row, S * H * D, &state);
    for (size_t b = 0; b < B; b++) {
        check_ok(kvc_cache_append(cache, b, 0, b ? 10 : 7, row, row, H * D));
        check_ok(kvc_cache_advance(cache, b, b ? 10 : 7));
    }
    check_read(cache, 0, 7, k_was, v);
    const size_t minus_one = SIZE_MAX; /* the source material's layer -1 */
    check_error(kvc_cache_append(cache, B, 0, 1, row, row, H * D),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_append(cache, 0, L, 1, row, row, H * D),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_append(cache, 0, minus_one, 1, row, row, H * D),
                KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_append(cache, 0, 0, 4, row, row, H * D), KVC_ERR_CACHE_FULL);
    check_error(kvc_cache_append(cache, 1, 0, 1, row, row, H * D), KVC_ERR_CACHE_FULL);
    check_error(kvc_cache_append(cache, 0, 0, minus_one, row, row, H * D),
                KVC_ERR_CACHE_FULL);
    check_error(kvc_cache_append(cache, 0, 0, 1, NULL, row, H * D),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_append(cache, 0, 0, 1, row, NULL, H * D),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_append(cache, 0, 0, 1, row, row, H * D - 1),
                KVC_ERR_INVALID_ARGUMENT);
    check_error(kvc_cache_advance(cache, B, 1), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_advance(cache, 0, 4), KVC_ERR_CACHE_FULL);
    check_error(kvc_cache_advance(cache, 1, 1),
                KVC_ERR_CACHE_FULL); /* the (S+1)-th token */
    check_error(kvc_cache_advance(cache, 0, minus_one), KVC_ERR_CACHE_FULL);
    check_error(kvc_cache_truncate(cache, B, 0), KVC_ERR_POSITION_OUT_OF_RANGE);
    check_error(kvc_cache_truncate(cache, 0, 8), KVC_ERR_POSITION_OUT_OF_RANGE);
    const struct {
        size_t b, layer, head, first, n;
    } outside[] = {{B, 0, 0, 0, 1},         {0, L, 0, 0, 1},        {0, 0, H, 0, 1},
                   {0, 0, 0, 0, 8},         {0, 0, 0, 7, 1},        {0, 0, 0, 8, 0},
                   {0, 0, 0, 1, minus_one}, {0, 0, 0, minus_one, 2}};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        check_error(kvc_cache_read(cache, outside[i].b, outside[i].layer, outside[i].head,
                                   outside[i].first, outside[i].n, k, v),
                    KVC_ERR_POSITION_OUT_OF_RANGE);
    assert_int_equal(kvc_cache_length(cache, 0), 7);
    assert_int_equal(kvc_cache_length(cache, 1), 10);
    assert_int_equal(kvc_cache_length(cache, B), 0);
    check_read(cache, 0, 7, k, v);
    check_same(k, k_was, B * H * 7 * D);
    check_same(v, k_was, B * H * 7 * D);
    free(cache);
}

/* A step writes its own slot: no page that holds the history is left or copied. */
static void appends_leave_the_history_in_place(void **unused)
{
    (void)unused;
    enum { S = 5 * KVC_PAGE + 3, D = 4 };
    kvc_cache *cache = check_cache(2, 3, 1, S, D);
    const float x[D] = {1.0f};
    size_t page[S];
    for (size_t t = 0; t < S; t++) {
        for (size_t layer = 0; layer < 3; layer++)
            check_ok(kvc_cache_append(cache, 1, layer, 1, x, x, D));
        check_ok(kvc_cache_advance(cache, 1, 1));
        page[t] = kvc_cache_page(cache, 1, t);
        for (size_t slot = 0; slot <= t; slot++)
            assert_int_equal(kvc_cache_page(cache, 1, slot), page[slot]);
    }
    free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_bytes_follow_the_formula),
        cmocka_unit_test(impossible_shapes),
        cmocka_unit_test(bad_memory),
        cmocka_unit_test(positions_out_of_range),
        cmocka_unit_test(appends_leave_the_history_in_place),
    };
    return cmocka_run_group_tests_name("cache limits", tests, NULL, NULL);
}
