/* wasm_session.c - the flat ABI: the session. Numbers that go in lie in input; what comes
 * out is in the mailbox, in scores, or in memory that the caller allocated. */
#include "wasm/wasm.h"

/* One block: this, input, scores, a generator for each sequence, the kvc_session. */
typedef struct wasm_session {
    kvc_session *session;
    uint64_t *rngs;  /* [n_sequence] */
    uint32_t *input; /* [max(capacity + 1, 2 n_sequence)] */
    float *scores;   /* [capacity] */
    size_t bytes;    /* of the block */
} wasm_session;

/* What lies before the kvc_session; block: NULL while asking for the bytes. */
static size_t layout_front(wasm_session *handle, unsigned char *block,
                           const kvc_session_config *config)
{
    const size_t S = config->capacity, n = config->n_sequence;
    kvc_arena arena = {.base = block};
    wasm_session *front = kvc_take(&arena, 1, sizeof *front);
    handle->rngs = kvc_take(&arena, n, sizeof *handle->rngs);
    handle->input = kvc_take(&arena, S + 1 > 2 * n ? S + 1 : 2 * n, sizeof(uint32_t));
    handle->scores = kvc_take(&arena, S, sizeof *handle->scores);
    return arena.overflow ? SIZE_MAX : arena.used;
}

/* mailbox.words[0]: the handle; words[1]: the bytes that the session takes, if that is
 * known */
kvc_error EXPORT(kvc_wasm_session_new)(kvc_model *model, size_t capacity,
                                       size_t n_sequence, kvc_dtype key_type,
                                       kvc_dtype value_type)
{
    const kvc_session_config config = {capacity, n_sequence, key_type, value_type};
    wasm_session front = {0};
    size_t bytes;
    kvc_error error = kvc_session_bytes(model, &config, &bytes);
    if (error)
        return error;
    const size_t start = layout_front(&front, NULL, &config);
    if (bytes > SIZE_MAX - start)
        return KVC_ERR_OUT_OF_MEMORY;
    mailbox.words[1] = front.bytes = start + bytes;
    unsigned char *block = kvc_wasm_allocate(front.bytes);
    if (!block)
        return KVC_ERR_OUT_OF_MEMORY;
    layout_front(&front, block, &config);
    error = kvc_session_init(&front.session, model, &config, block + start, bytes);
    if (error) {
        free(block);
        return error;
    }
    wasm_session *handle = (wasm_session *)(void *)block;
    *handle = front;
    mailbox.words[0] = (uint32_t)handle;
    return KVC_OK;
}

void EXPORT(kvc_wasm_session_free)(wasm_session *handle)
{
    free(handle);
}

uint32_t *EXPORT(kvc_wasm_session_input)(wasm_session *handle)
{
    return handle->input;
}

/* ---- passes ------------------------------------------------------------------------ */

/* input[0 .. T-1]: the ids */
kvc_error EXPORT(kvc_wasm_session_begin)(wasm_session *handle, size_t T)
{
    return kvc_session_begin(handle->session, handle->input, T);
}

/* input[0 .. T-1]: the ids; mailbox.words[0]: how many of them are reused */
kvc_error EXPORT(kvc_wasm_session_begin_sync)(wasm_session *handle, size_t T)
{
    size_t reused = 0;
    const kvc_error error =
        kvc_session_begin_sync(handle->session, handle->input, T, &reused);
    mailbox.words[0] = reused;
    return error;
}

/* input[0 .. n-1]: the ids; input[n .. 2n-1]: their sequences */
kvc_error EXPORT(kvc_wasm_session_begin_batch)(wasm_session *handle, size_t n)
{
    return kvc_session_begin_batch(handle->session, handle->input + n, handle->input, n);
}

/* input[0 .. T-1]: the ids; once step returns KVC_OK, scores[0 .. T-2]: their
 * log-probabilities */
kvc_error EXPORT(kvc_wasm_session_begin_score)(wasm_session *handle, size_t T)
{
    return kvc_session_begin_score(handle->session, handle->input, T, handle->scores);
}

float *EXPORT(kvc_wasm_session_scores)(wasm_session *handle)
{
    return handle->scores;
}

kvc_error EXPORT(kvc_wasm_session_step)(wasm_session *handle)
{
    return kvc_session_step(handle->session);
}

void EXPORT(kvc_wasm_session_cancel)(wasm_session *handle)
{
    kvc_session_cancel(handle->session);
}

const float *EXPORT(kvc_wasm_session_logits)(wasm_session *handle)
{
    return kvc_session_logits(handle->session);
}

uint64_t EXPORT(kvc_wasm_session_logits_hash)(wasm_session *handle)
{
    return kvc_session_logits_hash(handle->session);
}

void EXPORT(kvc_wasm_session_seed)(wasm_session *handle, size_t sequence, uint64_t seed)
{
    handle->rngs[sequence] = seed;
}

/* mailbox.words[0]: the id, drawn from those below n_ids */
kvc_error EXPORT(kvc_wasm_session_sample)(wasm_session *handle, float temperature,
                                          uint32_t top_k, float top_p, float min_p,
                                          float repetition_penalty, size_t n_ids)
{
    const kvc_sampling sampling = {temperature, top_k, top_p, min_p, repetition_penalty};
    uint64_t *rng = &handle->rngs[kvc_session_selected(handle->session)];
    return kvc_session_sample(handle->session, &sampling, rng, n_ids, mailbox.words);
}

/* ids, log_probs: [k] */
kvc_error EXPORT(kvc_wasm_session_top)(wasm_session *handle, size_t n_ids, size_t k,
                                       uint32_t *ids, float *log_probs)
{
    return kvc_session_top(handle->session, n_ids, k, ids, log_probs);
}

/* ---- timelines --------------------------------------------------------------------- */

size_t EXPORT(kvc_wasm_session_position)(wasm_session *handle)
{
    return kvc_session_position(handle->session);
}

size_t EXPORT(kvc_wasm_session_cached)(wasm_session *handle)
{
    return kvc_session_cached(handle->session);
}

kvc_error EXPORT(kvc_wasm_session_set_cache)(wasm_session *handle, bool use_cache)
{
    return kvc_session_set_cache(handle->session, use_cache);
}

kvc_error EXPORT(kvc_wasm_session_truncate)(wasm_session *handle, size_t n)
{
    return kvc_session_truncate(handle->session, n);
}

kvc_error EXPORT(kvc_wasm_session_evict)(wasm_session *handle, size_t first, size_t n)
{
    return kvc_session_evict(handle->session, first, n);
}

void EXPORT(kvc_wasm_session_reset)(wasm_session *handle)
{
    kvc_session_reset(handle->session);
}

size_t EXPORT(kvc_wasm_session_selected)(wasm_session *handle)
{
    return kvc_session_selected(handle->session);
}

kvc_error EXPORT(kvc_wasm_session_select)(wasm_session *handle, size_t sequence)
{
    return kvc_session_select(handle->session, sequence);
}

kvc_error EXPORT(kvc_wasm_session_fork)(wasm_session *handle, size_t from, size_t to)
{
    return kvc_session_fork(handle->session, from, to);
}

/* input[0 .. n_sequence-1]: from */
kvc_error EXPORT(kvc_wasm_session_reorder)(wasm_session *handle)
{
    return kvc_session_reorder(handle->session, handle->input);
}

kvc_error EXPORT(kvc_wasm_session_drop)(wasm_session *handle, size_t sequence)
{
    return kvc_session_drop(handle->session, sequence);
}

kvc_error EXPORT(kvc_wasm_session_keep)(wasm_session *handle, size_t sequence)
{
    return kvc_session_keep(handle->session, sequence);
}

/* ---- the state as bytes ------------------------------------------------------------ */

/* mailbox.words[0]: the bytes */
kvc_error EXPORT(kvc_wasm_session_state_bytes)(wasm_session *handle)
{
    size_t bytes = 0;
    const kvc_error error = kvc_session_state_bytes(handle->session, &bytes);
    mailbox.words[0] = bytes;
    return error;
}

kvc_error EXPORT(kvc_wasm_session_save)(wasm_session *handle, void *state, size_t bytes)
{
    return kvc_session_save(handle->session, state, bytes);
}

kvc_error EXPORT(kvc_wasm_session_restore)(wasm_session *handle, const void *state,
                                           size_t bytes)
{
    return kvc_session_restore(handle->session, state, bytes);
}

/* ---- looking inside ---------------------------------------------------------------- */

/* For wasm_cache.c */
kvc_cache *EXPORT(kvc_wasm_session_cache)(wasm_session *handle)
{
    return kvc_session_cache(handle->session);
}

/* weights: [position] */
kvc_error EXPORT(kvc_wasm_session_attention)(wasm_session *handle, size_t layer,
                                             size_t head, float *weights)
{
    return kvc_session_attention(handle->session, layer, head, weights);
}

/* mailbox.words: bytes of the block, of the cache, of its used part, saved by sharing, of
 * one token in it */
void EXPORT(kvc_wasm_session_memory)(wasm_session *handle)
{
    const kvc_memory m = kvc_session_memory(handle->session);
    const kvc_cache_memory c = kvc_cache_get_memory(kvc_session_cache(handle->session));
    const uint32_t words[] = {handle->bytes, m.cache_bytes, m.used_bytes, c.shared_bytes,
                              m.bytes_per_token};
    memcpy(mailbox.words, words, sizeof words);
}

/* mailbox.longs: as in kvc_counts */
void EXPORT(kvc_wasm_session_counts)(wasm_session *handle)
{
    const kvc_counts c = kvc_session_counts(handle->session);
    const uint64_t longs[] = {c.projection_macs,  c.attention_macs,
                              c.head_macs,        c.weight_bytes,
                              c.cache_bytes_read, c.cache_bytes_written};
    memcpy(mailbox.longs, longs, sizeof longs);
}

void EXPORT(kvc_wasm_session_clear_counts)(wasm_session *handle)
{
    kvc_session_clear_counts(handle->session);
}
