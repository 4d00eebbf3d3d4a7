/* Sessions that slide by what matters least: which page goes is what a plain count of
 * weights, or of norms, says; logits are those of the naive oracle for what each token
 * sees; and it is the same in every split, whatever is dropped, rewound, saved, forked or
 * computed without the cache. */
#include <math.h>

#include "check.h"
#include "naive.h"
#include "random_model.h"

enum { L = 3, HEADS = 4, H = 2, D = 8, V = 37, T = 150, P = 64, MOST = 64 };
static const kvc_config config = {LLAMA_SIZES(L, HEADS, H, D, 24, 32, P, V),
                                  .rope_factor = 1.0f};
static random_model model;
static uint32_t ids[T];

static int set_up(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    model = random_model_new(&config, 1);
    random_ids(ids, T, V, &state);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    random_model_free(&model);
    return 0;
}

static kvc_session *new_session(const kvc_session_config *sizes)
{
    size_t bytes;
    kvc_session *s;
    check_ok(kvc_session_bytes(model.packed, sizes, &bytes));
    check_ok(kvc_session_init(&s, model.packed, sizes, check_alloc(1, bytes), bytes));
    return s;
}

/* What a session that decodes one by one holds after each token. */
typedef struct record {
    kvc_session_config sizes;
    uint64_t hash[T];
    size_t n[T];
    uint32_t tokens[T][MOST];
    float importance[T][MOST];
} record;

static void note(record *r, kvc_session *s, size_t t)
{
    uint32_t places[MOST];
    r->hash[t] = kvc_session_logits_hash(s);
    r->n[t] = kvc_cache_length(kvc_session_cache(s), kvc_session_selected(s));
    check_ok(kvc_session_held(s, r->tokens[t], places));
    check_ok(kvc_cache_importance(kvc_session_cache(s), kvc_session_selected(s),
                                  r->importance[t]));
}

/* What the last token looked at, in all layers but the last.   sums: by token */
static void count_looks(uint64_t *sums, const record *r, const kvc_session *s, size_t t)
{
    float weights[MOST];
    for (size_t layer = 0; layer + 1 < L; layer++)
        for (size_t head = 0; head < HEADS; head++) {
            check_ok(kvc_session_attention(s, layer, head, weights));
            for (size_t i = 0; i < r->n[t]; i++)
                sums[r->tokens[t][i]] += (uint64_t)(weights[i] * 16777216.0f);
        }
}

/* The norms of each slot's keys. */
static void read_norms(double *norms, kvc_session *s, size_t n)
{
    float k[MOST * D], v[MOST * D];
    memset(norms, 0, n * sizeof *norms);
    for (size_t layer = 0; layer < L; layer++)
        for (size_t head = 0; head < H; head++) {
            check_ok(kvc_cache_read(kvc_session_cache(s), 0, layer, head, 0, n, k, v));
            for (size_t i = 0; i < n; i++) {
                float sum = 0;
                for (size_t d = 0; d < D; d++)
                    sum += k[i * D + d] * k[i * D + d];
                norms[i] += (double)sqrtf(sum);
            }
        }
}

/* Where the page begins that has to go. */
static size_t naive_page(const kvc_session_config *sizes, const double *matter)
{
    size_t page = sizes->sinks;
    double smallest = INFINITY;
    for (size_t at = page; at + KVC_PAGE + sizes->recent <= sizes->capacity;
         at += KVC_PAGE) {
        double sum = 0;
        for (size_t i = 0; i < KVC_PAGE; i++)
            sum += matter[at + i];
        if (sum < smallest) {
            smallest = sum;
            page = at;
        }
    }
    return page;
}

/* Decodes all of the text, and holds every page that goes against the plain count.
 *   seen: [T], lists in lists */
static record *walk(const kvc_session_config *sizes, naive_seen *seen,
                    uint32_t (*lists)[MOST])
{
    uint64_t sums[T] = {0};
    size_t held = 0;
    record *r = check_alloc(1, sizeof *r);
    kvc_session *s = new_session(sizes);
    r->sizes = *sizes;
    for (size_t t = 0; t < T; t++) {
        size_t gone = MOST;
        if (held == sizes->capacity) {
            double matter[MOST];
            read_norms(matter, s, held);
            for (size_t i = 0; i < held; i++)
                matter[i] = sizes->policy == KVC_LEAST_SEEN
                                ? (double)sums[r->tokens[t - 1][i]] / 16777216.0
                                : -matter[i];
            gone = naive_page(sizes, matter);
            held -= KVC_PAGE;
        }
        for (size_t i = 0; i < held; i++)
            lists[t][i] = r->tokens[t - 1][i < gone ? i : i + KVC_PAGE];
        lists[t][held++] = (uint32_t)t;
        seen[t] = (naive_seen){held, lists[t]};
        check_ok(kvc_session_decode(s, ids[t]));
        note(r, s, t);
        assert_int_equal(r->n[t], held);
        assert_memory_equal(r->tokens[t], lists[t], held * sizeof **lists);
        count_looks(sums, r, s, t);
        for (size_t i = 0; i < held && sizes->policy == KVC_LEAST_SEEN; i++)
            assert_true((double)r->importance[t][i] ==
                        (double)(float)((double)sums[lists[t][i]] / 16777216.0));
    }
    free(s);
    return r;
}

static kvc_session_config draw_sizes(uint64_t *state)
{
    kvc_session_config sizes = {.capacity = KVC_PAGE * (2 + random_below(state, 3)),
                                .n_sequence = 2,
                                .when_full = KVC_SLIDE,
                                .text_capacity = T};
    sizes.key_type = random_below(state, 2) ? KVC_F32 : KVC_I8;
    sizes.value_type = random_below(state, 2) ? KVC_F32 : KVC_F16;
    sizes.policy = random_below(state, 2) ? KVC_LEAST_SEEN : KVC_LARGEST_KEY;
    sizes.sinks = KVC_PAGE * random_below(state, sizes.capacity / KVC_PAGE);
    sizes.recent = random_below(state, sizes.capacity - KVC_PAGE - sizes.sinks + 1);
    return sizes;
}

static void pages_go_as_a_plain_count_says(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    static uint32_t lists[T][MOST];
    static float want[T * V];
    naive_seen seen[T];
    size_t after[T];
    for (size_t t = 0; t < T; t++)
        after[t] = t;
    for (int round = 0; round < 12; round++) {
        const kvc_session_config sizes = draw_sizes(&state);
        const kvc_dtype types[] = {sizes.key_type, sizes.value_type};
        record *r = walk(&sizes, seen, lists);
        naive_seen_logits(want, &model.plain, ids, T, types, seen, after, T);
        kvc_session *s = new_session(&sizes);
        for (size_t t = 0; t < T; t++) {
            check_ok(kvc_session_decode(s, ids[t]));
            check_same(kvc_session_logits(s), want + t * V, V);
        }
        free(s);
        free(r);
    }
}

/* The selected sequence is as the record has it. */
static void check_recorded(const record *r, kvc_session *s)
{
    const size_t n = kvc_session_position(s);
    static record now;
    if (n == 0)
        return;
    note(&now, s, n - 1);
    assert_true(now.hash[n - 1] == r->hash[n - 1]);
    assert_int_equal(now.n[n - 1], r->n[n - 1]);
    assert_memory_equal(now.tokens[n - 1], r->tokens[n - 1],
                        r->n[n - 1] * sizeof(uint32_t));
    check_same(now.importance[n - 1], r->importance[n - 1], r->n[n - 1]);
}

static kvc_session *restored(const record *r, kvc_session *s)
{
    size_t bytes;
    check_ok(kvc_session_state_bytes(s, &bytes));
    void *state = check_alloc(1, bytes);
    check_ok(kvc_session_save(s, state, bytes));
    kvc_session *other = new_session(&r->sizes);
    check_ok(kvc_session_restore(other, state, bytes));
    check_ok(kvc_session_select(other, kvc_session_selected(s)));
    free(state);
    free(s);
    return other;
}

/* A pass that is dropped on its way. */
static void drop_pass(kvc_session *s, const uint32_t *more, size_t n, uint64_t *state)
{
    check_ok(kvc_session_begin(s, more, n));
    for (size_t steps = random_below(state, 12); steps > 0; steps--)
        if (kvc_session_step(s) != KVC_PENDING)
            break;
    kvc_session_cancel(s);
}

static kvc_session *operate(const record *r, kvc_session *s, uint64_t *state)
{
    const size_t at = kvc_session_position(s), kind = random_below(state, 10);
    const size_t n = 1 + random_below(state, random_below(state, 3) ? 20 : 90);
    const size_t more = at + n > T ? T - at : n;
    if (kind < 4 && more > 0) {
        check_ok(kvc_session_set_cache(s, random_below(state, 4) > 0));
        check_ok(kvc_session_prefill(s, ids + at, more));
        check_recorded(r, s);
        check_ok(kvc_session_set_cache(s, true));
    } else if (kind == 4 && more > 0) {
        drop_pass(s, ids + at, more, state);
    } else if (kind == 5 && at > 0) {
        check_ok(kvc_session_rewind(s, random_below(state, at)));
    } else if (kind == 6) {
        s = restored(r, s);
    } else if (kind == 7) {
        check_ok(kvc_session_fork(s, kvc_session_selected(s), random_below(state, 2)));
        check_ok(kvc_session_select(s, random_below(state, 2)));
    } else if (kind == 8) {
        size_t reused;
        const size_t to = 1 + random_below(state, T);
        check_ok(kvc_session_begin_sync(s, ids, to, &reused));
        while (kvc_session_step(s) == KVC_PENDING)
            ;
        check_recorded(r, s);
    }
    return s;
}

static void the_same_whatever_happens(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    static uint32_t lists[T][MOST];
    naive_seen seen[T];
    for (int round = 0; round < 24; round++) {
        const kvc_session_config sizes = draw_sizes(&state);
        record *r = walk(&sizes, seen, lists);
        kvc_session *s = new_session(&sizes);
        for (int i = 0; i < 40; i++)
            s = operate(r, s, &state);
        const size_t at = kvc_session_position(s);
        if (at < T) {
            check_ok(kvc_session_prefill(s, ids + at, T - at));
            check_recorded(r, s);
        }
        free(s);
        free(r);
    }
}

static void refusals(void **unused)
{
    (void)unused;
    size_t bytes;
    kvc_session_config sizes = {
        .capacity = 64, .n_sequence = 1, .policy = KVC_LEAST_SEEN};
    for (int full = KVC_STOP; full <= KVC_EVICT; full++) {
        sizes.when_full = (kvc_when_full)full;
        check_error(kvc_session_bytes(model.packed, &sizes, &bytes),
                    KVC_ERR_INVALID_ARGUMENT);
    }
    sizes = (kvc_session_config){.capacity = 64,
                                 .n_sequence = 1,
                                 .when_full = KVC_SLIDE,
                                 .sinks = 16,
                                 .text_capacity = T};
    sizes.recent = 1; /* of age that decides */
    check_error(kvc_session_bytes(model.packed, &sizes, &bytes),
                KVC_ERR_INVALID_ARGUMENT);
    sizes.policy = KVC_LEAST_SEEN;
    sizes.recent = 33;
    check_error(kvc_session_bytes(model.packed, &sizes, &bytes),
                KVC_ERR_INVALID_ARGUMENT);
    sizes.recent = 32;
    kvc_session *s = new_session(&sizes);
    check_ok(kvc_session_prefill(s, ids, 40));
    check_error(kvc_session_truncate(s, 39), KVC_ERR_WINDOW_PASSED); /* it has looked */
    check_ok(kvc_session_truncate(s, 40));
    check_ok(kvc_session_prefill(s, ids + 40, T - 40));
    check_ok(kvc_session_state_bytes(s, &bytes));
    void *state = check_alloc(1, bytes);
    check_ok(kvc_session_save(s, state, bytes));
    kvc_session_config other = sizes;
    other.recent = 31;
    for (int i = 0; i < 2; i++) {
        kvc_session *foreign = new_session(&other);
        check_error(kvc_session_restore(foreign, state, bytes), KVC_ERR_STATE_FOREIGN);
        assert_int_equal(kvc_session_position(foreign), 0);
        free(foreign);
        other = sizes;
        other.policy = KVC_LARGEST_KEY;
    }
    check_ok(kvc_session_truncate(s, 0));
    sizes.policy = KVC_LARGEST_KEY; /* nothing is counted */
    kvc_session *by_norm = new_session(&sizes);
    check_ok(kvc_session_prefill(by_norm, ids, 40));
    check_ok(kvc_session_truncate(by_norm, 3));
    free(by_norm);
    free(state);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_go_as_a_plain_count_says),
        cmocka_unit_test(the_same_whatever_happens),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
