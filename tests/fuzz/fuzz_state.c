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
    B = 3,
    V = 20,
    MOST_CHANGES = 24,
    HEADER = 24,
    AT_LENGTH = 8
};

static const kvc_config config = {GPT2_SIZES(L, H, C, 6, S, V)};
static random_model model; /* made once, like all that no input changes */

/* ---- states to alter --------------------------------------------------------------- */

typedef struct saved {
    unsigned char *bytes;
    size_t n;
} saved;

/* Three sequences of different lengths, two of which share their beginning. */
static kvc_session *filled_session(const kvc_session_config *sizes)
{
    uint32_t ids[S];
    uint64_t state = 1;
    kvc_session *s = random_model_sequences(&model, sizes);
    random_ids(ids, S, V, &state);
    check_ok(kvc_session_prefill(s, ids, 19));
    check_ok(kvc_session_fork(s, 0, 2));
    check_ok(kvc_session_decode(s, 3));
    check_ok(kvc_session_select(s, 1));
    check_ok(kvc_session_prefill(s, ids, 5));
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

/* Every sequence can go on, be cut and be saved. */
static void check_session_goes_on(kvc_session *s, const kvc_session_config *sizes)
{
    for (size_t i = 0; i < sizes->n_sequence; i++) {
        fuzz_check(!kvc_session_select(s, i));
        const size_t n = kvc_session_position(s);
        fuzz_check(n <= sizes->capacity && kvc_session_cached(s) <= n);
        check_logits(s);
        const kvc_error error = kvc_session_decode(s, 1);
        if (n == sizes->capacity)
            fuzz_check(error == KVC_ERR_CONTEXT_FULL);
        else /* K and V are any numbers, and so may be too large */
            fuzz_check(!error || error == KVC_ERR_NOT_FINITE);
        check_logits(s);
        fuzz_check(!kvc_session_rewind(s, kvc_session_position(s) / 2));
        fuzz_check(!kvc_session_set_cache(s, false));
        if (kvc_session_position(s) < sizes->capacity) /* ids are all in the vocabulary */
            fuzz_check(!kvc_session_decode(s, 2));
        fuzz_check(!kvc_session_set_cache(s, true));
    }
    free(save_session(s).bytes);
}

static void check_same_state(const saved *a, saved b)
{
    fuzz_check(a->n == b.n && memcmp(a->bytes, b.bytes, b.n) == 0);
    free(b.bytes);
}

static void restore_session(fuzz_bytes *in, const kvc_session_config *sizes,
                            const saved *state)
{
    const kvc_session_config other = {.capacity = S - fuzz_below(in, 3) * 10,
                                      B - fuzz_below(in, 2),
                                      sizes->key_type,
                                      sizes->value_type};
    kvc_session *s = random_model_sequences(&model, &other);
    fuzz_check(!kvc_session_decode(s, 4));
    saved before = save_session(s);
    const kvc_error error = kvc_session_restore(s, state->bytes, state->n);
    fuzz_check(!error || error == KVC_ERR_STATE_INVALID ||
               error == KVC_ERR_STATE_FOREIGN || error == KVC_ERR_CONTEXT_FULL);
    if (error)
        check_same_state(&before, save_session(s));
    check_session_goes_on(s, &other);
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
    static const kvc_session_config sizes[] = {{.capacity = S, B, KVC_F32, KVC_F32},
                                               {.capacity = S, B, KVC_I8, KVC_F16}};
    static saved sessions[2], caches[2];
    for (size_t i = 0; i < 2 && !sessions[i].bytes; i++) {
        if (i == 0)
            model = random_model_new(&config, 1);
        kvc_session *s = filled_session(&sizes[i]);
        sessions[i] = save_session(s);
        caches[i] = save_cache(kvc_session_cache(s));
        free(s);
    }
    const size_t i = fuzz_below(&in, 2);
    const bool whole = fuzz_below(&in, 2);
    saved altered = alter(&in, whole ? &sessions[i] : &caches[i]);
    if (whole)
        restore_session(&in, &sizes[i], &altered);
    else
        restore_cache(&sizes[i], &altered);
    free(altered.bytes);
}

FUZZ_TARGET(state)
