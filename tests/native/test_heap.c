/* Nothing is ever allocated behind the caller's back: every request to the heap is
 * counted, while everything is used. */
#include "check.h"
#include "random_mha.h"
#include "random_model.h"

static const kvc_config config = {GPT2_SIZES(3, 2, 16, 35, 70, 50)};

/* ---- every request to the heap, counted -------------------------------------------- */

static volatile size_t
    n_requests; /* volatile: compilers think that malloc changes nothing */

#if defined(__has_feature)
#define ADDRESS_SANITIZER __has_feature(address_sanitizer)
#else
#define ADDRESS_SANITIZER 0
#endif

#if ADDRESS_SANITIZER /* it brings its own heap, and hooks into it */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *,
                                                                size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *memory, size_t size)
{
    (void)memory;
    (void)size;
    n_requests++;
}

static void on_free(const volatile void *memory)
{
    (void)memory;
}

static void start_counting(void)
{
    assert_true(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
}
#else /* ours in place of glibc's */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    n_requests++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    n_requests++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    n_requests++;
    return __libc_realloc(memory, size);
}

static void start_counting(void)
{
}
#endif

/* All that a session with three sequences does. state: [bytes] for its saved
 * state. */
static void use_everything(kvc_session *s, void *state, size_t bytes)
{
    const kvc_sampling sampling = {0.8f, 40, 0.9f, 0.01f, 1.1f};
    const uint32_t text[] = {1, 2, 3, 4, 5}, swapped[] = {2, 1, 0};
    uint64_t rng = 1;
    uint32_t id = 3, ids[5];
    float log_probs[5], weights[70];
    size_t reused, needed;
    for (int i = 0; i < 70; i++) {
        check_ok(kvc_session_set_cache(s, i % 9 < 6));
        check_ok(kvc_session_decode(s, id));
        check_ok(kvc_session_sample(s, &sampling, &rng, 50, &id));
    }
    check_ok(kvc_session_score(s, text, 5, log_probs));
    check_ok(kvc_session_truncate(s, 30));
    check_ok(kvc_session_set_cache(s, true));
    check_ok(kvc_session_begin_sync(s, text, 5, &reused));
    while (kvc_session_step(s) == KVC_PENDING)
        ;
    check_ok(kvc_session_attention(s, 0, 0, weights));
    check_ok(kvc_session_top(s, 50, 5, ids, log_probs));
    check_ok(kvc_session_fork(s, 0, 1));
    check_ok(kvc_session_reorder(s, swapped));
    check_ok(kvc_session_begin_batch(s, swapped, text, 3));
    while (kvc_session_step(s) == KVC_PENDING)
        ;
    check_ok(kvc_session_state_bytes(s, &needed));
    assert_true(needed <= bytes);
    check_ok(kvc_session_save(s, state, needed));
    check_ok(kvc_session_keep(s, 1));
    check_ok(kvc_session_restore(s, state, needed));
    kvc_session_reset(s);
}

static void nothing_is_allocated(void **unused)
{
    (void)unused;
    start_counting();
    size_t before = n_requests;
    void *volatile probe = malloc(1); /* volatile: the compiler may not drop it */
    free(probe);
    assert_int_equal(n_requests - before, 1); /* the counter counts */

    oracle_model plain = random_weights(&config, 1);
    size_t model_bytes, session_bytes;
    check_ok(kvc_model_bytes(&config, &model_bytes));
    void *memory = check_alloc(1, model_bytes);
    kvc_model *model;
    before = n_requests;
    check_ok(kvc_model_init(&model, &config, memory, model_bytes));
    for (size_t i = 0; i < plain.n_tensors; i++)
        check_ok(random_model_set(model, &plain.tensors[i]));
    const kvc_session_config sizes = {.capacity = 70, 3, KVC_F32, KVC_F32};
    check_ok(kvc_session_bytes(model, &sizes, &session_bytes));
    assert_int_equal(n_requests, before);

    void *session_memory = check_alloc(1, session_bytes);
    void *state = check_alloc(1, session_bytes); /* more than enough */
    kvc_session *s;
    before = n_requests;
    check_ok(kvc_session_init(&s, model, &sizes, session_memory, session_bytes));
    use_everything(s, state, session_bytes);
    assert_int_equal(n_requests, before);
    random_weights_free(&plain);
    free(state);
    free(session_memory);
    free(memory);
}

static void an_mha_allocates_nothing(void **unused)
{
    (void)unused;
    random_mha self = random_mha_new(self_config(2, 1, 4, 40), 1);
    random_mha cross = random_mha_new(cross_config(2, 1, 4, 40), 2);
    const float x[40 * 20] = {0};
    float y[40 * 20];
    const size_t before = n_requests;
    check_ok(kvc_mha_forward(self.mha, y, x, 0, 40));
    check_ok(kvc_mha_full(self.mha, y, x, 40));
    check_ok(kvc_mha_set_source(cross.mha, 0, x, 40));
    check_ok(kvc_mha_forward(cross.mha, y, x, 0, 40));
    assert_int_equal(n_requests, before);
    random_mha_free(&self);
    random_mha_free(&cross);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_allocated),
        cmocka_unit_test(an_mha_allocates_nothing),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
