/* Saved states from anywhere: real ones altered here and there, or any bytes behind a
 * real header, the length and the checksum put right half of the time so that what lies
 * behind them is reached. What restore refuses leaves everything as it was; what it
 * takes can go on. */
#include <math.h>

#include "base/number.h"
#include "base/state.h"
#include "check.h"
#include "fuzz.h"
#include "random_model.h"

enum {
    L = 2,
    H = 2,
    C = 8,
    S = 40,
    TEXT = 70,
    B = 3,
    V = 20,
    MOST_CHANGES = 24,
    HEADER = 24,
    AT_LENGTH = 8
};

typedef struct saved {
    unsigned char *bytes;
    size_t n;
} saved;

/* A session of three sequences, and what it is as bytes: made once, like all that no
 * input changes. */
typedef struct subject {
    kvc_config config;
    kvc_session_config sizes;
    size_t n_prompt;
    random_model model;
    saved session, cache;
} subject;

#define TURNS(ARCH)                                                                      \
    .config = {.arch = ARCH, KIN_SIZES(L, H, 1, 4, C, 6, S, V), .rope_factor = 1.0f}
#define SIZES(...) .sizes = {.capacity = S, .n_sequence = B, __VA_ARGS__}
static subject subjects[] = {
    {.config = {GPT2_SIZES(L, H, C, 6, S, V)}, SIZES(.sinks = 0), .n_prompt = 19},
    {.config = {GPT2_SIZES(L, H, C, 6, S, V)},
     SIZES(.key_type = KVC_I8, .value_type = KVC_F16),
     .n_prompt = 19},
    {TURNS(KVC_LLAMA), SIZES(.when_full = KVC_SLIDE, .sinks = 16, .text_capacity = TEXT),
     .n_prompt = 57},
    {TURNS(KVC_QWEN3),
     SIZES(.key_type = KVC_I4, .value_type = KVC_I8, .when_full = KVC_SLIDE,
           .text_capacity = TEXT, .policy = KVC_LEAST_SEEN, .recent = 9),
     .n_prompt = 43},
    {TURNS(KVC_LLAMA), SIZES(.when_full = KVC_EVICT, .text_capacity = TEXT),
     .n_prompt = 33},
    {.config = {.arch = KVC_T5, T5_SIZES(L, 1, H, 4, C, 6, S, V)},
     SIZES(.source_capacity = 20),
     .n_prompt = 19},
    {.config = {.arch = KVC_MARIAN, BART_SIZES(1, L, H, 4, 6, S, V)},
     SIZES(.key_type = KVC_F16, .source_capacity = 20),
     .n_prompt = 3},
};

/* ---- states to alter --------------------------------------------------------------- */

static bool moves(const subject *of)
{
    return of->sizes.when_full != KVC_STOP;
}

/* Three sequences of different lengths, two of which share their beginning; where slots
 * move, some of the third's are gone. */
static kvc_session *filled_session(const subject *of)
{
    uint32_t ids[TEXT];
    uint64_t state = 1;
    kvc_session *s = random_model_sequences(&of->model, &of->sizes);
    random_ids(ids, TEXT, V, &state);
    if (of->sizes.source_capacity > 0)
        check_ok(kvc_session_set_source(s, ids, 18));
    check_ok(kvc_session_prefill(s, ids, of->n_prompt));
    check_ok(kvc_session_fork(s, 0, 2));
    check_ok(kvc_session_decode(s, 3));
    check_ok(kvc_session_select(s, 1));
    check_ok(kvc_session_prefill(s, ids, 5));
    if (moves(of)) {
        check_ok(kvc_session_select(s, 2));
        check_ok(kvc_session_evict(s, 3, 8));
    }
    return s;
}

static saved save_session(kvc_session *s)
{
    saved to;
    check_ok(kvc_session_state_bytes(s, &to.n));
    to.bytes = check_alloc(1, to.n);
    check_ok(kvc_session_save(s, to.bytes, to.n));
    return to;
}

static saved save_cache(const kvc_cache *cache)
{
    saved to = {.n = kvc_cache_state_bytes(cache)};
    to.bytes = check_alloc(1, to.n);
    check_ok(kvc_cache_save(cache, 7, to.bytes, to.n));
    return to;
}

static void put_u64(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

/* A state of its own block, whose end AddressSanitizer watches. */
static saved alter(fuzz_bytes *in, const saved *from)
{
    const bool anything = fuzz_below(in, 8) == 0, put_right = fuzz_below(in, 2);
    const size_t cut = fuzz_below(in, 4) ? 0 : fuzz_below(in, (size_t)1 << 16) % from->n;
    saved to = {.n = anything ? HEADER + in->left : from->n - cut};
    to.bytes = check_alloc(1, to.n + 1);
    memcpy(to.bytes, from->bytes, anything ? HEADER : to.n);
    if (anything)
        fuzz_copy(in, to.bytes + HEADER, in->left);
    for (size_t i = 0; i < MOST_CHANGES && in->left > 0 && to.n > 0; i++) {
        const size_t at = fuzz_below(in, 4) ? fuzz_below(in, 256) : fuzz_below(in, 65536);
        to.bytes[at % to.n] = fuzz_byte(in);
    }
    if (put_right && to.n >= 32) {
        put_u64(to.bytes + AT_LENGTH, to.n);
        put_u64(to.bytes + to.n - 8, kvc_fnv1a(KVC_FNV_START, to.bytes, to.n - 8));
    }
    return to;
}

/* ---- what must hold ---------------------------------------------------------------- */

static void check_logits(const kvc_session *s)
{
    const float *logits = kvc_session_logits(s);
    for (size_t i = 0; logits && i < V; i++)
        fuzz_check(isfinite(logits[i]));
}

/* K and V are any numbers, and so may be too large; what was evicted is gone. */
static void check_goes_on(const kvc_session *s, const subject *of, kvc_error error)
{
    const size_t source = kvc_session_source_length(s);
    if (of->sizes.source_capacity > 0 && source == 0)
        fuzz_check(error == KVC_ERR_NO_SOURCE || error == KVC_ERR_CONTEXT_FULL);
    else
        fuzz_check(!error || error == KVC_ERR_NOT_FINITE ||
                   (moves(of) && error == KVC_ERR_WINDOW_PASSED) ||
                   (moves(of) && error == KVC_ERR_CONTEXT_FULL));
}

/* Whatever it finds, it stays within its memory. */
static void look_inside(const kvc_session *s, const subject *of)
{
    uint32_t tokens[S], places[S];
    float weights[TEXT];
    const kvc_cache *cache = kvc_session_cache(s);
    const size_t b = kvc_session_selected(s);
    fuzz_check(kvc_cache_length(cache, b) <= kvc_session_capacity(s));
    fuzz_check(!kvc_session_held(s, tokens, places));
    for (size_t i = 0; i < kvc_cache_length(cache, b); i++)
        fuzz_check(places[i] < S); /* of tokens, whatever a forger says */
    kvc_session_attention(s, of->config.n_layer - 1, 1, weights);
    kvc_session_cross_attention(s, 0, 1, weights);
    kvc_cache_importance(cache, b, weights);
}

/* Every sequence can go on, be cut and be saved. */
static void check_session_goes_on(kvc_session *s, const subject *of,
                                  const kvc_session_config *sizes)
{
    const size_t most = sizes->text_capacity ? sizes->text_capacity : sizes->capacity;
    for (size_t i = 0; i < sizes->n_sequence; i++) {
        fuzz_check(!kvc_session_select(s, i));
        const size_t n = kvc_session_position(s);
        fuzz_check(n <= most && kvc_session_cached(s) <= n);
        check_logits(s);
        look_inside(s, of);
        const kvc_error error = kvc_session_decode(s, 1);
        if (n == most)
            fuzz_check(error == KVC_ERR_CONTEXT_FULL);
        else
            check_goes_on(s, of, error);
        check_logits(s);
        look_inside(s, of);
        fuzz_check(!kvc_session_rewind(s, kvc_session_position(s) / 2));
        fuzz_check(!kvc_session_set_cache(s, false));
        if (kvc_session_position(s) < most) {
            const kvc_error again = kvc_session_decode(s, 2);
            if (moves(of) || sizes->source_capacity > 0)
                check_goes_on(s, of, again);
            else /* ids are all in the vocabulary */
                fuzz_check(!again);
        }
        fuzz_check(!kvc_session_set_cache(s, true));
    }
    free(save_session(s).bytes);
}

static void check_same_state(const saved *a, saved b)
{
    fuzz_check(a->n == b.n && memcmp(a->bytes, b.bytes, b.n) == 0);
    free(b.bytes);
}

/* Into a session of the same kind, or of less room, other sinks, or none. */
static kvc_session_config other_sizes(fuzz_bytes *in, const subject *of)
{
    kvc_session_config other = of->sizes;
    const size_t less = fuzz_below(in, 3);
    other.n_sequence -= fuzz_below(in, 2);
    if (of->sizes.source_capacity > 0)
        other.source_capacity -= 3 * fuzz_below(in, 2);
    if (other.when_full != KVC_SLIDE)
        other.capacity -= less * 10;
    else if (less == 1)
        other.sinks = KVC_PAGE - other.sinks;
    else if (less == 2)
        other = (kvc_session_config){.capacity = S,
                                     .n_sequence = other.n_sequence,
                                     .key_type = other.key_type,
                                     .value_type = other.value_type};
    if (other.policy && other.sinks > 0)
        other.recent = 0;
    return other;
}

static void restore_session(fuzz_bytes *in, const subject *of, const saved *state)
{
    const kvc_session_config other = other_sizes(in, of);
    kvc_session *s = random_model_sequences(&of->model, &other);
    if (of->sizes.source_capacity > 0)
        fuzz_check(!kvc_session_set_source(s, (uint32_t[]){2, 1}, 2));
    fuzz_check(!kvc_session_decode(s, 4));
    saved before = save_session(s);
    const kvc_error error = kvc_session_restore(s, state->bytes, state->n);
    fuzz_check(!error || error == KVC_ERR_STATE_INVALID ||
               error == KVC_ERR_STATE_FOREIGN || error == KVC_ERR_CONTEXT_FULL ||
               error == KVC_ERR_SOURCE_TOO_LONG || error == KVC_ERR_UNSUPPORTED);
    if (error)
        check_same_state(&before, save_session(s));
    check_session_goes_on(s, of, &other);
    free(before.bytes);
    free(s);
}

static void restore_cache(const kvc_session_config *sizes, const saved *state)
{
    static const float row[C] = {1.0f, -1.0f};
    kvc_cache *cache =
        check_cache_of(B, L, H, S, C / H, sizes->key_type, sizes->value_type);
    check_ok(kvc_cache_append(cache, 1, 0, 1, row, row, C));
    check_ok(kvc_cache_advance(cache, 1, 1));
    saved before = save_cache(cache);
    const kvc_error error = kvc_cache_restore(cache, 7, state->bytes, state->n);
    fuzz_check(!error || error == KVC_ERR_STATE_INVALID ||
               error == KVC_ERR_STATE_FOREIGN || error == KVC_ERR_CACHE_FULL);
    if (error)
        check_same_state(&before, save_cache(cache));
    for (size_t b = 0; b < B; b++) {
        float k[S * C], v[S * C];
        const size_t n = kvc_cache_length(cache, b);
        fuzz_check(n <= S);
        for (size_t layer = 0; layer < L; layer++)
            fuzz_check(!kvc_cache_read(cache, b, layer, H - 1, 0, n, k, v));
        if (n < S) {
            fuzz_check(!kvc_cache_append(cache, b, L - 1, 1, row, row, C));
            fuzz_check(!kvc_cache_advance(cache, b, 1));
        }
        fuzz_check(!kvc_cache_fork(cache, b, (b + 1) % B));
        fuzz_check(!kvc_cache_truncate(cache, b, n / 2));
    }
    free(save_cache(cache).bytes);
    free(before.bytes);
    free(cache);
}

static void state(fuzz_bytes in)
{
    enum { SUBJECTS = sizeof subjects / sizeof *subjects, PLAIN = 2 };
    for (size_t i = 0; i < SUBJECTS && !subjects[i].session.bytes; i++) {
        subjects[i].model = random_model_new(&subjects[i].config, 1);
        kvc_session *s = filled_session(&subjects[i]);
        subjects[i].session = save_session(s);
        if (i < PLAIN)
            subjects[i].cache = save_cache(kvc_session_cache(s));
        free(s);
    }
    const size_t i = fuzz_below(&in, SUBJECTS);
    const bool whole = fuzz_below(&in, 2) || i >= PLAIN;
    saved altered = alter(&in, whole ? &subjects[i].session : &subjects[i].cache);
    if (whole)
        restore_session(&in, &subjects[i], &altered);
    else
        restore_cache(&subjects[i].sizes, &altered);
    free(altered.bytes);
}

FUZZ_TARGET(state)
