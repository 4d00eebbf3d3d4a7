/* Pages before a window: given back as soon as no layer reads them again, and no sooner;
 * the figures of memory say so; what a dropped pass had freed is there again; what would
 * need them is refused, or computed again. Builds that poison make freed slots NaN. */
#include "base/number.h"
#include "base/state.h"
#include "check.h"
#include "random_model.h"

enum { S = 400, V = 29, L = 3 };

static random_model model;
static uint32_t text[S];
static float logits[S][V]; /* after each token, with the cache off */

/* Of three layers, the window is in those of the mask. */
static void set_up(uint32_t W, uint32_t layers, kvc_arch arch)
{
    kvc_config llama = {LLAMA_SIZES(L, 4, 2, 8, 12, 18, S, V), .rope_factor = 1.0f};
    kvc_config neo = {NEO_SIZES(L, 2, 16, 18, S, V, W, layers)};
    kvc_config c = arch == KVC_LLAMA ? llama : neo;
    uint64_t state = W * 8 + layers;
    c.window = W;
    c.window_layers[0] = layers;
    model = random_model_new(&c, state);
    random_ids(text, S, V, &state);
}

/* The reference at some lengths, from passes that know no cache. */
static void look_up(const size_t *lengths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        random_model_logits(logits[lengths[i] - 1], &model, text, lengths[i]);
}

static size_t windowed_layers(void)
{
    size_t n = 0;
    for (size_t i = 0; i < L; i++)
        n += kvc_model_config(model.packed)->window_layers[0] >> i & 1;
    return n;
}

static size_t pages(size_t slots)
{
    return (slots + KVC_PAGE - 1) / KVC_PAGE;
}

/* Slots that are gone where the cache has n tokens, by the plain rule. */
static size_t gone(size_t n)
{
    const size_t W = kvc_model_config(model.packed)->window;
    size_t freed = 0;
    while (freed + KVC_PAGE + W + KVC_PAGE <= n)
        freed += KVC_PAGE;
    return freed;
}

static size_t used(const kvc_session *s)
{
    return kvc_session_memory(s).used_bytes;
}

/* Of one sequence with n tokens. */
static void check_memory(const kvc_session *s, size_t n)
{
    const kvc_memory memory = kvc_session_memory(s);
    const size_t layer = memory.bytes_per_token / L, windowed = windowed_layers();
    assert_int_equal(kvc_cache_freed(kvc_session_cache(s), 0), gone(n));
    assert_int_equal(memory.freed_bytes, windowed * layer * gone(n));
    assert_int_equal(memory.used_bytes + memory.freed_bytes, memory.bytes_per_token * n);
}

/* ---- bits and figures -------------------------------------------------------------- */

/* Windows around pages and chunks; in one layer, in two, in all. */
static const struct {
    uint32_t W, layers;
} kinds[] = {{1, 7},  {2, 1},  {7, 2},  {15, 4}, {16, 7}, {17, 5}, {20, 7},
             {31, 6}, {32, 3}, {33, 7}, {48, 1}, {50, 2}, {64, 7}, {100, 5}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static void pieces_of_any_length(void **unused)
{
    (void)unused;
    static const size_t pieces[][5] = {{400},
                                       {1, 399},
                                       {33, 1, 1, 64, 301},
                                       {130, 17, 31, 32, 190},
                                       {65, 200, 16, 95, 24}};
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        if (!check_share(kind))
            continue;
        set_up(kinds[kind].W, kinds[kind].layers, kind % 3 ? KVC_LLAMA : KVC_GPT_NEO);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            kvc_session *s = random_model_session(&model, S);
            for (size_t j = 0, n = 0; j < 5 && pieces[i][j] > 0; j++) {
                check_ok(kvc_session_prefill(s, text + n, pieces[i][j]));
                n += pieces[i][j];
                look_up(&n, 1);
                check_same(kvc_session_logits(s), logits[n - 1], V);
                check_memory(s, n);
            }
            free(s);
        }
        random_model_free(&model);
    }
}

/* Token by token: each page goes with the very token from which on none reads it. */
static void one_page_at_a_time(void **unused)
{
    (void)unused;
    for (size_t kind = 0; kind < N_KINDS; kind += 3) {
        set_up(kinds[kind].W, kinds[kind].layers, KVC_LLAMA);
        kvc_session *s = random_model_session(&model, S);
        for (size_t n = 1; n <= 150; n++) {
            check_ok(kvc_session_decode(s, text[n - 1]));
            check_memory(s, n);
        }
        look_up((const size_t[]){150}, 1);
        check_same(kvc_session_logits(s), logits[149], V);
        free(s);
        random_model_free(&model);
    }
}

/* The pool of layers with a window holds two windows and a chunk, wherever in a page they
 * begin, and no more however long the text may get; the block is smaller by the rest. */
static void a_session_takes_less(void **unused)
{
    (void)unused;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        const size_t W = kinds[kind].W;
        size_t bytes[2];
        for (size_t i = 0; i < 2; i++) {
            set_up(i == 0 ? (uint32_t)W : S, kinds[kind].layers, KVC_LLAMA);
            kvc_session *s = random_model_session(&model, S);
            const kvc_memory memory = kvc_session_memory(s);
            const size_t layer = memory.bytes_per_token / L, windowed = windowed_layers();
            const size_t most = pages(W + 31) + pages(W + 62);
            const size_t of_windows = i > 0 || most > pages(S) ? pages(S) : most;
            assert_int_equal(memory.cache_bytes,
                             KVC_PAGE * layer *
                                 (pages(S) * (L - windowed) + of_windows * windowed));
            bytes[i] = memory.total_bytes - memory.cache_bytes;
            free(s);
            random_model_free(&model);
        }
        assert_true(bytes[0] <= bytes[1]); /* all else stays, but for a few tables */
        assert_true(bytes[1] - bytes[0] <= 2 * sizeof(uint32_t) * pages(S));
    }
}

/* ---- a pass that is dropped -------------------------------------------------------- */

static kvc_error steps(kvc_session *s, size_t n)
{
    kvc_error error = KVC_PENDING;
    for (size_t i = 0; i < n && error == KVC_PENDING; i++)
        error = kvc_session_step(s);
    return error;
}

/* After each step: all is as before, and goes on as if nothing had been. */
static void dropped_at_every_step(void **unused)
{
    (void)unused;
    enum { BEFORE = 70, T = 130 };
    for (size_t kind = 4; kind < 11; kind += 2) {
        if (!check_share(kind / 2))
            continue;
        set_up(kinds[kind].W, kinds[kind].layers, KVC_LLAMA);
        look_up((const size_t[]){BEFORE, BEFORE + 1, BEFORE + T}, 3);
        for (size_t n = 0;; n++) {
            kvc_session *s = random_model_session(&model, S);
            float weights[2][BEFORE];
            check_ok(kvc_session_prefill(s, text, BEFORE));
            check_ok(kvc_session_attention(s, 1, 0, weights[0]));
            const size_t before = used(s);
            check_ok(kvc_session_begin(s, text + BEFORE, T));
            const kvc_error error = steps(s, n);
            if (error == KVC_OK) {
                check_same(kvc_session_logits(s), logits[BEFORE + T - 1], V);
                free(s);
                break;
            }
            kvc_session_cancel(s);
            assert_int_equal(used(s), before);
            check_memory(s, BEFORE);
            check_same(kvc_session_logits(s), logits[BEFORE - 1], V);
            check_ok(kvc_session_attention(s, 1, 0, weights[1]));
            check_same(weights[1], weights[0], BEFORE);
            if (n % 3 == 0) {
                check_ok(kvc_session_decode(s, text[BEFORE]));
                check_same(kvc_session_logits(s), logits[BEFORE], V);
            } else {
                check_ok(kvc_session_prefill(s, text + BEFORE, T));
                check_same(kvc_session_logits(s), logits[BEFORE + T - 1], V);
            }
            free(s);
        }
        random_model_free(&model);
    }
}

/* ---- what would need them ---------------------------------------------------------- */

/* From n tokens back to every length: as far as the next token's windows are there. */
static void back_to_every_length(void **unused)
{
    (void)unused;
    enum { N = 120 };
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        if (!check_share(kind))
            continue;
        const size_t W = kinds[kind].W;
        set_up(kinds[kind].W, kinds[kind].layers, KVC_LLAMA);
        for (size_t n = N; n <= N + 16; n += 3)
            for (size_t back = 0; back <= n; back++) {
                kvc_session *s = random_model_session(&model, S);
                check_ok(kvc_session_prefill(s, text, n));
                const size_t before = used(s), freed = gone(n);
                const bool there = back == 0 || freed == 0 || back + 1 >= freed + W;
                assert_true(there || back + 17 < n); /* the last ones can always go */
                check_error(kvc_session_truncate(s, back),
                            there ? KVC_OK : KVC_ERR_WINDOW_PASSED);
                if (!there) { /* nothing changed; rewind empties the cache */
                    assert_int_equal(kvc_session_position(s), n);
                    assert_int_equal(used(s), before);
                    assert_non_null(kvc_session_logits(s));
                    check_ok(kvc_session_rewind(s, back));
                    assert_int_equal(kvc_session_position(s), back);
                    assert_int_equal(used(s), 0);
                    back += back % 7; /* not each of them */
                }
                if (!there ? back % 3 == 0 : back % 5 == 0 || back + 20 > n) {
                    const size_t at = kvc_session_position(s);
                    check_ok(kvc_session_prefill(s, text + at, n + 1 - at));
                    look_up((const size_t[]){n + 1}, 1);
                    check_same(kvc_session_logits(s), logits[n], V);
                }
                free(s);
            }
        random_model_free(&model);
    }
}

/* sync goes anywhere: it reuses all, or where windows have passed nothing. */
static void another_text(void **unused)
{
    (void)unused;
    enum { N = 120 };
    for (size_t kind = 0; kind < N_KINDS; kind += 2) {
        if (!check_share(kind / 2))
            continue;
        const size_t W = kinds[kind].W;
        set_up(kinds[kind].W, kinds[kind].layers, KVC_LLAMA);
        for (size_t common = 1; common <= N; common += 1 + common % 4)
            for (size_t longer = 0; longer < 2; longer++) {
                kvc_session *s = random_model_session(&model, S);
                uint32_t other[N + 1];
                size_t reused;
                float want[V];
                check_ok(kvc_session_prefill(s, text, N));
                memcpy(other, text, sizeof other);
                if (longer)
                    other[common] = (other[common] + 1) % V;
                const size_t T = common + longer, row = T - 1; /* the first to compute */
                const bool hit = !longer && common == N;
                const bool there = gone(N) == 0 || row + 1 >= gone(N) + W;
                check_ok(kvc_session_begin_sync(s, other, T, &reused));
                assert_int_equal(reused, hit ? N : there ? row : 0);
                if (common % 2) {
                    kvc_session_cancel(s);
                    assert_int_equal(kvc_session_position(s), common);
                    check_ok(kvc_session_begin_sync(s, other, T, &reused));
                }
                while (kvc_session_step(s) == KVC_PENDING)
                    ;
                random_model_logits(want, &model, other, T);
                check_same(kvc_session_logits(s), want, V);
                free(s);
            }
        random_model_free(&model);
    }
}

/* Rows that are gone can't be read; all others are what another session has. */
static void reading_them(void **unused)
{
    (void)unused;
    enum { N = 100, W = 20, D = 8 };
    set_up(W, 2, KVC_LLAMA);
    kvc_session *s = random_model_session(&model, S);
    float keys[2][N * D], values[2][N * D];
    check_ok(kvc_session_prefill(s, text, N));
    const kvc_cache *cache = kvc_session_cache(s);
    const size_t freed = kvc_cache_freed(cache, 0);
    assert_int_equal(freed, 64);
    assert_int_equal(kvc_cache_freed(cache, 1), 0); /* no such sequence */
    for (size_t layer = 0; layer < L; layer++)
        for (size_t first = 0; first < N; first++) {
            const bool there = layer != 1 || first >= freed;
            check_error(
                kvc_cache_read(cache, 0, layer, 1, first, N - first, keys[0], values[0]),
                there ? KVC_OK : KVC_ERR_WINDOW_PASSED);
            check_ok(kvc_cache_read(cache, 0, layer, 1, first, 0, NULL, NULL));
        }
    kvc_session *early = random_model_session(&model, S);
    check_ok(kvc_session_prefill(early, text, 35));
    check_ok(kvc_cache_read(cache, 0, 0, 1, 0, 35, keys[0], values[0]));
    cache = kvc_session_cache(early);
    check_ok(kvc_cache_read(cache, 0, 0, 1, 0, 35, keys[1], values[1]));
    check_same(keys[0], keys[1], 35 * D);
    check_same(values[0], values[1], 35 * D);
    check_error(kvc_cache_evict(kvc_session_cache(s), 0, 0, 16), KVC_ERR_UNSUPPORTED);
    free(early);
    free(s);
    random_model_free(&model);
}

/* ---- several sequences ------------------------------------------------------------- */

/* A page of two sequences goes with the last one that reads it. */
static void shared_pages(void **unused)
{
    (void)unused;
    enum { W = 20, N = 52 };
    set_up(W, 7, KVC_LLAMA);
    const kvc_session_config sizes = {.capacity = S, 2, KVC_F32, KVC_F32};
    kvc_session *s = random_model_sequences(&model, &sizes);
    const size_t token = kvc_session_memory(s).bytes_per_token;
    check_ok(kvc_session_prefill(s, text, N)); /* slots 16 .. 51 */
    check_ok(kvc_session_fork(s, 0, 1));
    assert_int_equal(used(s), 36 * token);
    check_ok(kvc_session_prefill(s, text + N, 60)); /* slots 64 .. 111 */
    assert_int_equal(kvc_cache_freed(kvc_session_cache(s), 0), 64);
    assert_int_equal(kvc_cache_freed(kvc_session_cache(s), 1), 16);
    assert_int_equal(used(s), (36 + 48) * token);
    check_ok(kvc_session_select(s, 1));
    check_ok(kvc_session_prefill(s, text + N, 60));
    assert_int_equal(used(s), (48 + 48) * token);
    look_up((const size_t[]){112}, 1);
    for (size_t i = 0; i < 2; i++) {
        check_ok(kvc_session_select(s, i));
        check_same(kvc_session_logits(s), logits[111], V);
    }
    check_ok(kvc_session_drop(s, 1));
    assert_int_equal(used(s), 48 * token);
    free(s);
    random_model_free(&model);
}

/* Every sequence as full as it can be, in mid-pass, and each page shared before: there is
 * always a free page to write to. */
static void a_full_pool(void **unused)
{
    (void)unused;
    enum { B = 4, N = 130 };
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        if (!check_share(kind))
            continue;
        set_up(kinds[kind].W, kinds[kind].layers, KVC_LLAMA);
        const kvc_session_config sizes = {.capacity = S, B, KVC_F32, KVC_F32};
        kvc_session *s = random_model_sequences(&model, &sizes);
        look_up((const size_t[]){N + 200}, 1);
        for (size_t n = 0; n < 20; n += 3) {
            kvc_session_reset(s);
            check_ok(kvc_session_select(s, 0));
            check_ok(kvc_session_prefill(s, text, N + n));
            for (size_t b = 1; b < B; b++)
                check_ok(kvc_session_fork(s, 0, b));
            for (size_t b = 0; b < B; b++) {
                check_ok(kvc_session_select(s, b));
                check_ok(kvc_session_prefill(s, text + N + n, 200 - n));
                check_same(kvc_session_logits(s), logits[N + 199], V);
            }
        }
        free(s);
        random_model_free(&model);
    }
}

/* ---- what a listener hears --------------------------------------------------------- */

static void heard(void **unused)
{
    (void)unused;
    enum { W = 20, ROOM = 4000 };
    static kvc_event events[ROOM];
    set_up(W, 5, KVC_LLAMA);
    kvc_session *s = random_model_session(&model, S);
    kvc_cache *cache = kvc_session_cache(s);
    size_t freed = 0, lost;
    kvc_cache_listen(cache, events, ROOM);
    for (size_t n = 0, T = 1; n + T <= S; n += T, T = (T * 7 + 3) % 40 + 1) {
        check_ok(kvc_session_prefill(s, text + n, T));
        const size_t count = kvc_cache_take_events(cache, &lost);
        assert_int_equal(lost, 0);
        for (size_t i = 0; i < count; i++)
            if (events[i].type == KVC_EVENT_FREE) {
                assert_int_equal(i, count - 1); /* once the tokens are history */
                assert_int_equal(events[i].sequence, 0);
                assert_int_equal(events[i].first, freed);
                assert_int_equal(events[i].layer, UINT32_MAX);
                assert_int_equal(events[i].page, UINT32_MAX);
                freed += events[i].count;
            }
        assert_int_equal(freed, kvc_cache_freed(cache, 0));
    }
    assert_true(freed > 300);
    free(s);
    random_model_free(&model);
}

/* ---- saved ------------------------------------------------------------------------- */

static unsigned char *save(kvc_session *s, size_t *bytes)
{
    check_ok(kvc_session_state_bytes(s, bytes));
    unsigned char *state = check_alloc(1, *bytes);
    check_ok(kvc_session_save(s, state, *bytes));
    return state;
}

/* What is gone is not in a state; into sessions of other sizes, and on from there. */
static void saved_and_restored(void **unused)
{
    (void)unused;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        if (!check_share(kind))
            continue;
        set_up(kinds[kind].W, kinds[kind].layers, KVC_LLAMA);
        const size_t lengths[] = {31, 90, 211}, n_lengths = 3;
        look_up((const size_t[]){91, 32, 212}, 3);
        for (size_t i = 0; i < n_lengths; i++) {
            const size_t n = lengths[i];
            size_t bytes, again;
            kvc_session *s = random_model_session(&model, S);
            const kvc_session_config sizes = {.capacity = n + 1, 2, KVC_F32, KVC_F32};
            kvc_session *other = random_model_sequences(&model, &sizes);
            check_ok(kvc_session_prefill(s, text, n));
            unsigned char *state = save(s, &bytes);
            assert_true(bytes < used(s) + 8 * n + 4 * (V + L * 32) + 200);
            check_ok(kvc_session_restore(other, state, bytes));
            check_memory(other, n);
            check_ok(kvc_session_decode(other, text[n]));
            check_same(kvc_session_logits(other), logits[n], V);
            check_ok(kvc_session_restore(s, state, bytes));
            unsigned char *second = save(s, &again);
            assert_int_equal(again, bytes);
            assert_memory_equal(second, state, bytes);
            free(second);
            free(state);
            free(other);
            free(s);
        }
        random_model_free(&model);
    }
}

static void seal(unsigned char *state, size_t n)
{
    const uint64_t sum = kvc_fnv1a(KVC_FNV_START, state, n - 8);
    for (size_t i = 0; i < 8; i++)
        state[n - 8 + i] = (unsigned char)(sum >> 8 * i);
}

static uint32_t *word_at(unsigned char *state, size_t at)
{
    return (uint32_t *)(void *)(state + at); /* little-endian, as the tests' machines */
}

/* Whatever a forged state holds, nothing steps out of line. */
static void use(kvc_session *s)
{
    float weights[S];
    for (size_t i = 0; i < 2; i++) {
        check_ok(kvc_session_select(s, i));
        for (size_t layer = 0; layer < L; layer++)
            kvc_session_attention(s, layer, 0, weights);
        const size_t n = kvc_session_position(s);
        if (n < kvc_session_capacity(s))
            kvc_session_decode(s, 1);
        kvc_session_truncate(s, n / 2);
        kvc_session_truncate(s, n - n / 9);
    }
    check_ok(kvc_session_fork(s, 0, 1));
    check_ok(kvc_session_drop(s, 0));
}

/* Each word that is no number of K and V, with a dozen values. */
static void forged(void **unused)
{
    (void)unused;
    enum { W = 3, N = 40, HEADER = 24 };
    set_up(W, 5, KVC_LLAMA);
    const kvc_session_config sizes = {.capacity = N + 4, 2, KVC_F32, KVC_F32};
    kvc_session *s = random_model_sequences(&model, &sizes);
    check_ok(kvc_session_prefill(s, text, N));
    check_ok(kvc_session_fork(s, 0, 1));
    check_ok(kvc_session_truncate(s, N - 12));
    size_t bytes, again, taken = 0, refused = 0;
    unsigned char *state = save(s, &bytes), *lie = check_alloc(1, bytes);
    const size_t cache =
        bytes - 8 - (kvc_cache_state_bytes(kvc_session_cache(s)) - HEADER - 8);
    assert_int_equal(*word_at(state, cache), L | 1u << 31);
    for (size_t at = HEADER; at + 4 <= bytes - 8; at += 4) {
        const uint32_t was = *word_at(state, at);
        if (was > N + V && at > cache + 32) /* a number: nothing depends on it */
            continue;
        const uint32_t words[] = {0,  1,      2,       3,       4,       N - W - 16, N,
                                  16, 1 << 8, was + 1, was - 1, was ^ 4, UINT32_MAX, L};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            memcpy(lie, state, bytes);
            *word_at(lie, at) = words[i];
            seal(lie, bytes);
            check_ok(kvc_session_restore(s, state, bytes));
            const kvc_error error = kvc_session_restore(s, lie, bytes);
            taken += !error;
            refused += error != KVC_OK;
            if (at == cache) /* before there was a mark: of pages that never went back */
                assert_int_equal(error, KVC_ERR_STATE_FOREIGN);
            if (!error) {
                use(s);
                continue;
            }
            unsigned char *now = save(s, &again);
            assert_int_equal(again, bytes);
            assert_memory_equal(now, state, bytes);
            free(now);
        }
    }
    assert_true(taken > 100 && refused > 100);
    free(lie);
    free(state);
    free(s);
    random_model_free(&model);
}

/* A state of a model whose window is as wide as the text, made to look like one of a
 * narrow window: more pages than its tables have room for. */
static void more_pages_than_there_is_room_for(void **unused)
{
    (void)unused;
    enum { W = 3, N = 200, HEADER = 24 };
    size_t bytes;
    set_up(S, 7, KVC_LLAMA);
    kvc_session *s = random_model_session(&model, S);
    check_ok(kvc_session_prefill(s, text, N));
    unsigned char *state = save(s, &bytes);
    const size_t cache =
        bytes - 8 - (kvc_cache_state_bytes(kvc_session_cache(s)) - HEADER - 8);
    assert_int_equal(*word_at(state, cache + 20), S);
    free(s);
    random_model_free(&model);
    set_up(W, 7, KVC_LLAMA);
    s = random_model_session(&model, S);
    const uint64_t fingerprint = kvc_model_fingerprint(model.packed);
    memcpy(state + 16, &fingerprint, 8);
    *word_at(state, cache + 20) = W;
    seal(state, bytes);
    check_error(kvc_session_restore(s, state, bytes), KVC_ERR_STATE_INVALID);
    check_ok(kvc_session_prefill(s, text, N));
    check_memory(s, N);
    free(state);
    free(s);
    random_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_length),
        cmocka_unit_test(one_page_at_a_time),
        cmocka_unit_test(a_session_takes_less),
        cmocka_unit_test(dropped_at_every_step),
        cmocka_unit_test(back_to_every_length),
        cmocka_unit_test(another_text),
        cmocka_unit_test(reading_them),
        cmocka_unit_test(shared_pages),
        cmocka_unit_test(a_full_pool),
        cmocka_unit_test(heard),
        cmocka_unit_test(saved_and_restored),
        cmocka_unit_test(forged),
        cmocka_unit_test(more_pages_than_there_is_room_for),
    };
    return cmocka_run_group_tests_name("given_back", tests, NULL, NULL);
}
